/* Is an address one of a web proxy that stands in front of other people's servers?
 *
 * A name whose A record shows such an address ("proxied" at the DNS provider) is no name of a mail
 * server: the proxy passes on HTTP only, and sends no mail.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_PROXIED_H
#define IPREV_SENDER_PROXIED_H

#include "value/addr.h"

/* Whose proxy it is; NULL: none that is known. */
const char *proxied_by(const struct addr *a);

#endif
