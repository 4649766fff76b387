/* Where an IPv6 address shows in a name: nibbles in order or reversed, groups
 * with or without leading zeros, the IPv4 address of a translated one.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "shape/parts.h"

#include <string.h>

#include "value/ascii.h"

#define NIBBLES 32
#define GROUPS  8

/* The longest stretch that name and nib share, from nib[from]. Zeros prove
 * little, so a stretch counts by its other nibbles. */
static void match_stretch(struct trace *t, const struct view *v, const struct stripped *s,
                          const uint8_t nib[NIBBLES], size_t at, size_t from)
{
    size_t n = 0, solid = 0;

    while (at + n < s->len && from + n < NIBBLES && s->value[at + n] == nib[from + n])
        solid += nib[from + n++] != 0;
    if (n >= 12 && solid >= 5)
        trace_take(t, v, FORM_SIX, s->at[at], (size_t)(s->at[at + n - 1] - s->at[at]) + 1);
    else if (n >= 6 && solid >= 4)
        trace_take(t, v, FORM_SIX_PART, s->at[at], (size_t)(s->at[at + n - 1] - s->at[at]) + 1);
}

static void match_nibbles(struct trace *t, const struct view *v, const uint8_t octet[16])
{
    uint8_t fwd[NIBBLES], rev[NIBBLES];
    struct stripped s;
    size_t i, k;

    for (i = 0; i < 16; i++) {
        fwd[2 * i] = rev[31 - 2 * i] = (uint8_t)(octet[i] >> 4);
        fwd[2 * i + 1] = rev[30 - 2 * i] = (uint8_t)(octet[i] & 15);
    }
    trace_strip(&s, v);
    for (i = 0; i < s.len; i++)
        for (k = 0; k < NIBBLES && t->form < FORM_SIX; k++) {
            if (s.value[i] == fwd[k])
                match_stretch(t, v, &s, fwd, i, k);
            if (s.value[i] == rev[k])
                match_stretch(t, v, &s, rev, i, k);
        }
}

/* Reads a piece of 1 to 4 hexadecimal digits at v->text[at..]; -1 if the piece
 * up to the next separator is anything else. */
static int read_group(const struct view *v, size_t at, size_t *end)
{
    int value = 0, digit;
    size_t i;

    for (i = at; i < v->len && ascii_alnum((unsigned char)v->text[i]); i++) {
        digit = ascii_hex((unsigned char)v->text[i]);
        value = digit < 0 || i - at >= 4 || value < 0 ? -1 : value * 16 + digit;
    }
    *end = i;
    return i > at ? value : -1;
}

/* Groups written with a separator, zeros left out: 2001-db8--1f. From a group
 * of the address on, each piece must be the next group that is not zero. */
static void match_groups_from(struct trace *t, const struct view *v, const uint8_t octet[16],
                              size_t at, size_t from)
{
    size_t i = at, end = at, last = at, solid = 0, digits = 0;
    int group, value;

    while (from < GROUPS && i < v->len) {
        value = read_group(v, i, &end);
        group = octet[2 * from] << 8 | octet[2 * from + 1];
        if (group == 0 && value != 0) {
            from++;
            continue;
        }
        if (value != group)
            break;
        from++;
        solid += value != 0;
        digits += value != 0 ? end - i : 0;
        last = end;
        for (i = end; i < v->len && !ascii_alnum((unsigned char)v->text[i]);)
            i++;
    }
    if (solid >= 4)
        trace_take(t, v, FORM_SIX, at, last - at);
    else if (solid >= 2 && digits >= 5)
        trace_take(t, v, FORM_SIX_PART, at, last - at);
}

static void match_groups(struct trace *t, const struct view *v, const uint8_t octet[16])
{
    size_t i, k, end;
    int value;

    for (i = 0; i < v->len && t->form < FORM_SIX; i = end + 1) {
        value = read_group(v, i, &end);
        for (k = 0; k < GROUPS && value >= 0; k++)
            if (value == (octet[2 * k] << 8 | octet[2 * k + 1]))
                match_groups_from(t, v, octet, i, k);
    }
}

#define FIVES      25 /* whole digits of 128 bits in base 32 */
#define HALF_FIVES 12 /* of 64 bits */

/* Letters and digits in one piece, enough for half of an address. */
static bool long_piece(const struct view *v)
{
    size_t i, run = 0;

    for (i = 0; i < v->len && run < HALF_FIVES; i++)
        run = v->sort[i] == VIEW_SEPARATOR ? 0 : run + 1;
    return run == HALF_FIVES;
}

static unsigned five_bits(const uint8_t octet[16], size_t bit)
{
    unsigned both = (unsigned)octet[bit / 8] << 8 | (bit / 8 < 15 ? octet[bit / 8 + 1] : 0u);

    return both >> (11 - bit % 8) & 31;
}

/* The address, or its last half, in base 32 (RFC 4648 6 and 7), from the first bit on or up to
 * the last. A digit that is half padding is left out. */
static void match_base32(struct trace *t, const struct view *v, const uint8_t octet[16])
{
    static const char *const alphabet[] = {"abcdefghijklmnopqrstuvwxyz234567",
                                           "0123456789abcdefghijklmnopqrstuv"};
    char text[FIVES + 1] = "";
    size_t i, k, n, from;
    const char *found;

    for (i = 0; i < 8; i++) {
        n = (i & 1) != 0 ? HALF_FIVES : FIVES;
        from = (i & 2) != 0 ? 128 - 5 * n : (i & 1) != 0 ? 64 : 0;
        for (k = 0; k < n; k++)
            text[k] = alphabet[i / 4][five_bits(octet, from + 5 * k)];
        text[n] = '\0';
        found = strstr(v->text, text);
        if (found != NULL && strspn(text, i < 4 ? "a" : "0") + 4 < n)
            trace_take(t, v, FORM_SIX, (size_t)(found - v->text), n);
    }
}

/* A number of the name is the last group as it is written. */
static void match_last_group(struct trace *t, const struct view *v, const uint8_t octet[16])
{
    static const uint8_t form[5] = {FORM_NONE, FORM_LAST1, FORM_LAST2, FORM_LAST3, FORM_LAST3};
    unsigned group = (unsigned)octet[14] << 8 | octet[15], value;
    const struct token *k;
    size_t i, j;

    for (i = 0; i < v->nhost; i++) {
        k = &v->tok[i];
        if (!k->digits || k->len > 4)
            continue;
        for (value = 0, j = 0; j < k->len; j++)
            value = value * 16 + (unsigned)(v->text[k->at + j] - '0');
        if (value == group && group != 0)
            trace_take(t, v, (enum form)form[k->len], k->at, k->len);
    }
}

/* The IPv4 address inside a translated or tunnelled one: 6to4 (RFC 3056),
 * Teredo (RFC 4380 4), 64:ff9b::/96 (RFC 6052 2.1), ISATAP (RFC 5214 6.1). */
static bool inner_v4(uint8_t v4[4], const uint8_t octet[16])
{
    static const uint8_t wkp[12] = {0x00, 0x64, 0xff, 0x9b};
    static const uint8_t teredo[4] = {0x20, 0x01, 0x00, 0x00};
    size_t i;

    if (octet[0] == 0x20 && octet[1] == 0x02) {
        memcpy(v4, octet + 2, 4);
        return true;
    }
    memcpy(v4, octet + 12, 4);
    if (memcmp(octet, teredo, sizeof(teredo)) == 0) {
        for (i = 0; i < 4; i++)
            v4[i] ^= 0xff;
        return true;
    }
    return memcmp(octet, wkp, sizeof(wkp)) == 0 ||
           ((octet[8] & 0xfd) == 0 && octet[9] == 0 && octet[10] == 0x5e && octet[11] == 0xfe);
}

void trace_find_v6(struct trace *t, const struct view *v, const uint8_t octet[16])
{
    uint8_t v4[4];

    match_last_group(t, v, octet);
    match_groups(t, v, octet);
    if (t->form < FORM_SIX)
        match_nibbles(t, v, octet);
    if (t->form < FORM_SIX && long_piece(v))
        match_base32(t, v, octet);
    if (t->form < FORM_SIX && inner_v4(v4, octet))
        trace_find_v4(t, v, v4);
}
