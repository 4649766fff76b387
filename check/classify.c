/* iprev-check classify: see classify.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/classify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* The judgement of one line, or NULL with the reason in *fault. */
static const char *judge_line(const char *line, size_t n, const char **name, size_t *name_len,
                              struct shape *g, const struct shape_lists *shapes)
{
    const char *tab = memchr(line, '\t', n);
    struct addr client;
    struct dname d;

    *name = line;
    *name_len = n;
    if (tab == NULL)
        return "no tab: ip<TAB>name is expected";
    *name = tab + 1;
    *name_len = n - (size_t)(tab + 1 - line);
    if (!addr_parse(&client, line, (size_t)(tab - line)))
        return "not an address";
    if (!dname_from_text(&d, *name, *name_len) || !dname_is_host(&d))
        return "not a host name";
    report_shape(g, &d, &client, shapes);
    return NULL;
}

/* Name, tab, word, tab, reason. Only the name of a line that could not be
 * judged can hold octets that must not be printed as they are. */
static void put_line(FILE *out, const char *name, size_t len, const char *fault,
                     const struct shape *g)
{
    char text[4 * DNAME_MAX + SHAPE_WHY_MAX + 64];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    if (fault != NULL)
        sbuf_visible(&sb, name, len < DNAME_MAX ? len : DNAME_MAX);
    else
        sbuf_mem(&sb, name, len);
    sbuf_byte(&sb, '\t');
    sbuf_str(&sb, fault != NULL ? "-" : shape_word(g->kind));
    sbuf_byte(&sb, '\t');
    sbuf_str(&sb, fault != NULL ? fault : g->why);
    sbuf_byte(&sb, '\n');
    fwrite_unlocked(sb.text, 1, sb.len, out);
}

int classify(FILE *in, FILE *out, const struct shape_lists *shapes)
{
    unsigned long faults = 0;
    int code = 0;
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    if (shapes != NULL && shapes->named.n == 0 && shapes->generic.n == 0)
        shapes = NULL; /* a look into an empty list costs as well */
    while ((n = getline(&line, &cap, in)) >= 0) {
        const char *name, *fault;
        struct shape g;
        size_t len;

        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            n--;
        fault = judge_line(line, (size_t)n, &name, &len, &g, shapes);
        faults += fault != NULL;
        put_line(out, name, len, fault, &g);
    }
    if (!feof(in)) { /* no memory for a line is no error of the file's */
        fprintf(stderr, "iprev-check: the list: %s\n", strerror(errno));
        code = EX_NOINPUT;
    }
    free(line);
    if (faults > 0)
        fprintf(stderr, "iprev-check: %lu lines could not be judged\n", faults);
    return code != 0 ? code : faults > 0;
}
