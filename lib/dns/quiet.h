/* Zones whose name servers are silent: they are not asked for each of their clients.
 *
 * A forwarder holds every question that has no answer yet, and takes only so many; a botnet with
 * dead reverse zones must not use that up for everybody. So a zone that has never been heard is
 * asked one question at a time once that one takes long, and when it was in vain, nothing for a
 * while: its clients are temperror at once. A zone that has been heard lately needs two names
 * without an answer: one that is delegated further, to a dead server, says nothing of its
 * neighbours. An answer ends it all. Times are resolver_now(). For one thread.
 *
 * The zone is guessed, as a forwarder tells nothing of cuts: the /24 or /48 of a client, the
 * registrable domain of a name.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_DNS_QUIET_H
#define IPREV_DNS_QUIET_H

#include <stdint.h>

#define QUIET_ZONES 4096 /* power of two */

struct query; /* one question, of work.c */

/* All zero: unknown. */
struct quiet_zone {
    uint64_t tag;      /* of its name; 0: none */
    int64_t touched;   /* last asked */
    int64_t heard;     /* last answered */
    int64_t since;     /* the oldest question now out, or the last answer after it */
    int64_t failed;    /* the last question in vain */
    uint64_t dead;     /* its name */
    unsigned failures; /* names asked in vain since it was heard */
    unsigned open;     /* questions out */
    struct query *parked;
};

struct quiet {
    int64_t heard; /* when any question was answered last */
    struct quiet_zone zone[QUIET_ZONES];
};

enum quiet_word {
    QUIET_ASK,
    QUIET_PARK, /* until the question that is out has come back */
    QUIET_DENY
};

/* The zone of this hash. NULL when the zones that share its place all have questions out: then it
 * is asked. */
struct quiet_zone *quiet_find(struct quiet *q, uint64_t hash, int64_t now);

/* name: a hash of what would be asked. The name that was in vain last waits for others to try. */
enum quiet_word quiet_may_ask(const struct quiet_zone *z, uint64_t name, int64_t now);

/* A question goes out. */
void quiet_asked(struct quiet_zone *z, int64_t now);

enum quiet_end {
    QUIET_HEARD,   /* DNS answered, even if only that there is no such name */
    QUIET_REFUSED, /* somebody said that it failed */
    QUIET_SILENT,  /* nobody said anything in time */
    QUIET_NOBODY,  /* nor was anybody else answered meanwhile: it is the forwarder */
    QUIET_CACHED   /* libunbound knew it, and asked nobody */
};

/* What was asked at that moment came back. */
void quiet_over(struct quiet *q, struct quiet_zone *z, uint64_t name, int64_t asked,
                enum quiet_end end, int64_t now);

#endif
