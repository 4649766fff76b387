/* session: what a mail client gets, stage by stage.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/settings.h"
#include "tests/unit/milter/session_shared.h"

#include <syslog.h>

/* ---- monitor and enforce ---- */

Test(session, monitor_refuses_nothing)
{
    static const struct {
        const char *client, *helo, *authres, *x_iprev, *findings, *action;
    } row[] = {
        {"192.0.2.1", "mail.good.example",
         "mx.example.org; iprev=pass policy.iprev=192.0.2.1 (mail.good.example)",
         "pass; ip=192.0.2.1; ptr=mail.good.example; helo=mail.good.example;",
         "iprev-pass,ptr-named,helo-verified;", "rule=-; action=accept; mode=monitor"},
        {"192.0.2.2", "other.good.example", "iprev=fail reason=forward-mismatch",
         "fail; ip=192.0.2.2;", "iprev-fail,forward-mismatch,", "rule=forged; action=reject;"},
        {"192.0.2.3", "mail.nowhere.example", "iprev=permerror", "permerror;",
         "iprev-permerror,ptr-missing,helo-unresolved;", "rule=no-ptr; action=reject;"},
        {"192.0.2.4", "mail.elsewhere.example", "iprev=pass", "pass;", "ptr-generic",
         "rule=botlike; action=tag;"},
        {"192.0.2.1", "other.good.example", "iprev=pass", "pass;", "helo-forward", "rule=-;"},
        {"192.0.2.1", "[192.0.2.1]", "iprev=pass", "helo=-;", "helo-literal;", "rule=-;"},
        {"192.0.2.1", "mx.example.org", "iprev=pass", "pass;", "helo-self;", "rule=-;"},
        {"192.0.2.1", "mta.example.org", "iprev=pass", "pass;", "helo-self;", "rule=-;"},
        {"192.0.2.1", "x\r\nX-Evil: 1", "iprev=pass", "helo=-;", "helo-invalid;", "rule=bothelo;"},
        {"192.0.2.1", NULL, "iprev=pass", "helo=-;", "helo-missing;", "rule=-;"},
    };
    struct world w;
    size_t i;

    world_begin(&w, "");
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct outcome o;
        struct session *s = connected(row[i].client);
        struct message m;

        cr_expect(refused_at(row[i].client, row[i].helo, &o) == 5, "%s %s", row[i].client,
                  row[i].helo);
        session_helo(s, row[i].helo);
        one_message(s, &m);
        cr_expect(!m.outcome.refuse && !m.quarantine, "%s %s", row[i].client, row[i].helo);
        cr_expect(has_text(m.authres_value, row[i].authres), "%s: %s", row[i].helo,
                  m.authres_value);
        cr_expect(has_text(m.x_iprev_value, row[i].x_iprev), "%s: %s", row[i].helo,
                  m.x_iprev_value);
        cr_expect(has_text(m.x_iprev_value, row[i].findings), "%s: %s", row[i].helo,
                  m.x_iprev_value);
        cr_expect(has_text(m.x_iprev_value, row[i].action), "%s: %s", row[i].helo, m.x_iprev_value);
        cr_expect(has_text(m.authres_value, "(") == has_text(m.authres_value, "=pass"),
                  "a name is shown when it is confirmed: %s", m.authres_value);
        session_free(s);
    }
    world_end(&w);
}

Test(session, enforce_at_each_stage)
{
    static const char late[] = "reject-at = \"connect\""; /* the rules name HELO words */
    static const char early[] = "reject-at = \"connect\"; builtin-rules = false; rules: {\n"
                                "no-ptr: { when = [\"iprev-permerror\"] action = \"reject\" };\n"
                                "forged: { when = [\"iprev-fail\"] action = \"reject\" }; };";
    static const struct {
        const char *conf;
        unsigned at;
    } stage[] = {{early, 0},
                 {late, 2},
                 {"reject-at = \"helo\"", 1},
                 {"reject-at = \"mail\"", 2},
                 {"reject-at = \"rcpt\"", 3}};
    static const struct {
        const char *client;
        bool refused;
        unsigned code;
        const char *xcode;
    } row[] = {{"192.0.2.1", false, 0, ""},
               {"192.0.2.2", true, 550, "5.7.25"},
               {"192.0.2.3", true, 550, "5.7.25"},
               {"192.0.2.4", false, 0, ""}};
    size_t i, k;

    for (k = 0; k < sizeof stage / sizeof stage[0]; k++) {
        char extra[256];
        struct world w;

        snprintf(extra, sizeof extra, "mode = \"enforce\"\n%s", stage[k].conf);
        world_begin(&w, extra);
        for (i = 0; i < sizeof row / sizeof row[0]; i++) {
            struct outcome o;
            unsigned at = refused_at(row[i].client, "mail.elsewhere.example", &o);

            cr_expect(at == (row[i].refused ? stage[k].at : 5), "%s with %s: %u", row[i].client,
                      stage[k].conf, at);
            if (!o.refuse)
                continue;
            cr_expect(o.permanent && o.reply.code == row[i].code);
            cr_expect_str_eq(o.reply.xcode, row[i].xcode);
            cr_expect(has_text(o.reply.text, row[i].client), "%s", o.reply.text);
        }
        world_end(&w);
    }
}

/* Each of our two fields can be switched off. */
Test(session, fields_switched_off)
{
    static const char *const extra[] = {"headers: { authentication-results = false; };",
                                        "headers: { x-iprev = false; };"};
    size_t i;

    for (i = 0; i < 2; i++) {
        struct session *s;
        struct message m;
        struct world w;

        world_begin(&w, extra[i]);
        s = connected("192.0.2.1");
        one_message(s, &m);
        cr_expect((m.authres_value[0] != '\0') == (i == 1), "%s", m.authres_value);
        cr_expect((m.x_iprev_value[0] != '\0') == (i == 0), "%s", m.x_iprev_value);
        session_free(s);
        world_end(&w);
    }
}

/* HELO words are not known at connect; MAIL looks again. */
Test(session, earlier_stage_is_looked_at_again)
{
    static const char rule[] =
        "mode = \"enforce\"\nreject-at = \"connect\"\n"
        "builtin-rules = false rules: { helo: { when = [\"helo-invalid\"] action = \"reject\" };\n"
        "temp: { when = [\"iprev-fail\", \"!helo-verified\"] action = \"tempfail\" }; };";
    struct outcome o;
    struct world w;

    world_begin(&w, rule);
    cr_expect(refused_at("192.0.2.1", "bad..name", &o) == 2 && o.permanent, "at MAIL");
    cr_expect(refused_at("192.0.2.1", "mail.good.example", &o) == 5);
    cr_expect(refused_at("192.0.2.2", "mail.good.example", &o) == 2 && !o.permanent);
    cr_expect(o.reply.code == 451);
    cr_expect_str_eq(o.reply.xcode, "4.7.25");
    world_end(&w);
}

/* RCPT was never seen: the end of the message decides. */
Test(session, decided_at_the_end)
{
    struct world w;
    struct session *s;
    struct message m;

    world_begin(&w, "mode = \"enforce\"");
    s = connected("192.0.2.2");
    session_mail(s, false);
    session_eom(s, NULL, &m);
    cr_expect(m.outcome.refuse && m.outcome.permanent && m.outcome.reply.code == 550);
    cr_expect_str_empty(m.x_iprev_value);
    session_free(s);
    world_end(&w);
}

Test(session, quarantine)
{
    static const char rule[] = "builtin-rules = false rules: { q: { when = [\"iprev-fail\"] action "
                               "= \"quarantine\" }; };\n%s";
    int enforce;

    for (enforce = 0; enforce < 2; enforce++) {
        char extra[256];
        struct session *s;
        struct message m;
        struct world w;

        snprintf(extra, sizeof extra, rule, enforce ? "mode = \"enforce\"" : "");
        world_begin(&w, extra);
        s = connected("192.0.2.2");
        one_message(s, &m);
        cr_expect(m.quarantine == (enforce == 1));
        cr_expect(!enforce || has_text(m.reason, "rule q"), "%s", m.reason);
        cr_expect(has_text(m.x_iprev_value, "action=quarantine"));
        session_free(s);
        world_end(&w);
    }
}

/* ---- exemptions ---- */

Test(session, A15_A16_A20_skipped_clients)
{
    static const struct {
        const char *client;
        bool local, authenticated;
        const char *why;
    } row[] = {{NULL, false, false, "A15 no address"},
               {"192.0.2.2", true, false, "A16 submitted here"},
               {"127.0.0.1", false, false, "A20 own network"},
               {"::1", false, false, "A20 own network"},
               {"::ffff:127.0.0.1", false, false, "A19 unwrapped"},
               {"192.0.2.2", false, true, "A20 authenticated"}};
    struct world w;
    size_t i;

    world_begin(&w, "mode = \"enforce\"");
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct session *s = session_new(NULL);
        struct session_peer p = peer_of(row[i].client);
        struct outcome o;
        struct message m;

        p.local = row[i].local;
        session_connect(s, &p);
        session_helo(s, "mail.good.example");
        session_mail(s, row[i].authenticated);
        session_decide(s, STAGE_RCPT, "<user@example.org>", NULL, &o);
        cr_expect(!o.refuse, "%s", row[i].why);
        session_header(s, "X-IPRev", "pass; forged");
        session_header(s, "Authentication-Results", "mx.example.org; iprev=pass");
        session_eom(s, NULL, &m);
        cr_expect(!m.outcome.refuse, "%s", row[i].why);
        cr_expect_str_empty(m.authres_value, "%s", row[i].why);
        cr_expect_str_empty(m.x_iprev_value, "%s", row[i].why);
        cr_expect(m.x_iprev == 1 && m.authres == 1 && session_forged(s, 1), "%s", row[i].why);
        session_free(s);
    }
    world_end(&w);
}

/* Of two reasons not to look at a client, the log has the one that was there first. */
Test(session, A20_why_a_client_is_skipped)
{
    static const struct {
        const char *client; /* NULL: none */
        bool local, login;
        const char *word;
    } row[] = {
        {"192.0.2.2", true, false, "skip-local"},         {"192.0.2.2", true, true, "skip-local"},
        {"127.0.0.1", false, true, "skip-network"},       {NULL, false, true, "skip-no-address"},
        {"192.0.2.2", false, true, "skip-authenticated"},
    };
    struct world w;
    size_t i;

    world_begin(&w, "");
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct session_peer p = peer_of(row[i].client);
        struct session *s = session_new(NULL);
        struct captured c;
        struct message m;

        p.local = row[i].local;
        session_connect(s, &p);
        session_mail(s, row[i].login);
        capture_begin(&c);
        log_set(true, LOG_DEBUG);
        session_eom(s, "Q1", &m);
        capture_end(&c);
        cr_expect(has_text(c.text, row[i].word), "%zu: %s", i, c.text);
        session_free(s);
    }
    world_end(&w);
}

/* Authentication belongs to the message, and to nobody else's connection. */
Test(session, D12_authentication_is_not_kept)
{
    struct world w;
    struct session *s;
    struct session_peer p = peer_of("192.0.2.2");
    struct outcome o;

    world_begin(&w, "mode = \"enforce\"\nreject-at = \"helo\"");
    s = connected("192.0.2.2");
    session_mail(s, true);
    session_decide(s, STAGE_MAIL, NULL, NULL, &o);
    cr_expect(!o.refuse);
    session_mail(s, false);
    session_decide(s, STAGE_MAIL, NULL, NULL, &o);
    cr_expect(o.refuse);
    session_mail(s, true);
    session_connect(s, &p);
    session_helo(s, "x.example");
    session_decide(s, STAGE_HELO, NULL, NULL, &o);
    cr_expect(o.refuse, "D12 another client over the same session");
    session_free(s);
    world_end(&w);
}

Test(session, exempt_host_and_recipient)
{
    struct world w;
    struct session *s;
    struct outcome o;
    struct message m;

    world_begin(&w, "mode = \"enforce\"\nexempt: { hosts = [\".pool.example\"] }\n"
                    "builtin-rules = false rules: { all: { when = [\"!helo-verified\"] action = "
                    "\"reject\" }; };");
    cr_expect(refused_at("192.0.2.4", "mail.elsewhere.example", &o) == 5, "exempt.hosts");
    cr_expect(refused_at("192.0.2.1", "mail.elsewhere.example", &o) == 3);
    s = connected("192.0.2.1");
    session_helo(s, "mail.elsewhere.example");
    session_mail(s, false);
    session_decide(s, STAGE_RCPT, "<user@example.org>", NULL, &o);
    cr_expect(o.refuse, "refused for this one");
    session_decide(s, STAGE_RCPT, "<Postmaster@example.org>", NULL, &o);
    cr_expect(!o.refuse, "not for that one");
    session_eom(s, "Q1", &m);
    cr_expect(!m.outcome.refuse);
    cr_expect(has_text(m.x_iprev_value, "rule=exempt.recipients; action=accept"), "%s",
              m.x_iprev_value);
    session_mail(s, false);
    session_eom(s, "Q2", &m);
    cr_expect(m.outcome.refuse, "the next message has no exempt recipient");
    session_free(s);
    world_end(&w);
}

/* ---- HELO ---- */

static unsigned lookups(void)
{
    struct snapshot *now = snapshot_take();
    struct resolver_stats st;

    resolver_stats(now->resolver, &st);
    snapshot_release(now);
    return (unsigned)st.lookups;
}

Test(session, A1_A10_the_last_helo_counts)
{
    struct world w;
    struct session *s;
    struct message m;
    unsigned i, before;

    world_begin(&w, "");
    s = connected("192.0.2.1");
    one_message(s, &m);
    cr_expect(has_text(m.x_iprev_value, "helo-missing"), "A1: %s", m.x_iprev_value);
    session_helo(s, "mail.elsewhere.example");
    one_message(s, &m);
    cr_expect(has_text(m.x_iprev_value, "helo-mismatch"), "%s", m.x_iprev_value);
    session_helo(s, "other.good.example");
    session_helo(s, "mail.good.example");
    one_message(s, &m);
    cr_expect(has_text(m.x_iprev_value, "helo-verified"), "%s", m.x_iprev_value);
    session_helo(s, "other.good.example");
    one_message(s, &m);
    cr_expect(has_text(m.x_iprev_value, "helo-forward"), "%s", m.x_iprev_value);
    before = lookups();
    for (i = 0; i < 100; i++)
        session_helo(s, "OTHER.good.example");
    cr_expect(lookups() == before, "the same name is not asked again");
    one_message(s, &m);
    cr_expect(has_text(m.x_iprev_value, "helo-forward"), "%s", m.x_iprev_value);
    session_free(s);
    world_end(&w);
}

static void many_helos(struct session *s, unsigned from, unsigned n)
{
    for (; n > 0; n--) {
        char name[64];

        snprintf(name, sizeof name, "host%u.example", from++);
        session_helo(s, name);
    }
}

Test(session, helo_lookups_are_bounded)
{
    struct world w;
    struct session *s;
    struct resolver_stats st;
    struct snapshot *now;
    struct message m;
    unsigned i;

    world_begin(&w, "");
    s = connected("192.0.2.1");
    many_helos(s, 0, 500); /* how many of them are asked depends on when answers come */
    for (i = 0; i < 50; i++) {
        many_helos(s, 1000 + i, 1);
        one_message(s, &m);
    }
    cr_expect(has_text(m.x_iprev_value, "helo-temperror"), "too many: %s", m.x_iprev_value);
    now = snapshot_take();
    resolver_stats(now->resolver, &st);
    snapshot_release(now);
    cr_expect(st.lookups > 1 && st.questions <= 24, "%d questions", (int)st.questions);
    session_free(s);
    world_end(&w);
}

/* ---- messages ---- */

Test(session, A11_many_messages)
{
    struct world w;
    struct session *s;
    struct message first, m;
    unsigned i, before;

    world_begin(&w, "");
    s = connected("192.0.2.1");
    session_helo(s, "other.good.example");
    one_message(s, &first);
    cr_expect(first.x_iprev_value[0] != '\0');
    before = lookups();
    cr_expect(before == 2, "the client and the HELO: %u lookups", before);
    for (i = 0; i < 1000; i++) {
        if (i % 3 == 0)
            session_header(s, "X-IPRev", "of the last one");
        if (i % 5 == 0)
            session_reset(s);
        one_message(s, &m);
        cr_expect(memcmp(&m, &first, sizeof m) == 0, "message %u differs", i);
    }
    cr_expect(lookups() == before, "no message asks anything: %u lookups", lookups());
    session_free(s);
    world_end(&w);
}

/* A connection works from the snapshot it began with. */
Test(session, E9_reload_meanwhile)
{
    struct world w;
    struct session *s, *later;
    struct message m;
    struct outcome o;

    world_begin(&w, "");
    s = connected("192.0.2.2");
    world_config(&w, "mode = \"enforce\"", NULL);
    later = connected("192.0.2.2");
    world_config(&w, "mode = \"enforce\"", "127.0.0.1@10"); /* another resolver */
    one_message(s, &m);
    cr_expect(has_text(m.x_iprev_value, "mode=monitor"));
    session_decide(later, STAGE_RCPT, "<user@example.org>", NULL, &o);
    cr_expect(o.refuse);
    session_free(s);
    session_free(later);
    cr_expect(refused_at("192.0.2.2", "x.example", &o) == 3);
    world_end(&w);
}

Test(session, no_snapshot_no_session)
{
    cr_expect(session_new(NULL) == NULL);
    cr_expect(metrics_sessions() == 0);
    session_free(NULL);
}
