/* Many clients asked at once: see sweep.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sweep.h"

#include "check/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#define WINDOW_MAX 2048
#define PER_CLIENT 4 /* questions at once: one is usual, a name or two and the HELO follow */

struct sweep_slot {
    struct inquiry inquiry;
    void *tag;
    size_t helo_len;
    char helo[HELO_MAX + 1]; /* one more than is judged, so that too long stays too long */
};

/* How many clients are asked side by side, so that the resolver never sheds work: each
 * question may take a descriptor, and the resolver takes no more than three eighths of them. */
static unsigned window(const struct settings *s)
{
    unsigned n = s->resolver.max_inflight / PER_CLIENT;
    struct rlimit lim;

    if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur / 8 * 3 / PER_CLIENT < n)
        n = (unsigned)(lim.rlim_cur / 8 * 3 / PER_CLIENT);
    return n < 1 ? 1 : n > WINDOW_MAX ? WINDOW_MAX : n;
}

int sweep_start(struct sweep *w)
{
    char id[AUTHRES_ID_MAX];
    int code;

    own_id(id, w->settings->authserv_id, NULL);
    w->self = own_self(id);
    w->size = window(w->settings);
    w->slot = calloc(w->size, sizeof *w->slot);
    if (w->slot == NULL) {
        fprintf(stderr, "iprev-check: out of memory\n");
        return EX_SOFTWARE;
    }
    w->resolver = start_resolver(w->settings, NULL, &code);
    if (w->resolver == NULL)
        free(w->slot);
    return code;
}

/* The first of those under way: judged, unless the caller has had enough. */
static void take(struct sweep *w)
{
    struct sweep_slot *slot = &w->slot[w->first];

    if (!w->enough) {
        inquiry_wait(&slot->inquiry, slot->inquiry.helo_given, NULL);
        w->enough = !w->judged(w->arg, slot->tag, &slot->inquiry, slot->helo, slot->helo_len);
    }
    inquiry_clear(&slot->inquiry);
    w->first = (w->first + 1) % w->size;
    w->used--;
}

static enum finding skip_reason(const struct sweep *w, const struct addr *client)
{
    if (client->family == ADDR_NONE)
        return F_SKIP_NO_ADDRESS;
    return !w->exempt_too && settings_network_exempt(w->settings, client) ? F_SKIP_NETWORK : F_NONE;
}

bool sweep_put(struct sweep *w, const struct sweep_item *item)
{
    struct inquiry_options o = {.resolver = w->resolver,
                                .settings = &w->settings->resolver,
                                .shapes = &w->settings->shapes,
                                .self = &w->self};
    struct sweep_slot *slot;

    if (w->used == w->size)
        take(w);
    if (w->enough)
        return false;
    slot = &w->slot[(w->first + w->used++) % w->size];
    slot->tag = item->tag;
    slot->helo_len = item->helo_len < sizeof slot->helo ? item->helo_len : sizeof slot->helo;
    inquiry_start(&slot->inquiry, &o, &item->client, skip_reason(w, &item->client));
    if (item->helo != NULL) {
        memcpy(slot->helo, item->helo, slot->helo_len);
        inquiry_helo(&slot->inquiry, slot->helo, slot->helo_len);
    }
    return true;
}

void sweep_end(struct sweep *w)
{
    while (w->used > 0)
        take(w);
    resolver_release(w->resolver);
    resolver_wait_ended(5000);
    free(w->slot);
}
