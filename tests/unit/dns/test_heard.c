/* heard: what a failure of libunbound means.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "dns/heard.h"

#define NAME       "\1a\7example"
#define QUESTION   NAME "\0\0\1\0\1"
#define COUNTS     "\0\1\0\0\0\0\0\0"
#define MESSAGE(m) (const uint8_t *)(m), (int)sizeof(m) - 1

static struct silence none;

/* Read at 10,000 ms. */
static enum answer_kind read_after(struct silence *s, unsigned ms, int rcode, const uint8_t *packet,
                                   int len)
{
    struct dname name;
    struct heard r = {.name = &name,
                      .type = RR_A,
                      .rcode = rcode,
                      .packet = packet,
                      .len = len,
                      .asked = 10000 - ms,
                      .now = 10000};
    struct answer a = answer_none(ANSWER_SERVFAIL);

    cr_assert(dname_from_text(&name, "a.example", 9));
    heard_failure(&a, &r, s);
    return a.kind;
}

Test(heard, B17_B18_who_failed)
{
    static const struct {
        unsigned ms;
        int rcode;
        const uint8_t *packet;
        int len;
        enum answer_kind kind;
        const char *why;
    } row[] = {
        {349, 2, NULL, 0, ANSWER_SERVFAIL, "too soon for silence: libunbound's own failure"},
        {350, 2, NULL, 0, ANSWER_TIMEOUT, "nobody was heard"},
        {351, 2, NULL, 0, ANSWER_TIMEOUT, "nobody was heard"},
        {999, 2, MESSAGE("ID\x81\x82" COUNTS QUESTION), ANSWER_SERVFAIL, "SERVFAIL to this"},
        {999, 2, MESSAGE("ID\x81\x80" COUNTS QUESTION), ANSWER_SERVFAIL, "an answer of no use"},
        {999, 2, MESSAGE("ID\x01\x02" COUNTS QUESTION), ANSWER_TIMEOUT, "a question of ours"},
        {999, 2, MESSAGE("ID\x81\x82" COUNTS "\1b\7example\0\0\1\0\1"), ANSWER_TIMEOUT,
         "the answer to another name"},
        {999, 2, MESSAGE("ID\x81\x82" COUNTS NAME "\0\0\x1c\0\1"), ANSWER_TIMEOUT,
         "the answer to another type"},
        {999, 2, MESSAGE("ID\x81\x82" COUNTS NAME "\0\0"), ANSWER_TIMEOUT, "cut in the type"},
        {999, 2, MESSAGE("ID\x81\x82" COUNTS "\1a\7exam"), ANSWER_TIMEOUT, "cut in the name"},
        {999, 2, MESSAGE("ID\x81\x82" COUNTS), ANSWER_TIMEOUT, "a bare header"},
        {999, 0, MESSAGE("ID\x81\x82" COUNTS QUESTION), ANSWER_SERVFAIL, "repeated from the cache"},
        {0, 0, NULL, 0, ANSWER_SERVFAIL, "denied"},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        memset(&none, 0, sizeof none);
        cr_expect_eq(read_after(&none, row[i].ms, row[i].rcode, row[i].packet, row[i].len),
                     row[i].kind, "%s", row[i].why);
    }
}

/* The failure that libunbound repeats is what it was. */
Test(heard, B18_silence_is_remembered)
{
    static const char repeated[] = "ID\x81\x82" COUNTS QUESTION;
    static const struct {
        int64_t later; /* ms */
        const char *name;
        enum rrtype type;
        enum answer_kind kind;
        const char *why;
    } row[] = {
        {0, "a.example", RR_A, ANSWER_TIMEOUT, "at once"},
        {5999, "a.example", RR_A, ANSWER_TIMEOUT, "as long as libunbound may keep it"},
        {6000, "a.example", RR_A, ANSWER_SERVFAIL, "it must have asked anew"},
        {0, "a.example", RR_AAAA, ANSWER_SERVFAIL, "another type"},
        {0, "b.example", RR_A, ANSWER_SERVFAIL, "another name"},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct dname name;
        struct heard r = {.name = &name,
                          .type = row[i].type,
                          .packet = (const uint8_t *)repeated,
                          .len = sizeof repeated - 1,
                          .asked = 10000 + row[i].later,
                          .now = 10000 + row[i].later};
        struct answer a = answer_none(ANSWER_SERVFAIL);

        memset(&none, 0, sizeof none);
        cr_expect_eq(read_after(&none, 1000, 2, NULL, 0), ANSWER_TIMEOUT);
        cr_assert(dname_from_text(&name, row[i].name, 9));
        heard_failure(&a, &r, &none);
        cr_expect_eq(a.kind, row[i].kind, "%s", row[i].why);
        cr_expect_eq(a.ttl, 0, "libunbound keeps it already: %s", row[i].why);
    }
}

/* An answer, and what the others have to say, is none of its business. */
Test(heard, only_failures)
{
    static const enum answer_kind kind[] = {ANSWER_DATA, ANSWER_NXDOMAIN, ANSWER_NODATA,
                                            ANSWER_BOGUS, ANSWER_OVERLOAD};
    struct dname name;
    struct heard r = {.name = &name, .type = RR_A, .rcode = 2, .now = 10000};
    size_t i;

    cr_assert(dname_from_text(&name, "a.example", 9));
    for (i = 0; i < sizeof kind / sizeof kind[0]; i++) {
        struct answer a = answer_none(kind[i]);

        heard_failure(&a, &r, &none);
        cr_expect_eq(a.kind, kind[i]);
    }
}
