/* Two clocks: one that only goes on, and one that may be set.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "memory/clock.h"

#include <criterion/criterion.h>
#include <time.h>

Test(memory, a_moment_from_now)
{
    static const int64_t ms[] = {0, 1, 50, 999, 1000, 86400000, 31536000000};
    size_t i, k;

    for (k = 0; k < 200; k++)
        for (i = 0; i < sizeof ms / sizeof ms[0]; i++) {
            int64_t before = clock_us();
            struct timespec t = clock_in_ms(ms[i]);
            int64_t after = clock_us();
            int64_t us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 - ms[i] * 1000;

            cr_assert(t.tv_nsec >= 0 && t.tv_nsec < 1000000000 && t.tv_nsec % 1000 == 0);
            cr_assert(us >= before && us <= after, "%ld ms", (long)ms[i]);
        }
}

/* Asks when the clock seems to have been set by so many seconds. Whole seconds of the two clocks
 * do not begin together: asked again when one has begun meanwhile. */
static int64_t after_a_jump(struct clock_watch *c, int64_t by)
{
    int64_t offset, trusted;

    do {
        *c = (struct clock_watch){0};
        clock_trusted_s(c);
        offset = c->wall_offset;
        c->wall_offset -= by;
        trusted = clock_trusted_s(c);
    } while (c->wall_offset != offset);
    return trusted;
}

/* A minute is what time services correct; more, and nothing expires for an hour. */
Test(memory, a_clock_that_was_set_is_not_trusted)
{
    static const struct {
        int64_t by;
        bool trusted;
    } row[] = {{0, true}, {59, true}, {60, true}, {61, false}, {-60, true}, {-61, false}};
    struct clock_watch c = {0};
    int64_t before = (int64_t)time(NULL), now = clock_trusted_s(&c), ms;
    size_t i;

    cr_expect(now >= before && now <= (int64_t)time(NULL), "at the start it is believed");
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        ms = clock_us() / 1000;
        cr_expect_eq(after_a_jump(&c, row[i].by) != 0, row[i].trusted, "by %ld s", (long)row[i].by);
        if (row[i].trusted)
            continue;
        cr_expect(c.calm_until >= ms + 3600000 && c.calm_until <= clock_us() / 1000 + 3600000,
                  "an hour");
        cr_expect_eq(clock_trusted_s(&c), 0, "it lasts");
        c.calm_until = clock_us() / 1000;
        cr_expect_neq(clock_trusted_s(&c), 0, "it is over");
    }
}
