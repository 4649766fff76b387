/* All that is known of one client, and how it is printed.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_EXPLANATION_H
#define IPREV_EXPLANATION_H

#include "check/explain/links.h"
#include "check/recall.h"
#include "check/term.h"
#include "conf/settings.h"

#include <jansson.h>

struct explanation {
    const struct settings *settings;
    const char *id; /* authserv-id */
    bool anchored;  /* DNSSEC is validated */
    struct facts facts;
    struct verdict verdict;
    struct links links;
    struct {
        bool asked; /* it matters to the verdict */
        enum recall result;
        struct memory_client client;
        char why[RECALL_TROUBLE_MAX];
    } memory;
    struct questions *questions;
    const char *helo; /* as given; NULL: none */
    bool fixes_apart; /* the text does not end with what to do: that is shown for all clients */
};

/* How to fix it, and the record, under its number. */
void fix_print(const struct fix *x, const struct term *t);

void explain_text(const struct explanation *e, const struct term *t);
json_t *explain_json(const struct explanation *e);

/* The judgement alone, for batch, too: findings, names, rule, action, mode. */
json_t *verdict_json(const struct verdict *v);

#endif
