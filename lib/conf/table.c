/* The options: one row each. A new option is a row here, a paragraph in
 * iprev-milter.conf.5 and lines in the shipped iprev-milter.conf; tests compare them.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/kinds.h"

#include "conf/fit.h"
#include "conf/settings.h"
#include "value/nearest.h"

#include <string.h>
#include <syslog.h>

static const struct choice modes[] = {{"monitor", false}, {"enforce", true}, {NULL, 0}};
static const struct choice stages[] = {{"connect", STAGE_CONNECT},
                                       {"helo", STAGE_HELO},
                                       {"mail", STAGE_MAIL},
                                       {"rcpt", STAGE_RCPT},
                                       {NULL, 0}};
static const struct choice destinations[] = {{"syslog", false}, {"stderr", true}, {NULL, 0}};
static const struct choice levels[] = {{"error", LOG_ERR},
                                       {"warning", LOG_WARNING},
                                       {"info", LOG_INFO},
                                       {"debug", LOG_DEBUG},
                                       {NULL, 0}};
static const struct choice actions[] = {{"accept", ACTION_ACCEPT},
                                        {"tag", ACTION_TAG},
                                        {"quarantine", ACTION_QUARANTINE},
                                        {"greylist", ACTION_GREYLIST},
                                        {"tempfail", ACTION_TEMPFAIL},
                                        {"reject", ACTION_REJECT},
                                        {NULL, 0}};
static const struct choice trials[] = {{"enforce", false}, {"monitor", true}, {NULL, 0}};

#define AT(type, member)                                                                           \
    .at = offsetof(struct type, member), .size = sizeof((struct type *)0)->member
#define IN(member)   AT(settings, member)
#define RULE(member) AT(rule, member)

/* clang-format off */
const struct option settings_option[] = {
    /* section, key, kind, default, member (none: the whole), range or check */
    {"", "socket", &kind_socket, "\"inet:8891@localhost\"", IN(socket)},
    {"", "socket-mode", &kind_octal, "\"0660\"", IN(socket_mode), .max = 0777},
    {"", "user", &kind_text, "\"iprev-milter\"", IN(user), .fit = fit_user},
    {"", "authserv-id", &kind_text, "\"\"", IN(authserv_id), .fit = fit_authserv_id},
    {"", "mode", &kind_word, "\"monitor\"", IN(judge.enforce), .words = modes},
    {"", "reject-at", &kind_word, "\"rcpt\"", IN(reject_at), .words = stages},
    {"", "help-url", &kind_text, "\"\"", IN(judge.help_url), .fit = fit_help_url},
    {"", "builtin-rules", &kind_flag, "true", IN(builtin_rules)},
    {"", "trusted-relays", &kind_networks, "[]", IN(trusted_relays), .fit = fit_relays},

    {"resolver", "forward", &kind_forward, "[]", IN(resolver), .fit = fit_forward},
    {"resolver", "trust-anchor", &kind_text, "\"\"", IN(resolver.trust_anchor), .fit = fit_anchor},
    {"resolver", "zone", &kind_text, "\"\"", IN(resolver.zone), .fit = fit_file},
    {"resolver", "deadline", &kind_number, "5000", IN(resolver.deadline_ms), 100, 9000,
     .note = " (milliseconds; Sendmail gives up on a filter after 10 s)"},
    {"resolver", "relay-deadline", &kind_number, "1000", IN(resolver.relay_deadline_ms), 100, 9000,
     .note = " (milliseconds)"},
    {"resolver", "helo", &kind_flag, "true", IN(resolver.helo)},
    {"resolver", "threads", &kind_number, "1", IN(resolver.threads), 1, 64},
    {"resolver", "max-inflight", &kind_number, "3000", IN(resolver.max_inflight), 10, 100000},
    {"resolver", "cache", &kind_number, "100000", IN(resolver.cache), 0, 10000000},

    {"exempt", "private", &kind_flag, "true", IN(exempt.private_)},
    {"exempt", "networks", &kind_networks, "[]", IN(exempt.networks)},
    {"exempt", "hosts", &kind_names, "[]", IN(judge.exempt_hosts), .fit = fit_host},
    {"exempt", "lists", &kind_files, "[]", IN(exempt.lists), .fit = fit_list},
    {"exempt", "recipients", &kind_names, "[\"postmaster\", \"abuse\"]", IN(exempt.recipients),
     .fit = fit_recipient},
    {"exempt", "authenticated", &kind_flag, "true", IN(exempt.authenticated)},

    {"generic", "hosts", &kind_names, "[]", IN(shapes.generic), .fit = fit_host},
    {"generic", "named", &kind_names, "[]", IN(shapes.named), .fit = fit_host},

    {"headers", "authentication-results", &kind_flag, "true", IN(judge.authentication_results)},
    {"headers", "x-iprev", &kind_flag, "true", IN(judge.x_iprev)},
    {"headers", "remove-forged", &kind_flag, "true", IN(headers.remove_forged)},

    {"memory", "store", &kind_text, "\"\"", IN(memory.store), .fit = fit_store},
    {"memory", "key-file", &kind_text, "\"\"", IN(memory.key_file), .fit = fit_path},
    {"memory", "password-file", &kind_text, "\"\"", IN(memory.password_file), .fit = fit_path},
    {"memory", "known-days", &kind_number, "30", IN(memory.known_days), 1, 3650},
    {"memory", "greylist-delay-seconds", &kind_number, "290", IN(memory.greylist_delay_s), 1, 86400},
    {"memory", "greylist-retry-hours", &kind_number, "48", IN(memory.greylist_retry_h), 1, 720},
    {"memory", "greylist-pass-days", &kind_number, "36", IN(memory.greylist_pass_days), 1, 3650},

    {"rules", "when", &kind_when, NULL, .at = 0},
    {"rules", "any", &kind_any, NULL, .at = 0},
    {"rules", "action", &kind_word, NULL, RULE(action), .words = actions},
    {"rules", "reply", &kind_reply, "\"\"", RULE(reply)},
    {"rules", "expires", &kind_expires, "\"\"", RULE(expires)},
    {"rules", "percent", &kind_number, "100", RULE(percent), 1, 100},
    {"rules", "to", &kind_to, "[]", RULE(to), .fit = fit_recipient},
    {"rules", "mode", &kind_trial, "\"enforce\"", RULE(trial), .words = trials},
    {"rules", "comment", &kind_comment, "\"\"", .at = 0},

    {"log", "destination", &kind_word, "\"syslog\"", IN(log.stderr_), .words = destinations},
    {"log", "level", &kind_word, "\"info\"", IN(log.level), .words = levels},

    {"metrics", "listen", &kind_text, "\"\"", IN(metrics_listen), .fit = fit_listen},
};
/* clang-format on */

const size_t settings_options = sizeof settings_option / sizeof settings_option[0];

const struct option *settings_find(const char *section, const char *key)
{
    size_t i;

    for (i = 0; i < settings_options; i++)
        if (strcmp(settings_option[i].section, section) == 0 &&
            strcmp(settings_option[i].key, key) == 0)
            return &settings_option[i];
    return NULL;
}

bool settings_is_section(const char *name)
{
    size_t i;

    for (i = 0; i < settings_options; i++)
        if (name[0] != '\0' && strcmp(settings_option[i].section, name) == 0)
            return true;
    return false;
}

void settings_meant(const char *section, const char *key, char *buf, size_t size)
{
    struct nearest near = {.word = key, .n = strlen(key)};
    size_t i;

    buf[0] = '\0';
    for (i = 0; i < settings_options; i++) {
        const struct option *o = &settings_option[i];
        bool rule = strcmp(o->section, "rules") == 0;

        if (strcmp(o->key, key) == 0 && o->section[0] != '\0')
            snprintf(buf, size, "; it belongs in %s: { %s }", o->section,
                     rule ? "NAME: { ... };" : "...");
        if (strcmp(o->section, key) == 0 || (strcmp(o->key, key) == 0 && o->section[0] == '\0'))
            snprintf(buf, size, "; it belongs at the top level, outside any group");
        if (buf[0] != '\0')
            return;
        if (strcmp(o->section, section) == 0)
            nearest_consider(&near, o->key);
        if (section[0] == '\0' && o->section[0] != '\0')
            nearest_consider(&near, o->section);
    }
    if (near.best != NULL)
        snprintf(buf, size, "; did you mean %s?", near.best);
}
