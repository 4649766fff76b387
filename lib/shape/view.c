/* Text of a name with its runs of digits and letters marked.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "shape/parts.h"

#include <string.h>

#define LABELS_MAX 127

/* Where the labels begin in the text, as in the wire form. */
struct starts {
    uint8_t at[LABELS_MAX + 1];
    size_t n;
};

/* Wire octets to text; a dot is put at each inner length octet. */
static void put_text(struct view *v, struct starts *labels, const struct dname *name)
{
    size_t at = 0, n;

    v->len = name->len > 2 ? (uint8_t)(name->len - 2) : 0;
    /* All that could be there: a copy of fixed length is the faster one. */
    memcpy(v->text, name->wire + 1, sizeof(v->text));
    labels->n = 0;
    while ((n = name->wire[at]) != 0) {
        labels->at[labels->n++] = (uint8_t)at;
        at += n + 1;
        v->text[at - 1] = '.';
    }
    v->text[v->len] = '\0';
}

static const uint8_t sorts[256] = {
    ['0' ... '9'] = VIEW_DIGIT, ['a' ... 'f'] = VIEW_HEX, ['g' ... 'z'] = VIEW_LETTER};

/* Words of up to seven characters as numbers in the order of the alphabet. */
static uint64_t word_key(const char *s, size_t n)
{
    uint64_t key = 0;
    size_t i;

    for (i = 0; i < n; i++)
        key = key << 8 | (unsigned char)s[i];
    return key << (64 - 8 * n);
}

static uint64_t row_key(const char row[8])
{
    const unsigned char *p = (const unsigned char *)row;

    return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 |
           (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
           (uint64_t)p[6] << 8 | p[7];
}

/* Halves the list without a branch on what is in it. */
static bool listed(const char *s, size_t n, const struct suffixes *l)
{
    size_t low = 0, rows = l->n, half;
    uint64_t key;

    if (n == 0 || n > 7)
        return false;
    key = word_key(s, n);
    while (rows > 1) {
        half = rows / 2;
        low += row_key(l->row[low + half]) <= key ? half : 0;
        rows -= half;
    }
    return row_key(l->row[low]) == key;
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

/* Of the lists `brief` and `longer` in suffixes.txt. */
#define BRIEF_MAX  5
#define LONGER_MAX 9

/* Octets of text left of the registrable domain; the most common suffixes by suffixes.txt. */
static size_t left_of_domain(const struct view *v, const struct starts *labels,
                             const struct dname *name)
{
    size_t last, second, plain;

    if (labels->n < 2)
        return 0;
    last = labels->at[labels->n - 1];
    second = labels->at[labels->n - 2];
    if (listed(v->text + last, v->len - last, &shape_top))
        return second;
    plain = last - 1 - second; /* of names in other scripts the lists say nothing */
    if (plain > 3 && memcmp(v->text + second, "xn--", 4) == 0)
        plain = 0;
    if (plain > BRIEF_MAX && listed(v->text + last, v->len - last, &shape_brief))
        return second;
    if (plain > LONGER_MAX && listed(v->text + last, v->len - last, &shape_longer))
        return second;
    if (labels->n > 2 && listed(v->text + second, v->len - second, &shape_two))
        return labels->at[labels->n - 3];
    return left_by_list(name, second);
}

static void put_bounds(struct view *v, const struct starts *labels, const struct dname *name)
{
    size_t left = left_of_domain(v, labels, name);

    v->first = name->wire[0];
    v->bare = left == 0 || left > v->len;
    v->org = v->bare ? 0 : (uint8_t)left;
    v->org_len = name->wire[v->org];
    v->host = v->bare ? v->org_len : (uint8_t)(left - 1);
    for (v->labels = 0; v->labels < labels->n && labels->at[v->labels] < v->host;)
        v->labels++;
}

static uint32_t append_digit(uint32_t value, char c)
{
    return value > (UINT32_MAX - 9) / 10 ? UINT32_MAX : value * 10 + (uint32_t)(c - '0');
}

/* A run of digits at v->text[at..]. */
static void put_number(struct view *v, struct token *t, size_t at)
{
    uint32_t value = 0;
    size_t i;

    for (i = at; v->sort[i] == VIEW_DIGIT; i++)
        value = append_digit(value, v->text[i]);
    *t =
        (struct token){.at = (uint8_t)at, .len = (uint8_t)(i - at), .digits = true, .value = value};
}

static void put_letters(struct view *v, struct token *t, size_t at)
{
    size_t i = at;

    while (v->sort[i] >= VIEW_HEX)
        i++;
    *t = (struct token){.at = (uint8_t)at, .len = (uint8_t)(i - at)};
}

/* The sort of each character, and a token for each run of one kind. */
static void put_tokens(struct view *v)
{
    size_t i;

    for (i = 0; i < v->len; i++)
        v->sort[i] = sorts[(unsigned char)v->text[i]];
    v->sort[v->len] = VIEW_SEPARATOR;
    v->ntok = 0;
    for (i = 0; i < v->len && v->ntok < VIEW_TOKENS_MAX;) {
        struct token *t = &v->tok[v->ntok];

        if (v->sort[i] == VIEW_SEPARATOR) {
            i++;
            continue;
        }
        if (v->sort[i] == VIEW_DIGIT)
            put_number(v, t, i);
        else
            put_letters(v, t, i);
        i += t->len;
        v->ntok++;
    }
}

#define PLACE_MAX 4

/* adslmuc4711: a word of lines, a short one that says where, and a number. */
static bool line_and_place(const struct view *v, const struct token *t)
{
    size_t place;

    if ((t->parts & PART_ACCESS / PART_ACCESS) == 0 || v->sort[t->at + t->len] != VIEW_DIGIT)
        return false;
    for (place = 1; place <= PLACE_MAX; place++)
        if ((word_class(v->text + t->at, t->len - place) & WORD_ACCESS) != 0)
            return true;
    return false;
}

static void put_class(struct view *v, struct token *t)
{
    uint32_t set = word_class(v->text + t->at, t->len);

    t->glue = (set & WORD_GLUE) != 0;
    t->classes = (uint8_t)(set & ~(unsigned)WORD_GLUE);
    if (set == 0 && t->len >= 4)
        t->parts = (uint8_t)(stem_class(v->text + t->at, t->len) / PART_ACCESS);
    if (line_and_place(v, t))
        t->classes = WORD_ACCESS;
}

static void put_classes(struct view *v)
{
    v->numbers = false;
    for (v->nhost = 0; v->nhost < v->ntok && v->tok[v->nhost].at < v->host; v->nhost++) {
        struct token *t = &v->tok[v->nhost];

        if (t->digits)
            v->numbers = true;
        else
            put_class(v, t);
    }
}

static bool all_hex(const struct view *v, size_t from, size_t to)
{
    while (from < to && v->sort[from] != VIEW_LETTER)
        from++;
    return from == to;
}

/* A stretch of letters and digits that nobody would choose: they change at least four times, or
 * it is hexadecimal of eight digits and more with both. */
static void put_opaque(struct view *v)
{
    size_t i, start, from, end = 0;

    v->hash = v->hex = false;
    for (i = 0; i < v->nhost && v->numbers;) {
        start = i;
        from = v->tok[i].at;
        do {
            end = (size_t)v->tok[i].at + v->tok[i].len;
            i++;
        } while (i < v->nhost && v->tok[i].at == end);
        if (end - from < 8)
            continue;
        v->hash = v->hash || i - start > 4;
        if (i - start == 1 || !all_hex(v, from, end))
            continue;
        for (v->hex = true; start < i; start++)
            v->tok[start].opaque = true;
    }
}

void view_make(struct view *v, const struct dname *name)
{
    struct starts labels;

    put_text(v, &labels, name);
    put_bounds(v, &labels, name);
    put_tokens(v);
    put_classes(v);
    put_opaque(v);
}
