/* The work of a resolver thread: one lookup from its first question to its end.
 *
 * Everything here runs on the worker's own thread.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_DNS_WORK_H
#define IPREV_DNS_WORK_H

#include "dns/breaker.h"
#include "dns/heard.h"
#include "dns/lookup.h"
#include "dns/options.h"
#include "dns/quiet.h"
#include "dns/zone.h"

#include <event2/event.h>
#include <stdatomic.h>

struct request;
struct work;

#define PREFIX_SLOTS 4096

struct worker {
    struct resolver *resolver;
    struct event_base *base;
    struct ub_ctx *ctx;
    struct event *wake;
    int wake_fd;
    _Atomic(struct request *) inbox; /* newest first */
    struct request *taken, **last;   /* out of the inbox and not begun, oldest first */
    struct work *open;               /* lookups not finished, newest first */
    atomic_uint inflight;            /* questions at libunbound; written by this thread only */
    struct breaker breaker;
    struct silence silence;
    struct quiet quiet;
    unsigned parked;                  /* questions that wait for their zone */
    int64_t looked;                   /* when we saw last whether they may go out */
    uint16_t open_from[PREFIX_SLOTS]; /* questions at libunbound, by the client's network */
    struct event *beat;
    _Atomic(int64_t) beaten; /* when the thread last ran its loop */
};

struct resolver {
    struct resolver *next; /* of all that live */
    atomic_uint refs;
    atomic_bool draining;
    atomic_bool quit;
    atomic_uint holders; /* worker threads, and who ends them */
    struct lookup_table *table;
    struct zonefile zone; /* empty without one */
    struct resolver_trace trace;
    bool traced;
    unsigned max_inflight; /* per worker */
    struct hash_key key;   /* nobody can choose who shares a place in a table */
    atomic_uint_fast64_t lookups, cache_hits, joined, questions, overloads, timeouts;
    unsigned workers;
    struct worker worker[];
};

/* Takes over a lookup from lookup_table_get and gets it finished by the deadline. */
void work_start(struct worker *k, struct lookup *l, int64_t deadline);

/* Questions that wait for room go out when there is some. Called at least once a second. */
void question_beat(struct worker *k);

/* Ends the questions that wait, when every lookup is finished. */
void question_end(struct worker *k);

/* Finishes every open lookup with what is known now. */
void work_finish_all(struct worker *k);

#endif
