/* daemon: the place of the socket, its lock and its mode.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include <criterion/criterion.h>

#include "milter/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct place {
    char dir[32];
    char path[64];
    char lock[80];
    char socket[80]; /* unix:PATH */
};

static void place_make(struct place *p)
{
    memcpy(p->dir, "/tmp/test-daemon-XXXXXX", 24);
    cr_assert(mkdtemp(p->dir) != NULL);
    snprintf(p->path, sizeof p->path, "%s/sock", p->dir);
    snprintf(p->lock, sizeof p->lock, "%s.lock", p->path);
    snprintf(p->socket, sizeof p->socket, "unix:%s", p->path);
}

static void place_remove(struct place *p)
{
    if (unlink(p->path) != 0)
        rmdir(p->path);
    unlink(p->lock);
    cr_expect(rmdir(p->dir) == 0, "something is left in %s", p->dir);
}

static bool exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

/* A unix socket at path; listening only when asked. */
static int bound(const char *path, int type, bool listening)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type, 0);

    strncpy(sa.sun_path, path, sizeof sa.sun_path - 1);
    cr_assert(bind(fd, (const struct sockaddr *)&sa, sizeof sa) == 0);
    if (listening)
        cr_assert(listen(fd, 5) == 0);
    return fd;
}

static unsigned descriptors(void)
{
    unsigned n = 0;
    int fd;

    for (fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- claiming ---- */

Test(daemon, claim_a_free_place)
{
    struct place p;
    const char *fault;

    place_make(&p);
    fault = daemon_claim_socket(p.socket);
    cr_expect(fault == NULL, "%s", fault);
    cr_expect(exists(p.lock) && !exists(p.path));
    place_remove(&p);
    cr_expect(daemon_claim_socket("inet:8891@localhost") == NULL, "no place to claim");
}

Test(daemon, E13_dead_socket_goes)
{
    struct place p;
    const char *fault;

    place_make(&p);
    close(bound(p.path, SOCK_STREAM, true));
    cr_assert(exists(p.path));
    fault = daemon_claim_socket(p.socket);
    cr_expect(fault == NULL, "%s", fault);
    cr_expect(!exists(p.path));
    place_remove(&p);
}

Test(daemon, E13_what_must_stay)
{
    enum thing { LISTENING, DATAGRAM, PLAIN_FILE, DIRECTORY, LINK_TO_DEAD, LINK_TO_NOTHING };
    static const struct {
        enum thing thing;
        const char *told;
    } row[] = {{LISTENING, "listens"},         {DATAGRAM, "listens"},
               {PLAIN_FILE, "not a socket"},   {DIRECTORY, "not a socket"},
               {LINK_TO_DEAD, "not a socket"}, {LINK_TO_NOTHING, "not a socket"}};
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        char dead[80];
        struct place p;
        const char *fault;
        int fd = -1;

        place_make(&p);
        snprintf(dead, sizeof dead, "%s.dead", p.path);
        switch (row[i].thing) {
        case LISTENING:
            fd = bound(p.path, SOCK_STREAM, true);
            break;
        case DATAGRAM:
            fd = bound(p.path, SOCK_DGRAM, false);
            break;
        case PLAIN_FILE:
            fd = open(p.path, O_CREAT | O_WRONLY, 0600);
            break;
        case DIRECTORY:
            mkdir(p.path, 0700);
            break;
        case LINK_TO_DEAD:
            close(bound(dead, SOCK_STREAM, true));
            cr_assert(symlink(dead, p.path) == 0);
            break;
        case LINK_TO_NOTHING:
            cr_assert(symlink(dead, p.path) == 0);
            break;
        }
        fault = daemon_claim_socket(p.socket);
        cr_assert(fault != NULL, "row %zu is taken", i);
        cr_expect(strstr(fault, row[i].told) != NULL && strstr(fault, p.path) != NULL, "%s", fault);
        cr_expect(exists(p.path), "row %zu is gone", i);
        cr_expect(exists(dead) == (row[i].thing == LINK_TO_DEAD), "row %zu: the target", i);
        if (fd >= 0)
            close(fd);
        unlink(dead);
        place_remove(&p);
    }
}

/* Neither removed, where the directory would let us, nor bound over: not as another user. */
Test(daemon, E13_a_dead_socket_of_another_user)
{
    struct place p;
    int status = -1;
    pid_t pid;

    if (geteuid() != 0)
        cr_skip_test("needs root");
    place_make(&p);
    cr_assert(chmod(p.dir, 0777) == 0);
    close(bound(p.path, SOCK_STREAM, true));
    cr_assert(chmod(p.path, 0666) == 0);
    pid = fork();
    if (pid == 0) {
        const char *fault;

        if (setgid(65534) != 0 || setuid(65534) != 0)
            _exit(2);
        fault = daemon_claim_socket(p.socket);
        _exit(fault != NULL && strstr(fault, "belongs to another user") != NULL ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    cr_expect(status == 0, "%d", status);
    cr_expect(exists(p.path));
    place_remove(&p);
}

/* Whoever we are, what we left behind ourselves goes, and the lock is all that stays open. */
Test(daemon, E13_a_dead_socket_of_ones_own)
{
    struct place p;
    int status = -1;
    pid_t pid;

    place_make(&p);
    cr_assert(chmod(p.dir, 0777) == 0);
    pid = fork();
    if (pid == 0) {
        unsigned before;

        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(2);
        close(bound(p.path, SOCK_STREAM, true));
        before = descriptors();
        if (daemon_claim_socket(p.socket) != NULL)
            _exit(1);
        _exit(descriptors() == before + 1 ? 0 : 3);
    }
    waitpid(pid, &status, 0);
    cr_expect(status == 0, "%d", status >> 8);
    cr_expect(!exists(p.path));
    place_remove(&p);
}

/* Without a descriptor to knock with: perhaps somebody listens there. */
Test(daemon, E13_a_socket_that_cannot_be_tried_stays)
{
    struct rlimit lim;
    struct place p;
    const char *fault;
    int fd;

    place_make(&p);
    close(bound(p.path, SOCK_STREAM, true));
    fd = dup(0);
    cr_assert(fd >= 0 && getrlimit(RLIMIT_NOFILE, &lim) == 0);
    close(fd);
    lim.rlim_cur = (rlim_t)fd + 1; /* for the lock alone */
    cr_assert(setrlimit(RLIMIT_NOFILE, &lim) == 0);
    fault = daemon_claim_socket(p.socket);
    cr_expect(fault != NULL && strstr(fault, "listens on") != NULL, "%s", fault);
    lim.rlim_cur = lim.rlim_max;
    setrlimit(RLIMIT_NOFILE, &lim);
    cr_expect(exists(p.path));
    place_remove(&p);
}

Test(daemon, claim_faults)
{
    static const char *const lock_things[] = {"directory", "link"};
    char path[256] = "unix:/tmp/", target[64];
    struct place p;
    size_t i;

    memset(path + 10, 'x', 120);
    cr_expect(strstr(daemon_claim_socket(path), "too long") != NULL);
    cr_expect(strstr(daemon_claim_socket("unix:/nonexistent/sock"), "lock") != NULL);
    for (i = 0; i < 2; i++) {
        place_make(&p);
        if (i == 0)
            mkdir(p.lock, 0700);
        else
            cr_assert(symlink("target", p.lock) == 0);
        cr_expect(daemon_claim_socket(p.socket) != NULL, "the lock is a %s", lock_things[i]);
        snprintf(target, sizeof target, "%s/target", p.dir);
        cr_expect(unlink(target) != 0, "a file was made through the link");
        rmdir(p.lock);
        place_remove(&p);
    }
}

/* ---- two instances ---- */

static void sleep_ms(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    nanosleep(&t, NULL);
}

/* A process that listens for a while and holds the lock for some time more. Returns when
 * it does. */
static pid_t other_instance(struct place *p, unsigned listens_ms, unsigned drains_ms)
{
    int ready[2];
    char c;
    pid_t pid;

    cr_assert(pipe(ready) == 0);
    pid = fork();
    if (pid == 0) {
        int fd;

        if (daemon_claim_socket(p->socket) != NULL)
            _exit(1);
        fd = bound(p->path, SOCK_STREAM, true);
        (void)!write(ready[1], "x", 1);
        sleep_ms(listens_ms);
        close(fd);
        sleep_ms(drains_ms);
        _exit(0);
    }
    close(ready[1]);
    cr_assert(pid > 0 && read(ready[0], &c, 1) == 1);
    close(ready[0]);
    return pid;
}

Test(daemon, E12_a_live_instance_refuses)
{
    struct place p;
    double from;
    unsigned open_before;
    const char *fault;
    pid_t pid;

    place_make(&p);
    pid = other_instance(&p, 12000, 0);
    from = now();
    open_before = descriptors();
    fault = daemon_claim_socket(p.socket);
    cr_assert(fault != NULL);
    cr_expect_eq(descriptors(), open_before);
    cr_expect(strstr(fault, "another instance") != NULL, "%s", fault);
    cr_expect(now() - from < 9, "who started it does not wait long");
    cr_expect(exists(p.path));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    place_remove(&p);
}

Test(daemon, E12_waits_for_one_that_ends)
{
    struct place p;
    const char *fault;
    pid_t pid;

    place_make(&p);
    pid = other_instance(&p, 1000, 500); /* it listens while it drains */
    fault = daemon_claim_socket(p.socket);
    cr_expect(fault == NULL, "%s", fault);
    cr_expect(!exists(p.path), "its socket is dead by then");
    waitpid(pid, NULL, 0);
    /* And now the lock is ours: nobody else gets it. */
    pid = fork();
    if (pid == 0) {
        int fd = open(p.lock, O_RDWR);

        _exit(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 ? 0 : 1);
    } else {
        int status = -1;

        waitpid(pid, &status, 0);
        cr_expect(status == 0, "the lock is free");
    }
    place_remove(&p);
}

/* One that hangs at its end is not waited for longer than whoever starts us would wait. */
Test(daemon, E12_one_that_does_not_end)
{
    struct place p;
    double from = now();
    const char *fault;
    pid_t pid;

    place_make(&p);
    pid = other_instance(&p, 0, 20000);
    fault = daemon_claim_socket(p.socket);
    cr_expect(fault != NULL && strstr(fault, "another instance") != NULL, "%s", fault);
    cr_expect(now() - from > 10, "%.1f s", now() - from);
    cr_expect(exists(p.path));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    place_remove(&p);
}

Test(daemon, E12_an_address_in_use_is_tried_again)
{
    unsigned tries = 0, times = 0;
    double from = now();

    errno = EADDRNOTAVAIL;
    cr_expect(!daemon_listen_again(&tries), "nothing to wait for");
    for (errno = EADDRINUSE; times < 1000 && daemon_listen_again(&tries); errno = EADDRINUSE)
        times++;
    cr_expect(times >= 5 && times < 1000, "%u", times);
    cr_expect(now() - from > 3 && now() - from < 9, "%.1f s", now() - from);
}

/* ---- removing and adopting ---- */

Test(daemon, remove_only_sockets)
{
    struct place p;

    place_make(&p);
    close(bound(p.path, SOCK_STREAM, true));
    daemon_remove_socket(p.socket);
    cr_expect(!exists(p.path));
    daemon_remove_socket(p.socket);
    close(open(p.path, O_CREAT | O_WRONLY, 0600));
    daemon_remove_socket(p.socket);
    cr_expect(exists(p.path), "a plain file stays");
    daemon_remove_socket("inet:8891@localhost");
    place_remove(&p);
}

Test(daemon, E14_adopt_and_kick)
{
    struct place p;
    const char *fault;
    unsigned before;
    int fd, got;

    place_make(&p);
    daemon_kick(); /* before there is anything to kick */
    fd = bound(p.path, SOCK_STREAM, false);
    cr_expect(strstr(daemon_adopt_socket(), "cannot be found") != NULL, "before it listens");
    cr_expect(!daemon_listens_unix());
    cr_assert(listen(fd, 5) == 0);
    fault = daemon_adopt_socket();
    cr_expect(fault == NULL, "%s", fault);
    cr_expect(daemon_listens_unix());
    fcntl(fd, F_SETFL, O_NONBLOCK);
    before = descriptors();
    daemon_kick();
    cr_expect_eq(descriptors(), before, "it comes each second");
    got = accept(fd, NULL, NULL);
    cr_expect(got >= 0, "the kick arrives");
    close(got);
    close(fd);
    daemon_kick();
    cr_expect_eq(descriptors(), before - 1, "nobody listens any more");
    place_remove(&p);
}

/* A supervisor may leave a listening socket of its own open: that is not the one. */
Test(daemon, E14_listener_of_somebody_else)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int other = socket(AF_INET, SOCK_STREAM, 0), fd;
    struct place p;

    place_make(&p);
    cr_assert(bind(other, (const struct sockaddr *)&sa, sizeof sa) == 0 && listen(other, 5) == 0);
    daemon_before_socket();
    cr_expect(daemon_adopt_socket() != NULL, "none of ours");
    fd = bound(p.path, SOCK_STREAM, false);
    cr_assert(listen(fd, 5) == 0);
    cr_expect(daemon_adopt_socket() == NULL);
    cr_expect(daemon_listens_unix());
    close(fd);
    cr_expect(!daemon_listens());
    daemon_before_socket();
    close(other);
    daemon_before_socket(); /* what is gone may be one of ours later */
    daemon_remove_socket(p.socket);
    fd = bound(p.path, SOCK_STREAM, true);
    cr_expect(daemon_adopt_socket() == NULL);
    close(fd);
    place_remove(&p);
}

/* Inherited by each connection: without it a message waits for the ACK of the one before. */
Test(daemon, no_delay_on_an_inet_socket)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 0;
    socklen_t n = sizeof on;

    cr_assert(bind(fd, (const struct sockaddr *)&sa, sizeof sa) == 0 && listen(fd, 5) == 0);
    cr_assert(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &n) == 0 && on == 0);
    cr_expect(daemon_adopt_socket() == NULL);
    cr_expect(!daemon_listens_unix() && daemon_listens());
    cr_expect(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &n) == 0 && on != 0);
    close(fd);
    cr_expect(!daemon_listens(), "it is gone");
}

/* What the mail server's administrator has to know: owner and mode of the socket, and of the
 * directory. */
Test(daemon, describes_its_socket)
{
    const struct passwd *pw = getpwuid(geteuid());
    const struct group *gr = getgrgid(getegid());
    char text[300], want[300], who[80];
    struct place p;

    snprintf(who, sizeof who, "%s:%s", pw != NULL ? pw->pw_name : "?",
             gr != NULL ? gr->gr_name : "?");
    place_make(&p);
    close(bound(p.path, SOCK_STREAM, true));
    cr_assert(chmod(p.path, 0660) == 0 && chmod(p.dir, 02750) == 0);
    cr_expect(daemon_describe_socket(p.socket, text, sizeof text));
    snprintf(want, sizeof want,
             "the socket is %s 0660, in a directory %s 2750: the mail server's user needs access "
             "to both",
             who, who);
    cr_expect_str_eq(text, want);
    unlink(p.path);
    cr_expect(daemon_describe_socket(p.socket, text, sizeof text));
    cr_expect(strstr(text, "the socket is not there, in a directory") == text, "%s", text);
    cr_expect(!daemon_describe_socket("inet:8891@localhost", text, sizeof text), "no file");
    place_remove(&p);
}
