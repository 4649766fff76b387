/* Asking DNS: libunbound's event interface in threads of our own. The only file
 * that knows libunbound.
 *
 * A lookup is the reverse chain of a client, or what the addresses of a HELO
 * name say about a client. Lookups of the same key are shared: while one is under
 * way, and from the cache while its DNS TTLs last. Each is finished exactly
 * once, at the latest when its deadline has passed. Asking never blocks and never
 * calls back on the caller's thread; only lookup_wait blocks, with no lock held.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_RESOLVE_H
#define IPREV_RESOLVE_H

#include "judge/helo.h"

/* What the configuration says about asking DNS. */
struct resolver_settings {
    size_t forwards;      /* 0: resolv.conf of the system */
    char **forward;       /* "ADDRESS" or "ADDRESS@PORT" */
    bool root;            /* forward = {"root"}: recurse from the root */
    char *trust_anchor;   /* file, or NULL */
    char *zone;           /* file, or NULL */
    unsigned deadline_ms; /* 100 to 9000 */
    bool helo;
    unsigned threads;      /* 1 to 64 */
    unsigned max_inflight; /* 10 to 100000 questions */
    unsigned cache;        /* 0 to 10000000 clients */
};

struct resolver;
struct lookup;

/* One finished DNS question, for people. Called on a resolver thread. */
struct resolver_trace {
    void (*question)(void *arg, const struct dname *name, enum rrtype type,
                     const struct answer *answer, unsigned ms);
    void *arg;
};

/* Starts threads and proves the settings with a first question. NULL on
 * failure, with the reason in err; errno is EINVAL when the settings are to blame, else
 * it says what lacks (ENOMEM, EAGAIN, EMFILE, ENFILE). Call with the signals that the process
 * handles blocked, from one thread at a time. trace: NULL, or for iprev-check. */
struct resolver *resolver_start(const struct resolver_settings *s,
                                const struct resolver_trace *trace, char *err, size_t errlen);

/* References. Release every lookup before the resolver it came from. The last release
 * finishes open lookups with DNS_TIMEOUT and ends the threads, in the background. */
struct resolver *resolver_hold(struct resolver *r);
void resolver_release(struct resolver *r);

/* Finishes every open lookup of every resolver now, and every later one at once, as
 * DNS_TIMEOUT: for the stop of the daemon. */
void resolver_drain(void);

/* Waits until every thread of every released resolver has ended, at most ms
 * milliseconds. False when some are left. */
bool resolver_wait_ended(unsigned ms);

/* Every resolver thread has come round in the last ten seconds. */
bool resolver_alive(const struct resolver *r);

/* The name servers answer. False once ten questions in a row got no answer, or none in
 * time, until one is answered again. */
bool resolver_answered(const struct resolver *r);

/* Milliseconds of the monotonic clock. */
int64_t resolver_now(void);

/* Both return a reference, never NULL: without memory, a shared lookup
 * that is finished with DNS_OVERLOAD. deadline: resolver_now() based. A lookup
 * under way keeps the deadline of who asked first. remembered: NULL, or says whether the
 * lookup was done before this call, and so cost nothing. */
struct lookup *resolver_ask_client(struct resolver *r, const struct addr *client, int64_t deadline,
                                   bool *remembered);
struct lookup *resolver_ask_helo(struct resolver *r, const struct addr *client,
                                 const struct dname *helo, int64_t deadline, bool *remembered);

/* A lookup takes at most so many DNS questions. */
#define RESOLVER_CLIENT_QUESTIONS 20
#define RESOLVER_HELO_QUESTIONS   4

bool lookup_done(const struct lookup *l);

/* Waits until the lookup is done or the deadline has passed; returns lookup_done. */
bool lookup_wait(struct lookup *l, int64_t deadline);

/* Only when done. The chain lives as long as the reference. */
const struct chain *lookup_chain(const struct lookup *l);
enum helo_forward lookup_forward(const struct lookup *l);
unsigned lookup_questions(const struct lookup *l); /* DNS questions it took */
unsigned lookup_ms(const struct lookup *l);        /* from asked to done */

void lookup_release(struct lookup *l);

/* Counters since start, for metrics. */
struct resolver_stats {
    uint64_t lookups, cache_hits, joined, questions, overloads, timeouts;
    unsigned inflight; /* questions at libunbound now */
    unsigned cached;   /* lookups remembered now */
};
void resolver_stats(struct resolver *r, struct resolver_stats *out);

#endif
