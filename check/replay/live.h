/* The messages under way: a table by queue id that begins small, as it is used for each line, and
 * grows to a bound; then the oldest of a few is closed as it stands. What was closed is remembered
 * (struct past) for verdicts that come later.
 *
 * A content filter behind the queue gives a message back with another queue id: that is a part,
 * which leads to the whole, the message as its client sent it.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_LIVE_H
#define IPREV_LIVE_H

#include "check/log/event.h"
#include "check/replay/clients.h"
#include "value/checked.h"

/* Messages that have left the queue, and verdicts that met no message: a filter may write a log
 * of its own, which is read before the mail log or after it.
 *
 * A table by queue id that grows to PAST_SLOTS and is filled by half; then another is begun, and
 * of those before it the last one is kept. */
#define PAST_SLOTS (1u << 20) /* 24 MiB */

struct past_entry {
    uint64_t qid;    /* hash, not 0 */
    int64_t at;      /* seconds since 1970, or 0 */
    uint32_t client; /* of a message; 0: a verdict */
    uint8_t outcome; /* enum outcome_kind: of the message, or what the verdict makes of it */
};

struct past {
    struct past_entry *list, *before; /* before: PAST_SLOTS, or NULL */
    uint32_t slots, n;
    bool verdicts; /* some entry was one */
};

/* False without memory. */
MUST_CHECK bool past_init(struct past *p);
void past_free(struct past *p);

/* The entry of a queue id; NULL when there is none, or when it is more than a day away: queue ids
 * are used again. */
struct past_entry *past_find(const struct past *p, uint64_t qid, int64_t at);

/* Without memory the entry is not kept. */
void past_put(struct past *p, const struct past_entry *entry);

#define LIVE_SETS 16384 /* at most; a power of two */
#define LIVE_WAYS 4
#define LIVE_IDS  32768 /* a power of two */

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
struct live_message {
    uint64_t qid;          /* hash; 0: free */
    uint64_t id;           /* hash of the message id, 0: not given; of a part: qid of the whole */
    int64_t at;            /* seconds since 1970, or 0 */
    uint32_t age;          /* line at which it came */
    uint32_t client;       /* entry, or 0: not known yet */
    uint32_t sender;       /* hash of the domain; 0: the null sender, or not known */
    uint32_t to;           /* kinds of its recipients, as far as they are known (audience.h) */
    uint32_t early[EARLY]; /* refusals not counted yet, by what became of them, from OUT_MTA */
    uint16_t flags;
    uint8_t opening; /* enum log_opening */
    uint8_t parts;   /* still under way */
};

struct live {
    struct clients *clients; /* that are counted */
    uint32_t sets;
    struct live_message *message; /* sets * LIVE_WAYS */
    uint32_t *tag;                /* of each the upper half of its last qid: few lines of cache */
    uint32_t *by_id;              /* message ids to places in message */
    uint32_t openings;            /* of them: refused before MAIL */
    uint32_t lines;               /* read so far: how old a message is */
    uint64_t verdicts_met;        /* of spam, on a message that is known */
    struct past past;
};

/* False without memory. */
MUST_CHECK bool live_init(struct live *l, struct clients *clients);
void live_free(struct live *l);

uint64_t live_hash(const struct live *l, const struct log_text *t);

/* What has the queue id of the event, and the whole of it (of NULL: NULL). */
struct live_message *live_at(struct live *l, const struct log_event *e);
struct live_message *live_whole(struct live *l, struct live_message *m);

/* Opens a message with the queue id of the event, which has one; closes what has it already. */
struct live_message *live_open(struct live *l, const struct log_event *e);

/* What was refused to recipients of one kind before the client of the message was known: an entry
 * beside that of the message. Made when it is wanted, else NULL. */
struct live_message *live_beside(struct live *l, const struct log_event *e, uint32_t to,
                                 bool wanted);

/* The queue id of the event is that of a part of the message with the queue id e->origin. False:
 * there is none. */
bool live_part(struct live *l, const struct log_event *e);

/* It will leave the queue soon: what that needs is fetched meanwhile. */
void live_soon(const struct live *l, const struct live_message *m);

/* Has left the queue: counts it, when no part of it is under way. */
void live_end(struct live *l, struct live_message *m);
void live_close(struct live *l, struct live_message *m);
void live_close_all(struct live *l);

/* What became of m may be changed by a verdict that has come before it, or will come. */
enum outcome_kind live_remember(struct live *l, const struct live_message *m, enum outcome_kind o);

void live_remember_id(struct live *l, struct live_message *m, const struct log_text *id);
struct live_message *live_find_id(struct live *l, const struct log_text *id);

void live_early(struct live_message *m, enum outcome_kind o, uint32_t times);
void live_count_early(struct live *l, struct live_message *m);

/* One connection of a client can be refused at connect, at EHLO and at HELO, one after the other,
 * and then at MAIL: that is one attempt. It is kept, by address, until what follows is known. */
void opening_refused(struct live *l, const struct log_event *e, uint32_t client,
                     enum outcome_kind o, int64_t at);
void opening_over(struct live *l, const struct addr *client); /* it connects again */
void opening_followed(struct live *l,
                      const struct addr *client); /* this counts in place of the last */

#endif
