/* Asking DNS: see resolver.h.
 *
 * Each worker is one thread with one libevent base and one libunbound context; all
 * of a lookup's work happens there, so the work itself needs no lock. Callers
 * hand a lookup over through a stack of their own making (inbox) and are woken
 * by lookup_finish_*.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "dns/resolver.h"

#include "dns/context.h"
#include "dns/work.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define CLIENT_OCTETS 512   /* of a remembered one: its chain, and its HELO name */
#define STUCK_MS      10000 /* a resolver thread that has not run its loop for so long is stuck */
/* Requests that are begun between two looks for answers. All of a crowd at once would take longer,
 * on a busy machine, than libunbound waits for an answer: it would ask again, and give up, while
 * the answers lie there. */
#define AT_ONCE 32

/* A lookup handed to a worker. */
struct request {
    struct request *next;
    struct lookup *lookup;
    int64_t deadline;
};

static pthread_mutex_t ended_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned threads_alive;
static struct resolver *living; /* from start to the end of the last holder */

/* ---- the worker thread ---- */

static void poke(struct worker *k)
{
    uint64_t one = 1;

    while (write(k->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void inbox_take(struct worker *k)
{
    struct request *r = atomic_exchange(&k->inbox, NULL), *next, *list = NULL, **last = k->last;

    if (r != NULL)
        k->last = &r->next; /* the newest comes last */
    for (; r != NULL; r = next) {
        next = r->next;
        r->next = list;
        list = r;
    }
    *last = list;
}

/* Begins at most so many; the others have their turn when answers have been read. */
static void take_requests(struct worker *k, unsigned most)
{
    struct request *q;

    inbox_take(k);
    for (; most > 0 && (q = k->taken) != NULL; most--) {
        k->taken = q->next;
        if (k->taken == NULL)
            k->last = &k->taken;
        work_start(k, q->lookup, q->deadline);
        free(q);
    }
    if (k->taken != NULL)
        poke(k);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct worker *k = arg;
    struct resolver *r = k->resolver;
    uint64_t n;

    (void)what;
    if (read(fd, &n, sizeof n) < 0 && errno != EAGAIN)
        return;
    take_requests(k, AT_ONCE);
    if (atomic_load(&r->draining))
        work_finish_all(k);
    if (atomic_load(&r->quit))
        event_base_loopbreak(k->base);
}

/* The wake descriptors stay open to the last: who ends the resolver may still poke a
 * worker that has seen the end already. What was freed lies between what lives on: without the
 * trim each reload keeps some of it. */
static void drop_holders(struct resolver *r, unsigned n)
{
    struct resolver **at;
    unsigned i;

    if (atomic_fetch_sub(&r->holders, n) != n)
        return;
    pthread_mutex_lock(&ended_lock);
    for (at = &living; *at != NULL; at = &(*at)->next)
        if (*at == r) {
            *at = r->next;
            break;
        }
    pthread_mutex_unlock(&ended_lock);
    for (i = 0; i < r->workers; i++)
        if (r->worker[i].wake_fd >= 0)
            close(r->worker[i].wake_fd);
    lookup_table_free(r->table);
    zonefile_free(&r->zone);
    free(r);
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

static void worker_close(struct worker *k)
{
    context_delete(k->ctx);
    if (k->wake != NULL)
        event_free(k->wake);
    if (k->beat != NULL)
        event_free(k->beat);
    if (k->base != NULL)
        event_base_free(k->base);
}

static void *worker_main(void *arg)
{
    struct worker *k = arg;
    struct resolver *r = k->resolver;

    prctl(PR_SET_NAME, "iprev-resolver"); /* for top -H */
    event_base_loop(k->base, EVLOOP_NO_EXIT_ON_EMPTY);
    take_requests(k, UINT_MAX); /* those that came between the last look and the end */
    work_finish_all(k);
    question_end(k);
    worker_close(k);
    drop_holders(r, 1);
    pthread_mutex_lock(&ended_lock);
    threads_alive--;
    pthread_mutex_unlock(&ended_lock);
    return NULL;
}

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
    struct worker *k = arg;

    (void)fd;
    (void)what;
    atomic_store_explicit(&k->beaten, resolver_now(), memory_order_relaxed);
    breaker_beat(&k->breaker);
    question_beat(k);
    take_requests(k, AT_ONCE); /* those whose poke failed: nobody would poke again */
}

bool resolver_alive(const struct resolver *r)
{
    int64_t now = resolver_now();
    unsigned i;

    for (i = 0; i < r->workers; i++)
        if (now - atomic_load_explicit(&r->worker[i].beaten, memory_order_relaxed) > STUCK_MS)
            return false;
    return true;
}

bool resolver_answered(const struct resolver *r)
{
    unsigned i;

    for (i = 0; i < r->workers; i++)
        if (breaker_is_open(&r->worker[i].breaker))
            return false;
    return true;
}

/* ---- start and end ---- */

static bool fail_errno(char *err, size_t errlen, const char *what, int error)
{
    snprintf(err, errlen, "%s: %s", what, strerror(error));
    errno = error;
    return false;
}

static bool worker_open(struct worker *k, const struct resolver_settings *s, unsigned ports,
                        const struct zonefile *zone, char *err, size_t errlen)
{
    static const struct timeval beat_every = {.tv_sec = 1};

    atomic_store(&k->beaten, resolver_now());
    errno = ENOMEM; /* libevent does not always say */
    k->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    k->base = event_base_new();
    if (k->wake_fd < 0 || k->base == NULL)
        return fail_errno(err, errlen, "cannot make an event loop", errno);
    k->wake = event_new(k->base, k->wake_fd, EV_READ | EV_PERSIST, on_wake, k);
    k->beat = event_new(k->base, -1, EV_PERSIST, on_beat, k);
    if (k->wake == NULL || event_add(k->wake, NULL) != 0 || k->beat == NULL ||
        event_add(k->beat, &beat_every) != 0)
        return fail_errno(err, errlen, "cannot watch the event loop", ENOMEM);
    k->ctx = context_new(k->base, s, ports, zone, err, errlen);
    k->breaker.ctx = k->ctx;
    if (k->ctx == NULL)
        errno = EINVAL;
    return k->ctx != NULL;
}

static bool worker_run(struct worker *k, char *err, size_t errlen)
{
    pthread_attr_t attr;
    pthread_t thread;
    int e;

    pthread_mutex_lock(&ended_lock);
    threads_alive++;
    pthread_mutex_unlock(&ended_lock);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, 1024 * 1024);
    e = pthread_create(&thread, &attr, worker_main, k);
    pthread_attr_destroy(&attr);
    if (e == 0)
        return true;
    pthread_mutex_lock(&ended_lock);
    threads_alive--;
    pthread_mutex_unlock(&ended_lock);
    return fail_errno(err, errlen, "cannot start a resolver thread", e);
}

static struct resolver *resolver_new(const struct resolver_settings *s,
                                     const struct resolver_trace *t)
{
    struct resolver *r = calloc(1, sizeof *r + s->threads * sizeof r->worker[0]);
    unsigned i;

    if (r == NULL)
        return NULL;
    if (getentropy(&r->key, sizeof r->key) != 0)
        r->key.word[0] = (uint64_t)resolver_now();
    r->table = lookup_table_new((size_t)s->cache * CLIENT_OCTETS, &r->key);
    if (r->table == NULL) {
        free(r);
        return NULL;
    }
    atomic_init(&r->refs, 1);
    atomic_init(&r->holders, s->threads + 1);
    r->workers = s->threads;
    if (t != NULL) {
        r->trace = *t;
        r->traced = true;
    }
    for (i = 0; i < s->threads; i++) {
        r->worker[i].resolver = r;
        r->worker[i].silence.key = r->key;
        if (!s->root)
            quiet_bound(&r->worker[i].quiet, s->threads);
        r->worker[i].wake_fd = -1;
        r->worker[i].last = &r->worker[i].taken;
    }
    return r;
}

/* Ends the first `running` workers' threads, and what the others have open. */
static void resolver_end(struct resolver *r, unsigned running)
{
    unsigned i;

    atomic_store(&r->draining, true);
    atomic_store(&r->quit, true);
    for (i = 0; i < running; i++)
        poke(&r->worker[i]);
    for (; i < r->workers; i++)
        worker_close(&r->worker[i]);
    drop_holders(r, 1 + r->workers - running);
}

struct resolver *resolver_start(const struct resolver_settings *s, const struct resolver_trace *t,
                                char *err, size_t errlen)
{
    struct zonefile zone = {0};
    struct resolver *r;
    unsigned ports = context_ports(s), i, running = 0;
    bool ok = true;
    int error;

    if (s->zone != NULL && !zonefile_read(&zone, s->zone, err, errlen))
        return NULL;
    r = resolver_new(s, t);
    if (r == NULL) {
        snprintf(err, errlen, "out of memory");
        zonefile_free(&zone);
        errno = ENOMEM;
        return NULL;
    }
    r->zone = zone;
    r->max_inflight = (s->max_inflight + s->threads - 1) / s->threads;
    if (r->max_inflight > ports / 4 * 3)
        r->max_inflight = ports / 4 * 3;
    for (i = 0; ok && i < r->workers; i++)
        ok = worker_open(&r->worker[i], s, ports, &r->zone, err, errlen);
    while (ok && running < r->workers) {
        ok = worker_run(&r->worker[running], err, errlen);
        running += ok;
    }
    if (ok) {
        pthread_mutex_lock(&ended_lock);
        r->next = living;
        living = r;
        pthread_mutex_unlock(&ended_lock);
        return r;
    }
    error = errno;
    resolver_end(r, running);
    errno = error;
    return NULL;
}

struct resolver *resolver_hold(struct resolver *r)
{
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

void resolver_drain(void)
{
    struct resolver *r;
    unsigned i;

    pthread_mutex_lock(&ended_lock);
    for (r = living; r != NULL; r = r->next) {
        atomic_store(&r->draining, true);
        for (i = 0; i < r->workers; i++)
            poke(&r->worker[i]);
    }
    pthread_mutex_unlock(&ended_lock);
}

void resolver_release(struct resolver *r)
{
    if (r != NULL && atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) == 1)
        resolver_end(r, r->workers);
}

/* Looks up now and then: it happens once, and the wall clock must not matter. */
bool resolver_wait_ended(unsigned ms)
{
    static const struct timespec pause = {.tv_nsec = 2000000};
    int64_t until = resolver_now() + ms;
    bool ended;

    for (;;) {
        pthread_mutex_lock(&ended_lock);
        ended = threads_alive == 0;
        pthread_mutex_unlock(&ended_lock);
        if (ended || resolver_now() >= until)
            return ended;
        nanosleep(&pause, NULL);
    }
}

/* ---- asking ---- */

static void hand_over(struct resolver *r, struct lookup *l, struct request *q, int64_t deadline)
{
    struct worker *k = &r->worker[addr_hash(lookup_client(l), &r->key) % r->workers];
    struct request *head = atomic_load_explicit(&k->inbox, memory_order_relaxed);

    q->lookup = l;
    q->deadline = deadline;
    do
        q->next = head;
    while (!atomic_compare_exchange_weak(&k->inbox, &head, q));
    if (head == NULL) /* else somebody has poked for this batch */
        poke(k);
}

static struct lookup *get(struct resolver *r, const struct addr *client, const struct dname *helo,
                          int64_t deadline, bool *remembered)
{
    struct lookup *l = NULL;
    struct request *q;
    enum lookup_source source;

    if (remembered != NULL)
        *remembered = false;
    l = lookup_table_get(r->table, client, helo, &source);
    if (l == NULL)
        return lookup_constant(F_DNS_OVERLOAD);
    if (remembered != NULL)
        *remembered = source == LOOKUP_CACHED;
    atomic_fetch_add_explicit(&r->lookups, 1, memory_order_relaxed);
    if (source == LOOKUP_CACHED)
        atomic_fetch_add_explicit(&r->cache_hits, 1, memory_order_relaxed);
    if (source == LOOKUP_JOINED)
        atomic_fetch_add_explicit(&r->joined, 1, memory_order_relaxed);
    if (source != LOOKUP_NEW)
        return l;
    if (atomic_load_explicit(&r->draining, memory_order_relaxed)) {
        lookup_finish_failed(l, F_DNS_TIMEOUT);
        return l;
    }
    q = malloc(sizeof *q);
    if (q != NULL)
        hand_over(r, l, q, deadline);
    else
        lookup_finish_failed(l, F_DNS_OVERLOAD);
    return l;
}

struct lookup *resolver_ask_client(struct resolver *r, const struct addr *client, int64_t deadline,
                                   bool *remembered)
{
    return get(r, client, NULL, deadline, remembered);
}

struct lookup *resolver_ask_helo(struct resolver *r, const struct addr *client,
                                 const struct dname *helo, int64_t deadline, bool *remembered)
{
    return get(r, client, helo, deadline, remembered);
}

void resolver_stats(struct resolver *r, struct resolver_stats *out)
{
    unsigned i;

    out->lookups = atomic_load_explicit(&r->lookups, memory_order_relaxed);
    out->cache_hits = atomic_load_explicit(&r->cache_hits, memory_order_relaxed);
    out->joined = atomic_load_explicit(&r->joined, memory_order_relaxed);
    out->questions = atomic_load_explicit(&r->questions, memory_order_relaxed);
    out->overloads = atomic_load_explicit(&r->overloads, memory_order_relaxed);
    out->timeouts = atomic_load_explicit(&r->timeouts, memory_order_relaxed);
    out->inflight = 0;
    for (i = 0; i < r->workers; i++)
        out->inflight += atomic_load_explicit(&r->worker[i].inflight, memory_order_relaxed);
    out->cached = lookup_table_count(r->table);
}
