/* From the events of a log to clients and what became of their messages.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_TALLY_H
#define IPREV_TALLY_H

#include "check/log/stamp.h"
#include "check/replay/audience.h"
#include "check/replay/grey.h"
#include "check/replay/live.h"
#include "conf/settings.h"
#include "value/checked.h"

struct tally {
    const struct settings *settings;
    struct clients clients;
    struct live live;
    struct audiences audiences;
    struct grey_tries tries;
    int64_t now;          /* seconds since 1970: a stamp without year lies before it */
    int64_t since, until; /* the clients and messages that count: until is the first second
                           * behind; 0: all */
    struct log_stamp day; /* of the last stamp: its first second is day_at */
    int64_t day_at;
    int64_t begin, end; /* stamps seen; 0: none */
    uint64_t lines, known, connects, damaged;
    uint64_t records;  /* of our own */
    uint64_t verdicts; /* of spam; live.verdicts_met of them are on a message of the log */
};

/* against: settings to compare with, or NULL. False, with the reason on standard error, without
 * memory or a temporary file. */
MUST_CHECK bool tally_init(struct tally *t, const struct settings *s,
                           const struct settings *against, int64_t now);
void tally_line(struct tally *t, const char *s, size_t n);
/* For tally.c: a record of ours; one of before `since`, which tells what was known then. */
void tally_record(struct tally *t, const struct log_event *e, int64_t at);
void tally_record_before(struct tally *t, const struct log_event *e, int64_t at);
/* The stamp of a line, known or not, in seconds since 1970; 0: none. Counts nothing. */
int64_t tally_time(struct tally *t, const char *s, size_t n);
/* Closes what is under way and settles the clients. */
void tally_end(struct tally *t);
void tally_free(struct tally *t);

#endif
