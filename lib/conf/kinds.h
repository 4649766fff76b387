/* Kinds of options: how each is read from libconfig's tree into its place, printed and freed.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CONF_KINDS_H
#define IPREV_CONF_KINDS_H

#include "conf/fault.h"

#include <libconfig.h>
#include <stddef.h>

/* One setting as written. */
struct input {
    struct faults *rd;
    const char *file; /* NULL: a default */
    const char *shown;
    const config_setting_t *node;
    bool add; /* a list is added to what is there, not put in its place */
};

struct option;

/* `where` is the member. */
struct kind {
    void (*read)(void *where, const struct option *o, const struct input *in);
    void (*print)(const void *where, const struct option *o, FILE *out);
    void (*drop)(void *where);        /* NULL: owns nothing */
    bool (*unset)(const void *where); /* not printed then; NULL: always printed */
};

struct word {
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
    const struct word *words;             /* words: up to one without text */
    const char *(*fit)(const char *text); /* texts: what is wrong, or NULL */
};

extern const struct kind kind_flag, kind_number, kind_octal, kind_word, kind_text, kind_socket,
    kind_names, kind_networks, kind_forward;

/* For kinds elsewhere. A fault of this element: WHAT, or "VALUE" WHAT. */
void kind_fault_at(const struct input *in, const config_setting_t *v, const char *what);
void kind_fault(const struct input *in, const config_setting_t *v, const char *what);
/* The text of an element; NULL: reported that it is none. */
const char *kind_string(const struct input *in, const config_setting_t *v);
/* Elements of a list; 0 and reported when it is none. */
int kind_length(const struct input *in);
void kind_quote(const char *text, FILE *out);

#endif
