/* forged: which fields of a message are removed, and how many at most.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "milter/forged.h"

#include <string.h>

#define AUTHRES "Authentication-Results"
#define OURS    "mx.example.org; iprev=pass"
#define FOREIGN "other.example; spf=pass"

static void see(struct forged *f, const char *name, const char *value, unsigned times)
{
    while (times-- > 0)
        forged_see(f, name, value, "mx.example.org");
}

static unsigned removed(const struct forged *f)
{
    unsigned n, marked = 0;

    for (n = 0; n <= f->authres + 1; n++)
        marked += forged_is(f, n);
    return f->x_iprev + marked;
}

Test(forged, C2_names)
{
    static const struct {
        const char *name;
        unsigned removed;
    } row[] = {{"X-IPRev", 1},  {"x-iprev", 1},       {"X-IPRev ", 1},  {"X-IPRev\t  ", 1},
               {" X-IPRev", 0}, {"X-IPRev-Other", 0}, {"X-IPRe", 0},    {"X-IPRev :", 0},
               {AUTHRES, 1},    {AUTHRES " \t", 1},   {AUTHRES "-", 0}, {"", 0},
               {" ", 0}};
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct forged f = {0};

        see(&f, row[i].name, OURS, 1);
        cr_expect(removed(&f) == row[i].removed, "\"%s\"", row[i].name);
        forged_reset(&f);
    }
}

/* The bound is of both names together, and of depth. */
Test(forged, C19_bound)
{
    static const struct {
        unsigned above;   /* other fields, on top */
        unsigned foreign; /* then Authentication-Results that stay */
        unsigned x_iprev, authres;
        unsigned removed;
        bool over;
        const char *label;
    } row[] = {
        {0, 0, 499, 0, 499, false, "one below, X-IPRev"},
        {0, 0, 500, 0, 500, false, "at it"},
        {0, 0, 501, 0, 500, true, "one above"},
        {0, 0, 0, 499, 499, false, "one below, Authentication-Results"},
        {0, 0, 0, 500, 500, false, "at it"},
        {0, 0, 0, 501, 500, true, "one above"},
        {0, 0, 250, 249, 499, false, "one below, both"},
        {0, 0, 250, 250, 500, false, "at it"},
        {0, 0, 250, 251, 500, true, "one above"},
        {0, 0, 10000, 10000, 500, true, "what killed Postfix"},
        {8190, 0, 1, 0, 1, false, "one field less deep"},
        {8191, 0, 1, 0, 1, false, "as deep as may be"},
        {8192, 0, 1, 0, 0, true, "one too deep"},
        {0, 8191, 0, 1, 1, false, "as deep as may be, below foreign ones"},
        {0, 8192, 0, 1, 0, true, "one too deep"},
        {8190, 0, 2, 3, 2, true, "the topmost ones go"},
        {100000, 0, 0, 0, 0, false, "nothing of ours: as many as there may be"},
        {0, 100000, 0, 0, 0, false, "the same"},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct forged f = {0};

        see(&f, "X-Other", "a", row[i].above);
        see(&f, AUTHRES, FOREIGN, row[i].foreign);
        see(&f, "X-IPRev", "a", row[i].x_iprev);
        see(&f, AUTHRES, OURS, row[i].authres);
        cr_expect(f.over == row[i].over, "%zu: %s", i, row[i].label);
        cr_expect(removed(&f) == row[i].removed, "%zu: %s: %u", i, row[i].label, removed(&f));
        forged_reset(&f);
        cr_expect(!f.over && f.bits == NULL);
    }
}

/* Over the bound the topmost fields go, whatever their name. */
Test(forged, C19_topmost)
{
    struct forged f = {0};
    unsigned i;

    for (i = 0; i < 400; i++) {
        see(&f, AUTHRES, FOREIGN, 1);
        see(&f, AUTHRES, OURS, 1);
        see(&f, "X-IPRev", "a", 1);
    }
    cr_expect(f.over && f.x_iprev == 250);
    for (i = 1; i <= 800; i++)
        cr_expect(forged_is(&f, i) == (i % 2 == 0 && i <= 500), "%u", i);
    forged_reset(&f);
}

Test(forged, C19_reply)
{
    static const struct addr client = {.family = ADDR_NONE};
    struct forged f = {0};
    struct reply r;

    see(&f, "X-IPRev", "a", 500);
    cr_expect(!forged_refuses(&f, &client, true, &r));
    see(&f, "X-IPRev", "a", 1);
    cr_expect(!forged_refuses(&f, &client, false, &r), "trusted");
    cr_expect(forged_refuses(&f, &client, true, &r));
    cr_expect(r.code == 554);
    cr_expect_str_eq(r.xcode, "5.6.0");
    cr_expect(strstr(r.text, "X-IPRev") != NULL && strstr(r.text, AUTHRES) != NULL);
    forged_reset(&f);
}
