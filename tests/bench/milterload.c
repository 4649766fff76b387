/* milterload: plays an MTA with thousands of SMTP sessions to a mail filter.
 *
 * One thread, epoll. Postfix's habits: steps the filter asked away are not sent,
 * packets that owe no reply are kept back until one goes out that does. What is
 * measured is the wait the filter adds to each step. See usage() and README.md.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/bench/milterload_session.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

static struct {
    const char *label;
    unsigned concurrent, idle;
    uint64_t sessions, seconds_ns, rate;
} options = {.label = "", .concurrent = 10, .sessions = 10000, .seconds_ns = 3600000000000u};

static struct session **slot; /* all sessions, idle ones last */
static volatile sig_atomic_t interrupted;

static void usage(void)
{
    fputs("usage: milterload -s SOCKET [options]\n"
          "  -s SOCKET    unix:PATH or inet:PORT@ADDRESS\n"
          "  -c N         sessions at once (10)\n"
          "  -n N         sessions in all (10000)\n"
          "  -t S         stop opening sessions after so many seconds\n"
          "  -r N         open N sessions a second, however many are open (up to -c)\n"
          "  -k MS        think time between SMTP steps (0)\n"
          "  -a IP[,N]    clients: N addresses from IP on, in turn (198.18.0.0,100000)\n"
          "  -H TEMPLATE  their HELO; # is the number of the address (smtp.d#.example.com)\n"
          "  -f FILE      clients: lines of address, HELO and what may come of it\n"
          "  -I N         hold N connections idle after HELO\n"
          "  -m N         messages a session (1)\n"
          "  -x N, -b N   header fields (8) and octets of body (1024) a message\n"
          "  -w S         give up on a reply after so many seconds (60)\n"
          "  -N           TCP_NODELAY on our side\n"
          "  -P PID,...   the filter's processes: CPU, memory, threads\n"
          "  -l LABEL     label of the JSON line\n",
          stderr);
    exit(64);
}

/* ---- options ---- */

static bool set_clients(char *text, const char *helo)
{
    char *comma = strchr(text, ',');

    if (comma != NULL)
        *comma = '\0';
    return clients_sequence(text, comma != NULL ? strtoull(comma + 1, NULL, 10) : 0, helo);
}

static void set_option(int c, char *arg, const char **file, char **clients, const char **helo)
{
    switch (c) {
    case 's':
        if (!session_target(arg))
            usage();
        break;
    case 'c':
        options.concurrent = (unsigned)strtoul(arg, NULL, 10);
        break;
    case 'n':
        options.sessions = strtoull(arg, NULL, 10);
        break;
    case 't':
        options.seconds_ns = (uint64_t)(strtod(arg, NULL) * 1e9);
        break;
    case 'r':
        options.rate = strtoull(arg, NULL, 10);
        break;
    case 'k':
        session_settings.think_ns = (uint64_t)(strtod(arg, NULL) * 1e6);
        break;
    case 'a':
        *clients = arg;
        break;
    case 'H':
        *helo = arg;
        break;
    case 'f':
        *file = arg;
        break;
    case 'I':
        options.idle = (unsigned)strtoul(arg, NULL, 10);
        break;
    case 'm':
        session_settings.messages = (unsigned)strtoul(arg, NULL, 10);
        break;
    case 'x':
        session_settings.mail.headers = (unsigned)strtoul(arg, NULL, 10);
        break;
    case 'b':
        session_settings.mail.body = (unsigned)strtoul(arg, NULL, 10);
        break;
    case 'w':
        session_settings.patience_ns = (uint64_t)(strtod(arg, NULL) * 1e9);
        break;
    case 'N':
        session_settings.nodelay = true;
        break;
    case 'P':
        if (!processes_add(arg))
            usage();
        break;
    case 'l':
        options.label = arg;
        break;
    default:
        usage();
    }
}

static void read_options(int argc, char **argv)
{
    static char all[] = "198.18.0.0,100000";
    const char *file = NULL, *helo = "smtp.d#.example.com";
    char *clients = all;
    int c;

    while ((c = getopt(argc, argv, "s:c:n:t:r:k:a:H:f:I:m:x:b:w:NP:l:")) != -1)
        set_option(c, optarg, &file, &clients, &helo);
    if (!session_targeted() || options.concurrent == 0 || optind < argc)
        usage();
    if (file != NULL ? !clients_file(file) : !set_clients(clients, helo)) {
        fprintf(stderr, "milterload: cannot take clients from %s\n", file ? file : clients);
        exit(66);
    }
}

/* ---- the loop ---- */

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

/* Milliseconds to sleep until `due`. */
static int until(uint64_t due, uint64_t now)
{
    uint64_t ms = due > now ? (due - now + 999999) / 1000000 : 0;

    return ms < 100 ? (int)ms : 100;
}

/* Waits for what happens next, at most until `due`. */
static void turn(int ep, uint64_t due)
{
    struct epoll_event ev[256];
    uint64_t now = now_ns(), think = session_next_timer();
    int n, i;

    n = epoll_wait(ep, ev, 256, until(think < due ? think : due, now));
    for (i = 0; i < n; i++)
        session_event(ev[i].data.ptr, ev[i].events);
    session_timers(now_ns());
}

static void open_idle(int ep)
{
    uint64_t give_up = now_ns() + 120000000000u;
    unsigned i, opening = 0;

    for (i = 0; i < options.idle; i++) {
        session_open(slot[options.concurrent + i], true);
        if (++opening % 50 == 0) /* not faster than the backlog empties */
            while (session_idle_count() + 50 < i + 1 && now_ns() < give_up && !interrupted)
                turn(ep, now_ns() + 10000000);
    }
    while (session_idle_count() < options.idle && now_ns() < give_up && !interrupted)
        turn(ep, now_ns() + 10000000);
    if (session_idle_count() < options.idle)
        fprintf(stderr, "milterload: only %u of %u idle connections stand\n", session_idle_count(),
                options.idle);
}

/* A session may be opened now? With a rate, only when its time has come. */
static bool may_open(uint64_t now)
{
    if (stats.opened >= options.sessions || interrupted ||
        now - stats.first_ns > options.seconds_ns)
        return false;
    return options.rate == 0 ||
           stats.opened < (now - stats.first_ns) * options.rate / 1000000000u + 1;
}

static uint64_t next_opening(uint64_t now)
{
    if (options.rate == 0 || stats.opened >= options.sessions ||
        now - stats.first_ns > options.seconds_ns)
        return UINT64_MAX;
    return stats.first_ns + stats.opened * 1000000000u / options.rate;
}

static void measure(int ep)
{
    unsigned i;

    stats.first_ns = now_ns();
    for (;;) {
        uint64_t now = now_ns();

        while (session_free_count() > 0 && may_open(now)) {
            stats.opened++;
            session_open(session_take_free(), false);
        }
        if (session_free_count() == options.concurrent &&
            (stats.opened >= options.sessions || interrupted ||
             now - stats.first_ns > options.seconds_ns))
            break;
        turn(ep, session_free_count() > 0 ? next_opening(now) : UINT64_MAX);
    }
    stats.last_ns = now_ns();
    for (i = 0; i < options.idle; i++)
        session_close(slot[options.concurrent + i]);
}

static void raise_descriptors(void)
{
    struct rlimit lim;

    if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
        lim.rlim_cur = lim.rlim_max;
        setrlimit(RLIMIT_NOFILE, &lim);
    }
}

int main(int argc, char **argv)
{
    static struct process_stats before, idle, after;
    uint64_t idle_kib;
    int ep;

    read_options(argc, argv);
    raise_descriptors();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    ep = epoll_create1(EPOLL_CLOEXEC);
    slot = sessions_new(ep, options.concurrent, options.idle);
    processes_read(&before);
    open_idle(ep);
    memset(&stats, 0, sizeof stats); /* idle ones do not count */
    processes_read(&idle);
    measure(ep);
    processes_read(&after);
    idle_kib = idle.rss_kib;
    idle.rss_kib = before.rss_kib;
    stats_print(options.label, &idle, &after, idle_kib);
    sessions_free();
    close(ep);
    return interrupted ? 1 : 0;
}
