/* The tables of a replay: more than they hold, and what they remember.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/check/replay/replay_shared.h"

/* More messages under way than the table holds: each is counted once all the same. */
Test(replay_tables, table_overflow)
{
    char line[256];
    struct tally t;
    unsigned i;

    start(&t);
    for (i = 0; i < 200000; i++) {
        tally_line(&t, line, PRINT(line, MESSAGE("Q%06u", "192.0.2.1"), i));
        tally_line(&t, line, PRINT(line, QUEUED("Q%06u"), i));
    }
    tally_end(&t);
    cr_expect_eq(entry(&t, "192.0.2.1")->count[OUT_OTHER], 200000);
    stop(&t);
}

/* A filter's log of its own, before the mail log or behind it: more messages than the table of
 * those under way holds, and than the table of those that left begins with. */
Test(replay_tables, verdicts_in_a_log_of_their_own)
{
    enum { MESSAGES = 100000 };
    char line[512];
    struct tally t;
    unsigned before, i;

    for (before = 0; before < 2; before++) {
        start(&t);
        for (i = 0; i < 2 * MESSAGES; i++) {
            bool verdict = i / MESSAGES != before;
            unsigned q = i % MESSAGES;

            if (!verdict) {
                tally_line(&t, line, PRINT(line, MESSAGE("Q%06u", "192.0.2.1"), q));
                tally_line(&t, line, PRINT(line, GONE("Q%06u"), q));
            } else if (q % 2 == 0) {
                tally_line(&t, line, PRINT(line, VERDICT("Q%06u"), q));
            }
        }
        tally_end(&t);
        cr_expect_eq(entry(&t, "192.0.2.1")->count[OUT_SPAM], MESSAGES / 2, "%u", before);
        cr_expect_eq(entry(&t, "192.0.2.1")->count[OUT_OTHER], MESSAGES / 2, "%u", before);
        stop(&t);
    }
}

/* The table of messages that left does not grow without end, and keeps the newest. */
Test(replay_tables, past_bounded)
{
    struct past_entry entry = {.client = 1};
    struct past p;
    unsigned i;

    cr_assert(past_init(&p));
    for (i = 1; i <= 2 * PAST_SLOTS; i++) {
        entry.qid = i * 0x9e3779b97f4a7c15u;
        past_put(&p, &entry);
    }
    cr_expect_eq(p.slots, PAST_SLOTS);
    cr_expect_leq(p.n, PAST_SLOTS / 2);
    for (i = 2 * PAST_SLOTS; i > 2 * PAST_SLOTS - PAST_SLOTS / 2; i--)
        cr_assert_not_null(past_find(&p, i * 0x9e3779b97f4a7c15u, 0), "%u", i);
    cr_expect_null(past_find(&p, 0x9e3779b97f4a7c15u, 0));
    past_free(&p);
}

/* Many clients: the table grows and finds each again. */
Test(replay_tables, clients_grow)
{
    struct clients c;
    uint32_t i;

    cr_assert(clients_init(&c));
    for (i = 0; i < 50000; i++) {
        uint8_t bytes[4] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
        struct addr a = addr_from_bytes(ADDR_IPV4, bytes);

        clients_add(&c, clients_get(&c, &a, NULL, 0), OUT_DELIVERED, 0, 1);
        clients_add(&c, clients_get(&c, &a, "h", 1), OUT_SPAM, 0, 1);
        clients_add(&c, clients_get(&c, &a, NULL, 0), OUT_DELIVERED, 0, 1);
    }
    cr_expect_eq(c.n, 100001);
    clients_settle(&c);
    for (i = 1; i < c.n; i++)
        if (c.list[i].helo != NULL)
            cr_expect(c.list[i].count[OUT_DELIVERED] == 2 && c.list[i].count[OUT_SPAM] == 1);
    clients_free(&c);
}

/* Sets of kinds of recipients: each has an entry of its own up to a bound, then the last one is
 * theirs; the address is found as before, also when the table grows. */
Test(replay_tables, sets_of_recipients)
{
    uint8_t bytes[4] = {192, 0, 2, 1};
    struct addr a = addr_from_bytes(ADDR_IPV4, bytes), other;
    uint32_t first, at[CLIENT_SETS + 3], i;
    struct clients c;

    cr_assert(clients_init(&c));
    first = clients_get(&c, &a, NULL, 0);
    cr_expect(clients_for(&c, first, 0) == first && clients_for(&c, first, 1) == first);
    for (i = 0; i < CLIENT_SETS + 3; i++)
        at[i] = clients_for(&c, first, i + 2);
    for (i = 0; i < CLIENT_SETS + 3; i++) {
        uint32_t last = i < CLIENT_SETS - 1 ? i : CLIENT_SETS - 2;

        cr_expect_eq(at[i], at[last], "%u", i);
        cr_expect(i != last || at[i] == first + 1 + i, "%u", i);
        cr_expect_eq(clients_for(&c, first, i + 2), at[i]);
    }
    for (i = 0; i < 5000; i++) {
        bytes[0] = 10;
        bytes[2] = (uint8_t)(i >> 8);
        bytes[3] = (uint8_t)i;
        other = addr_from_bytes(ADDR_IPV4, bytes);
        cr_assert_neq(clients_get(&c, &other, NULL, 0), 0);
    }
    cr_expect_eq(clients_get(&c, &a, NULL, 0), first);
    cr_expect_eq(clients_for(&c, 0, 7), 0);
    clients_free(&c);
}

/* Our own records, in any order: logins are told apart, and what DNS once told stays. */
Test(replay_tables, own_records_of_several_kinds)
{
#define FOUND(words)                                                                               \
    AT "iprev-milter[1]: client=192.0.2.1 ptr=- helo=h.example findings=" words                    \
       " rule=- action=accept mode=monitor"
#define MISSING FOUND("iprev-permerror,ptr-missing")
#define LOGIN   FOUND("iprev-skip,skip-authenticated")
#define NETWORK FOUND("iprev-skip,skip-network")
#define TIMEOUT FOUND("iprev-temperror,dns-timeout")
    static const struct {
        const char *line[4];
        findings found;
        uint32_t delivered, logins;
    } row[] = {
        {{LOGIN, LOGIN, LOGIN, NULL}, 0, 0, 3},
        {{MISSING, MISSING, LOGIN, NULL},
         FINDING(F_IPREV_PERMERROR) | FINDING(F_PTR_MISSING),
         2,
         1},
        {{LOGIN, MISSING, MISSING, NULL},
         FINDING(F_IPREV_PERMERROR) | FINDING(F_PTR_MISSING),
         2,
         1},
        {{MISSING, TIMEOUT, NULL}, FINDING(F_IPREV_PERMERROR) | FINDING(F_PTR_MISSING), 2, 0},
        {{TIMEOUT, MISSING, NULL}, FINDING(F_IPREV_PERMERROR) | FINDING(F_PTR_MISSING), 2, 0},
        {{LOGIN, TIMEOUT, NULL}, FINDING(F_IPREV_TEMPERROR) | FINDING(F_DNS_TIMEOUT), 1, 1},
        {{MISSING, NETWORK, NULL}, FINDING(F_IPREV_PERMERROR) | FINDING(F_PTR_MISSING), 2, 0},
        {{NETWORK, NULL}, 0, 1, 0},
        {{MESSAGE("AAAA1", "192.0.2.1"), SENT("AAAA1"), LOGIN, NULL}, 0, 1, 0},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        const struct client *k;
        struct tally t;

        start(&t);
        feed(&t, row[i].line);
        tally_end(&t);
        k = entry(&t, "192.0.2.1");
        cr_assert_not_null(k, "row %zu", i);
        cr_expect(k->found == row[i].found && k->logged == (row[i].found != 0), "row %zu", i);
        cr_expect(k->count[OUT_DELIVERED] == row[i].delivered &&
                      k->count[OUT_AUTH] == row[i].logins &&
                      client_messages(k) == row[i].delivered + row[i].logins,
                  "row %zu", i);
        stop(&t);
    }
}
