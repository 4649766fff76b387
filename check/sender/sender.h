/* HOST and self, see commands.h: is this mail server's name in order, and what is to fix?
 *
 * Every address is judged as a client of its own; then the name servers of the reverse zones and of
 * the names are asked beside the resolver.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_H
#define IPREV_SENDER_H

#include "check/explain/run.h"
#include "check/sender/looks.h"
#include "check/sender/refused.h"

#define PROBLEMS_MAX 64
#define FIXES_SHOWN  64
#define PROBLEM_TEXT 1024

/* What was found, of all addresses. */
struct sender {
    struct run run;
    const char *host;        /* as text */
    struct refused *refused; /* of the command refused; or NULL */
    struct looks looks;
    bool broken; /* there is something to fix, not only something that DNS did not tell */
    unsigned problems, fixes;
    char problem[PROBLEMS_MAX][PROBLEM_TEXT]; /* of the chains: one sentence each */
    struct fix fix[FIXES_SHOWN];              /* in the right order */
};

/* details: what was written about each address. */
void sender_text(const struct sender *x, const char *details);
json_t *sender_json(const struct sender *x);

#endif
