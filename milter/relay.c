/* Behind relays of our own: see relay.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/relay.h"

#include "milter/log.h"

#include <string.h>
#include <syslog.h>

void relay_connect(struct relay *r, const struct settings *s, const struct addr *peer)
{
    r->addr = peer != NULL && settings_relay_trusted(s, peer) ? *peer
                                                              : (struct addr){.family = ADDR_NONE};
    relay_reset(r);
}

void relay_reset(struct relay *r)
{
    r->hops = 0;
    r->settled = r->addr.family == ADDR_NONE;
}

static void tell_lost(const struct relay *r, const char *why)
{
    log_line(LOG_DEBUG, "relay %s: Received field %u names no client: %s", ADDR_TEXT(&r->addr),
             r->hops, why);
}

bool relay_received(struct relay *r, const struct settings *s, const char *value,
                    struct received *out)
{
    if (r->settled)
        return false;
    r->hops++;
    r->settled = true;
    if (!received_read(out, value, strlen(value))) {
        tell_lost(r, out->why);
        return false;
    }
    if (!settings_relay_trusted(s, &out->client)) /* a relay's own login frees nobody behind it */
        return true;
    r->settled = r->hops >= RELAY_HOPS_MAX;
    if (r->settled)
        tell_lost(r, "there are too many relays");
    return false;
}
