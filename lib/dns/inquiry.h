/* One client asked about: its reverse chain and its HELO name, within one deadline and one
 * budget of questions. Daemon and iprev-check ask through it, and so ask the same.
 *
 * The calls for one inquiry may come on different threads, never two at once. Only
 * inquiry_wait blocks.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_DNS_INQUIRY_H
#define IPREV_DNS_INQUIRY_H

#include "dns/resolver.h"
#include "judge/report.h"

#define INQUIRY_QUESTIONS_MAX 24  /* of one client, whatever HELO names it gives */
#define INQUIRY_SLACK_MS      150 /* the resolver keeps the deadline; this is for when it cannot */

/* Where and how a client is asked about. All of it outlives the inquiry. */
struct inquiry_options {
    struct resolver *resolver;
    const struct resolver_settings *settings;
    const struct shape_lists *shapes; /* for the facts; or NULL */
    const struct self *self;
    unsigned patience_ms; /* nobody waits longer than this, all in all; 0: until the deadline */
};

/* One lookup of it. All zero: not asked. */
struct inquiry_asked {
    struct lookup *lookup;
    int64_t deadline;
    bool remembered; /* it was done before, and so cost nothing */
    bool told;       /* what it cost was reported */
};

/* All zero: as after inquiry_clear, but for skip. */
struct inquiry {
    struct inquiry_options o;
    struct addr client;
    enum finding skip; /* F_SKIP_*: nothing is asked; else F_NONE */
    struct inquiry_asked chain, forward;
    unsigned earlier; /* questions for HELO names that it no longer has, at most */
    int64_t patience; /* resolver_now() at which it ends */
    bool helo_given;
    struct helo helo;
};

/* Forgets the client and lets its lookups go: F_SKIP_NO_ADDRESS. */
void inquiry_clear(struct inquiry *q);

/* Another client: the first question goes out before this returns, unless skip says that none
 * is needed. */
void inquiry_start(struct inquiry *q, const struct inquiry_options *o, const struct addr *client,
                   enum finding skip);

/* What the client said; NULL or no octets: nothing. The last one counts. The addresses of its
 * name are asked, if they can matter (helo_must_ask) and the budget allows; a name
 * that is said again is not asked again. */
void inquiry_helo(struct inquiry *q, const char *text, size_t n);

/* Called on the waiting thread just before it blocks, and just after. */
struct inquiry_pause {
    void (*before)(void *arg);
    void (*after)(void *arg);
    void *arg;
};

/* Waits for the chain, and with helo for the HELO name: until their deadlines, and at most
 * 9 s in all. A HELO name that had no room in the budget is asked once the chain is known.
 * pause: or NULL. Returns the milliseconds. */
unsigned inquiry_wait(struct inquiry *q, bool helo, const struct inquiry_pause *pause);

/* What is known now. helo: what the client said counts, even if that is nothing. The facts
 * borrow from q. */
void inquiry_facts(const struct inquiry *q, bool helo, struct facts *f);

/* What it cost since this was called last: a further message of the same client costs nothing. */
struct lookup_cost inquiry_cost(struct inquiry *q);

#endif
