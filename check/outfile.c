/* A file written for people: see outfile.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mkostemp */
#endif

#include "check/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK_MAX 256
#define MODE     0640

static bool fault(const char *name, const char *text)
{
    fprintf(stderr, "iprev-check: %s: %s\n", name, text);
    return false;
}

static bool begins_with(int fd, const char *mark)
{
    char text[MARK_MAX];
    size_t n = strlen(mark);

    return n <= sizeof text && read(fd, text, n) == (ssize_t)n && memcmp(text, mark, n) == 0;
}

bool outfile_allowed(const char *name, const char *mark)
{
    int fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool plain, ours;
    struct stat st;

    if (fd < 0 && errno == ENOENT)
        return true;
    if (fd < 0)
        return fault(name,
                     errno == ELOOP ? "is a symbolic link: name the file itself" : strerror(errno));
    plain = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    ours = plain && begins_with(fd, mark);
    close(fd);
    if (!plain)
        return fault(name, "exists and is not a plain file");
    return ours || fault(name, "exists and was not written by iprev-check: not overwritten");
}

bool outfile_open(struct outfile *o, const char *name, const char *mark)
{
    const mode_t mask = umask(0);
    size_t n = strlen(name) + sizeof ".XXXXXX";
    int fd;

    umask(mask);
    *o = (struct outfile){.name = name};
    if (!outfile_allowed(name, mark))
        return false;
    o->beside = malloc(n);
    if (o->beside == NULL)
        return fault(name, "out of memory");
    snprintf(o->beside, n, "%s.XXXXXX", name);
    fd = mkostemp(o->beside, O_CLOEXEC);
    if (fd >= 0 && fchmod(fd, MODE & ~mask) == 0 && (o->out = fdopen(fd, "w")) != NULL)
        return true;
    fault(name, strerror(errno));
    if (fd >= 0) {
        close(fd);
        unlink(o->beside);
    }
    free(o->beside);
    return false;
}

bool outfile_close(struct outfile *o, bool good)
{
    good &= !ferror(o->out);
    good &= fclose(o->out) == 0;
    if (!good)
        fault(o->name, "writing failed");
    else if (rename(o->beside, o->name) != 0)
        good = fault(o->name, strerror(errno));
    if (!good)
        unlink(o->beside);
    free(o->beside);
    return good;
}
