/* sbuf: bounds, the sticky overflow, numbers and the visible form.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "value/sbuf.h"

struct row {
    const char *bytes;
    size_t n;
    const char *expected;
};

#define ROW(literal, expected)                                                                     \
    {                                                                                              \
        literal, sizeof(literal) - 1, expected                                                     \
    }

Test(sbuf, starts_empty_and_terminated)
{
    char text[1] = {'x'};
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof(text));
    cr_expect_str_eq(sb.text, "");
    cr_expect_eq(sb.len, 0u);
    cr_expect(!sb.overflow);
    sbuf_str(&sb, "");
    cr_expect(!sb.overflow, "nothing fits into nothing");
    sbuf_byte(&sb, 'a');
    cr_expect(sb.overflow);
    cr_expect_str_eq(sb.text, "");
}

Test(sbuf, appends_in_order)
{
    char text[32];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof(text));
    sbuf_str(&sb, "a=");
    sbuf_uint(&sb, 17);
    sbuf_byte(&sb, ' ');
    sbuf_mem(&sb, "xyz", 2);
    sbuf_mem(&sb, NULL, 0);
    cr_expect_str_eq(text, "a=17 xy");
    cr_expect_eq(sb.len, 7u);
    cr_expect(!sb.overflow);
}

/* For every capacity: a text fits exactly when there is room for its NUL, a
 * text that does not fit leaves no part of itself, and later ones stay out. */
Test(sbuf, overflow_sticks_and_cuts_nothing)
{
    static const char whole[] = "0123456789";
    size_t cap;

    for (cap = 1; cap <= 16; cap++) {
        char memory[18];
        struct sbuf sb;

        memset(memory, '#', sizeof(memory));
        sbuf_init(&sb, memory, cap);
        sbuf_str(&sb, whole);
        cr_expect_eq(sb.overflow, cap < sizeof(whole), "cap %zu", cap);
        cr_expect_str_eq(memory, cap < sizeof(whole) ? "" : whole, "cap %zu", cap);
        sbuf_str(&sb, "0123456789abcdef");
        cr_expect(sb.overflow, "cap %zu", cap);
        sbuf_byte(&sb, 'x');
        sbuf_uint(&sb, 1);
        sbuf_visible(&sb, "y", 1);
        cr_expect_str_eq(memory, cap < sizeof(whole) ? "" : whole, "cap %zu: later puts", cap);
        cr_expect_eq(sb.len, strlen(memory), "cap %zu", cap);
        cr_expect_eq(memory[cap], '#', "cap %zu: written behind the end", cap);
    }
}

Test(sbuf, overflow_counts_what_is_there)
{
    char text[8];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof(text));
    sbuf_str(&sb, "12345");
    sbuf_mem(&sb, "xyz", SIZE_MAX);
    cr_expect(sb.overflow, "a length that would wrap around");
    cr_expect_str_eq(text, "12345");
}

Test(sbuf, numbers)
{
    static const uint64_t values[] = {0,   1,     9,           10,         99,        100,
                                      255, 86400, 4294967295u, 4294967296, INT64_MAX, UINT64_MAX};
    size_t i;

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char expected[32];
        char text[32];
        struct sbuf sb;

        snprintf(expected, sizeof(expected), "%" PRIu64, values[i]);
        sbuf_init(&sb, text, sizeof(text));
        sbuf_uint(&sb, values[i]);
        cr_expect_str_eq(text, expected);
    }
}

/* A5, B1, F1: no byte of a peer can end a value, a field or a line. */
Test(sbuf, visible_F1_forges_no_field)
{
    static const struct row rows[] = {
        ROW("", "-"),
        ROW("-", "\\x2d"),
        ROW("--", "--"),
        ROW("a-b", "a-b"),
        ROW("mail.example.com", "mail.example.com"),
        ROW("[192.0.2.1]", "[192.0.2.1]"),
        ROW("!~", "!~"),
        ROW("a b", "a\\x20b"),
        ROW("\t\r\n", "\\x09\\x0d\\x0a"),
        ROW("x action=accept", "x\\x20action\\x3daccept"),
        ROW("\"quoted\"", "\\x22quoted\\x22"),
        ROW("\\x41", "\\x5cx41"),
        ROW("a\0b", "a\\x00b"),
        ROW("\x1b[31m", "\\x1b[31m"),
        ROW("\x7f\x80\xff", "\\x7f\\x80\\xff"),
        ROW("\xe2\x80\xa8", "\\xe2\\x80\\xa8"),
        ROW("%s%n", "%s%n"),
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[64];
        struct sbuf sb;

        sbuf_init(&sb, text, sizeof(text));
        sbuf_visible(&sb, rows[i].bytes, rows[i].n);
        cr_expect(!sb.overflow, "%s", rows[i].expected);
        cr_expect_str_eq(text, rows[i].expected, "%s, not %s", text, rows[i].expected);
    }
}

/* The visible form of every octet: printable, and different octets differ. */
Test(sbuf, visible_is_injective_on_octets)
{
    char seen[256][8];
    unsigned c;
    unsigned d;

    for (c = 0; c < 256; c++) {
        unsigned char octet = (unsigned char)c;
        struct sbuf sb;
        size_t i;

        sbuf_init(&sb, seen[c], sizeof(seen[c]));
        sbuf_visible(&sb, &octet, 1);
        cr_expect(sb.len == 1 || sb.len == 4, "octet %u", c);
        for (i = 0; i < sb.len; i++)
            cr_expect(sb.text[i] > 0x20 && sb.text[i] < 0x7f && sb.text[i] != '"' &&
                          sb.text[i] != '=',
                      "octet %u", c);
        for (d = 0; d < c; d++)
            if (strcmp(seen[c], seen[d]) == 0)
                cr_assert_fail("octets %u and %u look the same", c, d);
    }
}

Test(sbuf, visible_overflows_as_a_whole)
{
    char text[6];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof(text));
    sbuf_visible(&sb, "\r\n", 2);
    cr_expect(sb.overflow, "8 octets and a NUL do not fit into 6");
    cr_expect_str_eq(text, "\\x0d", "no half of an escape");
}
