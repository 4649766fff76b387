/* iprev-check IP [HELO], HOST and self: clients link by link.
 *
 * Each asks, judges with the daemon's own code and prints to standard output. Returns the exit
 * code: 0 accepted or tagged, 1 tempfail or reject, 75 when DNS did not tell, 70 or 78 when the
 * resolver cannot start. Of several clients the worst counts (1, 75, 0).
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_EXPLAIN_H
#define IPREV_EXPLAIN_H

#include "conf/settings.h"

struct explain_options {
    bool json;
    const char *helo; /* NULL: none given; for a host: its own name */
};

int explain_client(const struct settings *s, const struct addr *client,
                   const struct explain_options *o);

/* Every address of the host, IPv4 and IPv6, each as a client of its own. */
int explain_host(const struct settings *s, const struct dname *host,
                 const struct explain_options *o);

/* Every public address of this machine. 69 when it has none. */
int explain_self(const struct settings *s, const struct explain_options *o);

#endif
