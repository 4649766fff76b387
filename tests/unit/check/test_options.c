/* The command line of iprev-check: what each means, and what is said about a wrong one.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/options.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))
#define WORDS        16

/* Reads a command line, words between spaces. What was said on err is in *said, to be freed. */
static bool read_line(struct options *o, const char *line, char **said)
{
    static char text[512], *argv[WORDS + 2]; /* o borrows from them */
    char *at = text;
    size_t n;
    int argc = 1;
    FILE *err = open_memstream(said, &n);
    bool ok;

    cr_assert(strlen(line) < sizeof text);
    memcpy(text, line, strlen(line) + 1);
    argv[0] = text + strlen(text); /* "" */
    while (argc <= WORDS && *(at += strspn(at, " ")) != '\0') {
        argv[argc++] = at;
        at += strcspn(at, " ");
        if (*at != '\0')
            *at++ = '\0';
    }
    argv[argc] = NULL;
    ok = options_read(o, argc, argv, err);
    fclose(err);
    return ok;
}

Test(options, right_lines)
{
    static const struct {
        const char *line;
        enum command command;
        int n;
        const char *first, *config;
        bool json;
    } row[] = {
        {"192.0.2.1", COMMAND_IP, 0, NULL, NULL, false},
        {"192.0.2.1 mail.example.com", COMMAND_IP, 1, "mail.example.com", NULL, false},
        {"2001:db8::1 --json", COMMAND_IP, 0, NULL, NULL, true},
        {"192.0.2.1 replay", COMMAND_IP, 1, "replay", NULL, false},
        {"192.0.2.1 -- -x", COMMAND_IP, 1, "-x", NULL, false},
        {"mail.example.com", COMMAND_HOST, 0, NULL, NULL, false},
        {"self.example.com x", COMMAND_HOST, 1, "x", NULL, false},
        {"self", COMMAND_SELF, 0, NULL, NULL, false},
        {"-c f self x", COMMAND_SELF, 1, "x", "f", false},
        {"self x -cf", COMMAND_SELF, 1, "x", "f", false},
        {"batch --json list", COMMAND_BATCH, 1, "list", NULL, true},
        {"--json batch", COMMAND_BATCH, 0, NULL, NULL, true},
        {"classify --config=f -", COMMAND_CLASSIFY, 1, "-", "f", false},
        {"--conf f classify", COMMAND_CLASSIFY, 0, NULL, "f", false},
        {"replay a b c -c f", COMMAND_REPLAY, 3, "a", "f", false},
        {"refused a b --json", COMMAND_REFUSED, 2, "a", NULL, true},
        {"memory", COMMAND_MEMORY, 0, NULL, NULL, false},
        {"memory --json 192.0.2.1", COMMAND_MEMORY, 1, "192.0.2.1", NULL, true},
        {"--forget memory 2001:db8::1", COMMAND_MEMORY, 1, "2001:db8::1", NULL, false},
        {"-c f replay a", COMMAND_REPLAY, 1, "a", "f", false},
        {"-c g replay -c f a", COMMAND_REPLAY, 1, "a", "f", false},
    };
    struct options o;
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        char *said = NULL;

        cr_expect(read_line(&o, row[i].line, &said), "%s: %s", row[i].line, said);
        cr_expect_str_empty(said, "%s", row[i].line);
        cr_expect_eq(o.command, row[i].command, "%s: %d", row[i].line, o.command);
        cr_expect_eq(o.n, row[i].n, "%s: %d arguments", row[i].line, o.n);
        if (row[i].first != NULL)
            cr_expect_str_eq(o.argument[0], row[i].first, "%s", row[i].line);
        cr_expect_str_eq(o.config != NULL ? o.config : "-",
                         row[i].config != NULL ? row[i].config : "-", "%s", row[i].line);
        cr_expect(o.json == row[i].json && o.replay.json == row[i].json, "%s", row[i].line);
        free(said);
    }
}

Test(options, wrong_lines)
{
    static const struct {
        const char *line, *says;
    } row[] = {
        {"", "an IP address, host name or command is required. Try iprev-check --help"},
        {"--json", "an IP address, host name or command is required. Try iprev-check --help"},
        {"slef", "unknown command \"slef\"; did you mean \"self\"? Try iprev-check --help"},
        {"host", "unknown command \"host\" (a host name contains a dot). Try iprev-check --help"},
        {"256.0.2.1", "\"256.0.2.1\" is neither an IP address nor a host name. Try iprev-check "
                      "--help"},
        {":::", "\":::\" is neither an IP address nor a host name. Try iprev-check --help"},
        {"--sefl", "unknown option \"--sefl\"; did you mean \"self\"? Try iprev-check --help"},
        {"--jsom x", "unknown option \"--jsom\"; did you mean \"--json\"? Try iprev-check --help"},
        {"--quux=self", "unknown option \"--quux\". Try iprev-check --help"},
        {"-x", "unknown option \"-x\". Try iprev-check --help"},
        {"self -c", "--config takes an argument. Try iprev-check --help"},
        {"self --json=yes", "--json takes no argument. Try iprev-check --help"},
        {"192.0.2.1 a b", "too many arguments. Try iprev-check --help"},
        {"mail.example.com a b", "too many arguments. Try iprev-check --help"},
        {"batch a b", "too many arguments. Try iprev-check batch --help"},
        {"classify a b", "too many arguments. Try iprev-check classify --help"},
        {"replay", "a log file is required, or - for standard input. Try iprev-check replay "
                   "--help"},
        {"memory --forget", "--forget takes the IP address of a client. Try iprev-check memory "
                            "--help"},
        {"memory mail.example.com",
         "\"mail.example.com\" is not an IP address. Try iprev-check memory --help"},
        {"memory 192.0.2.1 x", "too many arguments. Try iprev-check memory --help"},
        {"memory -s ::1", "--server works only with IP, HOST, self, batch, replay, refused. Try "
                          "iprev-check memory --help"},
        {"192.0.2.1 --forget", "--forget works only with memory. Try iprev-check --help"},
        {"batch --top 3", "--top works only with replay. Try iprev-check batch --help"},
        {"classify --json",
         "--json works only with IP, HOST, self, batch, replay, refused, memory. Try iprev-check "
         "classify --help"},
        {"classify -s ::1", "--server works only with IP, HOST, self, batch, replay, refused. Try "
                            "iprev-check classify --help"},
        {"refused --probe x",
         "--probe works only with IP, HOST, self. Try iprev-check refused --help"},
        {"refused --ticket x",
         "--ticket works only with IP, HOST, self. Try iprev-check refused --help"},
        {"self --ticket --json",
         "--ticket cannot be combined with --json or --compare. Try iprev-check self --help"},
        {"self --ticket --compare x",
         "--ticket cannot be combined with --json or --compare. Try iprev-check self --help"},
        {"refused --compare x y",
         "--compare works only with IP, HOST, self. Try iprev-check refused --help"},
        {"batch --html x",
         "--html works only with IP, HOST, self, replay, refused. Try iprev-check "
         "batch --help"},
        {"self --address mail.example.com",
         "--address takes an IP address. Try iprev-check --help"},
        {"self --address 10.0.0.1",
         "--address takes the public address, which others see. Try iprev-check --help"},
        {"mail.example.com --address 192.0.2.1",
         "--address works only with self, refused. Try iprev-check --help"},
        {"replay --top 0 x", "--top takes a number from 1 to 100000. Try iprev-check --help"},
        {"replay --top 100001 x", "--top takes a number from 1 to 100000. Try iprev-check --help"},
        {"replay --top +1 x", "--top takes a number from 1 to 100000. Try iprev-check --help"},
        {"replay --top 99999999999999999999 x",
         "--top takes a number from 1 to 100000. Try iprev-check --help"},
        {"replay --no-dns -z x x",
         "--no-dns asks no DNS: leave out --zone and --server. Try iprev-check replay --help"},
        {"replay --no-dns -s x x",
         "--no-dns asks no DNS: leave out --zone and --server. Try iprev-check replay --help"},
        {"replay --since yesterday x", "--since takes YYYY-MM-DD, YYYY-MM-DDTHH:MM or a number of "
                                       "days, such as 7d. Try iprev-check replay --help"},
        {"replay --until 2026-02-30 x", "--until takes YYYY-MM-DD, YYYY-MM-DDTHH:MM or a number of "
                                        "days, such as 7d. Try iprev-check replay --help"},
        {"replay --since 2026-01-02 --until 2026-01-02 x",
         "--since must be earlier than --until. Try iprev-check replay --help"},
        {"replay --since 2d --until 2d x",
         "--since must be earlier than --until. Try iprev-check replay --help"},
        {"replay --digest --json x", "--digest cannot be combined with --json, --html or "
                                     "--against. Try iprev-check replay --help"},
        {"replay --digest --html f x", "--digest cannot be combined with --json, --html or "
                                       "--against. Try iprev-check replay --help"},
        {"replay --digest --against f x", "--digest cannot be combined with --json, --html or "
                                          "--against. Try iprev-check replay --help"},
        {"replay --digest --until 8d x",
         "--since must be earlier than --until. Try iprev-check replay --help"},
        {"replay --min-messages 5 x",
         "--min-messages and --no-verdicts go with --write-exempt. Try iprev-check replay --help"},
        {"replay --no-verdicts x",
         "--min-messages and --no-verdicts go with --write-exempt. Try iprev-check replay --help"},
        {"replay --min-messages 0 --write-exempt f x",
         "--min-messages takes a number from 1 to 1000000. Try iprev-check --help"},
        {"replay --min-messages 1000001 --write-exempt f x",
         "--min-messages takes a number from 1 to 1000000. Try iprev-check --help"},
        {"a\033b", "unknown command \"a\\x1bb\" (a host name contains a dot). Try iprev-check "
                   "--help"},
    };
    struct options o;
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        char *said = NULL, want[256];

        cr_expect_not(read_line(&o, row[i].line, &said), "%s", row[i].line);
        snprintf(want, sizeof want, "iprev-check: %s\n", row[i].says);
        cr_expect_str_eq(said, want, "%s", row[i].line);
        free(said);
    }
}

Test(options, of_replay)
{
    char *said = NULL;
    struct options o;

    cr_assert(read_line(&o, "replay x", &said));
    cr_expect(o.replay.top == 10 && !o.replay.no_dns && o.replay.html == NULL &&
              o.replay.against == NULL);
    free(said);
    cr_assert(read_line(&o, "replay --top 1 --no-dns --html p --against f x", &said));
    cr_expect(o.replay.top == 1 && o.replay.no_dns);
    cr_expect_str_eq(o.replay.html, "p");
    cr_expect_str_eq(o.replay.against, "f");
    free(said);
    cr_expect(o.replay.min_messages == 3 && o.replay.write_exempt == NULL);
    cr_assert(read_line(&o,
                        "replay --since 2026-01-01 --until 2026-01-01T00:01 --write-exempt e "
                        "--min-messages 1000000 --no-verdicts x",
                        &said));
    cr_expect(o.replay.min_messages == 1000000 && o.replay.no_verdicts);
    cr_expect_str_eq(o.replay.since, "2026-01-01");
    cr_expect_str_eq(o.replay.until, "2026-01-01T00:01");
    cr_expect_str_eq(o.replay.write_exempt, "e");
    free(said);
    cr_assert(read_line(&o, "replay --top 100000 x", &said), "the largest number");
    cr_expect_eq(o.replay.top, 100000);
    free(said);
}

/* Reads self with so many addresses. */
static bool read_addresses(struct options *o, unsigned n, char **said)
{
    static char *argv[2 * (ADDRESSES_MAX + 1) + 3], address[ADDRESSES_MAX + 1][16];
    static char program[] = "", word[] = "self", option[] = "--address";
    size_t length;
    FILE *err = open_memstream(said, &length);
    unsigned i;
    bool ok;

    argv[0] = program;
    argv[1] = word;
    for (i = 0; i < n; i++) {
        snprintf(address[i], sizeof address[i], "192.0.2.%u", i + 1);
        argv[2 * i + 2] = option;
        argv[2 * i + 3] = address[i];
    }
    argv[2 * n + 2] = NULL;
    ok = options_read(o, (int)(2 * n + 2), argv, err);
    fclose(err);
    return ok;
}

/* One below, at, and one above the number that can be given. */
Test(options, addresses)
{
    char *said = NULL;
    struct options o;
    unsigned n;

    for (n = ADDRESSES_MAX - 1; n <= ADDRESSES_MAX + 1; n++) {
        cr_expect_eq(read_addresses(&o, n, &said), n <= ADDRESSES_MAX, "%u: %s", n, said);
        if (n <= ADDRESSES_MAX)
            cr_expect_eq(o.sender.addrs, n);
        else
            cr_expect_str_eq(said, "iprev-check: --address is given too often. Try iprev-check "
                                   "--help\n");
        free(said);
    }
    cr_assert(read_line(&o, "self --address 192.0.2.1 --address 2001:db8::1", &said));
    cr_expect_eq(o.sender.addrs, 2);
    cr_expect_eq(o.sender.addr[1].family, ADDR_IPV6);
    free(said);
}

/* Help and version need no more than themselves, but a wrong word is still told. */
Test(options, help_and_version)
{
    static const struct {
        const char *line;
        enum command command;
        bool help, version, ok;
    } row[] = {
        {"--help", COMMAND_NONE, true, false, true},
        {"-V", COMMAND_NONE, false, true, true},
        {"replay -h", COMMAND_REPLAY, true, false, true},
        {"-h batch a b c", COMMAND_BATCH, true, false, true},
        {"-h nonsense", COMMAND_NONE, true, false, false},
        {"-h --nonsense", COMMAND_NONE, true, false, false},
    };
    struct options o;
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        char *said = NULL;

        cr_expect_eq(read_line(&o, row[i].line, &said), row[i].ok, "%s", row[i].line);
        cr_expect_eq(o.command, row[i].command, "%s", row[i].line);
        cr_expect(o.help == row[i].help && o.version == row[i].version, "%s", row[i].line);
        free(said);
    }
}

/* Each command's help names its options, and only those; no line is wider than a terminal. */
Test(options, help_text)
{
    static const struct {
        enum command command;
        const char *has, *has_not;
    } row[] = {
        {COMMAND_NONE, "--top N             replay: clients in each list", NULL},
        {COMMAND_NONE, "usage: iprev-check [options] IP [HELO]\n", NULL},
        {COMMAND_REPLAY, "--top N             clients in each list", "IP [HELO]"},
        {COMMAND_CLASSIFY, "-c, --config FILE", "--json"},
        {COMMAND_BATCH, "usage: iprev-check [options] batch [FILE]\n", "--top"},
        {COMMAND_IP, "-s, --server IP[@PORT]  ask this DNS server\n", "--no-dns"},
    };
    size_t i, n;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        char *text = NULL, *line;
        FILE *out = open_memstream(&text, &n);

        options_help(row[i].command, out);
        fclose(out);
        cr_expect_not_null(strstr(text, row[i].has), "%s is not in:\n%s", row[i].has, text);
        if (row[i].has_not != NULL)
            cr_expect_null(strstr(text, row[i].has_not), "%s is in:\n%s", row[i].has_not, text);
        for (line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
            cr_expect(strcspn(line, "\n") <= 80, "%s", line);
        free(text);
    }
}
