/* Settings that are right by themselves and do not go together.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CONF_CLASH_H
#define IPREV_CONF_CLASH_H

#include "conf/fault.h"
#include "conf/settings.h"

/* What a rule needs of other settings: a constant sentence, or NULL. */
const char *clash_rule(const struct settings *s, const struct rule *rule);

#define CLASH_PLACES 96 /* more than there are options */

/* Where values were set that are not the defaults. */
struct clash_places {
    size_t n;
    struct clash_place {
        const void *value; /* in struct settings */
        const char *file;
        int line;
    } place[CLASH_PLACES];
};

/* The value was set here, the last time so far. */
void clash_set(struct clash_places *at, const void *value, const char *file, int line);

/* Reports faults of the group memory, each at the line to be changed. */
void clash_memory(struct faults *rd, const struct settings *s, const struct clash_places *at);

#endif
