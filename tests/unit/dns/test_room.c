/* Room for one more question: what all have, what HELO names have, what one network has.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "dns/work.h"

#include "dns/work_impl.h"
#include "tests/unit/dns/dns_shared.h"

Test(resolve, A22_room_at_its_bounds)
{
    static const struct {
        unsigned max, inflight;
        uint16_t network;
        bool client, helo;
        const char *says;
    } row[] = {
        {300, 199, 0, true, true, "one below two thirds"},
        {300, 200, 0, true, false, "two thirds: names of HELO are shed first"},
        {300, 299, 0, true, false, "one below"},
        {300, 300, 0, false, false, "full"},
        {300, 0, 52, true, true, "an eighth and 16, one below"},
        {300, 0, 53, false, false, "a network has its share"},
        {10, 6, 0, true, true, "what does not divide by three is for HELO"},
        {10, 7, 0, true, false, ""},
        {10, 0, 16, true, true, "16 at least"},
        {10, 0, 17, false, false, ""},
    };
    static struct resolver r;
    static struct worker k = {.resolver = &r};
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        r.max_inflight = row[i].max;
        atomic_store(&k.inflight, row[i].inflight);
        cr_expect_eq(question_has_room(&k, &row[i].network, QUESTION_CLIENT), row[i].client,
                     "%zu: %s", i, row[i].says);
        cr_expect_eq(question_has_room(&k, &row[i].network, 0), row[i].client, "%zu: %s", i,
                     row[i].says);
        cr_expect_eq(question_has_room(&k, &row[i].network, QUESTION_HELO), row[i].helo, "%zu: %s",
                     i, row[i].says);
    }
}

Test(resolve, A22_network_of_a_client)
{
    static const struct {
        const char *client, *network;
    } row[] = {
        {"192.0.2.0", "192.0.2.0"},
        {"192.0.2.255", "192.0.2.0"},
        {"192.0.3.1", "192.0.3.0"},
        {"2001:db8:1::", "2001:db8:1::"},
        {"2001:db8:1:8000::1", "2001:db8:1::"},
        {"2001:db8:1:ffff:ffff:ffff:ffff:ffff", "2001:db8:1::"},
        {"2001:db8:3::1", "2001:db8:3::"},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct addr client = client_of(row[i].client), network = client_of(row[i].network);
        struct addr is = question_network(&client);

        cr_expect(addr_equal(&is, &network), "%s", row[i].client);
    }
}

/* The zone of an address is that of its network, not of all addresses that begin with 203. */
Test(resolve, B24_a_dead_network_is_not_its_neighbour)
{
    static const struct dns_row rows[] = {
        {"1.113.0.203.in-addr.arpa", RR_PTR, NULL, .manner = DNS_SILENT},
        {"1.114.0.203.in-addr.arpa", RR_PTR, NULL, .rcode = DNS_NXDOMAIN},
    };
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v);
    struct addr dead = client_of("203.0.113.1");
    struct lookup *one = resolver_ask_client(r, &dead, resolver_now() + 4000, NULL), *two;

    sleep_ms(600);
    two = ask_client(r, "203.0.114.1", 3000);
    cr_expect_eq(lookup_chain(two)->result, F_IPREV_PERMERROR);
    cr_expect_eq(lookup_chain(two)->cause, F_PTR_MISSING);
    lookup_release(two);
    lookup_release(one);
    end_both(r, v);
}
