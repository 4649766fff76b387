/* Clients of a log judged: see judged.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/judged.h"

#include "check/sweep.h"
#include "check/term.h"

#include <stdlib.h>
#include <string.h>

struct judging {
    struct judged *j;
    int64_t now;
    uint32_t next; /* entry */
    uint64_t done;
    struct progress progress;
};

bool fate_refuses(unsigned kind)
{
    return kind == ACTION_REJECT || kind == ACTION_TEMPFAIL;
}

const unsigned char fate_order[FATE_COUNT] = {
    ACTION_REJECT, ACTION_TEMPFAIL, ACTION_GREYLIST, ACTION_QUARANTINE,
    ACTION_TAG,    ACTION_ACCEPT,   FATE_EXEMPT,     FATE_UNKNOWN,
};

const char *fate_word(unsigned kind)
{
    return kind == FATE_EXEMPT    ? "exempt"
           : kind == FATE_UNKNOWN ? "unknown"
                                  : action_word((enum action)kind);
}

const char *outcome_word(enum outcome_kind o)
{
    static const char *const word[OUT_COUNT] = {
        [OUT_DELIVERED] = "delivered",      [OUT_SPAM] = "spam",
        [OUT_OTHER] = "accepted",           [OUT_MTA] = "refused-mta",
        [OUT_DNSBL] = "refused-dnsbl",      [OUT_MILTER] = "refused-milter",
        [OUT_OWN] = "refused-iprev-milter", [OUT_LATER] = "refused-for-now",
        [OUT_AUTH] = "authenticated",       [OUT_SPARED] = "exempt-recipient",
    };

    return word[o];
}

uint64_t client_judged(const struct client *k)
{
    return client_accepted(k) + client_refused(k);
}

uint64_t sum_of(const struct judged_sum *s, enum outcome_kind from, enum outcome_kind to)
{
    uint64_t n = 0;
    unsigned o;

    for (o = from; o <= to; o++)
        n += s->count[o];
    return n;
}

uint64_t sum_messages(const struct judged_sum *s)
{
    return sum_of(s, 0, OUT_COUNT - 1);
}

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
};

static void reach(const struct judging *g, const struct settings *s, struct known *known,
                  struct verdict *v)
{
    struct facts *f = &known->facts;
    struct recalled *w = &known->recalled;
    const struct addr *client = known->from_log ? &w->client : &f->client;

    f->shapes = w->shapes = &s->shapes;
    f->skip = w->skip = address_exempt(s, client) ? F_SKIP_NETWORK : F_NONE;
    if (known->from_log) {
        report_recall(&v->report, w);
        verdict_recall(v, &s->judge, w, g->now);
    } else {
        report_make(&v->report, f);
        verdict_reach(v, &s->judge, f, g->now);
    }
    if (!settings_relay_trusted(s, client))
        return;
    v->report.found = FINDING(F_IPREV_SKIP); /* no word says why */
    v->report.cause = F_NONE;
}

/* The entry of the address without a HELO. */
static const struct client *base_of(const struct judging *g, const struct client *k)
{
    struct clients *c = &g->j->tally->clients;

    return &c->list[clients_get(c, &k->addr, NULL, 0)];
}

static void judge(struct judging *g, struct client *k, struct known *known)
{
    struct verdict v;

    reach(g, g->j->settings, known, &v);
    k->judged = true;
    k->fate = k->against = fate_of(&v, g->j->settings);
    k->found = v.report.found;
    k->result = (uint8_t)v.report.result;
    k->cause = (uint8_t)v.report.cause;
    client_keep_ptr(k, &v.report.ptr);
    client_keep(&k->why, v.report.why);
    k->turned = base_of(g, k)->turned;
    k->broken =
        base_of(g, k)->passed && (k->result == F_IPREV_FAIL || k->result == F_IPREV_PERMERROR);
    if (g->j->against == NULL)
        return;
    reach(g, g->j->against, known, &v);
    k->against = fate_of(&v, g->j->against);
}

static bool next_client(struct judging *g, struct sweep_item *item)
{
    struct clients *c = &g->j->tally->clients;

    while (g->next < c->n && (c->list[g->next].gone || client_judged(&c->list[g->next]) == 0))
        g->next++;
    if (g->next == c->n)
        return false;
    item->client = c->list[g->next].addr;
    item->helo = c->list[g->next].helo;
    item->helo_len = c->list[g->next].helo_len;
    item->tag = &c->list[g->next++];
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
    judge(g, tag, &known);
    progress_at(&g->progress, ++g->done);
    return true;
}

/* ---- without DNS ---- */

static void recall(const struct client *k, struct recalled *w)
{
    struct helo helo;

    helo_parse(&helo, k->helo, k->helo_len);
    *w = (struct recalled){.client = k->addr, .found = k->found, .ptr = {.len = 1}};
    w->helo = helo.form == HELO_HOST ? helo.name : w->ptr;
    if (k->ptr != NULL)
        dname_from_text(&w->ptr, k->ptr, strlen(k->ptr));
}

static void judge_logged(struct judging *g)
{
    struct known known = {.from_log = true};
    struct sweep_item item;

    while (next_client(g, &item)) {
        struct client *k = item.tag;

        recall(k, &known.recalled);
        judge(g, k, &known);
        if (k->logged)
            continue;
        k->found = 0;
        if (k->fate.kind != FATE_EXEMPT)
            k->fate = (struct fate){.kind = FATE_UNKNOWN, .rule = -1};
        if (k->against.kind != FATE_EXEMPT)
            k->against = (struct fate){.kind = FATE_UNKNOWN, .rule = -1};
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

/* ---- sums ---- */

static void add_client(struct judged_sum *sum, const struct client *k)
{
    unsigned o;

    sum->clients++;
    for (o = 0; o <= OUT_REFUSED_LAST; o++)
        sum->count[o] += k->count[o];
}

static void sum_client(struct judged *j, const struct client *k)
{
    unsigned f, b;

    j->clients++;
    j->temperror += k->result == F_IPREV_TEMPERROR;
    j->fate[FATE_EXEMPT].count[OUT_AUTH] += k->count[OUT_AUTH];
    j->fate[FATE_EXEMPT].count[OUT_SPARED] += k->count[OUT_SPARED];
    add_client(&j->fate[k->fate.kind], k);
    if (k->fate.rule >= 0)
        add_client(&j->rule[k->fate.rule], k);
    for (f = 0; f < F_COUNT; f++)
        if (k->found & FINDING(f))
            add_client(&j->word[f], k);
    j->change[k->against.kind][k->fate.kind] += client_judged(k);
    for (b = 0; b < TIMELINE; b++)
        j->buckets[b][k->fate.kind] += k->when[b];
}

/* ---- lists ---- */

static _Thread_local const struct client *sorting;

static int by_number(uint64_t a, uint64_t b)
{
    return a < b ? 1 : a > b ? -1 : 0;
}

static int by_messages(const void *a, const void *b)
{
    const struct client *x = &sorting[*(const uint32_t *)a], *y = &sorting[*(const uint32_t *)b];
    int c = by_number(client_judged(x), client_judged(y));

    return c != 0 ? c : addr_compare(&x->addr, &y->addr);
}

static int by_delivered(const void *a, const void *b)
{
    const struct client *x = &sorting[*(const uint32_t *)a], *y = &sorting[*(const uint32_t *)b];
    int c = by_number(x->count[OUT_DELIVERED], y->count[OUT_DELIVERED]);

    return c != 0 ? c : by_messages(a, b);
}

static bool in_list(const struct client *k, enum list_kind kind)
{
    bool refused = fate_refuses(k->fate.kind), delivered = k->count[OUT_DELIVERED] > 0;

    switch (kind) {
    case LIST_LOST:
        return refused && delivered;
    case LIST_CAUGHT:
        return refused && !delivered && client_judged(k) > 0;
    case LIST_BROKEN:
        return k->broken;
    case LIST_NEWLY:
        return refused && delivered && !k->broken && !k->turned;
    case LIST_TAGGED:
        return k->fate.kind >= ACTION_TAG && k->fate.kind <= ACTION_GREYLIST;
    case LIST_CHANGED:
        return k->fate.kind != k->against.kind;
    case LIST_ALL:
        return client_messages(k) > 0;
    case LIST_COUNT:
        break;
    }
    return false;
}

static bool make_list(struct judged *j, enum list_kind kind)
{
    const struct clients *c = &j->tally->clients;
    struct judged_list *l = &j->list[kind];
    uint32_t i;

    l->at = malloc(c->n * sizeof *l->at);
    for (i = 1; l->at != NULL && i < c->n; i++)
        if (c->list[i].judged && in_list(&c->list[i], kind))
            l->at[l->n++] = i;
    sorting = c->list;
    if (l->at != NULL)
        qsort(l->at, l->n, sizeof *l->at,
              kind == LIST_CAUGHT || kind == LIST_ALL ? by_messages : by_delivered);
    return l->at != NULL;
}

/* Addresses of which a pair with a HELO was judged; refused: and is refused. */
static uint64_t count_addresses(const struct judged *j, bool refused)
{
    const struct clients *c = &j->tally->clients;
    uint64_t n = 0;
    uint32_t i, k;

    for (i = 1; i < c->n; i++) {
        bool any = false;

        if (c->list[i].helo != NULL)
            continue;
        for (k = i; k != 0; k = c->list[k].next)
            any |= c->list[k].judged && (refused ? fate_refuses(c->list[k].fate.kind)
                                                 : client_messages(&c->list[k]) > 0);
        n += any;
    }
    return n;
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

bool judged_make(struct judged *j, int64_t now)
{
    struct judging g = {.j = j, .now = now, .next = 1};
    struct clients *c = &j->tally->clients;
    uint32_t i;

    spare_undecided(c);
    if (j->no_dns)
        judge_logged(&g);
    else if (!look_up(&g))
        return false;
    for (i = 1; i < c->n; i++)
        if (c->list[i].judged)
            sum_client(j, &c->list[i]);
    j->addresses = count_addresses(j, false);
    j->refused_addresses = count_addresses(j, true);
    for (i = 0; i < LIST_COUNT; i++)
        if (!make_list(j, i)) {
            fprintf(stderr, "iprev-check: out of memory\n");
            return false;
        }
    return true;
}

void judged_free(struct judged *j)
{
    unsigned i;

    for (i = 0; i < LIST_COUNT; i++)
        free(j->list[i].at);
}
