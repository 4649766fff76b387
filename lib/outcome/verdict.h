/* From the report and settings to what is done: rule, record, headers, reply.
 *
 * The last step of the judgement, shared by the daemon, iprev-check and the replay,
 * so that all three say the same of the same client. Pure.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_VERDICT_H
#define IPREV_VERDICT_H

#include "judge/policy.h"
#include "judge/report.h"
#include "outcome/authres.h"
#include "outcome/record.h"

/* What a configuration says about the judgement. */
struct verdict_options {
    bool enforce;                   /* else monitor: nothing is refused */
    struct name_list exempt_hosts;  /* a confirmed name on it is accepted */
    struct exempt_list exempt_list; /* the clients of exempt.lists: accepted */
    struct policy policy;
    bool authentication_results; /* fields that are added */
    bool x_iprev;
    char *help_url; /* reply_help_fault finds nothing; NULL: none */
};

struct verdict {
    struct report report;
    struct addr client;
    enum action action;
    const char *rule_name;   /* what decided: a rule, or "exempt.hosts" and the like; "": nothing */
    const struct rule *rule; /* of the settings; NULL when none matched, or exempt */
    bool enforce;            /* else the action is only reported */
    bool certain;            /* no later answer can change the action */
    const struct rule *trial; /* the rule on trial that would have acted otherwise, or NULL */
    enum record_memory memory;
    unsigned seconds; /* until a retry passes, when memory put it off */
};

/* v->report is made: by report_make of the same facts. Exemptions first: a skipped client and
 * one on exempt.hosts or exempt.lists are accepted; then the rules. now: seconds since 1970. */
void verdict_reach(struct verdict *v, const struct verdict_options *o, const struct facts *f,
                   int64_t now);

/* The same without the rules in `without`, which do not apply to the recipient. */
void verdict_reach_without(struct verdict *v, const struct verdict_options *o,
                           const struct facts *f, rule_set without, int64_t now);

/* Does it matter to this verdict whether the client is known: would it, or the rule on trial, be
 * another? Then memory is asked, report_remember is told, and the verdict reached again. */
bool verdict_wants_memory(const struct verdict *v, const struct verdict_options *o,
                          rule_set without, int64_t now);

/* The greylist has let it through, or could not tell: the rule only tags. */
void verdict_let_through(struct verdict *v, enum record_memory why);

/* The rule on trial, as if it had decided in monitor mode. */
void verdict_trial(struct verdict *out, const struct verdict *v);

/* verdict_reach_without of a client that a log line of ours tells of: v->report is made by
 * report_recall. */
void verdict_recall(struct verdict *v, const struct verdict_options *o, const struct recalled *w,
                    rule_set without, int64_t now);

/* The recipient is exempt: accepted, whatever the rules say. */
void verdict_spare(struct verdict *v);

/* The refusal comes too late: what it rests on was not known at the stage for it. The
 * findings stay, and no rule is said to have held. */
void verdict_too_late(struct verdict *v);

/* Refused in this mode? */
bool verdict_refuses(const struct verdict *v);

/* The verdict as the X-IPRev field and the log line tell it. */
void verdict_record(const struct verdict *v, struct record *r);

/* The value of X-IPRev, empty where the settings or a skip want none. */
void verdict_x_iprev(const struct verdict *v, const struct verdict_options *o,
                     char value[RECORD_HEADER_MAX]);

/* The reply to a refusal (in monitor mode: that would be). The action must be
 * ACTION_REJECT, ACTION_TEMPFAIL or ACTION_GREYLIST. */
void verdict_reply(const struct verdict *v, const struct verdict_options *o, struct reply *out);

#endif
