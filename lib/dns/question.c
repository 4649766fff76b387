/* Asking one question of a lookup: see work_impl.h.
 *
 * libunbound's callback may come while the question is being asked, and asking
 * again overwrites the packet it gave: an answer is fed to the judgement before
 * the next question goes out. A question stays counted until libunbound has
 * answered it, even when its lookup was finished long ago: it holds a socket
 * all that time.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "dns/work.h"

#include "dns/work_impl.h"

#include <stdlib.h>
#include <string.h>

#define ALIASES_MAX   8 /* of the zone file: libunbound follows those of servers */
#define NETWORK_PART  8 /* of max-inflight: what the clients of one network may have open */
#define NETWORK_LEAST 16
#define LOOK_EVERY    100 /* ms: whether those that wait for room may go out */

/* The aliases that led to a question. Its answer is worth no more than they are. */
struct trail {
    unsigned aliases;
    uint32_t ttl; /* the least */
    bool secure;  /* all */
};

struct query {
    struct work *work;
    unsigned index; /* of a PTR name, or QUESTION_CLIENT, QUESTION_HELO */
    struct trail trail;
    int64_t started;
    enum rrtype type;
    bool local; /* the zone file has the answer */
    struct quiet_place place;
    uint64_t hash;       /* of the name */
    struct query *after; /* the next that is parked for the same zone */
    struct dname name;
};

static void ask(struct work *w, unsigned index, struct trail trail, const struct dname *name,
                enum rrtype type);
static void zone_over(struct query *q, const struct answer *a);

/* ---- answers ---- */

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
        work_feed(w, q->index, &a);
    }
    zone_over(q, &a);
    w->waiting--;
    work_free_if_unused(w);
    free(q);
    if (k->parked > 0 && heard.now - k->looked >= LOOK_EVERY)
        question_beat(k);
}

/* ---- questions ---- */

static struct addr network_of(const struct addr *client, size_t keep)
{
    struct addr network = *client;

    memset(network.bytes + keep, 0, sizeof network.bytes - keep);
    return network;
}

struct addr question_network(const struct addr *client)
{
    return network_of(client, client->family == ADDR_IPV4 ? 3 : 6);
}

static void find_place(struct query *q)
{
    struct worker *k = q->work->worker;
    const struct hash_key *key = &k->resolver->key;
    const struct addr *client = &q->work->f.client;
    struct addr near = question_network(client);
    struct addr wide = network_of(client, client->family == ADDR_IPV4 ? 2 : 4);
    size_t left;

    q->hash = dname_hash(&q->name, key);
    if (q->index == QUESTION_CLIENT) {
        q->place.near = quiet_find(&k->quiet, addr_hash(&near, key), q->started);
        q->place.wide = quiet_find(&k->quiet, ~addr_hash(&wide, key), q->started);
        return;
    }
    left = dname_left_of_registrable(&q->name);
    q->place.near = quiet_find(&k->quiet, hash_octets(key, q->name.wire + left, q->name.len - left),
                               q->started);
}

static bool in_zone_file(const struct zonefile *zone, const struct dname *name)
{
    char text[DNAME_QUERY_MAX];
    struct sbuf sb;

    if (zone->records == 0)
        return false;
    sbuf_init(&sb, text, sizeof text);
    dname_put_query(&sb, name);
    return zonefile_answers(zone, text);
}

static struct query *query_new(struct work *w, unsigned index, struct trail trail,
                               const struct dname *name, enum rrtype type)
{
    struct query *q = calloc(1, sizeof *q);

    if (q == NULL)
        return NULL;
    q->work = w;
    q->index = index;
    q->trail = trail;
    q->started = resolver_now();
    q->type = type;
    q->name = *name;
    q->local = in_zone_file(&w->worker->resolver->zone, name);
    if (!q->local)
        find_place(q);
    return q;
}

bool question_has_room(const struct worker *k, const uint16_t *network, unsigned index)
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

    work_feed(w, index, &a);
}

/* Asks libunbound; an answer it has at once comes back through on_reply before this returns. The
 * work stays alive during the call: `waiting` is held. */
static void send_out(struct query *q)
{
    struct work *w = q->work;
    struct worker *k = w->worker;
    char text[DNAME_QUERY_MAX];
    struct sbuf sb;
    struct answer failed = answer_none(ANSWER_SERVFAIL);
    unsigned index = q->index;

    sbuf_init(&sb, text, sizeof text);
    dname_put_query(&sb, &q->name);
    atomic_fetch_add_explicit(&k->resolver->questions, 1, memory_order_relaxed);
    breaker_asked(&k->breaker);
    w->asked++;
    if (!q->local)
        quiet_asked(&k->quiet, &q->place, q->started);
    if (breaker_ask(&k->breaker, text, (int)q->type, q, on_reply) == 0)
        return;
    leaves(w);
    zone_over(q, &failed);
    free(q);
    deny(w, index, ANSWER_SERVFAIL);
    w->waiting--;
    work_free_if_unused(w);
}

/* The zone was waited for. Whoever has waited for the answer may have gone. */
static void go_on(struct query *q, bool out)
{
    struct work *w = q->work;

    w->worker->parked--;
    if (out && w->lookup != NULL && !atomic_load(&w->worker->resolver->quit)) {
        q->started = resolver_now();
        find_place(q); /* the table may have forgotten it meanwhile */
        send_out(q);
        return;
    }
    leaves(w);
    if (w->lookup != NULL)
        atomic_fetch_add_explicit(&w->worker->resolver->timeouts, 1, memory_order_relaxed);
    deny(w, q->index, ANSWER_TIMEOUT);
    w->waiting--;
    work_free_if_unused(w);
    free(q);
}

/* What the answer to a question says of its zone. */
static enum quiet_end end_of(const struct query *q, const struct answer *a)
{
    const struct worker *k = q->work->worker;

    if (k->breaker.asking)
        return QUIET_CACHED;
    if (a->kind == ANSWER_TIMEOUT)
        return k->quiet.heard < q->started ? QUIET_NOBODY : QUIET_SILENT;
    return a->kind == ANSWER_SERVFAIL ? QUIET_REFUSED : QUIET_HEARD;
}

/* May those that waited for this question go out now? Silence says nothing of the zone if the
 * question is of a time without servers that is over. */
static bool lets_go_on(const struct query *q, enum quiet_end end)
{
    return end == QUIET_HEARD || end == QUIET_REFUSED ||
           (end == QUIET_NOBODY && q->started <= q->work->worker->breaker.closed);
}

static struct query *take_parked(struct quiet_zone *z)
{
    struct query *parked = z != NULL ? z->parked : NULL;

    if (z != NULL)
        z->parked = NULL;
    return parked;
}

static void all_go_on(struct query *parked, bool out)
{
    struct query *next;

    for (; parked != NULL; parked = next) {
        next = parked->after;
        go_on(parked, out);
    }
}

/* The question is back. Those that waited for it go out, or get its end. */
static void zone_over(struct query *q, const struct answer *a)
{
    enum quiet_end end = end_of(q, a);
    bool go = lets_go_on(q, end);
    struct query *near, *wide;

    if (q->local)
        return;
    quiet_over(&q->work->worker->quiet, q->place, q->hash, q->started, end, resolver_now());
    if (end == QUIET_CACHED)
        return; /* another one is still out */
    near = take_parked(q->place.near);
    wide = take_parked(q->place.wide);
    all_go_on(near, go);
    all_go_on(wide, go);
}

/* Those for whom no question is out in their zone: the first that is still waited for goes out once
 * strangers may or it is let in, and the others wait for it. */
static void next_parked(struct quiet *quiet, struct quiet_zone *z, bool pressed, int64_t now)
{
    struct query **at = &z->parked, *q;

    while ((q = *at) != NULL && z->open == 0) {
        if (q->work->lookup != NULL && pressed && !quiet_lets_in(quiet, now)) {
            at = &q->after;
            continue;
        }
        *at = q->after;
        go_on(q, true);
    }
}

void question_beat(struct worker *k)
{
    int64_t now = resolver_now();
    bool pressed = quiet_pressed(&k->quiet, now);
    size_t i;

    k->looked = now;
    for (i = 0; i < QUIET_ZONES; i++) /* from another one each time: none is always the last */
        next_parked(&k->quiet, &k->quiet.zone[(i + (size_t)now) % QUIET_ZONES], pressed, now);
}

void question_end(struct worker *k)
{
    size_t i;

    for (i = 0; i < QUIET_ZONES; i++)
        all_go_on(take_parked(&k->quiet.zone[i]), false);
}

static void turn_down(struct query *q, struct work *w, unsigned index)
{
    free(q);
    atomic_fetch_add_explicit(&w->worker->resolver->timeouts, 1, memory_order_relaxed);
    deny(w, index, ANSWER_TIMEOUT);
}

static void park(struct query *q, enum quiet_word word)
{
    bool wide = word == QUIET_PARK_WIDE && q->place.wide != NULL;
    struct quiet_zone *z = wide ? q->place.wide : q->place.near;

    q->after = z->parked;
    z->parked = q;
    q->work->worker->parked++;
}

/* The name of a client whose network has just answered is no stranger once more: who was let in is
 * asked for to the end. */
static enum quiet_word may_ask(struct query *q)
{
    struct quiet *quiet = &q->work->worker->quiet;
    enum quiet_word word = quiet_may_ask(quiet, q->place, q->hash, q->started);

    if (word == QUIET_PARK_WIDE && q->index < FCRDNS_NAMES_MAX && q->place.near->open == 0)
        return QUIET_ASK;
    return word;
}

static void ask(struct work *w, unsigned index, struct trail trail, const struct dname *name,
                enum rrtype type)
{
    struct worker *k = w->worker;
    struct query *q =
        question_has_room(k, w->network, index) ? query_new(w, index, trail, name, type) : NULL;
    enum quiet_word word = QUIET_ASK;

    if (q == NULL) {
        atomic_fetch_add_explicit(&k->resolver->overloads, 1, memory_order_relaxed);
        deny(w, index, ANSWER_OVERLOAD);
        return;
    }
    if (k->resolver->zone.records > 0 && !q->local && !breaker_admits(&k->breaker)) {
        turn_down(q, w, index);
        return;
    }
    if (!q->local)
        word = may_ask(q);
    if (word == QUIET_DENY) {
        turn_down(q, w, index);
        return;
    }
    goes_out(w);
    if (word == QUIET_ASK)
        send_out(q);
    else
        park(q, word);
}

void question_ask(struct work *w, unsigned index, const struct dname *name, enum rrtype type)
{
    static const struct trail none = {.ttl = ANSWER_TTL_MAX, .secure = true};

    ask(w, index, none, name, type);
}
