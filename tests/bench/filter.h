/* What the filters to compare with share: the steps of a session, socket, limits.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef BENCH_FILTER_H
#define BENCH_FILTER_H

#include <libmilter/mfapi.h>
#include <stdbool.h>

/* A filter: what it does at each step. NULL only continues. */
struct filter {
    char *name;
    bool headers; /* header fields too, unanswered: the steps of iprev-milter in monitor mode */
    sfsistat (*connect)(SMFICTX *ctx, char *host, _SOCK_ADDR *sa);
    sfsistat (*helo)(SMFICTX *ctx, char *name);
    sfsistat (*eom)(SMFICTX *ctx);
    sfsistat (*close)(SMFICTX *ctx);
};

/* Serves connect, helo, mail, data and end of message on unix:PATH or inet:PORT@HOST until a signal
 * comes; an exit code. */
int filter_run(char *socket, const struct filter *filter);

#endif
