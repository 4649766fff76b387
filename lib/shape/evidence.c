/* The clues and letter groups of a name, and their weighed sum.
 *
 * Groups of two and three characters are taken from the host part with its
 * numbers folded: a part of the address becomes `#`, any other number one
 * digit that tells its length. So groups speak of the scheme of a name, not
 * of the one address.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "shape/parts.h"

#include <string.h>

#define LINE_WORDS   (WORD_ACCESS | WORD_BLOCK | WORD_EMPTY)
#define CHOSEN_WORDS (WORD_MAIL | WORD_ROLE | WORD_SENDING)

_Static_assert(CLUE_COUNT <= UINT8_MAX, "a clue is an octet");

static void set_if(struct evidence *e, bool applies, size_t clue)
{
    unsigned news = (unsigned)applies & (unsigned)!e->clue[clue];

    /* Without a branch: which clues apply depends on the name. Some exclude
     * each other, so there is always room for one more. */
    e->on[e->non] = (uint8_t)clue;
    e->non = (uint8_t)(e->non + news);
    e->clue[clue] |= applies;
}

static size_t at_most(size_t n, size_t most)
{
    return n < most ? n : most;
}

/* Next to each other, or with one hyphen or underscore between. */
static bool joined(const struct view *v, size_t i)
{
    const struct token *a = &v->tok[i], *b = &v->tok[i + 1];
    size_t gap = (size_t)b->at - (a->at + a->len);

    return gap == 0 || (gap == 1 && v->text[b->at - 1] != '.');
}

static void note_word(struct evidence *e, const struct view *v, size_t i)
{
    const struct token *t = &v->tok[i];
    size_t k;

    if (t->at < v->first)
        e->words |= t->classes;
    else
        e->words_rest |= t->classes;
    if ((i + 1 < v->nhost && v->tok[i + 1].digits && joined(v, i)) ||
        (i > 0 && v->tok[i - 1].digits && joined(v, i - 1)))
        e->words_num |= t->classes;
    for (k = 0; t->classes >> k != 0; k++)
        if ((t->classes >> k & 1) != 0 && e->key[k] == 0)
            e->key[k] = (uint8_t)(i + 1);
}

/* no-rdns, not-assigned: the negation belongs to the placeholder. */
static bool negation(const struct view *v, const struct token *t)
{
    return (t->len == 2 && memcmp(v->text + t->at, "no", 2) == 0) ||
           (t->len == 3 && memcmp(v->text + t->at, "not", 3) == 0);
}

/* How many runs of letters there are, and how many are words of which sort. */
struct count {
    size_t letters, line, chosen, digits;
};

static void count_token(struct count *c, const struct token *t)
{
    c->digits += t->digits;
    if (t->digits)
        return;
    c->letters++;
    c->line += (t->classes & LINE_WORDS) != 0;
    c->chosen += (t->classes & CHOSEN_WORDS) != 0 && (t->classes & WORD_MACHINE) == 0;
}

static bool hex_form(uint8_t form)
{
    return form == FORM_HEX || form == FORM_HEX2 || form == FORM_HEX3 || form >= FORM_SIX_PART;
}

/* Letters that are digits of the address are no word. */
static bool of_address(const struct evidence *e, const struct token *t)
{
    return hex_form(e->trace.form) && t->at >= e->trace.at &&
           t->at + t->len <= e->trace.at + e->trace.len;
}

static void set_classes(struct evidence *e, uint32_t set, size_t clue)
{
    for (; set != 0; set >>= 1, clue++)
        set_if(e, (set & 1) != 0, clue);
}

static void set_words(struct evidence *e, const struct view *v)
{
    struct count all = {0, 0, 0, 0}, first = {0, 0, 0, 0};
    size_t i;

    for (i = 0; i < v->nhost && !v->bare; i++) {
        const struct token *t = &v->tok[i];

        if (!t->digits && of_address(e, t))
            continue;
        count_token(&all, t);
        if (t->at < v->first)
            count_token(&first, t);
        if (t->digits)
            continue;
        if (t->classes != 0)
            note_word(e, v, i);
        set_if(e, t->classes == 0 && t->len >= 4, CLUE_UNKNOWN);
        set_if(e, t->classes == 0 && t->len >= 4 && t->at < v->first, CLUE_UNKNOWN_FIRST);
        set_if(e, negation(v, t), CLUE_NEGATION);
    }
    if (all.letters > 0) {
        set_if(e, all.line == all.letters && all.digits == 0, CLUE_ALL_LINE);
        set_if(e, all.line == all.letters && all.digits > 0, CLUE_ALL_LINE_NUM);
        set_if(e, all.chosen == all.letters, CLUE_ALL_CHOSEN);
    }
    set_if(e, first.letters > 0 && first.line == first.letters && all.digits == 0, CLUE_FIRST_LINE);
    set_classes(e, e->words, CLUE_WORD);
    set_classes(e, e->words_num, CLUE_WORD_NUM);
    set_classes(e, e->words_rest, CLUE_WORD_REST);
}

static void set_trace(struct evidence *e, const struct view *v)
{
    const struct trace *t = &e->trace;
    uint32_t all = e->words | e->words_rest;

    set_if(e, true, CLUE_FORM + t->form);
    if (t->form == FORM_NONE)
        return;
    set_if(e, t->form >= FORM_THREE, CLUE_WHOLE);
    set_if(e, t->padded, CLUE_PADDED);
    set_if(e, t->outside, CLUE_OUTSIDE);
    set_if(e, t->at == 0, CLUE_FORM_FIRST);
    set_if(e, v->host <= t->len + 2u, CLUE_FORM_ALONE);
    set_if(e, (all & (WORD_ACCESS | WORD_BLOCK)) != 0, CLUE_FORM_WORD);
    if ((all & (WORD_MAIL | WORD_SENDING)) != 0)
        set_if(e, true,
               t->form >= FORM_THREE  ? CLUE_FORM_MAIL_FULL
               : t->form >= FORM_PAIR ? CLUE_FORM_MAIL_PART
                                      : CLUE_FORM_MAIL);
}

#define LETTER_BIT(c) (1u << ((c) - 'a'))

/* c is a lower-case letter. */
static bool vowel(char c)
{
    static const uint32_t vowels = LETTER_BIT('a') | LETTER_BIT('e') | LETTER_BIT('i') |
                                   LETTER_BIT('o') | LETTER_BIT('u') | LETTER_BIT('y');

    return (vowels >> ((c - 'a') & 31) & 1) != 0;
}

/* Five consonants in a row. */
static bool no_vowel(const struct view *v, const struct token *t)
{
    size_t i, run = 0;

    for (i = 0; i < t->len; i++) {
        run = (run + 1) * !vowel(v->text[t->at + i]);
        if (run >= 5)
            return true;
    }
    return false;
}

static bool all_hex(const struct view *v, size_t from, size_t to)
{
    while (from < to && v->sort[from] != VIEW_LETTER)
        from++;
    return from == to;
}

/* A stretch of letters and digits that nobody would choose: they change at
 * least four times, or it is hexadecimal of eight digits and more with both. */
static void set_opaque(struct evidence *e, const struct view *v)
{
    size_t i, start, from, end = 0;

    for (i = 0; i < v->nhost;) {
        start = i;
        from = v->tok[i].at;
        do {
            end = (size_t)v->tok[i].at + v->tok[i].len;
            i++;
        } while (i < v->nhost && v->tok[i].at == end);
        if (end - from < 8)
            continue;
        set_if(e, i - start > 4, CLUE_HASH);
        set_if(e, i - start > 1 && all_hex(v, from, end), CLUE_HEX);
    }
}

/* A short prefix and a number of three digits or more, and nothing else. */
static bool serial(const struct view *v)
{
    return v->nhost > 1 && !v->bare && !v->tok[0].digits && v->tok[0].len <= 4 &&
           v->tok[1].digits && v->tok[1].len >= 3 && joined(v, 0) &&
           (size_t)v->tok[1].at + v->tok[1].len == v->first;
}

static void set_shape(struct evidence *e, const struct view *v)
{
    size_t i, runs = 0, longest = 0;

    for (i = 0; i < v->nhost; i++)
        if (v->tok[i].digits) {
            runs++;
            longest = v->tok[i].len > longest ? v->tok[i].len : longest;
        } else {
            set_if(e, v->tok[i].len >= 5 && no_vowel(v, &v->tok[i]), CLUE_NO_VOWEL);
        }
    set_if(e, runs == 0, CLUE_PLAIN);
    set_if(e, runs > 0, CLUE_TOKENS + at_most(runs, 4));
    set_if(e, runs > 0, CLUE_DIGITS + at_most(longest, 7));
    set_if(e, true, CLUE_LABELS + at_most(v->labels, 5));
    set_if(e, true, CLUE_LONG + at_most(v->first / 6u, 5));
    set_if(e, v->sort[0] == VIEW_DIGIT, CLUE_DIGIT_FIRST);
    set_if(e, v->nhost > 0 && v->tok[0].digits && v->tok[0].len == v->first, CLUE_DIGIT_ONLY);
    set_if(e, v->first > 0 && v->sort[v->first - 1] >= VIEW_HEX, CLUE_LETTER_END);
    set_if(e, serial(v), CLUE_SERIAL);
    set_if(e, e->clue[CLUE_SERIAL] && e->clue[CLUE_ORG_HOST], CLUE_SERIAL_HOST);
    if (runs > 0)
        set_opaque(e, v);
}

enum { AFTER_MACHINE, AFTER_LINE, AFTER_ROLE, AFTER_UNKNOWN, AFTER_SHORT, AFTER_NOTHING };

/* What a number follows: the run of letters joined to it from the left. */
static size_t context(const struct view *v, size_t i)
{
    const struct token *t;

    if (i == 0 || v->tok[i - 1].digits || !joined(v, i - 1))
        return AFTER_NOTHING;
    t = &v->tok[i - 1];
    if ((t->classes & WORD_MACHINE) != 0)
        return AFTER_MACHINE;
    if ((t->classes & LINE_WORDS) != 0)
        return AFTER_LINE;
    if (t->classes != 0)
        return AFTER_ROLE;
    return t->len >= 4 ? AFTER_UNKNOWN : AFTER_SHORT;
}

/* Numbers of the first label that are no part of the address. */
static void set_numbers(struct evidence *e, const struct view *v)
{
    const struct trace *t = &e->trace;
    size_t i;

    for (i = 0; i < v->nhost && v->tok[i].at < v->first; i++)
        if (v->tok[i].digits && (v->tok[i].at < t->at || v->tok[i].at >= t->at + t->len))
            set_if(e, true, CLUE_NUMBER + 6 * context(v, i) + at_most(v->tok[i].len, 6) - 1);
}

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
    bool hex = hex_form(t->form) && in_trace(t, k);
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

static uint16_t slot(uint32_t hash)
{
    return (uint16_t)((hash ^ hash >> 15) & (GRAM_SLOTS - 1));
}

/* Group i of two characters begins at folded[i], that of three as well. */
static void set_groups(struct evidence *e, const struct view *v)
{
    size_t n = 0, i;
    uint32_t hash;

    e->folded[n++] = '^';
    if (!v->bare)
        n = fold(e, v, n);
    e->folded[n++] = '$';
    e->folded[n] = '\0';
    for (i = 0; i + 2 < n; i++) {
        hash = (2166136261u ^ (unsigned char)e->folded[i]) * 16777619u;
        hash = (hash ^ (unsigned char)e->folded[i + 1]) * 16777619u;
        e->gram[2 * i] = slot(hash);
        e->gram[2 * i + 1] = slot((hash ^ (unsigned char)e->folded[i + 2]) * 16777619u);
    }
    hash = (2166136261u ^ (unsigned char)e->folded[i]) * 16777619u;
    e->gram[2 * i] = slot((hash ^ (unsigned char)e->folded[i + 1]) * 16777619u);
    e->ngram = (uint16_t)(2 * i + 1);
}

void trace_find(struct trace *t, const struct view *v, const struct addr *a)
{
    memset(t, 0, sizeof(*t));
    if (!v->numbers && !v->bare)
        return;
    if (a->family == ADDR_IPV4)
        trace_find_v4(t, v, a->bytes);
    else if (a->family == ADDR_IPV6)
        trace_find_v6(t, v, a->bytes);
}

void evidence_collect(struct evidence *e, const struct view *v, const struct addr *client)
{
    uint32_t owner = org_class(v->text + v->org, v->org_len);

    e->words = e->words_num = e->words_rest = 0;
    e->non = 0;
    e->ngram = 0;
    memset(e->key, 0, sizeof(e->key));
    memset(e->clue, 0, sizeof(e->clue));
    trace_find(&e->trace, v, client);
    set_if(e, true, CLUE_BIAS);
    set_if(e, client->family == ADDR_NONE, CLUE_NOADDR);
    set_if(e, client->family == ADDR_IPV6, CLUE_V6);
    set_if(e, v->bare, CLUE_BARE);
    set_if(e, (owner & ORG_ACCESS) != 0, CLUE_ORG_NET);
    set_if(e, (owner & ORG_HOSTING) != 0, CLUE_ORG_HOST);
    set_if(e, (owner & ORG_MAIL) != 0, CLUE_ORG_MAIL);
    set_words(e, v);
    set_trace(e, v);
    set_shape(e, v);
    set_numbers(e, v);
    set_groups(e, v);
}

int32_t evidence_groups(const struct evidence *e, const struct weights *w)
{
    int32_t sum = 0;
    size_t i;

    for (i = 0; i < e->ngram; i++)
        sum += w->gram[e->gram[i]];
    return sum * GRAM_SCALE;
}

int32_t evidence_score(const struct evidence *e, const struct weights *w)
{
    int32_t sum = evidence_groups(e, w);
    size_t i;

    for (i = 0; i < e->non; i++)
        sum += w->clue[e->on[i]];
    return sum;
}

bool evidence_sender(const struct evidence *e, const struct view *v)
{
    uint32_t all = e->words | e->words_rest;

    if (sender_scheme(v))
        return true;
    /* The table is asked last: it costs most. */
    return ((all & (WORD_MAIL | WORD_SENDING)) != 0 ||
            (e->clue[CLUE_ORG_MAIL] && (all & (WORD_ROLE | WORD_ACCESS)) == 0) ||
            (v->numbers && (all & WORD_ACCESS) == 0 && e->trace.form < FORM_HEX3)) &&
           sender_known(v);
}
