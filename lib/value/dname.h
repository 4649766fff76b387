/* DNS names as values, in the wire form of RFC 1035 3.1.
 *
 * A struct dname is a copy of its own: at most 255 octets, root label last,
 * ASCII letters in lower case. Equality is therefore equality of octets, and a
 * dot inside a label never equals a label boundary. Only the functions below
 * make one; on failure the result is the root. Octets behind the root label are 0.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_DNAME_H
#define IPREV_DNAME_H

#include "value/addr.h"
#include "value/checked.h"

#define DNAME_MAX         255
#define DNAME_TEXT_MAX    254  /* a host name by dname_put, NUL included */
#define DNAME_VISIBLE_MAX 1024 /* any name by dname_put_visible, NUL included */
#define DNAME_QUERY_MAX   1024 /* any name by dname_put_query, NUL included */

struct dname {
    uint8_t len; /* octets of wire, root label included: 1..255 */
    uint8_t wire[DNAME_MAX];
};

/* A name is well formed: whole labels, the root label behind them, no capitals, and 0 behind it.
 * Proven by `make prove` of all that the functions below make. */
/*@ axiomatic Labels {
      // The octets w[0 .. n - 1] are whole labels, each of 1 to 63 octets behind its length.
      predicate labels{L}(uint8_t *w, integer n) reads w[0 .. n - 1];
      axiom no_label{L}: \forall uint8_t *w; labels{L}(w, 0);
      axiom one_more{L}: \forall uint8_t *w, integer n;
        0 <= n && labels{L}(w, n) && 1 <= w[n] <= 63 ==> labels{L}(w, n + 1 + w[n]);
      // What it says depends on these octets alone: by induction, in tests/prove/labels.smt2.
      axiom same_octets{L1, L2}: \forall uint8_t *w, integer n;
        labels{L1}(w, n) && (\forall integer i; 0 <= i < n ==> \at(w[i], L1) == \at(w[i], L2)) ==>
          labels{L2}(w, n);
    }
*/
#define DNAME_FORMED(d)                                                                            \
    1 <= (d)->len &&labels(&(d)->wire[0], (d)->len - 1) &&                                         \
        (\forall integer k; 0 <= k<(d)->len ==> !('A' <= (d)->wire[k] <= 'Z')) &&                  \
        (\forall integer k; (d)->len - 1 <= k<255 ==>(d)->wire[k] == 0)

/* Labels begin at 0, dname_next(d, 0) and so on, while at + 1 < len; the root begins at len - 1.
 * Never behind it, whatever the octets are: so no walk over a name leaves it. */
static inline size_t dname_next(const struct dname *d, size_t at)
{
    size_t next = at + 1 + d->wire[at];

    return next < d->len ? next : d->len - 1u;
}

/* Uncompressed wire form that ends exactly at p + n (rdata of a PTR). */
/*@ requires \valid(d) && \valid_read(p + (0 .. n - 1)) && n <= 65535;
    requires \separated(d, p + (0 .. n - 1));
    assigns *d;
    ensures DNAME_FORMED(d); */
MUST_CHECK bool dname_from_wire(struct dname *d, const uint8_t *p, size_t n);

/* A possibly compressed name (RFC 1035 4.1.4) at msg[*at] inside the message
 * msg[0..n). On success *at is moved past the name as it is there.
 * A pointer must lead to before the labels it ends, so no loop is possible. On
 * failure *at stays. */
/*@ requires \valid(d) && \valid(at) && \valid_read(msg + (0 .. n - 1)) && n <= 65535;
    requires \separated(d, msg + (0 .. n - 1)) && \separated(d, at);
    assigns *d, *at;
    ensures DNAME_FORMED(d); */
MUST_CHECK bool dname_from_message(struct dname *d, const uint8_t *msg, size_t n, size_t *at);

/* Host-name text: labels of letters, digits, hyphen and underscore, single
 * dots between, one final dot allowed and dropped. Anything else, an empty
 * text or a label over 63 octets: false, and *d is the root. */
/*@ requires \valid(d) && \valid_read(s + (0 .. n - 1)) && \separated(d, s + (0 .. n - 1));
    assigns *d;
    ensures DNAME_FORMED(d); */
bool dname_from_text(struct dname *d, const char *s, size_t n);

/* 1.2.0.192.in-addr.arpa or the ip6.arpa nibble form (RFC 3596 2.5).
 * a must not be ADDR_NONE. */
/*@ requires \valid(d) && \valid_read(a) && \separated(d, a);
    assigns *d;
    ensures DNAME_FORMED(d); */
void dname_reverse(struct dname *d, const struct addr *a);

bool dname_equal(const struct dname *a, const struct dname *b);

/* Total order of wire forms: by octets, then by length. */
int dname_compare(const struct dname *a, const struct dname *b);

/* Can be the name of a host: only letters, digits, hyphen and underscore, at
 * least two labels, last label not all digits (RFC 1123 2.1, RFC 3696 2), at
 * most 253 characters. A hyphen may be anywhere and underscore is taken:
 * both occur in the field and are harmless in our output. Only such a name
 * is ever printed by dname_put, asked for, or put into a header. */
bool dname_is_host(const struct dname *d);

unsigned dname_labels(const struct dname *d); /* root not counted */

/* Octets of wire that lie left of the registrable domain ("organisational"
 * domain by the public suffix list): 0 when the name is that domain itself,
 * is a public suffix or has none. wire + result is the registrable domain, or the
 * whole name when there is none. d must be a host name. */
size_t dname_left_of_registrable(const struct dname *d);

/* d has a registrable domain and is exactly it. */
bool dname_is_registrable(const struct dname *d);

/* a and b are host names below (or at) the same registrable domain. */
bool dname_same_registrable(const struct dname *a, const struct dname *b);

/* Text without final dot. d must be a host name; otherwise `-` is put. */
void dname_put(struct sbuf *sb, const struct dname *d);

/* Any name as 0x21..0x7E: octets outside [A-Za-z0-9_/-] as \DDD, labels
 * separated by dots, the root as `.`; no final dot. For logs and people. */
void dname_put_visible(struct sbuf *sb, const struct dname *d);

/* The same with the final dot: text that libunbound takes for any name. */
void dname_put_query(struct sbuf *sb, const struct dname *d);

uint64_t dname_hash(const struct dname *d, const struct hash_key *key);

#endif
