/* Who we are, as one MTA names us.
 *
 * Half of what a session would have to keep, and the same for most: shared. All
 * functions may be called on any thread.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_IDENTITY_H
#define IPREV_IDENTITY_H

#include "judge/helo.h"
#include "outcome/authres.h"
#include "value/checked.h"

#include <stdatomic.h>

struct identity {
    char id[AUTHRES_ID_MAX]; /* authserv-id */
    struct self self;
    atomic_uint refs;
};

/* A reference to the identity by the authserv-id of the settings (NULL: the MTA's
 * name, else the host's), the MTA's name {j} and the address it listens on as text;
 * these two may be NULL. NULL without memory. */
MUST_CHECK struct identity *identity_take(const char *authserv_id, const char *mta_name,
                                          const char *mta_addr);
void identity_release(struct identity *i); /* NULL is fine */

#endif
