/* Kinds of recipients: see audience.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/audience.h"

#include <string.h>

void audiences_init(struct audiences *a, const struct policy *policy, const struct policy *against)
{
    *a = (struct audiences){.policy = policy, .against = against, .n = 1};
    a->told_apart = policy_has_to(policy) || (against != NULL && policy_has_to(against));
}

static uint32_t set_of(struct audiences *a, struct audience kind)
{
    unsigned i = 0;

    while (i < a->n && (a->kind[i].without != kind.without || a->kind[i].there != kind.there))
        i++;
    if (i == AUDIENCES)
        return 1;
    if (i == a->n)
        a->kind[a->n++] = kind;
    return (uint32_t)1 << i;
}

bool recipient_text(char out[RECIPIENT_MAX], const struct log_text *address)
{
    if (address->n == 0 || address->n >= RECIPIENT_MAX)
        return false;
    memcpy(out, address->s, address->n);
    out[address->n] = '\0';
    return true;
}

uint32_t audience_of(struct audiences *a, const struct log_text *recipient)
{
    struct audience kind = {0, 0};
    char text[RECIPIENT_MAX];

    if (!a->told_apart || !recipient_text(text, recipient))
        return 1;
    kind.without = policy_not_to(a->policy, text);
    kind.there = a->against != NULL ? policy_not_to(a->against, text) : 0;
    return set_of(a, kind);
}

static rule_set all_but(const struct policy *p, const char *name)
{
    rule_set set = 0;
    unsigned i;

    for (i = 0; p != NULL && i < p->rules; i++)
        if (p->rule[i].to.n > 0 && strcmp(p->rule[i].name, name) != 0)
            set |= (rule_set)1 << i;
    return set;
}

uint32_t audience_told(struct audiences *a, const struct record *r)
{
    if (!a->told_apart)
        return 1;
    return set_of(a, (struct audience){all_but(a->policy, r->rule), all_but(a->against, r->rule)});
}
