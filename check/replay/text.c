/* The report of a replay for the terminal: see words.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/words.h"
#include "check/term.h"

#include <string.h>

/* ---- totals ---- */

static void note(void *arg, bool bad, const char *text)
{
    const struct term *t = arg;

    term_put(t, bad ? TONE_BAD : TONE_PLAIN, text);
    fputc('\n', t->out);
}

static void print_input(const struct judged *j, const struct term *t)
{
    const struct tally *y = j->tally;

    fprintf(t->out, "%llu lines", (unsigned long long)y->lines);
    if (y->begin > 0) {
        fputs(", ", t->out);
        put_minute(t->out, y->begin);
        fputs(" to ", t->out);
        put_minute(t->out, y->end);
    }
    fprintf(t->out, "; %llu address%s with messages\n", (unsigned long long)j->addresses,
            j->addresses == 1 ? "" : "es");
    put_notes(j, note, (void *)(uintptr_t)t);
}

static void print_gist(const struct judged *j, const struct term *t)
{
    const struct judged_sum *no = &j->fate[ACTION_REJECT], *later = &j->fate[ACTION_TEMPFAIL];
    unsigned long long addresses = j->refused_addresses,
                       messages = sum_messages(no) + sum_messages(later);
    unsigned long long lost = no->count[OUT_DELIVERED] + later->count[OUT_DELIVERED];
    uint64_t put_off = sum_messages(&j->fate[ACTION_GREYLIST]);
    char text[200];
    int n;

    if (j->tally->known == 0)
        return;
    n = snprintf(text, sizeof text,
                 "This policy would have refused %llu message%s of %llu address%s; %llu of them %s "
                 "delivered then.",
                 messages, messages == 1 ? "" : "s", addresses, addresses == 1 ? "" : "es", lost,
                 lost == 1 ? "was" : "were");
    if (put_off > 0)
        snprintf(text + n, sizeof text - (size_t)n, " %llu more %s a greylist rule.",
                 (unsigned long long)put_off, put_off == 1 ? "meets" : "meet");
    term_wrap(t, text, 0, 0);
    if (j->temperror > 0)
        term_put(t, TONE_BAD, "Clients without a DNS answer are not among them.\n");
}

static void print_fates(const struct judged *j, const struct term *t)
{
    unsigned i;

    term_head(t, "What this policy would have done, and what became of the messages");
    fprintf(t->out, "  %-11s%9s%10s%11s%9s%10s%10s\n", "", "clients", "messages", "delivered",
            "as spam", "other", "refused");
    for (i = 0; i < FATE_COUNT; i++) {
        const struct judged_sum *s = &j->fate[fate_order[i]];

        if (s->clients == 0 && sum_messages(s) == 0)
            continue;
        fprintf(t->out, "  ");
        term_cell(t, fate_refuses(fate_order[i]) ? TONE_BAD : TONE_PLAIN, fate_word(fate_order[i]),
                  11);
        fprintf(
            t->out, "%9llu%10llu%11llu%9llu%10llu%10llu\n", (unsigned long long)s->clients,
            (unsigned long long)sum_messages(s), (unsigned long long)s->count[OUT_DELIVERED],
            (unsigned long long)s->count[OUT_SPAM],
            (unsigned long long)(s->count[OUT_OTHER] + s->count[OUT_AUTH] + s->count[OUT_SPARED]),
            (unsigned long long)sum_of(s, OUT_MTA, OUT_LATER));
    }
}

static void print_rules(const struct judged *j, const struct term *t)
{
    unsigned i;

    term_head(t, "By rule");
    for (i = 0; i < j->settings->judge.policy.rules; i++) {
        const struct rule *r = &j->settings->judge.policy.rule[i];

        fprintf(t->out, "  %-20s %-10s %8llu client%s %9llu message%s %9llu delivered%s\n", r->name,
                action_word((enum action)r->action), (unsigned long long)j->rule[i].clients,
                j->rule[i].clients == 1 ? " " : "s", (unsigned long long)sum_messages(&j->rule[i]),
                sum_messages(&j->rule[i]) == 1 ? " " : "s",
                (unsigned long long)j->rule[i].count[OUT_DELIVERED], r->trial ? " (on trial)" : "");
    }
}

static unsigned percent(uint64_t n, uint64_t of)
{
    return of > 0 ? (unsigned)((200 * n + of) / (2 * of)) : 0;
}

static void print_grey(const struct judged *j, const struct term *t)
{
    const struct grey_sum *g = &j->grey;
    char text[300];

    if (j->fate[ACTION_GREYLIST].clients == 0)
        return;
    term_head(t, "Greylist");
    if (g->clients == 0) {
        fputs("  These lines do not name sender and recipient: who came back is not known.\n",
              t->out);
        return;
    }
    snprintf(
        text, sizeof text,
        "It would have put off %llu message%s of %llu client%s. %llu of these clients (%u %%) came "
        "back in time in this log, from the same network with the same sender domain and "
        "recipient.",
        (unsigned long long)g->firsts, g->firsts == 1 ? "" : "s", (unsigned long long)g->clients,
        g->clients == 1 ? "" : "s", (unsigned long long)g->back, percent(g->back, g->clients));
    fputs("  ", t->out);
    term_wrap(t, text, 2, 2);
    fputs("  ", t->out);
    term_wrap(t, GREY_HINT, 2, 2);
    if (g->incomplete)
        term_put(t, TONE_BAD, "  Incomplete: out of memory or disk space.\n");
}

/* ---- clients ---- */

static void print_senders(const struct judged *j, const struct term *t, const struct client *k)
{
    const struct client *base = &j->tally->clients.list[k->base];
    char text[4 * SENDER_DOMAIN_MAX];
    struct sbuf sb;
    unsigned i;

    for (i = 0; base->senders != NULL && i < SENDERS_MAX && base->senders->domain[i] != NULL; i++) {
        const char *domain = base->senders->domain[i];

        sbuf_init(&sb, text, sizeof text);
        sbuf_visible(&sb, domain, strlen(domain));
        fprintf(t->out, "%s%s", i == 0 ? "      sender domains: " : ", ",
                domain[0] != '\0' ? text : "<>");
    }
    if (i > 0)
        fputs(base->senders_more ? ", ...\n" : "\n", t->out);
}

static void print_client(const struct judged *j, const struct term *t, const struct client *k,
                         bool exemption)
{
    char text[4 * CLIENT_HELO_MAX + 512];
    struct sbuf sb;

    fprintf(t->out, "  %-24s", ADDR_TEXT(&k->addr));
    fprintf(t->out, "%6llu message%s, %llu delivered", (unsigned long long)client_messages(k),
            client_messages(k) == 1 ? "" : "s", (unsigned long long)k->count[OUT_DELIVERED]);
    fprintf(t->out, "  %s\n", k->ptr != NULL ? k->ptr : "no name");
    sbuf_init(&sb, text, sizeof text);
    client_reason(k, j->settings, &sb);
    fprintf(t->out, "      %s", text);
    if (k->helo != NULL) {
        sbuf_init(&sb, text, sizeof text);
        sbuf_visible(&sb, k->helo, k->helo_len);
        fprintf(t->out, "  HELO %s%s", text, k->helo_len == CLIENT_HELO_MAX ? "\\..." : "");
    }
    fputc('\n', t->out);
    print_senders(j, t, k);
    if (k->put_off > 0)
        fprintf(t->out, "      put off %u time%s, %s\n", k->put_off, k->put_off == 1 ? "" : "s",
                k->came_back > 0 ? "came back in time" : "did not come back");
    if (!exemption)
        return;
    sbuf_init(&sb, text, sizeof text);
    client_exempt_line(k, j->settings, &sb);
    fputs("      exempt line: ", t->out);
    term_put(t, TONE_NOTE, text);
    fputc('\n', t->out);
}

void text_list(const struct judged *j, unsigned top, const struct term *t, const char *title,
               const struct judged_list *l, bool exemption)
{
    uint32_t i, n = l->n < top ? l->n : top;

    if (l->n == 0)
        return;
    term_head(t, title);
    for (i = 0; i < n; i++)
        print_client(j, t, &j->tally->clients.list[l->at[i]], exemption);
    if (l->n > n)
        fprintf(t->out, "  and %llu more (--top, --json and --html show them)\n",
                (unsigned long long)(l->n - n));
}

static void print_changes(const struct judged *j, unsigned top, const struct term *t)
{
    unsigned from, to;

    if (j->against == NULL)
        return;
    term_head(t, "Against the other configuration");
    if (j->list[LIST_CHANGED].n == 0) {
        fputs("  no client's outcome changes\n", t->out);
        return;
    }
    for (from = 0; from < FATE_COUNT; from++)
        for (to = 0; to < FATE_COUNT; to++)
            if (from != to && j->change[from][to] > 0)
                fprintf(t->out, "  %9llu message%s: %s there, %s here\n",
                        (unsigned long long)j->change[from][to],
                        j->change[from][to] == 1 ? "" : "s", fate_word(from), fate_word(to));
    text_list(j, top, t, "Clients whose outcome changes", &j->list[LIST_CHANGED], false);
}

void judged_text(const struct judged *j, unsigned top, FILE *out)
{
    struct term t;

    term_init(&t, out);
    print_input(j, &t);
    print_gist(j, &t);
    print_fates(j, &t);
    print_rules(j, &t);
    print_grey(j, &t);
    text_list(j, top, &t, "Refused, but delivered mail then: look at these first",
              &j->list[LIST_LOST], true);
    if (j->list[LIST_LOST].n > 1) {
        fputs("\n  All of these lines, for a file of exempt.lists:\n", out);
        put_exempt_lines(j, &j->list[LIST_LOST], top, out);
    }
    text_list(j, top, &t, "Refused; none of their mail had been delivered", &j->list[LIST_CAUGHT],
              false);
    text_list(j, top, &t, "Put off by the greylist", &j->list[LIST_PUT_OFF], false);
    text_list(j, top, &t, "Tagged or quarantined", &j->list[LIST_TAGGED], false);
    print_changes(j, top, &t);
}
