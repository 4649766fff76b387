/* Reading exempt lists: what stands on a line, faults with their lines, bounds, time.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/lists.h"

#include "tests/unit/conf/settings_shared.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <time.h>

#define DAY(n)   ((int64_t)(n)*86400)
#define KEY_HASH "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
#define NOW      DAY(20000) /* 2024-10-04 */

/* What was reported, to be freed. Closes the file. */
static char *read_stream(FILE *in, struct exempt_list *out)
{
    char *said = NULL;
    size_t len;
    struct faults rd = {.err = open_memstream(&said, &len)};

    cr_assert_not_null(in);
    *out = (struct exempt_list){0};
    lists_read_from(&rd, "list", in, NOW, out);
    lists_sort(out);
    fclose(rd.err);
    fclose(in);
    cr_expect(!rd.out_of_memory);
    return said;
}

static char *read_octets(const char *octets, size_t n, struct exempt_list *out)
{
    return read_stream(
        n > 0 ? fmemopen((void *)(uintptr_t)octets, n, "r") : fopen("/dev/null", "r"), out);
}

static char *read_list(const char *text, struct exempt_list *out)
{
    return read_octets(text, strlen(text), out);
}

static bool has_client(const struct exempt_list *l, const char *client, int64_t now)
{
    struct dname name;
    struct addr a;

    if (addr_parse(&a, client, strlen(client)))
        return listed_has_address(l, &a, now);
    cr_assert(dname_from_text(&name, client, strlen(client)), "%s", client);
    return listed_has_name(l, &name, now);
}

Test(lists, clients)
{
    static const struct {
        const char *text, *client;
        bool listed;
        const char *says;
    } row[] = {
        {"192.0.2.1", "192.0.2.1", true, "a line without a newline behind it"},
        {"192.0.2.1\n", "192.0.2.2", false, "an address is that one"},
        {"192.0.2.1\r\n", "192.0.2.1", true, "CR LF ends a line, too"},
        {"::ffff:192.0.2.1", "192.0.2.1", true, "a mapped address is IPv4"},
        {"192.0.2.0/24", "192.0.2.0", true, "first of a network"},
        {"192.0.2.0/24", "192.0.2.255", true, "last of a network"},
        {"192.0.2.0/24", "192.0.3.0", false, "behind a network"},
        {"192.0.2.0/24", "192.0.1.255", false, "before a network"},
        {"192.0.2.128/25\n192.0.2.2/31", "192.0.2.3", true, "several lengths"},
        {"192.0.2.1/32", "192.0.2.1", true, "a network of one"},
        {"0.0.0.0/0", "203.0.113.9", true, "all of IPv4"},
        {"0.0.0.0/0", "2001:db8::1", false, "and none of IPv6"},
        {"::/0", "2001:db8::1", true, "all of IPv6"},
        {"::/0", "192.0.2.1", false, "and none of IPv4"},
        {"2001:db8::/33", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff", true, "inside an octet"},
        {"2001:db8::/33", "2001:db8:8000::", false, "and behind it"},
        {"2001:DB8::1", "2001:db8::1", true, "any text of the address"},
        {"mail.example.com", "mail.example.com", true, "a name"},
        {"Mail.EXAMPLE.com.", "mail.example.com", true, "without case, a final dot allowed"},
        {"mail.example.com", "a.mail.example.com", false, "a name is not what is below it"},
        {".example.com", "mail.example.com", true, "a name below a domain"},
        {".example.com", "a.b.example.com", true, "far below"},
        {".example.com", "example.com", false, "not itself"},
        {".example.com", "badexample.com", false, "labels count, not letters"},
        {".com", "example.com", true, "one label"},
        {"# 192.0.2.1", "192.0.2.1", false, "a comment"},
        {" \t 192.0.2.1 \t  until\t \t2024-10-04  ", "192.0.2.1", true, "any number of blanks"},
        {"\n\n  \t\n192.0.2.1#us", "192.0.2.1", true, "empty lines, a comment without a space"},
        {"192.0.2.1 until 2024-10-04", "192.0.2.1", true, "the last day counts"},
        {"192.0.2.1 until 2024-10-03", "192.0.2.1", false, "the day after does not"},
        {"192.0.2.1 until 2024-10-03\n192.0.2.1", "192.0.2.1", true, "listed again for ever"},
        {"192.0.2.1\n192.0.2.1 until 2024-10-03", "192.0.2.1", true, "in either order"},
        {"192.0.2.1 until 2024-10-03\n192.0.2.0/24", "192.0.2.1", true, "its network goes on"},
        {"a.example.com until 2024-10-03\n.example.com until 2024-10-04", "a.example.com", true,
         "its domain goes on"},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct exempt_list l;
        char *said = read_list(row[i].text, &l);

        cr_expect(said[0] == '\0' || strncmp(said, "list: note: ", 12) == 0, "%s", said);
        cr_expect(has_client(&l, row[i].client, NOW) == row[i].listed, "%s: %s", row[i].text,
                  row[i].says);
        lists_free(&l);
        free(said);
    }
}

/* The whole of the last day, and not a second more: without reading the file again. */
Test(lists, until_the_end_of_the_day)
{
    static const char *const client[] = {"192.0.2.1", "2001:db8::1", "mail.example.com",
                                         "a.example.org"};
    struct exempt_list l;
    char *said = read_list("192.0.2.1 until 2024-10-06\n2001:db8::1 until 2024-10-06\n"
                           "mail.example.com until 2024-10-06 # x\n.example.org until 2024-10-06",
                           &l);
    size_t i;

    cr_expect_str_eq(said, "");
    for (i = 0; i < 4; i++) {
        cr_expect(has_client(&l, client[i], DAY(20003) - 1), "%s", client[i]);
        cr_expect(!has_client(&l, client[i], DAY(20003)), "%s", client[i]);
    }
    lists_free(&l);
    free(said);
}

Test(lists, bad_list_E20)
{
    char path[300], *text, *expected, *said;
    struct exempt_list l;

    snprintf(path, sizeof path, "%s/bad-lists/list", from_env("GOLDEN_DIR", "tests/golden"));
    text = slurp(path);
    snprintf(path, sizeof path, "%s/bad-lists/expected", from_env("GOLDEN_DIR", "tests/golden"));
    expected = slurp(path);
    cr_assert(text != NULL && expected != NULL, "%s", path);
    said = read_list(text, &l);
    cr_expect_str_eq(said, expected, "gives:\n%sexpected:\n%s", said, expected);
    lists_free(&l);
    free(said);
    free(text);
    free(expected);
}

Test(lists, a_disk_that_fails_E20)
{
    struct exempt_list l;
    char *said = read_stream(fopen("/tmp", "r"), &l);

    cr_expect_str_eq(said, "list: Is a directory\n", "half of a list is none: %s", said);
    lists_free(&l);
    free(said);
}

Test(lists, lines_that_are_over_are_named_once)
{
    static const struct {
        const char *text, *said;
    } row[] = {
        {"a.b until 2024-10-03", "list: note: no longer exempt, 1 line is over: a.b (line 1)\n"},
        {"a.b until 2024-10-04\n192.0.2.0/24 until 2020-01-01\n\n.c.d until 1999-01-01 # x",
         "list: note: no longer exempt, 2 lines are over: 192.0.2.0/24 (line 2), .c.d (line 4)\n"},
    };
    char many[40 * 40] = "", *said;
    struct exempt_list l;
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        said = read_list(row[i].text, &l);
        cr_expect_str_eq(said, row[i].said);
        lists_free(&l);
        free(said);
    }
    for (i = 0; i < 40; i++)
        snprintf(many + strlen(many), 40, "192.0.2.%zu until 2020-01-01\n", 100 + i);
    said = read_list(many, &l);
    cr_expect(strstr(said, "40 lines are over: 192.0.2.100 (line 1), ") != NULL, "%s", said);
    cr_expect_str_eq(said + strlen(said) - 7, "), ...\n", "%s", said);
    lists_free(&l);
    free(said);
}

Test(lists, words_that_are_no_date)
{
    static const char *const date[] = {"2027-01-3",  "2027-01-311", "2027-1-31",  "2027/01-31",
                                       "2027-01/31", "2027-00-10",  "2027-13-01", "2027-02-29",
                                       "2027-01-00", "2o27-01-31"};
    char text[80], want[80], *said;
    struct exempt_list l;
    size_t i;

    for (i = 0; i < sizeof date / sizeof date[0]; i++) {
        snprintf(text, sizeof text, "192.0.2.1 until %s", date[i]);
        snprintf(want, sizeof want, "list:1: \"%s\" is not a date such as 2027-01-31\n", date[i]);
        said = read_list(text, &l);
        cr_expect_str_eq(said, want);
        cr_expect_eq(l.n, 0, "%s", date[i]);
        lists_free(&l);
        free(said);
    }
}

/* A word as long as a line is one word. */
Test(lists, long_words)
{
    char line[LIST_LINE_MAX + 1], *said;
    struct exempt_list l;
    size_t n;

    for (n = LIST_LINE_MAX - 1; n <= LIST_LINE_MAX; n++) {
        memset(line, 'x', n);
        said = read_octets(line, n, &l);
        cr_expect(strstr(said, "xxx\" is not an address, a network, a host name or .domain") !=
                      NULL,
                  "%s", said);
        lists_free(&l);
        free(said);
    }
}

/* A name of so many octets, with a comment to the length of the line. */
static char *line_of(size_t n)
{
    char *line = malloc(n + 2);

    memset(line, 'x', n);
    memcpy(line, "192.0.2.1 #", 11);
    memcpy(line + n, "\n", 2);
    return line;
}

Test(lists, bounds_E20)
{
    char *line, *said, many[21 * 3];
    struct exempt_list l;
    size_t i;

    for (i = LIST_LINE_MAX - 1; i <= LIST_LINE_MAX + 1; i++) {
        line = line_of(i);
        said = read_list(line, &l);
        cr_expect_str_eq(said,
                         i > LIST_LINE_MAX ? "list:1: the line is longer than 1024 octets\n" : "");
        cr_expect_eq(l.n, i <= LIST_LINE_MAX);
        lists_free(&l);
        free(said);
        free(line);
    }
    said = read_octets("192.0.2.1\n192.0.2.2\0x\n", 22, &l);
    cr_expect_str_eq(said, "list:2: contains a NUL octet\n");
    lists_free(&l);
    free(said);
    for (i = 19; i <= 21; i++) {
        memset(many, 'x', sizeof many);
        for (size_t k = 1; k < sizeof many; k += 2)
            many[k] = '\n';
        said = read_octets(many, 2 * i, &l);
        cr_expect((strstr(said, "list:20: ") != NULL) == (i >= 20));
        cr_expect(strstr(said, "list:21: ") == NULL);
        cr_expect((strstr(said, "list: and 1 more lines are wrong") != NULL) == (i == 21), "%s",
                  said);
        lists_free(&l);
        free(said);
    }
}

static char *hundred_thousand(unsigned n)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    unsigned i;

    for (i = 0; i < n; i++)
        if (i % 2 == 0)
            fprintf(out, "%u.%u.%u.%u until 2999-01-01 # partner %u\n", 1 + i % 199, i >> 16,
                    i >> 8 & 255, i & 255, i);
        else
            fprintf(out, "mail-%u.customer%u.example.com # by hand\n", i * 7919u, i % 977);
    fclose(out);
    return text;
}

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* 300 ms for a list of 100,000; the sanitizers take some times as long. */
Test(lists, a_hundred_thousand_lines)
{
    char *text = hundred_thousand(100000), *said;
    struct addr a = {.family = ADDR_NONE};
    struct exempt_list l;
    struct dname name;
    double start = now_ms(), took;
    unsigned i, hits = 0;

    said = read_list(text, &l);
    took = now_ms() - start;
    cr_expect_str_eq(said, "");
    cr_expect_eq(l.n, 100000, "%zu", l.n);
    cr_expect(took < 300 * (getenv("ASAN_OPTIONS") != NULL ? 10 : 1), "%.0f ms", took);
    cr_assert(addr_parse(&a, "203.0.113.9", 11) &&
              dname_from_text(&name, "a.b.mail.stranger.example.net", 29));
    start = now_ms();
    for (i = 0; i < 10000; i++)
        hits += listed_has_address(&l, &a, NOW) || listed_has_name(&l, &name, NOW);
    took = (now_ms() - start) / 10000 * 1000;
    cr_expect(hits == 0 && took < 20, "%.1f us for one client", took);
    cr_log_info("a client: %.2f us", took);
    lists_free(&l);
    free(said);
    free(text);
}

Test(lists, more_than_a_million)
{
    unsigned n, k;
    char *said;

    for (n = LIST_CLIENTS_MAX - 1; n <= LIST_CLIENTS_MAX + 1; n++) {
        struct exempt_list l;
        char *text = malloc(n * 4 + 1);

        for (k = 0; k < n; k++)
            memcpy(text + k * 4, "::1\n", 5);
        said = read_list(text, &l);
        cr_expect_str_eq(said,
                         n > LIST_CLIENTS_MAX
                             ? "list:1000001: there are more than 1000000 clients in all lists\n"
                             : "");
        cr_expect_eq(l.n, 1, "the same client");
        lists_free(&l);
        free(said);
        free(text);
    }
}

/* From the configuration on: several files, faults of a file fail the whole. */
Test(lists, from_the_configuration)
{
    char one[] = "/tmp/test-list-XXXXXX", two[] = "/tmp/test-List-XXXXXX", text[256], *err;
    int fd1 = mkstemp(one), fd2 = mkstemp(two);
    struct settings *s;

    cr_assert(write(fd1, "192.0.2.1\n", 10) == 10 && write(fd2, "a.example.com\n", 14) == 14);
    snprintf(text, sizeof text, "exempt: { lists = [\"%s\", \"%s\"]; };\n", one, two);
    s = read_text(text, &err);
    cr_assert(s != NULL, "%s", err);
    cr_expect_str_eq(err, "");
    cr_expect(s->exempt.lists.n == 2 && s->judge.exempt_list.n == 2);
    cr_expect_str_eq(s->exempt.lists.entry[1], two, "paths keep their case");
    cr_expect(has_client(&s->judge.exempt_list, "192.0.2.1", NOW) &&
              has_client(&s->judge.exempt_list, "a.example.com", NOW));
    settings_free(s);
    free(err);
    cr_assert(write(fd2, "b..c\n", 5) == 5);
    s = read_text(text, &err);
    cr_expect(s == NULL && strncmp(err, two, strlen(two)) == 0 &&
                  strcmp(err + strlen(two),
                         ":2: \"b..c\" is not an address, a network, a host name "
                         "or .domain\n") == 0,
              "%s", err);
    free(err);
    unlink(one);
    s = read_text(text, &err);
    cr_expect(s == NULL && strstr(err, ":1: exempt.lists: \"/tmp/test-list-") != NULL &&
                  strstr(err, "\": No such file or directory\n") != NULL,
              "%s", err);
    free(err);
    unlink(two);
    s = read_text("exempt: { lists = [\"exempt.list\", \"/tmp\"]; };", &err);
    cr_expect(s == NULL && strstr(err, "\"exempt.list\" is not a path that begins with /\n") &&
                  strstr(err, "\"/tmp\" is not a regular file\n"),
              "%s", err);
    free(err);
    close(fd1);
    close(fd2);
}

static unsigned descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    unsigned n = 0;

    cr_assert_not_null(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

static void put_file(const char *dir, const char *name, const char *text)
{
    char path[128];
    FILE *out;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    out = fopen(path, "w");
    cr_assert(out != NULL && fputs(text, out) >= 0 && fclose(out) == 0, "%s", path);
}

/* Else a daemon that is reloaded for a year runs out of them. */
Test(lists, files_that_were_read_are_closed)
{
    static const struct {
        const char *list, *anchor;
        bool taken;
    } row[] = {
        {"/list", "/anchor", true},
        {"/bad", "/bad", false},
        {"", "", false},
        {"\"", "", false},
    };
    char dir[] = "/tmp/test-lists-XXXXXX", text[512], *err;
    unsigned before;
    size_t i;

    cr_assert_not_null(mkdtemp(dir));
    put_file(dir, "list", "192.0.2.1\n");
    put_file(dir, "anchor", ". IN DS 20326 8 2 " KEY_HASH "\n");
    put_file(dir, "bad", "b..c d\n");
    before = descriptors();
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        struct settings *s;

        snprintf(text, sizeof text,
                 "exempt: { lists = [\"%s%s\"]; };\nresolver: { trust-anchor = \"%s%s\"; };", dir,
                 row[i].list, dir, row[i].anchor);
        s = read_text(text, &err);
        cr_expect_eq(s != NULL, row[i].taken, "%s: %s", text, err);
        cr_expect_eq(descriptors(), before, "%s: %u were open before", text, before);
        settings_free(s);
        free(err);
    }
    snprintf(text, sizeof text, "rm -r '%s'", dir);
    cr_expect_eq(system(text), 0);
}
