/* What a store says of a client, for people: iprev-check. It makes no store, and writes only to
 * forget.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_MEMORY_VIEW_H
#define IPREV_MEMORY_VIEW_H

#include "memory/options.h"
#include "value/addr.h"

#include <stddef.h>

struct memory_view;

/* change: to forget. NULL on failure, with the reason in err. */
struct memory_view *memory_view_open(const struct memory_options *o, bool change, char *err,
                                     size_t errlen);
void memory_view_close(struct memory_view *v); /* NULL is fine */

/* Entries by kind; those that have ended count until the daemon drops them. */
struct memory_counts {
    uint64_t known, seen, waiting, passed;
};

/* All times are seconds since 1970; 0: there is none. */
struct memory_client {
    int64_t known_s;     /* a known client: the day of its last message */
    int64_t known_end_s; /* the first second at which it is known no more */
    int64_t seen_s;      /* its mail passed on this one day: not yet known */
    int64_t seen_end_s;
    unsigned waiting; /* greylisted tries of its /24 or /48 */
    int64_t waiting_end_s;
    unsigned passed; /* sender domains with which its address (IPv6: its /64) passes */
    int64_t passed_end_s;
};

/* False on failure, with the reason in memory_view_trouble. */
bool memory_view_count(struct memory_view *v, struct memory_counts *out);
bool memory_view_client(struct memory_view *v, const struct addr *client, int64_t now_s,
                        struct memory_client *out);
/* Drops all that memory_view_client tells, and what has ended. */
bool memory_view_forget(struct memory_view *v, const struct addr *client);

const char *memory_view_trouble(const struct memory_view *v);

#endif
