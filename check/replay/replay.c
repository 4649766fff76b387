/* iprev-check replay: see commands.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/commands.h"

#include "check/html.h"
#include "check/log/input.h"
#include "check/outfile.h"
#include "check/replay/learn.h"
#include "check/replay/words.h"
#include "check/start.h"
#include "check/term.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#define FIRST_LINES 100

/* ---- the order of the logs ---- */

struct log_begin {
    struct tally *tally;
    struct log_file file;
    char *name;
    int64_t at;     /* of the first stamp; 0: none near the begin */
    unsigned lines; /* looked at */
    int place;
};

static void on_first(void *arg, const char *s, size_t n)
{
    struct log_begin *f = arg;

    f->at = tally_time(f->tally, s, n);
    f->file.enough = f->at != 0 || ++f->lines == FIRST_LINES;
}

static int by_begin(const void *a, const void *b)
{
    const struct log_begin *x = a, *y = b;

    return x->at != y->at ? (x->at < y->at ? -1 : 1) : x->place - y->place;
}

/* `mail.log*` names the newest log first, but what becomes of a message may be in the log
 * after the one in which it begins. Without memory, and from pipes, as they are given. */
static void sort_logs(struct tally *t, int logs, char **log)
{
    struct log_begin *f = calloc((size_t)logs, sizeof *f);
    int i;

    for (i = 0; f != NULL && i < logs; i++) {
        f[i] = (struct log_begin){.tally = t, .name = log[i], .place = i};
        f[i].file =
            (struct log_file){.what = log[i], .line = on_first, .arg = &f[i], .quiet = true};
        log_file_lines(&f[i].file);
    }
    if (f != NULL)
        qsort(f, (size_t)logs, sizeof *f, by_begin);
    for (i = 0; f != NULL && i < logs; i++)
        log[i] = f[i].name;
    free(f);
}

static bool are_files(int logs, char *const *log)
{
    int i = 0;

    while (i < logs && strcmp(log[i], "-") != 0)
        i++;
    return i == logs && log_file_sizes(logs, log) > 0;
}

/* ---- together ---- */

struct reading {
    struct tally *tally;
    struct log_file file;
    struct progress progress;
    uint64_t before; /* octets of the files before */
};

static void on_line(void *arg, const char *s, size_t n)
{
    tally_line(((struct reading *)arg)->tally, s, n);
}

static void on_went_on(void *arg)
{
    struct reading *r = arg;

    progress_at(&r->progress, r->before + (r->progress.total > 0 ? r->file.read : r->file.octets));
}

/* A log that cannot be read to its end is reported; the others are read all the same. */
static void read_logs(struct judged *j, int logs, char **log)
{
    struct reading r = {.tally = j->tally};
    int i;

    if (logs > 1 && are_files(logs, log))
        sort_logs(j->tally, logs, log);
    r.file = (struct log_file){.line = on_line, .went_on = on_went_on, .arg = &r};
    progress_start(&r.progress, "reading", log_file_sizes(logs, log));
    for (i = 0; i < logs; i++) {
        r.file.what = log[i];
        j->unread += !log_file_lines(&r.file);
        r.before += r.progress.total > 0 ? r.file.read : r.file.octets;
        j->octets += r.file.octets;
        j->files++;
    }
    progress_end(&r.progress);
}

static bool write_page(const struct judged *j, const char *file)
{
    struct outfile page;

    return outfile_open(&page, file, PAGE_MARK) && outfile_close(&page, judged_html(j, page.out));
}

static int report(const struct judged *j, const struct replay_options *o, int64_t now)
{
    int code = o->html == NULL || write_page(j, o->html) ? 0 : EX_CANTCREAT;

    if (o->json && !judged_json(j, stdout) && !ferror(stdout)) {
        fprintf(stderr, "iprev-check: out of memory\n");
        code = EX_SOFTWARE;
    }
    if (o->digest)
        judged_digest(j, o->top, now, stdout);
    else if (!o->json)
        judged_text(j, o->top, stdout);
    if (code == 0 && o->write_exempt != NULL)
        code = learn_exempt(j, o, now);
    return code;
}

static int run(struct judged *j, const struct replay_options *o, int logs, char **log)
{
    int64_t now = (int64_t)time(NULL);
    struct tally tally;
    int code;

    if (!tally_init(&tally, j->settings, j->against, now))
        return EX_SOFTWARE;
    tally.since = o->since != NULL ? stamp_given(o->since, now) : 0;
    tally.until = o->until != NULL ? stamp_given(o->until, now) : 0;
    j->tally = &tally;
    read_logs(j, logs, log);
    tally_end(&tally);
    code = EX_NOINPUT;
    if (j->unread == 0 || tally.lines > 0)
        code = judged_make(j, now)        ? report(j, o, now)
               : settings_to_blame(errno) ? EX_CONFIG
                                          : EX_SOFTWARE;
    if (code == 0 && j->unread > 0)
        code = EX_NOINPUT;
    if (code == 0 && tally.lines > 0 && tally.known == 0)
        code = EX_DATAERR;
    judged_free(j);
    tally_free(&tally);
    return code;
}

int replay(const struct settings *s, const struct replay_options *o, int logs, char **log)
{
    struct settings *against = NULL;
    struct judged j = {.settings = s, .no_dns = o->no_dns};
    int code;

    if (o->html != NULL && !outfile_allowed(o->html, PAGE_MARK))
        return EX_CANTCREAT; /* before the work, not after it */
    if (o->write_exempt != NULL && !outfile_allowed(o->write_exempt, ""))
        return EX_CANTCREAT;
    if (o->against != NULL && (against = start_settings(o->against)) == NULL)
        return EX_CONFIG;
    j.against = against;
    code = run(&j, o, logs, log);
    if (against != NULL)
        settings_free(against);
    return code;
}
