/* The chain as a person reads it: link by link, whether it is in order, and who fixes it how.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_LINKS_H
#define IPREV_LINKS_H

#include "check/explain/questions.h"
#include "outcome/verdict.h"

#define LINKS_MAX 24
#define FIXES_MAX 2 /* of one link: a PTR record and the address of its name */

enum link_state { LINK_OK, LINK_BROKEN, LINK_WEAK, LINK_UNKNOWN };

/* The right order: a PTR record that leads nowhere is worse than none. */
enum fix_order { FIX_FORWARD, FIX_REVERSE, FIX_HELO, FIX_LOOK, FIX_ORDERS };

/* For a person. */
struct fix {
    enum fix_order order;
    bool example;      /* the name in it is made up */
    char how[73];      /* who fixes it, and how; ends in a colon */
    char record[1100]; /* the record to create, or the command that shows more; of FIX_HELO a line
                        * for each mail server: "Postfix   smtp_helo_name = mail.example.com" */
    unsigned number;   /* from 1, in the right order; the same record, the same number */
    bool repeated;     /* an earlier fix has the same record */
};

struct link {
    enum link_state state;
    enum finding finding; /* that it rests on, or F_NONE */
    const char *title;    /* such as "PTR record" */
    char text[768];       /* what is there; makes sense without the title */
    unsigned fixes;       /* 0 when nothing is wrong */
    struct fix fix[FIXES_MAX];
};

struct links {
    unsigned n;
    struct link link[LINKS_MAX];
};

/* qs: the questions of this client; may be empty. helo: as given; NULL: none was given here, so
 * its absence is not the client's. */
void links_judge(struct links *l, const struct facts *f, const struct verdict *v,
                 const struct questions *qs, const char *helo);

const char *link_word(enum link_state state); /* "ok", "broken", "weak", "unknown" */

const char *name_state_word(enum name_state state); /* "confirmed", "elsewhere", ... */

#endif
