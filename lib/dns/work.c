/* The work of a resolver thread: see work.h.
 *
 * libunbound's callback may come while the question is being asked, and asking
 * again overwrites the packet it gave: an answer is fed to the judgement before
 * the next question goes out. A question stays counted until libunbound has
 * answered it, even when its lookup was finished long ago: it holds a socket
 * all that time.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "dns/work.h"

#include <event2/event_struct.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ALIASES_MAX     8   /* of the zone file: libunbound follows those of servers */
#define GRACE_MS        250 /* for the other PTR names, once one has confirmed */
#define TEMPERROR_TTL   5   /* seconds */
#define NETWORK_PART    8   /* of max-inflight: what the clients of one network may have open */
#define NETWORK_LEAST   16
#define QUESTION_CLIENT UINT_MAX
#define QUESTION_HELO   (UINT_MAX - 1)

/* One lookup under way. Lives until it is finished and its last question has
 * come back. */
struct work {
    struct work *next, **prev; /* list of the worker, while not finished */
    struct worker *worker;
    struct lookup *lookup; /* NULL once finished */
    struct event timer;
    int64_t started, deadline;
    unsigned asked;     /* questions so far */
    unsigned asked_ptr; /* of them, those before the names were known */
    unsigned waiting;   /* questions at libunbound */
    uint16_t *network;  /* counts the questions at libunbound for the client's network */
    bool grace;
    struct fcrdns f;
};

/* The aliases that led to a question. Its answer is worth no more than they are. */
struct trail {
    unsigned aliases;
    uint32_t ttl; /* the least */
    bool secure;  /* all */
};

static const struct trail no_trail = {.ttl = ANSWER_TTL_MAX, .secure = true};

struct query {
    struct work *work;
    unsigned index; /* of a PTR name, or QUESTION_CLIENT, QUESTION_HELO */
    struct trail trail;
    int64_t started;
    enum rrtype type;
    bool local; /* the zone file has the answer */
    struct dname name;
};

static void ask(struct work *w, unsigned index, struct trail trail, const struct dname *name,
                enum rrtype type);

/* ---- finishing ---- */

static void work_free_if_unused(struct work *w)
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
        ask(w, i, no_trail, &name[i], fcrdns_type(&w->f.client));
}

/* Feeds an answer to the work; finishes the lookup when nothing is left to ask. */
static void feed(struct work *w, unsigned index, const struct answer *a)
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

static void goes_out(struct work *w)
{
    atomic_fetch_add_explicit(&w->worker->inflight, 1, memory_order_relaxed);
    ++*w->network;
    w->waiting++;
}

/* `waiting` is held a little longer. */
static void leaves(struct work *w)
{
    atomic_fetch_sub_explicit(&w->worker->inflight, 1, memory_order_relaxed);
    --*w->network;
}

/* What libunbound gives back at the end of the resolver is no answer. */
static void trace(struct resolver *r, const struct query *q, const struct answer *a)
{
    if (r->traced && !atomic_load(&r->quit))
        r->trace.question(r->trace.arg, &q->name, q->type, a,
                          (unsigned)(resolver_now() - q->started));
}

static void follow_trail(struct trail *t, struct answer *a)
{
    if (a->ttl > t->ttl)
        a->ttl = t->ttl;
    a->secure = a->secure && t->secure;
    t->ttl = a->ttl;
    t->secure = a->secure;
}

/* Each PTR name has the same share of what is left, whatever comes first. */
static bool may_follow(const struct work *w, const struct query *q)
{
    unsigned questions = q->trail.aliases + 2; /* for this name, with the next */

    if (q->trail.aliases == ALIASES_MAX)
        return false;
    if (q->index == QUESTION_CLIENT)
        return true;
    if (q->index == QUESTION_HELO)
        return questions <= RESOLVER_HELO_QUESTIONS;
    return w->asked_ptr + questions * w->f.names <= RESOLVER_CLIENT_QUESTIONS;
}

/* The arguments of the callback. A bogus answer comes with rcode 0 and the forged data; a denied
 * one with no packet at all. */
static void read_reply(struct answer *a, const struct heard *r, int sec)
{
    if (r->rcode == 0 && r->len > 0 && sec == 1)
        *a = answer_none(ANSWER_BOGUS);
    else if (r->rcode == 0 && r->len > 0 && r->packet != NULL)
        answer_read(a, r->packet, (size_t)r->len, r->name, r->type);
    else
        *a = answer_none(ANSWER_SERVFAIL);
    a->secure = sec == 2;
}

static void on_reply(void *arg, int rcode, void *packet, int len, int sec, char *why_bogus,
                     int was_ratelimited)
{
    struct query *q = arg;
    struct work *w = q->work;
    struct worker *k = w->worker;
    struct heard heard = {&q->name, q->type, rcode, len, packet, q->started, resolver_now()};
    struct answer a;

    (void)why_bogus;
    (void)was_ratelimited;
    leaves(w);
    read_reply(&a, &heard, sec);
    heard_failure(&a, &heard, &k->silence);
    breaker_reply(&k->breaker, a.kind != ANSWER_SERVFAIL && a.kind != ANSWER_TIMEOUT);
    trace(k->resolver, q, &a);
    follow_trail(&q->trail, &a);
    if (a.kind == ANSWER_ALIAS && q->local && w->lookup != NULL && may_follow(w, q)) {
        struct dname target = a.name;

        q->trail.aliases++;
        ask(w, q->index, q->trail, &target, q->type);
    } else {
        if (a.kind == ANSWER_ALIAS && q->local)
            a.kind = ANSWER_SERVFAIL; /* too long a chain, or a loop */
        feed(w, q->index, &a);
    }
    w->waiting--;
    work_free_if_unused(w);
    free(q);
}

/* ---- questions ---- */

static struct query *query_new(struct work *w, unsigned index, struct trail trail,
                               const struct dname *name, enum rrtype type)
{
    struct query *q = malloc(sizeof *q);

    if (q == NULL)
        return NULL;
    q->work = w;
    q->index = index;
    q->trail = trail;
    q->started = resolver_now();
    q->type = type;
    q->name = *name;
    return q;
}

/* A network has its share. HELO names are the first to be shed: with a client's chain there
 * is a verdict, with its HELO alone there is none. */
static bool has_room(const struct worker *k, const uint16_t *network, unsigned index)
{
    unsigned room = k->resolver->max_inflight;

    if (*network >= room / NETWORK_PART + NETWORK_LEAST)
        return false;
    if (index == QUESTION_HELO)
        room -= room / 3;
    return atomic_load_explicit(&k->inflight, memory_order_relaxed) < room;
}

/* There is no answer, as no question goes out. */
static void deny(struct work *w, unsigned index, enum answer_kind kind)
{
    struct answer a = answer_none(kind);

    feed(w, index, &a);
}

/* Asks libunbound; an answer it has at once comes back through on_reply before
 * this returns. The work stays alive during the call: `waiting` is held. */
static void ask(struct work *w, unsigned index, struct trail trail, const struct dname *name,
                enum rrtype type)
{
    struct worker *k = w->worker;
    struct query *q = NULL;
    char text[DNAME_QUERY_MAX];
    struct sbuf sb;
    bool local;

    sbuf_init(&sb, text, sizeof text);
    dname_put_query(&sb, name);
    local = zonefile_answers(&k->resolver->zone, text);
    if (has_room(k, w->network, index))
        q = query_new(w, index, trail, name, type);
    if (q == NULL) {
        atomic_fetch_add_explicit(&k->resolver->overloads, 1, memory_order_relaxed);
        deny(w, index, ANSWER_OVERLOAD);
        return;
    }
    if (k->resolver->zone.records > 0 && !local && !breaker_admits(&k->breaker)) {
        free(q);
        atomic_fetch_add_explicit(&k->resolver->timeouts, 1, memory_order_relaxed);
        deny(w, index, ANSWER_TIMEOUT);
        return;
    }
    atomic_fetch_add_explicit(&k->resolver->questions, 1, memory_order_relaxed);
    q->local = local;
    breaker_asked(&k->breaker);
    w->asked++;
    goes_out(w);
    if (breaker_ask(&k->breaker, text, (int)type, q, on_reply) != 0) {
        leaves(w);
        w->waiting--;
        free(q);
        deny(w, index, ANSWER_SERVFAIL);
    }
}

/* ---- start and end ---- */

/* The questions of a client's /24 or /48 (with those of a few others: the table is small). */
static uint16_t *network_of(struct worker *k, const struct addr *client)
{
    struct addr network = *client;
    size_t keep = client->family == ADDR_IPV4 ? 3 : 6;

    memset(network.bytes + keep, 0, sizeof network.bytes - keep);
    return &k->open_from[addr_hash(&network, &k->resolver->key) % PREFIX_SLOTS];
}

/* Why a lookup gets no work at all, or F_NONE. Room comes first: the breaker lets one through a
 * second, which must not be one that then asks nothing. */
static enum finding turned_away(struct worker *k, const uint16_t *network, unsigned index)
{
    struct resolver *r = k->resolver;

    if (!has_room(k, network, index)) {
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
    uint16_t *network = network_of(k, lookup_client(l));
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
    ask(w, index, no_trail, &name, index == QUESTION_HELO ? fcrdns_type(&w->f.client) : RR_PTR);
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
