/* What has changed between two reports about a sender, for cron.
 *
 * Compared are the problems, the addresses with what reverse DNS and HELO come to, the name
 * servers of each zone, what they and the resolver say, and what port 25 says. Times are not. What
 * one of the reports does not know, because DNS gave no answer, has not changed.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_COMPARE_H
#define IPREV_SENDER_COMPARE_H

#include <jansson.h>
#include <stdio.h>

/* A report of --json. NULL, with the reason on standard error and the exit code in *code, when the
 * file cannot be read or is none about this host. */
json_t *compare_read(const char *file, const char *host, int *code);

/* A list of {"what", "was", "is"}; "was" null: it is new, "is" null: it is gone. */
json_t *compare_reports(const json_t *old, const json_t *now);

/* A line for each change, however long; nothing when there is none. */
void compare_text(const json_t *changes, FILE *out);

#endif
