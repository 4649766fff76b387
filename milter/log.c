/* Log lines: see log.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_MAX 4096 /* lines */
#define LINE_MAX_ 4096 /* octets; longer lines are cut */
#define PAUSE_MS  2    /* between looks at the writer that is to end */
#define REST_MS   10   /* after a batch: to be woken for each line would cost more than the line */

struct line {
    struct line *next;
    int level;
    char text[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER; /* the queue has lines, or stop */
static struct line *first, **last = &first;
static unsigned queued;
static bool running, stopping;
static bool idle;               /* the writer waits to be woken */
static uint64_t dropped_unsaid; /* dropped, and not yet logged */
static atomic_uint_fast64_t dropped;
static atomic_bool to_stderr_ = true;
static atomic_int level_ = LOG_WARNING;

static const char *level_word(int level)
{
    switch (level) {
    case LOG_ERR:
        return "error: ";
    case LOG_WARNING:
        return "warning: ";
    default:
        return "";
    }
}

static void write_line(int level, const char *text)
{
    if (!atomic_load_explicit(&to_stderr_, memory_order_relaxed))
        syslog(level, "%s%s", level_word(level), text); /* does not tell what becomes of it */
    else if (fprintf(stderr, "iprev-milter: %s%s\n", level_word(level), text) < 0)
        atomic_fetch_add(&dropped, 1);
}

/* What the writer has gathered for stderr: many lines, one system call. */
static char gathered[8 * LINE_MAX_];
static size_t gathered_len;
static uint64_t gathered_told; /* how many dropped lines its last line reports; 0: none */

/* The sink refused what begins here. The line about dropped ones is not one more. */
static void count_refused(const char *p, const char *end)
{
    uint64_t lines = 0;

    p += p == gathered && *p == '\n'; /* ends a line that was cut before */
    for (; p < end; p++)
        lines += *p == '\n';
    lines -= gathered_told > 0;
    atomic_fetch_add(&dropped, lines);
    pthread_mutex_lock(&lock);
    dropped_unsaid += lines + gathered_told;
    pthread_mutex_unlock(&lock);
}

static void flush_gathered(void)
{
    size_t at = 0;
    bool cut;

    while (at < gathered_len) {
        ssize_t n = write(STDERR_FILENO, gathered + at, gathered_len - at);

        if (n < 0 && errno != EINTR) {
            count_refused(gathered + at, gathered + gathered_len);
            break;
        }
        at += n > 0 ? (size_t)n : 0;
    }
    /* With nothing written, the end of line that begins it is still owed. */
    cut = at > 0 ? at < gathered_len && gathered[at - 1] != '\n'
                 : gathered_len > 0 && gathered[0] == '\n';
    gathered_len = 0;
    gathered_told = 0;
    if (cut)
        gathered[gathered_len++] = '\n'; /* or the next record would be joined to it */
}

/* The writer's way; flush_gathered comes last. */
static void gather_line(int level, const char *text)
{
    size_t room = sizeof gathered - gathered_len;
    int n;

    if (!atomic_load_explicit(&to_stderr_, memory_order_relaxed)) {
        write_line(level, text);
        return;
    }
    if (room < LINE_MAX_ + 32) {
        flush_gathered();
        room = sizeof gathered;
    }
    n = snprintf(gathered + gathered_len, room, "iprev-milter: %s%s\n", level_word(level), text);
    if (n > 0)
        gathered_len += (size_t)n < room ? (size_t)n : room - 1;
}

static void gather_dropped(uint64_t n)
{
    char text[100];

    if (n == 0)
        return;
    snprintf(text, sizeof text, "%llu log lines dropped: the log is too slow, or refuses them",
             (unsigned long long)n);
    gather_line(LOG_WARNING, text);
    if (gathered_len > 0)
        gathered_told = n;
}

static void *writer(void *arg)
{
    static const struct timespec rest = {.tv_nsec = REST_MS * 1000000};

    (void)arg;
    pthread_mutex_lock(&lock);
    for (;;) {
        struct line *batch, *next;
        uint64_t n;

        while (first == NULL && !stopping) {
            idle = true;
            pthread_cond_wait(&more, &lock);
        }
        if (first == NULL)
            break;
        batch = first;
        first = NULL;
        last = &first;
        queued = 0;
        n = dropped_unsaid;
        dropped_unsaid = 0;
        pthread_mutex_unlock(&lock);
        for (; batch != NULL; batch = next) {
            next = batch->next;
            gather_line(batch->level, batch->text);
            free(batch);
        }
        gather_dropped(n);
        flush_gathered();
        nanosleep(&rest, NULL);
        pthread_mutex_lock(&lock);
    }
    running = false;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void open_syslog(void)
{
    openlog("iprev-milter", LOG_PID | LOG_NDELAY, LOG_MAIL);
}

/* Opened once: openlog() waits while the writer hangs in syslog(), and a reload must not. */
void log_set(bool to_stderr, int level)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (!to_stderr)
        pthread_once(&once, open_syslog);
    atomic_store(&to_stderr_, to_stderr);
    atomic_store(&level_, level);
}

bool log_start(bool to_stderr, int level)
{
    pthread_attr_t attr;
    pthread_t thread;

    log_set(to_stderr, level);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_mutex_lock(&lock);
    running = pthread_create(&thread, &attr, writer, NULL) == 0;
    pthread_mutex_unlock(&lock);
    pthread_attr_destroy(&attr);
    return running;
}

bool log_wants(int level)
{
    return level <= atomic_load_explicit(&level_, memory_order_relaxed);
}

uint64_t log_dropped(void)
{
    return atomic_load(&dropped);
}

/* False when the line could not be queued and the caller has to write it. */
static bool enqueue(int level, const char *text, size_t n)
{
    struct line *l = malloc(sizeof *l + n + 1);
    bool taken;

    if (l != NULL) {
        l->next = NULL;
        l->level = level;
        memcpy(l->text, text, n + 1);
    }
    pthread_mutex_lock(&lock);
    taken = running;
    if (running && l != NULL && queued < QUEUE_MAX) {
        *last = l;
        last = &l->next;
        queued++;
        l = NULL;
        if (idle)
            pthread_cond_signal(&more);
        idle = false;
    } else if (running) {
        dropped_unsaid++;
        atomic_fetch_add(&dropped, 1);
    }
    pthread_mutex_unlock(&lock);
    free(l);
    return taken;
}

void log_line(int level, const char *fmt, ...)
{
    char text[LINE_MAX_];
    va_list ap;
    int n;

    if (!log_wants(level))
        return;
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    if ((size_t)n >= sizeof text)
        n = (int)sizeof text - 1;
    if (!enqueue(level, text, (size_t)n))
        write_line(level, text);
}

bool log_stop(unsigned ms)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
    unsigned waited;
    bool ended = false;

    for (waited = 0; !ended && waited <= ms; waited += PAUSE_MS) {
        if (waited > 0)
            nanosleep(&pause, NULL);
        pthread_mutex_lock(&lock);
        stopping = true;
        pthread_cond_signal(&more);
        ended = !running;
        pthread_mutex_unlock(&lock);
    }
    return ended;
}
