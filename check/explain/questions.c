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
    qs->addrs_capped = false;
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

/* Under the lock. */
static void add(struct questions *qs, const struct dname *name, enum rrtype type,
                const struct answer *a, unsigned ms)
{
    bool data = a->kind == ANSWER_DATA;
    struct question *q;

    if (data && type != RR_PTR)
        keep_addresses(qs, a);
    if (qs->n == QUESTIONS_MAX) {
        qs->left_out++;
        return;
    }
    q = &qs->q[qs->n++];
    *q = (struct question){.name = *name, .type = type, .kind = a->kind, .ms = ms, .ttl = a->ttl};
    q->secure = a->secure;
    q->target = a->name;
    q->aliased = !answer_failed(a->kind) && !dname_equal(&a->name, name);
    if (!data)
        return;
    q->good = a->good;
    q->bad = a->bad;
    keep_records(q, a);
}

void questions_note(void *arg, const struct dname *name, enum rrtype type, const struct answer *a,
                    unsigned ms)
{
    struct questions *qs = arg;

    pthread_mutex_lock(&qs->lock);
    add(qs, name, type, a, ms);
    pthread_mutex_unlock(&qs->lock);
}

void questions_note_silence(struct questions *qs, const struct dname *name, enum rrtype type,
                            unsigned ms)
{
    const struct answer none = answer_none(ANSWER_TIMEOUT);

    pthread_mutex_lock(&qs->lock);
    if (questions_find(qs, name, type) == NULL)
        add(qs, name, type, &none, ms);
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

const char *question_dnssec(const struct question *q, bool anchored)
{
    return q->kind == ANSWER_BOGUS  ? "bogus"
           : answer_failed(q->kind) ? "unknown"
           : q->secure              ? "secure"
           : anchored               ? "insecure"
                                    : "unchecked";
}

void question_put_records(struct sbuf *sb, const struct question *q, unsigned most)
{
    unsigned i;

    for (i = 0; i < q->shown && i < most; i++) {
        sbuf_str(sb, i > 0 ? ", " : "");
        if (q->type == RR_PTR)
            dname_put_visible(sb, &q->ptr[i]);
        else
            addr_put(sb, &q->addr[i]);
    }
    if (q->good > i) {
        sbuf_str(sb, " and ");
        sbuf_uint(sb, q->good - i);
        sbuf_str(sb, " more");
    }
    if (q->bad > 0) {
        sbuf_str(sb, i > 0 ? ", and " : "");
        sbuf_uint(sb, q->bad);
        sbuf_str(sb, " damaged");
    }
}

const char *rrtype_word(enum rrtype type)
{
    return type == RR_A       ? "A"
           : type == RR_AAAA  ? "AAAA"
           : type == RR_PTR   ? "PTR"
           : type == RR_CNAME ? "CNAME"
                              : "SOA";
}

const char *answer_word(enum answer_kind kind)
{
    static const char *const word[] = {
        [ANSWER_DATA] = "",
        [ANSWER_ALIAS] = "",
        [ANSWER_NXDOMAIN] = "no such name",
        [ANSWER_NODATA] = "no record of this type",
        [ANSWER_SERVFAIL] = "the name servers failed (SERVFAIL)",
        [ANSWER_TIMEOUT] = "no answer in time",
        [ANSWER_BOGUS] = "DNSSEC validation failed",
        [ANSWER_OVERLOAD] = "not asked: too many questions at once",
    };

    return word[kind];
}
