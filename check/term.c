/* Output for people: see term.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/term.h"

#include "dns/lookup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS  78
#define NARROW   30
#define SHOW_MS  200
#define FIRST_MS 500 /* short work shows no bar at all */

static const char *const code[] = {
    [TONE_PLAIN] = "",         [TONE_HEAD] = "\033[1m",  [TONE_GOOD] = "\033[32m",
    [TONE_BAD] = "\033[1;31m", [TONE_NOTE] = "\033[33m", [TONE_DIM] = "\033[2m",
};

static unsigned columns_of(int fd)
{
    struct winsize size;

    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_col > COLUMNS)
        return COLUMNS;
    return size.ws_col > NARROW ? size.ws_col - 1u : NARROW;
}

void term_init(struct term *t, FILE *out)
{
    const char *no = getenv("NO_COLOR"), *kind = getenv("TERM");

    t->out = out;
    t->columns = columns_of(fileno(out));
    t->colour = isatty(fileno(out)) && (no == NULL || no[0] == '\0') && kind != NULL &&
                strcmp(kind, "dumb") != 0;
}

void term_put(const struct term *t, enum tone tone, const char *text)
{
    bool paint = t->colour && tone != TONE_PLAIN;

    if (paint)
        fputs(code[tone], t->out);
    fputs(text, t->out);
    if (paint)
        fputs("\033[0m", t->out);
}

void term_head(const struct term *t, const char *text)
{
    fputc('\n', t->out);
    term_put(t, TONE_HEAD, text);
    fputc('\n', t->out);
}

void term_cell(const struct term *t, enum tone tone, const char *text, unsigned width)
{
    size_t n = strlen(text);

    term_put(t, tone, text);
    do
        fputc(' ', t->out);
    while (++n < width);
}

void term_wrap(const struct term *t, const char *text, unsigned indent, unsigned used)
{
    size_t column = used;

    while (*text != '\0') {
        size_t word = strcspn(text, " ");

        if (column > indent && column + 1 + word > t->columns) {
            fputc('\n', t->out);
            column = 0;
        }
        if (column == 0)
            column = (size_t)fprintf(t->out, "%*s", (int)indent, "");
        else if (column > used || used > indent)
            column += fputc(' ', t->out) == ' ';
        column += fwrite(text, 1, word, t->out);
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', t->out);
}

void progress_start(struct progress *p, const char *what, uint64_t total)
{
    p->on = isatty(STDERR_FILENO);
    p->what = what;
    p->total = total;
    p->started = resolver_now();
    p->shown = p->started + FIRST_MS - SHOW_MS;
}

static void put_left(double seconds)
{
    if (seconds < 100)
        fprintf(stderr, ", %.0f s left", seconds);
    else
        fprintf(stderr, ", %.0f min left", seconds / 60);
}

void progress_at(struct progress *p, uint64_t done)
{
    int64_t now, passed;
    double part;

    if (!p->on || (now = resolver_now()) - p->shown < SHOW_MS)
        return;
    p->shown = now;
    passed = now - p->started;
    fprintf(stderr, "\r%s ", p->what);
    if (p->total == 0) {
        fprintf(stderr, "%llu", (unsigned long long)done);
    } else {
        part = done < p->total ? (double)done / (double)p->total : 1;
        fprintf(stderr, "%.0f%%", part * 100);
        if (part > 0.001)
            put_left((double)passed / part * (1 - part) / 1000);
    }
    fputs("\033[K", stderr);
    fflush(stderr);
}

void progress_end(struct progress *p)
{
    if (p->on && resolver_now() - p->started >= FIRST_MS)
        fputs("\r\033[K", stderr);
    p->on = false;
}
