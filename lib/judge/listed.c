/* Look-up in exempt lists: see listed.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/listed.h"

#include <string.h>

/* First octets of a key. Networks go on with their length, names with their wire form. */
enum { KEY_IPV4 = '4', KEY_IPV6 = '6', KEY_NAME = '=', KEY_BELOW = '.' };

struct listed_key listed_network(const struct addr_net *net)
{
    bool four = net->base.family == ADDR_IPV4;
    struct listed_key k = {.len = four ? 6 : 18};

    k.octets[0] = four ? KEY_IPV4 : KEY_IPV6;
    k.octets[1] = net->bits;
    memcpy(k.octets + 2, net->base.bytes, k.len - 2);
    return k;
}

static struct listed_key name_key(const uint8_t *wire, size_t n, uint8_t first)
{
    struct listed_key k = {.len = 1 + n};

    k.octets[0] = first;
    memcpy(k.octets + 1, wire, n);
    return k;
}

struct listed_key listed_name(const struct dname *name, bool below)
{
    return name_key(name->wire, name->len, below ? KEY_BELOW : KEY_NAME);
}

static int compare_keys(const uint8_t *a, size_t an, const uint8_t *b, size_t bn)
{
    int order = memcmp(a, b, an < bn ? an : bn);

    return order != 0 ? order : (an > bn) - (an < bn);
}

bool listed_same(const struct listed *a, const struct listed *b)
{
    return compare_keys(a->key, a->len, b->key, b->len) == 0;
}

int listed_compare(const struct listed *a, const struct listed *b)
{
    int order = compare_keys(a->key, a->len, b->key, b->len);

    return order != 0 ? order : (a->end > b->end) - (a->end < b->end);
}

static bool has(const struct exempt_list *l, const struct listed_key *k, int64_t now)
{
    size_t from = 0, to = l->n;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct listed *c = &l->client[middle];
        int order = compare_keys(k->octets, k->len, c->key, c->len);

        if (order == 0)
            return now < c->end;
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return false;
}

bool listed_has_address(const struct exempt_list *l, const struct addr *client, int64_t now)
{
    bool four = client->family == ADDR_IPV4;
    struct addr_net net = {.base = *client};
    int bits;

    //@ split four;
    if (l->n == 0 || client->family == ADDR_NONE)
        return false;
    for (bits = four ? 32 : 128; bits >= 0; bits--) {
        struct listed_key k;

        if (bits < (four ? 32 : 128))
            net.base.bytes[bits / 8] &= (uint8_t) ~(0x80 >> bits % 8);
        if (!(four ? l->four[bits] : l->six[bits]))
            continue;
        net.bits = (uint8_t)bits;
        k = listed_network(&net);
        if (has(l, &k, now))
            return true;
    }
    return false;
}

bool listed_has_name(const struct exempt_list *l, const struct dname *name, int64_t now)
{
    struct listed_key k;
    size_t at;

    if (now >= l->names_end || !dname_is_host(name))
        return false;
    k = listed_name(name, false);
    if (has(l, &k, now))
        return true;
    for (at = dname_next(name, 0);; at = dname_next(name, at)) {
        //@ split at;
        if (at + 1 >= name->len)
            return false;
        k = name_key(name->wire + at, name->len - at, KEY_BELOW);
        if (has(l, &k, now))
            return true;
    }
}

void listed_put(struct sbuf *sb, const struct listed *c)
{
    struct addr_net net;
    struct dname name;

    if (c->key[0] == KEY_IPV4 || c->key[0] == KEY_IPV6) {
        net.base = addr_from_bytes(c->key[0] == KEY_IPV4 ? ADDR_IPV4 : ADDR_IPV6, c->key + 2);
        net.bits = c->key[1];
        addr_net_put(sb, &net);
        return;
    }
    if (c->key[0] == KEY_BELOW)
        sbuf_byte(sb, '.');
    if (dname_from_wire(&name, c->key + 1, c->len - 1))
        dname_put(sb, &name);
}
