/* Zones that are silent: see quiet.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "dns/quiet.h"

#include <stdbool.h>
#include <stddef.h>

#define WAYS       8      /* places where a zone may stand */
#define PATIENCE   500    /* ms: then a second question waits for the first */
#define LEFT_ALONE 15000  /* ms: unbound has given up by then, and says so at once */
#define LATELY     600000 /* ms */

static bool heard_lately(const struct quiet_zone *z, int64_t now)
{
    return z->heard != 0 && now - z->heard < LATELY;
}

static bool is_silent(const struct quiet_zone *z, int64_t now)
{
    return z->failures >= (heard_lately(z, now) ? 2 : 1);
}

struct quiet_zone *quiet_find(struct quiet *q, uint64_t hash, int64_t now)
{
    struct quiet_zone *way = &q->zone[hash & (QUIET_ZONES - WAYS)], *oldest = NULL;
    uint64_t tag = hash | 1;
    size_t i;

    for (i = 0; i < WAYS; i++) {
        if (way[i].tag == tag)
            return &way[i];
        if (way[i].open == 0 && (oldest == NULL || way[i].touched < oldest->touched))
            oldest = &way[i];
    }
    if (oldest != NULL)
        *oldest = (struct quiet_zone){.tag = tag, .touched = now};
    return oldest;
}

enum quiet_word quiet_may_ask(const struct quiet_zone *z, uint64_t name, int64_t now)
{
    int64_t alone = z->dead == name ? 2 * LEFT_ALONE : LEFT_ALONE;

    if (is_silent(z, now))
        return z->open > 0 || now - z->failed < alone ? QUIET_DENY : QUIET_ASK;
    if (z->open > 0 && !heard_lately(z, now) && now - z->since >= PATIENCE)
        return QUIET_PARK;
    return QUIET_ASK;
}

void quiet_asked(struct quiet_zone *z, int64_t now)
{
    if (z->open++ == 0)
        z->since = now;
    z->touched = now;
}

/* A name in vain that is the only one counts once. */
static void count_failure(struct quiet_zone *z, uint64_t name, int64_t now)
{
    if (z->failures == 0 || z->dead != name)
        z->failures++;
    z->dead = name;
    z->failed = now;
}

void quiet_over(struct quiet *q, struct quiet_zone *z, uint64_t name, int64_t asked,
                enum quiet_end end, int64_t now)
{
    z->open--;
    if (end == QUIET_CACHED)
        return;
    z->since = now;
    if (end == QUIET_SILENT && z->heard <= asked) /* else it came back meanwhile */
        count_failure(z, name, now);
    if (end == QUIET_HEARD)
        z->heard = now;
    if (end == QUIET_HEARD || end == QUIET_REFUSED) {
        z->failures = 0;
        q->heard = now;
    }
}
