/* One SMTP client at one MTA: see session.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/session.h"

#include "milter/asked.h"
#include "milter/forged.h"
#include "milter/identity.h"
#include "milter/log.h"
#include "milter/metrics.h"
#include "milter/proxywarn.h"
#include "milter/relay.h"
#include "value/ascii.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#define QUESTIONS_MAX  24 /* of one client */
#define HELO_MOMENT_MS 1000
#define WAIT_MAX_MS    9000 /* in one step: Sendmail gives a filter up after 10 s */
#define SLACK_MS       150  /* the resolver keeps the deadline; this is for when it cannot */

struct session {
    struct snapshot *snapshot;
    struct addr client;
    struct relay relay;
    bool counted;                /* by proxywarn */
    enum finding skip;           /* for the connection: F_SKIP_* or F_NONE */
    struct asked chain, forward; /* forward: of the HELO name */
    unsigned helo_questions;     /* for HELO names it no longer has, at most */
    bool helo_given;
    struct identity *identity; /* NULL: not needed yet */
    char mta_resolve[8];
    struct helo helo;
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

_Static_assert(sizeof(struct session) + FORGED_MAX / 8 <= 4096, "bound of a connection's state");

void (*session_before_wait)(void), (*session_after_wait)(void);

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

struct session *session_new(void)
{
    struct session *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->snapshot = snapshot_take();
    if (s->snapshot == NULL) {
        free(s);
        return NULL;
    }
    s->skip = F_SKIP_NO_ADDRESS;
    s->relay.settled = true;
    metrics_session(1);
    return s;
}

void session_free(struct session *s)
{
    if (s == NULL)
        return;
    asked_drop(&s->chain);
    asked_drop(&s->forward);
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
    asked_drop(&s->chain);
    asked_drop(&s->forward);
    s->client = (struct addr){.family = ADDR_NONE};
    s->skip = F_SKIP_NO_ADDRESS;
    s->authenticated = false;
    s->helo_given = false;
    s->helo_questions = 0;
    s->raw_len = 0;
    helo_parse(&s->helo, NULL, 0);
}

static enum finding skip_reason(const struct session *s, bool local)
{
    if (local)
        return F_SKIP_LOCAL;
    if (s->client.family == ADDR_NONE)
        return F_SKIP_NO_ADDRESS;
    if (settings_network_exempt(session_settings(s), &s->client))
        return F_SKIP_NETWORK;
    return F_NONE;
}

static void begin_client(struct session *s, const struct addr *client, bool local)
{
    s->client = *client;
    s->skip = skip_reason(s, local);
    s->chain.deadline = resolver_now() + session_settings(s)->resolver.deadline_ms;
    if (s->skip == F_NONE)
        s->chain.lookup = resolver_ask_client(s->snapshot->resolver, &s->client, s->chain.deadline,
                                              &s->chain.remembered);
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

static const struct chain *known_chain(const struct session *s)
{
    return asked_done(&s->chain) ? lookup_chain(s->chain.lookup) : NULL;
}

/* The client's deadline holds for HELO as well; but a client that is slow to say it
 * leaves DNS a moment. */
static void ask_helo(struct session *s)
{
    int64_t moment = resolver_now() + HELO_MOMENT_MS;

    s->forward.deadline = moment > s->chain.deadline ? moment : s->chain.deadline;
    s->forward.lookup = resolver_ask_helo(s->snapshot->resolver, &s->client, &s->helo.name,
                                          s->forward.deadline, &s->forward.remembered);
}

static bool may_ask_helo(const struct session *s)
{
    return asked_questions(&s->chain, RESOLVER_CLIENT_QUESTIONS) + s->helo_questions +
               RESOLVER_HELO_QUESTIONS <=
           QUESTIONS_MAX;
}

static void want_helo(struct session *s)
{
    if (s->forward.lookup == NULL && s->skip == F_NONE && session_settings(s)->resolver.helo &&
        may_ask_helo(s) && helo_must_ask(&s->helo, &us(s)->self, known_chain(s)))
        ask_helo(s);
}

static void take_helo(struct session *s, const char *argument, size_t n)
{
    struct dname before = s->helo.name;

    helo_parse(&s->helo, argument, n);
    s->helo_given = true;
    free(s->raw);
    s->raw = n > 0 ? strndup(argument, n <= HELO_MAX ? n : HELO_MAX + 1) : NULL;
    s->raw_len = s->raw != NULL ? (unsigned)strlen(s->raw) : 0;
    if (s->forward.lookup != NULL && dname_equal(&before, &s->helo.name))
        return; /* as after STARTTLS: the same question */
    s->helo_questions += asked_questions(&s->forward, RESOLVER_HELO_QUESTIONS);
    asked_drop(&s->forward);
    want_helo(s);
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

/* Only who sends mail is counted: health checks of a balancer rightly come from it. */
static void watch_for_proxy(struct session *s)
{
    if (s->counted || s->client.family == ADDR_NONE || s->skip == F_SKIP_LOCAL || s->authenticated)
        return;
    s->counted = true;
    proxywarn_watch(&s->client, s->skip == F_SKIP_NETWORK, &s->helo, &us(s)->self);
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

static void wait_for(struct session *s, const struct asked *a)
{
    struct metrics_wait wait;
    int64_t from;

    if (a->lookup == NULL || lookup_done(a->lookup))
        return;
    from = resolver_now();
    if (from >= a->deadline + SLACK_MS)
        return;
    if (session_before_wait != NULL)
        session_before_wait();
    metrics_wait_begin(&wait);
    lookup_wait(a->lookup, a->deadline + SLACK_MS);
    metrics_wait_end(&wait);
    if (session_after_wait != NULL)
        session_after_wait();
    s->wait_ms += (unsigned)(resolver_now() - from);
}

static void gather(struct session *s, bool helo_known, struct facts *f)
{
    int64_t from = resolver_now();

    memset(f, 0, sizeof *f);
    f->client = s->client;
    f->skip = s->skip;
    if (f->skip == F_NONE && exempt_authenticated(s))
        f->skip = F_SKIP_AUTHENTICATED;
    f->self = us(s)->self;
    f->shapes = &session_settings(s)->shapes;
    f->helo_asked = session_settings(s)->resolver.helo;
    f->helo_known = helo_known;
    f->helo = &s->helo;
    f->chain_cause = F_DNS_TIMEOUT;
    if (f->skip != F_NONE)
        return;
    wait_for(s, &s->chain);
    f->chain = known_chain(s);
    if (helo_known) {
        /* There was no room for it before the chain was known. */
        if (resolver_now() - from + HELO_MOMENT_MS <= WAIT_MAX_MS)
            want_helo(s);
        wait_for(s, &s->forward);
        if (s->forward.lookup != NULL)
            f->forward =
                asked_done(&s->forward) ? lookup_forward(s->forward.lookup) : HELO_TRANSIENT;
    }
}

static void judge(struct session *s, bool helo_known, struct verdict *v)
{
    struct facts f;

    gather(s, helo_known && (s->helo_given || !relayed(s)), &f);
    verdict_reach(v, &session_settings(s)->judge, &f, (int64_t)time(NULL));
    if (relayed(s))
        v->enforce = false; /* to refuse would make the relay send bounces */
}

/* ---- telling ---- */

/* The MTA's own view of the client's name, when it is not ours. */
static const char *other_view(const struct session *s, enum finding result)
{
    static const struct {
        const char *word;
        enum finding same;
    } view[] = {{"OK", F_IPREV_PASS},
                {"FORGED", F_IPREV_FAIL},
                {"FAIL", F_IPREV_PERMERROR},
                {"TEMP", F_IPREV_TEMPERROR}};
    size_t i;

    for (i = 0; i < sizeof view / sizeof view[0]; i++)
        if (strcmp(view[i].word, s->mta_resolve) == 0 && view[i].same != result)
            return view[i].word;
    return NULL;
}

/* Counts the decision and logs it, once for a message. */
static void tell(struct session *s, const struct verdict *v, const char *stage, const char *qid)
{
    const char *raw = s->raw_len > 0 ? s->raw : "";
    struct record_log log = {
        .helo_raw = s->helo_given ? raw : NULL,
        .helo_raw_len = s->raw_len,
        .wait_ms = s->wait_ms,
        .qid = qid,
        .from_mta = other_view(s, v->report.result),
        .stage = stage,
    };
    char text[RECORD_LOG_MAX];
    struct record r;
    struct sbuf sb;

    if (s->logged)
        return;
    s->logged = true;
    asked_tell(&s->chain, &log);
    asked_tell(&s->forward, &log);
    metrics_check(v->report.result, v->report.cause);
    metrics_action(v->action, v->enforce, v->rule_name);
    metrics_dns_ms(log.dns_ms);
    metrics_wait_ms(log.wait_ms);
    s->wait_ms = 0; /* told */
    if (!log_wants(LOG_INFO))
        return;
    verdict_record(v, &r);
    r.relay = s->relay.addr;
    sbuf_init(&sb, text, sizeof text);
    record_put_log(&sb, &r, &log);
    log_line(LOG_INFO, "%s", sb.overflow ? "a log record did not fit" : text);
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
    bool exempt = check_recipient_exempt(recipient, &session_settings(s)->exempt.recipients);

    if (exempt)
        s->spared = true;
    else
        s->others = true;
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
    struct sbuf sb;

    if (!v->enforce || v->action != ACTION_QUARANTINE)
        return;
    out->quarantine = true;
    sbuf_init(&sb, out->reason, sizeof out->reason);
    sbuf_str(&sb, "iprev-milter rule ");
    sbuf_str(&sb, v->rule_name);
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
    struct verdict v;

    memset(out, 0, sizeof *out);
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
    verdict_authres(&v, &set->judge, us(s)->id, out->authres_value);
    verdict_x_iprev(&v, &set->judge, out->x_iprev_value);
    ask_quarantine(&v, out);
    if (set->headers.remove_forged) {
        out->x_iprev = s->forged.x_iprev;
        out->authres = s->forged.authres;
    }
    tell(s, &v, "eom", qid);
}
