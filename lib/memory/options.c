/* The text that names a store: see options.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "memory/options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define REDIS_PORT 6379

/* What stands behind a prefix, or NULL. */
static const char *behind(const char *text, const char *prefix)
{
    size_t n = strlen(prefix);

    return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

static bool take_path(char *out, size_t size, const char *path)
{
    size_t n = strlen(path);

    if (path[0] != '/' || n < 2 || n >= size)
        return false;
    memcpy(out, path, n + 1);
    return true;
}

/* Digits up to the end or a stop; at most max. */
static bool take_number(const char **p, unsigned max, unsigned *out)
{
    unsigned n = 0;
    size_t digits = 0;

    for (; **p >= '0' && **p <= '9'; (*p)++, digits++) {
        n = n * 10 + (unsigned)(**p - '0');
        if (n > max || digits > 5)
            return false;
    }
    *out = n;
    return digits > 0;
}

/* HOST, or an IPv6 address in brackets. */
static const char *take_host(struct memory_endpoint *e, const char *p)
{
    bool bracket = *p == '[';
    size_t n = bracket ? strcspn(p + 1, "]") : strcspn(p, ":/");

    p += bracket;
    if (n == 0 || n >= sizeof e->host || (bracket && p[n] != ']'))
        return NULL;
    memcpy(e->host, p, n);
    e->host[n] = '\0';
    return p + n + bracket;
}

static bool take_tcp(struct memory_endpoint *e, const char *p)
{
    unsigned port = REDIS_PORT;

    p = take_host(e, p);
    if (p == NULL || strpbrk(e->host, " \t@") != NULL)
        return false;
    if (*p == ':') {
        p++;
        if (!take_number(&p, UINT16_MAX, &port) || port == 0)
            return false;
    }
    e->port = (uint16_t)port;
    if (*p == '/') {
        p++;
        if (!take_number(&p, 65535, &e->database))
            return false;
    }
    return *p == '\0';
}

bool memory_endpoint(struct memory_endpoint *e, const char *text)
{
    const char *p;

    memset(e, 0, sizeof *e);
    if ((p = behind(text, "sqlite:")) != NULL)
        return take_path(e->sqlite_path, sizeof e->sqlite_path, p);
    if ((p = behind(text, "redis+unix:")) != NULL)
        return take_path(e->unix_path, sizeof e->unix_path, p);
    p = behind(text, "redis://");
    return p != NULL && take_tcp(e, p);
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool memory_options_same_store(const struct memory_options *a, const struct memory_options *b)
{
    return same_text(a->store, b->store) && same_text(a->key_file, b->key_file) &&
           same_text(a->password_file, b->password_file);
}

static bool copy_text(char **to, const char *from)
{
    *to = from != NULL ? strdup(from) : NULL;
    return from == NULL || *to != NULL;
}

bool memory_options_copy(struct memory_options *to, const struct memory_options *from)
{
    *to = *from;
    to->store = to->key_file = to->password_file = NULL;
    return copy_text(&to->store, from->store) && copy_text(&to->key_file, from->key_file) &&
           copy_text(&to->password_file, from->password_file);
}

void memory_options_drop(struct memory_options *o)
{
    free(o->store);
    free(o->key_file);
    free(o->password_file);
}
