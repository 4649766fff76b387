/* The clues and letter groups of a name, and their weighed sum.
 *
 * Letter groups of two to five characters are taken from the host part with
 * its numbers folded: a part of the address becomes `#`, any other number one
 * digit that tells its length. So groups speak of the scheme of a name, not
 * of the one address.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "generic_parts.h"

#include <string.h>

#include "ascii.h"

#define GRAM_SHORTEST 2
#define GRAM_LONGEST  3

static bool joined(const struct view *v, size_t i)
{
    const struct token *a = &v->tok[i], *b = &v->tok[i + 1];
    size_t gap = (size_t)b->at - (a->at + a->len);

    return gap == 0 || (gap == 1 && v->text[b->at - 1] != '.');
}

static void note_words(struct evidence *e, const struct token *t, uint32_t set)
{
    size_t i;

    for (i = 0; i < WORD_CLASSES; i++)
        if ((set & 1u << i) != 0 && e->key[i].len == 0)
            e->key[i] = *t;
}

/* The class of each run of letters, for clues about all of them. */
static void note_class(struct evidence *e, const struct view *v, const struct token *t,
                       uint32_t set, bool first)
{
    bool line = (set & (WORD_ACCESS | WORD_BLOCK | WORD_EMPTY)) != 0;

    e->letters++;
    e->line += line;
    e->chosen += (set & (WORD_MAIL | WORD_ROLE | WORD_SENDING)) != 0 && (set & WORD_MACHINE) == 0;
    e->letters_first += first;
    e->line_first += first && line;
    if (set == 0 && t->len >= 4) {
        e->clue[CLUE_UNKNOWN] = true;
        if (first)
            e->clue[CLUE_UNKNOWN_FIRST] = true;
    }
    if ((t->len == 2 && memcmp(v->text + t->at, "no", 2) == 0) ||
        (t->len == 3 && memcmp(v->text + t->at, "not", 3) == 0))
        e->clue[CLUE_NEGATION] = true;
}

static void find_words(struct evidence *e, const struct view *v)
{
    size_t i, first = strcspn(v->text, ".");
    uint32_t set;

    for (i = 0; i < v->nhost && !v->bare; i++) {
        if (v->tok[i].digits)
            continue;
        set = v->tok[i].classes;
        note_class(e, v, &v->tok[i], set, v->tok[i].at < first);
        if (set == 0)
            continue;
        note_words(e, &v->tok[i], set);
        if (v->tok[i].at < first)
            e->words |= set;
        else
            e->words_rest |= set;
        if ((i + 1 < v->nhost && v->tok[i + 1].digits && joined(v, i)) ||
            (i > 0 && v->tok[i - 1].digits && joined(v, i - 1)))
            e->words_num |= set;
    }
}

static void set_words(struct evidence *e, const struct view *v)
{
    bool plain = true;
    size_t i;

    for (i = 0; i < v->nhost; i++)
        plain = plain && !v->tok[i].digits;

    e->clue[CLUE_ALL_LINE] = plain && e->letters > 0 && e->line == e->letters;
    e->clue[CLUE_ALL_LINE_NUM] = !plain && e->letters > 0 && e->line == e->letters;
    e->clue[CLUE_ALL_CHOSEN] = e->letters > 0 && e->chosen == e->letters;
    e->clue[CLUE_FIRST_LINE] = e->letters_first > 0 && e->line_first == e->letters_first && plain;
    for (i = 0; i < WORD_CLASSES; i++) {
        e->clue[CLUE_WORD + i] = (e->words >> i & 1) != 0;
        e->clue[CLUE_WORD_NUM + i] = (e->words_num >> i & 1) != 0;
        e->clue[CLUE_WORD_REST + i] = (e->words_rest >> i & 1) != 0;
    }
}

static void set_trace(struct evidence *e, const struct view *v)
{
    const struct trace *t = &e->trace;
    uint32_t all = e->words | e->words_rest;
    size_t rest;

    e->clue[CLUE_FORM + t->form] = true;
    if (t->form == FORM_NONE)
        return;
    e->clue[CLUE_PADDED] = t->padded;
    e->clue[CLUE_OUTSIDE] = t->outside;
    e->clue[CLUE_FORM_FIRST] = t->at == 0;
    if ((all & (WORD_MAIL | WORD_SENDING)) != 0)
        e->clue[t->form >= FORM_THREE  ? CLUE_FORM_MAIL_FULL
                : t->form >= FORM_PAIR ? CLUE_FORM_MAIL_PART
                                       : CLUE_FORM_MAIL] = true;
    e->clue[CLUE_FORM_WORD] = (all & (WORD_ACCESS | WORD_BLOCK)) != 0;
    rest = v->host - (t->len < v->host ? t->len : v->host);
    e->clue[CLUE_FORM_ALONE] = rest <= 2;
}

enum { AFTER_MACHINE, AFTER_LINE, AFTER_ROLE, AFTER_UNKNOWN, AFTER_SHORT, AFTER_NOTHING };

/* What a number follows: the run of letters joined to it from the left. */
static size_t context(const struct view *v, size_t i)
{
    const struct token *t;
    uint32_t set;

    if (i == 0 || v->tok[i - 1].digits || !joined(v, i - 1))
        return AFTER_NOTHING;
    t = &v->tok[i - 1];
    set = t->classes;
    if ((set & WORD_MACHINE) != 0)
        return AFTER_MACHINE;
    if ((set & (WORD_ACCESS | WORD_BLOCK | WORD_EMPTY)) != 0)
        return AFTER_LINE;
    if (set != 0)
        return AFTER_ROLE;
    return t->len >= 4 ? AFTER_UNKNOWN : AFTER_SHORT;
}

static void set_numbers(struct evidence *e, const struct view *v)
{
    const struct trace *t = &e->trace;
    size_t i, first = strcspn(v->text, "."), n;

    for (i = 0; i < v->nhost && v->tok[i].at < first; i++) {
        if (!v->tok[i].digits || (v->tok[i].at >= t->at && v->tok[i].at < t->at + t->len))
            continue;
        n = v->tok[i].len < 6 ? v->tok[i].len : 6;
        e->clue[CLUE_NUMBER + 6 * context(v, i) + n - 1] = true;
    }
}

static size_t at_most(size_t n, size_t most)
{
    return n < most ? n : most;
}

static bool vowel(char c)
{
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
}

/* Five consonants in a row. */
static bool no_vowel(const struct view *v, const struct token *t)
{
    size_t i, run = 0;

    for (i = 0; i < t->len; i++) {
        run = vowel(v->text[t->at + i]) ? 0 : run + 1;
        if (run >= 5)
            return true;
    }
    return false;
}

/* A stretch of letters and digits that nobody would choose: they change at
 * least four times, or it is hexadecimal of eight digits and more with both. */
static void set_opaque(struct evidence *e, const struct view *v)
{
    size_t i, start, changes, digits, hex;

    for (i = 0; i < v->host; i++) {
        changes = digits = hex = 0;
        for (start = i; i < v->host && ascii_alnum((unsigned char)v->text[i]); i++) {
            digits += ascii_digit((unsigned char)v->text[i]);
            hex += ascii_hex((unsigned char)v->text[i]) >= 0;
            changes += i > start && ascii_digit((unsigned char)v->text[i]) !=
                                        ascii_digit((unsigned char)v->text[i - 1]);
        }
        if (i - start >= 8 && changes >= 4)
            e->clue[CLUE_HASH] = true;
        if (i - start >= 8 && hex == i - start && digits > 0 && digits < hex)
            e->clue[CLUE_HEX] = true;
    }
}

static void set_shape(struct evidence *e, const struct view *v)
{
    size_t first = strcspn(v->text, "."), i, runs = 0, longest = 0, labels = 1;

    for (i = 0; i < v->nhost; i++)
        if (v->tok[i].digits) {
            runs++;
            longest = v->tok[i].len > longest ? v->tok[i].len : longest;
        } else if (no_vowel(v, &v->tok[i])) {
            e->clue[CLUE_NO_VOWEL] = true;
        }
    for (i = 0; i < v->host; i++)
        labels += v->text[i] == '.';
    e->clue[CLUE_TOKENS + at_most(runs, 4)] = runs > 0;
    e->clue[CLUE_DIGITS + at_most(longest, 7)] = runs > 0;
    e->clue[CLUE_LABELS + at_most(labels, 5)] = true;
    e->clue[CLUE_LONG + at_most(first / 6, 5)] = true;
    e->clue[CLUE_PLAIN] = runs == 0;
    e->clue[CLUE_DIGIT_FIRST] = ascii_digit((unsigned char)v->text[0]);
    e->clue[CLUE_DIGIT_ONLY] = v->nhost > 0 && v->tok[0].digits && v->tok[0].len == first;
    e->clue[CLUE_LETTER_END] = first > 0 && ascii_alpha((unsigned char)v->text[first - 1]);
    e->clue[CLUE_SERIAL] = v->ntok > 1 && !v->bare && !v->tok[0].digits && v->tok[0].len <= 4 &&
                           v->tok[1].len >= 3 && joined(v, 0) &&
                           (size_t)v->tok[1].at + v->tok[1].len == first;
    e->clue[CLUE_SERIAL_HOST] = e->clue[CLUE_SERIAL] && e->clue[CLUE_ORG_HOST];
    set_opaque(e, v);
}

static char fold_number(const struct view *v, const struct token *t)
{
    if (t->len > 1 && v->text[t->at] == '0')
        return '0';
    return t->len <= 3 ? (char)('0' + t->len) : t->len <= 5 ? '4' : '6';
}

static bool hex_form(uint8_t form)
{
    return form == FORM_HEX || form == FORM_HEX2 || form == FORM_HEX3 || form >= FORM_SIX_PART;
}

/* Appends text[from..to) of the view to e->folded[n..]. */
static size_t fold(struct evidence *e, const struct view *v, size_t n, size_t to)
{
    const struct trace *t = &e->trace;
    size_t i, k = 0, end = (size_t)t->at + t->len;

    for (i = 0; i < to;) {
        while (k < v->ntok && (size_t)v->tok[k].at + v->tok[k].len <= i)
            k++;
        if (t->form != FORM_NONE && i >= t->at && i < end &&
            (hex_form(t->form) ? ascii_hex((unsigned char)v->text[i]) >= 0
                               : ascii_digit((unsigned char)v->text[i]))) {
            if (n == 0 || e->folded[n - 1] != '#')
                e->folded[n++] = '#';
            i++;
        } else if (k < v->ntok && v->tok[k].digits && i >= v->tok[k].at) {
            e->folded[n++] = fold_number(v, &v->tok[k]);
            i = (size_t)v->tok[k].at + v->tok[k].len;
        } else {
            e->folded[n++] = v->text[i++];
        }
    }
    return n;
}

/* All groups of folded[from..to). */
static void take_groups(struct evidence *e, size_t from, size_t to)
{
    size_t i, n;
    uint32_t hash;

    for (i = from; i < to; i++) {
        hash = 2166136261u;
        for (n = 1; n <= GRAM_LONGEST && i + n <= to; n++) {
            hash = (hash ^ (unsigned char)e->folded[i + n - 1]) * 16777619u;
            if (n < GRAM_SHORTEST || e->ngram == GRAM_MAX)
                continue;
            e->gram[e->ngram] = (uint16_t)((hash ^ hash >> 15) & (GRAM_SLOTS - 1));
            e->gram_at[e->ngram] = (uint8_t)at_most(i, UINT8_MAX);
            e->gram_len[e->ngram++] = (uint8_t)n;
        }
    }
}

static void set_groups(struct evidence *e, const struct view *v)
{
    size_t n = 0;

    e->folded[n++] = '^';
    if (!v->bare)
        n = fold(e, v, n, v->host);
    e->folded[n++] = '$';
    take_groups(e, 0, n);
    e->folded[n] = '\0';
}

void evidence_collect(struct evidence *e, const struct view *v, const struct addr *client)
{
    uint32_t owner = org_class(v->text + v->org, v->org_len);

    e->words = e->words_num = e->words_rest = 0;
    e->letters = e->line = e->chosen = e->letters_first = e->line_first = 0;
    e->ngram = 0;
    memset(e->key, 0, sizeof(e->key));
    memset(e->clue, 0, sizeof(e->clue));
    trace_find(&e->trace, v, client);
    e->clue[CLUE_BIAS] = true;
    e->clue[CLUE_NOADDR] = client->family == ADDR_NONE;
    e->clue[CLUE_V6] = client->family == ADDR_IPV6;
    e->clue[CLUE_BARE] = v->bare;
    e->clue[CLUE_ORG_NET] = (owner & ORG_NET) != 0;
    e->clue[CLUE_ORG_HOST] = (owner & ORG_HOST) != 0;
    e->clue[CLUE_ORG_MAIL] = (owner & ORG_MAIL) != 0;
    find_words(e, v);
    set_words(e, v);
    set_trace(e, v);
    set_shape(e, v);
    set_numbers(e, v);
    set_groups(e, v);
}

int32_t evidence_score(const struct evidence *e, const struct weights *w)
{
    int32_t sum = 0, grams = 0;
    size_t i;

    for (i = 0; i < CLUE_COUNT; i++)
        sum += e->clue[i] ? w->clue[i] : 0;
    for (i = 0; i < e->ngram; i++)
        grams += w->gram[e->gram[i]];
    return sum + grams * GRAM_SCALE;
}
