/* The command line of iprev-check: what is asked for, and with which options.
 *
 *   iprev-check [options] IP [HELO]
 *   iprev-check [options] HOST [HELO]
 *   iprev-check COMMAND [options] ...
 *
 * Options may come before or after the command word. A host name contains a dot and a command
 * does not. One table of commands and one of options make the grammar, its messages and --help.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_OPTIONS_H
#define IPREV_OPTIONS_H

#include "check/commands.h"
#include "value/checked.h"

#include <stdio.h>

enum command {
    COMMAND_IP,
    COMMAND_HOST,
    COMMAND_SELF,
    COMMAND_BATCH,
    COMMAND_CLASSIFY,
    COMMAND_REPLAY,
    COMMAND_REFUSED,
    COMMAND_MEMORY,
    COMMANDS,
    COMMAND_NONE = COMMANDS /* only with help or version */
};

struct options {
    enum command command;
    struct addr client; /* of COMMAND_IP, and of COMMAND_MEMORY with an argument */
    struct dname host;  /* of COMMAND_HOST */
    int n;              /* arguments that follow: a HELO, a file, logs */
    char **argument;
    bool help, version, json;
    bool forget;                               /* of COMMAND_MEMORY: the client is given */
    const char *config, *zone, *server, *html; /* NULL: not given */
    struct sender_options sender;
    struct replay_options replay;
};

/* Sets every member; the texts are those of argv, whose order may change. False on a usage error,
 * which is one line on err. */
MUST_CHECK bool options_read(struct options *o, int argc, char **argv, FILE *err);

/* The help: of one command, or of all. */
void options_help(enum command command, FILE *out);

#endif
