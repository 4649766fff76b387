/* What one server said: see said.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/said.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#define ALIASES_MAX 16

static bool read_name(struct dname *to, const ldns_rdf *rdf)
{
    return rdf != NULL && dname_from_wire(to, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
}

static bool owned_by(const ldns_rr *rr, const struct dname *name)
{
    struct dname owner;

    return ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN && read_name(&owner, ldns_rr_owner(rr)) &&
           dname_equal(&owner, name);
}

static bool read_record(struct rdata *to, const ldns_rr *rr)
{
    ldns_rr_type type = ldns_rr_get_type(rr);
    const ldns_rdf *rdf = ldns_rr_rdf(rr, 0);

    *to = (struct rdata){.addr = {.family = ADDR_NONE}};
    if (rdf == NULL)
        return false;
    if (type == LDNS_RR_TYPE_A || type == LDNS_RR_TYPE_AAAA) {
        to->addr =
            addr_from_bytes(type == LDNS_RR_TYPE_A ? ADDR_IPV4 : ADDR_IPV6, ldns_rdf_data(rdf));
        return true;
    }
    return (type == LDNS_RR_TYPE_PTR || type == LDNS_RR_TYPE_CNAME || type == LDNS_RR_TYPE_NS) &&
           read_name(&to->name, rdf);
}

static int compare_records(const void *a, const void *b)
{
    const struct rdata *x = a, *y = b;
    int addr = addr_compare(&x->addr, &y->addr);

    return addr != 0 ? addr : dname_compare(&x->name, &y->name);
}

static void least(uint32_t *ttl, uint32_t other)
{
    *ttl = other < *ttl ? other : *ttl;
}

/* The alias of this name in the answer, unless aliases were asked for. */
static bool follow(struct said *r, const ldns_rr_list *answer)
{
    size_t i;

    for (i = 0; i < ldns_rr_list_rr_count(answer); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(answer, i);
        struct dname to;

        if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_CNAME || !owned_by(rr, &r->target) ||
            !read_name(&to, ldns_rr_rdf(rr, 0)))
            continue;
        if (!r->aliased)
            r->first = to;
        r->aliased = true;
        r->target = to;
        least(&r->ttl, ldns_rr_ttl(rr));
        return true;
    }
    return false;
}

static void take_records(struct said *r, const ldns_rr_list *answer, uint16_t type)
{
    size_t i;

    for (i = 0; i < ldns_rr_list_rr_count(answer); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(answer, i);

        if (ldns_rr_get_type(rr) != (ldns_rr_type)type || !owned_by(rr, &r->target))
            continue;
        r->kind = SAID_DATA;
        least(&r->ttl, ldns_rr_ttl(rr));
        r->more = r->n == SAID_RECORDS;
        if (!r->more && read_record(&r->record[r->n], rr))
            r->n++;
    }
    qsort(r->record, r->n, sizeof *r->record, compare_records);
}

/* The SOA record, in the answer or beside a negative one. */
static void take_soa(struct said *r, const ldns_rr_list *section)
{
    size_t i;

    for (i = 0; i < ldns_rr_list_rr_count(section); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(section, i);

        if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_SOA || ldns_rr_rd_count(rr) < 7 ||
            !read_name(&r->zone, ldns_rr_owner(rr)) || !read_name(&r->mailbox, ldns_rr_rdf(rr, 1)))
            continue;
        r->zoned = true;
        if (r->kind != SAID_DATA) {
            least(&r->ttl, ldns_rr_ttl(rr));
            least(&r->ttl, ldns_rdf2native_int32(ldns_rr_rdf(rr, 6)));
        }
        return;
    }
}

static void read_message(struct said *r, const ldns_pkt *pkt, const struct ask *ask)
{
    const ldns_rr_list *answer = ldns_pkt_answer(pkt);
    unsigned aliases = 0;

    r->kind = ldns_pkt_get_rcode(pkt) == LDNS_RCODE_NXDOMAIN ? SAID_NXDOMAIN : SAID_NODATA;
    while (ask->type != LDNS_RR_TYPE_CNAME && aliases++ < ALIASES_MAX && follow(r, answer))
        ;
    take_records(r, answer, ask->type);
    take_soa(r, answer);
    if (!r->zoned)
        take_soa(r, ldns_pkt_authority(pkt));
    if (r->ttl == UINT32_MAX)
        r->ttl = 0;
}

/* An authority that is asked for a name of its zone says so, or it is not one. */
static enum said_kind trouble(const ldns_pkt *pkt, bool authority)
{
    ldns_pkt_rcode rcode = ldns_pkt_get_rcode(pkt);

    if (ldns_pkt_tc(pkt))
        return SAID_CUT;
    if (rcode == LDNS_RCODE_REFUSED)
        return SAID_REFUSED;
    if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN)
        return SAID_ERROR;
    return authority && !ldns_pkt_aa(pkt) ? SAID_LAME : SAID_NONE;
}

void said_read(struct said *r, const struct ask *ask, bool authority)
{
    static const enum said_kind unanswered[] = {
        [ASK_NOT_ASKED] = SAID_NONE, [ASK_SILENT] = SAID_SILENT,
        [ASK_ANSWERED] = SAID_ERROR, [ASK_CLOSED] = SAID_CLOSED,
        [ASK_FAILED] = SAID_ERROR,   [ASK_UNREACHABLE] = SAID_UNREACHABLE,
        [ASK_BOGUS] = SAID_BOGUS,
    };
    ldns_pkt *pkt = NULL;

    memset(r, 0, sizeof *r);
    r->kind = unanswered[ask->end];
    r->target = ask->name;
    r->ttl = UINT32_MAX;
    if (ask->end != ASK_ANSWERED || ldns_wire2pkt(&pkt, ask->msg, ask->len) != LDNS_STATUS_OK)
        return;
    r->kind = trouble(pkt, authority);
    if (r->kind == SAID_NONE)
        read_message(r, pkt, ask);
    ldns_pkt_free(pkt);
}

/* A referral comes without authority, its records in the second section. */
void said_read_delegation(struct said *r, const struct ask *ask)
{
    ldns_pkt *pkt = NULL;

    said_read(r, ask, true);
    if (r->kind != SAID_LAME || ldns_wire2pkt(&pkt, ask->msg, ask->len) != LDNS_STATUS_OK)
        return;
    r->ttl = UINT32_MAX;
    take_records(r, ldns_pkt_authority(pkt), LDNS_RR_TYPE_NS);
    ldns_pkt_free(pkt);
}

bool said_is_answer(const struct said *r)
{
    return r->kind == SAID_DATA || r->kind == SAID_NODATA || r->kind == SAID_NXDOMAIN;
}

/* No data and no such name are the same to who looks for a record. */
bool said_same(const struct said *a, const struct said *b)
{
    unsigned i;

    if (!said_is_answer(a) || !said_is_answer(b) ||
        (a->kind == SAID_DATA) != (b->kind == SAID_DATA))
        return false;
    if (a->n != b->n || a->more != b->more)
        return false;
    for (i = 0; i < a->n; i++)
        if (compare_records(&a->record[i], &b->record[i]) != 0)
            return false;
    return true;
}

void said_put(struct sbuf *sb, const struct said *r)
{
    static const char *const text[] = {
        [SAID_NONE] = "not asked",
        [SAID_DATA] = "no valid record",
        [SAID_NODATA] = "no record of this type",
        [SAID_NXDOMAIN] = "no such name",
        [SAID_CUT] = "a cut answer",
        [SAID_REFUSED] = "refuses to answer (REFUSED)",
        [SAID_ERROR] = "failed (SERVFAIL, or a damaged answer)",
        [SAID_BOGUS] = "DNSSEC validation failed",
        [SAID_LAME] = "does not serve this zone (lame)",
        [SAID_SILENT] = "does not answer",
        [SAID_CLOSED] = "nothing listens at port 53",
        [SAID_UNREACHABLE] = "cannot be reached from here",
    };
    unsigned i;

    for (i = 0; i < r->n; i++) {
        sbuf_str(sb, i > 0 ? ", " : "");
        if (r->record[i].addr.family != ADDR_NONE)
            addr_put(sb, &r->record[i].addr);
        else
            dname_put_visible(sb, &r->record[i].name);
    }
    sbuf_str(sb, r->n == 0 ? text[r->kind] : r->more ? " and more" : "");
}

const char *said_word(enum said_kind kind)
{
    static const char *const word[] = {
        [SAID_NONE] = "not-asked",    [SAID_DATA] = "data",     [SAID_NODATA] = "nodata",
        [SAID_NXDOMAIN] = "nxdomain", [SAID_CUT] = "truncated", [SAID_REFUSED] = "refused",
        [SAID_ERROR] = "servfail",    [SAID_BOGUS] = "bogus",   [SAID_LAME] = "lame",
        [SAID_SILENT] = "timeout",    [SAID_CLOSED] = "closed", [SAID_UNREACHABLE] = "unreachable",
    };

    return word[kind];
}

/* The first label is the local part, and may contain dots. */
void mailbox_put(struct sbuf *sb, const struct dname *mailbox)
{
    struct dname domain;
    unsigned n = mailbox->len > 0 ? mailbox->wire[0] : 0;

    if (n == 0 || !dname_from_wire(&domain, mailbox->wire + n + 1, mailbox->len - n - 1u) ||
        domain.len <= 1) {
        sbuf_byte(sb, '-');
        return;
    }
    sbuf_visible(sb, mailbox->wire + 1, n);
    sbuf_byte(sb, '@');
    dname_put_visible(sb, &domain);
}
