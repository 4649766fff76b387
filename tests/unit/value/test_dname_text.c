/* dname: the text forms, and properties that hold for any name.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/values.h"
#include "value/ascii.h"

/* Every octet, alone in a label: a host name octet exactly when it is in the
 * list, and visible as itself exactly then, but for the slash of RFC 2317. */
Test(dname, octets_by_table)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    unsigned c;

    for (c = 0; c < 256; c++) {
        const uint8_t wire[] = {1, (uint8_t)c, 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};
        bool expected = c != 0 && strchr(allowed, (int)c) != NULL;
        size_t shown = expected || c == '/' ? 9 : 12;
        struct dname d;
        const char *p;

        cr_assert(dname_from_wire(&d, wire, sizeof(wire)));
        cr_expect_eq(dname_is_host(&d), expected, "octet %u", c);
        cr_expect_eq(strlen(text_of(&d, dname_put_visible)), shown, "octet %u", c);
        for (p = text_of(&d, dname_put_visible); *p; p++)
            cr_expect(*p > 0x20 && *p < 0x7f, "octet %u", c);
    }
}

/* Every octet of a text: one that a label may contain, in lower case, or none. */
Test(dname, text_octets_by_table)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    unsigned c;

    for (c = 0; c < 256; c++) {
        const char text[] = {(char)c, '.', 'a'};
        bool expected = c != 0 && strchr(allowed, (int)c) != NULL;
        struct dname d;

        cr_expect_eq(dname_from_text(&d, text, sizeof(text)), expected, "octet %u", c);
        cr_expect_eq(d.wire[1], expected ? ascii_lower((uint8_t)c) : 0, "octet %u", c);
    }
}

Test(dname, put_forms_B6_fits)
{
    struct dname root = WIRE("");
    struct dname host = WIRE("\4mail\7example\3com");
    struct dname odd = longest(0xff);
    struct dname plain = longest('a');

    cr_expect_str_eq(text_of(&root, dname_put), "-");
    cr_expect_str_eq(text_of(&root, dname_put_visible), ".");
    cr_expect_str_eq(text_of(&root, dname_put_query), ".");
    cr_expect_str_eq(text_of(&host, dname_put), "mail.example.com");
    cr_expect_str_eq(text_of(&host, dname_put_visible), "mail.example.com");
    cr_expect_str_eq(text_of(&host, dname_put_query), "mail.example.com.");
    cr_expect_eq(strlen(text_of(&plain, dname_put)), DNAME_TEXT_MAX - 1u);
    cr_expect_eq(strlen(text_of(&odd, dname_put_visible)), 1003u);
    cr_expect_eq(strlen(text_of(&odd, dname_put_query)), 1004u);
    cr_expect_str_eq(text_of(&odd, dname_put), "-");
}

static unsigned decimal(const char *s)
{
    return (unsigned)(s[0] - '0') * 100 + (unsigned)(s[1] - '0') * 10 + (unsigned)(s[2] - '0');
}

/* RFC 1035 5.1 text with \DDD and a final dot, back into wire form. */
static struct dname unescaped(const char *s)
{
    struct dname d = {.len = 1};
    uint8_t *size = d.wire;

    *size = 0;
    for (; strcmp(s, ".") != 0 && *s; s++) {
        if (*s == '.') {
            size = d.wire + d.len++;
            *size = 0;
            continue;
        }
        d.wire[d.len++] = *s == '\\' ? (uint8_t)decimal(s + 1) : (uint8_t)*s;
        ++*size;
        s += *s == '\\' ? 3 : 0;
    }
    if (*size != 0)
        d.wire[d.len++] = 0;
    return d;
}

Test(dname, property_query_text_round_trip)
{
    unsigned i;

    random_state = 21;
    for (i = 0; i < 50000; i++) {
        struct dname raw = random_name(NULL);
        struct dname d = wire_name((const char *)raw.wire, raw.len);
        struct dname back = unescaped(text_of(&d, dname_put_query));

        if (!dname_equal(&d, &back) || d.len != raw.len)
            cr_assert_fail("round %u: %s", i, text_of(&d, dname_put_query));
        for (; raw.len-- > 0;)
            if (d.wire[raw.len] != ascii_lower(raw.wire[raw.len]))
                cr_assert_fail("round %u: octet %u", i, raw.len);
    }
}

Test(dname, property_text_round_trip)
{
    unsigned hosts = 0;
    unsigned i;

    random_state = 22;
    for (i = 0; i < 50000; i++) {
        struct dname d = random_name(i % 2 ? "abcdefghijklmnopqrstuvwxyz0123456789-_" : "0189a");
        const char *text = text_of(&d, dname_put);
        struct dname back;

        hosts += dname_is_host(&d);
        if (dname_is_host(&d) &&
            (!dname_from_text(&back, text, strlen(text)) || !dname_equal(&d, &back)))
            cr_assert_fail("%s", text);
    }
    cr_expect_gt(hosts, 20000u);
}

/* Random octets are a name or not; whatever is made keeps every promise. */
Test(dname, property_random_messages)
{
    unsigned made = 0;
    unsigned i;

    random_state = 23;
    for (i = 0; i < 200000; i++) {
        size_t n = next_random() % 48;
        size_t at = next_random() % 8;
        size_t start = at;
        uint8_t *msg = malloc(n + !n);
        struct dname d;
        struct dname again;
        size_t k;

        cr_assert_not_null(msg);
        for (k = 0; k < n; k++) {
            uint8_t c = (uint8_t)next_random();

            msg[k] = c < 96 ? c % 6 : c < 128 ? 0xc0 : c < 160 ? (uint8_t)k / 2 : c;
        }
        if (dname_from_message(&d, msg, n, &at)) {
            made++;
            if (at <= start || at > n || !dname_from_wire(&again, d.wire, d.len) ||
                !dname_equal(&d, &again))
                cr_assert_fail("round %u", i);
        } else if (at != start || !is_root(&d)) {
            cr_assert_fail("round %u: a failure left something", i);
        }
        free(msg);
    }
    cr_expect_gt(made, 20000u, "%u", made);
}

Test(dname, hash_is_fixed_and_spread)
{
    enum { BUCKETS = 64, COUNT = 65536 };
    unsigned low[BUCKETS] = {0};
    unsigned high[BUCKETS] = {0};
    struct dname d = WIRE("\4mail\7example\3com");
    unsigned i;

    cr_expect_eq(dname_hash(&d, &hash_fixed), 0x2398dfe531d0f9adu, "%#llx",
                 (unsigned long long)dname_hash(&d, &hash_fixed));
    for (i = 0; i < COUNT; i++) {
        uint64_t h;

        d.wire[2] = (uint8_t)(i >> 8);
        d.wire[9] = (uint8_t)i;
        h = dname_hash(&d, &hash_fixed);
        low[h % BUCKETS]++;
        high[h >> 58]++;
    }
    for (i = 0; i < BUCKETS; i++) {
        cr_expect(low[i] > 850 && low[i] < 1200, "low bits, bucket %u: %u", i, low[i]);
        cr_expect(high[i] > 850 && high[i] < 1200, "high bits, bucket %u: %u", i, high[i]);
    }
}
