/* Clients of a log judged: see judged.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/judged.h"

#include <stdlib.h>

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

/* ---- sums ---- */

/* again: the client is in the sum already, with other messages. */
static void add_client(struct judged_sum *sum, const struct client *k, bool again)
{
    unsigned o;

    sum->clients += !again;
    for (o = 0; o <= OUT_REFUSED_LAST; o++)
        sum->count[o] += k->count[o];
}

static void sum_client(struct judged *j, const struct client *k, bool again)
{
    unsigned f, b;

    j->fate[FATE_EXEMPT].count[OUT_AUTH] += k->count[OUT_AUTH];
    j->fate[FATE_EXEMPT].count[OUT_SPARED] += k->count[OUT_SPARED];
    add_client(&j->fate[k->fate.kind], k, false);
    if (k->fate.rule >= 0)
        add_client(&j->rule[k->fate.rule], k, false);
    if (k->trial >= 0)
        add_client(&j->rule[k->trial], k, false);
    for (f = 0; f < F_COUNT; f++)
        if (k->found & FINDING(f))
            add_client(&j->word[f], k, again);
    j->change[k->against.kind][k->fate.kind] += client_judged(k);
    for (b = 0; b < TIMELINE; b++)
        j->buckets[b][k->fate.kind] += k->when[b];
}

static bool same_fate(const struct fate *a, const struct fate *b)
{
    return a->kind == b->kind && a->rule == b->rule;
}

static bool fares_alike(const struct client *a, const struct client *b)
{
    return same_fate(&a->fate, &b->fate) && same_fate(&a->against, &b->against) &&
           a->trial == b->trial;
}

/* Sets of recipients whose decision turned out to be the same become one entry. */
static void merge_pair(struct clients *c, uint32_t i)
{
    uint32_t k;

    for (; i != 0; i = c->list[i].other)
        for (k = c->list[i].other; k != 0; k = c->list[k].other)
            if (c->list[i].judged && c->list[k].judged && !c->list[i].gone && !c->list[k].gone &&
                fares_alike(&c->list[i], &c->list[k])) {
                c->list[i].to |= c->list[k].to;
                clients_merge(c, i, k);
            }
}

static void sum_pair(struct judged *j, uint32_t i)
{
    const struct client *list = j->tally->clients.list;
    bool again = false;

    for (; i != 0; i = list[i].other) {
        if (!list[i].judged || list[i].gone)
            continue;
        sum_client(j, &list[i], again);
        j->clients += !again;
        j->temperror += !again && list[i].result == F_IPREV_TEMPERROR;
        j->forgotten += !again && list[i].forgotten;
        again = true;
    }
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

static bool is_lost(const struct client *k)
{
    return k->count[OUT_DELIVERED] > 0 && k->came_back == 0;
}

static int by_return(const void *a, const void *b)
{
    const struct client *x = &sorting[*(const uint32_t *)a], *y = &sorting[*(const uint32_t *)b];
    int c = by_number(is_lost(x), is_lost(y));

    return c != 0 ? c : by_delivered(a, b);
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
    case LIST_WAITING:
        return k->fate.kind == ACTION_GREYLIST && is_lost(k) && !k->broken && !k->turned;
    case LIST_SPARED:
        return k->spared;
    case LIST_PUT_OFF:
        return k->fate.kind == ACTION_GREYLIST;
    case LIST_TAGGED:
        return k->fate.kind == ACTION_TAG || k->fate.kind == ACTION_QUARANTINE;
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
        if (c->list[i].judged && !c->list[i].gone && in_list(&c->list[i], kind))
            l->at[l->n++] = i;
    sorting = c->list;
    if (l->at != NULL)
        qsort(l->at, l->n, sizeof *l->at,
              kind == LIST_CAUGHT || kind == LIST_ALL ? by_messages
              : kind == LIST_PUT_OFF                  ? by_return
                                                      : by_delivered);
    return l->at != NULL;
}

static bool pair_has(const struct clients *c, uint32_t i, bool refused)
{
    bool any = false;

    for (; i != 0; i = c->list[i].other)
        any |= c->list[i].judged && !c->list[i].gone &&
               (refused ? fate_refuses(c->list[i].fate.kind) : client_messages(&c->list[i]) > 0);
    return any;
}

/* Addresses of which a pair with a HELO was judged; refused: and is refused. */
static uint64_t count_addresses(const struct judged *j, bool refused)
{
    const struct clients *c = &j->tally->clients;
    uint64_t n = 0;
    uint32_t i, k;

    for (i = 1; i < c->n; i++) {
        bool any = false;

        if (c->list[i].helo != NULL || !c->list[i].first)
            continue;
        for (k = i; k != 0; k = c->list[k].next)
            any |= pair_has(c, k, refused);
        n += any;
    }
    return n;
}

/* ---- together ---- */

static void judged_sums(struct judged *j)
{
    struct clients *c = &j->tally->clients;
    uint32_t i;

    for (i = 1; i < c->n; i++)
        if (c->list[i].first) {
            merge_pair(c, i);
            sum_pair(j, i);
        }
    j->addresses = count_addresses(j, false);
    j->refused_addresses = count_addresses(j, true);
    grey_play(c, j->settings, &j->tally->tries, &j->grey);
}

bool judged_make(struct judged *j, int64_t now)
{
    unsigned i;

    if (!judge_clients(j, now))
        return false;
    judged_sums(j);
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
