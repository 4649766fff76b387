/* resolve_zone: zone files in master format, and what is wrong with them.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "dns/zone.h"
#include "tests/unit/dns/dns_shared.h"

static bool has(const struct zonefile *z, const char *words)
{
    size_t i;

    for (i = 0; i < z->records; i++) {
        char text[512];
        size_t n = 0;
        const char *p;

        for (p = z->record[i]; *p != '\0' && n + 1 < sizeof text; p++)
            if (n == 0 || text[n - 1] != ' ' || (*p != ' ' && *p != '\t'))
                text[n++] = *p == '\t' ? ' ' : *p;
        text[n] = '\0';
        if (strcmp(text, words) == 0)
            return true;
    }
    return false;
}

Test(resolve_zone, good_file)
{
    static const char text[] = "; a comment\n"
                               "$TTL 300\n"
                               "$ORIGIN 2.0.192.in-addr.arpa.\n"
                               "@ IN SOA ns.example. host.example. ( 1 ; serial\n"
                               "        2\n"
                               "        3 4 5 )\n"
                               "\n"
                               "1 PTR one.example.\n"
                               "  PTR two.example. ; the owner above\n"
                               "2 60 IN PTR Relative\n"
                               "3 CNAME 3.0/25\n"
                               "4 PTR a\\013b.ex\\.ample.\n"
                               "$ORIGIN example.\n"
                               "$TTL 1h\n"
                               "one A 192.0.2.1\n"
                               "one AAAA 2001:db8::1\n"
                               "@ MX 10 one\n"
                               "@ NS ns\n"
                               "@ TXT \"v=spf1 -all\" \"two ; words\"\n"
                               "last A 192.0.2.9"; /* no newline at the end */
    static const char *const expected[] = {
        "2.0.192.in-addr.arpa. 300 IN SOA ns.example. host.example. 1 2 3 4 5",
        "1.2.0.192.in-addr.arpa. 300 IN PTR one.example.",
        "1.2.0.192.in-addr.arpa. 300 IN PTR two.example.",
        "2.2.0.192.in-addr.arpa. 60 IN PTR Relative.2.0.192.in-addr.arpa.",
        "3.2.0.192.in-addr.arpa. 300 IN CNAME 3.0/25.2.0.192.in-addr.arpa.",
        "4.2.0.192.in-addr.arpa. 300 IN PTR a\\013b.ex\\.ample.",
        "one.example. 3600 IN A 192.0.2.1",
        "one.example. 3600 IN AAAA 2001:db8::1",
        "example. 3600 IN MX 10 one.example.",
        "example. 3600 IN NS ns.example.",
        "example. 3600 IN TXT \"v=spf1 -all\" \"two ; words\"",
        "last.example. 3600 IN A 192.0.2.9",
    };
    char err[256] = "";
    struct dns_files f;
    struct zonefile z;
    size_t i;

    files_make(&f, "good.zone", text);
    cr_assert(zonefile_read(&z, f.file, err, sizeof err), "%s", err);
    cr_expect(z.records == sizeof expected / sizeof expected[0], "%zu records", z.records);
    for (i = 0; i < sizeof expected / sizeof expected[0]; i++)
        cr_expect(has(&z, expected[i]), "missing: %s", expected[i]);
    for (i = 0; i < z.records; i++)
        cr_expect(strchr(z.record[i], '\n') == NULL, "%s", z.record[i]);
    cr_expect(z.apexes == 1);
    cr_expect_str_eq(z.apex[0], "2.0.192.in-addr.arpa.");
    zonefile_free(&z);
    cr_expect(z.records == 0 && z.record == NULL && z.apexes == 0 && z.apex == NULL);
    zonefile_free(&z);
    files_remove(&f);
}

Test(resolve_zone, default_ttl_and_empty_files)
{
    static const char *const text[] = {"", "\n", "; nothing\n\n", "$TTL 5\n$ORIGIN example.\n"};
    char err[256] = "";
    struct dns_files f;
    struct zonefile z;
    size_t i;

    for (i = 0; i < sizeof text / sizeof text[0]; i++) {
        files_make(&f, "z", text[i]);
        cr_expect(zonefile_read(&z, f.file, err, sizeof err), "row %zu: %s", i, err);
        cr_expect(z.records == 0 && z.apexes == 0, "row %zu", i);
        zonefile_free(&z);
        files_remove(&f);
    }
    files_make(&f, "z", "a.example. A 192.0.2.1\n");
    cr_assert(zonefile_read(&z, f.file, err, sizeof err), "%s", err);
    cr_expect(has(&z, "a.example. 3600 IN A 192.0.2.1"));
    zonefile_free(&z);
    files_remove(&f);
}

/* The message begins FILE:LINE:, and the line is where the bad record begins. */
Test(resolve_zone, faults_name_the_line)
{
    static const struct {
        const char *text;
        unsigned line;
        const char *told; /* "": any words */
    } row[] = {
        {"a.example. A 192.0.2.256\n", 1, ""},
        {"$TTL 60\n\n; c\na.example. A 192.0.2.1\nb.example. A x\n", 5, ""},
        {"a.example. AAAA 192.0.2.1\n", 1, ""},
        {"a.example. A\n", 1, ""},
        {"a.example.\n", 1, ""},
        {"a.example. FROB x\n", 1, ""},
        {"a..example. A 192.0.2.1\n", 1, ""},
        {"a.example. SRV 0 0 25 b.example.\n", 1, "not served"},
        {"\na.example. DNAME b.example.\n", 2, "not served"},
        {"a.example. CH TXT x\n", 1, "class"},
        {"$INCLUDE other\n", 1, ""},
        {"\n\n\nb.example. A 192.0.2.1\n@ SOA a. b. ( 1 2 3\n4 5\nb.example. A 192.0.2.1\n", 5, ""},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        char err[256] = "", head[96];
        struct dns_files f;
        struct zonefile z;

        files_make(&f, "bad.zone", row[i].text);
        snprintf(head, sizeof head, "%s:%u: ", f.file, row[i].line);
        cr_expect(!zonefile_read(&z, f.file, err, sizeof err), "taken: %s", row[i].text);
        cr_expect(strncmp(err, head, strlen(head)) == 0 && strlen(err) > strlen(head),
                  "%s: told %s", row[i].text, err);
        cr_expect(strstr(err, row[i].told) != NULL, "%s: told %s", row[i].text, err);
        cr_expect(z.records == 0 && z.record == NULL);
        files_remove(&f);
    }
}

Test(resolve_zone, no_file_and_a_directory)
{
    char err[256] = "";
    struct dns_files f;
    struct zonefile z;

    alarm(5);
    cr_expect(!zonefile_read(&z, "/nonexistent/zone", err, sizeof err));
    cr_expect(strstr(err, "/nonexistent/zone") != NULL, "%s", err);
    files_make(&f, "z", "");
    cr_expect(!zonefile_read(&z, f.dir, err, sizeof err));
    cr_expect(strstr(err, f.dir) != NULL, "%s", err);
    files_remove(&f);
}

Test(resolve_zone, what_it_answers)
{
    static const struct {
        const char *name;
        bool answers;
    } row[] = {{"a.example.", true},
               {"A.EXAMPLE.", true},
               {"b.a.example.", false},
               {"example.", false},
               {"aa.example.", false},
               {"below.example.", true},
               {"x.y.below.example.", true},
               {"notbelow.example.", false},
               {"yelow.example.", false},
               {"x.yelow.example.", false},
               {"1.2.0.192.in-addr.arpa.", true},
               {"11.2.0.192.in-addr.arpa.", false},
               {"1.0/25.2.0.192.in-addr.arpa.", true},
               {"9.1/25.2.0.192.in-addr.arpa.", true},
               {".", false},
               {"a.example", false}};
    char err[256] = "";
    struct dns_files f;
    struct zonefile z = {0};
    size_t i;

    cr_expect(!zonefile_answers(&z, "a.example."), "without a file nothing");
    files_make(&f, "zone",
               "$TTL 60\nz.example. A 192.0.2.9\nA.Example. A 192.0.2.1\na.example. A 192.0.2.2\n"
               "1.2.0.192.in-addr.arpa. PTR a.example.\n"
               "1.0/25.2.0.192.in-addr.arpa. PTR a.example.\n"
               "1/25.2.0.192.in-addr.arpa. SOA ns.example. host.example. 1 2 3 4 5\n"
               "Below.example. SOA ns.example. host.example. 1 2 3 4 5\n");
    cr_assert(zonefile_read(&z, f.file, err, sizeof err), "%s", err);
    for (i = 0; i < sizeof row / sizeof row[0]; i++)
        cr_expect(zonefile_answers(&z, row[i].name) == row[i].answers, "%s", row[i].name);
    zonefile_free(&z);
    files_remove(&f);
}

/* A zone file of the root is asked about everything. */
Test(resolve_zone, what_a_root_zone_answers)
{
    static const char *const name[] = {".", "example.", "a.example.", "1.2.0.192.in-addr.arpa."};
    char err[256] = "";
    struct dns_files f;
    struct zonefile z = {0};
    size_t i;

    files_make(&f, "zone", ". 60 SOA ns.example. host.example. 1 2 3 4 5\n");
    cr_assert(zonefile_read(&z, f.file, err, sizeof err), "%s", err);
    for (i = 0; i < sizeof name / sizeof name[0]; i++)
        cr_expect(zonefile_answers(&z, name[i]), "%s", name[i]);
    zonefile_free(&z);
    files_remove(&f);
}

/* What cannot be read is left to libunbound, which says why. */
Test(resolve_zone, trust_anchors_without_a_key)
{
    struct dns_files f;

    files_make(&f, "anchor", "; none\n");
    cr_expect(zonefile_lacks_keys(f.file));
    cr_expect(!zonefile_lacks_keys(f.dir), "a directory");
    cr_expect(!zonefile_lacks_keys("/nonexistent/anchor"));
    files_remove(&f);
    files_make(&f, "anchor", ". IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJz\n");
    cr_expect(!zonefile_lacks_keys(f.file));
    files_remove(&f);
}
