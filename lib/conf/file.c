/* Configuration files: into memory, with include() and what speaks against it.
 *
 * A file is read whole before anything is parsed, so that no special file, endless
 * file or odd octet reaches the parser.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/impl.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void put_visible(FILE *out, const char *s)
{
    for (; *s != '\0'; s++)
        if (*s >= ' ' && *s <= '~')
            fputc(*s, out);
        else
            fprintf(out, "\\x%02X", (unsigned char)*s);
}

__attribute__((format(printf, 5, 0))) static void put_line(const struct reader *rd,
                                                           const char *file, int line,
                                                           const char *key, const char *fmt,
                                                           va_list ap)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    if (out != NULL) {
        vfprintf(out, fmt, ap);
        fclose(out);
    }
    if (file != NULL)
        put_visible(rd->err, file);
    if (file != NULL && line > 0)
        fprintf(rd->err, ":%d", line);
    if (file != NULL)
        fputs(": ", rd->err);
    if (key != NULL)
        fprintf(rd->err, "%s: ", key);
    put_visible(rd->err, text == NULL ? "out of memory" : text);
    fputc('\n', rd->err);
    free(text);
}

void settings_fault(struct reader *rd, const char *file, int line, const char *key, const char *fmt,
                    ...)
{
    va_list ap;

    rd->faults++;
    va_start(ap, fmt);
    put_line(rd, file, line, key, fmt, ap);
    va_end(ap);
}

void settings_note(struct reader *rd, const char *file, int line, const char *key, const char *fmt,
                   ...)
{
    va_list ap;

    va_start(ap, fmt);
    put_line(rd, file, line, key, fmt, ap);
    va_end(ap);
}

const char *settings_present(const struct reader *rd)
{
    return rd->depth == 0 ? NULL : rd->stack[rd->depth - 1].file;
}

/* Who asks for a file, for the messages about it. */
struct asker {
    const char *from;
    int line;
};

static void file_fault(struct reader *rd, const char *file, const struct asker *by,
                       const char *what)
{
    if (by->from == NULL)
        settings_fault(rd, file, 0, NULL, "%s", what);
    else
        settings_fault(rd, by->from, by->line, "include", "%s: %s", file, what);
}

/* "a.conf > b.conf > a.conf", to be freed. */
static char *chain_text(const struct reader *rd, const char *last)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    unsigned i;

    if (out == NULL)
        return NULL;
    for (i = 0; i < rd->depth; i++)
        fprintf(out, "%s > ", rd->stack[i].file);
    fputs(last, out);
    fclose(out);
    return text;
}

static bool chain_allows(struct reader *rd, const char *file, const struct stat *st,
                         const struct asker *by)
{
    const char *what = NULL;
    char *chain;
    unsigned i;

    if (rd->depth == SETTINGS_DEPTH_MAX)
        what = "files are included more than 8 deep";
    for (i = 0; i < rd->depth; i++)
        if (rd->stack[i].dev == st->st_dev && rd->stack[i].ino == st->st_ino)
            what = "the file includes itself";
    if (what == NULL)
        return true;
    chain = chain_text(rd, file);
    settings_fault(rd, by->from, by->line, "include", "%s: %s", what, chain == NULL ? file : chain);
    free(chain);
    return false;
}

/* The octets of an open file with a NUL behind them, to be freed; or NULL. */
static char *slurp(int fd, size_t *n)
{
    char *text = malloc(SETTINGS_BYTES_MAX + 2);
    ssize_t got = 1;

    *n = 0;
    while (text != NULL && got > 0 && *n <= SETTINGS_BYTES_MAX) {
        got = read(fd, text + *n, SETTINGS_BYTES_MAX + 1 - *n);
        if (got > 0)
            *n += (size_t)got;
        else if (got < 0 && errno == EINTR)
            got = 1;
    }
    if (text == NULL || got < 0) {
        free(text);
        return NULL;
    }
    text[*n] = '\0';
    return text;
}

static void parse_open(struct reader *rd, int fd, const struct asker *by, settings_parse *parse)
{
    const char *file = settings_present(rd);
    char *text;
    size_t n;

    text = slurp(fd, &n);
    if (text == NULL && errno == ENOMEM)
        rd->out_of_memory = true;
    else if (text == NULL)
        file_fault(rd, file, by, strerror(errno));
    else if (n > SETTINGS_BYTES_MAX)
        file_fault(rd, file, by, "the file is larger than 1 MiB");
    else
        parse(rd, text, n);
    free(text);
}

/* Keeps the name for as long as the run lasts. */
static const char *keep_name(struct reader *rd, const char *file, const struct asker *by)
{
    char *name;

    if (rd->files == SETTINGS_FILES_MAX) {
        file_fault(rd, file, by, "more than 256 files are included");
        return NULL;
    }
    name = strdup(file);
    if (name == NULL)
        rd->out_of_memory = true;
    else
        rd->file[rd->files++] = name;
    return name;
}

void settings_file(struct reader *rd, const char *file, const char *from, int line,
                   settings_parse *parse)
{
    struct asker by = {from, line};
    struct stat st;
    const char *name;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0) {
        file_fault(rd, file, &by, strerror(errno));
        return;
    }
    if (fstat(fd, &st) != 0)
        file_fault(rd, file, &by, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        file_fault(rd, file, &by, S_ISDIR(st.st_mode) ? "is a directory" : "is not a regular file");
    else if (chain_allows(rd, file, &st, &by) && (name = keep_name(rd, file, &by)) != NULL) {
        rd->stack[rd->depth++] = (struct source){name, st.st_dev, st.st_ino, line};
        parse_open(rd, fd, &by, parse);
        rd->depth--;
    }
    close(fd);
}

/* The pattern as seen from the directory of the present file, to be freed.
 * That directory is a name, not a pattern: its own marks are quoted. */
static char *pattern_path(const struct reader *rd, const char *pattern, bool quote)
{
    const char *file = settings_present(rd);
    const char *slash = strrchr(file, '/');
    size_t i, n = 0, dir = slash == NULL || pattern[0] == '/' ? 0 : (size_t)(slash - file) + 1;
    char *path = malloc(2 * dir + strlen(pattern) + 1);

    if (path == NULL)
        return NULL;
    for (i = 0; i < dir; i++) {
        if (quote && strchr("*?[\\", file[i]) != NULL)
            path[n++] = '\\';
        path[n++] = file[i];
    }
    memcpy(path + n, pattern, strlen(pattern) + 1);
    return path;
}

static int glob_trouble; /* errno of a directory that could not be read */

static int glob_error(const char *path, int error)
{
    (void)path;
    glob_trouble = error;
    return error != ENOENT;
}

static void include_matches(struct reader *rd, const char *path, int line, settings_parse *parse)
{
    const char *from = settings_present(rd);
    glob_t g;
    size_t i;
    int rc = glob(path, 0, glob_error, &g);

    if (rc == GLOB_ABORTED)
        settings_fault(rd, from, line, "include", "%s: %s", path, strerror(glob_trouble));
    else if (rc == GLOB_NOSPACE)
        rd->out_of_memory = true;
    else if (rc == 0)
        for (i = 0; i < g.gl_pathc; i++)
            settings_file(rd, g.gl_pathv[i], from, line, parse);
    globfree(&g);
}

void settings_include(struct reader *rd, const char *pattern, int line, settings_parse *parse)
{
    bool wild = strpbrk(pattern, "*?[") != NULL;
    char *path;

    if (pattern[0] == '\0') {
        settings_fault(rd, settings_present(rd), line, "include", "the file name is empty");
        return;
    }
    path = pattern_path(rd, pattern, wild);
    if (path == NULL)
        rd->out_of_memory = true;
    else if (wild)
        include_matches(rd, path, line, parse);
    else
        settings_file(rd, path, settings_present(rd), line, parse);
    free(path);
}
