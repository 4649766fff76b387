/* libmilter's pool of threads, as far as we can help it.
 *
 * It gives sessions to threads that wait, and starts a new thread only when a connection
 * comes and none is idle. A thread that is not blocked takes the sessions left over sooner
 * or later; so the last one to block makes a connection come. One that hangs in half a
 * packet, or in what it writes to an MTA that has stopped, is not known to be blocked: when no
 * other callback is at work, one more connection comes a little later, and now and then for as
 * long as a callback waits. Such a thread may have been counted as idle when a good session came,
 * which then waits for nobody: so one connection comes each second in any case.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_POOL_H
#define IPREV_POOL_H

#include "value/checked.h"

#include <stdbool.h>

/* Before the first callback. False when no thread can be started. */
MUST_CHECK bool pool_start(void);

/* Around each callback. for_close: it may come on a thread of libmilter's own, which never
 * takes sessions. */
void pool_enter(bool for_close);
void pool_leave(void);

/* Callbacks that are running now, and those of them that wait for DNS. */
unsigned pool_running(void);
unsigned pool_waiting(void);

/* Around each wait of a callback: for struct session_pause. */
void pool_before_wait(void);
void pool_after_wait(void);

#endif
