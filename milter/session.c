/* One SMTP client at one MTA: see session.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/session.h"

#include "milter/metrics.h"
#include "milter/proxywarn.h"
#include "milter/session_impl.h"
#include "value/ascii.h"

#include <stdlib.h>
#include <string.h>

const struct settings *session_settings(const struct session *s)
{
    return s->snapshot->settings;
}

/* ---- life ---- */

const struct identity *session_us(struct session *s)
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
    free(s->pending);
    free(s);
    metrics_session(-1);
}

/* ---- connect ---- */

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
                                      .self = &session_us(s)->self,
                                      .patience_ms =
                                          session_relayed(s) ? set->resolver.relay_deadline_ms : 0};

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
    if (session_relayed(s))
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
    if (!session_relayed(s))
        take_helo(s, argument, argument != NULL ? strlen(argument) : 0);
}

/* ---- messages ---- */

void session_reset(struct session *s)
{
    s->spared = false;
    s->others = false;
    s->decided = false;
    s->refused = false;
    s->known_asked = s->memory_failed = false;
    s->wait_ms = 0;
    s->kinds = s->tolds = 0;
    free(s->pending);
    s->pending = NULL;
    s->sender[0] = '\0';
    forged_reset(&s->forged);
    if (session_relayed(s))
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
    proxywarn_watch(&q->client, known_host(s), &q->helo, &session_us(s)->self);
}

void session_mail(struct session *s, bool authenticated)
{
    unsigned waited = s->wait_ms; /* at connect and at HELO */

    session_reset(s);
    s->wait_ms = waited;
    s->authenticated = authenticated;
    watch_for_proxy(s);
}

bool session_wants_recipients(const struct settings *set)
{
    return policy_has(&set->judge.policy, ACTION_GREYLIST) || policy_has_to(&set->judge.policy);
}

void session_sender(struct session *s, const char *sender)
{
    if (policy_has(&session_settings(s)->judge.policy, ACTION_GREYLIST))
        sender_domain(sender, s->sender);
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
        forged_see(&s->forged, name, value, session_us(s)->id);
}

bool session_forged(const struct session *s, unsigned n)
{
    return forged_is(&s->forged, n);
}
