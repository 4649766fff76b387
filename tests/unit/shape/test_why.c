/* shape: the reasons in words, as far as they do not depend on weights.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>
#include <string.h>

#include "shape/parts.h"
#include "shape/shape.h"
#include "tests/unit/values.h"

/* `-` is no address. */
static struct shape judged(const char *ip, const char *text)
{
    struct addr client = {.family = ADDR_NONE};
    struct dname name = name_of(text);
    struct shape s;

    cr_assert(strcmp(ip, "-") == 0 || addr_parse(&client, ip, strlen(ip)), "%s", ip);
    shape_judge(&s, &name, &client);
    return s;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* What shows three octets and more is always told, and first. */
Test(shape, the_address_is_told_first)
{
    static const struct {
        const char *ip, *name, *why;
    } row[] = {
        {"192.0.2.77", "192-0-2-77.isp.example", "address 192.0.2.77 in the name"},
        {"192.0.2.77", "77-2-0-192.isp.example", "address 192.0.2.77 reversed in the name"},
        {"192.0.2.77", "dsl-192-0-2-77.pool.isp.example", "address 192.0.2.77 in the name"},
        {"192.0.2.77", "vps-0-2-77.hoster.example", "three octets of 192.0.2.77 in the name"},
        {"87.162.35.214", "57a223d6.isp.example",
         "address 87.162.35.214 in hexadecimal in the name"},
    };
    size_t i, n;

    for (i = 0; i < ROWS(row); i++) {
        struct shape s = judged(row[i].ip, row[i].name);

        n = strlen(row[i].why);
        cr_expect(begins(s.why, row[i].why), "%s: %s", row[i].name, s.why);
        cr_expect(s.why[n] == '\0' || (begins(s.why + n, ", ") && s.why[n + 2] != '\0'),
                  "reasons are separated: %s", s.why);
    }
}

/* Without an address nothing can be said about it. */
Test(shape, no_word_of_an_address_that_is_not_given)
{
    static const char *const name[] = {"mail.example.com",        "www.example.com",
                                       "dynamic.isp.example",     "florp.acme.example",
                                       "host-7.isp.example",      "acme.example",
                                       "vps12345.hoster.example", "192-0-2-77.isp.example"};
    size_t i;

    for (i = 0; i < ROWS(name); i++) {
        struct shape s = judged("-", name[i]);

        cr_expect_null(strstr(s.why, "no trace"), "%s: %s", name[i], s.why);
        cr_expect_null(strstr(s.why, "weak: nothing"), "%s: %s", name[i], s.why);
        cr_expect(s.why[0] != ',' && s.why[0] != '\0', "%s: %s", name[i], s.why);
    }
}

/* Pools of senders are numbered; two hosts may be anybody's. */
Test(shape, numbered_outbound_hosts)
{
    static const struct {
        const char *name;
        bool sender;
    } row[] = {
        {"out.acme.example", false},      {"out1.acme.example", false},
        {"out2.acme.example", false},     {"out3.acme.example", true},
        {"out4.acme.example", true},      {"3.out.acme.example", true},
        {"out2.eu3.acme.example", true},  {"out.acme3.example", false}, /* the domain is its own */
        {"www-out3.acme.example", false},
    };
    size_t i;

    for (i = 0; i < ROWS(row); i++) {
        struct shape s = judged("198.51.100.9", row[i].name);

        cr_expect_eq(strcmp(s.why, "numbered outbound host") == 0, row[i].sender, "%s: %s",
                     row[i].name, s.why);
        cr_expect_eq(s.kind == SHAPE_PROVIDER, row[i].sender, "%s", row[i].name);
    }
}

Test(shape, names_of_reverse_zones)
{
    static const struct {
        const char *name;
        bool reverse;
    } row[] = {
        {"77.2.0.192.in-addr.arpa", true},
        {"1.ip6.arpa", true},
        {"a.arpa", true},
        {"xarpa", false},
        {"arpa", false},
        {"a.arpa.example", false},
    };
    size_t i;

    for (i = 0; i < ROWS(row); i++) {
        struct shape s = judged("192.0.2.77", row[i].name);

        cr_expect_eq(strcmp(s.why, "name of a reverse zone") == 0, row[i].reverse, "%s: %s",
                     row[i].name, s.why);
    }
}

/* Who registered a domain chose its name, unless it is an address. */
Test(shape, a_domain_without_a_host)
{
    enum form form;

    for (form = FORM_NONE; form < FORM_COUNT; form++) {
        struct evidence e = {.trace = {.form = (uint8_t)form}};

        e.clue[CLUE_BARE] = true;
        cr_expect_eq(evidence_generic(&e, &shape_weights, 10000), form >= FORM_QUAD, "form %d",
                     form);
    }
}

/* Where there is only one other reason, the letters are told, too. */
Test(shape, letters_are_the_second_reason)
{
    struct evidence e = {.trace = {.form = FORM_FULL}, .ngram = 64, .ngram_host = 64};
    struct dname name = name_of("ab.isp.example");
    char text[SHAPE_WHY_MAX];
    struct addr client;
    struct sbuf why;
    struct view v;
    uint16_t best = 0;
    size_t i;

    cr_assert(addr_parse(&client, "192.0.2.77", 10));
    view_make(&v, &name);
    for (i = 0; i < GRAM_SLOTS; i++)
        if (shape_weights.gram[i] > shape_weights.gram[best])
            best = (uint16_t)i;
    for (i = 0; i < e.ngram; i++)
        e.gram[i] = best;
    memcpy(e.folded, "^ab$", sizeof "^ab$");
    sbuf_init(&why, text, sizeof text);
    evidence_explain(&why, &e, &v, &client, true, 1000);
    cr_expect_str_eq(text, "address 192.0.2.77 in the name, text ab usual in default names");
}
