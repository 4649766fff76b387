/* One explanation for people: see explanation.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/explain/explanation.h"

#include <string.h>

#define STATE  9 /* columns of "unknown" */
#define TITLE  15
#define NARROW 60 /* columns below which texts stand under their titles */

static const enum tone action_tone[] = {
    [ACTION_ACCEPT] = TONE_GOOD,  [ACTION_TAG] = TONE_NOTE,     [ACTION_QUARANTINE] = TONE_NOTE,
    [ACTION_GREYLIST] = TONE_BAD, [ACTION_TEMPFAIL] = TONE_BAD, [ACTION_REJECT] = TONE_BAD,
};

/* "  name: value", with the folds of the value made anew to the width of the terminal. */
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

/* ---- the verdict ---- */

/* The link on which the decision rests; NULL when it is none: confirmed, nothing matched. A rule
 * about the result rests on its cause, and so does the decision that no rule has made. */
static const struct link *reason(const struct explanation *e)
{
    const struct verdict *v = &e->verdict;
    findings words = v->rule != NULL ? v->rule->all | v->rule->any : 0;
    unsigned i;

    if (v->report.cause < F_COUNT && (words == 0 || words & FINDINGS_RESULT))
        words |= FINDING(v->report.cause);
    for (i = 0; i < e->links.n; i++)
        if (e->links.link[i].finding < F_COUNT && words & FINDING(e->links.link[i].finding))
            return &e->links.link[i];
    return NULL;
}

static void put_reason(const struct explanation *e, struct sbuf *sb)
{
    const struct verdict *v = &e->verdict;
    const struct link *link = reason(e);

    if (v->rule_name[0] != '\0') {
        sbuf_str(sb, v->rule != NULL ? "by rule " : "by ");
        sbuf_str(sb, v->rule_name);
    } else if (link != NULL) {
        sbuf_str(sb, "(no rule matched)");
    }
    sbuf_str(sb, sb->len > 0 ? ": " : "because ");
    if (v->report.result == F_IPREV_SKIP) {
        sbuf_str(sb,
                 addr_is_private(&v->client) && !settings_network_listed(e->settings, &v->client)
                     ? "it is a private address (exempt.private)"
                     : "it is in exempt.networks");
    } else if (link != NULL) {
        sbuf_str(sb, link->text);
    } else {
        sbuf_str(sb, "reverse DNS confirms ");
        dname_put(sb, &v->report.ptr);
    }
}

/* "192.0.2.11 would be rejected by rule no-ptr: the address has no PTR record" */
static void print_verdict(const struct explanation *e, const struct term *t)
{
    static const char *const decision[] = {
        [ACTION_ACCEPT] = "accepted",          [ACTION_TAG] = "tagged",
        [ACTION_QUARANTINE] = "quarantined",   [ACTION_GREYLIST] = "put off on its first try",
        [ACTION_TEMPFAIL] = "refused for now", [ACTION_REJECT] = "rejected",
    };
    const struct verdict *v = &e->verdict;
    bool only_said = !v->enforce && v->action != ACTION_ACCEPT && v->action != ACTION_TAG;
    char done[40], why[RULE_NAME_MAX + 1024];
    const char *address = ADDR_TEXT(&v->client);
    struct sbuf sb;

    snprintf(done, sizeof done, " %s %s", only_said ? "would be" : "is",
             v->report.result == F_IPREV_SKIP ? "not checked" : decision[v->action]);
    sbuf_init(&sb, why, sizeof why);
    put_reason(e, &sb);
    term_put(t, TONE_HEAD, address);
    term_put(t, action_tone[v->action], done);
    term_wrap(t, why, 2, (unsigned)(strlen(address) + strlen(done)));
}

/* ---- the chain ---- */

static void print_links(const struct explanation *e, const struct term *t)
{
    static const enum tone tone[] = {TONE_GOOD, TONE_BAD, TONE_NOTE, TONE_NOTE};
    unsigned i;

    if (e->links.n > 0)
        term_head(t, "Chain");
    for (i = 0; i < e->links.n; i++) {
        const struct link *l = &e->links.link[i];

        fputs("  ", t->out);
        term_cell(t, tone[l->state], link_word(l->state), STATE);
        if (t->columns < NARROW) {
            fprintf(t->out, "%s\n", l->title);
            term_wrap(t, l->text, 4, 0);
        } else {
            term_cell(t, TONE_PLAIN, l->title, TITLE);
            term_wrap(t, l->text, 2 + STATE + TITLE, 2 + STATE + TITLE);
        }
    }
    if (e->facts.chain != NULL && e->facts.chain->capped)
        fprintf(t->out, "  more PTR names exist; only the first %d by order are looked at\n",
                FCRDNS_NAMES_MAX);
}

/* ---- DNS ---- */

/* What the answer took, and whether it was validated, when there is an anchor to do it by. */
static void put_note(struct sbuf *sb, const struct question *q, bool anchored)
{
    sbuf_str(sb, " (");
    sbuf_uint(sb, q->ms);
    sbuf_str(sb, " ms");
    if (!answer_failed(q->kind)) {
        sbuf_str(sb, ", TTL ");
        sbuf_uint(sb, q->ttl);
        if (anchored) {
            sbuf_str(sb, ", DNSSEC ");
            sbuf_str(sb, question_dnssec(q, anchored));
        }
    }
    sbuf_byte(sb, ')');
}

static void print_questions(const struct explanation *e, const struct term *t)
{
    char text[(RECORDS_SHOWN + 2) * DNAME_VISIBLE_MAX];
    struct sbuf sb;
    unsigned i;

    if (e->questions->n > 0)
        term_head(t, "DNS");
    for (i = 0; i < e->questions->n; i++) {
        const struct question *q = &e->questions->q[i];

        sbuf_init(&sb, text, sizeof text);
        dname_put_visible(&sb, &q->name);
        fprintf(t->out, "  %s %s\n", text, rrtype_word(q->type));
        sbuf_init(&sb, text, sizeof text);
        if (q->aliased) {
            sbuf_str(&sb, "alias of ");
            dname_put_visible(&sb, &q->target);
            sbuf_str(&sb, q->shown > 0 || answer_word(q->kind)[0] != '\0' ? ": " : "");
        }
        sbuf_str(&sb, answer_word(q->kind));
        question_put_records(&sb, q, RECORDS_SHOWN);
        put_note(&sb, q, e->anchored);
        term_wrap(t, text, 6, 0);
    }
    if (e->questions->left_out > 0)
        fprintf(t->out, "  and %u more\n", e->questions->left_out);
}

/* ---- the outcome ---- */

static void print_findings(const struct explanation *e, const struct term *t)
{
    char text[1024];
    struct sbuf sb;
    unsigned f;

    sbuf_init(&sb, text, sizeof text);
    for (f = 0; f < F_COUNT; f++)
        if (e->verdict.report.found & FINDING(f)) {
            sbuf_str(&sb, sb.len > 0 ? ", " : "");
            sbuf_str(&sb, finding_word((enum finding)f));
        }
    field(t, "findings", text);
}

static void print_reply(const struct explanation *e, const struct term *t)
{
    char text[REPLY_TEXT_MAX + 64];
    struct reply reply;
    struct sbuf sb;

    if (e->verdict.action < ACTION_GREYLIST)
        return;
    verdict_reply(&e->verdict, &e->settings->judge, &reply);
    sbuf_init(&sb, text, sizeof text);
    sbuf_uint(&sb, reply.code);
    sbuf_byte(&sb, ' ');
    sbuf_str(&sb, reply.xcode);
    sbuf_byte(&sb, ' ');
    sbuf_str(&sb, reply.text);
    field(t, e->verdict.enforce ? "reply" : "reply in enforce mode", text);
}

/* What memory says, where it matters. */
static void print_memory(const struct explanation *e, const struct term *t)
{
    const struct memory_client *c = &e->memory.client;
    char text[RECALL_TROUBLE_MAX + 128];
    struct sbuf sb;

    if (!e->memory.asked)
        return;
    sbuf_init(&sb, text, sizeof text);
    if (e->memory.result == RECALL_DENIED)
        sbuf_str(&sb, "not readable, so the client is shown as not known (run this as root): ");
    if (e->memory.result == RECALL_FAILED)
        sbuf_str(&sb, "unavailable, so no rule that needs it refuses: ");
    if (e->memory.result == RECALL_DENIED || e->memory.result == RECALL_FAILED)
        sbuf_str(&sb, e->memory.why);
    else if (c->known_s != 0) {
        sbuf_str(&sb, "known client, until ");
        recall_put_last_day(&sb, c->known_end_s);
    } else
        sbuf_str(&sb, "not a known client");
    field(t, "memory", text);
}

static void print_outcome(const struct explanation *e, const struct term *t)
{
    char authres[AUTHRES_VALUE_MAX] = "", x_iprev[RECORD_HEADER_MAX];
    const struct verdict *v = &e->verdict;

    term_head(t, "Outcome");
    print_findings(e, t);
    if (v->rule_name[0] != '\0')
        fprintf(t->out, "  rule: %s\n", v->rule_name);
    else
        fputs("  rule: none matched\n", t->out);
    fputs("  action: ", t->out);
    term_put(t, action_tone[v->action], action_word(v->action));
    fprintf(t->out, "\n  mode: %s\n",
            v->enforce ? "enforce" : "monitor (headers and log only; nothing is refused)");
    print_memory(e, t);
    print_reply(e, t);
    if (e->settings->judge.authentication_results)
        authres_field(authres, e->id, &v->report, &v->client);
    verdict_x_iprev(v, &e->settings->judge, x_iprev);
    field(t, "Authentication-Results", authres);
    field(t, "X-IPRev", x_iprev);
}

/* ---- what to do ---- */

/* The line that lets through a client that is not to be refused, and where it goes. */
static void print_exemption(const struct explanation *e, const struct term *t)
{
    const struct verdict *v = &e->verdict;
    const struct name_list *lists = &e->settings->exempt.lists;
    char line[DNAME_TEXT_MAX];
    struct sbuf sb;

    if (v->action <= ACTION_TAG)
        return;
    term_head(t, "To let it through all the same");
    if (lists->n > 0)
        fprintf(t->out, "  Add this line to %s and reload:\n", lists->entry[lists->n - 1]);
    else
        fputs("  Add this line to a file named in exempt.lists and reload:\n", t->out);
    sbuf_init(&sb, line, sizeof line);
    exempt_put_line(&sb, &v->client, v->report.found, &v->report.ptr);
    fputs("      ", t->out);
    term_put(t, TONE_HEAD, line);
    fputc('\n', t->out);
}

/* The links that this record fixes, too. */
static void print_also(const struct explanation *e, const struct term *t, unsigned number)
{
    unsigned i, k;

    for (i = 0; i < e->links.n; i++)
        for (k = 0; k < e->links.link[i].fixes; k++) {
            const struct link *l = &e->links.link[i];

            if (l->fix[k].repeated && l->fix[k].number == number && k + 1 == l->fixes)
                fprintf(t->out, "      Record %u also fixes \"%s\".\n", number, l->title);
        }
}

void fix_print(const struct fix *x, const struct term *t)
{
    char text[sizeof x->record];
    const char *line;
    size_t n;

    fprintf(t->out, "  %2u. ", x->number);
    term_wrap(t, x->how, 6, 6);
    for (line = x->record; *line != '\0'; line += n + (line[n] != '\0')) {
        n = strcspn(line, "\n");
        snprintf(text, sizeof text, "%.*s", (int)n, line);
        fputs("      ", t->out);
        term_put(t, TONE_HEAD, text);
        fputc('\n', t->out);
    }
}

/* Two lines for each record, in the right order. */
static void print_fixes(const struct explanation *e, const struct term *t)
{
    unsigned number, i, k;
    bool found = true;

    for (number = 1; found; number++) {
        found = false;
        for (i = 0; i < e->links.n; i++)
            for (k = 0; k < e->links.link[i].fixes; k++) {
                const struct fix *x = &e->links.link[i].fix[k];

                if (x->number != number || x->repeated)
                    continue;
                if (number == 1)
                    term_head(t, "To fix");
                fix_print(x, t);
                print_also(e, t, number);
                found = true;
            }
    }
}

void explain_text(const struct explanation *e, const struct term *t)
{
    print_verdict(e, t);
    print_links(e, t);
    print_questions(e, t);
    print_outcome(e, t);
    if (e->fixes_apart)
        return;
    print_exemption(e, t);
    print_fixes(e, t);
}
