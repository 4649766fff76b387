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

/* Common top-level domains right below which everybody registers: the public
 * suffix list has nothing longer for them but zones of single companies, and
 * below those the host part should begin at the customer's label anyway. */
static bool flat_top(const char *s, size_t n)
{
    static const char list[][5] = {"biz",  "ch", "com", "cz",  "de", "dk",  "edu", "eu", "gov",
                                   "info", "li", "mil", "net", "nl", "org", "ru",  "sk", "su"};
    size_t i;

    for (i = 0; i < sizeof(list) / sizeof(list[0]) && n <= 4; i++)
        if (list[i][0] == s[0] && memcmp(list[i], s, n) == 0 && list[i][n] == '\0')
            return true;
    return false;
}

/* Octets of text left of the registrable domain. */
static size_t left_of_domain(const struct view *v, const struct dname *name)
{
    size_t at = v->len, top;

    while (at > 0 && v->text[at - 1] != '.')
        at--;
    top = at;
    if (top == 0 || !flat_top(v->text + top, v->len - top))
        return dname_left_of_registrable(name);
    for (at--; at > 0 && v->text[at - 1] != '.';)
        at--;
    return at;
}

static void put_bounds(struct view *v, const struct dname *name)
{
    size_t left = left_of_domain(v, name);

    v->first = (uint8_t)label_length(v, 0);
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
        t->classes = 0;
        if (i > v->host)
            continue;
        v->nhost = v->ntok;
        if (!t->digits)
            t->classes = (uint8_t)word_class(v->text + start, i - start);
    }
}

void view_make(struct view *v, const struct dname *name)
{
    v->ntok = v->nhost = 0;
    put_text(v, name);
    put_bounds(v, name);
    put_tokens(v);
}
