/* iprev-check replay: see replay.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/replay.h"

#include "check/conf.h"
#include "check/log/input.h"
#include "check/replay/judged.h"
#include "check/term.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FIRST_LINES 100

enum {
    EXIT_NOT_A_LOG = 65,
    EXIT_INPUT = 66,
    EXIT_NO_MEMORY = 70,
    EXIT_CREATE = 73,
    EXIT_CONFIG = 78
};

static void on_line(void *arg, const char *s, size_t n)
{
    tally_line(arg, s, n);
}

static void on_reached(void *progress, uint64_t read, uint64_t text)
{
    progress_at(progress, ((struct progress *)progress)->total > 0 ? read : text);
}

/* ---- the order of the logs ---- */

struct first {
    const struct tally *tally;
    struct input in;
    char *file;
    int64_t at;     /* of the first stamp; 0: none near the begin */
    unsigned lines; /* looked at */
    int place;
};

static void on_first(void *arg, const char *s, size_t n)
{
    struct first *f = arg;

    f->at = tally_time(f->tally, s, n);
    f->in.enough = f->at != 0 || ++f->lines == FIRST_LINES;
}

static int by_begin(const void *a, const void *b)
{
    const struct first *x = a, *y = b;

    return x->at != y->at ? (x->at < y->at ? -1 : 1) : x->place - y->place;
}

/* `mail.log*` names the newest log first, but what becomes of a message may stand in the log
 * behind the one that tells of its begin. Without memory, and from pipes, as they are given. */
static void sort_logs(const struct tally *t, int logs, char **log)
{
    struct first *f = calloc((size_t)logs, sizeof *f);
    int i;

    for (i = 0; f != NULL && i < logs; i++) {
        f[i] = (struct first){.tally = t, .file = log[i], .place = i};
        f[i].in = (struct input){.what = log[i], .line = on_first, .arg = &f[i], .quiet = true};
        input_lines(&f[i].in);
    }
    if (f != NULL)
        qsort(f, (size_t)logs, sizeof *f, by_begin);
    for (i = 0; f != NULL && i < logs; i++)
        log[i] = f[i].file;
    free(f);
}

static bool are_files(int logs, char *const *log)
{
    struct stat st;
    int i = 0;

    while (i < logs && strcmp(log[i], "-") != 0 && stat(log[i], &st) == 0 && S_ISREG(st.st_mode))
        i++;
    return i == logs;
}

/* ---- together ---- */

/* A log that cannot be read to its end is told, and does not keep the others from being read. */
static void read_logs(struct judged *j, int logs, char **log)
{
    struct progress progress;
    struct input in = {
        .line = on_line, .arg = j->tally, .reached = on_reached, .progress = &progress};
    int i;

    if (logs > 1 && are_files(logs, log))
        sort_logs(j->tally, logs, log);
    progress_start(&progress, "reading", input_size(logs, log));
    for (i = 0; i < logs; i++) {
        in.what = log[i];
        j->unread += !input_lines(&in);
        j->octets += in.octets;
        j->files++;
    }
    progress_end(&progress);
}

static int write_page(const struct judged *j, const char *file)
{
    FILE *out = fopen(file, "we");
    bool ok;

    if (out == NULL) {
        fprintf(stderr, "iprev-check: %s: %s\n", file, strerror(errno));
        return EXIT_CREATE;
    }
    ok = judged_html(j, out) && !ferror(out);
    if (fclose(out) == 0 && ok)
        return 0;
    fprintf(stderr, "iprev-check: %s: writing failed\n", file);
    return EXIT_CREATE;
}

static int report(const struct judged *j)
{
    const struct replay_options *o = j->options;
    int code = o->html != NULL ? write_page(j, o->html) : 0;

    if (o->json && !judged_json(j, stdout) && !ferror(stdout)) {
        fprintf(stderr, "iprev-check: out of memory\n");
        code = EXIT_NO_MEMORY;
    }
    if (!o->json)
        judged_text(j, stdout);
    return code;
}

static int run(struct judged *j, int logs, char **log)
{
    int64_t now = (int64_t)time(NULL);
    struct tally tally;
    int code;

    if (!tally_init(&tally, j->settings, now)) {
        fprintf(stderr, "iprev-check: out of memory\n");
        return EXIT_NO_MEMORY;
    }
    j->tally = &tally;
    read_logs(j, logs, log);
    tally_end(&tally);
    code = EXIT_INPUT;
    if (j->unread == 0 || tally.lines > 0)
        code = judged_make(j, now)        ? report(j)
               : settings_to_blame(errno) ? EXIT_CONFIG
                                          : EXIT_NO_MEMORY;
    if (code == 0 && j->unread > 0)
        code = EXIT_INPUT;
    if (code == 0 && tally.lines > 0 && tally.known == 0)
        code = EXIT_NOT_A_LOG;
    judged_free(j);
    tally_free(&tally);
    return code;
}

int replay(const struct settings *s, const struct replay_options *o, int logs, char **log)
{
    struct settings *against = NULL;
    struct judged j = {.settings = s, .options = o};
    int code;

    if (o->against != NULL && (against = config_read(o->against)) == NULL)
        return EXIT_CONFIG;
    j.against = against;
    code = run(&j, logs, log);
    if (against != NULL)
        settings_free(against);
    return code;
}
