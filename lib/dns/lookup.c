/* Shared lookups: see lookup.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "dns/lookup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SHARDS_MAX   64
#define SHARD_LEAST  65536 /* octets: a shard that is too small has no room for a long entry */
#define BUCKETS_MIN  16
#define MS_PER_S     1000
#define OVERHEAD     48 /* octets of an entry: two of malloc, its place in the buckets */
#define HELO_TTL_MIN 1  /* one SMTP session asks the same name within a second */

/* One thread that waits; on its own stack, linked under the shard's lock. */
struct waiter {
    struct waiter *next;
    pthread_cond_t wake;
    bool woken;
};

struct lookup {
    struct shard *shard;
    struct lookup *chained;       /* next in the bucket */
    struct lookup *newer, *older; /* order of use, finished ones in the table only */
    struct waiter *waiters;
    struct chain *chain; /* malloc'd, chain_size() octets; NULL for HELO */
    uint64_t hash;
    int64_t expires; /* resolver_now() from which it is stale */
    struct lookup_cost cost;
    atomic_uint refs;
    atomic_bool done;
    uint8_t forward; /* enum name_state */
    struct addr client;
    uint8_t helo_len; /* 0: a client's chain */
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

struct lookup_table {
    struct hash_key key;
    size_t shards; /* power of two */
    struct shard shard[SHARDS_MAX];
};

int64_t resolver_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * MS_PER_S + ts.tv_nsec / 1000000;
}

/* ---- constant lookups ---- */

static struct chain constant_chain[F_COUNT];
static struct lookup constant_lookup[F_COUNT];
static pthread_once_t constants_once = PTHREAD_ONCE_INIT;

/* Of a HELO name that was not asked. */
static enum name_state state_of(enum finding cause)
{
    return cause == F_DNS_OVERLOAD ? NAME_OVERLOAD : NAME_TIMEOUT;
}

static void make_constants(void)
{
    static const struct addr nobody;
    int f;

    for (f = F_DNS_TIMEOUT; f <= F_DNS_OVERLOAD; f++) {
        chain_temperror(&constant_chain[f], &nobody, (enum finding)f);
        constant_lookup[f].chain = &constant_chain[f];
        constant_lookup[f].forward = (uint8_t)state_of((enum finding)f);
        atomic_init(&constant_lookup[f].done, true);
    }
}

struct lookup *lookup_constant(enum finding cause)
{
    pthread_once(&constants_once, make_constants);
    return &constant_lookup[cause];
}

/* ---- references ---- */

static void lookup_free(struct lookup *l)
{
    free(l->chain);
    free(l);
}

void lookup_release(struct lookup *l)
{
    if (l == NULL || l->shard == NULL)
        return; /* nothing, or a constant */
    if (atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) == 1)
        lookup_free(l);
}

bool lookup_done(const struct lookup *l)
{
    return atomic_load_explicit(&l->done, memory_order_acquire);
}

const struct chain *lookup_chain(const struct lookup *l)
{
    return l->chain != NULL ? l->chain : lookup_constant(F_DNS_OVERLOAD)->chain;
}

enum name_state lookup_forward(const struct lookup *l)
{
    return (enum name_state)l->forward;
}

unsigned lookup_questions(const struct lookup *l)
{
    return l->cost.questions;
}

unsigned lookup_ms(const struct lookup *l)
{
    return l->cost.ms;
}

const struct addr *lookup_client(const struct lookup *l)
{
    return &l->client;
}

bool lookup_helo(const struct lookup *l, struct dname *helo)
{
    if (l->helo_len == 0)
        return false;
    return dname_from_wire(helo, l->helo, l->helo_len);
}

/* ---- waiting ---- */

static bool cond_init_monotonic(pthread_cond_t *c)
{
    pthread_condattr_t attr;
    bool ok;

    if (pthread_condattr_init(&attr) != 0)
        return false;
    ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 && pthread_cond_init(c, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return ok;
}

static void unlink_waiter(struct lookup *l, const struct waiter *w)
{
    struct waiter **p;

    for (p = &l->waiters; *p != NULL; p = &(*p)->next)
        if (*p == w) {
            *p = w->next;
            return;
        }
}

bool lookup_wait(struct lookup *l, int64_t deadline)
{
    struct timespec until = {.tv_sec = deadline / MS_PER_S,
                             .tv_nsec = deadline % MS_PER_S * 1000000};
    struct waiter w = {.woken = false};
    int err = 0;

    if (lookup_done(l) || resolver_now() >= deadline || !cond_init_monotonic(&w.wake))
        return lookup_done(l);
    pthread_mutex_lock(&l->shard->lock);
    if (!lookup_done(l)) {
        w.next = l->waiters;
        l->waiters = &w;
        while (!w.woken && err == 0)
            err = pthread_cond_timedwait(&w.wake, &l->shard->lock, &until);
        if (!w.woken)
            unlink_waiter(l, &w);
    }
    pthread_mutex_unlock(&l->shard->lock);
    pthread_cond_destroy(&w.wake);
    return lookup_done(l);
}

static void wake_all(struct lookup *l)
{
    struct waiter *w, *next;

    for (w = l->waiters; w != NULL; w = next) {
        next = w->next;
        w->woken = true;
        pthread_cond_signal(&w->wake);
    }
    l->waiters = NULL;
}

/* ---- the table ---- */

struct lookup_table *lookup_table_new(size_t octets, const struct hash_key *key)
{
    struct lookup_table *t = calloc(1, sizeof *t);
    size_t i;

    if (t == NULL)
        return NULL;
    t->key = *key;
    t->shards = SHARDS_MAX;
    while (t->shards > 1 && octets / t->shards < SHARD_LEAST)
        t->shards /= 2;
    for (i = 0; i < t->shards; i++) {
        struct shard *s = &t->shard[i];

        pthread_mutex_init(&s->lock, NULL);
        s->budget = octets / t->shards;
        s->bucket = calloc(BUCKETS_MIN, sizeof *s->bucket);
        s->buckets = BUCKETS_MIN;
        if (s->bucket == NULL) {
            lookup_table_free(t);
            return NULL;
        }
    }
    return t;
}

static void order_remove(struct shard *s, struct lookup *l)
{
    *(l->newer != NULL ? &l->newer->older : &s->newest) = l->older;
    *(l->older != NULL ? &l->older->newer : &s->oldest) = l->newer;
    l->newer = l->older = NULL;
}

static void order_push(struct shard *s, struct lookup *l)
{
    l->older = s->newest;
    l->newer = NULL;
    *(s->newest != NULL ? &s->newest->newer : &s->oldest) = l;
    s->newest = l;
}

static size_t entry_octets(const struct lookup *l)
{
    return sizeof *l + l->helo_len + (l->chain != NULL ? chain_size(l->chain) : 0) + OVERHEAD;
}

/* Takes the lookup out of the table; drops the table's reference. */
static void table_remove(struct shard *s, struct lookup *l)
{
    struct lookup **p = &s->bucket[l->hash & (s->buckets - 1)];

    while (*p != l)
        p = &(*p)->chained;
    *p = l->chained;
    s->entries--;
    if (lookup_done(l)) {
        order_remove(s, l);
        s->finished--;
        s->octets -= entry_octets(l);
    }
    lookup_release(l);
}

void lookup_table_free(struct lookup_table *t)
{
    size_t i;

    if (t == NULL)
        return;
    for (i = 0; i < t->shards; i++) {
        struct shard *s = &t->shard[i];

        while (s->oldest != NULL)
            table_remove(s, s->oldest);
        free(s->bucket);
        pthread_mutex_destroy(&s->lock);
    }
    free(t);
}

unsigned lookup_table_count(struct lookup_table *t)
{
    size_t i, n = 0;

    for (i = 0; i < t->shards; i++) {
        pthread_mutex_lock(&t->shard[i].lock);
        n += t->shard[i].finished;
        pthread_mutex_unlock(&t->shard[i].lock);
    }
    return (unsigned)n;
}

/* Keeps the buckets at most two deep on average. Without memory they get deeper. */
static void grow(struct shard *s)
{
    size_t buckets = s->buckets * 2, i;
    struct lookup **bucket;

    if (s->entries < buckets || (bucket = calloc(buckets, sizeof *bucket)) == NULL)
        return;
    for (i = 0; i < s->buckets; i++) {
        struct lookup *l, *next;

        for (l = s->bucket[i]; l != NULL; l = next) {
            next = l->chained;
            l->chained = bucket[l->hash & (buckets - 1)];
            bucket[l->hash & (buckets - 1)] = l;
        }
    }
    free(s->bucket);
    s->bucket = bucket;
    s->buckets = buckets;
}

static uint64_t key_hash(const struct lookup_table *t, const struct addr *client,
                         const struct dname *helo)
{
    uint64_t h = addr_hash(client, &t->key);

    return helo != NULL ? h ^ dname_hash(helo, &t->key) : h;
}

static bool key_equal(const struct lookup *l, uint64_t hash, const struct addr *client,
                      const struct dname *helo)
{
    if (l->hash != hash || !addr_equal(&l->client, client))
        return false;
    if (helo == NULL)
        return l->helo_len == 0;
    return l->helo_len == helo->len && memcmp(l->helo, helo->wire, helo->len) == 0;
}

static struct lookup *table_find(struct shard *s, uint64_t hash, const struct addr *client,
                                 const struct dname *helo)
{
    struct lookup *l;

    for (l = s->bucket[hash & (s->buckets - 1)]; l != NULL; l = l->chained)
        if (key_equal(l, hash, client, helo))
            break;
    if (l != NULL && lookup_done(l) && resolver_now() >= l->expires) {
        table_remove(s, l);
        return NULL;
    }
    return l;
}

static struct lookup *table_add(struct shard *s, uint64_t hash, const struct addr *client,
                                const struct dname *helo)
{
    size_t helo_len = helo != NULL ? helo->len : 0;
    struct lookup *l = calloc(1, sizeof *l + helo_len);
    struct lookup **p;

    if (l == NULL)
        return NULL;
    l->shard = s;
    l->hash = hash;
    l->client = *client;
    l->helo_len = (uint8_t)helo_len;
    if (helo != NULL)
        memcpy(l->helo, helo->wire, helo_len);
    atomic_init(&l->refs, 3); /* the table, who finishes it, the caller */
    p = &s->bucket[hash & (s->buckets - 1)];
    l->chained = *p;
    *p = l;
    s->entries++;
    grow(s);
    return l;
}

struct lookup *lookup_table_get(struct lookup_table *t, const struct addr *client,
                                const struct dname *helo, enum lookup_source *source)
{
    uint64_t hash = key_hash(t, client, helo);
    struct shard *s = &t->shard[(hash >> 32) & (t->shards - 1)];
    struct lookup *l;

    pthread_mutex_lock(&s->lock);
    l = table_find(s, hash, client, helo);
    if (l == NULL) {
        *source = LOOKUP_NEW;
        l = table_add(s, hash, client, helo);
    } else {
        atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
        *source = lookup_done(l) ? LOOKUP_CACHED : LOOKUP_JOINED;
        if (*source == LOOKUP_CACHED && s->newest != l) {
            order_remove(s, l);
            order_push(s, l);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return l;
}

/* The result is in place: make it known, remember it for ttl seconds. */
static void publish(struct lookup *l, uint32_t ttl)
{
    struct shard *s = l->shard;

    l->expires = resolver_now() + (int64_t)ttl * MS_PER_S;
    pthread_mutex_lock(&s->lock);
    atomic_store_explicit(&l->done, true, memory_order_release);
    wake_all(l);
    order_push(s, l);
    s->finished++;
    s->octets += entry_octets(l);
    while (s->octets > s->budget)
        table_remove(s, s->oldest);
    pthread_mutex_unlock(&s->lock);
    lookup_release(l);
}

void lookup_finish_chain(struct lookup *l, const struct chain *c, struct lookup_cost cost)
{
    size_t n = chain_size(c);

    l->chain = malloc(n);
    if (l->chain != NULL)
        memcpy(l->chain, c, n);
    l->forward = NAME_PENDING;
    l->cost = cost;
    publish(l, l->chain != NULL ? c->ttl : 0);
}

void lookup_finish_helo(struct lookup *l, enum name_state state, uint32_t ttl,
                        struct lookup_cost cost)
{
    l->forward = (uint8_t)state;
    l->cost = cost;
    publish(l, ttl > HELO_TTL_MIN ? ttl : HELO_TTL_MIN);
}

void lookup_finish_failed(struct lookup *l, enum finding cause)
{
    struct lookup_cost none = {0, 0};
    struct chain c;

    if (l->helo_len != 0) {
        lookup_finish_helo(l, state_of(cause), 0, none);
        return;
    }
    chain_temperror(&c, &l->client, cause);
    c.ttl = 0;
    lookup_finish_chain(l, &c, none);
}
