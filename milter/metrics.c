/* Counters, and the page that shows them: see metrics.h.
 *
 * Names of rules come from the configuration alone, and their number is bounded
 * across reloads; every other label is a word of a closed vocabulary. Nothing that a
 * client or its DNS says reaches the page.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/metrics.h"
#include "conf/settings.h"

#include "config.h"
#include "milter/log.h"
#include "milter/process.h"
#include "milter/snapshot.h"
#include "value/ascii.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define RESULTS   (F_IPREV_SKIP + 1)
#define CAUSES    (F_SKIP_NO_ADDRESS - F_PTR_MISSING + 2) /* the first is none */
#define ACTIONS   (ACTION_REJECT + 1)
#define RULE_ROWS (2 * RULES_MAX + 8) /* the names of a few reloads */
#define STUCK_MS  15000               /* no client's deadline is later than 9 s */

typedef atomic_uint_fast64_t counter;

/* ---- counting ---- */

struct rule_row {
    char name[RULE_NAME_MAX];
    counter taken[ACTIONS][2]; /* [1]: enforced */
};

enum { ROW_OTHER, ROW_NO_RULE, ROWS_FIXED };

/* A name does not change once rule_rows_used tells of it. */
static struct rule_row rule_rows[RULE_ROWS] = {
    [ROW_OTHER] = {.name = "other"}, [ROW_NO_RULE] = {.name = "-"}};
static atomic_uint rule_rows_used = ROWS_FIXED;
static pthread_mutex_t rule_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct {
    unsigned ms;
    const char *le;
} bucket[] = {{1, "0.001"}, {5, "0.005"}, {10, "0.01"},  {50, "0.05"}, {100, "0.1"}, {250, "0.25"},
              {500, "0.5"}, {1000, "1"},  {2500, "2.5"}, {5000, "5"},  {10000, "10"}};

#define BUCKETS (sizeof bucket / sizeof bucket[0])

struct histogram {
    counter in[BUCKETS + 1]; /* the last is for what is longer than all */
    counter sum_ms;
};

static counter checks[RESULTS][CAUSES];
static struct histogram dns, waited;
static counter reloads[2]; /* [1]: taken */
static atomic_long sessions;

/* Waiting callbacks, in the order in which they began. */
static struct metrics_wait *waits, **waits_tail = &waits;
static unsigned waiting;
static pthread_mutex_t waits_lock = PTHREAD_MUTEX_INITIALIZER;

static void add(counter *c, uint64_t n)
{
    atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

static uint64_t value(counter *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

void metrics_check(enum finding result, enum finding cause)
{
    unsigned c = 0;

    if ((unsigned)result >= RESULTS)
        return;
    if (cause >= F_PTR_MISSING && cause <= F_SKIP_NO_ADDRESS)
        c = cause - F_PTR_MISSING + 1;
    add(&checks[result][c], 1);
}

static unsigned rule_find(const char *name, unsigned from, unsigned to)
{
    while (from < to && strcmp(rule_rows[from].name, name) != 0)
        from++;
    return from;
}

static unsigned rule_insert(const char *name, unsigned known)
{
    unsigned used, i;

    pthread_mutex_lock(&rule_lock);
    used = atomic_load_explicit(&rule_rows_used, memory_order_relaxed);
    i = rule_find(name, known, used);
    if (i == used && used < RULE_ROWS) {
        memcpy(rule_rows[i].name, name, strlen(name) + 1);
        atomic_store_explicit(&rule_rows_used, used + 1, memory_order_release);
    } else if (i == used) {
        i = ROW_OTHER;
    }
    pthread_mutex_unlock(&rule_lock);
    return i;
}

static unsigned rule_index(const char *name)
{
    unsigned used = atomic_load_explicit(&rule_rows_used, memory_order_acquire);
    unsigned i;

    if (name[0] == '\0')
        return ROW_NO_RULE;
    i = rule_find(name, 0, used);
    if (i < used)
        return i;
    if (used == RULE_ROWS || strlen(name) >= RULE_NAME_MAX)
        return ROW_OTHER;
    return rule_insert(name, used);
}

void metrics_action(enum action action, bool enforce, const char *rule)
{
    if ((unsigned)action < ACTIONS)
        add(&rule_rows[rule_index(rule)].taken[action][enforce], 1);
}

static void observe(struct histogram *h, unsigned ms)
{
    size_t i = 0;

    while (i < BUCKETS && ms > bucket[i].ms)
        i++;
    add(&h->sum_ms, ms);
    add(&h->in[i], 1);
}

void metrics_dns_ms(unsigned ms)
{
    observe(&dns, ms);
}

void metrics_wait_ms(unsigned ms)
{
    observe(&waited, ms);
}

void metrics_session(int change)
{
    atomic_fetch_add(&sessions, change);
}

long metrics_sessions(void)
{
    return atomic_load(&sessions);
}

void metrics_wait_begin(struct metrics_wait *w)
{
    w->since = resolver_now();
    w->next = NULL;
    pthread_mutex_lock(&waits_lock);
    w->prev = waits_tail;
    *waits_tail = w;
    waits_tail = &w->next;
    waiting++;
    pthread_mutex_unlock(&waits_lock);
}

void metrics_wait_end(struct metrics_wait *w)
{
    pthread_mutex_lock(&waits_lock);
    *w->prev = w->next;
    if (w->next != NULL)
        w->next->prev = w->prev;
    else
        waits_tail = w->prev;
    waiting--;
    pthread_mutex_unlock(&waits_lock);
}

/* How many wait, and for how long the first of them has. */
static unsigned waits_now(int64_t *oldest_ms)
{
    unsigned n;

    pthread_mutex_lock(&waits_lock);
    n = waiting;
    *oldest_ms = waits != NULL ? resolver_now() - waits->since : 0;
    pthread_mutex_unlock(&waits_lock);
    return n;
}

void metrics_reload(bool taken)
{
    add(&reloads[taken], 1);
}

/* ---- the page ---- */

static void put_family(FILE *f, const char *name, const char *type, const char *help)
{
    fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_one(FILE *f, const char *name, const char *type, const char *help, uint64_t v)
{
    put_family(f, name, type, help);
    fprintf(f, "%s %" PRId64 "\n", name, (int64_t)v);
}

static void put_label(FILE *f, const char *label, const char *text)
{
    fprintf(f, "%s=\"", label);
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"')
            fputc('\\', f);
        if (*text == '\n')
            fputs("\\n", f);
        else
            fputc(*text, f);
    }
    fputc('"', f);
}

static void put_check(FILE *f, unsigned result, unsigned cause, uint64_t n)
{
    const char *word = finding_word((enum finding)result) + strlen("iprev-");
    const char *why = cause == 0 ? "none" : finding_word((enum finding)(F_PTR_MISSING + cause - 1));

    fprintf(f, "iprev_checks_total{result=\"%s\",cause=\"%s\"} %" PRIu64 "\n", word, why, n);
}

/* Pairs that do occur are there from the start, as a rate misses the step from
 * absent to 1. */
static void put_checks(FILE *f)
{
    static const findings usual[RESULTS] = {
        [F_IPREV_PASS] = FINDING(F_NONE),
        [F_IPREV_FAIL] = FINDINGS_RANGE(F_FORWARD_MISSING, F_PTR_LIMIT),
        [F_IPREV_PERMERROR] = FINDING(F_PTR_MISSING),
        [F_IPREV_TEMPERROR] = FINDINGS_RANGE(F_DNS_TIMEOUT, F_DNS_OVERLOAD),
        [F_IPREV_SKIP] = FINDINGS_SKIP,
    };
    unsigned r, c;

    put_family(f, "iprev_checks_total", "counter",
               "Clients checked, by iprev result and the cause that prevented a pass.");
    for (r = 0; r < RESULTS; r++)
        for (c = 0; c < CAUSES; c++) {
            uint64_t n = value(&checks[r][c]);

            if (n != 0 || (usual[r] & FINDING(c == 0 ? F_NONE : F_PTR_MISSING + c - 1)))
                put_check(f, r, c, n);
        }
}

static void put_action(FILE *f, unsigned row, unsigned action, bool enforce, uint64_t n)
{
    fprintf(f, "iprev_actions_total{action=\"%s\",mode=\"%s\",", action_word((enum action)action),
            enforce ? "enforce" : "monitor");
    put_label(f, "rule", rule_rows[row].name);
    fprintf(f, "} %" PRIu64 "\n", n);
}

/* Rules in force are there from the start too. */
static void put_actions(FILE *f, const struct snapshot *s)
{
    bool usual[RULE_ROWS][ACTIONS][2] = {{{false}}};
    unsigned used, i, a;
    int m;

    if (s != NULL) {
        const struct policy *p = &s->settings->judge.policy;

        usual[ROW_NO_RULE][ACTION_ACCEPT][s->settings->judge.enforce] = true;
        for (i = 0; i < p->rules; i++)
            usual[rule_index(p->rule[i].name)][p->rule[i].action]
                 [s->settings->judge.enforce && !p->rule[i].trial] = true;
    }
    used = atomic_load_explicit(&rule_rows_used, memory_order_acquire);
    put_family(f, "iprev_actions_total", "counter",
               "Decisions by action, mode and the rule that matched.");
    for (i = 0; i < used; i++)
        for (a = 0; a < ACTIONS; a++)
            for (m = 0; m < 2; m++) {
                uint64_t n = value(&rule_rows[i].taken[a][m]);

                if (n != 0 || usual[i][a][m])
                    put_action(f, i, a, m, n);
            }
}

/* The count is summed up here, so that it equals the last bucket whatever is counted
 * meanwhile. */
static void put_histogram(FILE *f, const char *name, const char *help, struct histogram *h)
{
    uint64_t sum = value(&h->sum_ms), n = 0;
    size_t i;

    put_family(f, name, "histogram", help);
    for (i = 0; i < BUCKETS; i++) {
        n += value(&h->in[i]);
        fprintf(f, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name, bucket[i].le, n);
    }
    n += value(&h->in[BUCKETS]);
    fprintf(f, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, n);
    fprintf(f, "%s_sum %" PRIu64 ".%03u\n", name, sum / 1000, (unsigned)(sum % 1000));
    fprintf(f, "%s_count %" PRIu64 "\n", name, n);
}

#define ANEW " Reset when a reload changes the resolver."
static void put_resolver(FILE *f, struct resolver *r)
{
    struct resolver_stats s;

    if (r == NULL)
        return;
    resolver_stats(r, &s);
    put_one(f, "iprev_cache_lookups_total", "counter", "Lookups requested." ANEW, s.lookups);
    put_one(f, "iprev_cache_hits_total", "counter", "Lookups answered from the cache." ANEW,
            s.cache_hits);
    put_one(f, "iprev_cache_joined_total", "counter",
            "Lookups that joined one already in progress." ANEW, s.joined);
    put_one(f, "iprev_dns_questions_total", "counter", "DNS queries sent." ANEW, s.questions);
    put_one(f, "iprev_dns_overloads_total", "counter",
            "DNS queries not sent because too many were in progress." ANEW, s.overloads);
    put_one(f, "iprev_dns_timeouts_total", "counter", "Lookups that reached their deadline." ANEW,
            s.timeouts);
    put_one(f, "iprev_dns_inflight", "gauge", "DNS queries in progress.", s.inflight);
    put_one(f, "iprev_cache_entries", "gauge", "Lookups in the cache.", s.cached);
}

#undef ANEW
#define ANEW " Reset when a reload changes memory."
static void put_memory_waits(FILE *f, const struct memory_stats *s)
{
    static const char *const le[MEMORY_BUCKETS] = {"0.0001", "0.00025", "0.001", "0.005",
                                                   "0.01",   "0.025",   "0.05"};
    uint64_t n = 0;
    unsigned i;

    put_family(f, "iprev_memory_seconds", "histogram",
               "Time the mail server waited for the memory store." ANEW);
    for (i = 0; i < MEMORY_BUCKETS; i++) {
        n += s->bucket[i];
        fprintf(f, "iprev_memory_seconds_bucket{le=\"%s\"} %" PRIu64 "\n", le[i], n);
    }
    n += s->bucket[MEMORY_BUCKETS];
    fprintf(f, "iprev_memory_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", n);
    fprintf(f, "iprev_memory_seconds_sum %" PRIu64 ".%06u\n", s->waited_us / 1000000,
            (unsigned)(s->waited_us % 1000000));
    fprintf(f, "iprev_memory_seconds_count %" PRIu64 "\n", n);
}

static void put_memory(FILE *f, struct memory *m)
{
    static const char *const grey[] = {"new", "early", "passed", "unavailable"};
    static const char *const known[] = {"known", "unknown", "unavailable"};
    struct memory_stats s;
    unsigned i;

    if (m == NULL)
        return;
    memory_stats(m, &s);
    put_family(f, "iprev_greylist_total", "counter",
               "What the greylist said of clients that a greylist rule matched." ANEW);
    for (i = 0; i < 4; i++)
        fprintf(f, "iprev_greylist_total{outcome=\"%s\"} %" PRIu64 "\n", grey[i], s.greylist[i]);
    put_family(f, "iprev_known_total", "counter", "Clients looked up in memory." ANEW);
    for (i = 0; i < 3; i++)
        fprintf(f, "iprev_known_total{outcome=\"%s\"} %" PRIu64 "\n", known[i], s.known[i]);
    put_memory_waits(f, &s);
    put_one(f, "iprev_memory_up", "gauge", "1 if the memory store answers.", s.up);
}

#undef ANEW

/* What is in force, as labels. */
static void put_settings(FILE *f, const struct settings *s, const char *system)
{
    char text[SNAPSHOT_RULES_MAX];

    put_family(f, "iprev_settings_info", "gauge", "The settings in force.");
    fprintf(f, "iprev_settings_info{mode=\"%s\",", s->judge.enforce ? "enforce" : "monitor");
    snapshot_rules(s, text, sizeof text);
    put_label(f, "rules", text);
    snapshot_servers(s, system, text, sizeof text);
    fputc(',', f);
    put_label(f, "name_servers", text);
    fputs("} 1\n", f);
}

/* Under the names that every exporter uses. */
static void put_process(FILE *f)
{
    struct process_use use;

    process_use(&use);
    put_one(f, "process_open_fds", "gauge", "Open file descriptors.", use.descriptors);
    put_one(f, "process_max_fds", "gauge", "Limit of open file descriptors.", use.limit);
    put_one(f, "process_resident_memory_bytes", "gauge", "Resident memory.", use.resident);
}

static void put_waits(FILE *f)
{
    int64_t ms;

    put_one(f, "iprev_waiting", "gauge", "Callbacks waiting for DNS.", waits_now(&ms));
    put_family(f, "iprev_waiting_oldest_seconds", "gauge",
               "How long the oldest of these callbacks has been waiting.");
    fprintf(f, "iprev_waiting_oldest_seconds %" PRId64 ".%03u\n", ms / 1000, (unsigned)(ms % 1000));
}

void metrics_put_page(FILE *f)
{
    struct snapshot *s = snapshot_take();
    struct resolver *r = s != NULL ? s->resolver : NULL;

    put_family(f, "iprev_build_info", "gauge", "The running version.");
    fputs("iprev_build_info{version=\"" PACKAGE_VERSION "\"} 1\n", f);
    if (s != NULL)
        put_settings(f, s->settings, s->servers);
    put_one(f, "iprev_settings_stale", "gauge",
            "1 if a configuration file has changed since it was read.",
            s != NULL && snapshot_stale(s));
    put_checks(f);
    put_actions(f, s);
    put_histogram(f, "iprev_dns_seconds", "DNS time per client checked, 0 when cached.", &dns);
    put_histogram(f, "iprev_wait_seconds", "Time the mail server waited for DNS.", &waited);
    put_resolver(f, r);
    put_memory(f, s != NULL ? s->memory : NULL);
    put_one(f, "iprev_resolver_up", "gauge",
            "1 if all resolver threads respond and name servers answer.",
            r != NULL && resolver_alive(r) && resolver_answered(r));
    put_one(f, "iprev_sessions", "gauge", "Open milter connections.", (uint64_t)metrics_sessions());
    put_waits(f);
    put_family(f, "iprev_reloads_total", "counter",
               "Reloads, by result; refused: the configuration had a fault.");
    fprintf(f, "iprev_reloads_total{result=\"taken\"} %" PRIu64 "\n", value(&reloads[true]));
    fprintf(f, "iprev_reloads_total{result=\"refused\"} %" PRIu64 "\n", value(&reloads[false]));
    put_one(f, "iprev_log_dropped_total", "counter", "Log lines dropped.", log_dropped());
    put_process(f);
    snapshot_release(s);
}

const char *metrics_fault(void)
{
    struct snapshot *s = snapshot_take();
    const char *fault = NULL;
    int64_t ms;

    waits_now(&ms);
    if (s == NULL)
        fault = "no settings are in force";
    else if (!resolver_alive(s->resolver))
        fault = "a resolver thread is stuck";
    else if (!resolver_answered(s->resolver))
        fault = "no name server answers";
    else if (ms > STUCK_MS)
        fault = "a callback is stuck";
    snapshot_release(s);
    return fault;
}
