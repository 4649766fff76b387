/* iprev-milter: order of start, signals, order of stop, exit codes.
 *
 * The first thread starts everything and then waits for signals; libmilter runs in a
 * thread of its own, and its signal thread is kept from taking any: so TERM, INT and
 * HUP can be told apart, and none gets lost.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "milter/callbacks.h"
#include "milter/daemon.h"
#include "milter/log.h"
#include "milter/metrics.h"
#include "milter/pool.h"
#include "milter/process.h"
#include "milter/reload.h"
#include "milter/snapshot.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* Of one packet, such as a header field; libmilter drops a session without a word that
 * sends more, and by itself takes 64 KiB. */
#define PACKET_MAX ((1 << 20) - 1)

#define STOP_WAIT_MS 10000 /* for callbacks that run */
#define ANSWERS_MS   1000  /* for callbacks that waited for DNS, to answer */
#define KICK_MS      50    /* while libmilter closes its listener */
/* For the listener to close. Its pool destroys a mutex in use when it ends, and can
 * so lock the listener out for ever. */
#define LISTENER_MS 2000

static struct reload_source source;
static bool test_only;
static char *socket_in_use;

static pthread_t first_thread;
static atomic_bool milter_ended;
static atomic_int milter_result; /* of smfi_main */

/* ---- options ---- */

static const char *const default_config = SYSCONFDIR "/iprev-milter.conf";

static void usage(FILE *out)
{
    fprintf(out,
            "usage: iprev-milter [-c FILE] [-p SOCKET] [-t] [-v] [-V] [-h]\n"
            "  -c FILE    configuration (default %s, if there is one)\n"
            "  -p SOCKET  listen on inet:PORT@HOST or unix:PATH, overriding the configuration\n"
            "  -t         check the configuration and print the settings\n"
            "  -v         log more\n"
            "  -V, --version   print the version\n"
            "  -h, --help      print this\n"
            "Runs in the foreground. USR1 reloads the configuration, TERM and INT stop.\n",
            default_config);
}

/* An exit code, or -1 to go on. */
static int check_socket_option(void)
{
    char *checked = NULL;
    const char *fault = source.socket != NULL ? settings_socket(source.socket, &checked) : NULL;

    free(checked);
    if (fault == NULL)
        return -1;
    if (errno == ENOMEM)
        return EX_SOFTWARE;
    fprintf(stderr, "iprev-milter: -p %s: %s\n", source.socket, fault);
    return EX_USAGE;
}

/* Once found it stays the configuration, also when the file is gone later. */
static void find_config(void)
{
    if (source.config == NULL && settings_exist(default_config))
        source.config = default_config;
}

/* The same. */
static int read_options(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"version", no_argument, NULL, 'V'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "c:p:tvVh", long_options, NULL)) != -1)
        switch (c) {
        case 'c':
            source.config = optarg;
            break;
        case 'p':
            source.socket = optarg;
            break;
        case 't':
            test_only = true;
            break;
        case 'v':
            source.verbose = true;
            break;
        case 'V':
            puts(PACKAGE_STRING);
            return EX_OK;
        case 'h':
            usage(stdout);
            return EX_OK;
        default:
            usage(stderr);
            return EX_USAGE;
        }
    if (optind < argc) {
        fprintf(stderr, "iprev-milter: %s: no argument is expected\n", argv[optind]);
        usage(stderr);
        return EX_USAGE;
    }
    find_config();
    return check_socket_option();
}

/* By errno: what to blame for a failed start, the configuration or the machine. */
static int blame(int error)
{
    return settings_to_blame(error) ? EX_CONFIG : EX_SOFTWARE;
}

/* ---- -t ---- */

static int test_settings(struct settings *s)
{
    char err[512], text[SNAPSHOT_SUMMARY_MAX], servers[SERVERS_TEXT_MAX];
    struct resolver *r = resolver_start(&s->resolver, NULL, err, sizeof err);
    int code;

    if (r == NULL) {
        code = blame(errno);
        fprintf(stderr, "iprev-milter: resolver: %s\n", err);
        settings_free(s);
        return code;
    }
    if (s->user != NULL && getpwnam(s->user) == NULL)
        fprintf(stderr,
                "iprev-milter: note: there is no user %s yet; the daemon needs it when started as "
                "root\n",
                s->user);
    (void)servers_read(SNAPSHOT_RESOLV_CONF, servers); /* "" when it names none */
    snapshot_summary(s, servers, text);
    printf("# %s\n", text);
    settings_print(s, stdout);
    resolver_release(r);
    resolver_wait_ended(5000);
    code = fflush(stdout) == 0 ? EX_OK : EX_SOFTWARE;
    reload_try_as(&source, s->user, stderr);
    settings_free(s);
    return code;
}

/* ---- running ---- */

/* libmilter waits for TERM, HUP and INT in a thread of its own, and stops without
 * telling which one came. It finds this function before the C library's; all our
 * own waiting is done by sigtimedwait. */
int sigwait(const sigset_t *set, int *sig)
{
    (void)set;
    (void)sig;
    for (;;)
        pause();
}

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

static void feed_watchdog(void)
{
    struct snapshot *s = snapshot_take();

    if (s != NULL && resolver_alive(s->resolver))
        daemon_notify("WATCHDOG=1");
    snapshot_release(s);
}

/* Says once when the name servers are gone, and once when they are back. */
static void note_servers(void)
{
    static bool gone;
    struct snapshot *s = snapshot_take();

    if (s != NULL && resolver_answered(s->resolver) == gone) {
        gone = !gone;
        log_line(LOG_WARNING, gone ? "no name server answers: clients get temperror at once"
                                   : "a name server answers again");
    }
    snapshot_release(s);
}

static void waited_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGUSR1);
    sigaddset(set, SIGUSR2);
}

/* The signal that ends us, or 0 when libmilter has ended by itself. */
static int wait_for_end(void)
{
    static const struct timespec every = {.tv_sec = 1};
    bool watchdog = daemon_watchdog_ms() != 0;
    sigset_t set;

    waited_signals(&set);
    for (;;) {
        int sig = sigtimedwait(&set, NULL, &every);

        if (sig == SIGTERM || sig == SIGINT || sig == SIGHUP)
            return sig;
        if (atomic_load(&milter_ended))
            return 0;
        if (sig == SIGUSR1) {
            find_config();
            reload_run(&source, socket_in_use);
        }
        if (watchdog)
            feed_watchdog();
        note_servers();
        follow_servers();
        process_watch();
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

static bool callbacks_end(int64_t until)
{
    while (pool_running() > 0 && resolver_now() < until)
        sleep_ms(5);
    return pool_running() == 0;
}

/* Ends what waits, lets the answers out, and only then stops libmilter, whose threads
 * drop their sessions at once. */
static void drain(void)
{
    int64_t until = resolver_now() + STOP_WAIT_MS, answers = resolver_now() + ANSWERS_MS, listener;

    daemon_notify("STOPPING=1");
    resolver_drain();
    while (pool_waiting() > 0 && resolver_now() < answers)
        sleep_ms(5);
    sleep_ms(KICK_MS);
    start_thread(wake_listener);
    smfi_stop();
    listener = resolver_now() + LISTENER_MS;
    while (resolver_now() < listener && daemon_listens())
        sleep_ms(5);
    callbacks_end(until);
}

/* Ends the process. With sessions still open, or libmilter at work, nothing shared is torn down:
 * after its listener is closed, libmilter may take another second to end. */
static int end(int status)
{
    bool clean = metrics_sessions() == 0 && atomic_load(&milter_ended);
    struct snapshot *last = snapshot_take();

    log_line(LOG_NOTICE, "stopped");
    daemon_remove_socket(socket_in_use);
    metrics_stop();
    if (last != NULL)
        memory_stop(last->memory); /* it writes what is owed, whoever still has it */
    snapshot_release(last);
    snapshot_put(NULL);
    if (clean)
        clean = resolver_wait_ended(2000);
    clean &= memory_wait_ended(2000);
    clean &= log_stop(3000);
    if (!clean)
        _exit(status);
    free(socket_in_use);
    return status;
}

static int run(void)
{
    int sig = wait_for_end(), status = EX_OK;

    if (sig == SIGHUP) {
        log_line(LOG_ERR, "SIGHUP received: exiting (libmilter cannot reload on HUP, use USR1)");
        status = EX_SOFTWARE;
    } else if (sig == 0) {
        log_line(LOG_ERR, "libmilter ended by itself (%s)",
                 atomic_load(&milter_result) == MI_SUCCESS ? "no error given" : "with an error");
        status = EX_SOFTWARE;
    }
    drain();
    return end(status);
}

/* ---- start ---- */

/* Listens, and takes the socket's address for daemon_kick. What is wrong, or NULL. */
static const char *listen_on(const struct settings *s)
{
    static char text[256];
    unsigned tries = 0;
    mode_t mask;
    int rc;

    if (smfi_setconn(s->socket) != MI_SUCCESS || smfi_register(callbacks_desc) != MI_SUCCESS)
        return "libmilter refuses the socket";
    smfi_setmaxdatasize(PACKET_MAX);
    daemon_before_socket();
    /* Never by path: whoever owns the directory could have put a link there meanwhile. */
    mask = umask(0777 & ~(mode_t)s->socket_mode);
    do {
        errno = 0;
        rc = smfi_opensocket(false);
    } while (rc != MI_SUCCESS && daemon_listen_again(&tries));
    umask(mask);
    if (rc != MI_SUCCESS) {
        snprintf(text, sizeof text, "cannot listen: %s",
                 errno != 0 ? strerror(errno) : "libmilter does not say why; is the host known?");
        return text;
    }
    return daemon_adopt_socket();
}

static int fail(int code, const char *what, const char *why)
{
    if (socket_in_use != NULL)
        daemon_remove_socket(socket_in_use);
    free(socket_in_use);
    fprintf(stderr, "iprev-milter: %s: %s\n", what, why);
    return code;
}

/* Privileges, the socket and the log. -1 when all is well. Root is left first: the user may
 * own the directory of the socket and change what lies there at any moment. */
static int start_outside(const struct settings *s)
{
    const char *fault = daemon_drop_privileges(s->user);

    if (fault != NULL)
        return fail(EX_CONFIG, "user", fault);
    fault = daemon_claim_socket(s->socket);
    if (fault != NULL)
        return fail(EX_UNAVAILABLE, s->socket, fault);
    socket_in_use = strdup(s->socket); /* from here on ours to remove */
    if (socket_in_use == NULL)
        return fail(EX_SOFTWARE, "start", "out of memory");
    fault = listen_on(s);
    if (fault != NULL)
        return fail(EX_UNAVAILABLE, s->socket, fault);
    if (!log_start(s->log.stderr_, reload_log_level(&source, s)))
        return fail(EX_SOFTWARE, "start", "cannot start a thread");
    return -1;
}

static bool serve_metrics(const char *listen, char *err, size_t errlen)
{
    unsigned tries = 0;
    bool served;

    do {
        errno = 0;
        served = metrics_start(listen, err, errlen);
    } while (!served && daemon_listen_again(&tries));
    return served;
}

/* The snapshot, metrics, and the threads. Takes over the settings. -1 when it runs. */
static int start_inside(struct settings *s)
{
    char err[512];
    struct snapshot *first = snapshot_new(s, NULL, err, sizeof err);

    if (first == NULL)
        return fail(blame(errno), "resolver", err);
    snapshot_put(first);
    if (s->metrics_listen != NULL && !serve_metrics(s->metrics_listen, err, sizeof err))
        return fail(EX_UNAVAILABLE, "metrics", err);
    if (!pool_start())
        return fail(EX_SOFTWARE, "start", "cannot start a thread");
    snprintf(err, sizeof err, "%s listens on %s", PACKAGE_STRING, socket_in_use);
    reload_tell(err, first);
    if (daemon_describe_socket(socket_in_use, err, sizeof err))
        log_line(LOG_NOTICE, "%s", err);
    if (!s->log.stderr_ && isatty(STDERR_FILENO))
        fprintf(stderr, "iprev-milter: listens on %s; logging to syslog\n", socket_in_use);
    if (!start_thread(milter_main))
        return fail(EX_SOFTWARE, "start", "cannot start a thread");
    daemon_notify("READY=1");
    return -1;
}

static int start_and_run(struct settings *s)
{
    int code = start_outside(s);

    if (code >= 0) {
        settings_free(s);
        return code;
    }
    code = start_inside(s);
    return code >= 0 ? code : run();
}

/* Before any thread: all inherit the mask. */
static void block_signals(void)
{
    sigset_t set;

    waited_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
    struct settings *s;
    int code;

    daemon_standard_streams();
    code = read_options(argc, argv);
    if (code >= 0)
        return code;
    s = reload_read(&source, stderr);
    if (s == NULL)
        return blame(errno);
    first_thread = pthread_self();
    block_signals();
    daemon_limits();
    return test_only ? test_settings(s) : start_and_run(s);
}
