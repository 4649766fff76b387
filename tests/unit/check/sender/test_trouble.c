/* What is wrong with the servers of a zone: tables of what each has said.
 *
 * A letter for each server: a, b: answers with this record; e: with none that is valid; -: no such
 * name; 0: has no address; R: REFUSED; F: failed; L: lame; S: silent; X: nothing listens; N: no
 * route; ?: not asked; t: a by UDP, silent by TCP; u: the other way round; C: cut by UDP, a by TCP;
 * c: cut, silent by TCP.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/looks.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

static void name(struct dname *d, const char *text)
{
    cr_assert(dname_from_text(d, text, strlen(text)));
}

static struct said said(char letter)
{
    static const char letters[] = "?-CRFLSXN";
    static const enum said_kind kind[] = {SAID_NONE,    SAID_NXDOMAIN, SAID_CUT,
                                          SAID_REFUSED, SAID_ERROR,    SAID_LAME,
                                          SAID_SILENT,  SAID_CLOSED,   SAID_UNREACHABLE};
    struct said s = {.ttl = 300};
    const char *at = strchr(letters, letter);
    char text[] = "x.example";

    if (at != NULL) {
        s.kind = kind[at - letters];
        return s;
    }
    s.kind = SAID_DATA;
    if (letter == 'e')
        return s;
    s.n = 1;
    text[0] = letter;
    name(&s.record[0].name, text);
    return s;
}

static struct server server(char letter, unsigned i)
{
    struct server s = {.addr = {.family = ADDR_IPV4, .bytes = {192, 0, 2, (uint8_t)(i + 1)}}};
    char text[] = "ns0.example";

    text[2] = (char)('1' + i);
    name(&s.name, text);
    if (letter == '0')
        s.addr.family = ADDR_NONE;
    s.udp = said(letter == 't'   ? 'a'
                 : letter == 'u' ? 'S'
                 : letter == 'c' ? 'C'
                 : letter == '0' ? '?'
                                 : letter);
    s.tcp = said(strchr("uC", letter) != NULL   ? 'a'
                 : strchr("tc", letter) != NULL ? 'S'
                 : letter == '0'                ? '?'
                                                : letter);
    return s;
}

static struct looks *looks(char cached, const char *servers, bool behind)
{
    struct looks *l = calloc(1, sizeof *l);
    struct look *k;
    struct dname asked;

    cr_assert_not_null(l);
    name(&asked, "1.2.0.192.in-addr.arpa");
    looks_add(l, &asked, RR_PTR);
    k = &l->look[0];
    k->cached = said(cached);
    k->soa.zoned = true;
    name(&k->soa.zone, "2.0.192.in-addr.arpa");
    k->behind = behind;
    name(&k->alias, "alias.example");
    for (; *servers != '\0'; servers++) {
        k->server[k->servers] = server(*servers, k->servers);
        k->servers++;
    }
    return l;
}

#define NS1   "name server ns1.example (192.0.2.1) of 2.0.192.in-addr.arpa"
#define NS2   "name server ns2.example (192.0.2.2) of 2.0.192.in-addr.arpa"
#define ABOUT "1.2.0.192.in-addr.arpa PTR"
#define WAIT  ". Wait until then, or flush your resolver's cache"
#define OLD   "your resolver still has the old answer for " ABOUT " until 00:06 UTC (in 300 s): "

Test(trouble, servers)
{
    static const struct {
        char cached;
        const char *servers, *says, *states; /* sentences between |; a digit for each server */
    } row[] = {
        {'a', "aa", "", "00"},
        {'-', "--", "", "00"},
        {'a', "", "", ""},
        {'a', "ab",
         "the name servers disagree about " ABOUT ": ns1.example (192.0.2.1) says a.example; "
         "ns2.example (192.0.2.2) says b.example",
         "01"},
        {'b', "abb",
         "the name servers disagree about " ABOUT ": ns2.example (192.0.2.2) says b.example; "
         "ns1.example (192.0.2.1) says a.example",
         "100"},
        {'a', "a-",
         "the name servers disagree about " ABOUT ": ns1.example (192.0.2.1) says a.example; "
         "ns2.example (192.0.2.2) says no such name",
         "01"},
        {'-', "-e",
         "the name servers disagree about " ABOUT ": ns1.example (192.0.2.1) says no such name; "
         "ns2.example (192.0.2.2) says no valid record",
         "01"},
        {'b', "aa", OLD "b.example; the name servers say a.example" WAIT, "00"},
        {'-', "aa", OLD "no such name; the name servers say a.example" WAIT, "00"},
        {'a', "--", OLD "a.example; the name servers say no such name" WAIT, "00"},
        {'F', "aa",
         "your resolver has no answer for " ABOUT ": failed (SERVFAIL, or a damaged answer); "
         "the name servers say a.example",
         "00"},
        {'a', "aR", NS2 ": refuses to answer (REFUSED)", "02"},
        {'a', "aF", NS2 ": failed (SERVFAIL, or a damaged answer)", "02"},
        {'a', "aL", NS2 ": does not serve this zone (lame)", "02"},
        {'a', "aS", NS2 ": does not answer", "02"},
        {'a', "aX", NS2 ": nothing listens at port 53", "02"},
        {'a', "aN", "", "03"},
        {'a', "a?", "", "03"},
        {'a', "a0", "name server ns2.example of 2.0.192.in-addr.arpa has no address", "02"},
        {'a', "at", NS2 " does not answer by TCP", "02"},
        {'a', "au", NS2 " does not answer by UDP", "02"},
        {'a', "aC", "", "00"},
        {'a', "ac", NS2 " cuts its answer and does not answer by TCP", "02"},
        {'a', "RS", NS1 ": refuses to answer (REFUSED)|" NS2 ": does not answer", "22"},
        {'a', "SS", "", "22"}, /* nobody: it is this machine that cannot ask */
        {'a', "SX", "", "22"},
        {'a', "NN", "", "33"},
    };
    size_t i;
    unsigned k;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        struct looks *l = looks(row[i].cached, row[i].servers, false);
        char all[4096] = "", states[SERVERS_MAX + 1] = "";

        looks_judge(l, 60);
        for (k = 0; k < l->troubles; k++) {
            strncat(all, k > 0 ? "|" : "", sizeof all - strlen(all) - 1);
            strncat(all, l->trouble[k], sizeof all - strlen(all) - 1);
        }
        for (k = 0; k < l->look[0].servers; k++)
            states[k] = (char)('0' + (int)l->look[0].server[k].state);
        cr_expect_str_eq(all, row[i].says, "%c %s: %s", row[i].cached, row[i].servers, all);
        cr_expect_str_eq(states, row[i].states, "%c %s", row[i].cached, row[i].servers);
        cr_expect_eq(l->deaf,
                     strspn(row[i].servers, "SXN") == strlen(row[i].servers) &&
                         row[i].servers[0] != '\0',
                     "%s", row[i].servers);
        free(l);
    }
}

/* An answer that does not grow older is no old one. */
Test(trouble, own_entry)
{
    struct looks *l = looks('b', "aa", false);

    l->look[0].own = true;
    looks_judge(l, 60);
    cr_assert_eq(l->troubles, 1);
    cr_expect_str_eq(l->trouble[0], "your resolver has an entry of its own for " ABOUT
                                    ", which the world does not see: b.example; the name servers "
                                    "say a.example");
    free(l);
}

/* Name servers as the resolver has them, then as the zone above has them, a letter for each (0: an
 * answer without any, ?: none known). */
static struct said servers(const char *letters)
{
    struct said s = {.kind = letters[0] == '?'   ? SAID_NONE
                             : letters[0] == '0' ? SAID_NXDOMAIN
                                                 : SAID_DATA};
    char text[] = "x.example";

    for (; s.kind == SAID_DATA && *letters != '\0'; letters++) {
        text[0] = *letters;
        name(&s.record[s.n++].name, text);
    }
    return s;
}

Test(trouble, local_zones)
{
    static const struct {
        const char *ns, *parent, *says; /* the end of the sentence; NULL: nothing is said */
    } row[] = {
        {"ab", "ab", NULL},
        {"ab", "bc", NULL},
        {"ab", "?", NULL},
        {"?", "a", NULL},
        {"?", "0", NULL},
        {"0", "?", "it has no name servers"},
        {"0", "a", "it has no name servers"},
        {"ab", "0", "the servers of 0.192.in-addr.arpa do not have it"},
        {"ab", "cd", "the servers of 0.192.in-addr.arpa name others, c.example, d.example"},
    };
    char text[512];
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        struct looks *l = looks('a', "aa", false);

        l->look[0].ns = servers(row[i].ns);
        l->look[0].parent = servers(row[i].parent);
        name(&l->look[0].above, "0.192.in-addr.arpa");
        looks_judge(l, 60);
        cr_assert_eq(l->troubles, row[i].says != NULL, "%s %s", row[i].ns, row[i].parent);
        cr_expect_eq(look_local(&l->look[0]), row[i].says != NULL, "%s %s", row[i].ns,
                     row[i].parent);
        snprintf(text, sizeof text,
                 "2.0.192.in-addr.arpa is a zone of your resolver's own: %s. To see what the world "
                 "sees, ask another resolver (--server)",
                 row[i].says);
        if (row[i].says != NULL)
            cr_expect_str_eq(l->trouble[0], text);
        l->troubles = 0;
        l->zone_file = true;
        looks_judge(l, 60);
        cr_expect_eq(l->troubles, row[i].says != NULL && row[i].ns[0] != '0', "%s", row[i].ns);
        free(l);
    }
}

/* A server of two names is named once. */
Test(trouble, once)
{
    struct looks *l = looks('a', "aR", false);
    struct dname other;

    name(&other, "2.2.0.192.in-addr.arpa");
    looks_add(l, &other, RR_PTR);
    looks_add(l, &other, RR_PTR);
    cr_expect_eq(l->n, 2);
    l->look[1] = l->look[0];
    l->look[1].name = other;
    looks_judge(l, 60);
    cr_expect_eq(l->troubles, 1);
    free(l);
}

Test(trouble, alias_to_nowhere)
{
    struct looks *l = looks('-', "--", true);

    looks_judge(l, 60);
    cr_assert_eq(l->troubles, 1);
    cr_expect_str_eq(
        l->trouble[0],
        "alias.example is an alias of 1.2.0.192.in-addr.arpa, which has no PTR record");
    free(l);
}

/* One below, at and one above. */
Test(trouble, bounds)
{
    struct looks *l = calloc(1, sizeof *l);
    struct dname d;
    char text[32];
    unsigned i;

    cr_assert_not_null(l);
    for (i = 1; i <= LOOKS_MAX + 1; i++) {
        snprintf(text, sizeof text, "n%u.example", i);
        name(&d, text);
        looks_add(l, &d, RR_A);
        cr_expect_eq(l->n, i < LOOKS_MAX ? i : LOOKS_MAX);
        cr_expect_eq(l->left_out, i <= LOOKS_MAX ? 0 : 1);
    }
    free(l);
}

/* The first label of a SOA mailbox is the local part, whatever it contains. */
Test(trouble, mailbox)
{
    static const struct {
        const char *wire;
        size_t n;
        const char *text;
    } row[] = {
        {"\3dns\7example", 13, "dns@example"},
        {"\7a.b-c_d\7example", 17, "a.b-c_d@example"},
        {"\3a\001\"\7example", 13, "a\\x01\\x22@example"},
        {"\3dns", 5, "-"},
        {"", 1, "-"},
    };
    char text[256];
    struct sbuf sb;
    struct dname d;
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        cr_assert(dname_from_wire(&d, (const uint8_t *)row[i].wire, row[i].n), "%zu", i);
        sbuf_init(&sb, text, sizeof text);
        mailbox_put(&sb, &d);
        cr_expect_str_eq(text, row[i].text, "%zu", i);
    }
}
