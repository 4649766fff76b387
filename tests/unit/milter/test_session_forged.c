/* session: forged header fields; calls in any order.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/milter/session_shared.h"

#include <malloc.h>

#define AUTHRES "Authentication-Results"

Test(session, C1_C8_forged_fields)
{
    static const struct {
        const char *name, *value;
        bool authres, forged;
    } row[] = {
        {"Received", "from x", false, false},
        {AUTHRES, "mx.example.org; iprev=pass", true, true},
        {AUTHRES, "other.example; spf=pass", true, false},
        {"AUTHENTICATION-results", " (c)\n\t\"MX.example.org\" ; none", true, true},
        {"X-IPRev", "pass", false, true},
        {AUTHRES, "spf=pass smtp.mailfrom=x", true, true},
        {AUTHRES, "mx.example.org.evil; spf=pass", true, false},
        {"x-iprev", "", false, true},
        {AUTHRES, "", true, true},
        {"X-IPRev-Other", "pass", false, false},
    };
    struct world w;
    struct session *s;
    struct message m;
    unsigned n = 0;
    size_t i;

    world_begin(&w, "");
    s = connected("192.0.2.1");
    session_mail(s, false);
    for (i = 0; i < sizeof row / sizeof row[0]; i++)
        session_header(s, row[i].name, row[i].value);
    session_eom(s, NULL, &m);
    cr_expect(m.x_iprev == 2 && m.authres == 6, "%u %u", m.x_iprev, m.authres);
    for (i = 0; i < sizeof row / sizeof row[0]; i++)
        if (row[i].authres)
            cr_expect(session_forged(s, ++n) == row[i].forged, "%s", row[i].value);
    cr_expect(!session_forged(s, 0) && !session_forged(s, 7));
    session_reset(s);
    cr_expect(!session_forged(s, 1), "over with the message");
    session_free(s);
    world_end(&w);
}

Test(session, forged_fields_may_stay)
{
    struct world w;
    struct session *s;
    struct message m;

    world_begin(&w, "headers: { remove-forged = false }");
    s = connected("192.0.2.1");
    session_mail(s, false);
    session_header(s, "X-IPRev", "pass");
    session_header(s, AUTHRES, "mx.example.org; iprev=pass");
    session_eom(s, NULL, &m);
    cr_expect(m.x_iprev == 0 && m.authres == 0 && !session_forged(s, 1));
    session_free(s);
    world_end(&w);
}

/* Forged fields at most as many as may be removed, among thousands of others. */
Test(session, C8_C10_thousands_of_fields)
{
    struct world w;
    struct session *s;
    struct message m;
    unsigned i, wrong = 0, round;

    world_begin(&w, "");
    s = connected("192.0.2.1");
    for (round = 0; round < 2; round++) {
        session_mail(s, false);
        for (i = 1; i <= 8000; i++)
            session_header(s, AUTHRES, i % 16 == 0 ? "mx.example.org; spf=pass" : "o.example; x=y");
        session_eom(s, NULL, &m);
        cr_expect(m.authres == 8000 && !m.outcome.refuse);
        for (i = 1; i <= 8000; i++)
            wrong += session_forged(s, i) != (i % 16 == 0);
        cr_expect(wrong == 0, "%u wrong", wrong);
    }
    session_mail(s, false);
    for (i = 1; i <= 20000; i++)
        session_header(s, AUTHRES, "o.example; x=y");
    session_eom(s, NULL, &m);
    for (i = 1; i <= 20000; i++)
        wrong += session_forged(s, i);
    cr_expect(wrong == 0 && !m.outcome.refuse, "none is forged, none goes");
    session_free(s);
    world_end(&w);
}

/* More than may be removed: refused, also in monitor mode; but not what is trusted. */
Test(session, C19_too_many_forged_fields)
{
    static const struct {
        const char *settings, *client;
        bool local, login;
        unsigned fields;
        bool refused;
        unsigned removed;
        bool ours; /* we add a field */
        const char *label;
    } row[] = {
        {"", "192.0.2.1", false, false, 500, false, 500, true, "at the bound"},
        {"", "192.0.2.1", false, false, 501, true, 0, false, "monitor mode"},
        {"mode = \"enforce\"", "192.0.2.1", false, false, 501, true, 0, false, "enforce mode"},
        {"exempt: { authenticated = false }", "192.0.2.1", false, true, 501, true, 0, false,
         "a login that is not exempt"},
        {"", "192.0.2.1", false, true, 501, false, 500, false, "a login"},
        {"exempt: { networks = [\"192.0.2.1\"] }", "192.0.2.1", false, false, 501, false, 500,
         false, "an exempt network"},
        {"", "127.0.0.1", true, false, 501, false, 500, false, "a local program"},
        {"trusted-relays = [\"198.51.100.1\"]", "198.51.100.1", false, false, 501, false, 500, true,
         "behind a relay"},
        {"headers: { remove-forged = false }", "192.0.2.1", false, false, 10100, false, 0, true,
         "nothing is removed"},
    };
    struct message m;
    size_t i;
    unsigned n;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct world w;
        struct session *s;
        struct session_peer p = peer_of(row[i].client);
        struct captured c;

        world_begin(&w, row[i].settings);
        s = session_new(NULL);
        p.local = row[i].local;
        session_connect(s, &p);
        session_mail(s, row[i].login);
        session_header(s, "Received",
                       "from a (x [192.0.2.1]) by r (Postfix) with ESMTP id 1; date");
        for (n = 0; n < row[i].fields; n++)
            session_header(s, "X-IPRev", "a");
        capture_begin(&c);
        session_eom(s, "Q1", &m);
        capture_end(&c);
        cr_expect(m.outcome.refuse == row[i].refused, "%s", row[i].label);
        cr_expect(!row[i].refused || (m.outcome.permanent && m.outcome.reply.code == 554), "%s",
                  row[i].label);
        cr_expect(m.x_iprev == row[i].removed, "%s: %u", row[i].label, m.x_iprev);
        cr_expect((m.x_iprev_value[0] != '\0') == row[i].ours, "%s", row[i].label);
        cr_expect(has_text(c.text, "more than 500 forged") == (row[i].fields == 501), "%s: %s",
                  row[i].label, c.text);
        cr_expect(has_text(c.text, "action=") != row[i].refused, "%s: %s", row[i].label, c.text);
        session_free(s);
        world_end(&w);
    }
}

/* Fields are judged by our name even when no connect was seen. */
Test(session, forged_without_connect)
{
    struct world w;
    struct session *s;
    struct message m;

    world_begin(&w, "");
    s = session_new(NULL);
    session_header(s, AUTHRES, "mx.example.org; iprev=pass");
    session_header(s, AUTHRES, "other.example; spf=pass");
    session_eom(s, NULL, &m);
    cr_expect(session_forged(s, 1) && !session_forged(s, 2));
    cr_expect_str_empty(m.authres_value);
    session_free(s);
    world_end(&w);
}

/* ---- calls in any order ---- */

static unsigned seed;

static unsigned any(unsigned below)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % below;
}

static void any_connect(struct session *s)
{
    static const char *const client[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3",
                                         "192.0.2.4", "127.0.0.1", "2001:db8::1"};
    static const char *const text[] = {NULL, "", "mx.example.org", "IPv6:2001:db8::9", "x y", "OK"};
    struct session_peer p = {.local = any(8) == 0};

    if (any(6) > 0)
        p.addr = client_of(client[any(6)]);
    p.mta_name = text[any(6)];
    p.mta_addr = text[any(6)];
    p.client_resolve = text[any(6)];
    session_connect(s, &p);
}

static void any_decide(struct session *s)
{
    static const char *const recipient[] = {NULL, "<a@example.org>", "<abuse@example.org>", ""};
    struct outcome o;

    session_decide(s, (enum reject_stage)any(4), recipient[any(4)], any(2) ? "Q" : NULL, &o);
    if (o.refuse)
        cr_expect(o.reply.code >= 400 && o.reply.code < 600 &&
                  o.permanent == (o.reply.code >= 500) && o.reply.text[0] != '\0');
}

static void any_end(struct session *s)
{
    struct message m;

    session_eom(s, any(2) ? "Q" : NULL, &m);
    if (m.outcome.refuse)
        cr_expect(m.x_iprev_value[0] == '\0' && !m.quarantine);
    (void)session_forged(s, any(5));
}

static void any_call(struct session *s)
{
    static const char *const helo[] = {
        NULL,          "",         "mail.good.example",      "other.good.example",
        "[192.0.2.1]", "\x1b[31m", "mail.elsewhere.example", "x"};
    static const char *const field[] = {AUTHRES, "X-IPRev", "", "Subject"};
    static const char *const value[] = {"mx.example.org; a=b", "", "((((", "o.example; x=y"};

    switch (any(8)) {
    case 0:
        any_connect(s);
        break;
    case 1:
        session_helo(s, helo[any(8)]);
        break;
    case 2:
        session_mail(s, any(4) == 0);
        break;
    case 3:
        session_header(s, field[any(4)], value[any(4)]);
        break;
    case 4:
        session_reset(s);
        break;
    case 5:
        any_end(s);
        break;
    default:
        any_decide(s);
        break;
    }
}

Test(session, D4_A12_calls_in_any_order)
{
    static const char *const mode[] = {"", "mode = \"enforce\"\nreject-at = \"connect\"",
                                       "mode = \"enforce\"\nreject-at = \"helo\"",
                                       "mode = \"enforce\"\nreject-at = \"mail\"",
                                       "mode = \"enforce\""};
    unsigned k, i, n;

    for (k = 0; k < 5; k++) {
        struct world w;

        world_begin(&w, mode[k]);
        for (i = 0; i < 200; i++) {
            struct session *s = session_new(NULL);

            seed = k * 1000 + i;
            for (n = any(25); n > 0; n--)
                any_call(s);
            session_free(s);
        }
        world_end(&w);
    }
}

/* ---- size ---- */

Test(session, state_of_a_connection)
{
    struct session *s[64];
    struct mallinfo2 before, after;
    struct message m;
    struct world w;
    size_t i, k;

    world_begin(&w, "");
    s[0] = connected("192.0.2.1");
    session_helo(s[0], "mail.good.example");
    one_message(s[0], &m); /* whatever is made once */
    before = mallinfo2();
    for (i = 1; i < 64; i++) {
        s[i] = connected("192.0.2.1");
        session_helo(s[i], "mail.good.example");
        session_mail(s[i], false);
        for (k = 0; k < 100; k++)
            session_header(s[i], AUTHRES, "mx.example.org; a=b");
    }
    after = mallinfo2(); /* zeros under a sanitizer */
    cr_expect(after.uordblks - before.uordblks <= 63 * 4096, "%zu octets each",
              (after.uordblks - before.uordblks) / 63);
    for (i = 0; i < 64; i++)
        session_free(s[i]);
    world_end(&w);
}

/* A load balancer, or an MTA for many domains, names itself anew for each connection: nothing of
 * those that have gone is kept. */
Test(session, names_of_the_mta_cost_no_memory)
{
    struct mallinfo2 before = {0}, after;
    struct world w;
    unsigned i;

    world_begin(&w, "");
    for (i = 0; i < 600; i++) {
        struct session *s = session_new(NULL);
        struct session_peer p = peer_of("127.0.0.1");
        char name[32];

        snprintf(name, sizeof name, "mx%u.example.org", i);
        p.mta_name = name;
        session_connect(s, &p);
        if (i % 2 == 0)
            session_connect(s, &p);
        session_free(s);
        if (i == 99)
            before = mallinfo2(); /* the last few names are kept, to be shared */
    }
    after = mallinfo2(); /* zeros under a sanitizer, which looks for leaks itself */
    cr_expect(after.uordblks < before.uordblks + 65536, "%zu octets more",
              after.uordblks - before.uordblks);
    world_end(&w);
}
