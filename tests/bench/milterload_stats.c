/* What milterload counts and prints: see milterload.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/bench/milterload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct stats stats;

static struct {
    pid_t pid[PIDS_MAX];
    unsigned n;
} processes;

uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- histograms: 32 buckets for each power of two, so within 3.2 % ---- */

void histogram_add(struct histogram *h, uint64_t ns)
{
    unsigned power = ns < 64 ? 0 : 63 - (unsigned)__builtin_clzll(ns) - 5;
    uint64_t at = (uint64_t)power * 32 + (ns >> power);

    h->bucket[at < BUCKETS ? at : BUCKETS - 1]++;
    h->n++;
    if (ns > h->max)
        h->max = ns;
}

static uint64_t bucket_ns(unsigned i)
{
    unsigned power = i < 64 ? 0 : i / 32 - 1;

    return (uint64_t)(i - power * 32) << power;
}

double histogram_ms(const struct histogram *h, double quantile)
{
    uint64_t want = (uint64_t)((double)h->n * quantile), seen = 0;
    unsigned i;

    for (i = 0; i < BUCKETS && h->n > 0; i++) {
        seen += h->bucket[i];
        if (seen > want)
            return (double)bucket_ns(i) / 1e6;
    }
    return (double)h->max / 1e6;
}

/* ---- the filter's processes ---- */

bool processes_add(const char *list)
{
    char *end;

    for (;;) {
        long pid = strtol(list, &end, 10);

        if (end == list || pid <= 0 || processes.n == PIDS_MAX)
            return false;
        processes.pid[processes.n++] = (pid_t)pid;
        if (*end == '\0')
            return true;
        list = end + 1;
    }
}

unsigned processes_count(void)
{
    return processes.n;
}

/* utime and stime of /proc/PID/stat at the clock's own resolution. */
static double cpu_seconds(pid_t pid)
{
    struct timespec ts;
    clockid_t clock;

    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &ts) != 0)
        return 0;
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void read_status(pid_t pid, struct process_stats *out)
{
    char path[64], line[256];
    unsigned long n;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    f = fopen(path, "r");
    if (f == NULL)
        return;
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "VmRSS: %lu", &n) == 1)
            out->rss_kib += n;
        else if (sscanf(line, "VmHWM: %lu", &n) == 1)
            out->rss_peak_kib += n;
        else if (sscanf(line, "Threads: %lu", &n) == 1)
            out->threads += (unsigned)n;
    }
    fclose(f);
}

void processes_read(struct process_stats *out)
{
    unsigned i;

    memset(out, 0, sizeof *out);
    for (i = 0; i < processes.n; i++) {
        out->cpu_s += cpu_seconds(processes.pid[i]);
        read_status(processes.pid[i], out);
    }
}

/* ---- JSON ---- */

static void print_steps(void)
{
    static const char *const name[STEPS] = {"negotiate", "connect", "helo", "mail",
                                            "rcpt",      "data",    "eom",  "sum"};
    int i;

    printf(",\"steps\":{");
    for (i = 0; i < STEPS; i++) {
        const struct histogram *h = &stats.step[i];

        printf("%s\"%s\":{\"n\":%" PRIu64 ",\"p50\":%.4f,\"p90\":%.4f,\"p99\":%.4f,\"p999\":%.4f"
               ",\"max\":%.4f}",
               i > 0 ? "," : "", name[i], h->n, histogram_ms(h, 0.5), histogram_ms(h, 0.9),
               histogram_ms(h, 0.99), histogram_ms(h, 0.999), (double)h->max / 1e6);
    }
    printf("}");
}

static void print_processes(const struct process_stats *before, const struct process_stats *after,
                            uint64_t rss_idle_kib)
{
    double n = stats.done > 0 ? (double)stats.done : 1;

    printf(",\"cpu_us\":%.3f,\"rss_kib\":%" PRIu64 ",\"rss_before_kib\":%" PRIu64
           ",\"rss_idle_kib\":%" PRIu64 ",\"rss_peak_kib\":%" PRIu64 ",\"threads\":%u",
           (after->cpu_s - before->cpu_s) * 1e6 / n, after->rss_kib, before->rss_kib, rss_idle_kib,
           after->rss_peak_kib, after->threads);
}

void stats_print(const char *label, const struct process_stats *before,
                 const struct process_stats *after, uint64_t rss_idle_kib)
{
    double s = stats.last_ns > stats.first_ns ? (double)(stats.last_ns - stats.first_ns) / 1e9 : 1;

    printf("{\"label\":\"%s\",\"seconds\":%.3f,\"sessions\":%" PRIu64 ",\"rate\":%.1f"
           ",\"broken\":%" PRIu64 ",\"timeouts\":%" PRIu64 ",\"connect_errors\":%" PRIu64
           ",\"protocol_errors\":%" PRIu64,
           label, s, stats.done, (double)stats.done / s, stats.broken, stats.timeouts,
           stats.connect_errors, stats.protocol_errors);
    printf(",\"accepted\":%" PRIu64 ",\"tempfail\":%" PRIu64 ",\"reject\":%" PRIu64
           ",\"inserted\":%" PRIu64 ",\"inserted_bytes\":%" PRIu64 ",\"changed\":%" PRIu64
           ",\"iprev\":{\"pass\":%" PRIu64 ",\"fail\":%" PRIu64 ",\"permerror\":%" PRIu64
           ",\"temperror\":%" PRIu64 ",\"none\":%" PRIu64 "},\"wrong\":%" PRIu64,
           stats.accepted, stats.tempfail, stats.reject, stats.inserted, stats.inserted_bytes,
           stats.changed, stats.pass, stats.fail, stats.permerror, stats.temperror, stats.none,
           stats.wrong);
    print_steps();
    if (processes.n > 0)
        print_processes(before, after, rss_idle_kib);
    printf("}\n");
}
