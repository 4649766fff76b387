/* session: what is waited for, and how long.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/settings.h"
#include "tests/unit/milter/session_shared.h"

static unsigned waits, waited;

static void count_wait(void)
{
    waits++;
}

static void count_waited(void)
{
    waited++;
}

static const struct dns_row slow_rows[] = {
    {"1.100.51.198.in-addr.arpa", RR_PTR, NULL, .manner = DNS_SILENT},
    {"2.100.51.198.in-addr.arpa", RR_PTR, "mail.two.invalid2", .ttl = 300},
    {"mail.two.invalid2", RR_A, "198.51.100.2", .ttl = 300},
    {"helo.two.invalid2", RR_A, "198.51.100.2", .ttl = 300, .delay = 100},
    {"silent.two.invalid2", RR_A, NULL, .manner = DNS_SILENT},
};

Test(session, B18_silence_is_no_refusal)
{
    static const char rule[] = "mode = \"enforce\"\nbuiltin-rules = false rules: { t: { when = "
                               "[\"iprev-temperror\"] action = \"tempfail\" };\n"
                               "no-ptr: { when = [\"iprev-permerror\"] action = \"reject\" }; };";
    struct dns_server *v = DNS_START(slow_rows);
    struct world w;
    struct outcome o;
    int64_t from;
    unsigned at;

    world_begin(&w, "");
    world_config(&w, rule, v->address);
    world_pause = &(const struct session_pause){count_wait, count_waited};
    from = resolver_now();
    at = refused_at("198.51.100.1", "mail.good.example", &o);
    cr_expect(at == 3 && !o.permanent && o.reply.code == 451, "%u", at);
    cr_expect(resolver_now() - from >= 390 && resolver_now() - from < 1200);
    cr_expect(waits == 1 && waited == 1, "%u, %u", waits, waited);
    from = resolver_now();
    cr_expect(refused_at("198.51.100.1", "mail.good.example", &o) == 3, "remembered");
    cr_expect(resolver_now() - from < 100);
    world_end(&w);
    dns_stop(v);
}

/* Nothing is waited for that would not count: the client has logged in. */
Test(session, A20_authenticated_does_not_wait)
{
    struct dns_server *v = DNS_START(slow_rows);
    struct session *s;
    struct message m;
    struct world w;
    int64_t from;

    world_begin(&w, "");
    world_config(&w, "", v->address);
    s = connected("198.51.100.1");
    session_mail(s, true);
    from = resolver_now();
    session_eom(s, NULL, &m);
    cr_expect(resolver_now() - from < 100, "%d ms", (int)(resolver_now() - from));
    cr_expect_str_empty(m.authres_value);
    session_free(s);
    world_end(&w);
    dns_stop(v);
}

/* Sendmail gives a filter up after 10 s: a second HELO name, for which there was no room while the
 * chain was open, is not asked for when the longest deadline is over. */
Test(session, B18_no_step_lasts_longer_than_the_longest_deadline)
{
    static const struct dns_row rows[] = {
        {"1.100.51.198.in-addr.arpa", RR_PTR, "CNAME a.invalid2", .ttl = 300, .delay = 600},
        {"a.invalid2", RR_PTR, "CNAME b.invalid2", .ttl = 300, .delay = 700},
        {"b.invalid2", RR_PTR, "CNAME c.invalid2", .ttl = 300, .delay = 800},
        {"c.invalid2", RR_PTR, "CNAME d.invalid2", .ttl = 300, .delay = 1000},
        {"d.invalid2", RR_PTR, "CNAME e.invalid2", .ttl = 300, .delay = 1000},
        {"e.invalid2", RR_PTR, "CNAME f.invalid2", .ttl = 300, .delay = 1000},
        {"f.invalid2", RR_PTR, "CNAME g.invalid2", .ttl = 300, .delay = 1000},
        {"g.invalid2", RR_PTR, "CNAME h.invalid2", .ttl = 300, .delay = 1000},
        {"h.invalid2", RR_PTR, "CNAME i.invalid2", .ttl = 300, .delay = 1000},
        {"i.invalid2", RR_PTR, "CNAME j.invalid2", .ttl = 300, .delay = 1000},
        {"*", RR_A, NULL, .manner = DNS_SILENT},
    };
    struct dns_server *v = DNS_START(rows);
    struct session *s;
    struct outcome o;
    struct world w;
    int64_t from;

    world_deadline = 9000;
    world_begin(&w, "");
    world_config(&w, "mode = \"enforce\"", v->address);
    s = connected("198.51.100.1");
    session_helo(s, "one.invalid2");
    session_helo(s, "two.invalid2");
    from = resolver_now();
    session_mail(s, false);
    session_decide(s, STAGE_RCPT, "<user@example.org>", NULL, &o);
    cr_expect(resolver_now() - from > 8500, "the chain is open to the end: %d ms",
              (int)(resolver_now() - from));
    cr_expect(resolver_now() - from < 9700, "%d ms", (int)(resolver_now() - from));
    session_free(s);
    world_end(&w);
    dns_stop(v);
}

/* A HELO that comes after the deadline still leaves DNS a moment, and no more. */
Test(session, slow_client_is_not_blamed)
{
    struct dns_server *v = DNS_START(slow_rows);
    struct world w;
    struct session *s;
    struct message m;
    int64_t from;

    world_begin(&w, "");
    world_config(&w, "", v->address);
    s = connected("198.51.100.2");
    sleep_ms(700); /* deadline: 400 */
    session_helo(s, "helo.two.invalid2");
    one_message(s, &m);
    cr_expect(has_text(m.x_iprev_value, "helo-forward"), "%s", m.x_iprev_value);
    session_helo(s, "silent.two.invalid2");
    from = resolver_now();
    one_message(s, &m);
    cr_expect(has_text(m.x_iprev_value, "helo-temperror") || has_text(m.x_iprev_value, "aligned"),
              "%s", m.x_iprev_value);
    cr_expect(resolver_now() - from < 1800, "for no more than a moment: %d ms",
              (int)(resolver_now() - from));
    session_free(s);
    world_end(&w);
    dns_stop(v);
}
