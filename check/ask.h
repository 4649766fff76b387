/* One client asked and judged, as the daemon does it, without a mail server.
 *
 * Explainer, batch and replay share it.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_ASK_H
#define IPREV_ASK_H

#include "conf/settings.h"
#include "dns/resolver.h"
#include "outcome/verdict.h"

struct ask {
    const struct settings *settings;
    struct resolver *resolver;
    struct addr client;
    enum finding skip; /* F_SKIP_NETWORK, F_SKIP_NO_ADDRESS or F_NONE */
    bool helo_known;
    struct helo helo;
    struct self self;
    struct lookup *chain, *forward;
    int64_t deadline;
};

/* The exit code when resolver_start has failed with this errno: 78 when the settings are to
 * blame, 70 when the machine is. */
int ask_blame(int error);

/* authserv-id: of the settings, else the host name, else "localhost". */
void ask_own_id(const struct settings *s, char id[AUTHRES_ID_MAX]);

/* Who we are, as far as the settings tell. */
struct self ask_self(const char *id);

/* Asks the client's reverse chain, unless the client is exempt. helo NULL: not
 * known what the client said. A HELO of no octets: it said none. */
void ask_start(struct ask *a, const struct settings *s, struct resolver *r, const struct self *self,
               const struct addr *client, const char *helo, size_t helo_len);

/* The same for a client in exempt.networks, which another policy may not exempt. */
void ask_exempt(struct ask *a);

/* Asks for the addresses of the HELO name, if they are needed. */
void ask_helo(struct ask *a);

/* Waits for what was asked, no longer than the deadline allows. */
void ask_wait(struct ask *a);

/* What is known now. f borrows from a. */
void ask_facts(const struct ask *a, struct facts *f);

/* DNS questions it took, and milliseconds. */
void ask_cost(const struct ask *a, struct record_log *log);

void ask_end(struct ask *a);

#endif
