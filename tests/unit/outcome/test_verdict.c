/* verdict: exemptions before rules, what is refused, what is written.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include <string.h>

#include "conf/settings.h"

static struct settings defaults(void)
{
    struct settings s;

    memset(&s, 0, sizeof s);
    s.judge.authentication_results = true;
    s.judge.x_iprev = true;
    policy_defaults(&s.judge.policy);
    return s;
}

/* Facts of a client whose chain has this result. */
static struct facts facts_of(struct chain *c, enum finding result, enum finding cause)
{
    static const struct helo none = {.form = HELO_ABSENT};
    struct facts f;

    memset(&f, 0, sizeof f);
    addr_parse(&f.client, "192.0.2.1", 9);
    chain_temperror(c, &f.client, F_DNS_TIMEOUT);
    c->result = (uint8_t)result;
    c->cause = (uint8_t)cause;
    f.skip = F_NONE;
    f.chain = c;
    f.chain_cause = F_DNS_TIMEOUT;
    f.helo_known = true;
    f.helo = &none;
    return f;
}

Test(verdict, actions)
{
    static const struct {
        enum finding result, cause, skip;
        enum action action;
        const char *rule;
        bool refused; /* when enforced */
    } row[] = {
        {F_IPREV_PERMERROR, F_PTR_MISSING, F_NONE, ACTION_REJECT, "no-ptr", true},
        {F_IPREV_FAIL, F_FORWARD_MISMATCH, F_NONE, ACTION_REJECT, "forged", true},
        {F_IPREV_TEMPERROR, F_DNS_TIMEOUT, F_NONE, ACTION_ACCEPT, "", false},
        {F_IPREV_PERMERROR, F_PTR_MISSING, F_SKIP_NETWORK, ACTION_ACCEPT, "", false},
        {F_IPREV_FAIL, F_PTR_INVALID, F_SKIP_AUTHENTICATED, ACTION_ACCEPT, "", false},
    };
    struct settings s = defaults();
    size_t i;
    int enforce;

    for (enforce = 0; enforce < 2; enforce++)
        for (i = 0; i < sizeof row / sizeof row[0]; i++) {
            struct chain c;
            struct facts f = facts_of(&c, row[i].result, row[i].cause);
            const char *cause = finding_word(row[i].skip != F_NONE ? row[i].skip : row[i].cause);
            struct verdict v;

            f.skip = row[i].skip;
            s.judge.enforce = enforce == 1;
            report_make(&v.report, &f);
            verdict_reach(&v, &s.judge, &f, 0);
            cr_expect(v.action == row[i].action, "%s: %s", cause, action_word(v.action));
            cr_expect_str_eq(v.rule_name, row[i].rule, "%s", cause);
            cr_expect((v.rule != NULL) == (row[i].rule[0] != '\0'), "%s", cause);
            cr_expect(verdict_refuses(&v) == (row[i].refused && enforce), "%s", cause);
            cr_expect(v.enforce == (enforce == 1));
        }
}

/* Not even a rule that only asks what is absent: of a skipped client nothing was asked. */
Test(verdict, a_skipped_client_meets_no_rule)
{
    static const struct {
        enum finding skip;
        enum action action;
    } row[] = {
        {F_NONE, ACTION_REJECT},
        {F_SKIP_NETWORK, ACTION_ACCEPT},
        {F_SKIP_LOCAL, ACTION_ACCEPT},
        {F_SKIP_AUTHENTICATED, ACTION_ACCEPT},
    };
    struct settings s = defaults();
    size_t i;

    s.judge.policy.rules = 1;
    s.judge.policy.rule[0] = (struct rule){
        .name = "all", .none = FINDING(F_PTR_GENERIC), .action = ACTION_REJECT, .percent = 100};
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct chain c;
        struct facts f = facts_of(&c, F_IPREV_FAIL, F_FORWARD_MISMATCH);
        struct verdict v;

        f.skip = row[i].skip;
        report_make(&v.report, &f);
        verdict_reach(&v, &s.judge, &f, 0);
        cr_expect(v.action == row[i].action, "%zu: %s", i, action_word(v.action));
        cr_expect((v.rule != NULL) == (row[i].skip == F_NONE), "%zu", i);
    }
}

Test(verdict, exempt_host_goes_before_rules)
{
    static const char *const entry[] = {".good.example"};
    struct settings s = defaults();
    struct chain c;
    struct facts f;
    struct verdict v;
    struct dname d;

    s.judge.enforce = true;
    s.judge.exempt_hosts = (struct name_list){.n = 1, .entry = entry};
    s.judge.policy.rule[0].all = FINDING(F_IPREV_PASS);
    f = facts_of(&c, F_IPREV_PASS, F_NONE);
    dname_from_text(&d, "mail.good.example", 17);
    c.names = 1;
    c.packed[0] = NAME_CONFIRMED;
    c.packed[1] = d.len;
    memcpy(c.packed + 2, d.wire, d.len);
    c.packed_len = (uint16_t)(2 + d.len);
    report_make(&v.report, &f);
    verdict_reach(&v, &s.judge, &f, 0);
    cr_expect(v.action == ACTION_ACCEPT && v.rule == NULL && !verdict_refuses(&v));
    cr_expect_str_eq(v.rule_name, "exempt.hosts");
    c.packed[0] = NAME_ELSEWHERE;
    report_make(&v.report, &f);
    verdict_reach(&v, &s.judge, &f, 0);
    cr_expect(v.action == ACTION_REJECT && verdict_refuses(&v), "only a confirmed name");
}

/* A list with one line. */
static struct exempt_list list_of(struct listed *room, struct listed_key *key, const char *line,
                                  int64_t end)
{
    struct exempt_list l = {.n = 1, .client = room};
    struct addr_net net;
    struct dname d;
    bool below = line[0] == '.';

    if (addr_net_parse(&net, line, strlen(line))) {
        *key = listed_network(&net);
        l.four[net.bits] = true;
    } else {
        dname_from_text(&d, line + below, strlen(line + below));
        *key = listed_name(&d, below);
        l.names_end = end;
    }
    *room = (struct listed){key->octets, key->len, end};
    return l;
}

/* One PTR name, in any state. An address exempts whatever DNS says; a name when it is confirmed;
 * while it may still be, nothing refuses for good. The last second counts. */
Test(verdict, B20_exempt_lists)
{
    static const struct {
        const char *line;
        enum name_state state;
        enum finding result, cause;
        const char *rule;
        const char *says;
    } row[] = {
        {"192.0.2.1", NAME_ELSEWHERE, F_IPREV_FAIL, F_FORWARD_MISMATCH, "exempt.lists", "address"},
        {"192.0.2.0/24", NAME_TIMEOUT, F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "exempt.lists", "network"},
        {"192.0.3.0/24", NAME_ELSEWHERE, F_IPREV_FAIL, F_FORWARD_MISMATCH, "bad",
         "another network"},
        {"mail.good.example", NAME_CONFIRMED, F_IPREV_PASS, F_NONE, "exempt.lists", "its name"},
        {".good.example", NAME_CONFIRMED, F_IPREV_PASS, F_NONE, "exempt.lists", "its domain"},
        {"mail.good.example", NAME_ELSEWHERE, F_IPREV_FAIL, F_FORWARD_MISMATCH, "bad", "no proof"},
        {"mail.good.example", NAME_SERVFAIL, F_IPREV_TEMPERROR, F_DNS_SERVFAIL, "",
         "proof may come"},
        {"mail.bad.example", NAME_SERVFAIL, F_IPREV_TEMPERROR, F_DNS_SERVFAIL, "bad",
         "another name"},
        {"mail.bad.example", NAME_PENDING, F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "",
         "no name is known yet"},
    };
    struct settings s = defaults();
    size_t i;

    s.judge.policy.rules = 1;
    memcpy(s.judge.policy.rule[0].name, "bad", 4);
    s.judge.policy.rule[0].all = FINDING(F_HELO_INVALID); /* certain, whatever DNS says */
    s.judge.policy.rule[0].none = 0;
    s.judge.policy.rule[0].action = ACTION_REJECT;
    for (i = 0; i < 2 * (sizeof row / sizeof row[0]); i++) {
        bool over = i % 2 != 0;
        struct listed_key key;
        struct listed room;
        struct chain c;
        struct facts f = facts_of(&c, row[i / 2].result, row[i / 2].cause);
        struct helo h;
        struct verdict v;
        struct dname d;

        s.judge.exempt_list = list_of(&room, &key, row[i / 2].line, 1000);
        if (row[i / 2].state != NAME_PENDING) {
            dname_from_text(&d, "mail.good.example", 17);
            c.names = 1;
            c.packed[0] = (uint8_t)row[i / 2].state;
            c.packed[1] = d.len;
            memcpy(c.packed + 2, d.wire, d.len);
            c.packed_len = (uint16_t)(2 + d.len);
        }
        helo_parse(&h, "a b", 3);
        f.helo = &h;
        f.helo_known = true;
        report_make(&v.report, &f);
        verdict_reach(&v, &s.judge, &f, over ? 1000 : 999);
        cr_expect_str_eq(v.rule_name, over ? "bad" : row[i / 2].rule, "%s: %s%s", row[i / 2].line,
                         row[i / 2].says, over ? ", and over" : "");
        cr_expect(v.action == (strcmp(v.rule_name, "bad") == 0 ? ACTION_REJECT : ACTION_ACCEPT));
    }
}

/* The same from words of a log line. */
Test(verdict, exempt_lists_recalled)
{
    static const struct {
        const char *line;
        findings found;
        const char *rule;
    } row[] = {
        {"192.0.2.1", FINDING(F_IPREV_FAIL) | FINDING(F_FORWARD_MISMATCH), "exempt.lists"},
        {"mail.good.example", FINDING(F_IPREV_PASS), "exempt.lists"},
        {"mail.good.example", FINDING(F_IPREV_FAIL) | FINDING(F_FORWARD_MISMATCH), "bad"},
        {"mail.good.example", FINDING(F_IPREV_TEMPERROR) | FINDING(F_DNS_TIMEOUT), ""},
        {"mail.bad.example", FINDING(F_IPREV_TEMPERROR) | FINDING(F_DNS_TIMEOUT), "bad"},
        {"mail.bad.example",
         FINDING(F_IPREV_TEMPERROR) | FINDING(F_DNS_TIMEOUT) | FINDING(F_PTR_MANY), ""},
        {"mail.bad.example", FINDING(F_IPREV_PASS), "bad"},
    };
    struct settings s = defaults();
    size_t i;

    s.judge.policy.rules = 1;
    memcpy(s.judge.policy.rule[0].name, "bad", 4);
    s.judge.policy.rule[0].all = FINDING(F_HELO_INVALID);
    s.judge.policy.rule[0].none = 0;
    s.judge.policy.rule[0].action = ACTION_REJECT;
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct recalled w = {
            .skip = F_NONE, .found = row[i].found | FINDING(F_HELO_INVALID), .helo = {.len = 1}};
        struct listed_key key;
        struct listed room;
        struct verdict v;

        cr_assert(addr_parse(&w.client, "192.0.2.1", 9));
        dname_from_text(&w.ptr, "mail.good.example", 17);
        s.judge.exempt_list = list_of(&room, &key, row[i].line, 1000);
        report_recall(&v.report, &w);
        verdict_recall(&v, &s.judge, &w, 0, 999);
        cr_expect_str_eq(v.rule_name, row[i].rule, "%zu: %s", i, row[i].line);
        report_recall(&v.report, &w);
        verdict_recall(&v, &s.judge, &w, 0, 1000);
        cr_expect_str_eq(v.rule_name, "bad", "%zu: %s is over", i, row[i].line);
    }
}

Test(verdict, spared)
{
    struct settings s = defaults();
    struct chain c;
    struct facts f = facts_of(&c, F_IPREV_FAIL, F_FORWARD_MISMATCH);
    struct verdict v;

    s.judge.enforce = true;
    report_make(&v.report, &f);
    verdict_reach(&v, &s.judge, &f, 0);
    cr_expect(verdict_refuses(&v));
    verdict_spare(&v);
    cr_expect(!verdict_refuses(&v) && v.rule == NULL && v.action == ACTION_ACCEPT);
    cr_expect_str_eq(v.rule_name, "exempt.recipients");
    cr_expect(v.report.result == F_IPREV_FAIL, "the findings stay");
    report_make(&v.report, &f);
    verdict_reach(&v, &s.judge, &f, 0);
    verdict_too_late(&v);
    cr_expect(!verdict_refuses(&v) && v.rule == NULL && v.action == ACTION_ACCEPT);
    cr_expect_str_empty(v.rule_name);
    cr_expect(v.report.result == F_IPREV_FAIL, "the findings stay");
}

Test(verdict, fields)
{
    char authres[AUTHRES_VALUE_MAX], x_iprev[RECORD_HEADER_MAX];
    struct settings s = defaults();
    struct chain c;
    struct facts f = facts_of(&c, F_IPREV_FAIL, F_FORWARD_MISMATCH);
    struct verdict v;

    report_make(&v.report, &f);
    verdict_reach(&v, &s.judge, &f, 0);
    authres_field(authres, "mx.example.org", &v.report, &v.client);
    verdict_x_iprev(&v, &s.judge, x_iprev);
    cr_expect(strstr(authres, "iprev=fail reason=forward-mismatch") != NULL, "%s", authres);
    cr_expect(strstr(x_iprev, "rule=forged; action=reject; mode=monitor") != NULL, "%s", x_iprev);
    authres_field(authres, "not \"valid\"", &v.report, &v.client);
    cr_expect_str_empty(authres, "rather none than a broken one");
    s.judge.x_iprev = false;
    verdict_x_iprev(&v, &s.judge, x_iprev);
    cr_expect_str_empty(x_iprev, "switched off");
    s = defaults();
    f.skip = F_SKIP_LOCAL;
    report_make(&v.report, &f);
    verdict_reach(&v, &s.judge, &f, 0);
    authres_field(authres, "mx.example.org", &v.report, &v.client);
    verdict_x_iprev(&v, &s.judge, x_iprev);
    cr_expect(authres[0] == '\0' && x_iprev[0] == '\0', "a skipped client gets none");
}

Test(verdict, reply_fits_the_action)
{
    struct settings s = defaults();
    struct chain c;
    struct facts f = facts_of(&c, F_IPREV_PERMERROR, F_PTR_MISSING);
    struct verdict v;
    struct reply r;

    report_make(&v.report, &f);
    verdict_reach(&v, &s.judge, &f, 0);
    verdict_reply(&v, &s.judge, &r);
    cr_expect(r.code == 550 && strcmp(r.xcode, "5.7.25") == 0 && strstr(r.text, "192.0.2.1"));
    s.judge.policy.rule[0].action = ACTION_TEMPFAIL;
    report_make(&v.report, &f);
    verdict_reach(&v, &s.judge, &f, 0);
    verdict_reply(&v, &s.judge, &r);
    cr_expect(r.code == 451 && strcmp(r.xcode, "4.7.25") == 0, "%u %s", r.code, r.xcode);
}

/* A name whose addresses could not be had may be one that is exempt: nothing
 * refuses such a client for good, whatever rule holds. */
Test(verdict, B20_exempt_host_may_still_turn_out)
{
    static const char *const entry[] = {".good.example"};
    static const struct {
        const char *name; /* NULL: no name is known */
        enum name_state state;
        enum finding result, cause;
        enum action action;
    } row[] = {
        {"mail.good.example", NAME_SERVFAIL, F_IPREV_TEMPERROR, F_DNS_SERVFAIL, ACTION_ACCEPT},
        {"mail.good.example", NAME_TIMEOUT, F_IPREV_TEMPERROR, F_DNS_TIMEOUT, ACTION_ACCEPT},
        {"mail.bad.example", NAME_SERVFAIL, F_IPREV_TEMPERROR, F_DNS_SERVFAIL, ACTION_REJECT},
        {"mail.good.example", NAME_ELSEWHERE, F_IPREV_FAIL, F_FORWARD_MISMATCH, ACTION_REJECT},
        {NULL, NAME_PENDING, F_IPREV_TEMPERROR, F_DNS_TIMEOUT, ACTION_ACCEPT},
    };
    struct settings s = defaults();
    size_t i;

    s.judge.exempt_hosts = (struct name_list){.n = 1, .entry = entry};
    s.judge.policy.rules = 1;
    s.judge.policy.rule[0].all = FINDING(F_HELO_INVALID); /* certain, whatever DNS says */
    s.judge.policy.rule[0].none = 0;
    s.judge.policy.rule[0].action = ACTION_REJECT;
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct chain c;
        struct facts f = facts_of(&c, row[i].result, row[i].cause);
        struct helo h;
        struct verdict v;
        struct dname d;

        if (row[i].name != NULL) {
            dname_from_text(&d, row[i].name, strlen(row[i].name));
            c.names = 1;
            c.packed[0] = (uint8_t)row[i].state;
            c.packed[1] = d.len;
            memcpy(c.packed + 2, d.wire, d.len);
            c.packed_len = (uint16_t)(2 + d.len);
        }
        helo_parse(&h, "a b", 3);
        f.helo = &h;
        f.helo_known = true;
        report_make(&v.report, &f);
        verdict_reach(&v, &s.judge, &f, 0);
        cr_expect(v.action == row[i].action, "%s, %s: %s", row[i].name ? row[i].name : "no name",
                  finding_word(row[i].cause), action_word(v.action));
    }
}

static const struct rule *add_rule(struct settings *s, const char *name, findings all,
                                   findings none, enum action action)
{
    struct rule *r = &s->judge.policy.rule[s->judge.policy.rules++];

    *r = (struct rule){.all = all, .none = none, .action = (uint8_t)action, .percent = 100};
    memcpy(r->name, name, strlen(name) + 1);
    return r;
}

static void reach(struct verdict *v, const struct settings *s, enum remembered known)
{
    struct chain c;
    struct facts f = facts_of(&c, F_IPREV_PERMERROR, F_PTR_MISSING);

    report_make(&v->report, &f);
    report_remember(&v->report, known);
    verdict_reach(v, &s->judge, &f, 0);
}

/* Memory is asked only where the answer changes something. */
Test(verdict, wants_memory)
{
    static const struct {
        findings first_none;
        enum action first;
        bool trial, wants;
        const char *why;
    } row[] = {
        {FINDING(F_CLIENT_KNOWN), ACTION_REJECT, false, true, "the rule that matches names it"},
        {0, ACTION_REJECT, false, false, "an earlier rule decides"},
        {FINDING(F_CLIENT_KNOWN) | FINDING(F_PTR_MISSING), ACTION_REJECT, false, false,
         "the rule does not match anyway"},
        {FINDING(F_CLIENT_KNOWN), ACTION_REJECT, true, true, "a rule on trial wants to know"},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct settings s = defaults();
        struct verdict v;

        s.judge.policy.rules = 0;
        add_rule(&s, "first", FINDING(F_IPREV_PERMERROR), row[i].first_none, row[i].first);
        s.judge.policy.rule[0].trial = row[i].trial;
        add_rule(&s, "second", FINDING(F_IPREV_PASS), FINDING(F_CLIENT_KNOWN), ACTION_REJECT);
        reach(&v, &s, NOT_REMEMBERED);
        cr_expect_eq(verdict_wants_memory(&v, &s.judge, 0, 0), row[i].wants, "%s", row[i].why);
    }
}

Test(verdict, known_clients_H1)
{
    struct settings s = defaults();
    struct verdict v;

    reach(&v, &s, NOT_REMEMBERED);
    cr_expect(v.action == ACTION_REJECT && strcmp(v.rule_name, "no-ptr") == 0);
    reach(&v, &s, REMEMBERED);
    cr_expect(v.action == ACTION_ACCEPT && (v.report.found & FINDING(F_CLIENT_KNOWN)));
    reach(&v, &s, MEMORY_FAILED);
    cr_expect(v.action == ACTION_ACCEPT && !v.certain, "no rule that names the word refuses");
    cr_expect(!(v.report.found & FINDING(F_CLIENT_KNOWN)));
}

/* A rule on trial never changes what the others do, and is told when it would have. */
Test(verdict, rules_on_trial)
{
    static const struct {
        enum action trial, other;
        bool told;
    } row[] = {
        {ACTION_REJECT, ACTION_TAG, true},
        {ACTION_ACCEPT, ACTION_REJECT, true},
        {ACTION_REJECT, ACTION_REJECT, false},
        {ACTION_GREYLIST, ACTION_REJECT, true},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct settings s = defaults();
        struct verdict v, trial;
        struct record r;

        s.judge.enforce = true;
        s.judge.policy.rules = 0;
        add_rule(&s, "trial", FINDING(F_IPREV_PERMERROR), 0, row[i].trial);
        s.judge.policy.rule[0].trial = true;
        add_rule(&s, "other", FINDING(F_IPREV_PERMERROR), 0, row[i].other);
        reach(&v, &s, NOT_REMEMBERED);
        cr_expect(v.action == row[i].other && strcmp(v.rule_name, "other") == 0 && v.certain);
        cr_expect_eq(v.trial != NULL, row[i].told, "row %zu", i);
        if (v.trial == NULL)
            continue;
        verdict_trial(&trial, &v);
        verdict_record(&trial, &r);
        cr_expect(r.action == row[i].trial && strcmp(r.rule, "trial") == 0 && !r.enforce);
    }
}
