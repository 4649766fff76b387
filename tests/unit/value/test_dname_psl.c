/* dname: registrable domains by the public suffix list. The names here rest on
 * rules that have not changed in years.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>
#include <libpsl.h>
#include <string.h>

#include "tests/unit/values.h"

Test(dname, registrable_B33)
{
    static const struct {
        const char *name;
        const char *registrable; /* NULL: none */
    } rows[] = {
        {"example.com", "example.com"},
        {"mail.example.com", "example.com"},
        {"MAIL.Example.COM", "example.com"},
        {"a.b.c.d.example.com", "example.com"},
        {"my_host.example.com", "example.com"},
        {"co.uk", NULL},
        {"example.co.uk", "example.co.uk"},
        {"mx.mail.example.co.uk", "example.co.uk"},
        {"example.uk", "example.uk"},
        {"city.kawasaki.jp", "city.kawasaki.jp"}, /* an exception rule */
        {"mx.city.kawasaki.jp", "city.kawasaki.jp"},
        {"other.kawasaki.jp", NULL}, /* a wildcard rule */
        {"mx.example.other.kawasaki.jp", "example.other.kawasaki.jp"},
        {"www.ck", "www.ck"},
        {"foo.ck", NULL},
        {"corp.lan", "corp.lan"}, /* no such top-level domain: the rule is `*` */
        {"mail.corp.lan", "corp.lan"},
        {"a.b.corp.lan", "corp.lan"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"}, /* B33 */
        {"mx.xn--55qx5d.cn", "mx.xn--55qx5d.cn"},           /* a suffix in its ASCII form */
        {"xn--55qx5d.cn", NULL},
        {"mx.example.github.io", "example.github.io"}, /* the private part counts */
        {"a.b.c.d.e.f.g.h.i.j.k.l.m.n.example.co.uk", "example.co.uk"},
        {"example.i.j.k.l.m.n.o.p.q.lan", "q.lan"},
    };
    size_t i;

    for (i = 0; i < ROWS(rows); i++) {
        struct dname d = name_of(rows[i].name);
        size_t left = dname_left_of_registrable(&d);
        struct dname tail;

        cr_assert(dname_from_wire(&tail, d.wire + left, d.len - left), "%s: no label boundary",
                  rows[i].name);
        if (rows[i].registrable)
            cr_expect_str_eq(text_of(&tail, dname_put), rows[i].registrable, "%s has %s",
                             rows[i].name, text_of(&tail, dname_put));
        else
            cr_expect_eq(left, 0u, "%s has none", rows[i].name);
        cr_expect_eq(dname_is_registrable(&d),
                     rows[i].registrable &&
                         strcmp(text_of(&d, dname_put), rows[i].registrable) == 0,
                     "%s", rows[i].name);
        cr_expect_eq(dname_same_registrable(&d, &d), rows[i].registrable != NULL, "%s",
                     rows[i].name);
    }
}

Test(dname, same_registrable)
{
    static const struct {
        const char *a;
        const char *b;
        bool same;
    } rows[] = {
        {"mail.example.com", "mx.example.com", true},
        {"mail.example.com", "example.com", true},
        {"a.b.c.example.com", "EXAMPLE.com", true},
        {"mail.example.com", "mail.example.org", false},
        {"mail.example.com", "mail.example.net", false},
        {"mail.example.co.uk", "mail.other.co.uk", false},
        {"mail.example.co.uk", "co.uk", false},
        {"co.uk", "org.uk", false},
        {"mail.corp.lan", "mx.corp.lan", true},
        {"mail.corp.lan", "mail.other.lan", false},
        {"notexample.com", "example.com", false},
    };
    size_t i;

    for (i = 0; i < ROWS(rows); i++) {
        struct dname a = name_of(rows[i].a);
        struct dname b = name_of(rows[i].b);

        cr_expect_eq(dname_same_registrable(&a, &b), rows[i].same, "%s and %s", rows[i].a,
                     rows[i].b);
        cr_expect_eq(dname_same_registrable(&b, &a), rows[i].same, "%s and %s", rows[i].b,
                     rows[i].a);
    }
}

/* B2, B4, B8, B9: what is no host name has no registrable domain. */
Test(dname, registrable_B2_B4_B8_B9_of_no_host)
{
    static const struct {
        const char *wire;
        size_t n;
    } rows[] = {
        {"", 1},
        {"\3com", 5},
        {"\11localhost", 11},
        {"\14mail.example\3com", 18},
        {"\5mail\0\7example\3com", 19},
        {"\001\061\001\062\001\063\001\064", 9},
    };
    struct dname host = name_of("mail.example.com");
    size_t i;

    for (i = 0; i < ROWS(rows); i++) {
        struct dname d;

        cr_assert(dname_from_wire(&d, (const uint8_t *)rows[i].wire, rows[i].n), "row %zu", i);
        cr_expect_eq(dname_left_of_registrable(&d), 0u, "row %zu", i);
        cr_expect(!dname_is_registrable(&d), "row %zu", i);
        cr_expect(!dname_same_registrable(&d, &d), "row %zu", i);
        cr_expect(!dname_same_registrable(&d, &host), "row %zu", i);
    }
}

/* Only the last labels are handed to the list: that has to change nothing. */
Test(dname, registrable_agrees_with_the_whole_list)
{
    static const char *const suffixes[] = {
        "com",
        "co.uk",
        "lan",
        "kawasaki.jp",
        "compute.amazonaws.com",
        "s3.dualstack.eu-west-1.amazonaws.com",
    };
    char text[DNAME_TEXT_MAX];
    size_t i;
    unsigned labels;

    for (i = 0; i < ROWS(suffixes); i++)
        for (labels = 0; labels < 60; labels++) {
            const char *expected;
            struct sbuf sb;
            struct dname d;
            unsigned k;

            sbuf_init(&sb, text, sizeof(text));
            for (k = 0; k < labels; k++) {
                sbuf_byte(&sb, 'l');
                sbuf_uint(&sb, k);
                sbuf_byte(&sb, '.');
            }
            sbuf_str(&sb, suffixes[i]);
            d = name_of(text);
            if (!dname_is_host(&d))
                continue;
            expected = psl_registrable_domain(psl_builtin(), text);
            cr_expect_eq(dname_left_of_registrable(&d), expected ? (size_t)(expected - text) : 0u,
                         "%s", text);
        }
}
