/* What a failure of libunbound means: see heard.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "dns/heard.h"

#define HEADER       12
#define RESPONSE     0x80 /* in the third octet of a message */
#define PATIENCE_MS  350  /* libunbound waits longer than this for any server */
#define KEPT_MS      6000 /* libunbound keeps a failure five seconds, which it counts whole */
#define REPEATED_TTL 0    /* seconds; libunbound itself keeps it, for up to 5 s */

/* The question as it is remembered; never 0. */
static uint64_t question_hash(const struct silence *s, const struct heard *r)
{
    return (dname_hash(r->name, &s->key) + r->type) | 1;
}

static void remember(struct silence *s, const struct heard *r)
{
    uint64_t h = question_hash(s, r);
    size_t i = h >> 32 & (SILENCE_SLOTS - 1);

    s->slot[i].question = h;
    s->slot[i].until = r->now + KEPT_MS;
}

static bool was_silent(const struct silence *s, const struct heard *r)
{
    uint64_t h = question_hash(s, r);
    size_t i = h >> 32 & (SILENCE_SLOTS - 1);

    return s->slot[i].question == h && r->now < s->slot[i].until;
}

/* A server's reply to this very question ended it: then it is still in the buffer that
 * libunbound hands over with a failure. Whatever else is there means nothing. */
static bool server_replied(const struct heard *r)
{
    struct dname name;
    size_t at = HEADER;

    return r->packet != NULL && r->len > HEADER && (r->packet[2] & RESPONSE) != 0 &&
           dname_from_message(&name, r->packet, (size_t)r->len, &at) &&
           dname_equal(&name, r->name) && at + 2 <= (size_t)r->len &&
           (r->packet[at] << 8 | r->packet[at + 1]) == (int)r->type;
}

/* libunbound repeats a failure that it remembers with rcode 0, and SERVFAIL in the packet. */
void heard_failure(struct answer *a, const struct heard *r, struct silence *s)
{
    if (a->kind != ANSWER_SERVFAIL)
        return;
    if (r->rcode == 0) {
        a->ttl = REPEATED_TTL;
        if (was_silent(s, r))
            a->kind = ANSWER_TIMEOUT;
    } else if (r->now - r->asked >= PATIENCE_MS && !server_replied(r)) {
        a->kind = ANSWER_TIMEOUT;
        remember(s, r);
    }
}
