/* shape: in which form an IPv4 address shows in a name, at the bounds of each form.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/shape/evidence_of.h"

static const struct {
    const char *ip, *name;
    enum form form;
} rows[] = {
    /* four octets */
    {"87.162.35.214", "87-162-35-214.isp.example", FORM_FULL},
    {"87.162.35.214", "214-35-162-87.isp.example", FORM_REVERSED},
    {"87.162.35.214", "162-87-214-35.isp.example", FORM_PERMUTED},
    {"87.162.35.214", "87-162-35-215.isp.example", FORM_NEAR},
    {"87.162.35.214", "215-35-162-87.isp.example", FORM_NEAR},
    {"87.162.35.214", "87-162-1-2.isp.example", FORM_NEAR}, /* the same /16 */
    {"87.162.35.214", "2-1-162-87.isp.example", FORM_NEAR},
    {"87.162.35.214", "87-35-1-2.isp.example", FORM_PAIR},
    {"87.162.35.214", "2-1-35-87.isp.example", FORM_PAIR},
    {"87.162.35.214", "11-22-33-44.isp.example", FORM_QUAD},
    {"87.162.35.214", "11-22-3-4.isp.example", FORM_QUAD}, /* six digits */
    {"87.162.35.214", "111-2-3-4.isp.example", FORM_QUAD},
    {"87.162.35.214", "1-2-3-111.isp.example", FORM_QUAD},
    {"87.162.35.214", "11-2-3-4.isp.example", FORM_NONE},       /* five may be a version */
    {"87.162.35.214", "87-162-35-470.isp.example", FORM_THREE}, /* 470 is no octet */
    {"87.162.35.214", "87-162-35-0214.isp.example", FORM_THREE},
    {"87.162.35.214", "87-162-256-35-214.isp.example", FORM_TAIL}, /* nor is 256, in the midst */
    /* three */
    {"87.162.35.214", "162-35-214.isp.example", FORM_THREE},
    {"87.162.35.214", "214-162-35.isp.example", FORM_THREE},
    {"1.2.3.14", "2-3-14.isp.example", FORM_THREE},
    {"1.14.2.3", "14-2-3.isp.example", FORM_THREE},
    {"87.162.35.0", "87-162-35.isp.example", FORM_THREE}, /* nothing is no zero */
    {"1.2.3.4", "2-3-4.isp.example", FORM_LAST2},         /* three digits are few */
    /* two */
    {"87.162.35.214", "35-214.isp.example", FORM_TAIL},
    {"87.162.35.214", "214-35.isp.example", FORM_TAIL_REV},
    {"87.162.35.214", "162-35.isp.example", FORM_PAIR},
    {"87.162.35.214", "87-214.isp.example", FORM_PAIR},
    {"87.162.35.214", "0214-35.isp.example", FORM_LAST3}, /* no octet has four digits */
    {"10.20.13.4", "13-4.isp.example", FORM_TAIL},
    {"10.20.3.14", "3-14.isp.example", FORM_TAIL},
    {"10.20.13.4", "4-13.isp.example", FORM_TAIL_REV},
    {"10.20.3.4", "3-4.isp.example", FORM_LAST2},
    {"10.20.3.4", "4-3.isp.example", FORM_LAST2},
    /* one */
    {"87.162.35.214", "h214.isp.example", FORM_LAST3},
    {"87.162.35.14", "h14.isp.example", FORM_LAST2},
    {"87.162.35.4", "h4.isp.example", FORM_LAST1},
    {"87.162.35.214", "h87.isp.example", FORM_OTHER1},
    {"87.162.35.214", "h162.isp.example", FORM_OTHER1},
    {"87.162.35.214", "h35.isp.example", FORM_OTHER1},
    {"8.162.35.214", "h8.isp.example", FORM_NONE},
    {"87.162.35.214", "h36.isp.example", FORM_NONE},
    {"87.162.0.214", "256-214.isp.example", FORM_LAST3}, /* 256 is not zero */
    /* run together, three digits each */
    {"87.162.35.214", "087162035214.isp.example", FORM_RUN},
    {"87.162.35.214", "214035162087.isp.example", FORM_RUN},
    {"87.162.35.214", "162035214.isp.example", FORM_RUN3},
    {"87.162.35.214", "035214.isp.example", FORM_RUN2},
    {"87.162.35.214", "087162035215.isp.example", FORM_NEAR},
    {"87.162.35.214", "087162035470.isp.example", FORM_NONE},
    /* run together as they are */
    {"87.162.35.214", "8716235214.isp.example", FORM_RUN},
    {"87.162.35.214", "2143516287.isp.example", FORM_RUN},
    {"87.2.35.214", "87002035214.isp.example", FORM_RUN}, /* padded from the second on */
    {"87.2.35.214", "8702035214.isp.example", FORM_NONE},
    {"87.162.35.214", "16235214.isp.example", FORM_RUN3},
    {"87.162.35.214", "8716235.isp.example", FORM_RUN3},
    {"87.162.35.214", "21435162.isp.example", FORM_RUN3},
    {"87.162.35.214", "87162214.isp.example", FORM_NONE},
    {"87.162.35.214", "35214.isp.example", FORM_RUN2},
    {"87.162.35.214", "21435.isp.example", FORM_RUN2},
    {"87.162.35.214", "87214.isp.example", FORM_RUN2},
    /* one number, and hexadecimal */
    {"87.162.35.214", "1470243798.isp.example", FORM_NUMBER},
    {"87.162.35.214", "1470243799.isp.example", FORM_NONE},
    {"255.255.255.249", "h4294967289.isp.example", FORM_NUMBER},
    {"255.255.255.248", "h4294967289.isp.example", FORM_NONE},
    {"87.162.35.214", "57a223d6.isp.example", FORM_HEX},
    {"87.162.35.214", "57-a2-23-d6.isp.example", FORM_HEX},
    {"87.162.35.214", "d623a257.isp.example", FORM_HEX},
    {"87.162.35.214", "x50a020d0.isp.example", FORM_NONE}, /* each first half alone */
    {"87.162.35.214", "x57a020d0.isp.example", FORM_NONE},
    {"87.162.35.214", "x07020306.isp.example", FORM_NONE},
    {"87.162.35.214", "x57020306.isp.example", FORM_NONE},
    {"169.62.189.10", "a-bd-3e-a9.isp.example", FORM_HEX}, /* a first octet of one digit */
    {"10.189.62.169", "a-bd-3e-a9.isp.example", FORM_HEX},
    /* joined to something, or another digit: three octets alone are no address in this order */
    {"169.62.189.10", "xa-bd-3e-a9.isp.example", FORM_NONE},
    {"169.62.189.10", "b-bd-3e-a9.isp.example", FORM_NONE},
    {"169.62.189.16", "g-bd-3e-a9.isp.example", FORM_NONE},
    {"16.189.62.169", "g-bd-3e-a9.isp.example", FORM_NONE},
    {"169.62.189.255", "xa9-3e-bd-fg.isp.example", FORM_NONE},
};

Test(shape, forms_of_an_address)
{
    size_t i;

    for (i = 0; i < ROWS(rows); i++) {
        struct evidence e = evidence_of(rows[i].ip, rows[i].name);

        cr_expect_eq(e.trace.form, rows[i].form, "%s of %s: form %d, not %d", rows[i].name,
                     rows[i].ip, e.trace.form, rows[i].form);
    }
}

/* An IPv4 address inside: 6to4, Teredo, RFC 6052 and ISATAP, and what only looks like it. */
Test(shape, forms_of_an_address_in_IPv6)
{
    static const struct {
        const char *ip, *name;
        enum form form;
    } row[] = {
        {"2002:c633:6407::1", "198-51-100-7.isp.example", FORM_FULL},
        {"2001:0:1:2:3:4:39cc:9bf8", "198-51-100-7.isp.example", FORM_FULL},
        {"2001:1:1:2:3:4:39cc:9bf8", "198-51-100-7.isp.example", FORM_NONE},
        {"64:ff9b::c633:6407", "198-51-100-7.isp.example", FORM_FULL},
        {"64:ff9b:1::c633:6407", "198-51-100-7.isp.example", FORM_NONE},
        {"2001:db8::200:5efe:c633:6407", "198-51-100-7.isp.example", FORM_FULL},
        {"2001:db8::5efe:c633:6407", "198-51-100-7.isp.example", FORM_FULL},
        {"2001:db8::100:5efe:c633:6407", "198-51-100-7.isp.example", FORM_NONE},
        {"2001:db8::11:5efe:c633:6407", "198-51-100-7.isp.example", FORM_NONE},
        {"2001:db8::200:5ffe:c633:6407", "198-51-100-7.isp.example", FORM_NONE},
        {"2001:db8::200:5eff:c633:6407", "198-51-100-7.isp.example", FORM_NONE},
        {"2001:db8::7", "h7.isp.example", FORM_LAST1},
        {"2001:db8::77", "h77.isp.example", FORM_LAST2},
        {"2001:db8::777", "h777.isp.example", FORM_LAST3},
        {"2001:db8::7777", "h7777.isp.example", FORM_LAST3},
        {"2001:db8::7777", "h07777.isp.example", FORM_NONE},
        {"2001:db8::", "h0.isp.example", FORM_NONE},
        {"2001:db8::1", "20010db80000.isp.example", FORM_SIX}, /* five of them are no zeros */
        {"2001:d08::1", "20010d080000.isp.example", FORM_SIX_PART},
        {"2001:db8::1", "20010db8000.isp.example", FORM_SIX_PART},
        {"2001:db8:0:5::1", "db8-0-5.isp.example", FORM_NONE}, /* zeros prove nothing */
        {"2001:db8:0:15::1", "db8-0-15.isp.example", FORM_SIX_PART},
    };
    size_t i;

    for (i = 0; i < ROWS(row); i++) {
        struct addr client;
        struct dname name;
        struct view v;
        struct evidence e;

        cr_assert(addr_parse(&client, row[i].ip, strlen(row[i].ip)));
        cr_assert(dname_from_text(&name, row[i].name, strlen(row[i].name)));
        view_make(&v, &name);
        evidence_collect(&e, &v, &client);
        cr_expect_eq(e.trace.form, row[i].form, "%s of %s: form %d, not %d", row[i].name, row[i].ip,
                     e.trace.form, row[i].form);
    }
}

/* What stands beside the address, or in its midst. */
Test(shape, clues_beside_an_address)
{
    static const struct {
        const char *name;
        unsigned clue;
        bool applies;
    } row[] = {
        {"192-0-2-77.isp.example", CLUE_FORM_FIRST, true},
        {"a192-0-2-77.isp.example", CLUE_FORM_FIRST, false},
        {"dsl-192-0-2-77.isp.example", CLUE_FORM_FIRST, false},
        {"192-0-2-77.isp.example", CLUE_FORM_ALONE, true},
        {"a192-0-2-77.isp.example", CLUE_FORM_ALONE, true},
        {"ab192-0-2-77.isp.example", CLUE_FORM_ALONE, true},
        {"abc192-0-2-77.isp.example", CLUE_FORM_ALONE, false},
        {"192-dsl-0-2-77.isp.example", CLUE_WORD, true}, /* its digits are no letters */
        {"dsl9.isp.example", CLUE_WORD_NUM, true},
        {"9dsl.isp.example", CLUE_WORD_NUM, true},
        {"a9dsl.isp.example", CLUE_WORD_NUM, true},
        {"9adsl-x.isp.example", CLUE_WORD_NUM, true},
        {"9.dsl.isp.example", CLUE_WORD_NUM, false},
        {"dsl.9.isp.example", CLUE_WORD_NUM, false},
        {"by-acme.isp.example", CLUE_FIRST_LINE, false}, /* it is no "no" */
        {"lon-a204.isp.example", CLUE_UNIT, true},
        {"lon-a-bcd.isp.example", CLUE_UNIT, false},
        {"bcdfg.isp.example", CLUE_NO_VOWEL, true},
        {"bcdf.isp.example", CLUE_NO_VOWEL, false},
        {"badfog.isp.example", CLUE_NO_VOWEL, false},
    };
    struct addr client;
    size_t i;

    cr_assert(addr_parse(&client, "192.0.2.77", 10));
    for (i = 0; i < ROWS(row); i++) {
        struct dname name;
        struct view v;
        struct evidence e;

        cr_assert(dname_from_text(&name, row[i].name, strlen(row[i].name)));
        view_make(&v, &name);
        evidence_collect(&e, &v, &client);
        cr_expect_eq(e.clue[row[i].clue], row[i].applies, "row %zu: %s", i, row[i].name);
    }
}
