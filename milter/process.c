/* What the process uses of the machine: see process.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/process.h"

#include "milter/log.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <syslog.h>
#include <unistd.h>

/* The directory itself needs one: without, none is left. */
static unsigned count_descriptors(unsigned limit)
{
    DIR *d = opendir("/proc/self/fd");
    const struct dirent *e;
    unsigned n = 0;

    if (d == NULL)
        return errno == EMFILE ? limit : 0;
    while ((e = readdir(d)) != NULL)
        n += e->d_name[0] != '.';
    closedir(d);
    return n - 1;
}

static uint64_t count_resident(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;

    if (f == NULL)
        return 0;
    if (fscanf(f, "%*u %lu", &pages) != 1)
        pages = 0;
    fclose(f);
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void process_use(struct process_use *out)
{
    struct rlimit lim;

    memset(out, 0, sizeof *out);
    if (getrlimit(RLIMIT_NOFILE, &lim) == 0)
        out->limit = lim.rlim_cur < 1u << 30 ? (unsigned)lim.rlim_cur : 1u << 30;
    out->descriptors = count_descriptors(out->limit);
    out->resident = count_resident();
}

enum process_level process_level(enum process_level before, unsigned descriptors, unsigned limit)
{
    uint64_t percent = (uint64_t)descriptors * 100;

    if (limit == 0)
        return PROCESS_EASY; /* unknown */
    if (descriptors >= limit)
        return PROCESS_OUT;
    if (percent >= (uint64_t)limit * PROCESS_WARN_PERCENT)
        return before > PROCESS_SCARCE ? before : PROCESS_SCARCE;
    return percent >= (uint64_t)limit * PROCESS_EASE_PERCENT ? before : PROCESS_EASY;
}

void process_watch(void)
{
    static enum process_level level;
    enum process_level before = level;
    struct process_use use;

    process_use(&use);
    level = process_level(before, use.descriptors, use.limit);
    if (level <= before)
        return;
    if (level == PROCESS_SCARCE)
        log_line(LOG_WARNING,
                 "%u of %u file descriptors are in use: raise the limit (LimitNOFILE= of the "
                 "systemd unit, or ulimit -n), or look for who keeps connections open",
                 use.descriptors, use.limit);
    else
        log_line(LOG_ERR,
                 "no file descriptor is left (the limit is %u): new connections of the mail server "
                 "hang until others end",
                 use.limit);
}
