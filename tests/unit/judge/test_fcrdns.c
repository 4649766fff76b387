/* Unit tests of fcrdns.c: real DNS messages in, verdicts out.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/facts.h"

Test(fcrdns, B16_B17_B19_B20_B22_verdict_of_forward_answers)
{
    static const struct {
        const char *names; /* one letter each */
        enum finding result, cause;
        uint32_t ttl;
        const char *why;
    } rows[] = {
        {"C", F_IPREV_PASS, F_NONE, 3600, "RFC 8601 3: I is in L"},
        {"EC", F_IPREV_PASS, F_NONE, 3600, "any name may match"},
        {"CT", F_IPREV_PASS, F_NONE, 5, "B19: a match is final, trouble or not"},
        {"SC", F_IPREV_PASS, F_NONE, 5, "B19 the other way round"},
        {"CP", F_IPREV_PASS, F_NONE, 5, "pass before all is answered is soon looked at again"},
        {"BC", F_IPREV_PASS, F_NONE, 5, "B19 with a bogus neighbour"},
        {"NC", F_IPREV_PASS, F_NONE, 3600, "a dead name beside a good one"},
        {"E", F_IPREV_FAIL, F_FORWARD_MISMATCH, 3600, "2.7.3 fail: forward answers disagree"},
        {"EN", F_IPREV_FAIL, F_FORWARD_MISMATCH, 3600, "one has an address, none ours"},
        {"N", F_IPREV_FAIL, F_FORWARD_MISSING, 3600, "2.7.3 fail: NXDOMAIN (B16)"},
        {"D", F_IPREV_FAIL, F_FORWARD_MISSING, 3600, "2.7.3 fail: NODATA (B16)"},
        {"A", F_IPREV_FAIL, F_FORWARD_MISSING, 5, "RFC 1912 2.4: alias to nothing"},
        {"NDA", F_IPREV_FAIL, F_FORWARD_MISSING, 5, "all three kinds of nothing"},
        {"ET", F_IPREV_TEMPERROR, F_DNS_TIMEOUT, 5, "B20: no match, one name temporary"},
        {"S", F_IPREV_TEMPERROR, F_DNS_SERVFAIL, 5, "2.7.3 temperror: RCODE 2 (B17)"},
        {"B", F_IPREV_TEMPERROR, F_DNS_BOGUS, 5, "B22"},
        {"O", F_IPREV_TEMPERROR, F_DNS_OVERLOAD, 5, "work we shed"},
        {"P", F_IPREV_TEMPERROR, F_DNS_TIMEOUT, 5, "unanswered at the deadline"},
        {"OP", F_IPREV_TEMPERROR, F_DNS_TIMEOUT, 5, "timeout before overload"},
        {"OTSB", F_IPREV_TEMPERROR, F_DNS_BOGUS, 5, "bogus before all"},
        {"OTS", F_IPREV_TEMPERROR, F_DNS_SERVFAIL, 5, "servfail before timeout"},
        {"NET", F_IPREV_TEMPERROR, F_DNS_TIMEOUT, 5, "trouble before every fail"},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fcrdns f;
        struct chain c;

        run(&f, rows[i].names);
        fcrdns_chain(&f, &c);
        expect_verdict(&c, rows[i].result, rows[i].cause, rows[i].names);
        cr_expect(c.ttl == rows[i].ttl, "%s (%s): ttl %u, want %u", rows[i].names, rows[i].why,
                  c.ttl, rows[i].ttl);
        cr_expect(fcrdns_complete(&f) == (strchr(rows[i].names, 'P') == NULL), "%s: complete",
                  rows[i].names);
        cr_expect(fcrdns_confirmed(&f) == (strchr(rows[i].names, 'C') != NULL), "%s: confirmed",
                  rows[i].names);
    }
}

/* The promise of fcrdns.h read as three questions, for every row of up to four
 * names. */
Test(fcrdns, every_combination_of_four_names)
{
    unsigned n, k, total, failures = 0;

    for (n = 1; n <= 4; n++) {
        for (total = 1, k = 0; k < n; k++)
            total *= sizeof letters - 1;
        for (k = 0; k < total; k++) {
            char row[5] = "";
            unsigned rest = k, i;
            enum finding want;
            struct fcrdns f;
            struct chain c;

            for (i = 0; i < n; i++, rest /= sizeof letters - 1)
                row[i] = letters[rest % (sizeof letters - 1)];
            want = strchr(row, 'C')        ? F_IPREV_PASS
                   : strpbrk(row, "TSBOP") ? F_IPREV_TEMPERROR
                                           : F_IPREV_FAIL;
            run(&f, row);
            fcrdns_chain(&f, &c);
            failures += c.result != want || c.names != n;
            failures += (c.cause == F_NONE) != (want == F_IPREV_PASS);
            failures += (c.ttl == 5) != (strpbrk(row, "TSBOPA") != NULL);
            failures += want == F_IPREV_FAIL &&
                        (c.cause == F_FORWARD_MISMATCH) != (strchr(row, 'E') != NULL);
        }
    }
    cr_expect(failures == 0, "%u of the rows", failures);
}

Test(fcrdns, B16_B17_verdict_of_ptr_answers)
{
    static const struct {
        enum answer_kind kind;
        enum finding result, cause;
        uint32_t ttl, want_ttl;
        const char *why;
    } rows[] = {
        {ANSWER_NXDOMAIN, F_IPREV_PERMERROR, F_PTR_MISSING, 300, 300, "2.7.3: no PTR"},
        {ANSWER_NODATA, F_IPREV_PERMERROR, F_PTR_MISSING, 300, 300, "2.7.3: no PTR"},
        {ANSWER_ALIAS, F_IPREV_PERMERROR, F_PTR_MISSING, 300, 5, "RFC 2317 alias to nothing"},
        {ANSWER_TIMEOUT, F_IPREV_TEMPERROR, F_DNS_TIMEOUT, 300, 5, "silence"},
        {ANSWER_SERVFAIL, F_IPREV_TEMPERROR, F_DNS_SERVFAIL, 300, 5, "lame servers"},
        {ANSWER_BOGUS, F_IPREV_TEMPERROR, F_DNS_BOGUS, 300, 5, "bad signatures"},
        {ANSWER_OVERLOAD, F_IPREV_TEMPERROR, F_DNS_OVERLOAD, 0, 0, "shed, not kept at all"},
    };
    struct addr client = addr_of("192.0.2.1");
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer a = negative(rows[i].kind, rows[i].ttl);
        struct fcrdns f;
        struct chain c;
        struct dname name;

        fcrdns_start(&f, &client);
        cr_expect(!fcrdns_complete(&f), "%s: complete before the answer", rows[i].why);
        fcrdns_ptr(&f, &a);
        fcrdns_chain(&f, &c);
        expect_verdict(&c, rows[i].result, rows[i].cause, rows[i].why);
        cr_expect(c.ttl == rows[i].want_ttl, "%s: ttl %u", rows[i].why, c.ttl);
        cr_expect(fcrdns_complete(&f) && !fcrdns_confirmed(&f) && c.names == 0 &&
                      c.published == 0 && !chain_name(&c, &name),
                  "%s", rows[i].why);
        cr_expect(addr_equal(&c.client, &client), "%s: client", rows[i].why);
    }
}

Test(fcrdns, B18_silence_is_a_timeout)
{
    struct addr client = addr_of("192.0.2.1");
    struct fcrdns f;
    struct chain c;

    fcrdns_start(&f, &client);
    fcrdns_chain(&f, &c);
    expect_verdict(&c, F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "nothing answered");
    cr_expect(c.ttl == 5);
}

Test(fcrdns, B40_answers_nobody_waits_for)
{
    struct addr client = nth_addr(CLIENT);
    struct answer a = negative(ANSWER_NXDOMAIN, 1), late = negative(ANSWER_TIMEOUT, 5);
    struct fcrdns f;
    struct chain c;

    fcrdns_start(&f, &client);
    fcrdns_address(&f, 0, &a); /* no PTR yet, so no name 0 */
    fcrdns_ptr(&f, &late);
    feed_ptr(&f, 3);
    fcrdns_chain(&f, &c);
    expect_verdict(&c, F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "a second PTR answer is ignored");
    cr_expect(c.names == 0 && c.ttl == 5);

    run(&f, "CE");
    fcrdns_address(&f, 0, &a);
    fcrdns_address(&f, 1, &a);
    fcrdns_address(&f, 2, &a);
    fcrdns_address(&f, UINT32_MAX, &a);
    feed_letter(&f, 1, 'C');
    fcrdns_chain(&f, &c);
    expect_verdict(&c, F_IPREV_PASS, F_NONE, "a second answer for a name is ignored");
    cr_expect(c.ttl == long_ttl, "an ignored answer has no say in the ttl");
    cr_expect(f.name[1].state == NAME_ELSEWHERE);
}

/* What is asked next is what fcrdns_ptr took; whatever DNS says, only host names are. */
Test(fcrdns, B37_only_host_names_are_asked)
{
    static const char octets[] = "ab.-_\0\r\n\33\377( \"%/";
    struct addr client = nth_addr(CLIENT);
    struct dname reverse;
    unsigned round, taken = 0, refused = 0;

    dname_reverse(&reverse, &client);
    for (round = 0; round < 2000; round++) {
        struct fcrdns f;
        struct answer a;
        unsigned i, k;

        fcrdns_start(&f, &client);
        start(&packet, &reverse, RR_PTR);
        for (i = 0; i < 5; i++) {
            uint8_t wire[16] = {3};

            for (k = 1; k < 4; k++)
                wire[k] = (uint8_t)octets[rnd(rnd(3) ? 2 : sizeof octets - 1)];
            memcpy(wire + 4,
                   rnd(8) ? "\2ex\3net"
                          : "\2ex\3"
                            "123",
                   8);
            add(&packet, RR_PTR, 60, wire, 12);
        }
        a = finish(&packet, &reverse, RR_PTR);
        fcrdns_ptr(&f, &a);
        for (i = 0; i < f.names; i++)
            cr_assert(dname_is_host(&f.name[i].name), "round %u, name %u", round, i);
        taken += f.names;
        refused += f.names == 0;
    }
    cr_expect(taken > 1000 && refused > 10, "%u taken, %u without any", taken, refused);
}

/* PTR targets by their wire form. */
Test(fcrdns, B1_B2_B3_B4_B5_B8_B9_names_that_are_no_host)
{
    static const struct {
        const char *wire;
        size_t n;
        bool usable;
        const char *why;
    } rows[] = {
        {"\0", 1, false, "B8 root"},
        {"\4mail\0", 6, false, "B9 one label"},
        {"\3com\0", 5, false, "B9 top level only"},
        {"\11localhost\0", 11, false, "B25 localhost"},
        {"\7a\r\nb: c\7example\3net\0", 21, false, "B1 CR LF"},
        {"\3a\0b\7example\3net\0", 17, false, "B2 NUL"},
        {"\3a(b\7example\3net\0", 17, false, "B3 parenthesis"},
        {"\3a b\7example\3net\0", 17, false, "B3 blank"},
        {"\3a;b\7example\3net\0", 17, false, "B3 semicolon"},
        {"\11a.example\3net\0", 15, false, "B4 a dot inside a label"},
        {"\3\377\200\33\7example\3net\0", 17, false, "B5 high octets and ESC"},
        {"\3192\1\060\0012\0011\0", 11, false, "an address is no name"},
        {"\3a_b\7example\3net\0", 17, true, "B35 underscore"},
        {"\3A-b\7EXAMPLE\3net\0", 17, true, "B32 any case"},
    };
    struct addr client = nth_addr(CLIENT);
    struct dname reverse;
    size_t i;

    dname_reverse(&reverse, &client);
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fcrdns f;
        struct chain c;
        struct answer a;

        start(&packet, &reverse, RR_PTR);
        add(&packet, RR_PTR, 60, rows[i].wire, rows[i].n);
        a = finish(&packet, &reverse, RR_PTR);
        fcrdns_start(&f, &client);
        fcrdns_ptr(&f, &a);
        cr_expect(f.names == rows[i].usable, "%s: %u names", rows[i].why, f.names);
        cr_expect(f.published == 1, "%s: %u published", rows[i].why, f.published);
        if (rows[i].usable)
            continue;
        cr_expect(fcrdns_complete(&f), "%s: nothing to ask", rows[i].why);
        fcrdns_chain(&f, &c);
        expect_verdict(&c, F_IPREV_FAIL, F_PTR_INVALID, rows[i].why);
        cr_expect(c.ttl == 60, "%s: ttl", rows[i].why);
    }
}

Test(fcrdns, B7_B38_records_of_the_wrong_form)
{
    struct addr client = nth_addr(CLIENT), other = nth_addr(1);
    struct dname reverse, name = nth_name(0);
    struct answer a;
    struct fcrdns f;
    struct chain c;

    dname_reverse(&reverse, &client);
    start(&packet, &reverse, RR_PTR);
    add(&packet, RR_PTR, 60, "\1a\7example\3net\0junk", 19); /* longer than the name */
    add(&packet, RR_PTR, 60, "\1a\7exam", 6);                /* shorter */
    a = finish(&packet, &reverse, RR_PTR);
    fcrdns_start(&f, &client);
    fcrdns_ptr(&f, &a);
    fcrdns_chain(&f, &c);
    expect_verdict(&c, F_IPREV_FAIL, F_PTR_INVALID, "B7: only damaged PTR records");
    cr_expect(c.published == 2, "they are counted: %u", c.published);

    start(&packet, &name, RR_A);
    add(&packet, RR_A, 60, client.bytes, 3);
    add(&packet, RR_A, 60, client.bytes, 5);
    a = finish(&packet, &name, RR_A);
    cr_expect(fcrdns_match(&a, &client) == NAME_NOWHERE, "B38: no readable address is none");
    add_addr(&packet, 60, &other);
    a = finish(&packet, &name, RR_A);
    cr_expect(fcrdns_match(&a, &client) == NAME_ELSEWHERE);
    add_addr(&packet, 60, &client);
    a = finish(&packet, &name, RR_A);
    cr_expect(fcrdns_match(&a, &client) == NAME_CONFIRMED);
}

Test(fcrdns, B25_B26_only_the_very_address_counts)
{
    static const struct {
        const char *client, *answer;
        enum name_state want;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", NAME_CONFIRMED},
        {"192.0.2.1", "127.0.0.1", NAME_ELSEWHERE},
        {"192.0.2.1", "10.0.0.1", NAME_ELSEWHERE},
        {"192.0.2.1", "0.0.0.0", NAME_ELSEWHERE},
        {"192.0.2.1", "192.0.2.2", NAME_ELSEWHERE},
        {"192.0.2.1", "2.0.192.1", NAME_ELSEWHERE},
        {"2001:db8::1", "2001:db8::1", NAME_CONFIRMED},
        {"2001:db8::1", "2001:db8::2", NAME_ELSEWHERE},
        {"2001:db8::1", "::1", NAME_ELSEWHERE},
        {"::c000:201", "192.0.2.1", NAME_ELSEWHERE}, /* families differ */
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct addr client = addr_of(rows[i].client), other = addr_of(rows[i].answer);
        struct dname name = nth_name(0);
        enum rrtype type = other.family == ADDR_IPV6 ? RR_AAAA : RR_A;
        struct answer a;

        start(&packet, &name, type);
        add_addr(&packet, 60, &other);
        a = finish(&packet, &name, type);
        cr_expect(fcrdns_match(&a, &client) == rows[i].want, "%s and %s", rows[i].client,
                  rows[i].answer);
    }
}

Test(fcrdns, question_type_by_family)
{
    struct addr v4 = addr_of("192.0.2.1"), v6 = addr_of("2001:db8::1");
    struct addr mapped = addr_of("::ffff:192.0.2.1");

    cr_expect(fcrdns_type(&v4) == RR_A);
    cr_expect(fcrdns_type(&v6) == RR_AAAA);
    cr_expect(fcrdns_type(&mapped) == RR_A, "A19: unwrapped once, IPv4 from then on");
}

Test(fcrdns, secure_needs_ptr_and_the_confirming_name)
{
    unsigned bits;

    for (bits = 0; bits < 16; bits++) {
        bool ptr = bits & 1, first = bits & 2, second = bits & 4, second_matches = bits & 8;
        struct addr client = nth_addr(CLIENT);
        struct dname reverse, name[2] = {nth_name(0), nth_name(1)};
        struct answer a;
        struct fcrdns f;
        struct chain c;

        dname_reverse(&reverse, &client);
        start(&packet, &reverse, RR_PTR);
        add_ptr(&packet, 60, &name[0]);
        add_ptr(&packet, 60, &name[1]);
        a = finish(&packet, &reverse, RR_PTR);
        a.secure = ptr;
        fcrdns_start(&f, &client);
        fcrdns_ptr(&f, &a);
        a = addresses(&name[0], CLIENT, CLIENT + 1, false);
        a.secure = first;
        fcrdns_address(&f, 0, &a);
        a = addresses(&name[1], second_matches ? CLIENT : 0, CLIENT + second_matches, false);
        a.secure = second;
        fcrdns_address(&f, 1, &a);
        fcrdns_chain(&f, &c);
        cr_expect(c.secure == (ptr && (first || (second && second_matches))), "case %u", bits);
        cr_expect(c.result == F_IPREV_PASS, "case %u", bits);
    }
}

/* Feeds the same facts in a random order of records and answers. */
/* A wrong answer must not be able to take a right one back. */
/* 63.63.63.61 and its like: 255 octets, told apart by the first letter. */
static struct dname longest(char first)
{
    uint8_t wire[255];
    struct dname d;

    memset(wire, 'x', sizeof wire);
    wire[0] = wire[64] = wire[128] = 63;
    wire[192] = 61;
    wire[254] = 0;
    wire[1] = (uint8_t)first;
    cr_assert(dname_from_wire(&d, wire, sizeof wire));
    return d;
}

Test(fcrdns, B6_longest_names_fit_the_chain)
{
    struct addr client = nth_addr(CLIENT);
    struct dname reverse, name, found;
    enum name_state state;
    struct answer a;
    struct fcrdns f;
    static struct chain c, copy;
    size_t cursor = 0;
    char first;

    dname_reverse(&reverse, &client);
    start(&packet, &reverse, RR_PTR);
    for (first = 'j'; first >= 'a'; first--) {
        name = longest(first);
        add_ptr(&packet, 60, &name);
    }
    a = finish(&packet, &reverse, RR_PTR);
    fcrdns_start(&f, &client);
    fcrdns_ptr(&f, &a);
    feed_letter(&f, 3, 'C');
    fcrdns_chain(&f, &c);
    cr_expect(c.packed_len == CHAIN_PACKED_MAX && chain_size(&c) <= sizeof c);
    memset(&copy, 0xaa, sizeof copy);
    memcpy(&copy, &c, chain_size(&c));
    for (first = 'a'; first <= 'j'; first++) {
        cr_assert(chain_next(&copy, &cursor, &found, &state), "%c", first);
        name = longest(first);
        cr_expect(dname_equal(&found, &name), "%c", first);
        cr_expect(state == (first == 'd' ? NAME_CONFIRMED : NAME_PENDING), "%c", first);
    }
    cr_expect(!chain_next(&copy, &cursor, &found, &state), "ten and no more");
    name = longest('d');
    cr_expect(chain_name(&copy, &found) && dname_equal(&found, &name));
}

Test(fcrdns, chain_is_a_whole_by_its_size)
{
    static const struct {
        const char *names;
        unsigned shown; /* the number of the name to show */
    } rows[] = {{"E", 0}, {"EE", 0}, {"EC", 1}, {"CC", 0}, {"TEC", 2}, {"PCC", 1}, {"NNN", 0}};
    static const uint8_t zero[64];
    static struct chain c, copy;
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dname want = nth_name(rows[i].shown), stranger = name_of("other.example.net"), name;
        enum name_state state;
        struct fcrdns f;

        run(&f, rows[i].names);
        fcrdns_chain(&f, &c);
        cr_expect(chain_size(&c) < 64 * 8, "no more octets than needed");
        memset(&copy, 0xff, sizeof copy);
        memcpy(&copy, &c, chain_size(&c));
        cr_expect(chain_name(&copy, &name) && dname_equal(&name, &want), "%s", rows[i].names);
        cr_expect(chain_find(&copy, &want, &state) &&
                      state == (enum name_state)f.name[rows[i].shown].state,
                  "%s", rows[i].names);
        cr_expect(!chain_find(&copy, &stranger, &state), "%s", rows[i].names);
        cr_expect(memcmp(c.packed + c.packed_len, zero, sizeof zero) == 0, "rest is zero");
    }
}

Test(fcrdns, chain_of_an_unknown_client)
{
    static const enum finding causes[] = {F_DNS_TIMEOUT, F_DNS_SERVFAIL, F_DNS_BOGUS,
                                          F_DNS_OVERLOAD};
    struct addr client = addr_of("2001:db8::1");
    size_t i;

    for (i = 0; i < 4; i++) {
        struct dname name;
        struct chain c;

        memset(&c, 0xff, sizeof c);
        chain_temperror(&c, &client, causes[i]);
        expect_verdict(&c, F_IPREV_TEMPERROR, causes[i], "chain_temperror");
        cr_expect(addr_equal(&c.client, &client) && c.names == 0 && c.ttl == 5 && !c.secure);
        cr_expect(!chain_name(&c, &name));
    }
}

/* What a chain from a damaged memory could hold must not be read past. */
Test(fcrdns, chain_walk_stays_inside)
{
    struct chain c;
    struct dname name;
    enum name_state state;
    size_t cursor = 0;
    struct addr client = addr_of("192.0.2.1");

    chain_temperror(&c, &client, F_DNS_TIMEOUT);
    c.packed[0] = NAME_CONFIRMED;
    c.packed[1] = 200;
    c.packed_len = 10;
    cr_expect(!chain_next(&c, &cursor, &name, &state));
    c.packed_len = 1;
    cr_expect(!chain_next(&c, &cursor, &name, &state));
    memcpy(c.packed + 1, "\5\3com", 6);
    c.packed_len = 6;
    cr_expect(!chain_next(&c, &cursor, &name, &state), "one octet short");
    c.packed_len = 7;
    cr_expect(chain_next(&c, &cursor, &name, &state) && cursor == 7 && name.len == 5);
}
