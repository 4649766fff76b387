/* MUST_CHECK: a function whose result its caller has to look at.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CHECKED_H
#define IPREV_CHECKED_H

#define MUST_CHECK __attribute__((warn_unused_result))

#endif
