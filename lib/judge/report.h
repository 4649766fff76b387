/* The whole judgement of one client: facts in, report out.
 *
 * The daemon, the explainer and the replayer all call this; it is the only
 * place where findings are put together.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_REPORT_H
#define IPREV_REPORT_H

#include "judge/exempt.h"
#include "judge/helo.h"
#include "shape/shape.h"

/* Local overrides of the name-shape judgement. */
struct shape_lists {
    struct name_list generic; /* machine-made, whatever shape_judge says */
    struct name_list named;   /* chosen, whatever it says; looked at first */
};

/* The name's shape: by the local lists, else by shape_judge. name must be a host
 * name; shapes may be NULL. */
void report_shape(struct shape *out, const struct dname *name, const struct addr *client,
                  const struct shape_lists *shapes);

/* What is known about a client at one moment. */
struct facts {
    struct addr client;
    enum finding skip;         /* F_SKIP_* when exempt, else F_NONE */
    const struct chain *chain; /* NULL: DNS never answered */
    enum finding chain_cause;  /* F_DNS_* that says why chain is NULL */
    bool helo_known;           /* false: before HELO, the group is unsure */
    bool helo_lost;            /* it will never be known: none of the group, and none unsure */
    const struct helo *helo;   /* when helo_known */
    enum name_state forward;   /* of the HELO name; NAME_PENDING: not asked */
    bool helo_asked;           /* HELO questions are switched on */
    struct self self;
    const struct shape_lists *shapes; /* or NULL */
    /* What shape_judge says of the name that the chain shows, and of the HELO name, where somebody
     * remembers it; NULL: it is judged. Of the HELO name only the kind counts. */
    const struct shape *ptr_shape, *helo_shape;
};

struct report {
    findings found;
    findings unsure; /* words that a later answer could add or take away */
    enum finding result;
    enum finding cause;      /* F_NONE on pass */
    struct dname ptr;        /* the name judged and shown; root: none */
    struct dname helo;       /* root: none that is a host name */
    char why[SHAPE_WHY_MAX]; /* of the name shape; empty without a name */
};

void report_make(struct report *r, const struct facts *f);

/* What memory says of a client. */
enum remembered { NOT_REMEMBERED, REMEMBERED, MEMORY_FAILED };

/* client-known is found, absent, or unsure for want of memory. */
void report_remember(struct report *r, enum remembered what);

/* What a log line of ours tells of a client: words instead of the answers that they rest on. */
struct recalled {
    struct addr client;
    enum finding skip;                /* F_SKIP_* when exempt, else F_NONE */
    findings found;                   /* without a word of HELO: the line was written before HELO */
    struct dname ptr;                 /* root: none */
    struct dname helo;                /* root: none that is a host name */
    const struct shape_lists *shapes; /* or NULL */
};

/* The same report, as far as the words tell: shapes are judged again, by the lists of now. Of a
 * chain with several names the line shows one: the others are taken as answered on a pass, and as
 * open on a temporary error. */
void report_recall(struct report *r, const struct recalled *w);

/* As the functions of exempt.h: the address is listed, or the name shown is confirmed and on the
 * list, or could be proven so. */
bool recalled_exempt(const struct recalled *w, const struct name_list *hosts);
bool recalled_exempt_open(const struct recalled *w, const struct name_list *hosts);
bool recalled_listed(const struct recalled *w, const struct exempt_list *list, int64_t now);
bool recalled_listed_open(const struct recalled *w, const struct exempt_list *list, int64_t now);

#endif
