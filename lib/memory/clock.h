/* The monotonic clock for waiting, and how far the wall clock can be trusted.
 *
 * Inner header of lib/memory.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_MEMORY_CLOCK_H
#define IPREV_MEMORY_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

int64_t clock_us(void);
struct timespec clock_in_ms(int64_t ms);
bool clock_cond_init(pthread_cond_t *c);

struct clock_watch {
    int64_t wall_offset; /* wall clock less monotonic clock, s, at the last look */
    int64_t calm_until;  /* monotonic ms */
};

/* The wall clock for expiry; 0 while it may be wrong: it has just been set. */
int64_t clock_trusted_s(struct clock_watch *c);

#endif
