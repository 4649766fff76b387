/* iprev-milter.conf: read, checked, printed.
 *
 * Options are rows of one table; a key that is unknown, has the wrong type, a bad value or
 * occurs twice is an error that names file, line and key.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SETTINGS_H
#define IPREV_SETTINGS_H

#include "dns/resolver.h"
#include "memory/options.h"
#include "outcome/verdict.h"
#include "value/checked.h"

#include <stdio.h>

enum reject_stage { STAGE_CONNECT, STAGE_HELO, STAGE_MAIL, STAGE_RCPT };

struct networks {
    size_t n;
    struct addr_net *net;
};

struct settings {
    char *file;   /* as given; NULL: the built-in defaults */
    bool missing; /* FILE is not there, only FILE.d */
    char *socket; /* checked form: inet:PORT@HOST, inet6:PORT@HOST, unix:PATH */
    unsigned socket_mode;
    char *user;        /* NULL: stay */
    char *authserv_id; /* NULL: the MTA's {j}, else the host name */
    /* The rules in force, in their order: those of FILE.d, of FILE, and the built-in ones. */
    struct verdict_options judge;
    enum reject_stage reject_at;
    bool builtin_rules;
    struct networks trusted_relays;
    struct resolver_settings resolver;
    struct {
        bool private_;
        struct networks networks;
        struct name_list lists; /* files; what stands in them is judge.exempt_list */
        struct name_list recipients;
        bool authenticated;
    } exempt;
    struct shape_lists shapes;    /* generic.hosts, generic.named */
    struct memory_options memory; /* store NULL: nothing is remembered */
    struct {
        bool remove_forged;
    } headers;
    struct {
        bool stderr_; /* else syslog */
        int level;    /* LOG_ERR, LOG_WARNING, LOG_INFO or LOG_DEBUG of <syslog.h> */
    } log;
    char *metrics_listen; /* "ADDRESS:PORT", or NULL */
};

/* Reads FILE and the files *.conf of FILE.d after it, in the order of their names (file NULL: the
 * defaults alone). FILE may be missing when FILE.d is there. On failure NULL, and every fault has
 * been written to err as "FILE:LINE: KEY: what is wrong"; on success err may get lines with
 * "note:". On failure errno is ENOMEM when memory ran out, else EINVAL. Free with settings_free. */
MUST_CHECK struct settings *settings_read(const char *file, FILE *err);

/* Is there something to read: FILE or FILE.d? */
bool settings_exist(const char *file);

/* Checks a socket text of -p or the configuration. What is wrong, or NULL; errno is ENOMEM when
 * memory ran out, else EINVAL. On success *out is the checked form, to be freed. Takes
 * inet:PORT@HOST, inet6:..., unix:PATH, local:PATH and a bare absolute path. */
const char *settings_socket(const char *text, char **out);

/* Puts one server in the place of resolver.forward: "ADDRESS" or "ADDRESS@PORT".
 * What is wrong with the text, or NULL. */
const char *settings_ask_only(struct settings *s, const char *server);

/* Writes the settings as a configuration that reads back equal. */
void settings_print(const struct settings *s, FILE *out);

/* Listed in exempt.networks, or private while exempt.private is on. */
bool settings_network_exempt(const struct settings *s, const struct addr *client);
/* Listed in exempt.networks: the administrator knows of this client. */
bool settings_network_listed(const struct settings *s, const struct addr *client);
bool settings_relay_trusted(const struct settings *s, const struct addr *client);

bool resolver_settings_equal(const struct resolver_settings *a, const struct resolver_settings *b);

void settings_free(struct settings *s);

/* With this errno settings_read or resolver_start has failed: are the settings to blame? Else it
 * is the machine, which lacks memory, threads or descriptors. */
bool settings_to_blame(int error);

/* Our authserv-id: that of the configuration, else the MTA's name, else the host's, else
 * "localhost". Both texts may be NULL. */
void own_id(char id[AUTHRES_ID_MAX], const char *authserv_id, const char *mta_name);

/* Who we are, by this name alone. */
struct self own_self(const char *id);

#endif
