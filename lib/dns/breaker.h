/* When no name server answers at all: say so at once, and find out when one is back.
 *
 * A silent or failing zone is no reason; only silence of everything, the breaker's own
 * question included, is. While the breaker is open a lookup ends as DNS_TIMEOUT without a
 * question, so a dead resolver costs each client nothing instead of the whole deadline.
 * Once a second a lookup goes through all the same: a server may answer for hosts and be
 * silent about the breaker's own question. Everything but breaker_is_open runs on the
 * thread of the context.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_DNS_BREAKER_H
#define IPREV_DNS_BREAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ub_ctx;

/* All zero but for the context, which the owner sets. */
struct breaker {
    struct ub_ctx *ctx;
    atomic_bool open;
    unsigned unanswered; /* questions since the last answer */
    int64_t since;       /* when the first of them went out */
    unsigned probes;     /* our own questions under way */
    bool probed;         /* one went out since the last answer */
    int64_t admitted;    /* when a lookup was last let through although it is open */
    int64_t closed;      /* when it last closed: an older question says nothing of now */
    bool asking;         /* answers that come now are libunbound's own, and do not count */
};

/* Asks libunbound by ub_resolve_event, and returns what it does. Answers from its cache come
 * back within the call: they do not count as a server's. */
int breaker_ask(struct breaker *b, const char *name, int type, void *arg,
                void (*reply)(void *, int, void *, int, int, char *, int));

/* A question goes out. */
void breaker_asked(struct breaker *b);

/* It came back. answered: a server replied, even if only to say that the name does not exist;
 * libunbound has the same SERVFAIL for a server that says so and for one that is silent. */
void breaker_reply(struct breaker *b, bool answered);

/* Once a second: opens the breaker when at least ten questions and three seconds have
 * brought no answer, and asks about a name that cannot be cached, to see it close. */
void breaker_beat(struct breaker *b);

/* On any thread. */
bool breaker_is_open(const struct breaker *b);

/* May a lookup go through? Always while it is closed, else one a second. */
bool breaker_admits(struct breaker *b);

#endif
