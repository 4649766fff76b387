/* A libunbound context as the resolver needs it: see context.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "dns/context.h"

#include "value/addr.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unbound-event.h>
#include <unbound.h>

#define PORTS_MAX 4096
#define PORTS_MIN 16
#define CACHE_MB  16 /* of messages, in all threads; of records twice as much */

/* Two tries, each sent twice, last four first waits at least: just the client's deadline. Whatever
 * is sent and not answered waits at the forwarder, and unbound hears no more than 1,000 from one
 * address (wait-limit): with three tries thirty dead names a second took that up. With one,
 * libunbound 1.26 takes an answer without data and SOA for trouble, and a lost question costs half
 * the deadline. */
#define TRIES            "2"
#define FIRST_WAITS      4
#define FIRST_WAIT_LEAST 376 /* ms: libunbound's own, for a server not yet known */

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

unsigned context_ports(const struct resolver_settings *s)
{
    struct rlimit lim;
    rlim_t n = PORTS_MAX;

    if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur != RLIM_INFINITY &&
        lim.rlim_cur / 2 / s->threads < n)
        n = lim.rlim_cur / 2 / s->threads;
    return n < PORTS_MIN ? PORTS_MIN : (unsigned)n;
}

/* Milliseconds until a server that is silent is asked again. */
static unsigned first_wait_ms(const struct resolver_settings *s)
{
    unsigned ms = s->deadline_ms / FIRST_WAITS;

    return ms < FIRST_WAIT_LEAST ? FIRST_WAIT_LEAST : ms;
}

/* Sets an option. A library that does not know an optional one is fine. */
static bool set(struct ub_ctx *ctx, const char *name, const char *value, bool required, char *err,
                size_t errlen)
{
    int rc = ub_ctx_set_option(ctx, name, value);

    if (rc == 0 || !required)
        return true;
    snprintf(err, errlen, "libunbound refuses %s %s: %s", name, value, ub_strerror(rc));
    return false;
}

static bool set_options(struct ub_ctx *ctx, const struct resolver_settings *s, unsigned ports,
                        char *err, size_t errlen)
{
    bool validate = s->trust_anchor != NULL;
    unsigned cache = s->threads < CACHE_MB ? CACHE_MB / s->threads : 1;
    char number[16], messages[16], records[16], first_wait[16];
    const struct {
        const char *name, *value;
        bool required;
    } option[] = {
        {"module-config:", validate ? "validator iterator" : "iterator", true},
        {"outgoing-range:", number, true},
        {"outgoing-num-tcp:", "32", false},
        {"msg-cache-size:", messages, false},
        {"rrset-cache-size:", records, false},
        /* A site's PTRs for its own private networks have to be seen. */
        {"unblock-lan-zones:", "yes", true},
        {"insecure-lan-zones:", validate ? "yes" : "no", true},
        /* Strangers name the servers of their zones: only ours may be on this machine. */
        {"do-not-query-localhost:", s->root ? "yes" : "no", false},
        /* A forwarder that was away is tried again after so many seconds. */
        {"infra-host-ttl:", s->root ? "30" : "10", false},
        {"infra-keep-probing:", "yes", false},
        /* A forwarder may be silent about one name and fine with the others, and may take
         * seconds over a name it has to ask for: it is asked until the client's deadline. It must
         * never be put aside as dead because of such names, so no infra-cache-max-rtt.
         * When recursing, each dead authority is put aside by itself. */
        {s->root ? "infra-cache-max-rtt:" : "infra-cache-min-rtt:", s->root ? "1000" : first_wait,
         false},
        {"outbound-msg-retry:", s->root ? "5" : TRIES, false},
        /* Above 1472 every release sends twice a try, the second time with a smaller size; with
         * less, newer ones send once, and give up in half the time. */
        {"edns-buffer-size:", "1473", false},
        /* A signed root would have the breaker's own question answered from the cache. */
        {"aggressive-nsec:", "no", false},
        /* Each alias that a server answers with alone costs one more question. */
        {"max-query-restarts:", "4", false},
        {"target-fetch-policy:", "0 0 0 0 0", false},
        {"cache-max-ttl:", s->whole_ttl ? "2147483647" : "86400", false},
        {"cache-max-negative-ttl:", s->whole_ttl ? "2147483647" : "3600", false},
    };
    size_t i;

    snprintf(number, sizeof number, "%u", ports);
    snprintf(messages, sizeof messages, "%um", cache);
    snprintf(records, sizeof records, "%um", 2 * cache);
    snprintf(first_wait, sizeof first_wait, "%u", first_wait_ms(s));
    for (i = 0; i < sizeof option / sizeof option[0]; i++)
        if (!set(ctx, option[i].name, option[i].value, option[i].required, err, errlen))
            return false;
    return true;
}

/* An address, perhaps with the interface of a link-local one. */
static bool is_server(const char *text)
{
    struct addr a;

    return addr_parse(&a, text, strcspn(text, "%"));
}

bool servers_read(const char *file, char out[SERVERS_TEXT_MAX])
{
    FILE *fp = fopen(file, "re");
    char line[256], server[64];
    size_t n = 0;

    out[0] = '\0';
    while (fp != NULL && fgets(line, sizeof line, fp) != NULL) {
        if (sscanf(line, " nameserver %63s", server) != 1 || !is_server(server) ||
            n + strlen(server) + 2 > SERVERS_TEXT_MAX)
            continue;
        n += (size_t)snprintf(out + n, SERVERS_TEXT_MAX - n, "%s%s", n > 0 ? " " : "", server);
    }
    if (fp != NULL)
        fclose(fp);
    return n > 0;
}

/* The servers of resolv.conf, spaces between; 127.0.0.1 without any, as the C library does. */
static int forward_to_system(struct ub_ctx *ctx, const char *servers)
{
    char server[SERVERS_TEXT_MAX];
    int n, found = 0;

    for (; sscanf(servers, "%255s%n", server, &n) == 1; servers += n)
        found += ub_ctx_set_fwd(ctx, server) == 0;
    return found > 0 ? 0 : ub_ctx_set_fwd(ctx, "127.0.0.1");
}

static bool set_servers(struct ub_ctx *ctx, const struct resolver_settings *s, char *err,
                        size_t errlen)
{
    char system[SERVERS_TEXT_MAX];
    size_t i;
    int rc = 0;

    if (!s->root && s->forwards == 0 && s->system == NULL)
        servers_read("/etc/resolv.conf", system);
    if (!s->root && s->forwards == 0)
        rc = forward_to_system(ctx, s->system != NULL ? s->system : system);
    for (i = 0; !s->root && rc == 0 && i < s->forwards; i++)
        rc = ub_ctx_set_fwd(ctx, s->forward[i]);
    if (rc == 0 && s->trust_anchor != NULL)
        rc = ub_ctx_add_ta_file(ctx, s->trust_anchor);
    if (rc != 0)
        snprintf(err, errlen, "libunbound refuses the resolver settings: %s", ub_strerror(rc));
    return rc == 0;
}

static void first_answer(void *arg, int rcode, void *packet, int len, int sec, char *why_bogus,
                         int was_ratelimited)
{
    (void)arg;
    (void)rcode;
    (void)packet;
    (void)len;
    (void)sec;
    (void)why_bogus;
    (void)was_ratelimited;
}

/* libunbound reports most faults at the first question: ask one it answers alone. */
static bool prove(struct ub_ctx *ctx, const struct resolver_settings *s, char *err, size_t errlen)
{
    int rc = ub_resolve_event(ctx, "localhost.", 1, 1, NULL, first_answer, NULL);

    if (rc == 0)
        return true;
    if (s->trust_anchor != NULL)
        snprintf(err, errlen,
                 "libunbound cannot start (is %s a trust anchor? too few descriptors?): %s",
                 s->trust_anchor, ub_strerror(rc));
    else
        snprintf(err, errlen, "libunbound cannot start (too few descriptors?): %s",
                 ub_strerror(rc));
    return false;
}

/* Reserved names that libunbound answers by itself, but that sites do use. */
static void unblock_zones(struct ub_ctx *ctx)
{
    static const char *const zone[] = {
        "test.",
        "home.arpa.",
        "127.in-addr.arpa.",
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.",
    };
    size_t i;

    for (i = 0; i < sizeof zone / sizeof zone[0]; i++)
        ub_ctx_zone_remove(ctx, zone[i]);
}

static bool add_zone(struct ub_ctx *ctx, const struct zonefile *zone, char *err, size_t errlen)
{
    size_t i;
    int rc = 0;

    for (i = 0; rc == 0 && i < zone->apexes; i++)
        rc = ub_ctx_zone_add(ctx, zone->apex[i], "static");
    for (i = 0; rc == 0 && i < zone->records; i++)
        rc = ub_ctx_data_add(ctx, zone->record[i]);
    if (rc != 0)
        snprintf(err, errlen, "libunbound refuses a record of the zone file (%.200s): %s",
                 i > 0 && i <= zone->records ? zone->record[i - 1] : "?", ub_strerror(rc));
    return rc == 0;
}

static struct ub_ctx *make(struct event_base *base, const struct resolver_settings *s,
                           unsigned ports, const struct zonefile *zone, char *err, size_t errlen)
{
    struct ub_ctx *ctx = ub_ctx_create_event(base);

    if (ctx == NULL) {
        snprintf(err, errlen, "libunbound cannot make a context");
        return NULL;
    }
    ub_ctx_debugout(ctx, NULL); /* its messages name no client; findings do */
    if (set_options(ctx, s, ports, err, errlen) && set_servers(ctx, s, err, errlen) &&
        prove(ctx, s, err, errlen)) {
        unblock_zones(ctx);
        if (add_zone(ctx, zone, err, errlen))
            return ctx;
    }
    ub_ctx_delete(ctx);
    return NULL;
}

struct ub_ctx *context_new(struct event_base *base, const struct resolver_settings *s,
                           unsigned ports, const struct zonefile *zone, char *err, size_t errlen)
{
    struct ub_ctx *ctx;

    pthread_mutex_lock(&one_at_a_time);
    ctx = make(base, s, ports, zone, err, errlen);
    pthread_mutex_unlock(&one_at_a_time);
    return ctx;
}

void context_delete(struct ub_ctx *ctx)
{
    pthread_mutex_lock(&one_at_a_time);
    ub_ctx_delete(ctx);
    pthread_mutex_unlock(&one_at_a_time);
}
