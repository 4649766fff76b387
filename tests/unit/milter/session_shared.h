/* What the tests of sessions share: a snapshot made from a real configuration and a
 * zone file, and the steps of a mail client.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_TEST_SESSION_SHARED_H
#define IPREV_TEST_SESSION_SHARED_H

#include <criterion/criterion.h>

#include "conf/settings.h"
#include "milter/log.h"
#include "milter/metrics.h"
#include "milter/session.h"
#include "tests/unit/dns/dns_shared.h"

#include <syslog.h>

static const char world_zone[] = "$TTL 300\n"
                                 "$ORIGIN 2.0.192.in-addr.arpa.\n"
                                 "@ SOA ns.example. host.example. 1 2 3 4 60\n"
                                 "1 PTR mail.good.example.\n"
                                 "2 PTR mail.wrong.example.\n"
                                 "4 PTR host-192-0-2-4.pool.example.\n"
                                 "$ORIGIN example.\n"
                                 "@ SOA ns.example. host.example. 1 2 3 4 60\n"
                                 "mail.good A 192.0.2.1\n"
                                 "other.good A 192.0.2.1\n"
                                 "mail.wrong A 192.0.2.99\n"
                                 "host-192-0-2-4.pool A 192.0.2.4\n"
                                 "mail.elsewhere A 192.0.2.50\n";

struct world {
    struct dns_files zone, conf;
};

static unsigned world_relay_deadline = 1000;    /* ms */
static unsigned world_deadline = 400;           /* ms */
static const struct session_pause *world_pause; /* of the sessions */

/* Puts a snapshot in force: `extra` is configuration, server NULL or "ADDRESS@PORT". */
static inline void world_config(struct world *w, const char *extra, const char *server)
{
    struct snapshot *old = snapshot_take(), *s;
    char text[4096], err[512] = "";
    struct settings *set;

    snprintf(
        text, sizeof text,
        "user = \"\"\nauthserv-id = \"mx.example.org\"\n"
        "resolver: { forward = [\"%s\"] zone = \"%s\" deadline = %u relay-deadline = %u }\n%s\n",
        server != NULL ? server : "127.0.0.1@9", w->zone.file, world_deadline, world_relay_deadline,
        extra);
    files_make(&w->conf, "conf", text);
    set = settings_read(w->conf.file, stderr);
    cr_assert(set != NULL, "the configuration is refused: %s", text);
    s = snapshot_new(set, old, err, sizeof err);
    cr_assert(s != NULL, "%s", err);
    snapshot_put(s);
    snapshot_release(old);
    files_remove(&w->conf);
}

static inline void world_begin(struct world *w, const char *extra)
{
    files_make(&w->zone, "zone", world_zone);
    world_config(w, extra, NULL);
}

static inline void world_end(struct world *w)
{
    cr_expect(metrics_sessions() == 0, "%ld sessions are left", metrics_sessions());
    snapshot_put(NULL);
    cr_expect(resolver_wait_ended(5000));
    files_remove(&w->zone);
}

static inline struct session_peer peer_of(const char *client)
{
    struct session_peer p = {.mta_name = "mta.example.org", .mta_addr = "203.0.113.25"};

    if (client != NULL)
        p.addr = client_of(client);
    return p;
}

static inline struct session *connected(const char *client)
{
    struct session *s = session_new(world_pause);
    struct session_peer p = peer_of(client);

    cr_assert(s != NULL);
    session_connect(s, &p);
    return s;
}

/* The stage at which a whole session is refused: 0 to 3, 4 at end of message, 5 not. */
static inline unsigned refused_at(const char *client, const char *helo, struct outcome *o)
{
    struct session *s = connected(client);
    struct message m;
    unsigned at = 0;

    session_decide(s, STAGE_CONNECT, NULL, NULL, o);
    if (!o->refuse) {
        at++;
        session_helo(s, helo);
        session_decide(s, STAGE_HELO, NULL, NULL, o);
    }
    if (!o->refuse) {
        at++;
        session_mail(s, false);
        session_decide(s, STAGE_MAIL, NULL, NULL, o);
    }
    if (!o->refuse) {
        at++;
        session_decide(s, STAGE_RCPT, "<user@example.org>", NULL, o);
    }
    if (!o->refuse) {
        at++;
        session_eom(s, "Q1", &m);
        *o = m.outcome;
        at += !o->refuse;
    }
    session_free(s);
    return at;
}

/* A message of a session that is connected and has said HELO. */
static inline void one_message(struct session *s, struct message *m)
{
    struct outcome o;

    session_mail(s, false);
    session_decide(s, STAGE_MAIL, NULL, NULL, &o);
    cr_expect(!o.refuse);
    session_decide(s, STAGE_RCPT, "<user@example.org>", NULL, &o);
    cr_expect(!o.refuse);
    session_eom(s, "Q1", m);
}

/* What goes to the log between the two, standard error for a while. */
struct captured {
    int fd, old;
    char text[8192];
};

static inline void capture_begin(struct captured *c)
{
    char path[] = "/tmp/test-session-XXXXXX";

    c->fd = mkstemp(path);
    c->old = dup(2);
    cr_assert(c->fd >= 0 && c->old >= 0);
    unlink(path);
    log_set(true, LOG_INFO);
    dup2(c->fd, 2);
}

static inline void capture_end(struct captured *c)
{
    ssize_t n = pread(c->fd, c->text, sizeof c->text - 1, 0);

    dup2(c->old, 2);
    c->text[n > 0 ? n : 0] = '\0';
    close(c->fd);
    close(c->old);
}

static inline bool has_text(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

#endif
