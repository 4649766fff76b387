/* HELO arguments: the form from the bytes, the relation from what DNS said.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/helo.h"

#include "value/ascii.h"

#include <string.h>

#define TAG_IPV6 5 /* octets of "IPv6:" */

/* RFC 5321 4.1.2 sub-domain, with underscore as a letter: begins and ends
 * with a letter or digit. dname_from_text has checked all else. */
static bool labels_well_formed(const struct dname *d)
{
    size_t at;

    for (at = 0; at + 1 < d->len; at = dname_next(d, at))
        if (d->wire[at + 1] == '-' || d->wire[dname_next(d, at) - 1] == '-')
            return false;
    return true;
}

/* RFC 5321 4.1.3: what is between the brackets. addr_parse alone would take
 * either family with or without the tag. */
static bool parse_literal(struct addr *a, const char *s, size_t n)
{
    bool tagged = n > TAG_IPV6 && ascii_is_word(s, TAG_IPV6, "ipv6:");

    if (tagged) {
        s += TAG_IPV6;
        n -= TAG_IPV6;
    }
    if (tagged != (memchr(s, ':', n) != NULL))
        return false;
    return addr_parse(a, s, n);
}

static enum helo_form parse_name(struct dname *name, const char *s, size_t n)
{
    enum helo_form form = HELO_BAD;

    if (dname_from_text(name, s, n) && labels_well_formed(name)) {
        if (dname_is_host(name))
            form = HELO_HOST;
        else if (dname_labels(name) == 1)
            form = HELO_ONE_LABEL;
    }
    if (form == HELO_BAD)
        *name = (struct dname){.len = 1};
    return form;
}

void helo_parse(struct helo *h, const char *text, size_t n)
{
    size_t undotted;

    *h = (struct helo){.form = HELO_ABSENT, .name = {.len = 1}};
    if (text == NULL || n == 0)
        return;
    h->form = HELO_BAD;
    if (n > HELO_MAX)
        return;
    if (text[0] == '[') {
        if (text[n - 1] == ']' && n > 2 && parse_literal(&h->addr, text + 1, n - 2))
            h->form = HELO_LITERAL;
        return;
    }
    undotted = text[n - 1] == '.' ? n - 1 : n;
    if (addr_parse(&h->addr, text, undotted))
        h->form = HELO_BARE_ADDRESS;
    else
        h->form = parse_name(&h->name, text, n);
}

static bool is_localhost(const struct dname *name)
{
    static const char one[] = "\x09localhost";
    static const char two[] = "\x09localhost\x0blocaldomain";

    return (name->len == sizeof one && memcmp(name->wire, one, sizeof one) == 0) ||
           (name->len == sizeof two && memcmp(name->wire, two, sizeof two) == 0);
}

/* Does the argument name this very machine, whoever the client is? */
static bool names_us(const struct helo *h, const struct self *self)
{
    switch (h->form) {
    case HELO_LITERAL:
        return addr_is_loopback(&h->addr) || addr_equal(&h->addr, &self->addr);
    case HELO_ONE_LABEL:
    case HELO_HOST:
        return is_localhost(&h->name) || dname_equal(&h->name, &self->name) ||
               dname_equal(&h->name, &self->mta);
    default:
        return false;
    }
}

static bool client_is_us(const struct addr *client, const struct self *self)
{
    return addr_is_loopback(client) ||
           (client->family != ADDR_NONE && addr_equal(client, &self->addr));
}

bool helo_must_ask(const struct helo *h, const struct self *self, const struct chain *chain)
{
    enum name_state state;

    return h->form == HELO_HOST && !names_us(h, self) &&
           (chain == NULL || !chain_find(chain, &h->name, &state));
}

enum name_state helo_match(const struct answer *a, const struct addr *client)
{
    if (a->good > HELO_ADDRS_MAX)
        return NAME_CAPPED;
    return fcrdns_match(a, client);
}

/* What the chain says about a host name. */
struct relation {
    bool unknown;   /* nobody could say which names the client has */
    bool aligned;   /* shares the registrable domain of a confirmed name */
    bool open;      /* equals or shares that of a name without an answer */
    bool elsewhere; /* equals a name whose addresses are others */
    bool nowhere;   /* equals a name without addresses */
};

static void relate_name(struct relation *rel, bool equal, enum name_state state)
{
    if (name_state_open(state))
        rel->open = true;
    else if (state == NAME_CONFIRMED)
        rel->aligned = true;
    else if (equal)
        *(state == NAME_NOWHERE ? &rel->nowhere : &rel->elsewhere) = true;
}

static struct relation relate(const struct dname *helo, const struct chain *chain)
{
    struct relation rel = {0};
    struct dname name;
    enum name_state state = NAME_PENDING;
    size_t cursor = 0;
    bool equal;

    rel.unknown = chain == NULL || (chain->names == 0 && chain->result == F_IPREV_TEMPERROR);
    while (chain != NULL && chain_next(chain, &cursor, &name, &state)) {
        equal = dname_equal(helo, &name);
        if (equal || dname_same_registrable(helo, &name))
            relate_name(&rel, equal, state);
    }
    return rel;
}

/* Asking the HELO name could still matter. */
static bool forward_open(enum name_state forward, bool asked)
{
    return forward == NAME_PENDING ? asked : name_state_open(forward);
}

/* Neither verified nor forward nor aligned: is that certain, and why? */
static enum finding judge_unrelated(const struct relation *rel, enum name_state forward, bool asked)
{
    if (rel->open)
        return F_HELO_TEMPERROR;
    if (rel->elsewhere)
        return F_HELO_MISMATCH;
    if (rel->nowhere || forward == NAME_NOWHERE)
        return F_HELO_UNRESOLVED;
    if (rel->unknown || forward_open(forward, asked))
        return F_HELO_TEMPERROR;
    return F_HELO_MISMATCH;
}

/* Equals a name of the chain that was confirmed. */
static bool is_verified(const struct dname *helo, const struct chain *chain)
{
    enum name_state state = NAME_PENDING;

    return chain != NULL && chain_find(chain, helo, &state) && state == NAME_CONFIRMED;
}

/* The cheap answers first: the rest asks the public suffix list. */
static enum finding judge_host(const struct dname *name, const struct chain *chain,
                               enum name_state forward, bool asked)
{
    struct relation rel;

    if (is_verified(name, chain))
        return F_HELO_VERIFIED;
    if (forward == NAME_CONFIRMED)
        return F_HELO_FORWARD;
    rel = relate(name, chain);
    if (rel.aligned)
        return F_HELO_ALIGNED;
    return judge_unrelated(&rel, forward, asked);
}

enum finding helo_judge(const struct helo *h, const struct addr *client, const struct self *self,
                        const struct chain *chain, enum name_state forward, bool asked)
{
    bool us = names_us(h, self);

    if (us && !client_is_us(client, self))
        return F_HELO_SELF;
    switch (h->form) {
    case HELO_ABSENT:
        return F_HELO_MISSING;
    case HELO_BAD:
        return F_HELO_INVALID;
    case HELO_BARE_ADDRESS:
        return F_HELO_BARE_ADDRESS;
    case HELO_LITERAL:
        return addr_equal(&h->addr, client) ? F_HELO_LITERAL : F_HELO_LITERAL_MISMATCH;
    case HELO_ONE_LABEL:
        return F_HELO_UNQUALIFIED;
    case HELO_HOST:
        break;
    }
    /* Our own name from our own machine needs no DNS to resolve back. */
    return judge_host(&h->name, chain, us ? NAME_CONFIRMED : forward, asked);
}
