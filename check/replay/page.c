/* The report of a replay as one page: see words.h.
 *
 * The page needs nothing else: style and script are in it, nothing is fetched, and its
 * Content-Security-Policy allows just these two by hash. All that comes from a log is made
 * visible and escaped, and is never part of script or style.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "check/log/stamp.h"
#include "check/replay/html.h"
#include "check/replay/words.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROWS_MAX 2000 /* clients in the table; the rest is counted */
#define LOST_MAX 200

/* ---- head and figures ---- */

static void put_head(FILE *out)
{
    fprintf(out,
            PAGE_MARK " replay\">\n"
                      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                      "style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                      "<meta name=\"color-scheme\" content=\"light dark\">\n"
                      "<meta name=\"referrer\" content=\"no-referrer\">\n"
                      "<title>iprev-check replay</title>\n<style>%s</style>\n</head>\n<body>\n",
            page_style_hash, page_script_hash, page_style);
}

/* What the policy turns away, for good or for now. */
struct gist {
    uint64_t all, refused, delivered; /* messages; delivered: of those refused */
};

static struct gist gist_of(const struct judged *j)
{
    struct gist g = {0};
    unsigned i;

    for (i = 0; i < FATE_COUNT; i++) {
        g.all += sum_messages(&j->fate[i]);
        if (!fate_refuses(i))
            continue;
        g.refused += sum_messages(&j->fate[i]);
        g.delivered += j->fate[i].count[OUT_DELIVERED];
    }
    return g;
}

/* " (12.5 %)" */
static void put_share(FILE *out, uint64_t n, uint64_t of)
{
    if (of > 0)
        fprintf(out, " (%.1f&#8239;%%)", 100.0 * (double)n / (double)of);
}

static void put_names(const struct policy *p, FILE *out)
{
    unsigned i;

    for (i = 0; i < p->rules; i++) {
        fputs(i == 0 ? ", rules " : ", ", out);
        html_text(out, p->rule[i].name);
    }
}

/* Where its figures come from, and when and where it was made. */
static void put_source(const struct judged *j, FILE *out)
{
    char host[256] = "";
    const struct settings *s = j->settings;

    fputs("<p>", out);
    html_number(out, j->tally->lines);
    fputs(" log lines", out);
    if (j->tally->begin > 0) {
        fputs(", ", out);
        put_minute(out, j->tally->begin);
        fputs(" to ", out);
        put_minute(out, j->tally->end);
    }
    fputs("; configuration <code>", out);
    html_text(out, s->file != NULL ? s->file : "(built-in defaults)");
    fprintf(out, "</code>, mode %s", s->judge.enforce ? "enforce" : "monitor");
    put_names(&s->judge.policy, out);
    fputs("; made on ", out);
    put_minute(out, stamp_given("0d", (int64_t)time(NULL)));
    if (gethostname(host, sizeof host - 1) == 0 && host[0] != '\0') {
        fputs(" on ", out);
        html_text(out, host);
    }
    fputs("</p></header>\n", out);
}

/* The answer in one sentence. */
static void put_title(const struct judged *j, FILE *out)
{
    struct gist g = gist_of(j);

    fputs("<header><h1>What this policy would have done</h1>\n", out);
    if (g.all > 0) {
        fputs("<p class=\"answer\">It would have refused <b>", out);
        html_number(out, g.refused);
        fputs("</b> of ", out);
        html_number(out, g.all);
        fputs(g.all == 1 ? " message" : " messages", out);
        put_share(out, g.refused, g.all);
        fputs(g.refused == 0     ? "."
              : g.delivered == 0 ? "; none of these was delivered then."
                                 : "; <b>",
              out);
        if (g.delivered > 0) {
            html_number(out, g.delivered);
            fputs(g.delivered == 1 ? "</b> of these was delivered then."
                                   : "</b> of these were delivered then.",
                  out);
        }
        fputs("</p>\n", out);
    }
    put_source(j, out);
}

static void figure(FILE *out, const char *class, uint64_t n, const char *text, uint64_t of)
{
    fprintf(out, "<div class=\"figure %s\"><b>", class);
    html_number(out, n);
    fprintf(out, "</b><span>%s", text);
    put_share(out, n, of);
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
           g.delivered, "delivered messages it would have refused", g.refused);
    figure(out, "bad", g.refused, "messages refused by the policy", g.all);
    figure(out, "bad", j->refused_addresses, "addresses refused", j->addresses);
    figure(out, "", g.all, "messages seen", 0);
    figure(out, "", j->addresses, "client addresses", 0);
    fputs("</div>\n", out);
}

static void note(void *arg, bool bad, const char *text)
{
    fprintf(arg, bad ? "<p class=\"note\"><b>%s</b></p>\n" : "<p class=\"note\">%s</p>\n", text);
}

/* ---- tables ---- */

static void cell_number(FILE *out, uint64_t n)
{
    fprintf(out, "<td class=\"n\" data-v=\"%llu\">", (unsigned long long)n);
    html_number(out, n);
    fputs("</td>", out);
}

static void cell_fate(FILE *out, unsigned kind)
{
    fprintf(out, "<td><span class=\"fate t%u\">%s</span></td>", kind, fate_word(kind));
}

static void cell_text(const struct judged *j, FILE *out, const struct client *k, const char *class,
                      client_text *put)
{
    char text[CLIENT_TEXT_MAX];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    put(k, j->settings, &sb);
    fprintf(out, "<td class=\"%s\">", class);
    (strcmp(class, "code") == 0 ? html_text : html_breaking)(out, text);
    fputs("</td>", out);
}

/* With its octets as the key to sort by, IPv4 before IPv6. */
static void cell_address(FILE *out, const struct client *k)
{
    size_t i;

    fprintf(out, "<td class=\"a\" data-k=\"%u", k->addr.family == ADDR_IPV6 ? 6u : 4u);
    for (i = 0; i < sizeof k->addr.bytes; i++)
        fprintf(out, "%02x", k->addr.bytes[i]);
    fputs("\">", out);
    html_breaking(out, ADDR_TEXT(&k->addr));
    fputs("</td>", out);
}

static void cell_names(FILE *out, const struct client *k)
{
    fputs("<td class=\"w\">", out);
    html_breaking(out, k->ptr != NULL ? k->ptr : "-");
    fputs("</td><td class=\"w\">", out);
    if (k->helo != NULL)
        html_visible(out, k->helo, k->helo_len);
    fputs("</td>", out);
}

static void row(const struct judged *j, FILE *out, const struct client *k, bool lost)
{
    fputs("<tr>", out);
    cell_address(out, k);
    cell_names(out, k);
    if (!lost)
        cell_fate(out, k->fate.kind);
    if (!lost && j->against != NULL)
        cell_fate(out, k->against.kind);
    cell_text(j, out, k, "w why", client_reason);
    cell_number(out, client_messages(k));
    cell_number(out, k->count[OUT_DELIVERED]);
    if (lost) {
        cell_text(j, out, k, "code", client_exempt_line);
    } else {
        cell_number(out, k->count[OUT_SPAM]);
        cell_number(out, client_refused(k));
    }
    fputs("</tr>\n", out);
}

static void left_out(FILE *out, uint64_t n)
{
    if (n == 0)
        return;
    fputs("<p class=\"note\">", out);
    html_number(out, n);
    fputs(" more are not shown here; <code>--json</code> has up to 10&#8239;000.</p>\n", out);
}

static void put_lost(const struct judged *j, FILE *out)
{
    uint32_t i, n = j->list[LIST_LOST].n < LOST_MAX ? j->list[LIST_LOST].n : LOST_MAX;

    if (j->clients == 0)
        return; /* without a message, none is no good news */
    fputs("<section><h2>Refused by the policy, but delivered then</h2>\n", out);
    if (n == 0) {
        fputs("<p>None: every client that would be refused delivered nothing, or only what a "
              "filter called spam.</p></section>\n",
              out);
        return;
    }
    fputs("<p>Perhaps wanted mail. Look at these first; the last column is the line that exempts a "
          "client, for a file of <code>exempt.lists</code>.</p>\n<div class=\"scroll\"><table "
          "class=\"sort\"><thead>"
          "<tr><th>Client</th><th>PTR name</th><th>HELO</th><th>Why</th><th class=\"n\">Messages"
          "</th><th class=\"n\">Delivered</th><th>Exempt line</th></tr></thead><tbody>\n",
          out);
    for (i = 0; i < n; i++)
        row(j, out, &j->tally->clients.list[j->list[LIST_LOST].at[i]], true);
    fputs("</tbody></table></div>\n", out);
    left_out(out, j->list[LIST_LOST].n - n);
    fputs("<details><summary>All of these lines</summary><pre class=\"code\">", out);
    put_exempt_lines(j, &j->list[LIST_LOST], n, out);
    fputs("</pre></details>\n</section>\n", out);
}

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

static void put_clients(const struct judged *j, FILE *out)
{
    uint32_t i, n = j->list[LIST_ALL].n < ROWS_MAX ? j->list[LIST_ALL].n : ROWS_MAX;

    fputs("<section><h2>Clients</h2>\n<p><input id=\"filter\" type=\"search\" "
          "placeholder=\"Show only rows with ...\" aria-label=\"Filter\"> <output "
          "id=\"shown\"></output></p>\n"
          "<div class=\"scroll\"><table class=\"sort\" id=\"clients\"><thead><tr><th>Client</th>"
          "<th>PTR name</th><th>HELO</th><th>Action</th>",
          out);
    if (j->against != NULL)
        fputs("<th>There</th>", out);
    fputs("<th>Why</th><th class=\"n\">Messages</th><th class=\"n\">Delivered</th>"
          "<th class=\"n\">Spam</th><th class=\"n\">Refused</th></tr></thead><tbody>\n",
          out);
    for (i = 0; i < n; i++)
        row(j, out, &j->tally->clients.list[j->list[LIST_ALL].at[i]], false);
    fputs("</tbody></table></div>\n", out);
    left_out(out, j->list[LIST_ALL].n - n);
    fputs("</section>\n", out);
}

static void put_rules(const struct judged *j, FILE *out)
{
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
        cell_number(out, sum_messages(&j->rule[i]));
        cell_number(out, j->rule[i].count[OUT_DELIVERED]);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div></section>\n", out);
}

bool judged_html(const struct judged *j, FILE *out)
{
    put_head(out);
    put_title(j, out);
    put_figures(j, out);
    put_notes(j, note, out);
    put_lost(j, out);
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
    put_clients(j, out);
    fprintf(out,
            "<footer>iprev-check " PACKAGE_VERSION
            ", replay. Times are as the log writes them.</footer>\n"
            "<script>%s</script>\n</body>\n</html>\n",
            page_script);
    return !ferror(out);
}
