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

    while (n > 0 && n < 8 && low < high) {
        mid = low + (high - low) / 2;
        order = s[0] - list[mid][0];
        if (order == 0)
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

/* The suffix list is asked once for each label from the left. Most names lie
 * right below a domain of two labels, so those are tried alone first. */
static size_t left_by_list(const struct dname *name, size_t second)
{
    struct dname tail;

    tail.len = (uint8_t)(name->len - second);
    memcpy(tail.wire, name->wire + second, tail.len);
    return dname_is_registrable(&tail) ? second : dname_left_of_registrable(name);
}

/* Below the tops of the list `brief` the suffixes of two labels begin with no
 * longer one: ac.at, asso.fr, store.ro (but for some professions in .fr). */
#define BRIEF_MAX 5

/* Octets of text left of the registrable domain.
 *
 * The most common suffixes are answered from a table: what the public suffix
 * list has below them are zones of single companies, and there the host part
 * should begin at the label of the customer anyway. */
static size_t left_of_domain(const struct view *v, const struct dname *name)
{
    static const char top[][8] = {"biz", "cat", "ch",  "com",  "cz", "de", "dk",
                                  "edu", "eu",  "gov", "info", "li", "md", "mil",
                                  "net", "nl",  "org", "ru",   "sk", "su", "xyz"};
    static const char two[][8] = {
        "ac.jp",  "ac.uk",  "co.id",  "co.il",  "co.in",  "co.jp",  "co.kr",  "co.nz",
        "co.th",  "co.uk",  "co.za",  "com.ar", "com.au", "com.br", "com.cn", "com.co",
        "com.mx", "com.my", "com.pl", "com.sg", "com.tr", "com.tw", "com.ua", "com.uy",
        "edu.tw", "ne.jp",  "net.ar", "net.au", "net.br", "net.co", "net.id", "net.il",
        "net.mx", "net.nz", "net.pl", "net.tw", "or.jp",  "org.uk"};
    static const char brief[][8] = {"at", "be", "bg", "by", "ca", "cc", "cl", "co", "ee", "es",
                                    "fi", "fr", "gr", "hr", "ie", "io", "ir", "is", "kz", "lt",
                                    "lu", "lv", "me", "pt", "ro", "rs", "si", "to", "tv", "us"};
    size_t last = label_before(v, v->len), second;

    if (last < 2)
        return dname_left_of_registrable(name);
    second = label_before(v, last - 1);
    if (listed(v->text + last, v->len - last, top, sizeof(top) / sizeof(top[0])))
        return second;
    if (last - 1 - second > BRIEF_MAX &&
        listed(v->text + last, v->len - last, brief, sizeof(brief) / sizeof(brief[0])))
        return second;
    if (second >= 2 && listed(v->text + second, v->len - second, two, sizeof(two) / sizeof(two[0])))
        return label_before(v, second - 1);
    return left_by_list(name, second);
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
    size_t left = left_of_domain(v, name), at;

    v->first = (uint8_t)label_length(v, 0);
    v->bare = left == 0 || left > v->len;
    v->org = v->bare ? 0 : (uint8_t)left;
    v->org_len = (uint8_t)label_length(v, v->org);
    v->host = v->bare ? v->org_len : (uint8_t)(left - 1);
    v->labels = 0;
    for (at = 0; at < v->host; at += 1u + name->wire[at])
        v->labels++;
}

static uint32_t append_digit(uint32_t value, char c)
{
    return value > (UINT32_MAX - 9) / 10 ? UINT32_MAX : value * 10 + (uint32_t)(c - '0');
}

/* The sort of each character, and a token for each run of one kind. */
static void put_tokens(struct view *v)
{
    struct token *t = NULL;
    bool digit;
    size_t i;

    v->ntok = 0;
    for (i = 0; i < v->len; i++) {
        v->sort[i] = sorts[(unsigned char)v->text[i]];
        digit = v->sort[i] == VIEW_DIGIT;
        if (v->sort[i] == VIEW_SEPARATOR || (t != NULL && t->digits != digit))
            t = NULL;
        if (v->sort[i] == VIEW_SEPARATOR)
            continue;
        if (t == NULL) {
            if (v->ntok == VIEW_TOKENS_MAX)
                continue;
            t = &v->tok[v->ntok++];
            *t = (struct token){.at = (uint8_t)i, .digits = digit};
        }
        t->len++;
        if (digit)
            t->value = append_digit(t->value, v->text[i]);
    }
    v->sort[v->len] = VIEW_SEPARATOR;
}

static void put_classes(struct view *v)
{
    v->numbers = false;
    for (v->nhost = 0; v->nhost < v->ntok && v->tok[v->nhost].at < v->host; v->nhost++) {
        struct token *t = &v->tok[v->nhost];

        if (t->digits)
            v->numbers = true;
        else
            t->classes = (uint8_t)word_class(v->text + t->at, t->len);
    }
}

void view_make(struct view *v, const struct dname *name)
{
    put_text(v, name);
    put_bounds(v, name);
    put_tokens(v);
    put_classes(v);
}
