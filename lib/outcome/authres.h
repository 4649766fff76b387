/* Authentication-Results (RFC 8601): write ours, recognise forged ones.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_AUTHRES_H
#define IPREV_AUTHRES_H

#include "judge/report.h"

#define AUTHRES_ID_MAX    256 /* longest authserv-id, NUL included */
#define AUTHRES_VALUE_MAX 1024

/* Can be an authserv-id of ours: 1 to 255 characters of printable ASCII
 * (0x21-0x7E) without `"` and `\`. What is no token is written quoted. */
bool authres_id_valid(const char *id, size_t n);

/* Writes the field value (RFC 8601 2.2, 2.7.3), folds as LF TAB, no CR:
 *   ID; iprev=pass policy.iprev=192.0.2.1 (mail.example.com)
 *   ID; iprev=fail reason=forward-mismatch policy.iprev="2001:db8::1"
 * Only the registered method and property: SpamAssassin and OpenARC drop a
 * field with one unknown word. reason comes before the property. IPv6 is
 * quoted, as `:` is no token character. Lines are folded at 90 characters
 * before iprev=, policy.iprev= and the comment. result: F_IPREV_PASS, _FAIL,
 * _PERMERROR, _TEMPERROR; cause: F_NONE leaves the reason out; name: comment,
 * left out when NULL or no host name; client: left out when ADDR_NONE. An id
 * that is not valid, or another result, fails like an overflow. */
void authres_put(struct sbuf *sb, const char *id, enum finding result, enum finding cause,
                 const struct addr *client, const struct dname *name);

/* The whole value for a report: the name is shown on a pass. Empty on a skip, and when it does
 * not fit. */
void authres_field(char value[AUTHRES_VALUE_MAX], const char *id, const struct report *r,
                   const struct addr *client);

enum authres_claim {
    AUTHRES_MINE,      /* claims the id */
    AUTHRES_OTHER,     /* claims another id */
    AUTHRES_UNREADABLE /* no id, or nothing after it, can be read: treat as forged (RFC 8601 5) */
};

/* Which server does a received field value claim to come from? Any bytes, any length.
 * Reads `[CFWS] authserv-id [CFWS version]` with nested comments, quoted pairs,
 * quoted strings and folding; compares without case and without one final dot.
 * A field without an id ("spf=pass ..."), with an unclosed comment or quote, or
 * with something other than a version, `;` or the end after the id, is
 * unreadable, and so is another's field of a version that is not 1 (RFC 8601 5).
 * `/` is taken in a bare id: "host/job" is the id of some filters. An id with octets
 * above 0x7E cannot be compared without IDNA tables: it is MINE when id has an xn--
 * label, or when the rest of the octets, spaces aside, is id (removed to be safe),
 * else OTHER. */
enum authres_claim authres_claim(const char *value, size_t n, const char *id);

#endif
