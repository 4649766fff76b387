/* The thread that asks the store: see memory_impl.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "memory/key.h"
#include "memory/memory_impl.h"

#include <stdio.h>
#include <string.h>

#define TICK_MS 1000

/* ---- the thread ---- */

#define WHY_MAX STORE_TROUBLE_MAX

static bool open_store(struct memory *m, char why[WHY_MAX])
{
    if (m->store != NULL)
        return true;
    m->store = store_open(&m->options, m->bounds, STORE_SERVE, why, WHY_MAX);
    if (m->store != NULL && !m->key_read) {
        m->key_read = memory_key_load(&m->options, &m->key, why, WHY_MAX);
        if (!m->key_read) {
            m->store->kind->close(m->store);
            m->store = NULL;
        }
    }
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

static enum store_result do_question(struct memory *m, struct request *r)
{
    enum store_result result = r->question == ASK_KNOWN
                                   ? ledger_known(m->store, &r->client, r->now_s, &r->known)
                               : r->question == NOTE ? ledger_note(m->store, &r->client, r->now_s)
                                                     : do_greylist(m, r);

    return result == STORE_OK ? m->store->kind->keep(m->store) : result;
}

static bool do_once(struct memory *m, struct request *r, char why[WHY_MAX])
{
    if (!open_store(m, why))
        return false;
    m->store->clock_doubted = clock_trusted_s(&m->clock) == 0;
    if (do_question(m, r) == STORE_OK)
        return true;
    snprintf(why, WHY_MAX, "%s", m->store->trouble);
    if (m->store->put_aside) /* the second try works, and nobody would hear of it */
        memory_complain(m, why);
    close_store(m);
    return false;
}

/* Answers that come late are no answers: nobody has waited for them. */
static bool in_time(const struct request *r)
{
    return clock_us() - r->asked_us <= MEMORY_WAIT_MS * 1000;
}

/* A connection that was idle may have been closed by the other side: that is worth a second
 * try. What was asked may be repeated. */
static bool do_request(struct memory *m, struct request *r)
{
    bool was_open = m->store != NULL;
    char why[WHY_MAX];
    bool good = do_once(m, r, why) || (was_open && do_once(m, r, why));

    if (!good)
        memory_complain(m, why);
    else if (in_time(r))
        memory_recovered(m);
    return good;
}

/* With the lock held. */
static void finish(struct memory *m, struct request *r, bool good)
{
    if (good && in_time(r))
        m->failures = 0;
    else if (!r->left) /* whoever has left has counted it */
        memory_failed(m, r);
    if (good && r->question == NOTE) {
        uint64_t h = memory_noted_hash(&r->client, r->now_s);

        m->noted[h & (NOTED_SIZE - 1)] = h;
    }
    r->failed = !good;
    r->done = true;
    pthread_cond_signal(&r->answered);
    memory_request_release(r);
}

static void tick(struct memory *m)
{
    int64_t now_s = clock_trusted_s(&m->clock);

    if (m->store == NULL || m->store->kind->tick(m->store, now_s) == STORE_OK)
        return;
    memory_complain(m, m->store->trouble);
    close_store(m);
}

/* With the lock held. */
static struct request *take_first(struct memory *m)
{
    struct request *r = m->first;

    m->first = r->next;
    if (m->first == NULL)
        m->last = &m->first;
    m->queued--;
    return r;
}

/* With the lock held: the next request that somebody waits for, or a note. NULL when a second is
 * over or the end has come. */
static struct request *next_request(struct memory *m, const struct timespec *until)
{
    struct request *r;

    for (;;) {
        while (m->first == NULL && !m->end)
            if (pthread_cond_timedwait(&m->work, &m->lock, until) != 0)
                return NULL;
        if (m->first == NULL)
            return NULL;
        r = take_first(m);
        if (!r->left)
            return r;
        memory_request_release(r);
    }
}

/* With the lock held: what memory_change wants. The numbers are the thread's alone. */
static void take_numbers(struct memory *m)
{
    if (!m->changed)
        return;
    m->changed = false;
    m->options.known_days = m->wanted.known_days;
    m->options.greylist_delay_s = m->wanted.greylist_delay_s;
    m->options.greylist_retry_h = m->wanted.greylist_retry_h;
    m->options.greylist_pass_days = m->wanted.greylist_pass_days;
    ledger_bounds(&m->options, m->bounds);
    if (m->store != NULL)
        memcpy(m->store->bounds, m->bounds, sizeof m->bounds);
}

void *memory_thread(void *arg)
{
    struct memory *m = arg;
    int64_t next_tick = clock_us() + TICK_MS * 1000;
    struct timespec until = clock_in_ms(TICK_MS);
    struct request *r;
    char why[WHY_MAX];
    bool good;

    if (!open_store(m, why))
        memory_complain(m, why);
    pthread_mutex_lock(&m->lock);
    for (;;) {
        r = next_request(m, &until);
        if (r == NULL && m->end)
            break;
        take_numbers(m);
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
    atomic_fetch_sub(&memory_threads, 1);
    return NULL;
}
