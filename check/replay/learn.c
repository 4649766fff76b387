/* Exempt lists from logs: see learn.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/learn.h"

#include "check/outfile.h"
#include "check/replay/words.h"
#include "conf/lists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define OUR_COMMENT " # "

/* A line to write: a client, or several that the same line exempts. */
struct learned {
    char line[DNAME_TEXT_MAX];
    const struct client *k; /* of them, the one that sent most */
    uint64_t delivered, spam;
    struct client_days days;
    bool renewed; /* exempt now, but not for long */
};

struct learning {
    const struct judged *j;
    const struct replay_options *o;
    int64_t now;
    struct learned *list;
    size_t n;
    size_t seldom;            /* clients of wanted mail that are left out: not enough of it */
    struct exempt_list known; /* what the file has */
};

/* Does the file exempt it at that time? */
static bool is_known(const struct learning *g, const struct client *k, int64_t now)
{
    struct dname ptr;

    return listed_has_address(&g->known, &k->addr, now) ||
           (k->found & FINDING(F_IPREV_PASS) && k->ptr != NULL &&
            dname_from_text(&ptr, k->ptr, strlen(k->ptr)) && listed_has_name(&g->known, &ptr, now));
}

/* For good or for now. */
static bool is_turned_away(unsigned kind)
{
    return kind > ACTION_QUARANTINE && kind <= ACTION_REJECT;
}

static void add(struct learning *g, const struct client *k, uint64_t spam)
{
    struct learned *l = &g->list[g->n];
    struct sbuf sb;

    if (!k->judged || !(is_turned_away(k->fate.kind) || is_turned_away(k->soon.kind)) ||
        is_known(g, k, g->now + ENDS_SOON))
        return;
    *l = (struct learned){.k = k,
                          .delivered = k->count[OUT_DELIVERED],
                          .spam = spam,
                          .days = k->days,
                          .renewed = !is_turned_away(k->fate.kind)};
    sbuf_init(&sb, l->line, sizeof l->line);
    client_exempt_line(k, g->j->settings, &sb);
    g->n++;
}

static uint64_t spam_of_pair(const struct clients *c, uint32_t i)
{
    uint64_t n = 0;

    for (; i != 0; i = c->list[i].other)
        n += c->list[i].gone ? 0 : c->list[i].count[OUT_SPAM];
    return n;
}

static void add_pair(struct learning *g, uint32_t i, uint64_t spam)
{
    const struct clients *c = &g->j->tally->clients;

    for (; i != 0; i = c->list[i].other)
        if (!c->list[i].gone)
            add(g, &c->list[i], spam);
}

/* A verdict on one message of an address, whatever its HELO was, is one on the address. */
static bool collect(struct learning *g)
{
    const struct clients *c = &g->j->tally->clients;
    uint32_t i, k;

    g->list = calloc(c->n, sizeof *g->list);
    for (i = 1; g->list != NULL && i < c->n; i++) {
        uint64_t spam = 0;

        if (c->list[i].helo != NULL || !c->list[i].first)
            continue;
        for (k = i; k != 0; k = c->list[k].next)
            spam += spam_of_pair(c, k);
        for (k = i; k != 0; k = c->list[k].next)
            add_pair(g, k, spam);
    }
    return g->list != NULL;
}

static int by_line(const void *a, const void *b)
{
    const struct learned *x = a, *y = b;

    return strcmp(x->line, y->line);
}

static int by_delivered(const void *a, const void *b)
{
    const struct learned *x = a, *y = b;

    return x->delivered != y->delivered ? (x->delivered < y->delivered ? 1 : -1) : by_line(a, b);
}

/* Equal lines become one. */
static void merge(struct learning *g)
{
    size_t i, n = 0;

    qsort(g->list, g->n, sizeof *g->list, by_line);
    for (i = 0; i < g->n; i++) {
        struct learned *l = &g->list[i], *to = n > 0 ? &g->list[n - 1] : NULL;

        if (to == NULL || strcmp(to->line, l->line) != 0) {
            g->list[n++] = *l;
            continue;
        }
        if (l->delivered > to->delivered)
            to->k = l->k;
        to->delivered += l->delivered;
        to->spam += l->spam;
        to->renewed &= l->renewed;
        client_days_add(&to->days, &l->days);
    }
    g->n = n;
}

static void choose(struct learning *g)
{
    size_t i, n = 0;

    for (i = 0; i < g->n; i++) {
        const struct learned *l = &g->list[i];

        if (l->delivered >= g->o->min_messages && l->spam == 0 && l->days.last > l->days.first)
            g->list[n++] = *l;
        else
            g->seldom += l->delivered > 0 && l->spam == 0 && !l->renewed;
    }
    g->n = n;
    qsort(g->list, g->n, sizeof *g->list, by_delivered);
}

static void put_day(FILE *out, int64_t at)
{
    time_t clock = (time_t)at;
    struct tm tm;

    if (gmtime_r(&clock, &tm) != NULL)
        fprintf(out, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

static void put_line(const struct learning *g, const struct learned *l, FILE *out)
{
    struct client k = *l->k;
    char reason[CLIENT_TEXT_MAX];
    struct sbuf sb;

    if (l->renewed)
        k.fate = k.soon;
    sbuf_init(&sb, reason, sizeof reason);
    client_reason(&k, g->j->settings, &sb);
    fprintf(out, "%s until ", l->line);
    put_day(out, g->now + LEARN_DAYS * 86400);
    fprintf(out, OUR_COMMENT "%llu messages, last on ", (unsigned long long)l->delivered);
    put_day(out, (int64_t)l->days.last * 86400);
    fprintf(out, "; %s\n", reason);
}

static void put_lines(const struct learning *g, FILE *out)
{
    size_t i;

    fputs("# added on ", out);
    put_day(out, g->now);
    fputs(" by iprev-check replay: delivered wanted mail, and would have been refused or put off\n",
          out);
    for (i = 0; i < g->n; i++)
        put_line(g, &g->list[i], out);
}

/* A line that an earlier run wrote for a client that gets another one now. */
static bool is_replaced(const struct learning *g, const char *line)
{
    size_t n = strcspn(line, " "), i;

    if (strstr(line, OUR_COMMENT) == NULL || strstr(line, " messages, last on ") == NULL)
        return false;
    for (i = 0; i < g->n; i++)
        if (strlen(g->list[i].line) == n && memcmp(g->list[i].line, line, n) == 0)
            return true;
    return false;
}

/* The lines that are there, as they are, but those that are replaced; a newline where the last one
 * has none. */
static bool copy(const struct learning *g, FILE *in, FILE *out)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n, last = 0;

    rewind(in);
    while ((n = getline(&line, &size, in)) > 0) {
        last = n;
        if (!is_replaced(g, line))
            fwrite(line, 1, (size_t)n, out);
    }
    if (last > 0 && line[last - 1] != '\n')
        putc('\n', out);
    free(line);
    return !ferror(in);
}

/* The daemon's user must be able to read it, as before. */
static bool same_owner(FILE *in, FILE *out)
{
    struct stat st;

    if (in == NULL)
        return fchmod(fileno(out), 0644) == 0;
    return fstat(fileno(in), &st) == 0 && fchown(fileno(out), st.st_uid, st.st_gid) == 0 &&
           fchmod(fileno(out), st.st_mode & 07777) == 0;
}

static int write_list(const struct learning *g, FILE *in)
{
    struct outfile file;
    bool good;

    if (!outfile_open(&file, g->o->write_exempt, ""))
        return EX_CANTCREAT;
    good = same_owner(in, file.out) && (in == NULL || copy(g, in, file.out));
    put_lines(g, file.out);
    return outfile_close(&file, good) ? 0 : EX_CANTCREAT;
}

static void tell(const struct learning *g)
{
    size_t renewed = 0, i;

    for (i = 0; i < g->n; i++)
        renewed += g->list[i].renewed;
    fprintf(stderr, "iprev-check: %s: %zu client%s added", g->o->write_exempt, g->n - renewed,
            g->n - renewed == 1 ? "" : "s");
    if (renewed > 0)
        fprintf(stderr, ", %zu renewed", renewed);
    if (g->seldom > 0)
        fprintf(stderr, " (%zu left out: fewer than %u messages, or all on one day)", g->seldom,
                g->o->min_messages);
    fputc('\n', stderr);
}

static int learn(struct learning *g, FILE *in)
{
    struct faults rd = {.err = stderr};
    int code;

    if (in != NULL)
        lists_read_from(&rd, g->o->write_exempt, in, g->now, &g->known);
    lists_sort(&g->known);
    if (rd.faults > 0)
        return EX_CONFIG;
    if (rd.out_of_memory || !collect(g)) {
        fprintf(stderr, "iprev-check: out of memory\n");
        return EX_SOFTWARE;
    }
    merge(g);
    choose(g);
    code = g->n > 0 ? write_list(g, in) : 0;
    if (code == 0)
        tell(g);
    return code;
}

int learn_exempt(const struct judged *j, const struct replay_options *o, int64_t now)
{
    struct learning g = {.j = j, .o = o, .now = now};
    FILE *in;
    int code;

    if (j->tally->verdicts == 0 && !o->no_verdicts) {
        fprintf(stderr,
                "iprev-check: %s not written: no filter has called anything spam in these logs, so "
                "spam that was delivered would be exempted too (--no-verdicts writes it)\n",
                o->write_exempt);
        return EX_DATAERR;
    }
    if (!outfile_allowed(o->write_exempt, ""))
        return EX_CANTCREAT;
    in = fopen(o->write_exempt, "re");
    if (in == NULL && errno != ENOENT) {
        fprintf(stderr, "iprev-check: %s: %s\n", o->write_exempt, strerror(errno));
        return EX_CANTCREAT;
    }
    code = learn(&g, in);
    if (in != NULL)
        fclose(in);
    lists_free(&g.known);
    free(g.list);
    return code;
}
