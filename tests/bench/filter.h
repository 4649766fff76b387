/* What the filters to compare with share: negotiation, socket, idle callbacks.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef BENCH_FILTER_H
#define BENCH_FILTER_H

#include <libmilter/mfapi.h>
#include <stdbool.h>

/* connect, helo, mail, data, end of message; header fields, unanswered, when wanted. */
void filter_terms(unsigned long offered, bool headers, unsigned long *actions,
                  unsigned long *protocol, unsigned long *pf2, unsigned long *pf3);

/* Callbacks that only continue. */
sfsistat filter_text(SMFICTX *ctx, char *argument);
sfsistat filter_list(SMFICTX *ctx, char **argument);
sfsistat filter_step(SMFICTX *ctx);

/* Serves on unix:PATH or inet:PORT@HOST until a signal comes; an exit code. */
int filter_run(char *socket, struct smfiDesc desc);

#endif
