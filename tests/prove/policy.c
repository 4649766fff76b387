/* policy: any rules, any findings and any word of the configuration.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/policy.h"
#include "prove.h"

#define WORD 24

int main(void)
{
    static struct policy p;
    char word[WORD];
    findings found, unsure;
    struct addr client;
    struct decision d;
    enum action action = ACTION_ACCEPT;
    unsigned i = (unsigned)any_size(0, RULES_MAX - 1), k;
    int64_t now;

    any_octets(word, sizeof(word));
    any_octets(&found, sizeof(found));
    any_octets(&unsure, sizeof(unsure));
    any_octets(&client, sizeof(client));
    any_octets(&now, sizeof(now));
    policy_defaults(&p);
    policy_decide(&p, 0, found, unsure, &client, now);
    any_octets(&p, sizeof(p));
    p.rules = (unsigned)any_size(0, RULES_MAX);
    for (k = 0; k < RULES_MAX; k++)
        p.rule[k].reply.text[REPLY_TEXT_MAX - 1] = '\0'; /* as reply_read leaves it */
    if (!rule_add_when(&p.rule[i], word, any_size(0, WORD)) ||
        !rule_add_any(&p.rule[i], word, any_size(0, WORD)) || rule_fault(&p.rule[i]) != NULL)
        return 1;
    rule_same_condition(&p.rule[0], &p.rule[i]);
    d = policy_decide(&p, 0, found, unsure, &client, now);
    if (action_from_word(&action, word, any_size(0, WORD)))
        action_word(action);
    action_word((enum action)any_size(ACTION_ACCEPT, ACTION_REJECT));
    return d.rule;
}
