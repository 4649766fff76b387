/* Following /etc/resolv.conf: see follow.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/follow.h"

#include "milter/log.h"
#include "milter/snapshot.h"

#include <string.h>
#include <syslog.h>

#define RETRY 10 /* looks, when the new resolver could not be started */

static void change(const struct snapshot *now, const char *servers)
{
    char err[512] = "";
    struct snapshot *new = snapshot_renew(now, servers, err, sizeof err);

    if (new == NULL) {
        log_line(LOG_ERR, "%s changed, but the old servers stay: %s", SNAPSHOT_RESOLV_CONF, err);
        return;
    }
    log_line(LOG_NOTICE, "%s changed, name servers: %s", SNAPSHOT_RESOLV_CONF, servers);
    snapshot_put(new);
}

void follow_servers(void)
{
    static char seen[SERVERS_TEXT_MAX];
    static unsigned same; /* looks at this list since it was first seen */
    struct snapshot *now = snapshot_take();
    char found[SERVERS_TEXT_MAX];

    if (now != NULL && snapshot_asks_system(now->settings)) {
        servers_read(SNAPSHOT_RESOLV_CONF, found);
        same = strcmp(found, seen) == 0 ? same + 1 : 0;
        memcpy(seen, found, sizeof seen);
        if (strcmp(found, now->servers) != 0 && found[0] != '\0' && same % RETRY == 1)
            change(now, found);
        else if (strcmp(found, now->servers) != 0 && same == 1)
            log_line(LOG_WARNING, "%s names no server, or cannot be read; still asking %s",
                     SNAPSHOT_RESOLV_CONF, now->servers);
    }
    snapshot_release(now);
}
