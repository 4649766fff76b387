/* One client asked about: see inquiry.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "dns/inquiry.h"

#include <string.h>

#define HELO_MOMENT_MS 1000
#define WAIT_MAX_MS    9000 /* in one step: Sendmail gives a filter up after 10 s */

/* ---- one lookup ---- */

static void drop(struct inquiry_asked *a)
{
    if (a->lookup != NULL)
        lookup_release(a->lookup);
    memset(a, 0, sizeof *a);
}

static bool done(const struct inquiry_asked *a)
{
    return a->lookup != NULL && lookup_done(a->lookup);
}

/* DNS questions it took; most, while it is under way. */
static unsigned questions(const struct inquiry_asked *a, unsigned most)
{
    if (a->lookup == NULL || a->remembered)
        return 0;
    return lookup_done(a->lookup) ? lookup_questions(a->lookup) : most;
}

static void add_cost(struct inquiry_asked *a, struct lookup_cost *cost)
{
    if (a->told || !done(a))
        return;
    a->told = true;
    if (a->remembered)
        return;
    cost->questions += lookup_questions(a->lookup);
    if (lookup_ms(a->lookup) > cost->ms)
        cost->ms = lookup_ms(a->lookup);
}

struct lookup_cost inquiry_cost(struct inquiry *q)
{
    struct lookup_cost cost = {0, 0};

    add_cost(&q->chain, &cost);
    add_cost(&q->forward, &cost);
    return cost;
}

/* ---- asking ---- */

void inquiry_clear(struct inquiry *q)
{
    drop(&q->chain);
    drop(&q->forward);
    memset(q, 0, sizeof *q);
    q->skip = F_SKIP_NO_ADDRESS;
    helo_parse(&q->helo, NULL, 0);
}

void inquiry_start(struct inquiry *q, const struct inquiry_options *o, const struct addr *client,
                   enum finding skip)
{
    int64_t now = resolver_now();

    inquiry_clear(q);
    q->o = *o;
    q->client = *client;
    q->skip = skip;
    q->patience = o->patience_ms > 0 ? now + o->patience_ms : INT64_MAX;
    q->chain.deadline = now + o->settings->deadline_ms;
    if (skip == F_NONE)
        q->chain.lookup =
            resolver_ask_client(o->resolver, &q->client, q->chain.deadline, &q->chain.remembered);
}

static const struct chain *known_chain(const struct inquiry *q)
{
    return done(&q->chain) ? lookup_chain(q->chain.lookup) : NULL;
}

/* The client's deadline applies to HELO as well; but a client that is slow to say it
 * leaves DNS a moment. */
static void ask_helo(struct inquiry *q)
{
    int64_t moment = resolver_now() + HELO_MOMENT_MS;

    q->forward.deadline = moment > q->chain.deadline ? moment : q->chain.deadline;
    q->forward.lookup = resolver_ask_helo(q->o.resolver, &q->client, &q->helo.name,
                                          q->forward.deadline, &q->forward.remembered);
}

static bool budget_allows_helo(const struct inquiry *q)
{
    return questions(&q->chain, RESOLVER_CLIENT_QUESTIONS) + q->earlier + RESOLVER_HELO_QUESTIONS <=
           INQUIRY_QUESTIONS_MAX;
}

static void want_helo(struct inquiry *q)
{
    if (q->forward.lookup == NULL && q->skip == F_NONE && q->o.settings->helo &&
        budget_allows_helo(q) && helo_must_ask(&q->helo, q->o.self, known_chain(q)))
        ask_helo(q);
}

void inquiry_helo(struct inquiry *q, const char *text, size_t n)
{
    struct dname before = q->helo.name;

    helo_parse(&q->helo, text, n);
    q->helo_given = true;
    if (q->forward.lookup != NULL && dname_equal(&before, &q->helo.name))
        return; /* as after STARTTLS: the same question */
    q->earlier += questions(&q->forward, RESOLVER_HELO_QUESTIONS);
    drop(&q->forward);
    want_helo(q);
}

/* ---- waiting ---- */

static unsigned wait_for(struct inquiry *q, const struct inquiry_asked *a,
                         const struct inquiry_pause *pause)
{
    int64_t until = a->deadline + INQUIRY_SLACK_MS, from;

    if (a->lookup == NULL || lookup_done(a->lookup))
        return 0;
    if (until > q->patience)
        until = q->patience;
    from = resolver_now();
    if (from >= until)
        return 0;
    if (pause != NULL)
        pause->before(pause->arg);
    lookup_wait(a->lookup, until);
    if (pause != NULL)
        pause->after(pause->arg);
    return (unsigned)(resolver_now() - from);
}

unsigned inquiry_wait(struct inquiry *q, bool helo, const struct inquiry_pause *pause)
{
    unsigned ms;

    if (q->skip != F_NONE)
        return 0;
    ms = wait_for(q, &q->chain, pause);
    if (!helo)
        return ms;
    if (ms + HELO_MOMENT_MS <= WAIT_MAX_MS)
        want_helo(q);
    return ms + wait_for(q, &q->forward, pause);
}

void inquiry_facts(const struct inquiry *q, bool helo, struct facts *f)
{
    memset(f, 0, sizeof *f);
    f->client = q->client;
    f->skip = q->skip;
    f->chain_cause = F_DNS_TIMEOUT;
    f->helo_known = helo;
    f->helo = &q->helo;
    if (q->o.self == NULL)
        return; /* never started */
    f->self = *q->o.self;
    f->shapes = q->o.shapes;
    f->helo_asked = q->o.settings->helo;
    f->chain = known_chain(q);
    if (f->chain != NULL)
        f->ptr_shape = lookup_shape(q->chain.lookup);
    if (!helo || q->forward.lookup == NULL)
        return;
    f->forward = done(&q->forward) ? lookup_forward(q->forward.lookup) : NAME_TIMEOUT;
    if (done(&q->forward))
        f->helo_shape = lookup_shape(q->forward.lookup);
}
