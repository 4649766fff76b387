/* What an entry of a store is found by: the octets of the address, and what shares them.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/memory/memory_shared.h"

static bool same_octets(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static bool same_group(const struct store_key *a, const struct store_key *b)
{
    return a->table == b->table && same_octets(a->group, a->group_len, b->group, b->group_len);
}

static bool same_member(const struct store_key *a, const struct store_key *b)
{
    return same_octets(a->member, a->member_len, b->member, b->member_len);
}

static struct store_key waiting(const struct addr *client, uint64_t domain, uint64_t recipient)
{
    struct ledger_triple t = {.client = *client, .domain = domain, .recipient = recipient};
    struct store_key k;

    ledger_waiting_key(&t, &k);
    return k;
}

/* The first bit behind a network belongs to it, its last bit does not. */
Test(memory, what_two_clients_share)
{
    static const struct {
        const char *a, *b;
        bool counted; /* known clients of one network are bounded together */
        bool delayed; /* so are keys that wait */
        bool waits;   /* a first try of one is a first try of the other */
        bool passes;  /* and so is a pass */
        const char *says;
    } row[] = {
        {"192.0.2.1", "192.0.2.1", true, true, true, true, "the same"},
        {"192.0.2.0", "192.0.2.1", true, true, true, false, "last bit"},
        {"192.0.2.0", "192.0.2.128", true, true, true, false, "first bit behind the /24"},
        {"192.0.2.0", "192.0.3.0", false, false, false, false, "last bit of the /24"},
        {"192.0.2.1", "c000:201::", false, false, false, false, "the same octets as IPv6"},
        {"2001:db8:0:1::1", "2001:db8:0:1::2", true, true, true, true, "last bit"},
        {"2001:db8:0:1::", "2001:db8:0:1:8000::", true, true, true, true, "first behind the /64"},
        {"2001:db8:0:1::", "2001:db8:0:0::", false, true, false, false, "last bit of the /64"},
        {"2001:db8:0:0::", "2001:db8:0:8000::", false, true, false, false, "first behind the /48"},
        {"2001:db8:0:0::", "2001:db8:1:0::", false, false, false, false, "last bit of the /48"},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        struct addr a = address(row[i].a), b = address(row[i].b);
        struct store_key of_a[TABLES], of_b[TABLES], wait_a = waiting(&a, 1, 2);
        struct store_key wait_b = waiting(&b, 1, 2);
        bool same = strcmp(row[i].a, row[i].b) == 0;

        ledger_groups(&a, of_a);
        ledger_groups(&b, of_b);
        cr_expect_eq(same_group(&of_a[TABLE_SEEN], &of_b[TABLE_SEEN]), row[i].counted, "%s, %s: %s",
                     row[i].a, row[i].b, row[i].says);
        cr_expect_eq(same_group(&of_a[TABLE_KNOWN], &of_b[TABLE_KNOWN]), row[i].counted,
                     "%s, %s: %s", row[i].a, row[i].b, row[i].says);
        cr_expect_eq(same_member(&of_a[TABLE_KNOWN], &of_b[TABLE_KNOWN]), same,
                     "%s, %s: each address is known by itself", row[i].a, row[i].b);
        cr_expect_eq(same_group(&of_a[TABLE_WAITING], &of_b[TABLE_WAITING]), row[i].delayed,
                     "%s, %s: %s", row[i].a, row[i].b, row[i].says);
        cr_expect_eq(same_group(&of_a[TABLE_PASSED], &of_b[TABLE_PASSED]), row[i].passes,
                     "%s, %s: %s", row[i].a, row[i].b, row[i].says);
        cr_expect_eq(same_group(&wait_a, &wait_b) && same_member(&wait_a, &wait_b), row[i].waits,
                     "%s, %s: %s", row[i].a, row[i].b, row[i].says);
    }
}

Test(memory, what_two_messages_share)
{
    struct addr a = address("192.0.2.1");
    struct store_key first = waiting(&a, 1, 2), again = waiting(&a, 1, 2);
    struct store_key domain = waiting(&a, 3, 2), recipient = waiting(&a, 1, 3);
    struct store_key swapped = waiting(&a, 2, 1);

    cr_expect(same_member(&first, &again));
    cr_expect(!same_member(&first, &domain), "another sender domain");
    cr_expect(!same_member(&first, &recipient), "another recipient");
    cr_expect(!same_member(&first, &swapped), "which is which");
}

/* They are in files and in Redis: another form would forget everybody. */
Test(memory, octets_of_an_entry)
{
    static const struct {
        const char *client, *group, *member; /* hexadecimal */
    } row[] = {
        {"192.0.2.1", "34c00002", "34c0000201"},
        {"2001:db8:0:1::2", "3620010db800000001", "3620010db8000000010000000000000002"},
    };
    size_t i, k;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        struct addr a = address(row[i].client);
        struct store_key seen, known;
        char group[2 * STORE_OCTETS_MAX + 1] = "", member[2 * STORE_OCTETS_MAX + 1] = "";

        ledger_client_keys(&a, &seen, &known);
        cr_expect(seen.table == TABLE_SEEN && known.table == TABLE_KNOWN);
        cr_expect(same_member(&seen, &known));
        for (k = 0; k < known.group_len && k < STORE_OCTETS_MAX; k++)
            snprintf(group + 2 * k, 3, "%02x", known.group[k]);
        for (k = 0; k < known.member_len && k < STORE_OCTETS_MAX; k++)
            snprintf(member + 2 * k, 3, "%02x", known.member[k]);
        cr_expect_str_eq(group, row[i].group, "%s", row[i].client);
        cr_expect_str_eq(member, row[i].member, "%s", row[i].client);
    }
}

Test(memory, bounds_follow_the_options)
{
    struct memory_options o = {.known_days = 30, .greylist_retry_h = 48, .greylist_pass_days = 36};
    struct store_bounds b[TABLES];
    static const struct store_bounds want[TABLES] = {
        [TABLE_SEEN] = {1000, 2000000, true, 30, 86400},
        [TABLE_KNOWN] = {100, 2000000, false, 30, 86400},
        [TABLE_WAITING] = {1000, 2000000, true, 48 * 3600, 1},
        [TABLE_PASSED] = {0, 2000000, true, 36 * 86400, 1},
    };
    int t;

    ledger_bounds(&o, b);
    for (t = 0; t < TABLES; t++) {
        cr_expect_eq(b[t].total, want[t].total, "%d", t);
        cr_expect_eq(b[t].oldest_goes, want[t].oldest_goes, "%d", t);
        cr_expect_eq(b[t].lifetime, want[t].lifetime, "%d", t);
        cr_expect_eq(b[t].unit_s, want[t].unit_s, "%d", t);
        if (t != TABLE_PASSED)
            cr_expect_eq(b[t].group, want[t].group, "%d", t);
    }
}
