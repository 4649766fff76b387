/* Settings that are right by themselves and do not go together.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CONF_CLASH_H
#define IPREV_CONF_CLASH_H

#include "conf/fault.h"
#include "conf/settings.h"

/* What a rule needs of other settings: a constant sentence, or NULL. */
const char *clash_rule(const struct settings *s, const struct rule *rule);

/* Reports faults of the group memory. */
void clash_memory(struct faults *rd, const struct settings *s);

#endif
