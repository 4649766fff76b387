/* What every command of iprev-check begins with: the configuration and a resolver.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_START_H
#define IPREV_START_H

#include "conf/settings.h"

/* settings_read, with each message on standard error after the name of the program. */
struct settings *start_settings(const char *file);

/* trace: or NULL. On failure NULL, the reason on standard error, and the exit code in *code: 78
 * when the settings are to blame, 70 when the machine is; errno as resolver_start left it. */
struct resolver *start_resolver(const struct settings *s, const struct resolver_trace *trace,
                                int *code);

#endif
