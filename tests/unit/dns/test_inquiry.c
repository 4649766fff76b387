/* inquiry: what is asked about a client, how many questions it may cost, and how long it may take.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "dns/inquiry.h"
#include "tests/unit/dns/dns_shared.h"

#include <strings.h>

static const struct dns_row rows[] = {
    {"1.2.0.192.in-addr.arpa", RR_PTR, "mail.good.example", .ttl = 300},
    {"mail.good.example", RR_A, "192.0.2.1", .ttl = 300},
    {"other.good.example", RR_A, "192.0.2.1", .ttl = 300},
    {"2.2.0.192.in-addr.arpa", RR_PTR, "mail.slow.example", .ttl = 300, .delay = 250},
    {"mail.slow.example", RR_A, "192.0.2.2", .ttl = 300},
    {"3.2.0.192.in-addr.arpa", RR_PTR, NULL, .manner = DNS_SILENT},
    {"silent.example", RR_A, NULL, .manner = DNS_SILENT},
    {"late.example", RR_A, "192.0.2.3", .ttl = 300, .delay = 150},
};

/* A client of a resolver, and us. */
struct asking {
    struct resolver_settings settings;
    struct self self;
    struct inquiry_options o;
    struct inquiry q;
    unsigned before, after;
};

static void asking_begin(struct asking *a, struct resolver *r, unsigned deadline_ms)
{
    memset(a, 0, sizeof *a);
    a->settings = (struct resolver_settings){.deadline_ms = deadline_ms, .helo = true};
    a->self = (struct self){.name = name_of("mx.example.org"), .mta = {.len = 1}};
    a->o = (struct inquiry_options){.resolver = r, .settings = &a->settings, .self = &a->self};
}

static void client_is(struct asking *a, const char *client, enum finding skip)
{
    struct addr addr = client_of(client);

    inquiry_start(&a->q, &a->o, &addr, skip);
}

static void says(struct asking *a, const char *helo)
{
    inquiry_helo(&a->q, helo, helo != NULL ? strlen(helo) : 0);
}

static void on_before(void *arg)
{
    ((struct asking *)arg)->before++;
}

static void on_after(void *arg)
{
    ((struct asking *)arg)->after++;
}

/* Waits; how long by our own clock. */
static unsigned waits(struct asking *a, bool helo)
{
    const struct inquiry_pause pause = {on_before, on_after, a};
    int64_t from = resolver_now();
    unsigned told = inquiry_wait(&a->q, helo, &pause), ms = (unsigned)(resolver_now() - from);

    cr_expect(told <= ms && ms <= told + 20, "it says %u ms, it was %u", told, ms);
    cr_expect_eq(a->before, a->after);
    return ms;
}

static unsigned lookups(struct resolver *r)
{
    struct resolver_stats st;

    resolver_stats(r, &st);
    return (unsigned)st.lookups;
}

/* ---- what is asked ---- */

Test(inquiry, what_is_asked)
{
    static const struct {
        const char *client;
        enum finding skip;
        bool chain_first; /* its answer is there before HELO is said */
        bool switched_off;
        const char *helo; /* "-": never said */
        unsigned lookups;
        const char *why;
    } row[] = {
        {"192.0.2.1", F_NONE, false, false, "-", 1, "the chain alone"},
        {"192.0.2.1", F_SKIP_NETWORK, false, false, "other.good.example", 0, "exempt"},
        {"192.0.2.1", F_SKIP_LOCAL, false, false, "other.good.example", 0, "submitted here"},
        {"192.0.2.1", F_NONE, false, false, "other.good.example", 2, "a host name has addresses"},
        {"192.0.2.1", F_NONE, false, true, "other.good.example", 1, "resolver.helo is off"},
        {"192.0.2.1", F_NONE, false, false, NULL, 1, "nothing was said"},
        {"192.0.2.1", F_NONE, false, false, "[192.0.2.1]", 1, "a literal has no DNS"},
        {"192.0.2.1", F_NONE, false, false, "192.0.2.1", 1, "nor has an address"},
        {"192.0.2.1", F_NONE, false, false, "pc-17", 1, "nor has one label"},
        {"192.0.2.1", F_NONE, false, false, "a b", 1, "nor has garbage"},
        {"192.0.2.1", F_NONE, false, false, "MX.example.org.", 1, "our own name proves nothing"},
        {"192.0.2.2", F_NONE, false, false, "mail.slow.example", 2, "it may be no PTR name"},
        {"192.0.2.1", F_NONE, true, false, "Mail.Good.Example", 1, "the chain asks its names"},
    };
    struct dns_server *v = DNS_START(rows);
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct resolver *r = start_at(v);
        struct asking a;
        struct facts f;

        asking_begin(&a, r, 2000);
        a.settings.helo = !row[i].switched_off;
        client_is(&a, row[i].client, row[i].skip);
        if (row[i].chain_first)
            waits(&a, false);
        if (row[i].helo == NULL || strcmp(row[i].helo, "-") != 0)
            says(&a, row[i].helo);
        waits(&a, a.q.helo_given);
        cr_expect(lookups(r) == row[i].lookups, "%s: %u lookups", row[i].why, lookups(r));
        inquiry_facts(&a.q, a.q.helo_given, &f);
        cr_expect(f.skip == row[i].skip && f.helo_asked == !row[i].switched_off, "%s", row[i].why);
        cr_expect((f.chain != NULL) == (row[i].skip == F_NONE), "%s", row[i].why);
        cr_expect((f.ptr_shape != NULL) == (f.chain != NULL), "judged once: %s", row[i].why);
        cr_expect((f.helo_shape != NULL) == (lookups(r) == 2), "judged once: %s", row[i].why);
        inquiry_clear(&a.q);
        resolver_release(r);
    }
    cr_expect(resolver_wait_ended(5000));
    dns_stop(v);
}

/* As after STARTTLS: a name that is said again is not asked again. */
Test(inquiry, a_name_is_asked_once)
{
    static const char *const again[] = {"other.good.example", "OTHER.good.example",
                                        "other.good.example."};
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v);
    struct asking a;
    size_t i;

    asking_begin(&a, r, 2000);
    client_is(&a, "192.0.2.1", F_NONE);
    for (i = 0; i < sizeof again / sizeof again[0]; i++) {
        says(&a, again[i]);
        waits(&a, true);
        cr_expect_eq(lookups(r), 2, "%s", again[i]);
    }
    says(&a, "late.example");
    cr_expect_eq(lookups(r), 3, "another name");
    inquiry_clear(&a.q);
    end_both(r, v);
}

/* Before any client the inquiry has facts, too: there is no address. */
Test(inquiry, before_any_client)
{
    struct inquiry q;
    struct facts f;

    memset(&q, 0, sizeof q);
    inquiry_clear(&q);
    inquiry_helo(&q, "mail.good.example", 17);
    cr_expect_eq(inquiry_wait(&q, true, NULL), 0);
    inquiry_facts(&q, true, &f);
    cr_expect(f.skip == F_SKIP_NO_ADDRESS && f.chain == NULL && f.helo->form == HELO_HOST);
    cr_expect_eq(inquiry_cost(&q).questions, 0);
    inquiry_clear(&q);
    cr_expect(!q.helo_given && q.helo.form == HELO_ABSENT);
}

/* ---- the budget ---- */

/* Ten PTR names make a chain of 11 questions; a HELO name with n - 1 aliases takes n. */
static const char budget_zone[] =
    "$TTL 300\n$ORIGIN 2.0.192.in-addr.arpa.\n@ SOA a. b. 1 2 3 4 60\n"
    "1 PTR n0.example.\n1 PTR n1.example.\n1 PTR n2.example.\n1 PTR n3.example.\n"
    "1 PTR n4.example.\n1 PTR n5.example.\n1 PTR n6.example.\n1 PTR n7.example.\n"
    "1 PTR n8.example.\n1 PTR n9.example.\n"
    "$ORIGIN example.\n@ SOA a. b. 1 2 3 4 60\n* A 192.0.2.99\n"
    "four-a CNAME a1\na1 CNAME a2\na2 CNAME a3\na3 A 192.0.2.99\n"
    "four-b CNAME b1\nb1 CNAME b2\nb2 CNAME b3\nb3 A 192.0.2.99\n"
    "two CNAME c1\nc1 A 192.0.2.99\n"
    "one A 192.0.2.99\n"
    "last A 192.0.2.1\n";

/* Says them all, each when the one before is answered. Questions that it took. */
static unsigned says_all(struct asking *a, const char *const said[3])
{
    unsigned used, k;

    client_is(a, "192.0.2.1", F_NONE);
    waits(a, false);
    used = inquiry_cost(&a->q).questions;
    for (k = 0; k < 3 && said[k] != NULL; k++) {
        says(a, said[k]);
        waits(a, true);
        used += inquiry_cost(&a->q).questions;
    }
    return used;
}

/* Is one more name asked about? */
static bool asks_last(struct asking *a)
{
    struct facts f;

    says(a, "last.example");
    waits(a, true);
    inquiry_facts(&a->q, true, &f);
    cr_expect_eq(f.forward == NAME_CONFIRMED, a->q.forward.lookup != NULL);
    return f.forward == NAME_CONFIRMED;
}

Test(inquiry, budget)
{
    static const struct {
        const char *said[3];
        unsigned cost; /* with the last name's most */
        bool asked;
    } row[] = {
        {{"four-a.example", "four-b.example", "two.example"}, 25, false},
        {{"four-a.example", "four-b.example", "one.example"}, 24, true},
        {{"four-a.example", "four-b.example", NULL}, 23, true},
        {{NULL, NULL, NULL}, 15, true},
    };
    struct dns_server *v = DNS_START(rows);
    struct dns_files zone;
    size_t i;

    files_make(&zone, "zone", budget_zone);
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct resolver *r = start_with_zone(v, zone.file);
        struct asking a;

        asking_begin(&a, r, 2000);
        cr_expect_eq(says_all(&a, row[i].said) + RESOLVER_HELO_QUESTIONS, row[i].cost);
        cr_expect_eq(asks_last(&a), row[i].asked, "%u questions", row[i].cost);
        cr_expect_eq(says_all(&a, row[i].said), 0);
        cr_expect(asks_last(&a), "what is remembered takes nothing of the budget");
        inquiry_clear(&a.q);
        resolver_release(r);
    }
    cr_expect(resolver_wait_ended(5000));
    files_remove(&zone);
    dns_stop(v);
}

/* A chain that is open may still cost 20: the second HELO name waits for its end. */
Test(inquiry, budget_while_the_chain_is_open)
{
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v);
    struct asking a;
    struct facts f;

    asking_begin(&a, r, 2000);
    client_is(&a, "192.0.2.2", F_NONE);
    says(&a, "mail.good.example");
    says(&a, "other.good.example");
    cr_expect_eq(lookups(r), 2, "20 + 4 + 4 are too many");
    waits(&a, false);
    cr_expect_eq(lookups(r), 2, "nobody wants to know yet");
    waits(&a, true);
    cr_expect_eq(lookups(r), 3);
    inquiry_facts(&a.q, true, &f);
    cr_expect_eq(f.forward, NAME_ELSEWHERE);
    inquiry_clear(&a.q);
    end_both(r, v);
}

/* What is remembered has cost nothing, and each cost is told once. */
Test(inquiry, cost)
{
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v);
    unsigned i;

    for (i = 0; i < 2; i++) {
        struct lookup_cost cost;
        struct asking a;

        asking_begin(&a, r, 2000);
        client_is(&a, "192.0.2.2", F_NONE);
        cr_expect_eq(inquiry_cost(&a.q).questions, 0, "not while it is open");
        waits(&a, false);
        says(&a, "late.example");
        waits(&a, true);
        cost = inquiry_cost(&a.q);
        cr_expect_eq(cost.questions, i == 0 ? 3 : 0);
        cr_expect(i == 0 ? cost.ms >= 240 : cost.ms == 0, "%u ms", cost.ms);
        cr_expect_eq(inquiry_cost(&a.q).questions, 0, "told");
        inquiry_clear(&a.q);
    }
    end_both(r, v);
}

/* ---- how long ---- */

Test(inquiry, deadline_and_patience)
{
    static const struct {
        const char *client, *helo;
        unsigned deadline, patience, least, most; /* ms */
        bool chain;                               /* known in the end */
        const char *why;
    } row[] = {
        {"192.0.2.2", NULL, 400, 0, 200, 390, true, "an answer before the deadline"},
        {"192.0.2.2", NULL, 200, 0, 195, 340, true, "the resolver keeps the deadline"},
        {"192.0.2.3", NULL, 300, 0, 295, 440, true, "silence"},
        {"192.0.2.2", NULL, 2000, 400, 200, 390, true, "an answer before patience ends"},
        {"192.0.2.2", NULL, 2000, 200, 195, 240, false, "patience ends before the answer"},
        {"192.0.2.3", "silent.example", 2000, 200, 195, 240, false, "patience for both"},
        {"192.0.2.1", "silent.example", 2000, 200, 150, 240, true, "patience for HELO"},
        {"192.0.2.1", "silent.example", 1500, 0, 1400, 1690, true, "the deadline holds for HELO"},
        {"192.0.2.1", "silent.example", 300, 0, 950, 1190, true, "but HELO has a moment"},
    };
    struct dns_server *v = DNS_START(rows);
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct resolver *r = start_traced(v, 0, 1000, NULL);
        struct asking a;
        struct facts f;
        unsigned ms;

        asking_begin(&a, r, row[i].deadline);
        a.o.patience_ms = row[i].patience;
        client_is(&a, row[i].client, F_NONE);
        if (row[i].helo != NULL)
            says(&a, row[i].helo);
        ms = waits(&a, row[i].helo != NULL);
        cr_expect(ms >= row[i].least && ms <= row[i].most, "%s: %u ms", row[i].why, ms);
        cr_expect(a.before > 0, "%s", row[i].why);
        inquiry_facts(&a.q, row[i].helo != NULL, &f);
        cr_expect((f.chain != NULL) == row[i].chain, "%s", row[i].why);
        cr_expect_eq(f.chain_cause, F_DNS_TIMEOUT);
        cr_expect(row[i].helo == NULL || f.forward == NAME_TIMEOUT, "%s", row[i].why);
        inquiry_clear(&a.q);
        resolver_release(r);
    }
    cr_expect(resolver_wait_ended(5000));
    dns_stop(v);
}

/* Whose patience ends first leaves the lookup to those who have more. */
Test(inquiry, patience_ends_nobody_elses_lookup)
{
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v);
    struct asking hasty, other;
    struct facts f;

    asking_begin(&hasty, r, 2000);
    hasty.o.patience_ms = 50;
    client_is(&hasty, "192.0.2.2", F_NONE);
    asking_begin(&other, r, 2000);
    client_is(&other, "192.0.2.2", F_NONE);
    waits(&hasty, false);
    inquiry_facts(&hasty.q, false, &f);
    cr_expect_null(f.chain);
    inquiry_clear(&hasty.q);
    waits(&other, false);
    inquiry_facts(&other.q, false, &f);
    cr_expect(f.chain != NULL && f.chain->result == F_IPREV_PASS);
    inquiry_clear(&other.q);
    end_both(r, v);
}

/* A client that says HELO when its deadline is over still leaves DNS a moment. */
Test(inquiry, helo_moment)
{
    struct dns_server *v = DNS_START(rows);
    struct resolver *r = start_at(v);
    struct asking a;
    struct facts f;
    unsigned ms;

    asking_begin(&a, r, 100);
    client_is(&a, "192.0.2.3", F_NONE);
    sleep_ms(200);
    says(&a, "late.example");
    ms = waits(&a, true);
    inquiry_facts(&a.q, true, &f);
    cr_expect(f.forward == NAME_CONFIRMED && ms >= 100 && ms < 400, "%u ms", ms);
    says(&a, "silent.example");
    ms = waits(&a, true);
    inquiry_facts(&a.q, true, &f);
    cr_expect(f.forward == NAME_TIMEOUT && ms >= 900 && ms < 1200, "%u ms", ms);
    inquiry_clear(&a.q);
    end_both(r, v);
}

/* A HELO name is the sender's to choose: one that has everybody's address helps nobody. */
Test(inquiry, B11_helo_with_many_addresses)
{
    static const struct {
        unsigned addresses; /* the client's is one of them */
        enum name_state forward;
    } row[] = {{99, NAME_CONFIRMED}, {100, NAME_CONFIRMED}, {101, NAME_CAPPED}};
    struct dns_server *v = DNS_START(rows);
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        char text[8192];
        struct dns_files zone;
        struct resolver *r;
        struct asking a;
        struct facts f;
        struct sbuf sb;
        unsigned k;

        sbuf_init(&sb, text, sizeof text - 1);
        sbuf_str(&sb, "$TTL 300\n$ORIGIN example.\n@ SOA a. b. 1 2 3 4 60\n");
        for (k = 1; k <= row[i].addresses; k++) {
            sbuf_str(&sb, "many A 198.51.100.");
            sbuf_uint(&sb, k);
            sbuf_byte(&sb, '\n');
        }
        text[sb.len] = '\0';
        files_make(&zone, "zone", text);
        r = start_with_zone(v, zone.file);
        asking_begin(&a, r, 2000);
        client_is(&a, "198.51.100.50", F_NONE);
        says(&a, "many.example");
        waits(&a, true);
        inquiry_facts(&a.q, true, &f);
        cr_expect_eq(f.forward, row[i].forward, "%u addresses", row[i].addresses);
        inquiry_clear(&a.q);
        resolver_release(r);
        files_remove(&zone);
    }
    cr_expect(resolver_wait_ended(5000));
    dns_stop(v);
}
