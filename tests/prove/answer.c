/* answer: any message of up to 512 octets, as the answer to a question of any type; then every
 * record that it yields.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "value/answer.h"
#include "prove.h"

#define MESSAGE 512

static void walk(const struct answer *a)
{
    struct dname name;
    struct addr addr;
    size_t cursor = 0;

    while (answer_next_name(a, &cursor, &name))
        dname_labels(&name);
    cursor = 0;
    while (answer_next_addr(a, &cursor, &addr))
        addr_is_private(&addr);
}

int main(void)
{
    static uint8_t octets[MESSAGE];
    struct answer a;
    struct dname name;
    enum rrtype type;

    any_octets(octets, sizeof(octets));
    any_octets(&name, sizeof(name));
    any_octets(&type, sizeof(type));
    name.len = (uint8_t)any_size(1, DNAME_MAX);
    answer_read(&a, octets, MESSAGE, &name, type);
    walk(&a);
    a = answer_none(any_bool() ? ANSWER_TIMEOUT : ANSWER_NXDOMAIN);
    walk(&a);
    answer_failed(a.kind);
    return 0;
}
