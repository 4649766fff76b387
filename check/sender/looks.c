/* Asking who runs a zone and what its servers say: see looks.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/looks.h"

#include "check/sender/batch.h"
#include "dns/resolver.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ASKS_MAX (LOOKS_MAX * SERVERS_MAX * 2)
#define HOPS_MAX 4    /* aliases in a row that are looked at */
#define AGE_MS   1500 /* then what is cached is a second older, rounded or not */

_Static_assert(SERVERS_MAX >= SAID_RECORDS, "each name server is asked for two kinds of address");

void looks_add(struct looks *l, const struct dname *name, uint16_t type)
{
    unsigned i;

    for (i = 0; i < l->n; i++)
        if (l->look[i].type == type && dname_equal(&l->look[i].name, name))
            return;
    if (l->n == LOOKS_MAX) {
        l->left_out++;
        return;
    }
    memset(&l->look[l->n], 0, sizeof *l->look);
    l->look[l->n].name = *name;
    l->look[l->n++].type = type;
}

/* ---- round by round ---- */

/* What the resolver has, and the zone: the owner of the SOA record that comes with the answer. */
static void ask_cached(struct looks *l, struct batch *b)
{
    unsigned i;

    for (i = 0; i < l->n; i++) {
        batch_resolver(b, &l->look[i].name, l->look[i].type);
        batch_resolver(b, &l->look[i].name, RR_SOA);
    }
    batch_run(b);
    for (i = 0; i < l->n; i++) {
        said_read(&l->look[i].cached, &b->ask[2 * i], false);
        said_read(&l->look[i].soa, &b->ask[2 * i + 1], false);
    }
    batch_clear(b);
}

/* The name less its first label. */
static bool above(struct dname *to, const struct dname *name)
{
    unsigned label = name->wire[0] + 1u;

    return dname_from_wire(to, name->wire + label, name->len - label);
}

static bool has_alias(const struct looks *l, const struct dname *name)
{
    unsigned i;

    for (i = 0; i < l->n; i++)
        if (l->look[i].type == RR_CNAME && dname_equal(&l->look[i].name, name))
            return true;
    return false;
}

/* What was asked for is at the end of the alias; the alias becomes a look of its own, once. */
static void part(struct looks *l, struct look *k)
{
    struct look *alias = &l->look[l->n];

    if (!has_alias(l, &k->name)) {
        *alias = *k;
        alias->type = RR_CNAME;
        alias->cached.kind = SAID_DATA;
        alias->cached.n = 1;
        alias->cached.more = false;
        alias->cached.record[0] = (struct rdata){.name = k->cached.first};
        l->n++;
    }
    k->behind = true;
    k->alias = k->name;
    k->name = k->cached.target;
    k->cached.aliased = false;
}

/* Is there a look for what is at this name: the end of the aliases? */
static bool is_end(const struct looks *l, const struct dname *name)
{
    unsigned i;

    for (i = 0; i < l->n; i++)
        if (l->look[i].behind && dname_equal(&l->look[i].name, name))
            return true;
    return false;
}

/* Aliases that the looks from `from` on lead to, and that do not lead to the end at once. */
static void add_aliases(struct looks *l, unsigned from, struct batch *b)
{
    unsigned i, n = l->n;

    for (i = from; i < n; i++) {
        const struct dname *to = &l->look[i].cached.record[0].name;

        if (l->look[i].cached.n == 1 && !is_end(l, to) && !has_alias(l, to)) {
            looks_add(l, to, RR_CNAME);
            if (l->n > n + b->n)
                batch_resolver(b, to, RR_CNAME);
        }
    }
    batch_run(b);
    for (i = 0; i < b->n; i++)
        said_read(&l->look[n + i].cached, &b->ask[i], false);
    batch_clear(b);
}

/* The zone of an alias is not that of the SOA record, which belongs to its end (RFC 2317): it is
 * the zone of the name less one label. */
static void part_aliases(struct looks *l, struct batch *b)
{
    unsigned i, hop, from, n = l->n;
    struct dname up;

    for (i = 0; i < n && l->n < LOOKS_MAX; i++)
        if (l->look[i].cached.aliased)
            part(l, &l->look[i]);
    for (hop = 0, from = n; hop < HOPS_MAX && from < l->n; hop++) {
        i = l->n;
        add_aliases(l, from, b);
        from = i;
    }
    for (i = n; i < l->n; i++)
        batch_resolver(b, above(&up, &l->look[i].name) ? &up : &l->look[i].name, RR_SOA);
    batch_run(b);
    for (i = n; i < l->n; i++)
        said_read(&l->look[i].soa, &b->ask[i - n], false);
    batch_clear(b);
}

/* A resolver that has an entry of its own for the name may not say in which zone that is. */
static void find_zones(struct looks *l, struct batch *b)
{
    unsigned i, k, of[LOOKS_MAX];
    struct dname up;

    for (i = 0; i < l->n; i++)
        if (!l->look[i].soa.zoned && above(&up, &l->look[i].name)) {
            of[b->n] = i;
            batch_resolver(b, &up, RR_SOA);
        }
    batch_run(b);
    for (k = 0; k < b->n; k++)
        said_read(&l->look[of[k]].soa, &b->ask[k], false);
    batch_clear(b);
}

static void ask_names_of_servers(struct looks *l, struct batch *b)
{
    unsigned i;

    for (i = 0; i < l->n; i++)
        batch_resolver(b, l->look[i].soa.zoned ? &l->look[i].soa.zone : &l->look[i].name, TYPE_NS);
    batch_run(b);
    for (i = 0; i < l->n; i++)
        if (l->look[i].soa.zoned)
            said_read(&l->look[i].ns, &b->ask[i], false);
    batch_clear(b);
}

static void add_servers(struct look *k, const struct dname *name, const struct said *r)
{
    unsigned i;

    for (i = 0; i < r->n; i++)
        if (k->servers < SERVERS_MAX)
            k->server[k->servers++] = (struct server){.name = *name, .addr = r->record[i].addr};
        else
            k->left_out++;
}

/* A server without any address stays in the list, if DNS has said so. */
static void take_addresses(struct look *k, const struct dname *name, const struct ask pair[2])
{
    struct said *r = calloc(2, sizeof *r);
    const struct said none = {.n = 1};

    if (r == NULL)
        return;
    said_read(&r[0], &pair[0], false);
    said_read(&r[1], &pair[1], false);
    add_servers(k, name, &r[0]);
    add_servers(k, name, &r[1]);
    if (r[0].n + r[1].n == 0 && said_is_answer(&r[0]) && said_is_answer(&r[1]))
        add_servers(k, name, &none);
    free(r);
}

static void ask_addresses_of_servers(struct looks *l, struct batch *b)
{
    unsigned i, s;
    size_t at = 0;

    for (i = 0; i < l->n; i++)
        for (s = 0; s < l->look[i].ns.n; s++) {
            batch_resolver(b, &l->look[i].ns.record[s].name, RR_A);
            batch_resolver(b, &l->look[i].ns.record[s].name, RR_AAAA);
        }
    batch_run(b);
    for (i = 0; i < l->n; i++)
        for (s = 0; s < l->look[i].ns.n; s++, at += 2)
            take_addresses(&l->look[i], &l->look[i].ns.record[s].name, &b->ask[at]);
    batch_clear(b);
}

static void ask_servers(struct looks *l, struct batch *b)
{
    unsigned i, s;
    size_t at = 0;

    for (i = 0; i < l->n; i++)
        for (s = 0; s < l->look[i].servers; s++) {
            const struct look *k = &l->look[i];

            batch_server(b, &k->name, k->type, ASK_UDP, &k->server[s].addr);
            batch_server(b, &k->name, k->type, ASK_TCP, &k->server[s].addr);
        }
    batch_run(b);
    for (i = 0; i < l->n; i++)
        for (s = 0; s < l->look[i].servers; s++, at += 2) {
            said_read(&l->look[i].server[s].udp, &b->ask[at], true);
            said_read(&l->look[i].server[s].tcp, &b->ask[at + 1], true);
        }
    batch_clear(b);
}

/* ---- old, or the resolver's own? ---- */

/* What a cache holds grows older; an entry of the resolver's own keeps its TTL. */
static void ask_again(struct looks *l, struct batch *b)
{
    unsigned i, k, of[LOOKS_MAX];
    struct said *now = calloc(1, sizeof *now);

    for (i = 0; now != NULL && i < l->n; i++)
        if (look_stale(&l->look[i]) && said_is_answer(&l->look[i].cached)) {
            of[b->n] = i;
            batch_resolver(b, &l->look[i].name, l->look[i].type);
        }
    if (b->n > 0)
        batch_run(b);
    for (k = 0; k < b->n; k++) {
        struct said *first = &l->look[of[k]].cached;

        said_read(now, &b->ask[k], false);
        l->look[of[k]].own = said_same(now, first) && now->ttl == first->ttl;
    }
    batch_clear(b);
    free(now);
}

static bool any_stale(const struct looks *l)
{
    unsigned i = 0;

    while (i < l->n && !look_stale(&l->look[i]))
        i++;
    return i < l->n;
}

/* libunbound would answer from its own cache: another one asks. */
static bool tell_old_from_own(struct looks *l, const struct resolver_settings *s, int64_t since)
{
    int64_t ms = since + AGE_MS - resolver_now();
    struct batch b;

    if (s->root || !any_stale(l))
        return true;
    if (ms > 0)
        usleep((useconds_t)ms * 1000);
    if (!batch_start(&b, s, LOOKS_MAX))
        return false;
    ask_again(l, &b);
    batch_free(&b);
    return true;
}

bool looks_ask(struct looks *l, const struct resolver_settings *s)
{
    int64_t since;
    struct batch b;

    if (!batch_start(&b, s, ASKS_MAX))
        return false;
    l->zone_file = s->zone != NULL && s->zone[0] != '\0';
    ask_cached(l, &b);
    since = resolver_now();
    looks_ask_bogus(l, s, &b);
    part_aliases(l, &b);
    find_zones(l, &b);
    ask_names_of_servers(l, &b);
    ask_addresses_of_servers(l, &b);
    ask_servers(l, &b);
    looks_ask_parents(l, &b);
    batch_free(&b);
    return tell_old_from_own(l, s, since);
}

const char *type_word(uint16_t type)
{
    return type == RR_A       ? "A"
           : type == RR_AAAA  ? "AAAA"
           : type == RR_PTR   ? "PTR"
           : type == RR_CNAME ? "CNAME"
                              : "NS";
}
