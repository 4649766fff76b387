/* The settings in force: see snapshot.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/snapshot.h"

#include "milter/log.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

static pthread_mutex_t current_lock = PTHREAD_MUTEX_INITIALIZER;
static struct snapshot *current;

/* Changes when the file does. */
static uint64_t file_stamp(const char *file)
{
    struct stat st;
    uint64_t is[4];

    if (file == NULL || stat(file, &st) != 0)
        return 0;
    is[0] = (uint64_t)st.st_ino;
    is[1] = (uint64_t)st.st_size;
    is[2] = (uint64_t)st.st_mtim.tv_sec;
    is[3] = (uint64_t)st.st_mtim.tv_nsec;
    return hash_octets(&hash_fixed, is, sizeof is);
}

bool snapshot_asks_system(const struct settings *s)
{
    return s->resolver.forwards == 0 && !s->resolver.root;
}

/* Of all files that the resolver reads when it starts. */
static uint64_t resolver_stamp(const struct resolver_settings *s)
{
    return file_stamp(s->zone) * 3 + file_stamp(s->trust_anchor) * 5;
}

/* Of the configuration: FILE, FILE.d and the exempt lists. */
static uint64_t config_stamp(const struct settings *s)
{
    char pattern[PATH_MAX];
    uint64_t stamp = file_stamp(s->file);
    glob_t more;
    size_t i;

    for (i = 0; i < s->exempt.lists.n; i++)
        stamp = stamp * 3 + file_stamp(s->exempt.lists.entry[i]);
    if (s->file == NULL ||
        snprintf(pattern, sizeof pattern, "%s.d/*.conf", s->file) >= (int)sizeof pattern)
        return stamp;
    if (glob(pattern, GLOB_NOESCAPE, NULL, &more) == 0) {
        for (i = 0; i < more.gl_pathc; i++)
            stamp = stamp * 3 + file_stamp(more.gl_pathv[i]);
        globfree(&more);
    }
    return stamp;
}

bool snapshot_stale(const struct snapshot *s)
{
    return config_stamp(s->settings) != s->config_stamp;
}

static uint64_t memory_stamp(const struct memory_options *o)
{
    return file_stamp(o->key_file) * 3 + file_stamp(o->password_file) * 5;
}

/* Takes the settings over, or shares them. NULL without memory. */
static struct snapshot *make(struct settings *settings, atomic_uint *sharers)
{
    struct snapshot *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    if (sharers == NULL)
        sharers = calloc(1, sizeof *sharers);
    if (sharers == NULL) {
        free(s);
        return NULL;
    }
    atomic_init(&s->refs, 1);
    atomic_fetch_add(sharers, 1);
    s->settings = settings;
    s->sharers = sharers;
    s->resolver_stamp = resolver_stamp(&settings->resolver);
    s->config_stamp = config_stamp(settings);
    s->memory_stamp = memory_stamp(&settings->memory);
    return s;
}

/* Releases the snapshot when the resolver cannot be started. */
static struct snapshot *start_resolver(struct snapshot *s, char *err, size_t errlen)
{
    struct resolver_settings r = s->settings->resolver;
    int error;

    r.system = s->servers;
    s->resolver = resolver_start(&r, NULL, err, errlen);
    if (s->resolver != NULL)
        return s;
    error = errno;
    snapshot_release(s);
    errno = error;
    return NULL;
}

static void say(bool good, const char *text)
{
    if (good)
        log_line(LOG_NOTICE, "memory: the store answers again");
    else
        log_line(LOG_WARNING, "memory: %s; until it answers again, no rule that needs it refuses",
                 text);
}

/* False without memory or a thread. */
static bool start_memory(struct snapshot *s, const struct snapshot *old)
{
    const struct memory_options *o = &s->settings->memory;

    if (old != NULL && old->memory_stamp == s->memory_stamp &&
        memory_options_same_store(&old->settings->memory, o))
        s->memory = memory_hold(old->memory);
    else if (o->store != NULL)
        s->memory = memory_new(o, say);
    return s->memory != NULL || o->store == NULL;
}

struct snapshot *snapshot_new(struct settings *settings, const struct snapshot *old, char *err,
                              size_t errlen)
{
    struct snapshot *s = make(settings, NULL);

    if (s == NULL) {
        snprintf(err, errlen, "out of memory");
        settings_free(settings);
        errno = ENOMEM;
        return NULL;
    }
    if (!start_memory(s, old)) {
        snprintf(err, errlen, "memory: cannot start a thread");
        snapshot_release(s);
        errno = EAGAIN;
        return NULL;
    }
    if (snapshot_asks_system(settings) && !servers_read(SNAPSHOT_RESOLV_CONF, s->servers) &&
        old != NULL)
        memcpy(s->servers, old->servers, sizeof s->servers);
    if (old == NULL || old->resolver_stamp != s->resolver_stamp ||
        strcmp(old->servers, s->servers) != 0 ||
        !resolver_settings_equal(&old->settings->resolver, &settings->resolver))
        return start_resolver(s, err, errlen);
    s->resolver = resolver_hold(old->resolver);
    return s;
}

struct snapshot *snapshot_renew(const struct snapshot *old, const char *servers, char *err,
                                size_t errlen)
{
    struct snapshot *s = make(old->settings, old->sharers);

    if (s == NULL) {
        snprintf(err, errlen, "out of memory");
        errno = ENOMEM;
        return NULL;
    }
    s->config_stamp = old->config_stamp;
    s->memory = memory_hold(old->memory);
    s->memory_stamp = old->memory_stamp;
    snprintf(s->servers, sizeof s->servers, "%s", servers);
    return start_resolver(s, err, errlen);
}

struct snapshot *snapshot_take(void)
{
    struct snapshot *s;

    pthread_mutex_lock(&current_lock);
    s = current;
    if (s != NULL)
        atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    pthread_mutex_unlock(&current_lock);
    return s;
}

void snapshot_put(struct snapshot *s)
{
    struct snapshot *old;

    pthread_mutex_lock(&current_lock);
    old = current;
    current = s;
    pthread_mutex_unlock(&current_lock);
    snapshot_release(old);
}

void snapshot_release(struct snapshot *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (s->resolver != NULL)
        resolver_release(s->resolver);
    memory_release(s->memory);
    if (atomic_fetch_sub(s->sharers, 1) == 1) {
        settings_free(s->settings);
        free(s->sharers);
    }
    free(s);
}

/* ---- what is in force, in words ---- */

static void put_item(char *out, size_t cap, const char *item)
{
    size_t n = strlen(out);

    if (n >= 3 && strcmp(out + n - 3, "...") == 0)
        return;
    if (n + strlen(item) + strlen(", , ...") < cap)
        snprintf(out + n, cap - n, "%s%s", n > 0 ? ", " : "", item);
    else
        snprintf(out + n, cap - n, ", ...");
}

void snapshot_rules(const struct settings *s, char *out, size_t cap)
{
    const struct policy *p = &s->judge.policy;
    unsigned i;

    out[0] = '\0';
    for (i = 0; i < p->rules; i++)
        put_item(out, cap, p->rule[i].name);
    if (p->rules == 0)
        put_item(out, cap, "none");
}

void snapshot_servers(const struct settings *s, const char *system, char *out, size_t cap)
{
    const struct resolver_settings *r = &s->resolver;
    char text[SERVERS_TEXT_MAX + sizeof " (" SNAPSHOT_RESOLV_CONF ")"];
    size_t i;

    out[0] = '\0';
    for (i = 0; i < r->forwards; i++)
        put_item(out, cap, r->forward[i]);
    if (r->root) {
        put_item(out, cap, "those of the root zone");
    } else if (r->forwards == 0) {
        snprintf(text, sizeof text, "%s (" SNAPSHOT_RESOLV_CONF ")",
                 system[0] != '\0' ? system : "none");
        put_item(out, cap, text);
    }
}

/* ", exempt lists: 120 clients (3 expired) in 2 files", or nothing without a list. */
static void put_lists(const struct settings *s, char *out, size_t cap)
{
    const struct exempt_list *l = &s->judge.exempt_list;
    int64_t now = (int64_t)time(NULL);
    size_t i, over = 0, files = s->exempt.lists.n;
    char expired[40] = "";

    out[0] = '\0';
    for (i = 0; i < l->n; i++)
        over += l->client[i].end <= now;
    if (over > 0)
        snprintf(expired, sizeof expired, " (%zu expired)", over);
    if (files > 0)
        snprintf(out, cap, ", exempt lists: %zu client%s%s in %zu file%s", l->n,
                 l->n == 1 ? "" : "s", expired, files, files == 1 ? "" : "s");
}

void snapshot_summary(const struct settings *s, const char *system, char out[SNAPSHOT_SUMMARY_MAX])
{
    char rules[SNAPSHOT_RULES_MAX], servers[SNAPSHOT_SERVERS_MAX], lists[128];

    snapshot_rules(s, rules, sizeof rules);
    snapshot_servers(s, system, servers, sizeof servers);
    put_lists(s, lists, sizeof lists);
    snprintf(out, SNAPSHOT_SUMMARY_MAX, "mode %s, rules: %s, name servers: %s%s%s%s%s%s",
             s->judge.enforce ? "enforce" : "monitor", rules, servers, lists,
             s->memory.store != NULL ? ", memory: " : "",
             s->memory.store != NULL ? s->memory.store : "",
             s->metrics_listen != NULL ? ", metrics: " : "",
             s->metrics_listen != NULL ? s->metrics_listen : "");
}
