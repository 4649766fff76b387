/* What memory is made of: for memory.c, which its callers call, and thread.c, which asks the store.
 *
 * Inner header of lib/memory.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_MEMORY_IMPL_H
#define IPREV_MEMORY_IMPL_H

#include "memory/clock.h"
#include "memory/ledger.h"
#include "memory/options.h"

#include <pthread.h>
#include <stdatomic.h>

#define QUEUE_MAX  4096  /* requests that wait for the thread */
#define NOTED_SIZE 16384 /* clients whose message of this hour is written down: a power of two */
#define NOTED_S    3600

enum question { ASK_KNOWN, ASK_GREYLIST, NOTE };

struct request {
    struct request *next;
    enum question question;
    struct addr client;
    int64_t asked_us; /* monotonic */
    bool look;
    char *domain, *recipient; /* lower case; hashed by the thread, which has the key */
    int64_t now_s;
    /* guarded by the lock of memory */
    unsigned refs;
    bool done, failed;
    bool left; /* the caller waits no more */
    pthread_cond_t answered;
    bool known;
    enum memory_grey grey;
    unsigned seconds;
};

struct memory {
    atomic_uint refs; /* to the memory: one of all holders together, one of the thread */
    atomic_uint holders;
    struct memory_options options; /* texts are copies */
    struct store_bounds bounds[TABLES];
    void (*say)(bool good, const char *text);
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct request *first, **last;
    unsigned queued;
    unsigned failures; /* in a row */
    int64_t failed_us; /* the last one */
    int64_t retry_at;  /* nobody asks before, monotonic ms, once failures are too many */
    bool complained;   /* the failure is told */
    bool end;
    bool changed; /* the numbers of `wanted` are to be taken */
    struct memory_options wanted;
    struct memory_stats stats;
    uint64_t noted[NOTED_SIZE]; /* hashes of client and hour */
    /* of the thread alone */
    struct store *store;
    struct hash_key key;
    bool key_read;
    struct clock_watch clock;
};

/* The thread; its argument is a struct memory, of which it has one reference. */
void *memory_thread(void *arg);
/* Threads that have not ended. */
extern atomic_uint memory_threads;
void memory_unref(struct memory *m);

/* With the lock held: the store has failed once more; nobody waits for it if that is too often.
 * What was asked before the last failure is part of that one: when the machine stands still for a
 * moment, all who wait then are one failure. */
void memory_failed(struct memory *m, const struct request *r);
/* Without the lock: tells that the store has failed, once until memory_recovered. */
void memory_complain(struct memory *m, const char *text);
/* Without the lock: the store has answered. */
void memory_recovered(struct memory *m);

/* With the lock held. */
void memory_request_release(struct request *r);
/* Of a client's message in an hour (UTC, so that none reaches into another day), never 0. */
uint64_t memory_noted_hash(const struct addr *client, int64_t now_s);

#endif
