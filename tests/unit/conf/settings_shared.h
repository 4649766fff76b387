/* What the tests of settings share: reading text, and equality of settings.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_TEST_SETTINGS_SHARED_H
#define IPREV_TEST_SETTINGS_SHARED_H

#include "conf/file.h"
#include "conf/scan.h"
#include "conf/settings.h"
#include "conf/kinds.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline const char *from_env(const char *name, const char *otherwise)
{
    const char *v = getenv(name);

    return v == NULL ? otherwise : v;
}

static inline char *slurp(const char *path)
{
    FILE *in = fopen(path, "r");
    char *text = NULL;
    size_t n = 0;

    if (in == NULL)
        return NULL;
    if (getdelim(&text, &n, '\0', in) < 0 && text != NULL)
        text[0] = '\0';
    fclose(in);
    return text;
}

/* Reads a file; *err is what was reported, to be freed. */
static inline struct settings *read_file(const char *path, char **err)
{
    size_t n;
    FILE *out = open_memstream(err, &n);
    struct settings *s = settings_read(path, out);

    fclose(out);
    return s;
}

static inline struct settings *read_bytes(const char *bytes, size_t n, char **err)
{
    char path[] = "/tmp/test-settings-XXXXXX";
    int fd = mkstemp(path);
    FILE *out = fdopen(fd, "w");
    struct settings *s;

    fwrite(bytes, 1, n, out);
    fclose(out);
    s = read_file(path, err);
    unlink(path);
    return s;
}

static inline struct settings *read_text(const char *text, char **err)
{
    return read_bytes(text, strlen(text), err);
}

static inline char *printed(const struct settings *s)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    settings_print(s, out);
    fclose(out);
    return text;
}

/* ---- equality ---- */

static inline bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static inline bool same_names(const struct name_list *a, const struct name_list *b)
{
    size_t i;

    for (i = 0; i < a->n && i < b->n; i++)
        if (!same_text(a->entry[i], b->entry[i]))
            return false;
    return a->n == b->n;
}

static inline bool same_networks(const struct networks *a, const struct networks *b)
{
    size_t i;

    for (i = 0; i < a->n && i < b->n; i++)
        if (!addr_equal(&a->net[i].base, &b->net[i].base) || a->net[i].bits != b->net[i].bits)
            return false;
    return a->n == b->n;
}

static inline bool same_rule(const struct rule *a, const struct rule *b)
{
    return strcmp(a->name, b->name) == 0 && a->all == b->all && a->none == b->none &&
           a->any == b->any && a->lacks == b->lacks && a->action == b->action &&
           a->percent == b->percent && a->expires == b->expires && a->reply.code == b->reply.code &&
           strcmp(a->reply.xcode, b->reply.xcode) == 0 && strcmp(a->reply.text, b->reply.text) == 0;
}

static inline bool same_rules(const struct policy *a, const struct policy *b)
{
    unsigned i;

    for (i = 0; i < a->rules && i < b->rules; i++)
        if (!same_rule(&a->rule[i], &b->rule[i]))
            return false;
    return a->rules == b->rules;
}

static inline bool same_top(const struct settings *a, const struct settings *b)
{
    return same_text(a->socket, b->socket) && a->socket_mode == b->socket_mode &&
           same_text(a->user, b->user) && same_text(a->authserv_id, b->authserv_id) &&
           a->judge.enforce == b->judge.enforce && a->reject_at == b->reject_at &&
           a->builtin_rules == b->builtin_rules;
}

/* All but the name of the file. */
static inline bool same(const struct settings *a, const struct settings *b)
{
    return same_top(a, b) && resolver_settings_equal(&a->resolver, &b->resolver) &&
           a->exempt.private_ == b->exempt.private_ &&
           same_networks(&a->exempt.networks, &b->exempt.networks) &&
           same_networks(&a->trusted_relays, &b->trusted_relays) &&
           same_names(&a->judge.exempt_hosts, &b->judge.exempt_hosts) &&
           same_names(&a->exempt.lists, &b->exempt.lists) &&
           same_names(&a->exempt.recipients, &b->exempt.recipients) &&
           a->exempt.authenticated == b->exempt.authenticated &&
           same_names(&a->shapes.generic, &b->shapes.generic) &&
           same_names(&a->shapes.named, &b->shapes.named) &&
           a->judge.authentication_results == b->judge.authentication_results &&
           a->judge.x_iprev == b->judge.x_iprev &&
           a->headers.remove_forged == b->headers.remove_forged &&
           same_rules(&a->judge.policy, &b->judge.policy) && a->log.stderr_ == b->log.stderr_ &&
           a->log.level == b->log.level && same_text(a->metrics_listen, b->metrics_listen);
}

#endif
