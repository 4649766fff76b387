/* As much of stdlib.h as the drivers need; what it does is in the driver.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_PROVE_STDLIB_H
#define IPREV_PROVE_STDLIB_H

#include <stddef.h>
#include <time.h>

/* Eva has words of its own for these names. */
#define malloc  prove_malloc
#define realloc prove_realloc
#define free    prove_free
#define qsort   prove_qsort
#define strtoul prove_strtoul

void *malloc(size_t n);
void *realloc(void *old, size_t n);
void free(void *p);
void qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *));
unsigned long strtoul(const char *s, char **end, int base);

time_t timegm(struct tm *tm); /* which Frama-C's time.h lacks */

#endif
