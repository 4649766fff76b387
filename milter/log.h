/* Log lines, to syslog or standard error, that never make a callback wait.
 *
 * Lines go through a bounded queue to a thread of their own. When the sink does not
 * keep up, lines are dropped and counted, and the count is logged.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_LOG_H
#define IPREV_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* Until log_start, lines of LOG_WARNING and above go straight to standard error.
 * Call with signals blocked. False when no thread can be started: then lines are
 * written by who logs them. */
bool log_start(bool to_stderr, int level);

/* Where to, and from which level of <syslog.h> on (reload). */
void log_set(bool to_stderr, int level);

/* Is a line of this level wanted? Ask before doing work for it. */
bool log_wants(int level);

void log_line(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Lines dropped since start. */
uint64_t log_dropped(void);

/* Writes what is queued, for at most ms milliseconds. False when the writer still hangs
 * in the sink: exit() may then hang in it as well. */
bool log_stop(unsigned ms);

#endif
