/* answer: what a reply says, by table.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/message.h"
#include "tests/unit/values.h"

#define SERVFAIL "servfail ttl=5"

enum { NOERROR = 0, NXDOMAIN = 3 };

struct row {
    unsigned rcode;
    enum rrtype type;
    const char *script;
    const char *expected;
    const char *why;
};

static void expect_rows(const struct row *rows, size_t n)
{
    struct message m;
    struct answer a;
    size_t i;

    for (i = 0; i < n; i++) {
        start_message(&m, RESPONSE | rows[i].rcode, rows[i].type);
        put_records(&m, rows[i].script);
        free(read_copy(&a, m.octets, m.len, rows[i].type));
        cr_expect_str_eq(outcome(&a), rows[i].expected, "%s: %s", rows[i].why, outcome(&a));
        cr_expect_eq(a.type, (unsigned)rows[i].type, "%s", rows[i].why);
        cr_expect_eq(a.msg != NULL, a.kind == ANSWER_DATA, "%s", rows[i].why);
        cr_expect(!a.secure, "%s", rows[i].why);
    }
}

static const struct row data[] = {
    {NOERROR, RR_PTR, "Q 300 PTR mail.example.com", "data ttl=300 good=1 bad=0", "plain"},
    {NOERROR, RR_PTR, "Q 300 PTR a.x; Q 60 PTR b.x; Q 900 PTR c.x", "data ttl=60 good=3 bad=0",
     "the least TTL counts"},
    {NOERROR, RR_PTR, "1.2.0.192.IN-ADDR.Arpa 9 PTR a.x", "data ttl=9 good=1 bad=0",
     "B32: owner in upper case"},
    {NOERROR, RR_PTR, "@12 9 PTR a@12", "data ttl=9 good=1 bad=0", "pointers to the question"},
    {NOERROR, RR_PTR, "Q 9 PTR ", "data ttl=9 good=1 bad=0", "B8: the root is a name"},
    {NOERROR, RR_PTR, "Q 9 PTR a.x; 2.2.0.192.in-addr.arpa 1 PTR b.x", "data ttl=9 good=1 bad=0",
     "a record of another owner"},
    {NOERROR, RR_PTR, "a.x 9 PTR a.x", "nodata ttl=5", "only records of another owner"},
    {NOERROR, RR_PTR, "Q 9 PTR a.x; Q 1 PTR/3 b.x", "data ttl=9 good=1 bad=0", "another class"},
    {NOERROR, RR_PTR, "Q 1 CNAME/3 b.x; Q 9 PTR a.x", "data ttl=9 good=1 bad=0",
     "an alias of another class"},
    {NOERROR, RR_A, "Q 1 RRSIG #0102; Q 9 A #c0000201; Q 1 PTR a.x", "data ttl=9 good=1 bad=0",
     "other types are passed over"},
    {NOERROR, RR_AAAA, "Q 9 AAAA #20010db8000000000000000000000001", "data ttl=9 good=1 bad=0",
     "AAAA"},
    {NOERROR, RR_AAAA, "Q 9 A #c0000201", "nodata ttl=5", "A where AAAA is asked"},
    {NOERROR, RR_A, "Q 9 A #c0000201; Q 9 A #c0000201", "data ttl=9 good=2 bad=0",
     "duplicates stay"},
    {NOERROR, RR_A, "-- Q 9 A #c0000201", "nodata ttl=5", "the authority section is no answer"},
    {NOERROR, RR_CNAME, "Q 9 CNAME b.x; b.x 1 CNAME c.x", "data ttl=9 good=1 bad=0",
     "asked for, an alias is data"},
};

Test(answer, data_B8_B32)
{
    expect_rows(data, ROWS(data));
}

static const struct row aliases[] = {
    {NOERROR, RR_PTR,
     "Q 60 CNAME 1.0-63.2.0.192.in-addr.arpa; 1.0-63.2.0.192.in-addr.arpa 90 PTR a.x",
     "data ttl=60 good=1 bad=0 name=1.0-63.2.0.192.in-addr.arpa", "B13: RFC 2317"},
    {NOERROR, RR_A, "Q 90 CNAME B.x; b.X 80 CNAME C.x; c.x 70 CNAME D.x; d.X 99 A #c0000201",
     "data ttl=70 good=1 bad=0 name=d.x", "three aliases, least TTL in the chain"},
    {NOERROR, RR_A, "d.x 99 A #c0000201; c.x 70 CNAME d.x; b.x 80 CNAME c.x; Q 90 CNAME b.x",
     "data ttl=70 good=1 bad=0 name=d.x", "the same backwards"},
    {NOERROR, RR_PTR, "Q 60 PTR no.x; Q 60 CNAME b.x; b.x 90 PTR yes.x",
     "data ttl=60 good=1 bad=0 name=b.x", "alias and data at one name: the alias wins"},
    {NOERROR, RR_PTR, "Q 60 PTR no.x; Q 60 CNAME b.x", "alias ttl=60 name=b.x",
     "the alias wins, whatever its target has"},
    {NOERROR, RR_PTR, "Q 9 CNAME c.x; Q 9 CNAME b.x; Q 9 CNAME d.x; b.x 9 PTR b.x; c.x 9 PTR a.x",
     "data ttl=9 good=1 bad=0 name=b.x", "several aliases at one name: the least target"},
    {NOERROR, RR_A, "Q 90 CNAME b.x", "alias ttl=90 name=b.x", "nothing about the target"},
    {NOERROR, RR_A, "Q 90 CNAME b.x; b.x 80 CNAME c.x; c.x 9 AAAA #00", "alias ttl=80 name=c.x",
     "nothing of the type about the target"},
    {NOERROR, RR_A, "Q 90 CNAME b.x; -- x 60 SOA 30", "nodata ttl=30 name=b.x",
     "the target has no such record"},
    {NOERROR, RR_A, "Q 20 CNAME b.x; -- x 60 SOA 30", "nodata ttl=20 name=b.x",
     "never longer than the chain"},
    {NXDOMAIN, RR_A, "Q 20 CNAME b.x; -- x 60 SOA 30", "nxdomain ttl=20 name=b.x",
     "the target does not exist"},
    {NXDOMAIN, RR_A, "Q 20 CNAME b.x", "nxdomain ttl=5 name=b.x", "the same without SOA"},
    {NOERROR, RR_A, "Q 20 CNAME b.x; x 60 SOA 30", "alias ttl=20 name=b.x",
     "a SOA in the answer section proves nothing"},
    {NOERROR, RR_A, "Q 20 CNAME b.x; -- x 60 SOA #0000", "alias ttl=20 name=b.x",
     "nor does a damaged one"},
    {NOERROR, RR_PTR, "Q 9 CNAME a\r\n(\377\".x; A\r\n(\377\".x 9 PTR mail.x",
     "data ttl=9 good=1 bad=0 name=a\\013\\010\\040\\255\\034.x", "B15: target with odd octets"},
    {NOERROR, RR_PTR, "Q 9 CNAME a\r.x; a?.x 9 PTR mail.x", "alias ttl=9 name=a\\013.x",
     "B15: CR is not `?`"},
    {NOERROR, RR_A, "Q 9 CNAME @12", SERVFAIL, "B14: to itself"},
    {NOERROR, RR_A, "Q 9 CNAME b.x; b.x 9 CNAME @12", SERVFAIL, "B14: a loop of two"},
    {NOERROR, RR_A, "Q 9 CNAME b.x; b.x 9 CNAME c.x; c.x 9 CNAME B.X; Q 9 A #c0000201", SERVFAIL,
     "B14: a loop away from the question"},
    {NOERROR, RR_PTR, "Q 9 CNAME #016101; Q 9 PTR a.x", SERVFAIL,
     "B36: a damaged alias says nothing, least of all `no`"},
    {NOERROR, RR_PTR, "Q 9 CNAME #01610078; Q 9 PTR a.x", SERVFAIL, "B7: octets behind the target"},
    {NOERROR, RR_PTR, "b.x 9 CNAME #016101; Q 9 PTR a.x", "data ttl=9 good=1 bad=0",
     "a damaged alias of another name"},
};

Test(answer, aliases_B13_B14_B15)
{
    expect_rows(aliases, ROWS(aliases));
}

static const struct row forms[] = {
    {NOERROR, RR_PTR, "Q 9 PTR #016101620078; Q 9 PTR a.x", "data ttl=9 good=1 bad=1",
     "B7: octets behind the name"},
    {NOERROR, RR_PTR, "Q 9 PTR #0161; Q 8 PTR #026100", "data ttl=8 good=0 bad=2",
     "B7: names longer than the rdata"},
    {NOERROR, RR_PTR, "Q 9 PTR #", "data ttl=9 good=0 bad=1", "B7: no rdata"},
    {NOERROR, RR_PTR, "Q 9 PTR #c00c00; Q 9 PTR #c00c", "data ttl=9 good=1 bad=1",
     "B7: octets behind a pointer"},
    {NOERROR, RR_PTR, "Q 9 PTR #0161ffff; Q 9 PTR #0161c0; Q 9 PTR #416100",
     "data ttl=9 good=0 bad=3", "B36: pointers to nowhere, unknown label type"},
    {NOERROR, RR_A, "Q 9 A #c00002; Q 9 A #c000020100; Q 9 A #; Q 9 A #c0000201",
     "data ttl=9 good=1 bad=3", "B38: A of 3, 5 and 0 octets"},
    {NOERROR, RR_AAAA, "Q 9 AAAA #c0000201; Q 9 AAAA #000102030405060708090a0b0c0d0e",
     "data ttl=9 good=0 bad=2", "B38: AAAA of 4 and 15 octets"},
    {NOERROR, RR_AAAA, "Q 9 AAAA #000102030405060708090a0b0c0d0e0f10", "data ttl=9 good=0 bad=1",
     "B38: AAAA of 17 octets"},
};

Test(answer, forms_B7_B36_B38)
{
    expect_rows(forms, ROWS(forms));
}

/* RFC 2181 8: with the top bit set a TTL counts as 0. RFC 2308 5: a negative
 * answer lives as long as the SOA's TTL and MINIMUM both allow. */
static const struct row ttls[] = {
    {NOERROR, RR_PTR, "Q 0 PTR a.x", "data ttl=0 good=1 bad=0", "0 stays 0"},
    {NOERROR, RR_PTR, "Q 86399 PTR a.x", "data ttl=86399 good=1 bad=0", "below the cut"},
    {NOERROR, RR_PTR, "Q 86401 PTR a.x", "data ttl=86400 good=1 bad=0", "above the cut"},
    {NOERROR, RR_PTR, "Q 2147483647 PTR a.x", "data ttl=86400 good=1 bad=0", "2^31 - 1"},
    {NOERROR, RR_PTR, "Q 2147483648 PTR a.x", "data ttl=0 good=1 bad=0", "2^31"},
    {NOERROR, RR_PTR, "Q 4294967295 PTR a.x", "data ttl=0 good=1 bad=0", "2^32 - 1"},
    {NOERROR, RR_A, "Q 9 A #01020304; Q 3 A #010203", "data ttl=3 good=1 bad=1", "of a bad record"},
    {NOERROR, RR_PTR, "Q 2147483648 CNAME b.x; b.x 9 PTR a.x", "data ttl=0 good=1 bad=0 name=b.x",
     "of an alias"},
    {NXDOMAIN, RR_PTR, "", "nxdomain ttl=5", "no SOA"},
    {NOERROR, RR_PTR, "", "nodata ttl=5", "no SOA"},
    {NOERROR, RR_PTR, "-- x 32768 32 #", "nodata ttl=5", "no SOA, but another record"},
    {NXDOMAIN, RR_PTR, "-- x 300 SOA 60", "nxdomain ttl=60", "SOA, its minimum"},
    {NXDOMAIN, RR_PTR, "-- x 30 SOA 600", "nxdomain ttl=30", "SOA, its TTL"},
    {NOERROR, RR_PTR, "-- x 300 SOA 60", "nodata ttl=60", "SOA, its minimum"},
    {NXDOMAIN, RR_PTR, "-- x 90000 SOA 90000", "nxdomain ttl=86400", "SOA, both over the cut"},
    {NXDOMAIN, RR_PTR, "-- x 2147483648 SOA 60", "nxdomain ttl=0", "SOA, TTL 2^31"},
    {NXDOMAIN, RR_PTR, "-- x 60 SOA 2147483648", "nxdomain ttl=0", "SOA, minimum 2^31"},
    {NXDOMAIN, RR_PTR, "-- x 60 SOA 50; x 60 SOA 40; x 60 SOA 70", "nxdomain ttl=40", "three SOAs"},
    {NXDOMAIN, RR_PTR, "-- x 60 SOA/3 50", "nxdomain ttl=5", "SOA of another class"},
    {NXDOMAIN, RR_PTR, "-- x 60 SOA #00000000000100000001000000010000000100000001ff",
     "nxdomain ttl=5", "SOA that is one octet too long"},
    {NXDOMAIN, RR_PTR, "-- x 60 SOA #000000000001000000010000000100000001000000", "nxdomain ttl=5",
     "SOA that is one octet too short"},
    {NXDOMAIN, RR_PTR, "-- x 60 SOA #00000000000100000001000000010000000100000002",
     "nxdomain ttl=2", "SOA with names that are the root"},
    {NXDOMAIN, RR_PTR, "Q 60 PTR a.x; -- x 60 SOA 50", "nxdomain ttl=50",
     "the header says: no such name"},
};

Test(answer, ttl_B23)
{
    expect_rows(ttls, ROWS(ttls));
}

/* B17: whatever a server says but `here it is` and `there is none`. */
Test(answer, B17_every_rcode)
{
    unsigned rcode;

    for (rcode = 0; rcode < 16; rcode++) {
        const struct row row = {rcode, RR_PTR, "Q 9 PTR a.x",
                                rcode == NOERROR    ? "data ttl=9 good=1 bad=0"
                                : rcode == NXDOMAIN ? "nxdomain ttl=5"
                                                    : SERVFAIL,
                                "RCODE"};

        expect_rows(&row, 1);
    }
}

/* B14: 16 aliases are followed, 17 and 30 are not, in whatever order. */
Test(answer, B14_chain_length)
{
    static const unsigned lengths[] = {1, 2, 15, 16, 17, 30};
    unsigned backwards;
    size_t i;

    for (i = 0; i < ROWS(lengths); i++)
        for (backwards = 0; backwards < 2; backwards++) {
            struct message m;
            struct answer a;
            unsigned k;

            start_message(&m, RESPONSE, RR_A);
            for (k = 0; k < lengths[i]; k++) {
                unsigned step = backwards ? lengths[i] - 1 - k : k;
                char text[64];
                struct sbuf sb;

                sbuf_init(&sb, text, sizeof(text));
                sbuf_str(&sb, step == 0 ? "Q" : "n");
                if (step > 0)
                    sbuf_uint(&sb, step);
                sbuf_str(&sb, " 9 CNAME n");
                sbuf_uint(&sb, step + 1);
                put_record(&m, ANSWERS, sb.text, sb.len);
                cr_assert(!sb.overflow);
            }
            put_records(&m, "n1 9 A #01020304; n2 9 A #01020304; n15 9 A #01020304");
            put_records(&m, "n16 9 A #01020304; n17 9 A #01020304; n30 9 A #01020304");
            free(read_copy(&a, m.octets, m.len, RR_A));
            cr_expect_eq(a.kind, lengths[i] <= 16 ? ANSWER_DATA : ANSWER_SERVFAIL, "%u",
                         lengths[i]);
            if (lengths[i] > 16)
                cr_expect_str_eq(outcome(&a), SERVFAIL, "%u", lengths[i]);
            else
                cr_expect_eq(a.good, 1u, "%u", lengths[i]);
        }
}

Test(answer, none_and_transient)
{
    unsigned kind;

    for (kind = ANSWER_DATA; kind <= ANSWER_OVERLOAD; kind++) {
        struct answer a = answer_none((enum answer_kind)kind);
        struct dname name;
        struct addr addr;
        size_t cursor = 0;

        cr_expect_eq(a.kind, kind);
        cr_expect_eq(answer_failed(a.kind), kind >= ANSWER_SERVFAIL, "kind %u", kind);
        cr_expect_eq(a.ttl, (uint32_t)ANSWER_TTL_DEFAULT);
        cr_expect(is_root(&a.name) && !a.msg && !a.secure && a.good == 0 && a.bad == 0);
        cr_expect(!answer_next_name(&a, &cursor, &name));
        cr_expect(!answer_next_addr(&a, &cursor, &addr));
    }
}
