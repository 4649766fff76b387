/* One SMTP client at one MTA: see session.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "session.h"

#include "ascii.h"
#include "identity.h"
#include "log.h"
#include "metrics.h"
#include "proxywarn.h"
#include "relay.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#define HELO_LOOKUPS_MAX 12   /* a client may ask for: with its own chain, 24 questions */
#define FORGED_MAX       8192 /* Authentication-Results fields told apart in a message */
#define HELO_MOMENT_MS   1000
#define SLACK_MS         150 /* the resolver keeps the deadline; this is for when it cannot */

struct session {
    struct snapshot *snapshot;
    struct addr client;
    struct relay relay;
    bool counted;      /* by proxywarn */
    enum finding skip; /* for the connection: F_SKIP_* or F_NONE */
    int64_t chain_deadline, forward_deadline;
    struct lookup *chain;
    struct lookup *forward;            /* of the HELO name */
    bool chain_cached, forward_cached; /* were remembered: cost this client nothing */
    unsigned helo_lookups;
    bool helo_given;
    struct identity *identity; /* NULL: not needed yet */
    char mta_resolve[8];
    struct helo helo;
    unsigned raw_len;
    char *raw; /* the HELO argument for the log, cut */
    /* message */
    bool authenticated;
    bool spared;  /* a recipient is exempt: the message goes through */
    bool decided; /* at a stage before the end of message */
    bool logged;
    unsigned wait_ms;          /* for this message */
    unsigned authres, x_iprev; /* fields seen */
    unsigned forged;           /* of authres */
    uint8_t *forged_bits;      /* FORGED_MAX bits, or NULL: then all are when forged > 0 */
};

_Static_assert(sizeof(struct session) + FORGED_MAX / 8 <= 4096, "bound of a connection's state");

void (*session_before_wait)(void);
void (*session_after_wait)(void);

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

static void drop(struct lookup **l)
{
    if (*l != NULL)
        lookup_release(*l);
    *l = NULL;
}

void session_free(struct session *s)
{
    if (s == NULL)
        return;
    drop(&s->chain);
    drop(&s->forward);
    snapshot_release(s->snapshot);
    identity_release(s->identity);
    free(s->raw);
    free(s->forged_bits);
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
    drop(&s->chain);
    drop(&s->forward);
    s->client = (struct addr){.family = ADDR_NONE};
    s->skip = F_SKIP_NO_ADDRESS;
    s->authenticated = false;
    s->helo_given = false;
    s->helo_lookups = 0;
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
    s->chain_deadline = resolver_now() + session_settings(s)->resolver.deadline_ms;
    if (s->skip == F_NONE)
        s->chain = resolver_ask_client(s->snapshot->resolver, &s->client, s->chain_deadline);
    s->chain_cached = s->chain != NULL && lookup_done(s->chain);
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
    return s->chain != NULL && lookup_done(s->chain) ? lookup_chain(s->chain) : NULL;
}

/* The client's deadline holds for HELO as well; but a client that is slow to say it
 * leaves DNS a moment. */
static void ask_helo(struct session *s)
{
    int64_t moment = resolver_now() + HELO_MOMENT_MS;

    s->helo_lookups++;
    s->forward_deadline = moment > s->chain_deadline ? moment : s->chain_deadline;
    s->forward =
        resolver_ask_helo(s->snapshot->resolver, &s->client, &s->helo.name, s->forward_deadline);
    s->forward_cached = lookup_done(s->forward);
}

static void take_helo(struct session *s, const char *argument, size_t n)
{
    struct dname before = s->helo.name;

    helo_parse(&s->helo, argument, n);
    s->helo_given = true;
    s->raw_len = (unsigned)(n < HELO_MAX ? n : HELO_MAX);
    free(s->raw);
    s->raw = s->raw_len > 0 ? malloc(s->raw_len) : NULL;
    if (s->raw == NULL)
        s->raw_len = 0;
    else
        memcpy(s->raw, argument, s->raw_len);
    if (s->forward != NULL && dname_equal(&before, &s->helo.name))
        return; /* as after STARTTLS: the same question */
    drop(&s->forward);
    if (s->skip == F_NONE && session_settings(s)->resolver.helo &&
        s->helo_lookups < HELO_LOOKUPS_MAX && helo_must_ask(&s->helo, &us(s)->self, known_chain(s)))
        ask_helo(s);
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
    s->decided = false;
    s->logged = false;
    s->wait_ms = 0;
    s->authres = 0;
    s->x_iprev = 0;
    s->forged = 0;
    free(s->forged_bits);
    s->forged_bits = NULL;
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
    session_reset(s);
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

static void note_forged(struct session *s, unsigned n)
{
    if (s->forged++ == 0)
        s->forged_bits = calloc(1, FORGED_MAX / 8);
    if (s->forged_bits != NULL && n <= FORGED_MAX)
        s->forged_bits[(n - 1) / 8] |= (uint8_t)(1u << (n - 1) % 8);
}

void session_header(struct session *s, const char *name, const char *value)
{
    size_t n = strlen(name);

    if (!s->relay.settled && ascii_is_word(name, n, "received"))
        take_received(s, value);
    if (!session_settings(s)->headers.remove_forged)
        return;
    if (ascii_is_word(name, n, "x-iprev")) {
        s->x_iprev++;
    } else if (ascii_is_word(name, n, "authentication-results")) {
        s->authres++;
        if (authres_claim(value, strlen(value), us(s)->id) != AUTHRES_OTHER)
            note_forged(s, s->authres);
    }
}

bool session_forged(const struct session *s, unsigned n)
{
    if (s->forged == 0 || n == 0 || n > s->authres)
        return false;
    if (s->forged_bits == NULL || n > FORGED_MAX)
        return true; /* cannot tell: rather none than a forged one */
    return (s->forged_bits[(n - 1) / 8] >> (n - 1) % 8 & 1) != 0;
}

/* ---- the decision ---- */

static bool exempt_authenticated(const struct session *s)
{
    return s->authenticated && session_settings(s)->exempt.authenticated;
}

static void wait_for(struct session *s, struct lookup *l, int64_t deadline)
{
    struct metrics_wait wait;
    int64_t from;

    if (l == NULL || lookup_done(l))
        return;
    from = resolver_now();
    if (from >= deadline + SLACK_MS)
        return;
    if (session_before_wait != NULL)
        session_before_wait();
    metrics_wait_begin(&wait);
    lookup_wait(l, deadline + SLACK_MS);
    metrics_wait_end(&wait);
    if (session_after_wait != NULL)
        session_after_wait();
    s->wait_ms += (unsigned)(resolver_now() - from);
}

static void gather(struct session *s, bool helo_known, struct facts *f)
{
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
    wait_for(s, s->chain, s->chain_deadline);
    f->chain = known_chain(s);
    if (helo_known) {
        wait_for(s, s->forward, s->forward_deadline);
        if (s->forward != NULL)
            f->forward = lookup_done(s->forward) ? lookup_forward(s->forward) : HELO_TRANSIENT;
    }
}

static void judge(struct session *s, bool helo_known, struct verdict *v)
{
    struct facts f;

    gather(s, helo_known && (s->helo_given || !relayed(s)), &f);
    verdict_reach(v, session_settings(s), &f, (int64_t)time(NULL));
    if (relayed(s))
        v->record.enforce = false; /* to refuse would make the relay send bounces */
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

static void add_cost(const struct lookup *l, bool cached, struct record_log *log)
{
    if (l == NULL || cached || !lookup_done(l))
        return;
    log->questions += lookup_questions(l);
    if (lookup_ms(l) > log->dns_ms)
        log->dns_ms = lookup_ms(l);
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
        .relay = relayed(s) ? &s->relay.addr : NULL,
    };
    char text[RECORD_LOG_MAX];
    struct sbuf sb;

    if (s->logged)
        return;
    s->logged = true;
    add_cost(s->chain, s->chain_cached, &log);
    add_cost(s->forward, s->forward_cached, &log);
    metrics_check(v->report.result, v->report.cause);
    metrics_action(v->record.action, v->record.enforce, v->record.rule);
    metrics_dns_ms(log.dns_ms);
    metrics_wait_ms(log.wait_ms);
    if (!log_wants(LOG_INFO))
        return;
    sbuf_init(&sb, text, sizeof text);
    record_put_log(&sb, &v->record, &log);
    log_line(LOG_INFO, "%s", sb.overflow ? "a log record did not fit" : text);
}

static void make_outcome(const struct verdict *v, struct outcome *out)
{
    out->refuse = true;
    out->permanent = v->record.action == ACTION_REJECT;
    verdict_reply(v, &out->reply);
}

static const char *stage_word(enum reject_stage stage)
{
    static const char *const word[] = {"connect", "helo", "mail", "rcpt"};

    return word[stage];
}

/* Refusals are decided at the stage configured; MAIL looks again when that stage
 * was earlier, as HELO and authentication are known only then. */
static bool due(const struct session *s, enum reject_stage stage)
{
    const struct settings *set = session_settings(s);

    if (!set->enforce || relayed(s))
        return false;
    return stage == set->reject_at || (stage == STAGE_MAIL && set->reject_at < STAGE_MAIL);
}

void session_decide(struct session *s, enum reject_stage stage, const char *recipient,
                    const char *qid, struct outcome *out)
{
    struct verdict v;

    out->refuse = false;
    if (!due(s, stage))
        return;
    if (recipient != NULL &&
        check_recipient_exempt(recipient, &session_settings(s)->exempt.recipients)) {
        s->spared = true;
        return;
    }
    judge(s, stage != STAGE_CONNECT, &v);
    s->decided = stage >= STAGE_MAIL;
    if (!verdict_refuses(&v) || (stage == STAGE_CONNECT && !v.certain))
        return;
    make_outcome(&v, out);
    tell(s, &v, stage_word(stage), qid);
}

static void ask_quarantine(const struct verdict *v, struct message *out)
{
    struct sbuf sb;

    if (!v->record.enforce || v->record.action != ACTION_QUARANTINE)
        return;
    out->quarantine = true;
    sbuf_init(&sb, out->reason, sizeof out->reason);
    sbuf_str(&sb, "iprev-milter rule ");
    sbuf_str(&sb, v->record.rule);
}

void session_eom(struct session *s, const char *qid, struct message *out)
{
    const struct settings *set = session_settings(s);
    struct verdict v;

    memset(out, 0, sizeof *out);
    judge(s, true, &v);
    if (verdict_refuses(&v) && (s->spared || (s->decided && !s->logged))) {
        s->logged = false; /* other recipients may have been refused: another decision */
        s->spared ? verdict_spare(&v) : verdict_too_late(&v);
    }
    if (verdict_refuses(&v) && !s->decided) {
        make_outcome(&v, &out->outcome);
        tell(s, &v, "eom", qid);
        return;
    }
    verdict_authres(&v, set, us(s)->id, out->authres_value);
    verdict_x_iprev(&v, set, out->x_iprev_value);
    ask_quarantine(&v, out);
    if (set->headers.remove_forged) {
        out->x_iprev = s->x_iprev;
        out->authres = s->authres;
    }
    tell(s, &v, "eom", qid);
}
