/* Messages under way, and those that have left: see live.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/live.h"

#include "value/hash.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 4096 /* a power of two, as all that follow */
#define FIRST_SETS  1024
#define PROBES      64 /* a log that is made to collide costs no more than this */
#define DAY         86400

/* ---- what has left, by queue id ---- */

bool past_init(struct past *p)
{
    memset(p, 0, sizeof *p);
    p->slots = FIRST_SLOTS;
    p->list = calloc(FIRST_SLOTS, sizeof *p->list);
    return p->list != NULL;
}

void past_free(struct past *p)
{
    free(p->list);
    free(p->before);
    p->list = p->before = NULL;
}

/* The slot of the queue id, or the one to put it in. */
static struct past_entry *slot_of(struct past_entry *list, uint32_t slots, uint64_t qid)
{
    struct past_entry *s = NULL;
    uint32_t i;

    for (i = 0; i < PROBES; i++) {
        s = &list[(qid + i) & (slots - 1)];
        if (s->qid == qid || s->qid == 0)
            break;
    }
    return s;
}

struct past_entry *past_find(const struct past *p, uint64_t qid, int64_t at)
{
    struct past_entry *s = slot_of(p->list, p->slots, qid);
    int64_t away;

    if (s->qid != qid && p->before != NULL)
        s = slot_of(p->before, PAST_SLOTS, qid);
    away = s->at - at;
    if (s->qid != qid || (at != 0 && s->at != 0 && (away > DAY || away < -DAY)))
        return NULL;
    return s;
}

static bool grow(struct past *p)
{
    struct past_entry *list = calloc((size_t)p->slots * 2, sizeof *list);
    uint32_t i;

    if (list == NULL)
        return false;
    for (i = 0; i < p->slots; i++)
        if (p->list[i].qid != 0)
            *slot_of(list, p->slots * 2, p->list[i].qid) = p->list[i];
    free(p->list);
    p->list = list;
    p->slots *= 2;
    return true;
}

static bool begin_another(struct past *p)
{
    struct past_entry *list = calloc(PAST_SLOTS, sizeof *list);

    if (list == NULL)
        return false;
    free(p->before);
    p->before = p->list;
    p->list = list;
    p->n = 0;
    return true;
}

void past_put(struct past *p, const struct past_entry *entry)
{
    struct past_entry *s;

    if (p->n >= p->slots / 2 && !(p->slots < PAST_SLOTS ? grow(p) : begin_another(p)))
        return;
    s = slot_of(p->list, p->slots, entry->qid);
    p->verdicts |= entry->client == 0;
    p->n += s->qid == 0;
    *s = *entry;
}

/* ---- under way ---- */

uint64_t live_hash(const struct live *l, const struct log_text *t)
{
    uint64_t h = hash_octets(&l->clients->key, t->s, t->n);

    return h != 0 ? h : 1;
}

bool live_init(struct live *l, struct clients *clients)
{
    memset(l, 0, sizeof *l);
    l->clients = clients;
    l->sets = FIRST_SETS;
    l->message = calloc(FIRST_SETS * LIVE_WAYS, sizeof *l->message);
    l->tag = calloc(FIRST_SETS * LIVE_WAYS, sizeof *l->tag);
    l->by_id = calloc(LIVE_IDS, sizeof *l->by_id);
    if (l->message != NULL && l->tag != NULL && l->by_id != NULL && past_init(&l->past))
        return true;
    live_free(l);
    return false;
}

void live_free(struct live *l)
{
    past_free(&l->past);
    free(l->message);
    free(l->tag);
    free(l->by_id);
}

/* ---- counting ---- */

enum outcome_kind live_remember(struct live *l, const struct live_message *m, enum outcome_kind o)
{
    struct past_entry *told = l->past.verdicts ? past_find(&l->past, m->qid, m->at) : NULL;
    struct past_entry entry = {.qid = m->qid, .at = m->at, .client = m->client};

    if (told != NULL && told->client == 0) {
        l->verdicts_met++;
        if (o == OUT_DELIVERED || o == OUT_OTHER)
            o = told->outcome;
    }
    entry.outcome = (uint8_t)o;
    if (m->client != 0)
        past_put(&l->past, &entry);
    return o;
}

void live_early(struct live_message *m, enum outcome_kind o, uint32_t times)
{
    uint32_t *n = &m->early[o - OUT_MTA];

    *n = times < UINT32_MAX - *n ? *n + times : UINT32_MAX;
}

void live_count_early(struct live *l, struct live_message *m)
{
    unsigned i;

    for (i = 0; i < EARLY; i++) {
        if (m->early[i] == 0)
            continue;
        clients_add(l->clients,
                    OUT_MTA + i > OUT_REFUSED_LAST ? m->client
                                                   : clients_for(l->clients, m->client, m->to),
                    OUT_MTA + i, m->at, m->early[i]);
        m->early[i] = 0;
    }
}

/* What became of a message that was taken. */
static enum outcome_kind outcome(const struct live_message *m)
{
    if (m->flags & AUTH)
        return OUT_AUTH;
    if ((m->flags & (SPARED | JUDGED)) == SPARED)
        return OUT_SPARED;
    if (m->flags & SPAM)
        return OUT_SPAM;
    return (m->flags & (SENT | DISCARDED)) == SENT ? OUT_DELIVERED : OUT_OTHER;
}

void live_close(struct live *l, struct live_message *m)
{
    const unsigned taken = BEGUN | QUEUED;
    enum outcome_kind o = outcome(m);

    l->openings -= m->opening != 0;
    live_count_early(l, m);
    if ((m->flags & taken) == taken && m->client != 0) {
        if (o <= OUT_REFUSED_LAST)
            m->client = clients_for(l->clients, m->client, m->to);
        clients_add(l->clients, m->client, live_remember(l, m, o), m->at, 1);
    }
    m->qid = 0;
}

void live_close_all(struct live *l)
{
    size_t i;

    for (i = 0; i < (size_t)l->sets * LIVE_WAYS; i++)
        if (l->message[i].qid != 0)
            live_close(l, &l->message[i]);
}

/* ---- the table ---- */

static struct live_message *find(struct live *l, uint64_t qid)
{
    size_t set = (qid & (l->sets - 1)) * LIVE_WAYS, i;

    for (i = set; i < set + LIVE_WAYS; i++)
        if (l->tag[i] == (uint32_t)(qid >> 32) && l->message[i].qid == qid)
            return &l->message[i];
    return NULL;
}

/* In lines; a message stays longer than a refusal. */
static uint64_t age(const struct live *l, const struct live_message *m)
{
    return l->lines - m->age + (m->opening != 0 ? (uint64_t)UINT32_MAX : 0);
}

/* The place for a queue id: a free one of its set, else that of the oldest. */
static struct live_message *place(const struct live *l, uint64_t qid)
{
    struct live_message *set = &l->message[(qid & (l->sets - 1)) * LIVE_WAYS], *oldest = set;
    unsigned i;

    for (i = 0; i < LIVE_WAYS; i++) {
        if (set[i].qid == 0)
            return &set[i];
        if (age(l, &set[i]) > age(l, oldest))
            oldest = &set[i];
    }
    return oldest;
}

static void put(struct live *l, struct live_message *at, const struct live_message *m)
{
    size_t i = (size_t)(at - l->message);

    *at = *m;
    l->tag[i] = (uint32_t)(m->qid >> 32);
    if (m->id != 0 && !(m->flags & PART))
        l->by_id[m->id & (LIVE_IDS - 1)] = (uint32_t)i;
}

/* Each set becomes four: there is room for all that it has. Without memory nothing changes. */
static void widen(struct live *l)
{
    struct live old = *l;
    size_t n = (size_t)l->sets * LIVE_WAYS, i;

    l->message = calloc(4 * n, sizeof *l->message);
    l->tag = calloc(4 * n, sizeof *l->tag);
    if (l->message == NULL || l->tag == NULL) {
        free(l->message);
        free(l->tag);
        *l = old;
        return;
    }
    l->sets *= 4;
    for (i = 0; i < n; i++)
        if (old.message[i].qid != 0)
            put(l, place(l, old.message[i].qid), &old.message[i]);
    free(old.message);
    free(old.tag);
}

static struct live_message *make(struct live *l, uint64_t qid)
{
    struct live_message *m = place(l, qid);

    if (m->qid != 0 && l->sets < LIVE_SETS) {
        widen(l);
        m = place(l, qid);
    }
    if (m->qid != 0)
        live_close(l, m);
    put(l, m, &(struct live_message){.qid = qid, .age = l->lines});
    return m;
}

struct live_message *live_at(struct live *l, const struct log_event *e)
{
    return e->qid.n > 0 ? find(l, live_hash(l, &e->qid)) : NULL;
}

struct live_message *live_whole(struct live *l, struct live_message *m)
{
    return m != NULL && m->flags & PART ? find(l, m->id) : m;
}

struct live_message *live_open(struct live *l, const struct log_event *e)
{
    struct live_message *m = live_at(l, e);

    if (m != NULL)
        live_close(l, m);
    return make(l, live_hash(l, &e->qid));
}

struct live_message *live_beside(struct live *l, const struct log_event *e, uint32_t to,
                                 bool wanted)
{
    uint64_t qid = live_hash(l, &e->qid) ^ to * 0x9e3779b97f4a7c15u;
    struct live_message *m = find(l, qid);

    if (m != NULL || !wanted)
        return m;
    m = make(l, qid);
    m->to = to;
    return m;
}

bool live_part(struct live *l, const struct log_event *e)
{
    struct live_message *whole = live_whole(l, find(l, live_hash(l, &e->origin))), *part;
    uint64_t qid;

    if (whole == NULL)
        return false;
    qid = whole->qid;
    part = live_open(l, e);
    part->flags = PART;
    part->id = qid;
    whole = find(l, qid); /* it may have made room for the part */
    if (whole == NULL)
        return true;
    if (!(whole->flags & HANDED))
        whole->flags = (uint16_t)((whole->flags | HANDED) & ~SENT);
    whole->parts += whole->parts < UINT8_MAX;
    return true;
}

void live_soon(const struct live *l, const struct live_message *m)
{
    __builtin_prefetch(&l->past.list[m->qid & (l->past.slots - 1)], 1);
    __builtin_prefetch(l->clients->list[m->client].when, 1);
}

void live_end(struct live *l, struct live_message *m)
{
    struct live_message *whole = live_whole(l, m);

    if (whole == m) {
        m->flags |= LEFT;
    } else {
        m->qid = 0;
        if (whole != NULL && whole->parts > 0)
            whole->parts--;
    }
    if (whole != NULL && whole->flags & LEFT && whole->parts == 0)
        live_close(l, whole);
}

/* ---- message ids ---- */

void live_remember_id(struct live *l, struct live_message *m, const struct log_text *id)
{
    if (id->n == 0)
        return;
    m->id = live_hash(l, id);
    l->by_id[m->id & (LIVE_IDS - 1)] = (uint32_t)(m - l->message);
}

struct live_message *live_find_id(struct live *l, const struct log_text *id)
{
    uint64_t h = live_hash(l, id);
    struct live_message *m = &l->message[l->by_id[h & (LIVE_IDS - 1)]];

    return id->n > 0 && m->qid != 0 && !(m->flags & PART) && m->id == h ? m : NULL;
}

/* ---- refused before MAIL ---- */

static uint64_t opening_key(const struct live *l, const struct addr *client)
{
    return live_hash(l, &(struct log_text){(const char *)client, sizeof *client});
}

static struct live_message *opening_of(struct live *l, const struct addr *client)
{
    return l->openings > 0 ? find(l, opening_key(l, client)) : NULL;
}

void opening_refused(struct live *l, const struct log_event *e, uint32_t client,
                     enum outcome_kind o, int64_t at)
{
    struct live_message *m = opening_of(l, &e->client);

    if (m != NULL && e->opening > m->opening) {
        m->opening = (uint8_t)e->opening;
        m->client = client; /* the HELO is known now */
        return;
    }
    if (m != NULL)
        live_close(l, m);
    m = make(l, opening_key(l, &e->client));
    m->client = client;
    m->at = at;
    m->opening = (uint8_t)e->opening;
    l->openings++;
    live_early(m, o, e->times);
}

void opening_over(struct live *l, const struct addr *client)
{
    struct live_message *m = opening_of(l, client);

    if (m != NULL)
        live_close(l, m);
}

void opening_followed(struct live *l, const struct addr *client)
{
    struct live_message *m = opening_of(l, client);
    unsigned i = 0;

    if (m == NULL)
        return;
    while (i < EARLY - 1 && m->early[i] == 0)
        i++;
    m->early[i] -= m->early[i] > 0;
    live_close(l, m);
}
