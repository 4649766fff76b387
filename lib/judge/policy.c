/* Rules in three-valued logic.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/policy.h"

#include <string.h>

static const char *const action_words[] = {
    [ACTION_ACCEPT] = "accept",         [ACTION_TAG] = "tag",
    [ACTION_QUARANTINE] = "quarantine", [ACTION_GREYLIST] = "greylist",
    [ACTION_TEMPFAIL] = "tempfail",     [ACTION_REJECT] = "reject",
};

const char *action_word(enum action a)
{
    return action_words[a];
}

bool action_from_word(enum action *a, const char *s, size_t n)
{
    unsigned i;

    for (i = 0; i <= ACTION_REJECT; i++)
        if (strlen(action_words[i]) == n && memcmp(action_words[i], s, n) == 0) {
            *a = (enum action)i;
            return true;
        }
    return false;
}

static const struct rule built_in[RULES_BUILT_IN] = {
    {.name = "no-ptr",
     .all = FINDING(F_IPREV_PERMERROR),
     .none = FINDING(F_CLIENT_KNOWN),
     .any = FINDING(F_HELO_GENERIC),
     .lacks = FINDING(F_HELO_FORWARD),
     .action = ACTION_REJECT,
     .percent = 100},
    {.name = "forged",
     .all = FINDING(F_IPREV_FAIL),
     .none = FINDING(F_PTR_LIMIT) | FINDING(F_CLIENT_KNOWN),
     .any = FINDING(F_HELO_GENERIC),
     .lacks = FINDING(F_HELO_FORWARD),
     .action = ACTION_REJECT,
     .percent = 100},
    {.name = "botlike",
     .all = FINDING(F_PTR_GENERIC),
     .none = FINDING(F_HELO_VERIFIED) | FINDING(F_HELO_FORWARD) | FINDING(F_HELO_ALIGNED),
     .action = ACTION_TAG,
     .percent = 100},
    {.name = "bothelo",
     .any = FINDING(F_HELO_BARE_ADDRESS) | FINDING(F_HELO_LITERAL_MISMATCH) |
            FINDING(F_HELO_INVALID) | FINDING(F_HELO_UNQUALIFIED),
     .action = ACTION_TAG,
     .percent = 100},
};

void policy_defaults(struct policy *p)
{
    memset(p, 0, sizeof *p);
    p->rules = RULES_BUILT_IN;
    memcpy(p->rule, built_in, sizeof built_in);
}

static bool add_word(findings *plain, findings *negated, const char *word, size_t n)
{
    bool sign = n > 0 && word[0] == '!';
    enum finding f = finding_from_word(word + sign, n - sign);

    if (f == F_NONE)
        return false;
    *(sign ? negated : plain) |= FINDING(f);
    return true;
}

bool rule_add_when(struct rule *r, const char *word, size_t n)
{
    return add_word(&r->all, &r->none, word, n);
}

bool rule_add_any(struct rule *r, const char *word, size_t n)
{
    return add_word(&r->any, &r->lacks, word, n);
}

static bool two_of(findings set, findings group)
{
    set &= group;
    return (set & (set - 1)) != 0;
}

/* ptr-weak is a kind of ptr-generic: where it is, so is the other. */
static findings implied(findings all)
{
    return all | ((all & FINDING(F_PTR_WEAK)) != 0 ? FINDING(F_PTR_GENERIC) : 0);
}

static bool excludes_itself(findings all)
{
    all = implied(all);
    return two_of(all, FINDINGS_RESULT) || two_of(all, FINDINGS_CAUSE) ||
           two_of(all, FINDINGS_RANGE(F_PTR_GENERIC, F_PTR_PROVIDER)) ||
           two_of(all, FINDINGS_RANGE(F_HELO_VERIFIED, F_HELO_MISSING));
}

bool reply_fits(const struct reply *reply, unsigned action)
{
    unsigned class = action == ACTION_REJECT ? 5 : 4;

    return reply->code / 100 == class && reply->xcode[0] == (char)('0' + class);
}

/* Is there a client for which a word of `any` matches, and all of `when`? */
static bool any_possible(const struct rule *r)
{
    unsigned f;

    for (f = 0; f < F_COUNT; f++)
        if (((r->any & FINDING(f)) && !(r->none & implied(FINDING(f))) &&
             !excludes_itself(r->all | FINDING(f))) ||
            (r->lacks & ~r->all & FINDING(f)))
            return true;
    return (r->any | r->lacks) == 0;
}

static const char *words_fault(const struct rule *r)
{
    if ((r->all | r->none | r->any | r->lacks) == 0)
        return "when and any are missing or empty, so the rule would match every client";
    if (r->all & r->none)
        return "when has a word and its negation, so the rule can never match";
    if (excludes_itself(r->all) || (implied(r->all) & r->none))
        return "two words of when exclude each other, so the rule can never match";
    if ((r->any & r->lacks) || (r->any & implied(r->all)) || (r->lacks & r->none))
        return "one word of any always matches, so any changes nothing";
    if (!any_possible(r))
        return "no word of any can match together with when, so the rule can never match";
    return NULL;
}

static const char *reply_fault(const struct rule *r)
{
    if (r->action < ACTION_GREYLIST)
        return "only reject, tempfail and greylist send a reply";
    if (!reply_fits(&r->reply, r->action))
        return r->action == ACTION_REJECT     ? "a reject needs a 5xx reply"
               : r->action == ACTION_GREYLIST ? "a greylist needs a 4xx reply"
                                              : "a tempfail needs a 4xx reply";
    if (r->action != ACTION_GREYLIST && strstr(r->reply.text, "{seconds}") != NULL)
        return "only a greylist reply has {seconds}";
    return NULL;
}

const char *rule_fault(const struct rule *r)
{
    const char *fault = words_fault(r);
    bool transient = ((r->all | r->any) & FINDINGS_TRANSIENT) != 0;

    if (fault != NULL)
        return fault;
    if (r->action == ACTION_REJECT && transient)
        return "must not reject on a temporary finding; use tempfail, quarantine or tag";
    if (r->action == ACTION_GREYLIST && transient)
        return "must not greylist on a temporary finding; use tempfail, quarantine or tag";
    if (r->to.n > 0 && (r->action == ACTION_TAG || r->action == ACTION_QUARANTINE))
        return "to goes with accept, greylist, tempfail and reject only";
    return r->reply.code == 0 ? NULL : reply_fault(r);
}

bool rule_same_condition(const struct rule *a, const struct rule *b)
{
    return a->all == b->all && a->none == b->none && a->any == b->any && a->lacks == b->lacks;
}

/* For the contracts that `make prove` proves: matches whatever the unsure words turn out to be; may
 * match in some way. That they mean this is what tests/prove/bits.smt2 shows. */
#define ANY_SURELY(r)                                                                              \
    (((r)->any | (r)->lacks) == 0 || ((r)->any & found & (findings)~unsure) != 0 ||                \
     ((r)->lacks & (findings) ~(found | unsure)) != 0)
#define ALL_SURELY(r)  (((r)->all & (findings) ~(found & (findings)~unsure)) == 0)
#define NONE_SURELY(r) (((r)->none & (found | unsure)) == 0)
#define WORDS_MAYBE(r)                                                                             \
    (((r)->all & (findings) ~(found | unsure)) == 0 && ((r)->none & found & (findings)~unsure) == 0)
#define ANY_MAYBE(r)                                                                               \
    (((r)->any | (r)->lacks) == 0 || ((r)->any & (found | unsure)) != 0 ||                         \
     ((r)->lacks & (findings) ~(found & (findings)~unsure)) != 0)

/*@ axiomatic share {
      // The same answer for the same rule, client and time.
      logic boolean takes{L}(struct rule *r, struct addr *client, int64_t now) reads *r, *client;
    } */

/*@ requires \valid_read(r) && \valid_read(client);
    assigns \nothing;
    ensures \result <==> takes(r, client, now); */
static bool rule_takes(const struct rule *r, const struct addr *client, int64_t now)
{
    return (r->expires == 0 || now < r->expires) &&
           (r->percent >= 100 || addr_hash(client, &hash_fixed) % 100 < r->percent);
}

/* Does the rule match: as things look, whatever the unsure words turn out to be, and
 * is there any way at all? */
struct truth {
    bool seems, surely, maybe;
};

/* One word of `any` that is sure is enough; a sum of unsure ones never is. */
/*@ requires \valid_read(r);
    assigns \nothing;
    ensures \result.surely <==> ANY_SURELY(r);
    ensures \result.maybe <==> ANY_MAYBE(r); */
static struct truth any_truth(const struct rule *r, findings found, findings unsure)
{
    findings certain = found & ~unsure, possible = found | unsure;
    bool none = (r->any | r->lacks) == 0;

    return (struct truth){
        .seems = none || (r->any & found) != 0 || (r->lacks & ~found) != 0,
        .surely = none || (r->any & certain) != 0 || (r->lacks & ~possible) != 0,
        .maybe = none || (r->any & possible) != 0 || (r->lacks & ~certain) != 0,
    };
}

/*@ requires \valid_read(r);
    assigns \nothing;
    ensures \result.surely ==> ALL_SURELY(r);
    ensures \result.surely ==> NONE_SURELY(r);
    ensures \result.surely ==> ANY_SURELY(r);
    ensures (r->any | r->lacks) == 0 && WORDS_MAYBE(r) ==> \result.maybe;
    ensures (r->any & (found | unsure)) != 0 && WORDS_MAYBE(r) ==> \result.maybe;
    ensures (r->lacks & (findings)~(found & (findings)~unsure)) != 0 && WORDS_MAYBE(r)
      ==> \result.maybe; */
static struct truth rule_truth(const struct rule *r, findings found, findings unsure)
{
    findings certain = found & ~unsure, possible = found | unsure;
    struct truth any = any_truth(r, found, unsure);

    return (struct truth){
        .seems = any.seems && (r->all & ~found) == 0 && (r->none & found) == 0,
        .surely = any.surely && (r->all & ~certain) == 0 && (r->none & possible) == 0,
        .maybe = any.maybe && (r->all & ~possible) == 0 && (r->none & certain) == 0,
    };
}

/* What earlier rules may have done to the client. */
struct earlier {
    bool gentler; /* one that does not reject may match */
    bool other;   /* any may match */
    bool known;   /* one that accepts or tags may match: that depends on client-known alone */
};

/* t: with all unsure words; m: with client-known alone unsure. */
/*@ requires \valid_read(r) && \valid_read(e);
    assigns \nothing;
    ensures \result && r->action == ACTION_REJECT ==> t.surely && !e->gentler; */
static bool rule_decides(const struct rule *r, struct truth t, struct truth m,
                         const struct earlier *e)
{
    if (r->action == ACTION_REJECT)
        return t.surely && !e->gentler;
    return t.seems && (r->action <= ACTION_TAG || (m.surely && !e->known));
}

/*@ requires \valid_read(p) && p->rules <= RULES_MAX && \valid_read(client);
    requires \forall integer j; 0 <= j < p->rules ==> p->rule[j].action <= ACTION_REJECT;
    assigns \nothing;
    ensures refuses_surely: \result.action == ACTION_REJECT ==>
      0 <= \result.rule < p->rules && p->rule[\result.rule].action == ACTION_REJECT &&
      ALL_SURELY(&p->rule[\result.rule]) && NONE_SURELY(&p->rule[\result.rule]) &&
      ANY_SURELY(&p->rule[\result.rule]);
    ensures gentler_never: \result.action == ACTION_REJECT ==>
      takes(&p->rule[\result.rule], client, now) &&
      \forall integer j; 0 <= j < \result.rule && (without >> j & 1) == 0 &&
        takes(&p->rule[j], client, now) && p->rule[j].action != ACTION_REJECT ==>
        !(ANY_MAYBE(&p->rule[j]) && WORDS_MAYBE(&p->rule[j])); */
struct decision policy_decide(const struct policy *p, rule_set without, findings found,
                              findings unsure, const struct addr *client, int64_t now)
{
    struct earlier e = {false, false, false};
    unsigned i;

    /*@ loop invariant 0 <= i <= p->rules;
        loop invariant \forall integer j; 0 <= j < i && (without >> j & 1) == 0 &&
          takes(&p->rule[j], client, now) && p->rule[j].action != ACTION_REJECT &&
          ANY_MAYBE(&p->rule[j]) && WORDS_MAYBE(&p->rule[j]) ==> e.gentler;
        loop assigns i, e;
        loop variant p->rules - i; */
    for (i = 0; i < p->rules; i++) {
        const struct rule *r = &p->rule[i];
        struct truth t = rule_truth(r, found, unsure), m = t;

        if ((without >> i & 1) != 0 || !rule_takes(r, client, now))
            continue;
        if ((unsure & ~FINDING(F_CLIENT_KNOWN)) != 0)
            m = rule_truth(r, found, unsure & FINDING(F_CLIENT_KNOWN));
        if (rule_decides(r, t, m, &e))
            return (struct decision){(enum action)r->action, (int)i, t.surely && !e.other};
        e.other |= t.maybe;
        e.gentler |= t.maybe && r->action != ACTION_REJECT;
        e.known |= m.maybe && r->action <= ACTION_TAG;
    }
    return (struct decision){ACTION_ACCEPT, -1, !e.other};
}

/* ---- sets of rules ---- */

rule_set policy_not_to(const struct policy *p, const char *recipient)
{
    rule_set set = 0;
    unsigned i;

    for (i = 0; recipient != NULL && i < p->rules; i++)
        if (p->rule[i].to.n > 0 && !exempt_recipient(recipient, &p->rule[i].to))
            set |= (rule_set)1 << i;
    return set;
}

rule_set policy_trials(const struct policy *p)
{
    rule_set set = 0;
    unsigned i;

    for (i = 0; i < p->rules; i++)
        set |= (rule_set)p->rule[i].trial << i;
    return set;
}

bool policy_may_ask(const struct policy *p, rule_set without, findings possible)
{
    findings known = FINDING(F_CLIENT_KNOWN);
    unsigned i;

    for (i = 0; i < p->rules; i++) {
        const struct rule *r = &p->rule[i];

        if (((r->all | r->none | r->any | r->lacks) & known) != 0 &&
            (r->all & ~(possible | known)) == 0 && (without >> i & 1) == 0)
            return true;
    }
    return false;
}

bool policy_has(const struct policy *p, enum action action)
{
    unsigned i;

    for (i = 0; i < p->rules; i++)
        if (p->rule[i].action == action)
            return true;
    return false;
}

bool policy_has_to(const struct policy *p)
{
    unsigned i;

    for (i = 0; i < p->rules; i++)
        if (p->rule[i].to.n > 0)
            return true;
    return false;
}
