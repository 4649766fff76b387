/* resolve: many at once, more than can be served, and the end of a resolver.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "tests/unit/dns/dns_shared.h"

#include <fcntl.h>
#include <sys/resource.h>

#define REV(n) #n ".2.0.192.in-addr.arpa"

/* ---- many at once ---- */

#define ASKERS 16

struct asker {
    struct resolver *r;
    pthread_barrier_t *together;
    const char *client;
    unsigned wait; /* ms */
    bool done;
    enum finding result, cause;
    unsigned ms;
};

static void *asker_main(void *arg)
{
    struct asker *a = arg;
    struct addr client = client_of(a->client);
    int64_t from;
    struct lookup *l;

    pthread_barrier_wait(a->together);
    from = resolver_now();
    l = resolver_ask_client(a->r, &client, from + a->wait, NULL);
    a->done = lookup_wait(l, from + a->wait + 1000);
    a->ms = (unsigned)(resolver_now() - from);
    if (a->done) {
        a->result = (enum finding)lookup_chain(l)->result;
        a->cause = (enum finding)lookup_chain(l)->cause;
    }
    lookup_release(l);
    return NULL;
}

static void ask_together(struct resolver *r, const char *client, unsigned wait, struct asker *a,
                         void (*meanwhile)(struct resolver *))
{
    pthread_t thread[ASKERS];
    pthread_barrier_t together;
    int i;

    pthread_barrier_init(&together, NULL, ASKERS + 1);
    for (i = 0; i < ASKERS; i++) {
        a[i] = (struct asker){.r = r, .together = &together, .client = client, .wait = wait};
        cr_assert(pthread_create(&thread[i], NULL, asker_main, &a[i]) == 0);
    }
    pthread_barrier_wait(&together);
    if (meanwhile != NULL)
        meanwhile(r);
    for (i = 0; i < ASKERS; i++)
        pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&together);
}

Test(resolve, joined_lookups_ask_once)
{
    static const struct dns_row rows[] = {
        {REV(1), RR_PTR, "good.example", .ttl = 300, .delay = 150},
        {"good.example", RR_A, "192.0.2.1", .ttl = 300},
    };
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v);
    struct asker a[ASKERS];
    struct resolver_stats st;
    int i;

    ask_together(r, "192.0.2.1", 2000, a, NULL);
    for (i = 0; i < ASKERS; i++)
        cr_expect(a[i].done && a[i].result == F_IPREV_PASS, "asker %d", i);
    resolver_stats(r, &st);
    cr_expect(dns_asked(v, 0) == 1 && dns_asked(v, 1) == 1, "%u %u questions", dns_asked(v, 0),
              dns_asked(v, 1));
    cr_expect(st.lookups == ASKERS && st.joined + st.cache_hits == ASKERS - 1 && st.joined > 0);
    end_both(r, v);
}

static void drain_soon(struct resolver *r)
{
    (void)r; /* every one */
    sleep_ms(100);
    resolver_drain();
}

Test(resolve, E11_drain_wakes_all)
{
    static const struct dns_row rows[] = {{REV(1), RR_PTR, NULL, .manner = DNS_SILENT},
                                          {REV(3), RR_PTR, "good.example", .ttl = 300},
                                          {"good.example", RR_A, "192.0.2.3", .ttl = 300}};
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v), *old = start_at(v);
    struct asker a[ASKERS];
    struct addr client = client_of("192.0.2.2"), silent = client_of("192.0.2.1");
    struct addr cached = client_of("192.0.2.3");
    struct dname name = name_of("a.example");
    struct lookup *l;
    int i;

    l = resolver_ask_client(r, &cached, resolver_now() + 5000, NULL);
    cr_assert(lookup_wait(l, resolver_now() + 4000));
    lookup_release(l);
    l = resolver_ask_client(old, &silent, resolver_now() + 5000, NULL);
    ask_together(r, "192.0.2.1", 5000, a, drain_soon);
    cr_expect(lookup_wait(l, resolver_now() + 1000), "that of the settings before a reload, too");
    lookup_release(l);
    resolver_release(old);
    for (i = 0; i < ASKERS; i++)
        cr_expect(a[i].done && a[i].cause == F_DNS_TIMEOUT && a[i].ms >= 90 && a[i].ms < 1500,
                  "asker %d: %d after %u ms", i, a[i].cause, a[i].ms);
    l = resolver_ask_client(r, &client, resolver_now() + 5000, NULL);
    cr_expect(lookup_done(l) && lookup_chain(l)->cause == F_DNS_TIMEOUT, "later ones at once");
    lookup_release(l);
    l = resolver_ask_client(r, &cached, resolver_now() + 5000, NULL);
    cr_expect(lookup_done(l) && lookup_chain(l)->result == F_IPREV_PASS, "what is cached, still");
    lookup_release(l);
    l = resolver_ask_helo(r, &client, &name, resolver_now() + 5000, NULL);
    cr_expect(lookup_done(l) && lookup_forward(l) == NAME_TIMEOUT);
    lookup_release(l);
    end_both(r, v);
}

/* Clients whose zone never answers, each in a network of its own. */
static struct lookup *ask_dead(struct resolver *r, unsigned i, int64_t deadline)
{
    uint8_t bytes[4] = {198, (uint8_t)(18 + i / 256), (uint8_t)i, 7};
    struct addr a = addr_from_bytes(ADDR_IPV4, bytes);

    return resolver_ask_client(r, &a, deadline, NULL);
}

static const struct dns_row good_rows[] = {
    {REV(1), RR_PTR, "good.example", .ttl = 300},
    {"good.example", RR_A, "192.0.2.1", .ttl = 300},
    {"*", RR_PTR, NULL, .manner = DNS_SILENT},
};

#define DEAD 300

Test(resolve, B24_a_good_client_among_dead_ones)
{
    struct dns_server *v = DNS_START(good_rows);
    struct resolver *r = start_at(v);
    struct lookup *dead[DEAD], *l;
    int64_t from = resolver_now();
    struct resolver_stats st;
    unsigned i;

    for (i = 0; i < DEAD; i++)
        dead[i] = ask_dead(r, i, from + 1200);
    from = resolver_now();
    l = ask_client(r, "192.0.2.1", 2000);
    cr_expect(lookup_chain(l)->result == F_IPREV_PASS);
    cr_expect(resolver_now() - from < 900, "%d ms", (int)(resolver_now() - from));
    lookup_release(l);
    resolver_stats(r, &st);
    cr_expect(st.inflight == DEAD && st.overloads == 0, "%u in flight", st.inflight);
    for (i = 0; i < DEAD; i++) {
        cr_expect(lookup_wait(dead[i], from + 3000) &&
                  lookup_chain(dead[i])->cause == F_DNS_TIMEOUT);
        lookup_release(dead[i]);
    }
    end_both(r, v);
}

Test(resolve, B24_excess_is_shed)
{
    struct dns_server *v = DNS_START(good_rows);
    struct resolver *r = start_traced(v, 1000, 20, NULL);
    struct lookup *dead[DEAD];
    int64_t from = resolver_now();
    struct resolver_stats st;
    unsigned i, shed = 0, late = 0;

    for (i = 0; i < DEAD; i++)
        dead[i] = ask_dead(r, i, from + 600);
    for (i = 0; i < 20 && (resolver_stats(r, &st), st.overloads < DEAD - 20); i++)
        sleep_ms(20);
    for (i = 0; i < DEAD; i++)
        if (lookup_done(dead[i]))
            shed += lookup_chain(dead[i])->cause == F_DNS_OVERLOAD;
    resolver_stats(r, &st);
    cr_expect(st.inflight == 20, "%u in flight", st.inflight);
    cr_expect(shed == DEAD - 20 && st.overloads == shed, "%u shed at once", shed);
    for (i = 0; i < DEAD; i++) {
        cr_expect(lookup_wait(dead[i], from + 2000));
        late += lookup_chain(dead[i])->cause == F_DNS_TIMEOUT;
        cr_expect(lookup_chain(dead[i])->ttl <= 5);
        lookup_release(dead[i]);
    }
    cr_expect(late == 20, "%u at the deadline", late);
    end_both(r, v);
}

/* A question holds a socket: those under way never exceed three quarters of the sockets, which are
 * half of the descriptors. */
Test(resolve, B24_no_more_questions_than_sockets)
{
    struct dns_server *v = DNS_START(good_rows);
    struct rlimit before, few;
    struct resolver_stats st;
    struct resolver *r;
    unsigned i;

    cr_assert(getrlimit(RLIMIT_NOFILE, &before) == 0);
    few = before;
    few.rlim_cur = 256;
    cr_assert(setrlimit(RLIMIT_NOFILE, &few) == 0);
    r = start_at(v);
    for (i = 0; i < DEAD; i++)
        lookup_release(ask_dead(r, i, resolver_now() + 3000));
    for (i = 0; i < 100 && (resolver_stats(r, &st), st.inflight + st.overloads < DEAD); i++)
        sleep_ms(20);
    cr_expect(st.inflight == 256 / 2 / 4 * 3, "%u in flight", st.inflight);
    cr_expect(st.overloads == DEAD - st.inflight, "%u shed", (unsigned)st.overloads);
    end_both(r, v);
    cr_expect(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

/* Silent clients with silent HELO names leave room for the chains of others. */
Test(resolve, B24_helo_is_shed_first)
{
    struct dns_server *v = DNS_START(good_rows);
    struct resolver *r = start_traced(v, 1000, 30, NULL);
    int64_t until = resolver_now() + 3000;
    struct lookup *dead[20], *helo, *good;
    struct resolver_stats st;
    struct dname name;
    struct addr client;
    unsigned i;

    for (i = 0; i < 20; i++)
        dead[i] = ask_dead(r, i, until);
    for (i = 0; i < 100 && (resolver_stats(r, &st), st.inflight < 20); i++)
        sleep_ms(20);
    addr_parse(&client, "192.0.2.1", 9);
    dname_from_text(&name, "helo.example", 12);
    helo = resolver_ask_helo(r, &client, &name, until, NULL);
    cr_expect(lookup_wait(helo, resolver_now() + 1000) && lookup_forward(helo) == NAME_OVERLOAD);
    good = ask_client(r, "192.0.2.1", 1000);
    cr_expect(lookup_chain(good)->result == F_IPREV_PASS, "%d", lookup_chain(good)->result);
    resolver_stats(r, &st);
    cr_expect(st.overloads == 1 && st.inflight == 20, "%u shed, %u in flight",
              (unsigned)st.overloads, st.inflight);
    lookup_release(helo);
    lookup_release(good);
    for (i = 0; i < 20; i++)
        lookup_release(dead[i]);
    end_both(r, v);
}

/* ---- a crowd that comes at once ---- */

#define AT_ONCE 1000

/* Names, not empty answers: without a SOA record libunbound 1.22 asks for those once more. */
static const struct dns_row crowd_rows[] = {
    {REV(1), RR_PTR, "one.example", .ttl = 300, .delay = 50},
    {REV(2), RR_PTR, "two.example", .ttl = 300, .delay = 300},
    {REV(3), RR_PTR, "three.example", .ttl = 300},
    {"one.example", RR_A, "192.0.2.1", .ttl = 300},
    {"two.example", RR_A, "192.0.2.2", .ttl = 300},
    {"three.example", RR_A, "192.0.2.3", .ttl = 300},
    {"*", RR_PTR, NULL, .manner = DNS_SILENT},
};

struct crowd {
    _Atomic(struct resolver *) r;
    atomic_bool held, go;
    atomic_uint asked; /* when the second answer is read */
};

/* The resolver thread stands still when it has the first answer. */
static void stand_still(void *arg, const struct dname *name, enum rrtype type,
                        const struct answer *answer, unsigned ms)
{
    struct dname first = name_of(REV(1)), second = name_of(REV(2));
    struct crowd *c = arg;
    struct resolver_stats st;

    (void)type;
    (void)answer;
    (void)ms;
    if (dname_equal(name, &first))
        for (atomic_store(&c->held, true); !atomic_load(&c->go);)
            sleep_ms(5);
    if (dname_equal(name, &second)) {
        resolver_stats(atomic_load(&c->r), &st);
        atomic_store(&c->asked, (unsigned)st.questions);
    }
}

/* It comes, and then an answer, while the resolver thread is busy elsewhere: the answer is read
 * when a few of the crowd have been asked about, not all. Else libunbound would take answers that
 * have come for lost. */
Test(resolve, B24_answers_are_read_while_a_crowd_is_begun)
{
    struct dns_server *v = DNS_START(crowd_rows);
    struct crowd c = {.asked = 0};
    struct resolver_trace trace = {stand_still, &c};
    struct resolver *r = start_traced(v, 9000, 3000, &trace);
    struct addr first = client_of("192.0.2.1"), second = client_of("192.0.2.2");
    struct addr third = client_of("192.0.2.3");
    int64_t until = resolver_now() + 9000;
    struct lookup *one, *two, *three;
    unsigned i;

    atomic_store(&c.r, r);
    one = resolver_ask_client(r, &first, until, NULL);
    two = resolver_ask_client(r, &second, until, NULL);
    for (i = 0; i < 1000 && !atomic_load(&c.held); i++)
        sleep_ms(5);
    for (i = 0; i < AT_ONCE; i++)
        lookup_release(ask_dead(r, i, until));
    three = resolver_ask_client(r, &third, until, NULL);
    sleep_ms(1000); /* the second answer is there */
    atomic_store(&c.go, true);
    cr_expect(lookup_wait(two, until) && lookup_chain(two)->result == F_IPREV_PASS);
    cr_expect_lt(atomic_load(&c.asked), 100, "%u questions", atomic_load(&c.asked));
    cr_expect(lookup_wait(three, until) && lookup_chain(three)->result == F_IPREV_PASS,
              "who came last has a turn, too");
    lookup_release(one);
    lookup_release(two);
    lookup_release(three);
    end_both(r, v);
}

/* ---- the share of a network ---- */

#define REV6(n) "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0." #n ".0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
#define CROWD   100

static const struct dns_row share_rows[] = {
    {"1.101.51.198.in-addr.arpa", RR_PTR, "", .ttl = 300},
    {"1.102.51.198.in-addr.arpa", RR_PTR, "", .ttl = 300},
    {"1.103.51.198.in-addr.arpa", RR_PTR, "", .ttl = 300},
    {REV6(2), RR_PTR, "", .ttl = 300},
    {REV6(3), RR_PTR, "", .ttl = 300},
    {REV6(4), RR_PTR, "", .ttl = 300},
    {"*", RR_PTR, NULL, .manner = DNS_SILENT},
};

/* The i-th client of 198.51.100.0/24, or of 2001:db8:1::/48 with a /64 of its own. */
static struct addr of_the_crowd(enum addr_family family, unsigned i)
{
    uint8_t four[4] = {198, 51, 100, (uint8_t)i};
    uint8_t six[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, (uint8_t)(i * 2), (uint8_t)i, [15] = 9};

    return addr_from_bytes(family, family == ADDR_IPV4 ? four : six);
}

/* How many of the networks beside it, which lie in the next wider one, are served. Two
 * networks may share a counter, but hardly two of three with that of the crowd. */
static unsigned served_beside(struct resolver *r, enum addr_family family)
{
    unsigned n, served = 0;

    for (n = 0; n < 3; n++) {
        char client[40];
        struct lookup *l;

        snprintf(client, sizeof client, family == ADDR_IPV4 ? "198.51.%u.1" : "2001:db8:%u::1",
                 n + (family == ADDR_IPV4 ? 101 : 2));
        l = ask_client(r, client, 1000);
        served += lookup_chain(l)->cause == F_PTR_MISSING;
        lookup_release(l);
    }
    return served;
}

/* A hundred silent clients of one network at once: returns how many are turned away. */
static unsigned turned_away_of_one(enum addr_family family)
{
    struct dns_server *v = DNS_START(share_rows);
    struct resolver *r = start_traced(v, 1000, 320, NULL);
    struct lookup *held[CROWD];
    unsigned i, shed = 0, served;

    for (i = 0; i < CROWD; i++) {
        struct addr a = of_the_crowd(family, i);

        held[i] = resolver_ask_client(r, &a, resolver_now() + 1500, NULL);
    }
    served = served_beside(r, family);
    cr_expect(served >= 2, "%u of 3 networks beside it were served", served);
    for (i = 0; i < CROWD; i++) {
        cr_expect(lookup_wait(held[i], resolver_now() + 3000));
        shed += lookup_chain(held[i])->cause == F_DNS_OVERLOAD;
        lookup_release(held[i]);
    }
    end_both(r, v);
    return shed;
}

/* A network is a /24, and with IPv6 a /48, not a single address nor a /64. */
Test(resolve, A22_a_48_has_the_share_of_a_24)
{
    unsigned four = turned_away_of_one(ADDR_IPV4), six = turned_away_of_one(ADDR_IPV6);

    cr_expect(four > 0 && four < CROWD, "%u of the /24 were turned away", four);
    cr_expect(six == four, "%u of the /48, and %u of the /24", six, four);
}

/* ---- the end ---- */

Test(resolve, A14_everybody_leaves)
{
    struct dns_server *v = DNS_START(good_rows);
    struct resolver *r = start_at(v);
    struct resolver_stats st;
    unsigned i;

    for (i = 0; i < DEAD; i++)
        lookup_release(ask_dead(r, i, resolver_now() + 5000));
    for (i = 0; i < 100 && (resolver_stats(r, &st), st.inflight < DEAD); i++)
        sleep_ms(20);
    cr_expect(st.inflight == DEAD, "the questions are out: %u", st.inflight);
    resolver_hold(r);
    resolver_release(r);
    cr_assert(!resolver_wait_ended(200), "one holder is left");
    end_both(r, v);
}

static unsigned open_files(void)
{
    unsigned n = 0;
    int fd;

    for (fd = 0; fd < 1000; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* Ends come at any moment of the asking, and leave nothing open. */
Test(resolve, A14_end_at_once)
{
    struct dns_server *v = DNS_START(good_rows);
    unsigned files = open_files(), round, i;

    for (round = 0; round < 20; round++) {
        struct resolver *r = start_at(v);

        for (i = 0; i < round * 3; i++)
            lookup_release(ask_dead(r, i, resolver_now() + 5000));
        if (round % 3 == 0)
            resolver_drain();
        resolver_release(r);
    }
    cr_expect(resolver_wait_ended(10000));
    for (i = 0; i < 50 && open_files() != files; i++)
        sleep_ms(20);
    cr_expect(open_files() == files, "%u descriptors before, %u after", files, open_files());
    dns_stop(v);
}
