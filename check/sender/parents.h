/* Does the world know a zone? Its delegation, as the servers of the zone above have it.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_PARENTS_H
#define IPREV_SENDER_PARENTS_H

#include "check/sender/batch.h"
#include "check/sender/looks.h"

/* Fills in `parent` and `above` of each look whose zone is known. Nothing is said where the zone
 * above cannot be asked. */
void parents_ask(struct looks *l, struct batch *b);

#endif
