/* listed: keys of any network and any name, and look-ups in lists of two.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/listed.h"
#include "prove.h"

static struct listed_key any_key(void)
{
    struct addr_net net;
    struct dname name;

    any_octets(&net, sizeof(net));
    net.base.family = any_bool() ? ADDR_IPV4 : ADDR_IPV6;
    any_octets(&name, sizeof(name));
    name.len = (uint8_t)any_size(1, DNAME_MAX);
    return any_bool() ? listed_network(&net) : listed_name(&name, any_bool());
}

int main(void)
{
    struct listed_key key[2] = {any_key(), any_key()};
    struct listed client[2];
    static struct exempt_list list;
    struct addr a;
    struct dname name;
    char text[400];
    struct sbuf sb;
    unsigned i;

    for (i = 0; i <= 128; i++) {
        list.four[i / 4] = any_bool();
        list.six[i] = any_bool();
    }
    any_octets(&list.names_end, sizeof(list.names_end));
    any_octets(&client, sizeof(client));
    any_octets(&a, sizeof(a));
    any_octets(&name, sizeof(name));
    name.len = (uint8_t)any_size(1, DNAME_MAX);
    a.family = (uint8_t)any_size(ADDR_NONE, ADDR_IPV6);
    client[0].key = key[0].octets;
    client[0].len = key[0].len;
    client[1].key = key[1].octets;
    client[1].len = key[1].len;
    list.client = client;
    list.n = any_size(0, 2);
    sbuf_init(&sb, text, sizeof(text));
    listed_put(&sb, &client[any_size(0, 1)]);
    listed_compare(&client[0], &client[1]);
    listed_same(&client[0], &client[1]);
    return listed_has_address(&list, &a, 0) || listed_has_name(&list, &name, 0);
}
