/* Unit tests of exempt.c: names and recipients on lists.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/exempt.h"

#include "tests/unit/facts.h"

Test(exempt, name_list_entries)
{
    static const struct {
        const char *entry;
        bool valid;
    } rows[] = {
        {"mail.example.com", true},
        {".example.com", true},
        {".lan", true},
        {"a_b-c.example.com", true},
        {"mail.example.com.", true},
        {".a1.example", true},
        {".1.example", true},
        {".0.2", false},
        {".192.0.2.1", false},
        {"", false},
        {".", false},
        {"..", false},
        {"localhost", false},
        {"Mail.example.com", false},
        {".Example.com", false},
        {"*.example.com", false},
        {"mail..example.com", false},
        {"..example.com", false},
        {"mail example.com", false},
        {"192.0.2.1", false},
        {"caf\xc3\xa9.example.com", false},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect(name_list_valid(rows[i].entry) == rows[i].valid, "'%s'", rows[i].entry);
}

Test(exempt, name_list_match)
{
    static const struct {
        const char *entry, *name;
        bool match;
    } rows[] = {
        {"mail.example.com", "mail.example.com", true},
        {"mail.example.com.", "mail.example.com", true},
        {"mail.example.com", "MAIL.Example.COM", true},
        {"mail.example.com", "a.mail.example.com", false},
        {"mail.example.com", "xmail.example.com", false},
        {"mail.example.com", "mail.example.co", false},
        {".example.com", "mail.example.com", true},
        {".example.com.", "mail.example.com", true},
        {".example.com", "a.b.example.com", true},
        {".example.com", "example.com", false},
        {".example.com", "badexample.com", false},
        {".example.com", "mail.example.com.evil.net", false},
        {".lan", "host.lan", true},
        {".com", "example.com", true},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const entries[] = {"first.example.org", rows[i].entry, ".last.example.org"};
        struct name_list list = {3, entries}, empty = {0, NULL};
        struct dname name = name_of(rows[i].name);

        cr_expect(name_list_has(&list, &name) == rows[i].match, "%s on %s", rows[i].name,
                  rows[i].entry);
        cr_expect(!name_list_has(&empty, &name));
    }
}

Test(exempt, B4_a_dot_inside_a_label_is_on_no_list)
{
    const char *const entries[] = {"mail.example.com", ".example.com", "."};
    struct name_list list = {3, entries};
    struct dname name;

    cr_assert(dname_from_wire(&name, (const uint8_t *)"\14mail.example\3com", 18));
    cr_expect(!name_list_has(&list, &name));
    cr_assert(dname_from_wire(&name, (const uint8_t *)"", 1));
    cr_expect(!name_list_has(&list, &name), "the root");
}

Test(exempt, exempt_hosts_are_confirmed_names_only)
{
    static const struct {
        const char *letters; /* names h00000.example.net and on */
        const char *entry;
        bool exempt;
    } rows[] = {
        {"C", "h00000.example.net", true},   {"C", ".example.net", true},
        {"C", "h00001.example.net", false},  {"EC", "h00001.example.net", true},
        {"EC", "h00000.example.net", false}, {"TC", "h00000.example.net", false},
        {"CC", "h00001.example.net", true},  {"E", ".example.net", false},
        {"N", ".example.net", false},        {"L", ".example.net", false},
        {"T", ".example.net", false},        {"P", ".example.net", false},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const entries[] = {rows[i].entry};
        struct name_list list = {1, entries};
        static struct chain chain;
        struct fcrdns f;

        run(&f, rows[i].letters);
        fcrdns_chain(&f, &chain);
        cr_expect(exempt_host(&chain, &list) == rows[i].exempt, "%s %s", rows[i].letters,
                  rows[i].entry);
        cr_expect(!exempt_host(NULL, &list));
    }
}

Test(exempt, recipients)
{
    static const struct {
        const char *entry, *address;
        bool exempt;
    } rows[] = {
        /* RFC 5321 4.5.1: postmaster with or without a domain, in any case */
        {"postmaster", "<postmaster@example.com>", true},
        {"postmaster", "<Postmaster>", true},
        {"postmaster", "<POSTMASTER@[192.0.2.1]>", true},
        {"postmaster", "postmaster@example.com", true},
        {"postmaster", "postmaster", true},
        {"postmaster", "<postmaster@example.com> ", true},
        {"postmaster", "<postmaster@example.com.>", true},
        {"PostMaster", "<postmaster@example.com>", true},
        {"postmaster", "<\"postmaster\"@example.com>", true},
        {"postmaster", "<\"Post\\master\"@example.com>", true},
        {"postmaster", "<post\\master@example.com>", true},
        {"postmaster", "<@a.example,@b.example:postmaster@example.com>", true},
        {"postmaster", "<@[IPv6:2001:db8::1],@b.example:postmaster@example.com>", true},
        {"postmaster", "<@a.example:user@postmaster>", false},
        {"postmaster", "<@postmaster:user@c.example>", false},
        {"postmaster", "<postmaster+x@example.com>", false},
        {"postmaster", "<xpostmaster@example.com>", false},
        {"postmaster", "<postmaste@example.com>", false},
        {"postmaster", "<user@postmaster>", false},
        {"postmaster", "<\"postmaster \"@example.com>", false},
        {"postmaster", "<\"postmaster@example.com\"@other.example>", false},
        {"postmaster", "<\"postmaster@example.com\">", false},
        {"postmaster", "<postmaster@other@example.com>", false},
        {"postmaster", "<postmaster%other@example.com>", false},
        {"postmaster", "<postmaster@>", false},
        {"postmaster", "<postmaster@.>", false},
        /* no address at all */
        {"postmaster", "", false},
        {"postmaster", "<>", false},
        {"postmaster", "<", false},
        {"postmaster", ">", false},
        {"postmaster", "<postmaster", false},
        {"postmaster", "<postmaster@example.com> <user@example.com>", false},
        {"postmaster", "<postmaster@example.com>,user@example.com", false},
        {"postmaster", "<postmaster@exa mple.com>", false},
        {"postmaster", "<\"postmaster>", false},
        {"postmaster", "<\"\"@example.com>", false},
        {"postmaster", "<postmaster\\>", false},
        {"postmaster", "<@example.com>", false},
        {"postmaster", "<@a.example:>", false},
        {"postmaster", NULL, false},
        /* whole addresses */
        {"user@example.com", "<User@Example.COM>", true},
        {"user@example.com", "<\"user\"@example.com.>", true},
        {"user@example.com", "<user@example.net>", false},
        {"user@example.com", "<user>", false},
        {"user@example.com", "<user@sub.example.com>", false},
        {"user@example.com", "<user@example.co>", false},
        {"user@example.com", "<use@example.com>", false},
        {"\"john smith\"@example.com", "<\"John Smith\"@example.com>", true},
        /* domains */
        {"@example.com", "<anyone@EXAMPLE.com>", true},
        {"@example.com", "<\"a@b\"@example.com>", true},
        {"@example.com", "<anyone@sub.example.com>", false},
        {"@example.com", "<anyone@badexample.com>", false},
        {"@example.com", "<example.com>", false},
        {"@example.com", "<@example.com:user@other.example>", false},
        {"@example.com", "<user@example.com", false},
        {"@", "<user>", false},
        {"", "<user@example.com>", false},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const entries[] = {"abuse@first.example", rows[i].entry, "@last.example"};
        struct name_list list = {3, entries}, empty = {0, NULL};

        cr_expect(exempt_recipient(rows[i].address, &list) == rows[i].exempt, "%s on %s",
                  rows[i].address ? rows[i].address : "NULL", rows[i].entry);
        cr_expect(!exempt_recipient(rows[i].address, &empty));
    }
}

/* What stands on a line, as a key and back. */
Test(exempt, keys_of_lists)
{
    static const struct {
        const char *line;
        size_t len;
        const char *says;
    } row[] = {
        {"192.0.2.0/24", 6, "first octet, length, four octets"},
        {"192.0.2.1/32", 6, "the same"},
        {"2001:db8::/32", 18, "sixteen octets"},
        {"mail.example.com", 19, "first octet and wire form"},
        {".example.com", 14, "the same, of the domain"},
    };
    struct listed c[2];
    char text[DNAME_VISIBLE_MAX];
    struct addr_net net;
    struct listed_key k;
    struct dname d;
    struct sbuf sb;
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        bool below = row[i].line[0] == '.';

        if (addr_net_parse(&net, row[i].line, strlen(row[i].line))) {
            k = listed_network(&net);
        } else {
            cr_assert(dname_from_text(&d, row[i].line + below, strlen(row[i].line + below)));
            k = listed_name(&d, below);
        }
        cr_expect_eq(k.len, row[i].len, "%s: %s", row[i].line, row[i].says);
        c[0] = c[1] = (struct listed){k.octets, k.len, 1000};
        sbuf_init(&sb, text, sizeof text);
        listed_put(&sb, &c[0]);
        cr_expect_str_eq(text, row[i].line);
        cr_expect_eq(listed_compare(&c[0], &c[1]), 0, "%s: equal", row[i].line);
        c[1].end = 1001;
        cr_expect(listed_compare(&c[0], &c[1]) < 0 && listed_compare(&c[1], &c[0]) > 0);
    }
}

Test(exempt, A4_recipient_of_any_length)
{
    static char address[5000];
    const char *const entries[] = {"postmaster", "@example.com"};
    struct name_list list = {2, entries};
    size_t n;

    for (n = 1; n < sizeof address - 16; n += n < 300 ? 1 : 97) {
        memset(address, 'p', n);
        memcpy(address + n, "@example.net", 13);
        cr_expect(!exempt_recipient(address, &list), "%zu octets", n);
        memset(address, '<', n);
        address[n] = '\0';
        cr_expect(!exempt_recipient(address, &list), "%zu brackets", n);
        memset(address, '\\', n);
        cr_expect(!exempt_recipient(address, &list), "%zu backslashes", n);
    }
}

/* Whether a name is a registrable domain is not the list's to say. */
