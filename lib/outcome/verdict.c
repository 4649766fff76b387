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

/* From the report to the action. exempt: by which key, or NULL; open: that may still turn out. */
static void decide(struct verdict *v, const struct verdict_options *o, const struct addr *client,
                   const char *exempt, bool open, int64_t now)
{
    struct decision d;

    set_action(v, ACTION_ACCEPT, "");
    v->client = *client;
    v->rule = NULL;
    v->enforce = o->enforce;
    v->certain = true;
    if (v->report.result == F_IPREV_SKIP)
        return;
    if (exempt != NULL) {
        set_action(v, ACTION_ACCEPT, exempt);
        return;
    }
    if (open)
        v->report.unsure = ~(findings)0;
    d = policy_decide(&o->policy, v->report.found, v->report.unsure, client, now);
    v->certain = d.certain;
    if (d.rule < 0)
        return;
    v->rule = &o->policy.rule[d.rule];
    set_action(v, d.action, v->rule->name);
}

static const char *exempt_by(bool hosts, bool listed)
{
    return hosts ? "exempt.hosts" : listed ? "exempt.lists" : NULL;
}

void verdict_reach(struct verdict *v, const struct verdict_options *o, const struct facts *f,
                   int64_t now)
{
    bool listed = exempt_listed(f->chain, &f->client, &o->exempt_list, now);

    decide(v, o, &f->client, exempt_by(exempt_host(f->chain, &o->exempt_hosts), listed),
           exempt_host_open(f->chain, &o->exempt_hosts) ||
               exempt_listed_open(f->chain, &o->exempt_list, now),
           now);
}

void verdict_recall(struct verdict *v, const struct verdict_options *o, const struct recalled *w,
                    int64_t now)
{
    bool listed = recalled_listed(w, &o->exempt_list, now);

    decide(v, o, &w->client, exempt_by(recalled_exempt(w, &o->exempt_hosts), listed),
           recalled_exempt_open(w, &o->exempt_hosts) ||
               recalled_listed_open(w, &o->exempt_list, now),
           now);
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
    return v->enforce && (v->action == ACTION_REJECT || v->action == ACTION_TEMPFAIL);
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

void verdict_reply(const struct verdict *v, struct reply *out)
{
    struct reply_facts facts = {
        .client = &v->client,
        .cause = v->report.cause,
        .found = v->report.found,
        .ptr = &v->report.ptr,
        .helo = &v->report.helo,
    };

    policy_reply(out, v->rule, v->action, &facts);
}
