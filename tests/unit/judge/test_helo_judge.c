/* HELO names and what DNS said of the client: every relation, and who is us.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/helo.h"

#include <criterion/criterion.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

static struct addr addr_of(const char *text)
{
    struct addr a = {.family = ADDR_NONE};

    if (text != NULL)
        cr_assert(addr_parse(&a, text, strlen(text)), "%s", text);
    return a;
}

static struct dname name_of(const char *text)
{
    struct dname d = {.len = 1};

    if (text != NULL)
        cr_assert(dname_from_text(&d, text, strlen(text)), "%s", text);
    return d;
}

static const char *const state_words[] = {
    [NAME_PENDING] = "pending",   [NAME_CONFIRMED] = "confirmed", [NAME_ELSEWHERE] = "elsewhere",
    [NAME_CAPPED] = "capped",     [NAME_NOWHERE] = "nowhere",     [NAME_TIMEOUT] = "timeout",
    [NAME_SERVFAIL] = "servfail", [NAME_BOGUS] = "bogus",         [NAME_OVERLOAD] = "overload",
};

static bool is_transient(enum name_state s)
{
    return s == NAME_PENDING || s >= NAME_TIMEOUT;
}

/* text: NULL, "temperror", "" (no PTR), or "NAME=STATE NAME=STATE ...". */
static const struct chain *chain_of(struct chain *out, const char *text, const struct addr *client)
{
    struct fcrdns f;
    size_t state;

    if (text == NULL)
        return NULL;
    if (strcmp(text, "temperror") == 0) {
        chain_temperror(out, client, F_DNS_TIMEOUT);
        return out;
    }
    fcrdns_start(&f, client);
    f.answered = true;
    f.ptr = *text == '\0' ? ANSWER_NXDOMAIN : ANSWER_DATA;
    while (*text != '\0') {
        size_t name = strcspn(text, "=");
        size_t word = strcspn(text + name, " ");
        struct fcrdns_name *n = &f.name[f.names++];

        cr_assert(dname_from_text(&n->name, text, name));
        for (state = 0; state < ARRAY_LEN(state_words); state++)
            if (strlen(state_words[state]) == word - 1 &&
                memcmp(state_words[state], text + name + 1, word - 1) == 0)
                break;
        cr_assert(state < ARRAY_LEN(state_words), "%s", text);
        n->state = (uint8_t)state;
        text += name + word;
        text += *text == ' ';
    }
    f.published = f.names;
    fcrdns_chain(&f, out);
    return out;
}

#define CLIENT "192.0.2.1"

struct judge_row {
    const char *helo;
    const char *client; /* NULL: CLIENT */
    const char *chain;  /* as for chain_of */
    enum name_state forward;
    bool unasked; /* HELO questions are switched off */
    enum finding word;
    const char *why;
};

/* We are mx.example.org at 203.0.113.25; the MTA calls itself mta.example.org. */
static const struct self us = {
    .name = {.len = 16, .wire = "\2mx\7example\3org"},
    .mta = {.len = 17, .wire = "\3mta\7example\3org"},
    .addr = {.family = ADDR_IPV4, .bytes = {203, 0, 113, 25}},
};

static void check_judge(const struct judge_row *rows, size_t n, const struct self *self)
{
    struct chain chain;
    struct helo h;
    size_t i;

    for (i = 0; i < n; i++) {
        const struct judge_row *row = &rows[i];
        struct addr client = addr_of(row->client == NULL ? CLIENT : row->client);
        enum finding word;

        helo_parse(&h, row->helo, row->helo == NULL ? 0 : strlen(row->helo));
        word = helo_judge(&h, &client, self, chain_of(&chain, row->chain, &client), row->forward,
                          !row->unasked);
        cr_expect(word == row->word, "`%s`, chain `%s`, forward %d: %s, not %s (%s)", row->helo,
                  row->chain, row->forward, finding_word(word), finding_word(row->word), row->why);
    }
}

Test(helo_judge, forms)
{
    static const struct judge_row rows[] = {
        {NULL, NULL, "", NAME_PENDING, false, F_HELO_MISSING, "RFC 5321 4.1.1.1 wants one"},
        {"", NULL, NULL, NAME_PENDING, false, F_HELO_MISSING, "RFC 5321 4.1.1.1 wants one"},
        {"a b", NULL, NULL, NAME_PENDING, false, F_HELO_INVALID, "RFC 5321 4.1.1.1"},
        {CLIENT, NULL, NULL, NAME_PENDING, false, F_HELO_BARE_ADDRESS, "RFC 5321 4.1.3"},
        {"203.0.113.25", NULL, NULL, NAME_PENDING, false, F_HELO_BARE_ADDRESS, "form goes first"},
        {"[192.0.2.1]", NULL, NULL, NAME_PENDING, false, F_HELO_LITERAL, "RFC 5321 4.1.4"},
        {"[192.0.2.2]", NULL, NULL, NAME_PENDING, false, F_HELO_LITERAL_MISMATCH, "4.1.4"},
        {"[IPv6:2001:db8::1]", "2001:db8::1", NULL, NAME_PENDING, false, F_HELO_LITERAL, "4.1.4"},
        {"[IPv6:2001:DB8:0::1]", "2001:db8::1", NULL, NAME_PENDING, false, F_HELO_LITERAL,
         "values are compared, not text"},
        {"[IPv6:2001:db8::2]", "2001:db8::1", NULL, NAME_PENDING, false, F_HELO_LITERAL_MISMATCH,
         "RFC 5321 4.1.4"},
        {"[IPv6:::ffff:192.0.2.1]", NULL, NULL, NAME_PENDING, false, F_HELO_LITERAL, "A19"},
        {"PC-17", NULL, "", NAME_PENDING, false, F_HELO_UNQUALIFIED, "RFC 5321 2.3.5"},
        {"pc-17", NULL, NULL, NAME_PENDING, true, F_HELO_UNQUALIFIED, "RFC 5321 2.3.5"},
    };

    check_judge(rows, ARRAY_LEN(rows), &us);
}

Test(helo_judge, A9_self)
{
    static const struct judge_row rows[] = {
        {"mx.example.org", NULL, "", NAME_PENDING, false, F_HELO_SELF, "our name"},
        {"MX.Example.ORG.", NULL, NULL, NAME_PENDING, false, F_HELO_SELF, "our name"},
        {"mta.example.org", NULL, "", NAME_PENDING, false, F_HELO_SELF, "the MTA's name"},
        {"localhost", NULL, "", NAME_PENDING, false, F_HELO_SELF, "RFC 6761 6.3"},
        {"localhost.localdomain", NULL, "", NAME_PENDING, false, F_HELO_SELF, "custom"},
        {"[203.0.113.25]", NULL, "", NAME_PENDING, false, F_HELO_SELF, "our address"},
        {"[127.0.0.1]", NULL, "", NAME_PENDING, false, F_HELO_SELF, "localhost's address"},
        {"[IPv6:::1]", NULL, "", NAME_PENDING, false, F_HELO_SELF, "localhost's address"},
        {"[127.0.0.1]", "127.0.0.1", "", NAME_PENDING, false, F_HELO_LITERAL, "loopback"},
        {"mx.example.org", NULL, "mx.example.org=confirmed", NAME_PENDING, false, F_HELO_SELF,
         "a PTR cannot make our name theirs"},
        {"a.mx.example.org", NULL, "", NAME_NOWHERE, false, F_HELO_UNRESOLVED, "below is another"},
        {"example.org", NULL, "", NAME_ELSEWHERE, false, F_HELO_MISMATCH, "above is another"},
        {"localhost.example", NULL, "", NAME_ELSEWHERE, false, F_HELO_MISMATCH, "another"},
        {"mx.example.org", "203.0.113.25", "", NAME_PENDING, false, F_HELO_FORWARD, "we are"},
        {"mx.example.org", "203.0.113.25", "mx.example.org=confirmed", NAME_PENDING, false,
         F_HELO_VERIFIED, "we are"},
        {"mx.example.org", "127.0.0.1", NULL, NAME_PENDING, false, F_HELO_FORWARD, "loopback"},
        {"localhost.localdomain", "::1", NULL, NAME_PENDING, true, F_HELO_FORWARD, "loopback"},
        {"localhost", "127.0.0.1", "", NAME_PENDING, false, F_HELO_UNQUALIFIED, "loopback"},
        {"[203.0.113.25]", "203.0.113.25", "", NAME_PENDING, false, F_HELO_LITERAL, "we are"},
        {"[203.0.113.25]", "127.0.0.1", "", NAME_PENDING, false, F_HELO_LITERAL_MISMATCH, "4.1.3"},
    };
    static const struct self unknown = {.name = {.len = 1}, .mta = {.len = 1}};
    static const struct judge_row without[] = {
        {"mx.example.org", NULL, "", NAME_ELSEWHERE, false, F_HELO_MISMATCH, "no name known"},
        {"[203.0.113.25]", NULL, "", NAME_PENDING, false, F_HELO_LITERAL_MISMATCH, "no address"},
        {"localhost", NULL, "", NAME_PENDING, false, F_HELO_SELF, "always ours"},
        {NULL, NULL, "", NAME_PENDING, false, F_HELO_MISSING, "root name is no name"},
        {"a b", NULL, "", NAME_PENDING, false, F_HELO_INVALID, "root name is no name"},
    };

    check_judge(rows, ARRAY_LEN(rows), &us);
    check_judge(without, ARRAY_LEN(without), &unknown);
}

#define NAME "mail.example.com" /* shares example.com with the PTR names below */

Test(helo_judge, relations)
{
    static const struct judge_row rows[] = {
        {NAME, NULL, NAME "=confirmed", NAME_PENDING, false, F_HELO_VERIFIED, "equal"},
        {NAME, NULL, NAME "=confirmed z.example.com=confirmed", NAME_PENDING, false,
         F_HELO_VERIFIED, "any of the names"},
        {NAME, NULL, "a.example.net=nowhere " NAME "=confirmed", NAME_PENDING, false,
         F_HELO_VERIFIED, "any of the names"},
        {NAME, NULL, NAME "=confirmed " NAME ".b.example.com=timeout", NAME_PENDING, false,
         F_HELO_VERIFIED, "is final"},
        {NAME, NULL, NAME "=confirmed", NAME_ELSEWHERE, false, F_HELO_VERIFIED, "is final"},
        {NAME, NULL, "", NAME_CONFIRMED, false, F_HELO_FORWARD, "RFC 5321 4.1.4"},
        {NAME, NULL, NULL, NAME_CONFIRMED, false, F_HELO_FORWARD, "needs no chain"},
        {NAME, NULL, "a.example.com=confirmed", NAME_CONFIRMED, false, F_HELO_FORWARD, "order"},
        {NAME, NULL, "a.example.com=timeout", NAME_CONFIRMED, false, F_HELO_FORWARD, "order"},
        {NAME, NULL, "a.example.com=confirmed", NAME_ELSEWHERE, false, F_HELO_ALIGNED, "domain"},
        {NAME, NULL, "a.example.com=confirmed", NAME_NOWHERE, false, F_HELO_ALIGNED, "domain"},
        {NAME, NULL, "a.example.com=confirmed", NAME_TIMEOUT, false, F_HELO_ALIGNED, "domain"},
        {NAME, NULL, "a.example.com=confirmed", NAME_PENDING, true, F_HELO_ALIGNED, "domain"},
        {"example.com", NULL, "a.b.example.com=confirmed", NAME_ELSEWHERE, false, F_HELO_ALIGNED,
         "the domain itself"},
        {NAME, NULL, "a.example.com=confirmed b.example.com=timeout", NAME_ELSEWHERE, false,
         F_HELO_ALIGNED, "domain"},
        {NAME, NULL, "a.example.com=elsewhere", NAME_ELSEWHERE, false, F_HELO_MISMATCH,
         "only confirmed names align"},
        {NAME, NULL, "a.example.com=nowhere", NAME_ELSEWHERE, false, F_HELO_MISMATCH,
         "only confirmed names align"},
        {NAME, NULL, "a.example.net=confirmed", NAME_ELSEWHERE, false, F_HELO_MISMATCH,
         "other domain"},
        {"a.co.uk", NULL, "b.co.uk=confirmed", NAME_ELSEWHERE, false, F_HELO_MISMATCH,
         "a public suffix is not shared"},
        {"mailexample.com", NULL, "mail.example.com=confirmed", NAME_ELSEWHERE, false,
         F_HELO_MISMATCH, "labels are compared"},
        {NAME, NULL, "", NAME_ELSEWHERE, false, F_HELO_MISMATCH, "RFC 5321 4.1.4"},
        {NAME, NULL, "", NAME_NOWHERE, false, F_HELO_UNRESOLVED, "RFC 5321 2.3.5 resolvable"},
        {NAME, NULL, "", NAME_TIMEOUT, false, F_HELO_TEMPERROR, "RFC 8601 2.7.3 in spirit"},
        {NAME, NULL, "", NAME_PENDING, false, F_HELO_TEMPERROR, "not answered yet"},
        {NAME, NULL, "", NAME_PENDING, true, F_HELO_MISMATCH, "never asked"},
        {NAME, NULL, "a.example.net=timeout", NAME_ELSEWHERE, false, F_HELO_MISMATCH,
         "a stranger's trouble is none of ours"},
    };

    check_judge(rows, ARRAY_LEN(rows), &us);
}

Test(helo_judge, names_of_the_chain)
{
    static const struct judge_row rows[] = {
        {NAME, NULL, NAME "=elsewhere", NAME_PENDING, false, F_HELO_MISMATCH, "chain knows"},
        {NAME, NULL, NAME "=elsewhere", NAME_TIMEOUT, false, F_HELO_MISMATCH, "chain knows"},
        {NAME, NULL, NAME "=elsewhere", NAME_PENDING, true, F_HELO_MISMATCH, "chain knows"},
        {NAME, NULL, NAME "=nowhere", NAME_PENDING, false, F_HELO_UNRESOLVED, "chain knows"},
        {NAME, NULL, NAME "=nowhere", NAME_PENDING, true, F_HELO_UNRESOLVED, "chain knows"},
        {NAME, NULL, NAME "=capped", NAME_PENDING, false, F_HELO_MISMATCH, "no later answer helps"},
        {NAME, NULL, NAME "=elsewhere a.example.com=confirmed", NAME_PENDING, false, F_HELO_ALIGNED,
         "another name aligns"},
        {NAME, NULL, NAME "=elsewhere a.example.com=timeout", NAME_PENDING, false, F_HELO_TEMPERROR,
         "another name could align"},
        {NAME, NULL, NAME "=timeout", NAME_PENDING, false, F_HELO_TEMPERROR, "could verify"},
        {NAME, NULL, NAME "=pending", NAME_PENDING, false, F_HELO_TEMPERROR, "could verify"},
        {NAME, NULL, NAME "=servfail", NAME_PENDING, true, F_HELO_TEMPERROR, "could verify"},
        {NAME, NULL, "a.example.com=bogus", NAME_NOWHERE, false, F_HELO_TEMPERROR, "could align"},
        {NAME, NULL, "a.example.com=overload", NAME_ELSEWHERE, false, F_HELO_TEMPERROR,
         "could align"},
    };

    check_judge(rows, ARRAY_LEN(rows), &us);
}

Test(helo_judge, without_a_chain)
{
    static const struct judge_row rows[] = {
        {NAME, NULL, NULL, NAME_ELSEWHERE, false, F_HELO_TEMPERROR, "could verify or align"},
        {NAME, NULL, NULL, NAME_PENDING, true, F_HELO_TEMPERROR, "could verify or align"},
        {NAME, NULL, NULL, NAME_TIMEOUT, false, F_HELO_TEMPERROR, "nothing known"},
        {NAME, NULL, NULL, NAME_NOWHERE, false, F_HELO_UNRESOLVED, "says so itself"},
        {NAME, NULL, "temperror", NAME_ELSEWHERE, false, F_HELO_TEMPERROR, "PTR not had"},
        {NAME, NULL, "temperror", NAME_PENDING, true, F_HELO_TEMPERROR, "PTR not had"},
        {NAME, NULL, "temperror", NAME_NOWHERE, false, F_HELO_UNRESOLVED, "says so itself"},
    };

    check_judge(rows, ARRAY_LEN(rows), &us);
}

Test(helo_judge, must_ask)
{
    static const struct {
        const char *helo;
        const char *chain;
        bool ask;
    } rows[] = {
        {NAME, NULL, true},
        {NAME, "", true},
        {NAME, "temperror", true},
        {NAME, "a.example.com=confirmed", true},
        {NAME, "a.example.com=confirmed " NAME "=timeout", false},
        {NAME, NAME "=pending", false},
        {"mx.example.org", NULL, false},
        {"mta.example.org", NULL, false},
        {"localhost.localdomain", NULL, false},
        {"localhost", NULL, false},
        {"pc-17", NULL, false},
        {"[192.0.2.1]", NULL, false},
        {CLIENT, NULL, false},
        {"a b", NULL, false},
        {NULL, NULL, false},
    };
    struct addr client = addr_of(CLIENT);
    struct chain chain;
    struct helo h;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        helo_parse(&h, rows[i].helo, rows[i].helo == NULL ? 0 : strlen(rows[i].helo));
        cr_expect(helo_must_ask(&h, &us, chain_of(&chain, rows[i].chain, &client)) == rows[i].ask,
                  "`%s`, chain `%s`", rows[i].helo, rows[i].chain);
    }
}

/* Every state, kinship and answer: trouble is never told as a fact. */
Test(helo_judge, all_combinations)
{
    static const char *const kin[] = {NAME, "a.example.com", "a.example.net"};
    struct addr client = addr_of(CLIENT);
    struct helo h = {.form = HELO_HOST, .name = name_of(NAME)};
    unsigned state, k, forward, asked;

    for (state = NAME_PENDING; state <= NAME_OVERLOAD; state++)
        for (k = 0; k < 3; k++)
            for (forward = NAME_PENDING; forward <= NAME_OVERLOAD; forward++)
                for (asked = 0; asked < 2; asked++) {
                    struct chain chain = {.names = 1};
                    struct dname name = name_of(kin[k]);
                    bool open = is_transient((enum name_state)state) && k < 2;
                    enum finding word;

                    chain.packed[0] = (uint8_t)state;
                    chain.packed[1] = name.len;
                    memcpy(chain.packed + 2, name.wire, name.len);
                    chain.packed_len = (uint16_t)(name.len + 2);
                    word =
                        helo_judge(&h, &client, &us, &chain, (enum name_state)forward, asked != 0);
                    cr_expect((FINDING(word) & FINDINGS_RELATION) != 0);
                    cr_expect((word == F_HELO_VERIFIED) == (state == NAME_CONFIRMED && k == 0));
                    cr_expect(!open || word == F_HELO_TEMPERROR || word == F_HELO_FORWARD);
                    cr_expect(forward < NAME_TIMEOUT || k == 0 || word == F_HELO_TEMPERROR ||
                              word == F_HELO_ALIGNED);
                    cr_expect(forward != NAME_CONFIRMED || word == F_HELO_FORWARD ||
                              word == F_HELO_VERIFIED);
                    cr_expect(word != F_HELO_TEMPERROR || open || forward >= NAME_TIMEOUT ||
                              forward == NAME_PENDING);
                }
}
