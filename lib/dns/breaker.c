/* The breaker: see resolve_breaker.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "dns/breaker.h"

#include "dns/work.h"

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

void breaker_asked(struct worker *k)
{
    if (k->breaker.unanswered++ == 0)
        k->breaker.since = resolver_now();
}

int breaker_ask(struct worker *k, const char *name, int type, void *arg,
                void (*reply)(void *, int, void *, int, int, char *, int))
{
    bool before = k->breaker.asking;
    int rc;

    k->breaker.asking = true;
    rc = ub_resolve_event(k->ctx, name, type, 1, arg, reply, NULL);
    k->breaker.asking = before;
    return rc;
}

void breaker_reply(struct worker *k, bool answered)
{
    struct breaker *b = &k->breaker;

    if (b->asking) {
        if (b->unanswered > 0)
            b->unanswered--;
        return;
    }
    if (!answered || atomic_load(&k->resolver->quit))
        return;
    b->unanswered = 0;
    b->probed = false;
    if (breaker_is_open(k))
        atomic_store(&b->open, false);
}

static void on_probe(void *arg, int rcode, void *packet, int len, int sec, char *why_bogus,
                     int was_ratelimited)
{
    struct worker *k = arg;

    (void)sec;
    (void)why_bogus;
    (void)was_ratelimited;
    k->breaker.probes--;
    if (k->breaker.asking)
        return; /* with DNSSEC the cache may prove that there is no such name */
    if (rcode == RCODE_NOERROR && packet != NULL && len > RCODE_AT)
        rcode = ((const uint8_t *)packet)[RCODE_AT] & 0x0f;
    breaker_reply(k, rcode == RCODE_NOERROR || rcode == RCODE_NXDOMAIN);
}

/* A name nobody has asked for, below a top-level domain kept for tests (RFC 2606): next to
 * no cache can answer in a server's place. */
static void probe(struct worker *k)
{
    char name[48];

    if (k->breaker.probes >= PROBES_MAX)
        return;
    snprintf(name, sizeof name, "%08lx%08lx.probe.test.", (unsigned long)random() & 0xffffffff,
             (unsigned long)resolver_now() & 0xffffffff);
    k->breaker.probes++;
    if (breaker_ask(k, name, TYPE_NS, k, on_probe) != 0)
        k->breaker.probes--;
}

void breaker_beat(struct worker *k)
{
    struct breaker *b = &k->breaker;

    if (b->unanswered < LEAST || resolver_now() - b->since < SILENT_MS)
        return;
    if (b->probed && !breaker_is_open(k)) {
        b->admitted = resolver_now();
        atomic_store(&b->open, true);
    }
    b->probed = true;
    probe(k);
}

bool breaker_is_open(const struct worker *k)
{
    return atomic_load_explicit(&k->breaker.open, memory_order_relaxed);
}

bool breaker_admits(struct worker *k)
{
    int64_t now;

    if (!breaker_is_open(k))
        return true;
    now = resolver_now();
    if (now - k->breaker.admitted < ADMIT_MS)
        return false;
    k->breaker.admitted = now;
    return true;
}
