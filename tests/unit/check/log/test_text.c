/* Pieces of log lines: each function at its bounds.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/log/text.h"

#include <criterion/criterion.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

static struct log_text text_of(const char *s)
{
    return (struct log_text){s, strlen(s)};
}

static void expect_text(const struct log_text *t, const char *want, const char *what)
{
    cr_expect(t->n == strlen(want) && memcmp(t->s, want, t->n) == 0, "%s: \"%.*s\", not \"%s\"",
              what, (int)t->n, t->s, want);
}

Test(log_text, bracketed)
{
    static const struct {
        const char *text;
        bool found;
        const char *value, *rest;
    } row[] = {
        {"<a@b> x", true, "a@b", " x"},
        {"<>", true, "", ""},
        {"<\"a>b\"@c>,", true, "\"a>b\"@c", ","},
        {"<\"a\\\">b\"@c>,", true, "\"a\\\">b\"@c", ","}, /* an escaped quote ends nothing */
        {"<a@b", false, NULL, "<a@b"},
        {"<\"a>", false, NULL, "<\"a>"},
        {"<\"a\\", false, NULL, "<\"a\\"},
        {"a@b>", false, NULL, "a@b>"},
        {"", false, NULL, ""},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        struct log_text t = text_of(row[i].text), value;

        cr_expect_eq(text_bracketed(&t, &value), row[i].found, "%s", row[i].text);
        if (row[i].found)
            expect_text(&value, row[i].value, row[i].text);
        expect_text(&t, row[i].rest, row[i].text);
    }
}

Test(log_text, queue_ids)
{
    static const struct {
        const char *text, *qid; /* NULL: none */
    } row[] = {
        {"ABCD: x", NULL}, /* one less than the shortest */
        {"ABCDE: x", "ABCDE"},
        {"3zW5xH2bFbzcPm: x", "3zW5xH2bFbzcPm"},
        {"12345678901234567890123456789012: x", "12345678901234567890123456789012"},
        {"123456789012345678901234567890123: x", NULL}, /* one more than the longest */
        {"ABCDE:x", NULL},
        {"ABCDE:", NULL},
        {"ABCDE", NULL},
        {"ABC-E: x", NULL},
        {"warning: x", "warning"}, /* as good as any; no message has it */
        {"", NULL},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        struct log_text t = text_of(row[i].text), qid;

        cr_expect_eq(text_qid(&t, &qid), row[i].qid != NULL, "%s", row[i].text);
        expect_text(&qid, row[i].qid != NULL ? row[i].qid : "", row[i].text);
        expect_text(&t, row[i].qid != NULL ? "x" : row[i].text, row[i].text);
    }
}

Test(log_text, clients)
{
    static const struct {
        const char *text, *client, *rest; /* client NULL: none */
    } row[] = {
        {"x.example[192.0.2.1]:25: y", "192.0.2.1", ":25: y"},
        {"x.example [192.0.2.1] (may be forged)", "192.0.2.1", " (may be forged)"},
        {"[IPv6:2001:db8::1]", "2001:db8::1", ""},
        {"x[fe80::1%eth0]", "fe80::1", ""},
        {"x[192.0.2.1", "192.0.2.1", ""}, /* the line was cut: an address all the same */
        {"x[192.0.2.256]", NULL, NULL},
        {"unknown[unknown]", NULL, NULL},
        {"no bracket", NULL, NULL},
        {"[]", NULL, NULL},
        {"", NULL, NULL},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        struct log_text t = text_of(row[i].text);
        struct addr a = {0}, want = {0};
        bool found = text_client(&t, &a);

        cr_expect_eq(found, row[i].client != NULL, "%s", row[i].text);
        if (row[i].client == NULL)
            continue;
        cr_assert(addr_parse(&want, row[i].client, strlen(row[i].client)));
        cr_expect(addr_equal(&a, &want), "%s", row[i].text);
        expect_text(&t, row[i].rest, row[i].text);
    }
}

Test(log_text, finding)
{
    static const struct {
        const char *text, *what;
        size_t first, last, outside; /* strlen(text): not there */
    } row[] = {
        {"a, b, c", ", ", 1, 4, 1},
        {"<a, b>, c", ", ", 2, 6, 6},        /* outside brackets is the
                                                second */
        {"<a, b", ", ", 2, 2, 5},            /* without an end all of it is a client's */
        {"x, <\", >\">, y", ", ", 1, 10, 1}, /* a bracket in quotes ends nothing */
        {"abc", "abcd", 3, 3, 3},
        {"abc", "c", 2, 2, 2},
        {"", "x", 0, 0, 0},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        struct log_text t = text_of(row[i].text);
        size_t n = strlen(row[i].what);

        cr_expect_eq(text_find(&t, row[i].what, n), row[i].first, "first: %s", row[i].text);
        cr_expect_eq(text_find_last(&t, row[i].what, n), row[i].last, "last: %s", row[i].text);
        cr_expect_eq(text_outside(&t, row[i].what, n), row[i].outside, "out: %s", row[i].text);
    }
}

Test(log_text, taking_off)
{
    struct log_text t = text_of("key: value, more=<x>,<y>,z"), part;

    cr_expect(!text_skip(&t, LIT("kez")));
    cr_expect(text_skip(&t, LIT("key: ")));
    expect_text(&t, "value, more=<x>,<y>,z", "skipped");
    part = text_value(&t, LIT("more=<"), '>');
    expect_text(&part, "x", "value");
    part = text_value(&t, LIT("more=<"), '!');
    expect_text(&part, "x>,<y>,z", "value up to the end");
    cr_expect_null(text_value(&t, LIT("none="), '>').s);
    part = text_until(&t, ',');
    expect_text(&part, "value", "until");
    part = text_until(&t, '!');
    expect_text(&part, " more=<x>,<y>,z", "until what is not there");
    cr_expect(t.n == 0 && text_until(&t, 'x').n == 0);
    t = text_of(",<y>,z");
    cr_expect(text_next_address(&t, &part));
    expect_text(&part, "y", "next");
    cr_expect(!text_next_address(&t, &part));
    expect_text(&t, ",z", "behind the last");
    cr_expect(text_from(&t, 2).n == 0 && text_from(&t, 3).n == 0 && text_from(&t, 1).n == 1);
    cr_expect(text_is(&t, LIT(",z")) && !text_is(&t, LIT(",")) && text_begins(&t, LIT(",")));
}
