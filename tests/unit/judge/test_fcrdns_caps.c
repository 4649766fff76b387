/* Unit tests of fcrdns.c: caps, order and times to live.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/helo.h"

#include "tests/unit/facts.h"

/* step walks through all n numbers: n and step have no common divisor. */
static void feed_many_ptrs(struct fcrdns *f, unsigned n, unsigned step, bool twice)
{
    struct addr client = nth_addr(CLIENT);
    struct dname reverse;
    struct answer a;
    unsigned i;

    dname_reverse(&reverse, &client);
    start(&packet, &reverse, RR_PTR);
    for (i = 0; i < n; i++) {
        struct dname target = nth_name(i * step % n);

        add_ptr(&packet, 60, &target);
        if (twice)
            add_ptr(&packet, 60, &target);
    }
    a = finish(&packet, &reverse, RR_PTR);
    cr_assert(a.kind == ANSWER_DATA);
    fcrdns_start(f, &client);
    fcrdns_ptr(f, &a);
}

Test(fcrdns, B10_B12_names_beyond_the_cap)
{
    static const struct {
        unsigned names, step;
        bool twice, capped;
    } rows[] = {
        {1, 1, false, false},   {1, 1, true, false},       {9, 2, true, false},
        {10, 1, false, false},  {10, 9, true, false},      {11, 1, false, true},
        {11, 10, false, true},  {11, 5, true, true},       {1500, 1, false, true},
        {1499, 7, false, true}, {1500, 1499, false, true}, {700, 699, true, true},
    };
    size_t i;
    unsigned k;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned want = rows[i].names < 10 ? rows[i].names : 10;
        struct fcrdns f;

        feed_many_ptrs(&f, rows[i].names, rows[i].step, rows[i].twice);
        cr_expect(f.names == want && f.capped == rows[i].capped,
                  "%u records, step %u: %u names, capped %d", rows[i].names, rows[i].step, f.names,
                  f.capped);
        cr_expect(f.published == rows[i].names * (rows[i].twice ? 2 : 1), "%u records: %u",
                  rows[i].names, f.published);
        for (k = 0; k < f.names; k++) {
            struct dname name = nth_name(k);

            cr_expect(dname_equal(&f.name[k].name, &name), "%u records, step %u: name %u",
                      rows[i].names, rows[i].step, k);
        }
    }
}

Test(fcrdns, B10_no_pass_beyond_the_cap)
{
    static const struct {
        char fill;
        enum finding cause;
    } rows[] = {{'E', F_PTR_LIMIT}, {'N', F_PTR_LIMIT}};
    size_t i;
    unsigned k;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fcrdns f;
        struct chain c;

        feed_many_ptrs(&f, 1499, 1498, false);
        for (k = 0; k < 12; k++) /* 10 and 11 would confirm, but are not taken */
            feed_letter(&f, k, k < 10 ? rows[i].fill : 'C');
        fcrdns_chain(&f, &c);
        expect_verdict(&c, F_IPREV_FAIL, rows[i].cause, "1,499 PTR records");
        cr_expect(c.capped && c.names == 10);
    }
}

Test(fcrdns, B10_mixed_usable_and_unusable)
{
    struct addr client = nth_addr(CLIENT);
    struct dname reverse;
    struct answer a;
    struct fcrdns f;
    unsigned i;

    dname_reverse(&reverse, &client);
    start(&packet, &reverse, RR_PTR);
    for (i = 0; i < 10; i++) {
        struct dname target = nth_name(i);

        add(&packet, RR_PTR, 60, "\1a\0", 3);
        add(&packet, RR_PTR, 60, "\2a", 2);
        add_ptr(&packet, 60, &target);
    }
    a = finish(&packet, &reverse, RR_PTR);
    fcrdns_start(&f, &client);
    fcrdns_ptr(&f, &a);
    cr_expect(f.names == 10 && !f.capped && f.published == 30, "junk uses up no place: %u, %d, %u",
              f.names, f.capped, f.published);
}

/* As a HELO name, which the sender chooses, more than 100 addresses prove nothing. */
Test(fcrdns, B11_every_address_is_looked_at)
{
    static const struct {
        unsigned from, to; /* the client is number 500 */
        enum name_state want, helo;
        const char *why;
    } rows[] = {
        {401, 500, NAME_ELSEWHERE, NAME_ELSEWHERE, "99 others"},
        {400, 500, NAME_ELSEWHERE, NAME_ELSEWHERE, "100 others"},
        {399, 500, NAME_ELSEWHERE, NAME_CAPPED, "101 others"},
        {402, 501, NAME_CONFIRMED, NAME_CONFIRMED, "the 99th of 99"},
        {401, 501, NAME_CONFIRMED, NAME_CONFIRMED, "the 100th of 100"},
        {400, 501, NAME_CONFIRMED, NAME_CAPPED, "the 101st of 101"},
        {500, 601, NAME_CONFIRMED, NAME_CAPPED, "the first of 101"},
        {380, 501, NAME_CONFIRMED, NAME_CAPPED, "120 others, and its own"},
        {0, 3900, NAME_CONFIRMED, NAME_CAPPED, "the 501st of 3,900"},
        {501, 4401, NAME_ELSEWHERE, NAME_CAPPED, "3,900 without it"},
    };
    struct addr client = nth_addr(CLIENT);
    struct dname name = nth_name(0);
    size_t i;

    for (i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        const char *order = i % 2 ? "B12 descending" : "ascending";
        struct answer up = addresses(&name, rows[i / 2].from, rows[i / 2].to, i % 2 != 0);

        cr_expect(fcrdns_match(&up, &client) == rows[i / 2].want, "%s, %s", rows[i / 2].why, order);
        cr_expect(helo_match(&up, &client) == rows[i / 2].helo, "HELO: %s, %s", rows[i / 2].why,
                  order);
    }
}

Test(fcrdns, B11_helo_without_an_address)
{
    static const struct {
        enum answer_kind kind;
        enum name_state want;
    } rows[] = {{ANSWER_NXDOMAIN, NAME_NOWHERE}, {ANSWER_NODATA, NAME_NOWHERE},
                {ANSWER_ALIAS, NAME_NOWHERE},    {ANSWER_TIMEOUT, NAME_TIMEOUT},
                {ANSWER_BOGUS, NAME_BOGUS},      {ANSWER_SERVFAIL, NAME_SERVFAIL},
                {ANSWER_OVERLOAD, NAME_OVERLOAD}};
    struct addr client = nth_addr(CLIENT);
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer a = negative(rows[i].kind, 5);

        cr_expect(helo_match(&a, &client) == rows[i].want, "answer of kind %d", rows[i].kind);
    }
}

Test(fcrdns, B13_alias_in_the_reverse_zone)
{
    struct addr client = addr_of("192.0.2.7");
    static const uint8_t target[] = "\0017\0040/25\0012\0010\003192\7in-addr\4arpa";
    struct dname reverse, name = nth_name(0);
    struct answer a;
    struct fcrdns f;
    size_t at;

    dname_reverse(&reverse, &client);
    start(&packet, &reverse, RR_PTR);
    at = packet.len + 12;
    add(&packet, RR_CNAME, 60, target, sizeof target);
    put16(&packet, (unsigned)(0xc000 | at));
    put16(&packet, RR_PTR);
    put16(&packet, 1);
    put16(&packet, 0);
    put16(&packet, 30);
    put16(&packet, name.len);
    memcpy(packet.bytes + packet.len, name.wire, name.len);
    packet.len += name.len;
    packet.count++;
    a = finish(&packet, &reverse, RR_PTR);
    fcrdns_start(&f, &client);
    fcrdns_ptr(&f, &a);
    cr_expect(f.names == 1 && dname_equal(&f.name[0].name, &name), "RFC 2317");
    cr_expect(f.ttl == 30, "least of the chain: %u", f.ttl);
}

Test(fcrdns, B23_time_to_live)
{
    static const struct {
        uint32_t ptr, first, second, want;
    } rows[] = {
        {300, 200, 100, 100},
        {100, 200, 300, 100},
        {200, 100, 300, 100},
        {0, 100, 100, 0},
        {100, 100, 0, 0},
        {2147483647, 2147483647, 2147483647, 86400},
        {86401, 86400, 86402, 86400},
        {0x80000000u, 100, 100, 0}, /* RFC 2181 8: top bit set is 0 */
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct addr client = nth_addr(CLIENT);
        struct dname reverse, name[2] = {nth_name(0), nth_name(1)};
        struct answer a;
        struct fcrdns f;
        struct chain c;

        dname_reverse(&reverse, &client);
        start(&packet, &reverse, RR_PTR);
        add_ptr(&packet, rows[i].ptr, &name[0]);
        add_ptr(&packet, 1000000, &name[1]);
        a = finish(&packet, &reverse, RR_PTR);
        fcrdns_start(&f, &client);
        fcrdns_ptr(&f, &a);
        start(&packet, &name[0], RR_A);
        add_addr(&packet, rows[i].first, &client);
        a = finish(&packet, &name[0], RR_A);
        fcrdns_address(&f, 0, &a);
        a = negative(ANSWER_NXDOMAIN, rows[i].second);
        fcrdns_address(&f, 1, &a);
        fcrdns_chain(&f, &c);
        cr_expect(c.ttl == rows[i].want, "%u, %u and %u give %u", rows[i].ptr, rows[i].first,
                  rows[i].second, c.ttl);
    }
}

static void run_shuffled(struct fcrdns *f, unsigned names, const char *letters_by_name)
{
    struct addr client = nth_addr(CLIENT);
    struct dname reverse;
    struct answer a;
    unsigned order[32], i;

    dname_reverse(&reverse, &client);
    start(&packet, &reverse, RR_PTR);
    shuffle(order, names);
    for (i = 0; i < names; i++) {
        struct dname target = nth_name(order[i]);

        add_ptr(&packet, 100 + order[i], &target);
        if (rnd(3) == 0 && packet.count < 60)
            add_ptr(&packet, 100 + order[i], &target);
    }
    a = finish(&packet, &reverse, RR_PTR);
    fcrdns_start(f, &client);
    fcrdns_ptr(f, &a);
    f->published = 0; /* duplicates differ from run to run */
    shuffle(order, f->names);
    for (i = 0; i < f->names; i++)
        feed_letter(f, order[i], letters_by_name[order[i]]);
}

Test(fcrdns, B12_any_order_gives_the_same_chain)
{
    static struct chain first, other;
    unsigned round, again, i;

    for (round = 0; round < 300; round++) {
        unsigned names = 1 + rnd(20);
        char row[FCRDNS_NAMES_MAX];
        struct fcrdns f;

        for (i = 0; i < sizeof row; i++)
            row[i] = letters[rnd(rnd(2) ? 4 : sizeof letters - 1)];
        run_shuffled(&f, names, row);
        fcrdns_chain(&f, &first);
        for (again = 0; again < 4; again++) {
            run_shuffled(&f, names, row);
            fcrdns_chain(&f, &other);
            cr_expect(chain_size(&first) == chain_size(&other) &&
                          memcmp(&first, &other, chain_size(&first)) == 0,
                      "round %u: %.10s with %u names", round, row, names);
        }
    }
}

Test(fcrdns, a_pass_is_final)
{
    unsigned round, i;

    for (round = 0; round < 300; round++) {
        unsigned order[FCRDNS_NAMES_MAX], names = 1 + rnd(FCRDNS_NAMES_MAX);
        struct addr client = nth_addr(CLIENT);
        bool passed = false;
        struct fcrdns f;
        struct chain c;

        fcrdns_start(&f, &client);
        feed_ptr(&f, names);
        shuffle(order, names);
        for (i = 0; i < names; i++) {
            feed_letter(&f, order[i], letters[rnd(sizeof letters - 1)]);
            fcrdns_chain(&f, &c);
            cr_expect(!passed || c.result == F_IPREV_PASS, "round %u", round);
            passed = c.result == F_IPREV_PASS;
        }
    }
}
