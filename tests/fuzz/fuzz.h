/* What the fuzz targets share: taking pieces of the input, and saying what broke.
 *
 * An input that is used up goes on with zeros, so that every input means something.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_TESTS_FUZZ_H
#define IPREV_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property; no assert, which NDEBUG would switch off. */
#define MUST(holds)                                                                                \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct feed {
    const uint8_t *at;
    size_t left;
};

static inline uint8_t take(struct feed *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static inline uint16_t take16(struct feed *in)
{
    unsigned high = take(in);

    return (uint16_t)(high << 8 | take(in));
}

static inline void take_into(struct feed *in, void *out, size_t n)
{
    uint8_t *p = out;

    while (n-- > 0)
        *p++ = take(in);
}

/* A piece of at most n octets, borrowed. */
static inline struct feed take_piece(struct feed *in, size_t n)
{
    struct feed piece = {in->at, n < in->left ? n : in->left};

    in->at += piece.left;
    in->left -= piece.left;
    return piece;
}

/* A copy of its very size, so that the sanitizer sees a read behind it. To be freed. */
static inline char *copy_of(const struct feed *piece)
{
    char *copy = malloc(piece->left > 0 ? piece->left : 1);

    MUST(copy != NULL);
    if (piece->left > 0)
        memcpy(copy, piece->at, piece->left);
    return copy;
}

/* The same with a NUL behind it. */
static inline char *text_of_piece(const struct feed *piece)
{
    char *copy = malloc(piece->left + 1);

    MUST(copy != NULL);
    if (piece->left > 0)
        memcpy(copy, piece->at, piece->left);
    copy[piece->left] = '\0';
    return copy;
}

/* Printable ASCII, and what stands in `more`. */
static inline bool is_printable(const char *s, size_t n, const char *more)
{
    size_t i;

    for (i = 0; i < n; i++)
        if ((s[i] < 0x20 || s[i] > 0x7e) && (s[i] == '\0' || strchr(more, s[i]) == NULL))
            return false;
    return true;
}

/* Printable lines: each LF begins a fold, no line is empty (RFC 5322 2.2.3). */
static inline bool is_folded(const char *s)
{
    const char *lf;

    if (!is_printable(s, strlen(s), "\n\t"))
        return false;
    for (lf = strchr(s, '\n'); lf != NULL; lf = strchr(lf + 1, '\n'))
        if (lf[1] != '\t' || lf[2] == '\0' || lf[2] == '\n')
            return false;
    return true;
}

#endif
