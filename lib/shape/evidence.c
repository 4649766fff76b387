/* The clues of a name, and their weighed sum with that of the letter groups.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "shape/parts.h"

#include <string.h>

#define LINE_WORDS (WORD_ACCESS | WORD_BLOCK | WORD_EMPTY)

static void set_if(struct evidence *e, bool applies, size_t clue)
{
    unsigned news = (unsigned)applies & (unsigned)!e->clue[clue];

    /* Without a branch: which clues apply depends on the name. Some exclude
     * each other, so there is always room for one more. */
    e->on[e->non] = (uint16_t)clue;
    e->non = (uint16_t)(e->non + news);
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

static bool beside_number(const struct view *v, size_t i)
{
    return (i + 1 < v->nhost && v->tok[i + 1].digits && joined(v, i)) ||
           (i > 0 && v->tok[i - 1].digits && joined(v, i - 1));
}

static void note_word(struct evidence *e, const struct view *v, size_t i)
{
    const struct token *t = &v->tok[i];
    size_t k;

    if (t->at < v->first)
        e->words |= t->classes;
    else
        e->words_rest |= t->classes;
    if (beside_number(v, i))
        e->words_num |= t->classes;
    for (k = 0; t->classes >> k != 0; k++)
        if ((t->classes >> k & 1) != 0 && e->key[k] == 0)
            e->key[k] = (uint8_t)(i + 1);
}

static void note_part(struct evidence *e, const struct view *v, size_t i)
{
    size_t k;

    e->parts |= v->tok[i].parts;
    for (k = 0; k < 3; k++) {
        set_if(e, (v->tok[i].parts >> k & 1) != 0, CLUE_PART + k);
        set_if(e, (v->tok[i].parts >> k & 1) != 0 && beside_number(v, i), CLUE_PART_NUM + k);
    }
}

/* no-rdns, not-assigned, without-ptr: the negation belongs to the placeholder. */
static bool negation(const struct view *v, const struct token *t)
{
    return (t->len == 2 && memcmp(v->text + t->at, "no", 2) == 0) ||
           (t->len == 3 && memcmp(v->text + t->at, "not", 3) == 0) ||
           (t->len == 7 && memcmp(v->text + t->at, "without", 7) == 0);
}

/* How many runs of letters there are, and how many are words of which sort. */
struct count {
    size_t letters, line, empty, digits;
    bool negated; /* no and not speak of all that follows */
};

static void count_token(struct count *c, const struct view *v, const struct token *t)
{
    c->digits += t->digits;
    if (t->digits || t->glue) {
        c->negated = c->negated || (t->glue && negation(v, t));
        return;
    }
    c->letters++;
    c->line += (t->classes & LINE_WORDS) != 0 || c->negated;
    c->empty += (t->classes & WORD_EMPTY) != 0 || c->negated;
}

bool trace_is_hex(const struct trace *t)
{
    uint8_t form = t->form;

    return form == FORM_HEX || form == FORM_HEX2 || form == FORM_HEX3 || form >= FORM_SIX_PART;
}

/* Letters that are digits of the address are no word. */
static bool of_address(const struct evidence *e, const struct token *t)
{
    return trace_is_hex(&e->trace) && t->at >= e->trace.at &&
           t->at + t->len <= e->trace.at + e->trace.len;
}

static void set_classes(struct evidence *e, uint32_t set, size_t clue)
{
    for (; set != 0; set >>= 1, clue++)
        set_if(e, (set & 1) != 0, clue);
}

static void set_words(struct evidence *e, const struct view *v)
{
    struct count all = {0}, first = {0};
    size_t i;

    for (i = 0; i < v->nhost && !v->bare; i++) {
        const struct token *t = &v->tok[i];

        if (!t->digits && (t->opaque || of_address(e, t)))
            continue;
        count_token(&all, v, t);
        if (t->at < v->first)
            count_token(&first, v, t);
        if (t->digits)
            continue;
        if ((t->classes & LINE_WORDS) != 0 || (t->classes != 0 && !all.negated))
            note_word(e, v, i); /* no-dns is no name server */
        set_if(e, t->classes == 0 && !t->glue && t->len >= 4, CLUE_UNKNOWN);
        set_if(e, t->classes == 0 && !t->glue && t->len >= 4 && t->at < v->first,
               CLUE_UNKNOWN_FIRST);
        set_if(e, negation(v, t), CLUE_NEGATION);
        if (t->parts != 0)
            note_part(e, v, i);
    }
    if (all.letters > 0) {
        set_if(e, all.line == all.letters && all.digits == 0, CLUE_ALL_LINE);
        set_if(e, all.line == all.letters && all.digits > 0, CLUE_ALL_LINE_NUM);
    }
    set_if(e, first.letters > 0 && first.line == first.letters && first.digits == 0,
           CLUE_FIRST_LINE);
    set_if(e, first.letters > 0 && first.empty == first.letters && first.digits == 0,
           CLUE_FIRST_EMPTY);
    set_classes(e, e->words, CLUE_WORD);
    set_classes(e, e->words_num, CLUE_WORD_NUM);
    set_classes(e, e->words_rest, CLUE_WORD_REST);
}

enum {
    AFTER_MACHINE,
    AFTER_LINE,
    AFTER_MAIL,
    AFTER_ROLE,
    AFTER_PART,
    AFTER_UNKNOWN,
    AFTER_SHORT,
    AFTER_NOTHING
};

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
    if ((t->classes & (WORD_MAIL | WORD_SENDING)) != 0 || (t->parts & PART_MAIL / PART_ACCESS) != 0)
        return AFTER_MAIL;
    if (t->classes != 0)
        return AFTER_ROLE;
    if (t->parts != 0)
        return AFTER_PART;
    return t->len >= 4 ? AFTER_UNKNOWN : AFTER_SHORT;
}

static bool speaks_of_mail(const struct evidence *e)
{
    uint32_t all = e->words | e->words_rest;

    return (all & (WORD_MAIL | WORD_SENDING)) != 0 || (e->parts & PART_MAIL / PART_ACCESS) != 0 ||
           (e->clue[CLUE_ORG_MAIL] && (all & LINE_WORDS) == 0 && e->trace.form < FORM_THREE);
}

/* mail77, mta-2-77 */
static bool after_mail(const struct trace *t, const struct view *v)
{
    size_t i;

    for (i = 0; i + 1 < v->nhost && v->tok[i].at + v->tok[i].len <= t->at; i++)
        if (v->tok[i + 1].at == t->at)
            return ((v->tok[i].classes & (WORD_MAIL | WORD_SENDING)) != 0 ||
                    (v->tok[i].parts & PART_MAIL / PART_ACCESS) != 0) &&
                   joined(v, i);
    return false;
}

/* ws77, gw-77: a lone octet means what it stands behind. */
static void set_behind(struct evidence *e, const struct view *v)
{
    size_t i;

    for (i = 0; i < v->nhost; i++)
        if (v->tok[i].at == e->trace.at)
            set_if(e, true, CLUE_FORM_BEHIND + context(v, i));
}

/* acme.vps-192-0-2-77: somebody chose the first label. */
static bool name_before(const struct evidence *e, const struct view *v)
{
    return e->trace.at >= v->first && v->nhost > 0 && !v->tok[0].digits &&
           v->tok[0].len == v->first && (v->tok[0].classes & (LINE_WORDS | WORD_MACHINE)) == 0 &&
           v->tok[0].len >= 3;
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
    set_if(e, name_before(e, v), CLUE_FORM_NAME);
    if (t->form <= FORM_LAST3)
        set_behind(e, v);
    set_if(e, after_mail(t, v), CLUE_FORM_AFTER_MAIL + (t->form >= FORM_THREE));
    set_if(e, v->host <= t->len + 2u, CLUE_FORM_ALONE);
    set_if(e, (all & (WORD_ACCESS | WORD_BLOCK)) != 0, CLUE_FORM_WORD);
    if (speaks_of_mail(e))
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

/* A short prefix and a number of three digits or more, and nothing else. */
static bool serial(const struct view *v)
{
    return v->nhost > 1 && !v->bare && !v->tok[0].digits && v->tok[0].len <= 4 &&
           v->tok[1].digits && v->tok[1].len >= 3 && joined(v, 0) &&
           (size_t)v->tok[1].at + v->tok[1].len == v->first;
}

/* The same of a label after the first, as in ns.ab12345. */
static bool serial_later(const struct view *v)
{
    size_t i, end;

    for (i = 1; i + 1 < v->nhost; i++) {
        end = (size_t)v->tok[i + 1].at + v->tok[i + 1].len;
        if (v->text[v->tok[i].at - 1] == '.' && !v->tok[i].digits && v->tok[i].len <= 4 &&
            v->tok[i + 1].digits && v->tok[i + 1].len >= 4 && joined(v, i) && v->text[end] == '.')
            return true;
    }
    return false;
}

/* lon-a204 */
static bool unit(const struct view *v)
{
    return v->nhost > 2 && !v->tok[0].digits && v->tok[0].len <= 4 && v->tok[1].len == 1 &&
           !v->tok[1].digits && v->tok[2].digits && v->tok[2].len >= 3 && joined(v, 0) &&
           joined(v, 1) && (size_t)v->tok[2].at + v->tok[2].len == v->first;
}

/* abc0007: who counts his own hosts thinks of thousands. */
static bool counter(const struct view *v)
{
    return v->nhost > 1 && !v->tok[0].digits && v->tok[1].digits && v->tok[1].len >= 3 &&
           v->text[v->tok[1].at] == '0' && v->text[v->tok[1].at + 1] == '0' &&
           (v->tok[0].classes & LINE_WORDS) == 0 && joined(v, 0);
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
    set_if(e, serial_later(v), CLUE_SERIAL_REST);
    set_if(e, unit(v), CLUE_UNIT);
    set_if(e, counter(v), CLUE_ZEROS);
    set_if(e, e->clue[CLUE_SERIAL] && e->clue[CLUE_ORG_HOST], CLUE_SERIAL_HOST);
    set_if(e, v->hash, CLUE_HASH);
    set_if(e, v->hex, CLUE_HEX);
    set_if(e, (v->hash || v->hex) && speaks_of_mail(e), CLUE_OPAQUE_MAIL);
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

/* Who or what the first label names, by its weightiest word. */
static size_t label_kind(const struct evidence *e)
{
    static const struct {
        uint32_t words;
        size_t kind;
    } kinds[] = {{WORD_MAIL | WORD_SENDING, 0}, {WORD_MACHINE, 1}, {LINE_WORDS, 2}, {WORD_ROLE, 3}};
    size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if ((e->words & kinds[i].words) != 0)
            return kinds[i].kind;
    return e->clue[CLUE_UNKNOWN_FIRST] ? 4 : 5;
}

/* How much of the address shows, what the first label is, and whose domain it is, in one clue: the
 * same label means one thing at a mail service, another at a hoster. */
static void set_scheme(struct evidence *e)
{
    uint8_t form = e->trace.form;
    size_t trace = (form > FORM_NONE) + (form >= FORM_PAIR) + (form >= FORM_THREE);
    size_t owner = e->clue[CLUE_ORG_MAIL]   ? 0
                   : e->clue[CLUE_ORG_HOST] ? 1
                   : e->clue[CLUE_ORG_NET]  ? 2
                                            : 3;

    set_if(e, true, CLUE_SCHEME + (trace * SCHEME_LABELS + label_kind(e)) * SCHEME_OWNERS + owner);
}

/* ip78 on 192.0.2.77: blocks are numbered from 1 as well as from 0. */
static void set_beside(struct evidence *e, const struct view *v, const struct addr *client)
{
    unsigned last = client->bytes[3];
    size_t i;

    if (client->family != ADDR_IPV4 || last < 10 || e->trace.form != FORM_NONE)
        return;
    for (i = 0; i < v->nhost && v->tok[i].at < v->first; i++) {
        const struct token *t = &v->tok[i];

        set_if(e, t->digits && (t->value == last + 1 || t->value + 1 == last), CLUE_BESIDE);
    }
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
    uint32_t owner = stem_class(v->text + v->org, v->org_len);

    e->words = e->words_num = e->words_rest = e->parts = 0;
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
    set_beside(e, v, client);
    set_scheme(e);
    groups_collect(e, v);
}

int32_t evidence_score(const struct evidence *e, const struct weights *w)
{
    int32_t sum = evidence_groups(e, w);
    size_t i;

    for (i = 0; i < e->non; i++)
        sum += w->clue[e->on[i]];
    return sum;
}

bool evidence_generic(const struct evidence *e, const struct weights *w, int32_t score)
{
    /* A registrable domain was registered, and that by somebody: only an address tells otherwise.
     */
    if (e->clue[CLUE_BARE] && e->trace.form < FORM_QUAD)
        return false;
    return score > (e->trace.form < FORM_QUAD ? w->margin : 0);
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
