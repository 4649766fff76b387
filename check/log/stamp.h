/* Time stamps of log lines.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_LOG_STAMP_H
#define IPREV_LOG_STAMP_H

#include "check/log/text.h"

/* As written; the zone is not looked at. year 0: not given. month 0: no stamp. */
struct log_stamp {
    uint16_t year;
    uint8_t month, day, hour, minute, second;
};

/* Takes a stamp of RFC 3164, RFC 3339 or journalctl -o short-full, and the space after it, off the
 * line. False, and t as it was, when there is none. */
bool stamp_read(struct log_stamp *stamp, struct log_text *t);

/* What a person writes, YYYY-MM-DD[THH:MM] or so many days before now ("7d"), in the same count as
 * stamp_seconds: times of the log, not UTC. now: seconds since 1970. 0 when it is neither. */
int64_t stamp_given(const char *text, int64_t now);

/* Seconds since 1970 of a stamp with a year, as if it were UTC; 0 without one. */
int64_t stamp_seconds(const struct log_stamp *stamp);

#endif
