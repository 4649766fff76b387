/* What is remembered of clients between connections.
 *
 * Known clients: their mail has passed on two different UTC days, with a confirmed name that
 * nobody takes for machine-made. Greylist: a client network, sender domain and recipient
 * that were put off, and those that came back in time. See SECURITY.md for what is kept.
 *
 * A store that is down, slow, full or damaged costs a caller at most MEMORY_WAIT_MS, and then
 * the answer is "unavailable"; after MEMORY_TRIES failures in a row nobody asks it for
 * MEMORY_FIRST_MS, and after each further one for MEMORY_PAUSE_MS. All store work is done by a
 * thread of memory's own. Every function may be called on any thread.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_MEMORY_H
#define IPREV_MEMORY_H

#include "memory/options.h"
#include "value/addr.h"

struct memory;

/* Its thread opens the store. A failure is told by say, once until the store answers again
 * (good: it does); later uses try again. Call after root was left. NULL without memory or thread.
 */
struct memory *memory_new(const struct memory_options *o, void (*say)(bool good, const char *text));
/* One more holder. */
struct memory *memory_hold(struct memory *m);
/* Other numbers for the same store, for all holders. A second memory on a SQLite file would be a
 * second writer, see store_sqlite.c. NULL is fine. */
void memory_change(struct memory *m, const struct memory_options *o);
/* When the last holder lets go, the thread writes what is owed and ends. Does not wait for that;
 * NULL is fine. */
void memory_release(struct memory *m);
/* The process ends: the thread writes what is owed and ends though there are holders, who get no
 * more answers. NULL is fine. */
void memory_stop(struct memory *m);
/* Waits until no such thread is left; false when some is after that time. */
bool memory_wait_ended(unsigned ms);

/* wait_ms: at most so long, and at most MEMORY_WAIT_MS in one callback; 0: "unavailable" at once.
 */
enum memory_known memory_client(struct memory *m, const struct addr *client, unsigned wait_ms);

/* A message of this client has passed the filter. Never waits. While the store is in trouble the
 * note is lost; the client's next message is noted instead. */
void memory_note(struct memory *m, const struct addr *client);

struct grey_triple {
    const struct addr *client;
    const char *domain;    /* of the sender, any case; NULL or "": the null sender */
    const char *recipient; /* any case in its domain */
    bool look;             /* only ask whether it would pass: nothing is written */
};

/* *seconds: until a retry passes, for GREY_NEW and GREY_EARLY. */
enum memory_grey memory_greylist(struct memory *m, const struct grey_triple *t, unsigned wait_ms,
                                 unsigned *seconds);

void memory_stats(struct memory *m, struct memory_stats *out);

#endif
