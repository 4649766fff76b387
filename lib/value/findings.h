/* The closed vocabulary of findings.
 *
 * Rules, headers, log lines, metrics and iprev-check all use these words and no
 * others. A set of findings is one 64-bit word.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_FINDINGS_H
#define IPREV_FINDINGS_H

#include "value/checked.h"
#include "value/sbuf.h"

enum finding {
    /* result: RFC 8601 2.7.3, or skip */
    F_IPREV_PASS,
    F_IPREV_FAIL,
    F_IPREV_PERMERROR,
    F_IPREV_TEMPERROR,
    F_IPREV_SKIP,
    /* cause: exactly one unless the result is pass */
    F_PTR_MISSING,
    F_FORWARD_MISSING,
    F_FORWARD_MISMATCH,
    F_PTR_INVALID,
    F_PTR_LIMIT,
    F_DNS_TIMEOUT,
    F_DNS_SERVFAIL,
    F_DNS_BOGUS,
    F_DNS_OVERLOAD,
    F_SKIP_LOCAL,
    F_SKIP_NETWORK,
    F_SKIP_AUTHENTICATED,
    F_SKIP_NO_ADDRESS,
    /* name shape: one of three; ptr-weak only beside ptr-generic */
    F_PTR_GENERIC,
    F_PTR_NAMED,
    F_PTR_PROVIDER,
    F_PTR_WEAK,
    F_PTR_MANY,
    F_PTR_BARE_DOMAIN,
    /* HELO */
    F_HELO_VERIFIED,
    F_HELO_FORWARD,
    F_HELO_ALIGNED,
    F_HELO_MISMATCH,
    F_HELO_UNRESOLVED,
    F_HELO_TEMPERROR,
    F_HELO_LITERAL,
    F_HELO_LITERAL_MISMATCH,
    F_HELO_BARE_ADDRESS,
    F_HELO_UNQUALIFIED,
    F_HELO_SELF,
    F_HELO_INVALID,
    F_HELO_MISSING,
    F_HELO_GENERIC,
    /* DNSSEC */
    F_DNSSEC_SECURE,
    /* memory: what is remembered of the client */
    F_CLIENT_KNOWN,
    F_COUNT,
    F_NONE = F_COUNT
};

typedef uint64_t findings;

#define FINDING(f)               ((findings)1 << (f))
#define FINDINGS_RANGE(from, to) ((FINDING(to) << 1) - FINDING(from))

#define FINDINGS_RESULT FINDINGS_RANGE(F_IPREV_PASS, F_IPREV_SKIP)
#define FINDINGS_CAUSE  FINDINGS_RANGE(F_PTR_MISSING, F_SKIP_NO_ADDRESS)
#define FINDINGS_SKIP   FINDINGS_RANGE(F_SKIP_LOCAL, F_SKIP_NO_ADDRESS)
#define FINDINGS_SHAPE  FINDINGS_RANGE(F_PTR_GENERIC, F_PTR_BARE_DOMAIN)
#define FINDINGS_HELO   FINDINGS_RANGE(F_HELO_VERIFIED, F_HELO_GENERIC)
/* How a HELO host name relates to the client: needs DNS to know. */
#define FINDINGS_RELATION FINDINGS_RANGE(F_HELO_VERIFIED, F_HELO_TEMPERROR)
/* Words that a later try may take back: they rest on DNS trouble. */
#define FINDINGS_TRANSIENT                                                                         \
    (FINDING(F_IPREV_TEMPERROR) | FINDINGS_RANGE(F_DNS_TIMEOUT, F_DNS_OVERLOAD) |                  \
     FINDING(F_HELO_TEMPERROR))

/* The word of one finding, such as "iprev-fail". f < F_COUNT. */
const char *finding_word(enum finding f);

/* F_NONE when the n bytes at s are no word of the vocabulary (exact case). */
enum finding finding_from_word(const char *s, size_t n);

/* The first finding of `within` that is in `set`, or F_NONE. */
enum finding finding_pick(findings set, findings within);

/* Words in vocabulary order, separated by commas; `-` for the empty set. */
void findings_put(struct sbuf *sb, findings set);

/* Reads what findings_put wrote, words in any order. False, and an empty set,
 * on an unknown or repeated word or other syntax. */
MUST_CHECK bool findings_read(findings *set, const char *s, size_t n);

#endif
