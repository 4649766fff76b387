/* What another program of this machine says.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_PROGRAM_H
#define IPREV_SENDER_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#define PROGRAM_TEXT 65536

/* Runs a program of PATH, /usr/sbin or /usr/local/sbin, with this on its standard input (at most
 * 512 octets), and takes its standard output, NUL-terminated. False when there is no such program,
 * or when it fails, says more than that, or takes longer than 10 s. No other thread may run. */
bool program_says(char text[PROGRAM_TEXT], const char *input, const char *const argv[]);

/* The next line of a text that is consumed, without its end; NULL at the end. */
char *next_line(char **text);

/* "name = value" or "name=value": the value if it is this name, else NULL. Spaces around are cut.
 */
char *line_value(char *line, const char *name);

#endif
