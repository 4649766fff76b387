/* The DNS questions of one explanation: see questions.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/explain/questions.h"

#include <stdlib.h>

struct questions *questions_new(void)
{
    struct questions *qs = calloc(1, sizeof *qs);

    if (qs != NULL && pthread_mutex_init(&qs->lock, NULL) != 0) {
        free(qs);
        return NULL;
    }
    return qs;
}

void questions_free(struct questions *qs)
{
    if (qs == NULL)
        return;
    pthread_mutex_destroy(&qs->lock);
    free(qs);
}

void questions_clear(struct questions *qs)
{
    pthread_mutex_lock(&qs->lock);
    qs->n = qs->left_out = qs->addrs = 0;
    qs->addrs_capped = qs->transient = false;
    pthread_mutex_unlock(&qs->lock);
}

static void keep_records(struct question *q, const struct answer *a)
{
    size_t cursor = 0;

    q->shown = 0;
    while (q->shown < RECORDS_SHOWN &&
           (a->type == RR_PTR ? answer_next_name(a, &cursor, &q->ptr[q->shown])
                              : answer_next_addr(a, &cursor, &q->addr[q->shown])))
        q->shown++;
}

static void keep_addresses(struct questions *qs, const struct answer *a)
{
    struct addr addr;
    size_t cursor = 0;
    unsigned i;

    while (answer_next_addr(a, &cursor, &addr)) {
        for (i = 0; i < qs->addrs && !addr_equal(&qs->addr[i], &addr); i++)
            ;
        if (i < qs->addrs)
            continue;
        if (qs->addrs == QUESTION_ADDRS_MAX)
            qs->addrs_capped = true;
        else
            qs->addr[qs->addrs++] = addr;
    }
}

void questions_note(void *arg, const struct dname *name, enum rrtype type, const struct answer *a,
                    unsigned ms)
{
    struct questions *qs = arg;
    struct question *q;

    pthread_mutex_lock(&qs->lock);
    qs->transient |= answer_is_transient(a);
    if (a->kind == ANSWER_DATA && (type == RR_A || type == RR_AAAA))
        keep_addresses(qs, a);
    if (qs->n == QUESTIONS_MAX) {
        qs->left_out++;
    } else {
        q = &qs->q[qs->n++];
        q->name = *name;
        q->type = type;
        q->kind = a->kind;
        q->ms = ms;
        q->ttl = a->ttl;
        q->secure = a->secure;
        q->target = a->name;
        q->aliased =
            a->kind == ANSWER_ALIAS || (a->kind == ANSWER_DATA && !dname_equal(&a->name, name));
        q->good = a->kind == ANSWER_DATA ? a->good : 0;
        q->bad = a->kind == ANSWER_DATA ? a->bad : 0;
        q->shown = 0;
        if (a->kind == ANSWER_DATA)
            keep_records(q, a);
    }
    pthread_mutex_unlock(&qs->lock);
}

const struct question *questions_find(const struct questions *qs, const struct dname *name,
                                      enum rrtype type)
{
    struct dname at = *name;
    unsigned hops, i;

    for (hops = 0; hops < 16; hops++) {
        for (i = 0; i < qs->n; i++)
            if (qs->q[i].type == type && dname_equal(&qs->q[i].name, &at))
                break;
        if (i == qs->n)
            return NULL;
        if (qs->q[i].kind != ANSWER_ALIAS)
            return &qs->q[i];
        at = qs->q[i].target;
    }
    return NULL;
}

const char *rrtype_word(enum rrtype type)
{
    switch (type) {
    case RR_A:
        return "A";
    case RR_AAAA:
        return "AAAA";
    case RR_PTR:
        return "PTR";
    case RR_CNAME:
        return "CNAME";
    case RR_SOA:
        break;
    }
    return "SOA";
}

const char *answer_word(enum answer_kind kind)
{
    switch (kind) {
    case ANSWER_NXDOMAIN:
        return "no such name";
    case ANSWER_NODATA:
        return "no record of this type";
    case ANSWER_SERVFAIL:
        return "the name servers failed (SERVFAIL)";
    case ANSWER_TIMEOUT:
        return "no answer in time";
    case ANSWER_BOGUS:
        return "DNSSEC validation failed";
    case ANSWER_OVERLOAD:
        return "not asked: too many questions at once";
    case ANSWER_ALIAS:
        return "an alias";
    case ANSWER_DATA:
        break;
    }
    return "";
}
