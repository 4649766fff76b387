/* iprev-check batch: what stands for each line of a list, and in which order.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/commands.h"
#include "check/sweep.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))
#define LINE_OCTETS  4096

/* Defaults; all clients here are exempt, so that nothing is asked. */
static struct settings *settings(void)
{
    struct settings *s = settings_read(NULL, stderr);

    cr_assert_not_null(s);
    cr_assert_null(settings_ask_only(s, "127.0.0.1@9"));
    return s;
}

static char *batch_of(const char *text, size_t len, bool json, int *code)
{
    struct settings *s = settings();
    char *out_text = NULL;
    size_t n;
    char file[] = "/tmp/iprev-batch.XXXXXX";
    FILE *in = fdopen(mkstemp(file), "w"), *out = tmpfile();

    cr_assert(in != NULL && out != NULL);
    fwrite(text, 1, len, in);
    fclose(in);
    *code = batch(s, file, out, json);
    unlink(file);
    n = (size_t)ftell(out);
    rewind(out);
    out_text = calloc(1, n + 1);
    cr_assert(fread(out_text, 1, n, out) == n);
    fclose(out);
    settings_free(s);
    return out_text;
}

Test(batch, lines)
{
    static const struct {
        const char *line;
        bool json;
        int code;
        const char *want, *why; /* want: the beginning */
    } row[] = {
        {"127.0.0.1\n", false, 0, "client=127.0.0.1 ptr=- helo=- ", "no HELO"},
        {"127.0.0.1\ta.example", false, 0, "client=127.0.0.1 ptr=- helo=a.example ", "a tab"},
        {"127.0.0.1 a.example\r\n", false, 0, "client=127.0.0.1 ptr=- helo=a.example ", "a space"},
        {"127.0.0.1\t\n", false, 0, "client=127.0.0.1 ptr=- helo=- ", "an empty HELO"},
        {"127.0.0.1\ta b\n", false, 0, "client=127.0.0.1 ptr=- helo=a\\x20b ", "two words"},
        {"::1\n", false, 0, "client=::1 ", "IPv6"},
        {"\n", false, 65, "line=1 error=\"the line is empty\"\n", "an empty line"},
        {" 127.0.0.1\n", false, 65, "line=1 error=\"not an IPv4 or IPv6 address\"\n",
         "a space in front"},
        {"127.0.0.1\nx\n", true, 65, "{\"client\":\"127.0.0.1\",", "JSON"},
        {"x\n", true, 65, "{\"error\":\"not an IPv4 or IPv6 address\",\"line\":1}\n", "bad JSON"},
        {"", false, 0, "", "an empty list"},
    };
    size_t i;
    int code;

    cr_assert_not_null(freopen("/dev/null", "w", stderr));
    for (i = 0; i < ARRAY_LEN(row); i++) {
        char *text = batch_of(row[i].line, strlen(row[i].line), row[i].json, &code);

        cr_expect_eq(code, row[i].code, "%s: %d", row[i].why, code);
        cr_expect(strncmp(text, row[i].want, strlen(row[i].want)) == 0, "%s: %s", row[i].why, text);
        free(text);
    }
}

Test(batch, length_of_a_line)
{
    static char line[LINE_OCTETS + 2];
    int more, code;

    cr_assert_not_null(freopen("/dev/null", "w", stderr));
    for (more = -1; more <= 1; more++) {
        size_t n = (size_t)(LINE_OCTETS + more);
        char *text;

        memset(line, 'x', sizeof line);
        memcpy(line, "127.0.0.1 ", 10);
        line[n] = '\n';
        text = batch_of(line, n + 1, false, &code);
        cr_expect_eq(code, more > 0 ? 65 : 0, "%zu octets", n);
        cr_expect((strstr(text, "the line is too long") != NULL) == (more > 0), "%zu octets", n);
        free(text);
    }
}

/* ---- the sweep below it ---- */

struct course {
    unsigned judged, stop;
    size_t helo_len;
    bool in_order;
};

static bool judged(void *arg, void *tag, struct inquiry *q, const char *helo, size_t helo_len)
{
    struct course *c = arg;

    (void)q;
    (void)helo;
    c->in_order &= (uintptr_t)tag == ++c->judged;
    c->helo_len = helo_len;
    return c->judged != c->stop;
}

Test(sweep, order_stop_and_long_helo)
{
    static const struct {
        unsigned stop, judged;
        size_t helo, kept;
        const char *why;
    } row[] = {
        {0, 5000, 3, 3, "all, though more than are asked at once"},
        {7, 7, 0, 0, "no more once the caller has had enough"},
        {0, 5000, HELO_MAX, HELO_MAX, "the longest HELO"},
        {0, 5000, HELO_MAX + 1, HELO_MAX + 1, "too long stays too long"},
        {0, 5000, HELO_MAX + 9, HELO_MAX + 1, "by one octet"},
    };
    static const char helo[HELO_MAX + 10];
    struct settings *s = settings();
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        struct course c = {.stop = row[i].stop, .in_order = true};
        struct sweep w = {.settings = s, .judged = judged, .arg = &c};
        struct sweep_item item = {.helo = helo, .helo_len = row[i].helo};
        uintptr_t given = 0;

        addr_parse(&item.client, "127.0.0.1", 9);
        cr_assert_eq(sweep_start(&w), 0, "%s", row[i].why);
        do
            item.tag = (void *)++given;
        while (given <= 5000 && sweep_put(&w, &item));
        cr_expect_eq(given <= 5000, row[i].stop > 0, "%s: it goes on", row[i].why);
        sweep_end(&w);
        cr_expect(c.in_order && c.judged == row[i].judged, "%s: %u", row[i].why, c.judged);
        cr_expect_eq(c.helo_len, row[i].kept, "%s: %zu", row[i].why, c.helo_len);
    }
    settings_free(s);
}
