/* The DNS questions of one explanation, kept as they are answered.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_QUESTIONS_H
#define IPREV_QUESTIONS_H

#include "dns/resolver.h"
#include "value/checked.h"

#include <pthread.h>

#define QUESTIONS_MAX      64 /* a client takes at most 24 */
#define RECORDS_SHOWN      8
#define QUESTION_ADDRS_MAX 100

struct question {
    struct dname name;
    enum rrtype type;
    enum answer_kind kind;
    unsigned ms;
    uint32_t ttl;
    bool secure;
    bool aliased;        /* answered under another name: target */
    struct dname target; /* end of the alias chain */
    unsigned good, bad;  /* records, shown or not */
    unsigned shown;
    struct dname ptr[RECORDS_SHOWN]; /* type RR_PTR */
    struct addr addr[RECORDS_SHOWN]; /* type RR_A, RR_AAAA */
};

struct questions {
    pthread_mutex_t lock;
    unsigned n, left_out;
    struct question q[QUESTIONS_MAX];
    unsigned addrs; /* all distinct addresses of all answers, up to the cap */
    bool addrs_capped;
    struct addr addr[QUESTION_ADDRS_MAX];
};

/* NULL without memory. */
MUST_CHECK struct questions *questions_new(void);
void questions_free(struct questions *qs);

/* Forgets all. Late answers of a former client may still come. */
void questions_clear(struct questions *qs);

/* For struct resolver_trace: arg is a struct questions. */
void questions_note(void *qs, const struct dname *name, enum rrtype type, const struct answer *a,
                    unsigned ms);

/* The same for a question that was asked but has left no note: nobody answered. */
void questions_note_silence(struct questions *qs, const struct dname *name, enum rrtype type,
                            unsigned ms);

/* What was answered for these addresses of this name, or NULL. Only while no resolver thread
 * may still add: under the lock, or when all is answered. */
const struct question *questions_find(const struct questions *qs, const struct dname *name,
                                      enum rrtype type);

/* "secure", "insecure", "bogus"; "unchecked" without a trust anchor, "unknown" without an
 * answer. */
const char *question_dnssec(const struct question *q, bool anchored);

/* "192.0.2.1, 192.0.2.2 and 3 more, and 1 damaged", with at most so many of them; "" for none. */
void question_put_records(struct sbuf *sb, const struct question *q, unsigned most);

const char *rrtype_word(enum rrtype type);

/* "no such name" and the like; "" for data and aliases. */
const char *answer_word(enum answer_kind kind);

#endif
