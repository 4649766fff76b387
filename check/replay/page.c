/* The report of a replay as one page: see words.h.
 *
 * The page needs nothing else: style and script are in it, nothing is fetched, and its
 * Content-Security-Policy allows just these two by hash. All that comes from a log is made
 * visible and escaped, and is never part of script or style.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "check/replay/html.h"
#include "check/replay/words.h"

#include <string.h>

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

static void figure(FILE *out, const char *class, uint64_t n, const char *text)
{
    fprintf(out, "<div class=\"figure %s\"><b>", class);
    html_number(out, n);
    fprintf(out, "</b><span>%s</span></div>\n", text);
}

static void put_title(const struct judged *j, FILE *out)
{
    fputs("<header><h1>What this policy would have done</h1>\n<p>", out);
    html_number(out, j->tally->lines);
    fputs(" log lines", out);
    if (j->tally->begin > 0) {
        fputs(", ", out);
        put_minute(out, j->tally->begin);
        fputs(" to ", out);
        put_minute(out, j->tally->end);
    }
    fputs(", configuration <code>", out);
    html_text(out, j->settings->file != NULL ? j->settings->file : "(built-in defaults)");
    fputs("</code></p></header>\n", out);
}

static void put_figures(const struct judged *j, FILE *out)
{
    const struct judged_sum *reject = &j->fate[ACTION_REJECT], *later = &j->fate[ACTION_TEMPFAIL];
    uint64_t all = 0;
    unsigned i;

    for (i = 0; i < FATE_COUNT; i++)
        all += sum_messages(&j->fate[i]);
    fputs("<div class=\"figures\">\n", out);
    figure(out, "", all, "messages seen");
    figure(out, "", j->addresses, "client addresses");
    figure(out, "bad", sum_messages(reject) + sum_messages(later),
           "messages refused by the policy");
    figure(out, "bad", j->refused_addresses, "addresses refused");
    figure(out,
           j->list[LIST_LOST].n > 0 ? "warn"
           : j->clients > 0         ? "good"
                                    : "",
           reject->count[OUT_DELIVERED] + later->count[OUT_DELIVERED],
           "of these were delivered then");
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
        fputs("</td>", out);
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
