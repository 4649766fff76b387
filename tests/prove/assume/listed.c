/* What the proofs of those who read exempt lists assume of listed.c: what is proven of it by the
 * driver listed. A key has 1 to 256 octets; those that are compared are read.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/listed.h"
#include "prove.h"

static struct listed_key any_key(void)
{
    struct listed_key k;

    any_octets(k.octets, sizeof(k.octets));
    k.len = any_size(1, LISTED_KEY_MAX);
    return k;
}

struct listed_key listed_network(const struct addr_net *net)
{
    Frama_C_show_each_read(net->bits, net->base.family);
    return any_key();
}

struct listed_key listed_name(const struct dname *name, bool below)
{
    Frama_C_show_each_read(name->len, below);
    return any_key();
}

bool listed_same(const struct listed *a, const struct listed *b)
{
    Frama_C_show_each_read(a->key[0], a->len, b->key[0], b->len);
    return any_bool();
}

int listed_compare(const struct listed *a, const struct listed *b)
{
    Frama_C_show_each_read(a->key[0], a->len, a->end, b->key[0], b->len, b->end);
    return Frama_C_interval(-1, 1);
}
