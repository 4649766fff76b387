/* Unit tests of report.c: facts in, findings out, and what is still open.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/report.h"

#include "tests/unit/facts.h"

/* A chain as text, "NAME=LETTER ..." with the letters of facts.h; or the letter of
 * the PTR answer alone. */
static void make_chain(struct chain *out, const char *text, bool secure)
{
    struct addr client = nth_addr(CLIENT);
    struct fcrdns f;
    struct answer a;
    unsigned i;

    fcrdns_start(&f, &client);
    if (strlen(text) == 1) {
        a = negative(*text == 'N'   ? ANSWER_NXDOMAIN
                     : *text == 'D' ? ANSWER_NODATA
                     : *text == 'T' ? ANSWER_TIMEOUT
                     : *text == 'B' ? ANSWER_BOGUS
                                    : ANSWER_SERVFAIL,
                     60);
    } else {
        const char *p;
        struct dname reverse;

        dname_reverse(&reverse, &client);
        start(&packet, &reverse, RR_PTR);
        for (p = text; *p != '\0'; p += strcspn(p, " ") + (p[strcspn(p, " ")] == ' ')) {
            struct dname name;

            if (dname_from_text(&name, p, strcspn(p, "=")))
                add_ptr(&packet, 60, &name);
            else
                add(&packet, RR_PTR, 60, "\3a%b", 5);
        }
        a = finish(&packet, &reverse, RR_PTR);
        a.secure = secure;
    }
    fcrdns_ptr(&f, &a);
    for (i = 0; i < f.names; i++) {
        char shown[DNAME_VISIBLE_MAX];
        struct sbuf sb;
        const char *at;

        sbuf_init(&sb, shown, sizeof shown);
        dname_put(&sb, &f.name[i].name);
        sbuf_byte(&sb, '=');
        at = strstr(text, shown);
        cr_assert(at != NULL, "%s is not in %s", shown, text);
        feed_letter(&f, i, at[strlen(shown)]);
        f.name[i].secure = secure;
    }
    fcrdns_chain(&f, out);
}

static struct self our_self(void)
{
    struct self self;

    self.name = name_of("mx.example.org");
    self.mta = name_of("mx.example.org");
    self.addr = addr_of("203.0.113.25");
    return self;
}

/* Names that serve only as names here: what the judge thinks of them is none of our
 * business. */
static const char *const plain_names[] = {".example.com",     "example.com",   "other.example.net",
                                          "host.example.net", "a.example.net", "mx.example.org",
                                          "relay.example.org"};
static const struct shape_lists plain = {{0, NULL}, {7, plain_names}};

/* What may be open, in letters: R result and cause, S shape, N shape of the name
 * alone, D dnssec, L relation of HELO, H all of HELO. */
static findings open_words(const char *open)
{
    findings set = 0;

    for (; *open != '\0'; open++)
        set |= *open == 'R' ? FINDINGS_RANGE(F_IPREV_PASS, F_IPREV_TEMPERROR) |
                                  FINDINGS_RANGE(F_PTR_MISSING, F_DNS_OVERLOAD)
               : *open == 'S' ? FINDINGS_SHAPE
               : *open == 'N' ? FINDINGS_SHAPE & ~FINDING(F_PTR_MANY)
               : *open == 'D' ? FINDING(F_DNSSEC_SECURE)
               : *open == 'L' ? FINDINGS_RELATION
                              : FINDINGS_HELO;
    return set;
}

static const char *show(findings set)
{
    static char text[2][1024];
    static unsigned turn;
    struct sbuf sb;

    turn ^= 1;
    sbuf_init(&sb, text[turn], sizeof text[turn]);
    findings_put(&sb, set);
    return text[turn];
}

static void expect_report(const struct report *r, const char *found, const char *open,
                          const char *what)
{
    cr_expect_str_eq(show(r->found), found, "%s: got %s", what, show(r->found));
    cr_expect(r->unsure == open_words(open), "%s: unsure %s, want %s", what, show(r->unsure),
              show(open_words(open)));
}

/* The client is 100.0.1.244. */
Test(report, findings_of_clients)
{
    static const struct {
        const char *chain, *helo;
        enum name_state forward;
        const char *found, *open, *ptr;
    } rows[] = {
        {"mail.example.com=C", "mail.example.com", NAME_PENDING,
         "iprev-pass,ptr-named,helo-verified", "", "mail.example.com"},
        {"mail.example.com=C", "www.example.com", NAME_NOWHERE, "iprev-pass,ptr-named,helo-aligned",
         "", "mail.example.com"},
        {"mail.example.com=C", "other.example.net", NAME_CONFIRMED,
         "iprev-pass,ptr-named,helo-forward", "", "mail.example.com"},
        {"mail.example.com=C", "other.example.net", NAME_ELSEWHERE,
         "iprev-pass,ptr-named,helo-mismatch", "", "mail.example.com"},
        {"mail.example.com=C", "other.example.net", NAME_NOWHERE,
         "iprev-pass,ptr-named,helo-unresolved", "", "mail.example.com"},
        {"mail.example.com=C", "other.example.net", NAME_TIMEOUT,
         "iprev-pass,ptr-named,helo-temperror", "L", "mail.example.com"},
        {"mail.example.com=C", "other.example.net", NAME_PENDING,
         "iprev-pass,ptr-named,helo-temperror", "L", "mail.example.com"},
        {"mail.example.com=C", "www.example.com", NAME_TIMEOUT, "iprev-pass,ptr-named,helo-aligned",
         "L", "mail.example.com"},
        {"mail.example.com=C", "www.example.com", NAME_PENDING, "iprev-pass,ptr-named,helo-aligned",
         "L", "mail.example.com"},
        {"example.com=C", NULL, NAME_PENDING, "iprev-pass,ptr-named,ptr-bare-domain,helo-missing",
         "", "example.com"},
        {"100-0-1-244.dsl.example.net=C", "100-0-1-244.dsl.example.net", NAME_PENDING,
         "iprev-pass,ptr-generic,helo-verified,helo-generic", "", "100-0-1-244.dsl.example.net"},
        /* nothing of 100.0.1.244 in it; of the HELO name it is not told */
        {"adsl-pool.dyn.example.net=C", "adsl-pool.dyn.example.net", NAME_PENDING,
         "iprev-pass,ptr-generic,ptr-weak,helo-verified,helo-generic", "",
         "adsl-pool.dyn.example.net"},
        {"mail.example.com=C", "adsl-pool.dyn.example.net", NAME_NOWHERE,
         "iprev-pass,ptr-named,helo-unresolved,helo-generic", "", "mail.example.com"},
        {"mail-wr1-f54.google.com=C", "mail-wr1-f54.google.com", NAME_PENDING,
         "iprev-pass,ptr-provider,helo-verified", "", "mail-wr1-f54.google.com"},
        /* two names: the first confirmed one is judged */
        {"mail.example.com=C 100-0-1-244.dsl.example.net=E", "[100.0.1.244]", NAME_PENDING,
         "iprev-pass,ptr-named,ptr-many,helo-literal", "", "mail.example.com"},
        {"mail.example.com=E 100-0-1-244.dsl.example.net=C", "[100.0.1.244]", NAME_PENDING,
         "iprev-pass,ptr-generic,ptr-many,helo-literal", "", "100-0-1-244.dsl.example.net"},
        /* fail: the first name is judged */
        {"mail.example.com=E", "mail.example.com", NAME_PENDING,
         "iprev-fail,forward-mismatch,ptr-named,helo-mismatch", "", "mail.example.com"},
        {"mail.example.com=N", "[192.0.2.9]", NAME_PENDING,
         "iprev-fail,forward-missing,ptr-named,helo-literal-mismatch", "", "mail.example.com"},
        {"mail.example.com=E", "localhost", NAME_PENDING,
         "iprev-fail,forward-mismatch,ptr-named,helo-self", "", "mail.example.com"},
        {"a%b=E c%d=E", "mx.example.org", NAME_PENDING, "iprev-fail,ptr-invalid,helo-self", "",
         NULL},
        {"N", "PC17", NAME_PENDING, "iprev-permerror,ptr-missing,helo-unqualified", "", NULL},
        {"D", "a b", NAME_PENDING, "iprev-permerror,ptr-missing,helo-invalid", "", NULL},
        {"N", "100.0.1.244", NAME_PENDING, "iprev-permerror,ptr-missing,helo-bare-address", "",
         NULL},
        {"N", "other.example.net", NAME_ELSEWHERE, "iprev-permerror,ptr-missing,helo-mismatch", "",
         NULL},
        /* temperror */
        {"T", "PC17", NAME_PENDING, "iprev-temperror,dns-timeout,helo-unqualified", "RSD", NULL},
        {"B", "[100.0.1.244]", NAME_PENDING, "iprev-temperror,dns-bogus,helo-literal", "RSD", NULL},
        {"S", "other.example.net", NAME_CONFIRMED, "iprev-temperror,dns-servfail,helo-forward",
         "RSDL", NULL},
        {"S", "other.example.net", NAME_ELSEWHERE, "iprev-temperror,dns-servfail,helo-temperror",
         "RSDL", NULL},
        {"S", "mx.example.org", NAME_PENDING, "iprev-temperror,dns-servfail,helo-self", "RSD",
         NULL},
        {"100-0-1-244.dsl.example.net=T", NULL, NAME_PENDING,
         "iprev-temperror,dns-timeout,ptr-generic,helo-missing", "RD",
         "100-0-1-244.dsl.example.net"},
        {"100-0-1-244.dsl.example.net=T mail.example.com=E", NULL, NAME_PENDING,
         "iprev-temperror,dns-timeout,ptr-named,ptr-many,helo-missing", "RDN", "mail.example.com"},
        /* a pass that is not the whole picture: wire order is by label length */
        {"a.example.net=C mail.example.com=T", "[100.0.1.244]", NAME_PENDING,
         "iprev-pass,ptr-named,ptr-many,helo-literal", "D", "a.example.net"},
        {"a.example.net=T mail.example.com=C", "[100.0.1.244]", NAME_PENDING,
         "iprev-pass,ptr-named,ptr-many,helo-literal", "DN", "mail.example.com"},
        {"a.example.net=E mail.example.com=C relay.example.org=P", "mail.example.com", NAME_PENDING,
         "iprev-pass,ptr-named,ptr-many,helo-verified", "D", "mail.example.com"},
        {"a.example.net=C mail.example.com=P", "mail.example.com", NAME_PENDING,
         "iprev-pass,ptr-named,ptr-many,helo-temperror", "DL", "a.example.net"},
        {"a.example.net=C mail.example.com=P", "host.example.net", NAME_ELSEWHERE,
         "iprev-pass,ptr-named,ptr-many,helo-aligned", "DL", "a.example.net"},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *text = rows[i].helo;
        struct dname want = {.len = 1};
        struct facts f = {.client = nth_addr(CLIENT),
                          .skip = F_NONE,
                          .helo_known = true,
                          .forward = rows[i].forward,
                          .helo_asked = true,
                          .self = our_self(),
                          .shapes = &plain};
        static struct chain chain;
        struct helo helo;
        struct report r;
        char what[256];

        make_chain(&chain, rows[i].chain, false);
        helo_parse(&helo, text, text ? strlen(text) : 0);
        f.chain = &chain;
        f.helo = &helo;
        report_make(&r, &f);
        snprintf(what, sizeof what, "%s, HELO %s", rows[i].chain, text ? text : "-");
        expect_report(&r, rows[i].found, rows[i].open, what);
        if (rows[i].ptr != NULL)
            want = name_of(rows[i].ptr);
        cr_expect(dname_equal(&r.ptr, &want), "%s: name shown", what);
        cr_expect((r.why[0] != '\0') == (rows[i].ptr != NULL), "%s: why '%s'", what, r.why);
        cr_expect(
            dname_equal(&r.helo, helo.form == HELO_HOST ? &helo.name : &(struct dname){.len = 1}),
            "%s: HELO shown", what);
    }
}

Test(report, B10_ptr_many_by_usable_names)
{
    struct facts f = {.client = nth_addr(CLIENT), .skip = F_NONE, .shapes = &plain};
    static struct chain chain;
    struct report r;

    f.chain = &chain;
    make_chain(&chain, "mail.example.com=C a%b=E c%d=E", false);
    report_make(&r, &f);
    expect_report(&r, "iprev-pass,ptr-named", "H", "one usable name of three records");
    make_chain(&chain, "mail.example.com=C mail.example.com=C", false);
    report_make(&r, &f);
    expect_report(&r, "iprev-pass,ptr-named", "H", "the same name twice");
    chain.capped = true;
    report_make(&r, &f);
    expect_report(&r, "iprev-pass,ptr-named,ptr-many", "H", "more than were taken");
}

Test(report, B18_no_chain_at_all)
{
    static const struct {
        enum finding cause;
        const char *helo, *found, *open;
        enum name_state forward;
    } rows[] = {
        {F_DNS_TIMEOUT, "PC17", "iprev-temperror,dns-timeout,helo-unqualified", "RSD",
         NAME_PENDING},
        {F_DNS_OVERLOAD, "mail.example.com", "iprev-temperror,dns-overload,helo-temperror", "RSDL",
         NAME_ELSEWHERE},
        {F_DNS_SERVFAIL, "mail.example.com", "iprev-temperror,dns-servfail,helo-forward", "RSDL",
         NAME_CONFIRMED},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct facts f = {.client = nth_addr(CLIENT),
                          .skip = F_NONE,
                          .chain_cause = rows[i].cause,
                          .helo_known = true,
                          .helo_asked = true,
                          .forward = rows[i].forward,
                          .self = our_self(),
                          .shapes = &plain};
        struct helo helo;
        struct report r;

        helo_parse(&helo, rows[i].helo, strlen(rows[i].helo));
        f.helo = &helo;
        report_make(&r, &f);
        expect_report(&r, rows[i].found, rows[i].open, rows[i].helo);
        cr_expect(r.result == F_IPREV_TEMPERROR && r.cause == rows[i].cause && r.ptr.len == 1);
        f.chain_cause = F_NONE;
        report_make(&r, &f);
        cr_expect(r.result == F_IPREV_TEMPERROR && (r.found >> F_COUNT) == 0, "no stray bits");
    }
}

Test(report, before_helo_all_of_it_is_open)
{
    struct facts f = {
        .client = nth_addr(CLIENT), .skip = F_NONE, .helo_asked = true, .shapes = &plain};
    static struct chain chain;
    struct helo helo;
    struct report r;

    helo_parse(&helo, "100-0-1-244.dsl.example.net", 27);
    f.helo = &helo; /* left over from before: not known any more */
    f.chain = &chain;
    make_chain(&chain, "mail.example.com=E", false);
    report_make(&r, &f);
    expect_report(&r, "iprev-fail,forward-mismatch,ptr-named", "H", "no HELO yet");
    cr_expect(r.helo.len == 1);
    make_chain(&chain, "T", false);
    report_make(&r, &f);
    expect_report(&r, "iprev-temperror,dns-timeout", "RSDH", "nothing yet");
}

Test(report, F8_helo_questions_switched_off)
{
    struct facts f = {.client = nth_addr(CLIENT),
                      .skip = F_NONE,
                      .helo_known = true,
                      .self = our_self(),
                      .shapes = &plain};
    static struct chain chain;
    struct helo helo;
    struct report r;

    helo_parse(&helo, "other.example.net", 17);
    f.helo = &helo;
    f.chain = &chain;
    make_chain(&chain, "mail.example.com=C", false);
    report_make(&r, &f);
    expect_report(&r, "iprev-pass,ptr-named,helo-mismatch", "", "never asked, never open");
    helo_parse(&helo, "www.example.com", 15);
    report_make(&r, &f);
    expect_report(&r, "iprev-pass,ptr-named,helo-aligned", "", "never asked, never open");
}

Test(report, A15_A16_A20_skipped_clients)
{
    static const struct {
        enum finding skip;
        const char *found;
    } rows[] = {
        {F_SKIP_LOCAL, "iprev-skip,skip-local"},
        {F_SKIP_NETWORK, "iprev-skip,skip-network"},
        {F_SKIP_AUTHENTICATED, "iprev-skip,skip-authenticated"},
        {F_SKIP_NO_ADDRESS, "iprev-skip,skip-no-address"},
    };
    static struct chain chain;
    struct helo helo;
    size_t i;

    make_chain(&chain, "mail.example.com=E a.example.net=T", true);
    helo_parse(&helo, "100-0-1-244.dsl.example.net", 27);
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct facts f = {.client = nth_addr(CLIENT),
                          .skip = rows[i].skip,
                          .chain = &chain,
                          .helo_known = true,
                          .helo = &helo,
                          .forward = NAME_TIMEOUT,
                          .helo_asked = true};
        struct report r;

        if (rows[i].skip == F_SKIP_NO_ADDRESS) {
            f.client = (struct addr){.family = ADDR_NONE};
            f.chain = NULL;
        }
        memset(&r, 0xff, sizeof r);
        report_make(&r, &f);
        expect_report(&r, rows[i].found, "", "skip");
        cr_expect(r.result == F_IPREV_SKIP && r.cause == rows[i].skip);
        cr_expect(r.ptr.len == 1 && r.why[0] == '\0', "no name is judged");
    }
}

Test(report, dnssec_secure_on_pass_only)
{
    static const struct {
        const char *chain, *found, *open;
    } rows[] = {
        {"mail.example.com=C", "iprev-pass,ptr-named,dnssec-secure", "H"},
        {"mail.example.com=C a.example.net=T", "iprev-pass,ptr-named,ptr-many,dnssec-secure", "HN"},
        {"mail.example.com=E", "iprev-fail,forward-mismatch,ptr-named", "H"},
        {"mail.example.com=T", "iprev-temperror,dns-timeout,ptr-named", "RDH"},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct facts f = {.client = nth_addr(CLIENT), .skip = F_NONE, .shapes = &plain};
        static struct chain chain;
        struct report r;

        make_chain(&chain, rows[i].chain, true);
        f.chain = &chain;
        report_make(&r, &f);
        expect_report(&r, rows[i].found, rows[i].open, rows[i].chain);
    }
}

Test(report, shape_lists_come_first)
{
    static const char *const generic[] = {"mail.example.com", ".both.example.net"};
    static const char *const named[] = {".dsl.example.net", "a.both.example.net"};
    static const struct shape_lists lists = {{2, generic}, {2, named}};
    static const struct {
        const char *name;
        enum shape_kind kind;
        const char *why; /* NULL: the judge says what and why */
    } rows[] = {
        {"mail.example.com", SHAPE_GENERIC, "listed as generic in the configuration"},
        {"100-0-1-244.dsl.example.net", SHAPE_NAMED, "listed as named in the configuration"},
        {"a.both.example.net", SHAPE_NAMED, "listed as named in the configuration"},
        {"b.both.example.net", SHAPE_GENERIC, "listed as generic in the configuration"},
        {"mail2.example.com", SHAPE_NAMED, NULL},
        {"dsl.example.net", SHAPE_NAMED, NULL}, /* not below itself: left to the judge */
        {"100-0-1-244.pool.example.org", SHAPE_GENERIC, NULL},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct facts f = {.client = nth_addr(CLIENT),
                          .skip = F_NONE,
                          .helo_known = true,
                          .helo_asked = true,
                          .self = our_self(),
                          .shapes = &lists};
        static struct chain chain;
        struct shape own;
        struct helo helo;
        struct report r;
        char want[128], text[64];

        snprintf(text, sizeof text, "%s=C", rows[i].name);
        make_chain(&chain, text, false);
        helo_parse(&helo, rows[i].name, strlen(rows[i].name));
        f.chain = &chain;
        f.helo = &helo;
        report_make(&r, &f);
        shape_judge(&own, &helo.name, &f.client);
        if (rows[i].why != NULL)
            own.kind = rows[i].kind;
        cr_expect(!own.weak, "%s", rows[i].name);
        snprintf(want, sizeof want, "iprev-pass,ptr-%s,helo-verified%s", shape_word(own.kind),
                 own.kind == SHAPE_GENERIC ? ",helo-generic" : "");
        expect_report(&r, want, "", rows[i].name);
        cr_expect_str_eq(r.why, rows[i].why ? rows[i].why : own.why);
    }
}

Test(report, a_list_changes_kind_and_reason_alone)
{
    static const char *const names[] = {
        "host7.blogspot.com",        "c1.dyndns.org",
        "mail.example.com",          "example.com",
        "adsl-pool.dyn.example.com", "ec2-3-120-1-2.eu-central-1.compute.amazonaws.com"};
    static const char *const entries[] = {".com", ".org", "example.com"};
    struct shape_lists lists = {.generic = {.entry = entries, .n = 3}};
    struct addr client = nth_addr(CLIENT);
    size_t i;

    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct shape own, told;
        struct dname name;

        cr_assert(dname_from_text(&name, names[i], strlen(names[i])));
        report_shape(&own, &name, &client, NULL);
        report_shape(&told, &name, &client, &lists);
        cr_expect(told.kind == SHAPE_GENERIC && strncmp(told.why, "listed as ", 10) == 0);
        cr_expect_eq(told.bare, own.bare, "%s", names[i]);
        cr_expect(!told.weak, "%s: a list is no weak evidence", names[i]);
    }
}

/* Somebody remembers what shape_judge said of both names: the report is the same, and the lists of
 * the configuration still come first. */
Test(report, remembered_shapes_change_nothing)
{
    static const char *const generic[] = {".listed.example.net"};
    static const char *const named[] = {".named.example.net"};
    static const struct shape_lists lists = {{1, generic}, {1, named}};
    static const struct {
        const char *chain, *helo, *found;
    } rows[] = {
        {"mail.example.com=C", "mail.example.com", "iprev-pass,ptr-named,helo-verified"},
        {"100-0-1-244.dsl.example.com=C", "mail.example.org",
         "iprev-pass,ptr-generic,helo-mismatch"},
        {"mail.example.com=C", "100-0-1-244.dsl.example.org",
         "iprev-pass,ptr-named,helo-mismatch,helo-generic"},
        {"100-0-1-244.named.example.net=C", "mail.listed.example.net",
         "iprev-pass,ptr-named,helo-aligned,helo-generic"},
        {"mail.listed.example.net=C", "100-0-1-244.named.example.net",
         "iprev-pass,ptr-generic,helo-aligned"},
        {"a.example.com=E mail.example.com=C", "PC-17",
         "iprev-pass,ptr-named,ptr-many,helo-unqualified"},
        {"example.com=E", "", "iprev-fail,forward-mismatch,ptr-named,ptr-bare-domain,helo-missing"},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct facts f = {.client = nth_addr(CLIENT),
                          .skip = F_NONE,
                          .helo_known = true,
                          .helo_asked = true,
                          .forward = NAME_ELSEWHERE,
                          .self = our_self(),
                          .shapes = &lists};
        static struct chain chain;
        struct shape ptr_shape, helo_shape;
        struct report judged, remembered;
        struct dname shown;
        struct helo helo;

        make_chain(&chain, rows[i].chain, false);
        helo_parse(&helo, rows[i].helo, strlen(rows[i].helo));
        f.chain = &chain;
        f.helo = &helo;
        report_make(&judged, &f);
        cr_assert(chain_name(&chain, &shown));
        shape_judge(&ptr_shape, &shown, &f.client);
        f.ptr_shape = &ptr_shape;
        if (helo.form == HELO_HOST) {
            shape_judge(&helo_shape, &helo.name, &f.client);
            helo_shape.why[0] = '\0'; /* of a HELO name it is not kept */
            f.helo_shape = &helo_shape;
        }
        report_make(&remembered, &f);
        expect_report(&judged, rows[i].found, "", rows[i].chain);
        expect_report(&remembered, rows[i].found, "", rows[i].chain);
        cr_expect_str_eq(remembered.why, judged.why);
    }
}

/* They are taken, not judged again. */
Test(report, remembered_shapes_are_taken)
{
    static const struct shape generic = {.kind = SHAPE_GENERIC, .bare = true, .why = "remembered"};
    struct facts f = {.client = nth_addr(CLIENT),
                      .skip = F_NONE,
                      .helo_known = true,
                      .forward = NAME_ELSEWHERE,
                      .self = our_self(),
                      .ptr_shape = &generic,
                      .helo_shape = &generic};
    static struct chain chain;
    struct helo helo;
    struct report r;

    make_chain(&chain, "mail.example.com=C", false);
    helo_parse(&helo, "smtp.example.org", 16);
    f.chain = &chain;
    f.helo = &helo;
    report_make(&r, &f);
    expect_report(&r, "iprev-pass,ptr-generic,ptr-bare-domain,helo-mismatch,helo-generic", "",
                  "both");
    cr_expect_str_eq(r.why, "remembered");
}
