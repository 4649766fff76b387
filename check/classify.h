/* iprev-check classify: name shapes of a list, without DNS.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CLASSIFY_H
#define IPREV_CLASSIFY_H

#include "judge/report.h"

#include <stdio.h>

/* Reads `ip<TAB>name` lines of a file ("-": standard input), writes
 * `name<TAB>generic|named|provider<TAB>why`, one for each line, in order. A line that cannot be
 * judged gets `-` for the shape and says why. Returns the exit code: 0, 1 when there were such
 * lines, which are counted on standard error, 66 when the list cannot be read to its end. */
int classify(const char *file, FILE *out, const struct shape_lists *shapes);

#endif
