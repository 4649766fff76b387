/* What the addresses have shown: see sender.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/proxied.h"
#include "check/sender/sender.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* ---- sentences ---- */

void sender_problem(struct sender *x, const char *who, const char *what, const char *text)
{
    struct sbuf sb;

    unsigned i;

    if (x->problems == PROBLEMS_MAX)
        return;
    sbuf_init(&sb, x->problem[x->problems], PROBLEM_TEXT);
    sbuf_str(&sb, who);
    sbuf_str(&sb, what);
    sbuf_str(&sb, text);
    for (i = 0; i < x->problems && strcmp(x->problem[i], x->problem[x->problems]) != 0; i++)
        ;
    x->problems += i == x->problems;
}

void sender_note(struct sender *x, const char *text)
{
    if (x->notes < NOTES_MAX)
        snprintf(x->note[x->notes++], PROBLEM_TEXT, "%s", text);
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

/* An address that mail should not be sent from, whatever its name is. */
static bool is_wrong_address(struct sender *x, const char *address, const struct egress *g)
{
    const char *proxy = proxied_by(&g->addr);
    char text[PROBLEM_TEXT];

    if (g->temporary) {
        sender_problem(
            x, address, ": ",
            "temporary IPv6 address: it changes, so no PTR record can follow it, and mail "
            "may leave from it");
    } else if (proxy != NULL) {
        snprintf(text, sizeof text,
                 "an address of %s's web proxy (a proxied record): no mail is sent from there, and "
                 "the record hides the mail server",
                 proxy);
        sender_problem(x, address, ": ", text);
    } else {
        return false;
    }
    x->broken = true;
    return true;
}

/* One address has been judged. */
void sender_explained(void *arg, const struct explanation *e)
{
    struct sender *x = arg;
    const struct dname *ptr = &e->verdict.report.ptr;
    char address[ADDR_TEXT_MAX];
    struct sbuf sb;
    struct dname reverse;
    bool unknown = false;
    enum refused_now now = NOW_IN_ORDER;
    unsigned i;

    keep(&x->egress[x->at], e);
    sbuf_init(&sb, address, sizeof address);
    addr_put(&sb, &e->facts.client);
    if (e->facts.skip != F_NONE) {
        sender_problem(x, address, ": ", "not checked: it is private, or in exempt.networks");
        return;
    }
    if (is_wrong_address(x, address, &x->egress[x->at]))
        return;
    dname_reverse(&reverse, &e->facts.client);
    looks_add(&x->looks, &reverse, RR_PTR);
    if (ptr->len > 1)
        looks_add(&x->looks, ptr, (uint16_t)fcrdns_type(&e->facts.client));
    if (e->facts.helo_known && e->facts.helo->form == HELO_HOST)
        looks_add(&x->looks, &e->facts.helo->name, (uint16_t)fcrdns_type(&e->facts.client));
    for (i = 0; i < e->links.n; i++) {
        const struct link *l = &e->links.link[i];

        if (l->fixes == 0)
            continue;
        x->broken |= l->state != LINK_UNKNOWN;
        unknown |= l->state == LINK_UNKNOWN;
        now = l->state != LINK_UNKNOWN ? NOW_TO_FIX : now == NOW_TO_FIX ? now : NOW_UNKNOWN;
        sender_problem(x, address, strcmp(l->title, "HELO") == 0 ? ": HELO: " : ": ", l->text);
    }
    if (unknown && x->run.code == 0)
        x->run.code = EX_TEMPFAIL;
    if (x->refused != NULL)
        refused_checked(x->refused, &e->facts.client, now);
}
