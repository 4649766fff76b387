/* Zones whose name servers are silent: they are not asked for each of their clients.
 *
 * A forwarder holds every question that has no answer yet, and takes only so many; a botnet with
 * dead reverse zones must not use that up for everybody. So a zone that has never been heard is
 * asked one question at a time once that one takes long, and when it was in vain, nothing for a
 * while: its clients are temperror at once. A zone that has been heard lately needs two names
 * without an answer: one that is delegated further, to a dead server, says nothing of its
 * neighbours. An answer ends it all.
 *
 * A forwarder holds a dead question for some 15 seconds, and unbound no more than 1,000 from one
 * address (wait-limit); each of ours takes up to four. So when many are out or were in vain
 * lately, a stranger, whose zone and wide zone were not heard lately, is told at once if its wide
 * zone is silent. When many strangers were asked in vain, only a few more are: the others wait for
 * the one that is out in their wide zone, and share its fate.
 * Times are resolver_now(). For one thread.
 *
 * The zone is guessed, as a forwarder tells nothing of cuts: the /24 or /48 of a client, the
 * registrable domain of a name. The wide zone of a client is its /16 or /32; a name has none.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_DNS_QUIET_H
#define IPREV_DNS_QUIET_H

#include <stdbool.h>
#include <stdint.h>

#define QUIET_ZONES 4096 /* power of two */
#define QUIET_HANGS 170  /* tenths of a second that a forwarder holds a dead question */
#define QUIET_MOST  80   /* questions that may hang before strangers wait: at four each, a third */
#define QUIET_PACE  150  /* ms from one stranger to the next, then */

struct query; /* one question, of work.c */

/* All zero: unknown. */
struct quiet_zone {
    uint64_t tag;      /* of its name; 0: none */
    int64_t touched;   /* last looked for */
    int64_t heard;     /* last answered */
    int64_t since;     /* the oldest question now out, or the last answer after it */
    int64_t failed;    /* the last question in vain */
    uint64_t dead;     /* its name */
    unsigned failures; /* names asked in vain since it was heard */
    unsigned open;     /* questions out */
    struct query *parked;
};

struct quiet {
    unsigned most;  /* QUIET_MOST, or its share; 0: no bound, as when there is no forwarder */
    unsigned pace;  /* ms */
    int64_t heard;  /* when any question was answered last */
    int64_t let_in; /* when a stranger was let through last, while others waited */
    struct {
        int64_t tenth;
        unsigned open;      /* questions sent then, and not answered since */
        unsigned strangers; /* questions to strangers sent then */
        unsigned vain;      /* of them, those not answered since */
    } sent[QUIET_HANGS];
    struct quiet_zone zone[QUIET_ZONES];
};

/* Where a question belongs. Either may be NULL: unknown, or the table is full. */
struct quiet_place {
    struct quiet_zone *near, *wide;
    bool stranger; /* it was one when its question went out */
};

enum quiet_word {
    QUIET_ASK,
    QUIET_PARK,      /* until the question that is out in the zone has come back */
    QUIET_PARK_WIDE, /* the same in the wide zone; of a name, in its zone */
    QUIET_DENY
};

/* A forwarder is asked, by so many threads in all. */
void quiet_bound(struct quiet *q, unsigned threads);

/* The zone of this hash. NULL when the zones that share its place all have questions out, or some
 * that wait: then it is asked. */
struct quiet_zone *quiet_find(struct quiet *q, uint64_t hash, int64_t now);

/* name: a hash of what would be asked. The name that was in vain last waits for others to try. */
enum quiet_word quiet_may_ask(struct quiet *q, struct quiet_place p, uint64_t name, int64_t now);

/* So many questions hang, and so many of those to strangers were in vain, that strangers must
 * wait: a forwarder that is slow, but answers, is asked on. */
bool quiet_pressed(const struct quiet *q, int64_t now);

/* May one of those that wait go out all the same? Then it is counted. */
bool quiet_lets_in(struct quiet *q, int64_t now);

/* A question goes out. */
void quiet_asked(struct quiet *q, struct quiet_place *p, int64_t now);

enum quiet_end {
    QUIET_HEARD,   /* DNS answered, even if only that there is no such name */
    QUIET_REFUSED, /* somebody said that it failed */
    QUIET_SILENT,  /* nobody said anything in time */
    QUIET_NOBODY,  /* nor was anybody else answered meanwhile: it is the forwarder */
    QUIET_CACHED   /* libunbound knew it, and asked nobody */
};

/* What was asked at that moment came back. */
void quiet_over(struct quiet *q, struct quiet_place p, uint64_t name, int64_t asked,
                enum quiet_end end, int64_t now);

#endif
