/* findings: the words, and sets of them as text.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/values.h"
#include "value/findings.h"

#define TEXT_MAX 1024

/* Spelled out a second time on purpose: configurations, logs and dashboards of
 * other people hold these words, so a change has to be made in two places. */
static const char *const vocabulary[] = {
    "iprev-pass",
    "iprev-fail",
    "iprev-permerror",
    "iprev-temperror",
    "iprev-skip",
    "ptr-missing",
    "forward-missing",
    "forward-mismatch",
    "ptr-invalid",
    "ptr-limit",
    "dns-timeout",
    "dns-servfail",
    "dns-bogus",
    "dns-overload",
    "skip-local",
    "skip-network",
    "skip-authenticated",
    "skip-no-address",
    "ptr-generic",
    "ptr-named",
    "ptr-provider",
    "ptr-weak",
    "ptr-many",
    "ptr-bare-domain",
    "helo-verified",
    "helo-forward",
    "helo-aligned",
    "helo-mismatch",
    "helo-unresolved",
    "helo-temperror",
    "helo-literal",
    "helo-literal-mismatch",
    "helo-bare-address",
    "helo-unqualified",
    "helo-self",
    "helo-invalid",
    "helo-missing",
    "helo-generic",
    "dnssec-secure",
    "client-known",
};

Test(findings, vocabulary_is_closed)
{
    unsigned f;

    cr_assert_eq(ROWS(vocabulary), (size_t)F_COUNT);
    for (f = 0; f < F_COUNT; f++) {
        const char *word = finding_word((enum finding)f);

        cr_expect_str_eq(word, vocabulary[f], "finding %u", f);
        cr_expect_eq(finding_from_word(word, strlen(word)), (enum finding)f, "%s", word);
    }
}

Test(findings, other_words_are_none)
{
    static const struct {
        const char *s;
        size_t n;
    } rows[] = {
        {"", 0},
        {"-", 1},
        {"iprev-fai", 9},
        {"iprev-faill", 11},
        {"Iprev-fail", 10},
        {"IPREV-FAIL", 10},
        {"iprev-fail ", 11},
        {" iprev-fail", 11},
        {"iprev_fail", 10},
        {"pass", 4},
        {"iprev-fail\0", 11},
        {"!iprev-fail", 11},
        {"helo-\0elf", 9},
        {"dnssec-secure,", 14},
    };
    size_t i;

    for (i = 0; i < ROWS(rows); i++)
        cr_expect_eq(finding_from_word(rows[i].s, rows[i].n), F_NONE, "row %zu: %s", i, rows[i].s);
    /* The length counts, not a NUL behind it. */
    cr_expect_eq(finding_from_word("iprev-failure", 10), F_IPREV_FAIL);
}

Test(findings, groups_part_the_vocabulary)
{
    findings all = FINDINGS_RESULT | FINDINGS_CAUSE | FINDINGS_SHAPE | FINDINGS_HELO |
                   FINDING(F_DNSSEC_SECURE) | FINDING(F_CLIENT_KNOWN);

    cr_expect_eq(all, FINDING(F_COUNT) - 1, "every word is in a group");
    cr_expect_eq(FINDINGS_RESULT & FINDINGS_CAUSE, 0u);
    cr_expect_eq(FINDINGS_CAUSE & FINDINGS_SHAPE, 0u);
    cr_expect_eq(FINDINGS_SHAPE & FINDINGS_HELO, 0u);
    cr_expect_eq(FINDINGS_SKIP & ~FINDINGS_CAUSE, 0u);
    cr_expect_eq(FINDINGS_RELATION & ~FINDINGS_HELO, 0u);
    cr_expect_eq(FINDINGS_TRANSIENT, FINDING(F_IPREV_TEMPERROR) | FINDING(F_DNS_TIMEOUT) |
                                         FINDING(F_DNS_SERVFAIL) | FINDING(F_DNS_BOGUS) |
                                         FINDING(F_DNS_OVERLOAD) | FINDING(F_HELO_TEMPERROR));
}

Test(findings, pick)
{
    findings set = FINDING(F_IPREV_FAIL) | FINDING(F_FORWARD_MISMATCH) | FINDING(F_PTR_MANY) |
                   FINDING(F_PTR_GENERIC);

    cr_expect_eq(finding_pick(set, FINDINGS_RESULT), F_IPREV_FAIL);
    cr_expect_eq(finding_pick(set, FINDINGS_CAUSE), F_FORWARD_MISMATCH);
    cr_expect_eq(finding_pick(set, FINDINGS_SHAPE), F_PTR_GENERIC, "the first of two");
    cr_expect_eq(finding_pick(set, FINDINGS_HELO), F_NONE);
    cr_expect_eq(finding_pick(0, ~(findings)0), F_NONE);
    cr_expect_eq(finding_pick(~(findings)0, 0), F_NONE);
    cr_expect_eq(finding_pick(FINDING(F_DNSSEC_SECURE), ~(findings)0), F_DNSSEC_SECURE);
}

Test(findings, put)
{
    static const struct {
        findings set;
        const char *expected;
    } rows[] = {
        {0, "-"},
        {FINDING(F_IPREV_PASS), "iprev-pass"},
        {FINDING(F_DNSSEC_SECURE), "dnssec-secure"},
        {FINDING(F_PTR_GENERIC) | FINDING(F_IPREV_FAIL) | FINDING(F_FORWARD_MISMATCH),
         "iprev-fail,forward-mismatch,ptr-generic"},
        {FINDING(F_COUNT), "-"}, /* no word has this bit */
        {FINDING(63) | FINDING(F_HELO_SELF), "helo-self"},
    };
    size_t i;

    for (i = 0; i < ROWS(rows); i++) {
        char text[TEXT_MAX];
        struct sbuf sb;

        sbuf_init(&sb, text, sizeof(text));
        findings_put(&sb, rows[i].set);
        cr_expect_str_eq(text, rows[i].expected, "%s, not %s", text, rows[i].expected);
    }
}

/* F4: a hostile record is refused, never half read. */
Test(findings, read_F4_refuses_other_text)
{
    static const struct {
        const char *s;
        bool ok;
        findings set;
    } rows[] = {
        {"-", true, 0},
        {"iprev-pass", true, FINDING(F_IPREV_PASS)},
        {"iprev-fail,ptr-many", true, FINDING(F_IPREV_FAIL) | FINDING(F_PTR_MANY)},
        {"ptr-many,iprev-fail", true, FINDING(F_IPREV_FAIL) | FINDING(F_PTR_MANY)},
        {"", false, 0},
        {",", false, 0},
        {"--", false, 0},
        {"-,iprev-fail", false, 0},
        {"iprev-fail,-", false, 0},
        {"iprev-fail,", false, 0},
        {",iprev-fail", false, 0},
        {"iprev-fail,,ptr-many", false, 0},
        {"iprev-fail ptr-many", false, 0},
        {"iprev-fail, ptr-many", false, 0},
        {"iprev-fail,iprev-fail", false, 0},
        {"iprev-fail,no-such-word", false, 0},
        {"iprev-fail;ptr-many", false, 0},
    };
    size_t i;

    for (i = 0; i < ROWS(rows); i++) {
        findings set = 42;

        cr_expect_eq(findings_read(&set, rows[i].s, strlen(rows[i].s)), rows[i].ok, "row \"%s\"",
                     rows[i].s);
        cr_expect_eq(set, rows[i].set, "row \"%s\"", rows[i].s);
    }
}

Test(findings, property_round_trip)
{
    unsigned i;

    random_state = 1;
    for (i = 0; i < 20000; i++) {
        findings set = next_random() & (FINDING(F_COUNT) - 1);
        findings back;
        char text[TEXT_MAX];
        struct sbuf sb;

        if (i % 2)
            set &= next_random() & next_random(); /* sparse sets, as in life */
        sbuf_init(&sb, text, sizeof(text));
        findings_put(&sb, set);
        if (sb.overflow || !findings_read(&back, sb.text, sb.len) || back != set)
            cr_assert_fail("set %#llx became %s", (unsigned long long)set, text);
        /* No part of the text is the text of the same set. */
        if (findings_read(&back, sb.text, sb.len - 1) && back == set)
            cr_assert_fail("%s, cut by one, reads as the whole", text);
    }
}

Test(findings, read_survives_any_bytes)
{
    unsigned i;

    random_state = 2;
    for (i = 0; i < 20000; i++) {
        char text[TEXT_MAX];
        char *exact;
        struct sbuf sb;
        findings set;
        size_t n;

        sbuf_init(&sb, text, sizeof(text));
        findings_put(&sb, next_random() & next_random() & (FINDING(F_COUNT) - 1));
        text[next_random() % sb.len] = (char)next_random();
        n = next_random() % (sb.len + 1);
        exact = malloc(n + !n);
        cr_assert_not_null(exact);
        memcpy(exact, text, n);
        if (!findings_read(&set, exact, n) && set != 0)
            cr_assert_fail("a refused text left %#llx", (unsigned long long)set);
        free(exact);
    }
}
