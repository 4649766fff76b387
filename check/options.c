/* The command line of iprev-check: see options.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "check/options.h"

#include "check/log/stamp.h"
#include "check/term.h"
#include "value/nearest.h"

#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HELP_COLUMN 26
#define LONG_ONLY   256 /* what getopt calls the first option of the table, not by its letter */

static const struct {
    const char *word;      /* NULL: the argument itself says what is wanted */
    const char *arguments; /* as the help shows them */
    int least, most;       /* arguments that follow; most 0: any number */
    const char *missing, *help;
} commands[COMMANDS] = {
    [COMMAND_IP] = {NULL, "IP [HELO]", 0, 1, "", "one client"},
    [COMMAND_HOST] = {NULL, "HOST [HELO]", 0, 1, "", "every address of a host"},
    [COMMAND_SELF] = {"self", "self [HELO]", 0, 1, "", "every public address of this machine"},
    [COMMAND_BATCH] = {"batch", "batch [FILE]", 0, 1, "",
                       "each client of a list: lines of IP, tab, HELO"},
    [COMMAND_CLASSIFY] = {"classify", "classify [FILE]", 0, 1, "",
                          "shapes of names, without DNS: lines of IP, tab, name"},
    [COMMAND_REPLAY] = {"replay", "replay LOG...", 1, 0,
                        "a log file is required, or - for standard input",
                        "what this policy would have done to logged mail"},
    [COMMAND_REFUSED] = {"refused", "refused LOG...", 1, 0,
                         "a log file is required, or - for standard input",
                         "receivers that refuse mail because of this server's name"},
    [COMMAND_MEMORY] = {"memory", "memory [IP]", 0, 1, "",
                        "what the filter remembers of clients, or of one"},
};

#define ONLY(command) (1u << (command))
#define ALL           (ONLY(COMMANDS) - 1)
#define ASKING        (ALL & ~ONLY(COMMAND_CLASSIFY) & ~ONLY(COMMAND_MEMORY))
#define REPLAY        ONLY(COMMAND_REPLAY)
#define HERE          (ONLY(COMMAND_SELF) | ONLY(COMMAND_REFUSED)) /* about this machine */
#define SENDER        (ONLY(COMMAND_IP) | ONLY(COMMAND_HOST) | ONLY(COMMAND_SELF))
#define AN_ADDRESS    UINT_MAX

static const struct row {
    const char *name;
    char letter;          /* 0: none */
    const char *argument; /* NULL: a switch */
    unsigned commands;    /* that take it, one bit each */
    unsigned most;        /* not 0: the argument is a number from 1 to this, or AN_ADDRESS */
    size_t member;        /* of struct options: bool, const char * or unsigned */
    const char *help;
} rows[] = {
    {"config", 'c', "FILE", ALL, 0, offsetof(struct options, config),
     "configuration file (default " SYSCONFDIR "/iprev-milter.conf)"},
    {"zone", 'z', "FILE", ASKING, 0, offsetof(struct options, zone),
     "answer from this zone file before asking any server"},
    {"server", 's', "IP[@PORT]", ASKING, 0, offsetof(struct options, server),
     "ask this DNS server"},
    {"json", 0, NULL, ASKING | ONLY(COMMAND_MEMORY), 0, offsetof(struct options, json),
     "print JSON"},
    {"help", 'h', NULL, ALL, 0, offsetof(struct options, help), "print this help"},
    {"version", 'V', NULL, ALL, 0, offsetof(struct options, version), "print the version"},
    {"address", 0, "IP", HERE, AN_ADDRESS, offsetof(struct options, sender),
     "public address of this machine, behind NAT; may be repeated"},
    {"probe", 0, NULL, SENDER, 0, offsetof(struct options, sender.probe),
     "connect to port 25: banner, EHLO and certificate beside the PTR name"},
    {"ticket", 0, NULL, SENDER, 0, offsetof(struct options, sender.ticket),
     "print only the text to send to the owner of the address"},
    {"html", 0, "FILE", REPLAY | SENDER | ONLY(COMMAND_REFUSED), 0, offsetof(struct options, html),
     "write the report as a web page"},
    {"compare", 0, "FILE", SENDER, 0, offsetof(struct options, sender.compare),
     "print only what has changed since this report of --json"},
    {"against", 0, "FILE", REPLAY, 0, offsetof(struct options, replay.against),
     "compare with this other configuration"},
    {"no-dns", 0, NULL, REPLAY, 0, offsetof(struct options, replay.no_dns),
     "use only the findings in the log, ask no DNS"},
    {"top", 0, "N", REPLAY, 100000, offsetof(struct options, replay.top),
     "clients in each list (default 10)"},
    {"digest", 0, NULL, REPLAY, 0, offsetof(struct options, replay.digest),
     "print only what is new in the last 7 days, for a weekly mail"},
    {"since", 0, "T", REPLAY, 0, offsetof(struct options, replay.since),
     "only mail from then on: YYYY-MM-DD[THH:MM], or 7d for the last 7 days"},
    {"until", 0, "T", REPLAY, 0, offsetof(struct options, replay.until), "only mail before then"},
    {"write-exempt", 0, "FILE", REPLAY, 0, offsetof(struct options, replay.write_exempt),
     "add clients that sent wanted mail and would be refused or put off to this exempt list"},
    {"min-messages", 0, "N", REPLAY, 1000000, offsetof(struct options, replay.min_messages),
     "wanted messages of a client that is added (default 3)"},
    {"no-verdicts", 0, NULL, REPLAY, 0, offsetof(struct options, replay.no_verdicts),
     "take all delivered mail as wanted, where no filter says what is spam"},
    {"forget", 0, NULL, ONLY(COMMAND_MEMORY), 0, offsetof(struct options, forget),
     "drop what is remembered of this client"},
};

#define ROWS (sizeof rows / sizeof rows[0])
_Static_assert(ROWS <= 64, "given has a bit for each");

/* ---- messages ---- */

/* A word of the command line, which may contain anything, between quotes. */
static void put_word(FILE *err, const char *prefix, const char *word, size_t n)
{
    char text[256];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    sbuf_visible(&sb, word, n);
    fprintf(err, "\"%s%s%s\"", prefix, text, sb.overflow ? "..." : "");
}

static bool hint(const struct options *o, FILE *err, const char *end)
{
    const char *word = o->command < COMMANDS ? commands[o->command].word : NULL;

    fprintf(err, "%s Try iprev-check%s%s --help\n", end, word != NULL ? " " : "",
            word != NULL ? word : "");
    return false;
}

static bool wrong(const struct options *o, FILE *err, const char *what)
{
    fprintf(err, "iprev-check: %s", what);
    return hint(o, err, ".");
}

/* A command may have been written as an option. */
static bool unknown(const struct options *o, FILE *err, const char *what, const char *prefix,
                    const char *word, size_t n)
{
    struct nearest near = {.word = word, .n = n};
    const char *option;
    unsigned i;

    for (i = 0; prefix[0] != '\0' && i < ROWS; i++)
        nearest_consider(&near, rows[i].name);
    option = near.best;
    for (i = 0; i < COMMANDS; i++)
        if (commands[i].word != NULL)
            nearest_consider(&near, commands[i].word);
    fprintf(err, "iprev-check: unknown %s ", what);
    put_word(err, prefix, word, n);
    if (near.best == NULL)
        return hint(o, err, prefix[0] != '\0' ? "." : " (a host name contains a dot).");
    fprintf(err, "; did you mean \"%s%s\"", near.best == option ? prefix : "", near.best);
    return hint(o, err, "?");
}

/* "--top works only with replay" */
static bool wrong_command(const struct options *o, FILE *err, const struct row *row)
{
    const char *between = " ";
    unsigned i;

    fprintf(err, "iprev-check: --%s works only with", row->name);
    for (i = 0; i < COMMANDS; i++)
        if (row->commands & ONLY(i)) {
            fprintf(err, "%s%.*s", between, (int)strcspn(commands[i].arguments, " "),
                    commands[i].arguments);
            between = ", ";
        }
    return hint(o, err, ".");
}

/* ---- options ---- */

/* --address, which may be given again. */
static bool take_address(struct options *o, const char *text, FILE *err)
{
    struct sender_options *s = &o->sender;
    struct addr a;

    if (!addr_parse(&a, text, strlen(text)))
        return wrong(o, err, "--address takes an IP address");
    if (addr_is_private(&a))
        return wrong(o, err, "--address takes the public address, which others see");
    if (s->addrs == ADDRESSES_MAX)
        return wrong(o, err, "--address is given too often");
    s->addr[s->addrs++] = a;
    return true;
}

static bool take(struct options *o, const struct row *row, const char *argument, FILE *err)
{
    void *member = (char *)o + row->member;
    unsigned long n;
    char *end;

    if (row->argument == NULL) {
        *(bool *)member = true;
    } else if (row->most == AN_ADDRESS) {
        return take_address(o, argument, err);
    } else if (row->most == 0) {
        *(const char **)member = argument;
    } else {
        n = strtoul(argument, &end, 10);
        if (argument[0] < '0' || argument[0] > '9' || *end != '\0' || n < 1 || n > row->most) {
            fprintf(err, "iprev-check: --%s takes a number from 1 to %u", row->name, row->most);
            return hint(o, err, ".");
        }
        *(unsigned *)member = (unsigned)n;
    }
    return true;
}

/* The table in the two forms that getopt wants. */
static void make_getopt(struct option longer[ROWS + 1], char shorter[2 * ROWS + 2])
{
    unsigned i;

    *shorter++ = ':'; /* tell a missing argument from an unknown option */
    for (i = 0; i < ROWS; i++) {
        bool with = rows[i].argument != NULL;

        longer[i] = (struct option){rows[i].name, with ? required_argument : no_argument, NULL,
                                    LONG_ONLY + (int)i};
        if (rows[i].letter == 0)
            continue;
        *shorter++ = rows[i].letter;
        if (with)
            *shorter++ = ':';
    }
    *shorter = '\0';
    longer[ROWS] = (struct option){NULL, 0, NULL, 0};
}

static const struct row *row_of(int c)
{
    unsigned i;

    if (c >= LONG_ONLY)
        return &rows[c - LONG_ONLY];
    for (i = 0; i < ROWS; i++)
        if (c != 0 && rows[i].letter == c)
            return &rows[i];
    return NULL;
}

/* What getopt did not take: c is '?' or ':'. */
static bool refuse(const struct options *o, FILE *err, int c, char *const *argv)
{
    const struct row *row = row_of(optopt);
    const char letter = (char)optopt, *text;

    if (row != NULL) {
        fprintf(err, "iprev-check: --%s takes %s argument", row->name, c == ':' ? "an" : "no");
        return hint(o, err, ".");
    }
    if (optopt != 0)
        return unknown(o, err, "option", "-", &letter, 1);
    text = argv[optind - 1] + 2;
    return unknown(o, err, "option", "--", text, strcspn(text, "="));
}

/* Takes the options; a bit of *given for each. */
static bool read_options(struct options *o, int argc, char **argv, uint64_t *given, FILE *err)
{
    struct option longer[ROWS + 1];
    char shorter[2 * ROWS + 2];
    int c;

    make_getopt(longer, shorter);
    opterr = 0;
    optind = 0; /* begin again: glibc's way */
    while ((c = getopt_long(argc, argv, shorter, longer, NULL)) != -1) {
        const struct row *row = c == '?' || c == ':' ? NULL : row_of(c);

        if (row == NULL)
            return refuse(o, err, c, argv);
        if (!take(o, row, optarg, err))
            return false;
        *given |= (uint64_t)1 << (row - rows);
    }
    return true;
}

/* ---- commands ---- */

static bool read_command(struct options *o, FILE *err)
{
    const char *word = o->argument[0];
    size_t n = strlen(word);
    unsigned i;

    for (i = 0; i < COMMANDS; i++)
        if (commands[i].word != NULL && strcmp(word, commands[i].word) == 0)
            o->command = (enum command)i;
    if (o->command == COMMAND_NONE && addr_parse(&o->client, word, n))
        o->command = COMMAND_IP;
    if (o->command == COMMAND_NONE && dname_from_text(&o->host, word, n) && dname_is_host(&o->host))
        o->command = COMMAND_HOST;
    o->argument++;
    o->n--;
    if (o->command != COMMAND_NONE)
        return true;
    if (strpbrk(word, ".:") == NULL)
        return unknown(o, err, "command", "", word, n);
    fputs("iprev-check: ", err);
    put_word(err, "", word, n);
    return hint(o, err, " is neither an IP address nor a host name.");
}

/* --since and --until. */
static bool window_fits(const struct options *o, FILE *err)
{
    const struct replay_options *r = &o->replay;
    int64_t now = (int64_t)time(NULL);
    int64_t since = r->since != NULL ? stamp_given(r->since, now) : 0;
    int64_t until = r->until != NULL ? stamp_given(r->until, now) : 0;

    if (r->since != NULL && since == 0)
        return wrong(o, err,
                     "--since takes YYYY-MM-DD, YYYY-MM-DDTHH:MM or a number of days, such as 7d");
    if (r->until != NULL && until == 0)
        return wrong(o, err,
                     "--until takes YYYY-MM-DD, YYYY-MM-DDTHH:MM or a number of days, such as 7d");
    if (since != 0 && until != 0 && since >= until)
        return wrong(o, err, "--since must be earlier than --until");
    return true;
}

static bool memory_fits(struct options *o, FILE *err)
{
    if (o->forget && o->n == 0)
        return wrong(o, err, "--forget takes the IP address of a client");
    if (o->n == 0 || addr_parse(&o->client, o->argument[0], strlen(o->argument[0])))
        return true;
    fputs("iprev-check: ", err);
    put_word(err, "", o->argument[0], strlen(o->argument[0]));
    return hint(o, err, " is not an IP address.");
}

static bool fits(struct options *o, uint64_t given, FILE *err)
{
    unsigned i;

    for (i = 0; i < ROWS; i++)
        if (given >> i & 1 && !(rows[i].commands & ONLY(o->command)))
            return wrong_command(o, err, &rows[i]);
    if (o->sender.ticket && (o->json || o->sender.compare != NULL))
        return wrong(o, err, "--ticket cannot be combined with --json or --compare");
    if (o->replay.no_dns && (o->zone != NULL || o->server != NULL))
        return wrong(o, err, "--no-dns asks no DNS: leave out --zone and --server");
    if (o->replay.write_exempt == NULL && (o->replay.no_verdicts || o->replay.min_messages != 3))
        return wrong(o, err, "--min-messages and --no-verdicts go with --write-exempt");
    if (o->replay.digest && (o->json || o->html != NULL || o->replay.against != NULL))
        return wrong(o, err, "--digest cannot be combined with --json, --html or --against");
    if (!window_fits(o, err))
        return false;
    if (o->n < commands[o->command].least)
        return wrong(o, err, commands[o->command].missing);
    if (commands[o->command].most > 0 && o->n > commands[o->command].most)
        return wrong(o, err, "too many arguments");
    return o->command != COMMAND_MEMORY || memory_fits(o, err);
}

bool options_read(struct options *o, int argc, char **argv, FILE *err)
{
    uint64_t given = 0;

    *o = (struct options){.command = COMMAND_NONE, .replay = {.top = 10, .min_messages = 3}};
    if (!read_options(o, argc, argv, &given, err))
        return false;
    o->argument = argv + optind;
    o->n = argc - optind;
    if (o->n > 0 && !read_command(o, err))
        return false;
    if (o->help || o->version)
        return true;
    if (o->command == COMMAND_NONE)
        return wrong(o, err, "an IP address, host name or command is required");
    o->replay.json = o->sender.json = o->json;
    o->replay.html = o->sender.html = o->html;
    if (o->replay.digest && o->replay.since == NULL)
        o->replay.since = "7d";
    return fits(o, given, err);
}

/* ---- help ---- */

static void put_line(const struct term *t, const char *left, const char *help)
{
    fprintf(t->out, "  %-*s", HELP_COLUMN - 2, left);
    term_wrap(t, help, HELP_COLUMN, HELP_COLUMN);
}

/* The only command that takes the option; COMMAND_NONE when there are several. */
static unsigned only_command(const struct row *row)
{
    unsigned i = 0;

    while (i < COMMANDS && row->commands != ONLY(i))
        i++;
    return i;
}

static void put_option(const struct term *t, const struct row *row, bool all)
{
    unsigned only = all ? only_command(row) : COMMAND_NONE;
    const char letter[] = {'-', row->letter, ',', '\0'};
    char left[64], help[128];

    snprintf(left, sizeof left, "%-3s --%s %s", row->letter != 0 ? letter : "", row->name,
             row->argument != NULL ? row->argument : "");
    snprintf(help, sizeof help, "%s%s%s", only < COMMANDS ? commands[only].word : "",
             only < COMMANDS ? ": " : "", row->help);
    put_line(t, left, help);
}

static void put_commands(const struct term *t)
{
    unsigned i;

    fputs("usage: iprev-check [options] IP [HELO]\n"
          "       iprev-check [options] HOST [HELO]\n"
          "       iprev-check COMMAND [options] ...\n\n"
          "Shows what iprev-milter would decide about a mail client, and why.\n\n",
          t->out);
    for (i = 0; i < COMMANDS; i++)
        put_line(t, commands[i].arguments, commands[i].help);
}

static const char *exit_help(enum command command)
{
    if (command == COMMAND_MEMORY)
        return "Exit status: 0 something is remembered of the client, 1 nothing, 64 wrong usage, "
               "75 the memory is not available, 78 fault in the configuration.";
    if (command == COMMAND_HOST || command == COMMAND_SELF || command == COMMAND_REFUSED)
        return "Exit status: 0 nothing to fix, 1 something to fix, 64 wrong usage, 75 no answer "
               "from DNS; iprev-check(1) has the others.";
    if (command == COMMAND_NONE || command == COMMAND_IP)
        return "Exit status: 0 accepted, 1 refused or put off, 64 wrong usage, 75 no answer from "
               "DNS; iprev-check(1) has the others.";
    return "Exit status: 0 the list or the logs were read, 64 wrong usage; iprev-check(1) has the "
           "others.";
}

void options_help(enum command command, FILE *out)
{
    bool all = command == COMMAND_NONE;
    struct term t;
    unsigned i;

    term_init(&t, out);
    if (all)
        put_commands(&t);
    else
        fprintf(out, "usage: iprev-check [options] %s\n\nShows %s.\n", commands[command].arguments,
                commands[command].help);
    fputs("\nOptions:\n", out);
    for (i = 0; i < ROWS; i++)
        if (all || rows[i].commands & ONLY(command))
            put_option(&t, &rows[i], all);
    fputc('\n', out);
    term_wrap(&t, exit_help(command), 0, 0);
}
