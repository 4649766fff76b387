/* Records: written, read back, forged, and the golden header fields.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "outcome/authres.h"
#include "outcome/record.h"

#include "tests/readers/x_iprev.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

static struct dname name_of(const char *text)
{
    struct dname d = {.len = 1};

    cr_assert(strcmp(text, "-") == 0 || dname_from_text(&d, text, strlen(text)), "%s", text);
    return d;
}

static struct addr addr_of(const char *text)
{
    struct addr a = {.family = ADDR_NONE};

    cr_assert(strcmp(text, "-") == 0 || addr_parse(&a, text, strlen(text)), "%s", text);
    return a;
}

static struct record example(void)
{
    return (struct record){
        .found = FINDING(F_IPREV_FAIL) | FINDING(F_FORWARD_MISMATCH) | FINDING(F_PTR_GENERIC) |
                 FINDING(F_HELO_MISMATCH),
        .client = addr_of("192.0.2.1"),
        .ptr = name_of("host.example.net"),
        .helo = name_of("mail.example.com"),
        .action = ACTION_REJECT,
        .rule = "forged",
        .why = "access word dsl, half-hidden address",
    };
}

#define EXAMPLE_HEADER                                                                             \
    "fail; ip=192.0.2.1; ptr=host.example.net; helo=mail.example.com;\n"                           \
    "\tfindings=iprev-fail,forward-mismatch,ptr-generic,helo-mismatch; rule=forged; "              \
    "action=reject; mode=monitor"
#define EXAMPLE_HEADER_WHY ";\n\tname-why=\"access word dsl, half-hidden address\""

#define EXAMPLE_LOG                                                                                \
    "client=192.0.2.1 ptr=host.example.net helo=mail.example.com "                                 \
    "findings=iprev-fail,forward-mismatch,ptr-generic,helo-mismatch rule=forged action=reject "    \
    "mode=monitor"
#define EXAMPLE_LINE " exempt-line=192.0.2.1"
#define EXAMPLE_WHY  " name-why=\"access word dsl, half-hidden address\""

static void expect_equal(const struct record *a, const struct record *b, const char *text)
{
    cr_assert_eq(a->found, b->found, "%s", text);
    cr_assert(addr_equal(&a->client, &b->client), "%s", text);
    cr_assert(dname_equal(&a->ptr, &b->ptr), "%s", text);
    cr_assert(dname_equal(&a->helo, &b->helo), "%s", text);
    cr_assert_eq(a->action, b->action, "%s", text);
    cr_assert_eq(a->enforce, b->enforce, "%s", text);
    cr_assert_str_eq(a->rule, b->rule, "%s", text);
    cr_assert_str_eq(a->why, b->why, "%s", text);
    cr_assert(addr_equal(&a->relay, &b->relay), "%s", text);
}

Test(record, put_examples)
{
    const struct record_log log = {.helo_raw = "MAIL.example.com.",
                                   .helo_raw_len = 17,
                                   .questions = 3,
                                   .dns_ms = 41,
                                   .wait_ms = 7,
                                   .qid = "4ABC",
                                   .from_mta = "unknown",
                                   .stage = "mail"};
    struct record r = example();
    char text[RECORD_LOG_MAX];
    struct sbuf sb;

    sbuf_init(&sb, text, RECORD_HEADER_MAX);
    record_put_header(&sb, &r);
    cr_expect_str_eq(text, EXAMPLE_HEADER EXAMPLE_HEADER_WHY, "%s", text);
    sbuf_init(&sb, text, sizeof text);
    record_put_log(&sb, &r, NULL);
    cr_expect_str_eq(text, EXAMPLE_LOG EXAMPLE_LINE EXAMPLE_WHY, "%s", text);
    sbuf_init(&sb, text, sizeof text);
    record_put_log(&sb, &r, &(struct record_log){.questions = 1});
    cr_expect_str_eq(text, EXAMPLE_LOG " dns=1/0 wait=0" EXAMPLE_LINE EXAMPLE_WHY, "%s", text);
    sbuf_init(&sb, text, sizeof text);
    r.why[0] = '\0';
    r.relay = addr_of("198.51.100.1");
    record_put_header(&sb, &r);
    cr_expect_str_eq(text, EXAMPLE_HEADER, "%s", text);
    sbuf_init(&sb, text, sizeof text);
    record_put_log(&sb, &r, &log);
    cr_expect_not_null(strstr(text, " helo=MAIL.example.com. "), "%s", text);
    cr_expect_not_null(strstr(text, " mode=monitor dns=3/41 wait=7 qid=4ABC from-mta=unknown "
                                    "stage=mail relay=198.51.100.1 exempt-line=192.0.2.1"),
                       "%s", text);
    r = (struct record){.ptr = {.len = 1}, .helo = {.len = 1}};
    sbuf_init(&sb, text, RECORD_HEADER_MAX);
    record_put_header(&sb, &r);
    cr_expect_str_eq(text, "none; ip=-; ptr=-; helo=-;\n"
                           "\tfindings=-; rule=-; action=accept; mode=monitor");
}

/* Texts of the MTA are shown up to a length, and the line says that there was more. */
Test(record, long_texts_of_the_MTA)
{
    static const struct {
        unsigned n; /* octets */
        const char *qid, *stage;
    } rows[] = {
        {16, "0000000000000000", "0000000000000000"},
        {17, "00000000000000000", "0000000000000000\\..."},
        {32, "00000000000000000000000000000000", "0000000000000000\\..."},
        {33, "00000000000000000000000000000000\\...", "0000000000000000\\..."},
    };
    struct record r = example();
    char text[RECORD_LOG_MAX], given[40], want[128];
    struct sbuf sb;
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(given, sizeof given, "%0*d", (int)rows[i].n, 0);
        snprintf(want, sizeof want, " qid=%s from-mta=%s stage=%s ", rows[i].qid, rows[i].stage,
                 rows[i].stage);
        sbuf_init(&sb, text, sizeof text);
        record_put_log(&sb, &r,
                       &(struct record_log){.qid = given, .from_mta = given, .stage = given});
        cr_expect_not_null(strstr(text, want), "%u: %s", rows[i].n, text);
    }
}

/* What a HELO argument looks like in the log line, and what it reads back as. */
Test(record, F1_A2_A6_helo_in_the_log)
{
    static const struct {
        const char *raw, *helo, *shown;
    } rows[] = {
        {"mail.example.com", "mail.example.com", "mail.example.com"},
        {"Mail.Example.Com.", "mail.example.com", "Mail.Example.Com."},
        {"", "-", "-"},
        {"-", "-", "\\x2d"},
        {"PC-17", "-", "PC-17"},
        {"[192.0.2.1]", "-", "[192.0.2.1]"},
        {"x findings=iprev-pass", "-", "x\\x20findings\\x3diprev-pass"},
        {"a\nclient=192.0.2.9", "-", "a\\x0aclient\\x3d192.0.2.9"},
        {"a\" name-why=\"b", "-", "a\\x22\\x20name-why\\x3d\\x22b"},
        {"\x1b[2Ja\x7f\xff", "-", "\\x1b[2Ja\\x7f\\xff"},
        {"\\x41", "-", "\\x5cx41"},
        {"%s%n$(x)`x`", "-", "%s%n$(x)`x`"},
        {"-rf.example.com", "-", "\\x2drf.example.com"}, /* no host name by RFC 5321 4.1.2 */
        {"a b", "mail.example.com", "mail.example.com"}, /* an argument that is another's */
        {"b.example", "mail.example.com", "mail.example.com"},
    };
    char text[RECORD_LOG_MAX], want[200];
    struct record r = example(), back;
    struct sbuf sb;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct record_log log = {.helo_raw = rows[i].raw, .helo_raw_len = strlen(rows[i].raw)};

        r.helo = name_of(rows[i].helo);
        sbuf_init(&sb, text, sizeof text);
        record_put_log(&sb, &r, &log);
        snprintf(want, sizeof want, " helo=%s findings=iprev-fail,", rows[i].shown);
        cr_expect_not_null(strstr(text, want), "`%s`: %s", rows[i].raw, text);
        cr_expect(record_read_log(&back, text, sb.len), "%s", text);
        expect_equal(&back, &r, text);
    }
}

Test(record, A4_long_texts_are_cut_and_say_so)
{
    char raw[2043], text[RECORD_LOG_MAX];
    struct record_log log = {.helo_raw = raw, .helo_raw_len = sizeof raw};
    struct record r = example(), back;
    struct sbuf sb;
    unsigned i;

    r.helo = name_of("-");
    for (i = 0; i < 3; i++) {
        memset(raw, "a\x01."[i], sizeof raw);
        sbuf_init(&sb, text, sizeof text);
        record_put_log(&sb, &r, &log);
        cr_expect_not(sb.overflow);
        cr_expect_not_null(strstr(text, "\\... findings="), "%s", text);
        cr_expect(record_read_log(&back, text, sb.len));
        expect_equal(&back, &r, text);
    }
}

/* What stands on an exempt list is not refused, put off or held: beside those actions. */
Test(record, line_that_exempts)
{
    static const struct {
        enum action action;
        enum finding result;
        const char *line; /* NULL: none */
    } row[] = {
        {ACTION_ACCEPT, F_IPREV_FAIL, NULL},
        {ACTION_TAG, F_IPREV_FAIL, NULL},
        {ACTION_QUARANTINE, F_IPREV_FAIL, " exempt-line=192.0.2.1 "},
        {ACTION_TEMPFAIL, F_IPREV_TEMPERROR, " exempt-line=192.0.2.1 "},
        {ACTION_REJECT, F_IPREV_FAIL, " exempt-line=192.0.2.1 "},
        {ACTION_REJECT, F_IPREV_PASS, " exempt-line=host.example.net "},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        struct record r = example();
        char text[RECORD_LOG_MAX];
        struct sbuf sb;

        r.action = row[i].action;
        r.found = FINDING(row[i].result);
        sbuf_init(&sb, text, sizeof text);
        record_put_log(&sb, &r, NULL);
        cr_expect((strstr(text, "exempt-line") != NULL) == (row[i].line != NULL) &&
                      (row[i].line == NULL || strstr(text, row[i].line) != NULL),
                  "%s: %s", action_word(row[i].action), text);
    }
}

/* Every text as long and as odd as its field allows. */
Test(record, B6_C14_worst_case_fits)
{
    static char odd[3000];
    struct record_log log = {odd, sizeof odd - 1, ~0u, ~0u, ~0u, odd, odd, odd};
    struct record r = {.found = ~(findings)0, .action = ACTION_QUARANTINE, .enforce = true}, back;
    char text[RECORD_LOG_MAX], longest[253];
    struct sbuf sb;
    size_t i;

    memset(odd, '\xff', sizeof odd - 1);
    memset(r.rule, '\xff', sizeof r.rule - 1);
    memset(r.why, '\xff', sizeof r.why - 1);
    r.client = addr_of("2001:db8:1111:2222:3333:4444:5555:6666");
    r.relay = r.client;
    for (i = 0; i < sizeof longest; i++)
        longest[i] = i % 64 == 63 ? '.' : 'a';
    cr_assert(dname_from_text(&r.ptr, longest, sizeof longest));
    r.helo.len = 1;
    sbuf_init(&sb, text, sizeof text);
    record_put_log(&sb, &r, &log);
    cr_expect_not(sb.overflow);
    cr_expect(record_read_log(&back, text, sb.len));
    r.helo = r.ptr;
    sbuf_init(&sb, text, RECORD_HEADER_MAX);
    record_put_header(&sb, &r);
    cr_expect_not(sb.overflow);
    cr_expect(record_read_header(&back, text, sb.len));
}

Test(record, put_fails_as_a_whole)
{
    struct record r = example();
    const size_t whole = sizeof EXAMPLE_HEADER EXAMPLE_HEADER_WHY;
    size_t cap;

    for (cap = 1; cap <= whole; cap++) {
        char *exact = malloc(cap);
        struct sbuf sb;

        sbuf_init(&sb, exact, cap);
        record_put_header(&sb, &r);
        cr_expect(sb.overflow == (cap < whole), "%zu", cap);
        free(exact);
    }
}

static unsigned seed = 1;

static unsigned draw(unsigned n)
{
    return (unsigned)rand_r(&seed) % n;
}

static void draw_text(char *text, size_t cap, const char *alphabet)
{
    size_t n = draw((unsigned)cap);
    size_t i;

    for (i = 0; i < n; i++)
        text[i] =
            alphabet == NULL ? (char)(1 + draw(255)) : alphabet[draw((unsigned)strlen(alphabet))];
    text[n] = '\0';
}

/* A host name, or the root. */
static void draw_name(struct dname *d)
{
    char text[64];

    draw_text(text, sizeof text, "abcXYZ019-_...");
    if (!dname_from_text(d, text, strlen(text)) || !dname_is_host(d))
        *d = (struct dname){.len = 1};
}

static void draw_record(struct record *r)
{
    uint8_t bytes[16];
    unsigned i;

    for (i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(draw(3) > 0 ? 0 : draw(256));
    *r = (struct record){.action = (enum action)draw(5), .enforce = draw(2) > 0};
    for (i = 0; i < F_COUNT; i++)
        r->found |= draw(4) == 0 ? FINDING(i) : 0;
    r->client = addr_from_bytes((enum addr_family)draw(3), bytes);
    r->relay = addr_from_bytes((enum addr_family)draw(3), bytes);
    draw_name(&r->ptr);
    draw_name(&r->helo);
    draw_text(r->rule, sizeof r->rule, draw(8) > 0 ? "abcXYZ019-_." : NULL);
    draw_text(r->why, sizeof r->why, draw(8) > 0 ? "ab c-,.'" : NULL);
}

static void check_alphabet(const char *text, size_t n, bool folds)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (folds && text[i] == '\n' && i + 1 < n && text[i + 1] == '\t')
            i++;
        else
            cr_assert(text[i] >= ' ' && text[i] <= '~', "%s", text);
    }
}

/* No line over 110 characters but those of a single field. */
static void check_widths(const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");
        bool single = memchr(text, ' ', n) == NULL || strncmp(text, "\tname-why=", 10) == 0;

        cr_assert(n <= 110 || single, "%s", text);
        text += n + (text[n] == '\n');
    }
}

static void check_header_trip(const struct record *r)
{
    char text[RECORD_HEADER_MAX];
    struct record want = *r, back;
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    record_put_header(&sb, r);
    cr_assert_not(sb.overflow);
    check_alphabet(text, sb.len, true);
    check_widths(text);
    cr_assert(record_read_header(&back, text, sb.len), "%s", text);
    if ((r->found & (FINDING(F_PTR_GENERIC) | FINDING(F_PTR_PROVIDER))) == 0)
        want.why[0] = '\0'; /* of a chosen name the header tells none */
    want.relay = (struct addr){.family = ADDR_NONE};
    expect_equal(&back, &want, text);
}

static void check_log_trip(const struct record *r)
{
    char raw[300], mta[300], text[RECORD_LOG_MAX];
    struct record_log log = {.questions = draw(25), .dns_ms = draw(9000), .wait_ms = draw(9000)};
    struct record back;
    struct sbuf sb;

    draw_text(raw, draw(2) > 0 ? sizeof raw : 12, draw(4) > 0 ? "ab.-= \n\"\\x20" : NULL);
    draw_text(mta, sizeof mta, NULL);
    log.helo_raw = draw(8) > 0 ? raw : NULL;
    log.helo_raw_len = strlen(raw);
    log.from_mta = draw(2) > 0 ? mta : NULL;
    log.qid = draw(2) > 0 ? "4ABC" : NULL;
    sbuf_init(&sb, text, sizeof text);
    record_put_log(&sb, r, &log);
    cr_assert_not(sb.overflow);
    check_alphabet(text, sb.len, false);
    cr_assert(record_read_log(&back, text, sb.len), "%s", text);
    expect_equal(&back, r, text);
}

Test(record, C14_F1_round_trip)
{
    struct record r;
    unsigned i;

    seed = 1;
    for (i = 0; i < 100000; i++) {
        draw_record(&r);
        check_header_trip(&r);
        check_log_trip(&r);
    }
}

/* Reads from memory that ends with the text, so that the sanitizer sees an over-read. */
static bool read_exact(struct record *r, const char *text, size_t n)
{
    char *exact = malloc(n > 0 ? n : 1);
    bool good;

    memcpy(exact, text, n);
    good = record_read_log(r, exact, n);
    free(exact);
    return good;
}

#define LOG_REST "findings=iprev-fail rule=- action=accept mode=monitor"

Test(record, F4_read_log)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {EXAMPLE_LOG EXAMPLE_LINE EXAMPLE_WHY, true},
        {"Nov 21 07:23:01 mx iprev-milter[17]: " EXAMPLE_LOG "\n", true},
        {"client=192.0.2.1 ptr=- helo=- later=\"a b=c\" " LOG_REST " dns=1/2", true},
        {"client=192.0.2.1  ptr=-  helo=\\... " LOG_REST, true},
        {"", false},
        {"client=", false},
        {"client=192.0.2.1", false},
        {"ptr=- helo=- " LOG_REST, false},
        {"client=192.0.2.1 ptr=- " LOG_REST, false},
        {"client=192.0.2.1 ptr=- helo=- helo=- " LOG_REST, false},
        {"client=192.0.2.1 ptr=- helo=- " LOG_REST " client=192.0.2.2", false},
        {"client=192.0.2.1 ptr=- helo=- stray " LOG_REST, false},
        {"xclient=192.0.2.1 ptr=- helo=- " LOG_REST, false},
        {"client=192.0.2.1 ptr=- helo=- findings=- action=tag mode=monitor rule=a=b", false},
        {"client=192.0.2.1 ptr=- helo=- findings=- action=tag mode=monitor rule=\\x4", false},
        {"client=192.0.2.1 ptr=- helo=- findings=- action=tag mode=monitor rule=\\x41", true},
        {"client=192.0.2.1 ptr=- helo=- " LOG_REST " name-why=abc", false},
        {"client=192.0.2.1 ptr=- helo=-\n" LOG_REST, false},
        {"client=192.0.2.1 ptr=- helo=\xff " LOG_REST, false},
        {"client=192.0.2.1\tptr=- helo=- " LOG_REST, false},
        {"client=192.0.2.1 ptr=a..b helo=- " LOG_REST, false},
        {"client=192.0.2.1 ptr=- helo=- " LOG_REST " name-why=a", false},
        {"client=192.0.2.1 ptr=- helo=- " LOG_REST " name-why=\"a", false},
        {"client=192.0.2.1 ptr=- helo=- " LOG_REST " name-why=\"a\"b", false},
        {"client=192.0.2.1 ptr=- helo=- " LOG_REST " name-why=\"a\\x4\"", false},
        {"client=192.0.2.256 ptr=- helo=- " LOG_REST, false},
        {"client=- ptr=pc-17 helo=- " LOG_REST, false},
        {"client=- ptr=- helo=- findings=iprev-fail,bogus rule=- action=tag mode=monitor", false},
        {"client=- ptr=- helo=- findings=- rule=\\x00 action=tag mode=monitor", false},
        {"client=- ptr=- helo=- findings=- rule=12345678901234567890123456789012 action=tag "
         "mode=monitor",
         true},
        {"client=- ptr=- helo=- findings=- rule=123456789012345678901234567890123 action=tag "
         "mode=monitor",
         false},
        {"client=- ptr=- helo=- findings=- rule=- action=drop mode=monitor", false},
        {"client=- ptr=- helo=- findings=- rule=- action=tag mode=off", false},
        {EXAMPLE_LOG " name-why=\"a\" name-why=\"b\"", false},
        {EXAMPLE_LOG " name-why=\"a\" action=accept", false},
        {"NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 550 5.7.25 x; helo=<client=1>", false},
    };
    struct record r;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        cr_expect(read_exact(&r, rows[i].text, strlen(rows[i].text)) == rows[i].good, "%s",
                  rows[i].text);
        cr_expect(rows[i].good || (r.found == 0 && r.client.family == ADDR_NONE), "%s",
                  rows[i].text);
    }
}

Test(record, what_memory_said_is_read_back)
{
    static const struct {
        const char *field;
        bool good;
        enum record_memory memory;
    } rows[] = {
        {"", true, RECORD_NO_MEMORY},
        {" memory=new", true, RECORD_NEW},
        {" memory=early", true, RECORD_EARLY},
        {" memory=passed", true, RECORD_PASSED},
        {" memory=known", true, RECORD_KNOWN},
        {" memory=unavailable", true, RECORD_UNAVAILABLE},
        {" memory=old", false, RECORD_NO_MEMORY},
        {" memory=news", false, RECORD_NO_MEMORY},
        {" memory=-", false, RECORD_NO_MEMORY},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        char text[200];
        struct record r;

        snprintf(text, sizeof text, "client=192.0.2.1 ptr=- helo=- " LOG_REST "%s", rows[i].field);
        cr_expect(read_exact(&r, text, strlen(text)) == rows[i].good, "%s", text);
        cr_expect_eq(r.memory, rows[i].memory, "%s", text);
    }
}

/* Damaged lines: read or refused, never past their end. */
Test(record, F4_damaged_records)
{
    char text[RECORD_LOG_MAX];
    unsigned i, cuts;

    seed = 2;
    for (i = 0; i < 100000; i++) {
        static const char whole[] = EXAMPLE_LOG EXAMPLE_LINE EXAMPLE_WHY;
        size_t n = sizeof whole - 1;
        struct record r;

        memcpy(text, whole, n);
        for (cuts = draw(4); cuts > 0; cuts--)
            text[draw((unsigned)n)] = " =;\"\\\n-,x\xff"[draw(10)];
        n = draw(3) > 0 ? n : draw((unsigned)n);
        read_exact(&r, text, n);
    }
}
