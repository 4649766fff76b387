/* process: what is in use, and when to warn of it.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/milter/session_shared.h"

#include "milter/process.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

Test(process, E1_levels)
{
    static const struct {
        enum process_level before;
        unsigned open, limit;
        enum process_level level;
    } row[] = {
        {PROCESS_EASY, 79, 100, PROCESS_EASY},
        {PROCESS_EASY, 80, 100, PROCESS_SCARCE},
        {PROCESS_EASY, 81, 100, PROCESS_SCARCE},
        {PROCESS_EASY, 99, 100, PROCESS_SCARCE},
        {PROCESS_EASY, 100, 100, PROCESS_OUT},
        {PROCESS_SCARCE, 60, 100, PROCESS_SCARCE},
        {PROCESS_SCARCE, 59, 100, PROCESS_EASY},
        {PROCESS_SCARCE, 100, 100, PROCESS_OUT},
        {PROCESS_OUT, 99, 100, PROCESS_OUT},
        {PROCESS_OUT, 60, 100, PROCESS_OUT},
        {PROCESS_OUT, 59, 100, PROCESS_EASY},
        {PROCESS_EASY, 4000000000, 1 << 30, PROCESS_OUT},
        {PROCESS_EASY, 80000, 1 << 30, PROCESS_EASY},
        {PROCESS_EASY, 5, 0, PROCESS_EASY},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++)
        cr_expect(process_level(row[i].before, row[i].open, row[i].limit) == row[i].level, "%zu",
                  i);
}

Test(process, E1_use)
{
    struct rlimit lim = {64, 64};
    struct process_use before, after;
    char *memory;
    int fd;

    cr_assert(setrlimit(RLIMIT_NOFILE, &lim) == 0);
    process_use(&before);
    cr_expect(before.limit == 64 && before.descriptors >= 3 && before.descriptors < 30);
    fd = dup(0);
    memory = malloc(64 << 20);
    cr_assert(fd >= 0 && memory != NULL);
    for (size_t i = 0; i < 64 << 20; i += 4096)
        ((volatile char *)memory)[i] = 1;
    process_use(&after);
    cr_expect(after.descriptors == before.descriptors + 1);
    cr_expect(after.resident >= before.resident + (60u << 20), "%lu",
              (unsigned long)after.resident);
    free(memory);
    while (dup(0) >= 0)
        ;
    process_use(&after);
    cr_expect(after.descriptors == 64, "none is left: %u", after.descriptors);
}

/* Each level is told once, however often one looks, and again when it was over. */
Test(process, E1_what_is_told_of_descriptors)
{
    static const struct {
        int open; /* of 100 */
        const char *told;
    } step[] = {
        {79, NULL}, {80, "80 of 100 file descriptors are in use: raise the limit"},
        {81, NULL}, {100, "no file descriptor is left (the limit is 100)"},
        {90, NULL}, {100, NULL},
        {59, NULL}, {85, "85 of 100 file descriptors are in use"},
    };
    struct rlimit lim = {100, 100};
    struct process_use use;
    struct captured c;
    size_t i;
    int fd;

    cr_assert(setrlimit(RLIMIT_NOFILE, &lim) == 0);
    capture_begin(&c);
    capture_end(&c); /* the log goes to standard error */
    for (i = 0; i < sizeof step / sizeof step[0]; i++) {
        char path[] = "/tmp/test-process-XXXXXX", text[500] = "";
        int out = mkstemp(path), old = dup(2);
        ssize_t n;

        cr_assert(out >= 0 && old >= 0);
        unlink(path);
        dup2(out, 2);
        for (fd = 99; fd > 50; fd--)
            close(fd);
        for (process_use(&use); (int)use.descriptors < step[i].open; process_use(&use))
            if (dup(0) < 0)
                break;
        for (fd = 99; fd > 2 && (int)use.descriptors > step[i].open; fd--)
            if (fd != out && fd != old && close(fd) == 0)
                use.descriptors--;
        process_watch();
        dup2(old, 2);
        n = pread(out, text, sizeof text - 1, 0);
        close(out);
        close(old);
        cr_expect(n >= 0 && (n > 0) == (step[i].told != NULL), "%zu: %s", i, text);
        cr_expect(step[i].told == NULL || strstr(text, step[i].told) != NULL, "%zu: %s", i, text);
    }
}
