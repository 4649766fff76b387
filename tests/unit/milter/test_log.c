/* log: nobody waits for the sink; what it cannot take is dropped and counted.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "milter/log.h"

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A pipe as standard error: filled up when `full`, so that the next write hangs. */
static int sink(bool full)
{
    static const char fill[4096];
    int end[2];

    signal(SIGPIPE, SIG_IGN); /* as in the daemon */
    cr_assert(pipe(end) == 0);
    if (full) {
        fcntl(end[1], F_SETFL, O_NONBLOCK);
        while (write(end[1], fill, sizeof fill) > 0)
            ;
        fcntl(end[1], F_SETFL, 0);
    }
    fflush(stderr);
    dup2(end[1], STDERR_FILENO);
    close(end[1]);
    return end[0];
}

static size_t drain(int fd, char *text, size_t cap)
{
    size_t have = 0;
    ssize_t n;

    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (have + 1 < cap && (n = read(fd, text + have, cap - 1 - have)) > 0)
        have += (size_t)n;
    text[have] = '\0';
    return have;
}

static void *flood(void *arg)
{
    unsigned i;

    (void)arg;
    for (i = 0; i < 5000; i++)
        log_line(LOG_INFO, "a bad client, once more: %u", i);
    return NULL;
}

Test(log, E7_F2_a_sink_that_hangs_delays_nobody)
{
    pthread_t t[4];
    int64_t from;
    unsigned i;
    int fd = sink(true);

    cr_assert(log_start(true, LOG_INFO));
    from = now_ms();
    for (i = 0; i < 4; i++)
        cr_assert(pthread_create(&t[i], NULL, flood, NULL) == 0);
    for (i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    cr_expect(now_ms() - from < 3000, "%d ms", (int)(now_ms() - from));
    cr_expect(log_dropped() > 10000 && log_dropped() < 20000, "%llu of 20000 lines",
              (unsigned long long)log_dropped());
    from = now_ms();
    cr_expect(!log_stop(100), "the writer hangs in the sink");
    cr_expect(now_ms() - from < 1500, "and the stop does not wait for it");
    close(fd);
}

Test(log, E7_F2_what_is_dropped_is_told_in_one_line)
{
    static char text[1 << 20];
    static char junk[1 << 17];
    uint64_t dropped;
    unsigned lines = 0;
    const char *p;
    int fd = sink(true);

    cr_assert(log_start(true, LOG_INFO));
    log_line(LOG_INFO, "the writer takes this one, and is stuck with it");
    nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
    flood(NULL);
    flood(NULL);
    dropped = log_dropped();
    cr_assert(dropped > 0);
    drain(fd, junk, sizeof junk); /* the sink takes lines again */
    fcntl(fd, F_SETFL, 0);
    while (strstr(text, "dropped") == NULL) {
        size_t have = strlen(text);
        ssize_t n = read(fd, text + have, sizeof text - 1 - have);

        cr_assert(n > 0);
    }
    cr_expect(log_stop(3000));
    drain(fd, text + strlen(text), sizeof text - strlen(text));
    for (p = text; (p = strstr(p, " log lines dropped: ")) != NULL; p++)
        lines++;
    cr_expect(lines == 1, "%u lines about it", lines);
    p = strstr(text, " log lines dropped: ");
    while (p > text && p[-1] >= '0' && p[-1] <= '9')
        p--;
    cr_expect(strtoull(p, NULL, 10) == dropped, "%.60s, not %llu", p, (unsigned long long)dropped);
    close(fd);
}

/* A disk that is full, and has room again later. */
Test(log, E7_a_sink_that_refuses_is_counted)
{
    static char text[16384];
    int full = open("/dev/full", O_WRONLY), copy = dup(STDERR_FILENO), fd = sink(false), i;
    int pipe_end = dup(STDERR_FILENO);

    cr_assert(full >= 0 && dup2(full, STDERR_FILENO) >= 0);
    cr_assert(log_start(true, LOG_INFO));
    for (i = 0; i < 50; i++) {
        log_line(LOG_INFO, "a decision, once more: %d", i);
        if (i % 10 == 0) /* several batches, of which each tells about the one before */
            nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
    }
    for (i = 0; i < 3000 && log_dropped() < 50; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    dup2(pipe_end, STDERR_FILENO);
    log_line(LOG_INFO, "there is room again");
    cr_expect(log_stop(3000));
    cr_expect(log_dropped() == 50, "%llu", (unsigned long long)log_dropped());
    drain(fd, text, sizeof text);
    cr_expect(strstr(text, "iprev-milter: there is room again\niprev-milter: warning: 50 log lines "
                           "dropped: ") == text,
              "%s", text);
    dup2(copy, STDERR_FILENO);
}

/* As on a disk that is full in the middle of a line: what comes later begins on its own. */
Test(log, E7_a_line_that_was_cut_is_ended)
{
    char path[] = "/tmp/test-log-XXXXXX", text[8192];
    struct rlimit small = {.rlim_cur = 30, .rlim_max = RLIM_INFINITY}, wide = small;
    int fd = mkstemp(path), copy = dup(STDERR_FILENO), i;
    ssize_t n;

    cr_assert(fd >= 0);
    unlink(path);
    wide.rlim_cur = RLIM_INFINITY;
    signal(SIGXFSZ, SIG_IGN);
    fflush(stderr);
    dup2(fd, STDERR_FILENO);
    cr_assert(log_start(true, LOG_INFO));
    cr_assert(setrlimit(RLIMIT_FSIZE, &small) == 0);
    log_line(LOG_INFO, "this one has no room beside its beginning");
    for (i = 0; i < 3000 && log_dropped() < 1; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    log_line(LOG_INFO, "and this one none at all");
    for (i = 0; i < 3000 && log_dropped() < 2; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    cr_assert(setrlimit(RLIMIT_FSIZE, &wide) == 0);
    log_line(LOG_INFO, "this one stands alone");
    cr_expect(log_stop(2000));
    dup2(copy, STDERR_FILENO);
    n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    cr_expect(strstr(text, "\niprev-milter: this one stands alone\n") != NULL, "%s", text);
    cr_expect_eq(log_dropped(), 2);
    close(fd);
}

/* Without a writer, the one who logs counts. */
Test(log, E7_lines_before_the_start_are_counted)
{
    int full = open("/dev/full", O_WRONLY), copy = dup(STDERR_FILENO);

    cr_assert(full >= 0 && dup2(full, STDERR_FILENO) >= 0);
    log_line(LOG_WARNING, "nobody has room for this");
    dup2(copy, STDERR_FILENO);
    cr_expect(log_dropped() == 1);
}

Test(log, levels_before_and_after_the_start)
{
    static char text[16384], lines[6000];
    int fd = sink(false);

    memset(lines, 'x', sizeof lines - 1);
    log_line(LOG_INFO, "not wanted");
    log_line(LOG_WARNING, "before %s", "start");
    cr_assert(log_start(true, LOG_INFO));
    cr_expect(log_wants(LOG_INFO) && !log_wants(LOG_DEBUG));
    log_line(LOG_INFO, "wanted");
    log_line(LOG_DEBUG, "too fine");
    log_line(LOG_ERR, "an %d", 1);
    log_line(LOG_INFO, "%s", lines);
    log_set(true, LOG_ERR);
    log_line(LOG_WARNING, "no longer");
    cr_expect(log_stop(3000));
    log_line(LOG_ERR, "after the stop");
    fflush(stderr);
    drain(fd, text, sizeof text);
    cr_expect(strstr(text, "iprev-milter: warning: before start\niprev-milter: wanted\n"
                           "iprev-milter: error: an 1\niprev-milter: xxx") == text,
              "%.200s", text);
    cr_expect(strlen(text) < 4400, "a long line is cut");
    cr_expect(strstr(text, "not wanted") == NULL && strstr(text, "fine") == NULL &&
              strstr(text, "no longer") == NULL);
    cr_expect(strstr(text, "\niprev-milter: error: after the stop\n") != NULL, "%s",
              text + strlen(text) - 60);
    cr_expect(log_dropped() == 0);
    close(fd);
}
