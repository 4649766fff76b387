/* The chain as a person reads it: link by link, whether it holds, and who mends it how.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_LINKS_H
#define IPREV_LINKS_H

#include "questions.h"
#include "verdict.h"

#define LINKS_MAX 24

enum link_state { LINK_HOLDS, LINK_BROKEN, LINK_WEAK, LINK_UNKNOWN };

struct link {
    enum link_state state;
    enum finding finding; /* that it rests on, or F_NONE */
    const char *title;    /* such as "PTR record" */
    char text[768];       /* what is there */
    char mend[512];       /* who mends it, and how; empty when it holds */
    char record[1024];    /* what to create, records separated by LF; or empty */
};

struct links {
    unsigned n;
    struct link link[LINKS_MAX];
};

/* qs: the questions of this client; may be empty. helo_given: an argument was named, so
 * its absence is worth a word. */
void links_judge(struct links *l, const struct facts *f, const struct verdict *v,
                 const struct questions *qs, bool helo_given);

const char *link_word(enum link_state state); /* "ok", "broken", "weak", "unknown" */

const char *name_state_word(enum name_state state); /* "confirmed", "elsewhere", ... */

#endif
