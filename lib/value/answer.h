/* One DNS answer, read out of the message with every bound checked.
 *
 * The message is foreign bytes. Only records of the type asked, of class IN,
 * owned by the name asked or by the end of its CNAME chain are taken (RFC 1034
 * 3.6.2; RFC 2317 delegates reverse zones by CNAME). A record whose rdata is
 * not exactly of its type's form is skipped and counted in `bad`.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_ANSWER_H
#define IPREV_ANSWER_H

#include "value/dname.h"

/* Types by their registered numbers. */
enum rrtype { RR_A = 1, RR_CNAME = 5, RR_SOA = 6, RR_PTR = 12, RR_AAAA = 28 };

enum answer_kind {
    ANSWER_DATA,     /* at least one record (perhaps all of them bad) */
    ANSWER_NXDOMAIN, /* no such name */
    ANSWER_NODATA,   /* the name has no record of this type */
    ANSWER_ALIAS,    /* a CNAME whose target the message says nothing about */
    ANSWER_SERVFAIL, /* RCODE 2 and every other error, or an unreadable message */
    ANSWER_TIMEOUT,
    ANSWER_BOGUS,   /* DNSSEC validation failed */
    ANSWER_OVERLOAD /* never asked: we shed the work */
};

#define ANSWER_TTL_MAX     86400 /* seconds; longer ones are cut to this */
#define ANSWER_TTL_DEFAULT 5     /* negative answer without a SOA */

struct answer {
    enum answer_kind kind;
    bool secure;  /* validated by DNSSEC; set by who asked */
    uint32_t ttl; /* seconds: least along chain and records; negative: min(SOA TTL, SOA minimum) */
    const uint8_t *msg; /* the message, borrowed; NULL unless kind is ANSWER_DATA */
    size_t len;
    size_t at;         /* first answer record */
    uint16_t type;     /* enum rrtype asked for */
    uint16_t records;  /* in the answer section */
    uint16_t good;     /* records of the type that have the right form */
    uint16_t bad;      /* records of the type that have not */
    struct dname name; /* end of the alias chain: owner of the records, or alias target */
};

/* A transient failure (SERVFAIL, TIMEOUT, BOGUS, OVERLOAD): DNS gave no answer. */
bool answer_failed(enum answer_kind kind);

/* Reads the reply msg[0..len) to the question (name, type). RCODE 0 and 3 are
 * answers; every other RCODE, every damaged message and one with the TC bit is
 * ANSWER_SERVFAIL. At most 16 aliases are followed; of several at one name the
 * least target counts. The answer borrows msg. */
void answer_read(struct answer *a, const uint8_t *msg, size_t len, const struct dname *name,
                 enum rrtype type);

/* An answer without a message: TIMEOUT, OVERLOAD, SERVFAIL, BOGUS, NXDOMAIN.
 * Its ttl is ANSWER_TTL_DEFAULT, its name the root. */
struct answer answer_none(enum answer_kind kind);

/* Walks the good records: *cursor starts at 0. False when there is no more. */
bool answer_next_name(const struct answer *a, size_t *cursor, struct dname *name);
bool answer_next_addr(const struct answer *a, size_t *cursor, struct addr *addr);

#endif
