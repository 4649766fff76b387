/* A run over one or several clients, each judged and explained.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_EXPLAIN_RUN_H
#define IPREV_EXPLAIN_RUN_H

#include "check/explain/explanation.h"

/* One line of what several clients come to. */
struct summary {
    struct addr client;
    enum action action;
    enum finding result, cause;
};

/* One run: a resolver whose questions are noted, and what it prints. */
struct run {
    const struct settings *settings;
    struct resolver *resolver;
    struct questions *questions;
    char id[AUTHRES_ID_MAX];
    struct term term;
    bool text;    /* for each client, to term.out */
    json_t *list; /* one object for each client; or NULL */
    bool away;    /* as another server sees the client: this one's name is not its own there */
    void (*explained)(void *arg, const struct explanation *e); /* or NULL */
    void *arg;
    struct summary summary[QUESTION_ADDRS_MAX];
    unsigned clients;
    int code;
};

/* False with the exit code in r->code. */
bool run_start(struct run *r, const struct settings *s, bool json);
void run_client(struct run *r, const struct addr *client, const char *helo);
int run_end(struct run *r); /* the exit code: of several clients the worst counts (1, 75, 0) */

bool run_refused(enum action action);
void run_print_json(json_t *value); /* to standard output; NULL: nothing */

#endif
