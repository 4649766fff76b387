/* Reading the configuration, at start and again on USR1, and following /etc/resolv.conf.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_RELOAD_H
#define IPREV_RELOAD_H

#include "conf/settings.h"
#include "milter/snapshot.h"
#include "value/checked.h"

/* Where the settings come from: the command line. */
struct reload_source {
    const char *config; /* file, or NULL for the defaults */
    const char *socket; /* instead of the file's, or NULL */
    bool verbose;
};

/* The settings, or NULL with every fault written to err; errno as settings_read sets it. */
MUST_CHECK struct settings *reload_read(const struct reload_source *from, FILE *err);

/* For -t: gives root up and reads them again as the user of the daemon. What only root may read is
 * noted to err. */
void reload_try_as(const struct reload_source *from, const char *user, FILE *err);

int reload_log_level(const struct reload_source *from, const struct settings *s);

/* Logs what is in force, in one line that begins with `what`. */
void reload_tell(const char *what, const struct snapshot *s);

/* Reads them again and puts them in force for new connections. On any fault the old
 * ones stay. What happened is logged. socket: the one listened on. */
void reload_run(const struct reload_source *from, const char *socket);

/* Once a second, with `forward = []`: new connections ask the new servers of /etc/resolv.conf once
 * the list has been the same for a second; those that are open end on the old ones. A file without
 * servers changes nothing, and is warned of once. */
void follow_servers(void);

#endif
