/* Questions that go out together.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_BATCH_H
#define IPREV_SENDER_BATCH_H

#include "check/sender/ask.h"

struct batch {
    struct asker *asker;
    unsigned ms; /* for questions to the resolver; those to servers have ASK_SERVER_MS */
    size_t n, most;
    struct ask *ask;
};

/* False, with the reason on standard error. A batch that is all zero may be freed, too. */
MUST_CHECK bool batch_start(struct batch *b, const struct resolver_settings *s, size_t most);
void batch_free(struct batch *b);

/* One more question; beyond `most` none. Do not mix both kinds in one batch. */
void batch_resolver(struct batch *b, const struct dname *name, uint16_t type);
void batch_server(struct batch *b, const struct dname *name, uint16_t type, enum ask_way way,
                  const struct addr *server);
/* By UDP to a resolver; unchecked: it is not to validate. Goes with batch_server. */
void batch_forwarder(struct batch *b, const struct dname *name, uint16_t type,
                     const struct addr *server, uint16_t port, bool unchecked);

void batch_run(struct batch *b);
void batch_clear(struct batch *b); /* for the next round */

#endif
