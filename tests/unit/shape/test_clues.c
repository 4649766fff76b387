/* shape: which clues a name gives, at the bounds of each.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/shape/evidence_of.h"

enum { ACCESS, MACHINE, MAIL }; /* as CLUE_PART counts them */

#define SCHEME(trace, label, owner)                                                                \
    (CLUE_SCHEME + ((trace)*SCHEME_LABELS + (label)) * SCHEME_OWNERS + (owner))

static const struct {
    const char *ip, *name;
    unsigned clue;
    bool applies;
} rows[] = {
    /* the last octet, but for one */
    {"192.0.2.77", "ip78.isp.example", CLUE_BESIDE, true},
    {"192.0.2.77", "ip76.isp.example", CLUE_BESIDE, true},
    {"192.0.2.77", "ip79.isp.example", CLUE_BESIDE, false},
    {"192.0.2.77", "ip75.isp.example", CLUE_BESIDE, false},
    {"192.0.2.77", "ip77.isp.example", CLUE_BESIDE, false},
    {"192.0.2.77", "ip.78.isp.example", CLUE_BESIDE, false},
    {"192.0.2.10", "ip11.isp.example", CLUE_BESIDE, true},
    {"192.0.2.9", "ip10.isp.example", CLUE_BESIDE, false}, /* small numbers are everywhere */
    {"2001:db8::77", "ip78.isp.example", CLUE_BESIDE, false},
    /* there is no name */
    {"192.0.2.77", "without-ptr.isp.example", CLUE_NEGATION, true},
    {"192.0.2.77", "within-ptr.isp.example", CLUE_NEGATION, false},
    /* letters nobody can pronounce: five consonants */
    {"192.0.2.77", "abcdfgh.isp.example", CLUE_NO_VOWEL, true},
    {"192.0.2.77", "bcdfg.isp.example", CLUE_NO_VOWEL, true},
    {"192.0.2.77", "bcdfa.isp.example", CLUE_NO_VOWEL, false},
    {"192.0.2.77", "bcdfabc.isp.example", CLUE_NO_VOWEL, false},
    /* opaque text */
    {"192.0.2.77", "0a1b2c3d.isp.example", CLUE_HEX, true},
    {"192.0.2.77", "0a1b2c3.isp.example", CLUE_HEX, false},
    {"192.0.2.77", "0a1b2c3g.isp.example", CLUE_HEX, false},
    {"192.0.2.77", "12345678.isp.example", CLUE_HEX, false},
    {"192.0.2.77", "gh1jk2lmn.isp.example", CLUE_HASH, true},
    {"192.0.2.77", "gh1jk2222.isp.example", CLUE_HASH, false},
    {"192.0.2.77", "g1j2k3l.isp.example", CLUE_HASH, false},
    {"192.0.2.77", "x.c09224bb.isp.example", CLUE_WORD_REST, false}, /* bb is no broadband there */
    {"192.0.2.77", "x.9224-bb.isp.example", CLUE_WORD_REST, true},
    {"192.0.2.77", "x.0a1b2c3d.out.example.com", CLUE_OPAQUE_MAIL, true},
    {"192.0.2.77", "x.0a1b2c3d.isp.example", CLUE_OPAQUE_MAIL, false},
    /* an address joined to a word of mail */
    {"192.0.2.77", "mail-2-77.isp.example", CLUE_FORM_AFTER_MAIL, true},
    {"192.0.2.77", "xmail2-77.isp.example", CLUE_FORM_AFTER_MAIL, true},
    {"192.0.2.77", "mail.2-77.isp.example", CLUE_FORM_AFTER_MAIL, false},
    {"192.0.2.77", "dsl-2-77.isp.example", CLUE_FORM_AFTER_MAIL, false},
    {"192.0.2.77", "mta-0-2-77.isp.example", CLUE_FORM_AFTER_MAIL, false},
    {"192.0.2.77", "mta-0-2-77.isp.example", CLUE_FORM_AFTER_MAIL + 1, true},
    {"192.0.2.77", "mta-2-77.isp.example", CLUE_FORM_AFTER_MAIL + 1, false},
    /* a chosen label before that of the address */
    {"192.0.2.77", "acme.192-0-2-77.isp.example", CLUE_FORM_NAME, true},
    {"192.0.2.77", "mail.192-0-2-77.isp.example", CLUE_FORM_NAME, true},
    {"192.0.2.77", "abc.192-0-2-77.isp.example", CLUE_FORM_NAME, true},
    {"192.0.2.77", "ab.192-0-2-77.isp.example", CLUE_FORM_NAME, false},
    {"192.0.2.77", "dsl.192-0-2-77.isp.example", CLUE_FORM_NAME, false},
    {"192.0.2.77", "vps.192-0-2-77.isp.example", CLUE_FORM_NAME, false},
    {"192.0.2.77", "acme1.192-0-2-77.isp.example", CLUE_FORM_NAME, false},
    {"192.0.2.77", "acme-192-0-2-77.isp.example", CLUE_FORM_NAME, false},
    {"192.0.2.77", "123.192-0-2-77.isp.example", CLUE_FORM_NAME, false},
    /* an octet, and who owns the domain */
    {"192.0.2.77", "h77.webmail.example", CLUE_FORM_MAIL, true},
    {"192.0.2.77", "dsl77.webmail.example", CLUE_FORM_MAIL, false},
    {"192.0.2.77", "h77.acme.example", CLUE_FORM_MAIL, false},
    {"192.0.2.77", "mail77.acme.example", CLUE_FORM_MAIL, true},
    {"192.0.2.77", "mail-2-77.acme.example", CLUE_FORM_MAIL_PART, true},
    {"192.0.2.77", "192-0-2-77.webmail.example", CLUE_FORM_MAIL_FULL, false},
    {"192.0.2.77", "mail-192-0-2-77.acme.example", CLUE_FORM_MAIL_FULL, true},
    /* digits of the address are no word: bb is not broadband there */
    {"192.0.187.18", "bb12.isp.example", CLUE_WORD, false},
    {"192.0.187.19", "bb12.isp.example", CLUE_WORD, true},
    /* the address opens the name with a group that is zero */
    {"2001:db8:0:5:6:7:8:9", "0-5-6-7-8-9.isp.example", CLUE_FORM_FIRST, true},
    /* serial numbers and units */
    {"192.0.2.77", "ab123.isp.example", CLUE_SERIAL, true},
    {"192.0.2.77", "abcd-123.isp.example", CLUE_SERIAL, true},
    {"192.0.2.77", "abcde123.isp.example", CLUE_SERIAL, false},
    {"192.0.2.77", "ab12.isp.example", CLUE_SERIAL, false},
    {"192.0.2.77", "ab123x.isp.example", CLUE_SERIAL, false},
    {"192.0.2.77", "ab.123.isp.example", CLUE_SERIAL, false},
    {"192.0.2.77", "ab123.com", CLUE_SERIAL, false}, /* somebody registered it */
    {"192.0.2.77", "ns.ab1234.isp.example", CLUE_SERIAL_REST, true},
    {"192.0.2.77", "ns.abcd1234.isp.example", CLUE_SERIAL_REST, true},
    {"192.0.2.77", "ns.abcde1234.isp.example", CLUE_SERIAL_REST, false},
    {"192.0.2.77", "ns.ab123.isp.example", CLUE_SERIAL_REST, false},
    {"192.0.2.77", "ns.ab1234x.isp.example", CLUE_SERIAL_REST, false},
    {"192.0.2.77", "ab1234.isp.example", CLUE_SERIAL_REST, false},
    {"192.0.2.77", "lon-a204.isp.example", CLUE_UNIT, true},
    {"192.0.2.77", "lond-a204.isp.example", CLUE_UNIT, true},
    {"192.0.2.77", "londo-a204.isp.example", CLUE_UNIT, false},
    {"192.0.2.77", "lon-a20.isp.example", CLUE_UNIT, false},
    {"192.0.2.77", "lon-ab204.isp.example", CLUE_UNIT, false},
    {"192.0.2.77", "lon-a204x.isp.example", CLUE_UNIT, false},
    {"192.0.2.77", "lon.a204.isp.example", CLUE_UNIT, false},
    {"192.0.2.77", "abc0007.isp.example", CLUE_ZEROS, true},
    {"192.0.2.77", "abc007.isp.example", CLUE_ZEROS, true},
    {"192.0.2.77", "abc07.isp.example", CLUE_ZEROS, false},
    {"192.0.2.77", "abc0107.isp.example", CLUE_ZEROS, false},
    {"192.0.2.77", "abc1007.isp.example", CLUE_ZEROS, false},
    {"192.0.2.77", "dsl0007.isp.example", CLUE_ZEROS, false},
    /* labels of the host part, and how the first one ends */
    {"192.0.2.77", "a.b.c.d.isp.example", CLUE_LABELS + 4, true},
    {"192.0.2.77", "a.b.c.d.e.isp.example", CLUE_LABELS + 5, true},
    {"192.0.2.77", "a.b.c.d.e.f.isp.example", CLUE_LABELS + 5, true},
    {"192.0.2.77", "a.b.c.d.e.f.g.isp.example", CLUE_LABELS + 5, true},
    {"192.0.2.77", "1ab.isp.example", CLUE_LETTER_END, true},
    {"192.0.2.77", "1ax.isp.example", CLUE_LETTER_END, true},
    {"192.0.2.77", "ab1.isp.example", CLUE_LETTER_END, false},
    /* how much of the address shows, what the first label is, whose domain it is */
    {"192.0.2.77", "mail.webmail.example", SCHEME(0, 0, 0), true},
    {"192.0.2.77", "mta.acme.example", SCHEME(0, 0, 3), true},
    {"192.0.2.77", "vps77.acme.example", SCHEME(1, 1, 3), true},
    {"192.0.2.77", "dsl-2-77.acme.example", SCHEME(2, 2, 3), true},
    {"192.0.2.77", "dsl-0-2-77.acme.example", SCHEME(3, 2, 3), true},
    {"192.0.2.77", "www.acme.example", SCHEME(0, 3, 3), true},
    {"192.0.2.77", "florp.acme.example", SCHEME(0, 4, 3), true},
    {"192.0.2.77", "ab.acme.example", SCHEME(0, 5, 3), true},
    /* parts of words */
    {"192.0.2.77", "adslmuc.isp.example", CLUE_PART + ACCESS, true},
    {"192.0.2.77", "adsl.isp.example", CLUE_PART + ACCESS, false}, /* a word is no part */
    {"192.0.2.77", "skyvps.isp.example", CLUE_PART + MACHINE, true},
    {"192.0.2.77", "avps.isp.example", CLUE_PART + MACHINE, true},
    {"192.0.2.77", "webmailer.isp.example", CLUE_PART + MAIL, true},
    {"192.0.2.77", "skyvps106.isp.example", CLUE_PART_NUM + MACHINE, true},
    {"192.0.2.77", "skyvps.106.isp.example", CLUE_PART_NUM + MACHINE, false},
    /* a word of lines, one to four letters that say where, and a number */
    {"192.0.2.177", "adslx4711.isp.example", CLUE_WORD_NUM + ACCESS, true},
    {"192.0.2.177", "adslmuc4711.isp.example", CLUE_WORD_NUM + ACCESS, true},
    {"192.0.2.177", "adslmuni4711.isp.example", CLUE_WORD_NUM + ACCESS, true},
    {"192.0.2.177", "adslmunic4711.isp.example", CLUE_WORD_NUM + ACCESS, false},
    {"192.0.2.177", "adslmunic4711.isp.example", CLUE_PART_NUM + ACCESS, true},
    {"192.0.2.177", "adslmuc.isp.example", CLUE_WORD + ACCESS, false},
    {"192.0.2.177", "adslmuc-4711.isp.example", CLUE_WORD + ACCESS, false},
    {"192.0.2.177", "mucadsl4711.isp.example", CLUE_WORD + ACCESS, false}, /* the place first */
    {"192.0.2.177", "maildsl4711.isp.example", CLUE_WORD + ACCESS, false},
    {"192.0.2.177", "skyvps4711.isp.example", CLUE_WORD + ACCESS, false},
    {"192.0.2.177", "natmuc4711.isp.example", CLUE_WORD + ACCESS, false}, /* nat is no part */
    {"192.0.2.177", "adslmuc4711.isp.example", CLUE_UNKNOWN, false},
    {"192.0.2.177", "adslmunic4711.isp.example", CLUE_UNKNOWN, true},
    /* placeholders */
    {"192.0.2.77", "unassigned.city.isp.example", CLUE_FIRST_EMPTY, true},
    {"192.0.2.77", "no-dns-yet.isp.example", CLUE_FIRST_EMPTY, true},
    {"192.0.2.77", "dns-yet.isp.example", CLUE_FIRST_EMPTY, false},
    {"192.0.2.77", "unassigned7.isp.example", CLUE_FIRST_EMPTY, false},
    {"192.0.2.77", "unassigned-acme.isp.example", CLUE_FIRST_EMPTY, false},
    {"192.0.2.77", "no-dns.isp.example", CLUE_WORD + 6, false}, /* no name server */
    {"192.0.2.77", "dns.isp.example", CLUE_WORD + 6, true},
    {"192.0.2.77", "hosted-by.isp.example", CLUE_FIRST_LINE, true},
    {"192.0.2.77", "dsl.7.isp.example", CLUE_FIRST_LINE, true},
    {"192.0.2.77", "dsl7.isp.example", CLUE_FIRST_LINE, false},
    /* a word beside a number, not beside another word */
    {"192.0.2.77", "acme-dsl.isp.example", CLUE_WORD, true},
    {"192.0.2.77", "acme-dsl.isp.example", CLUE_WORD_NUM, false},
    {"192.0.2.77", "dsl-acme.isp.example", CLUE_WORD_NUM, false},
    {"192.0.2.77", "9-dsl.isp.example", CLUE_WORD_NUM, true},
    /* what a lone octet stands behind: nothing is the last of the eight */
    {"192.0.2.77", "vps77.isp.example", CLUE_FORM_BEHIND, true},
    {"192.0.2.77", "dsl77.isp.example", CLUE_FORM_BEHIND, false},
    {"192.0.2.77", "webmailer77.isp.example", CLUE_FORM_BEHIND + 2, true},
    {"192.0.2.77", "mail77.isp.example", CLUE_FORM_BEHIND + 2, true},
    {"192.0.2.77", "mta77.isp.example", CLUE_FORM_BEHIND + 2, true},
    {"192.0.2.77", "www77.isp.example", CLUE_FORM_BEHIND + 3, true},
    {"192.0.2.77", "adslmunic77.isp.example", CLUE_FORM_BEHIND + 4, true},
    {"192.0.2.77", "florp77.isp.example", CLUE_FORM_BEHIND + 5, true},
    {"192.0.2.77", "ab77.isp.example", CLUE_FORM_BEHIND + 6, true},
    {"192.0.2.77", "vps.77.isp.example", CLUE_FORM_BEHIND + 7, true},
    {"192.0.2.77", "77.isp.example", CLUE_FORM_BEHIND + 7, true},
    {"192.0.2.77", "2-77.isp.example", CLUE_FORM_BEHIND + 7, false},
};

Test(shape, clues_at_their_bounds)
{
    size_t i;

    for (i = 0; i < ROWS(rows); i++) {
        struct evidence e = evidence_of(rows[i].ip, rows[i].name);

        cr_expect_eq(e.clue[rows[i].clue], rows[i].applies, "row %zu: %s, clue %u", i, rows[i].name,
                     rows[i].clue);
    }
}

/* Which word is told of each class: the first. */
Test(shape, the_word_of_a_class)
{
    static const struct {
        const char *name;
        size_t class;
        uint8_t token; /* counted from 1 */
    } row[] = {
        {"dsl.isp.example", 0, 1},        {"acme-dsl-cable.isp.example", 0, 2},
        {"static.isp.example", 1, 1},     {"vps.isp.example", 2, 1},
        {"unassigned.isp.example", 3, 1}, {"mta.isp.example", 4, 1},
        {"mail.isp.example", 5, 1},       {"a.mail.mail.isp.example", 5, 2},
        {"www.isp.example", 6, 1},
    };
    size_t i, k;

    for (i = 0; i < ROWS(row); i++) {
        struct evidence e = evidence_of("192.0.2.77", row[i].name);

        for (k = 0; k < WORD_CLASSES; k++)
            cr_expect_eq(e.key[k], k == row[i].class ? row[i].token : 0, "%s, class %zu: %d",
                         row[i].name, k, e.key[k]);
    }
}

/* The groups of ab7.tel.net: of two and three characters in the folded host part, of three in the
 * domain. */
static const char *const groups[] = {"^a",  "^ab", "ab",  "ab1", "b1",
                                     "b1$", "1$",  ".te", "tel", "el."};

Test(shape, groups_of_host_part_and_domain)
{
    static struct weights w;
    struct evidence e;
    struct dname name;
    struct view v;
    size_t i;

    cr_assert(dname_from_text(&name, "ab7.tel.net", 11));
    view_make(&v, &name);
    evidence_collect(&e, &v, &(struct addr){.family = ADDR_NONE});
    cr_assert_eq(e.ngram, sizeof groups / sizeof groups[0]);
    cr_expect_eq(groups_best(&e, &w, 1), 0u, "no weights");
    for (i = 0; i < e.ngram; i++) {
        size_t n = strlen(groups[i]);
        bool three = n == 3;

        cr_expect(strncmp(groups_text(&e, &v, i), groups[i], n) == 0, "group %zu is %s", i,
                  groups[i]);
        cr_expect_eq(e.gram[i] >= HOST_GRAMS, i >= 7, "group %zu has a slot of its part", i);
        w.gram[e.gram[i]] = -5;
        cr_expect_eq(groups_best(&e, &w, -1), three ? i : 0, "%s weighs most", groups[i]);
        cr_expect_eq(groups_best(&e, &w, 1), 0u, "nothing weighs for a default name");
        w.gram[e.gram[i]] = 0;
    }
    w.gram[e.gram[2]] = 5;
    w.gram[e.gram[3]] = 4;
    cr_expect_eq(groups_best(&e, &w, 1), 3u, "a group of two is not shown");
    w.gram[e.gram[2]] = 0;
    w.gram[e.gram[3]] = 1;
    cr_expect_eq(groups_best(&e, &w, 1), 3u, "the least weight");
    w.gram[e.gram[3]] = w.gram[e.gram[8]] = 4;
    cr_expect_eq(groups_best(&e, &w, 1), 3u, "the first of two");
}

/* A part of the address is #, other numbers are one digit: their length to 3, 4, 6, or 0 for padded
 * ones. */
static const struct {
    const char *name, *folded;
} folds[] = {
    {"ip77.isp.example", "^ip#$"},
    {"a0.isp.example", "^a1$"},
    {"a01.isp.example", "^a0$"},
    {"a12.isp.example", "^a2$"},
    {"a123.isp.example", "^a3$"},
    {"a1234.isp.example", "^a4$"},
    {"a12345.isp.example", "^a4$"},
    {"a123456.isp.example", "^a6$"},
    {"x192-0-2-77.dsl.isp.example", "^x#-#-#-#.dsl$"},
    {"c000024d.isp.example", "^#$"},
    {"xc000024dx.isp.example", "^x#x$"},
    {"isp.example", "^$"},
};

Test(shape, numbers_are_folded)
{
    struct addr client;
    struct evidence e;
    struct dname name;
    struct view v;
    size_t i;

    cr_assert(addr_parse(&client, "192.0.2.77", 10));
    for (i = 0; i < sizeof folds / sizeof folds[0]; i++) {
        cr_assert(dname_from_text(&name, folds[i].name, strlen(folds[i].name)));
        view_make(&v, &name);
        evidence_collect(&e, &v, &client);
        cr_expect_str_eq(e.folded, folds[i].folded, "%s", folds[i].name);
    }
}
