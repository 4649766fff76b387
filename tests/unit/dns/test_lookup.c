/* lookup: the table of lookups, what it keeps and what it costs.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "dns/lookup.h"

static struct addr client(unsigned i)
{
    uint8_t bytes[4] = {198, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

    return addr_from_bytes(ADDR_IPV4, bytes);
}

/* Asks for it, and finishes it when it is new, with so many octets of PTR names. */
static enum lookup_source put_long(struct lookup_table *t, const struct addr *a, uint16_t octets)
{
    static const struct lookup_cost none;
    enum lookup_source source;
    struct lookup *l = lookup_table_get(t, a, NULL, &source);

    if (source == LOOKUP_NEW) {
        static struct chain c;

        chain_temperror(&c, a, F_DNS_TIMEOUT);
        c.packed_len = octets;
        c.ttl = 300;
        lookup_finish_chain(l, &c, none);
    }
    lookup_release(l);
    return source;
}

static enum lookup_source put(struct lookup_table *t, const struct addr *a)
{
    return put_long(t, a, 0);
}

static const struct hash_key key = {{0x0123456789abcdefu, 0xfedcba9876543210u}};

/* How many of ten clients with such names a table of so many octets remembers. */
static unsigned remembered(size_t budget, uint16_t octets)
{
    struct lookup_table *t = lookup_table_new(budget, &key);
    unsigned i, n;

    for (i = 0; i < 10; i++) {
        struct addr a = client(i);

        put_long(t, &a, octets);
    }
    n = lookup_table_count(t);
    lookup_table_free(t);
    return n;
}

/* The least budget that remembers one: what one takes. */
static size_t size_of_one(uint16_t octets)
{
    size_t n = 0;

    while (remembered(n, octets) == 0)
        n++;
    return n;
}

Test(lookup, E25_octets_are_the_bound)
{
    size_t plain = size_of_one(0), full = size_of_one(CHAIN_PACKED_MAX);
    static const struct {
        unsigned times;
        int more;
        unsigned kept;
        const char *why;
    } row[] = {
        {0, 0, 0, "no room for any"},        {1, -1, 0, "one below the size of one"},
        {1, 0, 1, "room for one"},           {1, 1, 1, "one above it"},
        {3, -1, 2, "one below three"},       {3, 0, 3, "three"},
        {3, 1, 3, "one above three"},        {10, 0, 10, "all"},
        {10, -1, 9, "one octet too little"},
    };
    size_t i;

    cr_expect_eq(full - plain, CHAIN_PACKED_MAX, "names are counted in full");
    cr_expect(plain <= 256, "half of what is documented for a client: %zu", plain);
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        cr_expect_eq(remembered(row[i].times * plain + (size_t)row[i].more, 0), row[i].kept, "%s",
                     row[i].why);
        cr_expect_eq(remembered(row[i].times * full + (size_t)row[i].more, CHAIN_PACKED_MAX),
                     row[i].kept, "long names: %s", row[i].why);
    }
}

/* A long one takes the room of as many short ones as it needs, the oldest first. */
Test(lookup, E25_long_names_push_out_many)
{
    size_t plain = size_of_one(0), full = size_of_one(CHAIN_PACKED_MAX);
    struct lookup_table *t = lookup_table_new(full + 2 * plain, &key);
    unsigned i, short_ones = (unsigned)((full + 2 * plain) / plain);
    struct addr a;

    for (i = 0; i < short_ones; i++) {
        a = client(i);
        put(t, &a);
    }
    cr_expect_eq(lookup_table_count(t), short_ones);
    a = client(0); /* used again: no longer the oldest */
    cr_expect_eq(put(t, &a), LOOKUP_CACHED);
    a = client(1000);
    put_long(t, &a, CHAIN_PACKED_MAX);
    cr_expect_eq(lookup_table_count(t), 3, "itself and two: %u", lookup_table_count(t));
    cr_expect_eq(put(t, &a), LOOKUP_CACHED);
    a = client(0);
    cr_expect_eq(put(t, &a), LOOKUP_CACHED, "used last");
    a = client(short_ones - 1);
    cr_expect_eq(put(t, &a), LOOKUP_CACHED, "the newest");
    a = client(1);
    cr_expect_eq(put(t, &a), LOOKUP_NEW, "the oldest is gone");
    lookup_table_free(t);
}

/* Clients that would all meet in one part of a table whose key is known. Each of its 64 parts
 * has room for about 300 clients: they would push each other out. */
Test(lookup, chosen_clients_do_not_meet)
{
    struct lookup_table *t = lookup_table_new(64 * 65536, &key);
    unsigned i, chosen = 0;

    for (i = 0; chosen < 2000; i++) {
        struct addr a = client(i);
        uint64_t h = addr_hash(&a, &hash_fixed);

        if ((h >> 32) % 64 == 0) {
            put(t, &a);
            chosen++;
        }
    }
    cr_expect_eq(lookup_table_count(t), 2000);
    lookup_table_free(t);
}
