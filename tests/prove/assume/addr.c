/* What the proofs of those who use addresses assume of addr.c: what is proven of it by the driver
 * addr.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "value/addr.h"
#include "prove.h"

static void read_all(const void *p, size_t n)
{
    const uint8_t *octets = p;

    if (n > 0)
        Frama_C_show_each_read(octets[0], octets[n - 1]);
}

struct addr addr_from_bytes(enum addr_family family, const void *bytes)
{
    struct addr a;

    read_all(bytes, family == ADDR_IPV4 ? 4 : 16);
    any_octets(&a, sizeof(a));
    a.family = any_bool() ? ADDR_IPV4 : ADDR_IPV6;
    return a;
}

bool addr_parse(struct addr *a, const char *s, size_t n)
{
    read_all(s, n);
    any_octets(a, sizeof(*a));
    a->family = (uint8_t)any_size(ADDR_NONE, ADDR_IPV6);
    return any_bool();
}

bool addr_net_parse(struct addr_net *net, const char *s, size_t n)
{
    net->bits = (uint8_t)any_size(0, 128);
    return addr_parse(&net->base, s, n);
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    read_all(a, sizeof(*a));
    read_all(b, sizeof(*b));
    return any_bool();
}

int addr_compare(const struct addr *a, const struct addr *b)
{
    addr_equal(a, b);
    return Frama_C_interval(-1, 1);
}

bool addr_in_net(const struct addr *a, const struct addr_net *net)
{
    return addr_equal(a, &net->base);
}

bool addr_is_loopback(const struct addr *a)
{
    return addr_equal(a, a);
}

bool addr_is_private(const struct addr *a)
{
    return addr_equal(a, a);
}

void addr_put(struct sbuf *sb, const struct addr *a)
{
    read_all(a, sizeof(*a));
    sbuf_str(sb, any_bool() ? "-" : "2001:db8:1111:2222:3333:4444:5555:6666");
}

void addr_net_put(struct sbuf *sb, const struct addr_net *net)
{
    addr_put(sb, &net->base);
    sbuf_str(sb, any_bool() ? "" : "/128");
}

uint64_t addr_hash(const struct addr *a, const struct hash_key *key)
{
    read_all(a, sizeof(*a));
    read_all(key, sizeof(*key));
    return any_size(0, SIZE_MAX);
}
