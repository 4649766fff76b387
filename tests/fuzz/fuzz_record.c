/* Fuzz target: the X-IPRev field and the log line.
 *
 * Input: the facts of a record and the texts of a log line, then a foreign field or line.
 * Whatever the facts hold, what is written is printable, cannot be mistaken for two
 * fields or two lines, and gives the same facts when it is read; what is read from foreign
 * text and written again reads the same.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "outcome/record.h"

#include "tests/fuzz/fuzz.h"
#include "tests/readers/x_iprev.h"

static bool same_name(const struct dname *a, const struct dname *b)
{
    static const struct dname root = {.len = 1};

    /* What is no host name is written as none. */
    return dname_equal(dname_is_host(a) ? a : &root, dname_is_host(b) ? b : &root);
}

static void check_same(const struct record *a, const struct record *b)
{
    MUST(a->found == b->found && a->action == b->action && a->enforce == b->enforce);
    MUST(addr_equal(&a->client, &b->client));
    MUST(same_name(&a->ptr, &b->ptr) && same_name(&a->helo, &b->helo));
    MUST(strcmp(a->rule, b->rule) == 0);
}

static void check_header(const struct record *r)
{
    char text[RECORD_HEADER_MAX];
    struct record back;
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    record_put_header(&sb, r);
    MUST(!sb.overflow && is_folded(text));
    MUST(record_read_header(&back, text, sb.len));
    check_same(r, &back);
    if (r->found & (FINDING(F_PTR_GENERIC) | FINDING(F_PTR_PROVIDER)))
        MUST(strcmp(r->why, back.why) == 0);
}

static void check_log(const struct record *r, const struct record_log *l)
{
    char text[RECORD_LOG_MAX];
    struct record back;
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    record_put_log(&sb, r, l);
    MUST(!sb.overflow && is_printable(text, sb.len, ""));
    MUST(record_read_log(&back, text, sb.len));
    check_same(r, &back);
    MUST(strcmp(r->why, back.why) == 0);
    MUST(addr_equal(&r->relay, &back.relay));
}

static struct dname take_name(struct feed *in)
{
    struct feed piece = take_piece(in, take(in));
    struct dname d;

    if (!dname_from_wire(&d, piece.at, piece.left))
        dname_from_text(&d, (const char *)piece.at, piece.left);
    return d;
}

/* One result, as report_make makes it, and any other words. */
static findings take_findings(struct feed *in)
{
    uint64_t any;

    take_into(in, &any, sizeof any);
    return (any & (FINDING(F_COUNT) - 1) & ~FINDINGS_RESULT) |
           FINDING(F_IPREV_PASS + take(in) % (F_IPREV_SKIP + 1));
}

static void take_rule(struct feed *in, char rule[RULE_NAME_MAX])
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t n = take(in) % RULE_NAME_MAX, i;

    for (i = 0; i < n; i++)
        rule[i] = letters[take(in) % (sizeof letters - 1)];
    rule[n] = '\0';
}

/* Any octets: the judge has its own, but here nothing is relied on. */
static void take_why(struct feed *in, char *why, size_t cap)
{
    struct feed piece = take_piece(in, take(in) % cap);
    char *text = text_of_piece(&piece);

    memcpy(why, text, strlen(text) + 1);
    free(text);
}

static void take_record(struct feed *in, struct record *r)
{
    uint8_t bits = take(in), octets[16];

    memset(r, 0, sizeof *r);
    take_into(in, octets, sizeof octets);
    r->client = addr_from_bytes((enum addr_family)(bits % 3), octets);
    r->relay = addr_from_bytes((enum addr_family)(bits / 3 % 3), octets);
    r->enforce = bits & 0x40;
    r->action = (enum action)(take(in) % (ACTION_REJECT + 1));
    r->found = take_findings(in);
    r->ptr = take_name(in);
    r->helo = take_name(in);
    take_rule(in, r->rule);
    take_why(in, r->why, sizeof r->why);
}

static void write_ours(struct feed *in)
{
    struct record r;
    struct record_log l = {0};
    uint8_t bits = take(in);
    struct feed raw = take_piece(in, take16(in) % 600), qid = take_piece(in, take(in));
    char *helo = copy_of(&raw), *text = text_of_piece(&qid);

    take_record(in, &r);
    l.helo_raw = bits & 1 ? helo : NULL;
    l.helo_raw_len = raw.left;
    l.qid = bits & 2 ? text : NULL;
    l.from_mta = bits & 4 ? text : NULL;
    l.stage = bits & 8 ? "rcpt" : NULL;
    l.wait_ms = take16(in);
    check_header(&r);
    check_log(&r, bits & 16 ? NULL : &l);
    free(helo);
    free(text);
}

static void read_foreign(const char *text, size_t n)
{
    struct record r;

    memset(&r, 0xa5, sizeof r);
    if (record_read_header(&r, text, n))
        check_header(&r);
    memset(&r, 0xa5, sizeof r);
    if (record_read_log(&r, text, n))
        check_log(&r, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed in = {data, size};
    char *text = copy_of(&in);

    read_foreign(text, in.left);
    free(text);
    write_ours(&in);
    text = copy_of(&in);
    read_foreign(text, in.left);
    free(text);
    return 0;
}
