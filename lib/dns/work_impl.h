/* One lookup under way: for work.c, which begins, judges and ends it, and question.c, which asks.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_DNS_WORK_IMPL_H
#define IPREV_DNS_WORK_IMPL_H

#include "judge/fcrdns.h"

#include <event2/event_struct.h>
#include <limits.h>

#define QUESTION_CLIENT UINT_MAX /* else the index of a PTR name */
#define QUESTION_HELO   (UINT_MAX - 1)

struct lookup;
struct worker;

/* One lookup under way. Lives until it is finished and its last question has
 * come back. */
struct work {
    struct work *next, **prev; /* list of the worker, while not finished */
    struct worker *worker;
    struct lookup *lookup; /* NULL once finished */
    struct event timer;
    int64_t started, deadline;
    unsigned asked;     /* questions so far */
    unsigned asked_ptr; /* of them, those before the names were known */
    unsigned waiting;   /* questions at libunbound */
    uint16_t *network;  /* counts the questions at libunbound for the client's network */
    bool grace;
    struct fcrdns f;
};

/* Asks; the answer goes to work_feed, perhaps before this returns. */
void question_ask(struct work *w, unsigned index, const struct dname *name, enum rrtype type);

/* A network has its share of max-inflight. HELO names are the first to be shed: with a client's
 * chain there is a verdict, with its HELO alone there is none. */
bool question_has_room(const struct worker *k, const uint16_t *network, unsigned index);

/* The /24 or /48 of a client. */
struct addr question_network(const struct addr *client);

/* Feeds an answer to the work; finishes the lookup when nothing is left to ask. */
void work_feed(struct work *w, unsigned index, const struct answer *a);

/* Frees the work once it is finished and its last question has come back. */
void work_free_if_unused(struct work *w);

#endif
