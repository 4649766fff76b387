/* Kinds of recipients: those that rules with `to` tell apart.
 *
 * Two recipients are of one kind when the same rules apply to them, in both policies that a replay
 * compares. A message has a set of kinds, bit i for kind i; kind 0 is that of nobody known, to whom
 * all rules apply. Without a rule with `to` there is no other kind.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_AUDIENCE_H
#define IPREV_AUDIENCE_H

#include "check/log/text.h"
#include "judge/policy.h"
#include "outcome/record.h"

#define AUDIENCES     32
#define RECIPIENT_MAX 322 /* NUL included: a longer one is nobody we know */

struct audience {
    rule_set without, there; /* rules that do not apply: of the policy, and of the other */
};

struct audiences {
    const struct policy *policy, *against; /* against: NULL without comparison */
    bool told_apart;                       /* a rule names recipients */
    unsigned n;
    struct audience kind[AUDIENCES];
};

void audiences_init(struct audiences *a, const struct policy *policy, const struct policy *against);

/* The kind of a recipient, as a set of one. When there are too many kinds: that of kind 0. */
uint32_t audience_of(struct audiences *a, const struct log_text *recipient);

/* The same by a record of ours, which names no recipient: of the rules with `to`, only the one that
 * decided applies. */
uint32_t audience_told(struct audiences *a, const struct record *r);

/* The address as a string. False when it is empty or too long. */
bool recipient_text(char out[RECIPIENT_MAX], const struct log_text *address);

#endif
