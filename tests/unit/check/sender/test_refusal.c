/* What receivers say about a client's name: the texts of tests/golden/refusals.tsv, each as it is,
 * and as Postfix and Sendmail log it.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/refused.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

static const char *const forms[] = {
    "Nov 30 10:00:00 mx postfix/smtp[77]: 4Zx1mV5tBKzJ: to=<u@example.net>, relay=mx.example.net"
    "[198.51.100.1]:25, delay=1, delays=0/0/1/0, dsn=5.0.0, status=bounced (host mx.example.net"
    "[198.51.100.1] said: REPLY (in reply to RCPT TO command))",
    "Nov 30 10:00:00 mx postfix/smtp[77]: 4Zx1mV5tBKzJ: to=<u@example.net>, relay=none, delay=1, "
    "delays=0/0/1/0, dsn=4.0.0, status=deferred (host mx.example.net[198.51.100.1] refused to talk "
    "to me: REPLY)",
    "Nov 30 10:00:00 mx postfix/error[77]: 4Zx1mV5tBKzJ: to=<u@example.net>, relay=none, delay=1, "
    "delays=0/0/1/0, dsn=4.0.0, status=deferred (delivery temporarily suspended: host "
    "mx.example.net[198.51.100.1] refused to talk to me: REPLY)",
    "Nov 30 10:00:00 mx sm-mta[77]: 2AUA00x1000001: to=<u@example.net>, ctladdr=<a@example.org> "
    "(1000/1000), delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=30000, relay=mx.example.net. "
    "[198.51.100.1], dsn=5.0.0, reply=REPLY, stat=Service unavailable",
    ("Nov 30 10:00:00 mx sm-mta[77]: 2AUA00x1000001: to=<u@example.net>, delay=00:00:01, "
     "mailer=esmtp, relay=mx.example.net. [198.51.100.1], dsn=4.0.0, stat=Deferred: REPLY"),
};

/* What one line of a log tells of this reply. */
static enum refusal in_log(const char *form, const char *reply)
{
    struct refused *r = calloc(1, sizeof *r);
    enum refusal is = REFUSAL_NONE;
    char line[4096];
    const char *at = strstr(form, "REPLY");
    int n = snprintf(line, sizeof line, "%.*s%s%s", (int)(at - form), form, reply, at + 5);

    cr_assert(r != NULL && n > 0 && (size_t)n < sizeof line);
    refused_line(r, line, (size_t)n);
    cr_expect_eq(r->known, 1, "%s", line);
    if (r->n > 0) {
        is = r->receiver[0].is;
        cr_expect_str_eq(r->receiver[0].host, "mx.example.net", "%s", line);
        cr_expect_eq(r->receiver[0].family, ADDR_IPV4);
    }
    free(r);
    return is;
}

enum set { SEEN, TUNE, HELD, SETS };

/* How the texts of one set fared. */
struct score {
    unsigned hit, missed, right, wrong;
};

static enum refusal kind_of(const char *word)
{
    enum refusal r = REFUSAL_PERHAPS;

    while (r > REFUSAL_NONE && strcmp(refusal_word(r), word) != 0)
        r--;
    cr_assert_str_eq(refusal_word(r), word);
    return r;
}

static enum set set_of(const char *word)
{
    static const char *const words[SETS] = {"seen", "tune", "held"};
    unsigned i = 0;

    while (i < SETS && strcmp(words[i], word) != 0)
        i++;
    cr_assert_lt(i, SETS, "%s", word);
    return i;
}

/* One row: kind, set, source, text. */
static void judge_row(struct score score[SETS], char *line)
{
    char *rest = line, *kind = strsep(&rest, "\t"), *set = strsep(&rest, "\t");
    char *source = strsep(&rest, "\t"), *text = rest;
    enum refusal want, got;
    struct score *to;
    size_t i;

    cr_assert(text != NULL && source[0] != '\0' && text[0] != '\0', "%s", line);
    want = kind_of(kind);
    to = &score[set_of(set)];
    got = refusal_class(text, strlen(text));
    if (want == REFUSAL_NONE)
        ++*(got == REFUSAL_NONE ? &to->right : &to->wrong);
    else
        ++*(got != REFUSAL_NONE ? &to->hit : &to->missed);
    if (strcmp(set, "seen") == 0)
        cr_expect_eq(got, want, "%s: %s", kind, text);
    for (i = 0; i < ARRAY_LEN(forms); i++)
        cr_expect_eq(in_log(forms[i], text), got, "%s, form %zu: %s", kind, i, text);
}

/* At least 40 refusals for the name and 400 others, each with its source. Rows of the table were
 * written for those of the sets `seen` and `tune`, none for those of `held`, which give the figure.
 */
Test(refusal, G1_texts)
{
    static const double least[SETS] = {1, 0.97, 0.95};
    struct score score[SETS] = {{0}}, all = {0};
    char path[1024], line[4096];
    unsigned i;
    FILE *fp;

    snprintf(path, sizeof path, "%s/refusals.tsv", getenv("GOLDEN_DIR"));
    fp = fopen(path, "r");
    cr_assert_not_null(fp, "%s", path);
    while (fgets(line, sizeof line, fp) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        judge_row(score, line);
    }
    fclose(fp);
    for (i = 0; i < SETS; i++) {
        all.hit += score[i].hit;
        all.missed += score[i].missed;
        all.right += score[i].right;
        all.wrong += score[i].wrong;
        cr_expect_geq(score[i].hit, least[i] * (score[i].hit + score[i].missed), "set %u", i);
        cr_expect_leq(score[i].wrong, 0.01 * (score[i].right + score[i].wrong), "set %u", i);
    }
    cr_expect_geq(all.hit + all.missed, 40);
    cr_expect_geq(all.right + all.wrong, 400);
    cr_expect_geq(score[HELD].hit + score[HELD].missed, 40);
    cr_expect_geq(score[HELD].right + score[HELD].wrong, 100);
}

/* A short code counts only as a whole word, and the enhanced code only as itself. */
Test(refusal, whole_words)
{
    static const struct {
        const char *text;
        enum refusal is;
    } row[] = {
        {"554 x (DNS:NR) y", REFUSAL_PTR},
        {"554 x (XDNS:NR) y", REFUSAL_NONE},
        {"554 x (DNS:NRX) y", REFUSAL_NONE},
        {"550 5.7.25 no", REFUSAL_PTR},
        {"550 5.7.255 no", REFUSAL_NONE},
        {"550 15.7.25 no", REFUSAL_NONE},
        {"450-4.7.25 no", REFUSAL_PTR},
        {"550 5.7.25 listed", REFUSAL_NONE},
        {"550 5.7.25 enlisted", REFUSAL_PTR},
        {"550 no PTR record; SPF fails", REFUSAL_NONE},
        {"550 no PTR 550-5.7.1 record", REFUSAL_PTR},
        {"550 no PTR\trecord", REFUSAL_PTR},
        {"", REFUSAL_NONE},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++)
        cr_expect_eq(refusal_class(row[i].text, strlen(row[i].text)), row[i].is, "%s", row[i].text);
}

Test(refusal, fold)
{
    static const struct {
        const char *text, *folded;
    } row[] = {
        {"550-5.7.25 a 550-5.7.25 PTR  record 550 5.7.25 b", "a PTR record b"},
        {"550 a", "a"},
        {"550", "550"},
        {"5500 a", "5500 a"},
        {"554 <a@example.net>: b", ": b"},
        {"554 a@example.net b (c@example.net)", "b ()"},
        {"554 @ b@ <c>", "@ b@ <c>"},
        {"a\001b\xc3", "a?b?"},
    };
    char text[REFUSAL_TEXT], longest[REFUSAL_TEXT + 10];
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        refusal_fold(text, row[i].text, strlen(row[i].text));
        cr_expect_str_eq(text, row[i].folded, "%s", row[i].text);
    }
    memset(longest, 'x', sizeof longest);
    for (i = REFUSAL_TEXT - 2; i <= REFUSAL_TEXT; i++) {
        refusal_fold(text, longest, i);
        cr_expect_eq(strlen(text), i < REFUSAL_TEXT - 1 ? i : REFUSAL_TEXT - 1);
    }
}

/* What we refuse ourselves in the same words, and what was sent, is none of it. */
Test(refusal, other_lines)
{
    static const char *const line[] = {
        "Nov 30 10:00:00 mx postfix/smtpd[77]: NOQUEUE: reject: RCPT from unknown[203.0.113.9]: "
        "450 "
        "4.7.25 Client host rejected: cannot find your hostname, [203.0.113.9]; "
        "from=<a@example.org> to=<u@example.net> proto=ESMTP helo=<x>",
        "Nov 30 10:00:00 mx postfix/smtp[77]: 4Zx1mV5tBKzJ: to=<u@example.net>, "
        "relay=mx.example.net"
        "[198.51.100.1]:25, dsn=2.0.0, status=sent (250 host x said: 550 5.7.25 no PTR record)",
        "Nov 30 10:00:00 mx postfix/smtp[77]: 4Zx1mV5tBKzJ: host mx.example.net[198.51.100.1] "
        "said: "
        "450 4.7.25 no PTR record (in reply to RCPT TO command)",
        "Nov 30 10:00:00 mx postfix/local[77]: 4Zx1mV5tBKzJ: to=<u@example.net>, relay=local, "
        "dsn=5.1.1, status=bounced (unknown user: \"no PTR record\")",
        "Nov 30 10:00:00 mx postfix/smtp[77]: 4Zx1mV5tBKzJ: to=<\"status=bounced (host x[1.2.3.4] "
        "said: 550 no PTR record\"@example.net>, relay=x, dsn=2.0.0, status=sent (ok)",
    };
    struct refused *r = calloc(1, sizeof *r);
    size_t i;

    cr_assert_not_null(r);
    for (i = 0; i < ARRAY_LEN(line); i++) {
        refused_line(r, line[i], strlen(line[i]));
        cr_expect_eq(r->n, 0, "%s", line[i]);
    }
    free(r);
}

/* Counted by receiver, family and kind; the times are the first and the last, in whatever order. */
Test(refusal, count)
{
    static const char *const line[] = {
        "2026-11-30T10:00:00+00:00 mx postfix/smtp[7]: A1B2C3D4E5: to=<u@example.net>, relay=none, "
        "dsn=4.0.0, status=deferred (host mx.example.net[198.51.100.1] said: 450 4.7.25 no PTR "
        "record for 203.0.113.9 and 198.51.100.1, not 10.0.0.1. Use 203.0.113.10.)",
        "2026-11-29T10:00:00+00:00 mx postfix/smtp[7]: A1B2C3D4E5: to=<u@example.net>, relay=none, "
        "dsn=4.0.0, status=bounced (host mx.example.net[198.51.100.1] said: 550 5.7.25 older)",
        "2026-11-30T11:00:00+00:00 mx postfix/smtp[7]: A1B2C3D4E5: to=<u@example.net>, relay=none, "
        "dsn=4.0.0, status=bounced (host mx.example.net[2001:db8::1] said: 550 5.7.25 "
        "[2001:db8::25])",
        "2026-11-30T09:00:00+00:00 mx postfix/smtp[7]: A1B2C3D4E5: to=<u@example.net>, relay=none, "
        "dsn=4.0.0, status=bounced (host mx.example.net[198.51.100.1] said: 550 Bad HELO)",
        "2026-11-30T12:00:00+00:00 mx postfix/smtp[7]: A1B2C3D4E5: to=<u@example.net>, relay=none, "
        "dsn=4.0.0, status=deferred (host mx.example.net[198.51.100.1] said: 450 4.7.25 no)",
    };
    struct refused *r = calloc(1, sizeof *r);
    const struct addr want[] = {
        addr_from_bytes(ADDR_IPV4, (const uint8_t[]){203, 0, 113, 9}),
        addr_from_bytes(ADDR_IPV4, (const uint8_t[]){203, 0, 113, 10}),
        addr_from_bytes(ADDR_IPV6, (const uint8_t[16]){0x20, 1, 0xd, 0xb8, [15] = 0x25}),
    };
    size_t i;

    cr_assert_not_null(r);
    r->now = 1796083200; /* 2026-12-01 */
    for (i = 0; i < ARRAY_LEN(line); i++)
        refused_line(r, line[i], strlen(line[i]));
    refused_sort(r);
    cr_assert_eq(r->n, 3);
    cr_expect(r->receiver[1].family == ADDR_IPV6 && r->receiver[1].refused == 1);
    cr_expect(r->receiver[0].refused == 1 && r->receiver[0].deferred == 2);
    cr_expect_eq(r->receiver[0].last - r->receiver[0].first, 86400 + 7200);
    cr_expect_str_eq(r->receiver[0].words, "no", "the words of the last");
    cr_expect(addr_equal(&r->receiver[0].ours, &want[0]), "the first of the last that names one");
    cr_expect(addr_equal(&r->receiver[1].ours, &want[2]));
    cr_expect_eq(r->receiver[2].is, REFUSAL_HELO);
    cr_assert_eq(r->addrs, ARRAY_LEN(want), "not the receiver's, not a private one: %u", r->addrs);
    for (i = 0; i < ARRAY_LEN(want); i++)
        cr_expect(addr_equal(&r->addr[i], &want[i]));
    free(r);
}

/* Memory is bounded: one below, at and one above. */
Test(refusal, bound)
{
    struct refused *r = calloc(1, sizeof *r);
    char line[512];
    unsigned i;

    cr_assert_not_null(r);
    for (i = 1; i <= RECEIVERS_MAX + 1; i++) {
        int n = snprintf(line, sizeof line,
                         "Nov 30 10:00:00 mx postfix/smtp[7]: A1B2C3D4E5: to=<u@example.net>, "
                         "relay=none, dsn=4.0.0, status=bounced (host mx%u.example[198.51.100.1] "
                         "said: 550 5.7.25 no)",
                         i);

        refused_line(r, line, (size_t)n);
        cr_expect_eq(r->n, i < RECEIVERS_MAX ? i : RECEIVERS_MAX);
        cr_expect_eq(r->left_out, i <= RECEIVERS_MAX ? 0 : 1);
    }
    free(r);
}
