/* Where memory keeps its entries: four tables of small keys with one number each.
 *
 * Inner header of lib/memory. A store is used by one thread at a time. Entries of one group
 * (a network) are bounded together, so that nobody can push out the entries of others.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_MEMORY_STORE_H
#define IPREV_MEMORY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum memory_table {
    TABLE_SEEN,    /* address -> UTC day on which its mail passed for the first time */
    TABLE_KNOWN,   /* address -> last UTC day on which its mail passed */
    TABLE_WAITING, /* greylist: network, sender domain, recipient -> first try, s since 1970 */
    TABLE_PASSED,  /* greylist: address, sender domain -> last use, s since 1970 */
};
#define TABLES 4

#define STORE_OCTETS_MAX 17
#define STORE_ABSENT     INT64_MIN

#define STORE_TROUBLE_MAX 700 /* a sentence with two paths */

struct store_key {
    enum memory_table table;
    uint8_t group_len, member_len;
    uint8_t group[STORE_OCTETS_MAX];
    uint8_t member[STORE_OCTETS_MAX];
};

/* How many entries a table keeps, and how long. */
struct store_bounds {
    uint32_t group;   /* of one group: the oldest makes room */
    uint32_t total;   /* of the table */
    bool oldest_goes; /* of a full table the oldest makes room; else a newcomer is not kept */
    int64_t lifetime; /* in the unit of the table's number */
    int64_t unit_s;   /* seconds of that unit */
};

struct store_entry {
    struct store_key key;
    int64_t at;
};

struct store_counts {
    uint64_t entries[TABLES];
};

struct memory_options;

enum store_result {
    STORE_OK,
    STORE_BROKEN, /* close it and open it anew */
};

struct store {
    const struct store_kind *kind;
    struct store_bounds bounds[TABLES];
    bool put_aside;     /* after a failure: what was there is lost, and opening it again works */
    bool clock_doubted; /* it has just been set: put drops nothing for its age */
    char trouble[STORE_TROUBLE_MAX]; /* what is wrong, after a result other than STORE_OK */
};

struct store_kind {
    /* For each of n keys its number, or STORE_ABSENT. */
    enum store_result (*get)(struct store *s, const struct store_key *key, size_t n, int64_t at[]);
    /* Adds or replaces, within the bounds. now: in the unit of the table; what has outlived its
     * time by then may go. */
    enum store_result (*put)(struct store *s, const struct store_key *key, int64_t at, int64_t now);
    enum store_result (*drop)(struct store *s, const struct store_key *key);
    /* What was put and dropped is durable now: it outlives a kill of this process. */
    enum store_result (*keep)(struct store *s);
    /* Once a second. With now_s (s since 1970; 0: leave them) some entries that have outlived
     * their time are dropped. */
    enum store_result (*tick)(struct store *s, int64_t now_s);
    enum store_result (*count)(struct store *s, struct store_counts *out);
    /* The entries of the group of this key, at most max of them. *n: how many. */
    enum store_result (*list)(struct store *s, const struct store_key *group,
                              struct store_entry out[], size_t max, size_t *n);
    void (*close)(struct store *s);
};

enum store_use {
    STORE_SERVE,  /* the daemon: makes what is missing, puts a damaged file aside. Opening fails
                     where  nothing can be written, so that it is not good for one question and bad
                     for the next */
    STORE_LOOK,   /* read only */
    STORE_CHANGE, /* of an existing one */
};

/* NULL on failure, with the reason in err. Takes no longer when there are many entries: callers may
 * wait meanwhile. */
struct store *store_open(const struct memory_options *o, const struct store_bounds bounds[TABLES],
                         enum store_use use, char *err, size_t errlen);
struct store *store_open_sqlite(const char *path, enum store_use use, char *err, size_t errlen);
struct store *store_open_redis(const struct memory_options *o, enum store_use use, char *err,
                               size_t errlen);

#endif
