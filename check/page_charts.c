/* Bar charts as SVG: see page.h. Colours are classes of the style sheet.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "page.h"

#include <time.h>

#define LABEL  150.0 /* columns of a bar chart, in user units */
#define WIDTH  900.0
#define NUMBER 90.0
#define ROW    30.0

/* What became of messages, from good to bad: colour classes o0 to o3. */
struct parts {
    uint64_t n[4];
};

static const char *const part_words[] = {"delivered", "called spam", "accepted otherwise",
                                         "refused by others"};

static struct parts parts_of(const struct judged_sum *s)
{
    struct parts p = {
        {s->count[OUT_DELIVERED], s->count[OUT_SPAM],
         s->count[OUT_OTHER] + s->count[OUT_AUTH] + s->count[OUT_SPARED],
         s->count[OUT_MTA] + s->count[OUT_DNSBL] + s->count[OUT_MILTER] + s->count[OUT_LATER]}};

    return p;
}

static uint64_t whole(const struct parts *p)
{
    return p->n[0] + p->n[1] + p->n[2] + p->n[3];
}

static void legend(FILE *out, const char *prefix, const char *const *word, unsigned n)
{
    unsigned i;

    fputs("<p class=\"legend\">", out);
    for (i = 0; i < n; i++)
        fprintf(out,
                "<span><svg class=\"key\" viewBox=\"0 0 10 10\"><rect class=\"%s%u\" "
                "width=\"10\" height=\"10\" rx=\"2\"/></svg>%s</span>",
                prefix, i, word[i]);
    fputs("</p>\n", out);
}

/* One stacked bar in row `row`, with its name before it and its number behind. */
static void bar(FILE *out, unsigned row, const char *name, const struct parts *p, uint64_t most)
{
    double scale = most > 0 ? (WIDTH - LABEL - NUMBER) / (double)most : 0, x = LABEL;
    double y = row * ROW;
    unsigned i;

    fprintf(out, "<text class=\"name\" x=\"%.0f\" y=\"%.0f\">%s</text>", LABEL - 12, y + 20, name);
    for (i = 0; i < 4; i++) {
        double w = (double)p->n[i] * scale;

        if (p->n[i] == 0)
            continue;
        w = w < 1 ? 1 : w;
        fprintf(out,
                "<rect class=\"o%u\" x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"20\">"
                "<title>%s: %llu %s</title></rect>",
                i, x, y + 5, w, name, (unsigned long long)p->n[i], part_words[i]);
        x += w;
    }
    fprintf(out, "<text class=\"number\" x=\"%.1f\" y=\"%.0f\">", x + 8, y + 20);
    html_number(out, whole(p));
    fputs("</text>\n", out);
}

static void open_svg(FILE *out, const char *title, double height)
{
    fprintf(out, "<svg class=\"chart\" role=\"img\" viewBox=\"0 0 %.0f %.0f\"><title>%s</title>\n",
            WIDTH, height, title);
}

void chart_fates(const struct judged *j, FILE *out)
{
    static const unsigned order[] = {ACTION_REJECT, ACTION_TEMPFAIL, ACTION_QUARANTINE, ACTION_TAG,
                                     ACTION_ACCEPT, FATE_EXEMPT,     FATE_UNKNOWN};
    const unsigned rows = sizeof order / sizeof order[0];
    struct parts part[sizeof order / sizeof order[0]];
    uint64_t most = 0;
    unsigned i, row = 0;

    for (i = 0; i < rows; i++) {
        part[i] = parts_of(&j->fate[order[i]]);
        most = whole(&part[i]) > most ? whole(&part[i]) : most;
        row += whole(&part[i]) > 0;
    }
    legend(out, "o", part_words, 4);
    open_svg(out, "Messages by what the policy would have done", row * ROW);
    for (i = row = 0; i < rows; i++)
        if (whole(&part[i]) > 0)
            bar(out, row++, fate_word(order[i]), &part[i], most);
    fputs("</svg>\n", out);
}

void chart_causes(const struct judged *j, FILE *out)
{
    findings shown = FINDINGS_CAUSE | FINDINGS_SHAPE | FINDINGS_HELO;
    uint64_t most = 0;
    unsigned f, rows = 0;

    for (f = 0; f < F_COUNT; f++) {
        struct parts p = parts_of(&j->word[f]);

        if (!(shown & FINDING(f)) || whole(&p) == 0)
            continue;
        rows++;
        most = whole(&p) > most ? whole(&p) : most;
    }
    open_svg(out, "Messages by finding of their client", rows * ROW);
    for (f = rows = 0; f < F_COUNT; f++) {
        struct parts p = parts_of(&j->word[f]);

        if ((shown & FINDING(f)) && whole(&p) > 0)
            bar(out, rows++, finding_word((enum finding)f), &p, most);
    }
    fputs("</svg>\n", out);
}

/* ---- timeline ---- */

#define HEIGHT 180.0
#define LEFT   60.0

static void stamp(FILE *out, int64_t at, bool hours)
{
    char text[32] = "";
    time_t clock = (time_t)at;
    struct tm tm;

    gmtime_r(&clock, &tm);
    if (strftime(text, sizeof text, hours ? "%d %b %H:%M" : "%d %b %Y", &tm) > 0)
        fputs(text, out);
}

static uint64_t bucket_sum(const struct judged *j, unsigned i)
{
    uint64_t n = 0;
    unsigned k;

    for (k = 0; k < FATE_COUNT; k++)
        n += j->buckets[i][k];
    return n;
}

static void column(const struct judged *j, FILE *out, unsigned i, double width, double scale)
{
    static const unsigned order[] = {ACTION_ACCEPT,     FATE_EXEMPT,     FATE_UNKNOWN, ACTION_TAG,
                                     ACTION_QUARANTINE, ACTION_TEMPFAIL, ACTION_REJECT};
    const struct clients *c = &j->tally->clients;
    double y = HEIGHT;
    unsigned k;

    for (k = 0; k < sizeof order / sizeof order[0]; k++) {
        uint64_t n = j->buckets[i][order[k]];
        double h = (double)n * scale;

        if (n == 0)
            continue;
        y -= h;
        fprintf(out,
                "<rect class=\"f%u\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">"
                "<title>",
                order[k], LEFT + i * width + 1, y, width - 2, h);
        stamp(out, clients_bucket(c, i), c->width < 86400);
        fprintf(out, ": %llu %s</title></rect>", (unsigned long long)n, fate_word(order[k]));
    }
}

void chart_timeline(const struct judged *j, FILE *out)
{
    static const char *const words[] = {"accept", "tag",    "quarantine", "tempfail",
                                        "reject", "exempt", "unknown"};
    const struct clients *c = &j->tally->clients;
    unsigned n = c->last < 0 ? 0 : (unsigned)(c->last - c->first) + 1, i;
    double width = n > 0 ? (WIDTH - LEFT) / (n < 8 ? 8 : n) : 0;
    uint64_t most = 1;

    if (n == 0) {
        fputs("<p>The log has no time stamps.</p>\n", out);
        return;
    }
    for (i = 0; i < n; i++)
        most = bucket_sum(j, i) > most ? bucket_sum(j, i) : most;
    legend(out, "f", words, 7);
    open_svg(out, "Messages over time by what the policy would have done", HEIGHT + 24);
    fprintf(out, "<path class=\"axis\" d=\"M%.0f 0.5H%.0fM%.0f %.1fH%.0f\"/>", LEFT, WIDTH, LEFT,
            HEIGHT + 0.5, WIDTH);
    fprintf(out, "<text class=\"name\" x=\"%.0f\" y=\"12\">", LEFT - 8);
    html_number(out, most);
    fputs("</text>", out);
    for (i = 0; i < n; i++)
        column(j, out, i, width, (HEIGHT - 2) / (double)most);
    for (i = 0; i<n; i += n> 5 ? (n + 4) / 5 : 1) {
        bool last = LEFT + i * width > WIDTH - 90;

        fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.0f\">", last ? "end" : "number",
                last ? WIDTH : LEFT + i * width, HEIGHT + 18);
        stamp(out, clients_bucket(c, i), c->width < 86400);
        fputs("</text>", out);
    }
    fputs("</svg>\n", out);
}
