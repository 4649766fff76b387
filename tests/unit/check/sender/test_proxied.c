/* Addresses of web proxies: the first and the last of a network, and those beside it.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/proxied.h"

#include <criterion/criterion.h>
#include <string.h>

Test(proxied, bounds)
{
    static const struct {
        const char *address;
        bool proxied;
    } row[] = {
        {"104.15.255.255", false}, {"104.16.0.0", true},         {"104.27.255.255", true},
        {"104.28.0.0", false},     {"103.21.243.255", false},    {"103.21.244.0", true},
        {"103.21.247.255", true},  {"103.21.248.0", false},      {"198.41.127.255", false},
        {"198.41.128.0", true},    {"198.41.255.255", true},     {"198.42.0.0", false},
        {"192.0.2.10", false},     {"2606:46ff:ffff::1", false}, {"2606:4700::1", true},
        {"2606:4701::", false},    {"2a06:98bf::", false},       {"2a06:98c7:ffff::", true},
        {"2a06:98c8::", false},    {"2001:db8::30", false},
    };
    struct addr a;
    size_t i;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        cr_assert(addr_parse(&a, row[i].address, strlen(row[i].address)));
        cr_expect_eq(proxied_by(&a) != NULL, row[i].proxied, "%s", row[i].address);
    }
}
