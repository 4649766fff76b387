/* A Redis that stands still, for a moment or longer, and what memory makes of it.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/memory/memory_asked.h"

#include <pthread.h>

static void stands_still(void)
{
    struct place p;
    struct memory *m;
    struct memory_stats stats;

    alarm(60);
    place_make(&p, true);
    m = start(&p);
    CHECK(look(m, "192.0.2.1") == MEMORY_KNOWN_UNAVAILABLE, "no key file beside a socket");
    memory_end(m);
    place_remove(&p);

    place_make(&p, true);
    {
        char key[96];

        snprintf(key, sizeof key, "%s/key", p.dir);
        p.options.key_file = key;
        m = start(&p);
        CHECK(comes_back(m, 30), "%s", said[0]);
        kill(p.server, SIGSTOP);
        is_left_alone(m, "stopped");
        memory_stats(m, &stats);
        CHECK(!stats.up, "");
        kill(p.server, SIGCONT);
        CHECK(comes_back(m, 30), "%s", said[0]);
        memory_stats(m, &stats);
        CHECK(stats.up, "");
        CHECK(atomic_load(&recoveries) >= 1, "");
        kill(p.server, SIGKILL);
        waitpid(p.server, NULL, 0);
        is_left_alone(m, "killed");
        place_serve(&p);
        CHECK(comes_back(m, 30), "%s", said[0]);
        memory_end(m);
    }
    place_remove(&p);
}

Test(memory, a_redis_that_stands_still)
{
    if (redis_program() == NULL)
        cr_skip_test("no redis-server here (tests/system/get-servers redis)");
    when_steady(stands_still);
}

static void *knocks_once(void *arg)
{
    knock(arg, "192.0.2.1", "a.example", "b@c.example");
    return NULL;
}

/* However many wait then, it is one failure: the store is asked as before. */
static void pauses_once(void)
{
    struct place p;
    struct memory *m;
    pthread_t thread[16];
    char key[96];
    size_t i;

    alarm(60);
    place_make(&p, true);
    snprintf(key, sizeof key, "%s/key", p.dir);
    p.options.key_file = key;
    m = start(&p);
    CHECK(comes_back(m, 30), "%s", said[0]);
    kill(p.server, SIGSTOP);
    for (i = 0; i < 16; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, knocks_once, m), 0);
    for (i = 0; i < 16; i++)
        pthread_join(thread[i], NULL);
    kill(p.server, SIGCONT);
    usleep(20000);
    CHECK(look(m, "192.0.2.1") != MEMORY_KNOWN_UNAVAILABLE, "%s", said[0]);
    memory_end(m);
    place_remove(&p);
}

Test(memory, a_redis_that_pauses_once)
{
    if (redis_program() == NULL)
        cr_skip_test("no redis-server here (tests/system/get-servers redis)");
    when_steady(pauses_once);
}

/* Redis, and memory that it answers. */
static struct memory *start_redis(struct place *p, char key[96])
{
    struct memory *m;

    alarm(60);
    place_make(p, true);
    snprintf(key, 96, "%s/key", p->dir);
    p->options.key_file = key;
    m = start(p);
    cr_assert(comes_back(m, 30), "%s", said[0]);
    return m;
}

static void stand_still(struct place *p, struct memory *m, unsigned ms)
{
    pthread_t thread;

    kill(p->server, SIGSTOP);
    cr_assert_eq(pthread_create(&thread, NULL, knocks_once, m), 0);
    usleep(ms * 1000);
    kill(p->server, SIGCONT);
    pthread_join(thread, NULL);
}

/* Around the 50 ms that a caller waits: one moment is one failure at most, so two of them do no
 * harm. */
static void stands_still_for_a_moment(void)
{
    static const unsigned ms[] = {40, 50, 60};
    struct place p;
    char key[96];
    struct memory *m;
    struct memory_stats stats;
    size_t i, k;

    m = start_redis(&p, key);
    for (i = 0; i < sizeof ms / sizeof *ms; i++) {
        for (k = 0; k < 2; k++)
            stand_still(&p, m, ms[i]);
        memory_stats(m, &stats);
        CHECK(stats.up, "%u ms: %s", ms[i], said[0]);
        CHECK(comes_back(m, 1), "%u ms: %s", ms[i], said[0]);
    }
    memory_stats(m, &stats);
    CHECK(stats.greylist[GREY_UNAVAILABLE] <= 6, "");
    memory_end(m);
    place_remove(&p);
}

Test(memory, H2_a_redis_that_stands_still_for_a_moment)
{
    if (redis_program() == NULL)
        cr_skip_test("no redis-server here (tests/system/get-servers redis)");
    when_steady(stands_still_for_a_moment);
}

/* Long enough for three failures: it is told once, and asked again a second later; if that fails,
 * too, five seconds later. */
static void is_well_again_after_a_second(void)
{
    struct place p;
    char key[96];
    struct memory *m;
    struct memory_stats stats;
    int64_t begun;
    int i;

    m = start_redis(&p, key);
    kill(p.server, SIGSTOP);
    for (i = 0; i < 3; i++) {
        memory_stats(m, &stats);
        CHECK(stats.up, "%d failures", i);
        CHECK(knock(m, "192.0.2.1", "a.example", "b@c.example") == GREY_UNAVAILABLE, "");
    }
    begun = now_ms();
    memory_stats(m, &stats);
    CHECK(!stats.up, "");
    kill(p.server, SIGCONT);
    CHECK(look(m, "192.0.2.1") == MEMORY_KNOWN_UNAVAILABLE, "it is left alone");
    CHECK(comes_back(m, 30), "%s", said[0]);
    CHECK(now_ms() - begun >= MEMORY_FIRST_MS - 100, "");
    CHECK(now_ms() - begun < MEMORY_PAUSE_MS - 1000, "%ld ms", (long)(now_ms() - begun));
    CHECK(atomic_load(&complaints) == 1, "%s", said[0]);
    CHECK(atomic_load(&recoveries) == 1, "");
    kill(p.server, SIGSTOP);
    for (i = 0; i < 3; i++)
        knock(m, "192.0.2.1", "a.example", "b@c.example");
    usleep((MEMORY_FIRST_MS + 100) * 1000);
    CHECK(look(m, "192.0.2.1") == MEMORY_KNOWN_UNAVAILABLE, "the fourth failure");
    begun = now_ms();
    kill(p.server, SIGCONT);
    CHECK(comes_back(m, 30), "%s", said[0]);
    CHECK(now_ms() - begun >= MEMORY_PAUSE_MS - 1000, "%ld ms", (long)(now_ms() - begun));
    memory_end(m);
    place_remove(&p);
}

Test(memory, H2_a_redis_that_is_well_again_after_a_second)
{
    if (redis_program() == NULL)
        cr_skip_test("no redis-server here (tests/system/get-servers redis)");
    when_steady(is_well_again_after_a_second);
}

static void meets_a_note(void)
{
    struct place p;
    char key[96];
    struct memory *m;
    struct addr a = address("192.0.2.1");

    m = start_redis(&p, key);
    kill(p.server, SIGSTOP);
    memory_note(m, &a);
    usleep(300000);
    kill(p.server, SIGCONT);
    CHECK(place_seen(&p) == 0, "it is lost");
    CHECK(comes_back(m, 30), "%s", said[0]);
    memory_note(m, &a);
    usleep(300000);
    CHECK(place_seen(&p) == 1, "the next message of the day counts");
    memory_end(m);
    place_remove(&p);
}

Test(memory, a_note_that_meets_a_redis_in_trouble)
{
    if (redis_program() == NULL)
        cr_skip_test("no redis-server here (tests/system/get-servers redis)");
    when_steady(meets_a_note);
}
