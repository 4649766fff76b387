/* Character classes of RFC 20 text, independent of the locale.
 *
 * Peer bytes never meet <ctype.h>: isalpha() depends on the locale and is
 * undefined for negative char values.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_ASCII_H
#define IPREV_ASCII_H

#include <stdbool.h>
#include <stddef.h>

static inline bool ascii_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static inline bool ascii_alpha(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool ascii_alnum(unsigned char c)
{
    return ascii_alpha(c) || ascii_digit(c);
}

/*@ assigns \nothing;
    ensures !('A' <= \result <= 'Z'); */
static inline unsigned char ascii_lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

static inline void ascii_lower_text(char *s)
{
    for (; *s != '\0'; s++)
        *s = (char)ascii_lower((unsigned char)*s);
}

/* 0 to 15, or -1 when c is no hexadecimal digit. */
static inline int ascii_hex(unsigned char c)
{
    if (ascii_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Blank of RFC 5322 folding white space: space, tab, CR, LF. */
static inline bool ascii_blank(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The n bytes at s are the lower-case word w, in any case. */
static inline bool ascii_is_word(const char *s, size_t n, const char *w)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (w[i] == '\0' || ascii_lower((unsigned char)s[i]) != (unsigned char)w[i])
            return false;
    return w[n] == '\0';
}

#endif
