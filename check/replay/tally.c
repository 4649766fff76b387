/* Events counted: see tally.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/tally.h"

#include "check/log/event.h"
#include "outcome/record.h"
#include "value/ascii.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY     86400
#define YEARS10 (3653LL * DAY)

/* The year of a stamp without one: the last in which it is not to come. */
static int64_t seconds(const struct tally *t, struct log_stamp stamp)
{
    struct tm now;
    time_t clock = (time_t)t->now;
    int64_t at;

    if (stamp.month == 0)
        return 0;
    if (stamp.year == 0) {
        gmtime_r(&clock, &now);
        stamp.year = (uint16_t)(now.tm_year + 1901); /* east of here the next one has begun */
        while (stamp_seconds(&stamp) > t->now + DAY)
            stamp.year--;
    }
    at = stamp_seconds(&stamp);
    return at > t->now + 2 * DAY || at < t->now - YEARS10 ? 0 : at;
}

/* ---- events ---- */

static bool is_exempt(const struct tally *t, const struct log_text *address)
{
    char recipient[322];

    if (t->settings->reject_at != STAGE_RCPT)
        return false; /* refused before the recipient is known */
    if (address->n == 0 || address->n >= sizeof recipient)
        return false;
    memcpy(recipient, address->s, address->n);
    recipient[address->n] = '\0';
    return exempt_recipient(recipient, &t->settings->exempt.recipients);
}

/* What iprev-milter did last with a client, if that is a refusal: it logs its own before the mail
 * server does. */
static enum action own_refusal(struct tally *t, const struct addr *client)
{
    return (enum action)t->clients.list[clients_get(&t->clients, client, NULL, 0)].refuses;
}

static bool refused_so(enum action action, bool temporary)
{
    return temporary ? action == ACTION_TEMPFAIL || action == ACTION_GREYLIST
                     : action == ACTION_REJECT;
}

static enum outcome_kind refusal(struct tally *t, const struct log_event *e,
                                 const struct live_message *m)
{
    static const enum outcome_kind kind[BY_COUNT] = {OUT_MTA, OUT_DNSBL, OUT_MILTER};

    if ((m != NULL && m->flags & AUTH) || (e->authenticated && t->settings->exempt.authenticated))
        return OUT_AUTH;
    if (is_exempt(t, &e->recipient))
        return OUT_SPARED;
    if (e->by == BY_MILTER && e->client.family != ADDR_NONE &&
        refused_so(own_refusal(t, &e->client), e->temporary))
        return OUT_OWN;
    return e->temporary ? OUT_LATER : kind[e->by];
}

/* What was refused of it before its client was known. */
static void early_become(struct live_message *m, enum outcome_kind from, enum outcome_kind to)
{
    live_early(m, to, m->early[from - OUT_MTA]);
    m->early[from - OUT_MTA] = 0;
}

static void authenticate(struct live_message *m)
{
    unsigned o;

    m->flags |= AUTH;
    for (o = OUT_MTA; o <= OUT_REFUSED_LAST; o++)
        early_become(m, o, OUT_AUTH);
}

static void on_message(struct tally *t, const struct log_event *e, int64_t at)
{
    struct live_message *m;

    if (e->origin.n > 0 && live_part(&t->live, e))
        return;
    opening_followed(&t->live, &e->client);
    m = live_at(&t->live, e);
    if (m == NULL || m->flags & (BEGUN | PART)) /* the queue id is used again */
        m = live_open(&t->live, e);
    m->client = clients_get(&t->clients, &e->client, NULL, 0);
    m->at = at;
    m->flags |= e->queued ? BEGUN | QUEUED : BEGUN;
    if (e->authenticated && t->settings->exempt.authenticated)
        authenticate(m);
    if (refused_so(own_refusal(t, &e->client), false))
        early_become(m, OUT_MILTER, OUT_OWN);
    else if (refused_so(own_refusal(t, &e->client), true))
        early_become(m, OUT_LATER, OUT_OWN);
    live_count_early(&t->live, m);
    live_remember_id(&t->live, m, &e->message_id);
    if (m->flags & ENDED)
        m->qid = 0;
}

/* Only a HELO that was logged makes another entry. */
static uint32_t client_of(struct tally *t, const struct log_event *e, const struct live_message *m)
{
    if (e->client.family == ADDR_NONE)
        return m != NULL ? m->client : 0;
    return clients_get(&t->clients, &e->client, e->helo.s, e->helo.n);
}

/* Sendmail logs refusals first, and the client and its login when all is over. */
static void on_early_refusal(struct tally *t, const struct log_event *e, struct live_message *m,
                             int64_t at)
{
    uint32_t client = client_of(t, e, m);

    if (m == NULL)
        m = live_open(&t->live, e);
    live_early(m, refusal(t, e, m), e->times);
    m->client = client;
    if (at > 0)
        m->at = at;
    if (e->final)
        m->flags |= ENDED;
}

/* The refusal of a part, and of a recipient once the message was taken, shows in a delivery. A
 * whole message whose begin is not in the log, but whose client is logged, is over at once. */
static void on_refused(struct tally *t, const struct log_event *e, int64_t at)
{
    struct live_message *m = live_at(&t->live, e);
    enum outcome_kind o = refusal(t, e, m);
    bool over = e->final && e->client.family != ADDR_NONE;
    uint32_t client;

    if (m != NULL && (m->flags & PART || (m->flags & QUEUED && !e->final)))
        return;
    if (e->qid.n > 0 && !over && (m == NULL || !(m->flags & BEGUN))) {
        on_early_refusal(t, e, m, at);
        return;
    }
    client = client_of(t, e, m);
    if (e->opening != OPENING_NONE) {
        opening_refused(&t->live, e, client, o, at);
        return;
    }
    opening_followed(&t->live, &e->client);
    clients_add(&t->clients, client, o, at > 0 || m == NULL ? at : m->at, e->times);
    if (m == NULL)
        return;
    m->client = client;
    if (!e->final)
        return;
    live_remember(&t->live, m, o);
    m->qid = 0;
}

static void on_queued(struct tally *t, const struct log_event *e)
{
    struct live_message *m = live_at(&t->live, e), *whole = live_whole(&t->live, m);

    if (whole != NULL) {
        whole->flags |= e->kind == LOG_MESSAGE_ID ? 0 : QUEUED; /* logged when the headers end */
        live_remember_id(&t->live, whole, &e->message_id);
    }
    if (e->kind == LOG_END && m != NULL)
        live_end(&t->live, m);
}

static void on_delivery(struct tally *t, struct log_event *e)
{
    struct live_message *m = live_at(&t->live, e), *whole = live_whole(&t->live, m);

    if (whole == NULL)
        return;
    whole->flags |= QUEUED;
    if (e->state == STATE_SENT && (whole != m || !(m->flags & HANDED)))
        whole->flags |= SENT;
    while (whole == m && !(whole->flags & JUDGED)) { /* a part may go where an alias leads */
        whole->flags |= is_exempt(t, &e->recipient) ? SPARED : JUDGED;
        if (!text_next_address(&e->more, &e->recipient))
            break;
    }
}

/* A verdict on a message that is not under way: it has left, or is in a log yet to be read. */
static void on_late_verdict(struct tally *t, const struct log_event *e, enum outcome_kind o)
{
    struct past_entry entry = {.qid = live_hash(&t->live, &e->qid), .outcome = (uint8_t)o}, *old;

    entry.at = seconds(t, e->stamp);
    old = past_find(&t->live.past, entry.qid, entry.at);
    if (old == NULL) {
        past_put(&t->live.past, &entry);
        return;
    }
    t->live.verdicts_met += old->client != 0;
    if (old->client != 0 && (old->outcome == OUT_DELIVERED || old->outcome == OUT_OTHER)) {
        clients_move(&t->clients, old->client, old->outcome, o);
        old->outcome = (uint8_t)o;
    }
}

static void on_verdict(struct tally *t, const struct log_event *e)
{
    struct live_message *m = live_whole(&t->live, live_at(&t->live, e));

    if (m == NULL && e->qid.n == 0)
        m = live_find_id(&t->live, &e->message_id);
    if (!e->spam && !e->discarded)
        return;
    t->verdicts++;
    t->live.verdicts_met += m != NULL;
    if (m != NULL)
        m->flags |= e->spam ? SPAM : DISCARDED;
    else if (e->qid.n > 0)
        on_late_verdict(t, e, e->spam ? OUT_SPAM : OUT_OTHER);
}

/* A client that was not checked stays as it is known, and so does one without a DNS answer. */
static void keep_record(struct client *k, const struct record *r)
{
    if (r->found & FINDING(F_IPREV_SKIP) || (k->logged && r->found & FINDING(F_IPREV_TEMPERROR)))
        return;
    k->logged = true;
    k->found = r->found;
    client_keep_ptr(k, &r->ptr);
}

/* The client it named sent nothing here: the message stays the relay's, as the MTA logs it. */
static void on_relayed(struct tally *t, const struct record *r, int64_t at, uint32_t times)
{
    uint32_t relay = clients_get(&t->clients, &r->relay, NULL, 0);

    clients_add_own(&t->clients, relay, OWN_ACCEPTED, at, times);
}

static enum own_kind own_kind(const struct tally *t, const struct record *r)
{
    if (r->found & FINDING(F_SKIP_AUTHENTICATED) && t->settings->exempt.authenticated)
        return OWN_AUTH;
    if (strcmp(r->rule, "exempt.recipients") == 0 && t->settings->reject_at == STAGE_RCPT)
        return OWN_SPARED;
    return r->enforce && r->action >= ACTION_GREYLIST ? OWN_REFUSED : OWN_ACCEPTED;
}

/* For a message that the MTA has logged, only the HELO counts; and of a part, which a content
 * filter brought, nothing. */
static void on_record(struct tally *t, const struct log_event *e, int64_t at)
{
    bool none = e->helo.n == 1 && e->helo.s[0] == '-';
    struct live_message *m = live_at(&t->live, e);
    char helo[CLIENT_HELO_MAX];
    struct record r;
    uint32_t client;

    if (!record_read_log(&r, e->record.s, e->record.n)) {
        t->damaged++;
        return;
    }
    if (r.trial || (m != NULL && m->flags & PART))
        return;
    if (r.relay.family != ADDR_NONE) {
        on_relayed(t, &r, at, e->times);
        return;
    }
    if (r.client.family == ADDR_NONE)
        return;
    client = clients_get(&t->clients, &r.client, helo,
                         none ? 0 : record_unshow(helo, sizeof helo, e->helo.s, e->helo.n, NULL));
    if (client == 0)
        return;
    t->clients.list[clients_get(&t->clients, &r.client, NULL, 0)].refuses =
        own_kind(t, &r) == OWN_REFUSED ? (uint8_t)r.action : 0;
    keep_record(&t->clients.list[client], &r);
    if (m == NULL || m->client == 0)
        clients_add_own(&t->clients, client, own_kind(t, &r), at, e->times);
    else if (addr_equal(&t->clients.list[m->client].addr, &r.client))
        m->client = client;
}

/* ---- lines ---- */

/* What was known of the client before. */
static void on_record_before(struct tally *t, const struct log_event *e)
{
    struct client *base;
    struct record r;

    if (!record_read_log(&r, e->record.s, e->record.n) || r.client.family == ADDR_NONE ||
        r.found & (FINDING(F_IPREV_SKIP) | FINDING(F_IPREV_TEMPERROR)))
        return;
    base = &t->clients.list[clients_get(&t->clients, &r.client, NULL, 0)];
    base->passed = (r.found & FINDING(F_IPREV_PASS)) != 0;
    base->turned = r.action > ACTION_QUARANTINE;
}

/* What begins a message, and refusals and records, count by their own time. All else follows the
 * message that it belongs to; but a verdict on an earlier message is no verdict of these. */
static bool is_outside(const struct tally *t, const struct log_event *e)
{
    int64_t at = seconds(t, e->stamp);

    switch (e->kind) {
    case LOG_CONNECT:
    case LOG_MESSAGE:
    case LOG_REFUSED:
    case LOG_RECORD:
        return (t->since != 0 && at < t->since) || (t->until != 0 && (at == 0 || at >= t->until));
    case LOG_SPAM:
        return t->since != 0 && at < t->since;
    default:
        return false;
    }
}

void tally_line(struct tally *t, const char *s, size_t n)
{
    struct log_event e;
    int64_t at;

    t->live.lines = (uint32_t)++t->lines;
    if (!logline_read(&e, s, n))
        return;
    t->known++;
    if ((t->since != 0 || t->until != 0) && is_outside(t, &e)) {
        if (t->digest && e.kind == LOG_RECORD && seconds(t, e.stamp) < t->since)
            on_record_before(t, &e);
        return;
    }
    at = e.kind == LOG_MESSAGE || e.kind == LOG_REFUSED || e.kind == LOG_RECORD
             ? seconds(t, e.stamp)
             : 0;
    if (at > 0 && (t->begin == 0 || at < t->begin))
        t->begin = at;
    if (at > t->end)
        t->end = at;
    switch (e.kind) {
    case LOG_CONNECT:
        t->connects += e.times;
        opening_over(&t->live, &e.client);
        break;
    case LOG_MESSAGE:
        on_message(t, &e, at);
        break;
    case LOG_REFUSED:
        on_refused(t, &e, at);
        break;
    case LOG_DELIVERY:
        on_delivery(t, &e);
        break;
    case LOG_SPAM:
        on_verdict(t, &e);
        break;
    case LOG_RECORD:
        on_record(t, &e, at);
        break;
    case LOG_QUEUED:
    case LOG_MESSAGE_ID:
    case LOG_END:
        on_queued(t, &e);
        break;
    case LOG_NOTHING:
        break;
    }
}

int64_t tally_time(const struct tally *t, const char *s, size_t n)
{
    struct log_event e;

    logline_read(&e, s, n);
    return seconds(t, e.stamp);
}

bool tally_init(struct tally *t, const struct settings *s, int64_t now)
{
    memset(t, 0, sizeof *t);
    t->settings = s;
    t->now = now;
    if (live_init(&t->live, &t->clients) && clients_init(&t->clients))
        return true;
    tally_free(t);
    return false;
}

void tally_end(struct tally *t)
{
    live_close_all(&t->live);
    clients_settle(&t->clients);
}

void tally_free(struct tally *t)
{
    clients_free(&t->clients);
    live_free(&t->live);
}
