/* iprev-check --classify: see classify.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "classify.h"

#include <stdlib.h>
#include <string.h>

/* The judgement of one line, or NULL with the reason in *fault. */
static const char *judge_line(const char *line, size_t n, const char **name, size_t *name_len,
                              struct generic *g, const struct shape_lists *shapes)
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
    check_shape(g, &d, &client, shapes);
    return NULL;
}

unsigned long classify(FILE *in, FILE *out, const struct shape_lists *shapes)
{
    unsigned long faults = 0;
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    while ((n = getline(&line, &cap, in)) >= 0) {
        const char *name, *fault;
        char visible[4 * DNAME_MAX + 8];
        struct generic g;
        struct sbuf sb;
        size_t len;

        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            n--;
        fault = judge_line(line, (size_t)n, &name, &len, &g, shapes);
        faults += fault != NULL;
        sbuf_init(&sb, visible, sizeof visible);
        sbuf_visible(&sb, name, len < DNAME_MAX ? len : DNAME_MAX);
        fprintf(out, "%s\t%s\t%s\n", visible, fault != NULL ? "-" : generic_word(g.kind),
                fault != NULL ? fault : g.why);
    }
    free(line);
    return faults;
}
