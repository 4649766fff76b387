/* Authentication-Results: exact values, forged ids, the grammar of RFC 8601.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/readers/authres_read.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

#define ID "mx.example.org"

static struct addr addr_of(const char *text)
{
    struct addr a = {.family = ADDR_NONE};

    cr_assert(*text == '-' || addr_parse(&a, text, strlen(text)), "%s", text);
    return a;
}

/* NULL: the root. */
static struct dname name_of(const char *text)
{
    struct dname d = {.len = 1};

    cr_assert(text == NULL || dname_from_text(&d, text, strlen(text)), "%s", text);
    return d;
}

Test(authres, C16_id_valid)
{
    static const struct {
        const char *id;
        bool valid;
    } rows[] = {
        {ID, true},      {"a", true},      {"host/job", true},  {"user@host:1", true},
        {"(x)", true},   {"a;b", true},    {"~!", true},        {"", false},
        {"a b", false},  {"a\tb", false},  {"a\nb", false},     {"a\"b", false},
        {"a\\b", false}, {"a\x7f", false}, {"\xc3\xbc", false}, {"a\r", false},
    };
    char text[AUTHRES_ID_MAX + 1];
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect(authres_id_valid(rows[i].id, strlen(rows[i].id)) == rows[i].valid, "`%s`",
                  rows[i].id);
    memset(text, 'a', sizeof text);
    cr_expect(authres_id_valid(text, AUTHRES_ID_MAX - 1));
    cr_expect_not(authres_id_valid(text, AUTHRES_ID_MAX));
    cr_expect_not(authres_id_valid("a\0b", 3));
}

Test(authres, put)
{
    static const struct {
        const char *id;
        enum finding result, cause;
        const char *client, *name, *value;
        const char *source;
    } rows[] = {
        {ID, F_IPREV_PASS, F_NONE, "192.0.2.1", "mail.example.com",
         ID "; iprev=pass policy.iprev=192.0.2.1 (mail.example.com)", "RFC 8601 2.7.3 pass"},
        {ID, F_IPREV_FAIL, F_FORWARD_MISMATCH, "2001:db8::1", NULL,
         ID "; iprev=fail reason=forward-mismatch policy.iprev=\"2001:db8::1\"",
         "RFC 2045 5.1: `:` is no token character"},
        {ID, F_IPREV_PERMERROR, F_PTR_MISSING, "192.0.2.1", NULL,
         ID "; iprev=permerror reason=ptr-missing policy.iprev=192.0.2.1", "RFC 8601 2.7.3"},
        {ID, F_IPREV_TEMPERROR, F_DNS_TIMEOUT, "192.0.2.1", NULL,
         ID "; iprev=temperror reason=dns-timeout policy.iprev=192.0.2.1", "RFC 8601 2.7.3"},
        {ID, F_IPREV_FAIL, F_PTR_INVALID, "-", NULL, ID "; iprev=fail reason=ptr-invalid",
         "no address"},
        {"mx.example.org/job", F_IPREV_PASS, F_NONE, "192.0.2.1", NULL,
         "\"mx.example.org/job\"; iprev=pass policy.iprev=192.0.2.1", "RFC 2045 5.1 tspecials"},
        {"a:b@c", F_IPREV_PASS, F_NONE, "192.0.2.1", NULL,
         "\"a:b@c\"; iprev=pass policy.iprev=192.0.2.1", "RFC 2045 5.1 tspecials"},
        {ID, F_IPREV_FAIL, F_FORWARD_MISMATCH, "192.0.2.1", "a-rather-long-name.example.net",
         ID "; iprev=fail reason=forward-mismatch policy.iprev=192.0.2.1\n"
            "\t(a-rather-long-name.example.net)",
         "RFC 5322 2.1.1 long lines"},
        {"a-gateway-with-quite-a-long-name.mail.department.example.org", F_IPREV_FAIL,
         F_FORWARD_MISMATCH, "2001:db8:1111:2222:3333:4444:5555:6666", "mail.example.net",
         "a-gateway-with-quite-a-long-name.mail.department.example.org;\n"
         "\tiprev=fail reason=forward-mismatch "
         "policy.iprev=\"2001:db8:1111:2222:3333:4444:5555:6666\"\n"
         "\t(mail.example.net)",
         "RFC 5322 2.1.1 long lines"},
    };
    char text[AUTHRES_VALUE_MAX];
    struct sbuf sb;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct addr client = addr_of(rows[i].client);
        struct dname name = name_of(rows[i].name);

        sbuf_init(&sb, text, sizeof text);
        authres_put(&sb, rows[i].id, rows[i].result, rows[i].cause, &client,
                    rows[i].name == NULL ? NULL : &name);
        cr_expect_not(sb.overflow);
        cr_expect_str_eq(text, rows[i].value, "%s:\n%s\n%s", rows[i].source, text, rows[i].value);
    }
}

Test(authres, B3_put_only_host_names)
{
    static const char *const wires[] = {"\1a", "\7a)x=y(b\3com", "\3a\nb\3com", "\3a;b\3com", ""};
    struct addr client = addr_of("192.0.2.1");
    char text[AUTHRES_VALUE_MAX];
    struct sbuf sb;
    size_t i;

    for (i = 0; i < ARRAY_LEN(wires); i++) {
        struct dname name;

        cr_assert(dname_from_wire(&name, (const uint8_t *)wires[i], strlen(wires[i]) + 1));
        sbuf_init(&sb, text, sizeof text);
        authres_put(&sb, ID, F_IPREV_PASS, F_NONE, &client, &name);
        cr_expect_str_eq(text, ID "; iprev=pass policy.iprev=192.0.2.1");
    }
}

Test(authres, put_fails_as_a_whole)
{
    struct addr client = addr_of("192.0.2.1");
    struct dname name = name_of("mail.example.com");
    char text[AUTHRES_VALUE_MAX];
    struct sbuf sb;
    size_t cap, whole;

    sbuf_init(&sb, text, sizeof text);
    authres_put(&sb, ID, F_IPREV_PASS, F_NONE, &client, &name);
    whole = sb.len;
    for (cap = 1; cap <= whole + 1; cap++) {
        char *exact = malloc(cap);

        sbuf_init(&sb, exact, cap);
        authres_put(&sb, ID, F_IPREV_PASS, F_NONE, &client, &name);
        cr_expect(sb.overflow == (cap <= whole), "%zu", cap);
        free(exact);
    }
    sbuf_init(&sb, text, sizeof text);
    authres_put(&sb, "a b", F_IPREV_PASS, F_NONE, &client, &name);
    cr_expect(sb.overflow && sb.len == 0);
    sbuf_init(&sb, text, sizeof text);
    authres_put(&sb, ID, F_IPREV_SKIP, F_SKIP_LOCAL, &client, &name);
    cr_expect(sb.overflow && sb.len == 0);
}

struct claim_row {
    const char *value;
    enum authres_claim claim;
    const char *why;
};

static void check_claims(const struct claim_row *rows, size_t n, const char *id)
{
    size_t i;

    for (i = 0; i < n; i++) {
        size_t len = strlen(rows[i].value);
        char *exact = malloc(len + 1);
        enum authres_claim claim;

        memcpy(exact, rows[i].value, len);
        exact = realloc(exact, len > 0 ? len : 1);
        claim = authres_claim(exact, len, id);
        cr_expect(claim == rows[i].claim, "`%s` (%s): %d", rows[i].value, rows[i].why, claim);
        free(exact);
    }
}

Test(authres, C1_C2_C3_C4_C5_claim_mine)
{
    static const struct claim_row rows[] = {
        {ID "; iprev=pass", AUTHRES_MINE, "C1 RFC 8601 5"},
        {ID "; none", AUTHRES_MINE, "C1"},
        {"MX.Example.ORG; spf=pass", AUTHRES_MINE, "C2 case"},
        {" \t" ID " ; spf=pass", AUTHRES_MINE, "C2 blanks"},
        {"\n\t" ID "\n ;\n\tspf=pass", AUTHRES_MINE, "C2 folds"},
        {"\r\n\t" ID ";spf=pass", AUTHRES_MINE, "C2 folds with CR"},
        {ID ".; spf=pass", AUTHRES_MINE, "C5 final dot"},
        {"(a) " ID "; x=y", AUTHRES_MINE, "C3 comment before"},
        {"(a(b)c)" ID "(d); x=y", AUTHRES_MINE, "C3 nested"},
        {"(\\)) " ID " (\\() ; x=y", AUTHRES_MINE, "C3 quoted pair"},
        {"(a\\\\)" ID, AUTHRES_MINE, "C3 escaped back-slash"},
        {"(mx.example.com;) " ID, AUTHRES_MINE, "C3 id inside a comment"},
        {"()(\n\t)\n " ID "; x=y", AUTHRES_MINE, "C3 several"},
        {"(\x01\xff) " ID "; x=y", AUTHRES_MINE, "C3 odd bytes"},
        {ID " 1; x=y", AUTHRES_MINE, "C4 RFC 8601 2.5 version"},
        {ID " 999(x) ; x=y", AUTHRES_MINE, "C4 unknown version"},
        {ID "(x)1; x=y", AUTHRES_MINE, "C4 comment as blank"},
        {ID, AUTHRES_MINE, "C4 no semicolon"},
        {ID " 1", AUTHRES_MINE, "C4 no semicolon"},
        {ID " (", AUTHRES_UNREADABLE, "C7 unclosed comment"},
        {"\"" ID "\"; x=y", AUTHRES_MINE, "C5 quoted"},
        {"\"mx.ex\\ample.org\"; x=y", AUTHRES_MINE, "C5 escape"},
        {"\"mx.\r\nexample.org.\" 1; x=y", AUTHRES_MINE, "RFC 5322 2.2.3 CR LF of a fold"},
        {ID ";;;", AUTHRES_MINE, "the rest is not looked at"},
        {ID "; (", AUTHRES_MINE, "the rest is not looked at"},
    };

    check_claims(rows, ARRAY_LEN(rows), ID);
    check_claims(rows, ARRAY_LEN(rows), "mx.Example.org.");
}

Test(authres, C4_C6_claim_exact)
{
    static const struct claim_row rows[] = {
        {"mx.example.com; x=y", AUTHRES_OTHER, "another"},
        {"mx.example.com 1; x=y", AUTHRES_OTHER, "RFC 8601 5: a version that is supported"},
        {"mx.example.com 2; x=y", AUTHRES_UNREADABLE, "RFC 8601 5: one that is not"},
        {"m\xc3\xbc.example.com 01 ; x=y", AUTHRES_OTHER, "RFC 8601 2.2: 1*DIGIT"},
        {"m\xc3\xbc.example.com 11; x=y", AUTHRES_UNREADABLE, "RFC 8601 5"},
        {ID "/job; x=y", AUTHRES_OTHER, "our id and a job"},
        {"\"" ID "/job\"; x=y", AUTHRES_OTHER, "our id and a job"},
        {ID ".net; x=y", AUTHRES_OTHER, "prefix"},
        {"a." ID "; x=y", AUTHRES_OTHER, "suffix"},
        {"example.org; x=y", AUTHRES_OTHER, "part"},
        {ID "..; x=y", AUTHRES_OTHER, "two dots"},
        {"." ID "; x=y", AUTHRES_OTHER, "leading dot"},
        {"\"mx. example.org\"; x=y", AUTHRES_MINE, "a blank inside"},
        {"\" mx.example.org\"; x=y", AUTHRES_MINE, "a blank that a reader may drop"},
        {"\"mx.example.org \"; x=y", AUTHRES_MINE, "and behind it"},
        {"\" mx.example.net\"; x=y", AUTHRES_OTHER, "another id"},
        {"mx.example.or\xe2\x84\xaa; x=y", AUTHRES_OTHER, "a Kelvin sign is no g"},
        {"1; x=y", AUTHRES_OTHER, "a number is a token"},
        {"mx_example_org", AUTHRES_OTHER, "another"},
        {"m\xc3\xbc.example.org; x=y", AUTHRES_OTHER, "UTF-8, no A-label of ours"},
        {"\xc2\xa0mx.example.org; x=y", AUTHRES_MINE, "a blank of Unicode before our id"},
        {"\xe3\x80\x80mx.example.org\xc2\x85; x=y", AUTHRES_MINE, "and behind it"},
        {"mx.exa\xe2\x80\x8bmple.org; x=y", AUTHRES_MINE, "a blank of no width inside"},
        {"\xa0MX.Example.ORG.; x=y", AUTHRES_MINE, "Latin-1"},
        {"\xc2\xa0mx.example.net; x=y", AUTHRES_OTHER, "another id"},
    };
    static const struct claim_row folds[] = {
        {"m\xe2\x84\xaa.example.org; x=y", AUTHRES_MINE, "U+212A in lower case is k"},
        {"mk.example\xc5\xbf.org; x=y", AUTHRES_OTHER, "one letter more"},
        {"m\xc3\xbc.example.org; x=y", AUTHRES_OTHER, "one letter less"},
    };
    static const struct claim_row job[] = {
        {"\"" ID "/job\"; x=y", AUTHRES_MINE, "quoted id of ours"},
        {ID "/job; x=y", AUTHRES_MINE, "the same unquoted"},
        {ID "; x=y", AUTHRES_OTHER, "only the host of it"},
    };
    static const struct claim_row idn[] = {
        {"m\xc3\xbc.example.org; x=y", AUTHRES_MINE, "RFC 8601 5: could be our U-label"},
        {"\"m\xc3\xbc.example.org\"; x=y", AUTHRES_MINE, "RFC 8601 5: could be our U-label"},
        {"mu.example.org; x=y", AUTHRES_OTHER, "ASCII is compared"},
        {"XN--m-xka.example.org; x=y", AUTHRES_MINE, "A-label"},
    };
    char value[600];

    check_claims(rows, ARRAY_LEN(rows), ID);
    check_claims(folds, ARRAY_LEN(folds), "mk.example.org");
    check_claims(job, ARRAY_LEN(job), ID "/job");
    check_claims(idn, ARRAY_LEN(idn), "xn--m-xka.example.org");
    check_claims(idn, 2, "mail.xn--m-xka.example");
    cr_expect(authres_claim(idn[0].value, strlen(idn[0].value), "axn--b.example") == AUTHRES_OTHER);
    memset(value, 'a', sizeof value);
    value[255] = '\0';
    cr_expect(authres_claim(value, 255, value) == AUTHRES_MINE);
    value[255] = '.';
    cr_expect(authres_claim(value, 256, (value[256] = '\0', value)) == AUTHRES_MINE);
    memset(value, 'a', sizeof value);
    value[255] = '\0';
    cr_expect(authres_claim(value + 256, 300, value) == AUTHRES_OTHER, "longer than any id");
    snprintf(value, sizeof value, "\"%-400s\"; x=y", ID);
    cr_expect(authres_claim(value, strlen(value), ID) == AUTHRES_MINE,
              "blanks that a reader may drop");
}

Test(authres, C7_claim_unreadable)
{
    static const struct claim_row rows[] = {
        {"", AUTHRES_UNREADABLE, "empty"},
        {" \n\t", AUTHRES_UNREADABLE, "blank"},
        {"(only a comment)", AUTHRES_UNREADABLE, "comment"},
        {";", AUTHRES_UNREADABLE, "no id"},
        {"; iprev=pass", AUTHRES_UNREADABLE, "no id"},
        {"spf=pass smtp.mailfrom=a", AUTHRES_UNREADABLE, "no id"},
        {"iprev/1=pass policy.iprev=192.0.2.1", AUTHRES_UNREADABLE, "no id"},
        {"iprev = pass", AUTHRES_UNREADABLE, "no id"},
        {"(" ID "; x=y", AUTHRES_UNREADABLE, "unclosed comment"},
        {"((a) " ID "; x=y", AUTHRES_UNREADABLE, "unclosed comment"},
        {"(a\\", AUTHRES_UNREADABLE, "unclosed comment"},
        {"(a\\)" ID, AUTHRES_UNREADABLE, "unclosed comment"},
        {") " ID, AUTHRES_UNREADABLE, "unopened comment"},
        {"\"" ID "; x=y", AUTHRES_UNREADABLE, "unclosed quote"},
        {"\"" ID "\\\"", AUTHRES_UNREADABLE, "unclosed quote"},
        {"\"" ID "\\", AUTHRES_UNREADABLE, "unclosed quote"},
        {"\"\"; x=y", AUTHRES_UNREADABLE, "empty id"},
        {"mx . example . org; x=y", AUTHRES_UNREADABLE, "RFC 8601 2.2: value holds no CFWS"},
        {ID " x; a=b", AUTHRES_UNREADABLE, "no version"},
        {ID " 1x; a=b", AUTHRES_UNREADABLE, "no version"},
        {ID " 1 1; a=b", AUTHRES_UNREADABLE, "two versions"},
        {"\"" ID "\"1; a=b", AUTHRES_UNREADABLE, "RFC 8601 2.2: CFWS before version"},
        {ID ", mx.example.com; a=b", AUTHRES_UNREADABLE, "a list"},
        {"<" ID ">; a=b", AUTHRES_UNREADABLE, "tspecials"},
        {ID ":25; a=b", AUTHRES_UNREADABLE, "tspecials"},
        {"a@" ID "; a=b", AUTHRES_UNREADABLE, "tspecials"},
        {"[192.0.2.1]; a=b", AUTHRES_UNREADABLE, "tspecials"},
        {ID "\x01; a=b", AUTHRES_UNREADABLE, "control"},
        {ID "\x7f; a=b", AUTHRES_UNREADABLE, "control"},
        {"\"mx\x01\"; a=b", AUTHRES_UNREADABLE, "control"},
        {"\"mx\x7f\"; a=b", AUTHRES_UNREADABLE, "control"},
    };

    check_claims(rows, ARRAY_LEN(rows), ID);
    cr_expect(authres_claim(ID "\0; x=y", sizeof ID + 5, ID) == AUTHRES_UNREADABLE, "C9");
    cr_expect(authres_claim(ID "\0; x=y", sizeof ID - 1, ID) == AUTHRES_MINE, "C9 cut");
}

Test(authres, C10_long_values_take_linear_time)
{
    static const char *const units[] = {"(",        "()",  "a",         "\"",    "\\",
                                        " ",        "(a)", ID "; a=b ", "; a=b", "\"a\" ",
                                        " a.b=c@d", "1",   ";"};
    static const char *const starts[] = {"", ID "; a=b ", "\"", "(", ID "; a=b c.d=\""};
    const size_t n = 60000;
    char *value = malloc(n);
    clock_t start = clock();
    struct authres ar;
    size_t u, s, i;

    for (u = 0; u < ARRAY_LEN(units); u++)
        for (s = 0; s < ARRAY_LEN(starts); s++) {
            size_t len = strlen(starts[s]);

            memcpy(value, starts[s], len);
            for (i = len; i < n; i++)
                value[i] = units[u][(i - len) % strlen(units[u])];
            for (i = 0; i < 10; i++) {
                authres_claim(value, n, ID);
                authres_read(&ar, value, n);
            }
        }
    free(value);
    /* 80 million octets; anything worse than linear takes hours. */
    cr_expect(clock() - start < 20 * CLOCKS_PER_SEC);
}
