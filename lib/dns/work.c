/* The work of a resolver thread: see work.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "dns/work.h"

#include "dns/work_impl.h"

#include <stdlib.h>
#include <string.h>

#define GRACE_MS      250 /* for the other PTR names, once one has confirmed */
#define TEMPERROR_TTL 5   /* seconds */

/* ---- finishing ---- */

void work_free_if_unused(struct work *w)
{
    if (w->lookup == NULL && w->waiting == 0)
        free(w);
}

/* Takes the work off the worker's list; the caller finishes the lookup. */
static struct lookup *work_close(struct work *w, struct lookup_cost *cost)
{
    struct lookup *l = w->lookup;

    event_del(&w->timer);
    *w->prev = w->next;
    if (w->next != NULL)
        w->next->prev = w->prev;
    w->lookup = NULL;
    cost->questions = w->asked;
    cost->ms = (unsigned)(resolver_now() - w->started);
    return l;
}

static void finish_chain(struct work *w)
{
    struct lookup_cost cost;
    struct lookup *l = work_close(w, &cost);
    struct chain c;

    fcrdns_chain(&w->f, &c);
    lookup_finish_chain(l, &c, cost);
}

static void finish_helo(struct work *w, enum name_state state, uint32_t ttl)
{
    struct lookup_cost cost;
    struct lookup *l = work_close(w, &cost);

    if (name_state_open(state) && ttl > TEMPERROR_TTL)
        ttl = TEMPERROR_TTL;
    lookup_finish_helo(l, state, ttl, cost);
}

/* The deadline, the grace, or the end of the resolver: judge what is there. */
static void finish_now(struct work *w)
{
    struct dname helo;

    if (lookup_helo(w->lookup, &helo))
        finish_helo(w, NAME_TIMEOUT, TEMPERROR_TTL);
    else
        finish_chain(w);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct work *w = arg;

    (void)fd;
    (void)what;
    if (!w->grace)
        atomic_fetch_add_explicit(&w->worker->resolver->timeouts, 1, memory_order_relaxed);
    finish_now(w);
    work_free_if_unused(w);
}

static void arm(struct work *w, int64_t ms)
{
    struct timeval tv;

    if (ms < 0)
        ms = 0;
    tv.tv_sec = (time_t)(ms / 1000);
    tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
    event_add(&w->timer, &tv);
}

/* ---- answers ---- */

static void ask_names(struct work *w)
{
    struct dname name[FCRDNS_NAMES_MAX];
    unsigned i, n = w->f.names;

    w->asked_ptr = w->asked;
    for (i = 0; i < n; i++)
        name[i] = w->f.name[i].name;
    for (i = 0; i < n && w->lookup != NULL; i++)
        question_ask(w, i, &name[i], fcrdns_type(&w->f.client));
}

void work_feed(struct work *w, unsigned index, const struct answer *a)
{
    if (w->lookup == NULL)
        return; /* too late */
    if (index == QUESTION_HELO) {
        finish_helo(w, helo_match(a, &w->f.client), a->ttl);
        return;
    }
    if (index == QUESTION_CLIENT) {
        fcrdns_ptr(&w->f, a);
        ask_names(w);
    } else {
        fcrdns_address(&w->f, index, a);
    }
    if (w->lookup == NULL)
        return; /* finished by an answer that came within the asking */
    if (fcrdns_complete(&w->f)) {
        finish_chain(w);
    } else if (fcrdns_confirmed(&w->f) && !w->grace) {
        int64_t left = w->deadline - resolver_now();

        w->grace = true;
        arm(w, left < GRACE_MS ? left : GRACE_MS);
    }
}

/* ---- start and end ---- */

/* The questions of a client's network (with those of a few others: the table is small). */
static uint16_t *questions_of(struct worker *k, const struct addr *client)
{
    struct addr network = question_network(client);

    return &k->open_from[addr_hash(&network, &k->resolver->key) % PREFIX_SLOTS];
}

/* Why a lookup gets no work at all, or F_NONE. Room comes first: the breaker lets one through a
 * second, which must not be one that then asks nothing. */
static enum finding turned_away(struct worker *k, const uint16_t *network, unsigned index)
{
    struct resolver *r = k->resolver;

    if (!question_has_room(k, network, index)) {
        atomic_fetch_add_explicit(&r->overloads, 1, memory_order_relaxed);
        return F_DNS_OVERLOAD;
    }
    if (r->zone.records > 0 || breaker_admits(&k->breaker))
        return F_NONE;
    atomic_fetch_add_explicit(&r->timeouts, 1, memory_order_relaxed);
    return F_DNS_TIMEOUT;
}

void work_start(struct worker *k, struct lookup *l, int64_t deadline)
{
    uint16_t *network = questions_of(k, lookup_client(l));
    struct dname name;
    unsigned index = lookup_helo(l, &name) ? QUESTION_HELO : QUESTION_CLIENT;
    enum finding cause = turned_away(k, network, index);
    struct work *w = cause == F_NONE ? calloc(1, sizeof *w) : NULL;

    if (w == NULL) {
        lookup_finish_failed(l, cause != F_NONE ? cause : F_DNS_OVERLOAD);
        return;
    }
    w->network = network;
    w->worker = k;
    w->lookup = l;
    w->started = resolver_now();
    w->deadline = deadline;
    w->next = k->open;
    w->prev = &k->open;
    if (k->open != NULL)
        k->open->prev = &w->next;
    k->open = w;
    fcrdns_start(&w->f, lookup_client(l));
    evtimer_assign(&w->timer, k->base, on_timer, w);
    arm(w, deadline - w->started);
    w->waiting++; /* hold it while asking */
    if (index == QUESTION_CLIENT)
        dname_reverse(&name, &w->f.client);
    question_ask(w, index, &name, index == QUESTION_HELO ? fcrdns_type(&w->f.client) : RR_PTR);
    w->waiting--;
    work_free_if_unused(w);
}

/* Finishes every open lookup. */
void work_finish_all(struct worker *k)
{
    while (k->open != NULL) {
        struct work *w = k->open;

        finish_now(w);
        work_free_if_unused(w);
    }
}
