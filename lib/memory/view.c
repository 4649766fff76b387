/* What a store says of a client: see view.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "memory/view.h"

#include "memory/ledger.h"
#include "memory/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct memory_view {
    struct store *store;
    struct store_entry entry[MEMORY_WAITING_PER_NET];
};

struct memory_view *memory_view_open(const struct memory_options *o, bool change, char *err,
                                     size_t errlen)
{
    struct memory_view *v = calloc(1, sizeof *v);
    struct store_bounds bounds[TABLES];

    if (v == NULL)
        return snprintf(err, errlen, "out of memory"), NULL;
    ledger_bounds(o, bounds);
    v->store = store_open(o, bounds, change ? STORE_CHANGE : STORE_LOOK, err, errlen);
    if (v->store == NULL) {
        free(v);
        return NULL;
    }
    return v;
}

void memory_view_close(struct memory_view *v)
{
    if (v != NULL)
        v->store->kind->close(v->store);
    free(v);
}

const char *memory_view_trouble(const struct memory_view *v)
{
    return v->store->trouble;
}

bool memory_view_count(struct memory_view *v, struct memory_counts *out)
{
    struct store_counts c;

    if (v->store->kind->count(v->store, &c) != STORE_OK)
        return false;
    *out = (struct memory_counts){.known = c.entries[TABLE_KNOWN],
                                  .seen = c.entries[TABLE_SEEN],
                                  .waiting = c.entries[TABLE_WAITING],
                                  .passed = c.entries[TABLE_PASSED]};
    return true;
}

/* ---- one client ---- */

/* The first second at which an entry counts no more. */
static int64_t end_of(const struct memory_view *v, enum memory_table table, int64_t at)
{
    const struct store_bounds *b = &v->store->bounds[table];

    return (at + b->lifetime + 1) * b->unit_s;
}

/* A day of the address; *at_s and *end_s stay 0 when there is none, or it has ended. */
static bool look_at_day(struct memory_view *v, const struct store_key *key, int64_t now_s,
                        int64_t *at_s, int64_t *end_s)
{
    int64_t at;

    if (v->store->kind->get(v->store, key, 1, &at) != STORE_OK)
        return false;
    if (at == STORE_ABSENT || end_of(v, key->table, at) <= now_s)
        return true;
    *at_s = at * LEDGER_DAY_S;
    *end_s = end_of(v, key->table, at);
    return true;
}

/* How many of a group have not ended, and when the last one ends. */
static bool look_at_group(struct memory_view *v, const struct store_key *group, int64_t now_s,
                          unsigned *count, int64_t *end_s)
{
    size_t i, n;
    int64_t end;

    if (v->store->kind->list(v->store, group, v->entry, MEMORY_WAITING_PER_NET, &n) != STORE_OK)
        return false;
    for (i = 0; i < n; i++) {
        end = end_of(v, group->table, v->entry[i].at);
        *count += end > now_s;
        *end_s = end > now_s && end > *end_s ? end : *end_s;
    }
    return true;
}

bool memory_view_client(struct memory_view *v, const struct addr *client, int64_t now_s,
                        struct memory_client *out)
{
    struct store_key key[TABLES];

    memset(out, 0, sizeof *out);
    ledger_groups(client, key);
    return look_at_day(v, &key[TABLE_KNOWN], now_s, &out->known_s, &out->known_end_s) &&
           look_at_day(v, &key[TABLE_SEEN], now_s, &out->seen_s, &out->seen_end_s) &&
           look_at_group(v, &key[TABLE_WAITING], now_s, &out->waiting, &out->waiting_end_s) &&
           look_at_group(v, &key[TABLE_PASSED], now_s, &out->passed, &out->passed_end_s);
}

static bool forget_group(struct memory_view *v, const struct store_key *group)
{
    size_t i, n;

    if (v->store->kind->list(v->store, group, v->entry, MEMORY_WAITING_PER_NET, &n) != STORE_OK)
        return false;
    for (i = 0; i < n; i++)
        if (v->store->kind->drop(v->store, &v->entry[i].key) != STORE_OK)
            return false;
    return true;
}

bool memory_view_forget(struct memory_view *v, const struct addr *client)
{
    struct store_key key[TABLES];

    ledger_groups(client, key);
    return v->store->kind->drop(v->store, &key[TABLE_SEEN]) == STORE_OK &&
           v->store->kind->drop(v->store, &key[TABLE_KNOWN]) == STORE_OK &&
           forget_group(v, &key[TABLE_WAITING]) && forget_group(v, &key[TABLE_PASSED]) &&
           v->store->kind->keep(v->store) == STORE_OK;
}
