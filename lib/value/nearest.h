/* The word that was probably meant by a misspelt one.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_NEAREST_H
#define IPREV_NEAREST_H

#include <stddef.h>

struct nearest {
    const char *word; /* as written */
    size_t n;         /* octets of it */
    const char *best; /* NULL: nothing is near enough for a slip of the pen */
    unsigned edits;   /* from word to best */
};

/* Looks at one candidate; of equally near ones the first stays. Near enough is one edit (a letter
 * more, less or other, or two swapped) for candidates of up to four letters, two for longer ones.
 */
void nearest_consider(struct nearest *near, const char *candidate);

#endif
