/* Faults as lines of text: see fault.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/fault.h"

#include <stdarg.h>
#include <string.h>

static void put_visible(FILE *out, const char *s)
{
    for (; *s != '\0'; s++)
        if (*s >= ' ' && *s <= '~')
            fputc(*s, out);
        else
            fprintf(out, "\\x%02X", (unsigned char)*s);
}

__attribute__((format(printf, 5, 0))) static void
put_line(FILE *out, const char *file, int line, const char *key, const char *fmt, va_list ap)
{
    char text[1024]; /* every value that is shown is cut before */

    vsnprintf(text, sizeof text, fmt, ap);
    if (file != NULL)
        put_visible(out, file);
    if (file != NULL && line > 0)
        fprintf(out, ":%d", line);
    if (file != NULL)
        fputs(": ", out);
    if (key != NULL) {
        put_visible(out, key);
        fputs(": ", out);
    }
    put_visible(out, text);
    fputc('\n', out);
}

void conf_fault(struct faults *rd, const char *file, int line, const char *key, const char *fmt,
                ...)
{
    va_list ap;

    rd->faults += strncmp(fmt, "note: ", 6) != 0;
    va_start(ap, fmt);
    put_line(rd->err, file, line, key, fmt, ap);
    va_end(ap);
}
