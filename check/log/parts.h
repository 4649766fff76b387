/* Inner header of logline*.c: bounded looking at a piece of a line.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_LOGLINE_PARTS_H
#define IPREV_LOGLINE_PARTS_H

#include "check/log/line.h"
#include "value/ascii.h"

#include <string.h>

#define LIT(literal) literal, sizeof literal - 1

/* t begins with the literal, which is then taken off. */
static inline bool text_skip(struct log_text *t, const char *literal, size_t n)
{
    if (t->n < n || memcmp(t->s, literal, n) != 0)
        return false;
    t->s += n;
    t->n -= n;
    return true;
}

static inline bool text_is(const struct log_text *t, const char *literal, size_t n)
{
    return t->n == n && memcmp(t->s, literal, n) == 0;
}

/* Offset of the first occurrence, or t->n. */
size_t text_find(const struct log_text *t, const char *literal, size_t n);
size_t text_find_last(const struct log_text *t, const char *literal, size_t n);

static inline struct log_text text_from(const struct log_text *t, size_t at)
{
    return at < t->n ? (struct log_text){t->s + at, t->n - at} : (struct log_text){t->s + t->n, 0};
}

/* Octets up to the first one of `c`, or all; t is moved behind that octet. */
struct log_text text_until(struct log_text *t, char c);

/* "<address>": what stands between the brackets; a `>` in quotes (RFC 5321, 4.1.2) does not end it.
 * t is moved behind the bracket. False, and t as it was, when it has no end. */
bool text_bracketed(struct log_text *t, struct log_text *value);

/* Offset of the first occurrence outside brackets, or t->n: clients write what stands in them.
 * The literal has no bracket itself. */
size_t text_outside(const struct log_text *t, const char *literal, size_t n);

/* "ABC: rest": the queue id, if there is one; t is moved behind the blank. */
bool text_qid(struct log_text *t, struct log_text *qid);

/* What stands between the brackets, with or without "IPv6:". */
bool text_addr(struct addr *a, const char *s, size_t n);

/* "name[address]" or "name [address]": t is moved behind the bracket. */
bool text_client(struct log_text *t, struct log_event *e);

/* The value of `key` (such as ", to=<"), up to `end`, from the first occurrence. */
struct log_text text_value(const struct log_text *t, const char *key, size_t n, char end);

void logline_postfix(struct log_event *e, const struct log_text *program, struct log_text message);
void logline_sendmail(struct log_event *e, struct log_text message);
void logline_filter(struct log_event *e, const struct log_text *program, struct log_text message);

#endif
