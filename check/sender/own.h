/* What is known of this machine before DNS is asked: its mail server, name and addresses.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_OWN_H
#define IPREV_SENDER_OWN_H

#include "check/commands.h"
#include "check/sender/sender.h"

struct own {
    struct mta mta;
    char host[MTA_TEXT]; /* its host name */
    bool given;          /* the addresses are from the command line */
    unsigned n, temporaries;
    struct addr addr[QUESTION_ADDRS_MAX], temporary[QUESTION_ADDRS_MAX];
};

/* No other thread may run. */
void own_find(struct own *m, const struct sender_options *o);

/* Adds every address that mail leaves from, with each HELO that is said over it; helo: said over
 * all, or NULL. x->host is set. */
void own_egresses(struct sender *x, const struct own *m, const char *helo);

#endif
