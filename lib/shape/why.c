/* The strongest reasons of a verdict, in words.
 *
 * Clues that say the same thing are weighed together; of the reasons that
 * speak for the verdict the heaviest three are given, first what the address
 * shows, then words, then the shape of the name.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "shape/parts.h"
#include "shape/shape.h"

#include <string.h>

#define REASONS_MAX  3
#define REASON_LEAST 64 /* a quarter of a unit of score is worth a word */

enum topic { TOPIC_TRACE, TOPIC_WORD, TOPIC_SHAPE, TOPIC_GROUP };

struct reason {
    int32_t weight; /* for the verdict */
    enum topic topic;
    size_t which; /* class of word, or row of shapes */
};

struct reasons {
    struct reason list[REASONS_MAX];
    size_t n;
    int32_t sign; /* 1: for a default name, -1: for a chosen one */
};

/* Keeps the heaviest, heaviest first. */
static void offer(struct reasons *r, enum topic topic, size_t which, int32_t weight)
{
    size_t i;

    weight *= r->sign;
    if (weight < REASON_LEAST || (r->n == REASONS_MAX && weight <= r->list[r->n - 1].weight))
        return;
    if (r->n < REASONS_MAX)
        r->n++;
    for (i = r->n - 1; i > 0 && r->list[i - 1].weight < weight; i--)
        r->list[i] = r->list[i - 1];
    r->list[i] = (struct reason){weight, topic, which};
}

static int32_t weight_of(const struct evidence *e, size_t clue)
{
    return e->clue[clue] ? shape_weights.clue[clue] : 0;
}

/* What a trace adds to the letter groups is its own doing, so one of two octets
 * and more weighs more here than its clues, and a strong one is always given. */
static void offer_trace(struct reasons *r, const struct evidence *e)
{
    int32_t weight = weight_of(e, CLUE_FORM + e->trace.form);
    size_t i;

    if (e->trace.form == FORM_NONE)
        return;
    for (i = CLUE_WHOLE; i <= CLUE_FORM_FIRST; i++) /* all that speak of the trace */
        weight += weight_of(e, i);
    if (r->sign > 0 && e->trace.form >= FORM_PAIR)
        weight += 4 * REASON_LEAST;
    if (r->sign > 0 && e->trace.form >= FORM_THREE)
        weight = INT16_MAX;
    offer(r, TOPIC_TRACE, 0, weight);
}

static void offer_words(struct reasons *r, const struct evidence *e)
{
    int32_t shared = weight_of(e, CLUE_ALL_LINE) + weight_of(e, CLUE_ALL_LINE_NUM) +
                     weight_of(e, CLUE_FIRST_LINE);
    size_t i;

    for (i = 0; i < WORD_CLASSES; i++)
        if (e->key[i] != 0)
            offer(r, TOPIC_WORD, i,
                  weight_of(e, CLUE_WORD + i) + weight_of(e, CLUE_WORD_NUM + i) +
                      weight_of(e, CLUE_WORD_REST + i) +
                      (1 << i < WORD_MACHINE || 1 << i == WORD_EMPTY ? shared : 0));
}

static const struct {
    uint8_t clue;
    bool numbers; /* says nothing new beside a trace of the address */
    const char *text;
} shapes[] = {
    {CLUE_BARE, false, "the name is itself a domain"},
    {CLUE_PLAIN, false, "no number in the host part"},
    {CLUE_ORG_NET, false, "domain of an access provider"},
    {CLUE_ORG_HOST, false, "domain of a hoster"},
    {CLUE_ORG_MAIL, false, "domain of a mail service"},
    {CLUE_NEGATION, false, "says that there is no name"},
    {CLUE_FIRST_EMPTY, false, "only placeholders"},
    {CLUE_PART, false, "access word inside a word"},
    {CLUE_PART + 1, false, "hoster word inside a word"},
    {CLUE_PART + 2, false, "mail word inside a word"},
    {CLUE_BESIDE, true, "last octet off by one"},
    {CLUE_UNKNOWN_FIRST, false, "a word of its own"},
    {CLUE_NO_VOWEL, false, "letters without vowels"},
    {CLUE_SERIAL, true, "serial number"},
    {CLUE_TOKENS + 3, true, "three numbers"},
    {CLUE_TOKENS + 4, true, "many numbers"},
    {CLUE_DIGITS + 1, true, "numbers of one digit only"},
    {CLUE_DIGITS + 4, true, "number of four digits"},
    {CLUE_DIGITS + 5, true, "number of five digits"},
    {CLUE_DIGITS + 6, true, "number of six digits"},
    {CLUE_DIGITS + 7, true, "number of seven digits or more"},
    {CLUE_DIGIT_ONLY, true, "first label is a number"},
    {CLUE_HASH, true, "letters and digits mixed"},
    {CLUE_HEX, true, "hexadecimal text"},
    {CLUE_FORM + FORM_NONE, true, "no trace of the address"}, /* stays last */
};

#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))
_Static_assert(SHAPES <= 32, "a set of rows is one word");

static void offer_shapes(struct reasons *r, const struct evidence *e)
{
    bool told = r->sign > 0 && e->trace.form >= FORM_PAIR; /* by the trace */
    uint32_t rows = 0;
    size_t i;

    for (i = 0; i < SHAPES; i++)
        rows |= (uint32_t)e->clue[shapes[i].clue] << i;
    if (e->clue[CLUE_NOADDR])
        rows &= ~(1u << (SHAPES - 1)); /* the last row */
    for (; rows != 0; rows &= rows - 1) {
        i = (size_t)__builtin_ctz(rows);
        if (!(told && shapes[i].numbers))
            offer(r, TOPIC_SHAPE, i, shape_weights.clue[shapes[i].clue]);
    }
}

/* Where % stands for the address. */
static const char *const trace_text[FORM_COUNT] = {
    [FORM_LAST1] = "last octet of %",
    [FORM_LAST2] = "last octet of %",
    [FORM_OTHER1] = "an octet of %",
    [FORM_LAST3] = "last octet of %",
    [FORM_QUAD] = "an address that is not %",
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

static void put_trace(struct sbuf *sb, const struct trace *t, const struct addr *client)
{
    const char *s = trace_text[t->form];
    size_t n = strcspn(s, "%");

    sbuf_mem(sb, s, n);
    addr_put(sb, client);
    sbuf_str(sb, s + n + 1);
    sbuf_str(sb, " in the name");
}

static void put_word(struct sbuf *sb, const struct evidence *e, const struct view *v, size_t i)
{
    static const char *const text[WORD_CLASSES] = {"access word ", "generic word ", "hoster word ",
                                                   "placeholder ", "sending word ", "mail word ",
                                                   "role word "};
    const struct token *t = &v->tok[e->key[i] - 1];

    sbuf_str(sb, text[i]);
    sbuf_mem(sb, v->text + t->at, t->len);
}

static void put_group(struct sbuf *sb, const struct evidence *e, const struct view *v, int32_t sign)
{
    const char *s = groups_text(e, v, groups_best(e, &shape_weights, sign));
    size_t k;

    sbuf_str(sb, "text ");
    for (k = 0; k < 3 && s[k] != '\0'; k++)
        if (s[k] == '#' || (s[k] >= '0' && s[k] <= '9'))
            sbuf_byte(sb, 'N');
        else if (s[k] != '^' && s[k] != '$')
            sbuf_byte(sb, s[k]);
    sbuf_str(sb, sign > 0 ? " usual in default names" : " usual in chosen names");
}

/* Appends one more item if there is room. */
static void put_item(struct sbuf *why, const struct sbuf *item)
{
    size_t gap = why->len > 0 ? 2 : 0;

    if (item->overflow || why->len + gap + item->len >= why->cap)
        return;
    sbuf_mem(why, ", ", gap);
    sbuf_mem(why, item->text, item->len);
}

static void put_topic(struct sbuf *why, const struct reasons *r, enum topic topic,
                      const struct evidence *e, const struct view *v, const struct addr *client)
{
    char text[SHAPE_WHY_MAX];
    struct sbuf one;
    size_t i;

    for (i = 0; i < r->n; i++) {
        if (r->list[i].topic != topic)
            continue;
        sbuf_init(&one, text, sizeof(text));
        if (topic == TOPIC_TRACE)
            put_trace(&one, &e->trace, client);
        else if (topic == TOPIC_WORD)
            put_word(&one, e, v, r->list[i].which);
        else if (topic == TOPIC_SHAPE)
            sbuf_str(&one, shapes[r->list[i].which].text);
        else
            put_group(&one, e, v, r->sign);
        put_item(why, &one);
    }
}

/* Weak evidence of a default name is said to be weak, whether it was enough or not. */
static void put_strength(struct sbuf *why, const struct evidence *e, bool machine, bool speaks)
{
    if (machine && e->trace.form == FORM_NONE && !e->clue[CLUE_NOADDR])
        sbuf_str(why, "weak: nothing of the address in it");
    else if (!machine && speaks)
        sbuf_str(why, "too weak for a default name");
}

void evidence_explain(struct sbuf *why, const struct evidence *e, const struct view *v,
                      const struct addr *client, bool machine, int32_t score)
{
    /* for a default name */
    bool speaks = machine || (score > 0 && !e->clue[CLUE_BARE]);
    struct reasons r = {.n = 0, .sign = speaks ? 1 : -1};
    enum topic topic;
    unsigned topics = 0;
    size_t i;

    put_strength(why, e, machine, speaks);
    offer_trace(&r, e);
    offer_words(&r, e);
    offer_shapes(&r, e);
    if (r.n < REASONS_MAX - 1)
        offer(&r, TOPIC_GROUP, 0, evidence_groups(e, &shape_weights));
    for (i = 0; i < r.n; i++)
        topics |= 1u << r.list[i].topic;
    for (topic = TOPIC_TRACE; topic <= TOPIC_GROUP; topic++)
        if ((topics >> topic & 1) != 0)
            put_topic(why, &r, topic, e, v, client);
    if (why->len == 0)
        sbuf_str(why, speaks ? "form of the name" : "nothing speaks of a default name");
}
