/* addr: strict reading, RFC 5952 writing, networks, ranges.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/values.h"

static struct addr parsed(const char *s)
{
    struct addr a;

    cr_assert(addr_parse(&a, s, strlen(s)), "%s", s);
    return a;
}

static struct addr_net parsed_net(const char *s)
{
    struct addr_net net;

    cr_assert(addr_net_parse(&net, s, strlen(s)), "%s", s);
    return net;
}

/* Good text and its one written form (RFC 5952 4 and 5). */
static const struct {
    const char *input;
    enum addr_family family;
    const char *output;
} good[] = {
    {"0.0.0.0", ADDR_IPV4, "0.0.0.0"},
    {"192.0.2.1", ADDR_IPV4, "192.0.2.1"},
    {"255.255.255.255", ADDR_IPV4, "255.255.255.255"},
    {"10.20.100.9", ADDR_IPV4, "10.20.100.9"},
    {"::", ADDR_IPV6, "::"},
    {"::1", ADDR_IPV6, "::1"},
    {"1::", ADDR_IPV6, "1::"},
    {"2001:db8::1", ADDR_IPV6, "2001:db8::1"},
    {"2001:DB8::ABCD", ADDR_IPV6, "2001:db8::abcd"},            /* 4.3: lower case */
    {"2001:0db8::0001", ADDR_IPV6, "2001:db8::1"},              /* 4.1: no leading zeros */
    {"2001:db8:0:0:0:0:2:1", ADDR_IPV6, "2001:db8::2:1"},       /* 4.2.1: as much as possible */
    {"2001:db8::1:1:1:1:1", ADDR_IPV6, "2001:db8:0:1:1:1:1:1"}, /* 4.2.2: not for one group */
    {"2001:0:0:1:0:0:0:1", ADDR_IPV6, "2001:0:0:1::1"},         /* 4.2.3: the longest run */
    {"2001:db8:0:0:1:0:0:1", ADDR_IPV6, "2001:db8::1:0:0:1"},   /* 4.2.3: the first of equals */
    {"1:2:3:4:5:6:7:8", ADDR_IPV6, "1:2:3:4:5:6:7:8"},
    {"1:2:3:4:5:6:7::", ADDR_IPV6, "1:2:3:4:5:6:7:0"},
    {"::2:3:4:5:6:7:8", ADDR_IPV6, "0:2:3:4:5:6:7:8"},
    {"1:2:3:4:5:6::", ADDR_IPV6, "1:2:3:4:5:6::"},
    {"::3:4:5:6:7:8", ADDR_IPV6, "::3:4:5:6:7:8"},
    {"1:0:0:4::", ADDR_IPV6, "1:0:0:4::"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDR_IPV6,
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"64:ff9b::192.0.2.33", ADDR_IPV6, "64:ff9b::c000:221"}, /* RFC 4291 2.2, form 3 */
    {"1:2:3:4:5:6:1.2.3.4", ADDR_IPV6, "1:2:3:4:5:6:102:304"},
    {"::192.0.2.1", ADDR_IPV6, "::c000:201"}, /* compatible, not mapped */
    {"::fffe:192.0.2.1", ADDR_IPV6, "::fffe:c000:201"},
    {"::ffff:0:192.0.2.1", ADDR_IPV6, "::ffff:0:c000:201"}, /* SIIT, not mapped */
    {"1::ffff:192.0.2.1", ADDR_IPV6, "1::ffff:c000:201"},
};

Test(addr, parse_and_put)
{
    size_t i;

    for (i = 0; i < ROWS(good); i++) {
        struct addr a;

        cr_expect(addr_parse(&a, good[i].input, strlen(good[i].input)), "%s", good[i].input);
        cr_expect_eq(a.family, good[i].family, "%s", good[i].input);
        cr_expect_str_eq(ADDR_TEXT(&a), good[i].output, "%s became %s", good[i].input,
                         ADDR_TEXT(&a));
    }
}

/* A19: however a mapped address is written, it is IPv4 from then on. */
Test(addr, A19_mapped_is_unwrapped_once)
{
    static const char *const rows[] = {
        "::ffff:192.0.2.1",         "::FFFF:192.0.2.1",
        "::ffff:c000:201",          "0:0:0:0:0:ffff:192.0.2.1",
        "0:0:0:0:0:FFFF:C000:0201", "0000:0000:0000:0000:0000:ffff:c000:0201",
        "::0:ffff:192.0.2.1",
    };
    static const uint8_t bytes[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
    struct addr plain = parsed("192.0.2.1");
    struct addr a = addr_from_bytes(ADDR_IPV6, bytes);
    size_t i;

    cr_expect(addr_equal(&a, &plain), "from octets");
    for (i = 0; i < ROWS(rows); i++) {
        a = parsed(rows[i]);
        cr_expect(addr_equal(&a, &plain), "%s", rows[i]);
        cr_expect_eq(addr_hash(&a, &hash_fixed), addr_hash(&plain, &hash_fixed), "%s", rows[i]);
        cr_expect_str_eq(ADDR_TEXT(&a), "192.0.2.1", "%s", rows[i]);
    }
    a = addr_from_bytes(ADDR_NONE, bytes);
    cr_expect_eq(a.family, ADDR_NONE);
}

/* A8 (literal grammar), D5 (what a C library would take for an address). */
/* Separated by blanks. */
static const char bad[] =
    "1 127.1 0x7f.1 0x7f.0.0.1 2130706433 1.2.3 1.2.3. 1.2.3.4. 1.2.3.4.5 .1.2.3.4 "
    "1..2.3 01.2.3.4 1.2.3.04 1.2.3.00 1.2.3.256 1.2.3.1000 1.2.3.4294967297 1.2.3.-4 "
    "1.2.3.+4 1.2.3.4/32 1.2.3.a [1.2.3.4] mail.example.com : ::: :1 1: 1:2:3:4:5:6:7 "
    "1:2:3:4:5:6:7:8:9 1:2:3:4:5:6:7:8: :1:2:3:4:5:6:7:8 1:2:3:4:5:6:7:8:: "
    "::1:2:3:4:5:6:7:8 1:2:3:4::5:6:7:8 1::2::3 1:::2 ::12345 ::00001 ::g ::-1 "
    "fe80::1%eth0 fe80::1%1 [::1] IPv6:::1 ::1/128 ::1.2.3 ::1.2.3.4.5 ::1.2.3.256 "
    "::01.2.3.4 ::1.2.3.4:5 1.2.3.4:: 1.2.3.4:5:6:7:8:9:a 1:2:3:4:5:6:7:1.2.3.4 "
    "1:2:3:4:5:1.2.3.4 1:2:3:4:5:6::1.2.3.4 ::0x1 \xd9\xa1.2.3.4 "
    "0000:0000:0000:0000:0000:0000:255.255.255.2555";

static void expect_refused(const char *s, size_t n)
{
    struct addr a = {.family = ADDR_IPV4, .bytes = {1}};

    cr_expect(!addr_parse(&a, s, n), "\"%.*s\"", (int)n, s);
    cr_expect_eq(a.family, ADDR_NONE, "\"%.*s\"", (int)n, s);
    cr_expect_str_eq(ADDR_TEXT(&a), "-");
}

Test(addr, parse_A8_D5_refuses_everything_else)
{
    static const char *const blank[] = {"",          " ",    " 1.2.3.4", "1.2.3.4 ",
                                        "1.2.3.4\n", "::1 ", " ::1"};
    const char *s = bad;
    size_t i;

    while (*s) {
        size_t n = strcspn(s, " ");

        expect_refused(s, n);
        s += n + strspn(s + n, " ");
    }
    for (i = 0; i < ROWS(blank); i++)
        expect_refused(blank[i], strlen(blank[i]));
}

Test(addr, A8_length_counts)
{
    char text[4096];
    struct addr a;

    cr_expect(!addr_parse(&a, "1.2.3.4\0", 8), "a NUL is an octet like others");
    cr_expect(!addr_parse(&a, "1.2.3.4\0x", 9));
    cr_expect(!addr_parse(&a, "::1\0", 4));
    cr_expect(addr_parse(&a, "1.2.3.45", 7) && a.bytes[3] == 4, "the length counts");
    memset(text, '1', sizeof(text));
    cr_expect(!addr_parse(&a, text, sizeof(text)));
    memset(text, ':', sizeof(text));
    cr_expect(!addr_parse(&a, text, sizeof(text)));
    /* The longest text of all: 45 octets. */
    cr_expect(addr_parse(&a, "0000:0000:0000:0000:0000:ffff:255.255.255.255", 45));
    cr_expect_str_eq(ADDR_TEXT(&a), "255.255.255.255");
}

Test(addr, property_put_then_parse)
{
    unsigned i;

    random_state = 11;
    for (i = 0; i < 100000; i++) {
        uint8_t bytes[16];
        struct addr a;
        struct addr b;
        unsigned k;
        uint64_t zero = i % 3 ? next_random() : 0; /* groups made zero, for `::` */

        for (k = 0; k < 16; k++)
            bytes[k] = zero >> (k / 2) & 1 ? 0 : (uint8_t)(next_random() >> (zero >> k % 8 & 7));
        a = addr_from_bytes(i % 2 ? ADDR_IPV4 : ADDR_IPV6, bytes);
        if (!addr_parse(&b, ADDR_TEXT(&a), strlen(ADDR_TEXT(&a))) || !addr_equal(&a, &b))
            cr_assert_fail("%s", ADDR_TEXT(&a));
    }
}

/* The system's strict parser is a second opinion on any text. */
Test(addr, property_agrees_with_inet_pton)
{
    static const char alphabet[] = "0123456789abcdefF::::....1";
    unsigned accepted = 0;
    unsigned i;

    random_state = 12;
    for (i = 0; i < 400000; i++) {
        char text[64] = "";
        uint8_t bytes[16];
        struct addr a;
        struct addr b = {.family = ADDR_NONE};
        size_t n;

        if (i % 2) { /* a good text with one octet changed, cut or added */
            const char *seed = good[next_random() % (ROWS(good))].input;

            n = strlen(seed);
            memcpy(text, seed, n);
            text[next_random() % (n + 1)] = alphabet[next_random() % (sizeof(alphabet) - 1)];
            n = strlen(text);
        } else {
            for (n = 0; n < 2 + next_random() % 12; n++)
                text[n] = alphabet[next_random() % (sizeof(alphabet) - 1)];
        }
        if (inet_pton(AF_INET, text, bytes) == 1)
            b = addr_from_bytes(ADDR_IPV4, bytes);
        else if (inet_pton(AF_INET6, text, bytes) == 1)
            b = addr_from_bytes(ADDR_IPV6, bytes);
        addr_parse(&a, text, n);
        accepted += a.family != ADDR_NONE;
        if (!addr_equal(&a, &b))
            cr_assert_fail("\"%s\": %u here, %u there", text, a.family, b.family);
    }
    cr_expect_gt(accepted, 10000u, "too few good texts to mean anything: %u", accepted);
}

static const struct {
    const char *input;
    const char *output; /* NULL: refused */
} net_rows[] = {
    {"192.0.2.1", "192.0.2.1/32"},
    {"192.0.2.0/24", "192.0.2.0/24"},
    {"0.0.0.0/0", "0.0.0.0/0"},
    {"128.0.0.0/1", "128.0.0.0/1"},
    {"192.0.2.254/31", "192.0.2.254/31"},
    {"2001:db8::1", "2001:db8::1/128"},
    {"2001:db8::/32", "2001:db8::/32"},
    {"2001:db8:8000::/33", "2001:db8:8000::/33"},
    {"::/0", "::/0"},
    {"::1/128", "::1/128"},
    {"::ffff:0:0/96", "0.0.0.0/0"},
    {"::ffff:192.0.2.0/120", "192.0.2.0/24"},
    {"::ffff:192.0.2.1", "192.0.2.1/32"},
    {"::ffff:192.0.2.1/128", "192.0.2.1/32"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"},
    {"192.0.2.1/24", NULL}, /* host bits */
    {"192.0.2.1/31", NULL},
    {"128.0.0.0/0", NULL},
    {"2001:db8::1/64", NULL},
    {"2001:db8:8000::/32", NULL},
    {"::ffff:192.0.2.1/120", NULL},
    {"::ffff:0:0/95", NULL}, /* would end inside ffff */
    {"::ffff:0:0/0", NULL},
    {"::ffff:192.0.2.0/24", NULL},
    {"192.0.2.0/33", NULL},
    {"2001:db8::/129", NULL},
    {"2001:db8::/256", NULL},
    {"192.0.2.0/", NULL},
    {"192.0.2.0/024", NULL},
    {"192.0.2.0/00", NULL},
    {"192.0.2.0/-1", NULL},
    {"192.0.2.0/+24", NULL},
    {"192.0.2.0/ 24", NULL},
    {"192.0.2.0/24 ", NULL},
    {"192.0.2.0/24/24", NULL},
    {"192.0.2.0/4294967320", NULL},
    {"192.0.2.0/255.255.255.0", NULL},
    {"192.0.2/24", NULL},
    {"/24", NULL},
    {"/", NULL},
    {"", NULL},
    {"example.com/24", NULL},
};

Test(addr, net_parse_and_put)
{
    size_t i;

    for (i = 0; i < ROWS(net_rows); i++) {
        char text[ADDR_NET_TEXT_MAX];
        struct addr_net net = {.bits = 7};
        struct sbuf sb;
        bool ok = addr_net_parse(&net, net_rows[i].input, strlen(net_rows[i].input));

        sbuf_init(&sb, text, sizeof(text));
        addr_net_put(&sb, &net);
        cr_expect_eq(ok, net_rows[i].output != NULL, "%s", net_rows[i].input);
        cr_expect_str_eq(text, ok ? net_rows[i].output : "-", "%s became %s", net_rows[i].input,
                         text);
        cr_expect(!sb.overflow, "%s", net_rows[i].input);
    }
}

Test(addr, in_net)
{
    static const struct {
        const char *addr;
        const char *net;
        bool inside;
    } rows[] = {
        {"192.0.2.1", "192.0.2.0/24", true},
        {"192.0.3.0", "192.0.2.0/24", false},
        {"192.0.2.255", "192.0.2.0/24", true},
        {"192.0.1.255", "192.0.2.0/24", false},
        {"10.1.2.3", "0.0.0.0/0", true},
        {"10.1.2.3", "::/0", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.0", "192.0.2.1", false},
        {"192.0.2.127", "192.0.2.0/25", true},
        {"192.0.2.128", "192.0.2.0/25", false},
        {"2001:db8::5", "2001:db8::/32", true},
        {"2001:db9::5", "2001:db8::/32", false},
        {"2001:db8:7fff::", "2001:db8::/33", true},
        {"2001:db8:8000::", "2001:db8::/33", false},
        {"::1", "::1/128", true},
        {"::2", "::1/128", false},
        {"::1", "::/0", true},
        {"::ffff:192.0.2.9", "192.0.2.0/24", true},
        {"192.0.2.9", "::ffff:192.0.2.0/120", true},
        {"0.0.0.0", "::/128", false},
    };
    struct addr none = {.family = ADDR_NONE};
    struct addr_net no_net = {.bits = 0};
    struct addr_net all = parsed_net("0.0.0.0/0");
    size_t i;

    for (i = 0; i < ROWS(rows); i++) {
        struct addr a = parsed(rows[i].addr);
        struct addr_net net = parsed_net(rows[i].net);

        cr_expect_eq(addr_in_net(&a, &net), rows[i].inside, "%s in %s", rows[i].addr, rows[i].net);
    }
    cr_expect(!addr_in_net(&none, &all), "no address is in no network");
    cr_expect(!addr_in_net(&none, &no_net));
}

/* B26, B30: both edges of every range. */
static const struct {
    const char *s;
    bool loopback;
    bool private;
} range_rows[] = {
    {"0.0.0.0", false, true},
    {"0.255.255.255", false, true},
    {"1.0.0.0", false, false},
    {"9.255.255.255", false, false},
    {"10.0.0.0", false, true},
    {"10.255.255.255", false, true},
    {"11.0.0.0", false, false},
    {"100.63.255.255", false, false},
    {"100.64.0.0", false, true},
    {"100.127.255.255", false, true},
    {"100.128.0.0", false, false},
    {"126.255.255.255", false, false},
    {"127.0.0.0", true, true},
    {"127.255.255.255", true, true},
    {"128.0.0.0", false, false},
    {"169.253.255.255", false, false},
    {"169.254.0.0", false, true},
    {"169.254.255.255", false, true},
    {"169.255.0.0", false, false},
    {"172.15.255.255", false, false},
    {"172.16.0.0", false, true},
    {"172.31.255.255", false, true},
    {"172.32.0.0", false, false},
    {"192.167.255.255", false, false},
    {"192.168.0.0", false, true},
    {"192.168.255.255", false, true},
    {"192.169.0.0", false, false},
    {"223.255.255.255", false, false},
    {"224.0.0.0", false, true},
    {"240.0.0.1", false, true},
    {"255.255.255.255", false, true},
    {"192.0.2.1", false, false},
    {"198.51.100.1", false, false},
    {"203.0.113.1", false, false},
    {"::", false, true},
    {"::1", true, true},
    {"::2", false, false},
    {"::7f00:1", false, false},
    {"::ffff:127.0.0.1", true, true},
    {"::ffff:10.0.0.1", false, true},
    {"2001:db8::1", false, false},
    {"fbff::", false, false},
    {"fc00::", false, true},
    {"fdff:ffff::1", false, true},
    {"fe00::", false, false},
    {"fe7f:ffff::", false, false},
    {"fe80::1", false, true},
    {"febf:ffff::", false, true},
    {"fec0::", false, false},
    {"feff::", false, false},
    {"ff00::", false, true},
    {"ffff::", false, true},
};

Test(addr, ranges_B26_B30)
{
    struct addr none = {.family = ADDR_NONE};
    size_t i;

    for (i = 0; i < ROWS(range_rows); i++) {
        struct addr a = parsed(range_rows[i].s);

        cr_expect_eq(addr_is_loopback(&a), range_rows[i].loopback, "%s", range_rows[i].s);
        cr_expect_eq(addr_is_private(&a), range_rows[i].private, "%s", range_rows[i].s);
    }
    cr_expect(!addr_is_loopback(&none) && !addr_is_private(&none), "unknown is not local");
}

/* Each address is greater than the one before it. */
Test(addr, compare_is_a_total_order)
{
    static const char *const rows[] = {"0.0.0.0",   "1.2.3.4",   "1.2.3.5", "127.255.0.0",
                                       "128.0.0.0", "255.0.0.0", "::",      "::1",
                                       "1::",       "8000::",    "ffff::"};
    size_t i;
    size_t k;

    for (i = 0; i < ROWS(rows); i++)
        for (k = 0; k < ROWS(rows); k++) {
            struct addr a = parsed(rows[i]);
            struct addr b = parsed(rows[k]);
            int order = addr_compare(&a, &b);

            cr_expect_eq((order > 0) - (order < 0), (i > k) - (i < k), "%s and %s", rows[i],
                         rows[k]);
            cr_expect_eq(addr_equal(&a, &b), i == k, "%s and %s", rows[i], rows[k]);
        }
}

Test(addr, hash_is_fixed_and_spread)
{
    enum { BUCKETS = 64, COUNT = 65536 };
    unsigned low[BUCKETS] = {0};
    unsigned high[BUCKETS] = {0};
    struct addr v4 = parsed("0.0.0.0");
    struct addr v6 = parsed("::");
    unsigned i;

    cr_expect_neq(addr_hash(&v4, &hash_fixed), addr_hash(&v6, &hash_fixed), "the family counts");
    v4 = parsed("192.0.2.1");
    v6 = parsed("2001:db8::1");
    /* `percent` of a rule rests on these: they may never change. */
    cr_expect_eq(addr_hash(&v4, &hash_fixed), 0x0d975aa7e2816b25u, "%#llx",
                 (unsigned long long)addr_hash(&v4, &hash_fixed));
    cr_expect_eq(addr_hash(&v6, &hash_fixed), 0x7183ba02d203572du, "%#llx",
                 (unsigned long long)addr_hash(&v6, &hash_fixed));
    for (i = 0; i < COUNT; i++) {
        uint64_t h;

        v4.bytes[2] = (uint8_t)(i >> 8);
        v4.bytes[3] = (uint8_t)i;
        h = addr_hash(&v4, &hash_fixed);
        low[h % BUCKETS]++;
        high[h >> 58]++;
    }
    for (i = 0; i < BUCKETS; i++) {
        cr_expect(low[i] > 850 && low[i] < 1200, "low bits, bucket %u: %u", i, low[i]);
        cr_expect(high[i] > 850 && high[i] < 1200, "high bits, bucket %u: %u", i, high[i]);
    }
}
