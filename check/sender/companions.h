/* Other records that receivers look at: MX, SPF and DMARC of the domain, shown as published and
 * not judged.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_COMPANIONS_H
#define IPREV_SENDER_COMPANIONS_H

#include "check/sender/said.h"

#define COMPANIONS_MAX    4
#define COMPANION_RECORDS 8
#define COMPANION_TEXT    1024

struct companion {
    struct dname name;
    const char *what;    /* "MX", "SPF", "DMARC" */
    enum said_kind kind; /* SAID_DATA: record; SAID_NODATA: none of this kind; else why unknown */
    unsigned n, left_out;
    char record[COMPANION_RECORDS]
               [COMPANION_TEXT]; /* visible, in order; a longer one is left out */
};

struct companions {
    unsigned n;
    struct companion companion[COMPANIONS_MAX];
};

/* Of the registrable domain of this host name, and the SPF record of the name itself if it has
 * one. False, with the reason on standard error, when it cannot ask. */
MUST_CHECK bool companions_ask(struct companions *c, const struct dname *host,
                               const struct resolver_settings *s);

/* Part of it: what an answer says; c->what is set. */
void companion_read(struct companion *c, const struct ask *ask);

#endif
