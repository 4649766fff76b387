/* Questions of any type, many at once: to the resolver that the configuration names, or straight
 * to one name server or resolver, by UDP or TCP.
 *
 * A server is asked six times before it counts as silent. A reply counts only with the id, the
 * opcode and the question that were sent (RFC 5452 9.1). All on the caller's thread.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_ASK_H
#define IPREV_SENDER_ASK_H

#include "dns/options.h"
#include "value/checked.h"

#include <stdio.h>

/* All that four names take (a host and its PTR record, IPv4 and IPv6), at 16 servers of each zone,
 * by UDP and TCP: what waited for the end of a silent server would not get its turn in time. */
#define ASK_AT_ONCE   128
#define ASK_TRIES     6
#define ASK_SERVER_MS 6000 /* for all tries at servers: they take 4.8 s, more on a busy machine */

enum ask_way { ASK_RESOLVER, ASK_UDP, ASK_TCP };

enum ask_end {
    ASK_NOT_ASKED,   /* time was up before its turn */
    ASK_SILENT,      /* asked, and not heard */
    ASK_ANSWERED,    /* msg */
    ASK_CLOSED,      /* nothing listens there */
    ASK_UNREACHABLE, /* this machine has no route to it */
    ASK_FAILED,      /* the resolver has no answer (SERVFAIL) */
    ASK_BOGUS        /* DNSSEC validation failed */
};

struct ask {
    struct dname name;
    uint16_t type;
    enum ask_way way;
    struct addr server; /* unless ASK_RESOLVER */
    uint16_t port;      /* of it; 0: 53 */
    bool recurse;       /* it is a resolver */
    bool unchecked;     /* which is not to validate (CD) */
    /* out */
    enum ask_end end;
    uint8_t *msg; /* to be freed */
    size_t len;   /* at least 12 */
};

struct asker;

/* NULL, with the reason on standard error, when no resolver can start. */
MUST_CHECK struct asker *asker_new(const struct resolver_settings *s);
void asker_free(struct asker *a);

/* Asks all and returns when each has ended, at the latest after so many milliseconds. */
void asker_run(struct asker *a, struct ask *list, size_t n, unsigned ms);

#endif
