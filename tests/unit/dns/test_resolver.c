/* resolve: chains and HELO names from a zone file and from a server that misbehaves.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>
#include <errno.h>

#include "tests/unit/dns/dns_shared.h"

#include <dirent.h>

/* Everything is answered from memory; the server address leads nowhere. */
static char nowhere[] = "127.0.0.1@9";
static char *nowhere_list[] = {nowhere};

static struct resolver_settings zone_settings(struct dns_files *f)
{
    return (struct resolver_settings){.forwards = 1,
                                      .forward = nowhere_list,
                                      .zone = f->file,
                                      .deadline_ms = 2000,
                                      .helo = true,
                                      .threads = 1,
                                      .max_inflight = 1000,
                                      .cache = 1000};
}

static struct resolver *start(const struct resolver_settings *s)
{
    char err[512] = "";
    struct resolver *r = resolver_start(s, NULL, err, sizeof err);

    cr_assert(r != NULL, "%s", err);
    return r;
}

static struct resolver *zone_resolver(struct dns_files *f, const char *zone)
{
    struct resolver_settings s;

    files_make(f, "zone", zone);
    s = zone_settings(f);
    return start(&s);
}

static void end(struct resolver *r)
{
    resolver_release(r);
    cr_expect(resolver_wait_ended(5000), "the resolver thread is still there");
}

static const char *shown_name(const struct chain *c, char text[DNAME_TEXT_MAX])
{
    struct dname d;
    struct sbuf sb;

    sbuf_init(&sb, text, DNAME_TEXT_MAX);
    if (chain_name(c, &d))
        dname_put(&sb, &d);
    return text;
}

/* ---- chains ---- */

static const char zone[] = "$TTL 300\n"
                           "$ORIGIN 2.0.192.in-addr.arpa.\n"
                           "@ SOA ns.example. host.example. 1 2 3 4 60\n"
                           "1 PTR good.example.\n"
                           "2 PTR elsewhere.example.\n"
                           "3 PTR nowhere.example.\n"
                           "4 PTR .\n"
                           "5 PTR localhost.\n"
                           "6 PTR one.example.\n  PTR two.example.\n"
                           "8 TXT \"no PTR here\"\n"
                           "9 PTR text.example.\n"
                           "20 CNAME 20.0/25\n20.0/25 PTR good20.example.\n"
                           "21 CNAME 21.gone\n"
                           "22 60 CNAME 22.0/25\n22.0/25 900 PTR good22.example.\n"
                           "$ORIGIN 8.b.d.0.1.0.0.2.ip6.arpa.\n"
                           "@ SOA ns.example. host.example. 1 2 3 4 60\n"
                           "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR six.example.\n"
                           "2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR good.example.\n"
                           "$ORIGIN example.\n"
                           "@ SOA ns.example. host.example. 1 2 3 4 60\n"
                           "good A 192.0.2.1\n"
                           "elsewhere A 192.0.2.99\n"
                           "one A 192.0.2.99\ntwo A 192.0.2.6\n"
                           "text TXT \"no address\"\n"
                           "good20 A 192.0.2.20\ngood22 CNAME alias22\nalias22 600 A 192.0.2.22\n"
                           "six AAAA 2001:db8::1\nsix A 192.0.2.1\n"
                           "multi A 192.0.2.98\nmulti A 192.0.2.1\n";

Test(resolve, chain_of_each_kind)
{
    static const struct {
        const char *client;
        enum finding result, cause;
        unsigned names;
        const char *name;
        uint32_t ttl;
        const char *why;
    } row[] = {
        {"192.0.2.1", F_IPREV_PASS, F_NONE, 1, "good.example", 300, "RFC 8601 2.7.3 pass"},
        {"192.0.2.2", F_IPREV_FAIL, F_FORWARD_MISMATCH, 1, "elsewhere.example", 300, "2.7.3 fail"},
        {"192.0.2.3", F_IPREV_FAIL, F_FORWARD_MISSING, 1, "nowhere.example", 60, "B16 NXDOMAIN"},
        {"192.0.2.9", F_IPREV_FAIL, F_FORWARD_MISSING, 1, "text.example", 60, "B16 NODATA"},
        {"192.0.2.4", F_IPREV_FAIL, F_PTR_INVALID, 0, "", 300, "B8 root"},
        {"192.0.2.5", F_IPREV_FAIL, F_PTR_INVALID, 0, "", 300, "B9 one label"},
        {"192.0.2.6", F_IPREV_PASS, F_NONE, 2, "two.example", 300, "one of two confirms"},
        {"192.0.2.7", F_IPREV_PERMERROR, F_PTR_MISSING, 0, "", 60, "B16 NXDOMAIN for PTR"},
        {"192.0.2.8", F_IPREV_PERMERROR, F_PTR_MISSING, 0, "", 60, "B16 NODATA for PTR"},
        {"192.0.2.20", F_IPREV_PASS, F_NONE, 1, "good20.example", 300, "B13 RFC 2317 alias"},
        {"192.0.2.21", F_IPREV_PERMERROR, F_PTR_MISSING, 0, "", 60, "alias of nothing"},
        {"192.0.2.22", F_IPREV_PASS, F_NONE, 1, "good22.example", 60, "the alias lives 60 s"},
        {"2001:db8::1", F_IPREV_PASS, F_NONE, 1, "six.example", 300, "IPv6"},
        {"2001:db8::2", F_IPREV_FAIL, F_FORWARD_MISSING, 1, "good.example", 60, "A is not AAAA"},
    };
    char text[DNAME_TEXT_MAX];
    struct dns_files f;
    struct resolver *r = zone_resolver(&f, zone);
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct lookup *l = ask_client(r, row[i].client, 2000);
        const struct chain *c = lookup_chain(l);

        cr_expect(lookup_done(l), "%s: not done", row[i].client);
        cr_expect(c->result == row[i].result && c->cause == row[i].cause, "%s (%s): %d %d",
                  row[i].client, row[i].why, c->result, c->cause);
        cr_expect(c->names == row[i].names, "%s: %u names", row[i].client, c->names);
        cr_expect_str_eq(shown_name(c, text), row[i].name, "%s", row[i].client);
        cr_expect(c->ttl == row[i].ttl, "%s (%s): TTL %u", row[i].client, row[i].why, c->ttl);
        lookup_release(l);
    }
    end(r);
    files_remove(&f);
}

Test(resolve, B14_alias_chains)
{
    static const struct {
        const char *client;
        enum finding result;
        unsigned questions;
    } row[] = {{"192.0.2.1", F_IPREV_TEMPERROR, 9}, /* a loop */
               {"192.0.2.2", F_IPREV_TEMPERROR, 1}, /* an alias of itself */
               {"192.0.2.3", F_IPREV_PASS, 10},     /* 8 aliases */
               {"192.0.2.4", F_IPREV_TEMPERROR, 9}, /* 9 */
               {"192.0.2.5", F_IPREV_PASS, 11},     /* ten names, one of them no alias */
               {"192.0.2.6", F_IPREV_PASS, 12},     /* two, with 4 and 5 aliases */
               {"192.0.2.7", F_IPREV_PASS, 19},     /* three with 5 each */
               {"192.0.2.8", F_IPREV_TEMPERROR, 19} /* three with 6 each: one too many for each */};
    static const struct {
        const char *name;
        enum name_state forward;
        unsigned questions;
    } helo[] = {{"t6.example", NAME_CONFIRMED, 3}, /* two aliases */
                {"t5.example", NAME_CONFIRMED, 4}, /* three */
                {"t4.example", NAME_SERVFAIL, 4} /* four */};
    static const char loops[] =
        "$TTL 300\n$ORIGIN 2.0.192.in-addr.arpa.\n"
        "1 CNAME 1b\n1b CNAME 1\n2 CNAME 2\n"
        "3 CNAME c2\n4 CNAME c1\nc1 CNAME c2\nc2 CNAME c3\nc3 CNAME c4\n"
        "c4 CNAME c5\nc5 CNAME c6\nc6 CNAME c7\nc7 CNAME c8\nc8 CNAME c9\n"
        "c9 PTR good.example.\ngood.example. A 192.0.2.3\n"
        "good.example. A 192.0.2.4\n"
        "5 PTR a.example.\n5 PTR b.example.\n5 PTR c.example.\n"
        "5 PTR d.example.\n5 PTR e.example.\n5 PTR f.example.\n"
        "5 PTR g.example.\n5 PTR h.example.\n5 PTR i.example.\n"
        "5 PTR j.example.\nj.example. A 192.0.2.5\n"
        "a.example. CNAME t1.example.\n"
        "b.example. CNAME t1.example.\n"
        "c.example. CNAME t1.example.\n"
        "d.example. CNAME t1.example.\n"
        "e.example. CNAME t1.example.\n"
        "f.example. CNAME t1.example.\n"
        "g.example. CNAME t1.example.\n"
        "h.example. CNAME t1.example.\n"
        "i.example. CNAME t1.example.\n"
        "t1.example. CNAME t2.example.\nt2.example. CNAME t3.example.\n"
        "t3.example. CNAME t4.example.\n"
        "6 PTR t4.example.\n6 PTR u.example.\nu.example. CNAME t4.example.\n"
        "t4.example. CNAME t5.example.\nt5.example. CNAME t6.example.\n"
        "t6.example. CNAME t7.example.\nt7.example. CNAME t8.example.\n"
        "t8.example. A 192.0.2.6\nt8.example. A 192.0.2.7\n"
        "7 PTR a7.example.\n7 PTR b7.example.\n7 PTR c7.example.\n"
        "a7.example. CNAME t4.example.\nb7.example. CNAME t4.example.\n"
        "c7.example. CNAME t4.example.\n"
        "8 PTR a8.example.\n8 PTR b8.example.\n8 PTR c8.example.\n"
        "a8.example. CNAME t3.example.\nb8.example. CNAME t3.example.\n"
        "c8.example. CNAME t3.example.\n";
    struct dns_files f;
    struct resolver *r = zone_resolver(&f, loops);
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct lookup *l = ask_client(r, row[i].client, 2000);

        cr_expect(lookup_done(l) && lookup_chain(l)->result == row[i].result, "%s: %d",
                  row[i].client, lookup_chain(l)->result);
        cr_expect_eq(lookup_questions(l), row[i].questions, "%s: %u questions", row[i].client,
                     lookup_questions(l));
        lookup_release(l);
    }
    for (i = 0; i < sizeof helo / sizeof helo[0]; i++) {
        struct addr a = client_of("192.0.2.6");
        struct dname d = name_of(helo[i].name);
        struct lookup *l = resolver_ask_helo(r, &a, &d, resolver_now() + 2000, NULL);

        cr_expect(lookup_wait(l, resolver_now() + 3000));
        cr_expect_eq(lookup_forward(l), helo[i].forward, "%s", helo[i].name);
        cr_expect_eq(lookup_questions(l), helo[i].questions, "%s", helo[i].name);
        lookup_release(l);
    }
    end(r);
    files_remove(&f);
}

/* ---- HELO names ---- */

Test(resolve, helo_names)
{
    static const struct {
        const char *client, *helo;
        enum name_state forward;
    } row[] = {{"192.0.2.1", "good.example", NAME_CONFIRMED},
               {"192.0.2.1", "multi.example", NAME_CONFIRMED},
               {"192.0.2.1", "elsewhere.example", NAME_ELSEWHERE},
               {"192.0.2.2", "good.example", NAME_ELSEWHERE},
               {"192.0.2.1", "nowhere.example", NAME_NOWHERE},
               {"192.0.2.1", "text.example", NAME_NOWHERE},
               {"192.0.2.22", "good22.example", NAME_CONFIRMED},
               {"2001:db8::1", "six.example", NAME_CONFIRMED},
               {"2001:db8::1", "good.example", NAME_NOWHERE}};
    struct dns_files f;
    struct resolver *r = zone_resolver(&f, zone);
    struct resolver_stats st;
    size_t i, round;

    for (round = 0; round < 2; round++)
        for (i = 0; i < sizeof row / sizeof row[0]; i++) {
            struct addr a = client_of(row[i].client);
            struct dname d = name_of(row[i].helo);
            struct lookup *l = resolver_ask_helo(r, &a, &d, resolver_now() + 2000, NULL);

            cr_expect(lookup_wait(l, resolver_now() + 3000), "%s: not done", row[i].helo);
            cr_expect(lookup_forward(l) == row[i].forward, "%s %s: %d", row[i].client, row[i].helo,
                      lookup_forward(l));
            lookup_release(l);
        }
    resolver_stats(r, &st);
    cr_expect(st.lookups == 18 && st.cache_hits == 9, "each again from the cache: %d %d",
              (int)st.lookups, (int)st.cache_hits);
    end(r);
    files_remove(&f);
}

/* ---- start ---- */

Test(resolve, E19_start_faults)
{
    static char bad_server[] = "not-an-address", no_file[] = "/nonexistent/file", no_zone[] = "/";
    static char *bad_list[] = {bad_server};
    static const struct {
        struct resolver_settings s;
        const char *told;
        int error;
    } row[] = {
        {{.forwards = 1, .forward = bad_list}, "resolver settings", EINVAL},
        {{.forwards = 1, .forward = nowhere_list, .zone = no_file}, "/nonexistent/file", ENOENT},
        {{.forwards = 1, .forward = nowhere_list, .zone = no_zone}, "/:1: ", EINVAL},
        {{.forwards = 1, .forward = nowhere_list, .trust_anchor = no_file}, "trust anchor", EINVAL},
        {{.root = true, .trust_anchor = no_file}, "trust anchor", EINVAL},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct resolver_settings s = row[i].s;
        char err[512] = "";

        s.threads = 2;
        s.max_inflight = 100;
        errno = EMFILE; /* of something else */
        cr_expect(resolver_start(&s, NULL, err, sizeof err) == NULL, "row %zu", i);
        cr_expect(errno == row[i].error, "row %zu: %s", i, strerror(errno));
        cr_expect(strstr(err, row[i].told) != NULL, "row %zu: %s", i, err);
    }
    cr_expect(resolver_wait_ended(5000));
}

Test(resolve, more_threads_than_questions)
{
    struct dns_files f;
    struct resolver_settings s;
    struct resolver *r;
    unsigned i;

    files_make(&f, "zone", zone);
    s = zone_settings(&f);
    s.threads = 16;
    s.max_inflight = 10;
    r = start(&s);
    cr_expect(resolver_alive(r));
    for (i = 1; i < 10; i++) {
        char client[32];
        struct lookup *l;

        snprintf(client, sizeof client, "192.0.2.%u", i);
        l = ask_client(r, client, 2000);
        cr_expect(lookup_chain(l)->cause != F_DNS_OVERLOAD, "%s", client);
        lookup_release(l);
    }
    end(r);
    files_remove(&f);
}

/* ---- the cache ---- */

Test(resolve, cache_hit)
{
    struct dns_files f;
    struct resolver *r = zone_resolver(&f, zone);
    struct lookup *a = ask_client(r, "192.0.2.1", 2000), *b;
    struct resolver_stats st;

    resolver_stats(r, &st);
    cr_expect(st.questions == 2 && st.cached == 1 && st.inflight == 0);
    b = ask_client(r, "192.0.2.1", 2000);
    cr_expect(a == b, "the same lookup");
    resolver_stats(r, &st);
    cr_expect(st.lookups == 2 && st.cache_hits == 1 && st.questions == 2 && st.cached == 1);
    lookup_release(a);
    lookup_release(b);
    end(r);
    files_remove(&f);
}

static unsigned cached_after_many(unsigned cache)
{
    struct dns_files f;
    struct resolver_settings s;
    struct resolver *r;
    struct resolver_stats st;
    unsigned i;

    files_make(&f, "zone", zone);
    s = zone_settings(&f);
    s.cache = cache;
    r = start(&s);
    for (i = 0; i < 1000; i++) {
        char client[32];
        struct lookup *l;

        snprintf(client, sizeof client, "192.0.2.%u", i % 250);
        l = ask_client(r, client, 2000);
        cr_expect(lookup_chain(l)->result ==
                  (i % 250 == 1 ? F_IPREV_PASS : lookup_chain(l)->result));
        lookup_release(l);
    }
    resolver_stats(r, &st);
    end(r);
    files_remove(&f);
    return st.cached;
}

Test(resolve, cache_bound)
{
    cr_expect(cached_after_many(0) == 0, "0 remembers nothing");
    cr_expect(cached_after_many(32) >= 64 && cached_after_many(32) < 125, "half a kilobyte each");
    cr_expect(cached_after_many(10000) == 250, "room for all");
}

/* The longest unused goes first: what is asked again and again stays. */
Test(resolve, cache_keeps_the_used)
{
    struct dns_files f;
    struct resolver_settings s;
    struct resolver *r;
    struct resolver_stats before, after;
    unsigned i;

    files_make(&f, "zone", zone);
    s = zone_settings(&f);
    s.cache = 10; /* room for some thirty of them */
    r = start(&s);
    lookup_release(ask_client(r, "192.0.2.1", 2000));
    resolver_stats(r, &before);
    for (i = 0; i < 250; i++) {
        char client[32];

        snprintf(client, sizeof client, "192.0.2.%u", i);
        lookup_release(ask_client(r, client, 2000));
        lookup_release(ask_client(r, "192.0.2.1", 2000));
    }
    resolver_stats(r, &after);
    cr_expect(after.cache_hits - before.cache_hits == 251, "%d hits",
              (int)(after.cache_hits - before.cache_hits));
    end(r);
    files_remove(&f);
}

static unsigned descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    unsigned n = 0;

    cr_assert_not_null(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

/* Each reload ends one resolver and starts another. The first start leaves what the libraries keep.
 */
Test(resolve, an_ended_resolver_leaves_nothing_open)
{
    static const struct dns_row rows[] = {
        {"1.2.0.192.in-addr.arpa", RR_PTR, "mail.good.example", .ttl = 300},
        {"mail.good.example", RR_A, "192.0.2.1", .ttl = 300},
    };
    struct dns_server *v = DNS_START(rows);
    unsigned before = 0, i;

    for (i = 0; i < 3; i++) {
        struct resolver *r = start_at(v);
        struct lookup *l = ask_client(r, "192.0.2.1", 3000);

        cr_expect_eq(lookup_chain(l)->result, F_IPREV_PASS);
        lookup_release(l);
        resolver_release(r);
        cr_assert(resolver_wait_ended(10000));
        if (i == 0)
            before = descriptors();
    }
    cr_expect_eq(descriptors(), before, "%u, and %u after the first", descriptors(), before);
    dns_stop(v);
}
