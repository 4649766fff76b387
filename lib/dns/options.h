/* What the resolver is given: its settings, and who is told of each question.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_DNS_OPTIONS_H
#define IPREV_DNS_OPTIONS_H

#include "value/answer.h"

/* What the configuration says about asking DNS. */
struct resolver_settings {
    size_t forwards;            /* 0: resolv.conf of the system */
    char **forward;             /* "ADDRESS" or "ADDRESS@PORT" */
    const char *system;         /* then these, spaces between; NULL: those of resolv.conf */
    bool root;                  /* forward = ["root"]: recurse from the root */
    char *trust_anchor;         /* file, or NULL */
    char *zone;                 /* file, or NULL */
    bool whole_ttl;             /* TTLs as servers tell them, however long */
    unsigned deadline_ms;       /* 100 to 9000 */
    unsigned relay_deadline_ms; /* 100 to 9000 */
    bool helo;
    unsigned threads;      /* 1 to 64 */
    unsigned max_inflight; /* 10 to 100000 questions */
    unsigned cache;        /* 0 to 10000000 clients */
};

/* One finished DNS question, for people. Called on a resolver thread. */
struct resolver_trace {
    void (*question)(void *arg, const struct dname *name, enum rrtype type,
                     const struct answer *answer, unsigned ms);
    void *arg;
};

#endif
