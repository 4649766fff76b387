/* Kinds of options that stand in rules.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CONF_RULES_H
#define IPREV_CONF_RULES_H

#include "conf/kinds.h"

/* kind_when and kind_any: `where` is the whole rule. */
extern const struct kind kind_when, kind_any, kind_reply, kind_expires, kind_comment;

#endif
