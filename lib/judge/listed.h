/* Clients of exempt lists: addresses, networks and names, each for ever or until a moment.
 *
 * One sorted table, however many files it was read from: a look-up costs one binary search for
 * each length of network that is listed, or for each label of a name. It is never written to once
 * it is in force.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_LISTED_H
#define IPREV_LISTED_H

#include "value/addr.h"
#include "value/dname.h"

#define LISTED_KEY_MAX  (1 + DNAME_MAX)
#define LISTED_FOR_EVER INT64_MAX

/* What stands on a line as octets that are equal when it means the same. */
struct listed_key {
    size_t len;
    uint8_t octets[LISTED_KEY_MAX];
};

struct listed {
    const uint8_t *key;
    size_t len;
    int64_t end; /* seconds since 1970 from which it is no longer listed */
};

struct exempt_list {
    size_t n;
    struct listed *client;    /* sorted by listed_compare; of equal keys only the last end */
    bool four[129], six[129]; /* lengths of the networks that occur */
    int64_t names_end;        /* the last end of a name; 0: there is none */
};

struct listed_key listed_network(const struct addr_net *net);

/* below: `.domain`, every name below it and not itself. */
struct listed_key listed_name(const struct dname *name, bool below);

/* As it stands on a line. */
void listed_put(struct sbuf *sb, const struct listed *c);

/* The same client. */
bool listed_same(const struct listed *a, const struct listed *b);

/* By octets, then by length; of the same client, by end. */
int listed_compare(const struct listed *a, const struct listed *b);

bool listed_has_address(const struct exempt_list *l, const struct addr *client, int64_t now);
bool listed_has_name(const struct exempt_list *l, const struct dname *name, int64_t now);

#endif
