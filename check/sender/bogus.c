/* Does DNSSEC validation at the resolver fail, or DNS itself? See looks.h.
 *
 * Both are SERVFAIL. The resolver is asked once more, straight: with CD set (RFC 4035 3.2.2) it
 * gives the answer that it has thrown away.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/batch.h"
#include "check/sender/looks.h"
#include "dns/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EACH 3 /* questions about each look */

/* The first server that libunbound asks: "ADDRESS" or "ADDRESS@PORT". */
static bool first_server(const struct resolver_settings *s, struct addr *to, uint16_t *port)
{
    char list[SERVERS_TEXT_MAX] = "", text[SERVERS_TEXT_MAX] = "";
    char *at;

    if (s->root)
        return false;
    if (s->forwards > 0)
        snprintf(text, sizeof text, "%s", s->forward[0]);
    else if (!servers_read("/etc/resolv.conf", list) || sscanf(list, "%255s", text) != 1)
        return false;
    at = strchr(text, '@');
    *port = at != NULL ? (uint16_t)strtoul(at + 1, NULL, 10) : 0;
    if (at != NULL)
        *at = '\0';
    return addr_parse(to, text, strlen(text));
}

/* It fails when it validates, and answers when it does not. */
static void take(struct look *k, const struct ask ask[EACH], struct said *said)
{
    said_read(said, &ask[0], false);
    if (said->kind != SAID_ERROR)
        return;
    said_read(said, &ask[1], false);
    if (!said_is_answer(said) && said->kind != SAID_CUT)
        return;
    k->cached.kind = SAID_BOGUS;
    said_read(said, &ask[2], false);
    if (said->zoned)
        k->soa = *said;
}

void looks_ask_bogus(struct looks *l, const struct resolver_settings *s, struct batch *b)
{
    struct said *said = calloc(1, sizeof *said);
    struct addr to;
    uint16_t port;
    unsigned i, n = 0;

    if (said == NULL || !first_server(s, &to, &port)) {
        free(said);
        return;
    }
    for (i = 0; i < l->n; i++)
        if (l->look[i].cached.kind == SAID_ERROR) {
            const struct look *k = &l->look[i];

            batch_forwarder(b, &k->name, k->type, &to, port, false);
            batch_forwarder(b, &k->name, k->type, &to, port, true);
            batch_forwarder(b, &k->name, RR_SOA, &to, port, true);
        }
    if (b->n > 0)
        batch_run(b);
    for (i = 0; i < l->n; i++)
        if (l->look[i].cached.kind == SAID_ERROR) {
            take(&l->look[i], &b->ask[n], said);
            n += EACH;
        }
    batch_clear(b);
    free(said);
}
