/* Inside of settings: the option table and what its rows are made of.
 *
 * A configuration goes through four steps: a file is read whole (settings_file), its
 * text is looked over (settings_scan, settings_token), libconfuse makes values of
 * it (settings), and the rows of the table (settings_rows) put the values into place
 * by their kinds (settings_kinds, settings_rules, settings_checks).
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SETTINGS_IMPL_H
#define IPREV_SETTINGS_IMPL_H

#include "conf/settings.h"

#include <sys/types.h>

#define SETTINGS_BYTES_MAX   1048576 /* of one file */
#define SETTINGS_LINE_MAX    4096    /* octets of one line */
#define SETTINGS_DEPTH_MAX   8       /* files included one in the other, the first counts */
#define SETTINGS_FILES_MAX   256     /* read for one configuration */
#define SETTINGS_SHOWN_MAX   128     /* "resolver.deadline", `rule "x": action` */
#define SETTINGS_SECTION_MAX 16      /* options of one section */

/* One value as written. line 0: a default. */
struct value {
    const char *file;
    int line;
    char text[];
};

/* A statement that was met: option or rule. */
struct seen {
    char *shown;
    const char *file;
    int line;
    bool added; /* with += */
};

/* A file being read. */
struct source {
    const char *file;
    dev_t dev;
    ino_t ino;
    int line; /* of the include() in the file that asks for it */
};

/* One run of settings_read. */
struct reader {
    FILE *err;
    unsigned faults;
    bool out_of_memory;
    bool broken; /* some text was not read to its end */
    struct source stack[SETTINGS_DEPTH_MAX];
    unsigned depth;
    char *file[SETTINGS_FILES_MAX];
    unsigned files;
    struct seen *seen;
    size_t seens;
    unsigned rules;
    void *tree; /* libconfuse's */
};

/* Writes "FILE:LINE: KEY: text" and counts it. line 0 and key NULL leave
 * those parts out. What is not printable ASCII goes out as \xHH. */
__attribute__((format(printf, 5, 6))) void settings_fault(struct reader *rd, const char *file,
                                                          int line, const char *key,
                                                          const char *fmt, ...);

/* The same without counting it: the configuration stays good. */
__attribute__((format(printf, 5, 6))) void
settings_note(struct reader *rd, const char *file, int line, const char *key, const char *fmt, ...);

/* What was written for one option. */
struct input {
    struct reader *rd;
    const char *shown;
    size_t n;
    const struct value *const *v;
};

struct option;

/* How values of one sort are read, printed and freed. `where` is the member. */
struct kind {
    bool list;
    void (*read)(void *where, const struct option *o, const struct input *in);
    void (*print)(const void *where, const struct option *o, FILE *out);
    void (*drop)(void *where); /* NULL: owns nothing */
};

struct word {
    const char *word;
    int value;
};

/* A row. section "": top level; "rule": one rule, offsets in struct rule. */
struct option {
    const char *section;
    const char *key;
    const struct kind *kind;
    const char *def; /* as written in a file; NULL: must be given */
    size_t at, size;
    unsigned min, max;                    /* numbers */
    const char *note;                     /* numbers: why this range; may be NULL */
    const struct word *words;             /* words: up to one without text */
    const char *(*fit)(const char *text); /* texts: what is wrong, or NULL */
};

extern const struct option settings_option[];
extern const size_t settings_options;

extern const struct kind kind_flag, kind_number, kind_octal, kind_word, kind_text, kind_socket,
    kind_names, kind_networks, kind_forward, kind_when, kind_reply, kind_expires, kind_comment;

/* settings_rows */
const struct option *settings_find(const char *section, const char *key);
const char *settings_section(const char *name); /* kept name of a section, or NULL */
/* The key that was probably meant, written into buf; or NULL. */
const char *settings_meant(const char *section, const char *key, char *buf, size_t size);
/* Edits from a to b; SETTINGS_FAR when too many for a slip of the pen. */
#define SETTINGS_FAR 99
unsigned settings_distance(const char *a, const char *b);

/* settings_checks: what is wrong with a text, or NULL */
const char *fit_user(const char *text);
const char *fit_relays(const char *text);
const char *fit_authserv_id(const char *text);
const char *fit_file(const char *text);
const char *fit_anchor(const char *text);
const char *fit_listen(const char *text);
const char *fit_host(const char *text);
const char *fit_recipient(const char *text);
const char *fit_forward(const char *text);

/* settings_scan: looks a text over, reports what libconfuse would not (unknown
 * keys, keys set twice), and blanks what was reported and all comments.
 * False: do not give the text to libconfuse. */
bool settings_scan(struct reader *rd, const char *file, char *text, size_t n);
const struct seen *settings_seen(const struct reader *rd, const char *shown);

/* settings_file */
/* Opens, reads and checks a file, and calls parse with its text. from and line: who
 * includes it, or NULL. */
typedef void settings_parse(struct reader *rd, char *text, size_t n);
void settings_file(struct reader *rd, const char *file, const char *from, int line,
                   settings_parse *parse);
/* All files that an include("pattern") in the present file means. */
void settings_include(struct reader *rd, const char *pattern, int line, settings_parse *parse);
const char *settings_present(const struct reader *rd); /* file being read, or NULL */

/* settings_print: a text in double quotes, as libconfuse reads it */
void settings_quote(const char *text, FILE *out);

#endif
