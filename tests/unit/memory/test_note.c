/* Memory as the daemon uses it: what is noted, and how quickly it answers.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/memory/memory_shared.h"

#include "memory/memory_impl.h"

#include "memory/clock.h"
#include "memory/memory_impl.h"

#include <time.h>

static void say(bool good, const char *text)
{
    (void)good;
    (void)text;
}

/* Who is asked about is not noted by that, and is noted afterwards all the same. */
Test(memory, asked_about_and_then_noted)
{
    static const struct {
        bool ask;
        unsigned notes;
        uint64_t seen;
    } row[] = {{false, 0, 0}, {true, 0, 0}, {true, 1, 1}, {true, 3, 1}, {false, 1, 1}};
    struct addr client = address("192.0.2.1");
    size_t i, k;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct place p;
        struct memory *m;

        place_make(&p, false);
        m = memory_new(&p.options, say);
        cr_assert_not_null(m);
        if (row[i].ask)
            memory_client(m, &client, MEMORY_WAIT_MS);
        for (k = 0; k < row[i].notes; k++)
            memory_note(m, &client);
        memory_end(m);
        cr_expect_eq(place_seen(&p), row[i].seen, "row %zu", i);
        place_remove(&p);
    }
}

/* Once an hour the store is asked again: it may have lost what was noted. */
Test(memory, noted_for_an_hour)
{
    const int64_t hour = 1796083200; /* a full one */
    const struct addr client = address("192.0.2.1"), other = address("192.0.2.2");
    static const struct {
        int64_t later;
        bool same;
    } row[] = {{0, true}, {1, true}, {3599, true}, {3600, false}, {-1, false}, {86400, false}};
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++)
        cr_expect_eq(memory_noted_hash(&client, hour + row[i].later) ==
                         memory_noted_hash(&client, hour),
                     row[i].same, "row %zu", i);
    cr_expect_neq(memory_noted_hash(&client, hour), memory_noted_hash(&other, hour));
}

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The numbers of a reload are in force for all who hold the memory; its store stays open. */
Test(memory, other_numbers_for_the_same_store)
{
    struct addr client = address("192.0.2.1");
    struct grey_triple t = {&client, "example.com", "a@example.org", false};
    struct memory_options other;
    unsigned seconds = 0, tries;
    struct memory *m;
    struct place p;

    place_make(&p, false);
    m = memory_new(&p.options, say);
    cr_assert_not_null(m);
    other = p.options;
    other.greylist_delay_s = 10;
    for (tries = 0; tries < 50 && seconds == 0; tries++) /* a busy machine may be late */
        if (memory_greylist(m, &t, MEMORY_WAIT_MS, &seconds) == GREY_UNAVAILABLE)
            usleep(100000);
    cr_expect(seconds > 280 && seconds <= 290, "%u", seconds);
    memory_change(NULL, &other);
    memory_change(m, &other);
    t.recipient = "b@example.org";
    seconds = 0;
    for (tries = 0; tries < 50 && seconds == 0; tries++)
        if (memory_greylist(m, &t, MEMORY_WAIT_MS, &seconds) == GREY_UNAVAILABLE)
            usleep(100000);
    cr_expect(seconds > 0 && seconds <= 10, "%u", seconds);
    memory_end(m);
    place_remove(&p);
}

/* An answer wakes who waits for it: on any machine one of a hundred comes well before the 50 ms. */
Test(memory, an_answer_wakes_the_caller)
{
    struct addr client = address("192.0.2.1");
    int64_t quickest = INT64_MAX, took;
    struct place p;
    struct memory *m;
    int i;

    place_make(&p, false);
    m = memory_new(&p.options, say);
    cr_assert_not_null(m);
    for (i = 0; i < 100 && quickest > 25000; i++) {
        took = now_us();
        if (memory_client(m, &client, MEMORY_WAIT_MS) == MEMORY_UNKNOWN) {
            took = now_us() - took;
            quickest = took < quickest ? took : quickest;
        } else
            usleep(100000); /* it is being made, or left alone */
    }
    cr_expect_lt(quickest, 25000, "%ld us", (long)quickest);
    memory_end(m);
    place_remove(&p);
}

/* Which notes the thread is given: here there is none, so they stay in the queue. */
Test(memory, what_is_queued)
{
    static const struct {
        unsigned queued, failures;
        int from_now; /* s until the store is tried again */
        bool end, taken;
        const char *says;
    } row[] = {
        {0, 0, 0, false, true, "nothing waits"},
        {QUEUE_MAX - 1, 0, 0, false, true, "room for one"},
        {QUEUE_MAX, 0, 0, false, false, "full"},
        {QUEUE_MAX + 1, 0, 0, false, false, "more than full"},
        {0, MEMORY_TRIES - 1, 60, false, true, "the store has failed, but not too often"},
        {0, MEMORY_TRIES, 60, false, false, "it is left alone"},
        {0, MEMORY_TRIES, -1, false, true, "the pause is over"},
        {0, MEMORY_TRIES + 1, 60, false, false, "still left alone"},
        {0, 0, 0, true, false, "the end"},
    };
    struct addr client = address("192.0.2.1");
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct memory *m = calloc(1, sizeof *m);

        cr_assert_not_null(m);
        pthread_mutex_init(&m->lock, NULL);
        pthread_cond_init(&m->work, NULL);
        m->last = &m->first;
        m->queued = row[i].queued;
        m->failures = row[i].failures;
        m->retry_at = clock_us() / 1000 + row[i].from_now * 1000;
        m->end = row[i].end;
        memory_note(m, &client);
        cr_expect_eq(m->first != NULL, row[i].taken, "%s", row[i].says);
        cr_expect_eq(m->queued, row[i].queued + row[i].taken, "%s", row[i].says);
        if (m->first != NULL)
            memory_request_release(m->first);
        free(m);
    }
}
