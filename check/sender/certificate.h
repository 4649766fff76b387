/* The names in the certificate of a server that has agreed to STARTTLS.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_CERTIFICATE_H
#define IPREV_SENDER_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

#define CERT_NAMES 16
#define CERT_NAME  256
#define CERT_ERROR 128

struct certificate {
    unsigned n, left_out;
    char name[CERT_NAMES][CERT_NAME]; /* dNSName, else the CN; made visible */
};

/* Does the TLS handshake on this nonblocking socket and takes leave. deadline: resolver_now()
 * based. host: the name asked for (SNI), "" for none. False with the reason in error. */
bool certificate_take(struct certificate *c, int fd, const char *host, int64_t deadline,
                      char error[CERT_ERROR]);

/* Is this host name one of them, or below a wildcard (RFC 6125 6.4.3)? */
bool certificate_has(const struct certificate *c, const char *host);

/* Waits until the socket can be read, or written: false when it is too late. */
bool socket_ready(int fd, bool write, int64_t deadline);

#endif
