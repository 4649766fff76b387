/* A decision told: counted, and logged in one line.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_TELL_H
#define IPREV_TELL_H

#include "outcome/verdict.h"

/* relay: that named the client, or ADDR_NONE. mta_resolve: {client_resolve} of the MTA, which is
 * shown where it differs; log->from_mta is set here. */
void tell_decision(const struct verdict *v, struct record_log *log, const struct addr *relay,
                   const char *mta_resolve);

/* One more line for the rule on trial, v->trial: stage=trial. log: as tell_decision left it. */
void tell_trial(const struct verdict *v, struct record_log *log, const struct addr *relay);

#endif
