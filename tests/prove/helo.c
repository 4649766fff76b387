/* helo: any argument of up to 256 octets, judged with any chain.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/helo.h"
#include "prove.h"

static struct dname any_name(void)
{
    struct dname d;

    any_octets(&d, sizeof(d));
    d.len = (uint8_t)any_size(1, DNAME_MAX);
    return d;
}

static struct addr any_addr(void)
{
    struct addr a;

    any_octets(&a, sizeof(a));
    a.family = (uint8_t)any_size(ADDR_NONE, ADDR_IPV6);
    return a;
}

int main(void)
{
    static struct chain chain;
    const struct chain *c = any_bool() ? &chain : NULL;
    char text[HELO_MAX + 1];
    struct helo h;
    struct self self;
    struct addr client = any_addr();
    enum name_state forward = (enum name_state)any_size(NAME_PENDING, NAME_OVERLOAD);

    any_octets(text, sizeof(text));
    any_octets(&chain, sizeof(chain));
    chain.packed_len = (uint16_t)any_size(0, CHAIN_PACKED_MAX);
    self = (struct self){any_name(), any_name(), any_addr()};
    helo_parse(&h, any_bool() ? text : NULL, any_size(0, sizeof(text)));
    if (helo_must_ask(&h, &self, c))
        return 1;
    return (int)helo_judge(&h, &client, &self, c, forward, any_bool());
}
