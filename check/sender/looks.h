/* Who runs the zones that a sender's names lie in, and what each of their name servers says,
 * beside the resolver.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_LOOKS_H
#define IPREV_SENDER_LOOKS_H

#include "check/sender/said.h"

#define LOOKS_MAX    16
#define SERVERS_MAX  16 /* addresses of the servers of one zone */
#define TROUBLES_MAX 32
#define TROUBLE_TEXT 1024

enum server_state {
    SERVER_SAME, /* as most of the zone's servers */
    SERVER_OTHER,
    SERVER_TROUBLE,
    SERVER_UNKNOWN /* not asked, or this machine has no route to it */
};

struct server {
    struct dname name;
    struct addr addr;
    struct said udp, tcp;
    enum server_state state;
};

/* One name and type, in its zone. */
struct look {
    struct dname name;
    uint16_t type;
    bool behind; /* it is the end of an alias: */
    struct dname alias;
    struct said cached; /* from the resolver, as are the next two */
    bool own;           /* it is an entry of the resolver's own, not a cached one */
    struct said soa;    /* zoned: zone and mailbox are known */
    struct said ns;     /* no records: the resolver knows no servers, so the zone is its own */
    struct said parent; /* NS records of the zone, as the servers of the zone above have them */
    struct dname above; /* that zone */
    unsigned servers, left_out;
    struct server server[SERVERS_MAX];
};

struct looks {
    unsigned n, left_out;
    bool zone_file; /* the resolver has one: then a zone without servers is meant to be there */
    bool deaf;      /* no server at all has answered: this machine may not ask them */
    struct look look[LOOKS_MAX];
    unsigned troubles;
    char trouble[TROUBLES_MAX][TROUBLE_TEXT]; /* one sentence each, without its stop */
};

/* All zero is an empty one. A name and type that is there is not added again. */
void looks_add(struct looks *l, const struct dname *name, uint16_t type);

/* Asks the resolver and the servers. False, with the reason on standard error, when it cannot. A
 * name that is an alias becomes two looks: the alias, and the name that it leads to. */
MUST_CHECK bool looks_ask(struct looks *l, const struct resolver_settings *s);

/* Part of it: where the resolver fails because DNSSEC validation does, `cached` is SAID_BOGUS. */
struct batch;
void looks_ask_bogus(struct looks *l, const struct resolver_settings *s, struct batch *b);

/* Part of it: `parent` and `above` of each look, where the zone above can be asked. */
void looks_ask_parents(struct looks *l, struct batch *b);

/* States of the servers, and troubles; asks nothing. now: seconds since 1970. */
void looks_judge(struct looks *l, int64_t now);

/* The answer that most of the name servers give; NULL when none answers. */
const struct said *look_usual(const struct look *k);

/* The name servers agree, and the resolver says something else. */
bool look_stale(const struct look *k);

/* The resolver has a zone of its own that the world does not see: no name servers, no delegation,
 * or one to other servers only. */
bool look_local(const struct look *k);

/* By TCP if only that brought an answer. */
const struct said *server_best(const struct server *s);

const char *type_word(uint16_t type);

#endif
