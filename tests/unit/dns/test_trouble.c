/* resolve: late, missing, broken and shuffled answers.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "dns/work.h"
#include "tests/unit/dns/dns_shared.h"

#define REV(n) #n ".2.0.192.in-addr.arpa"

/* ---- answers of a server ---- */

Test(resolve, B1_B3_B13_B17_B21_answers)
{
    static const struct dns_row rows[] = {
        {REV(1), RR_PTR, "good.example", .ttl = 300},
        {"good.example", RR_A, "192.0.2.1", .ttl = 60},
        {REV(2), RR_PTR, "a\\013\\010b.example", .ttl = 300},
        {REV(3), RR_PTR, "a\\000b.example x\\034\\059.example ok.example", .ttl = 300},
        {"ok.example", RR_A, "192.0.2.3", .ttl = 300},
        {REV(4), RR_PTR, "CNAME 4.0/25.2.0.192.in-addr.arpa good4.example", .ttl = 300},
        {"4.0/25.2.0.192.in-addr.arpa", RR_PTR, "good4.example", .ttl = 300},
        {"good4.example", RR_A, "CNAME real4.example 192.0.2.4", .ttl = 300},
        {"real4.example", RR_A, "192.0.2.4", .ttl = 300},
        {REV(5), RR_PTR, NULL, .rcode = DNS_SERVFAIL},
        {REV(6), RR_PTR, NULL, .rcode = DNS_REFUSED},
        {REV(7), RR_PTR, NULL, .rcode = DNS_NOTIMP},
        {REV(8), RR_PTR, "bad8.example", .ttl = 300},
        {"bad8.example", RR_A, NULL, .rcode = DNS_SERVFAIL},
        {REV(9), RR_PTR, NULL, .manner = DNS_TRUNCATED},
        {REV(10), RR_PTR, "good10.example", .ttl = 300, .manner = DNS_DECOY},
        {"good10.example", RR_A, "192.0.2.10", .ttl = 300, .manner = DNS_DECOY},
        {REV(11), RR_PTR, "", .ttl = 300},
    };
    static const struct {
        const char *client;
        enum finding result, cause;
        unsigned published, names;
        const char *why;
    } row[] = {
        {"192.0.2.1", F_IPREV_PASS, F_NONE, 1, 1, "pass"},
        {"192.0.2.2", F_IPREV_FAIL, F_PTR_INVALID, 1, 0, "B1 CR LF in a label"},
        {"192.0.2.3", F_IPREV_PASS, F_NONE, 3, 1, "B2 B3 beside a good name"},
        {"192.0.2.4", F_IPREV_PASS, F_NONE, 1, 1, "B13 aliases on both sides"},
        {"192.0.2.5", F_IPREV_TEMPERROR, F_DNS_SERVFAIL, 0, 0, "B17 SERVFAIL"},
        {"192.0.2.6", F_IPREV_TEMPERROR, F_DNS_SERVFAIL, 0, 0, "B17 REFUSED"},
        {"192.0.2.7", F_IPREV_TEMPERROR, F_DNS_SERVFAIL, 0, 0, "B17 NOTIMP"},
        {"192.0.2.8", F_IPREV_TEMPERROR, F_DNS_SERVFAIL, 1, 1, "B17 SERVFAIL for the name"},
        {"192.0.2.9", F_IPREV_TEMPERROR, F_NONE, 0, 0, "B21 truncated, no TCP"},
        {"192.0.2.10", F_IPREV_PASS, F_NONE, 1, 1, "B40 answers to other questions"},
        {"192.0.2.11", F_IPREV_PERMERROR, F_PTR_MISSING, 0, 0, "B16 no record"},
        {"192.0.2.12", F_IPREV_PERMERROR, F_PTR_MISSING, 0, 0, "B16 no name"},
    };
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v);
    struct resolver_stats st;
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct lookup *l = ask_client(r, row[i].client, 1500);
        const struct chain *c = lookup_chain(l);

        cr_expect(lookup_done(l) && c->result == row[i].result, "%s (%s): %d", row[i].client,
                  row[i].why, c->result);
        cr_expect(c->cause == row[i].cause || row[i].result == F_IPREV_TEMPERROR, "%s: %d",
                  row[i].client, c->cause);
        cr_expect(c->published == row[i].published && c->names == row[i].names, "%s (%s): %u %u",
                  row[i].client, row[i].why, c->published, c->names);
        if (c->result == F_IPREV_TEMPERROR)
            cr_expect(c->ttl <= 5, "%s: a temperror lives %u s", row[i].client, c->ttl);
        lookup_release(l);
    }
    resolver_stats(r, &st);
    cr_expect(st.overloads == 0);
    end_both(r, v);
}

/* libunbound asks again for each alias: what leaves is at most five questions for each of ours. */
Test(resolve, B14_aliases_that_cost_a_question_each)
{
    enum { LENGTH = 12, CHAINS = 4 };
    static char name[CHAINS][LENGTH + 1][16], to[CHAINS][LENGTH][24];
    static const struct {
        const char *client;
        unsigned aliases;
        enum finding result;
    } row[] = {{"192.0.2.1", 3, F_IPREV_PASS},
               {"192.0.2.2", 4, F_IPREV_PASS},
               {"192.0.2.3", 5, F_IPREV_TEMPERROR}};
    struct dns_row rows[DNS_ROWS_MAX] = {
        {REV(1), RR_PTR, "n0-9.example", .ttl = 300},
        {REV(2), RR_PTR, "n0-8.example", .ttl = 300},
        {REV(3), RR_PTR, "n0-7.example", .ttl = 300},
        {REV(4), RR_PTR, "n0-0.example n1-0.example n2-0.example n3-0.example", .ttl = 300}};
    unsigned i, j, n = 4, sent = 0;
    struct dns_server *v;
    struct resolver *r;
    struct lookup *l;

    for (i = 0; i < CHAINS; i++)
        for (j = 0; j <= LENGTH; j++) {
            snprintf(name[i][j], sizeof name[i][j], "n%u-%u.example", i, j);
            if (j > 0)
                snprintf(to[i][j - 1], sizeof to[i][j - 1], "CNAME n%u-%u.example", i, j);
        }
    for (i = 0; i < CHAINS; i++)
        for (j = 0; j < LENGTH; j++)
            rows[n++] = (struct dns_row){name[i][j], RR_A, to[i][j], .ttl = 0};
    rows[n++] = (struct dns_row){name[0][LENGTH], RR_A, "192.0.2.1 192.0.2.2 192.0.2.3", .ttl = 0};
    v = dns_start(rows, n);
    r = start_at(v);
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        l = ask_client(r, row[i].client, 1500);
        cr_expect_eq(lookup_chain(l)->result, row[i].result, "%u aliases", row[i].aliases);
        lookup_release(l);
    }
    for (i = 0; i < n; i++)
        atomic_store(&v->asked[i], 0);
    l = ask_client(r, "192.0.2.4", 1500);
    cr_expect_eq(lookup_chain(l)->result, F_IPREV_TEMPERROR, "twelve aliases");
    lookup_release(l);
    for (i = 0; i < n; i++)
        sent += dns_asked(v, i);
    cr_expect_leq(sent, 1 + CHAINS * 5, "%u questions left", sent);
    end_both(r, v);
}

/* What libunbound has followed to an answer without data or SOA is not followed again. */
Test(resolve, B14_alias_of_nothing_is_asked_once)
{
    static const struct dns_row rows[] = {
        {REV(1), RR_PTR, "alias.example", .ttl = 300},
        {"alias.example", RR_A, "CNAME empty.example", .ttl = 300},
        {"empty.example", RR_A, "", .ttl = 300},
    };
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v);
    struct lookup *l = ask_client(r, "192.0.2.1", 1000);

    cr_expect_eq(lookup_chain(l)->cause, F_FORWARD_MISSING);
    cr_expect_eq(lookup_questions(l), 2, "%u questions", lookup_questions(l));
    lookup_release(l);
    end_both(r, v);
}

/* ---- time ---- */

Test(resolve, B19_grace_for_the_other_names)
{
    static const struct dns_row rows[] = {
        {REV(1), RR_PTR, "aaa.example good.example", .ttl = 300},
        {"aaa.example", RR_A, NULL, .manner = DNS_SILENT},
        {"good.example", RR_A, "192.0.2.1", .ttl = 300},
        {REV(2), RR_PTR, "slow.example good2.example", .ttl = 300},
        {"slow.example", RR_A, "192.0.2.2", .ttl = 300, .delay = 100},
        {"good2.example", RR_A, "192.0.2.2", .ttl = 300},
        {REV(3), RR_PTR, "servfail.example good3.example", .ttl = 300},
        {"servfail.example", RR_A, NULL, .rcode = DNS_SERVFAIL},
        {"good3.example", RR_A, "192.0.2.3", .ttl = 300, .delay = 100},
        {REV(4), RR_PTR, "aaa.example good4.example", .ttl = 300},
        {"good4.example", RR_A, "192.0.2.4", .ttl = 300},
    };
    static const struct {
        const char *client;
        unsigned from, to; /* ms */
        enum name_state first, second;
        const char *why;
    } row[] = {
        {"192.0.2.1", 245, 1200, NAME_TIMEOUT, NAME_CONFIRMED, "one silent: 250 ms, not 2 s"},
        {"192.0.2.2", 95, 1000, NAME_CONFIRMED, NAME_CONFIRMED, "one late: waits for it"},
        {"192.0.2.3", 95, 1200, NAME_CONFIRMED, NAME_SERVFAIL, "a match wins over trouble"},
    };
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v);
    struct resolver_stats st;
    struct lookup *l;
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        int64_t from = resolver_now();
        unsigned ms;
        const struct chain *c;
        enum name_state state[2] = {NAME_PENDING, NAME_PENDING};
        struct dname d;
        size_t cursor = 0;

        l = ask_client(r, row[i].client, 2000);
        ms = (unsigned)(resolver_now() - from);
        c = lookup_chain(l);
        cr_expect(c->result == F_IPREV_PASS && c->names == 2, "%s: %d", row[i].why, c->result);
        cr_expect(ms >= row[i].from && ms <= row[i].to, "%s: %u ms", row[i].why, ms);
        cr_expect(chain_next(c, &cursor, &d, &state[0]) && chain_next(c, &cursor, &d, &state[1]));
        cr_expect((state[0] == row[i].first || (i == 0 && state[0] == NAME_PENDING)) &&
                      state[1] == row[i].second,
                  "%s: %d %d", row[i].why, state[0], state[1]);
        cr_expect(c->ttl <= 5 || i == 1, "%s: TTL %u", row[i].why, c->ttl);
        lookup_release(l);
    }
    resolver_stats(r, &st);
    cr_expect(st.timeouts == 0, "the grace is no timeout");
    l = ask_client(r, "192.0.2.4", 150);
    cr_expect(lookup_chain(l)->result == F_IPREV_PASS && lookup_ms(l) < 245,
              "the deadline ends the grace, too: %u ms", lookup_ms(l));
    lookup_release(l);
    end_both(r, v);
}

/* An answer that never comes is a timeout, also when libunbound gives up first, and also while it
 * repeats the failure from its cache. What a server says is its failure, however late. */
Test(resolve, B17_B18_silence_is_no_servfail)
{
    static const struct dns_row rows[] = {
        {REV(1), RR_PTR, "silent.example", .ttl = 300},
        {REV(2), RR_PTR, "silent.example", .ttl = 300},
        {REV(3), RR_PTR, "failing.example", .ttl = 300},
        {REV(4), RR_PTR, "failing.example", .ttl = 300},
        {REV(5), RR_PTR, "refused.example", .ttl = 300},
        {REV(6), RR_PTR, "slow.example", .ttl = 300},
        {"silent.example", RR_A, NULL, .manner = DNS_SILENT},
        {"failing.example", RR_A, NULL, .rcode = DNS_SERVFAIL},
        {"refused.example", RR_A, NULL, .rcode = DNS_REFUSED},
        {"slow.example", RR_A, NULL, .rcode = DNS_SERVFAIL, .delay = 250},
    };
    static const struct {
        const char *client;
        enum finding cause;
        const char *why;
    } row[] = {
        {"192.0.2.1", F_DNS_TIMEOUT, "libunbound gives up before the deadline"},
        {"192.0.2.2", F_DNS_TIMEOUT, "and repeats it from its cache"},
        {"192.0.2.3", F_DNS_SERVFAIL, "the server says SERVFAIL"},
        {"192.0.2.4", F_DNS_SERVFAIL, "and libunbound repeats it"},
        {"192.0.2.5", F_DNS_SERVFAIL, "REFUSED"},
        {"192.0.2.6", F_DNS_SERVFAIL, "SERVFAIL, twice after 250 ms"},
    };
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v);
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct lookup *l = ask_client(r, row[i].client, 20000);

        cr_expect_eq(lookup_chain(l)->cause, row[i].cause, "%s", row[i].why);
        cr_expect(i == 0 || lookup_ms(l) < 2000, "%s: %u ms", row[i].why, lookup_ms(l));
        lookup_release(l);
    }
    end_both(r, v);
}

Test(resolve, B18_deadline)
{
    static const struct dns_row rows[] = {
        {"1.100.51.198.in-addr.arpa", RR_PTR, NULL, .manner = DNS_SILENT},
        {REV(2), RR_PTR, "silent.example", .ttl = 300},
        {"silent.example", RR_A, NULL, .manner = DNS_SILENT},
    };
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v);
    struct addr client = client_of("192.0.2.2");
    struct dname name = name_of("silent.example");
    struct resolver_stats st;
    unsigned i;

    for (i = 0; i < 2; i++) {
        int64_t from = resolver_now();
        struct lookup *l = ask_client(r, i == 0 ? "198.51.100.1" : "192.0.2.2", 800);
        unsigned ms = (unsigned)(resolver_now() - from);
        const struct chain *c = lookup_chain(l);

        cr_expect(ms >= 790 && ms <= 2000, "%u ms", ms);
        cr_expect(c->result == F_IPREV_TEMPERROR && c->cause == F_DNS_TIMEOUT);
        cr_expect(c->names == i, "the names are known: %u", c->names);
        cr_expect(lookup_ms(l) >= 600 && lookup_ms(l) <= 2000, "%u ms", lookup_ms(l));
        cr_expect_eq(lookup_questions(l), i + 1);
        lookup_release(l);
    }
    {
        struct lookup *l = resolver_ask_helo(r, &client, &name, resolver_now() + 100, NULL);

        cr_expect(!lookup_wait(l, resolver_now() + 20), "who waits for less is let go");
        cr_expect(lookup_wait(l, resolver_now() + 1000));
        cr_expect(lookup_forward(l) == NAME_TIMEOUT);
        lookup_release(l);
        l = resolver_ask_helo(r, &client, &name, resolver_now() - 1000, NULL);
        cr_expect(lookup_wait(l, resolver_now() + 300), "a deadline that has passed");
        lookup_release(l);
    }
    resolver_stats(r, &st);
    cr_expect(st.timeouts == 3, "%d", (int)st.timeouts);
    end_both(r, v);
}

struct traced {
    atomic_uint questions;
    atomic_uint servfails;
};

static void count_question(void *arg, const struct dname *name, enum rrtype type,
                           const struct answer *answer, unsigned ms)
{
    struct traced *t = arg;

    (void)name;
    (void)type;
    (void)ms;
    atomic_fetch_add(&t->questions, 1);
    if (answer->kind == ANSWER_SERVFAIL)
        atomic_fetch_add(&t->servfails, 1);
}

Test(resolve, B40_answer_after_the_end)
{
    static const struct dns_row rows[] = {
        {REV(1), RR_PTR, "late.example", .ttl = 300, .delay = 250},
        {REV(2), RR_PTR, "good.example", .ttl = 300},
        {"good.example", RR_A, "192.0.2.2", .ttl = 300},
        {REV(3), RR_PTR, NULL, .manner = DNS_SILENT},
    };
    struct traced traced = {0};
    struct resolver_trace trace = {.question = count_question, .arg = &traced};
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_traced(v, 1000, 1000, &trace);
    struct lookup *l = ask_client(r, "192.0.2.1", 80);
    struct resolver_stats st;
    unsigned i;

    cr_expect(lookup_chain(l)->cause == F_DNS_TIMEOUT);
    resolver_stats(r, &st);
    cr_expect(st.inflight == 1, "the question is still out");
    for (i = 0; i < 100 && (resolver_stats(r, &st), st.inflight > 0); i++)
        sleep_ms(50);
    cr_expect(st.inflight == 0, "and has come back");
    cr_expect(lookup_chain(l)->cause == F_DNS_TIMEOUT, "a finished lookup does not change");
    cr_expect(st.questions == 1, "and its names are not asked: %d", (int)st.questions);
    lookup_release(l);
    l = ask_client(r, "192.0.2.2", 1000);
    cr_expect(lookup_chain(l)->result == F_IPREV_PASS);
    lookup_release(l);
    lookup_release(ask_client(r, "192.0.2.3", 50));
    end_both(r, v);
    cr_expect(atomic_load(&traced.questions) == 3 && atomic_load(&traced.servfails) == 0,
              "what the end gives back is no answer: %u %u", atomic_load(&traced.questions),
              atomic_load(&traced.servfails));
}

Test(resolve, B23_ttl_is_over)
{
    static const struct dns_row rows[] = {
        {REV(1), RR_PTR, "one.example", .ttl = 1},
        {"one.example", RR_A, "192.0.2.1", .ttl = 300},
        {REV(2), RR_PTR, "zero.example", .ttl = 0},
        {"zero.example", RR_A, "192.0.2.2", .ttl = 300},
        {REV(3), RR_PTR, "long.example", .ttl = 0x7fffffff},
        {"long.example", RR_A, "192.0.2.3", .ttl = 0x80000001},
    };
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v);
    struct resolver_stats st;
    struct lookup *l;

    lookup_release(ask_client(r, "192.0.2.1", 1000));
    lookup_release(ask_client(r, "192.0.2.1", 1000));
    resolver_stats(r, &st);
    cr_expect(st.cache_hits == 1 && dns_asked(v, 0) == 1);
    sleep_ms(2100); /* libunbound's own cache counts whole seconds */
    lookup_release(ask_client(r, "192.0.2.1", 1000));
    resolver_stats(r, &st);
    cr_expect(st.cache_hits == 1 && dns_asked(v, 0) == 2, "asked anew");
    lookup_release(ask_client(r, "192.0.2.2", 1000));
    lookup_release(ask_client(r, "192.0.2.2", 1000));
    resolver_stats(r, &st);
    cr_expect(st.cache_hits == 1, "TTL 0 is not kept");
    l = ask_client(r, "192.0.2.3", 1000);
    cr_expect(lookup_chain(l)->ttl <= 86400, "%u", lookup_chain(l)->ttl);
    lookup_release(l);
    end_both(r, v);
}

/* What a HELO name says about 192.0.2.1. */
static enum name_state ask_helo(struct resolver *r, const char *text)
{
    struct addr client = client_of("192.0.2.1");
    struct dname name = name_of(text);
    struct lookup *l = resolver_ask_helo(r, &client, &name, resolver_now() + 1500, NULL);
    enum name_state forward;

    cr_assert(lookup_wait(l, resolver_now() + 3000));
    forward = lookup_forward(l);
    lookup_release(l);
    return forward;
}

/* A temperror is kept, but not for more than five seconds. */
Test(resolve, B17_B41_temperror_is_forgotten)
{
    static const struct dns_row bad[] = {{REV(1), RR_PTR, NULL, .rcode = DNS_SERVFAIL},
                                         {"helo.example", RR_A, NULL, .rcode = DNS_SERVFAIL}};
    static const struct dns_row good[] = {{REV(1), RR_PTR, "good.example", .ttl = 300},
                                          {"helo.example", RR_A, "192.0.2.1", .ttl = 300}};
    struct dns_server *v = DNS_START(bad);
    struct resolver *r = start_at(v);
    struct resolver_stats st;
    struct lookup *l;
    int i;

    for (i = 0; i < 2; i++) {
        l = ask_client(r, "192.0.2.1", 1500);
        cr_expect(lookup_chain(l)->cause == F_DNS_SERVFAIL);
        lookup_release(l);
    }
    resolver_stats(r, &st);
    cr_expect(st.cache_hits == 1, "kept for a moment");
    cr_expect_eq(ask_helo(r, "helo.example"), NAME_SERVFAIL);
    atomic_store(&v->stop, true);
    pthread_join(v->thread, NULL);
    v->row = good;
    atomic_store(&v->stop, false);
    cr_assert(pthread_create(&v->thread, NULL, dns_main, v) == 0);
    /* libunbound keeps it 5 to 6 s by itself; who asks in that time must not renew it. */
    sleep_ms(5050);
    lookup_release(ask_client(r, "192.0.2.1", 1500));
    ask_helo(r, "helo.example");
    sleep_ms(1300);
    cr_expect_eq(ask_helo(r, "helo.example"), NAME_CONFIRMED, "a HELO name, too");
    l = ask_client(r, "192.0.2.1", 1500);
    cr_expect(lookup_chain(l)->result == F_IPREV_FAIL, "%d", lookup_chain(l)->result);
    lookup_release(l);
    end_both(r, v);
}

/* ---- order ---- */

Test(resolve, B12_any_order_of_answers)
{
    static const char *const ptrs[] = {"e.example c.example a.example d.example b.example",
                                       "a.example b.example c.example d.example e.example",
                                       "b.example d.example e.example a.example c.example"};
    static const char *const names[] = {"a.example", "b.example", "c.example", "d.example",
                                        "e.example"};
    static const char *const addrs[] = {"192.0.2.9", "192.0.2.8 192.0.2.7", "", "192.0.2.6",
                                        "192.0.2.5"};
    struct chain first;
    unsigned round, i;

    memset(&first, 0, sizeof first);
    srand(7);
    for (round = 0; round < 9; round++) {
        struct dns_row rows[6] = {{REV(1), RR_PTR, ptrs[round % 3], .ttl = 300}};
        struct dns_server *v;
        struct resolver *r;
        struct lookup *l;
        const struct chain *c;

        for (i = 0; i < 5; i++)
            rows[i + 1] = (struct dns_row){names[i], RR_A, addrs[i], .ttl = 60 + i,
                                           .delay = (unsigned)rand() % 40};
        v = DNS_START(rows);
        r = start_at(v);
        l = ask_client(r, "192.0.2.1", 2000);
        c = lookup_chain(l);
        if (round == 0)
            memcpy(&first, c, chain_size(c));
        cr_expect(c->result == F_IPREV_FAIL && c->cause == F_FORWARD_MISMATCH && c->names == 5);
        cr_expect(memcmp(c, &first, chain_size(c)) == 0, "round %u differs", round);
        lookup_release(l);
        end_both(r, v);
    }
}
