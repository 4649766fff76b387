/* resolve: how long a name that is late is asked for, and what the releases of libunbound
 * do differently (the table in HACKING.md).
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "tests/unit/dns/dns_shared.h"

#define REV(n) #n ".2.0.192.in-addr.arpa"

static const struct dns_row slow_rows[] = {
    {REV(1), RR_PTR, "one.example", .ttl = 300, .delay = 2000},
    {"one.example", RR_A, "192.0.2.1", .ttl = 300},
    {REV(2), RR_PTR, "two.example", .ttl = 300},
    {"two.example", RR_A, "192.0.2.2", .ttl = 300, .delay = 3000},
    {REV(3), RR_PTR, "three.example", .ttl = 300},
    {"three.example", RR_A, "192.0.2.3", .ttl = 300, .delay = 4000},
    {REV(4), RR_PTR, "four.example", .ttl = 300, .delay = 8000},
    {"four.example", RR_A, "192.0.2.4", .ttl = 300},
    {REV(5), RR_PTR, NULL, .manner = DNS_SILENT},
    {"*", RR_PTR, NULL, .rcode = DNS_NXDOMAIN},
};

static struct resolver *start_until(struct dns_server *v, unsigned deadline_ms)
{
    char *forward[] = {v->address};
    struct resolver_settings s = {.forwards = 1,
                                  .forward = forward,
                                  .deadline_ms = deadline_ms,
                                  .helo = true,
                                  .threads = 1,
                                  .max_inflight = 1000,
                                  .cache = 1000};
    char err[512] = "";
    struct resolver *r = resolver_start(&s, NULL, err, sizeof err);

    cr_assert(r != NULL, "%s", err);
    return r;
}

/* A question every 50 ms that is answered at once: each answer makes libunbound wait less for
 * the others. */
static void traffic_until(struct resolver *r, int64_t end)
{
    char client[20];
    unsigned i;

    for (i = 0; resolver_now() < end; i++) {
        snprintf(client, sizeof client, "198.51.100.%u", i % 250);
        lookup_release(ask_client(r, client, 1000));
        sleep_ms(50);
    }
}

struct slow_row {
    const char *client;
    enum finding result;
    const char *why;
};

/* Asks for all of them at once, with that deadline. */
static void slow(unsigned deadline_ms, bool traffic, const struct slow_row *row, size_t rows)
{
    struct dns_server *v = DNS_START(slow_rows);
    struct resolver *r = start_until(v, deadline_ms);
    int64_t from = resolver_now();
    struct lookup *l[4];
    size_t i;

    for (i = 0; i < rows; i++) {
        struct addr a = client_of(row[i].client);

        l[i] = resolver_ask_client(r, &a, from + deadline_ms, NULL);
    }
    if (traffic)
        traffic_until(r, from + deadline_ms - 100);
    for (i = 0; i < rows; i++) {
        cr_expect(lookup_wait(l[i], from + deadline_ms + 1000));
        cr_expect(lookup_chain(l[i])->result == row[i].result, "%s: %d, cause %d", row[i].why,
                  lookup_chain(l[i])->result, lookup_chain(l[i])->cause);
        if (row[i].result == F_IPREV_TEMPERROR)
            cr_expect(lookup_ms(l[i]) + 50 >= deadline_ms, "%s: given up after %u ms", row[i].why,
                      lookup_ms(l[i]));
        lookup_release(l[i]);
    }
    end_both(r, v);
}

static const struct slow_row within_5s[] = {
    {"192.0.2.1", F_IPREV_PASS, "PTR after 2 s"},
    {"192.0.2.2", F_IPREV_PASS, "A after 3 s"},
    {"192.0.2.3", F_IPREV_PASS, "A after 4 s"},
    {"192.0.2.5", F_IPREV_TEMPERROR, "silent: asked for until the deadline"},
};
static const struct slow_row within_9s[] = {
    {"192.0.2.4", F_IPREV_PASS, "PTR after 8 s"},
    {"192.0.2.5", F_IPREV_TEMPERROR, "silent: asked for until the deadline"},
};

Test(resolve, B18_slow_names_within_5_s)
{
    slow(5000, false, within_5s, 4);
}

Test(resolve, B18_slow_names_within_5_s_beside_quick_ones)
{
    slow(5000, true, within_5s, 4);
}

Test(resolve, B18_slow_names_within_9_s)
{
    slow(9000, false, within_9s, 2);
}

Test(resolve, B18_slow_names_within_9_s_beside_quick_ones)
{
    slow(9000, true, within_9s, 2);
}

Test(resolve, B18_the_shortest_deadline)
{
    static const struct slow_row row[] = {
        {"192.0.2.5", F_IPREV_TEMPERROR, "silent, and 100 ms"},
        {"192.0.2.1", F_IPREV_TEMPERROR, "2 s are too many"},
    };

    slow(100, false, row, 2);
}

/* A forwarder that is silent about some names, and asked for nothing else meanwhile, still has its
 * answers taken: libunbound doubles its patience with every one, and must not put it aside. */
Test(resolve, B18_silent_names_one_after_the_other)
{
    static const struct dns_row rows[] = {
        {REV(1), RR_PTR, "one.example", .ttl = 300},
        {"one.example", RR_A, "192.0.2.1", .ttl = 300},
        {"*", RR_PTR, NULL, .manner = DNS_SILENT},
    };
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_until(v, 1000);
    struct lookup *l;
    char client[20];
    unsigned i;

    for (i = 0; i < 6; i++) {
        snprintf(client, sizeof client, "198.51.%u.1", 100 + i);
        lookup_release(ask_client(r, client, 1000));
    }
    l = ask_client(r, "192.0.2.1", 1000);
    cr_expect_eq(lookup_chain(l)->result, F_IPREV_PASS, "cause %d", lookup_chain(l)->cause);
    lookup_release(l);
    end_both(r, v);
}

/* ---- what the releases do differently ---- */

Test(resolve, B16_no_data_without_SOA)
{
    static const struct dns_row rows[] = {
        {REV(1), RR_PTR, "", .ttl = 300},
        {REV(2), RR_PTR, "empty.example", .ttl = 300},
        {"empty.example", RR_A, "", .ttl = 300},
    };
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_until(v, 2000);
    struct lookup *none = ask_client(r, "192.0.2.1", 2000);
    struct lookup *empty = ask_client(r, "192.0.2.2", 2000);

    cr_expect_eq(lookup_chain(none)->cause, F_PTR_MISSING);
    cr_expect_eq(lookup_chain(empty)->cause, F_FORWARD_MISSING);
    cr_expect(dns_asked(v, 0) <= 2 && dns_asked(v, 2) <= 2, "asked %u and %u times",
              dns_asked(v, 0), dns_asked(v, 2));
    lookup_release(none);
    lookup_release(empty);
    end_both(r, v);
}
