/* dname: any message of up to 512 octets, read at any place; any text; any address; then every
 * function on the names that come out.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "value/dname.h"
#include "prove.h"

#define MESSAGE 512
#define WIRE    255
#define TEXT    254

/* cap octets for a text, with nothing behind them. */
static void put(const struct dname *a, size_t cap)
{
    static char text[DNAME_VISIBLE_MAX];
    struct sbuf sb;

    sbuf_init(&sb, text + sizeof text - cap, cap);
    dname_put(&sb, a);
    dname_put_visible(&sb, a);
    dname_put_query(&sb, a);
}

static void use(const struct dname *a, const struct dname *b)
{
    dname_labels(a);
    dname_equal(a, b);
    dname_compare(a, b);
    if (dname_is_host(a) && dname_is_host(b)) {
        dname_left_of_registrable(a);
        dname_is_registrable(a);
        dname_same_registrable(a, b);
    }
    dname_hash(a, &hash_fixed);
    put(a, 1);
    put(a, 2);
    put(a, 100);
    put(a, DNAME_VISIBLE_MAX);
}

/* A name by any of the ways to make one. The octets end where the memory ends. */
static void any_name(struct dname *d)
{
    uint8_t octets[MESSAGE];
    size_t at = any_size(0, MESSAGE);
    struct addr addr;

    any_octets(octets, sizeof octets);
    any_octets(&addr, sizeof addr);
    addr.family = any_bool() ? ADDR_IPV4 : ADDR_IPV6;
    switch (any_size(0, 5)) {
    case 0:
        if (dname_from_message(d, octets, MESSAGE, &at))
            Frama_C_show_each_end(octets[at - 1]);
        return;
    case 1:
        dname_from_wire(d, octets + MESSAGE - WIRE, WIRE);
        return;
    case 2:
        dname_from_wire(d, octets + MESSAGE - 1, 1);
        return;
    case 3:
        dname_from_text(d, (char *)octets + MESSAGE - TEXT, TEXT);
        return;
    case 4:
        dname_from_text(d, (char *)octets + MESSAGE - 1, any_size(0, 1));
        return;
    default:
        dname_reverse(d, &addr);
    }
}

static void digits(void)
{
    char text[21];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof(text));
    sbuf_uint(&sb, any_size(0, SIZE_MAX));
}

int main(void)
{
    struct dname a, b;

    digits();
    any_name(&a);
    b = a;
    any_octets(b.wire, sizeof b.wire);
    b.len = (uint8_t)any_size(1, DNAME_MAX);
    use(&a, &b);
    return 0;
}
