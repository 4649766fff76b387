/* Does the world know a zone? Its delegation, as the zone above has it: see looks.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/batch.h"
#include "check/sender/looks.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_ASKED 3 /* servers of the zone above: one that answers is enough */
#define ADDRS_ASKED (2 * NAMES_ASKED)

/* A zone, and the looks in it. */
struct parent {
    const struct look *of;
    struct dname above;
    unsigned names, addrs;
    struct dname name[NAMES_ASKED];
    struct addr addr[ADDRS_ASKED];
    struct said said;
};

struct parents {
    unsigned n;
    struct parent parent[LOOKS_MAX];
    struct said read; /* for one answer at a time */
};

/* Each zone once, with the name above it. */
static void collect(struct parents *p, const struct looks *l)
{
    unsigned i, k;

    for (i = 0; i < l->n; i++) {
        const struct dname *zone = &l->look[i].soa.zone;
        struct parent *to = &p->parent[p->n];
        unsigned label;

        if (!l->look[i].soa.zoned || l->look[i].ns.n == 0 || zone->len <= 1)
            continue;
        for (k = 0; k < p->n && !dname_equal(&p->parent[k].of->soa.zone, zone); k++)
            ;
        label = zone->wire[0] + 1u;
        if (k < p->n || !dname_from_wire(&to->above, zone->wire + label, zone->len - label))
            continue;
        to->of = &l->look[i];
        p->n++;
    }
}

static void ask_zones(struct parents *p, struct batch *b)
{
    unsigned i;

    for (i = 0; i < p->n; i++)
        batch_resolver(b, &p->parent[i].above, RR_SOA);
    batch_run(b);
    for (i = 0; i < p->n; i++) {
        said_read(&p->read, &b->ask[i], false);
        if (p->read.zoned)
            p->parent[i].above = p->read.zone;
    }
    batch_clear(b);
}

static void ask_names(struct parents *p, struct batch *b)
{
    unsigned i, k;

    for (i = 0; i < p->n; i++)
        batch_resolver(b, &p->parent[i].above, TYPE_NS);
    batch_run(b);
    for (i = 0; i < p->n; i++) {
        said_read(&p->read, &b->ask[i], false);
        for (k = 0; k < p->read.n && k < NAMES_ASKED; k++)
            p->parent[i].name[p->parent[i].names++] = p->read.record[k].name;
    }
    batch_clear(b);
}

static void ask_addresses(struct parents *p, struct batch *b)
{
    unsigned i, k;
    size_t at = 0;

    for (i = 0; i < p->n; i++)
        for (k = 0; k < p->parent[i].names; k++) {
            batch_resolver(b, &p->parent[i].name[k], RR_A);
            batch_resolver(b, &p->parent[i].name[k], RR_AAAA);
        }
    batch_run(b);
    for (i = 0; i < p->n; i++)
        for (k = 0; k < 2 * p->parent[i].names; k++) {
            struct parent *to = &p->parent[i];

            said_read(&p->read, &b->ask[at++], false);
            if (p->read.n > 0)
                to->addr[to->addrs++] = p->read.record[0].addr;
        }
    batch_clear(b);
}

/* The first that knows counts; that a delegation is there counts more than that it is not. */
static void ask_servers(struct parents *p, struct batch *b)
{
    unsigned i, k;
    size_t at = 0;

    for (i = 0; i < p->n; i++)
        for (k = 0; k < p->parent[i].addrs; k++)
            batch_server(b, &p->parent[i].of->soa.zone, TYPE_NS, ASK_UDP, &p->parent[i].addr[k]);
    batch_run(b);
    for (i = 0; i < p->n; i++)
        for (k = 0; k < p->parent[i].addrs; k++) {
            struct said *best = &p->parent[i].said;

            said_read_delegation(&p->read, &b->ask[at++]);
            if (said_is_answer(&p->read) &&
                (!said_is_answer(best) || (best->n == 0 && p->read.n > 0)))
                *best = p->read;
        }
    batch_clear(b);
}

static void keep(const struct parents *p, struct looks *l)
{
    unsigned i, k;

    for (i = 0; i < l->n; i++)
        for (k = 0; l->look[i].soa.zoned && k < p->n; k++)
            if (dname_equal(&p->parent[k].of->soa.zone, &l->look[i].soa.zone)) {
                l->look[i].parent = p->parent[k].said;
                l->look[i].above = p->parent[k].above;
            }
}

void looks_ask_parents(struct looks *l, struct batch *b)
{
    struct parents *p = calloc(1, sizeof *p);

    if (p == NULL)
        return;
    collect(p, l);
    ask_zones(p, b);
    ask_names(p, b);
    ask_addresses(p, b);
    ask_servers(p, b);
    keep(p, l);
    free(p);
}
