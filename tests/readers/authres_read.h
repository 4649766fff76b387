/* Authentication-Results read back: see authres_read.c.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_TESTS_AUTHRES_READ_H
#define IPREV_TESTS_AUTHRES_READ_H

#include "outcome/authres.h"

struct authres {
    char id[AUTHRES_ID_MAX];
    enum finding result; /* F_IPREV_* of the first iprev method, F_NONE without one */
    char reason[64];     /* empty without one */
    struct addr client;  /* policy.iprev; ADDR_NONE without one */
};

/* Reads any RFC 8601 field, other methods (and versions of iprev) skipped. False,
 * and *out empty, when it breaks the grammar, has another version than 1, or a
 * part does not fit or is no address. */
bool authres_read(struct authres *out, const char *value, size_t n);

#endif
