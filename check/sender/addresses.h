/* The addresses of a sender.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_ADDRESSES_H
#define IPREV_SENDER_ADDRESSES_H

#include "check/explain/run.h"

/* The addresses of a name, sorted, by two questions whose answers are noted. transient: one of them
 * got no answer. */
unsigned addresses_of_host(struct run *r, const struct dname *host,
                           struct addr list[QUESTION_ADDRS_MAX], bool *transient);

/* The public addresses of this machine's interfaces, sorted; but for those that are no longer used
 * for new connections (deprecated, or not yet checked for duplicates). */
unsigned addresses_of_self(struct addr list[QUESTION_ADDRS_MAX]);

/* Keeps those of the list that are temporary IPv6 addresses of this machine (RFC 8981). */
unsigned addresses_temporary(struct addr list[QUESTION_ADDRS_MAX], unsigned n);

#endif
