/* generic: the golden list of names, the forms of an address, the reasons.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shape/parts.h"
#include "shape/shape.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool make_name(struct dname *d, const char *text)
{
    return dname_from_text(d, text, strlen(text)) && dname_is_host(d);
}

/* `-` is no address. */
static struct addr make_addr(const char *text)
{
    struct addr a = {.family = ADDR_NONE};

    if (strcmp(text, "-") != 0 && !addr_parse(&a, text, strlen(text)))
        cr_expect(false, "bad address in a test: %s", text);
    return a;
}

static struct shape judge(const char *ip, const char *text)
{
    struct shape g;
    struct dname name;
    struct addr client = make_addr(ip);

    memset(&g, 0xa5, sizeof(g));
    if (make_name(&name, text))
        shape_judge(&g, &name, &client);
    else
        cr_expect(false, "bad name in a test: %s", text);
    return g;
}

static bool good_why(const char *why)
{
    size_t n = strnlen(why, SHAPE_WHY_MAX), i;

    for (i = 0; i < n; i++)
        if (why[i] < 0x20 || why[i] > 0x7e || strchr(";\"\\=", why[i]) != NULL)
            return false;
    return n > 0 && n < SHAPE_WHY_MAX;
}

/* The letters of the item "text abN usual" are letters of the name. */
static bool text_is_of_name(const char *why, const char *name)
{
    const char *at = strstr(why, "text "), *end = strstr(why, " usual in");
    char piece[SHAPE_WHY_MAX];
    size_t n;

    if (at == NULL || end == NULL)
        return at == NULL;
    for (at += strlen("text "); at < end; at += n) {
        n = strcspn(at, "N .-_");
        snprintf(piece, sizeof(piece), "%.*s", (int)n, at);
        if (strstr(name, piece) == NULL)
            return false;
        n += strspn(at + n, "N .-_");
    }
    return at == end + 1;
}

/* A kind that ends in ? is what the name should be called and is not yet: whoever makes it right
 * takes the mark away. Few may be left. */
#define KNOWN_MISSES 12

Test(shape, golden_B28_B29_B31_B33)
{
    const char *dir = getenv("GOLDEN_DIR");
    char path[4096], line[1024], *field[4], *save;
    size_t rows = 0, missed = 0, i;
    FILE *f;

    snprintf(path, sizeof(path), "%s/generic.tsv", dir != NULL ? dir : "tests/golden");
    f = fopen(path, "r");
    cr_assert_not_null(f, "%s", path);
    cr_assert_not_null(fgets(line, sizeof(line), f));
    while (fgets(line, sizeof(line), f) != NULL) {
        struct shape g;

        line[strcspn(line, "\n")] = '\0';
        save = line;
        for (i = 0; i < COUNT(field); i++)
            field[i] = strsep(&save, "\t");
        cr_assert_not_null(field[3], "row %zu has four fields", rows + 2);
        g = judge(field[0], field[1]);
        if (strchr(field[2], '?') != NULL) {
            *strchr(field[2], '?') = '\0';
            cr_expect_str_neq(shape_word(g.kind), field[2], "%s is right now: no ?", field[1]);
            missed++;
        } else {
            cr_expect_str_eq(shape_word(g.kind), field[2], "%s %s is %s (%s): %s", field[0],
                             field[1], field[2], field[3], g.why);
        }
        cr_expect(good_why(g.why), "reason of %s %s", field[0], field[1]);
        cr_expect(text_is_of_name(g.why, field[1]), "%s: %s", field[1], g.why);
        rows++;
    }
    fclose(f);
    cr_expect_geq(rows, 955u);
    cr_expect_leq(missed, (size_t)KNOWN_MISSES);
}

/* The form that is found, and what the admin reads of it. */
static const struct {
    const char *ip, *name;
    enum form form;
    const char *why;
} forms[] = {
    {"192.0.2.77", "192-0-2-77.isp.example", FORM_FULL, "address 192.0.2.77 in the name"},
    {"192.0.2.77", "192.000.002.077.isp.example", FORM_FULL, "address 192.0.2.77 in the name"},
    {"192.0.2.77", "77-2-0-192.isp.example", FORM_REVERSED, "address 192.0.2.77 reversed"},
    {"192.0.2.77", "h77.192-0-2.isp.example", FORM_PERMUTED, "192.0.2.77 in another order"},
    {"203.0.113.77", "x011377.isp.example", FORM_RUN3, "three octets of 203.0.113.77 run"},
    {"203.0.113.77", "203000113077.isp.example", FORM_RUN, "address 203.0.113.77 run together"},
    {"203.0.113.77", "203011377.isp.example", FORM_RUN, "address 203.0.113.77 run together"},
    {"203.0.113.77", "ip113077.isp.example", FORM_RUN2, "two octets of 203.0.113.77 run"},
    {"192.0.13.77", "ip1377.isp.example", FORM_RUN2, "two octets of 192.0.13.77 run"},
    {"192.0.2.77", "ip277.isp.example", FORM_NONE, NULL}, /* three digits are by chance */
    {"1.2.3.4", "16909060.isp.example", FORM_NUMBER, "address 1.2.3.4 as one number"},
    {"0.152.150.127", "9999999.isp.example", FORM_NONE, NULL}, /* seven digits as well */
    {"192.0.2.77", "3221226061.isp.example", FORM_NUMBER, "address 192.0.2.77 as one number"},
    {"192.0.2.77", "xc000024d.isp.example", FORM_HEX, "address 192.0.2.77 in hexadecimal"},
    {"192.0.2.77", "c0-00-02-4d.isp.example", FORM_HEX, "address 192.0.2.77 in hexadecimal"},
    {"192.0.2.77", "4d0200c0.isp.example", FORM_HEX, "address 192.0.2.77 in hexadecimal"},
    {"203.0.113.77", "x00714d.isp.example", FORM_HEX3, "three octets of 203.0.113.77 in hexa"},
    {"203.0.113.77", "ip-0-113-77.isp.example", FORM_THREE, "three octets of 203.0.113.77 in"},
    {"203.0.113.77", "203-0-113-78.isp.example", FORM_NEAR, "an address close to 203.0.113.77"},
    {"203.0.113.77", "198-51-100-23.isp.example", FORM_QUAD, NULL},
    {"203.0.113.77", "ip-113-77.isp.example", FORM_TAIL, "last octets of 203.0.113.77 in"},
    {"203.0.113.77", "ip-77-113.isp.example", FORM_TAIL_REV, "last octets of 203.0.113.77 rev"},
    {"203.0.113.77", "ip-203-77.isp.example", FORM_PAIR, "two octets of 203.0.113.77 in"},
    {"203.0.113.177", "ip177.isp.example", FORM_LAST3, NULL},
    {"203.0.113.77", "ip77.isp.example", FORM_LAST2, NULL},
    {"203.0.113.7", "ip7.isp.example", FORM_LAST1, NULL},
    {"203.0.113.7", "mail.example.com", FORM_NONE, NULL},
    {"2001:db8:1:2:3:4:5:6", "2001-db8-1-2-3-4-5-6.isp.example", FORM_SIX,
     "address 2001:db8:1:2:3:4:5:6 in the name"},
    {"2001:db8:9:8:7:6:5:4", "cust-2001-db8-9-8-7-6-5-4.isp.example", FORM_SIX,
     "address 2001:db8:9:8:7:6:5:4 in the name"},
    {"2001:db8::1f", "2001-db8--1f.isp.example", FORM_SIX_PART, "groups of 2001:db8::1f"},
    {"2001:db8:1:2:aaaa:bbbb:cccc:dddd",
     "d.d.d.d.c.c.c.c.b.b.b.b.a.a.a.a.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.isp.example", FORM_SIX,
     "address 2001:db8:1:2:aaaa:bbbb:cccc:dddd in the name"},
    {"2002:c000:24d::1", "h-192-0-2-77.isp.example", FORM_FULL, "address 2002:c000:24d::1"},
    {"64:ff9b::c000:24d", "192-0-2-77.isp.example", FORM_FULL, "address 64:ff9b::c000:24d"},
    {"2001:0:1:2:3:4:3fff:fdb2", "192-0-2-77.isp.example", FORM_FULL, NULL},
    {"2001:db8::c000:24d", "192-0-2-77.isp.example", FORM_NONE, NULL},
    {"2001:db8:1:2:0:5efe:c000:24d", "192-0-2-77.isp.example", FORM_FULL, NULL},
    /* a first octet of one hexadecimal digit, on its own only */
    {"169.62.189.10", "a.bd.3ea9.ip4.isp.example", FORM_HEX, "address 169.62.189.10 in hexa"},
    {"10.189.62.169", "x-a-bd-3e-a9.isp.example", FORM_HEX, "address 10.189.62.169 in hexa"},
    {"169.62.189.10", "xa-bd-3e-a9.isp.example", FORM_NONE, NULL},
    {"169.62.189.16", "10.bd.3ea9.ip4.isp.example", FORM_HEX, NULL},
    {"169.62.189.10", "a.bd.3ea8.ip4.isp.example", FORM_NONE, NULL},
    /* base 32: the whole address or its last half, from the first bit or up to the last */
    {"2001:db8:1:2:aaaa:bbbb:cccc:dddd", "eaaq3oaaaeaafkvkxo54ztg53u.v6.isp.example", FORM_SIX,
     NULL},
    {"2001:db8:1:2:aaaa:bbbb:cccc:dddd", "baaeg3qaabaabkvkv3xpgmzxo5.v6.isp.example", FORM_SIX,
     NULL},
    {"2001:db8:1:2:aaaa:bbbb:cccc:dddd", "ptr-vkvlxo6mzto52.v6.isp.example", FORM_SIX, NULL},
    {"2001:db8:1:2:aaaa:bbbb:cccc:dddd", "kvkv3xpgmzxo5.v6.isp.example", FORM_SIX, NULL},
    {"2001:db8:1:2:aaaa:bbbb:cccc:dddd", "400gre0004005alanetspj6trk.v6.isp.example", FORM_SIX,
     NULL},
    {"2001:db8:1:2:aaaa:bbbb:cccc:dddd", "alalrnf6cpnet.v6.isp.example", FORM_SIX, NULL},
    {"2001:db8:1:2:aaaa:bbbb:cccc:dddd", "lalbneucpjetq.v6.isp.example", FORM_SIX, NULL},
    {"2001:db8:1:2:aaaa:bbbb:cccc:dddd", "vkvlxo6mzto.v6.isp.example", FORM_NONE, NULL},
    {"2001:db8:1:2:aaaa:bbbb:cccc:dddd", "vkvlxo6mztp52.v6.isp.example", FORM_NONE, NULL},
    {"2001:db8:1:2::1", "aaaaaaaaaaaaa.isp.example", FORM_NONE, NULL}, /* zeros prove nothing */
    {"2001:db8:1:2::1ff:ffff", "0000000vvvvv.isp.example", FORM_SIX, NULL}, /* five digits do */
    {"2001:db8:1:2::f:ffff", "00000000vvvv.isp.example", FORM_NONE, NULL},
    {"198.51.100.23", "x51100023.isp.example", FORM_RUN3, "three octets of 198.51.100.23 run"},
    {"198.51.100.23", "x100023.isp.example", FORM_RUN2, "two octets of 198.51.100.23 run"},
    {"192.0.2.77", "mail.web77.com", FORM_NONE, NULL},
    {"192.0.2.77", "mail1.web77.com", FORM_NONE, NULL},
    {"192.0.2.77", "web77.com", FORM_NONE, NULL},
    {"192.0.2.171", "x02ab.isp.example", FORM_HEX2, NULL},
    {"192.0.2.171", "mail1.x02ab.com", FORM_NONE, NULL}, /* in the domain this proves nothing */
    {"203.0.113.77", "mail1.ip113077.com", FORM_RUN2, NULL},
    {"-", "192-0-2-77.isp.example", FORM_NONE, NULL},
};

Test(shape, forms_of_the_address_B29_B31)
{
    size_t i;

    for (i = 0; i < COUNT(forms); i++) {
        struct shape g = judge(forms[i].ip, forms[i].name);
        struct addr client = make_addr(forms[i].ip);
        struct dname name;
        struct trace t;
        struct view v;

        make_name(&name, forms[i].name);
        view_make(&v, &name);
        trace_find(&t, &v, &client);
        cr_expect_eq(t.form, (unsigned)forms[i].form, "%s %s has form %u, not %u", forms[i].ip,
                     forms[i].name, (unsigned)t.form, (unsigned)forms[i].form);
        cr_expect_leq((size_t)t.at + t.len, strlen(forms[i].name), "%s", forms[i].name);
        if (forms[i].why != NULL) {
            cr_expect_eq(g.kind, SHAPE_GENERIC, "%s %s: %s", forms[i].ip, forms[i].name, g.why);
            cr_expect_not_null(strstr(g.why, forms[i].why), "%s %s: %s", forms[i].ip, forms[i].name,
                               g.why);
        }
    }
}

/* B28: a wildcard zone gives every address the same or a computed name. */
Test(shape, B28_wildcard_names_are_generic_for_any_address)
{
    unsigned i;

    for (i = 0; i < 256; i++) {
        char ip[32], name[64];
        struct shape g;

        snprintf(ip, sizeof(ip), "198.51.%u.%u", i, (i * 37 + 11) % 256);
        snprintf(name, sizeof(name), "ip-198-51-%u-%u.wild.example", i, (i * 37 + 11) % 256);
        g = judge(ip, name);
        cr_expect_eq(g.kind, SHAPE_GENERIC, "%s %s: %s", ip, name, g.why);
        g = judge(ip, "unassigned.wild.example");
        cr_expect_eq(g.kind, SHAPE_GENERIC, "%s: %s", ip, g.why);
    }
}

/* The same code judges HELO names, with the client address and without. */
static const struct {
    const char *ip, *name;
    enum shape_kind with, without;
} helos[] = {
    {"192.0.2.77", "mail.example.com", SHAPE_NAMED, SHAPE_NAMED},
    {"192.0.2.77", "example.org", SHAPE_NAMED, SHAPE_NAMED},
    {"192.0.2.77", "host-192-0-2-77.dsl.example.net", SHAPE_GENERIC, SHAPE_GENERIC},
    {"192.0.2.77", "77.2.0.192.in-addr.arpa", SHAPE_GENERIC, SHAPE_GENERIC},
    {"2001:db8::1", "1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", SHAPE_GENERIC, SHAPE_GENERIC},
    {"192.0.2.77", "mail.arpa.example.com", SHAPE_NAMED, SHAPE_NAMED},
    {"192.0.2.77", "vps12345.hoster.example", SHAPE_GENERIC, SHAPE_GENERIC},
    {"192.0.2.77", "dynamic.isp.example", SHAPE_GENERIC, SHAPE_GENERIC},
    {"192.0.2.77", "o1.ptr8526.example.com", SHAPE_PROVIDER, SHAPE_PROVIDER},
    {"192.0.2.77", "m42-8.mailgun.net", SHAPE_PROVIDER, SHAPE_PROVIDER},
    {"2001:db8::25", "mx1.example.net", SHAPE_NAMED, SHAPE_NAMED},
};

Test(shape, helo_names_with_and_without_address)
{
    size_t i;

    for (i = 0; i < COUNT(helos); i++) {
        struct shape with = judge(helos[i].ip, helos[i].name);
        struct shape without = judge("-", helos[i].name);

        cr_expect_eq(with.kind, helos[i].with, "%s: %s", helos[i].name, with.why);
        cr_expect_eq(without.kind, helos[i].without, "%s: %s", helos[i].name, without.why);
        cr_expect_null(strstr(without.why, "address"), "%s: %s", helos[i].name, without.why);
    }
}

/* rspamd#2140, Haraka rdns.regexp: words and digits of the domain are its own. */
Test(shape, domain_does_not_count_as_host_part)
{
    static const char *const names[] = {
        "mail.dyni.net",
        "smtp.dynamicinternet.com",
        "mx1.generaldynamics.com",
        "mail.192-0-2.com",
        "mail.77-2.com",
        "dynamicinternet.com",
        "mail.static77.example.jp",
        "mail.pool77.co.uk",
    };
    size_t i;

    for (i = 0; i < COUNT(names); i++) {
        struct shape g = judge("192.0.2.77", names[i]);

        cr_expect_eq(g.kind, SHAPE_NAMED, "%s: %s", names[i], g.why);
    }
}

/* Names at the limits: every label count, the longest label, the longest name. */
Test(shape, limits)
{
    char text[DNAME_TEXT_MAX];
    struct shape g;
    size_t n;

    for (n = 2; n <= 126; n++) {
        size_t i;

        for (i = 0; i < n; i++)
            memcpy(text + 2 * i, i + 1 < n ? "1." : "x", 2);
        text[2 * n - 1] = '\0';
        g = judge("1.1.1.1", text);
        cr_expect(good_why(g.why), "%zu labels: %s", n, g.why);
    }
    memset(text, 'a', 253);
    for (n = 50; n < 253; n += 51)
        text[n] = '.';
    text[253] = '\0';
    g = judge("2001:db8:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa", text);
    cr_expect(good_why(g.why), "%s", g.why);
    {
        struct dname root = {.len = 1};
        struct addr none = make_addr("-");

        shape_judge(&g, &root, &none); /* no host name: any verdict, no harm */
        cr_expect(good_why(g.why), "%s", g.why);
    }
    memset(text, '9', 63);
    memcpy(text + 63, ".example", 9);
    g = judge("255.255.255.255", text);
    cr_expect(good_why(g.why), "%s", g.why);
}

/* The host part of the common suffixes is cut without a look into the public
 * suffix list; both ways must agree. */
Test(shape, host_part_agrees_with_the_suffix_list)
{
    static const char *const suffixes[] = {
        "com",    "net",    "org",    "de",     "ru",     "edu",    "nl",      "ch",     "cz",
        "sk",     "eu",     "dk",     "info",   "biz",    "gov",    "mil",     "li",     "su",
        "at",     "co.at",  "be",     "ac.be",  "bg",     "by",     "ca",      "cl",     "co",
        "com.co", "ee",     "es",     "com.es", "fi",     "fr",     "asso.fr", "gr",     "hr",
        "ie",     "io",     "ir",     "is",     "kz",     "lt",     "lu",      "lv",     "me",
        "pt",     "ro",     "rs",     "si",     "to",     "tv",     "us",      "ac.jp",  "ac.uk",
        "co.id",  "co.in",  "co.jp",  "co.kr",  "co.nz",  "co.th",  "co.uk",   "co.za",  "com.ar",
        "com.au", "com.br", "com.cn", "com.mx", "com.my", "com.pl", "com.sg",  "com.tr", "com.tw",
        "com.ua", "edu.tw", "ne.jp",  "net.ar", "net.au", "net.br", "net.co",  "net.id", "net.mx",
        "net.nz", "net.pl", "net.tw", "or.jp",  "org.uk", "it",     "pl",      "jp",     "example",
    };
    static const char *const hosts[] = {"", "mail.", "a.b.", "1.2.3.4."};
    size_t i, k;

    for (i = 0; i < COUNT(suffixes); i++)
        for (k = 0; k < COUNT(hosts); k++) {
            char text[64];
            struct dname name;
            struct view v;
            size_t left;

            snprintf(text, sizeof(text), "%sqxzzyv.%s", hosts[k], suffixes[i]);
            make_name(&name, text);
            view_make(&v, &name);
            left = dname_left_of_registrable(&name);
            cr_expect_eq(v.bare, left == 0, "%s", text);
            cr_expect_eq(v.org, left, "%s: %u, not %zu", text, (unsigned)v.org, left);
        }
}

/* A word at each end of some tables, so that an unsorted one is noticed. */
static const struct {
    const char *word;
    uint32_t classes;
} words[] = {
    {"abo", WORD_BLOCK},
    {"dsl", WORD_ACCESS},
    {"dynamic", WORD_ACCESS},
    {"static", WORD_BLOCK},
    {"vps", WORD_MACHINE},
    {"unassigned", WORD_EMPTY},
    {"outbound", WORD_SENDING},
    {"mail", WORD_MAIL},
    {"zimbra", WORD_MAIL},
    {"www", WORD_ROLE},
    {"xdsl", WORD_ACCESS},
    {"zabbix", WORD_ROLE},
    {"gandalf", WORD_ROLE},
    {"x", 0},
    {"", 0},
    {"dslx", 0},
    {"ds", WORD_MACHINE},
    {"0dsl", 0},
    {"unassignedunassigned", 0},
};

Test(shape, words_are_found)
{
    size_t i;

    for (i = 0; i < COUNT(words); i++)
        cr_expect_eq(word_class(words[i].word, strlen(words[i].word)), words[i].classes, "%s",
                     words[i].word);
}

static const struct {
    const char *name;
    bool known;
} senders[] = {
    {"mta1.126.com", true},
    {"out-27.smtp.github.com", true},
    {"x.outbound.protection.outlook.com", true},
    {"mail-out.ovh.net", true},
    {"1.mo1.mail-out.ovh.net", true},
    {"vps1234.ovh.net", false},
    {"xmail-out.ovh.net", false},
    {"p3plsmtpa01-01.prod.phx3.secureserver.net", true},
    {"ip-192-0-2-77.ip.secureserver.net", false},
    {"sender4-of-o54.zoho.com", true},
    {"sender4-of-o54.zoho.example", false},
    {"zoho.com", false},
};

Test(shape, senders_are_known_by_domain_and_zone)
{
    size_t i;

    for (i = 0; i < COUNT(senders); i++) {
        struct dname name;
        struct view v;

        make_name(&name, senders[i].name);
        view_make(&v, &name);
        cr_expect_eq(sender_known(&v), senders[i].known, "%s", senders[i].name);
    }
}

Test(shape, words_of_the_kinds)
{
    cr_expect_str_eq(shape_word(SHAPE_GENERIC), "generic");
    cr_expect_str_eq(shape_word(SHAPE_NAMED), "named");
    cr_expect_str_eq(shape_word(SHAPE_PROVIDER), "provider");
}
