/* Events counted: see tally.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tally.h"

#include "ascii.h"
#include "record.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SETS    16384 /* a power of two */
#define WAYS    4
#define IDS     32768 /* a power of two */
#define DAY     86400
#define YEARS10 (3653LL * DAY)

enum { SENT = 1, SPAM = 2, AUTH = 4, SPARED = 8, ENDED = 16 };

struct live {
    uint64_t qid;               /* hash; 0: free */
    uint64_t id;                /* hash of the message id; 0: not told */
    int64_t at;                 /* seconds since 1970, or 0 */
    uint32_t age;               /* line at which it came */
    uint32_t client;            /* entry, or 0: not told yet */
    uint16_t refusals, put_off; /* told before the client was */
    uint8_t flags;
};

static uint64_t hash(const struct log_text *t)
{
    uint64_t h = 0xcbf29ce484222325u;
    size_t i;

    for (i = 0; i < t->n; i++)
        h = (h ^ (unsigned char)t->s[i]) * 0x100000001b3u;
    h ^= h >> 32;
    return h != 0 ? h : 1;
}

/* ---- messages under way ---- */

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
        stamp.year = (uint16_t)(now.tm_year + 1900);
        if (log_seconds(&stamp) > t->now + DAY)
            stamp.year--;
    }
    at = log_seconds(&stamp);
    return at > t->now + 2 * DAY || at < t->now - YEARS10 ? 0 : at;
}

/* The verdict on a message may have come before it, or may still come. */
static enum outcome_kind remember(struct tally *t, const struct live *m, enum outcome_kind o)
{
    const struct past_entry *told = past_find(&t->past, m->qid, m->at);
    struct past_entry entry = {.qid = m->qid, .at = m->at, .client = m->client, .outcome = o};

    if (o > OUT_ACCEPTED_LAST || o == OUT_SPAM)
        return o;
    if (told != NULL && told->client == 0)
        return told->outcome;
    past_put(&t->past, &entry);
    return o;
}

static void message_close(struct tally *t, struct live *m)
{
    enum outcome_kind o = m->flags & AUTH     ? OUT_AUTH
                          : m->flags & SPARED ? OUT_SPARED
                          : m->flags & SPAM   ? OUT_SPAM
                          : m->flags & SENT   ? OUT_DELIVERED
                                              : OUT_OTHER;

    if (m->client != 0)
        o = remember(t, m, o);
    clients_count(&t->clients, m->client, o, m->at);
    m->qid = 0;
}

static struct live *message_find(struct tally *t, uint64_t qid)
{
    struct live *set = &t->live[(qid & (SETS - 1)) * WAYS];
    unsigned i;

    for (i = 0; i < WAYS; i++)
        if (set[i].qid == qid)
            return &set[i];
    return NULL;
}

static struct live *message_open(struct tally *t, uint64_t qid)
{
    struct live *set = &t->live[(qid & (SETS - 1)) * WAYS], *oldest = set;
    unsigned i;

    for (i = 0; i < WAYS; i++) {
        if (set[i].qid == 0) {
            oldest = &set[i];
            break;
        }
        if ((uint32_t)t->lines - set[i].age > (uint32_t)t->lines - oldest->age)
            oldest = &set[i];
    }
    if (oldest->qid != 0)
        message_close(t, oldest);
    memset(oldest, 0, sizeof *oldest);
    oldest->qid = qid;
    oldest->age = (uint32_t)t->lines;
    return oldest;
}

static struct live *find(struct tally *t, const struct log_event *e)
{
    return e->qid.n > 0 ? message_find(t, hash(&e->qid)) : NULL;
}

static struct live *find_or_open(struct tally *t, const struct log_event *e)
{
    struct live *m = find(t, e);

    return m != NULL || e->qid.n == 0 ? m : message_open(t, hash(&e->qid));
}

static void remember_id(struct tally *t, struct live *m, const struct log_text *id)
{
    if (id->n == 0)
        return;
    m->id = hash(id);
    t->by_id[m->id & (IDS - 1)] = (uint32_t)(m - t->live);
}

static struct live *find_id(struct tally *t, const struct log_text *id)
{
    uint64_t h = hash(id);
    struct live *m = &t->live[t->by_id[h & (IDS - 1)]];

    return id->n > 0 && m->qid != 0 && m->id == h ? m : NULL;
}

/* ---- events ---- */

static enum outcome_kind refusal(const struct log_event *e)
{
    static const enum outcome_kind kind[BY_COUNT] = {OUT_MTA, OUT_DNSBL, OUT_MILTER};

    return e->temporary ? OUT_LATER : kind[e->by];
}

static void on_message(struct tally *t, const struct log_event *e, int64_t at)
{
    uint32_t client;
    struct live *m;

    if (e->origin.n > 0 && message_find(t, hash(&e->origin)) != NULL)
        return; /* back from a content filter: counted when it came in */
    m = find_or_open(t, e);
    client = clients_get(&t->clients, &e->client, NULL, 0);
    if (m == NULL)
        return;
    if (m->client != 0) { /* the queue id is used again */
        message_close(t, m);
        m = message_open(t, hash(&e->qid));
    }
    m->client = client;
    m->at = at;
    if (e->authenticated && t->settings->exempt.authenticated)
        m->flags |= AUTH;
    for (; m->refusals > 0; m->refusals--)
        clients_count(&t->clients, client, OUT_MILTER, at);
    for (; m->put_off > 0; m->put_off--)
        clients_count(&t->clients, client, OUT_LATER, at);
    remember_id(t, m, &e->message_id);
    if (e->empty || m->flags & ENDED)
        m->qid = 0;
}

/* Only a HELO that was told makes another entry. */
static uint32_t client_of(struct tally *t, const struct log_event *e, const struct live *m)
{
    if (e->client.family == ADDR_NONE)
        return m != NULL ? m->client : 0;
    return clients_get(&t->clients, &e->client, e->helo.s, e->helo.n);
}

static void on_refused(struct tally *t, const struct log_event *e, int64_t at)
{
    struct live *m = find(t, e);
    uint32_t client = client_of(t, e, m);

    if (client == 0) {
        m = find_or_open(t, e);
        if (m != NULL && e->temporary)
            m->put_off += m->put_off < UINT16_MAX;
        else if (m != NULL)
            m->refusals += m->refusals < UINT16_MAX;
        if (m != NULL && e->final)
            m->flags |= ENDED;
        return;
    }
    clients_count(&t->clients, client, refusal(e), at > 0 || m == NULL ? at : m->at);
    if (m == NULL)
        return;
    if (m->client != 0)
        m->client = client;
    if (e->final)
        m->qid = 0;
}

static void on_delivery(struct tally *t, const struct log_event *e)
{
    struct live *m = find(t, e);
    char recipient[322];

    if (m == NULL)
        return;
    if (e->state == STATE_SENT)
        m->flags |= SENT;
    if (t->settings->reject_at != STAGE_RCPT)
        return; /* refused before the recipient is known */
    if (m->flags & SPARED || e->recipient.n == 0 || e->recipient.n >= sizeof recipient)
        return;
    memcpy(recipient, e->recipient.s, e->recipient.n);
    recipient[e->recipient.n] = '\0';
    if (check_recipient_exempt(recipient, &t->settings->exempt.recipients))
        m->flags |= SPARED;
}

/* A verdict on a message that is not under way: it has left, or is in a log yet to be read. */
static void on_late_spam(struct tally *t, const struct log_event *e)
{
    struct past_entry entry = {.qid = hash(&e->qid), .outcome = OUT_SPAM}, *old;

    entry.at = seconds(t, e->stamp);
    old = past_find(&t->past, entry.qid, entry.at);
    if (old == NULL) {
        past_put(&t->past, &entry);
    } else if (old->client != 0) {
        clients_move(&t->clients, old->client, old->outcome, OUT_SPAM);
        old->outcome = OUT_SPAM;
    }
}

static void on_spam(struct tally *t, const struct log_event *e)
{
    struct live *m = find(t, e);

    if (m == NULL && e->message_id.s != NULL)
        m = find_id(t, &e->message_id);
    if (!e->spam)
        return;
    if (m != NULL)
        m->flags |= SPAM;
    else if (e->qid.n > 0)
        on_late_spam(t, e);
}

/* What record.h has made visible, as it was. */
static size_t unshow(char out[CLIENT_HELO_MAX], const struct log_text *t)
{
    size_t n = 0, i;

    for (i = 0; i < t->n && n < CLIENT_HELO_MAX; i++) {
        int high, low;

        if (t->s[i] != '\\' || t->n - i < 4 || t->s[i + 1] != 'x' ||
            (high = ascii_hex((unsigned char)t->s[i + 2])) < 0 ||
            (low = ascii_hex((unsigned char)t->s[i + 3])) < 0) {
            out[n++] = t->s[i];
            continue;
        }
        out[n++] = (char)(high << 4 | low);
        i += 3;
    }
    return n;
}

static void keep_text(char **kept, const char *text)
{
    free(*kept);
    *kept = text[0] != '\0' ? strdup(text) : NULL;
}

/* A client that was not checked remains as it is known, and so does one of whom DNS is silent. */
static void keep_record(struct client *k, const struct record *r)
{
    char ptr[DNAME_TEXT_MAX] = "";
    struct sbuf sb;

    if (r->found & FINDING(F_IPREV_SKIP) || (k->logged && r->found & FINDING(F_IPREV_TEMPERROR)))
        return;
    k->logged = true;
    k->found = r->found;
    sbuf_init(&sb, ptr, sizeof ptr);
    if (r->ptr.len > 1)
        dname_put(&sb, &r->ptr);
    keep_text(&k->ptr, ptr);
    keep_text(&k->why, r->why);
}

/* Whom it named sent nothing here: the message stays the relay's, as in the lines of the MTA. */
static void on_relayed(struct tally *t, const struct record *r)
{
    uint32_t relay = clients_get(&t->clients, &r->relay, NULL, 0);

    if (relay != 0)
        t->clients.list[relay].own[OWN_ACCEPTED]++;
}

static enum own_kind own_kind(const struct tally *t, const struct record *r)
{
    if (r->found & FINDING(F_SKIP_AUTHENTICATED) && t->settings->exempt.authenticated)
        return OWN_AUTH;
    return r->enforce && (r->action == ACTION_REJECT || r->action == ACTION_TEMPFAIL)
               ? OWN_REFUSED
               : OWN_ACCEPTED;
}

static void on_record(struct tally *t, const struct log_event *e)
{
    bool none = e->helo.n == 1 && e->helo.s[0] == '-';
    struct live *m = find(t, e);
    char helo[CLIENT_HELO_MAX];
    struct record r;
    uint32_t client;

    if (!record_read_log(&r, e->record.s, e->record.n)) {
        t->damaged++;
        return;
    }
    if (r.relay.family != ADDR_NONE) {
        on_relayed(t, &r);
        return;
    }
    if (r.client.family == ADDR_NONE)
        return;
    client = clients_get(&t->clients, &r.client, helo, none ? 0 : unshow(helo, &e->helo));
    if (client == 0)
        return;
    keep_record(&t->clients.list[client], &r);
    t->clients.list[client].own[own_kind(t, &r)]++;
    if (m != NULL && m->client != 0)
        m->client = client;
}

/* ---- lines ---- */

void tally_line(struct tally *t, const char *s, size_t n)
{
    struct log_event e;
    struct live *m;
    int64_t at;

    t->lines++;
    if (!logline_read(&e, s, n))
        return;
    t->known++;
    at = e.kind == LOG_MESSAGE || e.kind == LOG_REFUSED || e.kind == LOG_RECORD
             ? seconds(t, e.stamp)
             : 0;
    if (at > 0 && (t->begin == 0 || at < t->begin))
        t->begin = at;
    if (at > t->end)
        t->end = at;
    switch (e.kind) {
    case LOG_CONNECT:
        t->connects++;
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
    case LOG_MESSAGE_ID:
        if ((m = find(t, &e)) != NULL)
            remember_id(t, m, &e.message_id);
        break;
    case LOG_SPAM:
        on_spam(t, &e);
        break;
    case LOG_END:
        if ((m = find(t, &e)) != NULL)
            message_close(t, m);
        break;
    case LOG_RECORD:
        on_record(t, &e);
        break;
    case LOG_NOTHING:
        break;
    }
}

bool tally_init(struct tally *t, const struct settings *s, int64_t now)
{
    memset(t, 0, sizeof *t);
    t->settings = s;
    t->now = now;
    t->live = calloc(SETS * WAYS, sizeof *t->live);
    t->by_id = calloc(IDS, sizeof *t->by_id);
    if (t->live != NULL && t->by_id != NULL && past_init(&t->past) && clients_init(&t->clients))
        return true;
    tally_free(t);
    return false;
}

void tally_end(struct tally *t)
{
    size_t i;

    for (i = 0; i < SETS * WAYS; i++)
        if (t->live[i].qid != 0)
            message_close(t, &t->live[i]);
    clients_settle(&t->clients);
}

void tally_free(struct tally *t)
{
    clients_free(&t->clients);
    past_free(&t->past);
    free(t->live);
    free(t->by_id);
}
