/* What a lookup is made of: for lookup.c, which finishes it and has others wait for it, and
 * lookup_table.c, which finds and keeps it.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_DNS_LOOKUP_IMPL_H
#define IPREV_DNS_LOOKUP_IMPL_H

#include "judge/fcrdns.h"
#include "shape/shape.h"

#include <pthread.h>
#include <stdatomic.h>

/* One thread that waits; on its own stack, linked under the shard's lock. */
struct waiter {
    struct waiter *next;
    pthread_cond_t wake;
    bool woken;
};

/* What finding it reads comes first: one line of the processor's cache, or two. */
struct lookup {
    struct lookup *chained; /* next in the bucket */
    uint64_t hash;
    int64_t expires; /* resolver_now() from which it is stale */
    struct shard *shard;
    struct addr client;
    uint8_t helo_len;  /* 0: a client's chain */
    uint8_t forward;   /* enum name_state */
    uint8_t helo_kind; /* enum shape_kind, */
    bool helo_judged;  /* if it was judged */
    bool used;         /* since it came to its place in the order */
    atomic_bool done;
    atomic_uint refs;
    struct chain *chain; /* malloc'd, chain_size() octets; NULL for HELO */
    struct shape *shape; /* behind it, shape_size() octets; NULL for HELO, or without a name */
    struct lookup *newer, *older; /* in their order, finished ones in the table only */
    struct waiter *waiters;
    unsigned questions, ms; /* what it cost */
    uint8_t helo[];
};

struct shard {
    pthread_mutex_t lock;
    struct lookup **bucket;
    size_t buckets; /* power of two */
    size_t entries; /* in the table, open or finished */
    size_t finished;
    size_t octets; /* that the finished ones take */
    size_t budget; /* the most that they may take */
    struct lookup *newest, *oldest;
};

#define MS_PER_S 1000

/* Finished: wakes all who wait. With the shard's lock held. */
void lookup_wake(struct lookup *l);

/* The result is in place: makes it known, and keeps it for ttl seconds. Takes back the reference of
 * the one who finished it. */
void lookup_publish(struct lookup *l, uint32_t ttl);

#endif
