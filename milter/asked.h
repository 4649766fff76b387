/* A lookup that a session has asked for, and what it cost its client.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_ASKED_H
#define IPREV_ASKED_H

#include "dns/resolver.h"
#include "outcome/record.h"

/* All zero: nothing was asked. */
struct asked {
    struct lookup *lookup;
    int64_t deadline; /* of the monotonic clock, ms */
    bool remembered;  /* it was done before, and so cost nothing */
    bool told;        /* what it cost is in the log */
};

void asked_drop(struct asked *a);

/* It was asked for, and has its result. */
bool asked_done(const struct asked *a);

/* DNS questions it took; most, while it is under way. */
unsigned asked_questions(const struct asked *a, unsigned most);

/* Adds its cost to the log line of a message, once: a further message of the connection
 * costs nothing more. */
void asked_tell(struct asked *a, struct record_log *log);

#endif
