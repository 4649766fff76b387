/* What the entries of a store mean: see ledger.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "memory/ledger.h"

#include <string.h>

/* Whoever has many networks can fill a table. What is on trial makes room there, the oldest first:
 * else nobody new would get in until it expires. Who is known is never pushed out. */
void ledger_bounds(const struct memory_options *o, struct store_bounds bounds[TABLES])
{
    struct store_bounds days = {.group = MEMORY_KNOWN_PER_NET,
                                .total = MEMORY_TOTAL,
                                .lifetime = o->known_days,
                                .unit_s = LEDGER_DAY_S};
    struct store_bounds seconds = {
        .group = MEMORY_WAITING_PER_NET, .total = MEMORY_TOTAL, .oldest_goes = true, .unit_s = 1};

    bounds[TABLE_SEEN] = bounds[TABLE_KNOWN] = days;
    /* More than a /24 has, so that those of one day do not push each other out before the next. */
    bounds[TABLE_SEEN].group = MEMORY_WAITING_PER_NET;
    bounds[TABLE_SEEN].oldest_goes = true;
    bounds[TABLE_WAITING] = bounds[TABLE_PASSED] = seconds;
    bounds[TABLE_WAITING].lifetime = (int64_t)o->greylist_retry_h * 3600;
    bounds[TABLE_PASSED].lifetime = (int64_t)o->greylist_pass_days * LEDGER_DAY_S;
}

/* ---- keys ---- */

/* The first octets of an address, behind one octet for its family. */
static uint8_t put_octets(uint8_t out[STORE_OCTETS_MAX], const struct addr *a, size_t v4, size_t v6)
{
    size_t n = a->family == ADDR_IPV4 ? v4 : v6;

    out[0] = a->family == ADDR_IPV4 ? '4' : '6';
    memcpy(out + 1, a->bytes, n);
    return (uint8_t)(n + 1);
}

void ledger_client_keys(const struct addr *client, struct store_key *seen, struct store_key *known)
{
    memset(seen, 0, sizeof *seen);
    seen->table = TABLE_SEEN;
    seen->group_len = put_octets(seen->group, client, 3, 8);
    seen->member_len = put_octets(seen->member, client, 4, 16);
    *known = *seen;
    known->table = TABLE_KNOWN;
}

/* The pass of an address (IPv6: its /64) with a sender domain. */
static void passed_group(const struct addr *client, struct store_key *k)
{
    memset(k, 0, sizeof *k);
    k->table = TABLE_PASSED;
    k->group_len = put_octets(k->group, client, 4, 8);
}

static void passed_key(const struct ledger_triple *t, struct store_key *k)
{
    passed_group(&t->client, k);
    memcpy(k->member, &t->domain, sizeof t->domain);
    k->member_len = sizeof t->domain;
}

static void waiting_group(const struct addr *client, struct store_key *k)
{
    memset(k, 0, sizeof *k);
    k->table = TABLE_WAITING;
    k->group_len = put_octets(k->group, client, 3, 6);
}

/* The waiting key of a network (/24, /64), sender domain and recipient; those of a /24 or a
 * /48 are bounded together. */
void ledger_waiting_key(const struct ledger_triple *t, struct store_key *k)
{
    uint64_t mixed[2] = {t->domain, t->recipient};
    uint8_t all[STORE_OCTETS_MAX + sizeof mixed];
    size_t n = put_octets(all, &t->client, 3, 8);
    uint64_t member;

    memcpy(all + n, mixed, sizeof mixed);
    member = hash_octets(&hash_fixed, all, n + sizeof mixed);
    waiting_group(&t->client, k);
    memcpy(k->member, &member, sizeof member);
    k->member_len = sizeof member;
}

void ledger_groups(const struct addr *client, struct store_key group[TABLES])
{
    ledger_client_keys(client, &group[TABLE_SEEN], &group[TABLE_KNOWN]);
    waiting_group(client, &group[TABLE_WAITING]);
    passed_group(client, &group[TABLE_PASSED]);
}

/* ---- known clients ---- */

static bool alive(const struct store *s, enum memory_table table, int64_t at, int64_t now)
{
    return at != STORE_ABSENT && now - at <= s->bounds[table].lifetime;
}

enum store_result ledger_known(struct store *s, const struct addr *client, int64_t now_s,
                               bool *known)
{
    struct store_key key[2];
    int64_t at;
    enum store_result result;

    ledger_client_keys(client, &key[0], &key[1]);
    result = s->kind->get(s, &key[1], 1, &at);
    *known = result == STORE_OK && alive(s, TABLE_KNOWN, at, now_s / LEDGER_DAY_S);
    return result;
}

enum store_result ledger_note(struct store *s, const struct addr *client, int64_t now_s)
{
    int64_t today = now_s / LEDGER_DAY_S, at[2];
    struct store_key key[2];
    enum store_result result;

    ledger_client_keys(client, &key[0], &key[1]);
    result = s->kind->get(s, key, 2, at);
    if (result != STORE_OK)
        return result;
    if (alive(s, TABLE_KNOWN, at[1], today))
        return at[1] != today ? s->kind->put(s, &key[1], today, today) : STORE_OK;
    if (!alive(s, TABLE_SEEN, at[0], today) || at[0] > today)
        return s->kind->put(s, &key[0], today, today);
    if (at[0] == today)
        return STORE_OK;
    result = s->kind->put(s, &key[1], today, today);
    return result == STORE_OK ? s->kind->drop(s, &key[0]) : result;
}

/* ---- greylist ---- */

static enum store_result put_off(struct store *s, const struct ledger_triple *t,
                                 const struct store_key *k, int64_t now_s, unsigned delay,
                                 enum memory_grey *out, unsigned *seconds)
{
    *out = GREY_NEW;
    *seconds = delay;
    return t->look ? STORE_OK : s->kind->put(s, k, now_s, now_s);
}

/* It has come back in time. A pass of the null sender is not kept, but its key stays, so that
 * a second try of the same message passes. */
static enum store_result let_through(struct store *s, const struct ledger_triple *t,
                                     const struct store_key key[2], int64_t now_s,
                                     enum memory_grey *out)
{
    enum store_result result;

    *out = GREY_PASSED;
    if (!t->lasting || t->look)
        return STORE_OK;
    result = s->kind->put(s, &key[0], now_s, now_s);
    return result == STORE_OK ? s->kind->drop(s, &key[1]) : result;
}

static enum store_result renew(struct store *s, const struct ledger_triple *t,
                               const struct store_key *passed, int64_t at, int64_t now_s,
                               enum memory_grey *out)
{
    bool recent = at <= now_s && now_s - at < LEDGER_DAY_S / 24; /* not worth a write */

    *out = GREY_PASSED;
    return t->look || recent ? STORE_OK : s->kind->put(s, passed, now_s, now_s);
}

enum store_result ledger_greylist(struct store *s, const struct ledger_triple *t,
                                  const struct memory_options *o, int64_t now_s,
                                  enum memory_grey *out, unsigned *seconds)
{
    struct store_key key[2];
    int64_t at[2];
    enum store_result result;

    *seconds = 0;
    passed_key(t, &key[0]);
    ledger_waiting_key(t, &key[1]);
    result = s->kind->get(s, key, 2, at);
    if (result != STORE_OK)
        return result;
    if (t->lasting && alive(s, TABLE_PASSED, at[0], now_s))
        return renew(s, t, &key[0], at[0], now_s, out);
    /* A first try in the future: the clock was put back. */
    if (!alive(s, TABLE_WAITING, at[1], now_s) || at[1] > now_s)
        return put_off(s, t, &key[1], now_s, o->greylist_delay_s, out, seconds);
    if (now_s - at[1] >= o->greylist_delay_s)
        return let_through(s, t, key, now_s, out);
    *out = GREY_EARLY;
    *seconds = (unsigned)(o->greylist_delay_s - (now_s - at[1]));
    return STORE_OK;
}
