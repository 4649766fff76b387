/* Memory asked as the daemon asks it.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef MEMORY_ASKED_H
#define MEMORY_ASKED_H

#include "tests/unit/memory/memory_shared.h"

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

/* Asks 200 times: three may wait, then nobody does until the pause is over. */
static inline void is_left_alone(struct memory *m, const char *says)
{
    int64_t begun, longest = 0, all = now_ms(), one;
    int i;

    for (i = 0; i < 200; i++) {
        begun = now_ms();
        cr_expect_eq(knock(m, "192.0.2.1", "a.example", "b@c.example"), GREY_UNAVAILABLE, "%s",
                     says);
        one = now_ms() - begun;
        longest = one > longest ? one : longest;
    }
    cr_expect_lt(longest, 300, "%s: %ld ms; 50 and what a busy machine adds", says, (long)longest);
    cr_expect_lt(now_ms() - all, 1500, "%s: after three nobody waits", says);
}

#endif
