/* Charts of the page: see html.h. Bars are SVG that stretches, words are text beside them, so
 * that both stay readable at any width. Colours are classes of the style sheet.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/html.h"

#include <time.h>

#define SHARES 5

/* What became of messages, from good to bad: colour classes o0 to o4. */
struct shares {
    uint64_t n[SHARES];
};

static const char *const share_words[SHARES] = {"delivered", "called spam", "accepted otherwise",
                                                "refused by others", "refused by iprev-milter"};

static struct shares shares_of(const struct judged_sum *s)
{
    struct shares p = {
        {s->count[OUT_DELIVERED], s->count[OUT_SPAM],
         s->count[OUT_OTHER] + s->count[OUT_AUTH] + s->count[OUT_SPARED],
         s->count[OUT_MTA] + s->count[OUT_DNSBL] + s->count[OUT_MILTER] + s->count[OUT_LATER],
         s->count[OUT_OWN]}};

    return p;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void key(FILE *out, const char *prefix, unsigned i, const char *word)
{
    fprintf(out,
            "<span><svg class=\"key\" viewBox=\"0 0 10 10\"><rect class=\"%s%u\" width=\"10\" "
            "height=\"10\" rx=\"2\"/></svg>%s</span>",
            prefix, i, word);
}

static void key_of_shares(FILE *out)
{
    unsigned i;

    fputs("<p class=\"legend\">", out);
    for (i = 0; i < SHARES; i++)
        key(out, "o", i, share_words[i]);
    fputs("</p>\n", out);
}

/* ---- bars ---- */

#define BAR 1000.0 /* the longest, in user units */

/* One stacked bar between its name and its number; none without messages. */
static void bar(FILE *out, const char *name, const struct judged_sum *sum, uint64_t most,
                uint64_t all)
{
    const struct shares p = shares_of(sum);
    double x = 0;
    unsigned i;

    if (sum_messages(sum) == 0)
        return;
    fprintf(out,
            "<div class=\"bar\"><span class=\"name\">%s</span><svg viewBox=\"0 0 %.0f 10\" "
            "preserveAspectRatio=\"none\">",
            name, BAR);
    for (i = 0; i < SHARES; i++) {
        double w = (double)p.n[i] * BAR / (double)most;

        if (p.n[i] == 0)
            continue;
        w = w < 2 ? 2 : w;
        fprintf(out,
                "<rect class=\"o%u\" x=\"%.1f\" width=\"%.1f\" height=\"10\"><title>%s: %llu "
                "%s</title></rect>",
                i, x, w, name, (unsigned long long)p.n[i], share_words[i]);
        x += w;
    }
    fputs("</svg><span class=\"number\">", out);
    html_number(out, sum_messages(sum));
    html_share(out, sum_messages(sum), all);
    fputs("</span></div>\n", out);
}

static uint64_t all_messages(const struct judged *j)
{
    uint64_t n = 0;
    unsigned i;

    for (i = 0; i < FATE_COUNT; i++)
        n += sum_messages(&j->fate[i]);
    return n;
}

void chart_fates(const struct judged *j, FILE *out)
{
    uint64_t most = 0;
    unsigned i;

    for (i = 0; i < FATE_COUNT; i++)
        most = larger(most, sum_messages(&j->fate[i]));
    key_of_shares(out);
    for (i = 0; i < FATE_COUNT; i++)
        bar(out, fate_word(fate_order[i]), &j->fate[fate_order[i]], most, all_messages(j));
}

void chart_causes(const struct judged *j, FILE *out)
{
    const findings shown = FINDINGS_CAUSE | FINDINGS_SHAPE | FINDINGS_HELO;
    uint64_t most = 0;
    unsigned f;

    for (f = 0; f < F_COUNT; f++)
        if (shown & FINDING(f))
            most = larger(most, sum_messages(&j->word[f]));
    key_of_shares(out);
    for (f = 0; f < F_COUNT; f++)
        if (shown & FINDING(f))
            bar(out, finding_word((enum finding)f), &j->word[f], most, all_messages(j));
}

/* ---- timeline ---- */

#define HOUR   3600
#define DAY    86400
#define HEIGHT 1000.0 /* user units */
#define COLUMN 100.0
#define GAP    6.0
#define SLOTS  8 /* of a short timeline: its columns stay slim */
#define LABELS 5 /* below a long one */

static void put_time(FILE *out, int64_t at, int64_t width, bool full)
{
    char day[16] = "", year[16] = "", hour[16] = "";
    time_t clock = (time_t)at;
    struct tm tm;

    gmtime_r(&clock, &tm);
    strftime(day, sizeof day, "%d ", &tm);
    strftime(year, sizeof year, "%b %Y", &tm);
    strftime(hour, sizeof hour, "%H:%M", &tm);
    if (!full && width < 28 * DAY)
        year[3] = '\0'; /* the month stays */
    fprintf(out, "%s%s%s%s", width < 28 * DAY ? day : "", year, width < DAY ? " " : "",
            width < DAY ? hour : "");
}

/* The next of 2, 4, 10, 20, 40, 100, ...: its half is a whole number. */
static uint64_t round_up(uint64_t n)
{
    uint64_t top = 2;
    unsigned i;

    for (i = 0; top < n && i < 60; i++)
        top = i % 3 == 1 ? top / 2 * 5 : top * 2;
    return top;
}

static void column(const struct judged *j, FILE *out, unsigned i, uint64_t top)
{
    const struct clients *c = &j->tally->clients;
    double y = HEIGHT;
    unsigned k;

    for (k = FATE_COUNT; k-- > 0;) {
        uint64_t n = j->buckets[i][fate_order[k]];
        double h = (double)n * HEIGHT / (double)top;

        if (n == 0)
            continue;
        y -= h;
        fprintf(out,
                "<rect class=\"f%u\" x=\"%.0f\" y=\"%.1f\" width=\"%.0f\" height=\"%.1f\"><title>",
                fate_order[k], i * COLUMN + GAP, y, COLUMN - 2 * GAP, h);
        put_time(out, clients_bucket(c, i), c->width, true);
        fprintf(out, ": %llu %s</title></rect>\n", (unsigned long long)n, fate_word(fate_order[k]));
    }
}

static void key_of_fates(const struct judged *j, FILE *out)
{
    unsigned i, k;

    fputs("<p class=\"legend\">", out);
    for (k = 0; k < FATE_COUNT; k++) {
        uint64_t n = 0;

        for (i = 0; i < TIMELINE; i++)
            n += j->buckets[i][k];
        if (n > 0)
            key(out, "f", k, fate_word(k));
    }
    fputs("</p>\n", out);
}

static void scale(FILE *out, uint64_t top)
{
    fputs("<div class=\"scale\"><span>", out);
    html_number(out, top);
    fputs("</span><span>", out);
    html_number(out, top / 2);
    fputs("</span><span>0</span></div>\n", out);
}

/* A short timeline names each column, a long one some at even distances. */
static void labels(const struct clients *c, FILE *out, unsigned n)
{
    unsigned i, count = n <= SLOTS ? n : LABELS;

    fprintf(out, "<div class=\"%s\">", n <= SLOTS ? "slots" : "days");
    for (i = 0; i < count; i++) {
        unsigned at = n <= SLOTS ? i : (i * (n - 1) + (LABELS - 1) / 2) / (LABELS - 1);

        fputs("<span>", out);
        put_time(out, clients_bucket(c, at), c->width, false);
        fputs("</span>", out);
    }
    fputs("</div>\n", out);
}

static void put_unit(FILE *out, int64_t width)
{
    int64_t n = width < DAY ? width / HOUR : width / DAY;
    const char *unit = width < DAY ? "hour" : "day";

    if (n % 7 == 0) {
        n /= 7;
        unit = "week";
    }
    fprintf(out, "<p class=\"note\">Messages that the policy decides about; one column is ");
    if (n == 1)
        fprintf(out, "%s %s.</p>\n", width < DAY ? "an" : "a", unit);
    else
        fprintf(out, "%lld %ss.</p>\n", (long long)n, unit);
}

void chart_timeline(const struct judged *j, FILE *out)
{
    const struct clients *c = &j->tally->clients;
    unsigned n = c->last < 0 ? 0 : (unsigned)(c->last - c->first) + 1, i, k;
    uint64_t top = 1;

    if (n == 0) {
        fprintf(out, "<p>%s.</p>\n",
                j->tally->begin > 0 ? "The policy decides about none of these messages"
                                    : "The log has no time stamps");
        return;
    }
    for (i = 0; i < n; i++) {
        uint64_t all = 0;

        for (k = 0; k < FATE_COUNT; k++)
            all += j->buckets[i][k];
        top = larger(top, all);
    }
    top = round_up(top);
    put_unit(out, c->width);
    key_of_fates(j, out);
    fputs("<div class=\"time\">\n", out);
    scale(out, top);
    fprintf(out,
            "<svg class=\"columns\" role=\"img\" viewBox=\"0 0 %.0f %.0f\" "
            "preserveAspectRatio=\"none\"><title>Messages over time</title>\n"
            "<path class=\"axis\" d=\"M0 0H%.0fM0 %.0fH%.0fM0 %.0fH%.0f\"/>\n",
            (n < SLOTS ? SLOTS : n) * COLUMN, HEIGHT, TIMELINE * COLUMN, HEIGHT / 2,
            TIMELINE * COLUMN, HEIGHT, TIMELINE * COLUMN);
    for (i = 0; i < n; i++)
        column(j, out, i, top);
    fputs("</svg>\n", out);
    labels(c, out, n);
    fputs("</div>\n", out);
}
