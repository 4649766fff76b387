/* What the entries of a store mean: who is known, and what the greylist says.
 *
 * The same rules for every kind of store. Days are UTC days since 1970.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_MEMORY_LEDGER_H
#define IPREV_MEMORY_LEDGER_H

#include "memory/options.h"
#include "memory/store.h"
#include "value/addr.h"

#define LEDGER_DAY_S 86400

/* bounds[TABLES] for these options. */
void ledger_bounds(const struct memory_options *o, struct store_bounds bounds[TABLES]);

/* key_seen and key_known of an address. */
void ledger_client_keys(const struct addr *client, struct store_key *seen, struct store_key *known);

/* The groups in which entries of this client lie, one of each table: its address is the member of
 * the first two; the others are of its network (/24, /48), and of the address (IPv6: its /64). */
void ledger_groups(const struct addr *client, struct store_key group[TABLES]);

enum store_result ledger_known(struct store *s, const struct addr *client, int64_t now_s,
                               bool *known);

/* A message of the client has passed at now_s. */
enum store_result ledger_note(struct store *s, const struct addr *client, int64_t now_s);

/* Sender domain and recipient as keyed hashes. lasting: no null sender, so that a pass of the
 * address and the domain is kept. */
struct ledger_triple {
    struct addr client;
    uint64_t domain, recipient;
    bool lasting;
    bool look; /* write nothing */
};

/* Where the first try of a triple waits. */
void ledger_waiting_key(const struct ledger_triple *t, struct store_key *k);

enum store_result ledger_greylist(struct store *s, const struct ledger_triple *t,
                                  const struct memory_options *o, int64_t now_s,
                                  enum memory_grey *out, unsigned *seconds);

#endif
