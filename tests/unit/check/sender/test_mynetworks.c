/* mynetworks: what Postfix trusts beside what is exempt.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "check/sender/mynetworks.h"

#include <stdlib.h>
#include <string.h>

/* Exempt: private, 198.51.100.0/25, 2001:db8:1::/48. */
static const struct {
    const char *why, *text, *missing; /* the entries that are named, in their order */
} rows[] = {
    {"loopback and private networks are exempt", "127.0.0.0/8 10.0.0.0/8, 192.168.1.0/24 [::1]/128",
     ""},
    {"nothing", "", ""},
    {"as in exempt.networks", "198.51.100.0/25 [2001:db8:1::]/48", ""},
    {"below it, up to its last address", "198.51.100.64/26 198.51.100.127", ""},
    {"one address above", "198.51.100.128", "198.51.100.128 "},
    {"twice as large: its end is not exempt", "198.51.100.0/24", "198.51.100.0/24 "},
    {"its beginning is not exempt", "[2001:db8::]/47", "[2001:db8::]/47 "},
    {"all there is, which begins and ends with private addresses", "0.0.0.0/0 [::]/0",
     "0.0.0.0/0 [::]/0 "},
    {"IPv6, brackets around the address", "[2001:db8:1::25] [2001:db8:2::]/48",
     "[2001:db8:2::]/48 "},
    {"commas, line breaks", "\n203.0.113.0/24,\n\t203.0.112.7 ", "203.0.113.0/24 203.0.112.7 "},
    {"tables, exclusions and other texts are ignored",
     "hash:/etc/postfix/net !203.0.113.7 host.example 1.2.3.4/33", ""},
    {"host bits are an error for Postfix, too", "203.0.113.7/24", ""},
    {"longer than any network", "1111111111111111111111111111111111111111111111111111111111111",
     ""},
};

static void named(char *out, size_t cap, const struct settings *s, const char *text)
{
    static const char head[] = "iprev-check: Postfix's mynetworks has ";
    char *said = NULL, *line, *rest;
    size_t n = 0;
    FILE *err = open_memstream(&said, &n);

    cr_assert_not_null(err);
    mynetworks_compare(s, text, err);
    fclose(err);
    out[0] = '\0';
    for (rest = said; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
        cr_assert_eq(strncmp(line, head, strlen(head)), 0, "%s", line);
        line += strlen(head);
        snprintf(out + strlen(out), cap - strlen(out), "%.*s ", (int)strcspn(line, ","), line);
    }
    free(said);
}

Test(mynetworks, compare)
{
    static struct settings s;
    struct addr_net net[2];
    char text[256];
    size_t i;

    cr_assert(addr_net_parse(&net[0], "198.51.100.0/25", 15) &&
              addr_net_parse(&net[1], "2001:db8:1::/48", 15));
    s.exempt.private_ = true;
    s.exempt.networks.n = 2;
    s.exempt.networks.net = net;
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        named(text, sizeof text, &s, rows[i].text);
        cr_expect_str_eq(text, rows[i].missing, "%s: %s", rows[i].why, text);
    }
    s.exempt.private_ = false;
    named(text, sizeof text, &s, "127.0.0.0/8");
    cr_expect_str_eq(text, "127.0.0.0/8 ", "private ones too, when they are checked");
}
