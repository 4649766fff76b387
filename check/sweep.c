/* Many clients asked at once: see sweep.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sweep.h"

#include "check/start.h"
#include "conf/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#define WINDOW_MAX 2048
#define PER_CLIENT 4 /* questions at once: one is usual, a name or two and the HELO follow */

struct slot {
    struct inquiry inquiry;
    void *tag;
    size_t helo_len;
    char helo[HELO_MAX + 1]; /* one more than is judged, so that too long stays too long */
};

struct ring {
    struct slot *slot;
    unsigned size, first, used;
};

/* How many clients are asked side by side, so that the resolver never sheds work: each
 * question may hold a descriptor, and the resolver takes no more than three eighths of them. */
static unsigned window(const struct settings *s)
{
    unsigned n = s->resolver.max_inflight / PER_CLIENT;
    struct rlimit lim;

    if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur / 8 * 3 / PER_CLIENT < n)
        n = (unsigned)(lim.rlim_cur / 8 * 3 / PER_CLIENT);

    return n < 1 ? 1 : n > WINDOW_MAX ? WINDOW_MAX : n;
}

static enum finding skip_reason(const struct sweep *w, const struct addr *client)
{
    if (client->family == ADDR_NONE)
        return F_SKIP_NO_ADDRESS;
    return !w->exempt_too && settings_network_exempt(w->settings, client) ? F_SKIP_NETWORK : F_NONE;
}

static void put(struct ring *ring, const struct sweep *w, const struct inquiry_options *o,
                const struct sweep_item *item)
{
    struct slot *slot = &ring->slot[(ring->first + ring->used++) % ring->size];

    slot->tag = item->tag;
    slot->helo_len = item->helo_len < sizeof slot->helo ? item->helo_len : sizeof slot->helo;
    inquiry_start(&slot->inquiry, o, &item->client, skip_reason(w, &item->client));
    if (item->helo == NULL)
        return;
    memcpy(slot->helo, item->helo, slot->helo_len);
    inquiry_helo(&slot->inquiry, slot->helo, slot->helo_len);
}

static bool take(struct ring *ring, const struct sweep *w)
{
    struct slot *slot = &ring->slot[ring->first];
    bool go_on;

    inquiry_wait(&slot->inquiry, slot->inquiry.helo_given, NULL);
    go_on = w->judged(w->arg, slot->tag, &slot->inquiry, slot->helo, slot->helo_len);
    inquiry_clear(&slot->inquiry);
    ring->first = (ring->first + 1) % ring->size;
    ring->used--;
    return go_on;
}

static void drop_rest(struct ring *ring)
{
    for (; ring->used > 0; ring->used--) {
        inquiry_clear(&ring->slot[ring->first].inquiry);
        ring->first = (ring->first + 1) % ring->size;
    }
}

static void go(struct ring *ring, const struct sweep *w, struct resolver *r)
{
    char id[AUTHRES_ID_MAX];
    struct sweep_item item;
    struct self self;
    struct inquiry_options o = {.resolver = r,
                                .settings = &w->settings->resolver,
                                .shapes = &w->settings->shapes,
                                .self = &self};
    bool more = true, go_on = true;

    own_id(id, w->settings->authserv_id, NULL);
    self = own_self(id);
    while (go_on && (more || ring->used > 0)) {
        while (more && ring->used < ring->size) {
            memset(&item, 0, sizeof item);
            more = w->next(w->arg, &item);
            if (more)
                put(ring, w, &o, &item);
        }
        if (ring->used > 0)
            go_on = take(ring, w);
    }
    drop_rest(ring);
}

int sweep_run(const struct sweep *w)
{
    struct ring ring = {.size = window(w->settings)};
    struct resolver *r;
    int code;

    ring.slot = calloc(ring.size, sizeof *ring.slot);
    if (ring.slot == NULL) {
        fprintf(stderr, "iprev-check: out of memory\n");
        return EX_SOFTWARE;
    }
    r = start_resolver(w->settings, NULL, &code);
    if (r != NULL) {
        go(&ring, w, r);
        resolver_release(r);
        resolver_wait_ended(5000);
    }
    free(ring.slot);
    return code;
}
