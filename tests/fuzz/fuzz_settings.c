/* Fuzz target: configuration texts, through the real loader.
 *
 * Input: files, the first is the configuration; each further one stands behind an octet
 * 0x1E and its name in the directory beside it, which ends with the line. open() and scandir()
 * are this program's (by --wrap of the linker), so no file is read but those.
 * What it refuses is explained in printable lines; what it takes is printed, and the print
 * reads back equal.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "tests/unit/conf/settings_shared.h"

#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#define FILES_MAX 8
#define MAIN      "main.conf"
#define SEPARATOR 0x1e

static struct {
    char name[32];
    const uint8_t *data;
    size_t n;
} file[FILES_MAX];
static size_t files;

int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_scandir(const char *dir, struct dirent ***list, int (*choose)(const struct dirent *),
                   int (*compare)(const struct dirent **, const struct dirent **));

/* A file without a place on a disk. Between inputs the open is somebody else's: gcov's. */
int __wrap_open(const char *path, int flags, ...)
{
    size_t i;
    int fd;

    if (files == 0)
        return __real_open(path, flags, 0600);
    MUST((flags & O_ACCMODE) == O_RDONLY);
    for (i = 0; i < files; i++)
        if (strcmp(file[i].name, path) == 0) {
            fd = memfd_create("fuzz", MFD_CLOEXEC);
            MUST(fd >= 0 && write(fd, file[i].data, file[i].n) == (ssize_t)file[i].n);
            MUST(lseek(fd, 0, SEEK_SET) == 0);
            return fd;
        }
    errno = ENOENT;
    return -1;
}

/* All files but the first, in their order: names are not sorted here. */
int __wrap_scandir(const char *dir, struct dirent ***list, int (*choose)(const struct dirent *),
                   int (*compare)(const struct dirent **, const struct dirent **))
{
    size_t i;
    int n = 0;

    (void)compare;
    errno = ENOENT;
    if (files < 2 || strcmp(dir, MAIN ".d") != 0)
        return -1;
    *list = calloc(FILES_MAX, sizeof **list);
    MUST(*list != NULL);
    for (i = 1; i < files; i++) {
        struct dirent *e = calloc(1, sizeof *e);

        MUST(e != NULL);
        snprintf(e->d_name, sizeof e->d_name, "%s", file[i].name + strlen(MAIN ".d/"));
        if (choose(e))
            (*list)[n++] = e;
        else
            free(e);
    }
    return n;
}

static void add_file(const char *name, size_t len, const uint8_t *data, size_t n)
{
    if (files == FILES_MAX || len > 16)
        return;
    snprintf(file[files].name, sizeof file[files].name, "%s%.*s", files > 0 ? MAIN ".d/" : "",
             (int)len, name);
    file[files].data = data;
    file[files].n = n;
    files++;
}

static void split(const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size, *stop, *lf;

    stop = size > 0 ? memchr(data, SEPARATOR, size) : NULL;
    add_file(MAIN, strlen(MAIN), data, stop != NULL ? (size_t)(stop - data) : size);
    while (stop != NULL) {
        data = stop + 1;
        lf = memchr(data, '\n', (size_t)(end - data));
        if (lf == NULL)
            return;
        stop = memchr(lf + 1, SEPARATOR, (size_t)(end - lf - 1));
        add_file((const char *)data, (size_t)(lf - data), lf + 1,
                 (size_t)((stop != NULL ? stop : end) - lf - 1));
    }
}

/* To be freed by the caller; NULL when refused. Every line said is printable. */
static struct settings *load(const char *path)
{
    char *said = NULL;
    size_t n = 0;
    FILE *err = open_memstream(&said, &n);
    struct settings *s;

    MUST(err != NULL);
    s = settings_read(path, err);
    fclose(err);
    MUST(is_printable(said, n, "\n"));
    MUST(n == 0 || said[n - 1] == '\n');
    MUST(s != NULL || n > 0);
    free(said);
    return s;
}

static void check_taken(const struct settings *s)
{
    char *text = printed(s), *twice;
    struct settings *again;

    MUST(text != NULL && files < FILES_MAX + 1);
    files = 0;
    add_file(MAIN, strlen(MAIN), (const uint8_t *)text, strlen(text));
    again = load(MAIN);
    MUST(again != NULL && same(s, again));
    twice = printed(again);
    MUST(strcmp(text, twice) == 0);
    free(twice);
    free(text);
    settings_free(again);
}

/* No rule that was taken may reject on a transient word. */
static void check_rules(const struct settings *s)
{
    unsigned i;

    MUST(s->judge.policy.rules <= RULES_MAX);
    for (i = 0; i < s->judge.policy.rules; i++)
        MUST(rule_fault(&s->judge.policy.rule[i]) == NULL &&
             (s->judge.policy.rule[i].action != ACTION_REJECT ||
              ((s->judge.policy.rule[i].all | s->judge.policy.rule[i].any) & FINDINGS_TRANSIENT) ==
                  0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings *s;

    files = 0;
    split(data, size);
    s = load(MAIN);
    if (s != NULL) {
        check_rules(s);
        check_taken(s);
        settings_free(s);
    }
    files = 0;
    return 0;
}
