/* What a greylist would have done to the mail of a log.
 *
 * Who meets a rule is known only when all clients are judged, and by then the lines are gone: so
 * each try for a recipient is written to a file without a name, 24 octets, and played afterwards,
 * in the order of time, by the daemon's own ledger over an empty store. Memory grows with the tries
 * of suspects only.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_GREY_H
#define IPREV_GREY_H

#include "check/replay/clients.h"
#include "conf/settings.h"
#include "value/checked.h"

#include <stdio.h>

/* A message, or a refused one, for one recipient. */
struct grey_try {
    uint32_t at; /* seconds since 1970, by the log's clock */
    uint32_t id; /* of the message: the same recipient is logged again when it waits */
    uint32_t domain, recipient; /* hashes; domain 0: the null sender */
    uint32_t client;            /* entry, as clients_get gives it */
    uint32_t kind;              /* of the recipient: audience.h */
};

struct grey_tries {
    FILE *file; /* NULL: no rule greylists */
    uint64_t n;
    bool failed; /* the file could not be written */
};

/* wanted: a rule greylists. False, with the reason on standard error, when there is no file. */
MUST_CHECK bool grey_begin(struct grey_tries *g, bool wanted);
void grey_add(struct grey_tries *g, const struct grey_try *one);
void grey_end(struct grey_tries *g);

struct grey_sum {
    uint64_t clients, back;       /* that were put off; of them those that came back in time */
    uint64_t put_off, passed;     /* tries */
    uint64_t firsts, firsts_back; /* first tries; of them those that came back in time */
    bool incomplete;              /* out of memory or disk */
};

/* Plays the tries of the clients whose fate is a greylist, and counts them there. */
void grey_play(struct clients *c, const struct settings *s, struct grey_tries *g,
               struct grey_sum *sum);

#endif
