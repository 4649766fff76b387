/* A piece of a log line, and bounded looking at it.
 *
 * Pure: nothing is copied, every piece borrows the line. Lines are hostile input.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_LOG_TEXT_H
#define IPREV_LOG_TEXT_H

#include "value/addr.h"

#include <string.h>

struct log_text {
    const char *s; /* NULL: not given */
    size_t n;
};

#define LIT(literal) literal, sizeof literal - 1

static inline bool text_begins(const struct log_text *t, const char *literal, size_t n)
{
    return t->n >= n && memcmp(t->s, literal, n) == 0;
}

/* t begins with the literal, which is then taken off. */
static inline bool text_skip(struct log_text *t, const char *literal, size_t n)
{
    if (!text_begins(t, literal, n))
        return false;
    t->s += n;
    t->n -= n;
    return true;
}

static inline bool text_is(const struct log_text *t, const char *literal, size_t n)
{
    return t->n == n && text_begins(t, literal, n);
}

/* Offset of the first occurrence, or t->n. */
size_t text_find(const struct log_text *t, const char *literal, size_t n);
size_t text_find_last(const struct log_text *t, const char *literal, size_t n);

static inline struct log_text text_from(const struct log_text *t, size_t at)
{
    return at < t->n ? (struct log_text){t->s + at, t->n - at} : (struct log_text){t->s + t->n, 0};
}

/* Octets up to the first `c`, or all; t is moved past that octet. */
struct log_text text_until(struct log_text *t, char c);

/* "<address>": what is between the brackets; a `>` in quotes (RFC 5321, 4.1.2) does not end it.
 * t is moved past the bracket. False, and t as it was, when it has no end. */
bool text_bracketed(struct log_text *t, struct log_text *value);

/* ",<address>", the next of a list; t is moved past it. */
bool text_next_address(struct log_text *t, struct log_text *address);

/* Offset of the first occurrence outside brackets, or t->n: clients write what is in them.
 * The literal has no bracket itself. */
size_t text_outside(const struct log_text *t, const char *literal, size_t n);

/* 5 to 32 letters and digits. */
bool text_is_qid(const struct log_text *t);

/* "ABC: rest": the queue id, if there is one; t is moved past the space. */
bool text_qid(struct log_text *t, struct log_text *qid);

/* What is between the brackets, with or without "IPv6:". */
bool text_addr(struct addr *a, const char *s, size_t n);

/* "name[address]" or "name [address]": t is moved past the bracket. */
bool text_client(struct log_text *t, struct addr *client);

/* The value of `key` (such as ", to=<"), up to `end`, from the first occurrence. */
struct log_text text_value(const struct log_text *t, const char *key, size_t n, char end);

#endif
