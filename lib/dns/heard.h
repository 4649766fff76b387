/* What a failure of libunbound means: an error that a server sent, or silence.
 *
 * libunbound gives the same failure for all that goes wrong, and for five seconds repeats it
 * from its cache as if a server had said SERVFAIL. Whether anybody answered at all decides
 * between DNS_SERVFAIL and DNS_TIMEOUT.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_DNS_HEARD_H
#define IPREV_DNS_HEARD_H

#include "value/answer.h"

#define SILENCE_SLOTS 256

/* The questions that nobody answered lately, by their hash; all zero at first. */
struct silence {
    struct hash_key key;
    struct {
        uint64_t question;
        int64_t until; /* ms of the clock */
    } slot[SILENCE_SLOTS];
};

/* The arguments of the callback, and what we asked. */
struct heard {
    const struct dname *name;
    enum rrtype type;
    int rcode, len;
    const uint8_t *packet; /* may be NULL; with a failure, the last contents of the buffer */
    int64_t asked, now;    /* ms of the clock */
};

/* a: what was read of the reply. ANSWER_SERVFAIL becomes ANSWER_TIMEOUT when nobody answered. */
void heard_failure(struct answer *a, const struct heard *r, struct silence *s);

#endif
