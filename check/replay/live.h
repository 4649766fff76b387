/* Inner header of tally.c: the messages under way.
 *
 * A table of fixed size by queue id. A content filter behind the queue gives a message back with
 * another queue id: that is a part, which leads to the whole, the message as its client sent it.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_LIVE_H
#define IPREV_LIVE_H

#include "check/replay/tally.h"

/* What is known of a message. */
enum {
    BEGUN = 1 << 0,     /* the line that names its client was read */
    QUEUED = 1 << 1,    /* it was taken: until then it may be a transaction that was given up */
    SENT = 1 << 2,      /* to a recipient at least */
    SPAM = 1 << 3,      /* so a filter says */
    DISCARDED = 1 << 4, /* a filter has thrown it away: SENT means to the filter */
    AUTH = 1 << 5,      /* its client has authenticated, and that exempts */
    SPARED = 1 << 6,    /* it has an exempt recipient */
    JUDGED = 1 << 7,    /* it has one that is not exempt */
    ENDED = 1 << 8,     /* refused as a whole before it had begun */
    HANDED = 1 << 9,    /* given back by a content filter: what the parts meet counts */
    LEFT = 1 << 10,     /* it has left the queue, its parts have not */
    PART = 1 << 11
};

#define EARLY (OUT_COUNT - OUT_MTA)

/* A message, or, with `opening`, what was refused of a connection before MAIL. */
struct live {
    uint64_t qid;          /* hash; 0: free */
    uint64_t id;           /* hash of the message id, 0: not told; of a part: qid of the whole */
    int64_t at;            /* seconds since 1970, or 0 */
    uint32_t age;          /* line at which it came */
    uint32_t client;       /* entry, or 0: not told yet */
    uint32_t early[EARLY]; /* refusals not counted yet, by what became of them, from OUT_MTA */
    uint16_t flags;
    uint8_t opening; /* enum log_opening */
    uint8_t parts;   /* still under way */
};

uint64_t live_hash(const struct log_text *t);

/* What has the queue id of the event, and the whole of it (of NULL: NULL). */
struct live *live_at(struct tally *t, const struct log_event *e);
struct live *live_whole(struct tally *t, struct live *m);

/* Opens a message with the queue id of the event, which has one; closes what has it already. */
struct live *live_open(struct tally *t, const struct log_event *e);

/* The queue id of the event is that of a part of the message with the queue id e->origin. False:
 * there is none. */
bool live_part(struct tally *t, const struct log_event *e);

/* Has left the queue: counts it, when no part of it is under way. */
void live_end(struct tally *t, struct live *m);
void live_close(struct tally *t, struct live *m);

void live_remember_id(struct tally *t, struct live *m, const struct log_text *id);
struct live *live_find_id(struct tally *t, const struct log_text *id);

void live_early(struct live *m, enum outcome_kind o, uint32_t times);
void live_count_early(struct tally *t, struct live *m);

/* One connection of a client can be refused at connect, at EHLO and at HELO, one after the other,
 * and then at MAIL: that is one attempt. It is kept, by address, until what follows is known. */
void opening_refused(struct tally *t, const struct log_event *e, uint32_t client,
                     enum outcome_kind o, int64_t at);
void opening_over(struct tally *t, const struct addr *client); /* it connects again */
void opening_followed(struct tally *t,
                      const struct addr *client); /* this counts in place of the last */

#endif
