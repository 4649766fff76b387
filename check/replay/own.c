/* Our own records counted: see tally.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/log/event.h"
#include "check/replay/tally.h"
#include "outcome/record.h"

#include <string.h>

/* Mail that makes a client known, as in the daemon. */
static bool makes_known(const struct record *r)
{
    return r->found & FINDING(F_IPREV_PASS) && !(r->found & FINDING(F_PTR_GENERIC)) &&
           r->action == ACTION_ACCEPT && strchr(r->rule, '.') == NULL;
}

/* What it tells of memory: of the client with this HELO, or with any. */
static void keep_known(struct client *k, const struct record *r, int64_t at)
{
    k->recorded = true;
    k->known = r->found & FINDING(F_CLIENT_KNOWN) ? REMEMBERED
               : r->memory == RECORD_UNAVAILABLE  ? MEMORY_FAILED
                                                  : NOT_REMEMBERED;
    if (makes_known(r))
        client_day_add(&k->passed_days, at);
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

static void add_own(struct tally *t, uint32_t client, const struct record *r, int64_t at,
                    uint32_t times)
{
    enum own_kind kind = own_kind(t, r);

    if (kind <= OWN_REFUSED)
        client = clients_for(&t->clients, client, audience_told(&t->audiences, r));
    clients_add_own(&t->clients, client, kind, at, times);
}

/* For a message that the MTA has logged, only the HELO counts; and of a part, which a content
 * filter brought, nothing. */
void tally_record(struct tally *t, const struct log_event *e, int64_t at)
{
    bool none = e->helo.n == 1 && e->helo.s[0] == '-';
    struct live_message *m = live_at(&t->live, e);
    char helo[CLIENT_HELO_MAX];
    struct client *base;
    struct record r;
    uint32_t client;

    if (!record_read_log(&r, e->record.s, e->record.n)) {
        t->damaged++;
        return;
    }
    t->records++;
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
    base = &t->clients.list[clients_get(&t->clients, &r.client, NULL, 0)];
    if (own_kind(t, &r) != OWN_REFUSED)
        base->refuses = 0;
    else
        base->refuses |= r.action == ACTION_REJECT ? REFUSES_FOR_GOOD : REFUSES_FOR_NOW;
    keep_record(&t->clients.list[client], &r);
    if (!(r.found & FINDING(F_IPREV_SKIP))) {
        keep_known(base, &r, at);
        keep_known(&t->clients.list[client], &r, at);
    }
    if (m == NULL || m->client == 0)
        add_own(t, client, &r, at, e->times);
    else if (addr_equal(&t->clients.list[m->client].addr, &r.client))
        m->client = client;
}

/* What was known of the client before. */
void tally_record_before(struct tally *t, const struct log_event *e, int64_t at)
{
    struct client *base;
    struct record r;

    t->records++;

    if (!record_read_log(&r, e->record.s, e->record.n) || r.client.family == ADDR_NONE ||
        r.found & (FINDING(F_IPREV_SKIP) | FINDING(F_IPREV_TEMPERROR)))
        return;
    base = &t->clients.list[clients_get(&t->clients, &r.client, NULL, 0)];
    base->passed = (r.found & FINDING(F_IPREV_PASS)) != 0;
    base->turned = r.action > ACTION_QUARANTINE;
    keep_known(base, &r, at);
}
