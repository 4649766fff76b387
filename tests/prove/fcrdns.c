/* fcrdns: the answers to a question for PTR and to questions for addresses, from any octets, then
 * every function on the work and on the chain; and a chain of any octets, as out of a cache.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/fcrdns.h"
#include "prove.h"

#define MESSAGE 512

static uint8_t octets[MESSAGE];

/* More than answer_read can say: any place, any count, over any message. */
static struct answer any_answer(void)
{
    struct answer a;

    any_octets(&a, sizeof(a));
    a.kind = (enum answer_kind)any_size(ANSWER_DATA, ANSWER_OVERLOAD);
    a.secure = any_bool();
    a.msg = any_bool() ? octets : NULL;
    a.len = MESSAGE;
    a.at = any_size(0, MESSAGE);
    a.name.len = (uint8_t)any_size(1, DNAME_MAX);
    return a;
}

static void use(const struct chain *c)
{
    enum name_state state = NAME_PENDING;
    struct dname name;

    chain_size(c);
    if (chain_name(c, &name) && chain_find(c, &name, &state) && name_state_open(state))
        name_trouble(state);
}

static struct addr any_client(void)
{
    struct addr client;

    any_octets(&client, sizeof(client));
    client.family = any_bool() ? ADDR_IPV4 : ADDR_IPV6;
    return client;
}

int main(void)
{
    static struct fcrdns f;
    static struct chain c;
    struct addr client = any_client();
    struct answer a;
    unsigned i;

    any_octets(octets, sizeof(octets));
    fcrdns_start(&f, &client);
    if (any_bool()) {
        a = any_answer();
        fcrdns_ptr(&f, &a);
    }
    for (i = 0; i <= FCRDNS_NAMES_MAX; i++) {
        a = any_answer();
        fcrdns_address(&f, i, &a);
    }
    fcrdns_complete(&f);
    fcrdns_type(&client);
    fcrdns_chain(&f, &c);
    use(&c);
    chain_temperror(&c, &client, F_DNS_TIMEOUT);
    use(&c);
    any_octets(&c, sizeof(c));
    c.packed_len = (uint16_t)any_size(0, CHAIN_PACKED_MAX);
    use(&c);
    return 0;
}
