/* Clocks: see clock.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "memory/clock.h"

#define JUMP_S 60   /* the clock was set when it moves by more than time does */
#define CALM_S 3600 /* nothing expires for so long after that */

int64_t clock_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct timespec clock_in_ms(int64_t ms)
{
    int64_t us = clock_us() + ms * 1000;

    return (struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
}

bool clock_cond_init(pthread_cond_t *c)
{
    pthread_condattr_t attr;
    bool good;

    if (pthread_condattr_init(&attr) != 0)
        return false;
    good =
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 && pthread_cond_init(c, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return good;
}

int64_t clock_trusted_s(struct clock_watch *c)
{
    int64_t ms = clock_us() / 1000, now_s = (int64_t)time(NULL), offset = now_s - ms / 1000;

    if (c->wall_offset != 0 &&
        (offset > c->wall_offset + JUMP_S || offset < c->wall_offset - JUMP_S))
        c->calm_until = ms + (int64_t)CALM_S * 1000;
    c->wall_offset = offset;
    return ms >= c->calm_until ? now_s : 0;
}
