/* received: the forms that relays write, and texts that pretend to be one.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "judge/received.h"

/* The client as "ADDRESS HELO NAME", `-` for what is not told, `!` in front after a login;
 * or "none". Reads a copy of the very size. */
static const char *client_of_field(const char *value)
{
    static char text[2048];
    size_t n = strlen(value);
    char *copy = malloc(n > 0 ? n : 1);
    struct received r;
    struct sbuf sb;

    cr_assert_not_null(copy);
    memcpy(copy, value, n);
    sbuf_init(&sb, text, sizeof text);
    if (!received_read(&r, copy, n)) {
        cr_expect(r.client.family == ADDR_NONE && r.why != NULL && r.helo.n == 0 && r.name.n == 0 &&
                      !r.authenticated,
                  "nothing is told: %s", value);
        sbuf_str(&sb, "none");
    } else {
        cr_expect(r.client.family != ADDR_NONE && r.why == NULL);
        sbuf_str(&sb, r.authenticated ? "!" : "");
        addr_put(&sb, &r.client);
        sbuf_byte(&sb, ' ');
        sbuf_mem(&sb, r.helo.n > 0 ? r.helo.s : "-", r.helo.n > 0 ? r.helo.n : 1);
        sbuf_byte(&sb, ' ');
        sbuf_mem(&sb, r.name.n > 0 ? r.name.s : "-", r.name.n > 0 ? r.name.n : 1);
    }
    free(copy);
    return text;
}

static const struct row {
    const char *value, *client, *why;
} forms[] = {
    /* Postfix */
    {"from mail.example.com (mail.example.com [192.0.2.1])\n\tby mx.example.org (Postfix) with "
     "ESMTP "
     "id 4XyZ12\n\tfor <user@example.org>; Sat, 21 Nov 2026 10:00:00 +0000 (UTC)",
     "192.0.2.1 mail.example.com mail.example.com", "Postfix"},
    {"from x.example (unknown [192.0.2.1])\n\tby mx (Postfix) with SMTP id 1; date",
     "192.0.2.1 x.example -", "no verified name"},
    {"from x.example (unknown [IPv6:2001:db8::1])\n\tby mx (Postfix) with ESMTP id 1; date",
     "2001:db8::1 x.example -", "IPv6"},
    {"from [192.0.2.9] (host.example [192.0.2.1])\n\tby mx (Postfix) with ESMTP id 1; date",
     "192.0.2.1 [192.0.2.9] host.example", "HELO is a literal of another address"},
    {"from [IPv6:2001:db8::9] (unknown [IPv6:2001:db8::1])\n\tby mx (Postfix) with ESMTP id 1; d",
     "2001:db8::1 [IPv6:2001:db8::9] -", "and in IPv6"},
    {"from x.example (unknown [192.0.2.1])\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 "
     "(256/256 bits)\n\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest "
     "SHA256)\n\t(No client certificate requested)\n\tby mx (Postfix) with ESMTPS id 1; date",
     "192.0.2.1 x.example -", "TLS"},
    {"from x.example (unknown [192.0.2.1])\n\t(using TLSv1.2 with cipher X (256/256 "
     "bits))\n\t(Client "
     "CN \"[192.0.2.9] \\(\", Issuer \"(a) b\" (not verified))\n\tby mx (Postfix) with ESMTPS id "
     "1; d",
     "192.0.2.1 x.example -", "a client certificate"},
    {"from pc (unknown [192.0.2.1])\n\t(Authenticated sender: alice)\n\tby mx (Postfix) with "
     "ESMTPA "
     "id 1\n\tfor <u@example.org>; date",
     "!192.0.2.1 pc -", "a login"},
    {"from pc (unknown [192.0.2.1])\n\tby mx (Postfix) with ESMTPSA id 1; date", "!192.0.2.1 pc -",
     "a login, by the protocol alone"},
    {"from pc (unknown [192.0.2.1])\n\tby mx (Postfix) with UTF8SMTPSA id 1; date",
     "!192.0.2.1 pc -", "the same with SMTPUTF8"},
    {"from x (unknown [192.0.2.1])\n\tby mx (Postfix) with ESMTP id 1\n\tfor <\"a b "
     "(\"@x.example>; d",
     "192.0.2.1 x -", "a recipient in quotes"},
    {"from a?b?c (unknown [192.0.2.1])\n\tby mx (Postfix) with ESMTP id 1; date",
     "192.0.2.1 a?b?c -", "HELO with octets replaced"},
    /* Sendmail */
    {"from mail.example.com (mail.example.com [192.0.2.1])\n\tby mx (8.17.1/8.17.1) with ESMTPS id "
     "6AL\n\t(version=TLSv1.3 cipher=X bits=256 verify=NOT)\n\tfor <u@x.example>; Sat, 21 Nov",
     "192.0.2.1 mail.example.com mail.example.com", "Sendmail"},
    {"from x.example (host.example [192.0.2.1] (may be forged))\n\tby mx (8.17.1/8) with ESMTP id "
     "1; d",
     "192.0.2.1 x.example host.example", "may be forged"},
    {"from x.example ([192.0.2.1])\n\tby mx (8.17.1/8) with ESMTP id 1; d", "192.0.2.1 x.example -",
     "no name"},
    {"from x.example (IDENT:root@host.example [192.0.2.1])\n\tby mx (8/8) with ESMTP id 1; d",
     "192.0.2.1 x.example host.example", "ident"},
    {"from x.example (root@[192.0.2.1])\n\tby mx (8/8) with ESMTP id 1; d", "192.0.2.1 x.example -",
     "ident, no name"},
    {"from [192.0.2.9] ([IPv6:2001:db8:0:0:0:0:0:1])\n\tby mx (8/8) with ESMTP id 1; d",
     "2001:db8::1 [192.0.2.9] -", "IPv6 in full"},
    {"from pc ([192.0.2.1])\n\t(authenticated bits=0)\n\tby mx (8/8) with ESMTPA id 1; d",
     "!192.0.2.1 pc -", "a login"},
    /* Exim */
    {"from mail.example.com ([192.0.2.1])\n\tby mx with esmtps  (TLS1.3) tls TLS_AES_256\n\t(Exim "
     "4.96)\n\t(envelope-from <a@b.example>)\n\tid 1qW-0\n\tfor u@example.org;\n\tSat, 21 Nov 2026",
     "192.0.2.1 mail.example.com mail.example.com", "Exim: HELO equals the name"},
    {"from x.example (host.example [192.0.2.1])\n\tby mx with esmtp (Exim 4.96)\n\tid 1; d",
     "192.0.2.1 x.example host.example", "the name beside the address is the client's"},
    {"from host.example ([192.0.2.1] helo=x.example)\n\tby mx with esmtp (Exim 4.96)\n\tid 1; d",
     "192.0.2.1 x.example host.example", "HELO differs"},
    {"from host.example ([192.0.2.1]:4321 helo=[192.0.2.9])\n\tby mx with esmtp (Exim 4.96)\n\tid "
     "1; d",
     "192.0.2.1 [192.0.2.9] host.example", "a port, HELO is a literal"},
    {"from host.example\n\t([2001:db8::1] helo=x ident=root)\n\tby mx with esmtp (Exim 4.96)\n\tid "
     "1; d",
     "2001:db8::1 x host.example", "ident; IPv6 has no tag"},
    {"from [192.0.2.1] (helo=x.example)\n\tby mx with esmtp (Exim 4.96)\n\tid 1; d",
     "192.0.2.1 x.example -", "no name"},
    {"from [192.0.2.1] (helo=)\n\tby mx with esmtp (Exim 4.96)\n\tid 1; d", "192.0.2.1 - -",
     "a key without a value ends the comment"},
    {"from [192.0.2.1] (helo= ident=x)\n\tby mx with esmtp (Exim 4.96)\n\tid 1; d", "192.0.2.1 - -",
     "or another follows"},
    {"from [192.0.2.1] (port=4321 helo=[192.0.2.9] ident=x)\n\tby mx with esmtp (Exim 4.96)\n\tid "
     "1; d",
     "192.0.2.1 [192.0.2.9] -", "no name, a port"},
    {"from [2001:db8::1]\n\tby mx with smtp (Exim 4.96)\n\tid 1; d", "2001:db8::1 - -",
     "no name, no HELO"},
    {"from [192.0.2.1] (helo=pc)\n\tby mx with esmtpsa (Exim 4.96)\n\tid 1; d", "!192.0.2.1 pc -",
     "a login"},
    {"from x.example ([192.0.2.1])\n\tby mx with esmtp (Exim 4.96)\n\t(envelope-from "
     "<\"a)b\\\"(\"@c>)"
     "\n\tid 1; d",
     "192.0.2.1 x.example x.example", "a sender in quotes"},
    {"from [192.0.2.1] (helo=x)\n\tby mx with esmtp (Exim 4.96)\n\t(envelope-from "
     "<a.\"x) with esmtpa (y\"@evil.example>)\n\tid 1; d",
     "192.0.2.1 x -", "a sender of which a part is in quotes"},
    {"from [192.0.2.1] (helo=x)\n\tby mx with esmtp (Exim 4.96)\n\t(envelope-from "
     "<\"a\".\"x) with esmtpa (y\"@evil.example>)\n\tid 1; d",
     "192.0.2.1 x -", "and two of them"},
    {"from [192.0.2.1] (helo=x)\n\tby mx with esmtp (Exim 4.96)\n\t(envelope-from "
     "<a.\"(\"@evil.example>)\n\tid 1; d",
     "192.0.2.1 x -", "a parenthesis in it"},
    {"from [192.0.2.1] (helo=x)\n\tby mx with esmtp (Exim 4.96)\n\tid 1\n\tfor \"u\"@x.example; d",
     "192.0.2.1 x -", "a recipient in quotes, without brackets"},
    {"from x (unknown [192.0.2.1])\n\tby mx (8/8) with ESMTP id 1\n\tfor "
     "<first.\"la st\"@x.example>; d",
     "192.0.2.1 x -", "a recipient of which a part is"},
    /* others that write the same */
    {"from relay.example ([127.0.0.1])\n by localhost (relay.example [127.0.0.1]) (amavis, port "
     "1)\n"
     " with ESMTP id 1; d",
     "127.0.0.1 relay.example -", "a filter on the relay"},
    {"FROM x (unknown [192.0.2.1]) BY mx WITH ESMTP", "192.0.2.1 x -", "any case"},
    {"\r\n\tfrom\r\n\tx\r\n\t(unknown\r\n\t[192.0.2.1])\r\n\tby\r\n\tmx", "192.0.2.1 x -",
     "any folds"},
    {"from x (unknown [::ffff:192.0.2.1]) by mx", "192.0.2.1 x -", "mapped: A19"},
};

/* The field of a HELO of so many octets, as the SMTP client of a relay folds it. */
static const char *folded(unsigned helo, const char *comment)
{
    static char text[2048];
    int n = snprintf(text, 1500, "from %0*d (%s)\n\tby mx (Postfix) with ESMTP id 1; d", (int)helo,
                     0, comment);
    char *line_end = strchr(text, '\n');
    static const size_t line_max = 998 - sizeof "Received:";

    if ((size_t)(line_end - text) <= line_max)
        return text;
    memmove(text + line_max + 3, text + line_max, (size_t)n + 1 - line_max);
    memcpy(text + line_max, "\r\n ", 3);
    return text;
}

/* An SMTP client folds what is longer than a line may be, wherever that is. */
Test(received, A4_folded)
{
    const char *found;
    unsigned n;

    for (n = 1; n < 1000; n++) {
        found = client_of_field(folded(n, "unknown [192.0.2.1]"));
        cr_expect(strncmp(found, "192.0.2.1 0", 11) == 0, "%u: %s", n, found);
        found = client_of_field(folded(n, "long-name.example [IPv6:2001:db8::1]"));
        cr_expect(strncmp(found, "2001:db8::1 ", 12) == 0, "%u: %s", n, found);
        found = client_of_field(folded(n, "[192.0.2.1] helo=x[203.0.113.9]"));
        cr_expect_str_eq(found, "none", "%u: Exim's, and not by Exim", n);
        found = client_of_field(folded(n, "a=b [203.0.113.9]"));
        cr_expect_str_eq(found, "none", "%u", n);
        found = client_of_field(folded(n, "mail.example.com"));
        cr_expect_str_eq(found, "none", "%u: no address", n);
    }
    cr_expect_str_eq(client_of_field("from x\r\n y (unknown [192.0.2.1]) by mx"), "none",
                     "so short a word is not folded");
}

Test(received, forms)
{
    size_t i;

    for (i = 0; i < sizeof forms / sizeof forms[0]; i++)
        cr_expect_str_eq(client_of_field(forms[i].value), forms[i].client, "%s: %s", forms[i].why,
                         client_of_field(forms[i].value));
}

/* No relay writes these; each must yield nothing. */
static const char *const refused[] = {
    "",
    "from x.example ([192.0.2.1]helo=x)\n\tby mx with esmtp (Exim 4.96)\n\tid 1; d",
    " ",
    "from",
    "from ",
    "fromx (unknown [192.0.2.1]) by mx",
    "by mx (Postfix, from userid 0)\n\tid 1; date",
    "(from root@localhost)\n\tby mx (8/8/Submit) id 1; date",
    "from root by mx with local (Exim 4.96)\n\tid 1; d",
    "from x by mx with ESMTP id 1; d",
    "from x (unknown [192.0.2.1])",
    "from x (unknown [192.0.2.1]) with ESMTP by mx",
    "from x (unknown [192.0.2.1]) by",
    "from x (unknown) by mx",
    "from x () by mx",
    "from x (unknown 192.0.2.1) by mx",
    "from x (HELO y) (192.0.2.1) by mx",
    "from x (unknown [192.0.2.1] by mx",
    "from x (unknown [192.0.2.256]) by mx",
    "from x (unknown [192.0.2.1) by mx",
    "from x (unknown [192.0.2.1]x) by mx",
    "from x (unknown [192.0.2.1] x) by mx",
    "from x (unknown [192.0.2.1 192.0.2.2]) by mx",
    "from x (unknown [IPv6:192.0.2.1]) by mx",
    "from x (unknown [IPv6:fe80::1%eth0]) by mx",
    "from x (un known [192.0.2.1]) by mx",
    "from x (un=known [192.0.2.1]) by mx",
    "from x (IDENT:a=b@host [192.0.2.1]) by mx",
    "from x (unknown [192.0.2.1] [192.0.2.2]) by mx",
    "from x (\\unknown [192.0.2.1]) by mx",
    "from x ([192.0.2.1]:) by mx with esmtp (Exim 4)",
    "from x ([192.0.2.1]:25 helo=x) by mx (Postfix) with ESMTP id 1; d", /* Exim's, not by Exim */
    "from [192.0.2.1] (helo=x) by mx (Postfix) with ESMTP id 1; d",
    "from [192.0.2.1] by mx (Postfix) with ESMTP id 1; d",
    "from [192.0.2.1]x (helo=x) by mx with esmtp (Exim 4)",
    "from x (helo=x) by mx with esmtp (Exim 4)",
    "from [192.0.2.1] (ident=x helo=y) by mx with esmtp (Exim 4)",
    "from [192.0.2.1] (helo=x helo=y) by mx with esmtp (Exim 4)",
    "from x (unknown [192.0.2.1]) by mx \"by",
    "from x (unknown [192.0.2.1]) by mx for <\"a",
    "from x (unknown [192.0.2.1]) by mx (",
    "from x (unknown [192.0.2.1]) by mx (\\",
    "from x (unknown [192.0.2.1]) by mx )",
    "from x (unknown [192.0.2.1]) by mx\x01",
    "from x (unknown [192.0.2.1]) by mx by my",
    "from x (unknown [192.0.2.1]) by mx with ESMTP with ESMTPA",
    "from [192.0.2.1] (helo=x ident=x) (authenticated) by mx with esmtp (Exim 4.96)",
    "from x([203.0.113.9]) (using [192.0.2.1] (may be forged)) by mx (8/8) with ESMTP id 1; d",
    "from x (unknown [192.0.2.1]) by mx from y",
};

Test(received, C14_other_forms_yield_nothing)
{
    size_t i;

    for (i = 0; i < sizeof refused / sizeof refused[0]; i++)
        cr_expect_str_eq(client_of_field(refused[i]), "none", "%s", refused[i]);
}

/* HELO texts that would name 203.0.113.9, should a relay write them as they are. Ours do not:
 * see test_received_forms.c. The client is then the right one, or none. */
static const char *const forged[] = {
    "x ([203.0.113.9])",
    "x (unknown [203.0.113.9])",
    "x (unknown [203.0.113.9]) by mx.example.org (Postfix) with ESMTP id 1; date",
    "x (unknown [203.0.113.9]) by mx.example.org (Postfix) with ESMTP id 1; date (",
    "x (unknown [203.0.113.9]) by mx (Postfix) with ESMTP id 1 for <\"",
    "x (unknown [203.0.113.9]) by mx (Postfix) with ESMTP id 1 for <",
    "x (unknown [203.0.113.9]) by mx (Postfix) with ESMTP id 1; date \"",
    "x (unknown [203.0.113.9]) by mx (Postfix) with ESMTP id 1; date \\",
    "x (unknown [203.0.113.9]) by mx (Postfix) (\\",
    "x (unknown [203.0.113.9]) (Authenticated sender: root)",
    "x (unknown [203.0.113.9]) (using",
    "x (unknown [203.0.113.9]) (using (",
    "x (unknown [203.0.113.9]) by mx with esmtp (Exim 4.96) id",
    "x (a [203.0.113.9]\n\t",
    "x (a (b) [203.0.113.9])",
    "x (\\) [203.0.113.9])",
    "x\n\t([203.0.113.9])",
    "x\r\nReceived: from x ([203.0.113.9]) by mx",
    "x ([203.0.113.9] helo=y",
    "x ([203.0.113.9] helo=y)",
    "[203.0.113.9]",
    "[203.0.113.9] (helo=x)",
    "[203.0.113.9] by mx with esmtp (Exim 4.96) id 1; date",
    "[203.0.113.9] (helo=x) by mx with esmtp (Exim 4.96) (envelope-from <\"",
    "[203.0.113.9] (helo=x) by mx with esmtp (Exim 4.96) (envelope-from <\"a\"@b",
    "[203.0.113.9]:25",
    "([203.0.113.9])",
    "(unknown [203.0.113.9]) by mx",
    "by x (unknown [203.0.113.9])",
    "from x (unknown [203.0.113.9]) by mx",
    "\"x (unknown [203.0.113.9]) by mx\"",
    "x;",
    "x\x01",
    "(",
    ")",
    "((",
    "))",
    "\\",
};

Test(received, A2_A17_forgeries_name_nobody_else)
{
    static const char *const relays[] = {
        "from %s (unknown [198.51.100.7])\n\tby relay.example.org (Postfix) with ESMTP id "
        "4X\n\tfor "
        "<user@example.org>; Sat, 21 Nov 2026 10:00:00 +0000 (UTC)",
        "from %s (unknown [198.51.100.7])\n\tby relay.example.org (Postfix) with ESMTP id "
        "4X\n\tfor "
        "<\"@q> (b\"@example.org>; Sat, 21 Nov 2026 10:00:00 +0000 (UTC)",
        "from %s (host.example [198.51.100.7] (may be forged))\n\tby relay (8.17.1/8.17.1) with "
        "ESMTP id 6AL\n\tfor <user@example.org>; Sat, 21 Nov 2026 10:00:00 GMT",
        "from host.example ([198.51.100.7] helo=%s)\n\tby relay with esmtp (Exim 4.96)\n\t"
        "(envelope-from <a@b.example>)\n\tid 1qW-0\n\tfor u@x.example;\n\tSat, 21 Nov 2026",
        "from [198.51.100.7] (port=1 helo=%s)\n\tby relay with esmtp (Exim 4.96)\n\t"
        "(envelope-from <a@b.example>)\n\tid 1qW-0\n\tfor u@x.example;\n\tSat, 21 Nov 2026"};
    char text[1024];
    size_t i, k;

    for (i = 0; i < sizeof forged / sizeof forged[0]; i++)
        for (k = 0; k < sizeof relays / sizeof relays[0]; k++) {
            const char *put = strstr(relays[k], "%s"), *found;
            struct sbuf sb;

            sbuf_init(&sb, text, sizeof text);
            sbuf_mem(&sb, relays[k], (size_t)(put - relays[k]));
            sbuf_str(&sb, forged[i]);
            sbuf_str(&sb, put + 2);
            cr_assert(!sb.overflow);
            found = client_of_field(text);
            cr_expect(strncmp(found, "198.51.100.7 ", 13) == 0 || strcmp(found, "none") == 0,
                      "%s: %s", text, found);
        }
}

/* As long as libmilter may hand over: no harm, and no long time. */
Test(received, A4_long_fields)
{
    static char big[60000];
    static const char start[] = "from x (unknown [192.0.2.1]) by mx ";
    static const char fill[] = "(a\\[<\" x";
    struct received r;
    bool taken = false;
    size_t i;

    alarm(5);
    for (i = 0; i < sizeof fill - 1; i++) {
        memset(big, fill[i], sizeof big);
        cr_expect(!received_read(&r, big, sizeof big), "a field of '%c'", fill[i]);
        memcpy(big, start, sizeof start - 1);
        taken = received_read(&r, big, sizeof big);
    }
    cr_expect(taken && r.client.family == ADDR_IPV4, "the last fill is a long word");
    big[30000] = '\0';
    cr_expect(!received_read(&r, big, sizeof big), "NUL");
}
