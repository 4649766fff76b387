/* libmilter's pool of threads: see pool.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "pool.h"

#include "daemon.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

#define LATE_MS  5
#define AGAIN_MS 80

static atomic_uint running;
static atomic_uint waiting; /* of them, those that wait for DNS */
static atomic_uint threads; /* of libmilter's pool, those that have run a callback and live */
static pthread_key_t thread_key;
static pthread_once_t thread_once = PTHREAD_ONCE_INIT;
static _Thread_local bool thread_counted;
static sem_t late_wanted;
static atomic_bool late_asked; /* late_wanted is posted, and not yet heard */

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

void pool_before_wait(void)
{
    unsigned n = atomic_fetch_add(&waiting, 1) + 1;

    if (n >= atomic_load(&threads))
        daemon_kick();
    if (!atomic_exchange(&late_asked, true))
        sem_post(&late_wanted);
}

static void nap(long ms)
{
    struct timespec t = {.tv_nsec = ms * 1000000};

    nanosleep(&t, NULL);
}

/* At the first look: is nobody at work but those who wait, and was none of the waits the last
 * thread's? At later ones what runs may hang as well. */
static bool must_kick(unsigned n, bool first)
{
    return n > 0 && (!first || (n >= atomic_load(&running) && n < atomic_load(&threads)));
}

static void *kick_late(void *arg)
{
    (void)arg;
    for (;;) {
        bool first = true;
        unsigned n;

        while (sem_wait(&late_wanted) != 0)
            ;
        do {
            nap(first ? LATE_MS : AGAIN_MS);
            atomic_store(&late_asked, false); /* who waits from here on asks anew */
            n = atomic_load(&waiting);
            if (must_kick(n, first))
                daemon_kick();
            first = false;
        } while (n > 0 && !atomic_exchange(&late_asked, true));
    }
    return NULL;
}

bool pool_start(void)
{
    pthread_t thread;

    if (sem_init(&late_wanted, 0, 0) != 0 || pthread_create(&thread, NULL, kick_late, NULL) != 0)
        return false;
    pthread_detach(thread);
    return true;
}

void pool_after_wait(void)
{
    atomic_fetch_sub(&waiting, 1);
}
