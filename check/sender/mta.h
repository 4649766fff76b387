/* What the mail server of this machine says and does when it sends mail: its HELO name, the
 * addresses it binds to, IPv4 or IPv6, a relay.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_MTA_H
#define IPREV_SENDER_MTA_H

#include "value/addr.h"

#define TRANSPORTS_MAX 16
#define MTA_TEXT       256

/* One way of sending mail: a service of Postfix's master.cf that runs smtp(8), or all of Sendmail.
 */
struct transport {
    char name[64];       /* "smtp", "relay"; "" for Sendmail */
    char helo[MTA_TEXT]; /* as it is sent */
    bool ipv4, ipv6;     /* protocols that it uses */
    struct addr bind[2]; /* the address that it binds to, IPv4 and IPv6; ADDR_NONE: any */
};

struct mta {
    const char *program;  /* "Postfix", "Sendmail"; NULL: neither is here */
    char relay[MTA_TEXT]; /* all mail goes through this host; "": none */
    char maps[MTA_TEXT];  /* settings that send some mail elsewhere: "transport_maps"; "": none */
    unsigned n, left_out; /* transports; those beyond TRANSPORTS_MAX */
    struct transport transport[TRANSPORTS_MAX];
};

/* Asks `postconf`, then `sendmail`, those in PATH or /usr/sbin. No other thread may run. */
void mta_ask(struct mta *m);

/* Part of it: *m is empty; text has PROGRAM_TEXT octets. */
void mta_ask_sendmail(struct mta *m, char *text);

/* Takes a value of printable ASCII that fits; one that does not is as good as none: false. */
bool mta_keep(char to[MTA_TEXT], const char *value);

/* "192.0.2.1", "[2001:db8::1]"; all else changes nothing. */
void transport_bind(struct transport *t, const char *value);

#endif
