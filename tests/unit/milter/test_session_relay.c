/* session: messages that come through a trusted relay.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/settings.h"
#include "tests/unit/milter/session_shared.h"

#define RELAYS "trusted-relays = [\"198.51.100.0/28\", \"2001:db8:1::/64\"]\n"
#define BY     " by relay.example.org (Postfix) with ESMTP id 1; date"
#define GOOD   "from mail.good.example (mail.good.example [192.0.2.1])" BY
#define BAD    "from x.example (unknown [192.0.2.2])" BY

/* One message with these Received fields, up to NULL; no stage may refuse it. */
static void relay_message(struct session *s, const char *const *received, struct message *m)
{
    struct outcome o;
    size_t i;

    session_mail(s, false);
    session_decide(s, STAGE_MAIL, NULL, NULL, &o);
    cr_expect(!o.refuse);
    session_decide(s, STAGE_RCPT, "<user@example.org>", NULL, &o);
    cr_expect(!o.refuse);
    for (i = 0; received[i] != NULL; i++) {
        session_header(s, i % 2 == 0 ? "Received" : "RECEIVED", received[i]);
        session_header(s, "Subject", GOOD);
    }
    session_eom(s, "Q1", m);
    cr_expect(!m->outcome.refuse && !m->quarantine);
    session_reset(s);
}

static struct session *relay_connected(const char *relay)
{
    struct session *s = connected(relay);
    struct outcome o;

    session_decide(s, STAGE_CONNECT, NULL, NULL, &o);
    cr_expect(!o.refuse);
    session_helo(s, "relay.example.org");
    session_decide(s, STAGE_HELO, NULL, NULL, &o);
    cr_expect(!o.refuse);
    return s;
}

Test(session_relay, A17_clients_of_one_connection)
{
    static const struct {
        const char *received[4];
        const char *authres, *x_iprev; /* NULL: no field */
    } row[] = {
        {{GOOD}, "iprev=pass policy.iprev=192.0.2.1 (mail.good.example)", "helo-verified"},
        {{BAD}, "iprev=fail reason=forward-mismatch policy.iprev=192.0.2.2", "action=reject"},
        {{GOOD, BAD}, "iprev=pass policy.iprev=192.0.2.1", "ip=192.0.2.1"},
        {{BAD, GOOD}, "policy.iprev=192.0.2.2", "helo=x.example"},
        {{NULL}, NULL, NULL},
        {{"by relay (Postfix, from userid 0) id 1; date", GOOD}, NULL, NULL},
        {{"garbage", GOOD}, NULL, NULL},
        {{"from x ([203.0.113.9]) (unknown [192.0.2.2])" BY, GOOD}, NULL, NULL},
        {{"from inner (inner [198.51.100.2])" BY, GOOD}, "policy.iprev=192.0.2.1", "ip=192.0.2.1"},
        {{"from inner (inner [198.51.100.2])" BY}, NULL, NULL},
        {{"from inner (inner [198.51.100.2])" BY, "garbage", GOOD}, NULL, NULL},
        {{"from localhost (localhost [127.0.0.1])" BY, GOOD}, NULL, NULL},
        {{"from pc (unknown [192.0.2.2]) by r (Postfix) with ESMTPSA id 1; d", GOOD}, NULL, NULL},
        {{"from inner (p [198.51.100.2]) by r (Postfix) with ESMTPSA id 1; d", GOOD},
         "policy.iprev=192.0.2.1",
         "ip=192.0.2.1"},
        {{"from [192.0.2.1] by r with smtp (Exim 4) id 1; d"},
         "policy.iprev=192.0.2.1",
         "findings=iprev-pass,ptr-named;"},
        {{GOOD}, "iprev=pass policy.iprev=192.0.2.1 (mail.good.example)", "helo-verified"},
    };
    struct world w;
    struct session *s;
    struct message m;
    size_t i;

    world_begin(&w, RELAYS "mode = \"enforce\"");
    s = relay_connected("198.51.100.1");
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        relay_message(s, row[i].received, &m);
        if (row[i].authres == NULL) {
            cr_expect_str_empty(m.authres_value, "%zu", i);
            cr_expect_str_empty(m.x_iprev_value, "%zu", i);
            continue;
        }
        cr_expect(has_text(m.authres_value, row[i].authres), "%zu: %s", i, m.authres_value);
        cr_expect(has_text(m.x_iprev_value, row[i].x_iprev), "%zu: %s", i, m.x_iprev_value);
        cr_expect(has_text(m.x_iprev_value, "mode=monitor"), "%zu: %s", i, m.x_iprev_value);
    }
    session_free(s);
    world_end(&w);
}

/* Every stage at which a client could be refused lets the relay pass. */
Test(session_relay, nothing_is_refused)
{
    static const char *const stage[] = {"connect", "helo", "mail", "rcpt"};
    static const char *const received[] = {BAD, NULL};
    size_t i;

    for (i = 0; i < 4; i++) {
        char extra[256];
        struct world w;
        struct session *s;
        struct message m;

        snprintf(extra, sizeof extra, RELAYS "mode = \"enforce\"\nreject-at = \"%s\"", stage[i]);
        world_begin(&w, extra);
        s = relay_connected("2001:db8:1::7");
        relay_message(s, received, &m);
        cr_expect(has_text(m.x_iprev_value, "rule=forged; action=reject; mode=monitor"), "%s",
                  m.x_iprev_value);
        session_free(s);
        world_end(&w);
    }
}

Test(session_relay, others_stay_as_they_were)
{
    static const char *const received[] = {GOOD, NULL};
    struct world w;
    struct session *s;
    struct message m;

    world_begin(&w, RELAYS);
    s = relay_connected("192.0.2.2");
    relay_message(s, received, &m);
    cr_expect(has_text(m.authres_value, "policy.iprev=192.0.2.2"), "%s", m.authres_value);
    session_free(s);
    s = session_new(NULL);
    session_header(s, "Received", GOOD);
    session_eom(s, NULL, &m);
    cr_expect_str_empty(m.authres_value, "no connect");
    session_free(s);
    world_end(&w);
}

/* A client that is exempt is so behind a relay; fields are removed as ever. */
Test(session_relay, exempt_and_forged)
{
    static const char *const received[] = {BAD, NULL};
    struct world w;
    struct session *s;
    struct message m;

    world_begin(&w, RELAYS "exempt: { networks = [\"192.0.2.2\"] }");
    s = relay_connected("198.51.100.1");
    relay_message(s, received, &m);
    cr_expect_str_empty(m.authres_value);
    session_mail(s, false);
    session_header(s, "Received", GOOD);
    session_header(s, "X-IPRev", "pass");
    session_header(s, "Authentication-Results", "mx.example.org; iprev=pass");
    session_eom(s, NULL, &m);
    cr_expect(m.x_iprev == 1 && m.authres == 1 && session_forged(s, 1));
    cr_expect(has_text(m.authres_value, "policy.iprev=192.0.2.1"));
    session_free(s);
    world_end(&w);
}

/* Only so many relays are followed. */
Test(session_relay, C14_hops_are_bounded)
{
    const char *received[12];
    struct world w;
    struct session *s;
    struct message m;
    size_t i;

    world_begin(&w, RELAYS);
    s = relay_connected("198.51.100.1");
    for (i = 0; i < 11; i++)
        received[i] = "from r (r [198.51.100.2])" BY;
    received[7] = GOOD;
    received[8] = NULL;
    relay_message(s, received, &m);
    cr_expect(has_text(m.authres_value, "policy.iprev=192.0.2.1"), "the eighth field");
    received[7] = received[6];
    received[8] = GOOD;
    received[9] = NULL;
    relay_message(s, received, &m);
    cr_expect_str_empty(m.authres_value, "the ninth");
    session_free(s);
    world_end(&w);
}

/* RSET at any moment; the relay's own login counts for nothing. */
Test(session_relay, A12_messages_broken_off)
{
    struct world w;
    struct session *s;
    struct message m;

    world_begin(&w, RELAYS);
    s = relay_connected("198.51.100.1");
    session_mail(s, true);
    session_header(s, "Received", BAD);
    session_reset(s);
    session_mail(s, true);
    session_header(s, "Received", GOOD);
    session_helo(s, "relay.example.org");
    session_eom(s, NULL, &m);
    cr_expect(has_text(m.x_iprev_value, "helo=mail.good.example"),
              "the relay's own does not count");
    cr_expect(has_text(m.authres_value, "iprev=pass policy.iprev=192.0.2.1"), "%s",
              m.authres_value);
    session_mail(s, false);
    session_eom(s, NULL, &m);
    cr_expect_str_empty(m.authres_value, "no field, no client");
    session_free(s);
    world_end(&w);
}

/* Nothing can be refused there: the message of a silent network waits for a shorter time. */
Test(session_relay, relay_deadline)
{
    static const struct {
        const char *client; /* NULL: the message comes from the client itself */
        unsigned relay_deadline, least, most;
    } row[] = {
        {"198.51.100.77", 200, 195, 340},
        {"198.51.100.78", 400, 395, 540},
        {NULL, 200, 895, 1200},
    };
    static const struct dns_row rows[] = {{"*", RR_PTR, NULL, .manner = DNS_SILENT}};
    struct dns_server *v = DNS_START(rows);
    struct world w;
    size_t i;

    world_deadline = 900;
    world_begin(&w, "");
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        const char *received[2] = {NULL};
        char field[128];
        struct session *s;
        struct message m;
        int64_t from, ms;

        world_relay_deadline = row[i].relay_deadline;
        world_config(&w, RELAYS, v->address);
        from = resolver_now();
        if (row[i].client != NULL) {
            s = relay_connected("198.51.100.1");
            snprintf(field, sizeof field, "from x.example (unknown [%s])%s", row[i].client, BY);
            received[0] = field;
            relay_message(s, received, &m);
        } else {
            s = connected("198.51.100.79");
            one_message(s, &m);
        }
        ms = resolver_now() - from;
        cr_expect(ms >= row[i].least && ms <= row[i].most, "row %zu: %d ms", i, (int)ms);
        cr_expect(has_text(m.authres_value, "iprev=temperror reason=dns-timeout"), "%s",
                  m.authres_value);
        session_free(s);
    }
    world_end(&w);
    dns_stop(v);
}
