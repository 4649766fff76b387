/* Client addresses as values: 16 octets that are compared, never text.
 *
 * An IPv4-mapped IPv6 address (::ffff:a.b.c.d, RFC 4291 2.5.5.2) is unwrapped
 * once, when the value is made, and is IPv4 from then on.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_ADDR_H
#define IPREV_ADDR_H

#include "value/checked.h"
#include "value/hash.h"
#include "value/sbuf.h"

enum addr_family { ADDR_NONE, ADDR_IPV4, ADDR_IPV6 };

struct addr {
    uint8_t family;    /* enum addr_family */
    uint8_t bytes[16]; /* network order; IPv4 in the first four, rest zero */
};

/* A network: the host bits of base are zero. bits is 0..32 or 0..128 by the
 * family of base. */
struct addr_net {
    struct addr base;
    uint8_t bits;
};

#define ADDR_TEXT_MAX     46 /* longest addr_put, NUL included */
#define ADDR_NET_TEXT_MAX 50

/* bytes: 4 octets for ADDR_IPV4, 16 for ADDR_IPV6, network order. */
struct addr addr_from_bytes(enum addr_family family, const void *bytes);

/* Strict text: dotted quad of four decimal numbers 0-255 without leading
 * zeros, or RFC 4291 2.2 IPv6 (any of its forms, no zone id, no brackets).
 * False, and *a is ADDR_NONE, for anything else. */
bool addr_parse(struct addr *a, const char *s, size_t n);

/* ADDRESS or ADDRESS/BITS. Set host bits are an error (the admin meant
 * something else): false. ::ffff:0:0/96 and longer become IPv4 networks. */
MUST_CHECK bool addr_net_parse(struct addr_net *net, const char *s, size_t n);

bool addr_in_net(const struct addr *a, const struct addr_net *net);

bool addr_equal(const struct addr *a, const struct addr *b);

/* Total order by family, then octets: <0, 0, >0. */
int addr_compare(const struct addr *a, const struct addr *b);

bool addr_is_loopback(const struct addr *a); /* 127/8, ::1 */

/* Not reachable across the Internet, so never a host that delivers from
 * outside: loopback, RFC 1918, 169.254/16, 100.64/10, 0/8, multicast and
 * above, ::, fe80::/10, fc00::/7, ff00::/8. Documentation ranges count as
 * public: tests and examples play real clients with them. */
bool addr_is_private(const struct addr *a);

/* RFC 5952 text for IPv6, dotted quad for IPv4, `-` for ADDR_NONE. */
void addr_put(struct sbuf *sb, const struct addr *a);

/* The same as a string: text. ADDR_TEXT is one that lives as long as the block it stands in. */
const char *addr_text(char text[ADDR_TEXT_MAX], const struct addr *a);
#define ADDR_TEXT(a) addr_text((char[ADDR_TEXT_MAX]){0}, (a))
void addr_net_put(struct sbuf *sb, const struct addr_net *net);

/*@ assigns \nothing; */
uint64_t addr_hash(const struct addr *a, const struct hash_key *key);

#endif
