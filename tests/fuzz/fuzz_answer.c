/* Fuzz target: DNS messages.
 *
 * Input: an octet that says which type was asked for, a name in wire form behind its
 * length, then the message. Every record is walked; every name found is written in its
 * three forms, and the forms that can be read back give the same name.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "value/answer.h"

#include "tests/fuzz/fuzz.h"

#include <ldns/ldns.h>

/* The text that goes to libunbound, read by a reader that is not ours. */
static void check_query(const struct dname *d)
{
    char text[DNAME_QUERY_MAX];
    struct sbuf sb;
    ldns_rdf *rdf;

    sbuf_init(&sb, text, sizeof text);
    dname_put_query(&sb, d);
    MUST(!sb.overflow && is_printable(text, sb.len, "") && strchr(text, ' ') == NULL);
    rdf = ldns_dname_new_frm_str(text);
    MUST(rdf != NULL && ldns_rdf_size(rdf) == d->len);
    MUST(memcmp(ldns_rdf_data(rdf), d->wire, d->len) == 0);
    ldns_rdf_deep_free(rdf);
}

static void check_name(const struct dname *d)
{
    char text[DNAME_VISIBLE_MAX];
    struct dname again;
    struct sbuf sb;

    MUST(d->len >= 1 && d->wire[d->len - 1] == 0);
    MUST(dname_from_wire(&again, d->wire, d->len) && dname_equal(d, &again));
    check_query(d);
    sbuf_init(&sb, text, sizeof text);
    dname_put_visible(&sb, d);
    MUST(!sb.overflow && is_printable(text, sb.len, "") && strchr(text, ' ') == NULL);
    sbuf_init(&sb, text, sizeof text);
    dname_put(&sb, d);
    if (!dname_is_host(d)) {
        MUST(strcmp(text, "-") == 0);
        return;
    }
    MUST(sb.len < DNAME_TEXT_MAX && dname_from_text(&again, text, sb.len));
    MUST(dname_equal(d, &again) && dname_compare(d, &again) == 0);
    MUST(dname_left_of_registrable(d) <= sb.len);
}

static size_t walk(const struct answer *a)
{
    struct dname name;
    struct addr addr;
    size_t cursor = 0, n = 0;

    if (a->type == RR_PTR)
        for (; answer_next_name(a, &cursor, &name); n++)
            check_name(&name);
    else
        for (; answer_next_addr(a, &cursor, &addr); n++)
            MUST(addr.family == ADDR_IPV6 || addr.family == ADDR_IPV4);
    return n;
}

static void check_answer(const uint8_t *msg, size_t len, const struct dname *asked,
                         enum rrtype type)
{
    struct answer a;

    answer_read(&a, msg, len, asked, type);
    MUST(a.ttl <= ANSWER_TTL_MAX);
    MUST(a.kind == ANSWER_DATA || a.kind == ANSWER_NXDOMAIN || a.kind == ANSWER_NODATA ||
         a.kind == ANSWER_ALIAS || a.kind == ANSWER_SERVFAIL);
    MUST((a.kind == ANSWER_DATA) == (a.msg != NULL));
    check_name(&a.name);
    if (a.kind == ANSWER_DATA)
        MUST(walk(&a) == a.good && (unsigned)a.good + a.bad > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum rrtype type[] = {RR_PTR, RR_A, RR_AAAA, RR_PTR};
    struct feed in = {data, size};
    enum rrtype asked = type[take(&in) % 4];
    struct feed wire = take_piece(&in, take(&in));
    struct dname name;
    char *msg = copy_of(&in);
    size_t at = 0;

    if (dname_from_wire(&name, wire.at, wire.left))
        check_name(&name);
    check_answer((const uint8_t *)msg, in.left, &name, asked);
    if (dname_from_message(&name, (const uint8_t *)msg, in.left, &at)) {
        MUST(at > 0 && at <= in.left);
        check_name(&name);
    }
    free(msg);
    return 0;
}
