/* resolve: servers that are gone, and clients that take more than their share.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "dns/work.h"
#include "tests/unit/dns/dns_shared.h"

#define TYPE_NS 2
#define REV(n)  #n ".2.0.192.in-addr.arpa"

/* ---- servers that are gone ---- */

static void ask_in_vain(struct resolver *r, unsigned from, unsigned to, unsigned ms)
{
    char client[16];
    unsigned i;

    for (i = from; i <= to; i++) {
        struct addr a;

        snprintf(client, sizeof client, "192.0.2.%u", i);
        a = client_of(client);
        lookup_release(resolver_ask_client(r, &a, resolver_now() + ms, NULL));
    }
}

/* Waits until the resolver says so, at most so long. */
static bool comes(struct resolver *r, bool answered, unsigned ms)
{
    int64_t until = resolver_now() + ms;

    while (resolver_answered(r) != answered && resolver_now() < until)
        sleep_ms(20);
    return resolver_answered(r) == answered;
}

Test(resolve, E17_E18_servers_gone_and_back)
{
    static const struct dns_row rows[] = {
        {REV(1), RR_PTR, "a.example", .ttl = 300},
        {"a.example", RR_A, "192.0.2.1", .ttl = 300},
        {"*", RR_PTR, NULL, .rcode = DNS_NXDOMAIN},
    };
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v);
    struct lookup *l;
    int64_t start;

    cr_expect(resolver_answered(r), "nothing was asked yet");
    atomic_store(&v->mute, true);
    ask_in_vain(r, 11, 19, 300);
    cr_expect_not(comes(r, false, 4000), "nine may be the clients' own fault");
    ask_in_vain(r, 20, 20, 300);
    cr_expect(comes(r, false, 5000), "ten, and ours");
    cr_expect(resolver_alive(r), "the threads are well");
    start = resolver_now();
    l = ask_client(r, "192.0.2.1", 5000);
    cr_expect(resolver_now() - start < 1000, "at once");
    cr_expect_eq(lookup_chain(l)->result, F_IPREV_TEMPERROR);
    cr_expect_eq(lookup_chain(l)->cause, F_DNS_TIMEOUT);
    cr_expect_eq(lookup_questions(l), 0);
    lookup_release(l);
    atomic_store(&v->mute, false);
    cr_expect(comes(r, true, 15000), "closes by itself: nobody asks but we");
    l = ask_client(r, "192.0.2.1", 5000);
    cr_expect_eq(lookup_chain(l)->result, F_IPREV_PASS, "what was said meanwhile is not kept");
    lookup_release(l);
    end_both(r, v);
}

/* The question for another client of its network went out meanwhile, and is never answered. */
Test(resolve, E18_a_question_of_the_time_without_servers_takes_no_other_along)
{
    static const struct dns_row rows[] = {
        {REV(1), RR_PTR, "a.example", .ttl = 300},
        {"a.example", RR_A, "192.0.2.1", .ttl = 300},
        {"*", (enum rrtype)TYPE_NS, NULL, .rcode = DNS_NXDOMAIN},
        {"*", RR_PTR, NULL, .manner = DNS_SILENT},
    };
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v);
    struct lookup *l;

    atomic_store(&v->mute, true);
    ask_in_vain(r, 11, 20, 300);
    cr_expect(comes(r, false, 8000));
    sleep_ms(1100);
    ask_in_vain(r, 50, 50, 300); /* one a second goes through */
    sleep_ms(700);
    atomic_store(&v->mute, false);
    cr_expect(comes(r, true, 15000));
    l = ask_client(r, "192.0.2.1", 5000);
    cr_expect_eq(lookup_chain(l)->result, F_IPREV_PASS, "the servers are back");
    lookup_release(l);
    end_both(r, v);
}

/* A server that fails for strangers and is silent about the breaker's own question, as in a
 * closed network, but knows its own hosts. */
Test(resolve, E18_a_lookup_a_second_goes_through)
{
    static const struct dns_row rows[] = {
        {REV(1), RR_PTR, "a.example", .ttl = 300},
        {"a.example", RR_A, "192.0.2.1", .ttl = 300},
        {"*", RR_PTR, NULL, .rcode = DNS_SERVFAIL},
        {"*", (enum rrtype)TYPE_NS, NULL, .manner = DNS_SILENT},
    };
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v);
    struct lookup *l;

    ask_in_vain(r, 11, 40, 300);
    cr_expect(comes(r, false, 6000), "for all it knows");
    sleep_ms(1100);
    l = ask_client(r, "192.0.2.50", 2000);
    cr_expect_eq(lookup_questions(l), 1, "it goes through, and fails");
    lookup_release(l);
    l = ask_client(r, "192.0.2.51", 2000);
    cr_expect_eq(lookup_questions(l), 0, "the next one has to wait for another second");
    cr_expect_eq(lookup_chain(l)->cause, F_DNS_TIMEOUT);
    lookup_release(l);
    sleep_ms(1100);
    l = ask_client(r, "192.0.2.1", 2000);
    cr_expect_eq(lookup_chain(l)->result, F_IPREV_PASS);
    lookup_release(l);
    cr_expect(resolver_answered(r), "that was an answer");
    end_both(r, v);
}

/* What libunbound remembers is no sign of life. */
Test(resolve, E18_cached_answers_tell_nothing)
{
    static const struct dns_row rows[] = {
        {"helo.example", RR_A, "192.0.2.200", .ttl = 300},
        {"*", RR_PTR, NULL, .rcode = DNS_NXDOMAIN},
    };
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v);
    struct dname helo = name_of("helo.example");
    int64_t until;
    unsigned i;

    for (i = 0, until = 0; until == 0 || (resolver_answered(r) && resolver_now() < until); i++) {
        uint8_t octets[16] = {198, 51, (uint8_t)(i >> 8), (uint8_t)i};
        struct addr a = addr_from_bytes(ADDR_IPV4, octets);
        struct lookup *l = resolver_ask_helo(r, &a, &helo, resolver_now() + 1000, NULL);

        cr_expect(lookup_wait(l, resolver_now() + 2000) && lookup_forward(l) == NAME_ELSEWHERE);
        lookup_release(l);
        if (i == 0) {
            atomic_store(&v->mute, true);
            ask_in_vain(r, 11, 40, 300);
            until = resolver_now() + 8000;
        }
        sleep_ms(50);
    }
    cr_expect_not(resolver_answered(r), "%u answers from the cache", i);
    end_both(r, v);
}

/* What stands in the zone file needs no server; and says nothing about one. */
Test(resolve, E18_zone_file_without_servers)
{
    static const struct dns_row rows[] = {{"*", RR_PTR, NULL, .rcode = DNS_NXDOMAIN}};
    struct dns_server *v = DNS_START(rows);
    struct dns_files f;
    struct resolver *r;
    struct lookup *l;
    int64_t start;
    unsigned i;

    files_make(&f, "zone",
               "$TTL 0\n200.2.0.192.in-addr.arpa. PTR a.example.\na.example. A 192.0.2.200\n"
               "201.2.0.192.in-addr.arpa. PTR b.Other.example.\n"
               "Other.example. SOA ns.example. host.example. 1 2 3 4 5\n"
               "202.2.0.192.in-addr.arpa. PTR else.where.example.\n");
    r = start_with_zone(v, f.file);
    atomic_store(&v->mute, true);
    for (i = 11; i <= 40; i++) {
        ask_in_vain(r, i, i, 300);
        lookup_release(ask_client(r, "192.0.2.200", 1000));
    }
    l = ask_client(r, "192.0.2.200", 1000);
    cr_expect_eq(lookup_chain(l)->result, F_IPREV_PASS);
    lookup_release(l);
    cr_expect(comes(r, false, 6000), "the answer from the file is no sign of life");
    l = ask_client(r, "192.0.2.200", 1000);
    cr_expect_eq(lookup_chain(l)->result, F_IPREV_PASS, "as if nothing had happened");
    lookup_release(l);
    l = ask_client(r, "192.0.2.201", 1000);
    cr_expect_eq(lookup_chain(l)->cause, F_FORWARD_MISSING, "the zone says so");
    lookup_release(l);
    start = resolver_now();
    l = ask_client(r, "192.0.2.202", 5000);
    cr_expect_eq(lookup_chain(l)->cause, F_DNS_TIMEOUT, "its name is elsewhere");
    lookup_release(l);
    l = ask_client(r, "192.0.2.60", 5000);
    cr_expect_eq(lookup_chain(l)->cause, F_DNS_TIMEOUT);
    lookup_release(l);
    cr_expect(resolver_now() - start < 1000, "at once");
    cr_expect_not(resolver_answered(r), "still");
    atomic_store(&v->mute, false);
    cr_expect(comes(r, true, 15000));
    end_both(r, v);
    files_remove(&f);
}

/* Zones without a working server are their owners' fault: others are asked on. */
Test(resolve, E18_B24_dead_zones_open_nothing)
{
    static const struct dns_row rows[] = {
        {REV(1), RR_PTR, "", .ttl = 300},
        {"*", RR_PTR, NULL, .manner = DNS_SILENT},
    };
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v);
    struct lookup *l;

    ask_in_vain(r, 11, 60, 6000);
    cr_expect_not(comes(r, false, 4500));
    cr_expect_gt(atomic_load(&v->unknown), 0, "our own question went out");
    l = ask_client(r, "192.0.2.1", 2000);
    cr_expect_eq(lookup_chain(l)->result, F_IPREV_PERMERROR);
    lookup_release(l);
    end_both(r, v);
}

static struct lookup *ask_network(struct resolver *r, unsigned host, unsigned ms)
{
    uint8_t octets[16] = {198, 51, 100, (uint8_t)host};
    struct addr a = addr_from_bytes(ADDR_IPV4, octets);

    return resolver_ask_client(r, &a, resolver_now() + ms, NULL);
}

/* What the breaker lets through must ask: a crowd whose share is used up takes nobody's turn. */
Test(resolve, E18_a_crowd_without_room_takes_no_turn)
{
    static const struct dns_row rows[] = {
        {REV(1), RR_PTR, "", .ttl = 300},
        {"*", RR_PTR, NULL, .manner = DNS_SILENT},
        {"*", (enum rrtype)TYPE_NS, NULL, .manner = DNS_SILENT},
    };
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_traced(v, 1000, 80, NULL);
    int64_t opened = 0, now = resolver_now(), until = now + 10000;
    bool served = false;
    unsigned i;

    for (i = 0; !served && now < until; i++, now = resolver_now()) {
        lookup_release(ask_network(r, i & 0xff, 100));
        sleep_ms(3);
        if (resolver_answered(r))
            continue;
        opened = opened == 0 ? now : opened;
        if (i % 20 == 0) {
            struct lookup *l = ask_client(r, "192.0.2.1", 500);

            served = lookup_chain(l)->result == F_IPREV_PERMERROR;
            lookup_release(l);
        }
        until = opened + 1500;
    }
    cr_expect(opened > 0, "the breaker has opened");
    cr_expect(served);
    end_both(r, v);
}

static unsigned under_way(struct resolver *r)
{
    struct resolver_stats st;

    resolver_stats(r, &st);
    return st.inflight;
}

/* Waits until libunbound has given up what it was asked, at most so long. */
static bool calms(struct resolver *r, unsigned ms)
{
    int64_t until = resolver_now() + ms;

    while (under_way(r) > 0 && resolver_now() < until)
        sleep_ms(50);
    return under_way(r) == 0;
}

/* One network cannot take all the room. */
Test(resolve, A22_one_network_has_its_share)
{
    static const struct dns_row rows[] = {
        {REV(1), RR_PTR, "", .ttl = 300},
        {"*", RR_PTR, NULL, .manner = DNS_SILENT},
    };
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_traced(v, 1000, 320, NULL);
    struct lookup *held[100], *l;
    unsigned i, shed = 0;

    for (i = 0; i < 100; i++)
        held[i] = ask_network(r, i, 1500);
    l = ask_client(r, "192.0.2.1", 1000);
    cr_expect_eq(lookup_chain(l)->result, F_IPREV_PERMERROR, "another network is served");
    lookup_release(l);
    for (i = 0; i < 100; i++) {
        lookup_wait(held[i], resolver_now() + 3000);
        shed += lookup_chain(held[i])->cause == F_DNS_OVERLOAD;
        cr_expect_eq(lookup_chain(held[i])->result, F_IPREV_TEMPERROR);
        lookup_release(held[i]);
    }
    cr_expect_eq(shed, 100 - (320 / 8 + 16), "%u were shed", shed);
    cr_expect(calms(r, 10000));
    l = ask_network(r, 100, 100);
    lookup_wait(l, resolver_now() + 1000);
    cr_expect_neq(lookup_chain(l)->cause, F_DNS_OVERLOAD, "what has ended no longer counts");
    lookup_release(l);
    end_both(r, v);
}

/* It is questions that are counted: each of its clients may have ten names. */
Test(resolve, A22_ten_names_of_each_count)
{
    static const struct dns_row rows[] = {
        {REV(1), RR_PTR, "", .ttl = 300},
        {"*", RR_PTR,
         "a.example b.example c.example d.example e.example f.example g.example "
         "h.example i.example j.example",
         .ttl = 300},
        {"*", RR_A, NULL, .manner = DNS_SILENT},
    };
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_traced(v, 1000, 320, NULL);
    struct lookup *held[60], *l;
    unsigned i, most = 0;

    for (i = 0; i < 60; i++) {
        held[i] = ask_network(r, i, 1500);
        sleep_ms(5);
        most = under_way(r) > most ? under_way(r) : most;
    }
    cr_expect(most > 10 && most <= 320 / 8 + 16, "%u questions at once", most);
    l = ask_client(r, "192.0.2.1", 1000);
    cr_expect_eq(lookup_chain(l)->result, F_IPREV_PERMERROR, "another network is served");
    lookup_release(l);
    for (i = 0; i < 60; i++) {
        lookup_wait(held[i], resolver_now() + 3000);
        cr_expect_eq(lookup_chain(held[i])->result, F_IPREV_TEMPERROR);
        lookup_release(held[i]);
    }
    end_both(r, v);
}
