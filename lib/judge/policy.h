/* From findings to an action, by rules; and the reply that goes out.
 *
 * The first rule that holds decides. A permanent refusal never rests on a
 * transient answer: findings come with `unsure`, the words that a later answer
 * could still add or take away, and a rule rejects only if it holds whatever
 * those turn out to be, and no gentler rule before it could then have held.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_POLICY_H
#define IPREV_POLICY_H

#include "value/dname.h"
#include "value/findings.h"

enum action { ACTION_ACCEPT, ACTION_TAG, ACTION_QUARANTINE, ACTION_TEMPFAIL, ACTION_REJECT };

#define RULE_NAME_MAX   33  /* NUL included; letters, digits, `-`, `_`, `.` */
#define REPLY_TEXT_MAX  401 /* NUL included: template, and the text that goes out */
#define REPLY_XCODE_MAX 12  /* "5.999.999" */
#define RULES_MAX       64

/* A reply as configured: `CODE X.Y.Z text`. code 0: use the default. */
struct reply {
    uint16_t code;               /* 4xx or 5xx, e.g. 550 */
    char xcode[REPLY_XCODE_MAX]; /* enhanced status code of RFC 3463, class as code */
    char text[REPLY_TEXT_MAX];   /* with {ip} {ptr} {helo} {cause} */
};

struct rule {
    char name[RULE_NAME_MAX];
    findings all;    /* words that must be there */
    findings none;   /* words that must not */
    uint8_t action;  /* enum action */
    uint8_t percent; /* of client addresses the rule takes, 1 to 100; stable by hash */
    int64_t expires; /* seconds since 1970 from which the rule no longer holds; 0: never */
    struct reply reply;
};

struct policy {
    unsigned rules;
    struct rule rule[RULES_MAX];
};

/* The three rules that apply when a configuration names none:
 * no-ptr (iprev-permerror: reject), forged (iprev-fail: reject),
 * botlike (ptr-generic, !helo-verified, !helo-forward: tag). */
void policy_defaults(struct policy *p);

/* Word lists for `when`: "iprev-fail" or "!helo-verified". False on a word
 * outside the vocabulary. */
bool rule_add_word(struct rule *r, const char *word, size_t n);

/* "CODE X.Y.Z text". Text: printable ASCII without `%`; code 4xx or 5xx with the
 * class of X equal; no leading zeros in Y and Z (RFC 3463 2); braces only around
 * the four names. What is wrong otherwise, as a constant sentence, and r is all
 * zero; NULL when right. */
const char *reply_read(struct reply *r, const char *s, size_t n);

/* What is wrong with a rule, as a constant sentence; NULL when nothing is:
 * no words, a word and its negation, two words of a group of which exactly one
 * holds, reject on a transient word, a reply whose class does not fit the
 * action (reject 5xx, tempfail 4xx) or stands on another action. */
const char *rule_fault(const struct rule *r);

/* a and b can never be told apart by any client: same words. */
bool rule_same_condition(const struct rule *a, const struct rule *b);

struct decision {
    enum action action; /* ACTION_ACCEPT when no rule holds */
    int rule;           /* index, or -1 */
    bool certain;       /* no word in `unsure` can change action or rule */
};

/* now: seconds since 1970. client is hashed for percent. */
struct decision policy_decide(const struct policy *p, findings found, findings unsure,
                              const struct addr *client, int64_t now);

/* What fills the names in a reply text. Only host names are ever printed. */
struct reply_facts {
    const struct addr *client;
    enum finding cause;       /* or F_IPREV_PASS when none */
    const struct dname *ptr;  /* NULL or root: none */
    const struct dname *helo; /* NULL or root: none */
};

/* The reply of a rule, or the default for action and cause (550 5.7.25 or
 * 451 4.7.25; which link is broken and who can mend it). out->text is
 * finished: printable ASCII, names filled in, no `%`, at most
 * REPLY_TEXT_MAX - 1 octets; whatever does not fit falls back to the default
 * text. The text tells of the cause unless the rule rests on no result or
 * cause word, or a reject would be explained by a transient cause.
 * action is ACTION_REJECT or ACTION_TEMPFAIL. */
void policy_reply(struct reply *out, const struct rule *r, enum action action,
                  const struct reply_facts *facts);

/* "accept", "tag", "quarantine", "tempfail", "reject". */
const char *action_word(enum action a);
bool action_from_word(enum action *a, const char *s, size_t n);

#endif
