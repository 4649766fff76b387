/* An exempt list learned from a log: who delivered wanted mail and would be refused.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_LEARN_H
#define IPREV_LEARN_H

#include "check/commands.h"
#include "check/replay/judged.h"

#define LEARN_DAYS 90 /* that a line is good for */

/* Adds a line to o->write_exempt for each client that the policy refuses or puts off, now or when
 * the lines that end within ENDS_SOON have ended, of which at least o->min_messages were delivered,
 * on two days or more, and none was called spam. What the file has stays, but lines of an earlier
 * run for the same client; clients that it exempts for longer are left out. A new file takes its
 * place when all is written. Returns the exit code: 0, 65 when no filter has called anything spam
 * in these logs (unless o->no_verdicts: every bot that got through would be exempted), 73 when it
 * cannot be written, 78 when the file has a fault; says so on standard error. */
int learn_exempt(const struct judged *j, const struct replay_options *o, int64_t now);

#endif
