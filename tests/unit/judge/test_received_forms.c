/* received: whatever a client says as HELO, the relay's field leads to its address.
 *
 * Writes the field as the three mail servers do, each with its own rules for what becomes
 * of a HELO argument, from random hostile arguments.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>
#include <string.h>

#include "judge/received.h"
#include "value/ascii.h"

static uint32_t seed = 1;

static unsigned any(unsigned below)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % below;
}

/* What a forger would build from. */
static const char *const parts[] = {"x",
                                    "(",
                                    ")",
                                    "[203.0.113.9]",
                                    "[IPv6:2001:db8::9]",
                                    " ",
                                    "\t",
                                    " by ",
                                    "\"",
                                    "\\",
                                    "<",
                                    ">",
                                    "@",
                                    ";",
                                    "helo=",
                                    "unknown [203.0.113.9]",
                                    "from",
                                    "with",
                                    ":25",
                                    "(Exim 4.96)",
                                    "mail.example.com",
                                    "=",
                                    ",",
                                    "Authenticated sender: ",
                                    "\x7f",
                                    "\x01",
                                    "é",
                                    "IDENT:",
                                    "ident=x",
                                    "\xff",
                                    "id",
                                    "(may be forged)",
                                    "port=1",
                                    "ESMTPSA",
                                    "#",
                                    "_",
                                    "2001:db8::9",
                                    "[",
                                    "]",
                                    "-"};

static void hostile(struct sbuf *helo)
{
    unsigned n = 1 + any(12);

    while (n-- > 0)
        sbuf_str(helo, parts[any(sizeof parts / sizeof parts[0])]);
}

/* printable(), then neuter(): no control, no special character is left. */
static void put_as_postfix(struct sbuf *sb, const struct sbuf *helo)
{
    size_t i;

    for (i = 0; i < helo->len; i++) {
        unsigned char c = (unsigned char)helo->text[i];

        sbuf_byte(sb, c < ' ' || c == 0x7F || strchr(" <>()\\\";@", c) != NULL ? '?' : (char)c);
    }
}

/* Other octets than these are refused; at a blank the argument ends. */
static void put_as_sendmail(struct sbuf *sb, const struct sbuf *helo)
{
    size_t i;

    for (i = 0; i < helo->len; i++)
        if (ascii_alnum((unsigned char)helo->text[i]) || strchr("[].-_#:", helo->text[i]) != NULL)
            sbuf_byte(sb, helo->text[i]);
    if (i == 0 || sb->text[sb->len - 1] == ' ')
        sbuf_byte(sb, 'x');
}

/* Letters, digits, `.`, `-`, `_`, or a literal: else refused by default. */
static void put_as_exim(struct sbuf *sb, const struct sbuf *helo)
{
    size_t i, from = sb->len;

    if (any(3) == 0) {
        sbuf_str(sb, "[203.0.113.9]");
        return;
    }
    for (i = 0; i < helo->len; i++)
        if (ascii_alnum((unsigned char)helo->text[i]) || strchr(".-_", helo->text[i]) != NULL)
            sbuf_byte(sb, helo->text[i]);
    if (sb->len == from)
        sbuf_byte(sb, 'x');
}

/* As the relay writes the field: before HELO, and behind it. */
static const struct form {
    const char *before, *behind;
    void (*put)(struct sbuf *sb, const struct sbuf *helo);
} forms[] = {
    {"from ",
     " (unknown [198.51.100.7])\n\tby r (Postfix) with ESMTP id 1\n\tfor <u@x.example>; d (UTC)",
     put_as_postfix},
    {"from ",
     " (h.example [198.51.100.7])\n\t(using TLSv1.3 with cipher X (256/256 bits)\n\t key)\n\t"
     "(No client certificate requested)\n\tby r (Postfix) with ESMTPS id 1; d (UTC)",
     put_as_postfix},
    {"from ", " ([198.51.100.7])\n\tby r (8.17.1/8.17.1) with ESMTP id 1; d", put_as_sendmail},
    {"from ", " (h.example [198.51.100.7] (may be forged))\n\tby r (8/8) with ESMTP id 1; d",
     put_as_sendmail},
    {"from ", " (IDENT:u@h.example [198.51.100.7])\n\tby r (8/8) with ESMTP id 1; d",
     put_as_sendmail},
    {"from h.example ([198.51.100.7] helo=",
     ")\n\tby r with esmtp (Exim 4.96)\n\t(envelope-from <a@x.example>)\n\tid 1; d", put_as_exim},
    {"from h.example ([198.51.100.7]:9 helo=",
     " ident=x)\n\tby r with esmtp (Exim 4.96)\n\tid 1; d", put_as_exim},
    {"from [198.51.100.7] (helo=", ")\n\tby r with esmtp (Exim 4.96)\n\tid 1; d", put_as_exim},
};

Test(received, A2_A5_no_helo_changes_the_address)
{
    static const unsigned char right[4] = {198, 51, 100, 7};
    struct addr expected = addr_from_bytes(ADDR_IPV4, right);
    unsigned i;

    for (i = 0; i < 40000; i++) {
        const struct form *form = &forms[i % (sizeof forms / sizeof forms[0])];
        char argument[512], value[2048];
        struct sbuf helo, sb;
        struct received r;
        size_t from, n;

        sbuf_init(&helo, argument, sizeof argument);
        hostile(&helo);
        sbuf_init(&sb, value, sizeof value);
        sbuf_str(&sb, form->before);
        from = sb.len;
        form->put(&sb, &helo);
        n = sb.len - from;
        sbuf_str(&sb, form->behind);
        cr_assert(!sb.overflow && !helo.overflow);
        cr_assert(received_read(&r, value, sb.len) && addr_equal(&r.client, &expected), "%s: %s",
                  value, r.why);
        cr_assert(r.helo.n == n && r.helo.s == value + from, "HELO is whole: %s", value);
        cr_assert(!r.authenticated, "%s", value);
    }
}

/* Written as it came, in the place of HELO or of any other text: the client or none. */
Test(received, C14_raw_helo_names_nobody_else)
{
    static const unsigned char wrong4[4] = {203, 0, 113, 9};
    struct addr wrong = addr_from_bytes(ADDR_IPV4, wrong4);
    unsigned i;

    for (i = 0; i < 100000; i++) {
        const struct form *form = &forms[i % (sizeof forms / sizeof forms[0])];
        char value[2048];
        struct received r;
        struct sbuf sb;

        sbuf_init(&sb, value, sizeof value);
        sbuf_str(&sb, form->before);
        hostile(&sb);
        sbuf_str(&sb, form->behind);
        cr_assert(!sb.overflow);
        if (received_read(&r, value, sb.len))
            cr_assert(!addr_equal(&r.client, &wrong) && r.client.bytes[0] == 198, "%s", value);
    }
}
