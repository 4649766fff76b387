/* What a mail server says at port 25: banner, reply to EHLO, and the names in the certificate that
 * it shows behind STARTTLS. Only shown beside the PTR name, not judged.
 *
 * The certificate is read, not verified. At most 64 lines and 8 KiB are taken of a server that has
 * 5 s for its first octets and 15 s in all (postscreen lets strangers wait for 6 s).
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_PROBE_H
#define IPREV_SENDER_PROBE_H

#include "value/dname.h"

#define PROBE_NAME       256
#define PROBE_CERT_NAMES 16

enum probe_state {
    PROBE_NONE,        /* not asked for */
    PROBE_UNREACHABLE, /* no connection */
    PROBE_FAILED,      /* connected, but there was no banner or no EHLO reply; error says why */
    PROBE_PLAIN,       /* no STARTTLS offered, or it failed: then error says why */
    PROBE_TLS          /* a certificate was shown */
};

struct probe {
    enum probe_state state;
    char banner[PROBE_NAME]; /* the name in the 220 line, made visible; "": none */
    char ehlo[PROBE_NAME];   /* the name in the reply to EHLO, likewise */
    unsigned names, names_left_out;
    char name[PROBE_CERT_NAMES][PROBE_NAME]; /* dNSName of the certificate, else its CN; visible */
    char error[128];                         /* "": none */
};

/* Probes all addresses at once; `helo` is what it says in EHLO. */
void probe_all(struct probe **probe, const struct addr *const *addr, unsigned n, const char *helo);

const char *probe_word(enum probe_state state); /* for JSON */

#endif
