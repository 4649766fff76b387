/* Property of report.c: what a later answer changes was called unsure before.
 *
 * A truth is drawn; then what is known of it at some earlier moment. The report
 * of that moment may differ from the last one only in its unsure words.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/policy.h"
#include "judge/report.h"

#include "tests/unit/facts.h"

static const char *const hosts[] = {
    "mail.example.com", "www.example.com", "100-0-1-244.dsl.example.net", "example.com",
    "a.example.net",    "zz.example.org",  "mail-wr1-f54.google.com"};
#define HOSTS (sizeof hosts / sizeof hosts[0])

static const char *const helos[] = {"mail.example.com",
                                    "www.example.com",
                                    "100-0-1-244.dsl.example.net",
                                    "a.example.net",
                                    "unrelated.example.de",
                                    "host.example.net",
                                    "mx.example.org",
                                    "localhost",
                                    "PC17",
                                    "[100.0.1.244]",
                                    "100.0.1.244",
                                    "bad name",
                                    "",
                                    "localhost.localdomain"};
#define HELOS (sizeof helos / sizeof helos[0])

/* All there is to know, and how much of it has been answered. */
struct truth {
    char ptr;           /* 'N' no PTR, 'J' junk only, 'Y' names */
    bool has[HOSTS];    /* is a PTR name */
    char letter[HOSTS]; /* C, E, N or L */
    bool secure[HOSTS]; /* addresses validated */
    bool ptr_secure;
    const char *helo;
    enum name_state forward; /* of a HELO that is no PTR name */
    bool asked, shown;       /* HELO questions are on; HELO was given */
};

static void draw(struct truth *t)
{
    unsigned i;

    memset(t, 0, sizeof *t);
    t->ptr = "NJYYYYYY"[rnd(8)];
    for (i = 0; i < HOSTS; i++) {
        t->has[i] = t->ptr == 'Y' && rnd(3) == 0;
        t->letter[i] = "CCEN"[rnd(4)];
        t->secure[i] = rnd(2);
    }
    if (t->ptr == 'Y')
        t->has[rnd(HOSTS)] = true;
    t->ptr_secure = rnd(2);
    t->helo = helos[rnd(HELOS)];
    t->forward = (enum name_state)(NAME_CONFIRMED + rnd(4));
    t->asked = rnd(4) > 0;
}

static enum name_state forward_of(const struct truth *t)
{
    unsigned i;

    for (i = 0; i < HOSTS; i++)
        if (t->has[i] && strcmp(hosts[i], t->helo) == 0)
            return t->letter[i] == 'C'   ? NAME_CONFIRMED
                   : t->letter[i] == 'N' ? NAME_NOWHERE
                                         : NAME_ELSEWHERE;
    return t->forward;
}

/* lost: one in how many answers is not there (yet); 0: all are there. */
static bool lose(unsigned lost)
{
    return lost > 0 && rnd(lost) == 0;
}

static void learn(struct chain *out, const struct truth *t, unsigned lost)
{
    struct addr client = nth_addr(CLIENT);
    struct dname reverse;
    struct fcrdns f;
    struct answer a;
    unsigned i, k;

    fcrdns_start(&f, &client);
    dname_reverse(&reverse, &client);
    start(&packet, &reverse, RR_PTR);
    for (i = 0; i < HOSTS; i++) {
        struct dname name = name_of(hosts[i]);

        if (t->has[i])
            add_ptr(&packet, 60, &name);
    }
    if (t->ptr == 'J')
        add(&packet, RR_PTR, 60, "\1x", 3);
    a = t->ptr == 'N' ? negative(ANSWER_NXDOMAIN, 60) : finish(&packet, &reverse, RR_PTR);
    a.secure = t->ptr_secure;
    if (lost > 0 && rnd(5) == 0)
        a = negative((enum answer_kind)(ANSWER_SERVFAIL + rnd(4)), 5);
    fcrdns_ptr(&f, &a);
    for (k = 0; k < f.names; k++)
        for (i = 0; i < HOSTS; i++) {
            struct dname name = name_of(hosts[i]);

            if (!dname_equal(&name, &f.name[k].name))
                continue;
            feed_letter(&f, k, lose(lost) ? "TSBOP"[rnd(5)] : t->letter[i]);
            f.name[k].secure = t->secure[i];
        }
    fcrdns_chain(&f, out);
}

/* The report with everything known (lost = 0), or with less. */
static void report(struct report *r, const struct truth *t, unsigned lost)
{
    static struct chain chain;
    struct helo helo;
    struct facts f = {.client = nth_addr(CLIENT),
                      .skip = F_NONE,
                      .helo = &helo,
                      .helo_asked = t->asked,
                      .chain_cause = F_DNS_TIMEOUT};

    f.self.name = f.self.mta = name_of("mx.example.org");
    f.self.addr = addr_of("203.0.113.25");
    helo_parse(&helo, t->helo, strlen(t->helo));
    learn(&chain, t, lost);
    f.chain = lost > 0 && rnd(8) == 0 ? NULL : &chain;
    f.helo_known = !(lost > 0 && rnd(6) == 0);
    if (t->asked && helo_must_ask(&helo, &f.self, f.chain))
        f.forward = !lose(lost) ? forward_of(t) : rnd(2) ? NAME_TIMEOUT : NAME_PENDING;
    report_make(r, &f);
}

static unsigned count(findings set)
{
    unsigned n = 0;

    for (; set != 0; set &= set - 1)
        n++;
    return n;
}

/* "Exactly one of each group where the group applies." */
static void expect_vocabulary(const struct report *r, unsigned round)
{
    findings shape = r->found & FINDINGS_RANGE(F_PTR_GENERIC, F_PTR_PROVIDER);
    findings helo = r->found & FINDINGS_RANGE(F_HELO_VERIFIED, F_HELO_MISSING);

    cr_expect(count(r->found & FINDINGS_RESULT) == 1 && (r->found & FINDING(r->result)), "%u",
              round);
    cr_expect(count(r->found & FINDINGS_CAUSE) == (r->result != F_IPREV_PASS), "%u", round);
    cr_expect(r->result == F_IPREV_PASS ? r->cause == F_NONE : (r->found & FINDING(r->cause)) != 0,
              "%u", round);
    cr_expect(count(shape) == (r->ptr.len > 1), "%u", round);
    cr_expect(!(r->found & FINDING(F_PTR_WEAK)) || (r->found & FINDING(F_PTR_GENERIC)), "%u",
              round);
    cr_expect(count(helo) == !(r->unsure & FINDING(F_HELO_MISSING)), "%u", round);
    cr_expect(((r->found | r->unsure) >> F_COUNT) == 0, "%u: stray bits", round);
}

Test(report, B27_property_only_unsure_words_change)
{
    unsigned round, moment, changed = 0, open = 0;

    for (round = 0; round < 6000; round++) {
        struct report last, early;
        struct truth t;

        draw(&t);
        report(&last, &t, 0);
        expect_vocabulary(&last, round);
        cr_assert(last.unsure == 0 && !(last.found & FINDINGS_TRANSIENT),
                  "round %u: all is known, so nothing is open", round);
        for (moment = 0; moment < 4; moment++) {
            report(&early, &t, 2 + rnd(4));
            expect_vocabulary(&early, round);
            cr_assert(((early.found ^ last.found) & ~early.unsure) == 0,
                      "round %u, HELO %s: words %llx changed, unsure were %llx", round, t.helo,
                      (unsigned long long)(early.found ^ last.found),
                      (unsigned long long)early.unsure);
            /* What rests on trouble says so. */
            cr_assert((early.found & FINDINGS_TRANSIENT & ~early.unsure) == 0, "round %u", round);
            changed += early.found != last.found;
            open += early.unsure != 0;
        }
    }
    cr_expect(changed > 3000 && changed * 3 > open, "%u of %u: unsure is not idle talk", changed,
              open);
}

/* The promise of policy.h on top of it: a refusal before all is known is one that
 * the whole truth gives too. */
Test(report, B20_property_no_refusal_that_the_truth_would_not_give)
{
    struct addr client = nth_addr(CLIENT);
    static struct policy p;
    unsigned round, refused = 0, i;

    for (round = 0; round < 6000; round++) {
        struct report last, early;
        struct decision d;
        struct truth t;

        policy_defaults(&p);
        for (i = rnd(4); i > 0 && p.rules < 7; i--) {
            struct rule *r = &p.rule[p.rules++];

            *r = p.rule[rnd(RULES_BUILT_IN)];
            r->action = rnd(2) ? ACTION_REJECT : ACTION_ACCEPT;
            r->all = FINDING(rnd(F_COUNT));
            r->none = FINDING(rnd(F_COUNT));
            r->any = rnd(2) ? FINDING(rnd(F_COUNT)) | FINDING(rnd(F_COUNT)) : 0;
            r->lacks = rnd(2) ? FINDING(rnd(F_COUNT)) : 0;
        }
        draw(&t);
        report(&last, &t, 0);
        report(&early, &t, 3);
        /* later rules first: the defaults would hide them */
        for (i = 0; i < p.rules / 2; i++) {
            struct rule swap = p.rule[i];

            p.rule[i] = p.rule[p.rules - 1 - i];
            p.rule[p.rules - 1 - i] = swap;
        }
        d = policy_decide(&p, 0, early.found, early.unsure, &client, 0);
        if (d.action == ACTION_REJECT) {
            refused++;
            d = policy_decide(&p, 0, last.found, 0, &client, 0);
            cr_assert(d.action == ACTION_REJECT, "round %u", round);
        }
    }
    cr_expect(refused > 500, "%u refusals", refused);
}

/* A line of ours tells the words and the names, not the answers: from it the same report is made.
 * What it cannot tell: of several names, which are open; and beside "aligned", whether the HELO
 * name's own addresses were answered. */
Test(report, recalled_from_its_own_words)
{
    unsigned round, many = 0, one = 0;

    for (round = 0; round < 6000; round++) {
        struct report told, again;
        struct recalled w = {.client = nth_addr(CLIENT), .skip = F_NONE};
        struct truth t;

        draw(&t);
        report(&told, &t, rnd(4));
        w.found = told.found;
        w.ptr = told.ptr;
        w.helo = told.helo;
        report_recall(&again, &w);
        cr_assert_eq(again.found, told.found, "round %u: %llx, not %llx", round,
                     (unsigned long long)again.found, (unsigned long long)told.found);
        cr_assert(again.result == told.result && again.cause == told.cause, "round %u", round);
        cr_assert_str_eq(again.why, told.why, "round %u", round);
        many += (told.found & (FINDING(F_PTR_MANY) | FINDING(F_HELO_ALIGNED))) != 0;
        if (told.found & (FINDING(F_PTR_MANY) | FINDING(F_HELO_ALIGNED)))
            continue;
        one++;
        cr_assert_eq(again.unsure, told.unsure, "round %u, HELO %s: open %llx, not %llx", round,
                     t.helo, (unsigned long long)again.unsure, (unsigned long long)told.unsure);
    }
    cr_expect(one > 1000 && many > 1000, "%u, %u", one, many);
}

/* The hosts of exempt.hosts as far as a line tells: see recalled_exempt. */
Test(report, recalled_hosts)
{
    static const char *const entry[] = {"mail.example.com"};
    static const struct name_list listed = {1, entry}, none = {0, NULL};
    static const struct {
        findings found;
        const char *ptr; /* NULL: none */
        bool exempt, open;
    } row[] = {
        {FINDING(F_IPREV_PASS), "mail.example.com", true, false},
        {FINDING(F_IPREV_PASS), "www.example.com", false, false},
        {FINDING(F_IPREV_FAIL), "mail.example.com", false, false},
        {FINDING(F_IPREV_PERMERROR), NULL, false, false},
        {FINDING(F_IPREV_TEMPERROR), NULL, false, true},
        {FINDING(F_IPREV_TEMPERROR), "mail.example.com", false, true},
        {FINDING(F_IPREV_TEMPERROR), "www.example.com", false, false},
        {FINDING(F_IPREV_TEMPERROR) | FINDING(F_PTR_MANY), "www.example.com", false, true},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct recalled w = {.found = row[i].found, .ptr = {.len = 1}};

        if (row[i].ptr != NULL)
            w.ptr = name_of(row[i].ptr);
        cr_expect_eq(recalled_exempt(&w, &listed), row[i].exempt, "%zu", i);
        cr_expect_eq(recalled_exempt_open(&w, &listed), row[i].open, "%zu", i);
        cr_expect(!recalled_exempt(&w, &none) && !recalled_exempt_open(&w, &none), "%zu", i);
    }
}
