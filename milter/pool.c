/* libmilter's pool of threads: see pool.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/pool.h"

#include "milter/daemon.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

#define LATE_MS  5  /* from a wait to the look at it */
#define AGAIN_MS 80 /* to the next, for as long as somebody waits */

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

/* With the lock held. False: no wait has begun for a while, but somebody still waits. */
static bool look_wanted(void)
{
    struct timespec t;
    int rc = 0;

    while (!late_wanted && rc == 0) {
        if (atomic_load(&waiting) == 0) {
            pthread_cond_wait(&late_more, &late_lock);
            continue;
        }
        clock_gettime(CLOCK_MONOTONIC, &t);
        t.tv_nsec += AGAIN_MS * 1000000L;
        t.tv_sec += t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;
        rc = pthread_cond_timedwait(&late_more, &late_lock, &t);
    }
    return late_wanted;
}

/* A little after a wait has begun: is nobody at work but those who wait, and was this not seen
 * when the wait began? Later, what runs may hang as well. */
static bool must_kick(bool begun)
{
    unsigned n = atomic_load(&waiting);

    return n > 0 && (!begun || (n >= atomic_load(&running) && n < atomic_load(&threads)));
}

static void *kick_late(void *arg)
{
    static const struct timespec little = {.tv_nsec = LATE_MS * 1000000};
    bool begun;

    (void)arg;
    for (;;) {
        pthread_mutex_lock(&late_lock);
        begun = look_wanted();
        pthread_mutex_unlock(&late_lock);
        if (begun) {
            nanosleep(&little, NULL);
            pthread_mutex_lock(&late_lock);
            late_wanted = false;
            pthread_mutex_unlock(&late_lock);
        }
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
