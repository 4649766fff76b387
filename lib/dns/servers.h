/* The name servers of the system, as /etc/resolv.conf names them.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_DNS_SERVERS_H
#define IPREV_DNS_SERVERS_H

#include <stdbool.h>

#define SERVERS_TEXT_MAX 256

/* Their addresses with spaces between, in the order of the file; those that do not fit are left
 * out. False, and the text is empty, when the file cannot be read or names none. */
bool servers_read(const char *file, char out[SERVERS_TEXT_MAX]);

#endif
