/* iprev-check replay: what a policy would have done to the mail of a log.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_REPLAY_H
#define IPREV_REPLAY_H

#include "conf/settings.h"

struct replay_options {
    bool json, no_dns;
    const char *html;    /* file of the page, or NULL; see outfile.h */
    const char *against; /* another configuration, or NULL */
    unsigned top;        /* clients in a list of the text */
};

/* Reads the logs ("-": standard input; gzip is seen by its first octets), looks each client
 * up once, prints the report. Logs that are files are read, and put, in the order of their first
 * stamps. Returns the exit code: 0, 66 when a log cannot be read, 70 or 78
 * when the resolver cannot start, 73 when the page cannot be written, 78 for a
 * fault in `against`. */
int replay(const struct settings *s, const struct replay_options *o, int logs, char **log);

#endif
