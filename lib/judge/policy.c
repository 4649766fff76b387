/* Rules in three-valued logic.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/policy.h"

#include <string.h>

static const char *const action_words[] = {
    [ACTION_ACCEPT] = "accept",     [ACTION_TAG] = "tag",       [ACTION_QUARANTINE] = "quarantine",
    [ACTION_TEMPFAIL] = "tempfail", [ACTION_REJECT] = "reject",
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

static void default_rule(struct policy *p, const char *name, enum action action, findings all,
                         findings none)
{
    struct rule *r = &p->rule[p->rules++];

    memcpy(r->name, name, strlen(name) + 1);
    r->all = all;
    r->none = none;
    r->action = (uint8_t)action;
    r->percent = 100;
}

void policy_defaults(struct policy *p)
{
    memset(p, 0, sizeof *p);
    default_rule(p, "no-ptr", ACTION_REJECT, FINDING(F_IPREV_PERMERROR), 0);
    default_rule(p, "forged", ACTION_REJECT, FINDING(F_IPREV_FAIL), 0);
    default_rule(p, "botlike", ACTION_TAG, FINDING(F_PTR_GENERIC),
                 FINDING(F_HELO_VERIFIED) | FINDING(F_HELO_FORWARD));
}

bool rule_add_word(struct rule *r, const char *word, size_t n)
{
    bool negated = n > 0 && word[0] == '!';
    enum finding f = finding_from_word(word + negated, n - negated);

    if (f == F_NONE)
        return false;
    if (negated)
        r->none |= FINDING(f);
    else
        r->all |= FINDING(f);
    return true;
}

static bool two_of(findings set, findings group)
{
    set &= group;
    return (set & (set - 1)) != 0;
}

static bool excludes_itself(findings all)
{
    return two_of(all, FINDINGS_RESULT) || two_of(all, FINDINGS_CAUSE) ||
           two_of(all, FINDINGS_RANGE(F_PTR_GENERIC, F_PTR_PROVIDER)) ||
           two_of(all, FINDINGS_RANGE(F_HELO_VERIFIED, F_HELO_MISSING));
}

bool reply_fits(const struct reply *reply, unsigned action)
{
    unsigned class = action == ACTION_REJECT ? 5 : 4;

    return reply->code / 100 == class && reply->xcode[0] == (char)('0' + class);
}

const char *rule_fault(const struct rule *r)
{
    if ((r->all | r->none) == 0)
        return "when is missing or empty, so the rule would hold for every client";
    if (r->all & r->none)
        return "a word stands beside its own negation, so the rule can never hold";
    if (excludes_itself(r->all))
        return "two words exclude each other, so the rule can never hold";
    if (r->action == ACTION_REJECT && (r->all & FINDINGS_TRANSIENT))
        return "a temporary finding may not reject; use tempfail, quarantine or tag";
    if (r->reply.code == 0)
        return NULL;
    if (r->action != ACTION_REJECT && r->action != ACTION_TEMPFAIL)
        return "only reject and tempfail send a reply";
    if (!reply_fits(&r->reply, r->action))
        return r->action == ACTION_REJECT ? "a reject needs a 5xx reply"
                                          : "a tempfail needs a 4xx reply";
    return NULL;
}

bool rule_same_condition(const struct rule *a, const struct rule *b)
{
    return a->all == b->all && a->none == b->none;
}

static bool rule_takes(const struct rule *r, uint64_t hash, int64_t now)
{
    return (r->expires == 0 || now < r->expires) && hash % 100 < r->percent;
}

/* Does the rule hold: as things look, whatever the unsure words turn out to be, and
 * is there any way at all? */
struct truth {
    bool seems, surely, maybe;
};

static struct truth rule_truth(const struct rule *r, findings found, findings unsure)
{
    findings certain = found & ~unsure, possible = found | unsure;

    return (struct truth){
        .seems = (r->all & ~found) == 0 && (r->none & found) == 0,
        .surely = (r->all & ~certain) == 0 && (r->none & possible) == 0,
        .maybe = (r->all & ~possible) == 0 && (r->none & certain) == 0,
    };
}

struct decision policy_decide(const struct policy *p, findings found, findings unsure,
                              const struct addr *client, int64_t now)
{
    uint64_t hash = addr_hash(client, &hash_fixed);
    bool gentler = false; /* an earlier rule that does not reject may hold */
    bool other = false;   /* some earlier rule may hold */
    unsigned i;

    for (i = 0; i < p->rules; i++) {
        const struct rule *r = &p->rule[i];
        struct truth t = rule_truth(r, found, unsure);

        if (!rule_takes(r, hash, now))
            continue;
        if (t.seems && (r->action != ACTION_REJECT || (t.surely && !gentler)))
            return (struct decision){(enum action)r->action, (int)i, t.surely && !other};
        other |= t.maybe;
        gentler |= t.maybe && r->action != ACTION_REJECT;
    }
    return (struct decision){ACTION_ACCEPT, -1, !other};
}
