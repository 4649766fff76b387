/* The one hash: values of the reference implementation, made by OpenSSL's SIPHASH.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "value/hash.h"

Test(hash, vectors)
{
    static const struct {
        size_t n; /* octets 00 01 02 ... with the key 00 01 ... 0f */
        uint64_t value;
        const char *why;
    } row[] = {
        {0, 0x726fdb47dd0e0e31u, "nothing"},
        {1, 0x74f839c593dc67fdu, "one octet"},
        {7, 0xab0200f58b01d137u, "one below a word"},
        {8, 0x93f5f5799a932462u, "a word"},
        {15, 0xa129ca6149be45e5u, "the example of the paper"},
        {16, 0x3f2acc7f57c29bdbu, "two words"},
        {63, 0x958a324ceb064572u, "many"},
    };
    static const struct hash_key key = {{0x0706050403020100u, 0x0f0e0d0c0b0a0908u}};
    uint8_t data[63];
    size_t i;

    for (i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    for (i = 0; i < sizeof row / sizeof row[0]; i++)
        cr_expect_eq(hash_octets(&key, data, row[i].n), row[i].value, "%s", row[i].why);
}

Test(hash, each_half_of_the_key_counts)
{
    static const struct hash_key one = {{1, 0}}, two = {{0, 1}};

    cr_expect_neq(hash_octets(&hash_fixed, "a", 1), hash_octets(&one, "a", 1));
    cr_expect_neq(hash_octets(&hash_fixed, "a", 1), hash_octets(&two, "a", 1));
}
