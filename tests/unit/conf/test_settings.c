/* Settings: defaults, good configurations, the printed form, socket texts.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/conf/settings_shared.h"

#include <criterion/criterion.h>
#include <syslog.h>

/* ---- defaults ---- */

Test(settings, defaults_without_file_E26)
{
    char *err;
    struct settings *s = read_file(NULL, &err);

    cr_assert(s != NULL, "%s", err);
    cr_expect_str_eq(err, "");
    cr_expect(s->file == NULL);
    cr_expect_str_eq(s->socket, "inet:8891@localhost");
    cr_expect_eq(s->socket_mode, 0660);
    cr_expect_str_eq(s->user, "iprev-milter");
    cr_expect(s->authserv_id == NULL);
    cr_expect(!s->judge.enforce);
    cr_expect_eq(s->reject_at, STAGE_RCPT);
    cr_expect(s->judge.authentication_results && s->judge.x_iprev && s->headers.remove_forged);
    cr_expect(!s->log.stderr_);
    cr_expect_eq(s->log.level, LOG_INFO);
    cr_expect(s->metrics_listen == NULL);
    settings_free(s);
    free(err);
}

Test(settings, defaults_of_resolver_and_exemptions)
{
    char *err;
    struct settings *s = read_file(NULL, &err);
    struct policy rules;

    cr_assert(s != NULL, "%s", err);
    cr_expect(s->resolver.forwards == 0 && !s->resolver.root);
    cr_expect(s->resolver.trust_anchor == NULL && s->resolver.zone == NULL);
    cr_expect_eq(s->resolver.deadline_ms, 5000);
    cr_expect(s->resolver.helo);
    cr_expect_eq(s->resolver.threads, 1);
    cr_expect_eq(s->resolver.max_inflight, 3000);
    cr_expect_eq(s->resolver.cache, 100000);
    cr_expect_eq(s->resolver.relay_deadline_ms, 1000);
    cr_expect(s->exempt.private_ && s->builtin_rules);
    cr_expect_eq(s->exempt.networks.n, 0);
    cr_expect_eq(s->judge.exempt_hosts.n, 0);
    cr_assert_eq(s->exempt.recipients.n, 2);
    cr_expect_str_eq(s->exempt.recipients.entry[0], "postmaster");
    cr_expect_str_eq(s->exempt.recipients.entry[1], "abuse");
    cr_expect(s->exempt.authenticated);
    cr_expect(s->shapes.generic.n == 0 && s->shapes.named.n == 0);
    policy_defaults(&rules);
    cr_expect(same_rules(&s->judge.policy, &rules));
    settings_free(s);
    free(err);
}

Test(settings, free_of_nothing)
{
    settings_free(NULL);
}

/* ---- good configurations ---- */

static const char *const everything =
    "socket = \"local:/run/iprev/x.sock\"; socket-mode = \"0600\"; user = \"\"; \n"
    "authserv-id = \"mx.example.org\"; mode = \"enforce\"; reject-at = \"mail\";\n"
    "trusted-relays = [\"192.0.2.25\", \"2001:db8:9::/48\"]; builtin-rules = FALSE;\n"
    "resolver: { forward = [\"127.0.0.1@5353\", \"2001:DB8::53\"]; trust-anchor = "
    "\"/etc/passwd\";\n"
    "  zone = \"/etc/passwd\"; deadline = 9000; helo = false; threads = 64; max-inflight = 10;\n"
    "  cache = 0; relay-deadline = 100; };\n"
    "exempt: { networks = [\"192.0.2.0/24\", \"2001:db8::/32\", \"10.0.0.1\"]; private = false;\n"
    "  hosts = [\"Mail.Example.COM\", \".example.net\"]; authenticated = False;\n"
    "  recipients = [\"Help\", \"User@Example.org\", \"@list.example\"]; };\n"
    "generic: { hosts = [\".dyn.example\"]; named = [\"a-1.example.org\"]; };\n"
    "headers: { authentication-results = false; x-iprev = false; remove-forged = false; };\n"
    "rules: {\n"
    "ab_c-1: { when = [\"!helo-verified\", \"iprev-fail\"]; action = \"reject\"; percent = 25;\n"
    "  reply = \"554 5.7.1 {ip} \\\"{ptr}\\\" \\\\ {helo} {cause}\"; comment = \"why\"; };\n"
    "x: { when = [\"iprev-temperror\"]; action = \"tempfail\"; expires = \"2999-12-31\";\n"
    "  reply = \"451 4.7.25 a $ b\"; };\n"
    "y: { any = [\"ptr-many\", \"!ptr-named\"]; action = \"quarantine\"; };\n"
    "z: { when = [\"ptr-named\"]; action = \"accept\"; };\n"
    "};\n"
    "log: { destination = \"stderr\"; level = \"warning\"; };\n"
    "metrics: { listen = \"[::1]:9817\"; };\n";

Test(settings, every_key_is_taken)
{
    char *err;
    struct settings *s = read_text(everything, &err);

    cr_assert(s != NULL, "%s", err);
    cr_expect_str_eq(err, "");
    cr_expect_str_eq(s->socket, "unix:/run/iprev/x.sock");
    cr_expect_eq(s->socket_mode, 0600);
    cr_expect(s->user == NULL);
    cr_expect_str_eq(s->authserv_id, "mx.example.org");
    cr_expect(s->judge.enforce && s->reject_at == STAGE_MAIL && !s->builtin_rules);
    cr_assert_eq(s->resolver.forwards, 2);
    cr_expect_str_eq(s->resolver.forward[0], "127.0.0.1@5353");
    cr_expect_str_eq(s->resolver.trust_anchor, "/etc/passwd");
    cr_expect_str_eq(s->resolver.zone, "/etc/passwd");
    cr_expect(s->resolver.deadline_ms == 9000 && !s->resolver.helo && s->resolver.threads == 64);
    cr_expect(s->resolver.max_inflight == 10 && s->resolver.cache == 0);
    cr_expect_eq(s->resolver.relay_deadline_ms, 100);
    cr_assert_eq(s->trusted_relays.n, 2);
    cr_expect_eq(s->trusted_relays.net[1].bits, 48);
    cr_expect(!s->exempt.private_);
    cr_assert_eq(s->exempt.networks.n, 3);
    cr_expect_eq(s->exempt.networks.net[2].bits, 32);
    cr_expect_str_eq(s->judge.exempt_hosts.entry[0], "mail.example.com", "lower case");
    cr_assert_eq(s->exempt.recipients.n, 3);
    cr_expect_str_eq(s->exempt.recipients.entry[1], "user@example.org");
    cr_expect(!s->exempt.authenticated);
    cr_expect_str_eq(s->shapes.generic.entry[0], ".dyn.example");
    cr_expect_str_eq(s->shapes.named.entry[0], "a-1.example.org");
    cr_expect(!s->judge.authentication_results && !s->judge.x_iprev && !s->headers.remove_forged);
    cr_expect(s->log.stderr_ && s->log.level == LOG_WARNING);
    cr_expect_str_eq(s->metrics_listen, "[::1]:9817");
    settings_free(s);
    free(err);
}

Test(settings, rules_are_taken)
{
    char *err;
    struct settings *s = read_text(everything, &err);
    const struct rule *r;

    cr_assert(s != NULL, "%s", err);
    cr_assert_eq(s->judge.policy.rules, 4);
    r = &s->judge.policy.rule[0];
    cr_expect_str_eq(r->name, "ab_c-1");
    cr_expect_eq(r->all, FINDING(F_IPREV_FAIL));
    cr_expect_eq(r->none, FINDING(F_HELO_VERIFIED));
    cr_expect(r->action == ACTION_REJECT && r->percent == 25 && r->expires == 0);
    cr_expect_eq(r->reply.code, 554);
    cr_expect_str_eq(r->reply.text, "{ip} \"{ptr}\" \\ {helo} {cause}");
    r = &s->judge.policy.rule[1];
    cr_expect_eq(r->expires, 32503680000, "the midnight after 2999-12-31");
    cr_expect_eq(r->percent, 100);
    cr_expect(s->judge.policy.rule[2].any == FINDING(F_PTR_MANY) &&
              s->judge.policy.rule[2].lacks == FINDING(F_PTR_NAMED));
    cr_expect_eq(s->judge.policy.rule[2].action, ACTION_QUARANTINE);
    cr_expect_eq(s->judge.policy.rule[3].action, ACTION_ACCEPT);
    settings_free(s);
    free(err);
}

/* Texts that read as the second text does. */
static const struct {
    const char *text, *means, *why;
} alike[] = {
    {"", "mode = \"monitor\";", "an empty file"},
    {"\n\n", "", "only empty lines"},
    {"#", "", "an empty comment"},
    {"//\n/**/ # x", "", "all comments"},
    {"mode=\"enforce\"", "mode = \"enforce\";", "no spaces, no semicolon"},
    {"mode: \"enforce\",", "mode = \"enforce\";", "a colon and a comma"},
    {"mode\n=\n\"enforce\"\r\n;", "mode = \"enforce\";", "over several lines"},
    {"log: {\r\n level = \"debug\";\r\n};\r\n", "log: { level = \"debug\"; };", "CR LF (E20)"},
    {"mode\t=\t\"enforce\"\t;\t", "mode = \"enforce\";", "tabs"},
    {"exempt = { hosts = [ \"a.example\" /* x */\n ] }", "exempt: { hosts = [\"a.example\"]; };",
     "a group behind ="},
    {"exempt: { networks = []; };", "", "an empty list is the default"},
    {"exempt: { networks = [ ]; hosts = [ # none\n ]; };", "", "with a space or a comment in it"},
    {"exempt: { networks = [\"::ffff:192.0.2.0/120\"]; };",
     "exempt: { networks = [\"192.0.2.0/24\"]; };", "a mapped network"},
    {"socket = \"/run/x.sock\";", "socket = \"unix:/run/x.sock\";", "a bare path"},
    {"socket = \"inet6:25@::1\";", "socket = \"inet6:25@[::1]\";", "brackets are added"},
    {"trusted-relays = [\"192.0.2.25\"];", "trusted-relays = [\"192.0.2.25/32\"];", "one relay"},
    {"rules: { };", "", "no rules of one's own"},
    {"rules: { botlike: { when = [\"ptr-generic\", \"!helo-verified\", \"!helo-forward\", "
     "\"!helo-aligned\"]; action = \"tag\"; }; }; builtin-rules = false;",
     "builtin-rules = false; rules: { botlike: { action = \"tag\"; comment = \"x\"; percent = 100; "
     "when = [\"!helo-aligned\", \"ptr-generic\", \"!helo-forward\", \"!helo-verified\"]; }; };",
     "the order of keys and words"},
};

Test(settings, texts_that_mean_the_same)
{
    size_t i;

    for (i = 0; i < sizeof alike / sizeof alike[0]; i++) {
        char *err1, *err2;
        struct settings *a = read_text(alike[i].text, &err1);
        struct settings *b = read_text(alike[i].means, &err2);

        cr_assert(a != NULL && b != NULL, "%s: %s%s", alike[i].why, err1, err2);
        cr_expect(same(a, b), "%s", alike[i].why);
        settings_free(a);
        settings_free(b);
        free(err1);
        free(err2);
    }
}

Test(settings, print_reads_back_equal)
{
    const char *const text[] = {
        "",
        everything,
        "resolver: { forward = [\"root\"]; };",
        "rules: { x: { when = [\"ptr-many\"]; action = \"reject\"; reply = \"550 5.7.25 $ "
        "\\\"{ip}{ptr} "
        "\\\\\"; }; };",
        "authserv-id = \"a#b//\"; exempt: { networks = []; recipients = []; };",
        "rules: { forged: { when = [\"iprev-fail\"]; action = \"tag\"; }; };"};
    size_t i;

    for (i = 0; i < sizeof text / sizeof text[0]; i++) {
        char *err1, *err2, *first, *second;
        struct settings *a = read_text(text[i], &err1), *b;

        cr_assert(a != NULL, "%zu: %s", i, err1);
        first = printed(a);
        b = read_text(first, &err2);
        cr_assert(b != NULL, "%s\n%s", err2, first);
        cr_expect(same(a, b), "%s", first);
        second = printed(b);
        cr_expect_str_eq(first, second);
        settings_free(a);
        settings_free(b);
        free(err1);
        free(err2);
        free(first);
        free(second);
    }
}

Test(settings, expired_rule_is_only_noted)
{
    char *err;
    struct settings *s = read_text("rules: {\nx: { when = [\"iprev-fail\"]; action = \"reject\";\n"
                                   "expires = \"2020-02-29\"; }; };",
                                   &err);

    cr_assert(s != NULL, "%s", err);
    cr_expect(strstr(err, ":3: rules.x.expires: note: 2020-02-29 is over") != NULL, "%s", err);
    cr_expect_eq(s->judge.policy.rule[0].expires, 1583020800, "2020-03-01 00:00:00 UTC");
    settings_free(s);
    free(err);
}

/* A second rule with the condition of a first is reached when the first expires, or
 * takes fewer clients. */
Test(settings, same_condition_that_is_reached)
{
    const char *const first[] = {"expires = \"2999-01-31\"", "percent = 49"};
    size_t i;

    for (i = 0; i < 2; i++) {
        char text[256], *err;
        struct settings *s;

        snprintf(text, sizeof text,
                 "rules: { a: { when = [\"iprev-fail\"]; action = \"tag\"; %s; };\n"
                 "b: { when = [\"iprev-fail\"]; action = \"reject\"; percent = 50; }; };",
                 first[i]);
        s = read_text(text, &err);
        cr_expect(s != NULL, "%s", err);
        settings_free(s);
        free(err);
    }
}

/* ---- socket ---- */

static const struct {
    const char *text, *checked; /* NULL: refused */
} sockets[] = {
    {"inet:8891@localhost", "inet:8891@localhost"},
    {"inet:1@127.0.0.1", "inet:1@127.0.0.1"},
    {"inet:65535@[127.0.0.1]", "inet:65535@127.0.0.1"},
    {"inet:8891@0.0.0.0", "inet:8891@0.0.0.0"},
    {"inet:8891@mx-1.example.org", "inet:8891@mx-1.example.org"},
    {"inet6:8891@::1", "inet6:8891@[::1]"},
    {"inet6:8891@[::1]", "inet6:8891@[::1]"},
    {"inet6:8891@ip6-localhost", "inet6:8891@ip6-localhost"},
    {"unix:/run/x", "unix:/run/x"},
    {"local:/run/x", "unix:/run/x"},
    {"/run/x", "unix:/run/x"},
    {"", NULL},
    {"inet:", NULL},
    {"inet:8891", NULL},
    {"inet:@localhost", NULL},
    {"inet:0@localhost", NULL},
    {"inet:08891@localhost", NULL},
    {"inet:65536@localhost", NULL},
    {"inet:4294967297@localhost", NULL},
    {"inet:smtp@localhost", NULL},
    {"inet:-1@localhost", NULL},
    {"inet: 25@localhost", NULL},
    {"inet:25@", NULL},
    {"inet:25@[]", NULL},
    {"inet:25@[localhost]", NULL},
    {"inet:25@::1", NULL},
    {"inet:25@a b", NULL},
    {"inet:25@localhost@x", NULL},
    {"inet6:25@127.0.0.1", NULL},
    {"inet6:25@[::1", NULL},
    {"inet6:25@::1]", NULL},
    {"INET:25@localhost", NULL},
    {"unix:", NULL},
    {"unix:x", NULL},
    {"unix:/run/", NULL},
    {"unix:/run/a b", NULL},
    {"fd:3", NULL},
    {"8899@127.0.0.1", NULL}, /* libmilter would make a file of that name */
};

Test(settings, socket_texts)
{
    size_t i;

    for (i = 0; i < sizeof sockets / sizeof sockets[0]; i++) {
        char *out = NULL;
        const char *fault = settings_socket(sockets[i].text, &out);

        cr_expect_eq(fault == NULL, sockets[i].checked != NULL, "\"%s\"", sockets[i].text);
        cr_expect_eq(fault == NULL, out != NULL, "\"%s\"", sockets[i].text);
        cr_expect(same_text(out, sockets[i].checked), "\"%s\" became %s", sockets[i].text, out);
        free(out);
    }
}

Test(settings, socket_path_at_its_limit)
{
    char text[128] = "unix:/", *out;

    memset(text + 6, 'x', 106);
    cr_expect(settings_socket(text, &out) == NULL, "107 octets fit");
    free(out);
    text[112] = 'x';
    cr_expect(settings_socket(text, &out) != NULL, "108 octets do not");
}

/* ---- small functions ---- */

static bool exempt(const struct settings *s, const char *client)
{
    struct addr a;

    cr_assert(addr_parse(&a, client, strlen(client)), "%s", client);
    return settings_network_exempt(s, &a);
}

/* exempt.private: what lies just within and just beyond each of its networks. */
Test(settings, private_networks_are_exempt)
{
    static const struct {
        const char *client;
        bool exempt;
    } rows[] = {
        {"127.0.0.0", true},
        {"127.255.255.255", true},
        {"128.0.0.0", false},
        {"126.255.255.255", false},
        {"10.0.0.0", true},
        {"10.255.255.255", true},
        {"9.255.255.255", false},
        {"11.0.0.0", false},
        {"172.16.0.0", true},
        {"172.31.255.255", true},
        {"172.15.255.255", false},
        {"172.32.0.0", false},
        {"192.168.0.0", true},
        {"192.168.255.255", true},
        {"192.167.255.255", false},
        {"192.169.0.0", false},
        {"100.64.0.0", true},
        {"100.127.255.255", true},
        {"100.63.255.255", false},
        {"100.128.0.0", false},
        {"169.254.0.0", true},
        {"169.254.255.255", true},
        {"169.253.255.255", false},
        {"169.255.0.0", false},
        {"::1", true},
        {"::2", false},
        {"fe80::", true},
        {"febf:ffff::1", true},
        {"fe7f:ffff::1", false},
        {"fec0::", false},
        {"fc00::", true},
        {"fdff:ffff::1", true},
        {"fbff:ffff::1", false},
        {"2001:db8::1", false},
        {"192.0.2.1", false},
        {"::ffff:10.0.0.1", true},
    };
    static const char off[] = "exempt: { private = false; networks = [\"10.1.0.0/16\"]; };";
    char *err, *err2;
    struct settings *s = read_file(NULL, &err), *none = read_text(off, &err2);
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(exempt(s, rows[i].client), rows[i].exempt, "%s", rows[i].client);
        cr_expect(!exempt(none, rows[i].client), "%s", rows[i].client);
    }
    cr_expect(exempt(none, "10.1.2.3"), "a list of one's own is another matter");
    settings_free(s);
    settings_free(none);
    free(err);
    free(err2);
}

Test(settings, every_resolver_key_makes_a_difference)
{
    char *err, *err2;
    struct settings *def = read_file(NULL, &err);
    static const char *const text[] = {"forward = [\"192.0.2.1\"]",
                                       "forward = [\"root\"]",
                                       "trust-anchor = \"/etc/passwd\"",
                                       "zone = \"/etc/passwd\"",
                                       "deadline = 4999",
                                       "relay-deadline = 999",
                                       "helo = false",
                                       "threads = 2",
                                       "max-inflight = 2999",
                                       "cache = 1"};
    size_t i;

    cr_expect(resolver_settings_equal(&def->resolver, &def->resolver));
    for (i = 0; i < sizeof text / sizeof text[0]; i++) {
        char conf[128];
        struct settings *s;

        snprintf(conf, sizeof conf, "resolver: { %s; };", text[i]);
        s = read_text(conf, &err2);
        cr_assert(s != NULL, "%s", err2);
        cr_expect(!resolver_settings_equal(&def->resolver, &s->resolver), "%s", text[i]);
        settings_free(s);
        free(err2);
    }
    settings_free(def);
    free(err);
}

Test(settings, dates)
{
    static const struct {
        const char *date;
        int64_t end; /* date(1) says so; 0: refused */
    } rows[] = {{"1970-01-01", 86400},      {"2000-02-29", 951868800},  {"2027-01-31", 1801440000},
                {"2100-03-01", 4107628800}, {"2024-12-31", 1735689600}, {"2100-02-29", 0},
                {"2027-13-01", 0},          {"2027-00-01", 0},          {"2027-01-00", 0},
                {"2027-04-31", 0},          {"2027-12-32", 0},          {"1969-12-31", 0},
                {"1969-01-01", 0},          {"2027-01-31 ", 0},         {"+027-01-31", 0}};
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[128], *err;
        struct settings *s;

        snprintf(text, sizeof text,
                 "rules: { x: { when = [\"ptr-many\"]; action = \"tag\"; expires = \"%s\"; }; };",
                 rows[i].date);
        s = read_text(text, &err);
        cr_expect_eq(s != NULL, rows[i].end != 0, "%s: %s", rows[i].date, err);
        if (s != NULL)
            cr_expect_eq(s->judge.policy.rule[0].expires, rows[i].end, "%s", rows[i].date);
        settings_free(s);
        free(err);
    }
}
