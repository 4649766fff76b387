/* session: what is told of a message, in the header, in the log and to the MTA.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/settings.h"
#include "tests/unit/milter/session_shared.h"

#include <malloc.h>

/* ---- recipients ---- */

static const char quarantine[] =
    "builtin-rules = false rules: { q: { when = [\"iprev-fail\"] action = \"quarantine\" }; };";

/* A message of 192.0.2.2 (iprev-fail) to these; refused ones are not in it. */
static void message_to(const char *const *recipient, struct message *m)
{
    struct session *s = connected("192.0.2.2");
    struct outcome o;

    session_helo(s, "mail.elsewhere.example");
    session_mail(s, false);
    for (; *recipient != NULL; recipient++)
        session_decide(s, STAGE_RCPT, *recipient, "Q1", &o);
    session_eom(s, "Q1", m);
    session_free(s);
}

/* Monitor mode says of a message what enforce mode would have done with it. */
Test(session, exempt_recipients_in_both_modes)
{
    static const char *const user[] = {"<user@example.org>", NULL};
    static const char *const abuse[] = {"<abuse@example.org>", "<postmaster@example.org>", NULL};
    static const char *const both[] = {"<user@example.org>", "<abuse@example.org>", NULL};
    static const struct {
        const char *conf;
        const char *const *to;
        const char *says;
        bool quarantined;
        const char *why;
    } row[] = {
        {"", user, "rule=forged; action=reject", false, "as it would be refused"},
        {"", abuse, "rule=exempt.recipients; action=accept", false, "as all would get it"},
        {"", both, "rule=forged; action=reject", false, "as one would not get it"},
        {"mode = \"enforce\"", abuse, "rule=exempt.recipients; action=accept", false, ""},
        {"mode = \"enforce\"", both, "rule=exempt.recipients; action=accept", false,
         "the one left"},
        {"reject-at = \"mail\"", abuse, "rule=forged; action=reject", false,
         "before RCPT is known"},
        {quarantine, user, "rule=q; action=quarantine", false, ""},
        {quarantine, abuse, "rule=exempt.recipients; action=accept", false, ""},
        {quarantine, both, "rule=q; action=quarantine", false, "they come with another"},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct message m;
        struct world w;

        world_begin(&w, row[i].conf);
        message_to(row[i].to, &m);
        cr_expect(has_text(m.x_iprev_value, row[i].says), "row %zu (%s): %s", i, row[i].why,
                  m.x_iprev_value);
        cr_expect(!m.quarantine && !m.outcome.refuse, "row %zu", i);
        world_end(&w);
    }
}

Test(session, quarantine_spares_exempt_recipients)
{
    static const char *const user[] = {"<user@example.org>", NULL};
    static const char *const abuse[] = {"<abuse@example.org>", "<postmaster@example.org>", NULL};
    static const char *const both[] = {"<user@example.org>", "<abuse@example.org>", NULL};
    static const char *const stage[] = {"rcpt", "mail"};
    unsigned i;

    for (i = 0; i < 2; i++) {
        char conf[256];
        struct message m;
        struct world w;

        snprintf(conf, sizeof conf, "mode = \"enforce\"\nreject-at = \"%s\"\n%s", stage[i],
                 quarantine);
        world_begin(&w, conf);
        message_to(user, &m);
        cr_expect(m.quarantine, "%s", stage[i]);
        message_to(abuse, &m);
        cr_expect(!m.quarantine, "at %s they always get their mail", stage[i]);
        message_to(both, &m);
        cr_expect(m.quarantine, "nobody else is spared for their sake");
        world_end(&w);
    }
}

/* ---- the next client ---- */

/* Not a word of the HELO of the client before, nor of its message. */
Test(session, D12_nothing_said_before_is_kept)
{
    static const char *const next[] = {"192.0.2.1", "192.0.2.4", NULL};
    struct world w;
    struct session *s;
    struct message m;
    size_t i;

    world_begin(&w, "");
    s = connected("192.0.2.1");
    for (i = 0; i < sizeof next / sizeof next[0]; i++) {
        struct session_peer p = peer_of(next[i]);

        session_helo(s, "mail.good.example");
        one_message(s, &m);
        cr_expect(has_text(m.x_iprev_value, "helo=mail.good.example;"), "%s", m.x_iprev_value);
        session_header(s, "X-IPRev", "pass");
        session_connect(s, &p);
        session_eom(s, "Q1", &m);
        cr_expect(m.x_iprev == 0, "the field was in a message of the client before");
        if (next[i] == NULL)
            cr_expect_str_empty(m.x_iprev_value, "no address: no field");
        else
            cr_expect(has_text(m.x_iprev_value, "helo=-;") &&
                          has_text(m.x_iprev_value, "helo-missing;"),
                      "%s", m.x_iprev_value);
    }
    session_free(s);
    world_end(&w);
}

/* ---- memory ---- */

/* An MTA may hand over what it likes: of a HELO a connection keeps HELO_MAX octets. */
Test(session, A4_long_helo_costs_no_memory)
{
    static char name[60001];
    struct world w;
    struct session *s;
    struct message m;
    struct captured c;
    size_t before, after;

    memset(name, 'a', sizeof name - 1);
    world_begin(&w, "");
    s = connected("192.0.2.1");
    one_message(s, &m);
    before = mallinfo2().uordblks;
    session_helo(s, name);
    after = mallinfo2().uordblks;
    cr_expect(after <= before + 4096, "%zu octets more", after - before);
    capture_begin(&c);
    one_message(s, &m);
    capture_end(&c);
    cr_expect(has_text(m.x_iprev_value, "helo-invalid;"), "%s", m.x_iprev_value);
    cr_expect(strlen(c.text) > 100 && strlen(c.text) < 2048, "%s", c.text);
    cr_expect(has_text(c.text, "a\\... findings="), "it is told that it was cut: %s", c.text);
    session_free(s);
    world_end(&w);
}

/* ---- the log ---- */

Test(session, one_log_line_for_a_decision)
{
    struct session_peer p = peer_of("192.0.2.2");
    struct captured c;
    struct session *s;
    struct outcome o;
    struct message m;
    struct world w;
    unsigned lines = 0;
    const char *at;

    world_begin(&w, "mode = \"enforce\"");
    capture_begin(&c);
    s = session_new(NULL);
    p.client_resolve = "OK";
    session_connect(s, &p);
    session_helo(s, "evil\nclient=9.9.9.9 rule=x");
    session_mail(s, false);
    session_decide(s, STAGE_RCPT, "<a@example.org>", "Q7", &o);
    session_decide(s, STAGE_RCPT, "<b@example.org>", "Q7", &o);
    session_mail(s, true);
    session_eom(s, "Q8", &m);
    session_free(s);
    capture_end(&c);
    for (at = c.text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    cr_expect(lines == 2, "%s", c.text);
    cr_expect(has_text(c.text, "stage=rcpt") && has_text(c.text, "qid=Q7") &&
                  has_text(c.text, "from-mta=OK"),
              "%s", c.text);
    cr_expect(has_text(c.text, "stage=eom") && has_text(c.text, "skip-authenticated"), "%s",
              c.text);
    cr_expect(!has_text(c.text, " client=9.9.9.9"), "F1: %s", c.text);
    world_end(&w);
}

/* dns= of the n-th line of the log. */
static unsigned cost_of(const char *text, unsigned n)
{
    while (n-- > 0 && text != NULL)
        text = strchr(text, '\n') != NULL ? strchr(text, '\n') + 1 : NULL;
    text = text != NULL ? strstr(text, " dns=") : NULL;
    return text != NULL ? (unsigned)strtoul(text + 5, NULL, 10) : 999;
}

/* However fast the answers come, who asked is who paid; and pays once. */
Test(session, dns_cost_is_told_once)
{
    struct captured c;
    struct message m;
    struct world w;
    unsigned i;

    world_deadline = 5000;
    for (i = 0; i < 20; i++) { /* now and then all is answered before the session looks */
        struct session *s;

        world_begin(&w, "");
        capture_begin(&c);
        s = connected("192.0.2.1");
        if (i % 2 == 0)
            sleep_ms(20);
        session_helo(s, "other.good.example");
        one_message(s, &m);
        one_message(s, &m);
        session_helo(s, "mail.elsewhere.example");
        one_message(s, &m);
        session_free(s);
        s = connected("192.0.2.1");
        session_helo(s, "other.good.example");
        one_message(s, &m);
        session_free(s);
        capture_end(&c);
        cr_expect_eq(cost_of(c.text, 0), 3, "PTR, its name, HELO: %s", c.text);
        cr_expect_eq(cost_of(c.text, 1), 0, "the second message: %s", c.text);
        cr_expect_eq(cost_of(c.text, 2), 1, "another HELO: %s", c.text);
        cr_expect_eq(cost_of(c.text, 3), 0, "all remembered: %s", c.text);
        world_end(&w);
    }
}

static const struct dns_row slow_rows[] = {
    {"1.2.0.192.in-addr.arpa", RR_PTR, "mail.slow.invalid2", .ttl = 300, .delay = 150},
    {"mail.slow.invalid2", RR_A, "192.0.2.1", .ttl = 300, .delay = 10},
    {"first.slow.invalid2", RR_A, "192.0.2.77", .ttl = 300, .delay = 150},
    {"second.slow.invalid2", RR_A, "192.0.2.1", .ttl = 300, .delay = 10},
};

static void begin_slow(struct world *w, struct dns_server *v, const char *extra)
{
    world_deadline = 5000; /* a busy machine is no deadline that has passed */
    files_make(&w->zone, "zone", "");
    world_config(w, extra, v->address);
}

/* The second HELO comes before the client's questions can be counted. */
Test(session, A10_second_helo_while_the_first_is_asked)
{
    struct dns_server *v = DNS_START(slow_rows);
    struct session *s;
    struct message m;
    struct world w;

    begin_slow(&w, v, "");
    s = connected("192.0.2.1");
    session_helo(s, "first.slow.invalid2");
    session_helo(s, "other.slow.invalid2");
    session_helo(s, "second.slow.invalid2");
    one_message(s, &m);
    cr_expect(has_text(m.x_iprev_value, "helo-forward"), "%s", m.x_iprev_value);
    session_free(s);
    world_end(&w);
    dns_stop(v);
}

/* What the MTA waited for at connect and at HELO belongs to the first message. */
Test(session, wait_at_earlier_stages_is_told)
{
    struct dns_server *v = DNS_START(slow_rows);
    struct captured c;
    struct session *s;
    struct outcome o;
    struct message m;
    struct world w;
    const char *at;

    begin_slow(&w, v, "mode = \"enforce\"\nreject-at = \"connect\"");
    capture_begin(&c);
    s = connected("192.0.2.1");
    session_decide(s, STAGE_CONNECT, NULL, NULL, &o);
    session_helo(s, "mail.slow.invalid2");
    one_message(s, &m);
    one_message(s, &m);
    session_free(s);
    capture_end(&c);
    at = strstr(c.text, " wait=");
    cr_assert(at != NULL, "%s", c.text);
    cr_expect(strtoul(at + 6, NULL, 10) >= 100, "%s", c.text);
    at = strstr(at + 1, " wait=");
    cr_assert(at != NULL, "%s", c.text);
    cr_expect_eq(strtoul(at + 6, NULL, 10), 0, "%s", c.text);
    world_end(&w);
    dns_stop(v);
}

/* A client counts once for the warning about a proxy, however many messages it sends. */
Test(session_told, A16_a_client_is_counted_once)
{
    struct captured c;
    struct world w;
    unsigned i, n;

    world_begin(&w, "exempt: { networks = [\"192.0.2.99\"] }");
    capture_begin(&c);
    for (i = 0; i < 100; i++) {
        struct session *s = connected("10.9.8.7");

        session_helo(s, "mail.good.example");
        for (n = 0; n < 3; n++)
            session_mail(s, false);
        session_free(s);
        if (i == 98)
            cr_expect(pread(c.fd, c.text, 1, 0) == 0, "99 clients are too few");
    }
    capture_end(&c);
    cr_expect(
        has_text(c.text, "100 of the last 100 clients came from the private address 10.9.8.7"),
        "%s", c.text);
    world_end(&w);
}

/* A rule that only reports tells what it would have done, once for a message, beside the decision.
 */
Test(session, a_trial_is_told_beside_the_decision)
{
    static const char conf[] =
        "mode = \"enforce\" builtin-rules = false rules: {\n"
        "try: { when = [\"iprev-fail\"] action = \"reject\" mode = \"monitor\" };\n"
        "keep: { when = [\"iprev-fail\"] action = \"tag\" }; };";
    struct captured c;
    struct message m;
    struct session *s;
    struct world w;
    const char *trial;

    world_begin(&w, conf);
    s = connected("192.0.2.2");
    session_helo(s, "mail.elsewhere.example");
    capture_begin(&c);
    one_message(s, &m);
    capture_end(&c);
    trial = strstr(c.text, "stage=trial");
    cr_assert(trial != NULL, "%s", c.text);
    cr_expect(strstr(trial + 1, "stage=trial") == NULL, "once: %s", c.text);
    cr_expect(has_text(c.text, "rule=try action=reject"), "%s", c.text);
    cr_expect(has_text(c.text, "rule=keep action=tag"), "%s", c.text);
    cr_expect(has_text(m.x_iprev_value, "rule=keep; action=tag"), "%s", m.x_iprev_value);
    session_free(s);
    world_end(&w);
}

/* ---- rules for some recipients ---- */

/* A rule for somebody else does not show; more kinds of decisions than are kept are told all the
 * same, and harm nothing. */
Test(session_told, rules_for_one_recipient_each)
{
    enum { KINDS = 20 };
    char text[4096] = "mode = \"enforce\" builtin-rules = false rules: {\n", to[40];
    struct captured c;
    struct session *s;
    struct outcome o;
    struct message m;
    struct world w;
    unsigned i;
    size_t n;

    world_deadline = 5000;
    for (i = 0; i < KINDS; i++) {
        n = strlen(text);
        snprintf(text + n, sizeof text - n,
                 "r%u: { when = [\"iprev-fail\"] action = \"%s\" to = [\"u%u@example.org\"] };\n",
                 i, i < KINDS - 1 ? "reject" : "accept", i);
    }
    n = strlen(text);
    snprintf(text + n, sizeof text - n, "};");
    world_begin(&w, text);
    s = connected("192.0.2.2");
    session_helo(s, "mail.elsewhere.example");
    capture_begin(&c);
    session_mail(s, false);
    for (i = 0; i < KINDS; i++) {
        snprintf(to, sizeof to, "<u%u@example.org>", i);
        session_decide(s, STAGE_RCPT, to, "Q1", &o);
        cr_expect_eq(o.refuse, i < KINDS - 1, "%s", to);
    }
    session_eom(s, "Q1", &m);
    cr_expect(has_text(m.x_iprev_value, "rule=r19; action=accept"), "%s", m.x_iprev_value);
    session_mail(s, false);
    session_decide(s, STAGE_RCPT, "<user@example.org>", "Q2", &o);
    session_eom(s, "Q2", &m);
    cr_expect(!o.refuse && !m.outcome.refuse);
    cr_expect(!has_text(m.x_iprev_value, "rule=r"), "for somebody else: %s", m.x_iprev_value);
    capture_end(&c);
    for (i = 0; i < KINDS; i++) {
        snprintf(to, sizeof to, " rule=r%u action=", i);
        cr_expect(has_text(c.text, to), "%s: %s", to, c.text);
    }
    session_free(s);
    world_end(&w);
}

/* A message has one field for all its recipients: it shows the strictest decision, in whatever
 * order they come, and the log has the others. */
Test(session_told, the_strictest_of_the_recipients_shows)
{
    static const char rules[] =
        "builtin-rules = false rules: {\n"
        "a: { when = [\"iprev-fail\"] action = \"accept\" to = [\"a@example.org\"] };\n"
        "r: { when = [\"iprev-fail\"] action = \"reject\" to = [\"r@example.org\"] };\n"
        "t: { when = [\"iprev-fail\"] action = \"tempfail\" to = [\"t@example.org\"] };\n"
        "all: { when = [\"iprev-fail\"] action = \"tag\" }; };";
    static const struct {
        const char *to[4], *field, *others[2];
    } row[] = {
        {{"<a@example.org>"}, "rule=a; action=accept", {NULL}},
        {{"<r@example.org>"}, "rule=r; action=reject", {NULL}},
        {{"<user@example.org>"}, "rule=all; action=tag", {NULL}},
        {{"<user@example.org>", "<other@example.org>"}, "rule=all; action=tag", {NULL}},
        {{"<a@example.org>", "<user@example.org>"},
         "rule=all; action=tag",
         {"rule=a action=accept"}},
        {{"<user@example.org>", "<a@example.org>"},
         "rule=all; action=tag",
         {"rule=a action=accept"}},
        {{"<r@example.org>", "<t@example.org>"},
         "rule=r; action=reject",
         {"rule=t action=tempfail"}},
        {{"<t@example.org>", "<r@example.org>"},
         "rule=r; action=reject",
         {"rule=t action=tempfail"}},
        {{"<user@example.org>", "<t@example.org>", "<a@example.org>"},
         "rule=t; action=tempfail",
         {"rule=all action=tag", "rule=a action=accept"}},
    };
    struct world w;
    size_t i, k;

    world_begin(&w, rules);
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct session *s = connected("192.0.2.2");
        unsigned lines = 0;
        struct captured c;
        struct message m;
        const char *at;

        capture_begin(&c);
        session_mail(s, false);
        for (k = 0; row[i].to[k] != NULL; k++)
            session_recipient(s, row[i].to[k]);
        session_eom(s, "Q1", &m);
        capture_end(&c);
        cr_expect(has_text(m.x_iprev_value, row[i].field), "%zu: %s", i, m.x_iprev_value);
        for (k = 0; k < 2 && row[i].others[k] != NULL; k++)
            cr_expect(has_text(c.text, row[i].others[k]), "%zu: %s", i, c.text);
        for (at = c.text; (at = strchr(at, '\n')) != NULL; at++)
            lines++;
        cr_expect_eq(lines, k + 1, "%zu: %s", i, c.text);
        session_free(s);
    }
    world_end(&w);
}
