/* iprev-check batch: a list of clients, judged.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_BATCH_H
#define IPREV_BATCH_H

#include "conf/settings.h"

#include <stdio.h>

/* Reads `ip[TAB]helo` lines of a file ("-": standard input), writes for each, in order, a record as
 * iprev-milter logs it, or a JSON object. A line that is none gets `line=N error="..."` in its
 * place, and is reported on standard error. Returns the exit code: 0, 65 when lines were bad, 66
 * when the list cannot be read to its end, 70 or 78 when the resolver cannot start. */
int batch(const struct settings *s, char *file, FILE *out, bool json);

#endif
