/* What a HELO/EHLO argument is, and how it relates to the client.
 *
 * RFC 5321 4.1.1.1 (argument), 4.1.3 (address literals), 4.1.4 (a server may
 * verify the name but must not refuse mail because that fails). First
 * helo_parse, from the bytes alone; then, when DNS has answered, helo_judge.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_HELO_H
#define IPREV_HELO_H

#include "judge/fcrdns.h"

#define HELO_MAX       255 /* longest argument that is judged; longer ones are invalid */
#define HELO_ADDRS_MAX 100 /* a HELO name with more addresses proves nothing */

enum helo_form {
    HELO_ABSENT,       /* no HELO was given, or an empty one */
    HELO_BAD,          /* breaks the grammar, or is over HELO_MAX octets */
    HELO_LITERAL,      /* [192.0.2.1] or [IPv6:2001:db8::1]: value in addr */
    HELO_BARE_ADDRESS, /* an address without brackets: value in addr */
    HELO_ONE_LABEL,    /* a single label such as "PC-17": in name */
    HELO_HOST          /* a host name: in name */
};

struct helo {
    enum helo_form form;
    struct addr addr;
    struct dname name; /* root unless form is HELO_HOST or HELO_ONE_LABEL */
};

/* Us, as the MTA and the configuration name us. */
struct self {
    struct dname name; /* authserv-id, when it is a host name; else root */
    struct dname mta;  /* the MTA's {j}, when it is a host name; else root */
    struct addr addr;  /* address the client connected to, or ADDR_NONE */
};

/* text: any bytes; NULL is HELO_ABSENT. A final dot is dropped. An underscore
 * is taken as a letter: it breaks RFC 5321 4.1.2, but such clients exist and
 * what counts is whether the name resolves back. Tags other than IPv6 in a
 * literal are HELO_BAD. */
void helo_parse(struct helo *h, const char *text, size_t n);

/* Is the argument a host name whose addresses have to be asked? Not when it
 * claims to be us or localhost, and not when it is one of the chain's names
 * (their addresses are asked anyway). chain is NULL while it is not known. */
bool helo_must_ask(const struct helo *h, const struct self *self, const struct chain *chain);

/* What the addresses of the HELO name say of the client: as fcrdns_match, but NAME_CAPPED,
 * whether the client is among them or not, when there are more than HELO_ADDRS_MAX. The sender
 * chooses its HELO name: one that has everybody's address must help nobody. */
enum name_state helo_match(const struct answer *a, const struct addr *client);

/* The one HELO finding (without F_HELO_GENERIC), most telling first:
 * missing, invalid, bare address, literal (of the client, or not), self,
 * unqualified, verified, forward, aligned, temperror, unresolved, mismatch.
 *
 * self: the name is ours (or localhost, localhost.localdomain), or the
 * literal is our address, and the client is neither that address nor on the
 * loopback. temperror wins over unresolved and mismatch, and also over
 * them when the name equals, or shares its registrable domain with, a PTR
 * name whose own addresses are not known: an unproven relation is never
 * reported as a mismatch. forward is what helo_match says. NAME_PENDING counts as
 * transient for a host name that helo_must_ask wants asked, unless asking is switched off
 * (asked = false): then a host name that is neither verified nor aligned
 * is a mismatch. chain NULL, or a temperror without names, means that nothing is
 * known about the client's names: verified and aligned cannot be proven, and
 * mismatch is temperror. A name of the chain is judged by what the chain says of
 * it: addresses of others mismatch, none unresolved. Our own name
 * from our own machine is forward unless verified. */
enum finding helo_judge(const struct helo *h, const struct addr *client, const struct self *self,
                        const struct chain *chain, enum name_state forward, bool asked);

#endif
