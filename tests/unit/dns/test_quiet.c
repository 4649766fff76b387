/* quiet: zones that are silent are not asked for each of their clients.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "dns/quiet.h"
#include "tests/unit/dns/dns_shared.h"

#define HOUR 3600000

/* "t=MS": what follows happens then. A, P, D and a letter: the name is asked, must be parked, must
 * be denied; what is asked goes out. h, r, s, n, c and a letter: it comes back heard, refused, in
 * silence, with nobody answered, from the cache. */
static void play(int64_t start, const char *steps, const char *why)
{
    static struct quiet q;
    struct quiet_place z = {NULL, NULL, false};
    int64_t now = start, asked[128];
    const char *p;

    memset(&q, 0, sizeof q);
    z.near = quiet_find(&q, 77, now);
    for (p = steps; *p != '\0'; p += 2 + (p[2] == ' ')) {
        static const char ends[] = "hrsnc";
        uint64_t name;

        if (*p == 't') {
            char *end;

            now = start + strtol(p + 2, &end, 10);
            p = end - 1;
            continue;
        }
        name = (uint64_t)p[1];
        cr_assert_eq(quiet_find(&q, 77, now), z.near);
        if (strchr(ends, *p) != NULL) {
            quiet_over(&q, z, name, asked[name], (enum quiet_end)(strchr(ends, *p) - ends), now);
            continue;
        }
        cr_expect_eq(quiet_may_ask(&q, z, name, now),
                     *p == 'A'   ? QUIET_ASK
                     : *p == 'P' ? QUIET_PARK
                                 : QUIET_DENY,
                     "%s: at \"%s\"", why, p);
        if (*p == 'A')
            quiet_asked(&q, &z, asked[name] = now);
    }
}

Test(quiet, what_a_zone_is_asked)
{
    static const struct {
        const char *steps, *why;
    } row[] = {
        {"Aa t=499 Ab t=500 Pc t=4999 Pc", "another one waits once the first takes long"},
        {"Aa t=800 ha Ab Ac t=5000 Ad", "it was heard: all are asked"},
        {"Aa t=800 ra Ab t=1299 Ac t=1300 Pd", "a failure that a server tells is no silence"},
        {"Aa t=100 Ab t=400 ra t=899 Ac t=900 Pd", "as for the other that is out"},
        {"Aa t=5000 sa Db t=19999 Db t=20000 Ab Dc", "in vain: left alone, then one tries"},
        {"Aa t=5000 sa t=20000 Da t=34999 Da t=35000 Aa", "who was in vain lets others try first"},
        {"Aa t=5000 sa t=20000 Ab t=25000 sb t=39999 Dc t=40000 Ac", "in vain again"},
        {"Aa t=5000 sa t=20000 Ab t=20050 hb Ac Ad", "it is back"},
        {"Aa t=5000 sa t=20000 Ab t=20050 rb Ac Ad",
         "somebody says at once that it fails: no harm"},
        {"Aa t=10 ha Aa t=5010 sa Ab Aa t=10010 sa t=30000 Ac", "one dead name says nothing"},
        {"Aa t=10 ha Aa t=5010 sa Ab t=10010 sb Dc t=25010 Ac", "two dead names do"},
        {"Aa t=10 ha Aa t=5010 sa Ab t=5020 hb Ac t=10020 sc Ad", "not with an answer in between"},
        {"Aa t=10 ha t=599509 Ab t=600009 Ac", "heard within ten minutes"},
        {"Aa t=10 ha t=599510 Ab t=600010 Pc", "ten minutes ago"},
        {"Aa t=5000 na Ab Ac", "nobody was answered: it is the forwarder"},
        {"Aa t=600 Pb t=700 na Ab", "then the next may try"},
        {"Aa t=10 ca t=700 Ab", "an answer from the cache has asked nobody"},
        {"Aa t=100 Ab cb t=599 Pc", "and tells nothing of who is out"},
        {"Aa Ab Ac t=400 ha t=5000 sb sc Ad", "it was heard while these were out"},
        {"Aa t=400 Ab Ac ha t=5000 sb sc Dd", "it was heard just before they went out"},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        play(HOUR, row[i].steps, row[i].why);
        play(1000, row[i].steps, "just after the machine has started");
    }
}

/* What comes back after the count of its tenth of a second has been given to another. */
Test(quiet, a_question_that_is_back_late)
{
    static const int64_t late = QUIET_HANGS * 100;
    static struct quiet q;
    struct quiet_place one = {NULL, NULL, false}, two = {NULL, NULL, false};
    size_t slot = HOUR / 100 % QUIET_HANGS;

    one.near = quiet_find(&q, 77, HOUR);
    two.near = quiet_find(&q, 78, HOUR);
    quiet_asked(&q, &one, HOUR);
    cr_expect(q.sent[slot].open == 1 && q.sent[slot].strangers == 1 && q.sent[slot].vain == 1);
    quiet_asked(&q, &two, HOUR + late);
    cr_expect(q.sent[slot].open == 1 && q.sent[slot].strangers == 1, "it is begun anew");
    quiet_over(&q, one, 1, HOUR, QUIET_HEARD, HOUR + late);
    cr_expect(q.sent[slot].open == 1 && q.sent[slot].vain == 1, "the second is still out");
    quiet_over(&q, two, 2, HOUR + late, QUIET_HEARD, HOUR + late);
    cr_expect(q.sent[slot].open == 0 && q.sent[slot].vain == 0 && q.sent[slot].strangers == 1);
}

/* Zones that share a place: the one longest ago goes, none that has questions out does. */
Test(quiet, a_full_place)
{
    static struct quiet q;
    struct quiet_zone *z[9];
    uint64_t i;

    for (i = 0; i < 8; i++) {
        z[i] = quiet_find(&q, i * QUIET_ZONES * 2, (int64_t)(100 + i));
        cr_assert(z[i] != NULL);
        quiet_asked(&q, &(struct quiet_place){z[i], NULL, false}, (int64_t)(100 + i));
    }
    cr_expect(quiet_find(&q, 8 * QUIET_ZONES * 2, 200) == NULL, "all have questions out");
    cr_expect(quiet_find(&q, 8 * QUIET_ZONES * 2 + 8, 200) != NULL, "another place");
    for (i = 8; i-- > 0;)
        cr_expect_eq(quiet_find(&q, i * QUIET_ZONES * 2, 208 - (int64_t)i), z[i], "found again");
    for (i = 2; i <= 6; i += 2)
        quiet_over(&q, (struct quiet_place){z[i], NULL, false}, 1, 102, QUIET_HEARD, 210);
    z[6]->parked = (struct query *)&q; /* only whether there is one counts */
    z[8] = quiet_find(&q, 8 * QUIET_ZONES * 2, 211);
    cr_expect_eq(z[8], z[4], "looked for before the second, and nobody waits as for the sixth");
    cr_expect(z[8]->heard == 0 && z[8]->open == 0, "it begins anew");
}

/* ---- with a resolver ---- */

static const struct dns_row rows[] = {
    {"1.100.51.198.in-addr.arpa", RR_PTR, NULL, .rcode = DNS_NXDOMAIN},
    {"2.100.51.198.in-addr.arpa", RR_PTR, NULL, .rcode = DNS_NXDOMAIN},
    {"1.0.51.198.in-addr.arpa", RR_PTR, NULL, .manner = DNS_SILENT},
    {"2.0.51.198.in-addr.arpa", RR_PTR, NULL, .manner = DNS_SILENT},
    {"1.2.0.192.in-addr.arpa", RR_PTR, "slow.example", .ttl = 300, .delay = 800},
    {"slow.example", RR_A, "192.0.2.1", .ttl = 300},
    {"2.2.0.192.in-addr.arpa", RR_PTR, NULL, .rcode = DNS_NXDOMAIN},
    {"3.0.51.198.in-addr.arpa", RR_PTR, "neighbour.example", .ttl = 300},
    {"1.18.198.in-addr.arpa", RR_PTR, "one.dead.example", .ttl = 300},
    {"1.1.18.198.in-addr.arpa", RR_PTR, "one.dead.example", .ttl = 300},
    {"1.2.18.198.in-addr.arpa", RR_PTR, "two.dead.example", .ttl = 300},
    {"one.dead.example", RR_A, NULL, .manner = DNS_SILENT},
    {"two.dead.example", RR_A, NULL, .manner = DNS_SILENT},
    {"mail.alive.example", RR_A, "198.18.2.1", .ttl = 300},
};

static struct resolver *start_with(struct dns_server *v, unsigned deadline_ms)
{
    char *forward[] = {v->address};
    struct resolver_settings s = {.forwards = 1,
                                  .forward = forward,
                                  .deadline_ms = deadline_ms,
                                  .threads = 1,
                                  .max_inflight = 100,
                                  .cache = 1000};
    char err[512] = "";
    struct resolver *r = resolver_start(&s, NULL, err, sizeof err);

    cr_assert(r != NULL, "%s", err);
    return r;
}

static struct lookup *begin(struct resolver *r, const char *client, unsigned deadline_ms)
{
    struct addr a = client_of(client);

    return resolver_ask_client(r, &a, resolver_now() + deadline_ms, NULL);
}

static void ends_as(struct lookup *l, enum finding result, enum finding cause, const char *why)
{
    cr_expect(lookup_wait(l, resolver_now() + 3000), "%s", why);
    cr_expect(lookup_chain(l)->result == result && lookup_chain(l)->cause == cause, "%s: %d", why,
              lookup_chain(l)->cause);
    lookup_release(l);
}

/* Its second client waits for the first, the third is told at once; nobody else suffers, not even
 * in the same /16, of which it is the first /24. */
Test(resolve, B24_a_dead_zone_is_asked_once)
{
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_with(v, 1000);
    struct lookup *one = begin(r, "198.51.0.1", 1000), *two, *three;
    struct resolver_stats st;
    int64_t from;

    sleep_ms(600);
    two = begin(r, "198.51.0.2", 1000);
    ends_as(begin(r, "198.51.100.1", 1000), F_IPREV_PERMERROR, F_PTR_MISSING, "another network");
    resolver_stats(r, &st);
    cr_expect(st.inflight == 2 && dns_asked(v, 3) == 0, "it waits, and counts: %u", st.inflight);
    ends_as(one, F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "in vain");
    sleep_ms(1500); /* libunbound gives up after six first waits at most */
    from = resolver_now();
    ends_as(two, F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "the second");
    three = begin(r, "198.51.0.3", 1000);
    ends_as(three, F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "the third");
    cr_expect(resolver_now() - from < 500, "at once");
    cr_expect(dns_asked(v, 3) == 0 && dns_asked(v, 7) == 0, "neither was asked");
    ends_as(begin(r, "198.51.100.2", 1000), F_IPREV_PERMERROR, F_PTR_MISSING, "another network");
    resolver_stats(r, &st);
    cr_expect_eq(st.inflight, 0);
    end_both(r, v);
}

/* Where only dead zones are asked, silence could be the forwarder's: what waited does not go out
 * even then. */
Test(resolve, B24_a_dead_zone_alone_is_asked_once)
{
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_with(v, 1000);
    struct lookup *one = begin(r, "198.51.0.1", 1000), *two;

    sleep_ms(600);
    two = begin(r, "198.51.0.2", 6000);
    ends_as(one, F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "in vain");
    ends_as(two, F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "the second");
    cr_expect_eq(dns_asked(v, 3), 0, "it was not asked");
    end_both(r, v);
}

/* What waited goes out as soon as the zone is heard. */
Test(resolve, B24_a_slow_zone_is_waited_for)
{
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_with(v, 2400);
    struct lookup *one = begin(r, "192.0.2.1", 2400), *two;

    sleep_ms(600);
    two = begin(r, "192.0.2.2", 2400);
    sleep_ms(100);
    ends_as(begin(r, "192.0.3.1", 500), F_IPREV_PERMERROR, F_PTR_MISSING, "another in the /16");
    cr_expect_eq(dns_asked(v, 6), 0, "it waits");
    ends_as(one, F_IPREV_PASS, F_NONE, "slow");
    ends_as(two, F_IPREV_PERMERROR, F_PTR_MISSING, "the second");
    cr_expect_eq(dns_asked(v, 6), 1);
    end_both(r, v);
}

/* The zone of a name is its registrable domain. */
Test(resolve, B24_a_dead_zone_of_names)
{
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_with(v, 1000);
    struct lookup *one = begin(r, "198.18.1.1", 1000);
    struct dname dead = name_of("two.dead.example"), alive = name_of("mail.alive.example");
    struct addr client = client_of("198.18.2.1");
    struct lookup *l;

    sleep_ms(600);
    ends_as(begin(r, "198.51.100.1", 1000), F_IPREV_PERMERROR, F_PTR_MISSING, "somebody is heard");
    ends_as(one, F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "in vain");
    sleep_ms(300);
    ends_as(begin(r, "198.18.2.1", 1000), F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "the same domain");
    l = resolver_ask_helo(r, &client, &dead, resolver_now() + 1000, NULL);
    cr_expect(lookup_wait(l, resolver_now() + 300) && lookup_forward(l) == NAME_TIMEOUT);
    lookup_release(l);
    cr_expect_eq(dns_asked(v, 12), 0, "not asked");
    l = resolver_ask_helo(r, &client, &alive, resolver_now() + 1000, NULL);
    cr_expect(lookup_wait(l, resolver_now() + 900) && lookup_forward(l) == NAME_CONFIRMED);
    lookup_release(l);
    end_both(r, v);
}

/* Clients of 20.0.0.0/16, a /24 each, beside a few others: some more than may hang. */
#define HANGING 90
#define ZEROS   "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."

enum { WAITS = 2, NEXT };

#define NO_NAME(name)                                                                              \
    {                                                                                              \
        name, RR_PTR, NULL, .rcode = DNS_NXDOMAIN                                                  \
    }
#define OTHERS                                                                                     \
    NO_NAME("1.1.18.198.in-addr.arpa"), NO_NAME("2.2.18.198.in-addr.arpa"),                        \
        NO_NAME("1.100.51.198.in-addr.arpa"), NO_NAME("1.99.51.198.in-addr.arpa"),                 \
        NO_NAME("1." ZEROS "1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"),                                    \
        NO_NAME("1." ZEROS "2.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa")

static const struct dns_row silent_rows[] = {OTHERS, {"*", RR_PTR, NULL, .manner = DNS_SILENT}};
static const struct dns_row late_rows[] = {
    OTHERS, {"*", RR_PTR, NULL, .rcode = DNS_NXDOMAIN, .delay = 900}};

static void begin_crowd(struct resolver *r, struct lookup **l, unsigned deadline_ms)
{
    unsigned i;

    for (i = 0; i < HANGING; i++) {
        char client[32];

        snprintf(client, sizeof client, "20.0.%u.1", i);
        l[i] = begin(r, client, deadline_ms);
    }
    sleep_ms(320);
}

/* Nobody else of the dead network is asked; of others one at a time, until it is known. */
Test(resolve, B24_strangers_wait_while_many_questions_hang)
{
    struct dns_server *v = DNS_START(silent_rows);
    struct resolver *r = start_with(v, 2500);
    struct lookup *l[HANGING], *waits, *dead;
    struct resolver_stats st;
    unsigned i;

    begin_crowd(r, l, 2500);
    dead = begin(r, "20.0.200.1", 1000);
    ends_as(begin(r, "198.18.1.1", 300), F_IPREV_PERMERROR, F_PTR_MISSING, "one is let in");
    waits = begin(r, "198.51.100.1", 2000);
    ends_as(begin(r, "198.18.2.2", 300), F_IPREV_PERMERROR, F_PTR_MISSING, "its /16 is known now");
    resolver_stats(r, &st);
    cr_expect_eq(st.inflight, HANGING + 2, "two wait: %u", st.inflight);
    cr_expect_eq(dns_asked(v, WAITS), 0, "and are not asked");
    sleep_ms(200);
    ends_as(begin(r, "198.51.99.1", 500), F_IPREV_PERMERROR, F_PTR_MISSING, "the next let in");
    ends_as(waits, F_IPREV_PERMERROR, F_PTR_MISSING, "takes who waited in the same /16 along");
    ends_as(dead, F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "this one waits in vain");
    sleep_ms(200);
    ends_as(begin(r, "2001:db8:1::1", 500), F_IPREV_PERMERROR, F_PTR_MISSING, "let in");
    ends_as(begin(r, "2001:db8:2::1", 500), F_IPREV_PERMERROR, F_PTR_MISSING, "the same /32");
    ends_as(begin(r, "192.0.2.1", 50), F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "waits to the very end");
    for (i = 0; i < HANGING; i++)
        ends_as(l[i], F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "in vain");
    end_both(r, v);
}

/* A stranger who was let in is judged to the end: its name is no second stranger. */
Test(resolve, B24_a_stranger_has_its_name_asked)
{
    static const struct dns_row with_name[] = {
        {"1.97.51.198.in-addr.arpa", RR_PTR, "mail.fresh.example", .ttl = 300},
        {"mail.fresh.example", RR_A, "198.51.97.1", .ttl = 300},
        {"1.1.18.198.in-addr.arpa", RR_PTR, NULL, .rcode = DNS_NXDOMAIN},
        {"1.96.51.198.in-addr.arpa", RR_PTR, "one.still.example", .ttl = 300},
        {"1.95.51.198.in-addr.arpa", RR_PTR, "two.still.example", .ttl = 300},
        {"one.still.example", RR_A, NULL, .manner = DNS_SILENT},
        {"two.still.example", RR_A, NULL, .manner = DNS_SILENT},
        {"*", RR_PTR, NULL, .manner = DNS_SILENT}};
    struct dns_server *v = DNS_START(with_name);
    struct resolver *r = start_with(v, 2500);
    struct lookup *l[HANGING];
    unsigned i;

    begin_crowd(r, l, 2500);
    ends_as(begin(r, "198.51.97.1", 1000), F_IPREV_PASS, F_NONE, "new, and in order");
    ends_as(begin(r, "198.18.1.1", 2000), F_IPREV_PERMERROR, F_PTR_MISSING,
            "right behind it: its turn comes");
    ends_as(begin(r, "198.51.96.1", 300), F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "a name in vain");
    ends_as(begin(r, "198.51.95.1", 300), F_IPREV_TEMPERROR, F_DNS_TIMEOUT,
            "another one of its domain");
    cr_expect(dns_asked(v, 5) > 0 && dns_asked(v, 6) == 0, "waits for the first");
    for (i = 0; i < HANGING; i++)
        ends_as(l[i], F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "in vain");
    end_both(r, v);
}

/* Those that wait go out when what hung is answered. */
Test(resolve, B24_strangers_go_out_when_there_is_room)
{
    struct dns_server *v = DNS_START(late_rows);
    struct resolver *r = start_with(v, 4000);
    struct lookup *l[HANGING], *waits, *gone;
    struct resolver_stats st;
    unsigned i;

    begin_crowd(r, l, 4000);
    ends_as(begin(r, "198.18.1.1", 300), F_IPREV_PERMERROR, F_PTR_MISSING, "one is let in");
    gone = begin(r, "198.51.99.1", 200);
    waits = begin(r, "198.51.100.1", 3000);
    ends_as(gone, F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "it waited too short");
    for (i = 0; i < HANGING; i++)
        ends_as(l[i], F_IPREV_PERMERROR, F_PTR_MISSING, "answered late");
    ends_as(waits, F_IPREV_PERMERROR, F_PTR_MISSING, "there is room");
    cr_expect_eq(dns_asked(v, NEXT), 0, "nobody waits for that one any more");
    resolver_stats(r, &st);
    for (i = 0; i < 200 && st.inflight > 0; i++) { /* is counted down after who waits was told */
        sleep_ms(5);
        resolver_stats(r, &st);
    }
    cr_expect_eq(st.inflight, 0, "nothing is left: %u", st.inflight);
    end_both(r, v);
}

/* The end of the resolver ends what waits for a zone. */
Test(resolve, B24_the_end_while_a_zone_is_waited_for)
{
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_with(v, 1000);
    struct lookup *one = begin(r, "198.51.0.1", 1000), *two;

    sleep_ms(600);
    two = begin(r, "198.51.0.2", 1000);
    sleep_ms(50);
    resolver_drain();
    ends_as(one, F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "the one that was asked");
    ends_as(two, F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "the one that waited");
    end_both(r, v);
}
