/* Behind relays of our own: the client is the one that the relay names in its Received field.
 *
 * The fields come in the order of the message. The first was written by the relay that is
 * connected; when it names another trusted relay, that one wrote the second, and so on.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_RELAY_H
#define IPREV_RELAY_H

#include "conf/settings.h"
#include "judge/received.h"

#define RELAY_HOPS_MAX 8 /* relays followed, the one that is connected counts */

struct relay {
    struct addr addr; /* that is connected; ADDR_NONE: a client like any other */
    uint8_t hops;     /* Received fields read in this message */
    bool settled;     /* no further field of this message counts */
};

/* The MTA's peer is this address; NULL: a program of its own machine. */
void relay_connect(struct relay *r, const struct settings *s, const struct addr *peer);

/* A new message. */
void relay_reset(struct relay *r);

/* A Received field of the message. True when it names the client: out is filled from it and
 * borrows from value. Only once for a message. */
bool relay_received(struct relay *r, const struct settings *s, const char *value,
                    struct received *out);

#endif
