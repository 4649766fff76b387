/* Texts of the report: escaping, numbers, sentences, charts.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/check/replay/replay_shared.h"

#include "check/replay/html.h"
#include "check/replay/words.h"

#include <stdlib.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

/* What is written to `out`: written_begin, calls, written. */
static FILE *out;
static char *text;
static size_t size;

static void written_begin(void)
{
    out = open_memstream(&text, &size);
    cr_assert_not_null(out);
}

static const char *written(void)
{
    static char kept[65536];

    fclose(out);
    cr_assert_lt(size, sizeof kept);
    memcpy(kept, text, size + 1);
    free(text);
    return kept;
}

Test(replay_views, html_F1)
{
    static const struct {
        const char *text, *plain, *breaking;
    } row[] = {
        {"<script>&\"'", "&lt;script&gt;&amp;&quot;&#39;", "&lt;script&gt;&amp;&quot;&#39;"},
        {"a.b,c:d", "a.b,c:d", "a.<wbr>b,<wbr>c:<wbr>d"},
        {"a. b.", "a. b.", "a. b."}, /* no break where one is already */
        {"\x1b[0m\n\t\xc3\xa4~ \x7f", "?[0m????~ ?", "?[0m????~ ?"},
        {"", "", ""},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        written_begin();
        html_text(out, row[i].text);
        cr_expect_str_eq(written(), row[i].plain);
        written_begin();
        html_breaking(out, row[i].text);
        cr_expect_str_eq(written(), row[i].breaking);
    }
    written_begin();
    html_visible(out, "a\0<\n", 4);
    cr_expect_str_eq(written(), "a\\x00&lt;\\x0a");
}

Test(replay_views, long_text_is_cut_F4)
{
    static char many[300];
    size_t n;

    memset(many, '\n', sizeof many);
    for (n = 255; n <= 257; n++) {
        written_begin();
        html_visible(out, many, n);
        cr_expect_eq(strlen(written()), n < 256 ? 4 * n : 4 * 256 + strlen("&hellip;"), "%zu", n);
    }
}

Test(replay_views, numbers)
{
    static const struct {
        uint64_t n;
        const char *text;
    } row[] = {{0, "0"},
               {999, "999"},
               {1000, "1&#8239;000"},
               {1001, "1&#8239;001"},
               {999999, "999&#8239;999"},
               {1000000, "1&#8239;000&#8239;000"},
               {UINT64_MAX, "18&#8239;446&#8239;744&#8239;073&#8239;709&#8239;551&#8239;615"}};
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        written_begin();
        html_number(out, row[i].n);
        cr_expect_str_eq(written(), row[i].text);
    }
    written_begin();
    put_minute(out, NOW);
    cr_expect_str_eq(written(), "2026-11-21 10:15");
}

static void on_note(void *arg, bool bad, const char *note)
{
    fprintf(arg, "%s%s|", bad ? "!" : "", note);
}

Test(replay_views, notes)
{
    static char store[] = "sqlite:/x";
    static const struct settings remembering = {.memory.store = store};
#define NO_SPAM "No spam verdicts in these logs: delivered spam counts as delivered.|"
    static const struct {
        struct judged j;
        struct tally t;
        const char *text;
    } row[] = {
        {{0}, {0}, "The log is empty.|"},
        {{0}, {.lines = 1}, "!No line of a known log format was found.|"},
        {{.files = 2, .unread = 1},
         {0},
         "!Incomplete: 1 of 2 logs could not be read to the end.|"
         "!No line of a known log format was found.|"},
        {{0}, {.lines = 1, .known = 1}, NO_SPAM},
        {{0},
         {.lines = 1, .known = 1, .verdicts = 1},
         "1 spam verdict read; 0 matched a message in these logs.|"},
        {{0},
         {.lines = 1, .known = 1, .verdicts = 2, .live.verdicts_met = 1},
         "2 spam verdicts read; 1 matched a message in these logs.|"},
        {{.clients = 3, .addresses = 2},
         {.lines = 1, .known = 1},
         "An address counts as a client for each HELO: 3 clients.|" NO_SPAM},
        {{.clients = 2, .addresses = 2}, {.lines = 1, .known = 1}, NO_SPAM},
        {{.temperror = 1},
         {.lines = 1, .known = 1, .damaged = 1},
         NO_SPAM "Skipped 1 damaged iprev-milter record.|No DNS answer for 1 client.|"},
        {{.temperror = 2},
         {.lines = 1, .known = 1, .damaged = 12, .clients.failed = true},
         NO_SPAM "Skipped 12 damaged iprev-milter records.|"
                 "!Out of memory: later clients are not counted.|No DNS answer for 2 clients.|"},
        {{.settings = &remembering},
         {.lines = 1, .known = 1},
         NO_SPAM "No line of iprev-milter in these logs: no client counts as known.|"},
        {{.settings = &remembering, .forgotten = 1},
         {.lines = 1, .known = 1, .records = 1},
         NO_SPAM "The log does not say whether memory knows 1 client: no rule with client-known "
                 "refuses it.|"},
        {{.settings = &remembering, .forgotten = 2},
         {.lines = 1, .known = 1, .records = 1},
         NO_SPAM "The log does not say whether memory knows 2 clients: no rule with client-known "
                 "refuses them.|"},
    };
    static const struct settings plain;
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        struct judged j = row[i].j;
        struct tally t = row[i].t;

        j.tally = &t;
        j.settings = j.settings != NULL ? j.settings : &plain;
        written_begin();
        put_notes(&j, on_note, out);
        cr_expect_str_eq(written(), row[i].text);
    }
}

Test(replay_views, shares)
{
    static const struct {
        uint64_t n, of;
        const char *text;
    } row[] = {{0, 0, ""},
               {1, 0, ""},
               {0, 7, " (0.0&#8239;%)"},
               {1, 2001, " (&lt;0.1&#8239;%)"},
               {1, 2000, " (0.1&#8239;%)"},
               {1, 3, " (33.3&#8239;%)"},
               {7, 7, " (100.0&#8239;%)"}};
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        written_begin();
        html_share(out, row[i].n, row[i].of);
        cr_expect_str_eq(written(), row[i].text);
    }
}

/* The scale above the columns is the next of 2, 4, 10, 20, 40, 100, ...; a column for each bucket,
 * and what it is named. */
Test(replay_views, timeline)
{
    static const struct {
        int64_t width;
        unsigned n; /* columns */
        uint64_t most;
        const char *scale, *unit, *label;
    } row[] = {
        {3600, 1, 1, ">2</span><span>1<", "is an hour.", "<span>21 Nov 10:00</span>"},
        {3600, 8, 2, ">2</span><span>1<", "is an hour.", "class=\"slots\""},
        {3600, 9, 3, ">4</span><span>2<", "is an hour.", "class=\"days\""},
        {3 * 3600, 1, 4, ">4</span><span>2<", "is 3 hours.", "<span>21 Nov 09:00</span>"},
        {86400, 1, 5, ">10</span><span>5<", "is a day.", "<span>21 Nov</span>"},
        {7 * 86400, 1, 10, ">10</span><span>5<", "is a week.", " Nov</span>"},
        {28 * 86400, 1, 11, ">20</span><span>10<", "is 4 weeks.", " 2026</span>"},
        {3600, 32, 41, ">100</span><span>50<", "is an hour.", "class=\"days\""},
        {3600, 1, 100, ">100</span><span>50<", "is an hour.", "<title>"},
        {3600, 1, 101, ">200</span><span>100<", "is an hour.", ": 101 reject</title>"},
    };
    static struct judged j;
    static struct tally t;
    size_t i;

    j.tally = &t;
    for (i = 0; i < ARRAY_LEN(row); i++) {
        const char *got;
        unsigned columns = 0, b;

        memset(&j.buckets, 0, sizeof j.buckets);
        t.clients.width = row[i].width;
        t.clients.first = NOW / row[i].width;
        t.clients.last = t.clients.first + row[i].n - 1;
        for (b = 0; b < row[i].n; b++)
            j.buckets[b][ACTION_REJECT] = b == 0 ? row[i].most : 1;
        written_begin();
        chart_timeline(&j, out);
        got = written();
        cr_expect(strstr(got, row[i].scale) && strstr(got, row[i].unit) &&
                      strstr(got, row[i].label),
                  "%zu: %s", i, got);
        for (got = strstr(got, "<rect class=\"f5\" x"); got != NULL;
             got = strstr(got + 1, "<rect class=\"f5\" x"))
            columns++;
        cr_expect_eq(columns, row[i].n, "%zu: %u columns", i, columns);
    }
    t.clients.last = -1;
    written_begin();
    chart_timeline(&j, out);
    cr_expect_str_eq(written(), "<p>The log has no time stamps.</p>\n");
}

/* A bar is as long as its share of the longest; who refused is told apart. */
Test(replay_views, bars)
{
    static struct judged j;
    const char *got;

    j.fate[ACTION_REJECT].count[OUT_DELIVERED] = 10;
    j.fate[ACTION_REJECT].count[OUT_OWN] = 10;
    j.fate[ACTION_ACCEPT].count[OUT_LATER] = 5;
    j.fate[ACTION_ACCEPT].count[OUT_SPAM] = 1;
    written_begin();
    chart_fates(&j, out);
    got = written();
    cr_expect(
        strstr(got, "x=\"0.0\" width=\"500.0\" height=\"10\"><title>reject: 10 delivered<") &&
            strstr(got, "class=\"o4\" x=\"500.0\" width=\"500.0\" height=\"10\"><title>reject: "
                        "10 refused by iprev-milter<") &&
            strstr(got, "x=\"0.0\" width=\"50.0\" height=\"10\"><title>accept: 1 called spam<") &&
            strstr(got, "width=\"250.0\" height=\"10\"><title>accept: 5 refused by others<"),
        "%s", got);
    cr_expect_null(strstr(got, "\"name\">tag<"), "no bar without messages");
    j.word[F_PTR_MISSING].count[OUT_DELIVERED] = 1000;
    j.word[F_HELO_INVALID].count[OUT_DELIVERED] = 1;
    j.word[F_IPREV_PERMERROR].count[OUT_DELIVERED] = 5000; /* a result: not shown, and no measure */
    written_begin();
    chart_causes(&j, out);
    got = written();
    cr_expect(strstr(got, "width=\"1000.0\" height=\"10\"><title>ptr-missing: 1000 ") &&
                  strstr(got, "width=\"2.0\" height=\"10\"><title>helo-invalid: 1 "),
              "the least is seen: %s", got);
    cr_expect_null(strstr(got, "permerror"));
}
