/* The DNS questions of one explanation: what is kept, what is found, what it is called.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/explain/questions.h"
#include "tests/unit/facts.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

static void note_alias(struct questions *qs, const char *from, const char *to)
{
    struct dname name = name_of(from);
    struct answer a = answer_none(ANSWER_ALIAS);

    a.name = name_of(to);
    questions_note(qs, &name, RR_A, &a, 1);
}

Test(questions, found_by_their_aliases)
{
    struct questions *qs = questions_new();
    struct dname name = name_of("c.example.net"), first = name_of("a.example.net"),
                 missing = name_of("d.example.net");
    struct answer data = addresses(&name, 1, 3, false);
    const struct question *q;

    note_alias(qs, "a.example.net", "b.example.net");
    note_alias(qs, "b.example.net", "c.example.net");
    cr_expect_null(questions_find(qs, &first, RR_A), "the end of the aliases is not there yet");
    questions_note(qs, &name, RR_A, &data, 7);
    q = questions_find(qs, &first, RR_A);
    cr_assert_not_null(q);
    cr_expect(q->good == 2 && q->shown == 2 && q->ms == 7 && q->ttl == long_ttl && !q->aliased);
    cr_expect_null(questions_find(qs, &first, RR_AAAA), "another type");
    cr_expect_null(questions_find(qs, &missing, RR_A), "another name");
    note_alias(qs, "d.example.net", "d.example.net");
    cr_expect_null(questions_find(qs, &missing, RR_A), "a circle of aliases ends");
    questions_clear(qs);
    cr_expect_null(questions_find(qs, &name, RR_A), "forgotten");
    questions_free(qs);
}

Test(questions, bounds)
{
    static const struct {
        unsigned records, shown, kept;
        bool capped;
    } row[] = {
        {7, 7, 7, false},   {8, 8, 8, false},     {9, 8, 9, false},
        {99, 8, 99, false}, {100, 8, 100, false}, {101, 8, 100, true},
    };
    struct questions *qs = questions_new();
    struct dname name = name_of("a.example.net");
    struct answer none = answer_none(ANSWER_NXDOMAIN);
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        struct answer a = addresses(&name, 0, row[i].records, false);

        questions_clear(qs);
        questions_note(qs, &name, RR_A, &a, 1);
        questions_note(qs, &name, RR_A, &a, 1); /* the same addresses again are no new ones */
        cr_expect_eq(qs->q[0].good, row[i].records);
        cr_expect_eq(qs->q[0].shown, row[i].shown, "%u records", row[i].records);
        cr_expect_eq(qs->addrs, row[i].kept, "%u records", row[i].records);
        cr_expect_eq(qs->addrs_capped, row[i].capped, "%u records", row[i].records);
    }
    questions_clear(qs);
    for (i = 1; i <= QUESTIONS_MAX + 2; i++) {
        questions_note(qs, &name, RR_A, &none, 1);
        cr_expect_eq(qs->n, i < QUESTIONS_MAX ? i : QUESTIONS_MAX);
        cr_expect_eq(qs->left_out, i > QUESTIONS_MAX ? i - QUESTIONS_MAX : 0);
    }
    questions_free(qs);
}

Test(questions, records)
{
    static const struct {
        unsigned records, most;
        const char *want;
    } row[] = {
        {1, 4, "100.0.0.0"},
        {2, 2, "100.0.0.0, 100.0.0.1"},
        {3, 2, "100.0.0.0, 100.0.0.1 and 1 more"},
        {9, 8,
         "100.0.0.0, 100.0.0.1, 100.0.0.2, 100.0.0.3, 100.0.0.4, 100.0.0.5, 100.0.0.6, "
         "100.0.0.7 and 1 more"},
    };
    struct questions *qs = questions_new();
    struct dname name = name_of("a.example.net");
    char text[512];
    struct sbuf sb;
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        struct answer a = addresses(&name, 0, row[i].records, false);

        questions_clear(qs);
        questions_note(qs, &name, RR_A, &a, 1);
        sbuf_init(&sb, text, sizeof text);
        question_put_records(&sb, &qs->q[0], row[i].most);
        cr_expect_str_eq(text, row[i].want, "%u records", row[i].records);
    }
    qs->q[0].bad = 2;
    sbuf_init(&sb, text, sizeof text);
    question_put_records(&sb, &qs->q[0], 1);
    cr_expect_str_eq(text, "100.0.0.0 and 8 more, and 2 damaged");
    qs->q[0].shown = qs->q[0].good = 0;
    sbuf_init(&sb, text, sizeof text);
    question_put_records(&sb, &qs->q[0], 1);
    cr_expect_str_eq(text, "2 damaged");
    questions_free(qs);
}

Test(questions, silence_is_noted_once)
{
    struct questions *qs = questions_new();
    struct dname name = name_of("a.example.net"), other = name_of("b.example.net");
    struct answer none = answer_none(ANSWER_NXDOMAIN);

    questions_note(qs, &name, RR_A, &none, 1);
    questions_note_silence(qs, &name, RR_A, 400);
    cr_expect_eq(qs->n, 1, "it was answered");
    questions_note_silence(qs, &name, RR_AAAA, 400);
    questions_note_silence(qs, &other, RR_A, 400);
    questions_note_silence(qs, &other, RR_A, 400);
    cr_assert_eq(qs->n, 3);
    cr_expect(qs->q[2].kind == ANSWER_TIMEOUT && qs->q[2].ms == 400);
    questions_free(qs);
}

Test(questions, words)
{
    static const struct {
        enum answer_kind kind;
        const char *word, *secure, *anchored, *without; /* DNSSEC of it */
        bool failed;
    } row[] = {
        {ANSWER_DATA, "", "secure", "insecure", "unchecked", false},
        {ANSWER_ALIAS, "", "secure", "insecure", "unchecked", false},
        {ANSWER_NXDOMAIN, "no such name", "secure", "insecure", "unchecked", false},
        {ANSWER_NODATA, "no record of this type", "secure", "insecure", "unchecked", false},
        {ANSWER_SERVFAIL, "the name servers failed (SERVFAIL)", "unknown", "unknown", "unknown",
         true},
        {ANSWER_TIMEOUT, "no answer in time", "unknown", "unknown", "unknown", true},
        {ANSWER_BOGUS, "DNSSEC validation failed", "bogus", "bogus", "bogus", true},
        {ANSWER_OVERLOAD, "not asked: too many questions at once", "unknown", "unknown", "unknown",
         true},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        struct question q = {.kind = row[i].kind, .secure = true};

        cr_expect_str_eq(answer_word(q.kind), row[i].word);
        cr_expect_eq(answer_failed(q.kind), row[i].failed, "%zu", i);
        cr_expect_str_eq(question_dnssec(&q, true), row[i].secure, "%zu", i);
        q.secure = false;
        cr_expect_str_eq(question_dnssec(&q, true), row[i].anchored, "%zu", i);
        cr_expect_str_eq(question_dnssec(&q, false), row[i].without, "%zu", i);
    }
    cr_expect_str_eq(rrtype_word(RR_A), "A");
    cr_expect_str_eq(rrtype_word(RR_AAAA), "AAAA");
    cr_expect_str_eq(rrtype_word(RR_PTR), "PTR");
    cr_expect_str_eq(rrtype_word(RR_CNAME), "CNAME");
    cr_expect_str_eq(rrtype_word(RR_SOA), "SOA");
}
