/* No permanent refusal rests on a transient answer: every combination of findings that
 * report_make can make, against the built-in rules, every rule of one and two words in `when`
 * or in `any`, and every pair of an earlier rule that accepts and a later one that rejects.
 *
 * A client is what DNS would say of it in the end: no PTR, only odd ones, or names of four
 * kinds. What is known of it at a moment has trouble in the place of any of the answers.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/policy.h"
#include "judge/report.h"

#include "tests/unit/facts.h"

#include <stdlib.h>

static const char *const host[] = {"mail.example.com", "100-0-1-244.dsl.example.net",
                                   "mail-wr1-f54.google.com"};
#define HOSTS 3
static const char *const helos[] = {"mail.example.com",
                                    "www.example.com",
                                    "100-0-1-244.dsl.example.net",
                                    "unrelated.example.de",
                                    "mx.example.org",
                                    "PC17",
                                    "[100.0.1.244]",
                                    "[192.0.2.9]",
                                    "100.0.1.244",
                                    "bad name",
                                    ""};
#define HELOS (sizeof helos / sizeof helos[0])

/* Answers: of a PTR question N, J (junk) or Y; of a name - (not there), C, E, N, L. What is
 * known of them may be trouble instead: T S B O. */
struct world_state {
    char ptr, name[HOSTS];
    const char *helo;
    enum name_state forward;
};

struct pair {
    findings found, unsure, last; /* last: when all is known */
};

static struct pair *pairs;
static size_t count, room;

static int by_value(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct pair));
}

/* Sorts, and leaves one of each. */
static void settle(void)
{
    size_t i, kept = 0;

    if (count > 0)
        qsort(pairs, count, sizeof *pairs, by_value);
    for (i = 0; i < count; i++)
        if (kept == 0 || by_value(&pairs[kept - 1], &pairs[i]) != 0)
            pairs[kept++] = pairs[i];
    count = kept;
}

static void keep(const struct report *early, const struct report *last)
{
    struct pair p = {early->found, early->unsure, last->found};

    if (count == room) {
        settle();
        if (count * 2 >= room) {
            room = room == 0 ? 65536 : room * 2;
            pairs = realloc(pairs, room * sizeof *pairs);
            cr_assert(pairs != NULL);
        }
    }
    pairs[count++] = p;
}

static enum answer_kind trouble(char letter)
{
    return letter == 'T'   ? ANSWER_TIMEOUT
           : letter == 'S' ? ANSWER_SERVFAIL
           : letter == 'B' ? ANSWER_BOGUS
                           : ANSWER_OVERLOAD;
}

/* The chain when the PTR question and the names are answered like this. The letters of
 * names stand by `truth`: which names there are is never in doubt once PTR is answered. */
static void chain_like(struct chain *out, const struct world_state *truth, char ptr,
                       const char name[HOSTS])
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
        struct dname d = name_of(host[i]);

        if (truth->ptr == 'Y' && truth->name[i] != '-')
            add_ptr(&packet, 60, &d);
    }
    if (ptr == 'J')
        add(&packet, RR_PTR, 60, "\1x", 3);
    a = finish(&packet, &reverse, RR_PTR);
    if (ptr != 'J' && ptr != 'Y')
        a = negative(ptr == 'N' ? ANSWER_NXDOMAIN : trouble(ptr), 5);
    fcrdns_ptr(&f, &a);
    for (k = 0; k < f.names; k++)
        for (i = 0; i < HOSTS; i++) {
            struct dname d = name_of(host[i]);

            if (dname_equal(&d, &f.name[k].name))
                feed_letter(&f, k, name[i]);
        }
    fcrdns_chain(&f, out);
}

static void report_of(struct report *r, const struct world_state *w, const struct chain *chain,
                      enum name_state forward, bool helo_known)
{
    struct helo helo;
    struct facts f = {.client = nth_addr(CLIENT),
                      .skip = F_NONE,
                      .chain = chain,
                      .chain_cause = F_DNS_OVERLOAD,
                      .helo_known = helo_known,
                      .helo = &helo,
                      .helo_asked = true};

    f.self.name = f.self.mta = name_of("mx.example.org");
    f.self.addr = addr_of("203.0.113.25");
    helo_parse(&helo, w->helo, strlen(w->helo));
    if (helo_must_ask(&helo, &f.self, chain))
        f.forward = forward;
    report_make(r, &f);
}

/* Everything known, and every way in which some of it is not. */
static void moments(const struct world_state *w)
{
    static const char any[] = "-TSBO"; /* '-': as it is */
    struct report last, early;
    struct chain whole, part;
    unsigned at, i;

    chain_like(&whole, w, w->ptr, w->name);
    report_of(&last, w, &whole, w->forward, true);
    cr_assert(last.unsure == 0 && (last.found & FINDINGS_TRANSIENT) == 0);
    for (at = 0; at < 5 * (w->ptr == 'Y' ? 64 : 1); at++) {
        char name[HOSTS];

        for (i = 0; i < HOSTS; i++) /* each as it is, or in one of three kinds of trouble */
            name[i] =
                w->name[i] == '-' || !(at / 5 >> 2 * i & 3) ? w->name[i] : any[at / 5 >> 2 * i & 3];
        chain_like(&part, w, at % 5 ? any[at % 5] : w->ptr, name);
        report_of(&early, w, &part, w->forward, true);
        keep(&early, &last);
        report_of(&early, w, &part, NAME_TIMEOUT, true);
        keep(&early, &last);
        report_of(&early, w, &part, NAME_PENDING, false);
        keep(&early, &last);
    }
    report_of(&early, w, NULL, w->forward, true);
    keep(&early, &last);
}

static void every_client(void)
{
    static const char letter[] = "-CEN";
    struct world_state w;
    unsigned names, i, helo, forward;

    for (names = 0; names < 66; names++) {
        w.ptr = names < 64 ? 'Y' : "NJ"[names - 64];
        for (i = 0; i < HOSTS; i++)
            w.name[i] = names < 64 ? letter[names / (i == 0 ? 1 : i == 1 ? 4 : 16) % 4] : '-';
        if (w.ptr == 'Y' && names == 0)
            continue; /* no name at all */
        for (helo = 0; helo < HELOS; helo++)
            for (forward = NAME_CONFIRMED; forward <= NAME_NOWHERE; forward++) {
                w.helo = helos[helo];
                w.forward = (enum name_state)forward;
                moments(&w);
            }
    }
    settle();
}

/* Literal l: the word l / 2, wanted or not. */
static void add_literal(struct rule *r, unsigned l)
{
    if (l % 2)
        r->none |= FINDING(l / 2);
    else
        r->all |= FINDING(l / 2);
}

static void set_rule(struct rule *r, enum action action)
{
    memset(r, 0, sizeof *r);
    r->action = (uint8_t)action;
    r->percent = 100;
}

static void add_any_literal(struct rule *r, unsigned l)
{
    if (l % 2)
        r->lacks |= FINDING(l / 2);
    else
        r->any |= FINDING(l / 2);
}

static unsigned long refused, tried;

/* When the policy refuses for good at the early moment, it does so in the end. */
static void hold(const struct policy *p)
{
    static const struct addr client = {.family = ADDR_IPV4};
    findings found = 0, unsure = 0;
    bool rejects = false;
    size_t i;

    for (i = 0; i < count; i++) {
        if (i == 0 || pairs[i].found != found || pairs[i].unsure != unsure) {
            found = pairs[i].found;
            unsure = pairs[i].unsure;
            rejects = policy_decide(p, 0, found, unsure, &client, 0).action == ACTION_REJECT;
            tried++;
            refused += rejects;
        }
        if (rejects)
            cr_assert(policy_decide(p, 0, pairs[i].last, 0, &client, 0).action == ACTION_REJECT,
                      "found %llx unsure %llx, in the end %llx", (unsigned long long)found,
                      (unsigned long long)unsure, (unsigned long long)pairs[i].last);
    }
}

Test(report, B20_all_combinations_of_findings_and_rules)
{
    static struct policy p;
    unsigned a, b;

    every_client();
    cr_expect(count > 1000, "%zu moments", count);
    p.rules = 1; /* when = {a}, and when = {a, b} */
    for (a = 0; a < 2 * F_COUNT; a++)
        for (b = a; b < 2 * F_COUNT; b++) {
            set_rule(&p.rule[0], ACTION_REJECT);
            add_literal(&p.rule[0], a);
            add_literal(&p.rule[0], b);
            if (rule_fault(&p.rule[0]) == NULL)
                hold(&p);
        }
    for (a = 0; a < 2 * F_COUNT; a++) /* any = {a, b}, and behind when = {iprev-fail} */
        for (b = a; b < 2 * F_COUNT; b++) {
            set_rule(&p.rule[0], ACTION_REJECT);
            p.rule[0].all = (a + b) % 2 ? FINDING(F_IPREV_FAIL) : 0;
            add_any_literal(&p.rule[0], a);
            add_any_literal(&p.rule[0], b);
            if (rule_fault(&p.rule[0]) == NULL)
                hold(&p);
        }
    p.rules = 2; /* an earlier rule lets some go */
    for (a = 0; a < 2 * F_COUNT; a++)
        for (b = 0; b < 2 * F_COUNT; b++) {
            set_rule(&p.rule[0], b % 3 ? ACTION_ACCEPT : ACTION_TEMPFAIL);
            set_rule(&p.rule[1], ACTION_REJECT);
            if (a % 3)
                add_literal(&p.rule[0], a);
            else {
                add_any_literal(&p.rule[0], a);
                add_any_literal(&p.rule[0], (a + 2 * b + 3) % (2 * F_COUNT));
            }
            add_literal(&p.rule[1], b);
            if (rule_fault(&p.rule[0]) == NULL && rule_fault(&p.rule[1]) == NULL)
                hold(&p);
        }
    policy_defaults(&p);
    hold(&p);
    for (a = 0; a < RULES_BUILT_IN; a++) { /* each as a refusal, behind each as an exception */
        policy_defaults(&p);
        p.rule[1] = p.rule[a];
        p.rule[1].action = ACTION_REJECT;
        p.rules = 2;
        for (b = 0; b < 2 * F_COUNT; b++) {
            set_rule(&p.rule[0], ACTION_ACCEPT);
            add_literal(&p.rule[0], b);
            hold(&p);
        }
    }
    cr_expect(refused > 100000, "%lu of %lu", refused, tried);
    fprintf(stderr, "B20: %zu moments, %lu decisions, %lu refusals, each one certain\n", count,
            tried, refused);
    free(pairs);
}
