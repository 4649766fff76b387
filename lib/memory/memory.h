/* What is remembered of clients between connections.
 *
 * Known clients: their mail has passed on two different UTC days, with a confirmed name that
 * nobody takes for machine-made. Greylist: a client network, sender domain and recipient
 * that were put off, and those that came back in time. See SECURITY.md for what is kept.
 *
 * A store that is down, slow, full or damaged costs a caller at most MEMORY_WAIT_MS, and then
 * the answer is "unavailable"; after MEMORY_TRIES failures in a row nobody asks it for
 * MEMORY_PAUSE_MS. All store work is done by a thread of memory's own. Every function may be
 * called on any thread.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_MEMORY_H
#define IPREV_MEMORY_H

#include "value/addr.h"

#define MEMORY_WAIT_MS  50
#define MEMORY_TRIES    3
#define MEMORY_PAUSE_MS 5000

#define MEMORY_KNOWN_PER_NET   100     /* known addresses in one /24 or /64 */
#define MEMORY_WAITING_PER_NET 1000    /* waiting keys of one /24 or /48 */
#define MEMORY_TOTAL           2000000 /* entries of each table */

struct memory_options {
    char *store;         /* "sqlite:/PATH", "redis://HOST[:PORT][/DB]", "redis+unix:/PATH" */
    char *key_file;      /* NULL: beside the SQLite store */
    char *password_file; /* NULL: none. Redis only */
    unsigned known_days;
    unsigned greylist_delay_s;
    unsigned greylist_retry_h;
    unsigned greylist_pass_days;
};

/* The place that a store text names. */
struct memory_endpoint {
    char sqlite_path[256]; /* one of the three is set */
    char unix_path[104];
    char host[256];
    uint16_t port;
    unsigned database;
};

/* False for a text that is no store. */
bool memory_endpoint(struct memory_endpoint *e, const char *text);

struct memory;

/* Opens nothing yet: the first use does, and a failure is told by say, once until the store
 * answers again (good: it does). Call after root was left. NULL without memory or thread. */
struct memory *memory_new(const struct memory_options *o, void (*say)(bool good, const char *text));
/* Writes what is owed and ends the thread. */
void memory_free(struct memory *m);

enum memory_known { MEMORY_KNOWN, MEMORY_UNKNOWN, MEMORY_KNOWN_UNAVAILABLE };
enum memory_known memory_client(struct memory *m, const struct addr *client);

/* A message of this client has passed the filter. Never waits. */
void memory_note(struct memory *m, const struct addr *client);

enum memory_grey { GREY_NEW, GREY_EARLY, GREY_PASSED, GREY_UNAVAILABLE };

struct grey_triple {
    const struct addr *client;
    const char *domain;    /* of the sender, any case; NULL or "": the null sender */
    const char *recipient; /* any case in its domain */
};

/* *seconds: until a retry passes, for GREY_NEW and GREY_EARLY. */
enum memory_grey memory_greylist(struct memory *m, const struct grey_triple *t, unsigned *seconds);

/* Upper bounds of the buckets of the time that callers waited, in microseconds. */
#define MEMORY_BUCKETS 7
extern const unsigned memory_bucket_us[MEMORY_BUCKETS];

struct memory_stats {
    uint64_t known[3];    /* by enum memory_known */
    uint64_t greylist[4]; /* by enum memory_grey */
    uint64_t bucket[MEMORY_BUCKETS + 1];
    uint64_t waited_us;
    bool up;
};
void memory_stats(struct memory *m, struct memory_stats *out);

#endif
