/* One client asked: see ask.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/ask.h"

#include <string.h>
#include <unistd.h>

#define SLACK_MS 200 /* the resolver keeps the deadline; this is for when it cannot */

void ask_own_id(const struct settings *s, char id[AUTHRES_ID_MAX])
{
    if (s->authserv_id != NULL) {
        memcpy(id, s->authserv_id, strlen(s->authserv_id) + 1);
        return;
    }
    if (gethostname(id, AUTHRES_ID_MAX) != 0)
        id[0] = '\0';
    id[AUTHRES_ID_MAX - 1] = '\0';
    if (!authres_id_valid(id, strlen(id)))
        memcpy(id, "localhost", sizeof "localhost");
}

struct self ask_self(const char *id)
{
    struct self self = {.mta = {.len = 1}};

    dname_from_text(&self.name, id, strlen(id));
    return self;
}

int ask_blame(int error)
{
    return settings_to_blame(error) ? 78 : 70;
}

static enum finding skip_reason(const struct settings *s, const struct addr *client)
{
    if (client->family == ADDR_NONE)
        return F_SKIP_NO_ADDRESS;
    return settings_network_exempt(s, client) ? F_SKIP_NETWORK : F_NONE;
}

void ask_start(struct ask *a, const struct settings *s, struct resolver *r, const struct self *self,
               const struct addr *client, const char *helo, size_t helo_len)
{
    a->settings = s;
    a->resolver = r;
    a->client = *client;
    a->self = *self;
    a->skip = skip_reason(s, client);
    a->helo_known = helo != NULL;
    a->chain = a->forward = NULL;
    a->deadline = resolver_now() + s->resolver.deadline_ms;
    helo_parse(&a->helo, helo, helo_len);
    if (a->skip == F_NONE)
        a->chain = resolver_ask_client(r, client, a->deadline, NULL);
}

void ask_exempt(struct ask *a)
{
    if (a->skip != F_SKIP_NETWORK)
        return;
    a->skip = F_NONE;
    a->chain = resolver_ask_client(a->resolver, &a->client, a->deadline, NULL);
}

static const struct chain *known_chain(const struct ask *a)
{
    return a->chain != NULL && lookup_done(a->chain) ? lookup_chain(a->chain) : NULL;
}

void ask_helo(struct ask *a)
{
    if (a->skip == F_NONE && a->helo_known && a->settings->resolver.helo && a->forward == NULL &&
        helo_must_ask(&a->helo, &a->self, known_chain(a)))
        a->forward = resolver_ask_helo(a->resolver, &a->client, &a->helo.name, a->deadline, NULL);
}

void ask_wait(struct ask *a)
{
    if (a->chain != NULL)
        lookup_wait(a->chain, a->deadline + SLACK_MS);
    if (a->forward != NULL)
        lookup_wait(a->forward, a->deadline + SLACK_MS);
}

void ask_facts(const struct ask *a, struct facts *f)
{
    memset(f, 0, sizeof *f);
    f->client = a->client;
    f->skip = a->skip;
    f->chain = known_chain(a);
    f->chain_cause = F_DNS_TIMEOUT;
    f->helo_known = a->helo_known;
    f->helo = &a->helo;
    f->helo_asked = a->settings->resolver.helo;
    f->self = a->self;
    f->shapes = &a->settings->shapes;
    if (a->forward != NULL)
        f->forward = lookup_done(a->forward) ? lookup_forward(a->forward) : HELO_TRANSIENT;
}

static void add_cost(const struct lookup *l, struct record_log *log)
{
    if (l == NULL || !lookup_done(l))
        return;
    log->questions += lookup_questions(l);
    if (lookup_ms(l) > log->dns_ms)
        log->dns_ms = lookup_ms(l);
}

void ask_cost(const struct ask *a, struct record_log *log)
{
    add_cost(a->chain, log);
    add_cost(a->forward, log);
}

void ask_end(struct ask *a)
{
    if (a->chain != NULL)
        lookup_release(a->chain);
    if (a->forward != NULL)
        lookup_release(a->forward);
    a->chain = a->forward = NULL;
}
