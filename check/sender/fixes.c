/* What to fix, in the right order: see sender.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/proxied.h"
#include "check/sender/sender.h"

#include <stdio.h>
#include <string.h>

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

/* Of the settings only that of the mail server here, when it is known. */
static void add_setting(struct sender *x, const struct fix *all)
{
    const char *program = x->mta.program,
               *line = program != NULL ? strstr(all->record, program) : NULL;
    struct fix fix = *all;
    size_t n;

    if (line != NULL) {
        line += strlen(program);
        line += strspn(line, " ");
        n = strcspn(line, "\n");
        memcpy(fix.record, line, n);
        fix.record[n] = '\0';
    }
    add_fix(x, &fix);
}

/* ---- a temporary address ---- */

/* The first IPv6 address here that stays; NULL: none. */
static const struct addr *fixed_address(const struct sender *x)
{
    unsigned i;

    for (i = 0; i < x->egresses; i++)
        if (x->egress[i].addr.family == ADDR_IPV6 && !x->egress[i].temporary)
            return &x->egress[i].addr;
    return NULL;
}

static void fix_temporary(struct sender *x)
{
    struct fix fix = {.order = FIX_HELO, .how = "Send mail from an IPv6 address that stays:"};
    const struct addr *fixed = fixed_address(x);
    const char *text = fixed != NULL ? ADDR_TEXT(fixed) : "";

    if (fixed != NULL)
        snprintf(fix.record, sizeof fix.record,
                 "Postfix   smtp_bind_address6 = %s\n"
                 "Sendmail  CLIENT_OPTIONS(`Family=inet6, Addr=%s')dnl\n"
                 "Exim      interface = <; %s",
                 text, text, text);
    else
        snprintf(fix.record, sizeof fix.record, "sysctl -w net.ipv6.conf.all.use_tempaddr=0");
    add_setting(x, &fix);
}

/* ---- an address of a web proxy ---- */

static void fix_proxied(struct sender *x, const struct egress *g)
{
    struct fix fix = {.order = FIX_FORWARD,
                      .how = "Switch the proxy off for that name (\"DNS only\"), so that it has:"};

    snprintf(fix.record, sizeof fix.record, "%s. %s (the address of the mail server)", x->host,
             g->addr.family == ADDR_IPV6 ? "AAAA" : "A");
    add_fix(x, &fix);
}

/* ---- one HELO over several addresses ---- */

static const struct fix *helo_fix(const struct egress *g)
{
    unsigned i, k;

    for (i = 0; i < g->links.n; i++)
        for (k = 0; k < g->links.link[i].fixes; k++)
            if (g->links.link[i].fix[k].order == FIX_HELO)
                return &g->links.link[i].fix[k];
    return NULL;
}

/* Another address from which the same HELO is sent, and which does not want this change. */
static const struct egress *against(const struct sender *x, const struct egress *g)
{
    unsigned i;

    for (i = 0; i < x->egresses; i++) {
        const struct egress *h = &x->egress[i];
        const struct fix *theirs = helo_fix(h);

        if (h != g && h->checked && !h->temporary && !addr_equal(&h->addr, &g->addr) &&
            h->helo != NULL && strcmp(h->helo, g->helo) == 0 &&
            (theirs == NULL || strcmp(theirs->record, helo_fix(g)->record) != 0))
            return h;
    }
    return NULL;
}

/* IPv4 and IPv6 of one server share its name. */
static void fix_shared(struct sender *x, const struct egress *g)
{
    struct fix forward = {.order = FIX_FORWARD,
                          .how = "Whoever runs DNS for that name should add:"},
               reverse = {.order = FIX_REVERSE,
                          .how = "The provider of the address should publish the HELO name:"};
    struct dname name;
    struct sbuf sb;

    dname_reverse(&name, &g->addr);
    sbuf_init(&sb, forward.record, sizeof forward.record);
    sbuf_str(&sb, g->helo);
    sbuf_str(&sb, g->addr.family == ADDR_IPV6 ? ". AAAA " : ". A ");
    addr_put(&sb, &g->addr);
    add_fix(x, &forward);
    sbuf_init(&sb, reverse.record, sizeof reverse.record);
    dname_put_query(&sb, &name);
    sbuf_str(&sb, " PTR ");
    sbuf_str(&sb, g->helo);
    sbuf_byte(&sb, '.');
    add_fix(x, &reverse);
}

/* Two addresses of a family with names of their own need a transport each. */
static void fix_apart(struct sender *x, const struct egress *g)
{
    struct fix fix = {.order = FIX_HELO,
                      .how = "Give this address a transport of its own (master.cf):"};
    bool four = g->addr.family == ADDR_IPV4;
    struct sbuf sb;

    sbuf_init(&sb, fix.record, sizeof fix.record);
    sbuf_str(&sb, "out");
    sbuf_uint(&sb, (uint64_t)(g - x->egress) + 1);
    sbuf_str(&sb, four ? " unix - - - - - smtp -o smtp_bind_address="
                       : " unix - - - - - smtp -o smtp_bind_address6=");
    addr_put(&sb, &g->addr);
    sbuf_str(&sb, " -o smtp_helo_name=");
    dname_put(&sb, &g->ptr);
    add_fix(x, &fix);
}

/* Transports say different names: the setting is for those that say this one. */
static bool differs(const struct sender *x, const struct egress *g)
{
    unsigned i = 0;

    while (i < x->egresses &&
           (x->egress[i].helo == NULL || strcmp(x->egress[i].helo, g->helo) == 0))
        i++;
    return i < x->egresses;
}

/* "postconf -P bulk/unix/smtp_helo_name=mail.example.com", a line for each transport. */
static void fix_transports(struct sender *x, const struct egress *g, const struct fix *all)
{
    static const char setting[] = "smtp_helo_name = ";
    struct fix fix = {.order = FIX_HELO, .how = "Set the HELO name of the transport:"};
    const char *name = strstr(all->record, setting) + sizeof setting - 1, *at = g->transports;
    struct sbuf sb;
    size_t n;

    sbuf_init(&sb, fix.record, sizeof fix.record);
    for (; *at != '\0'; at += n, at += strspn(at, ", ")) {
        n = strcspn(at, ",");
        sbuf_str(&sb, sb.len > 0 ? "\npostconf -P " : "postconf -P ");
        sbuf_mem(&sb, at, n);
        sbuf_str(&sb, "/unix/smtp_helo_name=");
        sbuf_mem(&sb, name, strcspn(name, "\n"));
    }
    fix.example = all->example;
    if (!sb.overflow)
        add_fix(x, &fix);
    else
        add_setting(x, all);
}

/* What is good for one address must not break another. */
static void add_helo(struct sender *x, const struct egress *g, const struct fix *fix)
{
    const struct egress *other = x->mta.program != NULL ? against(x, g) : NULL;
    struct dname helo;

    if (other == NULL && g->transports[0] != '\0' && differs(x, g))
        fix_transports(x, g, fix);
    else if (other == NULL)
        add_setting(x, fix);
    else if (other->addr.family != g->addr.family &&
             dname_from_text(&helo, g->helo, strlen(g->helo)) && dname_is_host(&helo))
        fix_shared(x, g);
    else if (g->transports[0] != '\0' && g->ptr.len > 1)
        fix_apart(x, g);
    else
        add_setting(x, fix);
}

/* Nothing is wrong with it, but one address cannot be told from the other. */
static void note_shared_name(struct sender *x, const struct egress *g)
{
    const struct egress *h;
    char text[PROBLEM_TEXT];
    struct sbuf sb;

    for (h = x->egress; h < g; h++)
        if (h->addr.family == g->addr.family && !addr_equal(&h->addr, &g->addr) && g->ptr.len > 1 &&
            dname_equal(&h->ptr, &g->ptr))
            break;
    if (h == g)
        return;
    sbuf_init(&sb, text, sizeof text);
    addr_put(&sb, &h->addr);
    sbuf_str(&sb, " and ");
    addr_put(&sb, &g->addr);
    sbuf_str(&sb, " share the PTR name ");
    dname_put_visible(&sb, &g->ptr);
    sbuf_str(&sb, ": several addresses should have a name each");
    sender_note(x, text);
}

/* What its chain lacks is worth fixing. */
static bool has_chain(const struct egress *g)
{
    return g->checked && !g->temporary && proxied_by(&g->addr) == NULL;
}

void sender_collect_fixes(struct sender *x)
{
    unsigned e, i, k;

    for (e = 0; e < x->egresses; e++) {
        const struct egress *g = &x->egress[e];

        note_shared_name(x, g);
        if (g->temporary)
            fix_temporary(x);
        else if (proxied_by(&g->addr) != NULL)
            fix_proxied(x, g);
        for (i = 0; has_chain(g) && i < g->links.n; i++)
            for (k = 0; k < g->links.link[i].fixes; k++)
                if (g->links.link[i].fix[k].order == FIX_HELO && g->helo != NULL)
                    add_helo(x, g, &g->links.link[i].fix[k]);
                else
                    add_setting(x, &g->links.link[i].fix[k]);
    }
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
        dname_put_query(&sb, &k->name);
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
