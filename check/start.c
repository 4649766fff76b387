/* The configuration and a resolver: see start.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/start.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct settings *start_settings(const char *file)
{
    char *text = NULL, *line;
    size_t n;
    FILE *said = open_memstream(&text, &n);
    struct settings *s;

    if (said == NULL)
        return NULL;
    s = settings_read(file, said);
    fclose(said);
    for (line = text; line != NULL && *line != '\0'; line += strcspn(line, "\n") + 1)
        fprintf(stderr, "iprev-check: %.*s\n", (int)strcspn(line, "\n"), line);
    free(text);
    return s;
}

struct resolver *start_resolver(const struct settings *s, const struct resolver_trace *trace,
                                int *code)
{
    char err[512] = "out of memory";
    struct resolver *r = resolver_start(&s->resolver, trace, err, sizeof err);
    int error = errno;

    *code = r != NULL ? 0 : settings_to_blame(error) ? EX_CONFIG : EX_SOFTWARE;
    if (r == NULL)
        fprintf(stderr, "iprev-check: resolver: %s\n", err);
    errno = error;
    return r;
}
