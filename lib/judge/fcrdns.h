/* Forward-confirmed reverse DNS of one client: RFC 8601 section 3 and 2.7.3.
 *
 * struct fcrdns is the work: which names the PTR set contains and what their
 * addresses say. No I/O: the caller asks the questions and feeds answers, in
 * any order. The same answers in any order give the same verdict.
 *
 * struct chain is the outcome: a value without pointers that is cached, copied
 * and judged. A match in any name is a pass, and is final; otherwise a
 * transient error anywhere is temperror; otherwise fail; no PTR at all is
 * permerror.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_FCRDNS_H
#define IPREV_FCRDNS_H

#include "value/answer.h"
#include "value/findings.h"

#define FCRDNS_NAMES_MAX 10 /* PTR names looked at (RFC 7208 4.6.4 takes 10 too) */

enum name_state {
    NAME_PENDING,   /* not asked, or not answered yet */
    NAME_CONFIRMED, /* one of its addresses is the client */
    NAME_ELSEWHERE, /* has addresses, none is the client */
    NAME_CAPPED,    /* a HELO name with more than HELO_ADDRS_MAX addresses; never in a chain */
    NAME_NOWHERE,   /* no such name, or no address of the client's family */
    NAME_TIMEOUT,
    NAME_SERVFAIL,
    NAME_BOGUS,
    NAME_OVERLOAD
};

/* Why the addresses are not known, F_DNS_*; F_NONE when the state is what DNS answered. */
enum finding name_trouble(enum name_state state);

/* A later answer could change it: nothing was answered yet, or there was trouble. */
bool name_state_open(enum name_state state);

struct fcrdns_name {
    struct dname name;
    uint8_t state; /* enum name_state */
    bool secure;   /* its addresses were validated by DNSSEC */
};

struct fcrdns {
    struct addr client;
    bool answered; /* the PTR question has its answer */
    uint8_t ptr;   /* enum answer_kind of it */
    bool ptr_secure;
    bool capped;        /* more than FCRDNS_NAMES_MAX distinct usable names */
    uint16_t published; /* PTR records in the answer, usable or not, duplicates counted */
    uint8_t names;      /* usable ones taken, sorted by wire form */
    uint32_t ttl;       /* least of all answers so far */
    struct fcrdns_name name[FCRDNS_NAMES_MAX];
};

/* client must not be ADDR_NONE. */
void fcrdns_start(struct fcrdns *f, const struct addr *client);

/* The answer to PTR of dname_reverse(client). Usable names are host names;
 * duplicates are dropped; of more than FCRDNS_NAMES_MAX the first by
 * dname_compare are taken, whatever their order in the answer. A second
 * answer is ignored. An alias that leads nowhere (ANSWER_ALIAS) is no PTR. */
void fcrdns_ptr(struct fcrdns *f, const struct answer *a);

/* RR_A or RR_AAAA: what to ask for each name, by the client's family. */
enum rrtype fcrdns_type(const struct addr *client);

/* The answer to name[i]'s addresses; ignored when i is out of range or has
 * its answer already. Every address of the answer is looked at: there are some
 * thousands at most, as a message has at most 65,535 octets. */
void fcrdns_address(struct fcrdns *f, unsigned i, const struct answer *a);

bool fcrdns_complete(const struct fcrdns *f);  /* every question has its answer */
bool fcrdns_confirmed(const struct fcrdns *f); /* some name has matched */

/* The name state that fits an answer: is the client among its addresses? */
enum name_state fcrdns_match(const struct answer *a, const struct addr *client);

#define CHAIN_PACKED_MAX (FCRDNS_NAMES_MAX * (2 + DNAME_MAX))

/* What reverse DNS said about a client. Names lie packed one after the other, so
 * a copy of the first chain_size() octets is a whole chain. */
struct chain {
    struct addr client;
    uint8_t result; /* F_IPREV_PASS, _FAIL, _PERMERROR or _TEMPERROR */
    uint8_t cause;  /* F_NONE on pass */
    uint8_t names;  /* usable PTR names kept */
    bool capped;
    bool secure;        /* PTR and a confirming address both validated */
    uint16_t published; /* PTR records seen, usable or not, duplicates counted */
    uint16_t packed_len;
    uint32_t ttl; /* seconds the chain may be kept; at most 5 if any name had trouble */
    uint8_t packed[CHAIN_PACKED_MAX]; /* per name: state, length, wire */
};

/* The verdict so far. Unanswered questions count as DNS_TIMEOUT. Of several
 * kinds of trouble the cause is the first of bogus, servfail, timeout, overload.
 * A fail is ptr-invalid without a usable name; else ptr-limit when there are
 * names that were not looked at; else forward-missing when all names are NOWHERE; else
 * forward-mismatch. */
void fcrdns_chain(const struct fcrdns *f, struct chain *out);

/* A chain for a client about which nothing is known. cause: F_DNS_*. */
void chain_temperror(struct chain *out, const struct addr *client, enum finding cause);

size_t chain_size(const struct chain *c); /* octets in use */

/* Walks the names in order: *cursor starts at 0. False when there is no more. */
bool chain_next(const struct chain *c, size_t *cursor, struct dname *name, enum name_state *state);

/* The state of this very name in the chain; false when it is not in it. */
bool chain_find(const struct chain *c, const struct dname *name, enum name_state *state);

/* The name to show and judge: the first confirmed one, else the first.
 * False when there is none. */
bool chain_name(const struct chain *c, struct dname *name);

#endif
