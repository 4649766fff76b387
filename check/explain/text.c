/* One explanation for people: see explain.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/explain/explain.h"
#include "conf/settings.h"

#include <string.h>

#define INDENT 2
#define TITLE  18
#define NARROW 60 /* columns below which texts stand under their titles */

static void head(const struct term *t, const char *text)
{
    fputc('\n', t->out);
    term_put(t, TONE_HEAD, text);
    fputc('\n', t->out);
}

/* ---- client ---- */

static void print_client(const struct explanation *e, const struct term *t)
{
    char text[4 * HELO_MAX + 8];
    struct sbuf sb;
    size_t n;

    sbuf_init(&sb, text, sizeof text);
    addr_put(&sb, &e->facts.client);
    term_put(t, TONE_HEAD, "Client ");
    term_put(t, TONE_HEAD, text);
    if (e->helo != NULL) {
        n = strlen(e->helo);
        sbuf_init(&sb, text, sizeof text);
        sbuf_visible(&sb, e->helo, n < HELO_MAX ? n : HELO_MAX);
        fputs("  HELO ", t->out);
        term_put(t, TONE_HEAD, text);
    }
    fputc('\n', t->out);
}

/* ---- DNS ---- */

static void put_records(struct sbuf *sb, const struct question *q)
{
    unsigned i;

    if (q->aliased) {
        sbuf_str(sb, "alias of ");
        dname_put_visible(sb, &q->target);
        sbuf_str(sb, q->shown > 0 ? ": " : "");
    }
    for (i = 0; i < q->shown; i++) {
        sbuf_str(sb, i > 0 ? ", " : "");
        if (q->type == RR_PTR)
            dname_put_visible(sb, &q->ptr[i]);
        else
            addr_put(sb, &q->addr[i]);
    }
    if (q->good > q->shown) {
        sbuf_str(sb, " and ");
        sbuf_uint(sb, q->good - q->shown);
        sbuf_str(sb, " more");
    }
    if (q->bad > 0) {
        sbuf_str(sb, q->shown > 0 ? ", and " : "");
        sbuf_uint(sb, q->bad);
        sbuf_str(sb, " damaged");
    }
}

static void print_question(const struct explanation *e, const struct question *q,
                           const struct term *t)
{
    char text[(RECORDS_SHOWN + 2) * DNAME_VISIBLE_MAX];
    struct sbuf sb;
    bool trouble = q->kind == ANSWER_SERVFAIL || q->kind == ANSWER_TIMEOUT ||
                   q->kind == ANSWER_BOGUS || q->kind == ANSWER_OVERLOAD;

    sbuf_init(&sb, text, sizeof text);
    dname_put_visible(&sb, &q->name);
    sbuf_byte(&sb, ' ');
    sbuf_str(&sb, rrtype_word(q->type));
    fprintf(t->out, "  %s\n      ", text);
    sbuf_init(&sb, text, sizeof text);
    if (q->kind == ANSWER_DATA || q->kind == ANSWER_ALIAS)
        put_records(&sb, q);
    else
        sbuf_str(&sb, answer_word(q->kind));
    term_put(t, trouble ? TONE_BAD : TONE_PLAIN, text);
    sbuf_init(&sb, text, sizeof text);
    sbuf_str(&sb, "  (");
    sbuf_uint(&sb, q->ms);
    sbuf_str(&sb, " ms");
    if (!trouble) {
        sbuf_str(&sb, ", TTL ");
        sbuf_uint(&sb, q->ttl);
    }
    if (!trouble || q->kind == ANSWER_BOGUS) {
        sbuf_str(&sb, ", DNSSEC ");
        sbuf_str(&sb, explain_dnssec(e, q));
    }
    sbuf_byte(&sb, ')');
    term_put(t, TONE_DIM, text);
    fputc('\n', t->out);
}

static void print_questions(const struct explanation *e, const struct term *t)
{
    const struct questions *qs = e->questions;
    unsigned i;

    head(t, "DNS");
    if (e->facts.skip != F_NONE)
        fputs("  not asked: the address is in exempt.networks\n", t->out);
    for (i = 0; i < qs->n; i++)
        print_question(e, &qs->q[i], t);
    if (qs->left_out > 0)
        fprintf(t->out, "  and %u more\n", qs->left_out);
}

/* ---- the chain ---- */

static void print_links(const struct explanation *e, const struct term *t)
{
    static const enum tone tone[] = {TONE_GOOD, TONE_BAD, TONE_NOTE, TONE_NOTE};
    unsigned i;

    if (e->links.n > 0)
        head(t, "Chain");
    for (i = 0; i < e->links.n; i++) {
        const struct link *l = &e->links.link[i];

        fprintf(t->out, "%*s", INDENT, "");
        term_cell(t, tone[l->state], link_word(l->state), 9);
        if (t->columns < NARROW) {
            fprintf(t->out, "%s\n", l->title);
            term_wrap(t, l->text, 2 * INDENT, 0);
        } else {
            term_cell(t, TONE_PLAIN, l->title, TITLE);
            term_wrap(t, l->text, INDENT + 9 + TITLE, INDENT + 9 + TITLE);
        }
    }
    if (e->facts.chain != NULL && e->facts.chain->capped)
        fprintf(t->out, "  more PTR names exist; only the first %d by order are looked at\n",
                FCRDNS_NAMES_MAX);
}

/* ---- the outcome ---- */

/* Folded anew, to the width of the terminal; blanks at a fold mean nothing. */
static void field(const struct term *t, const char *name, char *value)
{
    char *c;

    if (value[0] == '\0')
        return;
    for (c = value; (c = strpbrk(c, "\n\t")) != NULL;)
        *c = ' ';
    fprintf(t->out, "  %s:", name);
    term_wrap(t, value, 6, 3 + (unsigned)strlen(name));
}

static void print_reply(const struct explanation *e, const struct term *t)
{
    char text[REPLY_TEXT_MAX + 64];
    struct reply reply;
    struct sbuf sb;

    verdict_reply(&e->verdict, &reply);
    sbuf_init(&sb, text, sizeof text);
    sbuf_uint(&sb, reply.code);
    sbuf_byte(&sb, ' ');
    sbuf_str(&sb, reply.xcode);
    sbuf_byte(&sb, ' ');
    sbuf_str(&sb, reply.text);
    fputs(e->settings->judge.enforce ? "  reply:" : "  reply in enforce mode:", t->out);
    term_wrap(t, text, 6, e->settings->judge.enforce ? 8 : 24);
}

static void print_outcome(const struct explanation *e, const struct term *t)
{
    static const enum tone tone[] = {TONE_GOOD, TONE_NOTE, TONE_NOTE, TONE_BAD, TONE_BAD};
    const struct verdict *v = &e->verdict;
    char words[1024], authres[AUTHRES_VALUE_MAX], x_iprev[RECORD_HEADER_MAX];
    enum action action = v->action;
    struct sbuf sb;

    sbuf_init(&sb, words, sizeof words);
    findings_put(&sb, v->report.found);
    head(t, "Findings");
    fputs("  ", t->out);
    term_wrap(t, words, 2, 2);
    head(t, "Outcome");
    fprintf(t->out,
            "  rule: %s\n  action: ", v->rule_name[0] != '\0' ? v->rule_name : "none holds");
    term_put(t, tone[action], action_word(action));
    fprintf(t->out, "\n  mode: %s\n",
            e->settings->judge.enforce ? "enforce"
                                       : "monitor: headers and log only, nothing is refused");
    if (action == ACTION_REJECT || action == ACTION_TEMPFAIL)
        print_reply(e, t);
    verdict_authres(v, &e->settings->judge, e->id, authres);
    verdict_x_iprev(v, &e->settings->judge, x_iprev);
    field(t, "Authentication-Results", authres);
    field(t, "X-IPRev", x_iprev);
}

/* ---- what to do ---- */

/* The number under which the same record was asked for before, or 0. */
static unsigned asked_before(const struct links *l, const struct mend *m)
{
    const char *seen[LINKS_MAX * MENDS_MAX];
    unsigned i, k, n = 0, s;

    for (i = 0; i < l->n; i++)
        for (k = 0; k < l->link[i].mends; k++) {
            const struct mend *o = &l->link[i].mend[k];

            for (s = 0; s < n && strcmp(seen[s], o->record) != 0; s++)
                ;
            if (o == m)
                return s < n ? s + 1 : 0;
            if (s == n)
                seen[n++] = o->record;
        }
    return 0;
}

/* Two lines for each record; a link that a record above mends is only named. */
static void print_advice(const struct explanation *e, const struct term *t)
{
    unsigned i, k, n = 0, before;

    for (i = 0; i < e->links.n; i++)
        for (k = 0; k < e->links.link[i].mends; k++) {
            const struct link *l = &e->links.link[i];
            const struct mend *m = &l->mend[k];

            if (n == 0)
                head(t, "To mend");
            if ((before = asked_before(&e->links, m)) > 0) {
                if (k + 1 == l->mends)
                    fprintf(t->out, "      \"%s\" holds with record %u.\n", l->title, before);
                continue;
            }
            fprintf(t->out, "  %2u. ", ++n);
            term_wrap(t, m->how, 6, 6);
            fputs("      ", t->out);
            term_put(t, TONE_HEAD, m->record);
            fputc('\n', t->out);
        }
}

void explain_text(const struct explanation *e, const struct term *t)
{
    print_client(e, t);
    print_links(e, t);
    print_questions(e, t);
    print_outcome(e, t);
    print_advice(e, t);
}
