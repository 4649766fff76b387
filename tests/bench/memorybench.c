/* memorybench: what a store of memory costs, by itself: no daemon, one thread.
 *
 * Fills it with greylist keys, 20 of each /24, as questions of the daemon: each is kept before the
 * next. Then asks for some of them, floods one network at its bound, and lets all expire. One
 * JSON object: microseconds (p50, p99, p999, max) of a question of each kind; of expiry without the
 * time for which other programs had the processor.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "memory/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define START    (20000 * (int64_t)LEDGER_DAY_S)
#define PER_NET  20
#define SAMPLE   100000 /* lookups */
#define FAILURES 1000   /* that are borne */
#define FLOOD    20000  /* tries of one network, at its bound */

static struct memory_options options = {
    .known_days = 30, .greylist_delay_s = 290, .greylist_retry_h = 48, .greylist_pass_days = 36};

static double now_us(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* How long this thread has waited for a processor. */
static double queued_us(void)
{
    unsigned long long ran, queued = 0;
    FILE *f = fopen("/proc/thread-self/schedstat", "re");

    if (f != NULL) {
        if (fscanf(f, "%llu %llu", &ran, &queued) != 2)
            queued = 0;
        fclose(f);
    }
    return (double)queued / 1e3;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* cpu: processor time of all of them. */
static void print(const char *name, double *us, size_t n, double cpu)
{
    double sum = 0;
    size_t i;

    qsort(us, n, sizeof *us, by_size);
    for (i = 0; i < n; i++)
        sum += us[i];
    printf("\"%s\": {\"n\": %zu, \"mean\": %.1f, \"cpu\": %.1f, \"p50\": %.1f, \"p99\": %.1f, "
           "\"p999\": %.1f, \"max\": %.1f}",
           name, n, n > 0 ? sum / (double)n : 0, n > 0 ? cpu / (double)n : 0, n > 0 ? us[n / 2] : 0,
           n > 0 ? us[n - 1 - n / 100] : 0, n > 0 ? us[n - 1 - n / 1000] : 0,
           n > 0 ? us[n - 1] : 0);
}

static struct store_bounds bounds[TABLES];
static unsigned failures; /* a busy machine can be too slow for Redis's patience */

static struct store *open_it(void)
{
    char err[300];
    struct store *s;

    for (; failures <= FAILURES; failures++) {
        s = store_open(&options, bounds, STORE_SERVE, err, sizeof err);
        if (s != NULL)
            return s;
    }
    fprintf(stderr, "memorybench: %s\n", err);
    exit(1);
}

static void check(struct store **s, enum store_result result)
{
    if (result == STORE_OK)
        return;
    failures++;
    (*s)->kind->close(*s);
    *s = open_it();
}

static double spread(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return (double)(*x >> 11) / (double)(UINT64_C(1) << 53);
}

static struct addr client_of(unsigned network, unsigned host)
{
    struct addr a = {.family = ADDR_IPV4};

    a.bytes[0] = (uint8_t)(11 + (network >> 16));
    a.bytes[1] = (uint8_t)(network >> 8);
    a.bytes[2] = (uint8_t)network;
    a.bytes[3] = (uint8_t)host;
    return a;
}

/* One question, as the daemon's thread asks it; its time in microseconds. */
static double ask(struct store **s, unsigned network, uint64_t recipient, int64_t at_s)
{
    struct ledger_triple t = {.client = client_of(network, (unsigned)(recipient % 250)),
                              .domain = 1,
                              .recipient = recipient,
                              .lasting = true};
    enum memory_grey grey;
    unsigned seconds;
    double from = now_us(CLOCK_MONOTONIC);

    check(s, ledger_greylist(*s, &t, &options, at_s, &grey, &seconds));
    check(s, (*s)->kind->keep(*s));
    return now_us(CLOCK_MONOTONIC) - from;
}

static void fill(struct store **s, size_t n, double *us)
{
    double cpu = now_us(CLOCK_PROCESS_CPUTIME_ID);
    uint64_t seed = 88172645463325252u;
    size_t i;

    for (i = 0; i < n; i++) /* as mail comes: not network by network */
        us[i] = ask(s, (unsigned)(spread(&seed) * (double)n / PER_NET), i, START);
    print("fill", us, n, now_us(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}

/* Early tries: they write nothing. */
static void look(struct store **s, size_t n, double *us)
{
    double cpu = now_us(CLOCK_PROCESS_CPUTIME_ID);
    uint64_t seed = 88172645463325252u;
    size_t i, k = 0;

    for (i = 0; i < n; i++) {
        unsigned network = (unsigned)(spread(&seed) * (double)n / PER_NET);

        if (i % (n / SAMPLE + 1) == 0)
            us[k++] = ask(s, network, i, START + 10);
    }
    print("look", us, k, now_us(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}

static void flood(struct store **s, double *us)
{
    double cpu;
    unsigned i;

    for (i = 0; i < MEMORY_WAITING_PER_NET; i++)
        ask(s, 0xf0000, i, START + i);
    cpu = now_us(CLOCK_PROCESS_CPUTIME_ID);
    for (i = 0; i < FLOOD; i++)
        us[i] = ask(s, 0xf0000, MEMORY_WAITING_PER_NET + i, START + MEMORY_WAITING_PER_NET + i);
    print("flood", us, FLOOD, now_us(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}

/* Everything has outlived its time: each second a tick, and one try of somebody. */
static void expire(struct store **s, size_t n, double *us)
{
    double cpu = now_us(CLOCK_PROCESS_CPUTIME_ID);
    int64_t now_s = START + 10 * LEDGER_DAY_S;
    struct store_counts left;
    size_t k = 0;

    do {
        double from = now_us(CLOCK_MONOTONIC) - queued_us();

        check(s, (*s)->kind->tick(*s, now_s));
        ask(s, (unsigned)(k % 1000), n + k, now_s++);
        us[k] = now_us(CLOCK_MONOTONIC) - queued_us() - from;
        k++;
        check(s, (*s)->kind->count(*s, &left));
    } while (left.entries[TABLE_WAITING] > k && k < n);
    print("expire", us, k, now_us(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    printf(", \"left\": %" PRIu64 ", \"ticks\": %zu", left.entries[TABLE_WAITING], k);
}

/* Of an SQLite file with its log; of Redis who calls asks Redis. */
static long long size_of(const char *store)
{
    char path[300];
    struct stat file = {.st_size = 0}, wal = {.st_size = 0};

    if (strncmp(store, "sqlite:", 7) != 0)
        return 0;
    stat(store + 7, &file);
    snprintf(path, sizeof path, "%s-wal", store + 7);
    stat(path, &wal);
    return (long long)(file.st_size + wal.st_size);
}

int main(int argc, char **argv)
{
    size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    double *us = calloc(n + FLOOD + SAMPLE, sizeof *us), from;
    struct store_counts kept;
    struct store *s;

    if (n < 1000 || us == NULL) {
        fputs("usage: memorybench STORE ENTRIES\n", stderr);
        return 64;
    }
    options.store = argv[1];
    ledger_bounds(&options, bounds);
    s = open_it();
    printf("{");
    fill(&s, n, us);
    printf(", ");
    look(&s, n, us);
    check(&s, s->kind->count(s, &kept));
    printf(", \"kept\": %" PRIu64, kept.entries[TABLE_WAITING]);
    s->kind->close(s);
    from = now_us(CLOCK_MONOTONIC);
    s = open_it();
    printf(", \"open_ms\": %.1f, ", (now_us(CLOCK_MONOTONIC) - from) / 1000);
    flood(&s, us);
    printf(", \"octets\": %lld, ", size_of(argv[1]));
    fflush(stdout);
    expire(&s, n, us);
    printf(", \"failures\": %u}\n", failures);
    s->kind->close(s);
    free(us);
    return 0;
}
