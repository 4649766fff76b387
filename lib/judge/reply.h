/* The reply that a rule sends: reading it from the configuration, and the finished text.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_REPLY_H
#define IPREV_REPLY_H

#include "judge/policy.h"
#include "value/checked.h"
#include "value/dname.h"

/* "CODE X.Y.Z text". Text: printable ASCII without `%`; code 4xx or 5xx with the
 * class of X equal; no leading zeros in Y and Z (RFC 3463 2); braces only around
 * the four names. What is wrong otherwise, as a constant sentence, and r is all
 * zero; NULL when right. */
MUST_CHECK const char *reply_read(struct reply *r, const char *s, size_t n);

/* What is wrong with the address of a page for those who are refused, or NULL: http:// or
 * https://, at most REPLY_HELP_MAX printable characters, braces only around ip and cause. */
#define REPLY_HELP_MAX 100
MUST_CHECK const char *reply_help_fault(const char *s);

/* What fills the names in a reply text. Only host names are ever printed. */
struct reply_facts {
    const struct addr *client;
    enum finding cause;       /* or F_IPREV_PASS when none */
    findings found;           /* picks the word of `any` that the text is about */
    const struct dname *ptr;  /* NULL or root: none */
    const struct dname *helo; /* NULL or root: none */
    unsigned seconds;         /* until a retry passes, for a greylist */
    const char *help;         /* NULL, or a page that default texts end with */
};

/* The reply of a rule, or the default for action and cause (550 5.7.25,
 * 451 4.7.25, or for a greylist 451 4.7.1 with the seconds; which link is broken and who can fix
 * it; then "See PAGE" when there is help, its {cause} the one that the text is about). out->text is
 * finished: printable ASCII, names filled in, no `%`, at most REPLY_TEXT_MAX - 1 octets; whatever
 * does not fit falls back to the default text. The text tells of the cause unless the rule rests on
 * no result or cause word, or a reject would be explained by a transient cause. action is
 * ACTION_REJECT, ACTION_TEMPFAIL or ACTION_GREYLIST. */
void policy_reply(struct reply *out, const struct rule *r, enum action action,
                  const struct reply_facts *facts);

#endif
