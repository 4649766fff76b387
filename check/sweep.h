/* Many clients asked at once, judged in the order they came.
 *
 * Batch and replay share it. Memory is bounded by the window; a slow client holds back
 * those after it only as long as its own deadline.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SWEEP_H
#define IPREV_SWEEP_H

#include "conf/settings.h"
#include "dns/inquiry.h"

struct sweep_item {
    struct addr client; /* ADDR_NONE: nothing is asked; it only keeps its place */
    const char *helo;   /* NULL: not known. Copied. */
    size_t helo_len;
    void *tag; /* the caller's */
};

struct sweep {
    const struct settings *settings;
    bool exempt_too; /* clients in exempt.networks are asked as well; facts.skip is F_NONE */
    /* In the order of sweep_put. False ends the sweep. helo as given, cut to HELO_MAX + 1. */
    bool (*judged)(void *arg, void *tag, struct inquiry *q, const char *helo, size_t helo_len);
    void *arg;
    /* inside */
    struct resolver *resolver;
    struct self self;
    struct sweep_slot *slot;
    unsigned size, first, used;
    bool enough; /* judged has said so */
};

/* The exit code: 0, or why no resolver runs (see start_resolver); the reason is on standard error.
 * Then sweep_end must be called. */
int sweep_start(struct sweep *w);

/* Asks about one more client; when many are under way, waits for the first. False: enough. */
bool sweep_put(struct sweep *w, const struct sweep_item *item);

/* Waits for all that are under way. */
void sweep_end(struct sweep *w);

#endif
