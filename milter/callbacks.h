/* libmilter's callbacks: translate, call the session, translate back.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CALLBACKS_H
#define IPREV_CALLBACKS_H

#include <libmilter/mfapi.h>

/* The description to register. */
extern struct smfiDesc callbacks_desc;

/* Callbacks that are running now. */
unsigned callbacks_running(void);

/* Before the first callback. 0, or -1 when there is no thread to be had. */
int callbacks_start(void);

/* Around each wait of a callback: for session_before_wait and session_after_wait. */
void callbacks_before_wait(void);
void callbacks_after_wait(void);

#endif
