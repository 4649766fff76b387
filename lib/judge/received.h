/* Whom did a relay of ours get a message from? Reads the Received field (RFC 5321 4.4)
 * that a Postfix, Sendmail or Exim relay wrote.
 *
 * The HELO name in it is the client's own text, so nothing is searched for: the field is
 * read from its first octet to its last, and any other form than these yields nothing:
 * - Postfix: from HELO (NAME [IP]) by ...; NAME may be `unknown`
 * - Sendmail: from HELO (NAME [IP] (may be forged)) by ...; also USER@NAME [IP], USER@[IP], [IP]
 * - Exim: from NAME ([IP]:PORT helo=HELO ident=USER) by ...; all but [IP] may be missing
 * - Exim, no name: from [IP] (port=PORT helo=HELO ident=USER) by ...; all of it may be missing
 *
 * The relay itself must be one to trust: whoever writes the field can write any address.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_RECEIVED_H
#define IPREV_RECEIVED_H

#include "value/addr.h"
#include "value/checked.h"

/* A part of the field; borrowed from it. n 0: not given. */
struct received_text {
    const char *s;
    size_t n;
};

struct received {
    struct addr client; /* ADDR_NONE: none can be read */
    const char *why;    /* then the reason, as constant words; else NULL */
    /* The HELO argument as the relay shows it: Postfix puts `?` for spaces, quotes,
     * parentheses, `<>`, `@` and `;`, and its own name for the client where there was no
     * HELO. Exim leaves it out when it equals NAME, which then stands here, or [IP]. */
    struct received_text helo;
    struct received_text name; /* that the relay found for the client; not `unknown` */
    bool authenticated;        /* the client had logged in at the relay */
};

/* value: n octets as they come, any, folded or not. Linear in n. True when out->client is
 * set; else only out->why is. */
MUST_CHECK bool received_read(struct received *out, const char *value, size_t n);

#endif
