/* Reads DNS messages: see answer.h.
 *
 * A message is surveyed once: every count, name and length must fit. After
 * that, walks over its sections cannot fail, but still check what they read.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "value/answer.h"

#include <string.h>

#define HEADER_LEN  12
#define MESSAGE_MAX 65535
#define CLASS_IN    1
#define ALIASES_MAX 16

#define RCODE_NOERROR  0
#define RCODE_NXDOMAIN 3

#define FLAG_RESPONSE  0x8000u
#define FLAG_OPCODE    0x7800u
#define FLAG_TRUNCATED 0x0200u
#define FLAG_RCODE     0x000fu

struct dns_reply {
    const uint8_t *msg;
    size_t len;
    unsigned rcode;
    size_t answers; /* offset of the answer section */
    size_t authority;
    uint16_t answer_count;
    uint16_t authority_count;
};

struct rr {
    size_t owner; /* offsets into the message */
    size_t rdata;
    size_t end;
    uint32_t ttl;
    uint16_t type;
    uint16_t class;
};

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* RFC 2181 8: a value with the top bit set counts as 0. */
static uint32_t get_ttl(const uint8_t *p)
{
    uint32_t v = (uint32_t)get16(p) << 16 | get16(p + 2);

    return v & 0x80000000u ? 0 : v;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Moves *at past the name that is there, without following pointers; perhaps past the end of the
 * message. */
static bool skip_name(const uint8_t *msg, size_t len, size_t *at)
{
    while (*at < len) {
        uint8_t c = msg[*at];

        if (c == 0 || c >= 0xc0) {
            *at += c == 0 ? 1 : 2;
            return true;
        }
        *at += 1u + c;
    }
    return false;
}

/* The record at msg[at]; its length is inside the message, the owner is not
 * yet looked at. Nothing of *r leads out of the message, also on failure. */
static bool read_record(struct rr *r, const uint8_t *msg, size_t len, size_t at)
{
    const uint8_t *fixed;
    size_t end;

    *r = (struct rr){.owner = at};
    if (!skip_name(msg, len, &at) || at + 10 > len)
        return false;
    fixed = msg + at;
    end = at + 10 + get16(fixed + 8);
    if (end > len)
        return false;
    r->rdata = at + 10;
    r->end = end;
    r->type = get16(fixed);
    r->class = get16(fixed + 2);
    r->ttl = get_ttl(fixed + 4);
    return true;
}

static bool owned_by(const struct rr *r, const uint8_t *msg, size_t len, const struct dname *name)
{
    struct dname owner;
    size_t at = r->owner;

    return dname_from_message(&owner, msg, len, &at) && dname_equal(&owner, name);
}

/* The rdata is one name and nothing else. */
static bool rdata_name(const struct rr *r, const uint8_t *msg, struct dname *name)
{
    size_t at = r->rdata;

    return dname_from_message(name, msg, r->end, &at) && at == r->end;
}

static bool check_questions(const uint8_t *msg, size_t len, unsigned count, size_t *at)
{
    struct dname name;

    while (count-- > 0) {
        if (!dname_from_message(&name, msg, len, at) || *at + 4 > len)
            return false;
        *at += 4;
    }
    return true;
}

static bool check_records(const uint8_t *msg, size_t len, unsigned count, size_t *at)
{
    struct rr record;
    struct dname owner;

    while (count-- > 0) {
        size_t start = *at;

        if (!dname_from_message(&owner, msg, len, &start) || !read_record(&record, msg, len, *at))
            return false;
        *at = record.end;
    }
    return true;
}

/* False unless msg is a whole, complete reply. */
static bool survey(struct dns_reply *r, const uint8_t *msg, size_t len)
{
    size_t at = HEADER_LEN;
    unsigned flags;

    if (len < HEADER_LEN || len > MESSAGE_MAX)
        return false;
    flags = get16(msg + 2);
    /* What is missing from a cut answer is unknown, so it proves nothing. */
    if (!(flags & FLAG_RESPONSE) || (flags & (FLAG_OPCODE | FLAG_TRUNCATED)))
        return false;
    *r = (struct dns_reply){.msg = msg, .len = len, .rcode = flags & FLAG_RCODE};
    r->answer_count = get16(msg + 6);
    r->authority_count = get16(msg + 8);
    if (!check_questions(msg, len, get16(msg + 4), &at))
        return false;
    r->answers = at;
    if (!check_records(msg, len, r->answer_count, &at))
        return false;
    r->authority = at;
    return check_records(msg, len, r->authority_count, &at) &&
           check_records(msg, len, get16(msg + 10), &at);
}

enum step { STEP_END, STEP_ALIAS, STEP_BAD };

/* One step along the chain: *name becomes its target. Of several targets the
 * least one counts, so that the order of records cannot matter. */
static enum step follow_alias(const struct dns_reply *r, struct dname *name, uint32_t *ttl)
{
    struct dname owner = *name;
    struct dname target;
    enum step step = STEP_END;
    size_t at = r->answers;
    unsigned i;

    for (i = 0; i < r->answer_count; i++) {
        struct rr record;

        if (!read_record(&record, r->msg, r->len, at))
            return STEP_BAD;
        at = record.end;
        if (record.type != RR_CNAME || record.class != CLASS_IN ||
            !owned_by(&record, r->msg, r->len, &owner))
            continue;
        if (!rdata_name(&record, r->msg, &target))
            return STEP_BAD;
        if (step == STEP_END || dname_compare(&target, name) < 0)
            *name = target;
        step = STEP_ALIAS;
        *ttl = least(*ttl, record.ttl);
    }
    return step;
}

static enum step follow_chain(const struct dns_reply *r, struct answer *a)
{
    enum step all = STEP_END;
    unsigned i;

    if (a->type == RR_CNAME)
        return STEP_END;
    for (i = 0; i <= ALIASES_MAX; i++) {
        enum step step = follow_alias(r, &a->name, &a->ttl);

        if (step == STEP_END)
            return all;
        if (step == STEP_BAD)
            break;
        all = STEP_ALIAS;
    }
    return STEP_BAD;
}

static bool has_right_form(const struct rr *r, const uint8_t *msg)
{
    struct dname name;

    switch (r->type) {
    case RR_A:
        return r->rdata + 4 == r->end;
    case RR_AAAA:
        return r->rdata + 16 == r->end;
    case RR_PTR:
    case RR_CNAME:
        return rdata_name(r, msg, &name);
    default:
        return false;
    }
}

/* The next record of the answer, of either form. The cursor holds the number
 * of records passed above the offset of the next: both need 16 bits at most. */
static bool next_record(const struct answer *a, size_t *cursor, struct rr *r)
{
    size_t passed = *cursor >> 16;
    size_t at = passed == 0 ? a->at : *cursor & 0xffff;

    *r = (struct rr){0};
    if (!a->msg)
        return false;
    while (passed < a->records && read_record(r, a->msg, a->len, at)) {
        at = r->end;
        *cursor = ++passed << 16 | at;
        if (r->type == a->type && r->class == CLASS_IN && owned_by(r, a->msg, a->len, &a->name))
            return true;
    }
    return false;
}

static void count_records(struct answer *a)
{
    struct rr r;
    size_t cursor = 0;

    while (next_record(a, &cursor, &r)) {
        if (has_right_form(&r, a->msg))
            a->good++;
        else
            a->bad++;
        a->ttl = least(a->ttl, r.ttl);
    }
}

/* RFC 2308 5: a negative answer lives for the lesser of the SOA's TTL and its
 * MINIMUM. Lowers *ttl to that. */
static bool lower_by_soa(const struct rr *r, const uint8_t *msg, uint32_t *ttl)
{
    struct dname name;
    size_t at = r->rdata;

    if (!dname_from_message(&name, msg, r->end, &at) ||
        !dname_from_message(&name, msg, r->end, &at) || at + 20 != r->end)
        return false;
    *ttl = least(*ttl, least(r->ttl, get_ttl(msg + at + 16)));
    return true;
}

/* The least negative TTL of the authority section; false without a SOA. */
static bool negative_ttl(const struct dns_reply *r, uint32_t *ttl)
{
    size_t at = r->authority;
    bool found = false;
    unsigned i;

    *ttl = ANSWER_TTL_MAX;
    for (i = 0; i < r->authority_count; i++) {
        struct rr record;

        if (!read_record(&record, r->msg, r->len, at))
            break;
        at = record.end;
        if (record.type == RR_SOA && record.class == CLASS_IN && lower_by_soa(&record, r->msg, ttl))
            found = true;
    }
    if (!found)
        *ttl = ANSWER_TTL_DEFAULT;
    return found;
}

static void set_negative(struct answer *a, const struct dns_reply *r, bool aliased)
{
    uint32_t ttl;
    bool soa = negative_ttl(r, &ttl);

    a->msg = NULL;
    a->len = a->at = 0;
    a->records = 0;
    if (r->rcode == RCODE_NOERROR && aliased && !soa) {
        a->kind = ANSWER_ALIAS;
        return;
    }
    a->kind = r->rcode == RCODE_NXDOMAIN ? ANSWER_NXDOMAIN : ANSWER_NODATA;
    a->ttl = least(a->ttl, ttl);
}

struct answer answer_none(enum answer_kind kind)
{
    struct answer a = {.kind = kind, .ttl = ANSWER_TTL_DEFAULT, .name = {.len = 1}};

    return a;
}

bool answer_failed(enum answer_kind kind)
{
    return kind == ANSWER_SERVFAIL || kind == ANSWER_TIMEOUT || kind == ANSWER_BOGUS ||
           kind == ANSWER_OVERLOAD;
}

void answer_read(struct answer *a, const uint8_t *msg, size_t len, const struct dname *name,
                 enum rrtype type)
{
    struct dns_reply r;
    enum step chain;

    *a = answer_none(ANSWER_SERVFAIL);
    a->name = *name;
    a->type = (uint16_t)type;
    if (!survey(&r, msg, len) || (r.rcode != RCODE_NOERROR && r.rcode != RCODE_NXDOMAIN))
        return;
    a->ttl = ANSWER_TTL_MAX;
    chain = follow_chain(&r, a);
    if (chain == STEP_BAD) {
        a->name = *name;
        a->ttl = ANSWER_TTL_DEFAULT;
        return;
    }
    a->msg = msg;
    a->len = len;
    a->at = r.answers;
    a->records = r.answer_count;
    if (r.rcode == RCODE_NOERROR)
        count_records(a);
    if (a->good > 0 || a->bad > 0)
        a->kind = ANSWER_DATA;
    else
        set_negative(a, &r, chain == STEP_ALIAS);
}

bool answer_next_name(const struct answer *a, size_t *cursor, struct dname *name)
{
    struct rr r;

    while (next_record(a, cursor, &r))
        if ((r.type == RR_PTR || r.type == RR_CNAME) && rdata_name(&r, a->msg, name))
            return true;
    return false;
}

bool answer_next_addr(const struct answer *a, size_t *cursor, struct addr *addr)
{
    struct rr r;

    while (next_record(a, cursor, &r)) {
        if (r.type == RR_A && r.rdata + 4 == r.end) {
            *addr = addr_from_bytes(ADDR_IPV4, a->msg + r.rdata);
            return true;
        }
        if (r.type == RR_AAAA && r.rdata + 16 == r.end) {
            *addr = addr_from_bytes(ADDR_IPV6, a->msg + r.rdata);
            return true;
        }
    }
    return false;
}
