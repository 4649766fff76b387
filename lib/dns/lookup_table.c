/* The table of shared lookups: see lookup.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "dns/lookup.h"

#include "dns/lookup_impl.h"

#include <stdlib.h>
#include <string.h>

#define SHARDS_MAX  64
#define SHARD_LEAST 65536 /* octets: a shard that is too small has no room for a long entry */
#define BUCKETS_MIN 16
#define OVERHEAD    48 /* octets of an entry: two of malloc, its places in the buckets */

struct lookup_table {
    struct hash_key key;
    size_t shards; /* power of two */
    struct shard shard[SHARDS_MAX];
};

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
    size_t n = sizeof *l + l->helo_len + OVERHEAD;

    if (l->chain != NULL)
        n += chain_size(l->chain);
    if (l->shape != NULL)
        n += shape_size(l->shape);
    return n;
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

/* Keeps the buckets at most one deep on average. Without memory they get deeper. */
static void grow(struct shard *s)
{
    size_t buckets = s->buckets * 2, i;
    struct lookup **bucket;

    if (s->entries < s->buckets || (bucket = calloc(buckets, sizeof *bucket)) == NULL)
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
        l->used = true;
    }
    pthread_mutex_unlock(&s->lock);
    return l;
}

/* The oldest goes, unless somebody has asked for it since it came to its place: then it gets
 * another turn. So a hit moves nothing. */
static void make_room(struct shard *s)
{
    struct lookup *l = s->oldest;

    if (!l->used) {
        table_remove(s, l);
        return;
    }
    l->used = false;
    order_remove(s, l);
    order_push(s, l);
}

void lookup_publish(struct lookup *l, uint32_t ttl)
{
    struct shard *s = l->shard;
    size_t octets = entry_octets(l);

    l->expires = resolver_now() + (int64_t)ttl * MS_PER_S;
    pthread_mutex_lock(&s->lock);
    while (s->oldest != NULL && s->octets + octets > s->budget)
        make_room(s);
    atomic_store_explicit(&l->done, true, memory_order_release);
    lookup_wake(l);
    order_push(s, l);
    s->finished++;
    s->octets += octets;
    if (s->octets > s->budget)
        table_remove(s, l);
    pthread_mutex_unlock(&s->lock);
    lookup_release(l);
}
