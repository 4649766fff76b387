/* HOST and self as text: see sender.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/sender.h"

#include <string.h>
#include <strings.h>

#define STATE 9

/* ---- what is wrong, and what to do ---- */

static void put_problem(const struct term *t, unsigned *number, const char *text)
{
    fprintf(t->out, "  %2u. ", ++*number);
    term_wrap(t, text, 6, 6);
}

/* "mail.example.com: 2 problems", and each in a sentence. */
static void print_problems(const struct sender *x, const struct term *t)
{
    unsigned i, number = 0, n = x->problems + x->looks.troubles;
    char count[32];

    snprintf(count, sizeof count, "%u problem%s", n, n == 1 ? "" : "s");
    term_put(t, TONE_HEAD, x->host);
    fputs(": ", t->out);
    term_put(t,
             n > 0              ? TONE_BAD
             : x->egresses == 0 ? TONE_NOTE
                                : TONE_GOOD,
             n > 0              ? count
             : x->egresses == 0 ? "no address to check"
                                : "in order");
    fputc('\n', t->out);
    for (i = 0; i < x->problems; i++)
        put_problem(t, &number, x->problem[i]);
    for (i = 0; i < x->looks.troubles; i++)
        put_problem(t, &number, x->looks.trouble[i]);
    if (x->looks.deaf)
        term_wrap(t,
                  "None of the name servers answered this machine: they are down, or DNS to the "
                  "Internet is blocked here. Only your resolver was heard.",
                  2, 0);
}

static void print_notes(const struct sender *x, const struct term *t)
{
    unsigned i;

    for (i = 0; i < x->notes; i++) {
        fputs("  note: ", t->out);
        term_wrap(t, x->note[i], 8, 8);
    }
}

static void print_fixes(const struct sender *x, const struct term *t)
{
    unsigned i;

    if (x->fixes > 0)
        term_head(t, "To fix, in this order");
    for (i = 0; i < x->fixes; i++)
        fix_print(&x->fix[i], t);
}

/* ---- the mail server here ---- */

/* "192.0.2.10 says mail.example.com (transports smtp, relay)" */
static void print_egress(const struct egress *g, const struct term *t)
{
    char text[EGRESS_NAMES + MTA_TEXT + ADDR_TEXT_MAX + 64];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    addr_put(&sb, &g->addr);
    sbuf_str(&sb, " says ");
    if (g->helo != NULL)
        sbuf_visible(&sb, g->helo, strlen(g->helo));
    else
        sbuf_str(&sb, "a name that is not known");
    if (g->transports[0] != '\0') {
        sbuf_str(&sb, strchr(g->transports, ',') != NULL ? " (transports " : " (transport ");
        sbuf_str(&sb, g->transports);
        sbuf_byte(&sb, ')');
    }
    sbuf_str(&sb, g->temporary ? ", a temporary address" : "");
    fputs("  ", t->out);
    term_wrap(t, text, 6, 2);
}

static void print_mail_server(const struct sender *x, const struct term *t)
{
    unsigned i;

    if (x->mta.program == NULL || x->egresses == 0)
        return;
    term_head(t, x->mta.program);
    for (i = 0; i < x->egresses; i++)
        print_egress(&x->egress[i], t);
}

/* ---- the name servers ---- */

static void print_server(const struct term *t, const struct server *s)
{
    static const char *const word[] = {"ok", "differs", "failed", "unknown"};
    static const enum tone tone[] = {TONE_GOOD, TONE_BAD, TONE_BAD, TONE_NOTE};
    char text[SAID_RECORDS * DNAME_VISIBLE_MAX];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    dname_put_visible(&sb, &s->name);
    sbuf_byte(&sb, ' ');
    if (s->addr.family != ADDR_NONE) {
        addr_put(&sb, &s->addr);
        sbuf_str(&sb, ": ");
        said_put(&sb, server_best(s));
        if (said_is_answer(server_best(s)) != said_is_answer(&s->tcp) ||
            (said_is_answer(&s->tcp) && !said_is_answer(&s->udp) && s->udp.kind != SAID_CUT)) {
            sbuf_str(&sb, said_is_answer(&s->tcp) ? "; by UDP: " : "; by TCP: ");
            said_put(&sb, said_is_answer(&s->tcp) ? &s->udp : &s->tcp);
        }
    } else {
        sbuf_str(&sb, "has no address");
    }
    fputs("    ", t->out);
    term_cell(t, tone[s->state], word[s->state], STATE);
    term_wrap(t, text, 4 + STATE, 4 + STATE);
}

/* "zone 2.0.192.in-addr.arpa, run by hostmaster@example.net" */
static void print_zone(const struct term *t, const struct look *k)
{
    char text[4 * DNAME_VISIBLE_MAX];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    if (!k->soa.zoned) {
        sbuf_str(&sb, "zone unknown: the resolver has no SOA record for it");
    } else {
        sbuf_str(&sb, "zone ");
        dname_put_visible(&sb, &k->soa.zone);
        sbuf_str(&sb, ", run by ");
        mailbox_put(&sb, &k->soa.mailbox);
        if (look_local(k))
            sbuf_str(&sb, "; a zone that only your resolver has");
    }
    fputs("    ", t->out);
    term_wrap(t, text, 4, 4);
}

static void print_cached(const struct term *t, const struct look *k)
{
    char text[SAID_RECORDS * DNAME_VISIBLE_MAX];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    sbuf_str(&sb, "your resolver: ");
    said_put(&sb, &k->cached);
    if (said_is_answer(&k->cached)) {
        sbuf_str(&sb, " (for ");
        sbuf_uint(&sb, k->cached.ttl);
        sbuf_str(&sb, " s)");
    }
    fputs("    ", t->out);
    term_wrap(t, text, 6, 4);
}

static void print_look(const struct term *t, const struct look *k)
{
    char text[DNAME_VISIBLE_MAX];
    struct sbuf sb;
    unsigned i;

    sbuf_init(&sb, text, sizeof text);
    dname_put_visible(&sb, &k->name);
    fprintf(t->out, "  %s %s\n", text, type_word(k->type));
    print_zone(t, k);
    print_cached(t, k);
    for (i = 0; i < k->servers; i++)
        print_server(t, &k->server[i]);
    if (k->left_out > 0)
        fprintf(t->out, "    and %u more addresses, not asked\n", k->left_out);
}

/* ---- port 25 ---- */

static void print_name(const struct term *t, const char *title, const char *name, bool differs)
{
    fputs("    ", t->out);
    term_cell(t, TONE_PLAIN, title, 13);
    fputs(name[0] != '\0' ? name : "-", t->out);
    if (differs && name[0] != '\0')
        term_put(t, TONE_NOTE, " (not the PTR name)");
    fputc('\n', t->out);
}

static void print_certificate(const struct term *t, const struct probe *p, const char *ptr)
{
    char text[CERT_NAMES * (CERT_NAME + 2) + 64];
    struct sbuf sb;
    unsigned i;

    sbuf_init(&sb, text, sizeof text);
    for (i = 0; i < p->certificate.n; i++) {
        sbuf_str(&sb, i > 0 ? ", " : "");
        sbuf_str(&sb, p->certificate.name[i]);
    }
    if (p->certificate.n == 0)
        sbuf_str(&sb, p->state == PROBE_TLS ? "no name in it"
                      : p->error[0] == '\0' ? "no STARTTLS"
                                            : "none");
    sbuf_str(&sb, p->certificate.left_out > 0 ? " and more" : "");
    if (p->certificate.n > 0 && !certificate_has(&p->certificate, ptr))
        sbuf_str(&sb, " (not the PTR name)");
    fputs("    ", t->out);
    term_cell(t, TONE_PLAIN, "certificate", 13);
    term_wrap(t, text, 17, 17);
}

static void print_probe(const struct term *t, const struct egress *g)
{
    const struct probe *p = &g->probe;
    char ptr[DNAME_VISIBLE_MAX] = "";
    struct sbuf sb;

    if (p->state == PROBE_NONE)
        return;
    sbuf_init(&sb, ptr, sizeof ptr);
    if (g->ptr.len > 1)
        dname_put_visible(&sb, &g->ptr);
    fprintf(t->out, "  %s\n", ADDR_TEXT(&g->addr));
    print_name(t, "PTR name", ptr, false);
    if (p->state > PROBE_UNREACHABLE)
        print_name(t, "banner", p->banner, strcasecmp(p->banner, ptr) != 0);
    if (p->state > PROBE_FAILED) {
        print_name(t, "EHLO", p->ehlo, strcasecmp(p->ehlo, ptr) != 0);
        print_certificate(t, p, ptr);
    }
    if (p->error[0] != '\0') {
        fputs("    ", t->out);
        term_wrap(t, p->error, 4, 4);
    }
}

static void print_probes(const struct sender *x, const struct term *t)
{
    unsigned i;

    if (!x->probed)
        return;
    term_head(t, "Port 25 (not judged)");
    for (i = 0; i < x->egresses; i++)
        print_probe(t, &x->egress[i]);
}

/* ---- companions ---- */

static void put_companion(struct sbuf *sb, const struct companion *c)
{
    unsigned i;

    dname_put_visible(sb, &c->name);
    sbuf_str(sb, ": ");
    for (i = 0; i < c->n; i++) {
        sbuf_str(sb, i > 0 ? "; " : "");
        sbuf_str(sb, c->record[i]);
    }
    if (c->n > 0 || c->left_out > 0) {
        sbuf_str(sb, c->left_out > 0 ? " and more, not shown" : "");
    } else if (c->kind == SAID_NODATA || c->kind == SAID_NXDOMAIN) {
        sbuf_str(sb, "none");
    } else {
        said_put(sb, &(struct said){.kind = c->kind});
    }
}

static void print_companions(const struct sender *x, const struct term *t)
{
    char text[(COMPANION_RECORDS + 1) * (COMPANION_TEXT + 2)];
    struct sbuf sb;
    unsigned i;

    if (x->companions.n > 0)
        term_head(t, "Other records, as published (not judged)");
    for (i = 0; i < x->companions.n; i++) {
        sbuf_init(&sb, text, sizeof text);
        put_companion(&sb, &x->companions.companion[i]);
        fputs("  ", t->out);
        term_cell(t, TONE_PLAIN, x->companions.companion[i].what, 7);
        term_wrap(t, text, 9, 9);
    }
}

/* ---- all addresses ---- */

/* One line for each address, after the texts about each. */
static void print_addresses(const struct run *r)
{
    char address[ADDR_TEXT_MAX];
    struct sbuf sb;
    unsigned i;

    if (r->clients < 2)
        return;
    fputc('\n', stdout);
    term_put(&r->term, TONE_HEAD, "All addresses");
    for (i = 0; i < r->clients; i++) {
        const struct summary *o = &r->summary[i];

        sbuf_init(&sb, address, sizeof address);
        addr_put(&sb, &o->client);
        fprintf(stdout, "\n  %-40s", address);
        term_cell(&r->term, run_refused(o->action) ? TONE_BAD : TONE_GOOD, action_word(o->action),
                  11);
        fputs(finding_word(o->cause < F_COUNT ? o->cause : o->result), stdout);
    }
    fputc('\n', stdout);
}

void sender_text(const struct sender *x, const char *details)
{
    const struct term *t = &x->run.term;
    unsigned i;

    if (x->refused != NULL)
        refused_text(x->refused, t);
    print_problems(x, t);
    print_notes(x, t);
    print_fixes(x, t);
    print_mail_server(x, t);
    if (x->looks.n > 0)
        term_head(t, "Name servers");
    for (i = 0; i < x->looks.n; i++)
        print_look(t, &x->looks.look[i]);
    if (x->looks.left_out > 0)
        fprintf(t->out, "  %u more names were not asked about\n", x->looks.left_out);
    print_probes(x, t);
    print_companions(x, t);
    if (details[0] != '\0')
        fprintf(t->out, "\n%s", details);
    print_addresses(&x->run);
}
