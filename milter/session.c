/* One SMTP client at one MTA: see session.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/session.h"

#include "dns/inquiry.h"
#include "milter/forged.h"
#include "milter/identity.h"
#include "milter/metrics.h"
#include "milter/proxywarn.h"
#include "milter/relay.h"
#include "milter/tell.h"
#include "value/ascii.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct session {
    const struct session_pause *pause;
    struct snapshot *snapshot;
    struct relay relay;
    bool counted; /* by proxywarn */
    struct inquiry inquiry;
    struct identity *identity; /* NULL: not needed yet */
    char mta_resolve[8];
    unsigned raw_len;
    char *raw; /* the HELO argument for the log, cut */
    /* message */
    bool authenticated;
    bool spared, others; /* a recipient is exempt: the message goes through; a recipient is not */
    bool decided;        /* at a stage before the end of message */
    bool logged;
    unsigned wait_ms; /* for this message */
    struct forged forged;
};

_Static_assert(sizeof(struct session) + FORGED_DEPTH / 8 <= 4096, "bound of a connection's state");

const struct settings *session_settings(const struct session *s)
{
    return s->snapshot->settings;
}

/* ---- life ---- */

/* Forged fields are found even when no connect came. */
static const struct identity *us(struct session *s)
{
    static const struct identity nobody = {.id = "localhost"};

    if (s->identity == NULL)
        s->identity = identity_take(session_settings(s)->authserv_id, NULL, NULL);
    return s->identity != NULL ? s->identity : &nobody;
}

struct session *session_new(const struct session_pause *pause)
{
    struct session *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->snapshot = snapshot_take();
    if (s->snapshot == NULL) {
        free(s);
        return NULL;
    }
    s->pause = pause;
    inquiry_clear(&s->inquiry);
    s->relay.settled = true;
    metrics_session(1);
    return s;
}

void session_free(struct session *s)
{
    if (s == NULL)
        return;
    inquiry_clear(&s->inquiry);
    snapshot_release(s->snapshot);
    identity_release(s->identity);
    forged_reset(&s->forged);
    free(s->raw);
    free(s);
    metrics_session(-1);
}

/* ---- connect ---- */

static bool relayed(const struct session *s)
{
    return s->relay.addr.family != ADDR_NONE;
}

static void forget_client(struct session *s)
{
    inquiry_clear(&s->inquiry);
    s->authenticated = false;
    s->raw_len = 0;
}

static enum finding skip_reason(const struct session *s, const struct addr *client, bool local)
{
    if (local)
        return F_SKIP_LOCAL;
    if (client->family == ADDR_NONE)
        return F_SKIP_NO_ADDRESS;
    if (settings_network_exempt(session_settings(s), client))
        return F_SKIP_NETWORK;
    return F_NONE;
}

static void begin_client(struct session *s, const struct addr *client, bool local)
{
    const struct settings *set = session_settings(s);
    const struct inquiry_options o = {.resolver = s->snapshot->resolver,
                                      .settings = &set->resolver,
                                      .shapes = &set->shapes,
                                      .self = &us(s)->self,
                                      .patience_ms =
                                          relayed(s) ? set->resolver.relay_deadline_ms : 0};

    inquiry_start(&s->inquiry, &o, client, skip_reason(s, client, local));
}

void session_connect(struct session *s, const struct session_peer *peer)
{
    forget_client(s);
    session_reset(s);
    s->counted = false;
    identity_release(s->identity);
    s->identity = identity_take(session_settings(s)->authserv_id, peer->mta_name, peer->mta_addr);
    s->mta_resolve[0] = '\0';
    relay_connect(&s->relay, session_settings(s), peer->local ? NULL : &peer->addr);
    if (relayed(s))
        return; /* its messages name the clients */
    if (peer->client_resolve != NULL && strlen(peer->client_resolve) < sizeof s->mta_resolve)
        memcpy(s->mta_resolve, peer->client_resolve, strlen(peer->client_resolve) + 1);
    begin_client(s, &peer->addr, peer->local);
}

/* ---- HELO ---- */

static void take_helo(struct session *s, const char *argument, size_t n)
{
    inquiry_helo(&s->inquiry, argument, n);
    free(s->raw);
    s->raw = n > 0 ? strndup(argument, n <= HELO_MAX ? n : HELO_MAX + 1) : NULL;
    s->raw_len = s->raw != NULL ? (unsigned)strlen(s->raw) : 0;
}

void session_helo(struct session *s, const char *argument)
{
    if (!relayed(s))
        take_helo(s, argument, argument != NULL ? strlen(argument) : 0);
}

/* ---- messages ---- */

void session_reset(struct session *s)
{
    s->spared = false;
    s->others = false;
    s->decided = false;
    s->logged = false;
    s->wait_ms = 0;
    forged_reset(&s->forged);
    if (relayed(s))
        forget_client(s);
    relay_reset(&s->relay);
}

/* A host that is known to send: one that is listed, or this one. That private addresses are exempt
 * by default says nothing of it. */
static bool known_host(const struct session *s)
{
    return settings_network_listed(session_settings(s), &s->inquiry.client) ||
           addr_is_loopback(&s->inquiry.client);
}

/* Only who sends mail is counted: health checks of a balancer rightly come from it. */
static void watch_for_proxy(struct session *s)
{
    const struct inquiry *q = &s->inquiry;

    if (s->counted || q->client.family == ADDR_NONE || q->skip == F_SKIP_LOCAL || s->authenticated)
        return;
    s->counted = true;
    proxywarn_watch(&q->client, known_host(s), &q->helo, &us(s)->self);
}

void session_mail(struct session *s, bool authenticated)
{
    unsigned waited = s->wait_ms; /* at connect and at HELO */

    session_reset(s);
    s->wait_ms = waited;
    s->authenticated = authenticated;
    watch_for_proxy(s);
}

/* The relay names the client of this message: from now on it is as if it had connected. */
static void take_received(struct session *s, const char *value)
{
    struct received r;

    if (!relay_received(&s->relay, session_settings(s), value, &r))
        return;
    s->authenticated = r.authenticated;
    begin_client(s, &r.client, false);
    if (r.helo.n > 0)
        take_helo(s, r.helo.s, r.helo.n);
}

void session_header(struct session *s, const char *name, const char *value)
{
    if (!s->relay.settled && ascii_is_word(name, strlen(name), "received"))
        take_received(s, value);
    if (session_settings(s)->headers.remove_forged)
        forged_see(&s->forged, name, value, us(s)->id);
}

bool session_forged(const struct session *s, unsigned n)
{
    return forged_is(&s->forged, n);
}

/* ---- the decision ---- */

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

    gather(s, helo_known && (s->inquiry.helo_given || !relayed(s)), &f);
    report_make(&v->report, &f);
    verdict_reach(v, &session_settings(s)->judge, &f, (int64_t)time(NULL));
    if (relayed(s))
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

    if (!set->judge.enforce || relayed(s))
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
    const struct addr *from = relayed(s) ? &s->relay.addr : &s->inquiry.client;
    bool checked = s->inquiry.skip == F_NONE && !relayed(s) && !exempt_authenticated(s);
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
        authres_field(out->authres_value, us(s)->id, &v.report, &v.client);
    verdict_x_iprev(&v, &set->judge, out->x_iprev_value);
    ask_quarantine(&v, out);
    out->x_iprev = s->forged.x_iprev;
    out->authres = s->forged.authres;
    tell(s, &v, "eom", qid);
}
