/* pool: when a callback that is about to wait wakes the listener.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "milter/daemon.h"
#include "milter/pool.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int listening(void)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX}; /* the kernel finds a name */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    cr_assert(bind(fd, (const struct sockaddr *)&sa, sizeof(sa_family_t)) == 0);
    cr_assert(listen(fd, 50) == 0);
    cr_assert(daemon_adopt_socket() == NULL);
    return fd;
}

/* Connections that came since the last look. */
static unsigned kicks(int fd)
{
    unsigned n = 0;
    int got;

    while ((got = accept(fd, NULL, NULL)) >= 0) {
        close(got);
        n++;
    }
    return n;
}

static pthread_barrier_t both;

/* Another thread of the pool: has run a callback, and waits for the next session. */
static void *other(void *arg)
{
    (void)arg;
    pool_enter(false);
    pool_leave();
    pthread_barrier_wait(&both);
    pthread_barrier_wait(&both);
    return NULL;
}

/* The last thread that is not blocked wakes the listener before it blocks, at once: the look a
 * little later (pool_start, which is not called here) is for what cannot be known then. */
Test(pool, D11_the_last_to_wait_wakes_the_listener)
{
    pthread_t thread;
    int fd = listening();

    pool_enter(false);
    cr_expect(kicks(fd) == 0);
    pool_before_wait();
    cr_expect(kicks(fd) == 1, "the only thread");
    pool_after_wait();
    cr_expect(kicks(fd) == 0, "not after the wait");

    pthread_barrier_init(&both, NULL, 2);
    cr_assert(pthread_create(&thread, NULL, other, NULL) == 0);
    pthread_barrier_wait(&both);
    pool_before_wait();
    cr_expect(kicks(fd) == 0, "one is left that takes sessions");
    pool_before_wait();
    cr_expect(kicks(fd) == 1, "now none is");
    pool_after_wait();
    pool_after_wait();
    pthread_barrier_wait(&both);
    pthread_join(thread, NULL);
    pool_before_wait();
    cr_expect(kicks(fd) == 1, "the other thread has ended");
    pool_after_wait();
    pool_leave();
    cr_expect(pool_running() == 0);
    close(fd);
}

/* libmilter ends sessions on a thread of its own, too. */
static void *closing(void *arg)
{
    (void)arg;
    pool_enter(true);
    pool_leave();
    pthread_barrier_wait(&both);
    pthread_barrier_wait(&both);
    return NULL;
}

/* A thread that never takes a session is none that could take one now. */
Test(pool, D11_a_thread_that_only_ends_sessions)
{
    pthread_t thread;
    int fd = listening();

    pool_enter(false);
    pthread_barrier_init(&both, NULL, 2);
    cr_assert(pthread_create(&thread, NULL, closing, NULL) == 0);
    pthread_barrier_wait(&both);
    cr_expect(pool_running() == 1);
    pool_before_wait();
    cr_expect(kicks(fd) == 1, "nobody else is left");
    pool_after_wait();
    pthread_barrier_wait(&both);
    pthread_join(thread, NULL);
    pool_leave();
    close(fd);
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Ends with the first. By the clock: on a busy machine a pause of 5 ms can be one of 50, and each
 * second there is a kick anyway. */
static unsigned kicks_within(int fd, unsigned ms)
{
    int64_t until = now_ms() + ms;
    unsigned n;

    do {
        usleep(5000);
        n = kicks(fd);
    } while (n == 0 && now_ms() < until);
    return n;
}

/* The other thread may hang elsewhere by then: who still waits wakes the listener, again and again.
 */
Test(pool, D11_who_still_waits_wakes_the_listener_again)
{
    pthread_t thread;
    int fd = listening();

    alarm(30);
    pthread_barrier_init(&both, NULL, 2);
    cr_assert(pool_start());
    cr_assert(pthread_create(&thread, NULL, other, NULL) == 0);
    pthread_barrier_wait(&both);
    pool_enter(false);
    cr_expect_eq(kicks_within(fd, 200), 0, "nobody waits");
    pool_before_wait();
    cr_expect(kicks_within(fd, 5000) > 0, "a little later");
    cr_expect(kicks_within(fd, 5000) > 0, "and again");
    pool_after_wait();
    usleep(50000);
    kicks(fd);
    cr_expect_eq(kicks_within(fd, 300), 0, "not after the wait");
    pool_leave();
    pthread_barrier_wait(&both);
    pthread_join(thread, NULL);
    close(fd);
}

/* What comes in that time; the first `hung` leave a thread each, as when one of libmilter's hangs
 * in the session that it took. */
static unsigned kicks_in(int fd, unsigned ms, unsigned hung)
{
    int64_t until = now_ms() + ms;
    pthread_t thread;
    unsigned n = 0, more;

    do {
        usleep(5000);
        for (more = kicks(fd); more > 0; more--)
            if (n++ < hung)
                cr_assert(pthread_create(&thread, NULL, other, NULL) == 0);
    } while (now_ms() < until);
    return n;
}

/* A good session may be left over though nobody waits for DNS, behind others in which the threads
 * that take them hang. */
Test(pool, D7_each_second_though_nobody_waits)
{
    static const struct {
        unsigned ms, hung, least, most;
        const char *says;
    } row[] = {
        {800, 0, 0, 0, "not at once"},
        {3000, 0, 2, 4, "each second"},
        {2500, 30, 31, 60, "each leaves a thread: soon again"},
        {3000, 0, 1, 4, "and each second afterwards"},
    };
    int fd = listening();
    unsigned n;
    size_t i;

    alarm(60);
    pthread_barrier_init(&both, NULL, 1000);
    cr_assert(pool_start());
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        n = kicks_in(fd, row[i].ms, row[i].hung);
        cr_expect(n >= row[i].least && n <= row[i].most, "%s: %u", row[i].says, n);
    }
    close(fd);
}
