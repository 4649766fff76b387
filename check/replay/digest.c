/* What is new, for a weekly mail: see words.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/words.h"

/* Lines of exempt lists that end soon. Their number; t: to show, or NULL. */
static unsigned ending(const struct judged *j, int64_t now, const struct term *t)
{
    const struct exempt_list *l = &j->settings->judge.exempt_list;
    char text[DNAME_TEXT_MAX + 1];
    struct sbuf sb;
    unsigned n = 0;
    size_t i;

    for (i = 0; i < l->n; i++) {
        const struct listed *c = &l->client[i];

        if (c->end <= now || c->end > now + ENDS_SOON)
            continue;
        if (t != NULL && n == 0)
            term_head(t, "Exempt lines that end within two weeks");
        if (t != NULL) {
            sbuf_init(&sb, text, sizeof text);
            listed_put(&sb, c);
            fprintf(t->out, "  %s until ", text);
            put_minute(t->out, c->end - 60);
            fputc('\n', t->out);
        }
        n++;
    }
    return n;
}

static void print_window(const struct judged *j, FILE *out)
{
    const struct tally *y = j->tally;

    fprintf(out, "iprev-milter, mode %s", j->settings->judge.enforce ? "enforce" : "monitor");
    if (y->begin > 0) {
        fputs(", ", out);
        put_minute(out, y->begin);
        fputs(" to ", out);
        put_minute(out, y->end);
    }
}

/* Messages of each kind of end. */
static void print_sums(const struct judged *j, FILE *out)
{
    uint64_t all = 0, refused = 0, spared = 0;
    uint64_t put_off =
        j->grey.clients > 0 ? j->grey.firsts : sum_messages(&j->fate[ACTION_GREYLIST]);
    const struct judged_list *l = &j->list[LIST_SPARED];
    unsigned i;

    for (i = 0; i < FATE_COUNT; i++) {
        all += sum_messages(&j->fate[i]);
        refused += fate_refuses(i) ? sum_messages(&j->fate[i]) : 0;
    }
    for (i = 0; i < l->n; i++)
        spared += client_judged(&j->tally->clients.list[l->at[i]]);
    fprintf(out, ": %llu message%s; %llu refused, %llu put off, %llu let through by exemptions\n",
            (unsigned long long)all, all == 1 ? "" : "s", (unsigned long long)refused,
            (unsigned long long)put_off, (unsigned long long)spared);
}

void judged_digest(const struct judged *j, unsigned top, int64_t now, FILE *out)
{
    const struct judged_list *l = j->list;
    bool news = l[LIST_BROKEN].n + l[LIST_NEWLY].n + l[LIST_WAITING].n + ending(j, now, NULL) > 0;
    struct term t;

    term_init(&t, out);
    if (!news)
        fputs("Nothing new. ", out);
    print_window(j, out);
    print_sums(j, out);
    if (!news)
        return;
    text_list(j, top, &t, "Passed before, fail now", &l[LIST_BROKEN], true);
    text_list(j, top, &t, "Delivered mail, and the policy would have refused it", &l[LIST_NEWLY],
              true);
    text_list(j, top, &t, "Delivered mail, would have been put off, and did not come back",
              &l[LIST_WAITING], true);
    text_list(j, top, &t, "Let through by exempt.hosts or exempt.lists", &l[LIST_SPARED], false);
    ending(j, now, &t);
}
