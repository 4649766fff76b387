/* Receivers that refuse or defer this server's mail for its name, as its delivery log tells.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_REFUSED_H
#define IPREV_SENDER_REFUSED_H

#include "check/sender/refusal.h"
#include "check/term.h"
#include "value/addr.h"

#include <jansson.h>

#define RECEIVERS_MAX 1000
#define RECEIVER_NAME 256
#define CLAIMED_MAX   32 /* addresses that replies name */

/* How the address that was refused fares now; the later counts before the earlier. */
enum refused_now {
    NOW_NOT_CHECKED,
    NOW_IN_ORDER,
    NOW_UNKNOWN, /* DNS gave no answer */
    NOW_TO_FIX
};

/* One for each host, address family and kind of refusal. */
struct receiver {
    char host[RECEIVER_NAME];
    uint8_t family;   /* of the receiver's address; ADDR_NONE: not told */
    struct addr ours; /* the first that the last reply with any names; else ADDR_NONE */
    enum refused_now now;
    enum refusal is;
    uint64_t refused, deferred;
    int64_t first, last;      /* seconds since 1970 by the log's clock; 0: not told */
    char words[REFUSAL_TEXT]; /* of the last one, folded */
};

struct refused {
    int64_t now;
    uint64_t lines, known; /* read, and of a mail server's log */
    unsigned n;
    uint64_t left_out; /* refusals of receivers beyond RECEIVERS_MAX */
    struct receiver receiver[RECEIVERS_MAX];
    unsigned addrs;
    struct addr addr[CLAIMED_MAX]; /* public ones in the replies, but not the receivers' */
};

/* Reads one line. */
void refused_line(struct refused *r, const char *s, size_t n);

/* This address of ours has been checked. */
void refused_checked(struct refused *r, const struct addr *client, enum refused_now now);

/* The last refusal first. */
void refused_sort(struct refused *r);

void refused_text(const struct refused *r, const struct term *t);
json_t *refused_json(const struct refused *r);

#endif
