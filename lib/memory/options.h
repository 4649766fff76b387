/* What the configuration says of memory, and what its parts share.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_MEMORY_OPTIONS_H
#define IPREV_MEMORY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define MEMORY_KNOWN_PER_NET   100     /* known addresses in one /24 or /64 */
#define MEMORY_WAITING_PER_NET 1000    /* waiting keys of one /24 or /48 */
#define MEMORY_TOTAL           2000000 /* entries of each table */

#define MEMORY_WAIT_MS  50
#define MEMORY_TRIES    3
#define MEMORY_PAUSE_MS 5000
#define MEMORY_FIRST_MS 1000 /* the first pause: most stores stood still only for a moment */

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

/* A copy with texts of its own; false without memory. It is dropped in either case. */
bool memory_options_copy(struct memory_options *to, const struct memory_options *from);
void memory_options_drop(struct memory_options *o);

/* Is it the same store, with the same key? The numbers may differ. */
bool memory_options_same_store(const struct memory_options *a, const struct memory_options *b);

enum memory_known { MEMORY_KNOWN, MEMORY_UNKNOWN, MEMORY_KNOWN_UNAVAILABLE };
enum memory_grey { GREY_NEW, GREY_EARLY, GREY_PASSED, GREY_UNAVAILABLE };

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

#endif
