/* The options: one row each.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CONF_TABLE_H
#define IPREV_CONF_TABLE_H

#include "conf/kinds.h"

extern const struct option settings_option[];
extern const size_t settings_options;

const struct option *settings_find(const char *section, const char *key);
bool settings_is_section(const char *name);
/* What was probably meant by an unknown key, as "; did you mean log?", or "". */
void settings_meant(const char *section, const char *key, char *buf, size_t size);

#endif
