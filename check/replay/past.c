/* What is remembered of messages by queue id: see past.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/past.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 4096 /* a power of two, as all that follow */
#define PROBES      64   /* a log that is made to collide costs no more than this */
#define DAY         86400

bool past_init(struct past *p)
{
    memset(p, 0, sizeof *p);
    p->slots = FIRST_SLOTS;
    p->list = calloc(FIRST_SLOTS, sizeof *p->list);
    return p->list != NULL;
}

void past_free(struct past *p)
{
    free(p->list);
    free(p->before);
    p->list = p->before = NULL;
}

/* The slot of the queue id, or the one to put it in. */
static struct past_entry *slot_of(struct past_entry *list, uint32_t slots, uint64_t qid)
{
    struct past_entry *s = NULL;
    uint32_t i;

    for (i = 0; i < PROBES; i++) {
        s = &list[(qid + i) & (slots - 1)];
        if (s->qid == qid || s->qid == 0)
            break;
    }
    return s;
}

struct past_entry *past_find(const struct past *p, uint64_t qid, int64_t at)
{
    struct past_entry *s = slot_of(p->list, p->slots, qid);
    int64_t away;

    if (s->qid != qid && p->before != NULL)
        s = slot_of(p->before, PAST_SLOTS, qid);
    away = s->at - at;
    if (s->qid != qid || (at != 0 && s->at != 0 && (away > DAY || away < -DAY)))
        return NULL;
    return s;
}

static bool grow(struct past *p)
{
    struct past_entry *list = calloc((size_t)p->slots * 2, sizeof *list);
    uint32_t i;

    if (list == NULL)
        return false;
    for (i = 0; i < p->slots; i++)
        if (p->list[i].qid != 0)
            *slot_of(list, p->slots * 2, p->list[i].qid) = p->list[i];
    free(p->list);
    p->list = list;
    p->slots *= 2;
    return true;
}

static bool begin_another(struct past *p)
{
    struct past_entry *list = calloc(PAST_SLOTS, sizeof *list);

    if (list == NULL)
        return false;
    free(p->before);
    p->before = p->list;
    p->list = list;
    p->n = 0;
    return true;
}

void past_put(struct past *p, const struct past_entry *entry)
{
    struct past_entry *s;

    if (p->n >= p->slots / 2 && !(p->slots < PAST_SLOTS ? grow(p) : begin_another(p)))
        return;
    s = slot_of(p->list, p->slots, entry->qid);
    p->n += s->qid == 0;
    *s = *entry;
}
