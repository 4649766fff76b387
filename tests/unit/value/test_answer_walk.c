/* answer: damaged messages, the walk over the records, any bytes at all.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <time.h>

#include "tests/unit/message.h"
#include "tests/unit/values.h"

static enum answer_kind kind_of(const struct message *m, size_t n)
{
    struct answer a;

    free(read_copy(&a, m->octets, n, RR_PTR));
    return a.kind;
}

static void start_whole(struct message *m)
{
    start_message(m, RESPONSE, RR_PTR);
    put_records(m, "Q 9 CNAME b@12; b@12 9 PTR mail.example; -- @12 9 2 ns.x");
    put_record(m, ADDITIONALS, " 0 41 #", 7); /* OPT, as every EDNS reply has */
}

Test(answer, B36_every_cut_message_is_servfail)
{
    struct message m;
    size_t n;

    start_whole(&m);
    cr_expect_eq(kind_of(&m, m.len), ANSWER_DATA);
    for (n = 0; n < m.len; n++)
        cr_expect_eq(kind_of(&m, n), ANSWER_SERVFAIL, "cut at %zu of %zu", n, m.len);
    put32(&m, 0);
    cr_expect_eq(kind_of(&m, m.len), ANSWER_DATA, "octets behind the message are not read");
}

Test(answer, B36_header)
{
    static const struct {
        size_t at;
        int by;
        enum answer_kind kind;
        const char *why;
    } rows[] = {
        {2, 0, ANSWER_DATA, "as it is"},
        {0, 1, ANSWER_DATA, "another id"},
        {2, -0x8000, ANSWER_SERVFAIL, "a question"},
        {2, 0x0200, ANSWER_SERVFAIL, "B21: TC: something is missing"},
        {2, 0x0400, ANSWER_DATA, "AA"},
        {2, 0x0020, ANSWER_DATA, "AD"},
        {2, 0x0800, ANSWER_SERVFAIL, "opcode 1"},
        {2, 0x4000, ANSWER_SERVFAIL, "opcode 8"},
        {QUESTIONS, 1, ANSWER_SERVFAIL, "one question more than there is"},
        {ANSWERS, 3, ANSWER_SERVFAIL, "more answers than there are"},
        {AUTHORITIES, 2, ANSWER_SERVFAIL, "more authorities than there are"},
        {ADDITIONALS, 1, ANSWER_SERVFAIL, "more additional records than there are"},
        {ANSWERS, 0x7fff, ANSWER_SERVFAIL, "very many answers"},
    };
    size_t i;

    for (i = 0; i < ROWS(rows); i++) {
        struct message m;

        start_whole(&m);
        add16(&m, rows[i].at, rows[i].by);
        cr_expect_eq(kind_of(&m, m.len), rows[i].kind, "%s", rows[i].why);
    }
}

Test(answer, B36_damaged_owner)
{
    static const char *const scripts[] = {
        "Q 9 PTR a.x; @16000 9 PTR a.x",
        "Q 9 PTR a.x; b@16000 9 2 a.x",
        "Q 9 PTR a.x; -- @16000 9 2 a.x",
        "@40 9 PTR a.x", /* itself */
        "a@40 9 PTR a.x",
        "Q 9 PTR a.x; -- a@16383 9 SOA 3",
    };
    size_t i;

    for (i = 0; i < ROWS(scripts); i++) {
        struct message m;

        start_message(&m, RESPONSE, RR_PTR);
        cr_assert_eq(m.len, 40u, "rows rest on it");
        put_records(&m, scripts[i]);
        cr_expect_eq(kind_of(&m, m.len), ANSWER_SERVFAIL, "%s", scripts[i]);
    }
}

Test(answer, number_of_questions)
{
    struct message m;
    struct answer a;
    size_t n;

    start_message(&m, RESPONSE, RR_PTR);
    cr_expect_eq(kind_of(&m, m.len), ANSWER_NODATA, "one, and nothing else");
    for (n = 12; n < m.len; n++)
        cr_expect_eq(kind_of(&m, n), ANSWER_SERVFAIL, "cut at %zu", n);

    start_message(&m, RESPONSE, RR_PTR);
    put_name(&m, QUESTION, strlen(QUESTION));
    put32(&m, 0x00010001);
    add16(&m, QUESTIONS, 1);
    put_records(&m, "Q 9 PTR a.x");
    cr_expect_eq(kind_of(&m, m.len), ANSWER_DATA, "two");
    start_message(&m, RESPONSE, RR_PTR);
    m.len = 12;
    add16(&m, QUESTIONS, -1);
    put_records(&m, "Q 9 PTR a.x");
    cr_expect_eq(kind_of(&m, m.len), ANSWER_DATA, "none");
    free(read_copy(&a, m.octets, 12, RR_PTR));
    cr_expect_eq(a.kind, ANSWER_SERVFAIL, "a header that counts an answer, and no answer");
    add16(&m, ANSWERS, -1);
    cr_expect_eq(kind_of(&m, 12), ANSWER_NODATA, "a header is a message");
}

Test(answer, length_over_a_message)
{
    static struct message m;

    start_message(&m, RESPONSE, RR_PTR);
    put_records(&m, "Q 9 PTR a.x");
    cr_expect_eq(kind_of(&m, 65535), ANSWER_DATA);
    cr_expect_eq(kind_of(&m, 65536), ANSWER_SERVFAIL);
}

Test(answer, walk_names)
{
    static const char *const expected[] = {"mail.example", ".", "x.1.2.0.192.in-addr.arpa",
                                           "a\\013\\010b"};
    struct message m;
    struct answer a;
    struct dname name;
    struct addr addr;
    uint8_t *copy;
    size_t cursor = 0;
    size_t i;

    start_message(&m, RESPONSE, RR_PTR);
    put_records(&m, "z.x 9 PTR no.x; c.x 9 PTR MAIL.example; c.x 9 PTR #0161; c.x 9 PTR ; "
                    "Q 9 CNAME c.x; Q 9 PTR no.x; c.x 9 PTR/3 no.x; c.x 9 PTR x@12; "
                    "c.x 9 A #01020304; c.x 9 PTR a\r\nb; c.x 9 PTR #0000");
    copy = read_copy(&a, m.octets, m.len, RR_PTR);
    cr_expect_str_eq(outcome(&a), "data ttl=9 good=4 bad=2 name=c.x");
    cr_expect_eq(a.records, 11u);
    for (i = 0; answer_next_name(&a, &cursor, &name); i++) {
        cr_assert_lt(i, ROWS(expected));
        cr_expect_str_eq(text_of(&name, dname_put_visible), expected[i]);
    }
    cr_expect_eq(i, ROWS(expected));
    cr_expect(!answer_next_name(&a, &cursor, &name), "the end stays the end");
    cursor = 0;
    cr_expect(!answer_next_addr(&a, &cursor, &addr), "names are no addresses");
    free(copy);
}

Test(answer, walk_addresses)
{
    static const struct {
        enum rrtype type;
        const char *script;
        const char *expected;
    } rows[] = {
        {RR_A, "Q 9 A #c0000201; Q 9 A #0102; q.x 9 A #01020304; Q 9 A #7f000001",
         "192.0.2.1 127.0.0.1 "},
        {RR_AAAA,
         "Q 9 AAAA #20010db8000000000000000000000001; Q 9 AAAA #01; "
         "Q 9 AAAA #00000000000000000000ffffc0000201; Q 9 A #01020304",
         "2001:db8::1 192.0.2.1 "}, /* A19 */
    };
    size_t i;

    for (i = 0; i < ROWS(rows); i++) {
        char text[128];
        struct sbuf sb;
        struct message m;
        struct answer a;
        struct addr addr;
        struct dname name;
        uint8_t *copy;
        size_t cursor = 0;

        start_message(&m, RESPONSE, rows[i].type);
        put_records(&m, rows[i].script);
        copy = read_copy(&a, m.octets, m.len, rows[i].type);
        sbuf_init(&sb, text, sizeof(text));
        while (answer_next_addr(&a, &cursor, &addr)) {
            addr_put(&sb, &addr);
            sbuf_byte(&sb, ' ');
        }
        cr_expect_str_eq(text, rows[i].expected, "%s", text);
        cursor = 0;
        cr_expect(!answer_next_name(&a, &cursor, &name), "addresses are no names");
        free(copy);
    }
}

/* B10, B11: 3,800 records behind 16 aliases that stand in the worst order. */
Test(answer, B10_B11_many_records_in_linear_time)
{
    static struct message m;
    unsigned rounds;
    unsigned i;
    clock_t start;

    start_message(&m, RESPONSE, RR_A);
    for (i = 16; i > 0; i--) {
        char text[64];
        struct sbuf sb;

        sbuf_init(&sb, text, sizeof(text));
        sbuf_byte(&sb, (char)(i == 1 ? 'Q' : 'a' + i - 1));
        sbuf_str(&sb, " 9 CNAME ");
        sbuf_byte(&sb, (char)('a' + i));
        put_records(&m, text);
    }
    for (i = 0; i < 3800; i++)
        put_records(&m, "q 9 A #c0000201");
    cr_assert_leq(m.len, 65535u);
    start = clock();
    for (rounds = 0; rounds < 10; rounds++) {
        struct answer a;
        struct addr addr;
        uint8_t *copy = read_copy(&a, m.octets, m.len, RR_A);
        size_t cursor = 0;

        cr_expect_str_eq(outcome(&a), "data ttl=9 good=3800 bad=0 name=q");
        for (i = 0; answer_next_addr(&a, &cursor, &addr); i++)
            ;
        cr_expect_eq(i, 3800u);
        free(copy);
    }
    /* 10 ms a round even under sanitizers; squared it would be seconds. */
    cr_expect_lt(clock() - start, 5 * CLOCKS_PER_SEC);
}

/* What the walk says has to agree with what the reading said. */
static void check_answer(const struct answer *a, unsigned round)
{
    struct dname again;
    struct dname name;
    struct addr addr;
    size_t cursor = 0;
    unsigned found = 0;

    if (!dname_from_wire(&again, a->name.wire, a->name.len) || a->ttl > ANSWER_TTL_MAX)
        cr_assert_fail("round %u: name or TTL", round);
    while (answer_next_name(a, &cursor, &name)) {
        found++;
        if (!dname_from_wire(&again, name.wire, name.len) || !dname_equal(&name, &again))
            cr_assert_fail("round %u: a name that is none", round);
    }
    cursor = 0;
    while (answer_next_addr(a, &cursor, &addr))
        found++;
    if (found != a->good || (a->kind == ANSWER_DATA) != (a->good + a->bad > 0) ||
        a->kind > ANSWER_SERVFAIL || a->good + a->bad > a->records)
        cr_assert_fail("round %u: %u found, %s", round, found, outcome(a));
}

static const char *const seeds[] = {
    "Q 300 PTR mail.example.com; Q 60 PTR b@12",
    "@12 60 CNAME 1.0-63@12; 1.0-63@12 90 PTR a.x; 1.0-63@12 90 PTR b@12",
    "Q 9 A #c0000201; Q 9 A #c0000202; Q 9 RRSIG #0102030405060708",
    "Q 9 AAAA #20010db8000000000000000000000001; @12 9 AAAA #20010db8000000000000000000000002",
    "Q 9 CNAME b.x; b.x 9 CNAME c.x; c.x 9 CNAME d.x; d.x 9 A #c0000201",
    "-- x 300 SOA 60",
    "Q 20 CNAME b.x; -- x 60 SOA 30",
    "",
};

Test(answer, property_random_messages)
{
    static const enum rrtype types[] = {RR_PTR, RR_A, RR_AAAA, RR_CNAME};
    unsigned kinds[ANSWER_OVERLOAD + 1] = {0};
    struct message *m = malloc(sizeof(*m));
    unsigned i;

    cr_assert_not_null(m);
    random_state = 31;
    for (i = 0; i < 200000; i++) {
        enum rrtype type = types[next_random() % ROWS(types)];
        unsigned changes = (unsigned)(next_random() % 6);
        struct answer a;
        uint8_t *copy;

        start_message(m, RESPONSE | (next_random() % 4 ? 0 : 3), type);
        put_records(m, seeds[next_random() % ROWS(seeds)]);
        while (changes-- > 0) { /* mostly small numbers: lengths, counts, types */
            size_t at = next_random() % m->len;

            m->octets[at] = (uint8_t)(next_random() >> (next_random() % 8 + 56));
        }
        if (i % 8 == 0)
            m->len = next_random() % (m->len + 1);
        if (i % 16 == 1) { /* nothing but noise */
            size_t at;

            m->len = next_random() % 80;
            for (at = 0; at < m->len; at++)
                m->octets[at] = (uint8_t)next_random();
        }
        copy = read_copy(&a, m->octets, m->len, type);
        check_answer(&a, i);
        kinds[a.kind]++;
        free(copy);
    }
    free(m);
    for (i = ANSWER_DATA; i <= ANSWER_SERVFAIL; i++)
        cr_expect_gt(kinds[i], 1000u, "kind %u only %u times: the messages are no good", i,
                     kinds[i]);
}

/* B12: whatever the order of the records, the answer is the same. */
Test(answer, B12_order_of_records)
{
    static const char *const records[] = {
        "Q 90 CNAME b.x",       "Q 50 CNAME e.x",     "b.x 80 CNAME c.x",  "c.x 70 CNAME d.x",
        "d.x 60 A #c0000201",   "d.x 65 A #c0000202", "d.x 65 A #c00002",  "e.x 1 A #c0000203",
        "d.x 1 AAAA #c0000201", "Q 1 A #c0000204",    "c.x 1 A #c0000205",
    };
    size_t order[ROWS(records)];
    unsigned round;
    size_t i;

    random_state = 32;
    for (i = 0; i < ROWS(order); i++)
        order[i] = i;
    for (round = 0; round < 2000; round++) {
        struct message m;
        struct answer a;

        for (i = ROWS(order) - 1; i > 0; i--) {
            size_t k = next_random() % (i + 1);
            size_t swap = order[i];

            order[i] = order[k];
            order[k] = swap;
        }
        start_message(&m, RESPONSE, RR_A);
        for (i = 0; i < ROWS(order); i++)
            put_records(&m, records[order[i]]);
        free(read_copy(&a, m.octets, m.len, RR_A));
        if (strcmp(outcome(&a), "data ttl=50 good=2 bad=1 name=d.x") != 0)
            cr_assert_fail("round %u: %s", round, outcome(&a));
    }
}
