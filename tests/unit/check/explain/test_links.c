/* The chain link by link: what is said of each client, and which records fix it.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/check/explain/explain_shared.h"

#define PTR  "244.1.0.100.in-addr.arpa. PTR "
#define H(n) "h0000" n ".example.net"

/* "state title: text" of each link, between "; ". */
static const char *links_text(const struct links *l)
{
    static char text[8192];
    size_t n = 0;
    unsigned i;

    text[0] = '\0';
    for (i = 0; i < l->n; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %s: %s", i > 0 ? "; " : "",
                              link_word(l->link[i].state), l->link[i].title, l->link[i].text);
    return text;
}

/* "1 record; 2 record"; a repeated one is only its number. */
static const char *fixes_text(const struct links *l)
{
    static char text[8192];
    size_t n = 0;
    unsigned i, k;

    text[0] = '\0';
    for (i = 0; i < l->n; i++)
        for (k = 0; k < l->link[i].fixes; k++) {
            const struct fix *x = &l->link[i].fix[k];

            cr_expect(strlen(x->how) < sizeof x->how - 1 && x->how[strlen(x->how) - 1] == ':',
                      "it was cut: %s", x->how);
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%u%s%s", n > 0 ? "; " : "",
                                  x->number, x->repeated ? "" : " ", x->repeated ? "" : x->record);
        }
    return text;
}

#define SETTING(n)                                                                                 \
    "Postfix   smtp_helo_name = " n "\nSendmail  define(`confHELO_NAME', `" n                      \
    "')dnl\nExim      primary_hostname = " n
#define NAMED(n)  "; ok not generic: " H(n) ": "
#define IS_HOST   "; ok host name: yes, not a bare domain"
#define NO_HELO   "; unknown HELO: no HELO given here: judged as if the client had sent none"
#define TRIED(q)  "dig +trace " q
#define NO_ANSWER "no answer from DNS in time"

Test(links, names)
{
    static const struct {
        const char *names, *has, *fixes, *why;
    } row[] = {
        {"", "broken PTR record: the address has no PTR record" NO_HELO,
         "2 " PTR "mail.example.com.; 1 mail.example.com. A 100.0.1.244", "no PTR"},
        {"-", "unknown PTR record: " NO_ANSWER NO_HELO, "1 " TRIED("244.1.0.100.in-addr.arpa. PTR"),
         "DNS told nothing"},
        {"x", "", "", "exempt: nothing was looked at"},
        {"C", "ok PTR record: 100.0.1.244 -> " H("0") "; ok resolves back: " H("0"), "",
         "confirmed"},
        {"N", "broken resolves back: " H("0") " has no A record", "1 " H("0") ". A 100.0.1.244",
         "no address"},
        {"E", "broken resolves back: " H("0") ", not 100.0.1.244", "1 " H("0") ". A 100.0.1.244",
         "elsewhere"},
        {"T", "unknown resolves back: " H("0") ": " NO_ANSWER, "1 " TRIED(H("0") ". A"),
         "a timeout"},
        {"S",
         "unknown resolves back: " H(
             "0") ": the name servers failed (SERVFAIL), or DNSSEC validation at your resolver",
         "1 " TRIED(H("0") ". A"), "SERVFAIL"},
        {"B", "unknown resolves back: " H("0") ": the DNS answer fails DNSSEC validation",
         "1 " TRIED(H("0") ". A"), "bogus"},
        {"O", "unknown resolves back: " H("0") ": not asked: too many DNS questions at once",
         "1 " TRIED(H("0") ". A"), "shed"},
        {"CE", "ok resolves back: " H("0") "; weak resolves back: " H("1") ", not 100.0.1.244",
         "1 " H("1") ". A 100.0.1.244; 2 " PTR H("0") ".", "one of two is confirmed"},
        {"EC", "weak resolves back: " H("0") ", not 100.0.1.244; ok resolves back: " H("1"),
         "1 " H("0") ". A 100.0.1.244; 2 " PTR H("1") ".", "whichever comes first"},
        {"CCCC", "-> " H("0") ", " H("1") ", " H("2") " and 1 more; ", "1 " PTR H("0") ".",
         "three names are shown"},
        {"CCC", "-> " H("0") ", " H("1") ", " H("2") "; ", "1 " PTR H("0") ".", "all three"},
        {"CC",
         "weak one PTR name: 2 PTR records are published; many receivers look at only one "
         "of them",
         "1 " PTR H("0") ".", "two PTR records are one too many"},
    };
    struct made m;
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        make(&m, row[i].names, NULL, NAME_PENDING);
        judge(&m);
        cr_expect_not_null(strstr(links_text(&m.e.links), row[i].has), "%s: %s", row[i].why,
                           links_text(&m.e.links));
        cr_expect_str_eq(fixes_text(&m.e.links), row[i].fixes, "%s", row[i].why);
        unmake(&m);
    }
}

Test(links, helo)
{
    static const struct {
        const char *names, *helo;
        enum name_state forward;
        const char *link, *fixes, *why;
    } row[] = {
        {"C", H("0"), NAME_PENDING, "ok HELO: " H("0") " is the confirmed PTR name", "",
         "verified"},
        {"C", "mail.other.example", NAME_CONFIRMED,
         "ok HELO: mail.other.example resolves to the client", "", "forward"},
        {"C", "x.example.net", NAME_ELSEWHERE,
         "ok HELO: x.example.net is in the domain of the confirmed PTR name", "", "aligned"},
        {"C", "x.example.net", NAME_NOWHERE,
         "weak HELO: x.example.net is in the domain of the confirmed PTR name, but does not "
         "resolve: receivers that look it up refuse it",
         "1 " SETTING(H("0")), "aligned, and no name of anything"},
        {"C", "mail.other.example", NAME_ELSEWHERE,
         "broken HELO: mail.other.example resolves elsewhere, not to the client",
         "1 " SETTING(H("0")), "a confirmed name is the better HELO"},
        {"", "mail.other.example", NAME_ELSEWHERE,
         "broken HELO: mail.other.example resolves elsewhere, not to the client",
         "2 " PTR "mail.other.example.; 1 mail.other.example. A 100.0.1.244; 1",
         "without one the HELO name becomes the PTR name"},
        {"", "mail.other.example", NAME_CONFIRMED, "ok HELO: ", "1 " PTR "mail.other.example.",
         "it resolves back already"},
        {"E", "mail.other.example", NAME_CONFIRMED, "ok HELO: ", "1 " PTR "mail.other.example.",
         "a good HELO name is better than the PTR name"},
        {"C", "mail.other.example", NAME_TIMEOUT,
         "unknown HELO: mail.other.example or a related PTR name could not be looked up",
         "1 dig +trace mail.other.example. A", "DNS told nothing"},
        {"C", "PC-17", NAME_PENDING, "broken HELO: PC-17 is not a fully qualified name",
         "1 " SETTING(H("0")), "one label"},
        {"C", "[100.0.1.244]", NAME_PENDING,
         "weak HELO: [100.0.1.244] is valid, but a host name is expected", "1 " SETTING(H("0")),
         "a literal"},
        {"C", "[100.0.1.245]", NAME_PENDING,
         "broken HELO: [100.0.1.245] is not the client's address", "1 " SETTING(H("0")),
         "a literal of another"},
        {"C", "100.0.1.244", NAME_PENDING,
         "broken HELO: 100.0.1.244 is an address without brackets", "1 " SETTING(H("0")),
         "no brackets"},
        {"C", "localhost", NAME_PENDING, "is the name of this server, or localhost",
         "1 " SETTING(H("0")), "localhost"},
        {"C", "a=b c", NAME_PENDING, "broken HELO: a\\x3db\\x20c is not a valid host name",
         "1 " SETTING(H("0")), "made visible"},
        {"C", "", NAME_PENDING, "broken HELO: none was sent", "1 " SETTING(H("0")),
         "a HELO of no octets"},
        {"", "a=b", NAME_PENDING, "broken HELO: a\\x3db is not a valid host name",
         "2 " PTR
         "mail.example.com.; 1 mail.example.com. A 100.0.1.244; 3 " SETTING("mail.example.com"),
         "nothing to build on: an example"},
    };
    struct made m;
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        make(&m, row[i].names, row[i].helo, row[i].forward);
        judge(&m);
        cr_expect_not_null(strstr(links_text(&m.e.links), row[i].link), "%s: %s", row[i].why,
                           links_text(&m.e.links));
        cr_expect_str_eq(fixes_text(&m.e.links), row[i].fixes, "%s", row[i].why);
        unmake(&m);
    }
}

/* Up to 64 octets of a HELO that is no name are shown. */
Test(links, long_helo)
{
    char helo[67];
    struct made m;
    unsigned n;

    for (n = 63; n <= 65; n++) {
        memset(helo, '/', sizeof helo);
        helo[n] = '\0';
        make(&m, "C", helo, NAME_PENDING);
        judge(&m);
        cr_expect_eq(strstr(links_text(&m.e.links), "; broken HELO: the name is not") != NULL,
                     n > 64, "%u octets", n);
        unmake(&m);
    }
}

/* An example says so; a name that the sender has does not. */
Test(links, examples_are_marked)
{
    struct made m;

    make(&m, "", NULL, NAME_PENDING);
    judge(&m);
    cr_expect_str_eq(m.e.links.link[0].fix[0].how,
                     "The provider of the address should publish a PTR record, such as:");
    unmake(&m);
    make(&m, "", "mail.other.example", NAME_NOWHERE);
    judge(&m);
    cr_expect_str_eq(m.e.links.link[0].fix[0].how,
                     "The provider of the address should publish a PTR record:");
    unmake(&m);
}

Test(links, words)
{
    static const char *const word[] = {"timeout",    "confirmed", "elsewhere", "too-many-addresses",
                                       "no-address", "timeout",   "servfail",  "bogus",
                                       "overload"};
    size_t i;

    for (i = 0; i < ARRAY_LEN(word); i++)
        cr_expect_str_eq(name_state_word((enum name_state)i), word[i]);
}
