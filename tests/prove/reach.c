/* reach FILE: reads the file as the fuzz target does, line by line for mail logs, so that `run` sees which
 * statements an input reaches. Built with -DREAD_RECEIVED, -DREAD_RECORD or -DREAD_LOGLINE.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/log/event.h"
#include "judge/received.h"
#include "outcome/record.h"

#include <stdio.h>
#include <stdlib.h>

#define OCTETS (1u << 20)

static bool read_it(const char *s, size_t n)
{
#if defined READ_RECEIVED
    struct received r;

    return received_read(&r, s, n);
#elif defined READ_RECORD
    struct record r;

    return record_read_log(&r, s, n);
#else
    struct log_event e;

    return logline_read(&e, s, n);
#endif
}

int main(int argc, char **argv)
{
    static char octets[OCTETS];
    FILE *in = argc == 2 ? fopen(argv[1], "rb") : NULL;
    size_t n = in == NULL ? 0 : fread(octets, 1, sizeof octets, in);

    if (in == NULL)
        return EXIT_FAILURE;
    fclose(in);
    printf("%d\n", read_it(octets, n));
    return EXIT_SUCCESS;
}
