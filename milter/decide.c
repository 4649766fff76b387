/* What is decided of a client and its message, stage by stage: see session.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "memory/memory.h"
#include "milter/metrics.h"
#include "milter/session.h"
#include "milter/session_impl.h"
#include "milter/tell.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool exempt_authenticated(const struct session *s)
{
    return s->authenticated && session_settings(s)->exempt.authenticated;
}

struct waiting {
    const struct session_pause *pause;
    struct metrics_wait wait;
};

static void before_wait(void *arg)
{
    struct waiting *w = arg;

    if (w->pause != NULL)
        w->pause->before();
    metrics_wait_begin(&w->wait);
}

static void after_wait(void *arg)
{
    struct waiting *w = arg;

    metrics_wait_end(&w->wait);
    if (w->pause != NULL)
        w->pause->after();
}

static void gather(struct session *s, bool helo, struct facts *f)
{
    struct waiting w = {.pause = s->pause};
    const struct inquiry_pause pause = {before_wait, after_wait, &w};
    bool authenticated = exempt_authenticated(s);

    if (!authenticated)
        s->wait_ms += inquiry_wait(&s->inquiry, helo, &pause);
    inquiry_facts(&s->inquiry, helo, f);
    if (authenticated && f->skip == F_NONE)
        f->skip = F_SKIP_AUTHENTICATED;
}

static void look_at(struct session *s, bool helo_known, struct facts *f, struct report *r)
{
    gather(s, helo_known && (s->inquiry.helo_given || !session_relayed(s)), f);
    report_make(r, f);
}

/* ---- memory ---- */

static int64_t memory_begin(struct session *s)
{
    if (s->pause != NULL)
        s->pause->before();
    return resolver_now();
}

static void memory_end(struct session *s, int64_t from)
{
    unsigned ms = (unsigned)(resolver_now() - from);

    s->wait_ms += ms;
    s->memory_ms += ms;
    if (s->pause != NULL)
        s->pause->after();
}

/* How long memory may be waited for: no message waits twice for a store that fails. */
static unsigned memory_patience(const struct session *s)
{
    return s->memory_failed || s->memory_ms >= MEMORY_WAIT_MS ? 0 : MEMORY_WAIT_MS - s->memory_ms;
}

/* Once for a message. */
static enum remembered ask_known(struct session *s)
{
    static const enum remembered means[] = {[MEMORY_KNOWN] = REMEMBERED,
                                            [MEMORY_UNKNOWN] = NOT_REMEMBERED,
                                            [MEMORY_KNOWN_UNAVAILABLE] = MEMORY_FAILED};
    int64_t from;

    if (!s->known_asked) {
        from = memory_begin(s);
        s->known =
            means[memory_client(s->snapshot->memory, &s->inquiry.client, memory_patience(s))];
        memory_end(s, from);
        s->known_asked = true;
        s->memory_failed |= s->known == MEMORY_FAILED;
    }
    return s->known;
}

/* recipient NULL: only looks whether it would pass. */
static void ask_greylist(struct session *s, const char *recipient, struct verdict *v)
{
    static const enum record_memory means[] = {[GREY_NEW] = RECORD_NEW,
                                               [GREY_EARLY] = RECORD_EARLY,
                                               [GREY_PASSED] = RECORD_PASSED,
                                               [GREY_UNAVAILABLE] = RECORD_UNAVAILABLE};
    struct grey_triple t = {&v->client, s->sender, recipient, recipient == NULL};
    int64_t from = memory_begin(s);

    v->memory = means[memory_greylist(s->snapshot->memory, &t, memory_patience(s), &v->seconds)];
    memory_end(s, from);
    s->memory_failed |= v->memory == RECORD_UNAVAILABLE;
    if (v->memory == RECORD_PASSED || v->memory == RECORD_UNAVAILABLE)
        verdict_let_through(v, v->memory);
}

/* v->report is made. may_ask: memory may be waited for; else client-known is unsure. */
static void decide_for(struct session *s, const struct facts *f, rule_set without, bool may_ask,
                       struct verdict *v)
{
    const struct verdict_options *o = &session_settings(s)->judge;
    int64_t now = (int64_t)time(NULL);
    enum remembered known = MEMORY_FAILED;

    verdict_reach_without(v, o, f, without, now);
    if (s->snapshot->memory != NULL && verdict_wants_memory(v, o, without, now)) {
        if (may_ask)
            known = ask_known(s);
        report_remember(&v->report, known);
        verdict_reach_without(v, o, f, without, now);
        v->memory = known == REMEMBERED      ? RECORD_KNOWN
                    : known == MEMORY_FAILED ? RECORD_UNAVAILABLE
                                             : RECORD_NO_MEMORY;
    }
    if (session_relayed(s))
        v->enforce = false; /* to refuse would make the relay send bounces */
}

/* A client is known for mail that nothing but the rules let through. */
static void note_client(const struct session *s, const struct verdict *v)
{
    bool by_rules = v->rule != NULL || v->rule_name[0] == '\0';

    if (s->snapshot->memory != NULL && !session_relayed(s) && !s->authenticated && !s->refused &&
        v->report.result == F_IPREV_PASS && (v->report.found & FINDING(F_PTR_GENERIC)) == 0 &&
        v->action == ACTION_ACCEPT && by_rules)
        memory_note(s->snapshot->memory, &v->client);
}

/* ---- telling ---- */

/* Each decision is told once for a message. */
static bool is_told(struct session *s, const char *rule_name, enum action action,
                    enum record_memory memory)
{
    unsigned i;

    for (i = 0; i < s->tolds; i++)
        if (s->told[i].action == action && s->told[i].memory == memory &&
            strcmp(s->told[i].rule_name, rule_name) == 0)
            return true;
    if (s->tolds < KINDS_MAX)
        s->told[s->tolds++] = (struct told){rule_name, action, memory};
    return false;
}

/* Counts the decision and logs it. */
static void tell(struct session *s, const struct verdict *v, const char *stage, const char *qid)
{
    const char *raw = s->raw_len > 0 ? s->raw : "";
    struct lookup_cost cost;
    struct record_log log = {
        .helo_raw = s->inquiry.helo_given ? raw : NULL,
        .helo_raw_len = s->raw_len,
        .wait_ms = s->wait_ms,
        .qid = qid,
        .stage = stage,
    };

    if (!is_told(s, v->rule_name, v->action, v->memory)) {
        cost = inquiry_cost(&s->inquiry);
        log.questions = cost.questions;
        log.dns_ms = cost.ms;
        s->wait_ms = 0; /* told */
        tell_decision(v, &log, &s->relay.addr, s->mta_resolve);
    }
    if (v->trial != NULL &&
        !is_told(s, v->trial->name, (enum action)v->trial->action, RECORD_NO_MEMORY))
        tell_trial(v, &log, &s->relay.addr);
}

static void make_outcome(const struct session *s, const struct verdict *v, struct outcome *out)
{
    out->refuse = true;
    out->permanent = v->action == ACTION_REJECT;
    verdict_reply(v, &session_settings(s)->judge, &out->reply);
}

static const char *const stage_word[] = {"connect", "helo", "mail", "rcpt"};

/* Refusals are decided at the stage configured; MAIL looks again when that stage
 * was earlier, as HELO and authentication are known only then. */
static bool due(const struct session *s, enum reject_stage stage)
{
    const struct settings *set = session_settings(s);

    if (!set->judge.enforce || session_relayed(s))
        return false;
    return stage == set->reject_at || (stage == STAGE_MAIL && set->reject_at < STAGE_MAIL);
}

/* ---- recipients ---- */

static rule_set without_for(const struct session *s, const char *recipient)
{
    return policy_not_to(&session_settings(s)->judge.policy, recipient);
}

static void spare_recipient(struct session *s, const char *recipient)
{
    rule_set without = without_for(s, recipient);

    s->spared_without = s->spared ? s->spared_without & without : without;
    s->spared = true;
}

static bool is_exempt(struct session *s, const char *recipient)
{
    bool exempt = exempt_recipient(recipient, &session_settings(s)->exempt.recipients);

    if (exempt)
        spare_recipient(s, recipient);
    s->others |= !exempt;
    return exempt;
}

/* A recipient that was not refused. One of more kinds than there is room for does not show in the
 * header fields. */
static void accept_recipient(struct session *s, const struct recipients *r)
{
    unsigned i;

    for (i = 0; i < s->kinds; i++)
        if (s->kind[i].without == r->without && s->kind[i].greylist == r->greylist &&
            s->kind[i].pending == r->pending)
            return;
    if (s->kinds < KINDS_MAX)
        s->kind[s->kinds++] = *r;
}

bool session_recipient(struct session *s, const char *recipient)
{
    struct recipients r = {.without = 0};
    bool exempt = is_exempt(s, recipient);

    if (!exempt) {
        r.without = without_for(s, recipient);
        accept_recipient(s, &r);
    }
    return exempt;
}

/* A probe of a sender's address never gets to the end of a message, and must not be put off: else
 * our own mail would be. */
static bool waits_for_end(const struct session *s)
{
    return s->sender[0] == '\0';
}

static void greylist_recipient(struct session *s, const char *recipient, struct recipients *r,
                               struct verdict *v)
{
    if (waits_for_end(s)) {
        r->pending = true;
        if (s->pending == NULL)
            s->pending = strdup(recipient);
    } else
        ask_greylist(s, recipient, v);
    r->greylist = v->action == ACTION_GREYLIST ? RECORD_NO_MEMORY : v->memory;
}

void session_decide(struct session *s, enum reject_stage stage, const char *recipient,
                    const char *qid, struct outcome *out)
{
    struct recipients r = {.without = 0};
    struct verdict v;
    struct facts f;

    out->refuse = false;
    s->memory_ms = 0;
    if (recipient != NULL && !due(s, stage))
        session_recipient(s, recipient);
    if (!due(s, stage) || (recipient != NULL && is_exempt(s, recipient)))
        return;
    if (recipient != NULL)
        r.without = without_for(s, recipient);
    look_at(s, stage != STAGE_CONNECT, &f, &v.report);
    decide_for(s, &f, r.without, stage != STAGE_CONNECT, &v);
    s->decided = stage >= STAGE_MAIL;
    if (recipient != NULL && v.action == ACTION_GREYLIST)
        greylist_recipient(s, recipient, &r, &v);
    if (!verdict_refuses(&v) || r.pending || (stage == STAGE_CONNECT && !v.certain)) {
        if (recipient != NULL)
            accept_recipient(s, &r);
        return;
    }
    s->refused = true;
    make_outcome(s, &v, out);
    tell(s, &v, stage_word[stage], qid);
}

/* ---- the end of a message ---- */

static void ask_quarantine(const struct verdict *v, struct message *out)
{
    if (!v->enforce || v->action != ACTION_QUARANTINE)
        return;
    out->quarantine = true;
    snprintf(out->reason, sizeof out->reason, "iprev-milter rule %s", v->rule_name);
}

/* Exempt recipients get the message. A refusal that monitor mode would have made at RCPT
 * stands when there are others: these would not have got it. */
static bool is_spared(const struct session *s, const struct verdict *v)
{
    switch (v->action) {
    case ACTION_QUARANTINE: /* else whoever sends to postmaster@ as well would be spared */
        return s->spared && !s->others;
    case ACTION_REJECT:
    case ACTION_GREYLIST:
    case ACTION_TEMPFAIL: /* before RCPT a refusal knows of no recipient */
        return session_settings(s)->reject_at == STAGE_RCPT && s->spared &&
               (v->enforce || !s->others);
    case ACTION_ACCEPT:
    case ACTION_TAG:
        break;
    }
    return false;
}

/* The greylist is asked for the null sender now, unless somebody else gets the message anyway. */
static bool all_pending(const struct session *s)
{
    unsigned i;

    for (i = 0; i < s->kinds; i++)
        if (!s->kind[i].pending)
            return false;
    return s->pending != NULL && s->kinds > 0 && !s->spared;
}

/* What memory says to a greylist rule, or has said at RCPT. */
static void settle_greylist(struct session *s, const struct recipients *r, struct verdict *v)
{
    if (v->action != ACTION_GREYLIST)
        return;
    if (!v->enforce)
        ask_greylist(s, NULL, v);
    else if (r->greylist != RECORD_NO_MEMORY)
        verdict_let_through(v, r->greylist);
    else if (r->pending && all_pending(s))
        ask_greylist(s, s->pending, v);
    else if (!s->decided && !s->spared)
        ask_greylist(s, "", v); /* RCPT was never seen */
}

/* It was asked just now, and puts the whole message off. */
static bool puts_off(const struct verdict *v)
{
    return v->enforce && v->action == ACTION_GREYLIST && v->memory != RECORD_NO_MEMORY;
}

/* The strictest decision for the recipients that were accepted; the others are told. */
static void decide_message(struct session *s, const char *qid, struct verdict *v)
{
    const struct recipients all = {.without = s->spared ? s->spared_without : 0};
    struct verdict one, next;
    struct report report;
    struct facts f;
    unsigned i;

    look_at(s, true, &f, &report);
    for (i = 0; i == 0 || i < s->kinds; i++) {
        const struct recipients *r = s->kinds > 0 ? &s->kind[i] : &all;

        one.report = report;
        decide_for(s, &f, r->without, true, &one);
        settle_greylist(s, r, &one);
        if (i == 0) {
            *v = one;
            continue;
        }
        next = one.action > v->action ? *v : one;
        *v = one.action > v->action ? one : *v;
        if (!verdict_refuses(&next))
            tell(s, &next, "eom", qid);
    }
}

void session_eom(struct session *s, const char *qid, struct message *out)
{
    const struct settings *set = session_settings(s);
    const struct addr *from = session_relayed(s) ? &s->relay.addr : &s->inquiry.client;
    bool checked = s->inquiry.skip == F_NONE && !session_relayed(s) && !exempt_authenticated(s);
    struct verdict v;

    memset(out, 0, sizeof *out);
    s->memory_ms = 0;
    if (forged_refuses(&s->forged, from, checked, &out->outcome.reply)) {
        out->outcome.refuse = out->outcome.permanent = true; /* in monitor mode as well */
        return;
    }
    decide_message(s, qid, &v);
    note_client(s, &v);
    if (is_spared(s, &v))
        verdict_spare(&v);
    else if (verdict_refuses(&v) && s->decided && !puts_off(&v))
        verdict_too_late(&v);
    if (verdict_refuses(&v)) {
        make_outcome(s, &v, &out->outcome);
        tell(s, &v, "eom", qid);
        return;
    }
    if (set->judge.authentication_results)
        authres_field(out->authres_value, session_us(s)->id, &v.report, &v.client);
    verdict_x_iprev(&v, &set->judge, out->x_iprev_value);
    ask_quarantine(&v, out);
    out->x_iprev = s->forged.x_iprev;
    out->authres = s->forged.authres;
    tell(s, &v, "eom", qid);
}
