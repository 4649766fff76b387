/* shape: names that show little or nothing of the address, and the margin for them.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "shape/parts.h"
#include "shape/shape.h"
#include "tests/unit/values.h"

#define WEAK   "weak: nothing of the address in it, "
#define LITTLE "too weak for a default name, "

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* `-` is no address. */
static void read(struct addr *client, struct dname *name, const char *ip, const char *text)
{
    *client = (struct addr){.family = ADDR_NONE};
    cr_assert(strcmp(ip, "-") == 0 || addr_parse(client, ip, strlen(ip)), "%s", ip);
    cr_assert(dname_from_text(name, text, strlen(text)) && dname_is_host(name), "%s", text);
}

static const struct {
    const char *ip, *name;
    enum shape_kind kind;
    bool weak;
} rows[] = {
    {"192.0.2.77", "dynamic.isp.example", SHAPE_GENERIC, true},
    {"192.0.2.77", "vps12345.hoster.example", SHAPE_GENERIC, true},
    {"192.0.2.77", "no-dns-yet.isp.example", SHAPE_GENERIC, true},
    {"2001:db8::77", "unassigned.isp.example", SHAPE_GENERIC, true},
    {"2001:db8::77", "2001-db8--77.dyn.isp.example", SHAPE_GENERIC, false},
    {"192.0.2.77", "host-192-0-2-77.isp.example", SHAPE_GENERIC, false},
    {"192.0.2.77", "dsl-2-77.isp.example", SHAPE_GENERIC, false},
    {"203.0.113.177", "dsl177.dyn.isp.example", SHAPE_GENERIC, false}, /* one octet is something */
    {"192.0.2.77", "198-51-100-23.isp.example", SHAPE_GENERIC,
     false}, /* that of a neighbour, too */
    {"192.0.2.77", "77.2.0.192.in-addr.arpa", SHAPE_GENERIC, false},
    {"192.0.2.77", "1.in-addr.arpa", SHAPE_GENERIC, false}, /* no word speaks there */
    {"192.0.2.77", "mail.example.com", SHAPE_NAMED, false},
    {"192.0.2.77", "o1.ptr8526.example.com", SHAPE_PROVIDER, false},
    {"-", "dynamic.isp.example", SHAPE_GENERIC, false}, /* no address could show */
};

Test(shape, weak_is_told)
{
    size_t i;

    for (i = 0; i < ROWS(rows); i++) {
        struct addr client;
        struct dname name;
        struct shape s;

        read(&client, &name, rows[i].ip, rows[i].name);
        shape_judge(&s, &name, &client);
        cr_expect_eq(s.kind, rows[i].kind, "%s: %s", rows[i].name, s.why);
        cr_expect_eq(s.weak, rows[i].weak, "%s: %s", rows[i].name, s.why);
        cr_expect_eq(begins(s.why, WEAK), rows[i].weak, "%s: %s", rows[i].name, s.why);
    }
}

/* One below the margin, at it, and one above. */
Test(shape, the_margin_is_for_less_than_two_octets)
{
    static const struct weights w = {.margin = 100};
    enum form form;

    for (form = FORM_NONE; form < FORM_COUNT; form++) {
        struct evidence e = {.trace = {.form = (uint8_t)form}};
        int margin = form < FORM_QUAD ? w.margin : 0, score;

        for (score = margin - 1; score <= margin + 1; score++) {
            e.clue[CLUE_BARE] = false;
            cr_expect_eq(evidence_generic(&e, &w, score), score > margin, "form %d, score %d",
                         (int)form, score);
            e.clue[CLUE_BARE] = true; /* somebody registered it */
            cr_expect_eq(evidence_generic(&e, &w, score), form >= FORM_QUAD && score > margin,
                         "bare, form %d, score %d", (int)form, score);
        }
    }
}

/* ab4711.isp.example, with all pairs of letters: some stay below the margin. */
Test(shape, below_the_margin_is_named)
{
    static const char *const zones[] = {"isp.example", "net.town.isp.example", "hosting.example"};
    struct addr client;
    struct dname name;
    size_t i, below = 0, above = 0;

    cr_assert_gt(shape_weights.margin, 0);
    for (i = 0; i < 26 * 26 * ROWS(zones) * 5; i++) {
        char text[64];
        struct view v;
        struct evidence e;
        struct shape s;
        int32_t score;

        snprintf(text, sizeof text, "%c%c%.*s.%s", (int)('a' + i % 26), (int)('a' + i / 26 % 26),
                 (int)(i / 676 % 5), "4711", zones[i / 3380]);
        read(&client, &name, "192.0.2.77", text);
        shape_judge(&s, &name, &client);
        view_make(&v, &name);
        evidence_collect(&e, &v, &client);
        score = evidence_score(&e, &shape_weights);
        cr_expect_eq(s.kind == SHAPE_GENERIC, score > shape_weights.margin, "%s: %s", text, s.why);
        cr_expect_eq(begins(s.why, LITTLE), score > 0 && score <= shape_weights.margin, "%s: %s",
                     text, s.why);
        below += score > 0 && score <= shape_weights.margin;
        above += score > shape_weights.margin;
    }
    cr_expect(below > 0 && above > 0, "%zu below, %zu above", below, above);
}
