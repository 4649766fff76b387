/* The word that was probably meant: see nearest.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "value/nearest.h"

#include <string.h>

#define WORD_MAX 40 /* longest word compared */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Damerau's distance (optimal string alignment), with the last three rows of its table. */
static unsigned edits(const char *a, size_t an, const char *b, size_t bn)
{
    unsigned row[3][WORD_MAX + 1];
    size_t i, j;

    for (j = 0; j <= bn; j++)
        row[0][j] = (unsigned)j;
    for (i = 1; i <= an; i++) {
        unsigned *now = row[i % 3], *above = row[(i + 2) % 3];

        now[0] = (unsigned)i;
        for (j = 1; j <= bn; j++) {
            now[j] = least(above[j - 1] + (a[i - 1] != b[j - 1]), 1 + least(above[j], now[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], row[(i + 1) % 3][j - 2] + 1);
        }
    }
    return row[an % 3][bn];
}

void nearest_consider(struct nearest *near, const char *candidate)
{
    size_t n = strlen(candidate);
    unsigned d;

    if (near->n > WORD_MAX || n > WORD_MAX)
        return;
    d = edits(near->word, near->n, candidate, n);
    if (d > (n < 5 ? 1u : 2u) || (near->best != NULL && d >= near->edits))
        return;
    near->best = candidate;
    near->edits = d;
}
