/* What the process uses of the machine: descriptors and memory.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_PROCESS_H
#define IPREV_PROCESS_H

#include <stdint.h>

struct process_use {
    unsigned descriptors, limit; /* open, and how many may be; equal when none is left */
    uint64_t resident;           /* octets of memory */
};

void process_use(struct process_use *out);

/* How near the limit: below, PROCESS_WARN_PERCENT of it reached, none left. The level falls
 * only when far fewer are open. */
enum process_level { PROCESS_EASY, PROCESS_SCARCE, PROCESS_OUT };
#define PROCESS_WARN_PERCENT 80
#define PROCESS_EASE_PERCENT 60

enum process_level process_level(enum process_level before, unsigned descriptors, unsigned limit);

/* Looks, and logs when the level rises: libmilter says nothing, and without descriptors
 * tries again and again to accept. From one thread. */
void process_watch(void);

#endif
