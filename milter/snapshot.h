/* The settings in force, as an immutable counted snapshot.
 *
 * Every milter connection works from the snapshot it took first, to its end; a
 * reload puts a new one in its place, and the last holder frees the old one.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SNAPSHOT_H
#define IPREV_SNAPSHOT_H

#include "conf/settings.h"
#include "dns/context.h"
#include "dns/resolver.h"
#include "memory/memory.h"
#include "value/checked.h"

#include <stdatomic.h>

#define SNAPSHOT_RULES_MAX   (RULES_MAX * (RULE_NAME_MAX + 2))
#define SNAPSHOT_SERVERS_MAX 512

#define SNAPSHOT_RESOLV_CONF "/etc/resolv.conf"

struct snapshot {
    atomic_uint refs;
    struct settings *settings;
    atomic_uint *sharers; /* snapshots that have these settings */
    struct resolver *resolver;
    struct memory *memory;          /* NULL: nothing is remembered */
    uint64_t memory_stamp;          /* of the key and password that it was made with */
    uint64_t resolver_stamp;        /* of the files the resolver was made from */
    uint64_t config_stamp;          /* of the files of the configuration */
    char servers[SERVERS_TEXT_MAX]; /* of resolv.conf, where it asks those; else empty */
};

/* Takes over the settings and starts a resolver and memory for them, or shares those of `old`
 * (may be NULL) when nothing they were made from has changed. Call after root was left. On failure
 * NULL, with the reason in err and errno as resolver_start sets it; the settings are freed. */
MUST_CHECK struct snapshot *snapshot_new(struct settings *settings, const struct snapshot *old,
                                         char *err, size_t errlen);

/* The same settings with a resolver that asks these servers of resolv.conf. NULL as above. */
MUST_CHECK struct snapshot *snapshot_renew(const struct snapshot *old, const char *servers,
                                           char *err, size_t errlen);

/* A file of the configuration has changed, come or gone since it was read. */
bool snapshot_stale(const struct snapshot *s);

/* The servers of resolv.conf are asked. */
bool snapshot_asks_system(const struct settings *s);

/* The snapshot in force, with a reference; NULL before the first. */
struct snapshot *snapshot_take(void);

/* Puts a new one in force (taking over its reference); NULL at the end. */
void snapshot_put(struct snapshot *s);

void snapshot_release(struct snapshot *s);

/* For the log and the metrics: names of the rules in their order, "a, b", or "none"; the name
 * servers asked, `system` being those of resolv.conf. What does not fit ends in "...". */
void snapshot_rules(const struct settings *s, char *out, size_t cap);
void snapshot_servers(const struct settings *s, const char *system, char *out, size_t cap);

/* Mode, rules, name servers, exempt lists, memory and metrics address in one line, for start,
 * reload and -t. */
#define SNAPSHOT_SUMMARY_MAX (SNAPSHOT_RULES_MAX + SNAPSHOT_SERVERS_MAX + 768)
void snapshot_summary(const struct settings *s, const char *system, char out[SNAPSHOT_SUMMARY_MAX]);

#endif
