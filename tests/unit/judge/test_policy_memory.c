/* policy: what depends on memory, on the recipient, and on rules on trial.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/policy.h"

#include <criterion/criterion.h>
#include <string.h>

static uint64_t state = 88172645463325252u;

static unsigned rnd(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state % n);
}

static struct addr client_of(const char *text)
{
    struct addr a;

    cr_assert(addr_parse(&a, text, strlen(text)));
    return a;
}

#define WORDS (FINDING(F_IPREV_PASS) | FINDING(F_PTR_GENERIC) | FINDING(F_CLIENT_KNOWN))

static void random_rule(struct rule *r)
{
    static const enum finding word[] = {F_IPREV_PASS, F_PTR_GENERIC, F_CLIENT_KNOWN};
    unsigned k;

    r->action = (uint8_t)rnd(ACTION_REJECT + 1);
    r->percent = 100;
    for (k = rnd(3); k < 3; k++) {
        findings f = FINDING(word[rnd(3)]), *const set[] = {&r->all, &r->none, &r->any, &r->lacks};

        *set[rnd(4)] |= f;
    }
}

/* Every rule of a policy in both states: while memory is not available, no rule that names
 * client-known refuses or holds back, and nothing that one state would have let through is. */
Test(policy, property_memory_unavailable_H1)
{
    struct addr client = client_of("192.0.2.1");
    static struct policy p;
    unsigned round, i, harsh = 0, gentle = 0;

    for (round = 0; round < 50000; round++) {
        findings found =
            (rnd(2) ? FINDING(F_IPREV_PASS) : 0) | (rnd(2) ? FINDING(F_PTR_GENERIC) : 0);
        struct decision no, yes, open;

        memset(&p, 0, sizeof p);
        p.rules = 1 + rnd(5);
        for (i = 0; i < p.rules; i++)
            random_rule(&p.rule[i]);
        no = policy_decide(&p, 0, found, 0, &client, 0);
        yes = policy_decide(&p, 0, found | FINDING(F_CLIENT_KNOWN), 0, &client, 0);
        open = policy_decide(&p, 0, found, FINDING(F_CLIENT_KNOWN), &client, 0);
        if (open.action < ACTION_QUARANTINE) {
            gentle++;
            continue;
        }
        harsh++;
        cr_assert(no.action >= ACTION_QUARANTINE && yes.action >= ACTION_QUARANTINE,
                  "round %u: held back, but known %s, unknown %s", round, action_word(yes.action),
                  action_word(no.action));
        cr_assert(open.action != ACTION_REJECT ||
                      (no.action == ACTION_REJECT && yes.action == ACTION_REJECT),
                  "round %u", round);
    }
    cr_expect(harsh > 1000 && gentle > 1000, "%u %u", harsh, gentle);
}

/* Where client-known would change the rule, memory is asked; unsure words may yet be found. */
Test(policy, property_may_ask)
{
    struct addr client = client_of("192.0.2.1");
    static struct policy p;
    unsigned round, i, asked = 0, needed = 0, spared = 0;

    for (round = 0; round < 50000; round++) {
        findings found =
            (rnd(2) ? FINDING(F_IPREV_PASS) : 0) | (rnd(2) ? FINDING(F_PTR_GENERIC) : 0);
        findings unsure = rnd(4) == 0 ? FINDING(F_PTR_GENERIC) : 0;
        rule_set without = rnd(4);
        bool ask;

        memset(&p, 0, sizeof p);
        p.rules = 1 + rnd(3);
        for (i = 0; i < p.rules; i++)
            random_rule(&p.rule[i]);
        ask = policy_may_ask(&p, without, found | unsure);
        asked += ask;
        spared += !ask;
        if (policy_decide(&p, without, found, unsure, &client, 0).rule ==
            policy_decide(&p, without, found | FINDING(F_CLIENT_KNOWN), unsure, &client, 0).rule)
            continue;
        needed++;
        cr_assert(ask, "round %u", round);
    }
    cr_expect(needed > 1000 && spared > 1000 && asked < 40000, "%u %u %u", needed, spared, asked);
}

Test(policy, may_ask)
{
    static const struct {
        findings all, none, possible;
        rule_set without;
        bool ask;
        const char *says;
    } row[] = {
        {FINDING(F_IPREV_FAIL), FINDING(F_CLIENT_KNOWN), FINDING(F_IPREV_FAIL), 0, true,
         "the rule waits for it alone"},
        {FINDING(F_IPREV_FAIL), FINDING(F_CLIENT_KNOWN), FINDING(F_IPREV_PASS), 0, false,
         "another word is missing"},
        {FINDING(F_IPREV_FAIL) | FINDING(F_CLIENT_KNOWN), 0, FINDING(F_IPREV_FAIL), 0, true,
         "in when"},
        {FINDING(F_IPREV_FAIL), FINDING(F_CLIENT_KNOWN), FINDING(F_IPREV_FAIL), 1, false,
         "the rule does not apply"},
        {FINDING(F_IPREV_FAIL), FINDING(F_CLIENT_KNOWN), FINDING(F_IPREV_FAIL), 2, true,
         "another one does not"},
        {FINDING(F_IPREV_FAIL), 0, FINDING(F_IPREV_FAIL), 0, false, "no rule names it"},
    };
    static struct policy p;
    size_t i;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        memset(&p, 0, sizeof p);
        p.rules = 1;
        p.rule[0].all = row[i].all;
        p.rule[0].none = row[i].none;
        cr_expect_eq(policy_may_ask(&p, row[i].without, row[i].possible), row[i].ask, "%s",
                     row[i].says);
    }
}

Test(policy, memory_unavailable_rules)
{
    static const struct {
        enum action first, second;
        bool first_names, second_names; /* first: client-known; second: !client-known */
        enum action expected;
        const char *why;
    } row[] = {
        {ACTION_ACCEPT, ACTION_TEMPFAIL, true, false, ACTION_ACCEPT, "it may be a known client"},
        {ACTION_TAG, ACTION_GREYLIST, true, false, ACTION_ACCEPT, "the same for a greylist"},
        {ACTION_TAG, ACTION_QUARANTINE, true, false, ACTION_ACCEPT, "and a quarantine"},
        {ACTION_QUARANTINE, ACTION_TEMPFAIL, true, false, ACTION_TEMPFAIL, "either holds it back"},
        {ACTION_TAG, ACTION_TAG, true, false, ACTION_TAG, "gentle rules go by how it looks"},
        {ACTION_ACCEPT, ACTION_TEMPFAIL, false, false, ACTION_ACCEPT, "sure, and first"},
        {ACTION_TEMPFAIL, ACTION_TAG, false, false, ACTION_TEMPFAIL, "sure, and names nothing"},
    };
    struct addr client = client_of("192.0.2.1");
    static struct policy p;
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct decision d;

        memset(&p, 0, sizeof p);
        p.rules = 2;
        p.rule[0] = (struct rule){.all = FINDING(F_IPREV_FAIL), .percent = 100};
        p.rule[1] = p.rule[0];
        p.rule[0].action = (uint8_t)row[i].first;
        p.rule[1].action = (uint8_t)row[i].second;
        p.rule[0].all |= row[i].first_names ? FINDING(F_CLIENT_KNOWN) : 0;
        d = policy_decide(&p, 0, FINDING(F_IPREV_FAIL), FINDING(F_CLIENT_KNOWN), &client, 0);
        cr_expect(d.action == row[i].expected, "%s: %s", row[i].why, action_word(d.action));
    }
}

Test(policy, rules_for_recipients)
{
    static const char *const lists[][2] = {{"@example.org"}, {"postmaster", "a@b.example"}};
    static const struct {
        const char *recipient;
        rule_set not_to;
    } row[] = {{"<user@example.org>", 4},
               {"<User@EXAMPLE.ORG>", 4},
               {"<postmaster@x.example>", 2},
               {"<postmaster@example.org>", 0},
               {"<a@b.example>", 2},
               {"<c@b.example>", 6},
               {"<>", 6},
               {"", 6},
               {NULL, 0}};
    static struct policy p;
    size_t i;

    policy_defaults(&p);
    p.rules = 3;
    cr_expect(!policy_has_to(&p) && policy_not_to(&p, "<c@b.example>") == 0);
    p.rule[1].to = (struct name_list){1, lists[0]};
    cr_expect(policy_has_to(&p), "one recipient of one rule is enough");
    p.rule[2].to = (struct name_list){2, lists[1]};
    cr_expect(policy_has_to(&p));
    for (i = 0; i < sizeof row / sizeof row[0]; i++)
        cr_expect_eq(policy_not_to(&p, row[i].recipient), row[i].not_to, "%s", row[i].recipient);
}

/* The last of 64 rules is a bit as well. */
Test(policy, without_each_rule)
{
    struct addr client = client_of("192.0.2.1");
    static struct policy p;
    unsigned i;

    p.rules = RULES_MAX;
    for (i = 0; i < RULES_MAX; i++)
        p.rule[i] =
            (struct rule){.all = FINDING(F_IPREV_FAIL), .action = ACTION_TAG, .percent = 100};
    p.rule[RULES_MAX - 1].trial = true;
    cr_expect_eq(policy_trials(&p), (rule_set)1 << 63);
    for (i = 0; i < RULES_MAX; i++) {
        rule_set others = ~((rule_set)1 << i);

        cr_expect_eq(policy_decide(&p, others, FINDING(F_IPREV_FAIL), 0, &client, 0).rule, (int)i);
    }
    cr_expect_eq(policy_decide(&p, ~(rule_set)0, FINDING(F_IPREV_FAIL), 0, &client, 0).rule, -1);
}

Test(exempt, sender_domains)
{
    static const struct {
        const char *address, *domain;
    } row[] = {
        {"<a@Example.ORG>", "example.org"},
        {"a@example.org.", "example.org"},
        {"<a@.>", ""},
        {"<>", ""},
        {"", ""},
        {&"."[1], ""}, /* what is before it does not count */
        {NULL, ""},
        {"<root>", "root"},
        {"<\"a@b\"@c.example>", "c.example"},
        {"<@relay.example:a@b.example>", "b.example"},
        {"<a@b.example> SIZE=1", "b.example"},
    };
    char domain[SENDER_DOMAIN_MAX], text[400];
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        sender_domain(row[i].address, domain);
        cr_expect_str_eq(domain, row[i].domain, "%s", row[i].address);
    }
    for (i = 254; i <= 257; i++) {
        memset(text, 'x', sizeof text);
        text[0] = '@';
        text[i + 1] = '\0';
        sender_domain(text, domain);
        cr_expect_eq(strlen(domain), i < 255 ? i : 255);
    }
}
