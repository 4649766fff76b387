/* lists: a line of any octets, up to two more than a line may have, behind up to eight clients of
 * before; three such lines; and up to eight clients sorted.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/lists.h"
#include "prove.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CLIENTS 16
#define LINE    (LIST_LINE_MAX + 2)

static unsigned lines;

/* Any octets, with one NUL behind the last that could be read. */
ssize_t getline(char **line, size_t *room, FILE *in)
{
    static char text[LINE + 1];

    (void)in;
    if (lines-- == 0) {
        errno = any_bool() ? ENOMEM : 0;
        return -1;
    }
    any_octets(text, LINE);
    *line = text;
    *room = sizeof text;
    return (ssize_t)any_size(1, LINE);
}

/* Memory ends behind the octets that were asked for. Keys lie over one another: they hold any
 * octets. */
void *malloc(size_t n)
{
    static uint8_t key[LISTED_KEY_MAX];

    any_octets(key, sizeof key);
    return any_bool() ? key + sizeof key - n : NULL;
}

static struct listed table[CLIENTS];

/* The last n octets of the table, with any clients in them. */
void *realloc(void *old, size_t n)
{
    Frama_C_show_each_old(old);
    return any_bool() ? table + CLIENTS - n / sizeof table[0] : NULL;
}

void free(void *p)
{
    (void)p;
}

/* Compares any two, and swaps them or not. */
void qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *))
{
    struct listed *table = base, swap;
    size_t i, k;

    Frama_C_show_each_size(size);
    for (i = 0; i < n; i++)
        for (k = 0; k < i; k++)
            if (compare(&table[k], &table[i]) > 0) {
                swap = table[i];
                table[i] = table[k];
                table[k] = swap;
            }
}

unsigned long strtoul(const char *s, char **end, int base)
{
    Frama_C_show_each_text(s[0], end, base);
    return any_size(0, SIZE_MAX);
}

/* Any number of seconds that fits years from 0 to 9999. */
time_t timegm(struct tm *tm)
{
    any_octets(tm, sizeof *tm);
    return Frama_C_long_interval(-62200000000, 254000000000);
}

char *strerror(int error)
{
    static char text[] = "No such file or directory";

    Frama_C_show_each_error(error);
    return text;
}

void conf_fault(struct faults *rd, const char *file, int line, const char *key, const char *fmt,
                ...)
{
    Frama_C_show_each_fault(file, line, key, fmt);
    rd->faults++;
}

static void any_table(void)
{
    static uint8_t key[LISTED_KEY_MAX];
    unsigned i;

    for (i = 0; i < CLIENTS; i++) {
        any_octets(&table[i].end, sizeof table[i].end);
        table[i].len = any_size(1, LISTED_KEY_MAX);
        table[i].key = key;
    }
}

/* Behind n clients, in as much room as they take. */
static void read_lines(size_t n)
{
    struct exempt_list out = {.n = n};
    struct faults rd = {.err = NULL};
    size_t room = n <= 1 ? 1 : n <= 2 ? 2 : n <= 4 ? 4 : 8;
    FILE in;
    int64_t now;

    if (n > 0)
        out.client = table + CLIENTS - room;
    any_octets(&now, sizeof(now));
    lists_read_from(&rd, "list", &in, now, &out);
}

static void sort(size_t n)
{
    struct exempt_list list = {.n = n, .client = n == 0 ? NULL : table + CLIENTS - n};

    lists_sort(&list);
    //@ split list.n;
    lists_free(&list);
}

int main(void)
{
    size_t n;

    any_table();
    if (any_bool()) {
        lines = 3;
        read_lines(0);
    } else
        for (n = 0; n <= CLIENTS / 2; n++) {
            lines = 1;
            read_lines(n);
            sort(n);
        }
    return 0;
}
