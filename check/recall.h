/* What the filter remembers of a client, read from the daemon's own store.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_RECALL_H
#define IPREV_RECALL_H

#include "conf/settings.h"
#include "memory/view.h"
#include "value/sbuf.h"

#define RECALL_TROUBLE_MAX 512

enum recall {
    RECALL_DONE,
    RECALL_NONE,   /* there is no store yet: nothing is remembered */
    RECALL_DENIED, /* this user may not read it; the daemon may */
    RECALL_FAILED, /* the daemon cannot use it either */
};

/* Opens the store, looks and closes. Root becomes the owner of the store (Redis: the user of the
 * settings) for good, since what lies there is not root's. The reason for all but RECALL_DONE is in
 * why. */
enum recall recall_client(const struct settings *s, const struct addr *client,
                          struct memory_client *out, char why[RECALL_TROUBLE_MAX]);

/* "2026-12-29": the last day, UTC, that ends not later than this second. */
void recall_put_last_day(struct sbuf *sb, int64_t end_s);

#endif
