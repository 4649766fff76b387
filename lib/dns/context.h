/* A libunbound context as the resolver needs it.
 *
 * Contexts are made and deleted one after the other, in
 * whatever threads: libunbound has globals for both.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_DNS_CONTEXT_H
#define IPREV_DNS_CONTEXT_H

#include "dns/options.h"
#include "dns/zone.h"
#include "value/checked.h"

struct event_base;
struct ub_ctx;

/* Sockets for questions per context: 4096, or less when descriptors are few. */
unsigned context_ports(const struct resolver_settings *s);

/* A context on the event base, proven by a first question. NULL on failure, with the
 * reason in err. zone may be empty. */
MUST_CHECK struct ub_ctx *context_new(struct event_base *base, const struct resolver_settings *s,
                                      unsigned ports, const struct zonefile *zone, char *err,
                                      size_t errlen);

/* Calls back every open question. NULL is fine. */
void context_delete(struct ub_ctx *ctx);

#define SERVERS_TEXT_MAX 256

/* The name servers of a file like /etc/resolv.conf, spaces between, in its order; those that do not
 * fit are left out. False, and the text is empty, when it cannot be read or names none. */
bool servers_read(const char *file, char out[SERVERS_TEXT_MAX]);

#endif
