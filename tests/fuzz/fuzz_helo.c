/* Fuzz target: HELO arguments.
 *
 * Input: an octet for the client's family, its address, then the argument. What is read
 * holds only what its form allows, and written out it reads the same.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/helo.h"

#include "tests/fuzz/fuzz.h"

static bool is_root(const struct dname *d)
{
    return d->len == 1;
}

/* The argument as one would write it. */
static void write_helo(struct sbuf *sb, const struct helo *h)
{
    if (h->form == HELO_LITERAL)
        sbuf_str(sb, h->addr.family == ADDR_IPV6 ? "[IPv6:" : "[");
    if (h->form == HELO_LITERAL || h->form == HELO_BARE_ADDRESS)
        addr_put(sb, &h->addr);
    if (h->form == HELO_LITERAL)
        sbuf_byte(sb, ']');
    if (h->form == HELO_HOST)
        dname_put(sb, &h->name);
}

static void check_form(const struct helo *h, size_t n)
{
    bool address = h->form == HELO_LITERAL || h->form == HELO_BARE_ADDRESS;
    char text[DNAME_TEXT_MAX + 8];
    struct helo again;
    struct sbuf sb;

    MUST((h->addr.family != ADDR_NONE) == address);
    MUST(is_root(&h->name) == (h->form != HELO_HOST && h->form != HELO_ONE_LABEL));
    MUST(h->form != HELO_HOST || dname_is_host(&h->name));
    MUST(h->form != HELO_ONE_LABEL || dname_labels(&h->name) == 1);
    MUST(n <= HELO_MAX || h->form == HELO_BAD);
    MUST((n == 0) == (h->form == HELO_ABSENT));
    if (!address && h->form != HELO_HOST)
        return;
    sbuf_init(&sb, text, sizeof text);
    write_helo(&sb, h);
    MUST(!sb.overflow);
    helo_parse(&again, text, sb.len);
    MUST(again.form == h->form && addr_equal(&again.addr, &h->addr));
    MUST(dname_equal(&again.name, &h->name));
}

static void check_judgement(const struct helo *h, const struct addr *client)
{
    struct self self = {.name = {.len = 1}, .mta = {.len = 1}};
    struct chain chain;
    enum finding f;
    int forward;

    chain_temperror(&chain, client, F_DNS_TIMEOUT);
    for (forward = NAME_PENDING; forward <= NAME_OVERLOAD; forward++) {
        f = helo_judge(h, client, &self, &chain, (enum name_state)forward, true);
        MUST((FINDING(f) & FINDINGS_HELO) != 0 && f != F_HELO_GENERIC);
        MUST(f != F_HELO_VERIFIED && f != F_HELO_ALIGNED); /* nothing is known of the client */
        MUST(f != F_HELO_MISMATCH && (f != F_HELO_FORWARD || h->form == HELO_HOST));
        MUST(f == helo_judge(h, client, &self, NULL, (enum name_state)forward, true));
    }
    if (helo_must_ask(h, &self, NULL))
        MUST(h->form == HELO_HOST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed in = {data, size};
    enum addr_family family = take(&in) % 2 ? ADDR_IPV6 : ADDR_IPV4;
    uint8_t octets[16];
    struct addr client;
    struct helo h;
    char *text;

    take_into(&in, octets, sizeof octets);
    client = addr_from_bytes(family, octets);
    text = copy_of(&in);
    memset(&h, 0xa5, sizeof h);
    helo_parse(&h, text, in.left);
    free(text);
    check_form(&h, in.left);
    check_judgement(&h, &client);
    return 0;
}
