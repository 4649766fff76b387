/* Asking DNS about a client: threads of our own, each with a libunbound context.
 *
 * Lookups of the same key are shared: while one is under way, and from the cache while its
 * DNS TTLs last. Each is finished exactly once, at the latest when its deadline has passed.
 * Asking never blocks and never calls back on the caller's thread.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_DNS_RESOLVER_H
#define IPREV_DNS_RESOLVER_H

#include "dns/lookup.h"
#include "dns/options.h"
#include "value/checked.h"

struct resolver;

/* Starts threads and proves the settings with a first question. NULL on
 * failure, with the reason in err; errno is ENOMEM, EAGAIN, EMFILE or ENFILE when that ran out.
 * Else the settings are to blame: it is that of opening the zone file (ENOENT, EACCES), or EINVAL.
 * Call with the signals that the process handles blocked, from one thread at a time. trace: NULL,
 * or for iprev-check. */
MUST_CHECK struct resolver *resolver_start(const struct resolver_settings *s,
                                           const struct resolver_trace *trace, char *err,
                                           size_t errlen);

/* References. Release every lookup before the resolver it came from. The last release
 * finishes open lookups with DNS_TIMEOUT and ends the threads, in the background. */
struct resolver *resolver_hold(struct resolver *r);
void resolver_release(struct resolver *r);

/* Finishes every open lookup of every resolver now, and every later one that is not cached at
 * once, as DNS_TIMEOUT: for the stop of the daemon. */
void resolver_drain(void);

/* Waits until every thread of every released resolver has ended, at most ms
 * milliseconds. False when some are left. */
bool resolver_wait_ended(unsigned ms);

/* Every resolver thread has run its loop in the last ten seconds. */
bool resolver_alive(const struct resolver *r);

/* The name servers answer. False once ten questions in a row got no answer, or none in
 * time, until one is answered again. */
bool resolver_answered(const struct resolver *r);

/* Both return a reference, never NULL: without memory, a shared lookup
 * that is finished with DNS_OVERLOAD. deadline: resolver_now() based. A lookup
 * under way keeps the deadline of who asked first. remembered: NULL, or says whether the
 * lookup was done before this call, and so cost nothing. */
struct lookup *resolver_ask_client(struct resolver *r, const struct addr *client, int64_t deadline,
                                   bool *remembered);
struct lookup *resolver_ask_helo(struct resolver *r, const struct addr *client,
                                 const struct dname *helo, int64_t deadline, bool *remembered);

/* Counters since start, for metrics. */
struct resolver_stats {
    uint64_t lookups, cache_hits, joined, questions, overloads, timeouts;
    unsigned inflight; /* questions at libunbound now */
    unsigned cached;   /* lookups remembered now */
};
void resolver_stats(struct resolver *r, struct resolver_stats *out);

#endif
