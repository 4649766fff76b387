/* iprev-check batch: see commands.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/commands.h"

#include "check/explain/explanation.h"
#include "check/log/input.h"
#include "check/sweep.h"

#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define LINE_OCTETS 4096 /* longer lines are bad lines */
#define REPORTED    10   /* bad lines reported one by one */

struct batch {
    FILE *out;
    bool json;
    uint64_t lines, judged, bad, first_bad, octets;
    struct log_file in;
    struct sweep sweep;
    struct progress progress;
};

/* ---- lines ---- */

static const char *parse_line(const char *s, size_t n, struct sweep_item *item)
{
    size_t at = 0;

    if (n == 0)
        return "the line is empty";
    if (n > LINE_OCTETS)
        return "the line is too long";
    while (at < n && s[at] != '\t' && s[at] != ' ')
        at++;
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
static void on_line(void *arg, const char *line, size_t n)
{
    struct sweep_item item = {.helo = ""}; /* none was sent */
    struct batch *b = arg;
    const char *fault;

    b->lines++;
    b->octets += n + 1;
    while (n > 0 && line[n - 1] == '\r')
        n--;
    fault = parse_line(line, n, &item);
    if (fault != NULL) {
        item = (struct sweep_item){.client = {.family = ADDR_NONE}};
        report_bad(b, fault);
    }
    item.tag = (void *)(uintptr_t)fault;
    progress_at(&b->progress, b->progress.total > 0 ? b->octets : b->lines);
    b->in.enough = !sweep_put(&b->sweep, &item);
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
        f.helo_lost = !q->helo_given;
        report_make(&v.report, &f);
        verdict_reach(&v, &b->sweep.settings->judge, &f, (int64_t)time(NULL));
        if (b->json)
            put_json(b, verdict_json(&v), helo, helo_len);
        else
            put_record(b, q, &v, helo, helo_len);
    }
    putc('\n', b->out);
    return !ferror(b->out);
}

/* ---- together ---- */

int batch(const struct settings *s, char *file, FILE *out, bool json)
{
    struct batch b = {.out = out, .json = json};
    bool whole;
    int code;

    b.in = (struct log_file){.what = file, .line = on_line, .arg = &b};
    b.sweep = (struct sweep){.settings = s, .judged = on_judged, .arg = &b};
    code = sweep_start(&b.sweep);
    if (code != 0)
        return code;
    progress_start(&b.progress, "clients", log_file_sizes(1, &file));
    b.progress.on = b.progress.on && !isatty(fileno(out));
    whole = log_file_lines(&b.in);
    sweep_end(&b.sweep);
    progress_end(&b.progress);
    if (b.bad > 0)
        fprintf(stderr, "iprev-check: %llu of %llu lines were bad, the first is line %llu\n",
                (unsigned long long)b.bad, (unsigned long long)b.lines,
                (unsigned long long)b.first_bad);
    return !whole ? EX_NOINPUT : b.bad > 0 ? EX_DATAERR : 0;
}
