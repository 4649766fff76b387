/* libmilter's callbacks: translate, call the session, translate back.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CALLBACKS_H
#define IPREV_CALLBACKS_H

#include <libmilter/mfapi.h>

/* The description to register. */
extern struct smfiDesc callbacks_desc;

#endif
