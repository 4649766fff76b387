/* servers: what /etc/resolv.conf may hold.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "dns/context.h"
#include "tests/unit/dns/dns_shared.h"

#define LONG  "2001:db8:1111:2222:3333:4444:5555:6666" /* 38 octets; six and their spaces: 233 */
#define SIX   LONG " " LONG " " LONG " " LONG " " LONG " " LONG
#define LINE  "nameserver " LONG "\n"
#define LINES LINE LINE LINE LINE LINE LINE

Test(servers, E10_read)
{
    static const struct {
        const char *text, *servers, *why;
    } row[] = {
        {"", "", "an empty file"},
        {"# nameserver 192.0.2.1\nsearch example.org\n", "", "no server"},
        {"nameserver 192.0.2.1\n", "192.0.2.1", "one"},
        {"nameserver 192.0.2.1", "192.0.2.1", "the last line without its end"},
        {"nameserver\t192.0.2.2 # b\noptions edns0\n nameserver 2001:db8::1\n",
         "192.0.2.2 2001:db8::1", "two, in the order of the file"},
        {"nameserver fe80::1%eth0\n", "fe80::1%eth0", "a link-local one, with its interface"},
        {"nameserver localhost\nnameserver 192.0.2.300\nnameserver\n", "", "no addresses"},
        {LINES "nameserver 2001:db8::2:3456:789\n", SIX " 2001:db8::2:3456:789", "254 octets"},
        {LINES "nameserver 2001:db8::12:3456:789\n", SIX " 2001:db8::12:3456:789", "255 octets"},
        {LINES "nameserver 2001:db8::12:3456:789a\n", SIX, "256 octets: left out whole"},
    };
    char found[SERVERS_TEXT_MAX];
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct dns_files f;

        files_make(&f, "resolv.conf", row[i].text);
        cr_expect_eq(servers_read(f.file, found), row[i].servers[0] != '\0', "%s", row[i].why);
        cr_expect_str_eq(found, row[i].servers, "%s", row[i].why);
        files_remove(&f);
    }
    cr_expect_not(servers_read("/nonexistent", found));
    cr_expect_str_empty(found, "no file");
}
