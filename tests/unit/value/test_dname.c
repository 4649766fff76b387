/* dname: names from wire, message and text; equality; host names.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>

#include "tests/unit/values.h"

static const struct {
    const char *input;
    const char *output; /* NULL: refused */
} texts[] = {
    {"mail.example.com", "mail.example.com"},
    {"mail.example.com.", "mail.example.com"}, /* B34: one absolute form */
    {"MAIL.Example.COM", "mail.example.com"},  /* B32 */
    {"I.Example.COM", "i.example.com"},
    {"xn--bcher-kva.example", "xn--bcher-kva.example"}, /* B33: never decoded */
    {"XN--A.example", "xn--a.example"},
    {"xn--.example", "xn--.example"},
    {"my_host.example.com", "my_host.example.com"}, /* B35 */
    {"-.-", "-.-"},
    {"a.b", "a.b"},
    {"localhost", "localhost"},
    {"1.2.3.4", "1.2.3.4"},
    {"", NULL}, /* B34 */
    {".", NULL},
    {"..", NULL},
    {".example.com", NULL},
    {"example..com", NULL},
    {"example.com..", NULL},
    {"exa mple.com", NULL},
    {" example.com", NULL},
    {"example.com\n", NULL},
    {"example.com\r\nX: y", NULL},
    {"exa\\109ple.com", NULL},
    {"ex*mple.com", NULL},
    {"[192.0.2.1]", NULL},
    {"2001:db8::1", NULL},
    {"b\xc3\xbc"
     "cher.example",
     NULL},
    {"\xef\xbb\xbf"
     "example.com",
     NULL},
};

Test(dname, from_text_B33_B34_B35)
{
    size_t i;

    for (i = 0; i < ROWS(texts); i++) {
        struct dname d = {.len = 9};
        bool ok = dname_from_text(&d, texts[i].input, strlen(texts[i].input));

        cr_expect_eq(ok, texts[i].output != NULL, "row \"%s\"", texts[i].input);
        cr_expect_str_eq(text_of(&d, dname_put_visible), ok ? texts[i].output : ".", "row \"%s\"",
                         texts[i].input);
        cr_expect(ok || is_root(&d), "row \"%s\"", texts[i].input);
    }
    {
        struct dname d;

        cr_expect(!dname_from_text(&d, "mail\0.example.com", 17),
                  "B2: NUL is an octet like others");
        cr_expect(!dname_from_text(&d, "mail.example.com\0", 17));
        cr_expect(dname_from_text(&d, "mail.example.com", 4) && d.len == 6, "the length counts");
    }
}

/* A7: a name of 1,100 digits, and the exact bounds of labels and names. */
Test(dname, from_text_A7_bounds)
{
    char text[1100];
    struct dname d;

    memset(text, '1', sizeof(text));
    cr_expect(!dname_from_text(&d, text, sizeof(text)), "1,100 digits");
    cr_expect(is_root(&d));
    cr_expect(dname_from_text(&d, text, 63));
    cr_expect(!dname_from_text(&d, text, 64));
    memset(text, 'a', sizeof(text));
    text[63] = text[127] = text[191] = '.';
    cr_expect(dname_from_text(&d, text, 253), "B6: 63.63.63.61");
    cr_expect_eq(d.len, DNAME_MAX);
    cr_expect(!dname_from_text(&d, text, 254));
    text[253] = '.';
    cr_expect(dname_from_text(&d, text, 254), "the final dot is no octet of the name");
    cr_expect(!dname_from_text(&d, text, 255));
}

/* B7: rdata has to be the name and nothing else. B36: damaged names. */
Test(dname, from_wire_B7_B36)
{
    static const struct {
        const char *wire;
        size_t n;
        bool ok;
        const char *why;
    } rows[] = {
        {"\1a\1b\0", 5, true, "whole"},
        {"\0", 1, true, "the root"},
        {"\1a\1b\0x", 6, false, "B7: an octet behind the name"},
        {"\1a\1b\0\0", 6, false, "B7: a root behind the name"},
        {"\1a\1b", 4, false, "B7: no root label"},
        {"\1a\2b", 4, false, "B7: the label is cut"},
        {"\1", 1, false, "only a length"},
        {"", 0, false, "nothing"},
        {"\1a\300\0", 4, false, "B36: a pointer to the beginning"},
        {"\300\0", 2, false, "B36: a pointer to itself"},
        {"\1a\300", 3, false, "B36: half a pointer"},
        {"\101a\0", 3, false, "label type 01"},
        {"\201a\0", 3, false, "label type 10"},
    };
    size_t i;

    for (i = 0; i < ROWS(rows); i++) {
        struct dname d = {.len = 9};
        uint8_t *exact = malloc(rows[i].n + 1); /* ends where the rdata ends, for ASan */

        cr_assert_not_null(exact);
        memcpy(exact + 1, rows[i].wire, rows[i].n);
        cr_expect_eq(dname_from_wire(&d, exact + 1, rows[i].n), rows[i].ok, "%s", rows[i].why);
        cr_expect(rows[i].ok || is_root(&d), "%s", rows[i].why);
        free(exact);
    }
}

Test(dname, from_wire_B6_bounds)
{
    uint8_t wire[300];
    struct dname d = longest('x');
    size_t i;

    cr_expect_eq(d.len, DNAME_MAX);
    cr_expect(dname_is_host(&d));
    memcpy(wire, d.wire, 255);
    memmove(wire + 194, wire + 193, 62);
    wire[192] = 62; /* the last label is one octet longer: 256 in all */
    memset(wire + 193, 'x', 62);
    wire[255] = 0;
    cr_expect(!dname_from_wire(&d, wire, 256));
    for (i = 0; i < 254; i += 2) {
        wire[i] = 1;
        wire[i + 1] = 'a';
    }
    wire[254] = 0;
    cr_expect(dname_from_wire(&d, wire, 255), "127 labels");
    cr_expect_eq(dname_labels(&d), 127u);
}

/* B36: pointers. The message is 12 octets "header", then names. */
Test(dname, from_message_B36)
{
    static const char msg[] = "............"      /* 12 */
                              "\3com\0"           /* 12: com. */
                              "\7example\300\014" /* 17: example.com. */
                              "\4mail\300\021"    /* 27: mail.example.com. */
                              "\300\033"          /* 34: -> 27 */
                              "\300\044"          /* 36: -> itself */
                              "\300\050"          /* 38: -> 40, forward */
                              "\1a\300\050"       /* 40: a -> 40, its own beginning */
                              "\1b\300\056"       /* 44: b -> 46, its own pointer */
                              "\1c\300\060"       /* 48: c -> 48 */
                              "\2x\0\300\066"     /* 52: -> 54, the NUL in its own label */
                              "\300\300"          /* 57: -> 192, outside */
                              "\300";             /* 59: half a pointer */
    static const struct {
        size_t at;
        size_t end; /* 0: refused */
        const char *text;
    } rows[] = {
        {12, 17, "com"},
        {17, 27, "example.com"},
        {27, 34, "mail.example.com"},
        {34, 36, "mail.example.com"},
        {18, 0, "."},
        {36, 0, "."},
        {38, 0, "."},
        {40, 0, "."},
        {44, 0, "."},
        {48, 0, "."},
        {52, 0, "."},
        {57, 0, "."},
        {59, 0, "."},
        {60, 0, "."},
        {500, 0, "."},
        {SIZE_MAX, 0, "."},
    };
    size_t i;

    for (i = 0; i < ROWS(rows); i++) {
        struct dname d = {.len = 9};
        size_t at = rows[i].at;
        bool ok = dname_from_message(&d, (const uint8_t *)msg, sizeof(msg) - 1, &at);

        cr_expect_eq(ok, rows[i].end != 0, "at %zu", rows[i].at);
        cr_expect_eq(at, ok ? rows[i].end : rows[i].at, "at %zu ends at %zu", rows[i].at, at);
        cr_expect_str_eq(text_of(&d, dname_put_visible), rows[i].text, "at %zu", rows[i].at);
    }
}

/* Two names that point at each other, and a chain that grows too long. */
Test(dname, from_message_B36_ends)
{
    uint8_t msg[16384] = {1, 'a', 0xc0, 4, 1, 'b', 0xc0, 0};
    size_t i;
    size_t at;
    struct dname d;

    for (at = 4; at <= 4; at++) {
        size_t pos = at;

        cr_expect(!dname_from_message(&d, msg, 8, &pos), "4 -> 0 -> 4");
    }
    msg[0] = 0; /* then at each even place a pointer to the one before */
    for (i = 2; i + 1 < sizeof(msg); i += 2) {
        msg[i] = (uint8_t)(0xc0 | (i - 2) >> 8);
        msg[i + 1] = (uint8_t)(i - 2);
    }
    at = sizeof(msg) - 2;
    cr_expect(dname_from_message(&d, msg, sizeof(msg), &at), "8,000 pointers, all backwards");
    cr_expect(is_root(&d) && at == sizeof(msg));
    for (i = 1; i + 3 < sizeof(msg); i += 4) { /* one label before each pointer: 5 octets apart */
        size_t target = i == 1 ? 0 : i - 4;

        msg[i] = 1;
        msg[i + 1] = 'x';
        msg[i + 2] = (uint8_t)(0xc0 | target >> 8);
        msg[i + 3] = (uint8_t)target;
    }
    at = 1 + 4 * 126;
    cr_expect(dname_from_message(&d, msg, sizeof(msg), &at) && d.len == 255, "127 labels");
    at = 1 + 4 * 127;
    cr_expect(!dname_from_message(&d, msg, sizeof(msg), &at), "128 labels");
}

Test(dname, reverse_B31)
{
    static const struct {
        const char *addr;
        const char *expected;
    } rows[] = {
        {"192.0.2.1", "1.2.0.192.in-addr.arpa"},
        {"0.0.0.0", "0.0.0.0.in-addr.arpa"},
        {"255.254.100.9", "9.100.254.255.in-addr.arpa"},
        {"10.99.101.11", "11.101.99.10.in-addr.arpa"},
        {"::ffff:192.0.2.1", "1.2.0.192.in-addr.arpa"}, /* A19 */
        /* the example of RFC 3596 2.5 */
        {"4321:0:1:2:3:4:567:89ab",
         "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa"},
        {"::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa"},
    };
    size_t i;

    for (i = 0; i < ROWS(rows); i++) {
        struct dname expected = name_of(rows[i].expected);
        struct dname d = {.len = 9};
        struct addr a;

        cr_assert(addr_parse(&a, rows[i].addr, strlen(rows[i].addr)));
        dname_reverse(&d, &a);
        cr_expect(dname_equal(&d, &expected), "%s: %s", rows[i].addr, text_of(&d, dname_put));
    }
}

/* B2, B4, B32: equality is of lower-cased octets and of label boundaries. */
Test(dname, equal_B2_B4_B32)
{
    struct dname two = WIRE("\4mail\7example");
    struct dname dot = WIRE("\14mail.example");
    struct dname nul = WIRE("\5mail\0\7example");
    struct dname upper = WIRE("\4MAIL\7eXaMpLe");
    struct dname more = WIRE("\4mail\7example\1x");

    cr_expect(dname_equal(&two, &upper));
    cr_expect_eq(dname_hash(&two, &hash_fixed), dname_hash(&upper, &hash_fixed));
    cr_expect_eq(dname_compare(&two, &upper), 0);
    cr_expect(!dname_equal(&two, &dot), "B4");
    cr_expect(!dname_equal(&two, &nul), "B2");
    cr_expect(!dname_equal(&two, &more));
    cr_expect(!dname_is_host(&dot), "B4");
    cr_expect(!dname_is_host(&nul), "B2");
    cr_expect_str_eq(text_of(&dot, dname_put_visible), "mail\\046example");
    cr_expect_str_eq(text_of(&nul, dname_put_visible), "mail\\000.example");
    cr_expect_str_eq(text_of(&nul, dname_put), "-");
}

/* B32: only A to Z change, in whatever locale. */
Test(dname, B32_folds_ascii_only)
{
    static const char *const locales[] = {"C", "tr_TR.UTF-8", "tr_TR.ISO-8859-9", "C.UTF-8", ""};
    size_t k;
    unsigned c;

    for (k = 0; k < ROWS(locales); k++) {
        setlocale(LC_ALL, locales[k]); /* where it is installed; test_locale.c makes one */
        for (c = 0; c < 256; c++) {
            uint8_t wire[3] = {1, (uint8_t)c, 0};
            unsigned expected = c >= 0x41 && c <= 0x5a ? c + 0x20 : c;
            struct dname d;

            cr_assert(dname_from_wire(&d, wire, sizeof(wire)));
            cr_expect_eq(d.wire[1], expected, "octet %u in \"%s\"", c, locales[k]);
        }
    }
}

/* B1 to B5, B8, B9, B33, B35: what may be asked for and printed. */
static const struct {
    const char *wire;
    size_t n;
    bool host;
    const char *why;
} host_rows[] = {
#define HOST(literal, host, why)                                                                   \
    {                                                                                              \
        literal, sizeof(literal), host, why                                                        \
    }
    HOST("\4mail\7example\3com", true, "plain"),
    HOST("\1a\1b", true, "shortest"),
    HOST("\7my_host\7example", true, "B35: underscore"),
    HOST("\1-\3-a-", true, "hyphens anywhere"),
    HOST("\6xn--zz\7example", true, "B33: stays as it is"),
    HOST("\1"
         "1\1"
         "2\1"
         "3\3com",
         true, "digits, but the last label is none"),
    HOST("\1a\2"
         "1a",
         true, "a last label with one letter"),
    HOST("\1a\2"
         "1-",
         true, "a last label with a hyphen"),
    HOST("", false, "B8: the root"),
    HOST("\11localhost", false, "B9: one label"),
    HOST("\3com", false, "B9: a top-level domain"),
    HOST("\1"
         "1\1"
         "2\1"
         "3\1"
         "4",
         false, "an address"),
    HOST("\1a\1"
         "4",
         false, "last label all digits"),
    HOST("\5ma\ril\7example", false, "B1: CR"),
    HOST("\5ma\nil\7example", false, "B1: LF"),
    HOST("\1\0\7example", false, "B2: NUL"),
    HOST("\1(\7example", false, "B3"),
    HOST("\1\"\7example", false, "B3"),
    HOST("\1;\7example", false, "B3"),
    HOST("\1\\\7example", false, "B3"),
    HOST("\1=\7example", false, "B3"),
    HOST("\1,\7example", false, "B3"),
    HOST("\1 \7example", false, "B3"),
    HOST("\1*\7example", false, "a wildcard"),
    HOST("\1.\7example", false, "B4: a dot inside a label"),
    HOST("\1\033\7example", false, "B5: ESC"),
    HOST("\1\177\7example", false, "B5: DEL"),
    HOST("\1\200\7example", false, "B5: 0x80"),
    HOST("\1\377\7example", false, "B5: 0xFF"),
    HOST("\4mail\4exa\300", false, "B5: in the last label"),
#undef HOST
};

Test(dname, is_host_B1_B3_B5_B8_B9_B33_B35)
{
    size_t i;

    for (i = 0; i < ROWS(host_rows); i++) {
        struct dname d = wire_name(host_rows[i].wire, host_rows[i].n);

        cr_expect_eq(dname_is_host(&d), host_rows[i].host, "row %zu: %s", i, host_rows[i].why);
        cr_expect_eq(strcmp(text_of(&d, dname_put), "-") != 0, host_rows[i].host, "row %zu", i);
    }
}

Test(dname, compare_is_a_total_order)
{
    struct dname rows[64];
    size_t i;
    size_t k;

    random_state = 24;
    for (i = 0; i < ROWS(rows); i++)
        rows[i] = random_name(i % 2 ? "ab" : "a");
    for (i = 0; i < ROWS(rows); i++)
        for (k = 0; k < ROWS(rows); k++) {
            size_t least = rows[i].len < rows[k].len ? rows[i].len : rows[k].len;
            int octets = memcmp(rows[i].wire, rows[k].wire, least);
            int expected = octets ? octets : rows[i].len - rows[k].len;
            int order = dname_compare(&rows[i], &rows[k]);

            cr_expect_eq((order > 0) - (order < 0), (expected > 0) - (expected < 0));
            cr_expect_eq(order == 0, dname_equal(&rows[i], &rows[k]));
        }
}
