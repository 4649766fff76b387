/* What is decided of a client and its message, stage by stage: see session.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/metrics.h"
#include "milter/session.h"
#include "milter/session_impl.h"
#include "milter/tell.h"

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

static void judge(struct session *s, bool helo_known, struct verdict *v)
{
    struct facts f;

    gather(s, helo_known && (s->inquiry.helo_given || !session_relayed(s)), &f);
    report_make(&v->report, &f);
    verdict_reach(v, &session_settings(s)->judge, &f, (int64_t)time(NULL));
    if (session_relayed(s))
        v->enforce = false; /* to refuse would make the relay send bounces */
}

/* ---- telling ---- */

/* Counts the decision and logs it, once for a message. */
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

    if (s->logged)
        return;
    s->logged = true;
    cost = inquiry_cost(&s->inquiry);
    log.questions = cost.questions;
    log.dns_ms = cost.ms;
    s->wait_ms = 0; /* told */
    tell_decision(v, &log, &s->relay.addr, s->mta_resolve);
}

static void make_outcome(const struct verdict *v, struct outcome *out)
{
    out->refuse = true;
    out->permanent = v->action == ACTION_REJECT;
    verdict_reply(v, &out->reply);
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

bool session_recipient(struct session *s, const char *recipient)
{
    bool exempt = exempt_recipient(recipient, &session_settings(s)->exempt.recipients);

    s->spared |= exempt;
    s->others |= !exempt;
    return exempt;
}

void session_decide(struct session *s, enum reject_stage stage, const char *recipient,
                    const char *qid, struct outcome *out)
{
    struct verdict v;
    bool exempt = false;

    out->refuse = false;
    if (recipient != NULL)
        exempt = session_recipient(s, recipient);
    if (exempt || !due(s, stage))
        return;
    judge(s, stage != STAGE_CONNECT, &v);
    s->decided = stage >= STAGE_MAIL;
    if (!verdict_refuses(&v) || (stage == STAGE_CONNECT && !v.certain))
        return;
    make_outcome(&v, out);
    tell(s, &v, stage_word[stage], qid);
}

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
    case ACTION_TEMPFAIL: /* before RCPT a refusal knows of no recipient */
        return session_settings(s)->reject_at == STAGE_RCPT && s->spared &&
               (v->enforce || !s->others);
    case ACTION_ACCEPT:
    case ACTION_TAG:
        break;
    }
    return false;
}

void session_eom(struct session *s, const char *qid, struct message *out)
{
    const struct settings *set = session_settings(s);
    const struct addr *from = session_relayed(s) ? &s->relay.addr : &s->inquiry.client;
    bool checked = s->inquiry.skip == F_NONE && !session_relayed(s) && !exempt_authenticated(s);
    struct verdict v;

    memset(out, 0, sizeof *out);
    if (forged_refuses(&s->forged, from, checked, &out->outcome.reply)) {
        out->outcome.refuse = out->outcome.permanent = true; /* in monitor mode as well */
        return;
    }
    judge(s, true, &v);
    if (is_spared(s, &v)) {
        s->logged = false; /* other recipients may have been refused: another decision */
        verdict_spare(&v);
    } else if (verdict_refuses(&v) && s->decided) {
        s->logged = false; /* some recipient was accepted before */
        verdict_too_late(&v);
    }
    if (verdict_refuses(&v) && !s->decided) {
        make_outcome(&v, &out->outcome);
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
