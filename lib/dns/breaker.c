/* The breaker: see breaker.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "dns/breaker.h"

#include "dns/lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <unbound-event.h>

#define LEAST          10   /* questions without an answer */
#define SILENT_MS      2000 /* for so long before we ask a question of our own */
#define ADMIT_MS       1000
#define PROBES_MAX     8 /* under way: libunbound keeps trying each for some seconds */
#define RCODE_NOERROR  0
#define RCODE_NXDOMAIN 3
#define RCODE_AT       3 /* in the low half of this octet of a message */
#define TYPE_NS        2

void breaker_asked(struct breaker *b)
{
    if (b->unanswered++ == 0)
        b->since = resolver_now();
}

int breaker_ask(struct breaker *b, const char *name, int type, void *arg,
                void (*reply)(void *, int, void *, int, int, char *, int))
{
    bool before = b->asking;
    int rc;

    b->asking = true;
    rc = ub_resolve_event(b->ctx, name, type, 1, arg, reply, NULL);
    b->asking = before;
    return rc;
}

void breaker_reply(struct breaker *b, bool answered)
{
    if (b->asking) {
        if (b->unanswered > 0)
            b->unanswered--;
        return;
    }
    if (!answered)
        return;
    b->unanswered = 0;
    b->probed = false;
    if (breaker_is_open(b)) {
        b->closed = resolver_now();
        atomic_store(&b->open, false);
    }
}

static void on_probe(void *arg, int rcode, void *packet, int len, int sec, char *why_bogus,
                     int was_ratelimited)
{
    struct breaker *b = arg;

    (void)sec;
    (void)why_bogus;
    (void)was_ratelimited;
    b->probes--;
    if (b->asking)
        return; /* with DNSSEC the cache may prove that there is no such name */
    if (rcode == RCODE_NOERROR && packet != NULL && len > RCODE_AT)
        rcode = ((const uint8_t *)packet)[RCODE_AT] & 0x0f;
    breaker_reply(b, rcode == RCODE_NOERROR || rcode == RCODE_NXDOMAIN);
}

/* A name nobody has asked for, below a top-level domain kept for tests (RFC 2606): next to
 * no cache can answer in a server's place. */
static void probe(struct breaker *b)
{
    char name[48];

    if (b->probes >= PROBES_MAX)
        return;
    snprintf(name, sizeof name, "%08lx%08lx.probe.test.", (unsigned long)random() & 0xffffffff,
             (unsigned long)resolver_now() & 0xffffffff);
    b->probes++;
    if (breaker_ask(b, name, TYPE_NS, b, on_probe) != 0)
        b->probes--;
}

void breaker_beat(struct breaker *b)
{
    if (b->unanswered < LEAST || resolver_now() - b->since < SILENT_MS)
        return;
    if (b->probed && !breaker_is_open(b)) {
        b->admitted = resolver_now();
        atomic_store(&b->open, true);
    }
    b->probed = true;
    probe(b);
}

bool breaker_is_open(const struct breaker *b)
{
    return atomic_load_explicit(&b->open, memory_order_relaxed);
}

bool breaker_admits(struct breaker *b)
{
    int64_t now;

    if (!breaker_is_open(b))
        return true;
    now = resolver_now();
    if (now - b->admitted < ADMIT_MS)
        return false;
    b->admitted = now;
    return true;
}
