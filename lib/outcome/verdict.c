/* From facts and settings to what is done: see verdict.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "outcome/verdict.h"

#include "judge/reply.h"

#include <string.h>

static void set_action(struct verdict *v, enum action action, const char *rule_name)
{
    v->action = action;
    v->rule_name = rule_name;
}

/* Which rule on trial would have decided, and otherwise? */
static const struct rule *find_trial(const struct verdict *v, const struct verdict_options *o,
                                     rule_set without, int64_t now)
{
    rule_set trials = policy_trials(&o->policy) & ~without;
    struct decision d;

    if (trials == 0)
        return NULL;
    d = policy_decide(&o->policy, without, v->report.found, v->report.unsure, &v->client, now);
    return d.rule >= 0 && (trials >> d.rule & 1) != 0 && d.action != v->action
               ? &o->policy.rule[d.rule]
               : NULL;
}

/* From the report to the action. exempt: by which key, or NULL; open: that may still turn out. */
static void decide(struct verdict *v, const struct verdict_options *o, const struct addr *client,
                   const char *exempt, bool open, rule_set without, int64_t now)
{
    struct decision d;

    set_action(v, ACTION_ACCEPT, "");
    v->client = *client;
    v->rule = NULL;
    v->enforce = o->enforce;
    v->certain = true;
    v->trial = NULL;
    v->memory = RECORD_NO_MEMORY;
    v->seconds = 0;
    if (v->report.result == F_IPREV_SKIP)
        return;
    if (exempt != NULL) {
        set_action(v, ACTION_ACCEPT, exempt);
        return;
    }
    if (open)
        v->report.unsure |= ~FINDING(F_CLIENT_KNOWN);
    d = policy_decide(&o->policy, without | policy_trials(&o->policy), v->report.found,
                      v->report.unsure, client, now);
    v->certain = d.certain;
    if (d.rule >= 0) {
        v->rule = &o->policy.rule[d.rule];
        set_action(v, d.action, v->rule->name);
    }
    v->trial = find_trial(v, o, without, now);
}

static const char *exempt_by(bool hosts, bool listed)
{
    return hosts ? "exempt.hosts" : listed ? "exempt.lists" : NULL;
}

void verdict_reach(struct verdict *v, const struct verdict_options *o, const struct facts *f,
                   int64_t now)
{
    verdict_reach_without(v, o, f, 0, now);
}

void verdict_reach_without(struct verdict *v, const struct verdict_options *o,
                           const struct facts *f, rule_set without, int64_t now)
{
    bool listed = exempt_listed(f->chain, &f->client, &o->exempt_list, now);

    decide(v, o, &f->client, exempt_by(exempt_host(f->chain, &o->exempt_hosts), listed),
           exempt_host_open(f->chain, &o->exempt_hosts) ||
               exempt_listed_open(f->chain, &o->exempt_list, now),
           without, now);
}

static bool known_matters(const struct verdict *v, const struct policy *p, rule_set without,
                          int64_t now)
{
    findings found = v->report.found & ~FINDING(F_CLIENT_KNOWN);
    findings unsure = v->report.unsure & ~FINDING(F_CLIENT_KNOWN);
    struct decision no, yes;

    if (!policy_may_ask(p, without, found | unsure))
        return false;
    no = policy_decide(p, without, found, unsure, &v->client, now);
    yes = policy_decide(p, without, found | FINDING(F_CLIENT_KNOWN), unsure, &v->client, now);

    return no.rule != yes.rule;
}

bool verdict_wants_memory(const struct verdict *v, const struct verdict_options *o,
                          rule_set without, int64_t now)
{
    const struct policy *p = &o->policy;
    rule_set trials = policy_trials(p);

    if (v->report.result == F_IPREV_SKIP || (v->rule == NULL && v->rule_name[0] != '\0'))
        return false; /* exempt */
    return known_matters(v, p, without | trials, now) ||
           ((trials & ~without) != 0 && known_matters(v, p, without, now));
}

void verdict_let_through(struct verdict *v, enum record_memory why)
{
    v->action = ACTION_TAG;
    v->memory = why;
}

void verdict_trial(struct verdict *out, const struct verdict *v)
{
    *out = *v;
    out->rule = v->trial;
    set_action(out, (enum action)v->trial->action, v->trial->name);
    out->enforce = false;
    out->memory = RECORD_NO_MEMORY;
    out->trial = NULL;
}

void verdict_recall(struct verdict *v, const struct verdict_options *o, const struct recalled *w,
                    rule_set without, int64_t now)
{
    bool listed = recalled_listed(w, &o->exempt_list, now);

    decide(v, o, &w->client, exempt_by(recalled_exempt(w, &o->exempt_hosts), listed),
           recalled_exempt_open(w, &o->exempt_hosts) ||
               recalled_listed_open(w, &o->exempt_list, now),
           without, now);
}

void verdict_spare(struct verdict *v)
{
    v->rule = NULL;
    set_action(v, ACTION_ACCEPT, "exempt.recipients");
}

void verdict_too_late(struct verdict *v)
{
    v->rule = NULL;
    set_action(v, ACTION_ACCEPT, "");
}

bool verdict_refuses(const struct verdict *v)
{
    return v->enforce && v->action >= ACTION_GREYLIST;
}

void verdict_record(const struct verdict *v, struct record *r)
{
    memset(r, 0, sizeof *r);
    r->found = v->report.found;
    r->client = v->client;
    r->ptr = v->report.ptr;
    r->helo = v->report.helo;
    r->action = v->action;
    r->enforce = v->enforce;
    r->memory = v->memory;
    memcpy(r->rule, v->rule_name, strlen(v->rule_name) + 1);
    memcpy(r->why, v->report.why, sizeof v->report.why);
}

void verdict_x_iprev(const struct verdict *v, const struct verdict_options *o,
                     char value[RECORD_HEADER_MAX])
{
    struct record r;
    struct sbuf sb;

    value[0] = '\0';
    if (!o->x_iprev || v->report.result == F_IPREV_SKIP)
        return;
    sbuf_init(&sb, value, RECORD_HEADER_MAX);
    verdict_record(v, &r);
    record_put_header(&sb, &r);
    if (sb.overflow)
        value[0] = '\0';
}

void verdict_reply(const struct verdict *v, const struct verdict_options *o, struct reply *out)
{
    struct reply_facts facts = {
        .client = &v->client,
        .cause = v->report.cause,
        .found = v->report.found,
        .ptr = &v->report.ptr,
        .helo = &v->report.helo,
        .seconds = v->seconds,
        .help = o->help_url,
    };

    policy_reply(out, v->rule, v->action, &facts);
}
