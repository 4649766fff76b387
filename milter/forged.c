/* The header fields that only we may write: see forged.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/forged.h"

#include "outcome/authres.h"
#include "value/ascii.h"

#include <stdlib.h>
#include <string.h>

static void mark(struct forged *f, unsigned n)
{
    if (f->n++ == 0)
        f->bits = calloc(1, FORGED_MAX / 8);
    if (f->bits != NULL && n <= FORGED_MAX)
        f->bits[(n - 1) / 8] |= (uint8_t)(1u << (n - 1) % 8);
}

void forged_see(struct forged *f, const char *name, const char *value, const char *id)
{
    size_t n = strlen(name);

    if (ascii_is_word(name, n, "x-iprev")) {
        f->x_iprev++;
    } else if (ascii_is_word(name, n, "authentication-results")) {
        f->authres++;
        if (authres_claim(value, strlen(value), id) != AUTHRES_OTHER)
            mark(f, f->authres);
    }
}

bool forged_is(const struct forged *f, unsigned n)
{
    if (f->n == 0 || n == 0 || n > f->authres)
        return false;
    if (f->bits == NULL || n > FORGED_MAX)
        return true; /* cannot tell: rather none than a forged one */
    return (f->bits[(n - 1) / 8] >> (n - 1) % 8 & 1) != 0;
}

void forged_reset(struct forged *f)
{
    free(f->bits);
    memset(f, 0, sizeof *f);
}
