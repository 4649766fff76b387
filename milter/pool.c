/* libmilter's pool of threads: see pool.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/pool.h"

#include "milter/daemon.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>

#define LATE_MS  5  /* from a wait to the look at it */
#define AGAIN_MS 80 /* to the next, for as long as somebody waits */
/* When nobody waits: between two connections, and while they leave more threads. */
#define REST_MS    1000
#define SOON_MS    20
#define SOON_TIMES 5 /* without one more, on a machine that is too busy to start it at once */

static atomic_uint running;
static atomic_uint waiting; /* of them, those that wait for DNS */
static atomic_uint threads; /* of libmilter's pool, those that have run a callback and live */
static pthread_key_t thread_key;
static pthread_once_t thread_once = PTHREAD_ONCE_INIT;
static _Thread_local bool thread_counted;
static pthread_mutex_t late_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t late_more;
static bool late_wanted; /* a wait has begun since the last look */

static void thread_gone(void *counted)
{
    (void)counted;
    atomic_fetch_sub(&threads, 1);
}

static void make_key(void)
{
    pthread_key_create(&thread_key, thread_gone);
}

static void count_thread(void)
{
    thread_counted = true;
    pthread_once(&thread_once, make_key);
    /* Without memory it stays uncounted: one kick more than needed. */
    if (pthread_setspecific(thread_key, &thread_counted) == 0)
        atomic_fetch_add(&threads, 1);
}

void pool_enter(bool for_close)
{
    if (!thread_counted && !for_close)
        count_thread();
    atomic_fetch_add(&running, 1);
}

void pool_leave(void)
{
    atomic_fetch_sub(&running, 1);
}

unsigned pool_running(void)
{
    return atomic_load(&running);
}

unsigned pool_waiting(void)
{
    return atomic_load(&waiting);
}

void pool_before_wait(void)
{
    unsigned n = atomic_fetch_add(&waiting, 1) + 1;

    if (n >= atomic_load(&threads))
        daemon_kick();
    pthread_mutex_lock(&late_lock);
    late_wanted = true;
    pthread_cond_signal(&late_more);
    pthread_mutex_unlock(&late_lock);
}

/* With the lock held. False: no wait has begun for a while; rest_ms when nobody waits. */
static bool look_wanted(unsigned rest_ms)
{
    struct timespec t;
    bool somebody;
    unsigned ms;
    int rc = 0;

    while (!late_wanted && rc == 0) {
        somebody = atomic_load(&waiting) > 0;
        ms = somebody ? AGAIN_MS : rest_ms;
        clock_gettime(CLOCK_MONOTONIC, &t);
        t.tv_sec += ms / 1000;
        t.tv_nsec += ms % 1000 * 1000000L;
        t.tv_sec += t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;
        rc = pthread_cond_timedwait(&late_more, &late_lock, &t);
        if (somebody && atomic_load(&waiting) == 0)
            rc = 0; /* the rest begins */
    }
    return late_wanted;
}

/* A little after a wait has begun: is nobody at work but those who wait, and was this not seen
 * when the wait began? Later, what runs may hang as well. */
static bool must_kick(bool begun)
{
    unsigned n = atomic_load(&waiting);

    return !begun || (n > 0 && n >= atomic_load(&running) && n < atomic_load(&threads));
}

/* Of the process, and a constant; 0 without /proc. */
static unsigned threads_in_all(void)
{
    struct stat st;

    return stat("/proc/self/task", &st) == 0 ? (unsigned)st.st_nlink : 0;
}

/* A thread that has taken a session left over, and hangs in it as the one before did, is one more
 * than there were: then there may be more such sessions, and a good one behind them. */
static unsigned next_rest(unsigned *seen, unsigned *soon)
{
    unsigned before = *seen;

    *seen = threads_in_all();
    if (*seen > before)
        *soon = SOON_TIMES;
    else if (*soon > 0)
        --*soon;
    return *soon > 0 ? SOON_MS : REST_MS;
}

static void *kick_late(void *arg)
{
    static const struct timespec little = {.tv_nsec = LATE_MS * 1000000};
    unsigned rest_ms = REST_MS, seen = threads_in_all(), soon = 0;
    bool begun;

    (void)arg;
    for (;;) {
        pthread_mutex_lock(&late_lock);
        begun = look_wanted(rest_ms);
        pthread_mutex_unlock(&late_lock);
        if (begun) {
            nanosleep(&little, NULL);
            pthread_mutex_lock(&late_lock);
            late_wanted = false;
            pthread_mutex_unlock(&late_lock);
        } else
            rest_ms = next_rest(&seen, &soon);
        if (must_kick(begun))
            daemon_kick();
    }
    return NULL;
}

bool pool_start(void)
{
    pthread_condattr_t attr;
    pthread_t thread;

    if (pthread_condattr_init(&attr) != 0)
        return false;
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (pthread_cond_init(&late_more, &attr) != 0 ||
        pthread_create(&thread, NULL, kick_late, NULL) != 0)
        return false;
    pthread_detach(thread);
    return true;
}

void pool_after_wait(void)
{
    atomic_fetch_sub(&waiting, 1);
}
