/* Shared lookups: see lookup.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "dns/lookup.h"

#include "dns/lookup_impl.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HELO_TTL_MIN 1 /* one SMTP session asks the same name within a second */

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

const struct shape *lookup_shape(const struct lookup *l)
{
    static const struct shape of_kind[] = {
        [SHAPE_NAMED] = {.kind = SHAPE_NAMED},
        [SHAPE_GENERIC] = {.kind = SHAPE_GENERIC},
        [SHAPE_PROVIDER] = {.kind = SHAPE_PROVIDER},
    };

    return l->helo_judged ? &of_kind[l->helo_kind] : l->shape;
}

unsigned lookup_questions(const struct lookup *l)
{
    return l->questions;
}

unsigned lookup_ms(const struct lookup *l)
{
    return l->ms;
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

void lookup_wake(struct lookup *l)
{
    struct waiter *w, *next;

    for (w = l->waiters; w != NULL; w = next) {
        next = w->next;
        w->woken = true;
        pthread_cond_signal(&w->wake);
    }
    l->waiters = NULL;
}

/* ---- finishing ---- */

/* Name and client alone decide on the shape: it lasts as long as the answer. */
static void keep_chain(struct lookup *l, const struct chain *c)
{
    size_t at = (chain_size(c) + _Alignof(struct shape) - 1) & ~(_Alignof(struct shape) - 1);
    struct dname name;
    struct shape shape;
    bool named = chain_name(c, &name);

    if (named)
        shape_judge(&shape, &name, &l->client);
    l->chain = malloc(at + (named ? shape_size(&shape) : 0));
    if (l->chain == NULL)
        return;
    memcpy(l->chain, c, chain_size(c));
    if (!named)
        return;
    l->shape = (struct shape *)((uint8_t *)l->chain + at);
    memcpy(l->shape, &shape, shape_size(&shape));
}

static void judge_helo(struct lookup *l)
{
    struct dname name;
    struct shape shape;

    if (!lookup_helo(l, &name) || !dname_is_host(&name))
        return;
    shape_judge(&shape, &name, &l->client);
    l->helo_kind = (uint8_t)shape.kind;
    l->helo_judged = true;
}

void lookup_finish_chain(struct lookup *l, const struct chain *c, struct lookup_cost cost)
{
    keep_chain(l, c);
    l->forward = NAME_PENDING;
    l->questions = cost.questions;
    l->ms = cost.ms;
    lookup_publish(l, l->chain != NULL ? c->ttl : 0);
}

void lookup_finish_helo(struct lookup *l, enum name_state state, uint32_t ttl,
                        struct lookup_cost cost)
{
    l->forward = (uint8_t)state;
    l->questions = cost.questions;
    l->ms = cost.ms;
    if (!name_state_open(state)) /* else it is not kept for long */
        judge_helo(l);
    lookup_publish(l, ttl > HELO_TTL_MIN ? ttl : HELO_TTL_MIN);
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
