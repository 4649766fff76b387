/* iprev-check classify: see commands.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/commands.h"

#include "check/log/input.h"

#include <string.h>
#include <sysexits.h>

struct list {
    FILE *out;
    const struct shape_lists *shapes;
    unsigned long faults;
};

/* What is wrong with the line, or NULL with its judgement. The name is what follows the tab. */
static const char *judge_line(const struct list *l, const char *line, size_t n, const char *name,
                              struct shape *shape)
{
    struct addr client;
    struct dname d;

    if (name == line)
        return "no tab: ip<TAB>name is expected";
    if (!addr_parse(&client, line, (size_t)(name - 1 - line)))
        return "not an address";
    if (!dname_from_text(&d, name, n) || !dname_is_host(&d))
        return "not a host name";
    report_shape(shape, &d, &client, l->shapes);
    return NULL;
}

/* Name, tab, word, tab, reason. Only the name of a line that could not be judged can contain
 * octets that must not be printed as they are. */
static void on_line(void *arg, const char *line, size_t n)
{
    char text[4 * DNAME_MAX + SHAPE_WHY_MAX + 64];
    struct list *l = arg;
    const char *tab = memchr(line, '\t', n), *name = tab != NULL ? tab + 1 : line, *fault;
    struct shape shape;
    struct sbuf sb;

    n -= (size_t)(name - line);
    while (n > 0 && name[n - 1] == '\r')
        n--;
    fault = judge_line(l, line, n, name, &shape);
    l->faults += fault != NULL;
    sbuf_init(&sb, text, sizeof text);
    if (fault != NULL)
        sbuf_visible(&sb, name, n < DNAME_MAX ? n : DNAME_MAX);
    else
        sbuf_mem(&sb, name, n);
    sbuf_byte(&sb, '\t');
    sbuf_str(&sb, fault != NULL ? "-" : shape_word(shape.kind));
    sbuf_byte(&sb, '\t');
    sbuf_str(&sb, fault != NULL ? fault : shape.why);
    sbuf_byte(&sb, '\n');
    fwrite_unlocked(sb.text, 1, sb.len, l->out);
}

int classify(const char *file, FILE *out, const struct shape_lists *shapes)
{
    struct list l = {.out = out, .shapes = shapes};
    struct log_file in = {.what = file, .line = on_line, .arg = &l};
    bool whole;

    if (shapes != NULL && shapes->named.n == 0 && shapes->generic.n == 0)
        l.shapes = NULL; /* a look into an empty list costs as well */
    whole = log_file_lines(&in);
    if (l.faults > 0)
        fprintf(stderr, "iprev-check: %lu line%s could not be judged\n", l.faults,
                l.faults == 1 ? "" : "s");
    return !whole ? EX_NOINPUT : l.faults > 0;
}
