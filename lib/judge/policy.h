/* From findings to an action, by rules.
 *
 * The first rule that holds decides. A permanent refusal never rests on a
 * transient answer: findings come with `unsure`, the words that a later answer
 * could still add or take away, and a rule rejects only if it holds whatever
 * those turn out to be, and no gentler rule before it could then have held.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_POLICY_H
#define IPREV_POLICY_H

#include "judge/exempt.h"
#include "value/checked.h"
#include "value/findings.h"

/* From the gentlest to the strictest. */
enum action {
    ACTION_ACCEPT,
    ACTION_TAG,
    ACTION_QUARANTINE,
    ACTION_GREYLIST, /* a first try is put off; one that comes back in time is tagged */
    ACTION_TEMPFAIL,
    ACTION_REJECT
};

#define RULE_NAME_MAX   33  /* NUL included; letters, digits, `-`, `_`, `.` */
#define REPLY_TEXT_MAX  401 /* NUL included: template, and the text that goes out */
#define REPLY_XCODE_MAX 12  /* "5.999.999" */
#define RULES_MAX       64  /* built-in ones included */
#define RULES_BUILT_IN  4

/* A reply as configured: `CODE X.Y.Z text`. code 0: use the default. */
struct reply {
    uint16_t code;               /* 4xx or 5xx, e.g. 550 */
    char xcode[REPLY_XCODE_MAX]; /* enhanced status code of RFC 3463, class as code */
    char text[REPLY_TEXT_MAX];   /* with {ip} {ptr} {helo} {cause} {seconds} */
};

struct rule {
    char name[RULE_NAME_MAX];
    findings all;    /* `when`: words that must be there */
    findings none;   /* and words that must not */
    findings any;    /* `any`: at least one of these is there, */
    findings lacks;  /* or one of these is not; both empty: no such condition */
    uint8_t action;  /* enum action */
    uint8_t percent; /* of client addresses the rule takes, 1 to 100; stable by hash */
    int64_t expires; /* seconds since 1970 from which the rule no longer holds; 0: never */
    struct reply reply;
    struct name_list to; /* recipients that it applies to; none: all */
    bool trial;          /* mode = "monitor": it only reports, while others enforce */
};

struct policy {
    unsigned rules;
    struct rule rule[RULES_MAX];
};

/* The built-in rules, which come after those of the configuration: no-ptr and forged
 * (reject), botlike and bothelo (tag). Measured, not guessed: see iprev-milter.conf(5). */
void policy_defaults(struct policy *p);

/* One word of `when`, or of `any`: "iprev-fail" or "!helo-verified". False on a word
 * outside the vocabulary. */
MUST_CHECK bool rule_add_when(struct rule *r, const char *word, size_t n);
MUST_CHECK bool rule_add_any(struct rule *r, const char *word, size_t n);

/* What is wrong with a rule, as a constant sentence; NULL when nothing is:
 * no words, words that can never or must always match, reject on a transient word in
 * `when` or `any`, a reply whose class does not fit the action (reject 5xx, tempfail and
 * greylist 4xx) or stands on another action, recipients for tag or quarantine. */
MUST_CHECK const char *rule_fault(const struct rule *r);

/* The class of code and enhanced code is that of the action: 5 for reject, else 4. */
bool reply_fits(const struct reply *reply, unsigned action);

/* a and b can never be told apart by any client: same words. */
bool rule_same_condition(const struct rule *a, const struct rule *b);

struct decision {
    enum action action; /* ACTION_ACCEPT when no rule holds */
    int rule;           /* index, or -1 */
    bool certain;       /* no word in `unsure` can change action or rule */
};

/* Rules as a set: bit i is rule i. */
typedef uint64_t rule_set;

/* Rules that do not apply to this recipient (as in RCPT TO); NULL: to nobody known, so none. */
rule_set policy_not_to(const struct policy *p, const char *recipient);
/* Rules on trial. */
rule_set policy_trials(const struct policy *p);
/* False: client-known cannot change what is decided, whatever of the possible words is found.
 * Cheap. */
bool policy_may_ask(const struct policy *p, rule_set without, findings possible);
/* Some rule has this action; names recipients. */
bool policy_has(const struct policy *p, enum action action);
bool policy_has_to(const struct policy *p);

/* now: seconds since 1970. client is hashed for percent. Rules in `without` do not take part.
 * While client-known is unsure, as memory is not available, no rule that rests on it refuses, puts
 * off or quarantines, and nothing does after a gentler rule that might have matched for it. */
struct decision policy_decide(const struct policy *p, rule_set without, findings found,
                              findings unsure, const struct addr *client, int64_t now);

/* "accept", "tag", "quarantine", "greylist", "tempfail", "reject". */
const char *action_word(enum action a);
MUST_CHECK bool action_from_word(enum action *a, const char *s, size_t n);

#endif
