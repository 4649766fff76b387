/* process: what is in use, and when to warn of it.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

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
