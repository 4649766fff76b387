/* Where an IPv4 address shows in a name: decimal, padded, run together,
 * hexadecimal; in order, reversed or permuted; whole or in part.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "shape/parts.h"

#include <string.h>

#define OCTETS_MAX 24

/* A number of the name that can be an octet. */
struct number {
    uint8_t value, at, len;
    bool padded;
};

/* Outside the host part only a nearly whole address counts: names of domains
 * contain numbers of their own. */
void trace_take(struct trace *t, const struct view *v, enum form form, size_t at, size_t len)
{
    bool outside = v->bare || at + len > v->host;

    if (form <= t->form || (outside && form <= FORM_HEX2))
        return;
    t->form = (uint8_t)form;
    t->at = (uint8_t)at;
    t->len = (uint8_t)len;
    t->outside = outside;
    t->padded = false;
}

static int index_of(const uint8_t octet[4], uint8_t value, unsigned used)
{
    int i;

    for (i = 3; i >= 0; i--)
        if (octet[i] == value && (used & 1u << i) == 0)
            return i;
    return -1;
}

/* Each number is another octet of the address. */
static bool all_octets(const struct number *n, size_t count, const uint8_t octet[4])
{
    unsigned used = 0;
    size_t i;
    int k;

    for (i = 0; i < count; i++) {
        k = index_of(octet, n[i].value, used);
        if (k < 0)
            return false;
        used |= 1u << k;
    }
    return true;
}

static enum form form_of_four(const struct number *n, const uint8_t o[4])
{
    unsigned fwd = 0, rev = 0, i;

    for (i = 0; i < 4; i++) {
        fwd += n[i].value == o[i];
        rev += n[i].value == o[3 - i];
    }
    if (fwd == 4)
        return FORM_FULL;
    if (rev == 4)
        return FORM_REVERSED;
    if (all_octets(n, 4, o))
        return FORM_PERMUTED;
    if (n[0].len + n[1].len + n[2].len + n[3].len < 6)
        return FORM_NONE;
    if (fwd == 3 || rev == 3 || (n[0].value == o[0] && n[1].value == o[1]) ||
        (n[3].value == o[0] && n[2].value == o[1]))
        return FORM_NEAR;
    return FORM_QUAD;
}

static enum form form_of_two(const struct number *n, const uint8_t o[4])
{
    if (n[0].value == o[2] && n[1].value == o[3])
        return n[0].len + n[1].len > 2 ? FORM_TAIL : FORM_LAST2;
    if (n[0].value == o[3] && n[1].value == o[2])
        return n[0].len + n[1].len > 2 ? FORM_TAIL_REV : FORM_LAST2;
    if (n[0].len + n[1].len > 2 && all_octets(n, 2, o))
        return FORM_PAIR;
    return FORM_NONE;
}

static enum form form_of_one(const struct number *n, const uint8_t o[4])
{
    if (n->value == o[3])
        return n->len >= 3 ? FORM_LAST3 : n->len == 2 ? FORM_LAST2 : FORM_LAST1;
    if (n->len >= 2 && (n->value == o[0] || n->value == o[1] || n->value == o[2]))
        return FORM_OTHER1;
    return FORM_NONE;
}

static enum form form_of_window(const struct number *n, size_t count, const uint8_t o[4])
{
    switch (count) {
    case 4:
        return form_of_four(n, o);
    case 3:
        if (n[0].len + n[1].len + n[2].len > 3 && all_octets(n, 3, o))
            return FORM_THREE;
        return FORM_NONE;
    case 2:
        return form_of_two(n, o);
    default:
        return form_of_one(n, o);
    }
}

static void match_numbers(struct trace *t, const struct view *v, const struct number *n,
                          size_t count, const uint8_t o[4])
{
    size_t i, k, w, end;
    enum form form;

    for (i = 0; i < count; i++)
        for (w = count - i < 4 ? count - i : 4; w > 0; w--) {
            form = form_of_window(n + i, w, o);
            end = (size_t)n[i + w - 1].at + n[i + w - 1].len;
            if (form <= t->form)
                continue;
            trace_take(t, v, form, n[i].at, end - n[i].at);
            for (k = i; k < i + w; k++)
                t->padded = t->padded || n[k].padded;
        }
}

/* Separate numbers, up to one that cannot be an octet. */
static void match_separate(struct trace *t, const struct view *v, const uint8_t o[4])
{
    struct number n[OCTETS_MAX] = {{0}};
    size_t i, count = 0;
    const struct token *k;

    for (i = 0; i < v->ntok; i++) {
        k = &v->tok[i];
        if (!k->digits)
            continue;
        if (k->value > 255 || k->len > 3 || count == OCTETS_MAX) {
            match_numbers(t, v, n, count, o);
            count = 0;
        }
        if (k->value > 255 || k->len > 3)
            continue;
        n[count].value = (uint8_t)k->value;
        n[count].at = k->at;
        n[count].len = k->len;
        n[count++].padded = k->len > 1 && v->text[k->at] == '0';
    }
    match_numbers(t, v, n, count, o);
}

/* Octets of three digits each without separators, 006016113. */
static void match_padded_run(struct trace *t, const struct view *v, const struct token *k,
                             const uint8_t o[4])
{
    static const uint8_t run[5] = {FORM_NONE, FORM_NONE, FORM_RUN2, FORM_RUN3, FORM_RUN};
    const char *s = v->text + k->at;
    struct number n[4];
    size_t i, count = k->len / 3;
    int value;
    enum form form;

    if (k->len % 3 != 0 || count < 2 || count > 4)
        return;
    for (i = 0; i < count; i++) {
        value = (s[3 * i] - '0') * 100 + (s[3 * i + 1] - '0') * 10 + (s[3 * i + 2] - '0');
        if (value > 255)
            return;
        n[i].value = (uint8_t)value;
        n[i].len = 3;
    }
    form = form_of_window(n, count, o);
    if (form == FORM_NONE || form == FORM_PAIR)
        return;
    trace_take(t, v, form == FORM_NEAR || form == FORM_QUAD ? form : run[count], k->at, k->len);
}

/* Appends the decimal text of v, to three digits when padded. */
static size_t put_octet(char *p, uint8_t v, bool padded)
{
    size_t n = 0;

    if (padded || v >= 100)
        p[n++] = (char)('0' + v / 100);
    if (padded || v >= 10)
        p[n++] = (char)('0' + v / 10 % 10);
    p[n++] = (char)('0' + v % 10);
    return n;
}

/* Octets in the order in which they are written, and the form that is. */
struct order {
    uint8_t count, index[4], form;
};

static const struct order run_orders[] = {
    {4, {0, 1, 2, 3}, FORM_RUN}, {4, {3, 2, 1, 0}, FORM_RUN}, {3, {1, 2, 3}, FORM_RUN3},
    {3, {0, 1, 2}, FORM_RUN3},   {3, {3, 2, 1}, FORM_RUN3},   {2, {2, 3}, FORM_RUN2},
    {2, {3, 2}, FORM_RUN2},      {2, {0, 3}, FORM_RUN2},
};

static size_t digits_of(uint8_t v)
{
    return 1u + (v >= 10) + (v >= 100);
}

/* Octets of natural length without separators, perhaps padded from the second. */
static void match_plain_run(struct trace *t, const struct view *v, const struct token *k,
                            const uint8_t o[4])
{
    char text[12];
    size_t i, j, n;
    int padded;

    for (i = 0; i < sizeof(run_orders) / sizeof(run_orders[0]); i++)
        for (padded = 0; padded < 2; padded++) {
            const struct order *r = &run_orders[i];

            n = digits_of(o[r->index[0]]);
            for (j = 1; j < r->count; j++)
                n += padded ? 3 : digits_of(o[r->index[j]]);
            if (n != k->len)
                continue;
            for (n = j = 0; j < r->count; j++)
                n += put_octet(text + n, o[r->index[j]], padded && j > 0);
            if (memcmp(text, v->text + k->at, n) == 0)
                trace_take(t, v, (enum form)r->form, k->at, k->len);
        }
}

static void match_runs(struct trace *t, const struct view *v, const uint8_t o[4])
{
    uint32_t number = (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3];
    const struct token *k;
    size_t i;

    for (i = 0; i < v->ntok; i++) {
        k = &v->tok[i];
        if (!k->digits || k->len < 4)
            continue;
        if (k->len <= 12) {
            match_padded_run(t, v, k, o);
            match_plain_run(t, v, k, o);
        }
        if (k->value == number && k->len >= 8)
            trace_take(t, v, FORM_NUMBER, k->at, k->len);
        if (k->value == o[3] && v->text[k->at] == '0')
            trace_take(t, v, FORM_LAST3, k->at, k->len);
    }
}

static const uint8_t hex_values[256] = {
    [0 ... '/'] = 16, ['0'] = 0,          ['1'] = 1,  ['2'] = 2,          ['3'] = 3,
    ['4'] = 4,        ['5'] = 5,          ['6'] = 6,  ['7'] = 7,          ['8'] = 8,
    ['9'] = 9,        [':' ... '`'] = 16, ['a'] = 10, ['b'] = 11,         ['c'] = 12,
    ['d'] = 13,       ['e'] = 14,         ['f'] = 15, ['g' ... 255] = 16,
};

void trace_strip(struct stripped *s, const struct view *v)
{
    size_t i, n = 0;

    for (i = 0; i < v->len; i++) {
        s->value[n] = hex_values[(unsigned char)v->text[i]];
        s->at[n] = (uint8_t)i;
        n += v->sort[i] != VIEW_SEPARATOR;
    }
    s->len = n;
}

/* A part of the address must be in one piece and contain a letter, else its
 * digits are read as decimal. */
static bool good_hex_part(const struct stripped *s, size_t at, size_t n)
{
    size_t i;

    if ((size_t)(s->at[at + n - 1] - s->at[at]) != n - 1)
        return false;
    for (i = at; i < at + n; i++)
        if (s->value[i] > 9)
            return true;
    return false;
}

static const struct order hex_orders[] = {
    {4, {0, 1, 2, 3}, FORM_HEX}, {4, {3, 2, 1, 0}, FORM_HEX}, {3, {1, 2, 3}, FORM_HEX3},
    {3, {0, 1, 2}, FORM_HEX3},   {3, {3, 2, 1}, FORM_HEX3},   {2, {2, 3}, FORM_HEX2},
    {2, {3, 2}, FORM_HEX2},
};

static void match_hex_at(struct trace *t, const struct view *v, const struct stripped *s, size_t at,
                         const uint8_t o[4])
{
    size_t i, k, n;

    for (i = 0; i < sizeof(hex_orders) / sizeof(hex_orders[0]); i++) {
        const struct order *r = &hex_orders[i];

        n = 2u * r->count;
        for (k = 0; at + n <= s->len && k < r->count; k++)
            if (s->value[at + 2 * k] != o[r->index[k]] >> 4 ||
                s->value[at + 2 * k + 1] != (o[r->index[k]] & 15))
                break;
        if (k == r->count && (k == 4 || good_hex_part(s, at, n)))
            trace_take(t, v, (enum form)r->form, s->at[at],
                       (size_t)(s->at[at + n - 1] - s->at[at]) + 1);
    }
}

/* a-bd-3e-a9 on 169.62.189.10: a first octet of one digit, where nothing is joined to it. */
static void match_hex_short(struct trace *t, const struct view *v, const struct stripped *s,
                            size_t at, const uint8_t o[4])
{
    size_t i, k;

    for (i = 0; i < 2 && at + 7 <= s->len; i++) {
        const uint8_t *index = hex_orders[i].index;

        if (s->value[at] != o[index[0]] ||
            (s->at[at] > 0 && v->sort[s->at[at] - 1] != VIEW_SEPARATOR))
            continue;
        for (k = 1; k < 4; k++)
            if (s->value[at + 2 * k - 1] * 16u + s->value[at + 2 * k] != o[index[k]])
                break;
        if (k == 4)
            trace_take(t, v, FORM_HEX, s->at[at], (size_t)(s->at[at + 6] - s->at[at]) + 1);
    }
}

static void match_hex(struct trace *t, const struct view *v, const uint8_t o[4])
{
    bool octet[16 * 16 + 16 + 1] = {false};
    struct stripped s;
    size_t i;

    for (i = 0; i < 4; i++)
        octet[o[i]] = true;
    trace_strip(&s, v);
    for (i = 0; i + 4 <= s.len; i++)
        if (octet[s.value[i] * 16u + s.value[i + 1]])
            match_hex_at(t, v, &s, i, o);
    if (o[0] < 16 || o[3] < 16)
        for (i = 0; i + 7 <= s.len; i++)
            match_hex_short(t, v, &s, i, o);
}

void trace_find_v4(struct trace *t, const struct view *v, const uint8_t octet[4])
{
    match_separate(t, v, octet);
    if (t->form >= FORM_FULL)
        return;
    match_runs(t, v, octet);
    if (t->form < FORM_TAIL)
        match_hex(t, v, octet);
}
