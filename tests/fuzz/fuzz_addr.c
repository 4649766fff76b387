/* Fuzz target: addresses and networks as text.
 *
 * Input: a text. It is an address exactly if the C library takes it for one; what is
 * read is written and read again; so is any address made from the octets.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "value/addr.h"

#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>

static void check_round_trip(const struct addr *a)
{
    char text[ADDR_TEXT_MAX];
    struct addr again;
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    addr_put(&sb, a);
    MUST(!sb.overflow && is_printable(text, sb.len, ""));
    MUST(addr_parse(&again, text, sb.len) == (a->family != ADDR_NONE));
    MUST(addr_equal(a, &again) && addr_compare(a, &again) == 0 &&
         addr_hash(a, &hash_fixed) == addr_hash(&again, &hash_fixed));
}

static void check_net(const struct addr_net *net)
{
    char text[ADDR_NET_TEXT_MAX];
    struct addr_net again;
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    addr_net_put(&sb, net);
    MUST(!sb.overflow && addr_net_parse(&again, text, sb.len));
    MUST(addr_equal(&net->base, &again.base) && net->bits == again.bits);
    MUST(addr_in_net(&net->base, net));
}

/* What inet_pton makes of the text, the mapped form unwrapped as ours. */
static struct addr by_library(const char *text)
{
    uint8_t octets[16];

    if (inet_pton(AF_INET, text, octets) == 1)
        return addr_from_bytes(ADDR_IPV4, octets);
    if (inet_pton(AF_INET6, text, octets) == 1)
        return addr_from_bytes(ADDR_IPV6, octets);
    return addr_from_bytes(ADDR_NONE, octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed in = {data, size};
    char *text = copy_of(&in), *terminated = text_of_piece(&in);
    struct addr a, other = by_library(terminated);
    struct addr_net net;

    memset(&a, 0xa5, sizeof a);
    MUST(addr_parse(&a, text, size) == (a.family != ADDR_NONE));
    if (strlen(terminated) == size)
        MUST(addr_equal(&a, &other));
    else
        MUST(a.family == ADDR_NONE);
    check_round_trip(&a);
    if (addr_net_parse(&net, text, size))
        check_net(&net);
    free(text);
    free(terminated);
    if (size >= 16) {
        a = addr_from_bytes(ADDR_IPV6, data);
        check_round_trip(&a);
    }
    return 0;
}
