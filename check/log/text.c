/* Pieces of log lines: see text.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem, memrchr */
#endif

#include "check/log/text.h"

#include "value/ascii.h"

#define QID_MIN 5
#define QID_MAX 32

size_t text_find(const struct log_text *t, const char *literal, size_t n)
{
    const char *hit = memmem(t->s, t->n, literal, n);

    return hit == NULL ? t->n : (size_t)(hit - t->s);
}

size_t text_find_last(const struct log_text *t, const char *literal, size_t n)
{
    size_t before = t->n < n ? 0 : t->n - n + 1;
    const char *hit;

    while ((hit = memrchr(t->s, literal[0], before)) != NULL) {
        before = (size_t)(hit - t->s);
        if (memcmp(hit, literal, n) == 0)
            return before;
    }
    return t->n;
}

struct log_text text_until(struct log_text *t, char c)
{
    const char *hit = memchr(t->s, c, t->n);
    struct log_text part = {t->s, hit == NULL ? t->n : (size_t)(hit - t->s)};

    *t = text_from(t, part.n + 1);
    return part;
}

bool text_bracketed(struct log_text *t, struct log_text *value)
{
    bool quoted = false;
    size_t i;

    if (t->n == 0 || t->s[0] != '<')
        return false;
    for (i = 1; i < t->n && (quoted || t->s[i] != '>'); i++)
        if (quoted && t->s[i] == '\\')
            i++;
        else if (t->s[i] == '"')
            quoted = !quoted;
    if (i >= t->n)
        return false;
    *value = (struct log_text){t->s + 1, i - 1};
    *t = text_from(t, i + 1);
    return true;
}

size_t text_outside(const struct log_text *t, const char *literal, size_t n)
{
    struct log_text rest = *t, skipped;

    while (rest.n > 0) {
        size_t open = text_find(&rest, LIT("<"));
        struct log_text before = {rest.s, open};
        size_t at = text_find(&before, literal, n);

        if (at < before.n)
            return (size_t)(rest.s - t->s) + at;
        rest = text_from(&rest, open);
        if (!text_bracketed(&rest, &skipped))
            break; /* all of it is a client's */
    }
    return t->n;
}

bool text_next_address(struct log_text *t, struct log_text *address)
{
    struct log_text rest = *t;

    if (!text_skip(&rest, LIT(",")) || !text_bracketed(&rest, address))
        return false;
    *t = rest;
    return true;
}

bool text_is_qid(const struct log_text *t)
{
    size_t n = 0;

    while (n < t->n && n <= QID_MAX && ascii_alnum((unsigned char)t->s[n]))
        n++;
    return n == t->n && n >= QID_MIN && n <= QID_MAX;
}

bool text_qid(struct log_text *t, struct log_text *qid)
{
    struct log_text rest = *t;

    *qid = text_until(&rest, ':');
    if (!text_is_qid(qid) || !text_skip(&rest, LIT(" "))) {
        qid->n = 0;
        return false;
    }
    *t = rest;
    return true;
}

bool text_addr(struct addr *a, const char *s, size_t n)
{
    const char *zone = memchr(s, '%', n);

    if (zone != NULL) /* fe80::1%eth0: the interface tells nothing to others */
        n = (size_t)(zone - s);
    if (n > 5 && ascii_is_word(s, 5, "ipv6:")) {
        s += 5;
        n -= 5;
    }
    return addr_parse(a, s, n);
}

bool text_client(struct log_text *t, struct addr *client)
{
    struct log_text at = *t, address;

    text_until(&at, '[');
    address = text_until(&at, ']');
    if (!text_addr(client, address.s, address.n))
        return false;
    *t = at;
    return true;
}

struct log_text text_value(const struct log_text *t, const char *key, size_t n, char end)
{
    size_t at = text_find(t, key, n);
    struct log_text rest = text_from(t, at + n);

    return at == t->n ? (struct log_text){NULL, 0} : text_until(&rest, end);
}
