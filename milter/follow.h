/* Following /etc/resolv.conf while the daemon runs.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_MILTER_FOLLOW_H
#define IPREV_MILTER_FOLLOW_H

/* Once a second: with `forward = []`, new connections ask the new servers once the list has been
 * the same for a second; those that are open end on the old ones. A file without servers changes
 * nothing, and is warned of once. */
void follow_servers(void);

#endif
