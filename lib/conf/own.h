/* Who we are, as far as configuration and host name say.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CONF_OWN_H
#define IPREV_CONF_OWN_H

#include "judge/helo.h"
#include "outcome/authres.h"

/* The authserv-id of the configuration, else the MTA's name, else the host's, else
 * "localhost". Both texts may be NULL. */
void own_id(char id[AUTHRES_ID_MAX], const char *authserv_id, const char *mta_name);

/* By this name alone. */
struct self own_self(const char *id);

#endif
