/* quiet: when many questions hang, a few strangers are asked at a time.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "dns/quiet.h"

#include <string.h>

#define HOUR 3600000

enum { STRANGER, NEAR_HEARD, WIDE_HEARD, WIDE_OUT, WIDE_DEAD, WIDE_FAILED, A_NAME };

static void prepare(struct quiet *q, struct quiet_place *p, int what)
{
    enum quiet_end end = what == WIDE_DEAD ? QUIET_SILENT : QUIET_HEARD;
    struct quiet_place wide = {NULL, p->wide, false}, near = {p->near, NULL, false};
    struct quiet_place *of = what == NEAR_HEARD ? &near : &wide;

    if (what == A_NAME)
        p->wide = NULL;
    if (what == STRANGER || what == A_NAME)
        return;
    quiet_asked(q, of, HOUR);
    if (what != WIDE_OUT)
        quiet_over(q, *of, 9, HOUR, end, HOUR + 5);
    if (what == WIDE_FAILED) { /* two in vain since it was heard */
        quiet_asked(q, of, HOUR + 6);
        quiet_asked(q, of, HOUR + 6);
        quiet_over(q, *of, 10, HOUR + 6, QUIET_SILENT, HOUR + 7);
        quiet_over(q, *of, 11, HOUR + 6, QUIET_SILENT, HOUR + 7);
    }
    q->sent[HOUR / 100 % QUIET_HANGS].open = 0;
}

/* So many questions were sent at HOUR to other zones; after so many ms one is to be asked. */
Test(quiet, B24_a_stranger_while_many_questions_hang)
{
    static const struct {
        unsigned hanging, answered;
        int64_t after, let_in; /* ms ago */
        int what;
        enum quiet_word word;
        const char *why;
    } row[] = {
        {79, 0, 300, 5000, WIDE_OUT, QUIET_ASK, "one less than too many"},
        {80, 0, 300, 5000, WIDE_OUT, QUIET_PARK_WIDE, "too many: one at a time in a wide zone"},
        {81, 0, 300, 5000, WIDE_OUT, QUIET_PARK_WIDE, "one more"},
        {81, 1, 300, 5000, WIDE_OUT, QUIET_PARK_WIDE, "one was answered"},
        {81, 2, 300, 5000, WIDE_OUT, QUIET_ASK, "two were"},
        {80, 0, 199, 5000, WIDE_OUT, QUIET_ASK, "they may be answered yet"},
        {80, 0, 200, 5000, WIDE_OUT, QUIET_PARK_WIDE, "it takes long"},
        {80, 0, 16999, 5000, WIDE_OUT, QUIET_PARK_WIDE, "the forwarder still has them"},
        {80, 0, 17000, 5000, WIDE_OUT, QUIET_ASK, "it has given up"},
        {80, 0, 300, 150, STRANGER, QUIET_ASK, "a few strangers are let in"},
        {80, 0, 300, 149, STRANGER, QUIET_PARK_WIDE, "the last one was just before"},
        {79, 0, 300, 149, STRANGER, QUIET_ASK, "nobody counts them"},
        {80, 0, 300, 149, NEAR_HEARD, QUIET_ASK, "its zone is known"},
        {80, 0, 300, 149, WIDE_HEARD, QUIET_ASK, "its wide zone is known"},
        {80, 0, 300, 5000, WIDE_DEAD, QUIET_DENY, "its wide zone was asked in vain"},
        {79, 0, 300, 5000, WIDE_DEAD, QUIET_ASK, "which says little of a neighbour"},
        {80, 0, 14999, 5000, WIDE_DEAD, QUIET_DENY, "for a while"},
        {80, 0, 15005, 5000, WIDE_DEAD, QUIET_ASK, "then one may try"},
        {80, 0, 15005, 149, WIDE_DEAD, QUIET_PARK_WIDE, "when it is its turn"},
        {80, 0, 300, 5000, WIDE_FAILED, QUIET_DENY, "heard, and then silent for two names"},
        {80, 0, 300, 150, A_NAME, QUIET_ASK, "a name has no wide zone"},
        {80, 0, 300, 149, A_NAME, QUIET_PARK_WIDE, "it waits by its own"},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        static struct quiet q;
        struct quiet_place p, nowhere = {NULL, NULL, false};
        unsigned n;

        memset(&q, 0, sizeof q);
        quiet_bound(&q, 1);
        p.near = quiet_find(&q, 77, HOUR);
        p.wide = quiet_find(&q, 990, HOUR);
        prepare(&q, &p, row[i].what);
        for (n = q.sent[HOUR / 100 % QUIET_HANGS].open; n < row[i].hanging; n++)
            quiet_asked(&q, &nowhere, HOUR);
        for (n = 0; n < row[i].answered; n++)
            quiet_over(&q, nowhere, 1, HOUR, n % 2 == 0 ? QUIET_HEARD : QUIET_NOBODY, HOUR + 50);
        quiet_over(&q, nowhere, 1, HOUR - QUIET_HANGS * 100, QUIET_HEARD, HOUR); /* long ago */
        q.let_in = HOUR + row[i].after - row[i].let_in;
        cr_expect_eq(quiet_may_ask(&q, p, 5, HOUR + row[i].after), row[i].word, "%s", row[i].why);
    }
}

/* A hundred questions hang. So many strangers were asked, so many of them in vain, at that time
 * before the question. */
Test(quiet, B24_a_slow_forwarder_is_asked_on)
{
    static const struct {
        unsigned strangers, vain;
        int64_t ago;
        enum quiet_word word;
        const char *why;
    } row[] = {
        {100, 34, 1000, QUIET_PARK_WIDE, "a third in vain"},
        {99, 33, 1000, QUIET_PARK_WIDE, "just a third"},
        {100, 33, 1000, QUIET_ASK, "less: it is slow, not dead"},
        {8, 2, 1000, QUIET_ASK, "enough to tell"},
        {7, 0, 1000, QUIET_PARK_WIDE, "too few to tell"},
        {100, 0, 500, QUIET_ASK, "half a second ago"},
        {100, 0, 400, QUIET_PARK_WIDE, "not long enough ago"},
        {100, 0, 3000, QUIET_ASK, "three seconds ago"},
        {100, 0, 3100, QUIET_PARK_WIDE, "too long ago"},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        static struct quiet q;
        struct quiet_place p, other, nowhere = {NULL, NULL, false};
        int64_t then = HOUR - row[i].ago;
        unsigned n;

        memset(&q, 0, sizeof q);
        quiet_bound(&q, 1);
        for (n = 0; n < 100; n++) {
            int64_t long_ago = HOUR - 2000 - QUIET_HANGS * 100;

            other = (struct quiet_place){quiet_find(&q, 16 + 8 * n, long_ago), NULL, false};
            quiet_asked(&q, &other, long_ago);
            quiet_over(&q, other, 1, long_ago, QUIET_SILENT, long_ago);
            quiet_asked(&q, &nowhere, HOUR - 1000); /* who is no stranger does not count */
        }
        for (n = 0; n < row[i].strangers; n++) {
            other = (struct quiet_place){quiet_find(&q, 16 + 8 * n, then), NULL, false};
            quiet_asked(&q, &other, then);
            cr_assert(other.stranger);
            if (n >= row[i].vain)
                quiet_over(&q, other, 1, then, n % 2 == 0 ? QUIET_HEARD : QUIET_REFUSED, then);
        }
        p.near = quiet_find(&q, 7770000, HOUR);
        p.wide = quiet_find(&q, 9990000, HOUR);
        q.let_in = HOUR;
        cr_expect_eq(quiet_may_ask(&q, p, 5, HOUR), row[i].word, "%s", row[i].why);
        cr_expect_eq(quiet_pressed(&q, HOUR), row[i].word != QUIET_ASK, "%s", row[i].why);
    }
}

/* Who is known is no stranger: neither by its zone nor by its wide zone. */
Test(quiet, who_is_a_stranger)
{
    static struct quiet q;
    struct quiet_place p = {quiet_find(&q, 16, HOUR), quiet_find(&q, 64, HOUR), false};

    quiet_asked(&q, &p, HOUR);
    cr_expect(p.stranger);
    quiet_over(&q, (struct quiet_place){NULL, p.wide, false}, 1, HOUR, QUIET_HEARD, HOUR + 1);
    quiet_asked(&q, &p, HOUR + 2);
    cr_expect(!p.stranger, "its wide zone was heard");
    p.wide = NULL;
    quiet_asked(&q, &p, HOUR + 2);
    cr_expect(p.stranger, "its zone was not");
    quiet_over(&q, p, 1, HOUR, QUIET_HEARD, HOUR + 3);
    quiet_asked(&q, &p, HOUR + 4);
    cr_expect(!p.stranger, "now it was");
    p.near = NULL;
    quiet_asked(&q, &p, HOUR + 4);
    cr_expect(!p.stranger, "the table is full");
}

/* What hangs is counted for each time it was sent; threads share the bound. */
Test(quiet, B24_what_hangs)
{
    static struct quiet q;
    struct quiet_place nowhere = {NULL, NULL, false};
    int64_t i;

    for (i = 0; i < 200; i++)
        quiet_asked(&q, &nowhere, HOUR + i);
    cr_expect(!quiet_pressed(&q, HOUR + 5000), "without a forwarder there is no bound");
    quiet_bound(&q, 4);
    cr_expect(q.most == QUIET_MOST / 4 && q.pace == QUIET_PACE * 4);
    cr_expect(quiet_pressed(&q, HOUR + 5000));
    quiet_over(&q, nowhere, 1, HOUR, QUIET_SILENT, HOUR + 5000);
    cr_expect_eq(q.sent[HOUR / 100 % QUIET_HANGS].open, 100, "in vain: it still hangs");
    quiet_over(&q, nowhere, 1, HOUR, QUIET_CACHED, HOUR + 5000);
    cr_expect_eq(q.sent[HOUR / 100 % QUIET_HANGS].open, 99, "from the cache: it does not");
    cr_expect(!quiet_pressed(&q, HOUR + QUIET_HANGS * 100 + 100), "all forgotten");
    quiet_asked(&q, &nowhere, HOUR + QUIET_HANGS * 100);
    cr_expect(quiet_pressed(&q, HOUR + QUIET_HANGS * 100), "the second hundred still hang");
    cr_expect(!quiet_pressed(&q, HOUR + QUIET_HANGS * 100 + 300), "one does not");
    quiet_bound(&q, 64);
    cr_expect(quiet_pressed(&q, HOUR + QUIET_HANGS * 100 + 300), "a 64th of the bound is one");
    quiet_bound(&q, 200);
    cr_expect_eq(q.most, 1, "never none");
}
