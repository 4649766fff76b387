/* Unit tests of reply.c: replies as configured and as they go out.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/reply.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct addr addr_of(const char *text)
{
    struct addr a;

    cr_assert(addr_parse(&a, text, strlen(text)), "no address: %s", text);
    return a;
}

static struct dname name_of(const char *text)
{
    struct dname d;

    cr_assert(dname_from_text(&d, text, strlen(text)), "no name: %s", text);
    return d;
}

/* From a copy of just that size, so that a sanitizer sees a step too far. */
static const char *read_exactly(struct reply *r, const char *s)
{
    size_t n = strlen(s);
    char *copy = malloc(n);
    const char *fault;

    cr_assert(n == 0 || copy != NULL);
    if (n > 0)
        memcpy(copy, s, n);
    fault = reply_read(r, copy, n);
    free(copy);
    return fault;
}

Test(reply, read_takes)
{
    static const struct {
        const char *in;
        unsigned code;
        const char *xcode, *text;
    } rows[] = {
        {"550 5.7.25 no PTR", 550, "5.7.25", "no PTR"},
        {"554 5.7.1 {ip} {ptr} {helo} {cause}", 554, "5.7.1", "{ip} {ptr} {helo} {cause}"},
        {"451 4.7.25 later", 451, "4.7.25", "later"},
        {"421 4.0.0 x", 421, "4.0.0", "x"},
        {"400 4.0.10 x", 400, "4.0.10", "x"},
        {"559 5.999.999 x", 559, "5.999.999", "x"},
        {"550  5.7.25   two  blanks  ", 550, "5.7.25", "two  blanks"},
        {"550 5.7.25 ~a b~", 550, "5.7.25", "~a b~"},
        {"550 5.7.25 {ip}{ip}", 550, "5.7.25", "{ip}{ip}"},
        {"550 5.7.25 1.2.3 digits", 550, "5.7.25", "1.2.3 digits"},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reply r;
        const char *fault = read_exactly(&r, rows[i].in);

        cr_expect(fault == NULL, "%s: %s", rows[i].in, fault);
        cr_expect(r.code == rows[i].code && strcmp(r.xcode, rows[i].xcode) == 0 &&
                      strcmp(r.text, rows[i].text) == 0,
                  "%s: %u %s %s", rows[i].in, r.code, r.xcode, r.text);
    }
}

Test(reply, read_refuses)
{
    static const char *const rows[] = {
        "",
        " ",
        "5",
        "55",
        "550",
        "550 ",
        "no",
        "no reply",
        /* RFC 5321 4.2: reply code */
        "250 2.0.0 ok",
        "650 5.7.25 x",
        "350 5.7.1 x",
        "5500 5.7.25 x",
        "55 5.7.25 x",
        "560 5.7.25 x",
        "5a0 5.7.25 x",
        "55a 5.7.25 x",
        "a50 5.7.25 x",
        "550-5.7.25 x",
        " 550 5.7.25 x",
        "550\t5.7.25 x",
        /* RFC 3463 2: enhanced code */
        "550 no code",
        "550 5.7 x",
        "550 5.7. x",
        "550 5.7 1 x",
        "550 5 7.1 x",
        "550 5..1 x",
        "550 .7.1 x",
        "550 5.7.1",
        "550 5.7.1 ",
        "550 5.7.1x y",
        "550 5.7.1. y",
        "550 5.7.1234 x",
        "550 5.1234.1 x",
        "550 5.07.1 x",
        "550 5.7.01 x",
        "550 5.7.00 x",
        "550 55.7.1 x",
        "550 5,7,1 x",
        "550 5",
        "550 5.",
        "550 5.7",
        "550 5.7.",
        /* class */
        "550 4.7.25 x",
        "451 5.7.25 x",
        "550 2.7.25 x",
        /* text */
        "550 5.7.25 100%",
        "550 5.7.25 %s%n",
        "550 5.7.25 a\rb",
        "550 5.7.25 a\nb",
        "550 5.7.25 a\tb",
        "550 5.7.25 \x7f",
        "550 5.7.25 caf\xc3\xa9",
        "550 5.7.25 \x1b[1m",
        /* braces */
        "550 5.7.25 {",
        "550 5.7.25 }",
        "550 5.7.25 {}",
        "550 5.7.25 {ip",
        "550 5.7.25 ip}",
        "550 5.7.25 {IP}",
        "550 5.7.25 {rr}",
        "550 5.7.25 { ip}",
        "550 5.7.25 {{ip}}",
        "550 5.7.25 {client}",
        "550 5.7.25 {ip} {pt}",
        "550 5.7.25 {ipx}",
        "550 5.7.25 {i}",
    };
    static const struct reply zero;
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reply r;

        memset(&r, 0xff, sizeof r);
        cr_expect(read_exactly(&r, rows[i]) != NULL, "'%s' was taken", rows[i]);
        cr_expect(memcmp(&r, &zero, sizeof r) == 0, "'%s': left as unset", rows[i]);
    }
}

Test(reply, read_any_bytes)
{
    char in[REPLY_TEXT_MAX + 20];
    struct reply r;
    size_t n = strlen("550 5.7.25 ");

    memcpy(in, "550 5.7.25 ", n);
    memset(in + n, 'x', sizeof in - n);
    cr_expect(reply_read(&r, in, n + 400) == NULL && strlen(r.text) == 400, "400 fit");
    cr_expect(reply_read(&r, in, n + 401) != NULL, "401 do not");
    in[n + 1] = '\0';
    cr_expect(reply_read(&r, in, n + 3) != NULL, "NUL is not printable");
    cr_expect(reply_read(&r, "550 5.7.25 {ip}", n + 3) != NULL, "brace cut off by the length");
    cr_expect(reply_read(&r, "550 5.7.25 x", n + 1) == NULL);
    cr_expect(reply_read(&r, "550 5.7.25 x", n) != NULL, "text cut off by the length");
}

static void expect_clean(const struct reply *r, unsigned class, const char *what)
{
    const char *p;

    cr_expect(r->code / 100 == class && r->xcode[0] == (char)('0' + class), "%s: %u %s", what,
              r->code, r->xcode);
    cr_expect(strlen(r->text) > 0 && strlen(r->text) <= 400, "%s: %zu octets", what,
              strlen(r->text));
    for (p = r->text; *p != '\0'; p++)
        cr_expect(*p >= ' ' && *p <= '~' && *p != '%' && *p != '{' && *p != '}',
                  "%s: octet %d in %s", what, *p, r->text);
}

/* The client learns neither what runs here, and in which version, nor our words for what
 * we found: no figures but those of its own address. */
static void expect_no_internals(const char *text, const char *ip)
{
    static const char *const words[] = {"iprev",   "milter",    "unbound",
                                        "verdict", "temperror", "permerror"};
    const char *p = text, *at;
    char lower[REPLY_TEXT_MAX];
    size_t i;

    for (i = 0; i <= strlen(text); i++)
        lower[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
    for (i = 0; i < sizeof words / sizeof words[0]; i++)
        cr_expect(strstr(lower, words[i]) == NULL, "%s: in %s", words[i], text);
    for (i = 0; i < F_COUNT; i++)
        cr_expect(strstr(lower, finding_word((enum finding)i)) == NULL, "%s: in %s",
                  finding_word((enum finding)i), text);
    for (; (at = strstr(p, ip)) != NULL; p = at + strlen(ip))
        cr_expect(strcspn(p, "0123456789") >= (size_t)(at - p), "a figure: in %s", text);
    cr_expect(strpbrk(p, "0123456789") == NULL, "a figure: in %s", text);
}

/* Every cause with every action, names that are there, absent, hostile, longest. */
Test(reply, C17_F6_default_replies_are_clean)
{
    static const char *const ips[] = {"192.0.2.1", "2001:db8:1234:5678:9abc:def0:1234:5678"};
    struct dname names[4] = {name_of("mail.example.com"), {.len = 1}, {.len = 1}, {.len = 1}};
    char longest[254];
    unsigned cause, i, k, a;

    memset(longest, 'x', sizeof longest - 1);
    longest[63] = longest[127] = longest[191] = '.';
    longest[253] = '\0';
    names[1] = name_of(longest);
    cr_assert(dname_from_wire(&names[2], (const uint8_t *)"\5a%\r\nb\3net", 11));
    for (cause = 0; cause <= F_COUNT; cause++)
        for (i = 0; i < 2; i++)
            for (k = 0; k < 5; k++)
                for (a = ACTION_TEMPFAIL; a <= ACTION_REJECT; a++) {
                    struct addr client = addr_of(ips[i]);
                    const struct dname *ptr = k < 4 ? &names[k] : NULL;
                    struct reply_facts facts = {&client, (enum finding)cause, 0, ptr, ptr, 0, NULL};
                    struct rule word = {.all = cause < F_COUNT ? FINDING(cause) : 0};
                    struct reply r;
                    char ip[ADDR_TEXT_MAX];

                    memset(&r, 0xff, sizeof r);
                    policy_reply(&r, cause < F_PTR_GENERIC ? NULL : &word, (enum action)a, &facts);
                    expect_clean(&r, a == ACTION_REJECT ? 5 : 4, r.text);
                    cr_expect(r.code == (a == ACTION_REJECT ? 550 : 451));
                    cr_expect_str_eq(r.xcode, a == ACTION_REJECT ? "5.7.25" : "4.7.25");
                    snprintf(ip, sizeof ip, "%s", ips[i]);
                    cr_expect(strstr(r.text, ip) != NULL, "names the address: %s", r.text);
                    cr_expect(r.text[0] >= 'A' && r.text[0] <= 'Z', "%s", r.text);
                    cr_expect(k == 0 || k == 1 || strlen(r.text) <= 200, "short without a name");
                    cr_expect(strstr(r.text, " - ") == NULL, "no gap: %s", r.text);
                    expect_no_internals(r.text, ip);
                }
}

Test(reply, default_replies_tell_the_broken_link)
{
    static const struct {
        enum action action;
        enum finding cause;
        const char *ip, *ptr, *tells; /* parts, `|` between */
    } rows[] = {
        {ACTION_REJECT, F_PTR_MISSING, "192.0.2.1", NULL, "no PTR record|provider|publish"},
        {ACTION_TEMPFAIL, F_PTR_MISSING, "192.0.2.1", NULL, "no PTR record|provider|publish"},
        {ACTION_REJECT, F_PTR_INVALID, "192.0.2.1", NULL, "no valid host name|provider"},
        {ACTION_REJECT, F_PTR_LIMIT, "192.0.2.1", "a.example.net",
         "too many PTR records|owner of the address"},
        {ACTION_REJECT, F_FORWARD_MISSING, "192.0.2.1", "a.example.net",
         "names a.example.net|no A record|runs DNS"},
        {ACTION_REJECT, F_FORWARD_MISSING, "2001:db8::1", "a.example.net",
         "names a.example.net|no AAAA record"},
        {ACTION_REJECT, F_FORWARD_MISSING, "2001:db8::1", NULL, "The name in|no AAAA record"},
        {ACTION_REJECT, F_FORWARD_MISMATCH, "192.0.2.1", "a.example.net",
         "names a.example.net|does not resolve back|Either the A record"},
        {ACTION_REJECT, F_FORWARD_MISMATCH, "192.0.2.1", NULL, "does not resolve back"},
        {ACTION_TEMPFAIL, F_DNS_TIMEOUT, "192.0.2.1", NULL, "no answer in time|try again later"},
        {ACTION_TEMPFAIL, F_DNS_SERVFAIL, "192.0.2.1", NULL, "servers|failed|try again later"},
        {ACTION_TEMPFAIL, F_DNS_BOGUS, "192.0.2.1", NULL, "DNSSEC|try again later"},
        {ACTION_TEMPFAIL, F_DNS_OVERLOAD, "192.0.2.1", NULL, "too busy|try again later"},
        {ACTION_TEMPFAIL, F_IPREV_PASS, "192.0.2.1", NULL, "host names and HELO|try again later"},
        {ACTION_REJECT, F_IPREV_PASS, "192.0.2.1", NULL, "host names and HELO|administrator"},
        {ACTION_REJECT, F_NONE, "192.0.2.1", NULL, "host names and HELO|administrator"},
        {ACTION_REJECT, F_DNS_TIMEOUT, "192.0.2.1", NULL, "host names and HELO|administrator"},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct addr client = addr_of(rows[i].ip);
        struct dname ptr = name_of(rows[i].ptr ? rows[i].ptr : "unused.example");
        struct reply_facts facts = {&client, rows[i].cause, 0, rows[i].ptr ? &ptr : NULL, NULL,
                                    0,       NULL};
        const char *part = rows[i].tells;
        struct reply r;

        policy_reply(&r, NULL, rows[i].action, &facts);
        while (*part != '\0') {
            size_t n = strcspn(part, "|");
            char want[64];

            snprintf(want, sizeof want, "%.*s", (int)n, part);
            cr_expect(strstr(r.text, want) != NULL, "'%s' is not in: %s", want, r.text);
            part += n + (part[n] == '|');
        }
        cr_expect(rows[i].action == ACTION_TEMPFAIL || strstr(r.text, "later") == NULL,
                  "a 5xx promises nothing: %s", r.text);
    }
}

/* A refusal for the HELO must not be explained by the state of the PTR. */
Test(reply, default_reply_fits_the_rule)
{
    static const struct {
        findings all, none;
        bool tells_cause;
        const char *why;
    } rows[] = {
        {FINDING(F_IPREV_PERMERROR), 0, true, "the result"},
        {FINDING(F_PTR_MISSING), 0, true, "the cause"},
        {FINDING(F_HELO_GENERIC), FINDING(F_IPREV_PASS), true, "not a pass"},
        {FINDING(F_HELO_SELF), 0, false, "a word of HELO alone"},
        {FINDING(F_PTR_GENERIC), FINDING(F_HELO_VERIFIED), false, "words of names alone"},
    };
    struct addr client = addr_of("192.0.2.1");
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rule rule = {.all = rows[i].all, .none = rows[i].none, .action = ACTION_REJECT};
        struct reply_facts facts = {&client, F_PTR_MISSING, 0, NULL, NULL, 0, NULL};
        struct reply r;

        policy_reply(&r, &rule, ACTION_REJECT, &facts);
        cr_expect((strstr(r.text, "no PTR record") != NULL) == rows[i].tells_cause, "%s: %s",
                  rows[i].why, r.text);
    }
}

/* A rule on the name's shape or on HELO: the reply says which, and who can fix it. */
Test(reply, default_replies_tell_the_word)
{
    static const struct {
        findings all;
        const char *says;
    } rows[] = {
        {FINDING(F_PTR_GENERIC), "names mail.example.com, which looks like a provider's default"},
        {FINDING(F_PTR_GENERIC) | FINDING(F_HELO_SELF), "names mail.example.com, which looks"},
        {FINDING(F_HELO_MISMATCH), "The HELO name pc.example.net does not resolve back to client"},
        {FINDING(F_HELO_UNRESOLVED), "The HELO name pc.example.net of client 192.0.2.1 has no A"},
        {FINDING(F_HELO_GENERIC), "The HELO name pc.example.net of client 192.0.2.1 looks"},
        {FINDING(F_HELO_SELF), "HELO with a name or address of this server"},
        {FINDING(F_HELO_LITERAL), "HELO with a full host name"},
        {FINDING(F_HELO_LITERAL_MISMATCH), "HELO with a full host name"},
        {FINDING(F_HELO_BARE_ADDRESS), "HELO with a full host name"},
        {FINDING(F_HELO_UNQUALIFIED), "HELO with a full host name"},
        {FINDING(F_HELO_INVALID), "HELO with a full host name"},
        {FINDING(F_HELO_MISSING), "HELO with a full host name"},
        {FINDING(F_PTR_MANY), "what this server asks"},
        {FINDING(F_IPREV_FAIL) | FINDING(F_PTR_GENERIC), "does not resolve back to this address"},
    };
    struct addr client = addr_of("192.0.2.1");
    struct dname ptr = name_of("mail.example.com"), helo = name_of("pc.example.net");
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rule rule = {.all = rows[i].all, .action = ACTION_REJECT};
        struct reply_facts facts = {&client, F_FORWARD_MISMATCH, 0, &ptr, &helo, 0, NULL};
        struct reply r;

        policy_reply(&r, &rule, ACTION_REJECT, &facts);
        cr_expect(strstr(r.text, rows[i].says) != NULL, "'%s' is not in: %s", rows[i].says, r.text);
        rule.action = ACTION_TEMPFAIL;
        policy_reply(&r, &rule, ACTION_TEMPFAIL, &facts);
        cr_expect(strstr(r.text, rows[i].says) != NULL, "'%s' is not in: %s", rows[i].says, r.text);
    }
}

Test(reply, replies_of_rules)
{
    static const struct {
        const char *reply;
        enum action action;
        unsigned code;
        const char *xcode, *text; /* NULL: the default */
    } rows[] = {
        {"554 5.7.1 Go {ip}", ACTION_REJECT, 554, "5.7.1", "Go 192.0.2.1"},
        {"550 5.7.26 {ip}/{ptr}/{helo}/{cause}.", ACTION_REJECT, 550, "5.7.26",
         "192.0.2.1/mail.example.com/helo.example.org/forward-mismatch."},
        {"450 4.4.3 {cause}{cause}", ACTION_TEMPFAIL, 450, "4.4.3",
         "forward-mismatchforward-mismatch"},
        {"no reply", ACTION_REJECT, 550, "5.7.25", NULL},
        {"no reply", ACTION_TEMPFAIL, 451, "4.7.25", NULL},
        {"554 5.7.1 wrong class", ACTION_TEMPFAIL, 451, "4.7.25", NULL},
        {"451 4.7.1 wrong class", ACTION_REJECT, 550, "5.7.25", NULL},
    };
    struct addr client = addr_of("192.0.2.1");
    struct dname ptr = name_of("mail.example.com"), helo = name_of("helo.example.org");
    struct reply_facts facts = {&client, F_FORWARD_MISMATCH, 0, &ptr, &helo, 0, NULL};
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rule rule = {.all = FINDING(F_IPREV_FAIL), .action = (uint8_t)rows[i].action};
        struct reply r, usual;

        cr_expect((reply_read(&rule.reply, rows[i].reply, strlen(rows[i].reply)) != NULL) ==
                  (strcmp(rows[i].reply, "no reply") == 0));
        policy_reply(&r, &rule, rows[i].action, &facts);
        policy_reply(&usual, NULL, rows[i].action, &facts);
        cr_expect(r.code == rows[i].code && strcmp(r.xcode, rows[i].xcode) == 0, "%s: %u %s",
                  rows[i].reply, r.code, r.xcode);
        cr_expect_str_eq(r.text, rows[i].text ? rows[i].text : usual.text);
    }
}

Test(reply, C17_names_in_a_reply_are_host_names)
{
    struct addr client = addr_of("2001:db8::1");
    struct rule rule = {.action = ACTION_REJECT};
    struct dname root = {.len = 1}, odd, label = name_of("pc17");
    const struct dname *names[] = {NULL, &root, &odd, &label};
    struct reply r;
    size_t i;

    cr_assert(dname_from_wire(&odd, (const uint8_t *)"\6a%n\r\nb\7example", 16));
    cr_assert(reply_read(&rule.reply, "550 5.7.25 <{ptr}> <{helo}> {ip}", 32) == NULL);
    for (i = 0; i < 4; i++) {
        struct reply_facts facts = {&client, F_PTR_INVALID, 0, names[i], names[i], 0, NULL};

        policy_reply(&r, &rule, ACTION_REJECT, &facts);
        cr_expect_str_eq(r.text, "<-> <-> 2001:db8::1");
    }
}

#define PAGE "https://example.org/refused.html#ip={ip}&cause={cause}"

Test(reply, default_replies_end_with_the_page)
{
    static const struct {
        enum action action;
        enum finding cause;
        findings words; /* of the rule; 0: no rule */
        const char *ends;
    } rows[] = {
        {ACTION_REJECT, F_PTR_MISSING, 0, "publish one. See <192.0.2.1&cause=ptr-missing"},
        {ACTION_TEMPFAIL, F_DNS_TIMEOUT, 0, "name servers. See <192.0.2.1&cause=dns-timeout"},
        {ACTION_GREYLIST, F_PTR_MISSING, 0, "publish one. See <192.0.2.1&cause=ptr-missing"},
        /* the word that the text is about, not the state of the PTR */
        {ACTION_REJECT, F_PTR_MISSING, FINDING(F_HELO_SELF),
         "host name. See <192.0.2.1&cause=helo-self"},
        {ACTION_REJECT, F_DNS_TIMEOUT, 0, "correct them. See <192.0.2.1&cause=-"},
    };
    struct addr client = addr_of("192.0.2.1");
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rule rule = {.all = rows[i].words, .action = (uint8_t)rows[i].action};
        struct reply_facts facts = {&client, rows[i].cause, 0, NULL, NULL, 290, PAGE};
        const char *rest = strchr(rows[i].ends, '<');
        char want[160];
        struct reply r;

        policy_reply(&r, rows[i].words == 0 ? NULL : &rule, rows[i].action, &facts);
        snprintf(want, sizeof want, "%.*shttps://example.org/refused.html#ip=%s",
                 (int)(rest - rows[i].ends), rows[i].ends, rest + 1);
        cr_expect(strlen(r.text) > strlen(want) &&
                      strcmp(r.text + strlen(r.text) - strlen(want), want) == 0,
                  "%s: %s", want, r.text);
    }
}

Test(reply, a_reply_of_ones_own_has_no_page)
{
    struct addr client = addr_of("192.0.2.1");
    struct rule rule = {.all = FINDING(F_IPREV_FAIL), .action = ACTION_REJECT};
    struct reply_facts facts = {&client, F_PTR_MISSING, 0, NULL, NULL, 0, PAGE};
    struct reply r;

    cr_assert(reply_read(&rule.reply, "550 5.7.1 Go", 12) == NULL);
    policy_reply(&r, &rule, ACTION_REJECT, &facts);
    cr_expect_str_eq(r.text, "Go");
}

/* The longest page fits behind every text without a name; a name gives way to it. */
Test(reply, C17_the_longest_page)
{
    char page[REPLY_HELP_MAX + 1] = PAGE, endless[REPLY_HELP_MAX + 1] = "https://", longest[254];
    struct addr client = addr_of("2001:db8:1234:5678:9abc:def0:1234:5678");
    struct dname name;
    unsigned cause, a;

    memset(page + strlen(PAGE), 'x', REPLY_HELP_MAX - strlen(PAGE));
    memset(longest, 'x', sizeof longest - 1);
    longest[63] = longest[127] = longest[191] = '.';
    longest[253] = '\0';
    name = name_of(longest);
    while (strlen(endless) + 4 <= REPLY_HELP_MAX)
        strcat(endless, "{ip}");
    cr_assert(reply_help_fault(page) == NULL && reply_help_fault(endless) == NULL);
    for (cause = 0; cause <= F_COUNT; cause++)
        for (a = ACTION_GREYLIST; a <= ACTION_REJECT; a++) {
            struct rule word = {.all = cause < F_COUNT ? FINDING(cause) : 0};
            struct reply_facts facts = {&client, (enum finding)cause, 0, &name, &name, 86400, page};
            struct reply r;

            policy_reply(&r, cause < F_PTR_GENERIC ? NULL : &word, (enum action)a, &facts);
            expect_clean(&r, a == ACTION_REJECT ? 5 : 4, "page");
            cr_expect(strstr(r.text, " See https://example.org/") != NULL, "%s", r.text);
            cr_expect(strcmp(r.text + strlen(r.text) - 5, "xxxxx") == 0, "whole: %s", r.text);
            facts.help = endless;
            policy_reply(&r, cause < F_PTR_GENERIC ? NULL : &word, (enum action)a, &facts);
            expect_clean(&r, a == ACTION_REJECT ? 5 : 4, "endless");
            cr_expect(strstr(r.text, "See") == NULL, "left out as a whole: %s", r.text);
        }
}

Test(reply, pages_of_help)
{
    static const struct {
        const char *page;
        bool good;
    } rows[] = {
        {PAGE, true},
        {"http://a", true},
        {"https://example.org/", true},
        {"https://example.org/{ip}/{cause}{ip}", true},
        {"", false},
        {"ftp://example.org/", false},
        {"example.org", false},
        {"https:/example.org", false},
        {"https://example.org/{ptr}", false},
        {"https://example.org/{helo}", false},
        {"https://example.org/{seconds}", false},
        {"https://example.org/{rr}", false},
        {"https://example.org/{ip", false},
        {"https://example.org/ip}", false},
        {"https://example.org/{}", false},
        {"https://example.org/a b", false},
        {"https://example.org/100%25", false},
        {"https://example.org/\"", false},
        {"https://example.org/<b>", false},
        {"https://example.org/\x7f", false},
        {"https://example.org/\r\n", false},
        {"https://ex\xc3\xa4mple.org/", false},
    };
    char page[REPLY_HELP_MAX + 2] = "https://example.org/";
    size_t i, n = strlen(page);

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect((reply_help_fault(rows[i].page) == NULL) == rows[i].good, "%s", rows[i].page);
    memset(page + n, 'x', sizeof page - n - 1);
    cr_expect(reply_help_fault(page) != NULL, "101 characters");
    page[REPLY_HELP_MAX] = '\0';
    cr_expect(reply_help_fault(page) == NULL, "100 characters");
}

Test(reply, C17_what_does_not_fit_falls_back)
{
    char text[REPLY_TEXT_MAX] = "554 5.7.1 ", longest[254];
    struct addr client = addr_of("192.0.2.1");
    struct rule rule = {.all = FINDING(F_IPREV_FAIL), .action = ACTION_REJECT};
    struct reply_facts facts = {&client, F_FORWARD_MISMATCH, 0, NULL, NULL, 0, NULL};
    struct dname ptr;
    struct reply r, usual;

    memset(longest, 'x', sizeof longest - 1);
    longest[63] = longest[127] = longest[191] = '.';
    longest[253] = '\0';
    ptr = name_of(longest);
    facts.ptr = &ptr;
    policy_reply(&usual, NULL, ACTION_REJECT, &facts);
    expect_clean(&usual, 5, "longest name");

    snprintf(text + 10, sizeof text - 10, "%0146d{ptr}x", 0); /* 146 + 253 + 1 = 400 */
    cr_assert(reply_read(&rule.reply, text, strlen(text)) == NULL);
    policy_reply(&r, &rule, ACTION_REJECT, &facts);
    cr_expect(strlen(r.text) == 400, "400 fit: %zu", strlen(r.text));

    snprintf(text + 10, sizeof text - 10, "%0147d{ptr}x", 0);
    cr_assert(reply_read(&rule.reply, text, strlen(text)) == NULL);
    policy_reply(&r, &rule, ACTION_REJECT, &facts);
    cr_expect_str_eq(r.text, usual.text);
    cr_expect(r.code == 554 && strcmp(r.xcode, "5.7.1") == 0, "the code stays the rule's");

    /* A template that never went through reply_read. */
    memcpy(rule.reply.text, "100% {ip}", 10);
    policy_reply(&r, &rule, ACTION_REJECT, &facts);
    cr_expect_str_eq(r.text, usual.text);
}
