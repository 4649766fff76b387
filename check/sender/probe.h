/* What a mail server says at port 25: banner, reply to EHLO, and the names in the certificate that
 * it shows behind STARTTLS. Shown beside the PTR name, not judged.
 *
 * The certificate is read, not verified. A server has 5 s for its first octets, 15 s in all
 * (postscreen lets strangers wait for 6 s behind the first line), and may say 64 lines and 8 KiB.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_PROBE_H
#define IPREV_SENDER_PROBE_H

#include "check/sender/certificate.h"
#include "value/dname.h"

#define PROBES_MAX 32

enum probe_state {
    PROBE_NONE,        /* not asked for */
    PROBE_UNREACHABLE, /* no connection; error says why, as in the next two */
    PROBE_FAILED,      /* no banner, or no reply to EHLO */
    PROBE_PLAIN,       /* no certificate: STARTTLS is not offered, or failed */
    PROBE_TLS          /* it has shown a certificate */
};

struct probe {
    enum probe_state state;
    char banner[CERT_NAME]; /* the name in the 220 line, made visible; "": none */
    char ehlo[CERT_NAME];   /* the name in the reply to EHLO, likewise */
    struct certificate certificate;
    char error[CERT_ERROR]; /* "": none */
};

struct probe_ask {
    struct addr addr;
    char name[DNAME_TEXT_MAX]; /* asked for in TLS (SNI); "": none */
    struct probe *probe;       /* the answer */
};

/* Probes all at once, at most PROBES_MAX. */
void probe_all(struct probe_ask *ask, unsigned n);

/* Part of it: the conversation over a nonblocking socket that is connected, and stays open. */
void probe_socket(struct probe *p, int fd, const char *name);

const char *probe_word(enum probe_state state); /* for JSON: "none", "unreachable", ... */

#endif
