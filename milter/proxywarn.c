/* Proxies and NAT gateways in front of the MTA: see proxywarn.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/proxywarn.h"

#include "dns/resolver.h"
#include "milter/log.h"

#include <string.h>
#include <syslog.h>

static void begin_hour(struct proxywarn *w, int64_t now)
{
    w->begun = now;
    w->clients = 0;
    w->told = false;
    memset(w->slot, 0, sizeof w->slot);
}

/* The slot of an address: its own, or a free one, or -1. */
static int slot_of(const struct proxywarn *w, const struct addr *a)
{
    int i, free_one = -1;

    for (i = 0; i < PROXYWARN_SLOTS; i++) {
        if (addr_equal(&w->slot[i].addr, a))
            return i;
        if (w->slot[i].count == 0)
            free_one = i;
    }
    return free_one;
}

/* The slot that has grown, or -1. */
static int vote(struct proxywarn *w, const struct proxywarn_client *c)
{
    int i = slot_of(w, &c->addr), k;
    bool other;

    if (i < 0) {
        for (k = 0; k < PROXYWARN_SLOTS; k++)
            w->slot[k].count--;
        return -1;
    }
    if (!addr_equal(&w->slot[i].addr, &c->addr)) {
        memset(&w->slot[i], 0, sizeof w->slot[i]);
        w->slot[i].addr = c->addr;
    }
    other = c->helo != 0 && c->helo != w->slot[i].helo;
    if (c->helo != 0)
        w->slot[i].helo = c->helo;
    if (c->expected && !other)
        return -1;
    w->slot[i].count++;
    return i;
}

bool proxywarn_count(struct proxywarn *w, const struct proxywarn_client *c, int64_t now,
                     struct proxywarn_notice *out)
{
    bool tell = false;
    int i;

    pthread_mutex_lock(&w->lock);
    if (w->clients == 0 || now - w->begun >= PROXYWARN_HOUR_MS)
        begin_hour(w, now);
    w->clients++;
    i = addr_is_private(&c->addr) ? vote(w, c) : -1;
    if (i >= 0 && !w->told && w->clients >= PROXYWARN_MIN && w->slot[i].count > w->clients / 2) {
        *out = (struct proxywarn_notice){c->addr, w->slot[i].count, w->clients};
        w->told = tell = true;
    }
    pthread_mutex_unlock(&w->lock);
    return tell;
}

static void tell(const struct proxywarn_notice *n)
{
    log_line(
        LOG_WARNING,
        "%u of the last %u clients came from the private address %s: the mail server does "
        "not see who connects. If it is a proxy, set smtpd_upstream_proxy_protocol = haproxy "
        "(postscreen_upstream_proxy_protocol with postscreen), or "
        "smtpd_authorized_xclient_hosts if it speaks XCLIENT; if it is a NAT gateway, let it "
        "keep source addresses; if it is a mail relay of yours, name it in trusted-relays; if it "
        "is a host of yours that sends mail, in exempt.networks",
        n->clients, n->all, ADDR_TEXT(&n->addr));
}

/* Our own name is what programs of this machine say, not a client behind a proxy. */
static uint64_t foreign_name(const struct helo *helo, const struct self *self)
{
    if (helo->form != HELO_HOST || dname_equal(&helo->name, &self->name) ||
        dname_equal(&helo->name, &self->mta))
        return 0;
    return dname_hash(&helo->name, &hash_fixed);
}

void proxywarn_watch(const struct addr *client, bool expected, const struct helo *helo,
                     const struct self *self)
{
    static struct proxywarn here = PROXYWARN_START;
    struct proxywarn_client c = {*client, expected, foreign_name(helo, self)};
    struct proxywarn_notice notice;

    if (proxywarn_count(&here, &c, resolver_now(), &notice))
        tell(&notice);
}
