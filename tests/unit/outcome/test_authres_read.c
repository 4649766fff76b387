/* Authentication-Results read back: grammar, round trip, hostile bytes.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/readers/authres_read.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

#define ID "mx.example.org"

static struct addr addr_of(const char *text)
{
    struct addr a = {.family = ADDR_NONE};

    cr_assert(*text == '-' || addr_parse(&a, text, strlen(text)), "%s", text);
    return a;
}

Test(authres, read_grammar)
{
    static const struct {
        const char *value;
        const char *id;
        enum finding result;
        const char *reason, *client;
        const char *source;
    } rows[] = {
        {ID "; none", ID, F_NONE, "", "-", "RFC 8601 2.2 no-result"},
        {ID "(a);(b)NONE(c)", ID, F_NONE, "", "-", "RFC 8601 2.2 no-result"},
        {ID "; none=pass", ID, F_NONE, "", "-", "RFC 8601 2.2 a method may be called none"},
        {ID "; iprev=pass", ID, F_IPREV_PASS, "", "-", "RFC 8601 2.2 resinfo"},
        {ID " 1; iprev=pass", ID, F_IPREV_PASS, "", "-", "RFC 8601 2.2 authres-version"},
        {ID "; iprev/1=fail", ID, F_IPREV_FAIL, "", "-", "RFC 8601 2.2 method-version"},
        {ID "; iprev (a) / (b) 1 (c) = (d) fail", ID, F_IPREV_FAIL, "", "-", "RFC 8601 2.2 CFWS"},
        {ID "; iprev/2=fail; iprev=pass", ID, F_IPREV_PASS, "", "-",
         "RFC 8601 2.6 unknown version"},
        {"(a)" ID "(b)1(c);(d)IPREV(e)=(f)PermError(g)reason(h)=(i)x(j)policy(k).(l)IPREV(m)=(n)"
         "192.0.2.1(o)",
         ID, F_IPREV_PERMERROR, "x", "192.0.2.1", "RFC 8601 2.2 CFWS everywhere"},
        {ID ";\n\tiprev=pass\n\tpolicy.iprev=\"2001:db8::1\"\n (a.example)", ID, F_IPREV_PASS, "",
         "2001:db8::1", "RFC 5322 3.2.2 folds"},
        {"\"a b\\\"c\"; iprev=temperror reason=\"d \\\\ e\" policy.iprev=192.0.2.1", "a b\"c",
         F_IPREV_TEMPERROR, "d \\ e", "192.0.2.1", "RFC 2045 value: quoted-string"},
        {ID "; spf=pass smtp.mailfrom=a@b.example; dkim=fail (x; y) header.d=c.example;"
            " iprev=pass policy.iprev=192.0.2.1; iprev=fail policy.iprev=192.0.2.2",
         ID, F_IPREV_PASS, "", "192.0.2.1", "several methods: the first iprev"},
        {ID "; iprev=pass policy.iprev=192.0.2.1 policy.iprev2=x smtp.iprev=y", ID, F_IPREV_PASS,
         "", "192.0.2.1", "other properties"},
        {ID "; iprev=fail reason=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         ID, F_IPREV_FAIL, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "-",
         "longest reason"},
        {ID "; iprev=none policy.iprev=192.0.2.1", ID, F_NONE, "", "192.0.2.1",
         "RFC 8601 2.7.3 no such result"},
        {ID "; spf=pass smtp.mailfrom=@b.example", ID, F_NONE, "", "-",
         "pvalue without local-part"},
        {ID "; spf=pass smtp.mailfrom=a+b=c/d?e@f.example", ID, F_NONE, "", "-", "RFC 5322 atext"},
        {ID "; spf=pass smtp.mailfrom=\"a b\"@f.example x.y=z", ID, F_NONE, "", "-",
         "quoted local"},
        {ID "; x=pass a.b=\"c\"d.e=f", ID, F_NONE, "", "-", "RFC 8601 2.2 [CFWS] after pvalue"},
        {ID "; x=pass reason.b=c", ID, F_NONE, "", "-", "a ptype called reason"},
        {"m\xc3\xbc.example; iprev=pass", "m\xc3\xbc.example", F_IPREV_PASS, "", "-", "RFC 8616"},
    };
    struct authres ar;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct addr client = addr_of(rows[i].client);

        cr_expect(authres_read(&ar, rows[i].value, strlen(rows[i].value)), "`%s` (%s)",
                  rows[i].value, rows[i].source);
        cr_expect_str_eq(ar.id, rows[i].id, "`%s`: id `%s`", rows[i].value, ar.id);
        cr_expect(ar.result == rows[i].result, "`%s`: result %d", rows[i].value, ar.result);
        cr_expect_str_eq(ar.reason, rows[i].reason, "`%s`: %s", rows[i].value, ar.reason);
        cr_expect(addr_equal(&ar.client, &client), "`%s` (%s)", rows[i].value, rows[i].source);
    }
}

Test(authres, read_refuses)
{
    static const char *const rows[] = {
        "",
        ID,
        ID ";",
        ID " 1",
        ID " 2; iprev=pass",
        ID " 0; iprev=pass",
        ID "/job; iprev=pass",
        "mx . example . org; iprev=pass",
        "; iprev=pass",
        ID "; iprev",
        ID "; iprev=",
        ID "; =pass",
        ID "; iprev=pass;",
        ID ";; iprev=pass",
        ID "; iprev=pass; none",
        ID "; none; iprev=pass",
        ID "; none x.y=z",
        ID "; ip_rev=pass",
        ID "; iprev-=pass",
        ID "; iprev=pass-",
        ID "; iprev=\"pass\"",
        ID "; iprev/=pass",
        ID "; iprev/x=pass",
        ID "; iprev=pass policy.iprev",
        ID "; iprev=pass policy.iprev=",
        ID "; iprev=pass policy.=192.0.2.1",
        ID "; iprev=pass .iprev=192.0.2.1",
        ID "; iprev=pass policy iprev=192.0.2.1",
        ID "; iprev=pass policy.iprev=2001:db8::1",
        ID "; iprev=pass policy.iprev=[192.0.2.1]",
        ID "; iprev=pass policy.iprev=192.0.2.256",
        ID "; iprev=pass policy.iprev=nonsense",
        ID "; iprev=pass policy.iprev=192.0.2.1 reason=late",
        ID "; iprev=pass reason=a reason=b",
        ID "; iprev=pass reason=a/b",
        ID "; iprev=pass reason=",
        ID "; iprev=pass reason=\"a\"policy.iprev=192.0.2.1",
        ID "; iprev=pass (unclosed",
        ID "; iprev=pass policy.iprev=\"192.0.2.1",
        ID "; iprev=pass stray",
        ID "; spf=pass smtp.mailfrom=a@",
        ID "; spf=pass smtp.mailfrom=",
        ID "; spf=pass smtp.mailfrom=a/b",
        ID "; iprev=pass \x01",
        ID "; iprev=pass reason=\"a\x01\"",
        ID "; iprev=pass reason="
           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    struct authres ar;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        cr_expect_not(authres_read(&ar, rows[i], strlen(rows[i])), "`%s`", rows[i]);
        cr_expect(ar.result == F_NONE && ar.id[0] == '\0' && ar.reason[0] == '\0' &&
                      ar.client.family == ADDR_NONE,
                  "`%s` leaves something", rows[i]);
    }
}

/* A host name of the longest kind: 63.63.63.61 octets, 253 characters. */
static void longest_name(struct dname *d)
{
    char text[253];
    size_t i;

    for (i = 0; i < sizeof text; i++)
        text[i] = i % 64 == 63 ? '.' : 'a';
    cr_assert(dname_from_text(d, text, sizeof text) && d->len == DNAME_MAX);
}

static void check_lines(const char *value)
{
    size_t line = 0;
    size_t i;

    for (i = 0; value[i] != '\0'; i++) {
        if (value[i] == '\n') {
            cr_assert(value[i + 1] == '\t' && line > 0, "%s", value);
            line = 0;
        } else if (value[i] != '\t' || i == 0 || value[i - 1] != '\n') {
            cr_assert(value[i] >= ' ' && value[i] <= '~', "%s", value);
        }
        line += value[i] != '\n';
        cr_assert(line <= 300, "%s", value);
    }
}

static void check_round_trip(const char *id, enum finding result, enum finding cause,
                             const struct addr *client, const struct dname *name)
{
    char text[AUTHRES_VALUE_MAX];
    struct authres ar;
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    authres_put(&sb, id, result, cause, client, name);
    cr_assert_not(sb.overflow);
    check_lines(text);
    cr_assert(authres_read(&ar, text, sb.len), "%s", text);
    cr_assert_str_eq(ar.id, id);
    cr_assert_eq(ar.result, result);
    cr_assert_str_eq(ar.reason, cause == F_NONE ? "" : finding_word(cause));
    cr_assert(addr_equal(&ar.client, client));
    cr_assert_eq(authres_claim(text, sb.len, id), AUTHRES_MINE);
    cr_assert_eq(authres_claim(text, sb.len, "other.example"), AUTHRES_OTHER);
}

Test(authres, C14_B6_round_trip)
{
    static const char *const clients[] = {"192.0.2.1",
                                          "255.255.255.255",
                                          "2001:db8::1",
                                          "::",
                                          "2001:db8:1111:2222:3333:4444:5555:6666",
                                          "-"};
    static const char *const ids[] = {ID, "a", "host/job", "a:b@c;d(e)", "~", ID "."};
    char longest_id[AUTHRES_ID_MAX] = "";
    struct dname names[3] = {{.len = 1}};
    unsigned id, result, cause, client, name;

    memset(longest_id, '/', AUTHRES_ID_MAX - 1);
    cr_assert(dname_from_text(&names[1], "a.example", 9));
    longest_name(&names[2]);
    for (id = 0; id <= ARRAY_LEN(ids); id++)
        for (result = F_IPREV_PASS; result <= F_IPREV_TEMPERROR; result++)
            for (cause = F_PTR_MISSING; cause <= F_SKIP_NO_ADDRESS + 1; cause++)
                for (client = 0; client < ARRAY_LEN(clients); client++)
                    for (name = 0; name < ARRAY_LEN(names); name++) {
                        struct addr a = addr_of(clients[client]);

                        check_round_trip(id < ARRAY_LEN(ids) ? ids[id] : longest_id,
                                         (enum finding)result,
                                         cause > F_SKIP_NO_ADDRESS ? F_NONE : (enum finding)cause,
                                         &a, &names[name]);
                    }
}

/* Broken and mixed fields: no octet behind the value is read, and what the whole
 * reader takes has a readable id. */
static void leave_ascii(char *s)
{
    char *to = s;

    for (; *s != '\0'; s++)
        if ((unsigned char)*s < 0x80)
            *to++ = *s;
    *to = '\0';
}

Test(authres, C7_C9_random_values)
{
    static const char *const pieces[] = {ID,         ";",    " ",      "iprev",     "=",  "pass",
                                         "/",        "1",    "(",      ")",         "\\", "\"",
                                         ".",        "none", "reason", "policy",    "@",  "\n\t",
                                         "\xc3\xbc", "\x01", "a",      "192.0.2.1", "-",  "\r"};
    unsigned seed = 1;
    unsigned round;
    unsigned taken = 0;

    for (round = 0; round < 200000; round++) {
        char text[400] = ID "; iprev=pass ";
        size_t n = round % 2 == 0 ? 0 : strlen(text);
        unsigned left = (unsigned)rand_r(&seed) % 12;
        struct authres ar;
        enum authres_claim claim;
        char *exact;

        for (; left > 0; left--) {
            const char *piece = pieces[(size_t)rand_r(&seed) % ARRAY_LEN(pieces)];

            memcpy(text + n, piece, strlen(piece));
            n += strlen(piece);
        }
        exact = malloc(n > 0 ? n : 1);
        memcpy(exact, text, n);
        claim = authres_claim(exact, n, ID);
        if (authres_read(&ar, exact, n)) {
            taken++;
            cr_assert_neq(claim, AUTHRES_UNREADABLE);
            leave_ascii(ar.id);
            cr_assert((claim == AUTHRES_MINE) ==
                      (strcmp(ar.id, ID) == 0 || strcmp(ar.id, ID ".") == 0));
        }
        free(exact);
    }
    cr_assert_gt(taken, 100);
}
