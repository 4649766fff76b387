/* Memory asked as the daemon asks it.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef MEMORY_ASKED_H
#define MEMORY_ASKED_H

#include "tests/unit/memory/memory_shared.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <time.h>

static char said[2][300]; /* the last complaint, and what was said when it was over */
static atomic_uint complaints, recoveries;

static inline void say(bool good, const char *text)
{
    snprintf(said[good], sizeof said[good], "%s", text);
    atomic_fetch_add(good ? &recoveries : &complaints, 1);
}

static inline struct memory *start(struct place *p)
{
    struct memory *m;

    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    atomic_store(&complaints, 0);
    atomic_store(&recoveries, 0);
    m = memory_new(&p->options, say);
    cr_assert_not_null(m);
    return m;
}

static inline int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline enum memory_grey knock(struct memory *m, const char *client, const char *domain,
                                     const char *rcpt)
{
    struct addr a = address(client);
    struct grey_triple t = {.client = &a, .domain = domain, .recipient = rcpt};
    unsigned seconds;

    return memory_greylist(m, &t, MEMORY_WAIT_MS, &seconds);
}

static inline enum memory_known look(struct memory *m, const char *client)
{
    struct addr a = address(client);

    return memory_client(m, &a, MEMORY_WAIT_MS);
}

/* Asks until the store answers, as after a pause. */
static inline bool comes_back(struct memory *m, unsigned seconds)
{
    int64_t until = now_ms() + seconds * 1000;

    while (now_ms() < until) {
        if (look(m, "192.0.2.250") != MEMORY_KNOWN_UNAVAILABLE)
            return true;
        usleep(50000);
    }
    return false;
}

/* ---- a machine that stands still ---- */

/* What is checked by CHECK may fail because the machine gave nobody a processor for longer than a
 * caller of memory waits. A second thread sees that: such a run says nothing, and there is another.
 * What fails on a machine that did not stand still, or in all runs, is a fault. */
#define STOOD_STILL_MS 20 /* half of what Redis is given for an answer */
#define RUNS           8

static char missed[1000];

#define CHECK(GOOD, ...)                                                                           \
    do {                                                                                           \
        if (!(GOOD))                                                                               \
            miss(__LINE__, #GOOD, " " __VA_ARGS__);                                                \
    } while (0)

static inline void miss(int line, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static inline void miss(int line, const char *what, const char *fmt, ...)
{
    size_t n = strlen(missed);
    va_list args;

    n += (size_t)snprintf(missed + n, sizeof missed - n, "\nline %d: %.200s:", line, what);
    if (n >= sizeof missed)
        return;
    va_start(args, fmt);
    vsnprintf(missed + n, sizeof missed - n, fmt, args);
    va_end(args);
}

struct witness {
    pthread_t thread;
    atomic_bool end;
    int64_t stood_ms; /* the longest time in which it did not come to run */
};

static inline void *look_on(void *arg)
{
    struct witness *w = arg;
    int64_t before = now_ms(), now;

    for (; !atomic_load(&w->end); before = now) {
        usleep(2000);
        now = now_ms();
        if (now - before > w->stood_ms)
            w->stood_ms = now - before;
    }
    return NULL;
}

static inline void when_steady(void (*test)(void))
{
    struct witness w;
    int run;

    for (run = 0; run < RUNS; run++) {
        w = (struct witness){.stood_ms = 0};
        missed[0] = '\0';
        cr_assert_eq(pthread_create(&w.thread, NULL, look_on, &w), 0);
        test();
        atomic_store(&w.end, true);
        pthread_join(w.thread, NULL);
        if (missed[0] == '\0')
            return;
        if (w.stood_ms < STOOD_STILL_MS)
            break;
    }
    cr_expect(false, "%s\n(the machine stood still for %ld ms)", missed, (long)w.stood_ms);
}

/* ---- a store that does not answer ---- */

/* Asks 200 times: three may wait, then nobody does until the pause is over. */
static inline void is_left_alone(struct memory *m, const char *says)
{
    int64_t begun, longest = 0, all = now_ms(), one;
    int i;

    for (i = 0; i < 200; i++) {
        begun = now_ms();
        CHECK(knock(m, "192.0.2.1", "a.example", "b@c.example") == GREY_UNAVAILABLE, "%s", says);
        one = now_ms() - begun;
        longest = one > longest ? one : longest;
    }
    CHECK(longest < 300, "%s: %ld ms; 50 and what a busy machine adds", says, (long)longest);
    CHECK(now_ms() - all < 1500, "%s: after three nobody waits", says);
}

#endif
