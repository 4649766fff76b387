/* iprev-check: what iprev-milter would say of a client, and why.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "check/batch.h"
#include "check/classify.h"
#include "check/explain/explain.h"
#include "check/replay/replay.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum exit_code { EXIT_BAD_USAGE = 64, EXIT_NO_INPUT = 66, EXIT_IO = 74, EXIT_BAD_CONFIG = 78 };

enum task { TASK_EXPLAIN, TASK_SELF, TASK_BATCH, TASK_CLASSIFY, TASK_REPLAY };

struct options {
    enum task task;
    const char *config, *zone, *server;
    bool json;
    struct replay_options replay;
};

static const char *const default_config = SYSCONFDIR "/iprev-milter.conf";

static void usage(FILE *out)
{
    fprintf(out,
            "usage: iprev-check [-c FILE] [-z ZONE] [-s SERVER@PORT] [--json] IP [HELO]\n"
            "       iprev-check [...] [--json] HOSTNAME [HELO]\n"
            "       iprev-check [...] [--json] --self [HELO]\n"
            "       iprev-check [...] [--json] --batch [FILE]\n"
            "       iprev-check [-c FILE] --classify [FILE]\n"
            "       iprev-check replay [...] [--json] [--html FILE] [--against FILE] [--no-dns]\n"
            "                          LOG...\n"
            "  -c FILE         configuration of iprev-milter (default %s, if there is one)\n"
            "  -z ZONE         zone file answered from memory, before any server\n"
            "  -s SERVER@PORT  ask this DNS server\n"
            "  --json          print JSON\n"
            "  --self          check the public addresses of this machine\n"
            "  --batch         read ip<TAB>helo lines, print one record for each\n"
            "  --classify      read ip<TAB>name lines, print the shape of each name\n"
            "  replay          what this policy would have done to the mail of a log\n"
            "  --html FILE     write the report of replay as a page\n"
            "  --against FILE  compare with the policy of this configuration\n"
            "  --no-dns        take the findings of the log's own lines, ask nothing\n"
            "  --top N         clients in a list (default 10)\n"
            "  -V, --version   print the version\n"
            "  -h, --help      print this\n"
            "Exit: 0 accept or tag, 1 tempfail or reject, 64 usage, 65 bad lines,\n"
            "      75 DNS did not tell.\n",
            default_config);
}

static bool read_top(struct options *o, const char *text)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || n < 1 || n > 100000) {
        fputs("iprev-check: --top: not a number from 1 to 100000\n", stderr);
        return false;
    }
    o->replay.top = (unsigned)n;
    return true;
}

static bool of_replay(const struct options *o, const char *name)
{
    if (o->task != TASK_REPLAY)
        fprintf(stderr, "iprev-check: %s belongs behind \"iprev-check replay\"\n", name);
    return o->task == TASK_REPLAY;
}

static bool take_task(struct options *o, enum task task)
{
    if (o->task != TASK_EXPLAIN && o->task != task)
        fputs("iprev-check: one of --self, --batch, --classify and replay at a time\n", stderr);
    else
        o->task = task;
    return o->task == task;
}

/* False on a usage error. */
static bool take_option(struct options *o, int c, const char *arg)
{
    switch (c) {
    case 'c':
        o->config = arg;
        return true;
    case 'z':
        o->zone = arg;
        return true;
    case 's':
        o->server = arg;
        return true;
    case 'j':
        o->json = true;
        return true;
    case 'l':
        return take_task(o, TASK_CLASSIFY);
    case 'b':
        return take_task(o, TASK_BATCH);
    case 'S':
        return take_task(o, TASK_SELF);
    case 'H':
        o->replay.html = arg;
        return of_replay(o, "--html");
    case 'a':
        o->replay.against = arg;
        return of_replay(o, "--against");
    case 'n':
        o->replay.no_dns = true;
        return of_replay(o, "--no-dns");
    case 't':
        return of_replay(o, "--top") && read_top(o, arg);
    default:
        return false;
    }
}

static int read_options(int argc, char **argv, struct options *o)
{
    static const struct option longer[] = {
        {"config", required_argument, NULL, 'c'},  {"zone", required_argument, NULL, 'z'},
        {"server", required_argument, NULL, 's'},  {"json", no_argument, NULL, 'j'},
        {"classify", no_argument, NULL, 'l'},      {"batch", no_argument, NULL, 'b'},
        {"self", no_argument, NULL, 'S'},          {"html", required_argument, NULL, 'H'},
        {"against", required_argument, NULL, 'a'}, {"no-dns", no_argument, NULL, 'n'},
        {"top", required_argument, NULL, 't'},     {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "c:z:s:Vh", longer, NULL)) != -1) {
        if (c == 'V') {
            puts("iprev-check (" PACKAGE_STRING ")");
            return 0;
        }
        if (c == 'h') {
            usage(stdout);
            return 0;
        }
        if (!take_option(o, c, optarg)) {
            usage(stderr);
            return EXIT_BAD_USAGE;
        }
    }
    if (o->config == NULL && access(default_config, F_OK) == 0)
        o->config = default_config;
    return -1;
}

static bool replace(char **text, const char *by)
{
    free(*text);
    *text = strdup(by);
    return *text != NULL;
}

/* NULL with the exit code in *code. */
static struct settings *settings_for(const struct options *o, int *code)
{
    struct settings *s = settings_read(o->config, stderr);
    const char *fault = NULL;

    *code = EXIT_BAD_CONFIG;
    if (s == NULL)
        return NULL;
    if (o->zone != NULL && !replace(&s->resolver.zone, o->zone))
        fault = "out of memory";
    else if (o->server != NULL && (fault = settings_ask_only(s, o->server)) != NULL)
        *code = EXIT_BAD_USAGE;
    if (fault == NULL)
        return s;
    fprintf(stderr, "iprev-check: %s%s%s\n", o->server != NULL ? o->server : "",
            o->server != NULL ? ": " : "", fault);
    settings_free(s);
    return NULL;
}

static int run_list(const struct settings *s, const struct options *o, const char *file)
{
    FILE *in = file == NULL || strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
    int code;

    if (in == NULL) {
        fprintf(stderr, "iprev-check: %s: %s\n", file, strerror(errno));
        return EXIT_NO_INPUT;
    }
    code = o->task == TASK_BATCH ? batch(s, in, stdout, o->json) : classify(in, stdout, &s->shapes);
    if (in != stdin)
        fclose(in);
    return code;
}

static int run_explain(const struct settings *s, const struct options *o, int argc, char **argv)
{
    struct explain_options e = {.json = o->json, .helo = argc > 1 ? argv[1] : NULL};
    size_t n = strlen(argv[0]);
    struct addr client;
    struct dname host;

    if (addr_parse(&client, argv[0], n))
        return explain_client(s, &client, &e);
    if (dname_from_text(&host, argv[0], n) && dname_is_host(&host))
        return explain_host(s, &host, &e);
    fprintf(stderr, "iprev-check: neither an IPv4 or IPv6 address nor a host name: %s\n", argv[0]);
    return EXIT_BAD_USAGE;
}

static int run_self(const struct settings *s, const struct options *o, int argc, char **argv)
{
    struct explain_options e = {.json = o->json, .helo = argc > 0 ? argv[0] : NULL};

    return explain_self(s, &e);
}

/* What is wrong with the number of arguments, or NULL. */
static const char *arguments_fault(const struct options *o, int argc, char *const *argv)
{
    bool silent = o->task == TASK_CLASSIFY || o->replay.no_dns;

    if (silent && (o->zone != NULL || o->server != NULL))
        return "-z and -s are of no use where DNS is not asked";
    switch (o->task) {
    case TASK_EXPLAIN:
        if (argc == 0)
            return "name an address or a host name";
        if (strcmp(argv[0], "replay") == 0) /* no host name: it has one label */
            return "replay comes before its options: iprev-check replay [...] LOG...";
        return argc > 2 ? "too many arguments" : NULL;
    case TASK_REPLAY:
        return argc == 0 ? "name a log, or - for the standard input" : NULL;
    case TASK_CLASSIFY:
        if (o->json)
            return "--classify knows no --json";
        break;
    case TASK_BATCH:
    case TASK_SELF:
        break;
    }
    return argc > 1 ? "too many arguments" : NULL;
}

/* Each DNS question may take a descriptor. */
static void allow_descriptors(void)
{
    struct rlimit lim;

    if (getrlimit(RLIMIT_NOFILE, &lim) != 0)
        return;
    lim.rlim_cur = lim.rlim_max < 16384 ? lim.rlim_max : 16384;
    setrlimit(RLIMIT_NOFILE, &lim);
}

static int run(const struct settings *s, struct options *o, int argc, char **argv)
{
    switch (o->task) {
    case TASK_REPLAY:
        o->replay.json = o->json;
        return replay(s, &o->replay, argc, argv);
    case TASK_SELF:
        return run_self(s, o, argc, argv);
    case TASK_BATCH:
    case TASK_CLASSIFY:
        return run_list(s, o, argc > 0 ? argv[0] : NULL);
    case TASK_EXPLAIN:
        break;
    }
    return run_explain(s, o, argc, argv);
}

/* The code, unless what was to be read has not reached its reader. */
static int written(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "iprev-check: standard output: %s\n", strerror(errno));
    return EXIT_IO;
}

int main(int argc, char **argv)
{
    struct options o = {.replay = {.top = 10}};
    const char *fault;
    struct settings *s;
    int code;

    if (argc > 1 && strcmp(argv[1], "replay") == 0) {
        o.task = TASK_REPLAY;
        argc--;
        argv++;
    }
    code = read_options(argc, argv, &o);
    if (code >= 0)
        return code == 0 ? written(0) : code;
    argc -= optind;
    argv += optind;
    fault = arguments_fault(&o, argc, argv);
    if (fault != NULL) {
        fprintf(stderr, "iprev-check: %s\n", fault);
        usage(stderr);
        return EXIT_BAD_USAGE;
    }
    s = settings_for(&o, &code);
    if (s == NULL)
        return code;
    allow_descriptors();
    code = written(run(s, &o, argc, argv));
    settings_free(s);
    return code;
}
