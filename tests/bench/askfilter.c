/* askfilter CONFIGURATION SOCKET: libmilter and libunbound, and as little else as there can be: the
 * floor of any libmilter filter that asks three questions about each client.
 *
 * The steps are those of `nullfilter SOCKET same`. At HELO the session is handed to one thread with
 * a context of lib/dns/context.c, which asks as checkbench_bare.c does; at the end of the message
 * it is waited for. No answer is read, nothing is judged, shared, remembered, logged or limited.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "dns/context.h"
#include "tests/bench/checkbench.h"
#include "tests/bench/filter.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unbound-event.h>
#include <unbound.h>
#include <unistd.h>

#define TYPE_A   1
#define TYPE_PTR 12

struct session {
    struct session *next; /* handed over */
    uint32_t number;      /* its address */
    char helo[256];
    unsigned left; /* questions without an answer; the asking thread's */
    bool under_way;
    pthread_cond_t answered;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct session *inbox;
static int wake_fd;
static struct event_base *events;
static struct ub_ctx *resolver;

/* ---- the thread that asks ---- */

static void on_answer(void *arg, int rcode, void *packet, int len, int sec, char *why_bogus,
                      int was_ratelimited)
{
    struct session *s = arg;

    (void)rcode;
    (void)packet;
    (void)len;
    (void)sec;
    (void)why_bogus;
    (void)was_ratelimited;
    if (--s->left > 0)
        return;
    pthread_mutex_lock(&lock);
    s->under_way = false;
    pthread_cond_signal(&s->answered);
    pthread_mutex_unlock(&lock);
}

static void on_ptr(void *arg, int rcode, void *packet, int len, int sec, char *why_bogus,
                   int was_ratelimited)
{
    struct session *s = arg;
    char name[64];

    snprintf(name, sizeof name, "mail.d%" PRIu32 ".example.com.", s->number ^ ZONE_KEY);
    if (ub_resolve_event(resolver, name, TYPE_A, 1, s, on_answer, NULL) != 0)
        exit(70);
    on_answer(arg, rcode, packet, len, sec, why_bogus, was_ratelimited);
}

static void ask(struct session *s)
{
    char name[64];

    s->left = 3;
    snprintf(name, sizeof name, "%u.%u.%u.%u.in-addr.arpa.", s->number & 255, s->number >> 8 & 255,
             s->number >> 16 & 255, s->number >> 24);
    if (ub_resolve_event(resolver, name, TYPE_PTR, 1, s, on_ptr, NULL) != 0 ||
        ub_resolve_event(resolver, s->helo, TYPE_A, 1, s, on_answer, NULL) != 0)
        exit(70);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct session *s, *next;
    uint64_t n;

    (void)what;
    (void)arg;
    if (read(fd, &n, sizeof n) < 0)
        return;
    pthread_mutex_lock(&lock);
    s = inbox;
    inbox = NULL;
    pthread_mutex_unlock(&lock);
    for (; s != NULL; s = next) {
        next = s->next;
        ask(s);
    }
}

static void *ask_all(void *arg)
{
    event_base_loop(events, EVLOOP_NO_EXIT_ON_EMPTY);
    return arg;
}

static void start_asking(const char *configuration)
{
    static const struct zonefile none;
    struct settings *settings = settings_read(configuration, stderr);
    struct event *wake;
    char err[256] = "configuration";
    pthread_t thread;

    events = event_base_new();
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (settings != NULL && events != NULL)
        resolver = context_new(events, &settings->resolver, context_ports(&settings->resolver),
                               &none, err, sizeof err);
    wake =
        resolver != NULL ? event_new(events, wake_fd, EV_READ | EV_PERSIST, on_wake, NULL) : NULL;
    if (wake == NULL || event_add(wake, NULL) != 0 ||
        pthread_create(&thread, NULL, ask_all, NULL) != 0) {
        fprintf(stderr, "askfilter: %s\n", err);
        exit(70);
    }
    pthread_detach(thread);
}

/* ---- libmilter ---- */

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *sa)
{
    struct session *s = calloc(1, sizeof *s);
    struct sockaddr_in v4;

    (void)host;
    if (s == NULL || sa == NULL || sa->sa_family != AF_INET)
        exit(70);
    memcpy(&v4, sa, sizeof v4);
    s->number = ntohl(v4.sin_addr.s_addr);
    pthread_cond_init(&s->answered, NULL);
    smfi_setpriv(ctx, s);
    return SMFIS_CONTINUE;
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
    struct session *s = smfi_getpriv(ctx);
    uint64_t one = 1;

    snprintf(s->helo, sizeof s->helo, "%s.", name);
    pthread_mutex_lock(&lock);
    s->under_way = true;
    s->next = inbox;
    inbox = s;
    pthread_mutex_unlock(&lock);
    if (write(wake_fd, &one, sizeof one) < 0)
        exit(70);
    return SMFIS_CONTINUE;
}

static void wait_for(struct session *s)
{
    pthread_mutex_lock(&lock);
    while (s->under_way)
        pthread_cond_wait(&s->answered, &lock);
    pthread_mutex_unlock(&lock);
}

static sfsistat on_eom(SMFICTX *ctx)
{
    char name[] = "Authentication-Results", value[] = "mx.example.net; iprev=pass";

    wait_for(smfi_getpriv(ctx));
    smfi_insheader(ctx, 0, name, value);
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
    struct session *s = smfi_getpriv(ctx);

    if (s == NULL)
        return SMFIS_CONTINUE;
    wait_for(s);
    pthread_cond_destroy(&s->answered);
    free(s);
    smfi_setpriv(ctx, NULL);
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
    static char name[] = "askfilter";
    const struct filter filter = {
        .name = name,
        .headers = true,
        .connect = on_connect,
        .helo = on_helo,
        .eom = on_eom,
        .close = on_close,
    };

    if (argc != 3) {
        fputs("usage: askfilter CONFIGURATION SOCKET\n", stderr);
        return 64;
    }
    start_asking(argv[1]);
    return filter_run(argv[2], &filter);
}
