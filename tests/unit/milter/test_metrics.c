/* metrics: counting from many threads, and the page as Prometheus reads it.
 *
 * Each test is a process of its own, so counters start at zero.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "conf/settings.h"
#include "milter/snapshot.h"
#include "tests/unit/milter/metrics_client.h"
#include "tests/unit/values.h"
#include "value/ascii.h"

/* ---- the grammar of the page ---- */

struct family {
    char name[64];
    char type[16];
};

static size_t name_span(const char *s)
{
    size_t n = 0;

    while (ascii_alnum((unsigned char)s[n]) || s[n] == '_' || s[n] == ':')
        n++;
    return ascii_digit((unsigned char)s[0]) ? 0 : n;
}

/* The octets of {label="value",...}, or 0. */
static size_t labels_span(const char *s)
{
    size_t i = 0, n;

    do {
        i++;
        n = name_span(s + i);
        if (n == 0 || s[i + n] != '=' || s[i + n + 1] != '"')
            return 0;
        for (i += n + 2; s[i] != '"'; i++) {
            if (s[i] == '\0')
                return 0;
            if (s[i] == '\\' && (s[++i] == '\0' || strchr("\\\"n", s[i]) == NULL))
                return 0;
        }
        i++;
    } while (s[i] == ',');
    return s[i] == '}' ? i + 1 : 0;
}

static bool belongs(const char *name, size_t n, const struct family *f)
{
    size_t k = strlen(f->name);
    bool histogram = strcmp(f->type, "histogram") == 0;
    char tail[16];

    if (n < k || memcmp(name, f->name, k) != 0)
        return false;
    snprintf(tail, sizeof tail, "%.*s", (int)(n - k), name + k);
    return histogram ? strcmp(tail, "_bucket") == 0 || strcmp(tail, "_sum") == 0 ||
                           strcmp(tail, "_count") == 0
                     : tail[0] == '\0';
}

static bool sample_line(const char *line, const struct family *f)
{
    size_t n = name_span(line), labels = 0;
    char *end;

    if (n == 0 || !belongs(line, n, f))
        return false;
    if (line[n] == '{' && (labels = labels_span(line + n)) == 0)
        return false;
    if (line[n + labels] != ' ' || !ascii_digit((unsigned char)line[n + labels + 1]))
        return false;
    strtod(line + n + labels + 1, &end);
    return *end == '\0';
}

/* HELP, then TYPE of the same name, begin a family; a counter is called _total. */
static bool meta_line(const char *line, struct family *f)
{
    char name[64] = "", type[16] = "";
    size_t n;

    if (strncmp(line, "# HELP ", 7) == 0) {
        n = name_span(line + 7);
        snprintf(f->name, sizeof f->name, "%.*s", (int)n, line + 7);
        f->type[0] = '\0';
        return n > 0 && line[7 + n] == ' ' && line[8 + n] != '\0' && strchr(line, '\\') == NULL;
    }
    if (sscanf(line, "# TYPE %63s %15s", name, type) != 2 || strcmp(name, f->name) != 0)
        return false;
    snprintf(f->type, sizeof f->type, "%s", type);
    n = strlen(name);
    if (strcmp(type, "counter") == 0)
        return n > 6 && strcmp(name + n - 6, "_total") == 0;
    return strcmp(type, "gauge") == 0 || strcmp(type, "histogram") == 0;
}

static void expect_grammar(const char *body)
{
    static char copy[sizeof reply];
    static char *lines[4096];
    struct family family = {"", ""};
    size_t n = 0, i;
    char *line, *rest = NULL;

    cr_assert(body[0] != '\0' && body[strlen(body) - 1] == '\n', "the last line ends");
    snprintf(copy, sizeof copy, "%s", body);
    for (line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        cr_expect(line[0] == '#' ? meta_line(line, &family) : sample_line(line, &family),
                  "line: %s", line);
        /* What makes a line one of its kind: # TYPE name, or name and labels. */
        if (strrchr(line, ' ') != NULL && strncmp(line, "# HELP", 6) != 0)
            *strrchr(line, ' ') = '\0';
        for (i = 0; i < n; i++)
            cr_expect_str_neq(lines[i], line, "twice: %s", line);
        cr_assert_lt(n, ROWS(lines));
        lines[n++] = line;
    }
    cr_expect_gt(n, 60, "%zu lines", n);
}

/* ---- counting ---- */

Test(metrics, counts)
{
    struct metrics_wait wait;
    const char *body;

    metrics_check(F_IPREV_PASS, F_NONE);
    metrics_check(F_IPREV_PASS, F_NONE);
    metrics_check(F_IPREV_FAIL, F_FORWARD_MISMATCH);
    metrics_check(F_IPREV_SKIP, F_SKIP_NO_ADDRESS);
    metrics_check(F_IPREV_FAIL, F_PTR_MISSING); /* unusual, so shown only once counted */
    metrics_check(F_NONE, F_NONE);
    metrics_action(ACTION_REJECT, true, "forged");
    metrics_action(ACTION_REJECT, false, "forged");
    metrics_action(ACTION_REJECT, false, "forged");
    metrics_action(ACTION_ACCEPT, true, "exempt.hosts");
    metrics_action(ACTION_ACCEPT, true, "");
    metrics_action((enum action)(ACTION_REJECT + 1), true, "forged");
    metrics_session(1);
    metrics_session(1);
    metrics_session(-1);
    metrics_wait_begin(&wait);
    metrics_reload(true);
    metrics_reload(false);
    metrics_reload(false);
    cr_expect_eq(metrics_sessions(), 1);
    serve();
    body = page();
    expect_grammar(body);
    expect_sample(body, "iprev_checks_total{result=\"pass\",cause=\"none\"}", "2");
    expect_sample(body, "iprev_checks_total{result=\"fail\",cause=\"forward-mismatch\"}", "1");
    expect_sample(body, "iprev_checks_total{result=\"fail\",cause=\"ptr-missing\"}", "1");
    expect_sample(body, "iprev_checks_total{result=\"skip\",cause=\"skip-no-address\"}", "1");
    expect_sample(body, "iprev_checks_total{result=\"permerror\",cause=\"ptr-missing\"}", "0");
    expect_sample(body, "iprev_checks_total{result=\"temperror\",cause=\"dns-overload\"}", "0");
    expect_sample(body, "iprev_checks_total{result=\"pass\",cause=\"ptr-missing\"}", "absent");
    expect_sample(body, "iprev_actions_total{action=\"reject\",mode=\"enforce\",rule=\"forged\"}",
                  "1");
    expect_sample(body, "iprev_actions_total{action=\"reject\",mode=\"monitor\",rule=\"forged\"}",
                  "2");
    expect_sample(
        body, "iprev_actions_total{action=\"accept\",mode=\"enforce\",rule=\"exempt.hosts\"}", "1");
    expect_sample(body, "iprev_actions_total{action=\"accept\",mode=\"enforce\",rule=\"-\"}", "1");
    expect_sample(body, "iprev_sessions", "1");
    expect_sample(body, "iprev_waiting", "1");
    expect_sample(body, "iprev_reloads_total{result=\"taken\"}", "1");
    expect_sample(body, "iprev_reloads_total{result=\"refused\"}", "2");
    expect_sample(body, "iprev_resolver_up", "0");
    expect_sample(body, "iprev_cache_hits_total", "absent");
    cr_expect(strstr(body, "\niprev_build_info{version=\"") != NULL);
    metrics_stop();
}

Test(metrics, unusual_rule_names_F5)
{
    const char *body;
    char name[RULE_NAME_MAX + 2];

    metrics_action(ACTION_TAG, true, "a\"b\\c\nd");
    memset(name, 'x', sizeof name);
    name[RULE_NAME_MAX] = '\0'; /* one too long */
    metrics_action(ACTION_TAG, true, name);
    name[RULE_NAME_MAX - 1] = '\0'; /* the longest */
    metrics_action(ACTION_TAG, true, name);
    metrics_action(ACTION_TAG, true, "-"); /* the same row as no rule */
    metrics_action(ACTION_TAG, true, "");
    serve();
    body = page();
    expect_grammar(body);
    expect_sample(
        body, "iprev_actions_total{action=\"tag\",mode=\"enforce\",rule=\"a\\\"b\\\\c\\nd\"}", "1");
    expect_sample(body, "iprev_actions_total{action=\"tag\",mode=\"enforce\",rule=\"other\"}", "1");
    expect_sample(body,
                  "iprev_actions_total{action=\"tag\",mode=\"enforce\",rule=\""
                  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}",
                  "1");
    expect_sample(body, "iprev_actions_total{action=\"tag\",mode=\"enforce\",rule=\"-\"}", "2");
    metrics_stop();
}

/* However many rules reloads bring, labels stay bounded and no count is lost. */
Test(metrics, bounded_rule_names_F5)
{
    unsigned i, rows = 0, total = 0;
    const char *line;

    for (i = 0; i < 1000; i++) {
        char name[RULE_NAME_MAX];

        snprintf(name, sizeof name, "rule-%u", i);
        metrics_action(ACTION_TAG, false, name);
    }
    metrics_action(ACTION_TAG, false, "rule-3"); /* is still known */
    serve();
    line = page();
    expect_grammar(line);
    expect_sample(line, "iprev_actions_total{action=\"tag\",mode=\"monitor\",rule=\"rule-3\"}",
                  "2");
    expect_sample(line, "iprev_actions_total{action=\"tag\",mode=\"monitor\",rule=\"rule-63\"}",
                  "1");
    while ((line = strstr(line, "\niprev_actions_total{")) != NULL) {
        line += strcspn(line + 1, "\n") + 1;
        while (line[-1] != ' ')
            line--;
        total += (unsigned)strtoul(line, NULL, 10);
        rows++;
    }
    cr_expect_eq(total, 1001, "%u", total);
    cr_expect(rows > RULES_MAX && rows < 200, "%u rows", rows);
    metrics_stop();
}

/* Upper bounds belong to their bucket. */
Test(metrics, histograms)
{
    static const struct {
        const char *bucket;
        const char *count;
    } rows[] = {
        {"iprev_dns_seconds_bucket{le=\"0.001\"}", "2"}, /* 0 1 */
        {"iprev_dns_seconds_bucket{le=\"0.005\"}", "4"}, /* 2 5 */
        {"iprev_dns_seconds_bucket{le=\"0.01\"}", "5"},  /* 6 */
        {"iprev_dns_seconds_bucket{le=\"0.05\"}", "5"},
        {"iprev_dns_seconds_bucket{le=\"0.1\"}", "5"},
        {"iprev_dns_seconds_bucket{le=\"0.25\"}", "6"}, /* 250 */
        {"iprev_dns_seconds_bucket{le=\"0.5\"}", "6"},
        {"iprev_dns_seconds_bucket{le=\"1\"}", "6"},
        {"iprev_dns_seconds_bucket{le=\"2.5\"}", "6"},
        {"iprev_dns_seconds_bucket{le=\"5\"}", "6"},
        {"iprev_dns_seconds_bucket{le=\"10\"}", "7"}, /* 10000 */
        {"iprev_dns_seconds_bucket{le=\"+Inf\"}", "8"},
        {"iprev_dns_seconds_count", "8"},
        {"iprev_dns_seconds_sum", "20.265"},
        {"iprev_wait_seconds_bucket{le=\"+Inf\"}", "1"},
        {"iprev_wait_seconds_sum", "0.007"},
    };
    static const unsigned seen[] = {0, 1, 2, 5, 6, 250, 10000, 10001};
    const char *body;
    size_t i;

    for (i = 0; i < ROWS(seen); i++)
        metrics_dns_ms(seen[i]);
    metrics_wait_ms(7);
    serve();
    body = page();
    expect_grammar(body);
    for (i = 0; i < ROWS(rows); i++)
        expect_sample(body, rows[i].bucket, rows[i].count);
    metrics_stop();
}

/* A time that is as long as a bound is in its bucket; a millisecond more is in the next. */
Test(metrics, each_bound_belongs_to_its_bucket)
{
    static const struct {
        unsigned ms;
        const char *le;
    } bound[] = {{1, "0.001"},  {5, "0.005"},  {10, "0.01"}, {50, "0.05"},
                 {100, "0.1"},  {250, "0.25"}, {500, "0.5"}, {1000, "1"},
                 {2500, "2.5"}, {5000, "5"},   {10000, "10"}};
    const char *body;
    size_t i;

    for (i = 0; i < ROWS(bound); i++) {
        metrics_wait_ms(bound[i].ms);
        metrics_wait_ms(bound[i].ms + 1);
    }
    serve();
    body = page();
    for (i = 0; i < ROWS(bound); i++) {
        char name[80], count[20];

        snprintf(name, sizeof name, "iprev_wait_seconds_bucket{le=\"%s\"}", bound[i].le);
        snprintf(count, sizeof count, "%zu", 2 * i + 1);
        expect_sample(body, name, count);
    }
    metrics_stop();
}

#define THREADS 4
#define NAMES   100
#define EACH    50000

static atomic_uint arrived;
static char new_name[NAMES][RULE_NAME_MAX];

/* All threads come to each new name together, spinning so that none is late. */
static void *count_much(void *arg)
{
    unsigned i;

    for (i = 0; i < NAMES; i++) {
        atomic_fetch_add(&arrived, 1);
        while (atomic_load(&arrived) < (i + 1) * THREADS)
            sched_yield();
        metrics_action(ACTION_REJECT, true, new_name[i]);
    }
    for (i = 0; i < EACH; i++) {
        metrics_check(F_IPREV_PASS, F_NONE);
        metrics_dns_ms(3);
        metrics_action(ACTION_TAG, true, new_name[i % NAMES]);
        metrics_session(1);
        metrics_session(-1);
    }
    return arg;
}

static void expect_names(const char *body)
{
    unsigned i;

    for (i = 0; i < NAMES; i++) {
        char name[100];

        snprintf(name, sizeof name,
                 "iprev_actions_total{action=\"reject\",mode=\"enforce\",rule=\"%.32s\"}",
                 new_name[i]);
        expect_sample(body, name, "4");
        snprintf(name, sizeof name,
                 "iprev_actions_total{action=\"tag\",mode=\"enforce\",rule=\"%.32s\"}",
                 new_name[i]);
        expect_sample(body, name, "2000");
    }
}

Test(metrics, threads_lose_no_count)
{
    pthread_t thread[THREADS];
    const char *body;
    size_t i;

    for (i = 0; i < NAMES; i++)
        snprintf(new_name[i], RULE_NAME_MAX, "rule-%zu", i);
    serve();
    for (i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, count_much, NULL), 0);
    for (i = 0; i < 10; i++) /* meanwhile the page is right in itself */
        expect_grammar(page());
    for (i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    body = page();
    expect_grammar(body);
    expect_sample(body, "iprev_checks_total{result=\"pass\",cause=\"none\"}", "200000");
    expect_sample(body, "iprev_dns_seconds_count", "200000");
    expect_sample(body, "iprev_dns_seconds_sum", "600.000");
    expect_sample(body, "iprev_sessions", "0");
    expect_names(body);
    metrics_stop();
}

/* Callbacks come and go in any order; one that has waited far beyond every deadline
 * is stuck. */
static void expect_waits_in_health(void)
{
    struct metrics_wait first, second, third;

    metrics_wait_begin(&first);
    metrics_wait_begin(&second);
    metrics_wait_begin(&third);
    second.since -= 500000;
    cr_expect_str_eq(request("GET", "/healthz"), "ok\n", "the first one counts");
    metrics_wait_end(&first);
    cr_expect_str_eq(request("GET", "/healthz"), "a callback is stuck\n");
    cr_expect_eq(strncmp(reply, "HTTP/1.1 503 ", 13), 0);
    cr_expect_eq(strncmp(sample(page(), "iprev_waiting_oldest_seconds"), "500.", 4), 0);
    metrics_wait_end(&third);
    cr_expect_str_eq(request("GET", "/healthz"), "a callback is stuck\n");
    expect_sample(page(), "iprev_waiting", "1");
    metrics_wait_end(&second);
    cr_expect_str_eq(request("GET", "/healthz"), "ok\n");
    metrics_wait_begin(&first);
    expect_sample(page(), "iprev_waiting", "1");
    metrics_wait_end(&first);
    expect_sample(page(), "iprev_waiting", "0");
    expect_sample(page(), "iprev_waiting_oldest_seconds", "0.000");
}

/* A resolver that needs no server: its first question goes to a zone file. */
Test(metrics, resolver_in_force)
{
    struct settings *set = settings_read(NULL, stderr);
    char zone[] = "/tmp/test-metrics-XXXXXX";
    static const char text[] = "localhost. 60 IN A 127.0.0.1\n";
    int fd = mkstemp(zone);
    struct snapshot *s;
    char err[256] = "";
    const char *body;

    cr_assert(set != NULL && fd >= 0);
    cr_assert_eq(write(fd, text, sizeof text - 1), (ssize_t)sizeof text - 1);
    close(fd);
    set->resolver.zone = strdup(zone);
    s = snapshot_new(set, NULL, err, sizeof err);
    unlink(zone);
    cr_assert(s != NULL, "%s", err);
    snapshot_put(s);
    serve();
    body = page();
    expect_grammar(body);
    expect_sample(body, "iprev_resolver_up", "1");
    expect_sample(body, "iprev_cache_lookups_total", "0");
    expect_sample(body, "iprev_cache_entries", "0");
    expect_sample(body, "iprev_actions_total{action=\"reject\",mode=\"monitor\",rule=\"forged\"}",
                  "0");
    expect_sample(body, "iprev_actions_total{action=\"accept\",mode=\"monitor\",rule=\"-\"}", "0");
    cr_expect_str_eq(request("GET", "/healthz"), "ok\n");
    cr_expect_eq(strncmp(reply, "HTTP/1.1 200 ", 13), 0);
    expect_waits_in_health();
    snapshot_put(NULL);
    cr_expect_str_eq(request("GET", "/healthz"), "no settings are in force\n");
    metrics_stop();
    cr_expect(resolver_wait_ended(5000));
}
