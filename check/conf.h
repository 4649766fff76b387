/* The configuration as iprev-check reads it.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CHECK_CONF_H
#define IPREV_CHECK_CONF_H

#include "conf/settings.h"

/* settings_read, with each message on standard error behind the name of the program. */
struct settings *config_read(const char *file);

#endif
