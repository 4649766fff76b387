/* The times of a log: years that are not told, clocks that are wrong, the timeline.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/check/replay/replay_shared.h"

/* Read in January, a log without years that goes over New Year is in order. */
Test(replay_times, over_new_year)
{
    static const char *const line[] = {
        "Dec 31 23:59:59 mx1 postfix/smtpd[1]: AAAA1: client=x[192.0.2.1]", QUEUED("AAAA1"),
        "Jan  1 00:00:01 mx1 postfix/smtpd[1]: AAAA2: client=x[192.0.2.1]", QUEUED("AAAA2"), NULL};
    struct tally t;

    start(&t);
    t.now = 1798848000; /* 2027-01-02 */
    feed(&t, line);
    cr_expect_eq(t.begin, 1798761599, "%lld", (long long)t.begin);
    cr_expect_eq(t.end, 1798761601, "%lld", (long long)t.end);
    tally_end(&t);
    cr_expect_eq(t.clients.last - t.clients.first, 1, "two hours, side by side");
    stop(&t);
}

/* Where the year begins earlier than for UTC, by which we reckon. */
Test(replay_times, new_year_in_the_east)
{
    static const char *const line[] = {
        "Jan  1 00:20:00 mx1 postfix/smtpd[1]: AAAA1: client=x[192.0.2.1]", NULL};
    struct tally t;

    start(&t);
    t.now = 1798759800; /* 2026-12-31 23:30 UTC */
    feed(&t, line);
    cr_expect_eq(t.end, 1798762800, "%lld", (long long)t.end);
    tally_end(&t);
    stop(&t);
}

/* A stamp of a wrong clock is no part of the timeline; its message counts. */
Test(replay_times, times_that_cannot_be)
{
    static const char *const line[] = {
        "2026-11-20T10:00:00Z mx1 postfix/smtpd[1]: AAAA1: client=x[192.0.2.1]",
        QUEUED("AAAA1"),
        "2031-01-01T00:00:00Z mx1 postfix/smtpd[1]: AAAA2: client=x[192.0.2.1]",
        QUEUED("AAAA2"),
        "1970-01-01T00:00:09Z mx1 postfix/smtpd[1]: AAAA3: client=x[192.0.2.1]",
        QUEUED("AAAA3"),
        NULL};
    struct tally t;

    start(&t);
    feed(&t, line);
    tally_end(&t);
    cr_expect_eq(client_messages(entry(&t, "192.0.2.1")), 3);
    cr_expect_eq(t.begin, 1795168800);
    cr_expect_eq(t.end, 1795168800);
    cr_expect_eq(t.clients.first, t.clients.last);
    stop(&t);
}

/* In the hour that summer time repeats the clock goes back: nothing is lost or doubled. */
Test(replay_times, clock_goes_back)
{
    static const char *const line[] = {
        "2026-10-25T02:59:59+02:00 mx1 postfix/smtpd[1]: AAAA1: client=x[192.0.2.1]",
        QUEUED("AAAA1"),
        "2026-10-25T02:00:00+01:00 mx1 postfix/smtpd[1]: AAAA2: client=x[192.0.2.1]",
        QUEUED("AAAA2"),
        "2026-10-25T03:00:00+01:00 mx1 postfix/smtpd[1]: AAAA3: client=x[192.0.2.1]",
        QUEUED("AAAA3"),
        NULL};
    const struct client *k;
    struct tally t;

    start(&t);
    feed(&t, line);
    tally_end(&t);
    k = entry(&t, "192.0.2.1");
    cr_expect_eq(client_messages(k), 3);
    cr_expect(k->when[0] == 2 && k->when[1] == 1, "by the log's own clock");
    stop(&t);
}

/* A stamp without a year is of the last twelve months. */
Test(replay_times, years)
{
    static const char *const line[] = {
        "Dec 31 23:00:00 mx1 postfix/smtpd[1]: AAAA1: client=x[192.0.2.1]",
        "Nov 21 10:00:00 mx1 postfix/smtpd[1]: AAAA2: client=x[192.0.2.1]", NULL};
    struct tally t;

    start(&t);
    feed(&t, line);
    cr_expect_eq(t.begin, 1767222000, "%lld", (long long)t.begin); /* 2025-12-31 23:00 */
    cr_expect_eq(t.end, 1795255200, "%lld", (long long)t.end);     /* 2026-11-21 10:00 */
    tally_end(&t);
    stop(&t);
}

static uint64_t timeline_sum(const struct clients *c, uint32_t i)
{
    uint64_t n = 0;
    unsigned k;

    for (k = 0; k < TIMELINE; k++)
        n += c->list[i].when[k];
    return n;
}

/* Times in any order and of any span: no message leaves the timeline. */
Test(replay_times, timeline)
{
    static const int64_t times[][4] = {
        {NOW, NOW + 3600, NOW - 3600, NOW},
        {NOW, NOW - 86400, NOW - 40 * 86400, NOW + 86400},
        {1000000, NOW, 2000000, NOW - 5},
        {NOW, NOW - 31 * 3600, NOW - 32 * 3600, NOW + 32 * 3600},
    };
    struct addr a = {.family = ADDR_IPV4};
    size_t i, k;

    for (i = 0; i < sizeof times / sizeof times[0]; i++) {
        struct clients c;
        uint32_t at;

        cr_assert(clients_init(&c));
        at = clients_get(&c, &a, NULL, 0);
        for (k = 0; k < 4; k++)
            clients_add(&c, at, OUT_DELIVERED, times[i][k], 1);
        cr_expect_eq(timeline_sum(&c, at), 4, "row %zu", i);
        cr_expect(c.last - c.first < TIMELINE, "row %zu", i);
        for (k = 0; k < 4; k++)
            cr_expect(times[i][k] >= clients_bucket(&c, 0) &&
                          times[i][k] < clients_bucket(&c, TIMELINE),
                      "row %zu, time %zu", i, k);
        clients_free(&c);
    }
}
