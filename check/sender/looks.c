/* Asking who runs a zone and what its servers say: see looks.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/looks.h"

#include <stdlib.h>
#include <string.h>

#define ASKS_MAX (LOOKS_MAX * SERVERS_MAX * 2)

_Static_assert(SERVERS_MAX >= SAID_RECORDS, "each name server is asked for two kinds of address");

/* Questions that go out together. */
struct batch {
    struct asker *asker;
    unsigned ms; /* for questions to the resolver */
    size_t n;
    struct ask *ask;
};

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

/* ---- batches ---- */

static void batch_clear(struct batch *b)
{
    size_t i;

    for (i = 0; i < b->n; i++)
        free(b->ask[i].msg);
    b->n = 0;
}

static void put(struct batch *b, const struct dname *name, uint16_t type, enum ask_way way,
                const struct addr *server)
{
    struct ask *ask = &b->ask[b->n];

    if (b->n == ASKS_MAX)
        return;
    *ask = (struct ask){.name = *name, .type = type, .way = way};
    if (server != NULL)
        ask->server = *server;
    b->n++;
}

static void put_resolver(struct batch *b, const struct dname *name, uint16_t type)
{
    put(b, name, type, ASK_RESOLVER, NULL);
}

static void run(struct batch *b)
{
    asker_run(b->asker, b->ask, b->n,
              b->n > 0 && b->ask[0].way != ASK_RESOLVER ? ASK_SERVER_MS : b->ms);
}

/* ---- round by round ---- */

/* What the resolver has, and the zone: the owner of the SOA record that comes with the answer. */
static void ask_cached(struct looks *l, struct batch *b)
{
    unsigned i;

    for (i = 0; i < l->n; i++) {
        put_resolver(b, &l->look[i].name, l->look[i].type);
        put_resolver(b, &l->look[i].name, RR_SOA);
    }
    run(b);
    for (i = 0; i < l->n; i++) {
        said_read(&l->look[i].cached, &b->ask[2 * i], false);
        said_read(&l->look[i].soa, &b->ask[2 * i + 1], false);
    }
    batch_clear(b);
}

/* The zone of an alias is not that of the SOA record, which belongs to its end (RFC 2317): it is
 * the zone of the name less one label. */
static void part_aliases(struct looks *l, struct batch *b)
{
    unsigned i, k, n = l->n, of[LOOKS_MAX];

    for (i = 0; i < n; i++) {
        struct look *from = &l->look[i], *to = &l->look[l->n];
        struct dname up;
        unsigned label = from->name.wire[0] + 1u;

        if (!from->cached.aliased || l->n == LOOKS_MAX ||
            !dname_from_wire(&up, from->name.wire + label, from->name.len - label))
            continue;
        *to = *from;
        to->name = from->cached.target;
        to->behind = true;
        to->alias = from->name;
        to->cached.aliased = false;
        l->n++;
        from->type = RR_CNAME;
        from->cached.kind = SAID_DATA;
        from->cached.n = 1;
        from->cached.more = false;
        from->cached.record[0] = (struct rdata){.name = from->cached.first};
        of[b->n] = i;
        put_resolver(b, &up, RR_SOA);
    }
    run(b);
    for (k = 0; k < b->n; k++)
        said_read(&l->look[of[k]].soa, &b->ask[k], false);
    batch_clear(b);
}

static void ask_names_of_servers(struct looks *l, struct batch *b)
{
    unsigned i;

    for (i = 0; i < l->n; i++)
        put_resolver(b, l->look[i].soa.zoned ? &l->look[i].soa.zone : &l->look[i].name, TYPE_NS);
    run(b);
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
            put_resolver(b, &l->look[i].ns.record[s].name, RR_A);
            put_resolver(b, &l->look[i].ns.record[s].name, RR_AAAA);
        }
    run(b);
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

            put(b, &k->name, k->type, ASK_UDP, &k->server[s].addr);
            put(b, &k->name, k->type, ASK_TCP, &k->server[s].addr);
        }
    run(b);
    for (i = 0; i < l->n; i++)
        for (s = 0; s < l->look[i].servers; s++, at += 2) {
            said_read(&l->look[i].server[s].udp, &b->ask[at], true);
            said_read(&l->look[i].server[s].tcp, &b->ask[at + 1], true);
        }
    batch_clear(b);
}

bool looks_ask(struct looks *l, const struct resolver_settings *s)
{
    struct batch b = {.asker = asker_new(s), .ms = s->deadline_ms};

    if (b.asker == NULL)
        return false;
    b.ask = calloc(ASKS_MAX, sizeof *b.ask);
    if (b.ask != NULL) {
        ask_cached(l, &b);
        part_aliases(l, &b);
        ask_names_of_servers(l, &b);
        ask_addresses_of_servers(l, &b);
        ask_servers(l, &b);
        free(b.ask);
    } else {
        fputs("iprev-check: out of memory\n", stderr);
    }
    asker_free(b.asker);
    return b.ask != NULL;
}

const char *type_word(uint16_t type)
{
    return type == RR_A       ? "A"
           : type == RR_AAAA  ? "AAAA"
           : type == RR_PTR   ? "PTR"
           : type == RR_CNAME ? "CNAME"
                              : "NS";
}
