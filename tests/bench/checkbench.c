/* checkbench: what the check itself costs, without libmilter.
 *
 * A check is what a session does for one message: look up the client and its HELO
 * name, judge, write both header fields. See usage() and README.md.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/bench/checkbench.h"
#include "dns/resolver.h"
#include "outcome/verdict.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 16
#define APART       7919 /* prime: a step through all clients, when it does not divide their number */
#define DEADLINE_MS 60000

static struct settings *settings;
static struct resolver *resolver;
static uint32_t base, stride = 1;
uint32_t clients;

static void usage(void)
{
    fputs("usage: checkbench -c FILE [options] MODE\n"
          "  -c FILE    configuration: its resolver and rules\n"
          "  -a IP,N    clients: N addresses from IP on\n"
          "  -g N       every N-th address only\n"
          "  -w N       checks in flight (64)\n"
          "  -t N       threads that check (1)\n"
          "  -s N       seconds of a cached run (2)\n"
          "modes:\n"
          "  uncached   each client once\n"
          "  bare       the same by libunbound alone, without our resolver and judgement\n"
          "  cached     each client once, then all again and again:\n"
          "  lookup     the same, only client and HELO lookups\n"
          "  judge      the same, lookups and judgement, no header fields\n",
          stderr);
    exit(64);
}

/* ---- clocks ---- */

double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

double cpu(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double thread_cpu(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static unsigned long rss_kib(void)
{
    unsigned long size = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (f != NULL && fscanf(f, "%lu %lu", &size, &pages) != 2)
        pages = 0;
    if (f != NULL)
        fclose(f);
    return pages * 4;
}

/* ---- one check ---- */

struct check {
    struct addr client;
    struct helo helo;
    struct lookup *chain, *forward;
};

enum depth { LOOKUP, JUDGE, HEADERS };

/* Neighbours are apart in time, as one network has only a share of the questions. */
uint32_t client_number(uint32_t i)
{
    return base + (uint32_t)((uint64_t)i * APART % clients) * stride;
}

static void client_of(struct check *c, uint32_t i)
{
    uint32_t number = client_number(i);
    uint32_t net = htonl(number);
    char text[64];

    c->client = addr_from_bytes(ADDR_IPV4, &net);
    snprintf(text, sizeof text, "smtp.d%" PRIu32 ".example.com", number ^ ZONE_KEY);
    helo_parse(&c->helo, text, strlen(text));
}

static void ask(struct check *c)
{
    int64_t deadline = resolver_now() + DEADLINE_MS;

    c->chain = resolver_ask_client(resolver, &c->client, deadline, NULL);
    c->forward = resolver_ask_helo(resolver, &c->client, &c->helo.name, deadline, NULL);
}

static bool finish(struct check *c, enum depth depth)
{
    char authres[AUTHRES_VALUE_MAX], x_iprev[RECORD_HEADER_MAX];
    struct verdict v;
    struct facts f = {.client = c->client, .skip = F_NONE, .helo_known = true, .helo_asked = true};
    bool pass;

    lookup_wait(c->chain, resolver_now() + DEADLINE_MS);
    lookup_wait(c->forward, resolver_now() + DEADLINE_MS);
    f.helo = &c->helo;
    f.shapes = &settings->shapes;
    f.chain = lookup_chain(c->chain);
    f.forward = lookup_forward(c->forward);
    f.ptr_shape = lookup_shape(c->chain);
    f.helo_shape = lookup_shape(c->forward);
    pass = f.chain->result == F_IPREV_PASS && f.forward == NAME_CONFIRMED;
    if (depth >= JUDGE) {
        report_make(&v.report, &f);
        verdict_reach(&v, &settings->judge, &f, 1);
    }
    if (depth >= HEADERS) {
        authres_field(authres, "mx.example.net", &v.report, &v.client);
        verdict_x_iprev(&v, &settings->judge, x_iprev);
    }
    lookup_release(c->chain);
    lookup_release(c->forward);
    return pass;
}

/* ---- uncached: a window of checks under way ---- */

static void print_uncached(double wall, double used, uint64_t passed, unsigned long before)
{
    struct resolver_stats s;

    resolver_stats(resolver, &s);
    printf("{\"checks\":%" PRIu32 ",\"passed\":%" PRIu64 ",\"rate\":%.0f,\"cpu_us\":%.2f"
           ",\"questions\":%.3f,\"rss_kib\":%lu,\"bytes_per_client\":%.0f}\n",
           clients, passed, clients / wall, used * 1e6 / clients,
           (double)s.questions / (double)clients, rss_kib(),
           (double)(rss_kib() - before) * 1024 / clients);
    fflush(stdout);
}

static void uncached(unsigned window, bool say)
{
    struct check *ring = calloc(window, sizeof *ring);
    unsigned long before = rss_kib();
    uint64_t passed = 0;
    double wall = now(), used = cpu();
    uint32_t i;

    if (ring == NULL)
        exit(70);
    for (i = 0; i < clients + window; i++) {
        struct check *c = &ring[i % window];

        if (i >= window && i - window < clients)
            passed += finish(c, HEADERS);
        if (i < clients) {
            client_of(c, i);
            ask(c);
        }
    }
    wall = now() - wall;
    used = cpu() - used;
    free(ring);
    if (say)
        print_uncached(wall, used, passed, before);
    else if (passed != clients)
        fprintf(stderr, "checkbench: only %" PRIu64 " of %" PRIu32 " clients passed\n", passed,
                clients);
}

/* ---- cached: threads that check without waiting ---- */

struct runner {
    pthread_t thread;
    enum depth depth;
    double seconds, cpu;
    uint64_t checks, passed;
    uint32_t at;
    struct check *known; /* clients made beforehand */
    uint32_t knowns;
};

/* One of the clients, brought near: a session has just read its address and HELO name. */
static const struct check *pick(const struct runner *r, uint32_t *x)
{
    const struct check *c;
    size_t at;

    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    c = &r->known[*x % r->knowns];
    for (at = 0; at < sizeof *c; at += 64)
        __builtin_prefetch((const char *)c + at);
    return c;
}

static void *run(void *arg)
{
    struct runner *r = arg;
    double from = now(), used = thread_cpu();
    uint32_t x = r->at | 1;
    const struct check *next = pick(r, &x);

    do {
        unsigned i;

        for (i = 0; i < 4096; i++) {
            struct check c = *next;

            next = pick(r, &x);
            ask(&c);
            r->passed += finish(&c, r->depth);
        }
        r->checks += i;
    } while (now() - from < r->seconds);
    r->cpu = thread_cpu() - used;
    return NULL;
}

static void cached(unsigned threads, double seconds, enum depth depth, unsigned window)
{
    static struct runner runner[THREADS_MAX];
    struct check *known = calloc(clients, sizeof *known);
    struct resolver_stats before, after;
    uint64_t checks = 0, passed = 0;
    unsigned long rss = rss_kib();
    double wall, used = 0;
    uint32_t i;

    if (known == NULL)
        exit(70);
    for (i = 0; i < clients; i++)
        client_of(&known[i], i);
    uncached(window, false);
    rss = rss_kib() - rss - (unsigned long)(clients * sizeof *known / 1024);
    resolver_stats(resolver, &before);
    wall = now();
    for (i = 0; i < threads; i++) {
        runner[i] = (struct runner){.depth = depth,
                                    .seconds = seconds,
                                    .at = 77 + i * 1000003,
                                    .known = known,
                                    .knowns = clients};
        pthread_create(&runner[i].thread, NULL, run, &runner[i]);
    }
    for (i = 0; i < threads; i++) {
        pthread_join(runner[i].thread, NULL);
        checks += runner[i].checks;
        passed += runner[i].passed;
        used += runner[i].cpu;
    }
    wall = now() - wall;
    resolver_stats(resolver, &after);
    printf("{\"clients\":%" PRIu32 ",\"checks\":%" PRIu64 ",\"passed\":%" PRIu64
           ",\"rate\":%.0f,\"cpu_us\":%.4f,\"asked\":%" PRIu64 ",\"cached\":%u"
           ",\"bytes_per_client\":%.0f}\n",
           clients, checks, passed, (double)checks / wall, used * 1e6 / (double)checks,
           after.questions - before.questions, after.cached, (double)rss * 1024 / clients);
    free(known);
}

/* ---- start ---- */

static bool set_clients(char *text)
{
    char *comma = strchr(text, ',');
    struct in_addr a;

    if (comma == NULL)
        return false;
    *comma = '\0';
    clients = (uint32_t)strtoul(comma + 1, NULL, 10);
    if (inet_pton(AF_INET, text, &a) != 1 || clients == 0)
        return false;
    base = ntohl(a.s_addr);
    return true;
}

static void read_settings(const char *file)
{
    struct rlimit lim;

    if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
        lim.rlim_cur = lim.rlim_max;
        setrlimit(RLIMIT_NOFILE, &lim);
    }
    settings = file != NULL ? settings_read(file, stderr) : NULL;
    if (settings == NULL)
        exit(78);
}

static void start_resolver(void)
{
    char err[512];

    resolver = resolver_start(&settings->resolver, NULL, err, sizeof err);
    if (resolver == NULL) {
        fprintf(stderr, "checkbench: %s\n", err);
        exit(78);
    }
}

static void run_mode(const char *mode, unsigned window, unsigned threads, double seconds)
{
    if (strcmp(mode, "uncached") == 0)
        uncached(window, true);
    else if (strcmp(mode, "cached") == 0)
        cached(threads, seconds, HEADERS, window);
    else if (strcmp(mode, "judge") == 0)
        cached(threads, seconds, JUDGE, window);
    else if (strcmp(mode, "lookup") == 0)
        cached(threads, seconds, LOOKUP, window);
    else
        usage();
}

int main(int argc, char **argv)
{
    const char *file = NULL;
    unsigned window = 64, threads = 1;
    double seconds = 2;
    int c;

    while ((c = getopt(argc, argv, "c:a:g:w:t:s:")) != -1) {
        if (c == 'c')
            file = optarg;
        else if (c == 'g')
            stride = (uint32_t)strtoul(optarg, NULL, 10);
        else if (c == 'w')
            window = (unsigned)strtoul(optarg, NULL, 10);
        else if (c == 't')
            threads = (unsigned)strtoul(optarg, NULL, 10);
        else if (c == 's')
            seconds = strtod(optarg, NULL);
        else if (c != 'a' || !set_clients(optarg))
            usage();
    }
    if (optind + 1 != argc || clients == 0 || window == 0 || threads == 0 || threads > THREADS_MAX)
        usage();
    read_settings(file);
    if (strcmp(argv[optind], "bare") == 0) {
        bare_checks(settings, window);
        settings_free(settings);
        return 0;
    }
    start_resolver();
    run_mode(argv[optind], window, threads, seconds);
    resolver_release(resolver);
    resolver_wait_ended(10000);
    settings_free(settings);
    return 0;
}
