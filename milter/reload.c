/* Reading the configuration: see reload.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/reload.h"

#include "milter/daemon.h"
#include "milter/log.h"
#include "milter/metrics.h"
#include "milter/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define RETRY 10 /* looks, when the new resolver could not be started */

struct settings *reload_read(const struct reload_source *from, FILE *err)
{
    struct settings *s = settings_read(from->config, err);
    const char *fault;
    int error;

    if (s == NULL || from->socket == NULL)
        return s;
    free(s->socket);
    s->socket = NULL;
    fault = settings_socket(from->socket, &s->socket);
    if (fault == NULL)
        return s;
    error = errno;
    fprintf(err, "-p %s: %s\n", from->socket, fault);
    settings_free(s);
    errno = error;
    return NULL;
}

void reload_try_as(const struct reload_source *from, const char *user, FILE *err)
{
    char *text = NULL, *line, *rest;
    struct settings *s;
    size_t n = 0;
    FILE *faults;

    if (user == NULL || geteuid() != 0 || daemon_drop_privileges(user) != NULL)
        return;
    faults = open_memstream(&text, &n);
    if (faults == NULL)
        return;
    s = reload_read(from, faults);
    rest = fclose(faults) == 0 && s == NULL ? text : NULL;
    while ((line = strsep(&rest, "\n")) != NULL)
        if (line[0] != '\0')
            fprintf(err, "iprev-milter: note: read as user %s: %s\n", user, line);
    settings_free(s);
    free(text);
}

int reload_log_level(const struct reload_source *from, const struct settings *s)
{
    return from->verbose ? LOG_DEBUG : s->log.level;
}

static void log_lines(int level, char *text)
{
    char *line, *rest = text;

    while ((line = strsep(&rest, "\n")) != NULL)
        if (line[0] != '\0')
            log_line(level, "%s", line);
}

/* An empty file is a good configuration to start with, and so is FILE.d without FILE. In the place
 * of a file in force they are what a full disk or an editor at work leaves behind. */
static bool is_empty(const char *config)
{
    struct stat st;

    return config != NULL && stat(config, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

static struct settings *reread(const struct reload_source *from, const struct settings *old)
{
    char *text = NULL;
    size_t n = 0;
    FILE *err = open_memstream(&text, &n);
    struct settings *s = NULL;

    if (err == NULL)
        return NULL;
    if (is_empty(from->config))
        fprintf(err, "%s is empty", from->config);
    else
        s = reload_read(from, err);
    if (s != NULL && s->missing && old != NULL && old->file != NULL && !old->missing) {
        fprintf(err, "%s: No such file or directory", s->file);
        settings_free(s);
        s = NULL;
    }
    if (fclose(err) == 0) /* with settings, these are notes */
        log_lines(s == NULL ? LOG_ERR : LOG_WARNING, text);
    free(text);
    return s;
}

void reload_tell(const char *what, const struct snapshot *s)
{
    char text[SNAPSHOT_SUMMARY_MAX];

    snapshot_summary(s->settings, s->servers, text);
    log_line(LOG_NOTICE, "%s: %s", what, text);
}

/* NULL is a value too: to stay the user one is, to have no page of metrics. */
static bool is_other(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a != b : strcmp(a, b) != 0;
}

/* What was done once, before root was left, is not done again. */
static void warn_of_restart(const struct settings *new, const struct settings *old,
                            const char *socket)
{
    if (strcmp(new->socket, socket) != 0)
        log_line(LOG_WARNING, "reload: a new socket needs a restart; still on %s", socket);
    if (old == NULL)
        return;
    if (new->socket_mode != old->socket_mode)
        log_line(LOG_WARNING, "reload: a new socket-mode needs a restart");
    if (is_other(new->user, old->user))
        log_line(LOG_WARNING, "reload: a new user needs a restart");
    if (is_other(new->metrics_listen, old->metrics_listen))
        log_line(LOG_WARNING, "reload: a new metrics.listen needs a restart");
}

void reload_run(const struct reload_source *from, const char *socket)
{
    struct snapshot *old = snapshot_take(), *new = NULL;
    struct settings *s = reread(from, old != NULL ? old->settings : NULL);
    char err[512] = "";

    daemon_notify("RELOADING=1");
    if (s != NULL)
        new = snapshot_new(s, old, err, sizeof err);
    if (new == NULL) {
        log_line(LOG_ERR, "reload failed; keeping the previous settings%s%s", err[0] ? ": " : "",
                 err);
    } else {
        warn_of_restart(new->settings, old != NULL ? old->settings : NULL, socket);
        log_set(new->settings->log.stderr_, reload_log_level(from, new->settings));
        snapshot_put(new);
        memory_change(new->memory, &new->settings->memory);
        snprintf(err, sizeof err, "reloaded %s",
                 from->config != NULL ? from->config : "the built-in settings");
        reload_tell(err, new);
    }
    metrics_reload(new != NULL);
    snapshot_release(old);
    daemon_notify("READY=1");
}

/* ---- resolv.conf ---- */

static void change(const struct snapshot *now, const char *servers)
{
    char err[512] = "";
    struct snapshot *new = snapshot_renew(now, servers, err, sizeof err);

    if (new == NULL) {
        log_line(LOG_ERR, "%s changed; still asking the old servers: %s", SNAPSHOT_RESOLV_CONF,
                 err);
        return;
    }
    log_line(LOG_NOTICE, "%s changed, name servers: %s", SNAPSHOT_RESOLV_CONF, servers);
    snapshot_put(new);
}

void follow_servers(void)
{
    static char seen[SERVERS_TEXT_MAX];
    static unsigned same; /* looks at this list since it was first seen */
    struct snapshot *now = snapshot_take();
    char found[SERVERS_TEXT_MAX];

    if (now != NULL && snapshot_asks_system(now->settings)) {
        servers_read(SNAPSHOT_RESOLV_CONF, found);
        same = strcmp(found, seen) == 0 ? same + 1 : 0;
        memcpy(seen, found, sizeof seen);
        if (strcmp(found, now->servers) != 0 && found[0] != '\0' && same % RETRY == 1)
            change(now, found);
        else if (strcmp(found, now->servers) != 0 && same == 1)
            log_line(LOG_WARNING, "%s names no server, or cannot be read; still asking %s",
                     SNAPSHOT_RESOLV_CONF, now->servers);
    }
    snapshot_release(now);
}
