/* The header fields that only we may write: see forged.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/forged.h"

#include "milter/log.h"
#include "outcome/authres.h"
#include "value/ascii.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* May the field just seen be removed? None below one that may not. */
static bool take(struct forged *f)
{
    if (f->fields > FORGED_DEPTH || f->x_iprev + f->marked >= FORGED_MAX)
        f->over = true;
    return !f->over;
}

static void mark(struct forged *f, unsigned n)
{
    if (f->marked++ == 0)
        f->bits = calloc(1, FORGED_DEPTH / 8);
    if (f->bits != NULL)
        f->bits[(n - 1) / 8] |= (uint8_t)(1u << (n - 1) % 8);
}

/* RFC 5322 4.5.3: space may precede the colon. */
static size_t name_length(const char *name)
{
    size_t n = strlen(name);

    while (n > 0 && (name[n - 1] == ' ' || name[n - 1] == '\t'))
        n--;
    return n;
}

void forged_see(struct forged *f, const char *name, const char *value, const char *id)
{
    size_t n = name_length(name);

    f->fields++;
    if (ascii_is_word(name, n, "x-iprev")) {
        f->x_iprev += take(f);
    } else if (ascii_is_word(name, n, "authentication-results")) {
        f->authres++;
        if (authres_claim(value, strlen(value), id) != AUTHRES_OTHER && take(f))
            mark(f, f->authres);
    }
}

bool forged_is(const struct forged *f, unsigned n)
{
    if (f->marked == 0 || n == 0 || n > f->authres || n > FORGED_DEPTH)
        return false;
    if (f->bits == NULL)
        return n <= FORGED_MAX; /* cannot tell: rather too many */
    return (f->bits[(n - 1) / 8] >> (n - 1) % 8 & 1) != 0;
}

static void tell(const struct addr *client, bool refused)
{
    log_line(LOG_WARNING,
             "a message from %s has more than %d forged X-IPRev and Authentication-Results "
             "fields, or one below %d other fields: %s",
             client->family != ADDR_NONE ? ADDR_TEXT(client) : "a local program", FORGED_MAX,
             FORGED_DEPTH, refused ? "refused" : "only the topmost ones are removed");
}

bool forged_refuses(const struct forged *f, const struct addr *client, bool checked,
                    struct reply *out)
{
    static const struct reply reply = {
        .code = 554,
        .xcode = "5.6.0",
        .text = "Too many X-IPRev header fields, or Authentication-Results header fields "
                "in the name of this server",
    };

    if (!f->over)
        return false;
    tell(client, checked);
    *out = reply;
    return checked;
}

void forged_reset(struct forged *f)
{
    free(f->bits);
    memset(f, 0, sizeof *f);
}
