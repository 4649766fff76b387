/* What makes the process a daemon: see daemon.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/daemon.h"

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define STACK_SIZE (256 * 1024)
#define LOCK_TRIES 150 /* a tenth of a second each */
/* An instance that drains listens for three seconds more at most: see main.c. */
#define LISTEN_TRIES 40
#define PORT_TRIES   10 /* 0.4 s each: libmilter complains to syslog each time */
#define FD_SCAN_MAX  1024

static int listener_fd = -1; /* libmilter's */
static struct sockaddr_storage listener;
static socklen_t listener_len;

static const char *wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static const char *wrong(const char *fmt, ...)
{
    static char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return text;
}

void daemon_standard_streams(void)
{
    int fd;

    for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

void daemon_limits(void)
{
    struct rlimit none = {0, 0}, lim;
    pthread_attr_t attr;

    setrlimit(RLIMIT_CORE, &none);
    if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < lim.rlim_max) {
        lim.rlim_cur = lim.rlim_max;
        setrlimit(RLIMIT_NOFILE, &lim);
    }
    if (pthread_attr_init(&attr) == 0) {
        if (pthread_attr_setstacksize(&attr, STACK_SIZE) == 0)
            pthread_setattr_default_np(&attr);
        pthread_attr_destroy(&attr);
    }
}

/* ---- the unix socket's place ---- */

static const char *unix_path(const char *socket)
{
    return strncmp(socket, "unix:", 5) == 0 ? socket + 5 : NULL;
}

static bool somebody_listens(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    bool yes;
    int fd;

    if (n >= sizeof sa.sun_path)
        return false;
    memcpy(sa.sun_path, path, n);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true; /* cannot tell: do not touch it */
    yes = connect(fd, (const struct sockaddr *)&sa, sizeof sa) == 0 ||
          (errno != ECONNREFUSED && errno != ENOENT);
    close(fd);
    return yes;
}

/* The lock stays open, and held, to the end of the process. */
static const char *take_lock(const char *path)
{
    static const struct timespec tenth = {.tv_nsec = 100000000};
    char lock[256];
    int fd, tries, error;

    snprintf(lock, sizeof lock, "%s.lock", path);
    fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    error = errno;
    if (fd < 0 && error == EACCES && access(lock, F_OK) == 0)
        return wrong("the lock file %s belongs to another user: remove it", lock);
    if (fd < 0)
        return wrong("cannot make the lock file %s: %s", lock, strerror(error));
    for (tries = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; tries++) {
        if (errno != EWOULDBLOCK || tries == LOCK_TRIES ||
            (tries >= LISTEN_TRIES && somebody_listens(path))) {
            close(fd);
            return wrong("another instance listens on %s (it holds %s)", path, lock);
        }
        nanosleep(&tenth, NULL);
    }
    return NULL;
}

const char *daemon_claim_socket(const char *socket)
{
    const char *path = unix_path(socket), *fault;
    struct stat st;

    if (path == NULL)
        return NULL;
    if (strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return wrong("the path %s is too long for a unix socket", path);
    fault = take_lock(path);
    if (fault != NULL)
        return fault;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? NULL : wrong("cannot look at %s: %s", path, strerror(errno));
    if (!S_ISSOCK(st.st_mode))
        return wrong("%s exists and is not a socket", path);
    if (somebody_listens(path))
        return wrong("another program listens on %s", path);
    if (geteuid() != 0 && st.st_uid != geteuid())
        return wrong("%s is a stale socket that belongs to another user: remove it", path);
    return unlink(path) == 0 ? NULL : wrong("cannot remove %s: %s", path, strerror(errno));
}

bool daemon_listen_again(unsigned *tries)
{
    static const struct timespec pause = {.tv_nsec = 400000000};

    if (errno != EADDRINUSE || ++*tries > PORT_TRIES)
        return false;
    nanosleep(&pause, NULL);
    return true;
}

/* ---- after listening ---- */

static bool is_listener(int fd)
{
    int on;
    socklen_t n = sizeof on;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on != 0;
}

/* Of whoever started us, and not closed by him. */
static bool inherited[FD_SCAN_MAX];

void daemon_before_socket(void)
{
    int fd;

    for (fd = 0; fd < FD_SCAN_MAX; fd++)
        inherited[fd] = is_listener(fd);
}

static int find_listener(void)
{
    int fd;

    for (fd = 0; fd < FD_SCAN_MAX; fd++)
        if (!inherited[fd] && is_listener(fd))
            return fd;
    return -1;
}

bool daemon_listens(void)
{
    return is_listener(listener_fd);
}

const char *daemon_adopt_socket(void)
{
    int fd = find_listener(), on = 1;

    if (fd < 0)
        return wrong("the listening socket cannot be found");
    listener_fd = fd;
    listener_len = sizeof listener;
    if (getsockname(fd, (struct sockaddr *)&listener, &listener_len) != 0)
        listener_len = 0;
    if (!daemon_listens_unix() && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        return wrong("cannot set TCP_NODELAY: %s", strerror(errno));
    return NULL;
}

bool daemon_listens_unix(void)
{
    return listener_len > 0 && listener.ss_family == AF_UNIX;
}

/* "user:group 0660", as ls would show it. */
static void describe(char *out, size_t cap, const char *path)
{
    const struct passwd *pw;
    const struct group *gr;
    struct stat st;

    if (stat(path, &st) != 0) {
        snprintf(out, cap, "not there");
        return;
    }
    pw = getpwuid(st.st_uid);
    gr = getgrgid(st.st_gid);
    snprintf(out, cap, "%.32s:%.32s %04o", pw != NULL ? pw->pw_name : "?",
             gr != NULL ? gr->gr_name : "?", (unsigned)st.st_mode & 07777);
}

bool daemon_describe_socket(const char *socket, char *out, size_t cap)
{
    const char *path = unix_path(socket);
    char copy[sizeof((struct sockaddr_un *)0)->sun_path], own[80], above[80];

    if (path == NULL)
        return false;
    describe(own, sizeof own, path);
    snprintf(copy, sizeof copy, "%s", path);
    describe(above, sizeof above, dirname(copy));
    snprintf(out, cap,
             "the socket is %s, in a directory %s: the mail server's user needs access to both",
             own, above);
    return true;
}

void daemon_remove_socket(const char *socket)
{
    const char *path = unix_path(socket);
    struct stat st;

    /* Nobody else can have put it there: the lock is ours. */
    if (path != NULL && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(path);
}

void daemon_kick(void)
{
    int fd;

    if (listener_len == 0)
        return;
    fd = socket(listener.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    /* Refused or delayed, it has done what it can. */
    (void)!connect(fd, (const struct sockaddr *)&listener, listener_len);
    close(fd);
}

/* ---- privileges ---- */

const char *daemon_drop_privileges(const char *user)
{
    const struct passwd *pw;

    if (user == NULL || geteuid() != 0)
        return NULL;
    errno = 0;
    pw = getpwnam(user);
    if (pw == NULL)
        return wrong("there is no user %s%s%s: create it, by systemd-sysusers or useradd --system",
                     user, errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
    if (initgroups(user, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0)
        return wrong("cannot become %s: %s", user, strerror(errno));
    if (pw->pw_uid != 0 && (setuid(0) == 0 || geteuid() != pw->pw_uid || getegid() != pw->pw_gid))
        return wrong("became %s, but could become root again", user);
    return NULL;
}

/* ---- systemd ---- */

void daemon_notify(const char *state)
{
#ifdef HAVE_SYSTEMD
    sd_notify(0, state);
#else
    (void)state;
#endif
}

unsigned daemon_watchdog_ms(void)
{
#ifdef HAVE_SYSTEMD
    uint64_t usec;

    if (sd_watchdog_enabled(0, &usec) > 0)
        return (unsigned)(usec / 2000);
#endif
    return 0;
}
