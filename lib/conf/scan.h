/* One look over a configuration text before libconfig reads it: what libconfig would let pass,
 * misread, or report only as a "syntax error".
 *
 * It follows names, values and brackets, and leaves the rest of the grammar to libconfig.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CONF_SCAN_H
#define IPREV_CONF_SCAN_H

#include "conf/fault.h"

#include <stddef.h>

#define SCAN_NAMES_MAX 2000 /* libconfig compares each name of a group with all others */
#define SCAN_DEPTH_MAX 16
#define SCAN_TOLD_MAX  200
#define SCAN_MARK      5 /* octets put before a name that occurs twice */
/* A text needs so much room after its end. */
#define SCAN_ROOM (SCAN_NAMES_MAX * SCAN_MARK + 1)

struct scan_name {
    size_t at, len;
    int line;
    int parent;         /* index of the group it is in, or -1 */
    int opened, closed; /* lines of the bracket that is its value, or 0 */
    char bracket;
};

struct scan {
    struct faults *rd;
    const char *file;
    char *text;
    size_t n, at;
    int line;
    bool unfit; /* libconfig must not get the text */
    bool stopped;
    int expect;
    int key; /* index of the name whose value is read, or -1 */
    struct scan_name name[SCAN_NAMES_MAX];
    int names;
    struct {
        char bracket;
        int line, key;
    } open[SCAN_DEPTH_MAX];
    unsigned depth;
    struct {
        int line, key;
    } told[SCAN_TOLD_MAX]; /* faults that were reported */
    unsigned tolds;
};

/* Looks over the n octets of text, which end with a newline and a NUL, and reports. A name that
 * occurs twice in a group gets a mark, `*` and digits, so that libconfig goes on; n grows. */
void scan_text(struct scan *sc, struct faults *rd, const char *file, char *text, size_t n);

/* Was a fault reported for this line, and this key (NULL: any)? */
bool scan_told(const struct scan *sc, int line, const char *key);

/* The bracket that is open at the end of a line, as "; the { of resolver, opened in line 2, is
 * still open", or "". */
void scan_open_at(const struct scan *sc, int line, char *buf, size_t size);

#endif
