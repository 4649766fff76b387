/* Each client of a log judged, for each kind of its recipients: see judged.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/judged.h"

#include "check/sweep.h"
#include "check/term.h"

#include <string.h>

struct judging {
    struct judged *j;
    int64_t now;
    uint32_t next; /* entry */
    uint64_t done;
    struct progress progress;
};

/* ---- one client ---- */

static struct fate fate_of(const struct verdict *v, const struct settings *s)
{
    struct fate f = {.kind = (uint8_t)v->action, .rule = -1};

    if (v->report.result == F_IPREV_SKIP)
        f.kind = FATE_EXEMPT;
    if (v->rule != NULL)
        f.rule = (int8_t)(v->rule - s->judge.policy.rule);
    return f;
}

/* Known from the address alone. */
static bool address_exempt(const struct settings *s, const struct addr *client)
{
    return settings_relay_trusted(s, client) || settings_network_exempt(s, client);
}

/* What is known of a client: answers of now, or what our own records say. */
struct known {
    struct facts facts;
    struct recalled recalled;
    bool from_log;
    int64_t now;
    bool forgotten;      /* what memory says mattered, and is not in the log */
    uint32_t pair, base; /* entries that our records are of: with this HELO, or with any */
};

static bool passed_on_two_days(const struct tally *t, const struct settings *s,
                               const struct client *k)
{
    const struct client_days *d = &k->passed_days;

    return d->last > d->first && d->last + (int64_t)s->memory.known_days >= t->end / 86400;
}

/* What memory says, as far as our own records tell. Before the first of them it was empty. */
static enum remembered remembered(const struct judging *g, const struct settings *s,
                                  const struct known *known)
{
    const struct client *list = g->j->tally->clients.list;
    const struct client *k = &list[list[known->pair].recorded ? known->pair : known->base];

    if (k->known == REMEMBERED || passed_on_two_days(g->j->tally, s, &list[known->base]))
        return REMEMBERED;
    if (k->recorded)
        return (enum remembered)k->known;
    return g->j->tally->records > 0 ? MEMORY_FAILED : NOT_REMEMBERED;
}

static void reach_once(const struct settings *s, const struct known *known, rule_set without,
                       struct verdict *v)
{
    if (known->from_log)
        verdict_recall(v, &s->judge, &known->recalled, without, known->now);
    else
        verdict_reach_without(v, &s->judge, &known->facts, without, known->now);
}

static void reach(const struct judging *g, const struct settings *s, struct known *known,
                  rule_set without, struct verdict *v)
{
    struct facts *f = &known->facts;
    struct recalled *w = &known->recalled;
    const struct addr *client = known->from_log ? &w->client : &f->client;

    f->shapes = w->shapes = &s->shapes;
    f->skip = w->skip = address_exempt(s, client) ? F_SKIP_NETWORK : F_NONE;
    known->forgotten = false;
    if (known->from_log)
        report_recall(&v->report, w);
    else
        report_make(&v->report, f);
    reach_once(s, known, without, v);
    if (s->memory.store != NULL && verdict_wants_memory(v, &s->judge, without, known->now)) {
        enum remembered what = remembered(g, s, known);

        known->forgotten = what == MEMORY_FAILED;
        report_remember(&v->report, what);
        reach_once(s, known, without, v);
    }
    if (!settings_relay_trusted(s, client))
        return;
    v->report.found = FINDING(F_IPREV_SKIP); /* no word says why */
    v->report.cause = F_NONE;
}

/* Exempt by exempt.hosts or exempt.lists, and the rules alone would turn it away. */
static bool is_spared(const struct verdict *v, const struct settings *s, rule_set without,
                      int64_t now)
{
    const struct policy *p = &s->judge.policy;
    struct decision d;

    if (v->report.result == F_IPREV_SKIP || v->rule != NULL || v->rule_name[0] == '\0')
        return false;
    d = policy_decide(p, without | policy_trials(p), v->report.found, v->report.unsure, &v->client,
                      now);
    return d.action > ACTION_QUARANTINE;
}

/* What the policies decide about a client, for one kind of recipients. */
struct decided {
    struct fate fate, against, soon;
    int8_t trial;
    bool spared;
};

static struct decided decide(const struct judging *g, struct known *known, unsigned kind,
                             struct verdict *v)
{
    const struct audience *a = &g->j->tally->audiences.kind[kind];
    const struct settings *s = g->j->settings, *other = g->j->against;
    struct decided d = {.trial = -1};

    known->now = g->now;
    if (other != NULL) {
        reach(g, other, known, a->there, v);
        d.against = fate_of(v, other);
    }
    known->now = g->now + ENDS_SOON;
    reach(g, s, known, a->without, v);
    d.soon = fate_of(v, s);
    known->now = g->now;
    reach(g, s, known, a->without, v);
    d.fate = fate_of(v, s);
    d.spared = is_spared(v, s, a->without, g->now);
    if (v->trial != NULL)
        d.trial = (int8_t)(v->trial - s->judge.policy.rule);
    if (other == NULL)
        d.against = d.fate;
    return d;
}

static bool same_decision(const struct decided *a, const struct decided *b)
{
    return a->fate.kind == b->fate.kind && a->fate.rule == b->fate.rule &&
           a->against.kind == b->against.kind && a->against.rule == b->against.rule &&
           a->trial == b->trial;
}

static void write_down(const struct judging *g, uint32_t i, const struct known *known,
                       const struct decided *d, const struct verdict *v)
{
    struct client *k = &g->j->tally->clients.list[i];
    const struct client *base = &g->j->tally->clients.list[known->base];

    k->judged = true;
    k->fate = d->fate;
    k->against = d->against;
    k->soon = d->soon;
    k->spared = d->spared;
    k->trial = d->trial;
    k->found = v->report.found;
    k->result = (uint8_t)v->report.result;
    k->cause = (uint8_t)v->report.cause;
    client_keep_ptr(k, &v->report.ptr);
    client_keep(&k->why, v->report.why);
    k->forgotten = known->forgotten;
    k->turned = base->turned;
    k->broken = base->passed && (k->result == F_IPREV_FAIL || k->result == F_IPREV_PERMERROR);
}

/* Each recipient is decided alone: where that ends in several decisions, each has an entry. */
static void judge(const struct judging *g, uint32_t i, struct known *known)
{
    struct clients *c = &g->j->tally->clients;
    uint32_t kinds = c->list[i].to, at[AUDIENCES];
    struct decided d[AUDIENCES];
    unsigned kind, n = 0, k;
    struct verdict v;

    known->pair = clients_get(c, &c->list[i].addr, c->list[i].helo, c->list[i].helo_len);
    known->base = clients_get(c, &c->list[i].addr, NULL, 0);
    for (kind = 0; kind < g->j->tally->audiences.n; kind++) {
        if ((kinds >> kind & 1) == 0)
            continue;
        d[n] = decide(g, known, kind, &v);
        for (k = 0; !same_decision(&d[k], &d[n]); k++)
            ;
        if (k == n) {
            at[n] = n == 0 ? i : clients_split(c, i);
            g->j->mixed |= n > 0;
            if (at[n] == 0)
                return; /* the report says that memory ran out */
            c->list[at[n]].to = 0;
            write_down(g, at[n++], known, &d[k], &v);
        }
        c->list[at[k]].to |= (uint32_t)1 << kind;
    }
}

static bool next_client(struct judging *g, struct sweep_item *item)
{
    struct clients *c = &g->j->tally->clients;

    while (g->next < c->n && (c->list[g->next].gone || c->list[g->next].judged ||
                              client_judged(&c->list[g->next]) == 0))
        g->next++;
    if (g->next == c->n)
        return false;
    item->client = c->list[g->next].addr;
    item->helo = c->list[g->next].helo;
    item->helo_len = c->list[g->next].helo_len;
    item->tag = (void *)(uintptr_t)g->next++;
    return true;
}

static bool on_judged(void *arg, void *tag, struct inquiry *q, const char *helo, size_t n)
{
    struct judging *g = arg;
    struct known known = {.from_log = false};

    (void)helo;
    (void)n;
    inquiry_facts(q, q->helo_given, &known.facts);
    known.facts.helo_lost = !q->helo_given;
    judge(g, (uint32_t)(uintptr_t)tag, &known);
    progress_at(&g->progress, ++g->done);
    return true;
}

/* ---- without DNS ---- */

static void recall(const struct client *k, struct recalled *w)
{
    struct helo helo;

    helo_parse(&helo, k->helo, k->helo_len);
    *w = (struct recalled){.client = k->addr, .ptr = {.len = 1}};
    w->found = k->found & ~FINDING(F_CLIENT_KNOWN); /* memory has a word of its own */
    w->helo = helo.form == HELO_HOST ? helo.name : w->ptr;
    if (k->ptr != NULL)
        dname_from_text(&w->ptr, k->ptr, strlen(k->ptr));
}

/* Of another set of kinds of recipients, the record is that of the pair. */
static const struct client *recorded(const struct judging *g, uint32_t i)
{
    struct clients *c = &g->j->tally->clients;
    const struct client *k = &c->list[i];

    return &c->list[clients_get(c, &k->addr, k->helo, k->helo_len)];
}

static void judge_unknown(struct judging *g, uint32_t i)
{
    struct client *k = &g->j->tally->clients.list[i];

    k->found = 0;
    k->trial = -1;
    if (k->fate.kind != FATE_EXEMPT)
        k->fate = (struct fate){.kind = FATE_UNKNOWN, .rule = -1};
    if (k->against.kind != FATE_EXEMPT)
        k->against = (struct fate){.kind = FATE_UNKNOWN, .rule = -1};
}

static void judge_logged(struct judging *g)
{
    struct known known = {.from_log = true};
    struct sweep_item item;

    while (next_client(g, &item)) {
        uint32_t i = (uint32_t)(uintptr_t)item.tag;
        bool logged = recorded(g, i)->logged;

        recall(recorded(g, i), &known.recalled);
        judge(g, i, &known);
        if (!logged)
            judge_unknown(g, i);
    }
}

/* ---- nothing to decide ---- */

/* About such a client nothing need be known, and it must not count among the refused: many are
 * our own users, at home, where no address has a good name. */
static void spare_undecided(struct clients *c)
{
    uint32_t i;

    for (i = 1; i < c->n; i++) {
        struct client *k = &c->list[i];

        if (k->gone || client_messages(k) == 0 || client_judged(k) > 0)
            continue;
        k->judged = true;
        k->fate = k->against = (struct fate){.kind = FATE_EXEMPT, .rule = -1};
        k->found = 0;
    }
}

/* ---- together ---- */

static bool look_up(struct judging *g)
{
    struct sweep sweep = {
        .settings = g->j->settings,
        .exempt_too = g->j->against != NULL,
        .judged = on_judged,
        .arg = g,
    };
    struct sweep_item item = {.helo = NULL};

    progress_start(&g->progress, "looking clients up", g->j->tally->clients.n - 1);
    if (sweep_start(&sweep) != 0)
        return false;
    while (next_client(g, &item))
        sweep_put(&sweep, &item);
    sweep_end(&sweep);
    progress_end(&g->progress);
    return true;
}

bool judge_clients(struct judged *j, int64_t now)
{
    struct judging g = {.j = j, .now = now, .next = 1};

    spare_undecided(&j->tally->clients);
    if (!j->no_dns)
        return look_up(&g);
    judge_logged(&g);
    return true;
}
