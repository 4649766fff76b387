/* iprev-check: what iprev-milter would say of a client, and why.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "classify.h"
#include "explain.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum exit_code { EXIT_BAD_USAGE = 64, EXIT_NO_INPUT = 66, EXIT_BAD_CONFIG = 78 };

struct options {
    const char *config, *zone, *server;
    bool classify;
};

static const char *const default_config = SYSCONFDIR "/iprev-milter.conf";

static void usage(FILE *out)
{
    fprintf(out,
            "usage: iprev-check [-c FILE] [-z ZONE] [-s SERVER@PORT] IP [HELO]\n"
            "       iprev-check [-c FILE] --classify [FILE]\n"
            "  -c FILE         configuration of iprev-milter (default %s, if there is one)\n"
            "  -z ZONE         zone file answered from memory, before any server\n"
            "  -s SERVER@PORT  ask this DNS server\n"
            "  --classify      read ip<TAB>name lines, print the shape of each name\n"
            "  -V, --version   print the version\n"
            "  -h, --help      print this\n"
            "Exit: 0 accept or tag, 1 tempfail or reject, 64 usage, 75 DNS did not tell.\n",
            default_config);
}

static int read_options(int argc, char **argv, struct options *o)
{
    static const struct option longer[] = {
        {"classify", no_argument, NULL, 'l'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "c:z:s:Vh", longer, NULL)) != -1)
        switch (c) {
        case 'c':
            o->config = optarg;
            break;
        case 'z':
            o->zone = optarg;
            break;
        case 's':
            o->server = optarg;
            break;
        case 'l':
            o->classify = true;
            break;
        case 'V':
            puts("iprev-check (" PACKAGE_STRING ")");
            return 0;
        case 'h':
            usage(stdout);
            return 0;
        default:
            usage(stderr);
            return EXIT_BAD_USAGE;
        }
    if (o->config == NULL && access(default_config, R_OK) == 0)
        o->config = default_config;
    return -1;
}

static bool replace(char **text, const char *by)
{
    free(*text);
    *text = strdup(by);
    return *text != NULL;
}

static bool ask_only(struct resolver_settings *r, const char *server)
{
    char **one = calloc(1, sizeof *one);
    size_t i;

    if (one == NULL || (one[0] = strdup(server)) == NULL) {
        free(one);
        return false;
    }
    for (i = 0; i < r->forwards; i++)
        free(r->forward[i]);
    free(r->forward);
    r->forward = one;
    r->forwards = 1;
    r->root = false;
    return true;
}

static struct settings *settings_for(const struct options *o)
{
    struct settings *s = settings_read(o->config, stderr);

    if (s == NULL)
        return NULL;
    if ((o->zone == NULL || replace(&s->resolver.zone, o->zone)) &&
        (o->server == NULL || ask_only(&s->resolver, o->server)))
        return s;
    fprintf(stderr, "iprev-check: out of memory\n");
    settings_free(s);
    return NULL;
}

static int run_classify(const struct settings *s, const char *file)
{
    FILE *in = file == NULL || strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
    unsigned long faults;

    if (in == NULL) {
        fprintf(stderr, "iprev-check: %s: %s\n", file, strerror(errno));
        return EXIT_NO_INPUT;
    }
    faults = classify(in, stdout, &s->shapes);
    if (in != stdin)
        fclose(in);
    if (faults > 0)
        fprintf(stderr, "iprev-check: %lu lines could not be judged\n", faults);
    return fflush(stdout) != 0 || faults > 0;
}

static int run_explain(const struct settings *s, int argc, char **argv)
{
    struct addr client;

    if (argc < 1 || argc > 2) {
        usage(stderr);
        return EXIT_BAD_USAGE;
    }
    if (!addr_parse(&client, argv[0], strlen(argv[0]))) {
        fprintf(stderr, "iprev-check: %s: not an IPv4 or IPv6 address\n", argv[0]);
        return EXIT_BAD_USAGE;
    }
    return explain(s, &client, argc > 1 ? argv[1] : NULL, stdout);
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct settings *s;
    int code = read_options(argc, argv, &o);

    if (code >= 0)
        return code;
    argc -= optind;
    argv += optind;
    if (o.classify && argc > 1) {
        usage(stderr);
        return EXIT_BAD_USAGE;
    }
    s = settings_for(&o);
    if (s == NULL)
        return EXIT_BAD_CONFIG;
    code = o.classify ? run_classify(s, argc > 0 ? argv[0] : NULL) : run_explain(s, argc, argv);
    settings_free(s);
    return code;
}
