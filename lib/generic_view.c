/* Text of a name with its runs of digits and letters marked.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "generic_parts.h"

#include <string.h>

#include "ascii.h"

/* Wire octets to text; a dot stands at each inner length octet. */
static void put_text(struct view *v, const struct dname *name)
{
    size_t at = 0, n;

    v->len = name->len > 2 ? (uint8_t)(name->len - 2) : 0;
    if (v->len >= sizeof(v->text))
        v->len = sizeof(v->text) - 1;
    memcpy(v->text, name->wire + 1, v->len);
    v->text[v->len] = '\0';
    while ((n = name->wire[at]) != 0) {
        at += n + 1;
        if (at - 1 < v->len)
            v->text[at - 1] = '.';
    }
}

static size_t label_length(const struct view *v, size_t at)
{
    const char *dot = memchr(v->text + at, '.', v->len - at);

    return dot != NULL ? (size_t)(dot - v->text) - at : v->len - at;
}

static void put_bounds(struct view *v, const struct dname *name)
{
    size_t left = dname_left_of_registrable(name);

    v->bare = left == 0 || left > v->len;
    v->org = v->bare ? 0 : (uint8_t)left;
    v->org_len = (uint8_t)label_length(v, v->org);
    v->host = v->bare ? v->org_len : (uint8_t)(left - 1);
}

static uint32_t decimal(const char *s, size_t n)
{
    uint64_t value = 0;
    size_t i;

    for (i = 0; i < n && value <= UINT32_MAX; i++)
        value = value * 10 + (uint64_t)(s[i] - '0');
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static void put_tokens(struct view *v)
{
    size_t i = 0, start;
    struct token *t;

    while (i < v->len && v->ntok < VIEW_TOKENS_MAX) {
        if (!ascii_alnum((unsigned char)v->text[i])) {
            i++;
            continue;
        }
        t = &v->tok[v->ntok++];
        t->digits = ascii_digit((unsigned char)v->text[i]);
        for (start = i; i < v->len && ascii_alnum((unsigned char)v->text[i]) &&
                        ascii_digit((unsigned char)v->text[i]) == t->digits;)
            i++;
        t->at = (uint8_t)start;
        t->len = (uint8_t)(i - start);
        t->value = t->digits ? decimal(v->text + start, i - start) : 0;
        if (i <= v->host)
            v->nhost = v->ntok;
    }
}

void view_make(struct view *v, const struct dname *name)
{
    memset(v, 0, sizeof(*v));
    put_text(v, name);
    put_bounds(v, name);
    put_tokens(v);
}
