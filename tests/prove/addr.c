/* addr: any text of 45 octets as an address and as a network; any octets as an address.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "value/addr.h"
#include "prove.h"

#define TEXT 45

static void put(const struct addr *a, const struct addr_net *net)
{
    char text[ADDR_NET_TEXT_MAX];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    addr_put(&sb, a);
    sbuf_init(&sb, text, sizeof text);
    addr_net_put(&sb, net);
}

static void use(const struct addr *a, const struct addr_net *net)
{
    put(a, net);
    addr_in_net(a, net);
    addr_equal(a, &net->base);
    addr_is_loopback(a);
    addr_is_private(a);
    addr_hash(a, &hash_fixed);
}

int main(void)
{
    char text[TEXT];
    uint8_t octets[16];
    struct addr said, given;
    struct addr_net net;

    any_octets(text, sizeof text);
    any_octets(octets, sizeof octets);
    addr_parse(&said, text, TEXT);
    addr_net_parse(&net, text, TEXT);
    given = addr_from_bytes(any_bool() ? ADDR_IPV4 : ADDR_IPV6, octets);
    use(&said, &net);
    use(&given, &net);
    return 0;
}
