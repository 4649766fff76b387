/* iprev-check IP [HELO]: one client, link by link.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_EXPLAIN_H
#define IPREV_EXPLAIN_H

#include "settings.h"

#include <stdio.h>

/* Asks, judges with the daemon's own code, prints to out. helo: NULL for none.
 * Returns the exit code: 0 accepted or tagged, 1 tempfail or reject, 75 when DNS
 * did not tell, 70 when the resolver cannot start. */
int explain(const struct settings *s, const struct addr *client, const char *helo, FILE *out);

#endif
