/* The configuration: see check/conf.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct settings *config_read(const char *file)
{
    char *text = NULL, *line;
    size_t n;
    FILE *said = open_memstream(&text, &n);
    struct settings *s = settings_read(file, said != NULL ? said : stderr);
    int error = errno;

    if (said == NULL)
        return s;
    fclose(said);
    for (line = text; line != NULL && *line != '\0'; line += strcspn(line, "\n") + 1)
        fprintf(stderr, "iprev-check: %.*s\n", (int)strcspn(line, "\n"), line);
    free(text);
    errno = error;
    return s;
}
