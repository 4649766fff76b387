/* Events counted: see tally.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/tally.h"

#include "check/log/event.h"
#include "value/ascii.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY     86400
#define YEARS10 (3653LL * DAY)

/* The year of a stamp without one: the last in which it is not to come. */
static int64_t seconds_of(const struct tally *t, struct log_stamp stamp)
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

/* Most lines are of the day of the line before, and calendars cost. A day that is near now is
 * looked at time by time. */
static int64_t seconds(struct tally *t, struct log_stamp stamp)
{
    struct log_stamp day = {.year = stamp.year, .month = stamp.month, .day = stamp.day};

    if (day.day != t->day.day || day.month != t->day.month || day.year != t->day.year) {
        t->day = day;
        t->day_at = seconds_of(t, day);
    }
    if (t->day_at == 0 || t->day_at > t->now - 3 * DAY)
        return seconds_of(t, stamp);
    return t->day_at + stamp.hour * 3600 + stamp.minute * 60 + stamp.second;
}

/* ---- events ---- */

static bool is_exempt(const struct tally *t, const struct log_text *address)
{
    char recipient[RECIPIENT_MAX];

    if (t->settings->reject_at != STAGE_RCPT)
        return false; /* refused before the recipient is known */
    return recipient_text(recipient, address) &&
           exempt_recipient(recipient, &t->settings->exempt.recipients);
}

/* Has iprev-milter refused the client of an entry so, and not accepted it since? It logs its own
 * refusals before the mail server does. */
static bool refused_by_us(const struct tally *t, uint32_t client, bool temporary)
{
    unsigned refuses = t->clients.list[t->clients.list[client].base].refuses;

    return (refuses & (temporary ? REFUSES_FOR_NOW : REFUSES_FOR_GOOD)) != 0;
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
        refused_by_us(t, clients_get(&t->clients, &e->client, NULL, 0), e->temporary))
        return OUT_OWN;
    return e->temporary ? OUT_LATER : kind[e->by];
}

/* ---- senders and recipients ---- */

/* The hash of the sender's domain, which is kept for the client as well. */
static uint32_t on_sender(struct tally *t, const struct log_event *e, uint32_t client)
{
    char text[RECIPIENT_MAX], domain[SENDER_DOMAIN_MAX] = "";
    uint32_t hash;

    if (e->sender.s == NULL || client == 0)
        return 0;
    if (recipient_text(text, &e->sender))
        sender_domain(text, domain);
    hash = (uint32_t)hash_octets(&t->clients.key, domain, strlen(domain)) | 1;
    clients_add_sender(&t->clients, client, domain, hash);
    return domain[0] != '\0' ? hash : 0;
}

/* A try for the recipient of the event. id: of its message. */
static void on_try(struct tally *t, const struct log_event *e, const struct live_message *m,
                   uint32_t to)
{
    struct grey_try one = {
        .at = (uint32_t)m->at, .id = m->age, .domain = m->sender, .client = m->client};
    char text[RECIPIENT_MAX];
    size_t i;

    if (t->tries.file == NULL || m->flags & AUTH || !recipient_text(text, &e->recipient))
        return;
    for (i = 0; i < e->recipient.n; i++)
        text[i] = (char)ascii_lower((unsigned char)text[i]);
    one.recipient = (uint32_t)hash_octets(&t->clients.key, text, e->recipient.n);
    while (to >> one.kind > 1)
        one.kind++;
    grey_add(&t->tries, &one);
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

/* What was refused before the client of the message was known belongs to this client. */
static void early_counts(struct tally *t, const struct log_event *e, struct live_message *m)
{
    if (e->authenticated && t->settings->exempt.authenticated)
        authenticate(m);
    if (refused_by_us(t, m->client, false))
        early_become(m, OUT_MILTER, OUT_OWN);
    if (refused_by_us(t, m->client, true))
        early_become(m, OUT_LATER, OUT_OWN);
    live_count_early(&t->live, m);
}

static void early_beside(struct tally *t, const struct log_event *e, uint32_t client, int64_t at)
{
    struct live_message *m;
    unsigned i;

    for (i = 1; i < t->audiences.n; i++) {
        m = live_beside(&t->live, e, (uint32_t)1 << i, false);
        if (m == NULL)
            continue;
        m->client = client;
        m->at = at;
        early_counts(t, e, m);
        m->qid = 0;
    }
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
    m->sender = on_sender(t, e, m->client);
    early_counts(t, e, m);
    early_beside(t, e, m->client, at);
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
    uint32_t client = client_of(t, e, m), to = audience_of(&t->audiences, &e->recipient);
    enum outcome_kind o;

    if (m == NULL)
        m = live_open(&t->live, e);
    o = refusal(t, e, m);
    m->client = client;
    if (at > 0)
        m->at = at;
    if (e->final)
        m->flags |= ENDED;
    live_early(to > 1 ? live_beside(&t->live, e, to, true) : m, o, e->times);
}

static void count_refusal(struct tally *t, const struct log_event *e, uint32_t client,
                          enum outcome_kind o, int64_t at)
{
    uint32_t to = audience_of(&t->audiences, &e->recipient);
    struct live_message one = {
        .at = at, .age = t->live.lines, .client = client, .sender = on_sender(t, e, client)};

    if (o <= OUT_REFUSED_LAST) {
        on_try(t, e, &one, to);
        client = clients_for(&t->clients, client, to);
    }
    clients_add(&t->clients, client, o, at, e->times);
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
    count_refusal(t, e, client, o, at > 0 || m == NULL ? at : m->at);
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
        if (whole == m && e->sender.s != NULL)
            m->sender = on_sender(t, e, m->client);
        whole->flags |= e->kind == LOG_MESSAGE_ID ? 0 : QUEUED; /* logged when the headers end */
        live_remember_id(&t->live, whole, &e->message_id);
    }
    if (e->kind == LOG_END && m != NULL)
        live_end(&t->live, m);
}

static void on_recipients(struct tally *t, struct live_message *m, struct log_event *e)
{
    do {
        if (m->flags & JUDGED && !t->audiences.told_apart && t->tries.file == NULL)
            break;
        if (is_exempt(t, &e->recipient)) {
            m->flags |= SPARED;
        } else {
            uint32_t to = audience_of(&t->audiences, &e->recipient);

            m->flags |= JUDGED;
            m->to |= to;
            on_try(t, e, m, to);
        }
    } while (text_next_address(&e->more, &e->recipient));
}

static void on_delivery(struct tally *t, struct log_event *e)
{
    struct live_message *m = live_at(&t->live, e), *whole = live_whole(&t->live, m);

    if (whole == NULL)
        return;
    live_soon(&t->live, whole);
    whole->flags |= QUEUED;
    if (e->state == STATE_SENT && (whole != m || !(m->flags & HANDED)))
        whole->flags |= SENT;
    if (whole == m) /* a part may go where an alias leads */
        on_recipients(t, whole, e);
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

/* ---- lines ---- */

/* What begins a message, and refusals and records, count by their own time. All else follows the
 * message that it belongs to; but a verdict on an earlier message is no verdict of these. */
static bool is_outside(struct tally *t, const struct log_event *e)
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
        at = seconds(t, e.stamp);
        if (e.kind == LOG_RECORD && at < t->since)
            tally_record_before(t, &e, at);
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
        clients_soon(&t->clients, &e.client);
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
        tally_record(t, &e, at);
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

int64_t tally_time(struct tally *t, const char *s, size_t n)
{
    struct log_event e;

    logline_read(&e, s, n);
    return seconds(t, e.stamp);
}

bool tally_init(struct tally *t, const struct settings *s, const struct settings *against,
                int64_t now)
{
    memset(t, 0, sizeof *t);
    t->settings = s;
    audiences_init(&t->audiences, &s->judge.policy,
                   against != NULL ? &against->judge.policy : NULL);
    t->now = now;
    if (!live_init(&t->live, &t->clients) || !clients_init(&t->clients)) {
        fprintf(stderr, "iprev-check: out of memory\n");
        tally_free(t);
        return false;
    }
    if (grey_begin(&t->tries, policy_has(&s->judge.policy, ACTION_GREYLIST)))
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
    grey_end(&t->tries);
    clients_free(&t->clients);
    live_free(&t->live);
}
