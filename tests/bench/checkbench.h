/* What the parts of checkbench share. Times in seconds.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CHECKBENCH_H
#define IPREV_CHECKBENCH_H

#include "conf/settings.h"

#include <stdint.h>

#define ZONE_KEY 0x5a5a5a5au /* as in dnsdelay.c and zones */

extern uint32_t clients; /* how many there are */

/* The address of the i-th client as a number. */
uint32_t client_number(uint32_t i);

double now(void);
double cpu(void);

/* Prints what libunbound alone needs for each client once, `window` at a time. */
void bare_checks(const struct settings *s, unsigned window);

#endif
