/* Zones that are silent: see quiet.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "dns/quiet.h"

#include <stddef.h>
#include <string.h>

#define WAYS       8      /* places where a zone may stand */
#define PATIENCE   500    /* ms: then a second question waits for the first */
#define LEFT_ALONE 15000  /* ms: unbound has given up by then, and says so at once */
#define LATELY     600000 /* ms */
#define TENTH      100    /* ms */
#define TAKES_TIME 2      /* tenths: what is out for longer hangs */
#define TAKES_LONG 5      /* tenths: a stranger that is out for longer is asked in vain, */
#define COUNTED    30     /* of those asked in so many tenths, */
#define IN_VAIN    3      /* and one in so many is too many, */
#define TOO_FEW    8      /* or one of so few */

static bool heard_lately(const struct quiet_zone *z, int64_t now)
{
    return z->heard != 0 && now - z->heard < LATELY;
}

static bool is_silent(const struct quiet_zone *z, int64_t now)
{
    return z->failures >= (heard_lately(z, now) ? 2 : 1);
}

static bool is_known(const struct quiet_zone *z, int64_t now)
{
    return heard_lately(z, now) && !is_silent(z, now);
}

static bool is_stranger(struct quiet_place p, int64_t now)
{
    return p.near != NULL && !is_known(p.near, now) && (p.wide == NULL || !is_known(p.wide, now));
}

static bool many_hang(const struct quiet *q, int64_t now)
{
    int64_t tenth = now / TENTH;
    unsigned i, hanging = 0;

    if (q->most == 0)
        return false;
    for (i = 0; i < QUIET_HANGS; i++)
        if (tenth - q->sent[i].tenth >= TAKES_TIME && tenth - q->sent[i].tenth < QUIET_HANGS)
            hanging += q->sent[i].open;
    return hanging >= q->most;
}

static bool many_in_vain(const struct quiet *q, int64_t now)
{
    int64_t tenth = now / TENTH, at;
    unsigned strangers = 0, vain = 0;

    for (at = tenth - COUNTED; at <= tenth - TAKES_LONG; at++)
        if (q->sent[at % QUIET_HANGS].tenth == at) {
            strangers += q->sent[at % QUIET_HANGS].strangers;
            vain += q->sent[at % QUIET_HANGS].vain;
        }
    return strangers < TOO_FEW || vain * IN_VAIN >= strangers;
}

bool quiet_pressed(const struct quiet *q, int64_t now)
{
    return many_hang(q, now) && many_in_vain(q, now);
}

void quiet_bound(struct quiet *q, unsigned threads)
{
    q->most = threads < QUIET_MOST ? QUIET_MOST / threads : 1;
    q->pace = QUIET_PACE * threads;
}

struct quiet_zone *quiet_find(struct quiet *q, uint64_t hash, int64_t now)
{
    struct quiet_zone *way = &q->zone[hash & (QUIET_ZONES - WAYS)], *oldest = NULL;
    uint64_t tag = hash | 1;
    size_t i;

    for (i = 0; i < WAYS; i++) {
        if (way[i].tag == tag) {
            way[i].touched = now;
            return &way[i];
        }
        if (way[i].open == 0 && way[i].parked == NULL &&
            (oldest == NULL || way[i].touched < oldest->touched))
            oldest = &way[i];
    }
    if (oldest != NULL)
        *oldest = (struct quiet_zone){.tag = tag, .touched = now};
    return oldest;
}

static bool left_alone(const struct quiet_zone *z, uint64_t name, int64_t now)
{
    int64_t alone = z->dead == name ? 2 * LEFT_ALONE : LEFT_ALONE;

    return is_silent(z, now) && (z->open > 0 || now - z->failed < alone);
}

bool quiet_lets_in(struct quiet *q, int64_t now)
{
    if (now - q->let_in < q->pace)
        return false;
    q->let_in = now;
    return true;
}

/* While many questions hang. */
static enum quiet_word may_stranger(struct quiet *q, const struct quiet_zone *wide, uint64_t name,
                                    int64_t now)
{
    if (left_alone(wide, name, now))
        return QUIET_DENY;
    if (!many_in_vain(q, now))
        return QUIET_ASK;
    if (wide->open > 0 || !quiet_lets_in(q, now))
        return QUIET_PARK_WIDE;
    return QUIET_ASK;
}

enum quiet_word quiet_may_ask(struct quiet *q, struct quiet_place p, uint64_t name, int64_t now)
{
    const struct quiet_zone *wide = p.wide != NULL ? p.wide : p.near;
    enum quiet_word word = QUIET_ASK;

    if (p.near == NULL || is_known(p.near, now))
        return QUIET_ASK;
    if (left_alone(p.near, name, now))
        return QUIET_DENY;
    if (is_stranger(p, now) && many_hang(q, now))
        word = may_stranger(q, wide, name, now);
    if (word != QUIET_ASK)
        return word;
    if (p.near->open > 0 && now - p.near->since >= PATIENCE)
        return QUIET_PARK;
    return QUIET_ASK;
}

static void zone_asked(struct quiet_zone *z, int64_t now)
{
    if (z == NULL)
        return;
    if (z->open++ == 0)
        z->since = now;
}

void quiet_asked(struct quiet *q, struct quiet_place *p, int64_t now)
{
    size_t i = (size_t)(now / TENTH % QUIET_HANGS);

    if (q->sent[i].tenth != now / TENTH) {
        memset(&q->sent[i], 0, sizeof q->sent[i]);
        q->sent[i].tenth = now / TENTH;
    }
    p->stranger = is_stranger(*p, now);
    q->sent[i].open++;
    q->sent[i].strangers += p->stranger;
    q->sent[i].vain += p->stranger;
    zone_asked(p->near, now);
    zone_asked(p->wide, now);
}

/* A name in vain that is the only one counts once. */
static void count_failure(struct quiet_zone *z, uint64_t name, int64_t now)
{
    if (z->failures == 0 || z->dead != name)
        z->failures++;
    z->dead = name;
    z->failed = now;
}

static void zone_over(struct quiet_zone *z, uint64_t name, int64_t asked, enum quiet_end end,
                      int64_t now)
{
    if (z == NULL)
        return;
    z->open--;
    if (end == QUIET_CACHED)
        return;
    z->since = now;
    if (end == QUIET_SILENT && z->heard <= asked) /* else it came back meanwhile */
        count_failure(z, name, now);
    if (end == QUIET_HEARD)
        z->heard = now;
    if (end == QUIET_HEARD || end == QUIET_REFUSED)
        z->failures = 0;
}

void quiet_over(struct quiet *q, struct quiet_place p, uint64_t name, int64_t asked,
                enum quiet_end end, int64_t now)
{
    size_t i = (size_t)(asked / TENTH % QUIET_HANGS);

    if (end != QUIET_SILENT && q->sent[i].tenth == asked / TENTH) {
        q->sent[i].open--;
        q->sent[i].vain -= p.stranger;
    }
    zone_over(p.near, name, asked, end, now);
    zone_over(p.wide, name, asked, end, now);
    if (end == QUIET_HEARD || end == QUIET_REFUSED)
        q->heard = now;
}
