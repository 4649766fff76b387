/* What one server said to one question, as a value that can be compared.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_SAID_H
#define IPREV_SENDER_SAID_H

#include "check/sender/ask.h"

#define SAID_RECORDS 16

#define TYPE_NS  2
#define TYPE_MX  15
#define TYPE_TXT 16

enum said_kind {
    SAID_NONE, /* not asked, or it does not tell anything */
    SAID_DATA,
    SAID_NODATA,
    SAID_NXDOMAIN,
    SAID_CUT,     /* by UDP, to be asked by TCP */
    SAID_REFUSED, /* RCODE 5 */
    SAID_ERROR,   /* SERVFAIL, every other RCODE, a damaged message */
    SAID_BOGUS,
    SAID_LAME, /* answers without authority (RFC 1912 2.8) */
    SAID_SILENT,
    SAID_CLOSED,
    SAID_UNREACHABLE
};

/* A PTR, CNAME or NS record has a name, A and AAAA an address. */
struct rdata {
    struct dname name;
    struct addr addr;
};

struct said {
    enum said_kind kind;
    uint32_t ttl;         /* seconds; negative: least of SOA TTL and minimum (RFC 2308 5) */
    bool aliased;         /* another name was answered for: the end of the aliases is target */
    struct dname first;   /* the first alias leads here */
    struct dname target;  /* the question's name without alias */
    bool zoned;           /* a SOA record came with it: */
    struct dname zone;    /* its owner */
    struct dname mailbox; /* who runs it */
    unsigned n;           /* records, sorted, at most SAID_RECORDS; `more` beyond */
    bool more;
    struct rdata record[SAID_RECORDS];
};

/* The answer of a server of the zone (authority) or of a resolver. */
void said_read(struct said *r, const struct ask *ask, bool authority);

/* What a server of the zone above says to a question for the NS records of a zone: the delegation
 * (data), or that there is none. */
void said_read_delegation(struct said *r, const struct ask *ask);

bool said_is_answer(const struct said *r); /* data, no data or no such name */
bool said_same(const struct said *a, const struct said *b);

/* "mail.example.com, www.example.com", "no such name", "does not answer", ... */
void said_put(struct sbuf *sb, const struct said *r);

const char *said_word(enum said_kind kind); /* for JSON: "data", "nxdomain", ... */

/* The address in a SOA record (RFC 1035 8): "hostmaster@example.com"; "-" for none. */
void mailbox_put(struct sbuf *sb, const struct dname *mailbox);

#endif
