/* The chain as a person reads it: link by link, whether it holds, and who mends it how.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_LINKS_H
#define IPREV_LINKS_H

#include "check/explain/questions.h"
#include "outcome/verdict.h"

#define LINKS_MAX 24

enum link_state { LINK_HOLDS, LINK_BROKEN, LINK_WEAK, LINK_UNKNOWN };

/* Two lines for a person. */
struct mend {
    char how[80];      /* who mends it, and how; ends in a colon */
    char record[1100]; /* the record or setting to create, or the command that shows more */
};

#define MENDS_MAX 2 /* of one link: a PTR record and the address of its name */

struct link {
    enum link_state state;
    enum finding finding; /* that it rests on, or F_NONE */
    const char *title;    /* such as "PTR record" */
    char text[768];       /* what is there */
    unsigned mends;       /* 0 when it holds */
    struct mend mend[MENDS_MAX];
};

struct links {
    unsigned n;
    struct link link[LINKS_MAX];
};

/* qs: the questions of this client; may be empty. helo: as given; NULL: none was named, so
 * its absence is not the client's. */
void links_judge(struct links *l, const struct facts *f, const struct verdict *v,
                 const struct questions *qs, const char *helo);

const char *link_word(enum link_state state); /* "ok", "broken", "weak", "unknown" */

const char *name_state_word(enum name_state state); /* "confirmed", "elsewhere", ... */

#endif
