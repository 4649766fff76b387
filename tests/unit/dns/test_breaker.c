/* breaker: when it opens, whom it lets through, and how many questions of its own it has out. The
 * base is never run: nothing is answered.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "dns/breaker.h"
#include "dns/context.h"
#include "dns/lookup.h"
#include "tests/unit/dns/dns_shared.h"

#include <event2/event.h>

static struct event_base *base;

static void begin(struct breaker *b)
{
    static char nowhere[] = "127.0.0.1@9";
    static char *forward[] = {nowhere};
    struct resolver_settings s = {
        .forwards = 1, .forward = forward, .threads = 1, .max_inflight = 100};
    struct zonefile zone = {0};
    char err[256] = "";

    memset(b, 0, sizeof *b);
    base = event_base_new();
    b->ctx = context_new(base, &s, 64, &zone, err, sizeof err);
    cr_assert(b->ctx != NULL, "%s", err);
}

static void end(struct breaker *b)
{
    context_delete(b->ctx);
    event_base_free(base);
}

Test(resolve, E17_the_breaker_opens_at_its_bounds)
{
    static const struct {
        unsigned unanswered;
        int64_t silent_ms;
        bool asks;
        const char *says;
    } row[] = {
        {9, 5000, false, "nine may be the clients' own fault"},
        {10, 5000, true, "ten"},
        {11, 5000, true, "more"},
        {10, 1500, false, "not for long enough"},
        {10, 2000, true, "two seconds"},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct breaker b;

        begin(&b);
        b.unanswered = row[i].unanswered;
        b.since = resolver_now() - row[i].silent_ms;
        breaker_beat(&b);
        cr_expect_eq(b.probes, row[i].asks ? 1 : 0, "%s", row[i].says);
        cr_expect(!breaker_is_open(&b), "%s: first it asks itself", row[i].says);
        breaker_beat(&b);
        cr_expect_eq(breaker_is_open(&b), row[i].asks, "%s", row[i].says);
        end(&b);
    }
}

Test(resolve, E17_few_questions_of_its_own_are_out)
{
    struct breaker b;
    unsigned i;

    begin(&b);
    b.unanswered = 10;
    b.since = resolver_now() - 5000;
    for (i = 1; i <= 20; i++) {
        breaker_beat(&b);
        cr_expect_eq(b.probes, i < 8 ? i : 8, "%u: at most eight", i);
    }
    cr_expect(!breaker_admits(&b), "it has just opened");
    b.admitted = resolver_now() - 1000;
    cr_expect(breaker_admits(&b), "one a second");
    cr_expect(!breaker_admits(&b), "and no more");
    breaker_reply(&b, false);
    cr_expect(breaker_is_open(&b), "a failure is no answer");
    breaker_reply(&b, true);
    cr_expect(!breaker_is_open(&b) && breaker_admits(&b) && breaker_admits(&b));
    cr_expect(b.unanswered == 0 && !b.probed);
    end(&b);
}

/* libunbound answers from its cache before breaker_ask returns: that says nothing of the servers.
 */
Test(resolve, E17_an_answer_from_the_cache_closes_nothing)
{
    struct breaker b;

    begin(&b);
    b.unanswered = 10;
    b.since = resolver_now() - 5000;
    breaker_beat(&b);
    breaker_beat(&b);
    cr_assert(breaker_is_open(&b));
    b.asking = true;
    breaker_reply(&b, true);
    cr_expect(breaker_is_open(&b));
    cr_expect_eq(b.unanswered, 9, "and only this one is no longer out");
    b.unanswered = 0;
    breaker_reply(&b, true);
    cr_expect_eq(b.unanswered, 0, "nor fewer than none");
    b.asking = false;
    breaker_reply(&b, true);
    cr_expect(!breaker_is_open(&b), "an answer of a server does");
    end(&b);
}

/* Silence counts from the first question that nobody has answered. */
Test(resolve, E17_silence_begins_with_the_first_question)
{
    struct breaker b;
    int64_t first;

    begin(&b);
    breaker_asked(&b);
    first = b.since;
    cr_expect(first > 0 && resolver_now() - first < 1000, "now");
    b.since = first - 5000;
    breaker_asked(&b);
    cr_expect_eq(b.since, first - 5000, "the second does not begin anew");
    cr_expect_eq(b.unanswered, 2);
    breaker_reply(&b, true);
    breaker_asked(&b);
    cr_expect(b.since >= first, "after an answer it does");
    end(&b);
}
