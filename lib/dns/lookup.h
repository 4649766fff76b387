/* Shared lookups: the table of those under way and those remembered.
 *
 * A lookup is the reverse chain of a client, or what the addresses of a HELO name say
 * about a client. It is open until lookup_finish_*, and never changes after. The table
 * holds a reference to each lookup in it, bounds the memory of the finished ones (those that nobody
 * asked for lately go first), and forgets one when its TTL is over. All functions may
 * be called on any thread; only lookup_wait blocks, with no lock held.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_DNS_LOOKUP_H
#define IPREV_DNS_LOOKUP_H

#include "judge/helo.h"
#include "shape/shape.h"
#include "value/checked.h"

/* Milliseconds of the monotonic clock. */
int64_t resolver_now(void);

/* A lookup takes at most so many DNS questions. */
#define RESOLVER_CLIENT_QUESTIONS 20
#define RESOLVER_HELO_QUESTIONS   4

/* ---- one lookup ---- */

struct lookup;

bool lookup_done(const struct lookup *l);

/* Waits until the lookup is done or the deadline has passed; returns lookup_done. */
bool lookup_wait(struct lookup *l, int64_t deadline);

/* Only when done. The chain lives as long as the reference. */
const struct chain *lookup_chain(const struct lookup *l);
enum name_state lookup_forward(const struct lookup *l);
unsigned lookup_questions(const struct lookup *l); /* DNS questions it took */
unsigned lookup_ms(const struct lookup *l);        /* from asked to done */

/* What shape_judge says of the name that the chain shows, or of the HELO name: it was judged when
 * the answer came, and stays as long as the reference. Of a HELO name only the kind is kept. NULL:
 * no name, or nothing is known. */
const struct shape *lookup_shape(const struct lookup *l);

void lookup_release(struct lookup *l);

const struct addr *lookup_client(const struct lookup *l);
/* The HELO name; false when the lookup is a client's chain. */
bool lookup_helo(const struct lookup *l, struct dname *helo);

/* ---- for the one who does the work ---- */

struct lookup_cost {
    unsigned questions;
    unsigned ms;
};

/* Finish with a result, exactly once: wakes all who wait. */
void lookup_finish_chain(struct lookup *l, const struct chain *c, struct lookup_cost cost);
void lookup_finish_helo(struct lookup *l, enum name_state state, uint32_t ttl,
                        struct lookup_cost cost);

/* Finish without having asked: temperror with this F_DNS_* cause. */
void lookup_finish_failed(struct lookup *l, enum finding cause);

/* A finished lookup that needs no memory: its chain is temperror with this F_DNS_*
 * cause for no client, its forward NAME_TIMEOUT or NAME_OVERLOAD. Release as any other. */
struct lookup *lookup_constant(enum finding cause);

/* ---- the table ---- */

struct lookup_table;

/* octets: what the finished lookups that it remembers may take, whatever names they contain; 0
 * remembers none but still shares those under way. key: a secret, so that nobody can choose clients
 * that share a place. NULL without memory. */
MUST_CHECK struct lookup_table *lookup_table_new(size_t octets, const struct hash_key *key);
/* Every lookup must be finished; references of callers may remain. */
void lookup_table_free(struct lookup_table *t);
unsigned lookup_table_count(struct lookup_table *t);

enum lookup_source { LOOKUP_NEW, LOOKUP_JOINED, LOOKUP_CACHED };

/* The lookup of this key, a client or a client and a HELO name, with a new reference.
 * LOOKUP_NEW: the caller has to get it finished, and owns a second reference for that,
 * which lookup_finish_* takes back. helo: NULL for the client's chain. NULL without
 * memory. */
struct lookup *lookup_table_get(struct lookup_table *t, const struct addr *client,
                                const struct dname *helo, enum lookup_source *source);

#endif
