/* iprev-milter: order of start, signals, order of stop, exit codes.
 *
 * The first thread does nothing but wait for the signals that end the process: the
 * kernel prefers it, so it sees them before libmilter's own signal thread, and HUP can
 * be told from TERM. libmilter runs in a thread of its own, and so does the reload,
 * which waits for USR1 itself: while the first thread handled that, libmilter's
 * thread would take a TERM.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "callbacks.h"
#include "daemon.h"
#include "log.h"
#include "metrics.h"
#include "session.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum exit_code {
    EXIT_STOPPED = 0,
    EXIT_BAD_USAGE = 64,
    EXIT_NO_LISTEN = 69,
    EXIT_INTERNAL = 70,
    EXIT_BAD_CONFIG = 78
};

#define STOP_WAIT_MS 10000 /* for callbacks that run */
#define KICK_MS      50    /* while libmilter closes its listener */
#define IDLE_MS      60000

struct options {
    const char *config;
    const char *socket;
    bool test, verbose;
};

static struct options options;
static char *socket_in_use;
static atomic_bool stopping, reloading;
static pthread_mutex_t snapshot_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool milter_ended;
static atomic_int milter_result;
static pthread_t first_thread;

/* ---- options ---- */

static const char *const default_config = SYSCONFDIR "/iprev-milter.conf";

static void usage(FILE *out)
{
    fprintf(out,
            "usage: iprev-milter [-c FILE] [-p SOCKET] [-t] [-v] [-V] [-h]\n"
            "  -c FILE    configuration (default %s, if there is one)\n"
            "  -p SOCKET  listen here: inet:PORT@HOST or unix:PATH, whatever FILE says\n"
            "  -t         check the configuration and print it as understood\n"
            "  -v         log more\n"
            "  -V         print the version\n"
            "  -h         print this\n"
            "Runs in the foreground. USR1 reloads the configuration, TERM and INT stop.\n",
            default_config);
}

/* An exit code, or -1 to go on. */
static int read_options(int argc, char **argv)
{
    int c;

    while ((c = getopt(argc, argv, "c:p:tvVh")) != -1)
        switch (c) {
        case 'c':
            options.config = optarg;
            break;
        case 'p':
            options.socket = optarg;
            break;
        case 't':
            options.test = true;
            break;
        case 'v':
            options.verbose = true;
            break;
        case 'V':
            puts(PACKAGE_STRING);
            return EXIT_STOPPED;
        case 'h':
            usage(stdout);
            return EXIT_STOPPED;
        default:
            usage(stderr);
            return EXIT_BAD_USAGE;
        }
    if (optind < argc) {
        fprintf(stderr, "iprev-milter: %s: no argument is expected\n", argv[optind]);
        usage(stderr);
        return EXIT_BAD_USAGE;
    }
    if (options.config == NULL && access(default_config, F_OK) == 0)
        options.config = default_config;
    return -1;
}

static struct settings *read_settings(FILE *err)
{
    struct settings *s = settings_read(options.config, err);
    const char *fault;

    if (s == NULL || options.socket == NULL)
        return s;
    free(s->socket);
    s->socket = NULL;
    fault = settings_socket(options.socket, &s->socket);
    if (fault == NULL)
        return s;
    fprintf(err, "-p %s: %s\n", options.socket, fault);
    settings_free(s);
    return NULL;
}

static int log_level(const struct settings *s)
{
    return options.verbose ? LOG_DEBUG : s->log.level;
}

/* ---- -t ---- */

static int test_settings(struct settings *s)
{
    char err[512];
    struct resolver *r = resolver_start(&s->resolver, NULL, err, sizeof err);

    if (r == NULL) {
        fprintf(stderr, "iprev-milter: resolver: %s\n", err);
        settings_free(s);
        return EXIT_BAD_CONFIG;
    }
    settings_print(s, stdout);
    settings_free(s);
    resolver_release(r);
    resolver_wait_ended(5000);
    return fflush(stdout) == 0 ? EXIT_STOPPED : EXIT_INTERNAL;
}

/* ---- reload ---- */

static void log_faults(char *text)
{
    char *line, *rest = text;

    while ((line = strsep(&rest, "\n")) != NULL)
        if (line[0] != '\0')
            log_line(LOG_ERR, "%s", line);
}

static struct settings *reread_settings(void)
{
    char *text = NULL;
    size_t n = 0;
    FILE *err = open_memstream(&text, &n);
    struct settings *s;

    if (err == NULL)
        return NULL;
    s = read_settings(err);
    if (fclose(err) == 0 && s == NULL)
        log_faults(text);
    free(text);
    return s;
}

/* Once the stop has begun, the snapshot in force stays: it is the one drained. */
static void put_unless_stopping(struct snapshot *s)
{
    bool put;

    pthread_mutex_lock(&snapshot_lock);
    put = !atomic_load(&stopping);
    if (put)
        snapshot_put(s);
    pthread_mutex_unlock(&snapshot_lock);
    if (!put)
        snapshot_release(s);
}

static void reload(void)
{
    struct snapshot *old = snapshot_take(), *new = NULL;
    struct settings *s = reread_settings();
    char err[512] = "";

    daemon_notify("RELOADING=1");
    if (s != NULL)
        new = snapshot_new(s, old, err, sizeof err);
    if (new == NULL) {
        log_line(LOG_ERR, "reload refused, the old settings stay%s%s", err[0] ? ": " : "", err);
    } else {
        if (strcmp(new->settings->socket, socket_in_use) != 0)
            log_line(LOG_WARNING, "reload: a new socket needs a restart; still on %s",
                     socket_in_use);
        log_set(new->settings->log.stderr_, log_level(new->settings));
        put_unless_stopping(new);
        log_line(LOG_NOTICE, "reloaded %s",
                 options.config != NULL ? options.config : "the built-in settings");
    }
    metrics_reload(new != NULL);
    snapshot_release(old);
    daemon_notify("READY=1");
}

static void *reloader(void *arg)
{
    sigset_t set;
    int sig;

    (void)arg;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    for (;;) {
        if (sigwait(&set, &sig) != 0)
            continue;
        atomic_store(&reloading, true);
        if (!atomic_load(&stopping))
            reload();
        atomic_store(&reloading, false);
    }
    return NULL;
}

/* ---- running ---- */

static void *milter_main(void *arg)
{
    (void)arg;
    atomic_store(&milter_result, smfi_main());
    atomic_store(&milter_ended, true);
    pthread_kill(first_thread, SIGUSR2); /* wakes wait_for_end */
    return NULL;
}

static bool start_thread(void *(*run)(void *))
{
    pthread_t t;

    if (pthread_create(&t, NULL, run, NULL) != 0)
        return false;
    pthread_detach(t);
    return true;
}

static void end_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGUSR2);
}

static void feed_watchdog(void)
{
    struct snapshot *s = snapshot_take();

    if (s != NULL && resolver_alive(s->resolver))
        daemon_notify("WATCHDOG=1");
    snapshot_release(s);
}

/* The signal that ends us, or 0 when libmilter has ended by itself. */
static int wait_for_end(void)
{
    unsigned watchdog = daemon_watchdog_ms();
    unsigned ms = watchdog != 0 ? watchdog : IDLE_MS;
    struct timespec every = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    sigset_t set;

    end_signals(&set);
    for (;;) {
        int sig = sigtimedwait(&set, NULL, &every);

        if (atomic_load(&milter_ended))
            return 0;
        if (sig == SIGTERM || sig == SIGINT || sig == SIGHUP)
            return sig;
        if (watchdog != 0)
            feed_watchdog();
    }
}

/* ---- stop ---- */

static void sleep_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

/* smfi_stop waits for the listener, which looks up only every five seconds or
 * when a connection comes. */
static void *wake_listener(void *arg)
{
    (void)arg;
    while (!atomic_load(&milter_ended)) {
        daemon_kick();
        sleep_ms(KICK_MS);
    }
    return NULL;
}

/* Lets no new work in, ends what waits, and waits for callbacks that run. */
static void drain(void)
{
    int64_t until = resolver_now() + STOP_WAIT_MS;
    struct snapshot *s;

    daemon_notify("STOPPING=1");
    pthread_mutex_lock(&snapshot_lock);
    atomic_store(&stopping, true);
    pthread_mutex_unlock(&snapshot_lock);
    s = snapshot_take();
    if (s != NULL)
        resolver_drain(s->resolver);
    snapshot_release(s);
    start_thread(wake_listener);
    smfi_stop();
    while (resolver_now() < until && (!atomic_load(&milter_ended) || callbacks_running() > 0))
        sleep_ms(5);
}

/* Ends the process. With sessions or a reload still open, nothing shared is torn down. */
static int end(int status)
{
    bool clean = metrics_sessions() == 0 && !atomic_load(&reloading);

    log_line(LOG_NOTICE, "stopped");
    daemon_remove_socket(socket_in_use);
    metrics_stop();
    snapshot_put(NULL);
    if (clean)
        clean = resolver_wait_ended(2000);
    clean &= log_stop(3000);
    if (!clean)
        _exit(status);
    free(socket_in_use);
    return status;
}

static int run(void)
{
    int sig = wait_for_end(), status = EXIT_STOPPED;

    if (sig == SIGHUP) {
        log_line(LOG_ERR, "stopping on HUP, which ends libmilter: use USR1 to reload");
        status = EXIT_INTERNAL;
    } else if (sig == 0) {
        log_line(LOG_ERR, "libmilter ended by itself (%s)",
                 atomic_load(&milter_result) == MI_SUCCESS ? "no error given" : "with an error");
        status = EXIT_INTERNAL;
    }
    drain();
    return end(status);
}

/* ---- start ---- */

/* Listens, and takes the socket's address for daemon_kick. What is wrong, or NULL. */
static const char *listen_on(const struct settings *s)
{
    static char text[256];
    const char *fault = daemon_claim_socket(s->socket);
    mode_t mask;
    int rc;

    if (fault != NULL)
        return fault;
    if (smfi_setconn(s->socket) != MI_SUCCESS || smfi_register(callbacks_desc) != MI_SUCCESS)
        return "libmilter refuses the socket";
    mask = umask(0777); /* closed until mode and owner are right */
    errno = 0;
    rc = smfi_opensocket(false);
    umask(mask);
    if (rc != MI_SUCCESS) {
        snprintf(text, sizeof text, "cannot listen%s%s", errno != 0 ? ": " : "",
                 errno != 0 ? strerror(errno) : "");
        return text;
    }
    return daemon_adopt_socket(s->socket, s->socket_mode, s->user);
}

static int fail(enum exit_code code, const char *what, const char *why)
{
    if (socket_in_use != NULL)
        daemon_remove_socket(socket_in_use);
    fprintf(stderr, "iprev-milter: %s: %s\n", what, why);
    return (int)code;
}

/* Everything that may fail, in order; -1 when it runs. Takes over the settings. */
static int start(struct settings *s)
{
    char err[512], *metrics = s->metrics_listen;
    const char *fault = listen_on(s);
    struct snapshot *first;

    if (fault != NULL)
        return fail(EXIT_NO_LISTEN, s->socket, fault);
    socket_in_use = strdup(s->socket);
    fault = daemon_drop_privileges(s->user);
    if (fault != NULL)
        return fail(EXIT_BAD_CONFIG, "user", fault);
    if (!log_start(s->log.stderr_, log_level(s)) || socket_in_use == NULL)
        return fail(EXIT_INTERNAL, "start", "no thread or no memory to be had");
    first = snapshot_new(s, NULL, err, sizeof err);
    if (first == NULL)
        return fail(EXIT_BAD_CONFIG, "resolver", err);
    snapshot_put(first);
    if (metrics != NULL && !metrics_start(metrics, err, sizeof err))
        return fail(EXIT_NO_LISTEN, "metrics", err);
    session_before_wait = daemon_kick;
    log_line(LOG_NOTICE, "%s listens on %s, mode %s", PACKAGE_STRING, socket_in_use,
             first->settings->enforce ? "enforce" : "monitor");
    daemon_notify("READY=1");
    /* Last, so that this thread waits for signals before libmilter's does. */
    if (!start_thread(reloader) || !start_thread(milter_main))
        return fail(EXIT_INTERNAL, "start", "no thread to be had");
    return -1;
}

int main(int argc, char **argv)
{
    struct settings *s;
    sigset_t set;
    int code = read_options(argc, argv);

    if (code >= 0)
        return code;
    s = read_settings(stderr);
    if (s == NULL)
        return EXIT_BAD_CONFIG;
    first_thread = pthread_self();
    end_signals(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    daemon_limits();
    if (options.test)
        return test_settings(s);
    code = start(s);
    return code >= 0 ? code : run();
}
