/* Forward-confirmed reverse DNS: collects answers, counts, gives the verdict.
 *
 * Nothing here depends on the order in which records or answers come: names
 * are kept sorted, all addresses are looked at, times to live are a minimum.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/fcrdns.h"

#include <string.h>

/* A verdict that trouble had a part in is not kept longer than this. */
#define TROUBLE_TTL 5

void fcrdns_start(struct fcrdns *f, const struct addr *client)
{
    memset(f, 0, sizeof *f);
    f->client = *client;
    f->ttl = ANSWER_TTL_MAX;
}

/* An alias that leads nowhere is a negative answer without a SOA: its own time to
 * live says nothing about how long the target stays away. */
static void ttl_take(struct fcrdns *f, const struct answer *a)
{
    uint32_t ttl = a->ttl;

    if (a->kind == ANSWER_ALIAS && ttl > ANSWER_TTL_DEFAULT)
        ttl = ANSWER_TTL_DEFAULT;
    if (ttl < f->ttl)
        f->ttl = ttl;
}

/* Keeps the least FCRDNS_NAMES_MAX names, sorted and distinct. A name that falls
 * out is greater than all that stay, so it cannot come back as a new one. */
static void name_insert(struct fcrdns *f, const struct dname *name)
{
    unsigned at = f->names, i;
    int order = 1;

    //@ split f->names;
    while (at > 0 && (order = dname_compare(name, &f->name[at - 1].name)) < 0)
        at--;
    //@ split at;
    if (order == 0)
        return;
    if (f->names == FCRDNS_NAMES_MAX) {
        f->capped = true;
        if (at == FCRDNS_NAMES_MAX)
            return;
        f->names--;
    }
    for (i = f->names; i > at; i--)
        f->name[i] = f->name[i - 1];
    f->name[at] = (struct fcrdns_name){.name = *name, .state = NAME_PENDING};
    f->names++;
}

void fcrdns_ptr(struct fcrdns *f, const struct answer *a)
{
    struct dname name;
    size_t cursor = 0;
    uint32_t published;

    if (f->answered)
        return;
    f->answered = true;
    f->ptr = (uint8_t)a->kind;
    ttl_take(f, a);
    if (a->kind != ANSWER_DATA)
        return;
    f->ptr_secure = a->secure;
    published = (uint32_t)a->good + a->bad;
    f->published = published > UINT16_MAX ? UINT16_MAX : (uint16_t)published;
    while (answer_next_name(a, &cursor, &name))
        if (dname_is_host(&name))
            name_insert(f, &name);
}

enum rrtype fcrdns_type(const struct addr *client)
{
    return client->family == ADDR_IPV6 ? RR_AAAA : RR_A;
}

static enum name_state find_client(const struct answer *a, const struct addr *client)
{
    enum name_state state = NAME_NOWHERE;
    struct addr addr;
    size_t cursor = 0;

    while (answer_next_addr(a, &cursor, &addr)) {
        if (addr_equal(&addr, client))
            return NAME_CONFIRMED;
        state = NAME_ELSEWHERE;
    }
    return state;
}

enum finding name_trouble(enum name_state state)
{
    switch (state) {
    case NAME_PENDING:
    case NAME_TIMEOUT:
        return F_DNS_TIMEOUT;
    case NAME_SERVFAIL:
        return F_DNS_SERVFAIL;
    case NAME_BOGUS:
        return F_DNS_BOGUS;
    case NAME_OVERLOAD:
        return F_DNS_OVERLOAD;
    case NAME_CONFIRMED:
    case NAME_ELSEWHERE:
    case NAME_CAPPED:
    case NAME_NOWHERE:
        break;
    }
    return F_NONE;
}

bool name_state_open(enum name_state state)
{
    return name_trouble(state) != F_NONE;
}

enum name_state fcrdns_match(const struct answer *a, const struct addr *client)
{
    switch (a->kind) {
    case ANSWER_DATA:
        return find_client(a, client);
    case ANSWER_NXDOMAIN:
    case ANSWER_NODATA:
    case ANSWER_ALIAS:
        return NAME_NOWHERE;
    case ANSWER_TIMEOUT:
        return NAME_TIMEOUT;
    case ANSWER_BOGUS:
        return NAME_BOGUS;
    case ANSWER_OVERLOAD:
        return NAME_OVERLOAD;
    case ANSWER_SERVFAIL:
        break;
    }
    return NAME_SERVFAIL;
}

void fcrdns_address(struct fcrdns *f, unsigned i, const struct answer *a)
{
    if (i >= f->names || f->name[i].state != NAME_PENDING)
        return;
    f->name[i].state = (uint8_t)fcrdns_match(a, &f->client);
    f->name[i].secure = a->kind == ANSWER_DATA && a->secure;
    ttl_take(f, a);
}

static bool any_name(const struct fcrdns *f, enum name_state state)
{
    unsigned i;

    for (i = 0; i < f->names; i++)
        if (f->name[i].state == state)
            return true;
    return false;
}

static bool all_names(const struct fcrdns *f, enum name_state state)
{
    unsigned i;

    for (i = 0; i < f->names; i++)
        if (f->name[i].state != state)
            return false;
    return true;
}

bool fcrdns_complete(const struct fcrdns *f)
{
    return f->answered && !any_name(f, NAME_PENDING);
}

bool fcrdns_confirmed(const struct fcrdns *f)
{
    return any_name(f, NAME_CONFIRMED);
}

/* The trouble to report, F_NONE without any. What its owner can fix goes before
 * what may pass by itself: bogus, servfail, timeout, overload. */
static enum finding trouble(const struct fcrdns *f)
{
    if (!f->answered)
        return F_DNS_TIMEOUT;
    if (f->ptr == ANSWER_BOGUS || any_name(f, NAME_BOGUS))
        return F_DNS_BOGUS;
    if (f->ptr == ANSWER_SERVFAIL || any_name(f, NAME_SERVFAIL))
        return F_DNS_SERVFAIL;
    if (f->ptr == ANSWER_TIMEOUT || any_name(f, NAME_TIMEOUT) || any_name(f, NAME_PENDING))
        return F_DNS_TIMEOUT;
    if (f->ptr == ANSWER_OVERLOAD || any_name(f, NAME_OVERLOAD))
        return F_DNS_OVERLOAD;
    return F_NONE;
}

/* Why a complete answer without trouble and without a match is a fail. */
static enum finding fail_cause(const struct fcrdns *f)
{
    if (f->names == 0)
        return F_PTR_INVALID;
    if (f->capped)
        return F_PTR_LIMIT; /* one of the other names may resolve back */
    return all_names(f, NAME_NOWHERE) ? F_FORWARD_MISSING : F_FORWARD_MISMATCH;
}

static void set_verdict(const struct fcrdns *f, struct chain *out)
{
    enum finding why = trouble(f);

    if (fcrdns_confirmed(f)) {
        out->result = F_IPREV_PASS;
        out->cause = F_NONE;
    } else if (why != F_NONE) {
        out->result = F_IPREV_TEMPERROR;
        out->cause = (uint8_t)why;
    } else if (f->ptr != ANSWER_DATA) {
        out->result = F_IPREV_PERMERROR;
        out->cause = F_PTR_MISSING;
    } else {
        out->result = F_IPREV_FAIL;
        out->cause = (uint8_t)fail_cause(f);
    }
    out->ttl = f->ttl < ANSWER_TTL_MAX ? f->ttl : ANSWER_TTL_MAX;
    /* A pass stays a pass, but its picture of the other names is incomplete. */
    if (why != F_NONE && out->ttl > TROUBLE_TTL)
        out->ttl = TROUBLE_TTL;
}

static void pack(struct chain *out, const struct fcrdns_name *n)
{
    uint8_t *p = out->packed + out->packed_len;

    p[0] = n->state;
    p[1] = n->name.len;
    memcpy(p + 2, n->name.wire, n->name.len);
    out->packed_len = (uint16_t)(out->packed_len + 2 + n->name.len);
}

void fcrdns_chain(const struct fcrdns *f, struct chain *out)
{
    unsigned i;

    memset(out, 0, sizeof *out);
    out->client = f->client;
    out->names = f->names;
    out->capped = f->capped;
    out->published = f->published;
    set_verdict(f, out);
    for (i = 0; i < f->names; i++) {
        pack(out, &f->name[i]);
        if (f->ptr_secure && f->name[i].state == NAME_CONFIRMED && f->name[i].secure)
            out->secure = true;
    }
}

void chain_temperror(struct chain *out, const struct addr *client, enum finding cause)
{
    memset(out, 0, sizeof *out);
    out->client = *client;
    out->result = F_IPREV_TEMPERROR;
    out->cause = (uint8_t)cause;
    out->ttl = TROUBLE_TTL;
}

size_t chain_size(const struct chain *c)
{
    return offsetof(struct chain, packed) + c->packed_len;
}

bool chain_next(const struct chain *c, size_t *cursor, struct dname *name, enum name_state *state)
{
    size_t at = *cursor, n;

    if (at + 2 > c->packed_len)
        return false;
    n = c->packed[at + 1];
    //@ split n;
    if (n == 0 || at + 2 + n > c->packed_len)
        return false;
    *state = (enum name_state)c->packed[at];
    *cursor = at + 2 + n;
    name->len = (uint8_t)n; /* pack() took it from a name, which was checked */
    memcpy(name->wire, c->packed + at + 2, n);
    return true;
}

bool chain_find(const struct chain *c, const struct dname *name, enum name_state *state)
{
    struct dname other;
    size_t cursor = 0;

    while (chain_next(c, &cursor, &other, state))
        if (dname_equal(&other, name))
            return true;
    return false;
}

bool chain_name(const struct chain *c, struct dname *name)
{
    enum name_state state = NAME_PENDING;
    size_t cursor = 0;

    while (chain_next(c, &cursor, name, &state))
        if (state == NAME_CONFIRMED)
            return true;
    cursor = 0;
    return chain_next(c, &cursor, name, &state);
}
