/* iprev-check: what iprev-milter would decide about a mail client, and why.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "check/options.h"
#include "check/start.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#define DEFAULT_CONFIG SYSCONFDIR "/iprev-milter.conf"

static bool replace(char **text, const char *by)
{
    free(*text);
    *text = strdup(by);
    return *text != NULL;
}

/* NULL with the exit code in *code. */
static struct settings *settings_for(const struct options *o, int *code)
{
    bool shipped = o->config == NULL && settings_exist(DEFAULT_CONFIG);
    struct settings *s = start_settings(shipped ? DEFAULT_CONFIG : o->config);
    const char *fault = NULL;

    *code = EX_CONFIG;
    if (s == NULL)
        return NULL;
    if (o->zone != NULL && !replace(&s->resolver.zone, o->zone)) {
        fprintf(stderr, "iprev-check: out of memory\n");
        *code = EX_SOFTWARE;
    } else if (o->server != NULL && (fault = settings_ask_only(s, o->server)) != NULL) {
        fprintf(stderr, "iprev-check: --server %s: %s\n", o->server, fault);
        *code = EX_USAGE;
    } else {
        return s;
    }
    settings_free(s);
    return NULL;
}

/* Is one address to be looked at as a sender's, with its zones and name servers? */
static bool as_sender(const struct sender_options *o)
{
    return o->probe || o->ticket || o->html != NULL || o->compare != NULL;
}

static int run(const struct settings *s, const struct options *o)
{
    static char input[] = "-";
    char *first = o->n > 0 ? o->argument[0] : NULL;
    struct explain_options e = {.json = o->json, .helo = first};
    struct sender_options sender = o->sender;

    sender.helo = first;

    switch (o->command) {
    case COMMAND_IP:
        return as_sender(&sender) ? sender_address(s, &o->client, &sender)
                                  : explain_client(s, &o->client, &e);
    case COMMAND_HOST:
        return sender_host(s, &o->host, &sender);
    case COMMAND_SELF:
        return sender_self(s, &sender);
    case COMMAND_BATCH:
        return batch(s, first != NULL ? first : input, stdout, o->json);
    case COMMAND_CLASSIFY:
        return classify(first != NULL ? first : input, stdout, &s->shapes);
    case COMMAND_REPLAY:
        return replay(s, &o->replay, o->n, o->argument);
    case COMMAND_REFUSED:
        return sender_refused(s, &sender, o->n, o->argument);
    case COMMAND_MEMORY:
        return recall(s, o->n > 0 ? &o->client : NULL, o->forget, o->json);
    case COMMAND_NONE:
        break;
    }
    return EX_USAGE;
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

/* The code, unless what was to be read has not reached its reader. */
static int written(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "iprev-check: standard output: %s\n", strerror(errno));
    return EX_IOERR;
}

int main(int argc, char **argv)
{
    struct options o;
    struct settings *s;
    int code;

    if (!options_read(&o, argc, argv, stderr))
        return EX_USAGE;
    if (o.help)
        options_help(o.command, stdout);
    else if (o.version)
        puts("iprev-check (" PACKAGE_STRING ")");
    if (o.help || o.version)
        return written(0);
    s = settings_for(&o, &code);
    if (s == NULL)
        return code;
    allow_descriptors();
    code = written(run(s, &o));
    settings_free(s);
    return code;
}
