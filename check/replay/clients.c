/* The clients of a log: see clients.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/clients.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define FIRST_SLOTS 4096

bool clients_init(struct clients *c)
{
    memset(c, 0, sizeof *c);
    c->n = 1;
    c->cap = FIRST_SLOTS / 2;
    c->slots = FIRST_SLOTS;
    c->list = calloc(c->cap, sizeof *c->list);
    c->slot = calloc(c->slots, sizeof *c->slot);
    c->width = 3600;
    c->last = -1;
    if (getrandom(&c->key, sizeof c->key, GRND_NONBLOCK) < 0)
        c->key = hash_fixed; /* early at boot: it need not be secret then */
    if (c->list != NULL && c->slot != NULL)
        return true;
    clients_free(c);
    return false;
}

static void free_senders(struct client_senders *s)
{
    unsigned i;

    for (i = 0; s != NULL && i < SENDERS_MAX; i++)
        free(s->domain[i]);
    free(s);
}

void clients_free(struct clients *c)
{
    uint32_t i;

    for (i = 1; c->list != NULL && i < c->n; i++) {
        free(c->list[i].helo);
        free(c->list[i].ptr);
        free(c->list[i].why);
        free_senders(c->list[i].senders);
    }
    free(c->list);
    free(c->slot);
    c->list = NULL;
    c->slot = NULL;
}

/* ---- the table ---- */

static uint64_t pair_hash(const struct clients *c, const struct addr *addr, const char *helo,
                          size_t n)
{
    uint64_t h = addr_hash(addr, &c->key);

    return helo != NULL ? h ^ hash_octets(&c->key, helo, n) : h;
}

static bool is_pair(const struct client *k, const struct addr *addr, const char *helo, size_t n)
{
    if (!addr_equal(&k->addr, addr) || (k->helo == NULL) != (helo == NULL))
        return false;
    return helo == NULL || (k->helo_len == n && memcmp(k->helo, helo, n) == 0);
}

static uint32_t *find_slot(const struct clients *c, const struct addr *addr, const char *helo,
                           size_t n)
{
    uint32_t i = (uint32_t)pair_hash(c, addr, helo, n) & (c->slots - 1);

    while (c->slot[i] != 0 && !is_pair(&c->list[c->slot[i]], addr, helo, n))
        i = (i + 1) & (c->slots - 1);
    return &c->slot[i];
}

static bool grow(struct clients *c)
{
    uint32_t *slot, i;
    struct client *list;

    if (c->n < c->cap)
        return true;
    if (c->cap >= UINT32_MAX / 4)
        return false;
    list = realloc(c->list, 2 * (size_t)c->cap * sizeof *list);
    if (list == NULL)
        return false;
    memset(list + c->cap, 0, c->cap * sizeof *list);
    c->list = list;
    c->cap *= 2;
    slot = calloc(2 * (size_t)c->slots, sizeof *slot);
    if (slot == NULL)
        return false;
    free(c->slot);
    c->slot = slot;
    c->slots *= 2;
    for (i = 1; i < c->n; i++) {
        const struct client *k = &c->list[i];

        if (k->first)
            *find_slot(c, &k->addr, k->helo, k->helo_len) = i;
    }
    return true;
}

/* An entry that no slot leads to yet. */
static uint32_t add(struct clients *c, const struct addr *addr, const char *helo, size_t n)
{
    struct client *k;
    char *copy = NULL;

    if (c->failed || !grow(c) || (helo != NULL && (copy = malloc(n + 1)) == NULL)) {
        c->failed = true;
        return 0;
    }
    k = &c->list[c->n];
    k->addr = *addr;
    k->result = k->cause = F_NONE;
    k->fate = k->against = (struct fate){.kind = FATE_UNKNOWN, .rule = -1};
    k->trial = -1;
    k->to = 1;
    if (helo != NULL) {
        memcpy(copy, helo, n);
        copy[n] = '\0';
        k->helo = copy;
        k->helo_len = (uint16_t)n;
    }
    return c->n++;
}

uint32_t clients_get(struct clients *c, const struct addr *addr, const char *helo, size_t n)
{
    uint32_t base, i;

    if (n > CLIENT_HELO_MAX)
        n = CLIENT_HELO_MAX;
    i = *find_slot(c, addr, helo, n);
    if (i != 0)
        return i;
    base = helo == NULL ? 0 : clients_get(c, addr, NULL, 0);
    if (helo != NULL && base == 0)
        return 0;
    if (helo != NULL && c->list[base].helos >= CLIENT_HELOS)
        return c->list[base].next; /* too many: to the newest of those kept */
    i = add(c, addr, helo, n);
    if (i == 0)
        return 0;
    c->list[i].first = true;
    c->list[i].base = helo != NULL ? base : i;
    *find_slot(c, addr, helo, n) = i;
    if (helo == NULL)
        return i;
    c->list[i].next = c->list[base].next;
    c->list[base].next = i;
    c->list[base].helos++;
    return i;
}

void clients_soon(const struct clients *c, const struct addr *addr)
{
    const struct client *k =
        &c->list[c->slot[(uint32_t)pair_hash(c, addr, NULL, 0) & (c->slots - 1)]];

    __builtin_prefetch(k);
    __builtin_prefetch(k->count);
}

/* Another entry of the pair of entry i, behind entry `after`. */
static uint32_t add_other(struct clients *c, uint32_t i, uint32_t after)
{
    const struct client *k = &c->list[i];
    struct addr addr = k->addr;
    uint32_t other = add(c, &addr, k->helo, k->helo_len); /* k->helo outlives a list that moves */

    if (other == 0)
        return 0;
    c->list[other].other = c->list[after].other;
    c->list[after].other = other;
    c->list[other].base = c->list[i].base;
    return other;
}

uint32_t clients_for(struct clients *c, uint32_t i, uint32_t to)
{
    uint32_t sets = 1, last = i, other;

    if (i == 0 || to <= 1)
        return i;
    for (; c->list[last].to != to && c->list[last].other != 0; last = c->list[last].other)
        sets++;
    if (c->list[last].to == to || sets >= CLIENT_SETS)
        return last;
    other = add_other(c, i, last);
    if (other != 0)
        c->list[other].to = to;
    return other;
}

/* ---- the timeline ---- */

/* Hours, thirds of a day, halves, days, weeks, four weeks, and on. */
static unsigned coarser(unsigned step)
{
    static const unsigned char factor[] = {3, 4, 2, 7, 4};

    return step < sizeof factor ? factor[step] : 4;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

static void coarsen_one(uint32_t when[TIMELINE], int64_t begin, unsigned factor)
{
    uint32_t sum[TIMELINE] = {0};
    unsigned k;

    for (k = 0; k < TIMELINE; k++)
        sum[floor_div(begin + k, factor) - floor_div(begin, factor)] += when[k];
    memcpy(when, sum, sizeof sum);
}

static void coarsen(struct clients *c)
{
    unsigned factor = coarser(c->step++);
    int64_t first = floor_div(c->first, factor);
    uint32_t i;

    for (i = 1; i < c->n; i++) {
        coarsen_one(c->list[i].when, c->first, factor);
        coarsen_one(c->list[i].own_when, c->first, factor);
    }
    c->first = first;
    c->last = floor_div(c->last, factor);
    c->width *= factor;
}

static void shift_one(uint32_t when[TIMELINE], unsigned by)
{
    memmove(when + by, when, (TIMELINE - by) * sizeof *when);
    memset(when, 0, by * sizeof *when);
}

static void shift(struct clients *c, unsigned by)
{
    uint32_t i;

    for (i = 1; i < c->n; i++) {
        shift_one(c->list[i].when, by);
        shift_one(c->list[i].own_when, by);
    }
    c->first -= by;
}

/* The bucket of a time; the others make room. */
static unsigned place(struct clients *c, int64_t at)
{
    int64_t b = floor_div(at, c->width);

    if (c->last < 0)
        c->first = c->last = b;
    while ((b > c->last ? b : c->last) - (b < c->first ? b : c->first) >= TIMELINE) {
        coarsen(c);
        b = floor_div(at, c->width);
    }
    if (b < c->first)
        shift(c, (unsigned)(c->first - b));
    if (b > c->last)
        c->last = b;
    return (unsigned)(b - c->first);
}

int64_t clients_bucket(const struct clients *c, unsigned i)
{
    return (c->first + i) * c->width;
}

/* ---- counting ---- */

void client_days_add(struct client_days *d, const struct client_days *more)
{
    if (more->last == 0)
        return;
    if (d->last == 0 || more->first < d->first)
        d->first = more->first;
    if (more->last > d->last)
        d->last = more->last;
}

void client_day_add(struct client_days *d, int64_t at)
{
    struct client_days one = {(int32_t)(at / 86400), (int32_t)(at / 86400)};

    if (at > 0)
        client_days_add(d, &one);
}

void clients_add(struct clients *c, uint32_t i, enum outcome_kind o, int64_t at, uint32_t n)
{
    if (i == 0 || n == 0)
        return;
    c->list[i].count[o] += n;
    if (o == OUT_DELIVERED)
        client_day_add(&c->list[i].days, at);
    if (at > 0 && o <= OUT_REFUSED_LAST)
        c->list[i].when[place(c, at)] += n;
}

void clients_add_own(struct clients *c, uint32_t i, enum own_kind kind, int64_t at, uint32_t n)
{
    if (i == 0)
        return;
    c->list[i].own[kind] += n;
    if (kind == OWN_ACCEPTED)
        client_day_add(&c->list[i].own_days, at);
    if (at > 0 && kind <= OWN_REFUSED)
        c->list[i].own_when[place(c, at)] += n;
}

void clients_move(struct clients *c, uint32_t i, enum outcome_kind from, enum outcome_kind to)
{
    c->list[i].count[from]--;
    c->list[i].count[to]++;
}

void clients_add_sender(struct clients *c, uint32_t i, const char *domain, uint32_t hash)
{
    struct client *base = &c->list[c->list[i].base];
    struct client_senders *s = base->senders;
    unsigned k;

    if (i == 0 || base->sender == hash || base->senders_more)
        return;
    base->sender = hash;
    if (s == NULL && (s = base->senders = calloc(1, sizeof *s)) == NULL)
        return;
    for (k = 0; k < SENDERS_MAX && s->domain[k] != NULL; k++)
        if (strcmp(s->domain[k], domain) == 0)
            return;
    if (k < SENDERS_MAX)
        s->domain[k] = strdup(domain);
    else
        base->senders_more = true;
}

void client_keep(char **kept, const char *text)
{
    free(*kept);
    *kept = text[0] != '\0' ? strdup(text) : NULL;
}

void client_keep_ptr(struct client *k, const struct dname *name)
{
    char text[DNAME_TEXT_MAX] = "";
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    if (name->len > 1)
        dname_put(&sb, name);
    client_keep(&k->ptr, text);
}

static uint64_t sum(const struct client *k, enum outcome_kind from, enum outcome_kind to)
{
    uint64_t n = 0;
    unsigned o;

    for (o = from; o <= to; o++)
        n += k->count[o];
    return n;
}

uint64_t client_messages(const struct client *k)
{
    return sum(k, 0, OUT_COUNT - 1);
}

uint64_t client_accepted(const struct client *k)
{
    return sum(k, 0, OUT_ACCEPTED_LAST);
}

uint64_t client_refused(const struct client *k)
{
    return sum(k, OUT_ACCEPTED_LAST + 1, OUT_REFUSED_LAST);
}

static void add_counts(struct client *to, const struct client *from)
{
    unsigned k;

    for (k = 0; k < OUT_COUNT; k++)
        to->count[k] += from->count[k];
    for (k = 0; k < TIMELINE; k++)
        to->when[k] += from->when[k];
    client_days_add(&to->days, &from->days);
}

void clients_merge(struct clients *c, uint32_t to, uint32_t from)
{
    add_counts(&c->list[to], &c->list[from]);
    c->list[from].gone = true;
    c->list[from].into = to;
}

uint32_t clients_split(struct clients *c, uint32_t i)
{
    uint32_t other = add_other(c, i, i);

    if (other == 0)
        return 0;
    c->list[other].to = c->list[i].to;
    add_counts(&c->list[other], &c->list[i]);
    return other;
}

/* ---- settling ---- */

static void count_own(struct clients *c, uint32_t i)
{
    unsigned b;

    for (; i != 0; i = c->list[i].other) {
        struct client *k = &c->list[i];

        k->count[OUT_DELIVERED] += k->own[OWN_ACCEPTED];
        k->count[OUT_OWN] += k->own[OWN_REFUSED];
        k->count[OUT_AUTH] += k->own[OWN_AUTH];
        k->count[OUT_SPARED] += k->own[OWN_SPARED];
        for (b = 0; b < TIMELINE; b++)
            k->when[b] += k->own_when[b];
        client_days_add(&k->days, &k->own_days);
    }
}

/* Messages of the pair; own: with our own records, which tell how often its HELO was logged. */
static uint64_t pair_times(const struct clients *c, uint32_t i, bool own)
{
    uint64_t n = 0;
    unsigned o;

    for (; i != 0; i = c->list[i].other) {
        n += client_messages(&c->list[i]);
        for (o = 0; own && o < OWN_COUNT; o++)
            n += c->list[i].own[o];
    }
    return n;
}

/* Set by set. Without memory they stay where they are. */
static void move_pair(struct clients *c, uint32_t to, uint32_t from)
{
    for (; from != 0; from = c->list[from].other) {
        uint32_t i = clients_for(c, to, c->list[from].to);

        if (i != 0)
            clients_merge(c, i, from);
    }
}

static void settle(struct clients *c, uint32_t base)
{
    uint32_t most = 0, i;
    uint64_t told = 0;

    for (i = base; i != 0; i = c->list[i].next)
        told += pair_times(c, i, false);
    for (i = base; told == 0 && i != 0; i = c->list[i].next)
        count_own(c, i);
    for (i = c->list[base].next; i != 0; i = c->list[i].next)
        if (most == 0 || pair_times(c, i, true) > pair_times(c, most, true))
            most = i;
    if (most != 0)
        move_pair(c, most, base);
}

void clients_settle(struct clients *c)
{
    uint32_t i, n = c->n;

    for (i = 1; i < n; i++)
        if (c->list[i].helo == NULL && c->list[i].first)
            settle(c, i);
}
