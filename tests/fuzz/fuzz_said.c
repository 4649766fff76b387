/* Fuzz target: what a name server says to the questions about a sender.
 *
 * Input: an octet for the type and the kind of server, then a message. What is told is within its
 * bounds, printable, and the same as itself.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "check/sender/companions.h"

#include "tests/fuzz/fuzz.h"

static void check_said(const struct said *r)
{
    char text[SAID_RECORDS * DNAME_VISIBLE_MAX];
    struct sbuf sb;

    MUST(r->n <= SAID_RECORDS && (r->n == 0 || r->kind == SAID_DATA));
    MUST(said_word(r->kind) != NULL);
    MUST(!said_is_answer(r) || said_same(r, r));
    sbuf_init(&sb, text, sizeof text);
    said_put(&sb, r);
    MUST(is_printable(text, sb.len, ""));
    sbuf_init(&sb, text, sizeof text);
    mailbox_put(&sb, &r->mailbox);
    MUST(is_printable(text, sb.len, ""));
}

static void check_companion(struct companion *c, const char *what, const struct ask *ask)
{
    unsigned i;

    memset(c, 0, sizeof *c);
    c->what = what;
    companion_read(c, ask);
    MUST(c->n <= COMPANION_RECORDS && (c->kind != SAID_DATA || c->n + c->left_out > 0));
    for (i = 0; i < c->n; i++)
        MUST(is_printable(c->record[i], strlen(c->record[i]), ""));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t type[] = {RR_A,    RR_CNAME, RR_SOA,  RR_PTR,
                                    RR_AAAA, TYPE_NS,  TYPE_MX, TYPE_TXT};
    static struct companion c;
    static struct said r;
    struct ask ask = {.end = ASK_ANSWERED, .len = size > 0 ? size - 1 : 0};
    size_t at = 12;

    if (size < 13)
        return 0;
    ask.msg = malloc(ask.len);
    MUST(ask.msg != NULL);
    memcpy(ask.msg, data + 1, ask.len);
    ask.type = type[data[0] & 7];
    if (!dname_from_message(&ask.name, ask.msg, ask.len, &at))
        MUST(dname_from_text(&ask.name, "mail.example.com", 16));
    said_read(&r, &ask, (data[0] & 8) != 0);
    check_said(&r);
    said_read_delegation(&r, &ask);
    check_said(&r);
    if (ask.type == TYPE_MX)
        check_companion(&c, "MX", &ask);
    if (ask.type == TYPE_TXT) {
        check_companion(&c, "SPF", &ask);
        check_companion(&c, "DMARC", &ask);
    }
    free(ask.msg);
    return 0;
}
