/* Messages that have left the queue, and verdicts that met no message: a filter may write a log
 * of its own, which is read before the mail log or behind it.
 *
 * A table by queue id that grows to PAST_SLOTS and is filled by half; then another is begun, and
 * of those before it the last one is kept.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_PAST_H
#define IPREV_PAST_H

#include "check/replay/clients.h"
#include "value/checked.h"

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
};

/* False without memory. */
MUST_CHECK bool past_init(struct past *p);
void past_free(struct past *p);

/* The entry of a queue id; NULL when there is none, or when it is more than a day away: queue ids
 * are used again. */
struct past_entry *past_find(const struct past *p, uint64_t qid, int64_t at);

/* Without memory the entry is not kept. */
void past_put(struct past *p, const struct past_entry *entry);

#endif
