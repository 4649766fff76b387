/* What the classifier sees in a name: for the tests of its parts.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_TESTS_EVIDENCE_OF_H
#define IPREV_TESTS_EVIDENCE_OF_H

#include "shape/parts.h"
#include "tests/unit/values.h"

static inline struct evidence evidence_of(const char *ip, const char *text)
{
    struct dname name = name_of(text);
    struct addr client;
    struct view v;
    struct evidence e;

    cr_assert(addr_parse(&client, ip, strlen(ip)), "%s", ip);
    view_make(&v, &name);
    evidence_collect(&e, &v, &client);
    return e;
}

#endif
