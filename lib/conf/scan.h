/* Tokens of a configuration text, for settings_scan.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SETTINGS_SCAN_H
#define IPREV_SETTINGS_SCAN_H

#include "conf/impl.h"

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_MARK, TOKEN_BAD };

struct token {
    enum token_kind kind;
    char mark; /* of a TOKEN_MARK: one of { } ( ) = , and + for += */
    size_t start, end;
    int line;
};

struct scan {
    struct reader *rd;
    const char *file;
    char *text;
    size_t n, at;
    int line;
    bool adds;   /* the statement is written with += */
    bool unsafe; /* libconfuse must not see this text */
    bool lost;   /* the structure cannot be followed; libconfuse will say why */
};

/* Checks all octets and drops the CR of CR LF. False: reported, unsafe. */
bool scan_octets(struct scan *sc);

/* The next token; comments on the way are blanked. TOKEN_BAD: reported, unsafe. */
struct token scan_next(struct scan *sc);

/* Reports what makes a text unsafe. */
struct token scan_bad(struct scan *sc, int line, const char *what);

void scan_blank(struct scan *sc, size_t from, size_t to);

#endif
