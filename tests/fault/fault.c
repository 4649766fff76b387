/* Makes chosen calls of a program fail: a library for LD_PRELOAD.
 *
 * What is to happen stands in a file that is mapped (FAULT_STATE; struct state below), so a
 * test changes it while the program runs: which functions, called from where, and which call
 * of them fails, or takes its time. Counts blocks of memory that the program itself holds: those
 * taken by its own code and not given back. Shifts the wall clock.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum function {
    ALLOC = 1,
    THREAD = 2,
    ACCEPT = 4,
    WRITE = 8,
    EVENTFD = 16,
    SOCKET = 32,
    EPOLL = 64,
    OPEN = 128,
    PIPE = 256,
    SEND = 512, /* writev, send, sendmsg */
    DISK = 1024 /* pread, pwrite, fdatasync: what SQLite does with its files */
};

enum caller { ANYBODY, PROGRAM, LIBMILTER };

/* As fault.py packs it. */
struct state {
    atomic_uint functions; /* enum function; 0: nothing fails, nothing is counted */
    atomic_uint caller;    /* enum caller */
    atomic_ullong from;    /* the first call that fails, from 1; 0: none */
    atomic_ullong times;   /* calls that fail from there on */
    atomic_ullong calls;
    atomic_ullong failed;
    atomic_llong blocks; /* held by the program's own code */
    atomic_llong shift;  /* seconds, of the wall clock */
    atomic_uint error;   /* errno; 0: what is usual for the function */
    atomic_uint delay;   /* ms that each of these calls takes */
};

static struct state nothing, *state = &nothing;

/* ---- who calls ---- */

struct range {
    uintptr_t from, to;
};

static struct range program, libmilter;

static int look_at_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    bool *first = arg;
    struct range *r = NULL;
    int i;

    (void)size;
    if (*first)
        r = &program;
    else if (strstr(info->dlpi_name, "libmilter") != NULL)
        r = &libmilter;
    *first = false;
    for (i = 0; r != NULL && i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X) != 0) {
            r->from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            r->to = r->from + info->dlpi_phdr[i].p_memsz;
        }
    return 0;
}

static bool inside(const struct range *r, const void *address)
{
    return (uintptr_t)address >= r->from && (uintptr_t)address < r->to;
}

/* ---- does this call fail? ---- */

static bool is_meant(enum function f, const void *caller)
{
    if ((atomic_load(&state->functions) & (unsigned)f) == 0)
        return false;
    switch (atomic_load(&state->caller)) {
    case PROGRAM:
        return inside(&program, caller);
    case LIBMILTER:
        return inside(&libmilter, caller);
    default:
        return true;
    }
}

static bool fails(enum function f, const void *caller, int usual)
{
    unsigned long long call, from;
    unsigned error, delay;

    if (!is_meant(f, caller))
        return false;
    delay = atomic_load(&state->delay);
    if (delay > 0)
        usleep(delay * 1000);
    call = atomic_fetch_add(&state->calls, 1) + 1;
    from = atomic_load(&state->from);
    if (from == 0 || call < from || call - from >= atomic_load(&state->times))
        return false;
    atomic_fetch_add(&state->failed, 1);
    error = atomic_load(&state->error);
    errno = error != 0 ? (int)error : usual;
    return true;
}

#define CALLER __builtin_return_address(0)

/* ---- memory ---- */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

#define HELD_MAX (1u << 17)

static uintptr_t held[HELD_MAX]; /* open addressing */
static atomic_flag held_busy = ATOMIC_FLAG_INIT;

static size_t held_start(uintptr_t p)
{
    return (size_t)((p >> 4) * 0x9e3779b97f4a7c15u >> 47) % HELD_MAX;
}

static void *hold(void *p, const void *caller)
{
    size_t i;

    if (p == NULL || !inside(&program, caller))
        return p;
    while (atomic_flag_test_and_set(&held_busy))
        ;
    for (i = held_start((uintptr_t)p); held[i] != 0; i = (i + 1) % HELD_MAX)
        ;
    held[i] = (uintptr_t)p;
    atomic_flag_clear(&held_busy);
    atomic_fetch_add(&state->blocks, 1);
    return p;
}

/* Empties the place, and moves up what was put behind it for want of room. */
static void take_out(size_t hole)
{
    size_t i, start;

    for (i = (hole + 1) % HELD_MAX; held[i] != 0; i = (i + 1) % HELD_MAX) {
        start = held_start(held[i]);
        if ((i - start) % HELD_MAX < (i - hole) % HELD_MAX)
            continue;
        held[hole] = held[i];
        hole = i;
    }
    held[hole] = 0;
}

static void let_go(void *p)
{
    bool ours;
    size_t i;

    if (p == NULL || program.to == 0)
        return;
    while (atomic_flag_test_and_set(&held_busy))
        ;
    for (i = held_start((uintptr_t)p); held[i] != 0; i = (i + 1) % HELD_MAX)
        if (held[i] == (uintptr_t)p)
            break;
    ours = held[i] != 0;
    if (ours)
        take_out(i);
    atomic_flag_clear(&held_busy);
    if (ours)
        atomic_fetch_sub(&state->blocks, 1);
}

void *malloc(size_t n)
{
    return fails(ALLOC, CALLER, ENOMEM) ? NULL : hold(__libc_malloc(n), CALLER);
}

void *calloc(size_t n, size_t size)
{
    return fails(ALLOC, CALLER, ENOMEM) ? NULL : hold(__libc_calloc(n, size), CALLER);
}

void *realloc(void *p, size_t n)
{
    void *grown;

    if (fails(ALLOC, CALLER, ENOMEM))
        return NULL;
    let_go(p);
    grown = __libc_realloc(p, n);
    return hold(grown != NULL || n == 0 ? grown : p, CALLER);
}

void free(void *p)
{
    let_go(p);
    __libc_free(p);
}

char *strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = fails(ALLOC, CALLER, ENOMEM) ? NULL : hold(__libc_malloc(n), CALLER);

    return copy != NULL ? memcpy(copy, s, n) : NULL;
}

char *strndup(const char *s, size_t max)
{
    size_t n = strnlen(s, max);
    char *copy = fails(ALLOC, CALLER, ENOMEM) ? NULL : hold(__libc_malloc(n + 1), CALLER);

    if (copy != NULL) {
        memcpy(copy, s, n);
        copy[n] = '\0';
    }
    return copy;
}

/* ---- everything else: the next function of the name, found when first called ---- */

static void *next(void **known, const char *name)
{
    if (*known == NULL)
        *known = dlsym(RTLD_NEXT, name);
    return *known;
}

#define NEXT(name, ...)                                                                            \
    static void *known;                                                                            \
    union {                                                                                        \
        void *object;                                                                              \
        __typeof__(&name) call;                                                                    \
    } u = {next(&known, #name)};                                                                   \
    return u.call(__VA_ARGS__)

#define WITH(function, usual, failure, name, ...)                                                  \
    {                                                                                              \
        if (fails(function, CALLER, usual))                                                        \
            return failure;                                                                        \
        NEXT(name, __VA_ARGS__);                                                                   \
    }

FILE *open_memstream(char **text, size_t *n) WITH(ALLOC, ENOMEM, NULL, open_memstream, text, n)

    FILE *fmemopen(void *text, size_t n, const char *mode)
        WITH(ALLOC, ENOMEM, NULL, fmemopen, text, n, mode)

            int pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *),
                               void *arg)
                WITH(THREAD, EAGAIN, EAGAIN, pthread_create, t, attr, run, arg)

                    int accept(int fd, struct sockaddr *sa, socklen_t *n)
                        WITH(ACCEPT, EMFILE, -1, accept, fd, sa, n)

                            int accept4(int fd, struct sockaddr *sa, socklen_t *n, int flags)
                                WITH(ACCEPT, EMFILE, -1, accept4, fd, sa, n, flags)

                                    ssize_t
    write(int fd, const void *p, size_t n) WITH(WRITE, EIO, -1, write, fd, p, n)

        ssize_t writev(int fd, const struct iovec *p, int n) WITH(SEND, EPIPE, -1, writev, fd, p, n)

            ssize_t send(int fd, const void *p, size_t n, int flags)
                WITH(SEND, EPIPE, -1, send, fd, p, n, flags)

                    ssize_t
    sendmsg(int fd, const struct msghdr *m, int flags) WITH(SEND, EPIPE, -1, sendmsg, fd, m, flags)

        int eventfd(unsigned n, int flags) WITH(EVENTFD, EMFILE, -1, eventfd, n, flags)

            int socket(int family, int type, int protocol)
                WITH(SOCKET, EMFILE, -1, socket, family, type, protocol)

                    int epoll_create1(int flags) WITH(EPOLL, EMFILE, -1, epoll_create1, flags)

                        int epoll_ctl(int epfd, int op, int fd, struct epoll_event *e)
                            WITH(EPOLL, ENOSPC, -1, epoll_ctl, epfd, op, fd, e)

                                ssize_t pread64(int fd, void *p, size_t n, off64_t at)
                                    WITH(DISK, EIO, -1, pread64, fd, p, n, at) ssize_t
    pwrite64(int fd, const void *p, size_t n, off64_t at)
        WITH(DISK, EIO, -1, pwrite64, fd, p, n, at) int fdatasync(int fd)
            WITH(DISK, EIO, -1, fdatasync, fd) int pipe(int fd[2]) WITH(PIPE, EMFILE, -1, pipe, fd)

                int pipe2(int fd[2], int flags) WITH(PIPE, EMFILE, -1, pipe2, fd, flags)

                    FILE *fopen(const char *path, const char *mode)
                        WITH(OPEN, EMFILE, NULL, fopen, path, mode)

                            int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list ap;

    va_start(ap, flags);
    if ((flags & (O_CREAT | O_TMPFILE)) != 0)
        mode = va_arg(ap, mode_t);
    va_end(ap);
    if (fails(OPEN, CALLER, EMFILE))
        return -1;
    return openat(AT_FDCWD, path, flags, mode);
}

/* ---- the socket's place ---- */

/* What the owner of its directory can do right behind bind(): a link to FAULT_LINK takes the
 * place of a unix socket, which is aside then. */
int listen(int fd, int backlog)
{
    const char *target = getenv("FAULT_LINK");
    struct sockaddr_un sa = {.sun_family = AF_UNSPEC};
    socklen_t n = sizeof sa;
    char aside[sizeof sa.sun_path + 8];

    if (target != NULL && getsockname(fd, (struct sockaddr *)&sa, &n) == 0 &&
        sa.sun_family == AF_UNIX) {
        snprintf(aside, sizeof aside, "%s.aside", sa.sun_path);
        if (rename(sa.sun_path, aside) != 0 || symlink(target, sa.sun_path) != 0)
            return -1;
    }
    NEXT(listen, fd, backlog);
}

/* ---- the wall clock ---- */

int clock_gettime(clockid_t clock, struct timespec *t)
{
    static void *known;
    union {
        void *object;
        __typeof__(&clock_gettime) call;
    } u = {next(&known, "clock_gettime")};
    int rc = u.call(clock, t);

    if (rc == 0 && clock == CLOCK_REALTIME)
        t->tv_sec += (time_t)atomic_load(&state->shift);
    return rc;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    t->tv_sec = now.tv_sec;
    t->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *t)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (t != NULL)
        *t = now.tv_sec;
    return now.tv_sec;
}

/* ---- start ---- */

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULT_STATE");
    int fd = path != NULL ? openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
    bool first = true;
    void *p;

    if (fd < 0)
        return;
    p = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        return;
    dl_iterate_phdr(look_at_object, &first);
    state = p;
}
