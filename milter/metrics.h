/* Counters, and the page that shows them to Prometheus.
 *
 * Counting is lock-free and happens always; the page is served only when
 * metrics.listen is set.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_METRICS_H
#define IPREV_METRICS_H

#include "judge/policy.h"
#include "value/checked.h"

#include <stdio.h>

/* One judged client. cause: F_NONE on pass. */
void metrics_check(enum finding result, enum finding cause);

/* One decision. rule: empty when none held; a name of the configuration, as it
 * becomes a label. Names beyond some 130 in the life of the process are counted as
 * "other". */
void metrics_action(enum action action, bool enforce, const char *rule);

void metrics_dns_ms(unsigned ms);
void metrics_wait_ms(unsigned ms);

/* Milter connections open: +1, -1. */
void metrics_session(int change);
long metrics_sessions(void);

/* A callback that is waiting for DNS. Lives on the stack of who waits. */
struct metrics_wait {
    struct metrics_wait *next, **prev;
    int64_t since; /* resolver_now() */
};
void metrics_wait_begin(struct metrics_wait *w);
void metrics_wait_end(struct metrics_wait *w);

/* Why the daemon is not well, or NULL: the text of /healthz. */
const char *metrics_fault(void);

/* Reloads: taken, or refused because of a fault. */
void metrics_reload(bool taken);

/* Writes the page of /metrics. */
void metrics_put_page(FILE *f);

/* Serves /metrics and /healthz at "ADDRESS:PORT"; "[ADDRESS]:PORT" is IPv6 alone.
 * False, with the reason in err, when it cannot. Call with signals blocked.
 * Both are for one thread; stopping is safe when nothing was started. */
MUST_CHECK bool metrics_start(const char *listen, char *err, size_t errlen);
void metrics_stop(void);

#endif
