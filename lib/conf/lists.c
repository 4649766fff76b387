/* Reading exempt lists: see lists.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/lists.h"

#include "conf/fit.h"
#include "conf/kinds.h"
#include "value/ascii.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FAULTS_SHOWN 20 /* of one file */

/* The file that is read just now. */
struct list {
    struct faults *rd;
    struct exempt_list *out;
    const char *file;
    int line;
    int64_t now;
    unsigned faults, over;
    char gone[400]; /* lines that are over, as far as they fit */
    struct sbuf shown;
};

struct line {
    const char *s;
    size_t n, at;
};

/* The next word, up to a blank, as a text of its own. False: there is none. */
static bool next_word(struct line *l, char word[LIST_LINE_MAX + 1])
{
    size_t n = 0;

    while (l->at < l->n && ascii_blank((unsigned char)l->s[l->at]))
        l->at++;
    while (l->at < l->n && n < LIST_LINE_MAX && !ascii_blank((unsigned char)l->s[l->at]))
        word[n++] = l->s[l->at++];
    word[n] = '\0';
    return n > 0;
}

/* Where the next client goes, in a table that grows to powers of two; NULL: no memory. The lines
 * with `//@` are for `make prove`: it looks at one length after the other. */
static struct listed *place(struct exempt_list *out)
{
    struct listed *more = out->client;
    size_t n = out->n;

    //@ split n;
    if ((n & (n - 1)) == 0)
        more = realloc(more, (n == 0 ? 1 : 2 * n) * sizeof *more);
    if (more == NULL)
        return NULL;
    out->client = more;
    return more + n;
}

static void add(struct list *l, const struct listed_key *k, int64_t end)
{
    struct listed *client = place(l->out);
    size_t len = k->len;
    uint8_t *key;

    //@ split len;
    key = client == NULL ? NULL : malloc(len);
    if (client == NULL || key == NULL) {
        l->rd->out_of_memory = true;
        return;
    }
    memcpy(key, k->octets, len);
    *client = (struct listed){key, len, end};
    l->out->n++;
}

/* What is wrong, or NULL. */
static const char *add_client(struct list *l, char *text, int64_t end, struct value *v)
{
    struct exempt_list *out = l->out;
    struct listed_key k;
    struct addr_net net;
    struct dname name;
    const char *fault;
    bool below = text[0] == '.';

    if (kind_network(text, &net, v) == NULL) {
        (net.base.family == ADDR_IPV4 ? out->four : out->six)[net.bits] = true;
        k = listed_network(&net);
        add(l, &k, end);
        return NULL;
    }
    if (v->what[0] != '\0')
        return v->what; /* host bits */
    ascii_lower_text(text);
    fault = fit_host(text);
    if (fault != NULL)
        return strncmp(fault, "has ", 4) == 0
                   ? fault
                   : "is not an address, a network, a host name or .domain";
    dname_from_text(&name, text + below, strlen(text + below));
    out->names_end = end > out->names_end ? end : out->names_end;
    k = listed_name(&name, below);
    add(l, &k, end);
    return NULL;
}

static void note_over(struct list *l, const char *client)
{
    size_t len = l->shown.len;

    if (l->shown.overflow)
        return;
    sbuf_str(&l->shown, l->over == 1 ? "" : ", ");
    sbuf_str(&l->shown, client);
    sbuf_str(&l->shown, " (line ");
    sbuf_uint(&l->shown, (uint64_t)l->line);
    sbuf_str(&l->shown, ")");
    if (l->shown.overflow)
        memcpy(l->gone + len, ", ...", 6);
}

__attribute__((format(printf, 2, 3))) static void fault(struct list *l, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (l->faults++ < FAULTS_SHOWN)
        conf_fault(l->rd, l->file, l->line, NULL, "%s", text);
}

static void take_client(struct list *l, char *client, int64_t end)
{
    struct value v = {.text = ""};
    const char *wrong = add_client(l, client, end, &v);

    if (wrong != NULL)
        fault(l, "\"%.80s\"%s %s", client, strncmp(wrong, "is ", 3) == 0 ? "" : ":", wrong);
    else if (end <= l->now && ++l->over > 0)
        note_over(l, client);
}

static void take_line(struct list *l, const char *line, size_t n)
{
    char client[LIST_LINE_MAX + 1] = "", until[sizeof client] = "", date[sizeof client] = "";
    const char *comment = memchr(line, '#', n);
    struct line rest = {line, comment == NULL ? n : (size_t)(comment - line), 0};
    int64_t end = LISTED_FOR_EVER;

    if (!next_word(&rest, client))
        return;
    if (next_word(&rest, until)) {
        if (strcmp(until, "until") != 0 || !next_word(&rest, date) || next_word(&rest, until)) {
            fault(l, "\"%.80s\" can only be followed by: until YYYY-MM-DD, or # comment", client);
            return;
        }
        end = kind_day_end(date);
    }
    if (end == 0)
        fault(l, "\"%.80s\" is not a date such as 2027-01-31", date);
    else
        take_client(l, client, end);
}

static void take_octets(struct list *l, const char *line, size_t n)
{
    if (n > 0 && line[n - 1] == '\n')
        n--;
    if (memchr(line, '\0', n) != NULL)
        fault(l, "contains a NUL octet");
    else if (n > LIST_LINE_MAX)
        fault(l, "the line is longer than %d octets", LIST_LINE_MAX);
    else
        take_line(l, line, n);
}

void lists_read_from(struct faults *rd, const char *file, FILE *in, int64_t now,
                     struct exempt_list *out)
{
    struct list l = {.rd = rd, .out = out, .file = file, .now = now};
    char *line = NULL;
    size_t room = 0;
    ssize_t n;

    sbuf_init(&l.shown, l.gone, sizeof l.gone - 6);
    errno = 0;
    while (!rd->out_of_memory && (n = getline(&line, &room, in)) >= 0) {
        if (l.line < INT_MAX)
            l.line++;
        take_octets(&l, line, (size_t)n);
        if (out->n > LIST_CLIENTS_MAX) {
            fault(&l, "there are more than %d clients in all lists", LIST_CLIENTS_MAX);
            break;
        }
    }
    rd->out_of_memory |= errno == ENOMEM;
    if (ferror(in) && errno != ENOMEM)
        conf_fault(rd, file, 0, NULL, "%s", strerror(errno));
    if (l.faults > FAULTS_SHOWN)
        conf_fault(rd, file, 0, NULL, "and %u more lines are wrong", l.faults - FAULTS_SHOWN);
    if (l.over > 0)
        conf_fault(rd, file, 0, NULL, "note: no longer exempt, %u %s over: %s", l.over,
                   l.over == 1 ? "line is" : "lines are", l.gone);
    free(line);
}

void lists_read(struct faults *rd, const struct name_list *files, struct exempt_list *out)
{
    size_t i;

    for (i = 0; i < files->n && !rd->out_of_memory; i++) {
        int fd = open(files->entry[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        FILE *in = fd < 0 ? NULL : fdopen(fd, "r");

        if (in == NULL) {
            conf_fault(rd, files->entry[i], 0, NULL, "%s", strerror(errno));
            rd->out_of_memory |= fd >= 0;
            if (fd >= 0)
                close(fd);
            continue;
        }
        lists_read_from(rd, files->entry[i], in, (int64_t)time(NULL), out);
        fclose(in);
    }
    lists_sort(out);
}

static int compare(const void *a, const void *b)
{
    return listed_compare(a, b);
}

void lists_sort(struct exempt_list *l)
{
    size_t i, n = 0;

    if (l->n > 0)
        qsort(l->client, l->n, sizeof *l->client, compare);
    for (i = 0; i < l->n; i++)
        if (i + 1 < l->n && listed_same(&l->client[i], &l->client[i + 1]))
            free((uint8_t *)(uintptr_t)l->client[i].key);
        else
            l->client[n++] = l->client[i];
    l->n = n;
}

void lists_free(struct exempt_list *l)
{
    size_t i;

    for (i = 0; i < l->n; i++)
        free((uint8_t *)(uintptr_t)l->client[i].key);
    free(l->client);
    *l = (struct exempt_list){0};
}
