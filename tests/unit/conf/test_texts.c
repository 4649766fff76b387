/* What may stand in a single text of the configuration: one below each bound, at it, one above.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "tests/unit/conf/settings_shared.h"

#define NO_LISTEN "is not ADDRESS:PORT"
#define NO_PORT   "the port is not a number from 1 to 65535"
#define NO_SOCKET "is not inet:PORT@HOST"
#define NO_NET    "is not ADDRESS or ADDRESS/BITS"
#define NO_MODE   "is not an octal mode"
#define NO_RCPT   "is not a local part, an address or @DOMAIN"
#define NO_HOST   "what follows @ is not an address or a host name"
#define C32       "abcdefghijklmnopqrstuvwxyz012345"

static const struct {
    const char *before, *text, *behind;
    const char *fault; /* NULL: none */
} row[] = {
    {"metrics: { listen = \"", "192.0.2.1:80", "\"; };", NULL},
    {"metrics: { listen = \"", "[::1]:80", "\"; };", NULL},
    {"metrics: { listen = \"", "[192.0.2.1]:80", "\"; };", NO_LISTEN},
    {"metrics: { listen = \"", "::1:80", "\"; };", NO_LISTEN},
    {"metrics: { listen = \"", "x::1]:80", "\"; };", NO_LISTEN},
    {"metrics: { listen = \"", "[::1x:80", "\"; };", NO_LISTEN},
    {"metrics: { listen = \"", "[]:80", "\"; };", NO_LISTEN},
    {"metrics: { listen = \"", ":80", "\"; };", NO_LISTEN},
    {"metrics: { listen = \"", "192.0.2.1", "\"; };", NO_LISTEN},
    {"metrics: { listen = \"", "192.0.2.1:1", "\"; };", NULL},
    {"metrics: { listen = \"", "192.0.2.1:0", "\"; };", NO_PORT},
    {"metrics: { listen = \"", "192.0.2.1:", "\"; };", NO_PORT},
    {"metrics: { listen = \"", "192.0.2.1:080", "\"; };", NO_PORT},
    {"metrics: { listen = \"", "192.0.2.1:9", "\"; };", NULL},
    {"metrics: { listen = \"", "192.0.2.1:/", "\"; };", NO_PORT},
    {"metrics: { listen = \"", "192.0.2.1:8a", "\"; };", NO_PORT},
    {"metrics: { listen = \"", "192.0.2.1:65535", "\"; };", NULL},
    {"metrics: { listen = \"", "192.0.2.1:65536", "\"; };", NO_PORT},
    {"metrics: { listen = \"", "192.0.2.1:429496729680", "\"; };", NO_PORT},
    {"socket = \"", "inet:1@localhost", "\";", NULL},
    {"socket = \"", "inet:65536@localhost", "\";", NO_PORT},
    {"socket = \"", "inet/1@localhost", "\";", NO_SOCKET},
    {"socket = \"", "inet6/1@localhost", "\";", NO_SOCKET},
    {"socket = \"", "inet6:1@[::1]", "\";", NULL},
    {"socket = \"", "inet6:1@::1", "\";", NULL},
    {"socket = \"", "inet6:1@[localhost]", "\";", NO_HOST},
    {"socket = \"", "inet6:1@[]", "\";", NO_HOST},
    {"socket = \"", "inet:1@", "\";", NO_HOST},
    {"socket = \"", "inet:1@::1", "\";", "inet needs an IPv4 address"},
    {"socket = \"", "inet6:1@192.0.2.1", "\";", "inet6 needs an IPv6 address"},
    {"socket = \"", "unix:/run/x", "\";", NULL},
    {"socket = \"", "local:/run/x", "\";", NULL},
    {"socket = \"", "/run/x", "\";", NULL},
    {"socket = \"", "unix//run/x", "\";", NO_SOCKET},
    {"socket = \"", "local//run/x", "\";", NO_SOCKET},
    {"socket = \"", "unix:/run/", "\";", "is a file, not a directory"},
    {"socket = \"", "unix:/run/~x", "\";", NULL},
    {"socket = \"", "unix:/run/a x", "\";", "printable ASCII without spaces"},
    {"socket-mode = \"", "0777", "\";", NULL},
    {"socket-mode = \"", "0", "\";", NULL},
    {"socket-mode = \"", "", "\";", NO_MODE},
    {"socket-mode = \"", "1000", "\";", NO_MODE},
    {"socket-mode = \"", "00660", "\";", NO_MODE},
    {"socket-mode = \"", "0668", "\";", NO_MODE},
    {"user = \"", C32, "\";", NULL},
    {"user = \"", C32 "x", "\";", "at most 32 characters"},
    {"user = \"", "_a.b-c", "\";", NULL},
    {"user = \"", "-a", "\";", "is not a user name"},
    {"user = \"", ".a", "\";", "is not a user name"},
    {"user = \"", "a/b", "\";", "is not a user name"},
    {"exempt: { networks = [\"", "192.0.2.1/32", "\"]; };", NULL},
    {"exempt: { networks = [\"", "192.0.2.1/31", "\"]; };", "did you mean 192.0.2.0/31?"},
    {"exempt: { networks = [\"", "192.0.2.1/33", "\"]; };", NO_NET},
    {"exempt: { networks = [\"", "192.0.2.1/", "\"]; };", NO_NET},
    {"exempt: { networks = [\"", "192.0.2.1/+8", "\"]; };", NO_NET},
    {"exempt: { networks = [\"", "192.0.2.1/8x", "\"]; };", NO_NET},
    {"exempt: { networks = [\"", "192.0.2.1/0024", "\"]; };", NO_NET},
    {"exempt: { networks = [\"", "192.0.2/8", "\"]; };", NO_NET},
    {"exempt: { networks = [\"", "192.0.2.1/0", "\"]; };", "did you mean 0.0.0.0/0?"},
    {"exempt: { networks = [\"", "2001:db8::1/128", "\"]; };", NULL},
    {"exempt: { networks = [\"", "2001:db8::1/127", "\"]; };", "did you mean 2001:db8::/127?"},
    {"exempt: { networks = [\"", "2001:db8::1/100", "\"]; };", "did you mean 2001:db8::/100?"},
    {"exempt: { networks = [\"", "2001:db8::1/129", "\"]; };", NO_NET},
    {"exempt: { hosts = [\"", "192.0.2.1", "\"]; };", "is an address, not a name"},
    {"exempt: { hosts = [\"", "*.example.com", "\"]; };", "has a *"},
    {"exempt: { hosts = [\"", "**.example.com", "\"]; };", "is not a host name"},
    {"exempt: { lists = [\"", "etc/passwd", "\"]; };", "is not a path that begins with /"},
    {"exempt: { lists = [\"", "/nonexistent", "\"]; };", "No such file"},
    {"exempt: { lists = [\"", "/etc", "\"]; };", "is not a regular file"},
    {"exempt: { recipients = [\"", C32 C32, "\"]; };", NULL},
    {"exempt: { recipients = [\"", C32 C32 "x", "\"]; };", NO_RCPT},
    {"exempt: { recipients = [\"", "@example.com", "\"]; };", NULL},
    {"exempt: { recipients = [\"", "@", "\"]; };", NO_RCPT},
    {"exempt: { recipients = [\"", "", "\"]; };", NO_RCPT},
    {"exempt: { recipients = [\"", "a@", "\"]; };", NO_RCPT},
    {"exempt: { recipients = [\"", "a@example.com.", "\"]; };", NO_RCPT},
    {"exempt: { recipients = [\"", "a b", "\"]; };", NO_RCPT},
    {"exempt: { recipients = [\"", "a,b@example.com", "\"]; };", NO_RCPT},
    {"exempt: { recipients = [\"", "a!~b", "\"]; };", NULL},
    {"trusted-relays = [\"", "0.0.0.0/0", "\"];", "would trust every host"},
    {"trusted-relays = [\"", "0.0.0.0/1", "\"];", NULL},
    {"resolver: { forward = [\"", "192.0.2.1", "\"]; };", NULL},
    {"resolver: { forward = [\"", "192.0.2.1@65535", "\"]; };", NULL},
    {"resolver: { forward = [\"", "192.0.2.1@65536", "\"]; };", NO_PORT},
    {"resolver: { forward = [\"", "192.0.2.1@", "\"]; };", NO_PORT},
    {"resolver: { forward = [\"", "@53", "\"]; };", "is not ADDRESS or ADDRESS@PORT"},
    {"resolver: { forward = [\"", "ns.example", "\"]; };", "is not ADDRESS or ADDRESS@PORT"},
    {"resolver: { forward = [\"root", "", "\"]; };", NULL},
    {"resolver: { forward = [\"root\", \"", "192.0.2.1", "\"]; };", "cannot be combined"},
    {"resolver: { forward = [\"192.0.2.1\", \"", "root", "\"]; };", "cannot be combined"},
    {"memory: { key-file = \"", "etc/key", "\"; };", "is not an absolute path"},
    {"memory: { key-file = \"", "/etc/key", "\"; };", NULL},
    {"memory: { key-file = \"", "", "\"; };", NULL},
};

Test(settings, texts_at_their_bounds)
{
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        char text[400], *err;
        struct settings *s;

        snprintf(text, sizeof text, "%s%s%s\n", row[i].before, row[i].text, row[i].behind);
        s = read_text(text, &err);
        cr_expect((s != NULL) == (row[i].fault == NULL), "%s: %s", text, err);
        if (row[i].fault != NULL)
            cr_expect(strstr(err, row[i].fault) != NULL, "%s: %s, not: %s", text, row[i].fault,
                      err);
        settings_free(s);
        free(err);
    }
}

/* What stands in the place of a bad value is no fault of its own: one octet, two, many. */
Test(settings, a_bare_word_is_one_fault)
{
    static const char *const word[] = {"x", "xy", "x-y", "mx.example.com", "3com.example"};
    size_t i;

    for (i = 0; i < sizeof word / sizeof word[0]; i++) {
        char text[100], *err;
        struct settings *s;
        const char *behind;

        snprintf(text, sizeof text, "\nauthserv-id = %s;\nmode = \"monitor\";\n", word[i]);
        s = read_text(text, &err);
        cr_expect(s == NULL, "%s", text);
        behind = strstr(err, ":2: authserv-id: ");
        cr_expect(behind != NULL && strstr(err, "needs double quotes around it\n") != NULL, "%s",
                  err);
        cr_expect(strchr(err, '\n') == err + strlen(err) - 1, "one line: %s", err);
        free(err);
        snprintf(text, sizeof text, "authserv-id = %s;\nmode = \"x\";\n", word[i]);
        cr_expect(read_text(text, &err) == NULL);
        cr_expect(strstr(err, ":2: mode: ") != NULL, "what follows is read, too: %s", err);
        free(err);
    }
}

/* Each fault once, at its line. */
Test(settings, a_name_that_is_wrong_and_set_twice)
{
    static const char *const name[] = {"1a", "-a", "_a"};
    size_t i;

    for (i = 0; i < sizeof name / sizeof name[0]; i++) {
        char text[64], second[64], *err, *newline;

        snprintf(text, sizeof text, "%s = 1;\n%s = 2;\n", name[i], name[i]);
        snprintf(second, sizeof second, ":2: %s: set twice, first in line 1\n", name[i]);
        cr_expect(read_text(text, &err) == NULL);
        newline = strchr(err, '\n');
        cr_assert_not_null(newline);
        cr_expect(strstr(newline, second) != NULL, "%s: %s", name[i], err);
        cr_expect(strchr(newline + 1, '\n') == err + strlen(err) - 1, "two lines: %s", err);
        free(err);
    }
}

/* A comment ends at the first star and slash behind its first two octets, as in C. */
Test(settings, where_a_comment_ends)
{
    static const struct {
        const char *text;
        bool taken;
    } comment[] = {
        {"/*/ mode = x; */ mode = \"monitor\";", true},
        {"/**/ mode = x;", false},
        {"/***/ mode = x;", false},
        {"/* / * mode = x; * / */", true},
        {"/* // */ mode = x;", false},
        {"// /*\nmode = x; // */", false},
    };
    size_t i;

    for (i = 0; i < sizeof comment / sizeof comment[0]; i++) {
        char *err;
        struct settings *s = read_text(comment[i].text, &err);

        cr_expect_eq(s != NULL, comment[i].taken, "%s: %s", comment[i].text, err);
        settings_free(s);
        free(err);
    }
}

/* A line of the log stays readable. */
Test(settings, a_long_word_is_shown_up_to_80_octets)
{
    static const unsigned lengths[] = {79, 80, 81, 300};
    size_t i;

    for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char word[301], text[400], fault[200], *err;

        memset(word, 'x', sizeof word);
        word[lengths[i]] = '\0';
        snprintf(text, sizeof text, "authserv-id = %s;", word);
        snprintf(fault, sizeof fault, ":1: authserv-id: %.80s needs double quotes around it\n",
                 word);
        cr_expect(read_text(text, &err) == NULL);
        cr_expect(strstr(err, fault) != NULL, "%u: %s", lengths[i], err);
        free(err);
    }
}

/* A path that is too long to be shown is cut, and the fault is told all the same. */
Test(settings, a_long_path_is_cut)
{
    static const unsigned lengths[] = {1, 30, 40, 41, 42, 43, 44, 60, 127, 128, 129, 300};
    size_t i;

    for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char name[301], text[1300], *err;
        struct settings *s;

        memset(name, 'a', sizeof name);
        name[lengths[i]] = '\0';
        snprintf(text, sizeof text, "%s: { %s: { %s: { x = y; }; }; };", name, name, name);
        s = read_text(text, &err);
        cr_expect(s == NULL, "%u", lengths[i]);
        cr_expect(strstr(err, "needs double quotes around it") != NULL, "%u: %s", lengths[i], err);
        cr_expect(lengths[i] >= 42 || strstr(err, "a.x: y needs") != NULL, "%u: %s", lengths[i],
                  err);
        free(err);
    }
}
