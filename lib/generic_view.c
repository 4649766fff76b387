/* Text of a name with its runs of digits and letters marked.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "generic_parts.h"

#include <string.h>

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

static const uint8_t sorts[256] = {
    ['0' ... '9'] = VIEW_DIGIT, ['a' ... 'f'] = VIEW_HEX, ['g' ... 'z'] = VIEW_LETTER};

static void put_sorts(struct view *v)
{
    size_t i;

    for (i = 0; i < v->len; i++)
        v->sort[i] = sorts[(unsigned char)v->text[i]];
    v->sort[v->len] = VIEW_SEPARATOR;
}

/* Where the label that ends before `end` begins. */
static size_t label_before(const struct view *v, size_t end)
{
    while (end > 0 && v->text[end - 1] != '.')
        end--;
    return end;
}

static bool listed(const char *s, size_t n, const char list[][8], size_t high)
{
    size_t low = 0, mid;
    int order;

    while (n < 8 && low < high) {
        mid = low + (high - low) / 2;
        order = memcmp(s, list[mid], n);
        if (order == 0 && list[mid][n] == '\0')
            return true;
        if (order <= 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}

/* Below the tops of the list `brief` the suffixes of two labels begin with no
 * longer one: ac.at, asso.fr, store.ro. */
#define BRIEF_MAX 5

/* Octets of text left of the registrable domain.
 *
 * The most common suffixes are answered from a table: what the public suffix
 * list has below them are zones of single companies, and there the host part
 * should begin at the label of the customer anyway. */
static size_t left_of_domain(const struct view *v, const struct dname *name)
{
    static const char top[][8] = {"biz",  "ch", "com", "cz",  "de", "dk",  "edu", "eu", "gov",
                                  "info", "li", "mil", "net", "nl", "org", "ru",  "sk", "su"};
    static const char two[][8] = {
        "ac.jp",  "ac.uk",  "co.id",  "co.in",  "co.jp",  "co.kr",  "co.nz",  "co.th",  "co.uk",
        "co.za",  "com.ar", "com.au", "com.br", "com.cn", "com.co", "com.mx", "com.my", "com.pl",
        "com.sg", "com.tr", "com.tw", "com.ua", "edu.tw", "ne.jp",  "net.ar", "net.au", "net.br",
        "net.co", "net.id", "net.mx", "net.nz", "net.pl", "net.tw", "or.jp",  "org.uk"};
    static const char brief[][8] = {"at", "be", "bg", "by", "ca", "cc", "cl", "co", "ee", "es",
                                    "fi", "fr", "gr", "hr", "ie", "io", "ir", "is", "kz", "lt",
                                    "lu", "lv", "me", "pt", "ro", "rs", "si", "to", "tv", "us"};
    size_t last = label_before(v, v->len), second;

    if (last < 2)
        return dname_left_of_registrable(name);
    second = label_before(v, last - 1);
    if (listed(v->text + last, v->len - last, top, sizeof(top) / sizeof(top[0])))
        return second;
    if (second >= 2 && listed(v->text + second, v->len - second, two, sizeof(two) / sizeof(two[0])))
        return label_before(v, second - 1);
    return dname_left_of_registrable(name);
}

static size_t label_length(const struct view *v, size_t at)
{
    size_t end = at;

    while (end < v->len && v->text[end] != '.')
        end++;
    return end - at;
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

    for (v->ntok = v->nhost = 0; i < v->len && v->ntok < VIEW_TOKENS_MAX;) {
        if (v->sort[i] == VIEW_SEPARATOR) {
            i++;
            continue;
        }
        t = &v->tok[v->ntok++];
        start = i;
        t->digits = v->sort[i] == VIEW_DIGIT;
        while (v->sort[i] != VIEW_SEPARATOR && (v->sort[i] == VIEW_DIGIT) == t->digits)
            i++;
        t->at = (uint8_t)start;
        t->len = (uint8_t)(i - start);
        t->value = t->digits ? decimal(v->text + start, i - start) : 0;
        t->classes = 0;
        if (i > v->host)
            continue;
        v->nhost = v->ntok;
        v->numbers = v->numbers || t->digits;
        if (!t->digits)
            t->classes = (uint8_t)word_class(v->text + start, i - start);
    }
}

void view_make(struct view *v, const struct dname *name)
{
    put_text(v, name);
    put_sorts(v);
    put_bounds(v, name);
    v->numbers = false;
    put_tokens(v);
}
