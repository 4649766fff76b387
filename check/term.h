/* Output for people: colour and width only for a terminal.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_TERM_H
#define IPREV_TERM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum tone { TONE_PLAIN, TONE_HEAD, TONE_GOOD, TONE_BAD, TONE_NOTE, TONE_DIM };

struct term {
    FILE *out;
    bool colour;
    unsigned columns; /* to write in: 78, or fewer on a narrow terminal */
};

/* Colour when out is a terminal, TERM is not "dumb" and NO_COLOR is unset or empty
 * (no-color.org). */
void term_init(struct term *t, FILE *out);

void term_put(const struct term *t, enum tone tone, const char *text);

/* A title on a line of its own, after an empty one. */
void term_head(const struct term *t, const char *text);

/* The text, then spaces up to width columns. */
void term_cell(const struct term *t, enum tone tone, const char *text, unsigned width);

/* The text broken at spaces into lines of at most t->columns, each starting with `indent` spaces.
 * `used`: columns that are already written on the line. Ends the line. */
void term_wrap(const struct term *t, const char *text, unsigned indent, unsigned used);

/* A progress line on standard error, drawn over itself; nothing when that is no
 * terminal. */
struct progress {
    bool on;
    const char *what;
    uint64_t total; /* 0: not known */
    int64_t started, shown;
};

void progress_start(struct progress *p, const char *what, uint64_t total);
void progress_at(struct progress *p, uint64_t done);
void progress_end(struct progress *p);

#endif
