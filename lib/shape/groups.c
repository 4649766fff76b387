/* The letter groups of a name.
 *
 * Groups of two and three characters are taken from the host part with its
 * numbers folded: a part of the address becomes `#`, any other number one
 * digit that tells its length. So groups speak of the scheme of a name, not
 * of the one address. Groups of three of the first label of the domain are
 * counted for themselves: telecom and webmail say who the owner is.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "shape/parts.h"

static char fold_number(const struct view *v, const struct token *t)
{
    if (t->len > 1 && v->text[t->at] == '0')
        return '0';
    return t->len <= 3 ? (char)('0' + t->len) : t->len <= 5 ? '4' : '6';
}

/* A part of the token is a part of the address. */
static bool in_trace(const struct trace *t, const struct token *k)
{
    return t->form != FORM_NONE && k->at < t->at + t->len && t->at < k->at + k->len;
}

static size_t put_mark(struct evidence *e, size_t n)
{
    if (e->folded[n - 1] != '#')
        e->folded[n++] = '#';
    return n;
}

/* Letters as they are, but for hexadecimal digits of the address. */
static size_t fold_letters(struct evidence *e, const struct view *v, size_t n,
                           const struct token *k)
{
    const struct trace *t = &e->trace;
    bool hex = trace_is_hex(t) && in_trace(t, k);
    size_t i;

    for (i = k->at; i < (size_t)k->at + k->len; i++)
        if (hex && v->sort[i] == VIEW_HEX && i >= t->at && i < (size_t)t->at + t->len)
            n = put_mark(e, n);
        else
            e->folded[n++] = v->text[i];
    return n;
}

/* Appends the folded host part to e->folded[n..]; never longer than itself. */
static size_t fold(struct evidence *e, const struct view *v, size_t n)
{
    size_t i = 0, k;

    for (k = 0; k < v->nhost; k++) {
        const struct token *t = &v->tok[k];

        while (i < t->at)
            e->folded[n++] = v->text[i++];
        if (!t->digits)
            n = fold_letters(e, v, n, t);
        else if (in_trace(&e->trace, t))
            n = put_mark(e, n);
        else
            e->folded[n++] = fold_number(v, t);
        i = (size_t)t->at + t->len;
    }
    while (i < v->host)
        e->folded[n++] = v->text[i++];
    return n;
}

#define SEED  2166136261u
#define PRIME 16777619u

static uint32_t mix(uint32_t hash, char c)
{
    return (hash ^ (unsigned char)c) * PRIME;
}

/* slots is a power of two. */
static uint16_t slot(uint32_t hash, uint32_t slots)
{
    return (uint16_t)((hash ^ hash >> 15) & (slots - 1));
}

/* Two and three characters from each place of the folded host part. */
static size_t host_groups(struct evidence *e, size_t n)
{
    size_t i, k = 0;
    uint32_t two;

    for (i = 0; i + 2 < n; i++) {
        two = mix(mix(SEED, e->folded[i]), e->folded[i + 1]);
        e->gram[k++] = slot(two, HOST_GRAMS);
        e->gram[k++] = slot(mix(two, e->folded[i + 2]), HOST_GRAMS);
    }
    e->gram[k++] = slot(mix(mix(SEED, e->folded[i]), e->folded[i + 1]), HOST_GRAMS);
    return k;
}

/* The dots around the label are part of the groups. */
static size_t domain_groups(struct evidence *e, const struct view *v, size_t k)
{
    size_t i, end = (size_t)v->org + v->org_len;
    uint32_t hash;

    for (i = v->org - 1u; i + 2 <= end; i++) {
        hash = mix(mix(mix(SEED, v->text[i]), v->text[i + 1]), v->text[i + 2]);
        e->gram[k++] = (uint16_t)(HOST_GRAMS + slot(hash, DOMAIN_GRAMS));
    }
    return k;
}

void groups_collect(struct evidence *e, const struct view *v)
{
    size_t n = 0;

    e->folded[n++] = '^';
    if (!v->bare)
        n = fold(e, v, n);
    e->folded[n++] = '$';
    e->folded[n] = '\0';
    n = host_groups(e, n);
    e->ngram_host = (uint16_t)n;
    e->ngram = (uint16_t)(v->bare ? n : domain_groups(e, v, n));
}

size_t groups_best(const struct evidence *e, const struct weights *w, int32_t sign)
{
    int32_t weight, most = 0;
    size_t i, best = 0;

    for (i = 1; i < e->ngram; i += i < e->ngram_host ? 2 : 1) {
        weight = sign * w->gram[e->gram[i]];
        if (weight > most) {
            most = weight;
            best = i;
        }
    }
    return best;
}

const char *groups_text(const struct evidence *e, const struct view *v, size_t i)
{
    return i < e->ngram_host ? e->folded + i / 2 : v->text + v->org - 1 + (i - e->ngram_host);
}

int32_t evidence_groups(const struct evidence *e, const struct weights *w)
{
    int32_t sum = 0;
    size_t i;

    for (i = 0; i < e->ngram; i++)
        sum += w->gram[e->gram[i]];
    return sum * GRAM_SCALE;
}
