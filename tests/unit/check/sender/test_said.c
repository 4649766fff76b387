/* What a message of a name server means: tables of messages, made by libldns from the text of their
 * records.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/said.h"

#include <criterion/criterion.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

static void push(ldns_pkt *pkt, ldns_pkt_section section, const char *text)
{
    ldns_rr *rr = NULL;

    if (text == NULL)
        return;
    cr_assert_eq(ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL), LDNS_STATUS_OK, "%s", text);
    ldns_pkt_push_rr(pkt, section, rr);
}

/* The answer to "sub.example NS". */
static void answer(struct ask *ask, unsigned rcode, bool aa, const char *record,
                   const char *authority)
{
    ldns_pkt *pkt = ldns_pkt_query_new(ldns_dname_new_frm_str("sub.example"), LDNS_RR_TYPE_NS,
                                       LDNS_RR_CLASS_IN, LDNS_QR);

    ldns_pkt_set_rcode(pkt, (uint8_t)rcode);
    ldns_pkt_set_aa(pkt, aa);
    push(pkt, LDNS_SECTION_ANSWER, record);
    push(pkt, LDNS_SECTION_AUTHORITY, authority);
    *ask = (struct ask){.type = TYPE_NS, .end = ASK_ANSWERED};
    cr_assert(dname_from_text(&ask->name, "sub.example", 11));
    cr_assert_eq(ldns_pkt2wire(&ask->msg, pkt, &ask->len), LDNS_STATUS_OK);
    ldns_pkt_free(pkt);
}

#define NS  "sub.example. 300 IN NS ns.sub.example."
#define SOA "example. 300 IN SOA ns.example. root.example. 1 2 3 4 60"

Test(said, delegation)
{
    static const struct {
        unsigned rcode;
        bool aa;
        const char *record, *authority;
        enum said_kind kind;
        unsigned n;
        const char *why;
    } row[] = {
        {0, false, NULL, NS, SAID_DATA, 1, "a referral"},
        {0, true, NS, NULL, SAID_DATA, 1, "it serves both zones"},
        {0, true, NS, NS, SAID_DATA, 1, "what is said twice is one"},
        {3, true, NULL, SOA, SAID_NXDOMAIN, 0, "no such name"},
        {0, true, NULL, SOA, SAID_NODATA, 0, "a name, but no zone"},
        {5, false, NULL, NS, SAID_REFUSED, 0, "refused is refused, whatever else is in it"},
        {2, true, NULL, NS, SAID_ERROR, 0, "failed"},
        {0, false, NULL, "other.example. 300 IN NS ns.sub.example.", SAID_LAME, 0,
         "a referral to another zone"},
        {0, false, NULL, "example. 300 IN NS ns.example.", SAID_LAME, 0, "an upward referral"},
        {0, false, NULL, NULL, SAID_LAME, 0, "nothing"},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        struct said r;
        struct ask ask;

        answer(&ask, row[i].rcode, row[i].aa, row[i].record, row[i].authority);
        said_read_delegation(&r, &ask);
        cr_expect_eq(r.kind, row[i].kind, "%s: %s", row[i].why, said_word(r.kind));
        cr_expect_eq(r.n, row[i].n, "%s: %u", row[i].why, r.n);
        free(ask.msg);
    }
}
