/* A lookup that a session has asked for: see asked.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/asked.h"

#include <string.h>

void asked_drop(struct asked *a)
{
    if (a->lookup != NULL)
        lookup_release(a->lookup);
    memset(a, 0, sizeof *a);
}

bool asked_done(const struct asked *a)
{
    return a->lookup != NULL && lookup_done(a->lookup);
}

unsigned asked_questions(const struct asked *a, unsigned most)
{
    if (a->lookup == NULL || a->remembered)
        return 0;
    return lookup_done(a->lookup) ? lookup_questions(a->lookup) : most;
}

void asked_tell(struct asked *a, struct record_log *log)
{
    if (a->told || !asked_done(a))
        return;
    a->told = true;
    if (a->remembered)
        return;
    log->questions += lookup_questions(a->lookup);
    if (lookup_ms(a->lookup) > log->dns_ms)
        log->dns_ms = lookup_ms(a->lookup);
}
