/* From the events of a log to clients and what became of their messages.
 *
 * Messages under way are kept in a table of fixed size by queue id; when it is full, the
 * oldest of a few is closed as it stands. What was closed is remembered for verdicts that come
 * later (past.h).
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_TALLY_H
#define IPREV_TALLY_H

#include "check/log/line.h"
#include "check/replay/clients.h"
#include "check/replay/past.h"

#define LIVE_SETS 16384 /* a power of two */
#define LIVE_WAYS 4
#define LIVE_IDS  32768 /* a power of two */

struct live;

struct tally {
    const struct settings *settings;
    struct clients clients;
    struct live *live;
    struct past past;
    uint32_t *by_id;    /* message ids to places in live */
    uint32_t openings;  /* in live: refused before MAIL */
    int64_t now;        /* seconds since 1970: a stamp without year lies before it */
    int64_t begin, end; /* stamps seen; 0: none */
    uint64_t lines, known, connects, damaged;
};

/* False without memory. */
bool tally_init(struct tally *t, const struct settings *s, int64_t now);
void tally_line(struct tally *t, const char *s, size_t n);
/* The stamp of a line, known or not, in seconds since 1970; 0: none. Counts nothing. */
int64_t tally_time(const struct tally *t, const char *s, size_t n);
/* Closes what is under way and settles the clients. */
void tally_end(struct tally *t);
void tally_free(struct tally *t);

#endif
