/* The verdict on a name: score, senders, reasons. See generic.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "generic.h"

#include <string.h>

#include "ascii.h"
#include "generic_parts.h"

#define REASONS_MAX  3
#define REASON_LEAST 64 /* a quarter of a unit of score is worth a word */
#define SENDER_LEAST 3  /* mail1 and mail2 are anybody's, mta3 is a pool */

/* Something that speaks for or against: how much, and what of. */
struct reason {
    int32_t weight;
    enum { REASON_FORM, REASON_WORD, REASON_SHAPE, REASON_GROUP, REASON_NOTHING } what;
    size_t which; /* class of word, clue, or index of group */
};

struct reasons {
    struct reason list[REASONS_MAX];
    size_t n;
};

/* Keeps the heaviest, heaviest first. */
static void offer(struct reasons *r, struct reason new)
{
    size_t i;

    if (new.weight < REASON_LEAST)
        return;
    for (i = r->n < REASONS_MAX ? r->n++ : REASONS_MAX; i > 0; i--) {
        if (r->list[i - 1].weight >= new.weight && i - 1 < r->n - 1)
            break;
        if (i < REASONS_MAX)
            r->list[i] = r->list[i - 1];
    }
    if (i < REASONS_MAX)
        r->list[i] = new;
}

static int32_t weight_of(const struct evidence *e, size_t clue)
{
    return e->clue[clue] ? generic_weights.clue[clue] : 0;
}

static void offer_form(struct reasons *r, const struct evidence *e, int32_t sign)
{
    struct reason new = {0, REASON_FORM, e->trace.form};
    size_t i;

    if (e->trace.form == FORM_NONE)
        return;
    new.weight = weight_of(e, CLUE_FORM + e->trace.form);
    for (i = CLUE_PADDED; i <= CLUE_FORM_FIRST; i++)
        new.weight += weight_of(e, i);
    new.weight *= sign;
    offer(r, new);
}

static void offer_words(struct reasons *r, const struct evidence *e, int32_t sign)
{
    struct reason new = {0, REASON_WORD, 0};
    size_t i;

    for (i = 0; i < WORD_CLASSES; i++) {
        new.which = i;
        new.weight = sign *(weight_of(e, CLUE_WORD + i) + weight_of(e, CLUE_WORD_NUM + i) +
                            weight_of(e, CLUE_WORD_REST + i));
        if (e->key[i] != 0)
            offer(r, new);
    }
}

static const struct {
    uint16_t clue;
    const char *text;
} shapes[] = {
    {CLUE_BARE, "the name is itself a domain"},
    {CLUE_PLAIN, "no number in the host part"},
    {CLUE_ORG_NET, "domain of an access provider"},
    {CLUE_ORG_HOST, "domain of a hoster"},
    {CLUE_TOKENS + 3, "three numbers"},
    {CLUE_TOKENS + 4, "many numbers"},
    {CLUE_DIGITS + 1, "no number above 9"},
    {CLUE_DIGITS + 4, "number of four digits"},
    {CLUE_DIGITS + 5, "number of five digits"},
    {CLUE_DIGITS + 6, "number of six digits"},
    {CLUE_DIGITS + 7, "number of seven digits or more"},
    {CLUE_DIGIT_ONLY, "first label is a number"},
    {CLUE_HASH, "letters and digits mixed"},
    {CLUE_HEX, "hexadecimal text"},
    {CLUE_NO_VOWEL, "letters without vowels"},
    {CLUE_FORM + FORM_NONE, "no trace of the address"},
};

static void offer_shapes(struct reasons *r, const struct evidence *e, int32_t sign)
{
    struct reason new = {0, REASON_SHAPE, 0};
    size_t i;

    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        new.which = i;
        new.weight = sign *weight_of(e, shapes[i].clue);
        offer(r, new);
    }
}

/* All groups together weigh as one reason, shown by the heaviest of them. */
static void offer_groups(struct reasons *r, const struct evidence *e, int32_t sign)
{
    struct reason new = {0, REASON_GROUP, 0};
    int32_t best = 0, w;
    size_t i;

    for (i = 0; i < e->ngram; i++) {
        w = sign * GRAM_SCALE * generic_weights.gram[e->gram[i]];
        new.weight += w;
        if (i % 2 == 1 && w > best) {
            best = w;
            new.which = i;
        }
    }
    if (best > 0)
        offer(r, new);
}

static const char *const form_text[FORM_COUNT] = {
    [FORM_LAST1] = "last octet of %",
    [FORM_LAST2] = "last octet of %",
    [FORM_OTHER1] = "an octet of %",
    [FORM_LAST3] = "last octet of %",
    [FORM_QUAD] = "another address than %",
    [FORM_PAIR] = "two octets of %",
    [FORM_HEX2] = "last octets of % in hexadecimal",
    [FORM_RUN2] = "two octets of % run together",
    [FORM_TAIL] = "last octets of %",
    [FORM_TAIL_REV] = "last octets of % reversed",
    [FORM_NEAR] = "an address close to %",
    [FORM_THREE] = "three octets of %",
    [FORM_HEX3] = "three octets of % in hexadecimal",
    [FORM_RUN3] = "three octets of % run together",
    [FORM_NUMBER] = "address % as one number",
    [FORM_HEX] = "address % in hexadecimal",
    [FORM_RUN] = "address % run together",
    [FORM_FULL] = "address %",
    [FORM_REVERSED] = "address % reversed",
    [FORM_PERMUTED] = "address % in another order",
    [FORM_SIX_PART] = "groups of %",
    [FORM_SIX] = "address %",
};

static void put_form(struct sbuf *sb, uint8_t form, const struct addr *client)
{
    const char *s = form_text[form];

    for (; *s != '\0'; s++)
        if (*s == '%')
            addr_put(sb, client);
        else
            sbuf_byte(sb, *s);
    sbuf_str(sb, " in the name");
}

static void put_word(struct sbuf *sb, const struct evidence *e, const struct view *v, size_t i)
{
    static const char *const text[WORD_CLASSES] = {"access word ", "customer word ", "hoster word ",
                                                   "placeholder ", "sending word ",  "mail word ",
                                                   "host word "};

    const struct token *t = &v->tok[e->key[i] - 1];

    sbuf_str(sb, text[i]);
    sbuf_mem(sb, v->text + t->at, t->len);
    if (e->clue[CLUE_WORD_NUM + i])
        sbuf_str(sb, " with a number");
}

/* A folded number is shown as N. */
static void put_group(struct sbuf *sb, const struct evidence *e, size_t i, bool machine)
{
    const char *s = e->folded + i / 2;
    size_t k;

    sbuf_str(sb, "text ");
    for (k = 0; k < 2 + i % 2; k++)
        if (s[k] == '#' || ascii_digit((unsigned char)s[k]))
            sbuf_byte(sb, 'N');
        else if (s[k] != '^' && s[k] != '$')
            sbuf_byte(sb, s[k]);
    sbuf_str(sb, machine ? " usual in default names" : " usual in chosen names");
}

static void put_reason(struct sbuf *sb, const struct reason *r, const struct evidence *e,
                       const struct view *v, const struct addr *client)
{
    switch (r->what) {
    case REASON_FORM:
        put_form(sb, (uint8_t)r->which, client);
        break;
    case REASON_WORD:
        put_word(sb, e, v, r->which);
        break;
    case REASON_SHAPE:
        sbuf_str(sb, shapes[r->which].text);
        break;
    default:
        put_group(sb, e, r->which, r->what == REASON_GROUP);
        break;
    }
}

/* Appends s as one more item if there is room. */
static void put_item(struct sbuf *why, const char *s)
{
    size_t n = strlen(s), gap = why->len > 0 ? 2 : 0;

    if (why->len + gap + n >= why->cap)
        return;
    if (gap != 0)
        sbuf_mem(why, ", ", 2);
    sbuf_mem(why, s, n);
}

static void explain(struct sbuf *why, const struct evidence *e, const struct view *v,
                    const struct addr *client, int32_t sign)
{
    struct reasons r = {.n = 0};
    char text[GENERIC_WHY_MAX];
    struct sbuf one;
    size_t i;

    offer_form(&r, e, sign);
    offer_words(&r, e, sign);
    offer_shapes(&r, e, sign);
    offer_groups(&r, e, sign);
    for (i = 0; i < r.n; i++) {
        sbuf_init(&one, text, sizeof(text));
        if (r.list[i].what == REASON_GROUP)
            put_group(&one, e, r.list[i].which, sign > 0);
        else
            put_reason(&one, &r.list[i], e, v, client);
        if (!one.overflow)
            put_item(why, text);
    }
    if (why->len == 0)
        sbuf_str(why, sign > 0 ? "form of the name" : "nothing speaks of a default name");
}

/* The largest number that stands by itself or behind a word. */
static uint32_t largest_number(const struct view *v)
{
    uint32_t largest = 0;
    size_t i;

    for (i = 0; i < v->nhost; i++)
        if (v->tok[i].digits && v->tok[i].value > largest)
            largest = v->tok[i].value;
    return largest;
}

/* Numbered outbound host, or any host that mails from a known zone. A line of
 * a customer in such a zone says so by its words. */
static const char *provider_reason(const struct view *v, const struct evidence *e, bool machine)
{
    uint32_t all = e->words | e->words_rest;
    bool mail = (all & (WORD_MAIL | WORD_SENDING)) != 0;
    bool number = !e->clue[CLUE_PLAIN];

    if (sender_known(v) && (mail || (number && (all & (WORD_ACCESS | WORD_BLOCK)) == 0)))
        return "host of a known mail sender";
    if (!machine && (all & WORD_SENDING) != 0 && largest_number(v) >= SENDER_LEAST)
        return "numbered outbound host";
    return NULL;
}

void generic_judge(struct generic *out, const struct dname *name, const struct addr *client)
{
    struct view v;
    struct evidence e;
    struct sbuf why;
    const char *provider;
    bool machine;

    view_make(&v, name);
    evidence_collect(&e, &v, client);
    machine = evidence_score(&e, &generic_weights) > 0;
    provider = provider_reason(&v, &e, machine);
    sbuf_init(&why, out->why, sizeof(out->why));
    if (provider != NULL) {
        out->kind = GENERIC_PROVIDER;
        sbuf_str(&why, provider);
        return;
    }
    out->kind = machine ? GENERIC_YES : GENERIC_NAMED;
    explain(&why, &e, &v, client, machine ? 1 : -1);
}

const char *generic_word(enum generic_kind kind)
{
    return kind == GENERIC_YES ? "generic" : kind == GENERIC_PROVIDER ? "provider" : "named";
}
