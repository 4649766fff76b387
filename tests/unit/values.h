/* What the tests of addr, dname, answer and findings share: random numbers that
 * are the same in every run, and names made from literals.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_TESTS_VALUES_H
#define IPREV_TESTS_VALUES_H

#include <criterion/criterion.h>
#include <string.h>

#include "value/dname.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static uint64_t random_state; /* set it first, to any number */

static inline uint64_t next_random(void)
{
    uint64_t v = random_state += 0x9e3779b97f4a7c15u;

    v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
    v = (v ^ v >> 27) * 0x94d049bb133111ebu;
    return v ^ v >> 31;
}

static inline struct dname name_of(const char *s)
{
    struct dname d;

    cr_assert(dname_from_text(&d, s, strlen(s)), "%s", s);
    return d;
}

static inline struct dname wire_name(const char *wire, size_t n)
{
    struct dname d;

    cr_assert(dname_from_wire(&d, (const uint8_t *)wire, n), "%s", wire);
    return d;
}

#define WIRE(literal) wire_name(literal, sizeof(literal)) /* the NUL is the root label */

static inline const char *text_of(const struct dname *d,
                                  void (*put)(struct sbuf *, const struct dname *))
{
    static char text[DNAME_VISIBLE_MAX];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof(text));
    put(&sb, d);
    cr_assert(!sb.overflow, "DNAME_VISIBLE_MAX is enough");
    return text;
}

static inline bool is_root(const struct dname *d)
{
    return d->len == 1 && d->wire[0] == 0;
}

/* The longest name there is: labels of 63, 63, 63 and 61 octets. */
static inline struct dname longest(uint8_t octet)
{
    static const size_t sizes[] = {63, 63, 63, 61};
    uint8_t wire[DNAME_MAX];
    struct dname d;
    size_t at = 0;
    size_t i;

    for (i = 0; i < ROWS(sizes); i++) {
        wire[at++] = (uint8_t)sizes[i];
        memset(wire + at, octet, sizes[i]);
        at += sizes[i];
    }
    wire[at++] = 0;
    cr_assert(at == sizeof(wire) && dname_from_wire(&d, wire, at));
    return d;
}

/* Random wire name; octets out of `alphabet`, or any octet when it is NULL. */
static inline struct dname random_name(const char *alphabet)
{
    struct dname d = {.len = 0};
    size_t i = 0;
    size_t room = 1 + next_random() % 253;

    while (room >= 2) {
        size_t n = 1 + next_random() % (next_random() % 4 ? 8 : 63);
        size_t k;

        if (n > room - 1)
            n = room - 1;
        d.wire[i++] = (uint8_t)n;
        for (k = 0; k < n; k++)
            d.wire[i++] = alphabet ? (uint8_t)alphabet[next_random() % strlen(alphabet)]
                                   : (uint8_t)next_random();
        room -= n + 1;
    }
    d.wire[i++] = 0;
    d.len = (uint8_t)i;
    return d;
}

#endif
