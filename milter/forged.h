/* The header fields of a message that only we may write: which of them to remove.
 *
 * Authentication-Results fields are numbered from 1 as they come; a forged one is marked.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_FORGED_H
#define IPREV_FORGED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORGED_MAX 8192 /* Authentication-Results fields told apart in a message */

/* All zero: none seen. */
struct forged {
    unsigned authres, x_iprev; /* fields seen */
    unsigned n;                /* of authres */
    uint8_t *bits;             /* FORGED_MAX bits, or NULL: then all are when n > 0 */
};

/* Takes the next field of the message. id: our authserv-id. */
void forged_see(struct forged *f, const char *name, const char *value, const char *id);

/* Is the n-th Authentication-Results field forged? */
bool forged_is(const struct forged *f, unsigned n);

void forged_reset(struct forged *f);

#endif
