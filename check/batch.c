/* iprev-check batch: see batch.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/batch.h"

#include "check/explain/explanation.h"
#include "check/sweep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define LINE_OCTETS 4096 /* longer lines are bad lines: memory stays bounded */
#define REPORTED    10   /* bad lines reported one by one */

struct batch {
    const struct settings *settings;
    FILE *in, *out;
    bool json;
    char line[LINE_OCTETS];
    uint64_t lines, judged, bad, first_bad, octets;
    int fault; /* errno of reading */
    struct progress progress;
};

/* ---- lines ---- */

/* The next line without its end. False at the end of input. */
static bool read_line(struct batch *b, size_t *n, const char **fault)
{
    bool any = false;
    int c;

    *n = 0;
    *fault = NULL;
    while ((c = getc_unlocked(b->in)) != EOF && c != '\n') {
        any = true;
        if (*n < sizeof b->line)
            b->line[(*n)++] = (char)c;
        else
            *fault = "the line is too long";
        b->octets++;
    }
    if (c == EOF && ferror(b->in))
        b->fault = errno;
    b->octets += c == '\n';
    while (*n > 0 && b->line[*n - 1] == '\r')
        --*n;
    return any || c == '\n';
}

static size_t address_length(const char *s, size_t n)
{
    size_t i = 0;

    while (i < n && s[i] != '\t' && s[i] != ' ')
        i++;
    return i;
}

static const char *parse_line(const char *s, size_t n, struct sweep_item *item)
{
    size_t at = address_length(s, n);

    item->helo = ""; /* none was sent */
    if (n == 0)
        return "the line is empty";
    if (!addr_parse(&item->client, s, at))
        return "not an IPv4 or IPv6 address";
    if (at < n) {
        item->helo = s + at + 1;
        item->helo_len = n - at - 1;
    }
    return NULL;
}

static void report_bad(struct batch *b, const char *fault)
{
    if (b->bad++ == 0)
        b->first_bad = b->lines;
    if (b->bad > REPORTED)
        return;
    if (b->progress.on)
        fputs("\r\033[K", stderr);
    fprintf(stderr, "iprev-check: line %llu: %s\n", (unsigned long long)b->lines, fault);
}

/* The fault is a constant text, so the tag of a bad line is the text. */
static bool next_line(void *arg, struct sweep_item *item)
{
    struct batch *b = arg;
    const char *fault;
    size_t n;

    if (!read_line(b, &n, &fault))
        return false;
    b->lines++;
    if (fault == NULL)
        fault = parse_line(b->line, n, item);
    if (fault != NULL) {
        item->client.family = ADDR_NONE;
        item->helo_len = 0;
        report_bad(b, fault);
    }
    item->tag = (void *)(uintptr_t)fault;
    progress_at(&b->progress, b->progress.total > 0 ? b->octets : b->lines);
    return true;
}

/* ---- records ---- */

static void put_json(struct batch *b, json_t *o, const char *helo, size_t helo_len)
{
    char text[4 * (HELO_MAX + 1) + 8];
    struct sbuf sb;

    if (helo != NULL) {
        sbuf_init(&sb, text, sizeof text);
        sbuf_visible(&sb, helo, helo_len);
        json_object_set_new(o, "helo", helo_len > 0 ? json_string(text) : json_null());
    }
    json_object_set_new(o, "line", json_integer((json_int_t)b->judged));
    json_dumpf(o, b->out, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(o);
}

static void put_fault(struct batch *b, const char *fault)
{
    if (b->json)
        put_json(b, json_pack("{s:s}", "error", fault), NULL, 0);
    else
        fprintf(b->out, "line=%llu error=\"%s\"", (unsigned long long)b->judged, fault);
}

static void put_record(struct batch *b, struct inquiry *q, const struct verdict *v,
                       const char *helo, size_t helo_len)
{
    struct lookup_cost cost = inquiry_cost(q);
    struct record_log log = {.helo_raw = helo_len > 0 ? helo : NULL,
                             .helo_raw_len = helo_len,
                             .questions = cost.questions,
                             .dns_ms = cost.ms};
    char text[RECORD_LOG_MAX];
    struct record r;
    struct sbuf sb;

    verdict_record(v, &r);
    sbuf_init(&sb, text, sizeof text);
    record_put_log(&sb, &r, &log);
    fputs(text, b->out);
}

static bool on_judged(void *arg, void *tag, struct inquiry *q, const char *helo, size_t helo_len)
{
    struct batch *b = arg;
    struct verdict v;
    struct facts f;

    b->judged++;
    if (tag != NULL) {
        put_fault(b, tag);
    } else {
        inquiry_facts(q, q->helo_given, &f);
        verdict_reach(&v, &b->settings->judge, &f, (int64_t)time(NULL));
        if (b->json)
            put_json(b, verdict_json(&v), helo, helo_len);
        else
            put_record(b, q, &v, helo, helo_len);
    }
    putc('\n', b->out);
    return !ferror(b->out);
}

/* ---- together ---- */

static uint64_t size_of(FILE *in)
{
    struct stat st;

    return fstat(fileno(in), &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

int batch(const struct settings *s, FILE *in, FILE *out, bool json)
{
    struct batch b = {.settings = s, .in = in, .out = out, .json = json};
    struct sweep sweep = {.settings = s, .next = next_line, .judged = on_judged, .arg = &b};
    int code;

    progress_start(&b.progress, "clients", size_of(in));
    b.progress.on = b.progress.on && !isatty(fileno(out));
    code = sweep_run(&sweep);
    if (code != 0)
        return code;
    progress_end(&b.progress);
    if (b.bad > 0)
        fprintf(stderr, "iprev-check: %llu of %llu lines were bad, the first is line %llu\n",
                (unsigned long long)b.bad, (unsigned long long)b.lines,
                (unsigned long long)b.first_bad);
    if (b.fault != 0) {
        fprintf(stderr, "iprev-check: the list: %s\n", strerror(b.fault));
        return EX_NOINPUT;
    }
    return b.bad > 0 ? EX_DATAERR : 0;
}
