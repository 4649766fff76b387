/* What the addresses have shown: see sender.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/sender.h"

#include <string.h>

/* ---- problems and fixes ---- */

void sender_problem(struct sender *x, const char *who, const char *what, const char *text)
{
    struct sbuf sb;

    if (x->problems == PROBLEMS_MAX)
        return;
    sbuf_init(&sb, x->problem[x->problems++], PROBLEM_TEXT);
    sbuf_str(&sb, who);
    sbuf_str(&sb, what);
    sbuf_str(&sb, text);
}

/* Behind those that come first; each record once. */
static void add_fix(struct sender *x, const struct fix *fix)
{
    unsigned i, at = 0;

    for (i = 0; i < x->fixes; i++) {
        if (strcmp(x->fix[i].record, fix->record) == 0)
            return;
        at += x->fix[i].order <= fix->order;
    }
    if (x->fixes == FIXES_SHOWN)
        return;
    memmove(&x->fix[at + 1], &x->fix[at], (x->fixes - at) * sizeof *x->fix);
    x->fix[at] = *fix;
    x->fixes++;
    for (i = at; i < x->fixes; i++)
        x->fix[i].number = i + 1;
}

/* ---- one address ---- */

static void keep(struct egress *g, const struct explanation *e)
{
    g->checked = e->facts.skip == F_NONE;
    g->action = e->verdict.action;
    g->result = e->verdict.report.result;
    g->cause = e->verdict.report.cause;
    g->ptr = e->verdict.report.ptr;
    g->links = e->links;
}

/* One address has been judged. */
void sender_explained(void *arg, const struct explanation *e)
{
    struct sender *x = arg;
    const struct dname *ptr = &e->verdict.report.ptr;
    char address[ADDR_TEXT_MAX];
    struct sbuf sb;
    struct dname reverse;
    enum refused_now now = NOW_IN_ORDER;
    unsigned i, k;

    keep(&x->egress[x->at], e);
    sbuf_init(&sb, address, sizeof address);
    addr_put(&sb, &e->facts.client);
    if (e->facts.skip != F_NONE) {
        sender_problem(x, address, ": ", "not checked: it is private, or in exempt.networks");
        return;
    }
    dname_reverse(&reverse, &e->facts.client);
    looks_add(&x->looks, &reverse, RR_PTR);
    if (ptr->len > 1)
        looks_add(&x->looks, ptr, (uint16_t)fcrdns_type(&e->facts.client));
    for (i = 0; i < e->links.n; i++) {
        const struct link *l = &e->links.link[i];

        if (l->fixes == 0)
            continue;
        x->broken |= l->state != LINK_UNKNOWN;
        now = l->state != LINK_UNKNOWN ? NOW_TO_FIX : now == NOW_TO_FIX ? now : NOW_UNKNOWN;
        sender_problem(x, address, strcmp(l->title, "HELO") == 0 ? ": HELO: " : ": ", l->text);
        for (k = 0; k < l->fixes; k++)
            add_fix(x, &l->fix[k]);
    }
    if (x->refused != NULL)
        refused_checked(x->refused, &e->facts.client, now);
}

/* ---- what is there already ---- */

/* The name servers have this record, though the resolver does not know yet. */
static bool is_published(const struct look *k, const char *record)
{
    const struct said *usual = look_usual(k);
    char text[sizeof((struct fix *)0)->record];
    struct sbuf sb;
    unsigned i;

    for (i = 0; i < usual->n; i++) {
        sbuf_init(&sb, text, sizeof text);
        dname_put_query(&sb, k->behind ? &k->alias : &k->name);
        sbuf_byte(&sb, ' ');
        sbuf_str(&sb, type_word(k->type));
        sbuf_byte(&sb, ' ');
        if (usual->record[i].addr.family != ADDR_NONE)
            addr_put(&sb, &usual->record[i].addr);
        else
            dname_put_query(&sb, &usual->record[i].name);
        if (strcmp(text, record) == 0)
            return true;
    }
    return false;
}

/* Nobody is to create what is there: then the cache is what to wait for. */
void sender_drop_published(struct sender *x)
{
    unsigned i, f;

    for (i = 0; i < x->looks.n; i++)
        for (f = 0; look_stale(&x->looks.look[i]) && f < x->fixes; f++) {
            struct fix *fix = &x->fix[f];

            if (!is_published(&x->looks.look[i], fix->record))
                continue;
            memmove(fix, fix + 1, (--x->fixes - f) * sizeof *fix);
            f--;
        }
    for (f = 0; f < x->fixes; f++)
        x->fix[f].number = f + 1;
}
