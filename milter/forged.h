/* The header fields of a message that only we may write: which of them to remove.
 *
 * X-IPRev and Authentication-Results fields are each numbered from 1 as they come. Each
 * removal makes Postfix read all fields above it again, and more than 10,000 kill it: so
 * the removals of a message are bounded, in number and in depth. What is beyond the bound
 * stays; the fields taken are the topmost ones. Measured with Postfix 3.7 and 3.10, seconds
 * of cleanup: 500 fields at the top 0.01, below 8,192 others 0.15, below 100,000 1.5;
 * 9,000 at the top 2. Sendmail takes 32 KiB of header and stays below 0.05.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_FORGED_H
#define IPREV_FORGED_H

#include "judge/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORGED_MAX   500  /* fields removed from a message */
#define FORGED_DEPTH 8192 /* they are among so many topmost fields of it */

/* All zero: none seen. */
struct forged {
    unsigned fields;  /* of any name, seen */
    unsigned authres; /* of them, Authentication-Results */
    unsigned x_iprev; /* to remove: the topmost ones */
    unsigned marked;  /* of authres, to remove */
    bool over;        /* there are more than may be removed */
    uint8_t *bits;    /* FORGED_DEPTH bits, or NULL: the topmost are when marked > 0 */
};

/* Takes the next field of the message. id: our authserv-id. */
void forged_see(struct forged *f, const char *name, const char *value, const char *id);

/* Is the n-th Authentication-Results field to be removed? */
bool forged_is(const struct forged *f, unsigned n);

/* At the end of the message, which came from this client or relay. Over the bound, a
 * warning is logged, and the message is refused when its client is checked: then true, with
 * the reply. The others are trusted, or would send a bounce. */
bool forged_refuses(const struct forged *f, const struct addr *client, bool checked,
                    struct reply *out);

void forged_reset(struct forged *f);

#endif
