/* The ceiling of an uncached check: libunbound alone, as lib/dns/context.c makes it,
 * on an event base of this thread. PTR, then the addresses of the name and of HELO, whose
 * names are known beforehand: no answer is read, nothing is judged, remembered or handed over.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "dns/context.h"
#include "tests/bench/checkbench.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unbound-event.h>
#include <unbound.h>

#define TYPE_A   1
#define TYPE_PTR 12

struct bare {
    struct event_base *events;
    struct ub_ctx *ctx;
    uint32_t next, answered;
    unsigned under_way;
};

struct bare_check {
    struct bare *bare;
    uint32_t number;
    unsigned left; /* questions without an answer */
};

static void next(struct bare_check *c);

static void on_answer(void *arg, int rcode, void *packet, int len, int sec, char *why_bogus,
                      int was_ratelimited)
{
    struct bare_check *c = arg;

    (void)packet;
    (void)sec;
    (void)why_bogus;
    (void)was_ratelimited;
    c->bare->answered += rcode == 0 && len > 12;
    if (--c->left == 0)
        next(c);
}

static void ask(struct bare_check *c, const char *name, int type)
{
    if (ub_resolve_event(c->bare->ctx, name, type, 1, c, on_answer, NULL) != 0)
        exit(70);
}

static void on_ptr(void *arg, int rcode, void *packet, int len, int sec, char *why_bogus,
                   int was_ratelimited)
{
    struct bare_check *c = arg;
    char name[64];

    snprintf(name, sizeof name, "mail.d%" PRIu32 ".example.com.", c->number ^ ZONE_KEY);
    ask(c, name, TYPE_A);
    on_answer(arg, rcode, packet, len, sec, why_bogus, was_ratelimited);
}

static void next(struct bare_check *c)
{
    struct bare *b = c->bare;
    char name[64];

    if (b->next == clients) {
        if (--b->under_way == 0)
            event_base_loopbreak(b->events);
        return;
    }
    c->number = client_number(b->next++);
    c->left = 3;
    snprintf(name, sizeof name, "%u.%u.%u.%u.in-addr.arpa.", c->number & 255, c->number >> 8 & 255,
             c->number >> 16 & 255, c->number >> 24);
    if (ub_resolve_event(b->ctx, name, TYPE_PTR, 1, c, on_ptr, NULL) != 0)
        exit(70);
    snprintf(name, sizeof name, "smtp.d%" PRIu32 ".example.com.", c->number ^ ZONE_KEY);
    ask(c, name, TYPE_A);
}

void bare_checks(const struct settings *s, unsigned window)
{
    const struct zonefile none = {0};
    struct bare b = {.events = event_base_new()};
    struct bare_check *ring = calloc(window, sizeof *ring);
    char err[256] = "memory";
    double wall, used;
    unsigned i;

    if (b.events != NULL && ring != NULL)
        b.ctx = context_new(b.events, &s->resolver, context_ports(&s->resolver), &none, err,
                            sizeof err);
    if (b.ctx == NULL) {
        fprintf(stderr, "checkbench: %s\n", err);
        exit(70);
    }
    wall = now();
    used = cpu();
    b.under_way = window;
    for (i = 0; i < window; i++) {
        ring[i].bare = &b;
        next(&ring[i]);
    }
    event_base_loop(b.events, EVLOOP_NO_EXIT_ON_EMPTY);
    wall = now() - wall;
    used = cpu() - used;
    context_delete(b.ctx);
    event_base_free(b.events);
    free(ring);
    printf("{\"checks\":%" PRIu32 ",\"passed\":%" PRIu32 ",\"rate\":%.0f,\"cpu_us\":%.2f"
           ",\"questions\":3.0}\n",
           clients, b.answered / 3, clients / wall, used * 1e6 / clients);
}
