/* What is remembered of clients: see memory.h.
 *
 * A caller puts a request into the queue and waits for it at most MEMORY_WAIT_MS; a request
 * whose caller has left is finished all the same, and freed by who lets go of it last.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "memory/memory.h"

#include "memory/clock.h"
#include "memory/key.h"
#include "memory/ledger.h"
#include "value/ascii.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define QUEUE_MAX  4096  /* requests that wait for the thread */
#define NOTED_SIZE 16384 /* clients whose message of today is written down: a power of two */
#define TICK_MS    1000

const unsigned memory_bucket_us[MEMORY_BUCKETS] = {100, 250, 1000, 5000, 10000, 25000, 50000};

enum question { ASK_KNOWN, ASK_GREYLIST, NOTE };

struct request {
    struct request *next;
    enum question question;
    struct addr client;
    bool look;
    char *domain, *recipient; /* lower case; hashed by the thread, which has the key */
    int64_t now_s;
    /* guarded by the lock of memory */
    unsigned refs;
    bool done, failed;
    pthread_cond_t answered;
    bool known;
    enum memory_grey grey;
    unsigned seconds;
};

struct memory {
    atomic_uint refs; /* to the memory: one of all holders together, one of the thread */
    atomic_uint holders;
    struct memory_options options; /* texts are copies */
    struct store_bounds bounds[TABLES];
    void (*say)(bool good, const char *text);
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct request *first, **last;
    unsigned queued;
    unsigned failures; /* in a row */
    int64_t retry_at;  /* nobody asks before, monotonic ms, once failures are too many */
    bool end;
    struct memory_stats stats;
    uint64_t noted[NOTED_SIZE]; /* hashes of client and day */
    /* of the thread alone */
    struct store *store;
    struct hash_key key;
    bool key_read, complained;
    struct clock_watch clock;
};

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
    r->now_s = (int64_t)time(NULL);
    r->refs = refs;
    return r;
}

/* With the lock held. */
static void request_release(struct request *r)
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

/* With the lock held. */
static void failed_once(struct memory *m)
{
    m->failures++;
    m->retry_at = clock_us() / 1000 + MEMORY_PAUSE_MS;
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

/* Waits for the answer; false when there is none in time, or no store. */
static bool ask(struct memory *m, struct request *r)
{
    struct timespec until = clock_in_ms(MEMORY_WAIT_MS);
    bool answered;

    pthread_mutex_lock(&m->lock);
    if (!admitted(m)) {
        r->refs = 1;
        pthread_mutex_unlock(&m->lock);
        return false;
    }
    enqueue(m, r);
    while (!r->done && pthread_cond_timedwait(&r->answered, &m->lock, &until) == 0)
        ;
    if (!r->done)
        failed_once(m);
    answered = r->done && !r->failed;
    pthread_mutex_unlock(&m->lock);
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

enum memory_known memory_client(struct memory *m, const struct addr *client)
{
    int64_t begun = clock_us();
    struct request *r = request_new(ASK_KNOWN, client, 2);
    enum memory_known known = MEMORY_KNOWN_UNAVAILABLE;

    if (r != NULL && ask(m, r))
        known = r->known ? MEMORY_KNOWN : MEMORY_UNKNOWN;
    pthread_mutex_lock(&m->lock);
    if (r != NULL)
        request_release(r);
    m->stats.known[known]++;
    count_wait(m, clock_us() - begun);
    pthread_mutex_unlock(&m->lock);
    return known;
}

enum memory_grey memory_greylist(struct memory *m, const struct grey_triple *t, unsigned *seconds)
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
        else if (ask(m, r)) {
            grey = r->grey;
            *seconds = r->seconds;
        }
    }
    pthread_mutex_lock(&m->lock);
    if (r != NULL)
        request_release(r);
    m->stats.greylist[grey]++;
    count_wait(m, clock_us() - begun);
    pthread_mutex_unlock(&m->lock);
    return grey;
}

/* ---- notes ---- */

/* Most clients send more than one message a day: only the first is worth a write. */
static uint64_t noted_hash(const struct addr *client, int64_t now_s)
{
    uint64_t h = addr_hash(client, &hash_fixed) + (uint64_t)(now_s / LEDGER_DAY_S);

    return h != 0 ? h : 1;
}

void memory_note(struct memory *m, const struct addr *client)
{
    uint64_t h = noted_hash(client, (int64_t)time(NULL));
    struct request *r = NULL;
    bool wanted;

    pthread_mutex_lock(&m->lock);
    wanted = m->noted[h & (NOTED_SIZE - 1)] != h && admitted(m);
    if (wanted && (r = request_new(NOTE, client, 1)) != NULL)
        enqueue(m, r);
    pthread_mutex_unlock(&m->lock);
}

/* ---- the thread ---- */

/* Says once that the store has failed, and once that it answers again. */
static void complain(struct memory *m, const char *text)
{
    if (!m->complained)
        m->say(false, text);
    m->complained = true;
}

static bool open_store(struct memory *m)
{
    char err[300];

    if (m->store != NULL)
        return true;
    m->store = store_open(&m->options, m->bounds, STORE_SERVE, err, sizeof err);
    if (m->store != NULL && !m->key_read) {
        m->key_read = memory_key_load(&m->options, &m->key, err, sizeof err);
        if (!m->key_read) {
            m->store->kind->close(m->store);
            m->store = NULL;
        }
    }
    if (m->store == NULL)
        complain(m, err);
    return m->store != NULL;
}

static void close_store(struct memory *m)
{
    if (m->store != NULL)
        m->store->kind->close(m->store);
    m->store = NULL;
}

static enum store_result do_greylist(struct memory *m, struct request *r)
{
    struct ledger_triple t = {
        .client = r->client,
        .domain = hash_octets(&m->key, r->domain, strlen(r->domain)),
        .recipient = hash_octets(&m->key, r->recipient, strlen(r->recipient)),
        .lasting = r->domain[0] != '\0',
        .look = r->look,
    };

    return ledger_greylist(m->store, &t, &m->options, r->now_s, &r->grey, &r->seconds);
}

static enum store_result do_once(struct memory *m, struct request *r)
{
    enum store_result result = STORE_BROKEN;

    if (open_store(m)) {
        result = r->question == ASK_KNOWN ? ledger_known(m->store, &r->client, r->now_s, &r->known)
                 : r->question == NOTE    ? ledger_note(m->store, &r->client, r->now_s)
                                          : do_greylist(m, r);
        if (result != STORE_OK)
            complain(m, m->store->trouble);
        if (result == STORE_BROKEN)
            close_store(m);
    }
    return result;
}

/* A connection that was idle may have been closed by the other side: that is worth a second
 * try. What was asked may be repeated. */
static bool do_request(struct memory *m, struct request *r)
{
    bool was_open = m->store != NULL;
    enum store_result result = do_once(m, r);

    if (result == STORE_BROKEN && was_open)
        result = do_once(m, r);
    if (result == STORE_OK && m->complained) {
        m->complained = false;
        m->say(true, "");
    }
    return result == STORE_OK;
}

/* With the lock held. */
static void finish(struct memory *m, struct request *r, bool good)
{
    if (good)
        m->failures = 0;
    else
        failed_once(m);
    if (good && r->question == NOTE) {
        uint64_t h = noted_hash(&r->client, r->now_s);

        m->noted[h & (NOTED_SIZE - 1)] = h;
    }
    r->failed = !good;
    r->done = true;
    pthread_cond_signal(&r->answered);
    request_release(r);
}

static void tick(struct memory *m)
{
    int64_t now_s = clock_trusted_s(&m->clock);
    enum store_result result;

    if (m->store == NULL)
        return;
    result = m->store->kind->tick(m->store, now_s);
    if (result != STORE_OK)
        complain(m, m->store->trouble);
    if (result == STORE_BROKEN)
        close_store(m);
}

/* With the lock held: the next request, NULL when a second is over or the end has come. */
static struct request *next_request(struct memory *m, const struct timespec *until)
{
    struct request *r;

    while (m->first == NULL && !m->end)
        if (pthread_cond_timedwait(&m->work, &m->lock, until) != 0)
            return NULL;
    r = m->first;
    if (r == NULL)
        return NULL;
    m->first = r->next;
    if (m->first == NULL)
        m->last = &m->first;
    m->queued--;
    return r;
}

static void drop(struct memory *m)
{
    pthread_mutex_destroy(&m->lock);
    pthread_cond_destroy(&m->work);
    memory_options_drop(&m->options);
    free(m);
}

static atomic_uint threads; /* that have not ended */

static void memory_unref(struct memory *m)
{
    if (atomic_fetch_sub(&m->refs, 1) == 1)
        drop(m);
}

static void *memory_thread(void *arg)
{
    struct memory *m = arg;
    int64_t next_tick = clock_us() + TICK_MS * 1000;
    struct timespec until = clock_in_ms(TICK_MS);
    struct request *r;
    bool good;

    open_store(m);
    pthread_mutex_lock(&m->lock);
    for (;;) {
        r = next_request(m, &until);
        if (r == NULL && m->end)
            break;
        pthread_mutex_unlock(&m->lock);
        good = r != NULL && do_request(m, r);
        if (clock_us() >= next_tick) {
            tick(m);
            next_tick = clock_us() + TICK_MS * 1000;
            until = clock_in_ms(TICK_MS);
        }
        pthread_mutex_lock(&m->lock);
        if (r != NULL)
            finish(m, r, good);
    }
    pthread_mutex_unlock(&m->lock);
    close_store(m);
    memory_unref(m);
    atomic_fetch_sub(&threads, 1);
    return NULL;
}

/* ---- life ---- */

static bool start(struct memory *m)
{
    pthread_t t;

    atomic_fetch_add(&threads, 1);
    if (pthread_create(&t, NULL, memory_thread, m) == 0) {
        pthread_detach(t);
        return true;
    }
    atomic_fetch_sub(&threads, 1);
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

    while (atomic_load(&threads) > 0 && clock_us() < until)
        nanosleep(&pause, NULL);
    return atomic_load(&threads) == 0;
}

void memory_stats(struct memory *m, struct memory_stats *out)
{
    pthread_mutex_lock(&m->lock);
    *out = m->stats;
    out->up = m->failures < MEMORY_TRIES;
    pthread_mutex_unlock(&m->lock);
}
