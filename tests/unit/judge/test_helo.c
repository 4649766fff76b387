/* HELO arguments: every form of RFC 5321, and hostile bytes.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/helo.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

struct parse_row {
    const char *text;
    enum helo_form form;
    const char *value; /* address or name as put; NULL: root and ADDR_NONE */
    const char *source;
};

static void put_value(char *text, size_t cap, const struct helo *h)
{
    struct sbuf sb;
    uint8_t i;

    sbuf_init(&sb, text, cap);
    if (h->addr.family != ADDR_NONE)
        addr_put(&sb, &h->addr);
    else if (h->form == HELO_ONE_LABEL)
        for (i = 0; i < h->name.wire[0]; i++)
            sbuf_byte(&sb, (char)h->name.wire[1 + i]);
    else if (h->form == HELO_HOST)
        dname_put(&sb, &h->name);
}

static void check_parse(const struct parse_row *row, size_t n)
{
    char value[DNAME_TEXT_MAX];
    struct helo h;

    helo_parse(&h, row->text, n);
    put_value(value, sizeof value, &h);
    cr_expect(h.form == row->form, "`%s` (%s): form %d, not %d", row->text, row->source, h.form,
              row->form);
    cr_expect_str_eq(value, row->value == NULL ? "" : row->value, "`%s` (%s)", row->text,
                     row->source);
}

static void check_parse_table(const struct parse_row *rows, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        check_parse(&rows[i], strlen(rows[i].text));
}

Test(helo, parse_domain)
{
    static const struct parse_row rows[] = {
        {"mail.example.com", HELO_HOST, "mail.example.com", "RFC 5321 4.1.2 Domain"},
        {"MAIL.Example.COM", HELO_HOST, "mail.example.com", "RFC 5321 2.4 without case"},
        {"mail.example.com.", HELO_HOST, "mail.example.com", "RFC 5321 4.1.2, dot dropped"},
        {"mail.example.com..", HELO_BAD, NULL, "RFC 5321 4.1.2 sub-domain is not empty"},
        {".mail.example.com", HELO_BAD, NULL, "RFC 5321 4.1.2 sub-domain is not empty"},
        {"mail..example.com", HELO_BAD, NULL, "RFC 5321 4.1.2 sub-domain is not empty"},
        {".", HELO_BAD, NULL, "RFC 5321 4.1.2 sub-domain is not empty"},
        {"1and1.example", HELO_HOST, "1and1.example", "RFC 5321 4.1.2 Let-dig begins"},
        {"a-b--c.example", HELO_HOST, "a-b--c.example", "RFC 5321 4.1.2 Ldh-str"},
        {"-mail.example.com", HELO_BAD, NULL, "RFC 5321 4.1.2 Let-dig begins"},
        {"mail-.example.com", HELO_BAD, NULL, "RFC 5321 4.1.2 Ldh-str ends with Let-dig"},
        {"mail.example-", HELO_BAD, NULL, "RFC 5321 4.1.2 Ldh-str ends with Let-dig"},
        {"-", HELO_BAD, NULL, "RFC 5321 4.1.2 Let-dig begins"},
        {"mail_1.example.com", HELO_HOST, "mail_1.example.com", "underscore occurs in the field"},
        {"_mail_.example.com", HELO_HOST, "_mail_.example.com", "underscore occurs in the field"},
        {"xn--bcher-kva.example", HELO_HOST, "xn--bcher-kva.example", "RFC 5890 A-label"},
        {"mail.example.com smtp", HELO_BAD, NULL, "RFC 5321 4.1.1.1 one argument"},
        {" mail.example.com", HELO_BAD, NULL, "RFC 5321 4.1.1.1 one SP before"},
        {"mail,example.com", HELO_BAD, NULL, "RFC 5321 4.1.2 sub-domain"},
        {"user@example.com", HELO_BAD, NULL, "RFC 5321 4.1.2 sub-domain"},
        {"http://example.com", HELO_BAD, NULL, "RFC 5321 4.1.2 sub-domain"},
        {"PC-17", HELO_ONE_LABEL, "pc-17", "RFC 5321 2.3.5 one label is no FQDN"},
        {"localhost", HELO_ONE_LABEL, "localhost", "RFC 5321 2.3.5"},
        {"com.", HELO_ONE_LABEL, "com", "RFC 5321 2.3.5"},
        {"12345", HELO_ONE_LABEL, "12345", "RFC 5321 2.3.5"},
        {"mail.example.123", HELO_BAD, NULL, "RFC 3696 2 top label not all digits"},
    };

    check_parse_table(rows, ARRAY_LEN(rows));
}

Test(helo, A8_literals)
{
    static const struct parse_row rows[] = {
        {"[192.0.2.1]", HELO_LITERAL, "192.0.2.1", "RFC 5321 4.1.3 IPv4"},
        {"[255.255.255.255]", HELO_LITERAL, "255.255.255.255", "RFC 5321 4.1.3 Snum 0-255"},
        {"[256.0.2.1]", HELO_BAD, NULL, "RFC 5321 4.1.3 Snum 0-255"},
        {"[IPv6:2001:db8::1]", HELO_LITERAL, "2001:db8::1", "RFC 5321 4.1.3 IPv6-comp"},
        {"[ipV6:2001:DB8:0:0:0:0:0:1]", HELO_LITERAL, "2001:db8::1", "RFC 5321 4.1.3 IPv6-full"},
        {"[IPv6:2001:db8::192.0.2.1]", HELO_LITERAL, "2001:db8::c000:201", "4.1.3 IPv6v4-comp"},
        {"[IPv6:192.0.2.1]", HELO_BAD, NULL, "RFC 5321 4.1.3 tag wants IPv6"},
        {"[2001:db8::1]", HELO_BAD, NULL, "RFC 5321 4.1.3 IPv6 wants its tag"},
        {"[x400:c=de]", HELO_BAD, NULL, "RFC 5321 4.1.3 tags have to be registered"},
        {"[IPv6:fe80::1%eth0]", HELO_BAD, NULL, "no zone id"},
        {"[192.0.2.01]", HELO_BAD, NULL, "leading zero may mean octal"},
        {"[0300.0.2.1]", HELO_BAD, NULL, "octal"},
        {"[0xc0.0.2.1]", HELO_BAD, NULL, "hexadecimal"},
        {"[192.0.513]", HELO_BAD, NULL, "three parts"},
        {"[192.0.2.1", HELO_BAD, NULL, "unclosed"},
        {"[192.0.2.1)", HELO_BAD, NULL, "closed by another"},
        {"192.0.2.1]", HELO_BAD, NULL, "unopened"},
        {"[192.0.2.1]x", HELO_BAD, NULL, "tail"},
        {"[192.0.2.1].", HELO_BAD, NULL, "tail"},
        {"[[192.0.2.1]]", HELO_BAD, NULL, "nested"},
        {"[ 192.0.2.1 ]", HELO_BAD, NULL, "blanks"},
        {"[]", HELO_BAD, NULL, "empty"},
        {"[", HELO_BAD, NULL, "empty"},
        {"[IPv6:]", HELO_BAD, NULL, "empty"},
        {"[mail.example.com]", HELO_BAD, NULL, "a name in brackets"},
        {"192.0.2.1", HELO_BARE_ADDRESS, "192.0.2.1", "RFC 5321 4.1.3 wants brackets"},
        {"192.0.2.1.", HELO_BARE_ADDRESS, "192.0.2.1", "dot dropped"},
        {"2001:db8::1", HELO_BARE_ADDRESS, "2001:db8::1", "RFC 5321 4.1.3 wants brackets"},
        {"IPv6:2001:db8::1", HELO_BAD, NULL, "tag without brackets"},
        {"300.0.2.1", HELO_BAD, NULL, "neither address nor name"},
        {"192.0.2.1:25", HELO_BAD, NULL, "port"},
    };

    check_parse_table(rows, ARRAY_LEN(rows));
}

Test(helo, A19_mapped_literals_are_ipv4)
{
    static const struct parse_row rows[] = {
        {"[IPv6:::ffff:192.0.2.1]", HELO_LITERAL, "192.0.2.1", "RFC 4291 2.5.5.2"},
        {"[IPv6:::FFFF:C000:201]", HELO_LITERAL, "192.0.2.1", "RFC 4291 2.5.5.2"},
        {"::ffff:192.0.2.1", HELO_BARE_ADDRESS, "192.0.2.1", "RFC 4291 2.5.5.2"},
    };

    check_parse_table(rows, ARRAY_LEN(rows));
}

Test(helo, A1_absent)
{
    struct helo h;

    helo_parse(&h, NULL, 0);
    cr_expect(h.form == HELO_ABSENT && h.name.len == 1);
    helo_parse(&h, NULL, 7);
    cr_expect(h.form == HELO_ABSENT);
    helo_parse(&h, "", 0);
    cr_expect(h.form == HELO_ABSENT && h.addr.family == ADDR_NONE);
}

Test(helo, A2_A5_A6_odd_bytes_are_bad)
{
    static const struct parse_row rows[] = {
        {"mail\x1b[31m.example.com", HELO_BAD, NULL, "A2 escape"},
        {"mail.example.com\x7f", HELO_BAD, NULL, "A2 DEL"},
        {"mail\t.example.com", HELO_BAD, NULL, "A2 TAB"},
        {"mail.example.com\r\nX: y", HELO_BAD, NULL, "A2 CR LF"},
        {"b\xc3\xbc"
         "cher.example",
         HELO_BAD, NULL, "A5 UTF-8"},
        {"\xef\xbb\xbfmail.example.com", HELO_BAD, NULL, "A5 BOM"},
        {"mail.\xe2\x80\xae.example", HELO_BAD, NULL, "A5 right-to-left"},
        {"mail.\xe2\x80\xa8.example", HELO_BAD, NULL, "A5 line separator"},
        {"\xff\xfe", HELO_BAD, NULL, "A5 no UTF-8"},
        {"%s%n", HELO_BAD, NULL, "A6 format"},
        {"-rf", HELO_BAD, NULL, "A6 option"},
        {"`x`", HELO_BAD, NULL, "A6 shell"},
        {"$(x)", HELO_BAD, NULL, "A6 shell"},
        {"\"mail\".example.com", HELO_BAD, NULL, "A6 quote"},
        {"mail\\.example.com", HELO_BAD, NULL, "A6 escape"},
    };

    check_parse_table(rows, ARRAY_LEN(rows));
}

Test(helo, A3_nul_inside_is_bad)
{
    struct helo h;

    helo_parse(&h, "mail\0.example.com", 17);
    cr_expect(h.form == HELO_BAD);
    helo_parse(&h, "mail.example.com\0", 17);
    cr_expect(h.form == HELO_BAD);
    helo_parse(&h, "mail.example.com\0evil", 16);
    cr_expect(h.form == HELO_HOST);
}

/* Labels of 49 letters and dots, n octets in all, the last a letter. */
static void fill_name(char *text, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        text[i] = i % 50 == 49 && i + 1 < n ? '.' : 'a';
}

Test(helo, A4_length)
{
    static const struct {
        size_t n;
        enum helo_form form;
    } rows[] = {
        {253, HELO_HOST}, {254, HELO_BAD}, {255, HELO_BAD}, {256, HELO_BAD}, {2043, HELO_BAD}};
    char text[2048];
    struct helo h;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        fill_name(text, rows[i].n);
        helo_parse(&h, text, rows[i].n);
        cr_expect(h.form == rows[i].form, "%zu octets: form %d", rows[i].n, h.form);
    }
    fill_name(text, 253);
    text[253] = '.';
    helo_parse(&h, text, 254);
    cr_expect(h.form == HELO_HOST, "253 and a final dot");
    memset(text, 'a', 64);
    memcpy(text + 64, ".example", 8);
    helo_parse(&h, text, 72);
    cr_expect(h.form == HELO_BAD, "RFC 5321 4.5.3.1.2: a label has at most 63 octets");
    helo_parse(&h, text + 1, 71);
    cr_expect(h.form == HELO_HOST);
}

Test(helo, A7_digits_only)
{
    char text[1100];
    struct helo h;

    memset(text, '9', sizeof text);
    helo_parse(&h, text, sizeof text);
    cr_expect(h.form == HELO_BAD);
    helo_parse(&h, text, 255);
    cr_expect(h.form == HELO_BAD);
    helo_parse(&h, text, 63);
    cr_expect(h.form == HELO_ONE_LABEL);
}

/* No byte string breaks the promise of helo.h about the fields. */
Test(helo, A2_random_bytes)
{
    static const char likely[] = "ab1.-_[]:I\x01\xff";
    unsigned seed = 1;
    unsigned round;
    struct helo h;

    for (round = 0; round < 200000; round++) {
        size_t n = (size_t)rand_r(&seed) % 24;
        char *text = malloc(n + 1); /* exact, so that the sanitizer sees an over-read */
        bool has_name;
        size_t i;

        for (i = 0; i < n; i++)
            text[i] = likely[(size_t)rand_r(&seed) % (sizeof likely - 1)];
        text = realloc(text, n > 0 ? n : 1);
        helo_parse(&h, text, n);
        free(text);
        has_name = h.form == HELO_HOST || h.form == HELO_ONE_LABEL;
        cr_assert(has_name == (h.name.len > 1));
        cr_assert((h.form == HELO_HOST) == dname_is_host(&h.name));
        cr_assert((h.addr.family != ADDR_NONE) ==
                  (h.form == HELO_LITERAL || h.form == HELO_BARE_ADDRESS));
        cr_assert((h.form == HELO_ABSENT) == (n == 0));
    }
}
