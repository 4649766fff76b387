/* Unit tests of policy.c: which rule decides, and what is wrong with a rule.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/reply.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct addr addr_of(const char *text)
{
    struct addr a;

    cr_assert(addr_parse(&a, text, strlen(text)), "no address: %s", text);
    return a;
}

/* Words with blanks between; "" is the empty set. */
static findings words_of(const char *text)
{
    findings set = 0;

    while (*text != '\0') {
        size_t n = strcspn(text, " ");
        enum finding f = finding_from_word(text, n);

        cr_assert(f != F_NONE, "no word: %s", text);
        set |= FINDING(f);
        text += n + (text[n] == ' ');
    }
    return set;
}

/* Words of `when`; behind a | those of `any`. */
static struct rule rule_of(enum action action, const char *words)
{
    struct rule r = {.name = "test", .action = (uint8_t)action, .percent = 100};
    bool any = false;

    while (*words != '\0') {
        size_t n = strcspn(words, " ");
        bool bar = n == 1 && *words == '|';

        any |= bar;
        cr_assert(bar || (any ? rule_add_any : rule_add_when)(&r, words, n), "no word: %s", words);
        words += n + (words[n] == ' ');
    }
    return r;
}

Test(policy, rule_words)
{
    static const char *const wrong[] = {
        "",           "!",           "!!iprev-fail", "iprev-fai", "iprev-failx",
        "IPREV-FAIL", " iprev-fail", "! iprev-fail"};
    struct rule r = {0};
    size_t i;

    cr_expect(rule_add_when(&r, "iprev-fail", 10));
    cr_expect(rule_add_when(&r, "!helo-verified", 14));
    cr_expect(rule_add_when(&r, "iprev-fail", 10), "twice is no fault");
    cr_expect(r.all == FINDING(F_IPREV_FAIL) && r.none == FINDING(F_HELO_VERIFIED));
    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_expect(!rule_add_when(&r, wrong[i], strlen(wrong[i])), "'%s'", wrong[i]);
    cr_expect(!rule_add_when(&r, "!iprev-fail", 0) && !rule_add_when(&r, "!iprev-fail", 1));
    cr_expect(r.all == FINDING(F_IPREV_FAIL) && r.none == FINDING(F_HELO_VERIFIED));
    cr_expect(rule_add_when(&r, "!ptr-many", 9) && rule_add_when(&r, "ptr-named", 9));
    cr_expect(r.all == words_of("iprev-fail ptr-named") &&
              r.none == words_of("helo-verified ptr-many"));
}

Test(policy, defaults)
{
    static const struct {
        const char *found, *rule;
        enum action action;
    } rows[] = {
        {"iprev-permerror ptr-missing helo-mismatch", "no-ptr", ACTION_REJECT},
        {"iprev-permerror ptr-missing helo-forward", NULL, ACTION_ACCEPT},
        {"iprev-permerror ptr-missing helo-forward helo-generic", "no-ptr", ACTION_REJECT},
        {"iprev-permerror ptr-missing helo-invalid", "no-ptr", ACTION_REJECT},
        {"iprev-permerror ptr-missing helo-invalid client-known", "bothelo", ACTION_TAG},
        {"iprev-fail forward-mismatch ptr-generic helo-mismatch", "forged", ACTION_REJECT},
        {"iprev-fail forward-mismatch ptr-generic helo-forward", NULL, ACTION_ACCEPT},
        {"iprev-fail forward-missing ptr-named helo-forward helo-generic", "forged", ACTION_REJECT},
        {"iprev-fail forward-missing ptr-named helo-mismatch client-known", NULL, ACTION_ACCEPT},
        {"iprev-fail ptr-limit ptr-named helo-mismatch", NULL, ACTION_ACCEPT},
        {"iprev-fail ptr-limit ptr-generic helo-mismatch", "botlike", ACTION_TAG},
        {"iprev-pass ptr-generic helo-mismatch", "botlike", ACTION_TAG},
        {"iprev-pass ptr-generic helo-aligned", NULL, ACTION_ACCEPT},
        {"iprev-pass ptr-named helo-bare-address", "bothelo", ACTION_TAG},
        {"iprev-pass ptr-named helo-literal-mismatch", "bothelo", ACTION_TAG},
        {"iprev-pass ptr-named helo-invalid", "bothelo", ACTION_TAG},
        {"iprev-pass ptr-named helo-unqualified", "bothelo", ACTION_TAG},
        {"iprev-pass ptr-named helo-literal", NULL, ACTION_ACCEPT},
        {"iprev-pass ptr-named helo-self", NULL, ACTION_ACCEPT},
        {"iprev-pass ptr-generic helo-verified", NULL, ACTION_ACCEPT},
        {"iprev-pass ptr-generic helo-forward", NULL, ACTION_ACCEPT},
        {"iprev-pass ptr-named helo-mismatch", NULL, ACTION_ACCEPT},
        {"iprev-pass ptr-provider helo-missing", NULL, ACTION_ACCEPT},
        {"iprev-temperror dns-timeout", NULL, ACTION_ACCEPT},
        {"iprev-skip skip-network", NULL, ACTION_ACCEPT},
    };
    static struct policy p;
    struct addr client = addr_of("192.0.2.1");
    size_t i;

    policy_defaults(&p);
    cr_assert(p.rules == RULES_BUILT_IN);
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct decision d = policy_decide(&p, 0, words_of(rows[i].found), 0, &client, 0);
        const char *rule = d.rule < 0 ? NULL : p.rule[d.rule].name;

        cr_expect(d.action == rows[i].action && d.certain, "%s", rows[i].found);
        cr_expect((rule == NULL) == (rows[i].rule == NULL) &&
                      (rule == NULL || strcmp(rule, rows[i].rule) == 0),
                  "%s: rule %s", rows[i].found, rule);
    }
    for (i = 0; i < p.rules; i++)
        cr_expect(rule_fault(&p.rule[i]) == NULL && p.rule[i].percent == 100, "%s", p.rule[i].name);
}

Test(policy, rule_faults)
{
    static const struct {
        enum action action;
        const char *when, *reply;
        bool good;
    } rows[] = {
        {ACTION_REJECT, "", NULL, false},
        {ACTION_TAG, "!iprev-pass", NULL, true},
        {ACTION_REJECT, "!iprev-pass", NULL, true},
        {ACTION_TAG, "iprev-pass !iprev-pass", NULL, false},
        /* groups of which exactly one word holds */
        {ACTION_TAG, "iprev-pass iprev-fail", NULL, false},
        {ACTION_TAG, "iprev-skip iprev-permerror", NULL, false},
        {ACTION_TAG, "ptr-missing forward-missing", NULL, false},
        {ACTION_TAG, "dns-timeout skip-network", NULL, false},
        {ACTION_TAG, "ptr-missing skip-no-address", NULL, false},
        {ACTION_TAG, "iprev-fail forward-missing", NULL, true},
        {ACTION_TAG, "ptr-generic ptr-named", NULL, false},
        {ACTION_TAG, "ptr-named ptr-provider", NULL, false},
        {ACTION_TAG, "ptr-generic ptr-many ptr-bare-domain", NULL, true},
        {ACTION_TAG, "ptr-provider ptr-many", NULL, true},
        /* ptr-weak only stands beside ptr-generic */
        {ACTION_TAG, "ptr-generic ptr-weak", NULL, true},
        {ACTION_TAG, "ptr-generic !ptr-weak", NULL, true},
        {ACTION_TAG, "ptr-weak", NULL, true},
        {ACTION_TAG, "ptr-weak !ptr-generic", NULL, false},
        {ACTION_TAG, "ptr-weak ptr-named", NULL, false},
        {ACTION_TAG, "ptr-weak ptr-provider", NULL, false},
        {ACTION_TAG, "!ptr-generic | ptr-weak", NULL, false},
        {ACTION_TAG, "!ptr-generic | ptr-weak ptr-many", NULL, true},
        {ACTION_TAG, "ptr-named | ptr-weak", NULL, false},
        {ACTION_TAG, "ptr-weak | ptr-generic", NULL, false},
        {ACTION_TAG, "ptr-generic | ptr-weak ptr-many", NULL, true},
        {ACTION_TAG, "helo-verified helo-missing", NULL, false},
        {ACTION_TAG, "helo-self helo-invalid", NULL, false},
        {ACTION_TAG, "helo-mismatch helo-generic", NULL, true},
        {ACTION_TAG, "helo-missing helo-generic", NULL, true},
        {ACTION_TAG, "!iprev-pass !iprev-fail", NULL, true},
        {ACTION_TAG, "ptr-generic dnssec-secure", NULL, true},
        {ACTION_TAG, "ptr-generic client-known", NULL, true},
        /* any */
        {ACTION_TAG, "| ptr-many", NULL, true},
        {ACTION_TAG, "| !ptr-many", NULL, true},
        {ACTION_TAG, "| iprev-pass iprev-fail", NULL, true},
        {ACTION_TAG, "iprev-fail | helo-mismatch !ptr-many", NULL, true},
        {ACTION_TAG, "| ptr-many !ptr-many", NULL, false},
        {ACTION_TAG, "ptr-many | ptr-many helo-self", NULL, false},
        {ACTION_TAG, "!ptr-many | !ptr-many helo-self", NULL, false},
        {ACTION_TAG, "ptr-many | !ptr-many", NULL, false},
        {ACTION_TAG, "!ptr-many | ptr-many", NULL, false},
        {ACTION_TAG, "ptr-many | !ptr-many helo-self", NULL, true},
        {ACTION_TAG, "iprev-fail | iprev-pass iprev-skip", NULL, false},
        {ACTION_TAG, "iprev-fail | iprev-pass ptr-many", NULL, true},
        {ACTION_TAG, "helo-self | helo-forward helo-verified", NULL, false},
        {ACTION_REJECT, "| helo-invalid helo-temperror", NULL, false},
        {ACTION_REJECT, "iprev-fail | dns-timeout ptr-many", NULL, false},
        {ACTION_REJECT, "iprev-fail | !helo-temperror", NULL, true},
        {ACTION_TEMPFAIL, "| helo-invalid helo-temperror", NULL, true},
        /* a permanent refusal for a temporary reason */
        {ACTION_REJECT, "iprev-temperror", NULL, false},
        {ACTION_REJECT, "dns-timeout", NULL, false},
        {ACTION_REJECT, "dns-servfail", NULL, false},
        {ACTION_REJECT, "dns-bogus", NULL, false},
        {ACTION_REJECT, "dns-overload ptr-generic", NULL, false},
        {ACTION_REJECT, "helo-temperror", NULL, false},
        {ACTION_REJECT, "iprev-fail !helo-temperror", NULL, true},
        {ACTION_TEMPFAIL, "iprev-temperror", NULL, true},
        {ACTION_QUARANTINE, "dns-bogus", NULL, true},
        /* replies */
        {ACTION_REJECT, "iprev-fail", "550 5.7.25 no", true},
        {ACTION_REJECT, "iprev-fail", "554 5.7.1 no", true},
        {ACTION_REJECT, "iprev-fail", "451 4.7.25 no", false},
        {ACTION_TEMPFAIL, "iprev-fail", "451 4.7.25 no", true},
        {ACTION_TEMPFAIL, "iprev-fail", "550 5.7.25 no", false},
        {ACTION_TAG, "iprev-fail", "550 5.7.25 no", false},
        {ACTION_ACCEPT, "iprev-fail", "451 4.7.25 no", false},
        {ACTION_QUARANTINE, "iprev-fail", "550 5.7.25 no", false},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rule r = rule_of(rows[i].action, rows[i].when);
        const char *fault = NULL, *reply = rows[i].reply;

        if (reply != NULL)
            fault = reply_read(&r.reply, reply, strlen(reply));
        cr_expect(fault == NULL, "%s: %s", reply ? reply : "", fault);
        fault = rule_fault(&r);
        cr_expect((fault == NULL) == rows[i].good, "%s {%s} %s: %s", action_word(rows[i].action),
                  rows[i].when, reply ? reply : "", fault ? fault : "no fault");
    }
}

Test(policy, same_condition)
{
    struct rule a = rule_of(ACTION_TAG, "iprev-fail !helo-verified");
    struct rule b = rule_of(ACTION_REJECT, "!helo-verified iprev-fail");
    struct rule c = rule_of(ACTION_TAG, "iprev-fail helo-verified");
    struct rule d = rule_of(ACTION_TAG, "iprev-fail");
    struct rule e = rule_of(ACTION_TAG, "iprev-fail !helo-verified | ptr-many");
    struct rule f = rule_of(ACTION_TAG, "iprev-fail !helo-verified | !ptr-many");

    cr_expect(rule_same_condition(&a, &b), "order and action do not matter");
    cr_expect(!rule_same_condition(&a, &c));
    cr_expect(!rule_same_condition(&a, &d));
    cr_expect(!rule_same_condition(&a, &e) && !rule_same_condition(&a, &f));
    cr_expect(!rule_same_condition(&e, &f) && rule_same_condition(&e, &e));
}

Test(policy, first_rule_that_holds_decides)
{
    static struct policy p;
    struct addr client = addr_of("192.0.2.1");
    struct decision d;

    memset(&p, 0, sizeof p);
    d = policy_decide(&p, 0, words_of("iprev-fail"), 0, &client, 0);
    cr_expect(d.action == ACTION_ACCEPT && d.rule == -1 && d.certain, "no rules at all");
    p.rule[0] = rule_of(ACTION_REJECT, "iprev-fail");
    d = policy_decide(&p, 0, words_of("iprev-fail"), 0, &client, 0);
    cr_expect(d.rule == -1 && d.certain, "what lies behind the rules is none");
    p.rule[p.rules++] = rule_of(ACTION_ACCEPT, "iprev-fail helo-verified");
    p.rule[p.rules++] = rule_of(ACTION_QUARANTINE, "iprev-fail ptr-generic");
    p.rule[p.rules++] = rule_of(ACTION_REJECT, "iprev-fail");
    d = policy_decide(&p, 0, words_of("iprev-fail ptr-generic helo-verified"), 0, &client, 0);
    cr_expect(d.action == ACTION_ACCEPT && d.rule == 0 && d.certain);
    d = policy_decide(&p, 0, words_of("iprev-fail ptr-generic helo-mismatch"), 0, &client, 0);
    cr_expect(d.action == ACTION_QUARANTINE && d.rule == 1 && d.certain);
    d = policy_decide(&p, 0, words_of("iprev-fail ptr-named helo-mismatch"), 0, &client, 0);
    cr_expect(d.action == ACTION_REJECT && d.rule == 2 && d.certain);
    d = policy_decide(&p, 0, words_of("iprev-pass ptr-named helo-mismatch"), 0, &client, 0);
    cr_expect(d.action == ACTION_ACCEPT && d.rule == -1 && d.certain);
}

Test(policy, unsure_words)
{
    static const struct {
        const char *rules[3]; /* action letter, then words */
        const char *found, *unsure;
        enum action action;
        int rule;
        bool certain;
        const char *why;
    } rows[] = {
        {{"Riprev-fail"}, "iprev-fail", "", ACTION_REJECT, 0, true, "plain"},
        {{"Riprev-fail"}, "iprev-fail", "helo-forward", ACTION_REJECT, 0, true, "unrelated"},
        {{"Riprev-fail"}, "iprev-fail", "iprev-fail", ACTION_ACCEPT, -1, false, "found, unsure"},
        {{"Riprev-fail"}, "iprev-pass", "iprev-fail", ACTION_ACCEPT, -1, false, "may come"},
        {{"R!iprev-pass"},
         "iprev-temperror",
         "iprev-pass",
         ACTION_ACCEPT,
         -1,
         false,
         "a negated word that may come"},
        {{"Tiprev-temperror"},
         "iprev-temperror",
         "iprev-temperror iprev-fail",
         ACTION_TEMPFAIL,
         0,
         false,
         "a gentle rule takes things as they look"},
        {{"Ahelo-forward", "Riprev-fail"},
         "iprev-fail helo-temperror",
         "helo-forward helo-temperror",
         ACTION_ACCEPT,
         -1,
         false,
         "the exception may yet hold"},
        {{"Ahelo-forward ptr-named", "Riprev-fail"},
         "iprev-fail helo-temperror ptr-generic",
         "helo-forward helo-temperror",
         ACTION_REJECT,
         1,
         true,
         "the exception cannot hold"},
        {{"A!helo-temperror", "Riprev-fail"},
         "iprev-fail helo-temperror",
         "helo-temperror",
         ACTION_ACCEPT,
         -1,
         false,
         "the exception holds if a word goes"},
        {{"Rptr-generic", "Riprev-fail"},
         "iprev-fail",
         "ptr-generic",
         ACTION_REJECT,
         1,
         false,
         "reject either way, but which rule?"},
        {{"Rptr-generic", "Gptr-many"},
         "ptr-many",
         "ptr-generic",
         ACTION_TAG,
         1,
         false,
         "a reject may yet hold"},
        {{"Rptr-generic", "Gptr-many"},
         "ptr-many ptr-generic",
         "ptr-generic",
         ACTION_TAG,
         1,
         false,
         "a reject that is not certain is passed over"},
        {{"Gptr-many", "Rptr-generic"},
         "ptr-many ptr-generic",
         "ptr-generic",
         ACTION_TAG,
         0,
         true,
         "the first rule is certain"},
        {{"Qptr-many", "Gptr-generic", "Riprev-fail"},
         "iprev-fail ptr-generic",
         "ptr-many",
         ACTION_TAG,
         1,
         false,
         "an earlier gentle rule may hold"},
        {{"Riprev-fail | !helo-forward helo-generic"},
         "iprev-fail helo-mismatch",
         "",
         ACTION_REJECT,
         0,
         true,
         "one word of any"},
        {{"Riprev-fail | !helo-forward helo-generic"},
         "iprev-fail helo-forward helo-generic",
         "",
         ACTION_REJECT,
         0,
         true,
         "the other"},
        {{"Riprev-fail | !helo-forward helo-generic"},
         "iprev-fail helo-forward",
         "",
         ACTION_ACCEPT,
         -1,
         true,
         "no word of any"},
        {{"Riprev-fail | ptr-many ptr-named"},
         "iprev-pass ptr-many",
         "",
         ACTION_ACCEPT,
         -1,
         true,
         "any without when"},
        {{"Riprev-fail | !helo-forward helo-generic"},
         "iprev-fail helo-temperror",
         "helo-temperror helo-forward",
         ACTION_ACCEPT,
         -1,
         false,
         "a negated word of any may yet fail"},
        {{"Riprev-fail | !helo-forward helo-generic"},
         "iprev-fail helo-temperror helo-generic",
         "helo-temperror helo-forward",
         ACTION_REJECT,
         0,
         true,
         "another word of any is sure"},
        {{"R| ptr-many ptr-generic"},
         "ptr-many ptr-generic",
         "ptr-many ptr-generic",
         ACTION_ACCEPT,
         -1,
         false,
         "two words of any, both unsure"},
        {{"R| ptr-many ptr-generic"},
         "iprev-pass",
         "ptr-generic",
         ACTION_ACCEPT,
         -1,
         false,
         "a word of any may come"},
        {{"R| ptr-many !ptr-generic"},
         "ptr-generic",
         "ptr-generic",
         ACTION_ACCEPT,
         -1,
         false,
         "a word of any may go"},
        {{"Aptr-named | helo-forward helo-aligned", "Riprev-fail"},
         "iprev-fail ptr-named",
         "helo-forward",
         ACTION_ACCEPT,
         -1,
         false,
         "the exception may yet match by any"},
        {{"Aptr-named | helo-forward helo-aligned", "Riprev-fail"},
         "iprev-fail ptr-named",
         "ptr-many",
         ACTION_REJECT,
         1,
         true,
         "the exception cannot match by any"},
        {{"Aptr-named | !helo-forward", "Riprev-fail"},
         "iprev-fail ptr-named helo-forward",
         "helo-forward",
         ACTION_ACCEPT,
         -1,
         false,
         "the exception matches if a word goes"},
        {{"T| dns-timeout !ptr-many"},
         "dns-timeout ptr-many",
         "dns-timeout",
         ACTION_TEMPFAIL,
         0,
         false,
         "a gentle rule takes any as it looks"},
        {{"Riprev-fail !ptr-many"},
         "iprev-fail ptr-many",
         "",
         ACTION_ACCEPT,
         -1,
         true,
         "a certain word rules it out"},
    };
    static const char actions[] = "AGQYTR";
    static struct policy p;
    struct addr client = addr_of("192.0.2.1");
    size_t i, k;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct decision d;

        p.rules = 0;
        for (k = 0; k < 3 && rows[i].rules[k] != NULL; k++) {
            const char *rule = rows[i].rules[k];

            p.rule[p.rules++] = rule_of((enum action)(strchr(actions, *rule) - actions), rule + 1);
        }
        d = policy_decide(&p, 0, words_of(rows[i].found), words_of(rows[i].unsure), &client, 0);
        cr_expect(
            d.action == rows[i].action && d.rule == rows[i].rule && d.certain == rows[i].certain,
            "%s: %s, rule %d, certain %d", rows[i].why, action_word(d.action), d.rule, d.certain);
    }
}

Test(policy, expired_rules_are_skipped)
{
    static const struct {
        int64_t expires, now;
        bool holds;
    } rows[] = {
        {0, 0, true},
        {0, INT64_MAX, true},
        {100, 99, true},
        {100, 100, false},
        {100, 101, false},
        {1, INT64_MAX, false},
        {4102444800, 4102444799, true}, /* 2100: beyond 32 bits */
        {4102444800, 4102444800, false},
    };
    struct addr client = addr_of("192.0.2.1");
    static struct policy p;
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct decision d;

        policy_defaults(&p);
        p.rule[1].expires = rows[i].expires;
        d = policy_decide(&p, 0, FINDING(F_IPREV_FAIL), 0, &client, rows[i].now);
        cr_expect((d.rule == 1) == rows[i].holds && d.certain, "expires %lld, now %lld",
                  (long long)rows[i].expires, (long long)rows[i].now);
        /* An expired rule casts no doubt either. */
        p.rule[1] = rule_of(ACTION_ACCEPT, "helo-forward");
        p.rule[1].expires = rows[i].expires;
        p.rule[2] = rule_of(ACTION_REJECT, "iprev-fail");
        d = policy_decide(&p, 0, FINDING(F_IPREV_FAIL), FINDING(F_HELO_FORWARD), &client,
                          rows[i].now);
        cr_expect((d.action == ACTION_REJECT) != rows[i].holds, "expires %lld, now %lld: doubt",
                  (long long)rows[i].expires, (long long)rows[i].now);
    }
}

Test(policy, percent_takes_its_share_and_stays)
{
    static const unsigned percents[] = {1, 25, 50, 99, 100};
    static struct policy p;
    unsigned i, k;

    for (i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        unsigned taken = 0, total = 20000;

        policy_defaults(&p);
        for (k = 0; k < total; k++) {
            uint8_t bytes[4] = {198, 51, (uint8_t)(k >> 8), (uint8_t)k};
            struct addr client = addr_from_bytes(ADDR_IPV4, bytes);
            bool first, again, more;

            p.rule[0].percent = (uint8_t)percents[i];
            first = policy_decide(&p, 0, FINDING(F_IPREV_PERMERROR), 0, &client, 0).rule == 0;
            again = policy_decide(&p, 0, FINDING(F_IPREV_PERMERROR), 0, &client, 99).rule == 0;
            p.rule[0].percent = 100;
            more = policy_decide(&p, 0, FINDING(F_IPREV_PERMERROR), 0, &client, 0).rule == 0;
            cr_assert(first == again && more);
            taken += first;
        }
        cr_expect(taken > total * percents[i] / 100 * 8 / 10 &&
                      taken <= total * percents[i] / 100 * 12 / 10,
                  "%u %% took %u of %u", percents[i], taken, total);
        cr_expect(total - taken >= total * (100 - percents[i]) / 100 * 8 / 10 &&
                      total - taken <= total * (100 - percents[i]) / 100 * 12 / 10,
                  "%u %% left %u of %u", percents[i], total - taken, total);
        cr_expect((percents[i] == 100) == (taken == total), "%u", percents[i]);
    }
}

static uint64_t state = 88172645463325252u;

static unsigned rnd(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % n;
}

/* The rules of two-valued logic, as the manual tells them. */
static int plain_rule(const struct policy *p, findings found)
{
    unsigned i;

    for (i = 0; i < p->rules; i++)
        if ((p->rule[i].all & found) == p->rule[i].all && !(p->rule[i].none & found))
            return (int)i;
    return -1;
}

static enum action action_of(const struct policy *p, int rule)
{
    return rule < 0 ? ACTION_ACCEPT : (enum action)p->rule[rule].action;
}

#define UNIVERSE 8 /* words that the random policies speak of */

static void random_policy(struct policy *p)
{
    unsigned i, k;

    memset(p, 0, sizeof *p);
    p->rules = rnd(6);
    for (i = 0; i < p->rules; i++) {
        p->rule[i].action = rnd(2) ? ACTION_REJECT : (uint8_t)rnd(5);
        p->rule[i].percent = 100;
        for (k = rnd(3); k < 3; k++) {
            findings word = FINDING(rnd(UNIVERSE));

            if (rnd(2))
                p->rule[i].all |= word;
            else
                p->rule[i].none |= word;
        }
    }
}

static findings random_words(unsigned one_in)
{
    findings set = 0;
    unsigned i;

    for (i = 0; i < UNIVERSE; i++)
        if (rnd(one_in) == 0)
            set |= FINDING(i);
    return set;
}

Test(policy, property_certain_words_give_plain_rules)
{
    struct addr client = addr_of("192.0.2.1");
    static struct policy p;
    unsigned round;

    for (round = 0; round < 20000; round++) {
        findings found = random_words(2);
        struct decision d;

        random_policy(&p);
        d = policy_decide(&p, 0, found, 0, &client, 0);
        cr_assert(d.certain && d.rule == plain_rule(&p, found) && d.action == action_of(&p, d.rule),
                  "round %u", round);
    }
}

Test(policy, property_reject_and_certain_hold_for_every_completion)
{
    struct addr client = addr_of("192.0.2.1");
    static struct policy p;
    unsigned round, rejects = 0, certains = 0;

    for (round = 0; round < 30000; round++) {
        findings found = random_words(2), unsure = random_words(1 + rnd(5)), part = 0;
        struct decision d;
        int look;

        random_policy(&p);
        d = policy_decide(&p, 0, found, unsure, &client, 0);
        look = plain_rule(&p, found);
        /* What looks gentle is done; what looks like a reject, or less. */
        cr_assert(d.action == action_of(&p, d.rule), "round %u", round);
        cr_assert(action_of(&p, look) == ACTION_REJECT || d.rule == look, "round %u", round);
        rejects += d.action == ACTION_REJECT;
        certains += d.certain && unsure != 0;
        do { /* every subset of unsure */
            int rule = plain_rule(&p, (found & ~unsure) | part);

            cr_assert(d.action != ACTION_REJECT || action_of(&p, rule) == ACTION_REJECT,
                      "round %u: refused, but the word set %llx would not be", round,
                      (unsigned long long)((found & ~unsure) | part));
            cr_assert(!d.certain || rule == d.rule, "round %u: certain, but not", round);
            part = (part - unsure) & unsure;
        } while (part != 0);
    }
    cr_expect(rejects > 1000 && certains > 1000, "%u and %u: too few to mean anything", rejects,
              certains);
}

Test(policy, rule_fault_tells_the_class)
{
    struct rule r = {.all = FINDING(F_IPREV_FAIL), .action = ACTION_REJECT};

    r.reply = (struct reply){.code = 451, .xcode = "4.7.25", .text = "x"};
    cr_expect(strstr(rule_fault(&r), "5xx") != NULL);
    r.reply = (struct reply){.code = 550, .xcode = "4.7.25", .text = "x"};
    cr_expect(rule_fault(&r) != NULL, "one half fits, the other does not");
    r.reply = (struct reply){.code = 451, .xcode = "5.7.25", .text = "x"};
    cr_expect(rule_fault(&r) != NULL, "the other way round");
    r.action = ACTION_TEMPFAIL;
    cr_expect(strstr(rule_fault(&r), "4xx") != NULL);
}

Test(policy, action_words)
{
    static const char *const words[] = {"accept",   "tag",      "quarantine",
                                        "greylist", "tempfail", "reject"};
    static const char *const wrong[] = {"", "rejec", "rejects", "REJECT", "discard", "tag "};
    enum action a = ACTION_TAG;
    unsigned i;

    for (i = 0; i < 6; i++) {
        cr_expect_str_eq(action_word((enum action)i), words[i]);
        cr_expect(action_from_word(&a, words[i], strlen(words[i])) && a == (enum action)i, "%s",
                  words[i]);
    }
    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_expect(!action_from_word(&a, wrong[i], strlen(wrong[i])), "'%s'", wrong[i]);
    cr_expect(action_from_word(&a, "tagged", 3) && a == ACTION_TAG, "length counts, not the NUL");
}
