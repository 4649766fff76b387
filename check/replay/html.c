/* Texts of the page: see html.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/html.h"

#include "value/sbuf.h"

#define VISIBLE_MAX 256

static void html_octet(FILE *out, char c)
{
    switch (c) {
    case '&':
        fputs("&amp;", out);
        break;
    case '<':
        fputs("&lt;", out);
        break;
    case '>':
        fputs("&gt;", out);
        break;
    case '"':
        fputs("&quot;", out);
        break;
    case '\'':
        fputs("&#39;", out);
        break;
    default:
        fputc(c >= ' ' && c <= '~' ? c : '?', out);
    }
}

void html_text(FILE *out, const char *s)
{
    for (; *s != '\0'; s++)
        html_octet(out, *s);
}

void html_breaking(FILE *out, const char *s)
{
    for (; *s != '\0'; s++) {
        html_octet(out, *s);
        if ((*s == '.' || *s == ',' || *s == ':') && s[1] != '\0' && s[1] != ' ')
            fputs("<wbr>", out);
    }
}

void html_visible(FILE *out, const char *s, size_t n)
{
    char text[4 * VISIBLE_MAX + 8];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    sbuf_visible(&sb, s, n < VISIBLE_MAX ? n : VISIBLE_MAX);
    html_breaking(out, text);
}

void html_number(FILE *out, uint64_t n)
{
    if (n >= 1000) {
        html_number(out, n / 1000);
        fprintf(out, "&#8239;%03u", (unsigned)(n % 1000));
    } else {
        fprintf(out, "%u", (unsigned)n);
    }
}
