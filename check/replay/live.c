/* Messages under way: see live.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/live.h"

#include <string.h>

uint64_t live_hash(const struct log_text *t)
{
    uint64_t h = hash_octets(&hash_fixed, t->s, t->n);

    return h != 0 ? h : 1;
}

/* ---- counting ---- */

/* The verdict on a message may have come before it, or may still come. */
static enum outcome_kind remember(struct tally *t, const struct live *m, enum outcome_kind o)
{
    const struct past_entry *told = past_find(&t->past, m->qid, m->at);
    struct past_entry entry = {
        .qid = m->qid, .at = m->at, .client = m->client, .outcome = (uint8_t)o};

    if (o > OUT_ACCEPTED_LAST || o == OUT_SPAM)
        return o;
    if (told != NULL && told->client == 0)
        return told->outcome;
    past_put(&t->past, &entry);
    return o;
}

void live_early(struct live *m, enum outcome_kind o, uint32_t times)
{
    uint32_t *n = &m->early[o - OUT_MTA];

    *n = times < UINT32_MAX - *n ? *n + times : UINT32_MAX;
}

void live_count_early(struct tally *t, struct live *m)
{
    unsigned i;

    for (i = 0; i < EARLY; i++) {
        clients_add(&t->clients, m->client, OUT_MTA + i, m->at, m->early[i]);
        m->early[i] = 0;
    }
}

void live_close(struct tally *t, struct live *m)
{
    const unsigned f = m->flags, taken = BEGUN | QUEUED;
    enum outcome_kind o = f & AUTH                            ? OUT_AUTH
                          : (f & (SPARED | JUDGED)) == SPARED ? OUT_SPARED
                          : f & SPAM                          ? OUT_SPAM
                          : (f & (SENT | DISCARDED)) == SENT  ? OUT_DELIVERED
                                                              : OUT_OTHER;

    t->openings -= m->opening != 0;
    live_count_early(t, m);
    if ((f & taken) == taken && m->client != 0)
        clients_count(&t->clients, m->client, remember(t, m, o), m->at);
    m->qid = 0;
}

/* ---- the table ---- */

static struct live *find(struct tally *t, uint64_t qid)
{
    struct live *set = &t->live[(qid & (LIVE_SETS - 1)) * LIVE_WAYS];
    unsigned i;

    for (i = 0; i < LIVE_WAYS; i++)
        if (set[i].qid == qid)
            return &set[i];
    return NULL;
}

/* In lines; a message stays longer than a refusal. */
static uint64_t age(const struct tally *t, const struct live *m)
{
    return (uint32_t)t->lines - m->age + (m->opening != 0 ? (uint64_t)UINT32_MAX : 0);
}

static struct live *make(struct tally *t, uint64_t qid)
{
    struct live *set = &t->live[(qid & (LIVE_SETS - 1)) * LIVE_WAYS], *oldest = set;
    unsigned i;

    for (i = 0; i < LIVE_WAYS; i++) {
        if (set[i].qid == 0) {
            oldest = &set[i];
            break;
        }
        if (age(t, &set[i]) > age(t, oldest))
            oldest = &set[i];
    }
    if (oldest->qid != 0)
        live_close(t, oldest);
    memset(oldest, 0, sizeof *oldest);
    oldest->qid = qid;
    oldest->age = (uint32_t)t->lines;
    return oldest;
}

struct live *live_at(struct tally *t, const struct log_event *e)
{
    return e->qid.n > 0 ? find(t, live_hash(&e->qid)) : NULL;
}

struct live *live_whole(struct tally *t, struct live *m)
{
    return m != NULL && m->flags & PART ? find(t, m->id) : m;
}

struct live *live_open(struct tally *t, const struct log_event *e)
{
    struct live *m = live_at(t, e);

    if (m != NULL)
        live_close(t, m);
    return make(t, live_hash(&e->qid));
}

bool live_part(struct tally *t, const struct log_event *e)
{
    struct live *whole = live_whole(t, find(t, live_hash(&e->origin))), *part;
    uint64_t qid;

    if (whole == NULL)
        return false;
    qid = whole->qid;
    part = live_open(t, e);
    part->flags = PART;
    part->id = qid;
    whole = find(t, qid); /* it may have made room for the part */
    if (whole == NULL)
        return true;
    if (!(whole->flags & HANDED))
        whole->flags = (uint16_t)((whole->flags | HANDED) & ~SENT);
    whole->parts += whole->parts < UINT8_MAX;
    return true;
}

void live_end(struct tally *t, struct live *m)
{
    struct live *whole = live_whole(t, m);

    if (whole == m) {
        m->flags |= LEFT;
    } else {
        m->qid = 0;
        if (whole != NULL && whole->parts > 0)
            whole->parts--;
    }
    if (whole != NULL && whole->flags & LEFT && whole->parts == 0)
        live_close(t, whole);
}

/* ---- message ids ---- */

void live_remember_id(struct tally *t, struct live *m, const struct log_text *id)
{
    if (id->n == 0)
        return;
    m->id = live_hash(id);
    t->by_id[m->id & (LIVE_IDS - 1)] = (uint32_t)(m - t->live);
}

struct live *live_find_id(struct tally *t, const struct log_text *id)
{
    uint64_t h = live_hash(id);
    struct live *m = &t->live[t->by_id[h & (LIVE_IDS - 1)]];

    return id->n > 0 && m->qid != 0 && !(m->flags & PART) && m->id == h ? m : NULL;
}

/* ---- refused before MAIL ---- */

static uint64_t opening_key(const struct addr *client)
{
    return live_hash(&(struct log_text){(const char *)client, sizeof *client});
}

static struct live *opening_of(struct tally *t, const struct addr *client)
{
    return t->openings > 0 ? find(t, opening_key(client)) : NULL;
}

void opening_refused(struct tally *t, const struct log_event *e, uint32_t client,
                     enum outcome_kind o, int64_t at)
{
    struct live *m = opening_of(t, &e->client);

    if (m != NULL && e->opening > m->opening) {
        m->opening = (uint8_t)e->opening;
        m->client = client; /* the HELO is told now */
        return;
    }
    if (m != NULL)
        live_close(t, m);
    m = make(t, opening_key(&e->client));
    m->client = client;
    m->at = at;
    m->opening = (uint8_t)e->opening;
    t->openings++;
    live_early(m, o, e->times);
}

void opening_over(struct tally *t, const struct addr *client)
{
    struct live *m = opening_of(t, client);

    if (m != NULL)
        live_close(t, m);
}

void opening_followed(struct tally *t, const struct addr *client)
{
    struct live *m = opening_of(t, client);
    unsigned i = 0;

    if (m == NULL)
        return;
    while (i < EARLY - 1 && m->early[i] == 0)
        i++;
    m->early[i] -= m->early[i] > 0;
    live_close(t, m);
}
