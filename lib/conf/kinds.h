/* Options, one row each, and their kinds: how a value gets into its place, is printed and freed.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CONF_KINDS_H
#define IPREV_CONF_KINDS_H

#include "value/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A value as written, and the sentence that is made of what is wrong with it. */
struct value {
    const char *text; /* of a text or of one element of a list; NULL: a number or a flag */
    int number;
    bool over; /* well formed, but a day that is gone */
    bool out_of_memory;
    char what[240];
};

struct option;

/* `where` is the member. take: what is wrong, or NULL; a list gets its elements one by one, and
 * none at all after an empty call of drop when it is replaced. */
struct kind {
    enum { TAKES_TEXT, TAKES_LIST, TAKES_NUMBER, TAKES_FLAG } takes;
    const char *(*take)(void *where, const struct option *o, struct value *v);
    void (*print)(const void *where, const struct option *o, FILE *out);
    void (*drop)(void *where);        /* empties it; NULL: owns nothing */
    bool (*unset)(const void *where); /* not printed then; NULL: always printed */
};

struct choice {
    const char *word;
    int value;
};

/* A row. section "": top level; "rules": one rule, offsets in struct rule. */
struct option {
    const char *section;
    const char *key;
    const struct kind *kind;
    const char *def; /* as written in a file; NULL: none */
    size_t at, size;
    unsigned min, max;                    /* numbers */
    const char *note;                     /* numbers: why this range; may be NULL */
    const struct choice *words;           /* words: up to one without text */
    const char *(*fit)(const char *text); /* texts: what is wrong, or NULL */
};

extern const struct kind kind_flag, kind_number, kind_octal, kind_word, kind_text, kind_socket,
    kind_names, kind_files, kind_networks, kind_forward, kind_trial, kind_to;

/* Options of rules. kind_when and kind_any: `where` is the whole rule. */
extern const struct kind kind_when, kind_any, kind_reply, kind_expires, kind_comment;

void kind_quote(const char *text, FILE *out);

/* ADDRESS or ADDRESS/BITS. What is wrong, or NULL; v->what is empty when it is neither. */
const char *kind_network(const char *text, struct addr_net *net, struct value *v);

/* YYYY-MM-DD, a day that exists: the second after it, UTC, else 0. */
int64_t kind_day_end(const char *s);

/* ---- table.c ---- */

extern const struct option settings_option[];
extern const size_t settings_options;

const struct option *settings_find(const char *section, const char *key);
bool settings_is_section(const char *name);
/* What was probably meant by an unknown key, as "; did you mean log?", or "". */
void settings_meant(const char *section, const char *key, char *buf, size_t size);

#endif
