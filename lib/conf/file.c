/* Configuration files: see file.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* -1 and errno, or the number of octets; one more than allowed when there are more. */
static ssize_t read_all(int fd, char *text)
{
    size_t n = 0;
    ssize_t got = 1;

    while (got != 0 && n <= FILE_BYTES_MAX) {
        got = read(fd, text + n, FILE_BYTES_MAX + 1 - n);
        if (got > 0)
            n += (size_t)got;
        else if (got < 0 && errno != EINTR)
            return -1;
    }
    return (ssize_t)n;
}

static const char *kind_fault_of(int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return strerror(errno);
    if (S_ISREG(st.st_mode))
        return NULL;
    return S_ISDIR(st.st_mode) ? "is a directory" : "is not a regular file";
}

char *file_text(struct faults *rd, const char *file, bool may_miss, size_t room, size_t *n)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    const char *fault = fd < 0 ? strerror(errno) : kind_fault_of(fd);
    char *text = NULL;
    ssize_t got = 0;

    if (fd < 0 && errno == ENOENT && may_miss)
        return NULL;
    if (fault == NULL) {
        text = malloc(FILE_BYTES_MAX + 2 + room);
        got = text == NULL ? 0 : read_all(fd, text);
        rd->out_of_memory |= text == NULL;
    }
    if (got < 0)
        fault = strerror(errno);
    else if (got > FILE_BYTES_MAX)
        fault = "the file is larger than 1 MiB";
    if (fd >= 0)
        close(fd);
    if (fault != NULL)
        conf_fault(rd, file, 0, NULL, "%s", fault);
    if (fault != NULL || text == NULL) {
        free(text);
        return NULL;
    }
    if (got == 0 || text[got - 1] != '\n')
        text[got++] = '\n';
    text[got] = '\0';
    *n = (size_t)got;
    return text;
}

static int is_conf(const struct dirent *e)
{
    size_t n = strlen(e->d_name);

    return e->d_name[0] != '.' && n > 5 && strcmp(e->d_name + n - 5, ".conf") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static char *joined(const char *dir, const char *name)
{
    size_t n = strlen(dir) + strlen(name) + 2;
    char *path = malloc(n);

    if (path != NULL)
        snprintf(path, n, "%s/%s", dir, name);
    return path;
}

static int list_failed(struct faults *rd, const char *dir, int error)
{
    if (error == ENOMEM)
        rd->out_of_memory = true;
    else if (error != ENOENT)
        conf_fault(rd, dir, 0, NULL, "%s", strerror(error));
    return -1;
}

int file_more(struct faults *rd, const char *file, char ***more)
{
    char dir[4096];
    struct dirent **entry;
    int i, n;

    *more = NULL;
    snprintf(dir, sizeof dir, "%s.d", file);
    n = scandir(dir, &entry, is_conf, by_name);
    if (n < 0)
        return list_failed(rd, dir, errno);
    if (n > FILE_MORE_MAX)
        conf_fault(rd, dir, 0, NULL, "there are more than 256 files");
    *more = calloc((size_t)n + 1, sizeof **more);
    for (i = 0; i < n; i++) {
        if (*more != NULL)
            (*more)[i] = joined(dir, entry[i]->d_name);
        rd->out_of_memory |= *more == NULL || (*more)[i] == NULL;
        free(entry[i]);
    }
    free(entry);
    rd->out_of_memory |= *more == NULL;
    return n;
}

void file_more_free(char **more, int n)
{
    while (more != NULL && n-- > 0)
        free(more[n]);
    free(more);
}
