/* Is a PTR (or HELO) name chosen for a host, or made by a machine?
 *
 * Decided from the name and the client address alone: no DNS, no allocation,
 * no regular expressions. A name that shows less than two octets of the address is generic
 * only with a margin of evidence, and named below it: an accusation needs more than a guess.
 * Digits of the address are matched against this very
 * address, left of the registrable domain only. Below the common top-level domains
 * the host part begins at the label right of which everybody registers, so zones of
 * companies in the private part of the public suffix list (compute.amazonaws.com)
 * count as domains of one operator.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SHAPE_H
#define IPREV_SHAPE_H

#include "value/dname.h"

enum shape_kind {
    SHAPE_NAMED,   /* somebody chose this name for this host */
    SHAPE_GENERIC, /* the provider's default for the address */
    SHAPE_PROVIDER /* numbered outbound host of a mail provider */
};

#define SHAPE_WHY_MAX 128

struct shape {
    enum shape_kind kind;
    bool weak; /* generic by its words alone: nothing of the address shows in the name */
    bool bare; /* the name is itself a registrable domain */
    /* The strongest reasons in words, for people: printable ASCII without
     * `;`, `"`, `\` and `=`, never empty, such as
     * "address 192.0.2.1 reversed in the name, access word dsl". */
    char why[SHAPE_WHY_MAX];
};

/* name must be a host name (dname_is_host). client may be ADDR_NONE: then only
 * the form of the name speaks. */
void shape_judge(struct shape *out, const struct dname *name, const struct addr *client);

/* Octets in use: a copy of so many is a whole shape. */
size_t shape_size(const struct shape *s);

/* "generic", "named" or "provider". */
const char *shape_word(enum shape_kind kind);

#endif
