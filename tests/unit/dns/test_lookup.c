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

/* Asks for it, and finishes it with no PTR record when it is new. */
static enum lookup_source put(struct lookup_table *t, const struct addr *a)
{
    static const struct lookup_cost none;
    enum lookup_source source;
    struct lookup *l = lookup_table_get(t, a, NULL, &source);

    if (source == LOOKUP_NEW) {
        struct chain c;

        chain_temperror(&c, a, F_DNS_TIMEOUT);
        c.ttl = 300;
        lookup_finish_chain(l, &c, none);
    }
    lookup_release(l);
    return source;
}

/* Clients that would all meet in one part of a table whose key is known. Each part holds a
 * sixty-fourth of the whole: they would push each other out. */
Test(lookup, chosen_clients_do_not_meet)
{
    static const struct hash_key key = {{0x0123456789abcdefu, 0xfedcba9876543210u}};
    struct lookup_table *t = lookup_table_new(64 * 100, &key);
    unsigned i, chosen = 0;

    for (i = 0; chosen < 640; i++) {
        struct addr a = client(i);
        uint64_t h = addr_hash(&a, &hash_fixed);

        if (h >> 58 == 0) {
            put(t, &a);
            chosen++;
        }
    }
    cr_expect_eq(lookup_table_count(t), 640);
    lookup_table_free(t);
}
