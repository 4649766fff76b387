/* lookup: the table of lookups, what it keeps and what it costs.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "dns/lookup.h"

#include "tests/unit/facts.h"

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

/* Room for three, and who is asked for meanwhile: a hit is worth one more turn. */
Test(lookup, who_is_asked_for_stays)
{
    static const struct {
        const char *steps; /* a letter: asked for */
        const char *kept;
        const char *why;
    } row[] = {
        {"abcd", "bcd", "the first goes"},
        {"abcad", "acd", "it was asked for again"},
        {"abcaaad", "acd", "often: the same"},
        {"abcaded", "ade", "its turn is over once, and it stays"},
        {"abcadef", "def", "asked for before the last turn: it goes"},
        {"abcabcd", "bcd", "all were: the first goes, not the new one"},
        {"abcabcde", "cde", "and then the next"},
    };
    size_t plain = size_of_one(0), i, k;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct lookup_table *t = lookup_table_new(3 * plain, &key);
        struct addr a;

        for (k = 0; row[i].steps[k] != '\0'; k++) {
            a = client((unsigned char)row[i].steps[k]);
            put(t, &a);
        }
        cr_expect_eq(lookup_table_count(t), 3);
        for (k = 0; k < 3; k++) {
            enum lookup_source source;
            struct lookup *l;

            a = client((unsigned char)row[i].kept[k]);
            l = lookup_table_get(t, &a, NULL, &source);
            cr_expect_eq(source, LOOKUP_CACHED, "%s: %c: %s", row[i].steps, row[i].kept[k],
                         row[i].why);
            if (source == LOOKUP_NEW)
                lookup_finish_failed(l, F_DNS_TIMEOUT);
            lookup_release(l);
        }
        lookup_table_free(t);
    }
}

/* What is kept beside the answer is what shape_judge says. */
Test(lookup, shapes_are_kept)
{
    static const struct lookup_cost none;
    static const char *const names[] = {"mail.example.com", "198-0-0-7.dsl.example.com",
                                        "out7.mail.example.com", "example.com"};
    struct lookup_table *t = lookup_table_new(1 << 20, &key);
    struct addr a = client(7);
    enum lookup_source source;
    size_t i;

    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct lookup *l, *again;
        struct fcrdns f;
        struct chain c;
        struct shape shape;

        fcrdns_start(&f, &a);
        f.answered = true;
        f.names = f.published = 1;
        f.ttl = 300;
        f.name[0] = (struct fcrdns_name){.name = name_of(names[i]), .state = NAME_CONFIRMED};
        fcrdns_chain(&f, &c);
        shape_judge(&shape, &f.name[0].name, &a);

        l = lookup_table_get(t, &a, NULL, &source);
        lookup_finish_chain(l, &c, none);
        again = lookup_table_get(t, &a, NULL, &source);
        cr_expect_eq(source, LOOKUP_CACHED);
        cr_expect_eq(memcmp(lookup_shape(again), &shape, shape_size(&shape)), 0, "%s", names[i]);
        cr_expect_eq(memcmp(lookup_chain(again), &c, chain_size(&c)), 0, "%s", names[i]);
        lookup_release(l);
        lookup_release(again);

        l = lookup_table_get(t, &a, &f.name[0].name, &source);
        cr_expect_eq(source, LOOKUP_NEW);
        lookup_finish_helo(l, NAME_ELSEWHERE, 300, none);
        cr_expect_eq(lookup_shape(l)->kind, shape.kind, "%s", names[i]);
        lookup_release(l);
        a = client(8 + (unsigned)i);
    }
    lookup_table_free(t);
}

/* No name, or one of which nothing is known yet: no shape. */
Test(lookup, no_shape_without_a_name)
{
    static const struct lookup_cost none;
    struct lookup_table *t = lookup_table_new(1 << 20, &key);
    struct dname name = name_of("mail.example.com"), label = name_of("localhost");
    struct addr a = client(7);
    enum lookup_source source;
    struct lookup *l;

    put(t, &a);
    l = lookup_table_get(t, &a, NULL, &source);
    cr_expect(lookup_shape(l) == NULL, "a chain without a name");
    lookup_release(l);
    l = lookup_table_get(t, &a, &name, &source);
    lookup_finish_helo(l, NAME_TIMEOUT, 5, none);
    cr_expect(lookup_shape(l) == NULL, "not answered, so not kept for long");
    lookup_release(l);
    l = lookup_table_get(t, &a, &label, &source);
    lookup_finish_helo(l, NAME_NOWHERE, 300, none);
    cr_expect(lookup_shape(l) == NULL, "no host name");
    lookup_release(l);
    cr_expect(lookup_shape(lookup_constant(F_DNS_OVERLOAD)) == NULL);
    lookup_table_free(t);
}

/* Names and reasons count: as many clients fit as the bound has room for. */
Test(lookup, E25_shapes_are_counted)
{
    static const struct lookup_cost none;
    struct lookup_table *t = lookup_table_new(40000, &key);
    unsigned i;

    for (i = 0; i < 300; i++) {
        struct addr a = client(i);
        enum lookup_source source;
        struct lookup *l = lookup_table_get(t, &a, NULL, &source);
        struct fcrdns f;
        struct chain c;

        fcrdns_start(&f, &a);
        f.names = 1;
        f.ttl = 300;
        f.name[0] = (struct fcrdns_name){.name = name_of("198-0-0-7.dsl.example.com"),
                                         .state = NAME_CONFIRMED};
        fcrdns_chain(&f, &c);
        lookup_finish_chain(l, &c, none);
        lookup_release(l);
    }
    cr_expect(lookup_table_count(t) <= 40000 / (size_of_one(0) + 2 + 27 + 8 + 20), "%u",
              lookup_table_count(t));
    cr_expect(lookup_table_count(t) >= 40000 / 512, "%u", lookup_table_count(t));
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
