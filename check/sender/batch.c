/* Questions that go out together: see batch.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/batch.h"

#include <stdlib.h>

bool batch_start(struct batch *b, const struct resolver_settings *s, size_t most)
{
    *b = (struct batch){.asker = asker_new(s), .ms = s->deadline_ms, .most = most};
    if (b->asker == NULL)
        return false;
    b->ask = calloc(most, sizeof *b->ask);
    if (b->ask != NULL)
        return true;
    fputs("iprev-check: out of memory\n", stderr);
    batch_free(b);
    return false;
}

void batch_free(struct batch *b)
{
    batch_clear(b);
    free(b->ask);
    asker_free(b->asker);
    *b = (struct batch){.n = 0};
}

static void put(struct batch *b, const struct ask *ask)
{
    if (b->n < b->most)
        b->ask[b->n++] = *ask;
}

void batch_resolver(struct batch *b, const struct dname *name, uint16_t type)
{
    put(b, &(struct ask){.name = *name, .type = type, .way = ASK_RESOLVER});
}

void batch_server(struct batch *b, const struct dname *name, uint16_t type, enum ask_way way,
                  const struct addr *server)
{
    put(b, &(struct ask){.name = *name, .type = type, .way = way, .server = *server});
}

void batch_forwarder(struct batch *b, const struct dname *name, uint16_t type,
                     const struct addr *server, uint16_t port, bool unchecked)
{
    put(b, &(struct ask){.name = *name,
                         .type = type,
                         .way = ASK_UDP,
                         .server = *server,
                         .port = port,
                         .recurse = true,
                         .unchecked = unchecked});
}

void batch_run(struct batch *b)
{
    bool resolver = b->n > 0 && b->ask[0].way == ASK_RESOLVER;

    asker_run(b->asker, b->ask, b->n, resolver ? b->ms : ASK_SERVER_MS);
}

void batch_clear(struct batch *b)
{
    size_t i;

    for (i = 0; i < b->n; i++)
        free(b->ask[i].msg);
    b->n = 0;
}
