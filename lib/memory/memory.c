/* What is remembered of clients: see memory.h.
 *
 * A caller puts a request into the queue and waits for it; one whose caller has left before the
 * thread got to it is dropped. Who lets go of a request last frees it.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "memory/memory.h"

#include "memory/memory_impl.h"
#include "value/ascii.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

const unsigned memory_bucket_us[MEMORY_BUCKETS] = {100, 250, 1000, 5000, 10000, 25000, 50000};

/* ---- requests ---- */

static char *lower_copy(const char *s)
{
    char *copy = strdup(s != NULL ? s : "");
    char *p;

    for (p = copy; p != NULL && *p != '\0'; p++)
        *p = (char)ascii_lower((unsigned char)*p);
    return copy;
}

static void request_free(struct request *r)
{
    pthread_cond_destroy(&r->answered);
    free(r->domain);
    free(r->recipient);
    free(r);
}

static struct request *request_new(enum question q, const struct addr *client, unsigned refs)
{
    struct request *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    if (!clock_cond_init(&r->answered)) {
        free(r);
        return NULL;
    }
    r->question = q;
    r->client = *client;
    r->asked_us = clock_us();
    r->now_s = (int64_t)time(NULL);
    r->refs = refs;
    return r;
}

/* With the lock held. */
void memory_request_release(struct request *r)
{
    if (--r->refs == 0)
        request_free(r);
}

/* With the lock held: may this request be asked at all? */
static bool admitted(const struct memory *m)
{
    return !m->end && m->queued < QUEUE_MAX &&
           (m->failures < MEMORY_TRIES || clock_us() / 1000 >= m->retry_at);
}

void memory_failed(struct memory *m, const struct request *r)
{
    if (r->asked_us < m->failed_us)
        return;
    m->failures++;
    m->failed_us = clock_us();
    m->retry_at =
        m->failed_us / 1000 + (m->failures > MEMORY_TRIES ? MEMORY_PAUSE_MS : MEMORY_FIRST_MS);
}

void memory_complain(struct memory *m, const char *text)
{
    bool news;

    pthread_mutex_lock(&m->lock);
    news = !m->complained;
    m->complained = true;
    pthread_mutex_unlock(&m->lock);
    if (news)
        m->say(false, text);
}

void memory_recovered(struct memory *m)
{
    bool news;

    pthread_mutex_lock(&m->lock);
    news = m->complained;
    m->complained = false;
    pthread_mutex_unlock(&m->lock);
    if (news)
        m->say(true, "");
}

/* With the lock held. The request is the queue's from now on. */
static void enqueue(struct memory *m, struct request *r)
{
    r->next = NULL;
    *m->last = r;
    m->last = &r->next;
    m->queued++;
    pthread_cond_signal(&m->work);
}

/* Waits for the answer; false when there is none in time, or no store. A thread that stands still
 * cannot say so itself. */
static bool ask(struct memory *m, struct request *r, unsigned wait_ms)
{
    struct timespec until = clock_in_ms(wait_ms);
    bool answered, left_alone;

    pthread_mutex_lock(&m->lock);
    if (wait_ms == 0 || !admitted(m)) {
        r->refs = 1;
        pthread_mutex_unlock(&m->lock);
        return false;
    }
    enqueue(m, r);
    while (!r->done && pthread_cond_timedwait(&r->answered, &m->lock, &until) == 0)
        ;
    r->left = !r->done;
    if (r->left)
        memory_failed(m, r);
    answered = r->done && !r->failed;
    left_alone = r->left && m->failures >= MEMORY_TRIES;
    pthread_mutex_unlock(&m->lock);
    if (left_alone)
        memory_complain(m,
                        "no answer in time: see whether the store or this machine is overloaded");
    return answered;
}

static void count_wait(struct memory *m, int64_t us)
{
    unsigned i = 0;

    while (i < MEMORY_BUCKETS && us > memory_bucket_us[i])
        i++;
    m->stats.bucket[i]++;
    m->stats.waited_us += (uint64_t)us;
}

enum memory_known memory_client(struct memory *m, const struct addr *client, unsigned wait_ms)
{
    int64_t begun = clock_us();
    struct request *r = request_new(ASK_KNOWN, client, 2);
    enum memory_known known = MEMORY_KNOWN_UNAVAILABLE;

    if (r != NULL && ask(m, r, wait_ms))
        known = r->known ? MEMORY_KNOWN : MEMORY_UNKNOWN;
    pthread_mutex_lock(&m->lock);
    if (r != NULL)
        memory_request_release(r);
    m->stats.known[known]++;
    count_wait(m, clock_us() - begun);
    pthread_mutex_unlock(&m->lock);
    return known;
}

enum memory_grey memory_greylist(struct memory *m, const struct grey_triple *t, unsigned wait_ms,
                                 unsigned *seconds)
{
    int64_t begun = clock_us();
    struct request *r = request_new(ASK_GREYLIST, t->client, 2);
    enum memory_grey grey = GREY_UNAVAILABLE;

    *seconds = 0;
    if (r != NULL) {
        r->look = t->look;
        r->domain = lower_copy(t->domain);
        r->recipient = lower_copy(t->recipient);
        if (r->domain == NULL || r->recipient == NULL)
            r->refs = 1;
        else if (ask(m, r, wait_ms)) {
            grey = r->grey;
            *seconds = r->seconds;
        }
    }
    pthread_mutex_lock(&m->lock);
    if (r != NULL)
        memory_request_release(r);
    m->stats.greylist[grey]++;
    count_wait(m, clock_us() - begun);
    pthread_mutex_unlock(&m->lock);
    return grey;
}

/* ---- notes ---- */

/* Most clients send more than one message: only the first of an hour is worth a look into the
 * store, which may have lost what was noted (forgotten, damaged, replaced). A cheap hash is enough:
 * who makes two of his addresses meet loses a note of his own. */
uint64_t memory_noted_hash(const struct addr *client, int64_t now_s)
{
    uint64_t half[2], h;

    memcpy(half, client->bytes, sizeof half);
    h = (half[0] + (uint64_t)(now_s / NOTED_S)) * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ half[1] ^ h >> 32) * UINT64_C(0xbf58476d1ce4e5b9);
    h ^= h >> 31;
    return h != 0 ? h : 1;
}

void memory_note(struct memory *m, const struct addr *client)
{
    uint64_t h = memory_noted_hash(client, (int64_t)time(NULL));
    struct request *r = NULL;
    bool wanted;

    pthread_mutex_lock(&m->lock);
    wanted = m->noted[h & (NOTED_SIZE - 1)] != h && admitted(m);
    if (wanted && (r = request_new(NOTE, client, 1)) != NULL)
        enqueue(m, r);
    pthread_mutex_unlock(&m->lock);
}

/* ---- life ---- */

static void drop(struct memory *m)
{
    pthread_mutex_destroy(&m->lock);
    pthread_cond_destroy(&m->work);
    memory_options_drop(&m->options);
    free(m);
}

atomic_uint memory_threads;

void memory_unref(struct memory *m)
{
    if (atomic_fetch_sub(&m->refs, 1) == 1)
        drop(m);
}

static bool start(struct memory *m)
{
    pthread_t t;

    atomic_fetch_add(&memory_threads, 1);
    if (pthread_create(&t, NULL, memory_thread, m) == 0) {
        pthread_detach(t);
        return true;
    }
    atomic_fetch_sub(&memory_threads, 1);
    return false;
}

struct memory *memory_new(const struct memory_options *o, void (*say)(bool good, const char *text))
{
    struct memory *m = calloc(1, sizeof *m);

    if (m == NULL)
        return NULL;
    atomic_init(&m->refs, 2); /* the caller and the thread */
    atomic_init(&m->holders, 1);
    m->say = say;
    m->last = &m->first;
    ledger_bounds(o, m->bounds);
    if (pthread_mutex_init(&m->lock, NULL) != 0 || !clock_cond_init(&m->work)) {
        free(m);
        return NULL;
    }
    if (!memory_options_copy(&m->options, o) || !start(m)) {
        drop(m);
        return NULL;
    }
    return m;
}

struct memory *memory_hold(struct memory *m)
{
    if (m != NULL)
        atomic_fetch_add(&m->holders, 1);
    return m;
}

void memory_change(struct memory *m, const struct memory_options *o)
{
    if (m == NULL)
        return;
    pthread_mutex_lock(&m->lock);
    m->wanted = *o;
    m->wanted.store = m->wanted.key_file = m->wanted.password_file = NULL;
    m->changed = true;
    pthread_mutex_unlock(&m->lock);
}

void memory_release(struct memory *m)
{
    if (m == NULL || atomic_fetch_sub(&m->holders, 1) != 1)
        return;
    memory_stop(m);
    memory_unref(m);
}

void memory_stop(struct memory *m)
{
    if (m == NULL)
        return;
    pthread_mutex_lock(&m->lock);
    m->end = true;
    pthread_cond_signal(&m->work);
    pthread_mutex_unlock(&m->lock);
}

bool memory_wait_ended(unsigned ms)
{
    static const struct timespec pause = {.tv_nsec = 1000000};
    int64_t until = clock_us() + (int64_t)ms * 1000;

    while (atomic_load(&memory_threads) > 0 && clock_us() < until)
        nanosleep(&pause, NULL);
    return atomic_load(&memory_threads) == 0;
}

void memory_stats(struct memory *m, struct memory_stats *out)
{
    pthread_mutex_lock(&m->lock);
    *out = m->stats;
    out->up = m->failures < MEMORY_TRIES;
    pthread_mutex_unlock(&m->lock);
}
