/* The report of a replay as one page: see words.h.
 *
 * All that comes from a log is made visible and escaped, and is never part of script or style.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "check/log/stamp.h"
#include "check/replay/html.h"
#include "check/replay/words.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- head and figures ---- */

/* What the policy turns away for good or for now, and what its greylist puts off. */
struct gist {
    uint64_t all, refused, delivered; /* messages; delivered: of those refused */
    uint64_t put_off;
};

static struct gist gist_of(const struct judged *j)
{
    struct gist g = {.put_off = sum_messages(&j->fate[ACTION_GREYLIST])};
    unsigned i;

    for (i = 0; i < FATE_COUNT; i++) {
        g.all += sum_messages(&j->fate[i]);
        if (!fate_refuses(i))
            continue;
        g.refused += sum_messages(&j->fate[i]);
        g.delivered += j->fate[i].count[OUT_DELIVERED];
    }
    if (j->grey.clients > 0)
        g.put_off = j->grey.firsts;
    return g;
}

static void put_period(const struct tally *t, FILE *out)
{
    fputs("<dt>Log</dt><dd>", out);
    html_number(out, t->lines);
    fputs(t->lines == 1 ? " line" : " lines", out);
    if (t->begin > 0) {
        fputs(", ", out);
        put_minute(out, t->begin);
        fputs(" to ", out);
        put_minute(out, t->end);
    }
}

static void put_policy(const struct settings *s, FILE *out)
{
    const struct policy *p = &s->judge.policy;
    unsigned i;

    fputs("<dt>Policy</dt><dd><code>", out);
    html_text(out, s->file != NULL ? s->file : "(built-in defaults)");
    fprintf(out, "</code>, mode %s", s->judge.enforce ? "enforce" : "monitor");
    for (i = 0; i < p->rules; i++) {
        fputs(i == 0 ? ", rules " : ", ", out);
        html_text(out, p->rule[i].name);
    }
    fputs("</dd>\n", out);
}

/* Where its figures come from, and when and where it was made. */
static void put_source(const struct judged *j, FILE *out)
{
    char host[256] = "";

    fputs("<dl>", out);
    put_period(j->tally, out);
    fputs("; ", out);
    html_number(out, gist_of(j).all);
    fputs(gist_of(j).all == 1 ? " message of " : " messages of ", out);
    html_number(out, j->addresses);
    fputs(j->addresses == 1 ? " client address</dd>\n" : " client addresses</dd>\n", out);
    put_policy(j->settings, out);
    fputs("<dt>Made</dt><dd>", out);
    put_minute(out, stamp_given("0d", (int64_t)time(NULL)));
    if (gethostname(host, sizeof host - 1) == 0 && host[0] != '\0') {
        fputs(" on ", out);
        html_text(out, host);
    }
    fputs("</dd></dl></header>\n", out);
}

static void bold(FILE *out, uint64_t n)
{
    fputs("<b>", out);
    html_number(out, n);
    fputs("</b>", out);
}

/* The answer in one sentence. */
static void put_answer(const struct gist *g, FILE *out)
{
    const char *those = g->put_off > 0 ? "those refused" : "these";

    fputs("<p class=\"answer\">It would have refused ", out);
    bold(out, g->refused);
    fputs(" of ", out);
    html_number(out, g->all);
    fputs(g->all == 1 ? " message" : " messages", out);
    html_share(out, g->refused, g->all);
    if (g->put_off > 0) {
        fputs(" and put off ", out);
        bold(out, g->put_off);
    }
    if (g->refused > 0 && g->delivered == 0) {
        fprintf(out, "; none of %s was delivered then", those);
    } else if (g->delivered > 0) {
        fputs("; ", out);
        bold(out, g->delivered);
        fprintf(out, " of %s %s delivered then", those, g->delivered == 1 ? "was" : "were");
    }
    fputs(".</p>\n", out);
}

static void put_title(const struct judged *j, FILE *out)
{
    struct gist g = gist_of(j);

    fputs("<header><h1>What this policy would have done</h1>\n", out);
    if (g.all > 0)
        put_answer(&g, out);
    put_source(j, out);
}

static void figure(FILE *out, const char *class, uint64_t n, const char *text, uint64_t of)
{
    fprintf(out, "<div class=\"figure %s\"><b>", class);
    html_number(out, n);
    fprintf(out, "</b><span>%s", text);
    html_share(out, n, of);
    fputs("</span></div>\n", out);
}

static void figure_put_off(const struct judged *j, FILE *out, const struct gist *g)
{
    fputs("<div class=\"figure later\"><b>", out);
    html_number(out, g->put_off);
    fprintf(out, "</b><span>%s put off", g->put_off == 1 ? "message" : "messages");
    html_share(out, g->put_off, g->all);
    if (j->grey.clients > 0) {
        fprintf(out, "; %llu of %llu clients came back", (unsigned long long)j->grey.back,
                (unsigned long long)j->grey.clients);
    }
    fputs("</span></div>\n", out);
}

static void put_figures(const struct judged *j, FILE *out)
{
    struct gist g = gist_of(j);
    bool lost = j->list[LIST_LOST].n > 0;

    fputs("<div class=\"figures\">\n", out);
    figure(out,
           lost             ? "warn"
           : j->clients > 0 ? "good"
                            : "",
           g.delivered,
           g.delivered == 1 ? "of those refused was delivered" : "of those refused were delivered",
           g.refused);
    figure(out, "bad", g.refused, g.refused == 1 ? "message refused" : "messages refused", g.all);
    if (g.put_off > 0)
        figure_put_off(j, out, &g);
    else
        figure(out, "bad", j->refused_addresses,
               j->refused_addresses == 1 ? "address refused" : "addresses refused", j->addresses);
    fputs("</div>\n", out);
}

static void note(void *arg, bool bad, const char *text)
{
    fprintf(arg, bad ? "<p class=\"note\"><b>%s</b></p>\n" : "<p class=\"note\">%s</p>\n", text);
}

/* ---- sections ---- */

static void put_changes(const struct judged *j, FILE *out)
{
    unsigned from, to;

    if (j->against == NULL)
        return;
    fputs("<section><h2>Compared with <code>", out);
    html_text(out, j->against->file != NULL ? j->against->file : "-");
    fputs("</code></h2>\n", out);
    if (j->list[LIST_CHANGED].n == 0)
        fputs("<p>No client's outcome changes.</p>\n", out);
    else
        fputs("<div class=\"scroll\"><table><thead><tr><th>There</th><th>Here</th>"
              "<th class=\"n\">Messages</th></tr></thead><tbody>\n",
              out);
    for (from = 0; from < FATE_COUNT; from++)
        for (to = 0; to < FATE_COUNT; to++) {
            if (from == to || j->change[from][to] == 0)
                continue;
            fputs("<tr>", out);
            cell_fate(out, from);
            cell_fate(out, to);
            cell_number(out, j->change[from][to]);
            fputs("</tr>\n", out);
        }
    fputs(j->list[LIST_CHANGED].n > 0 ? "</tbody></table></div></section>\n" : "</section>\n", out);
}

static void cell_share(FILE *out, uint64_t n, uint64_t of)
{
    fprintf(out, "<td class=\"n\" data-v=\"%llu\">", (unsigned long long)n);
    html_number(out, n);
    html_share(out, n, of);
    fputs("</td>", out);
}

/* Whom memory has spared: the word is only there when it mattered. */
static void put_known(const struct judged *j, FILE *out)
{
    const struct judged_sum *known = &j->word[F_CLIENT_KNOWN];

    if (known->clients == 0)
        return;
    fputs("<p>Known clients: ", out);
    html_number(out, known->clients);
    fputs(known->clients == 1 ? " client with " : " clients with ", out);
    html_number(out, sum_messages(known));
    fputs(sum_messages(known) == 1 ? " message" : " messages", out);
    fputs(known->clients == 1 ? " is" : " are", out);
    fputs(" known from earlier mail (client-known), which changes what the rules do.</p>\n", out);
}

static void put_rules(const struct judged *j, FILE *out)
{
    uint64_t all = gist_of(j).all;
    unsigned i;

    fputs("<section><h2>By rule</h2>\n<div "
          "class=\"scroll\"><table><thead><tr><th>Rule</th><th>Action</th>"
          "<th class=\"n\">Clients</th><th class=\"n\">Messages</th><th class=\"n\">Delivered</th>"
          "</tr></thead><tbody>\n",
          out);
    for (i = 0; i < j->settings->judge.policy.rules; i++) {
        fputs("<tr><td>", out);
        html_text(out, j->settings->judge.policy.rule[i].name);
        fputs(j->settings->judge.policy.rule[i].trial ? " (on trial)</td>" : "</td>", out);
        cell_fate(out, j->settings->judge.policy.rule[i].action);
        cell_number(out, j->rule[i].clients);
        cell_share(out, sum_messages(&j->rule[i]), all);
        cell_number(out, j->rule[i].count[OUT_DELIVERED]);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
    put_known(j, out);
    fputs("</section>\n", out);
}

bool judged_html(const struct judged *j, FILE *out)
{
    html_head(out, "replay", "iprev-milter: what the policy would have done", &page_style,
              &page_script);
    put_title(j, out);
    put_figures(j, out);
    put_notes(j, note, out);
    page_lost(j, out);
    page_put_off(j, out);
    fputs("<section><h2>By action</h2>\n<p class=\"note\">What this policy would have done, and "
          "what became of the messages then.</p>\n",
          out);
    chart_fates(j, out);
    fputs("</section>\n<section><h2>Over time</h2>\n", out);
    chart_timeline(j, out);
    fputs("</section>\n", out);
    put_changes(j, out);
    put_rules(j, out);
    fputs("<section><h2>By finding</h2>\n<p class=\"note\">A client has one or more of them.</p>\n",
          out);
    chart_causes(j, out);
    fputs("</section>\n", out);
    page_clients(j, out);
    fprintf(out,
            "<footer>iprev-check " PACKAGE_VERSION
            ", replay. Times are as the log writes them.</footer>\n"
            "<script>%s</script>\n</body>\n</html>\n",
            page_script.text);
    return !ferror(out);
}
