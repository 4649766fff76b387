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
    cr_expect_eq(s->exempt.networks, 2);
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
    "socket = \"local:/run/iprev/x.sock\" socket-mode = 0600 user = \"\" \n"
    "authserv-id = \"mx.example.org\" mode = enforce reject-at = connect\n"
    "trusted-relays = {\"192.0.2.25\", \"2001:db8:9::/48\"}\n"
    "resolver { forward = {\"127.0.0.1@5353\", \"2001:DB8::53\"} trust-anchor = \"/etc/passwd\"\n"
    "  zone = \"/etc/passwd\" deadline = 9000 helo = no threads = 64 max-inflight = 10 cache = 0 "
    "}\n"
    "exempt { networks = {\"192.0.2.0/24\", \"2001:db8::/32\", \"10.0.0.1\"}\n"
    "  hosts = {\"Mail.Example.COM\", \".example.net\"} authenticated = OFF\n"
    "  recipients = {\"Help\", \"User@Example.org\", \"@list.example\"} }\n"
    "generic { hosts = {\".dyn.example\"} named = {\"a-1.example.org\"} }\n"
    "headers { authentication-results = false x-iprev = off remove-forged = no }\n"
    "rule \"a.b_c-1\" { when = {\"!helo-verified\", \"iprev-fail\"} action = reject percent = 25\n"
    "  reply = \"554 5.7.1 {ip} \\\"{ptr}\\\" \\\\ {helo} {cause}\" comment = \"why\" }\n"
    "rule x { when = \"iprev-temperror\" action = tempfail expires = \"2999-12-31\"\n"
    "  reply = '451 4.7.25 a $ b' }\n"
    "rule y { when = {\"ptr-many\"} action = quarantine }\n"
    "rule z { when = {\"ptr-named\"} action = accept }\n"
    "log { destination = stderr level = warning }\n"
    "metrics { listen = \"[::1]:9817\" }\n";

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
    cr_expect(s->judge.enforce && s->reject_at == STAGE_CONNECT);
    cr_assert_eq(s->resolver.forwards, 2);
    cr_expect_str_eq(s->resolver.forward[0], "127.0.0.1@5353");
    cr_expect_str_eq(s->resolver.trust_anchor, "/etc/passwd");
    cr_expect_str_eq(s->resolver.zone, "/etc/passwd");
    cr_expect(s->resolver.deadline_ms == 9000 && !s->resolver.helo && s->resolver.threads == 64);
    cr_expect(s->resolver.max_inflight == 10 && s->resolver.cache == 0);
    cr_assert_eq(s->trusted_relays.n, 2);
    cr_expect_eq(s->trusted_relays.net[1].bits, 48);
    cr_assert_eq(s->exempt.networks, 3);
    cr_expect_eq(s->exempt.network[2].bits, 32);
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
    cr_expect_str_eq(r->name, "a.b_c-1");
    cr_expect_eq(r->all, FINDING(F_IPREV_FAIL));
    cr_expect_eq(r->none, FINDING(F_HELO_VERIFIED));
    cr_expect(r->action == ACTION_REJECT && r->percent == 25 && r->expires == 0);
    cr_expect_eq(r->reply.code, 554);
    cr_expect_str_eq(r->reply.text, "{ip} \"{ptr}\" \\ {helo} {cause}");
    r = &s->judge.policy.rule[1];
    cr_expect_eq(r->expires, 32503680000, "the midnight after 2999-12-31");
    cr_expect_eq(r->percent, 100);
    cr_expect_eq(s->judge.policy.rule[2].action, ACTION_QUARANTINE);
    cr_expect_eq(s->judge.policy.rule[3].action, ACTION_ACCEPT);
    settings_free(s);
    free(err);
}

/* Texts that read as the second text does. */
static const struct {
    const char *text, *means, *why;
} alike[] = {
    {"", "mode = monitor", "an empty file"},
    {"\n\n", "", "only blank lines"},
    {"#", "", "an empty comment"},
    {"//\n/**/ # x", "", "all comments"},
    {"mode=enforce", "mode = enforce", "no blanks"},
    {"mode = \"enforce\"", "mode = enforce", "double quotes"},
    {"mode = 'enforce'", "mode = enforce", "single quotes"},
    {"\"mode\" = enforce", "mode = enforce", "a quoted key"},
    {"mode\n=\nenforce\r\n", "mode = enforce", "over several lines"},
    {"log {\r\n level = debug\r\n}\r\n", "log { level = debug }", "CR LF (E20)"},
    {"log { level = debug } log { destination = stderr }",
     "log { destination = stderr level = debug }", "a section twice"},
    {"exempt { hosts = \"a.example\" }", "exempt { hosts = {\"a.example\"} }", "a list of one"},
    {"exempt { hosts = {\"a.example\",} }", "exempt { hosts = {\"a.example\"} }", "final comma"},
    {"exempt { networks += {\"192.0.2.0/24\"} }",
     "exempt { networks = {\"127.0.0.0/8\", \"::1/128\", \"192.0.2.0/24\"} }", "added"},
    {"exempt { hosts += {\"a.example\"} } exempt { hosts += {\"b.example\", \"c.example\"} }",
     "exempt { hosts = {\"a.example\", \"b.example\", \"c.example\"} }", "added twice"},
    {"exempt { networks += {\"192.0.2.1\"} networks += \"192.0.2.2\" }",
     "exempt { networks = {\"127.0.0.0/8\", \"::1/128\", \"192.0.2.1\", \"192.0.2.2\"} }",
     "added twice to a default, once without braces"},
    {"exempt { hosts = {\"a.example\"} } exempt { hosts += {\"b.example\"} }",
     "exempt { hosts = {\"a.example\", \"b.example\"} }", "added behind ="},
    {"exempt { networks = {} networks += {\"192.0.2.1\"} networks += {} }",
     "exempt { networks = {\"192.0.2.1\"} }", "added to an emptied list; adding nothing"},
    {"rule x { when += {\"iprev-fail\"} when += {\"ptr-many\"} action = tag }",
     "rule x { when = {\"iprev-fail\", \"ptr-many\"} action = tag }", "conditions added"},
    {"exempt { networks = {} }", "exempt{networks={}recipients={\"postmaster\",\"abuse\"}}",
     "an empty list is empty"},
    {"exempt { networks = \"::ffff:192.0.2.0/120\" }", "exempt { networks = \"192.0.2.0/24\" }",
     "a mapped network"},
    {"rule x { when = {\"ptr-many\"} action = reject reply = \"550 5.7.25 a \\\nb\" }",
     "rule x { when = {\"ptr-many\"} action = reject reply = \"550 5.7.25 a b\" }", "\\ newline"},
    {"socket = /run/x.sock", "socket = \"unix:/run/x.sock\"", "a bare path"},
    {"socket = \"inet6:25@::1\"", "socket = \"inet6:25@[::1]\"", "brackets are added"},
    {"resolver { forward = {\"root\"} }", "resolver { forward = root }", "root"},
    {"trusted-relays = \"192.0.2.25\"", "trusted-relays = {\"192.0.2.25/32\"}", "one relay"},
    {"include(\"/nonexistent/*.conf\")", "", "a pattern without a match"},
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

static void write_text(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    cr_assert(out != NULL && fputs(text, out) >= 0 && fclose(out) == 0, "%s", path);
}

static void grows_over_files(const char *const text[3])
{
    char dir[] = "/tmp/test-settings-XXXXXX", path[3][64], *err1, *err2;
    struct settings *a, *b;
    int i;

    cr_assert(mkdtemp(dir) != NULL);
    for (i = 0; i < 3; i++) {
        snprintf(path[i], sizeof path[i], "%s/%d.conf", dir, i);
        write_text(path[i], text[i]);
    }
    a = read_file(path[0], &err1);
    b = read_text("exempt { hosts = {a.example, b.example, c.example, d.example} }", &err2);
    cr_assert(a != NULL && b != NULL, "%s%s", err1, err2);
    cr_expect(same(a, b));
    settings_free(a);
    settings_free(b);
    free(err1);
    free(err2);
    for (i = 0; i < 3; i++)
        unlink(path[i]);
    rmdir(dir);
}

Test(settings, lists_grow_over_included_files)
{
    static const char *const added[] = {
        "exempt { hosts += {a.example} }\ninclude(\"[12].conf\")\nexempt { hosts += d.example }",
        "exempt { hosts += {b.example} }", "exempt { hosts += {c.example} }"};
    static const char *const set_first[] = {
        "include(\"1.conf\")\ninclude(\"2.conf\")\nexempt { hosts += d.example }",
        "exempt { hosts = {a.example} }", "exempt { hosts += {b.example, c.example} }"};

    grows_over_files(added);
    grows_over_files(set_first);
}

Test(settings, print_reads_back_equal)
{
    const char *const text[] = {
        "", everything, "resolver { forward = {\"root\"} }",
        "rule x { when = {\"ptr-many\"} action = reject reply = '550 5.7.25 $ {ip}{ptr} \\\\' }",
        "authserv-id = 'a${b' exempt { networks = {} recipients = {} }"};
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
    struct settings *s = read_text("\nrule x { when = {\"iprev-fail\"} action = reject\n"
                                   "expires = \"2020-02-29\" }",
                                   &err);

    cr_assert(s != NULL, "%s", err);
    cr_expect(strstr(err, ":3: rule \"x\": expires: note: 2020-02-29 is over") != NULL, "%s", err);
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
                 "rule a { when = {\"iprev-fail\"} action = tag %s }\n"
                 "rule b { when = {\"iprev-fail\"} action = reject percent = 50 }",
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

Test(settings, networks_decide)
{
    static const struct {
        const char *client;
        bool exempt;
    } rows[] = {{"127.0.0.1", true},  {"127.255.0.1", true}, {"::1", true},
                {"128.0.0.1", false}, {"::2", false},        {"192.0.2.1", false}};
    char *err;
    struct settings *s = read_file(NULL, &err);
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct addr a;

        cr_assert(addr_parse(&a, rows[i].client, strlen(rows[i].client)));
        cr_expect_eq(settings_network_exempt(s, &a), rows[i].exempt, "%s", rows[i].client);
    }
    settings_free(s);
    free(err);
}

Test(settings, every_resolver_key_makes_a_difference)
{
    char *err, *err2;
    struct settings *def = read_file(NULL, &err);
    static const char *const text[] = {"forward = {\"192.0.2.1\"}",
                                       "forward = {\"root\"}",
                                       "trust-anchor = \"/etc/passwd\"",
                                       "zone = \"/etc/passwd\"",
                                       "deadline = 4999",
                                       "helo = false",
                                       "threads = 2",
                                       "max-inflight = 2999",
                                       "cache = 1"};
    size_t i;

    cr_expect(resolver_settings_equal(&def->resolver, &def->resolver));
    for (i = 0; i < sizeof text / sizeof text[0]; i++) {
        char conf[128];
        struct settings *s;

        snprintf(conf, sizeof conf, "resolver { %s }", text[i]);
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
                {"2027-01-31 ", 0},         {"+027-01-31", 0}};
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[128], *err;
        struct settings *s;

        snprintf(text, sizeof text, "rule x { when = ptr-many action = tag expires = \"%s\" }",
                 rows[i].date);
        s = read_text(text, &err);
        cr_expect_eq(s != NULL, rows[i].end != 0, "%s: %s", rows[i].date, err);
        if (s != NULL)
            cr_expect_eq(s->judge.policy.rule[0].expires, rows[i].end, "%s", rows[i].date);
        settings_free(s);
        free(err);
    }
}
