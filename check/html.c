/* Head and texts of pages: see html.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/html.h"

#include "value/sbuf.h"

#define VISIBLE_MAX 256

void html_head(FILE *out, const char *command, const char *title, const struct page_part *style,
               const struct page_part *script)
{
    fprintf(out, PAGE_MARK " %s\">\n", command);
    fprintf(out,
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
            "style-src '%s'; ",
            style->hash);
    if (script != NULL)
        fprintf(out, "script-src '%s'; ", script->hash);
    fprintf(out,
            "base-uri 'none'; form-action 'none'\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta name=\"color-scheme\" content=\"light dark\">\n"
            "<meta name=\"referrer\" content=\"no-referrer\">\n"
            "<title>%s</title>\n<style>%s</style>\n</head>\n<body>\n",
            title, style->text);
}

static void html_octet(FILE *out, char c)
{
    static const char *const entity[128] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;"};

    if (c < ' ' || c > '~')
        fputc('?', out);
    else if (entity[(unsigned char)c] != NULL)
        fputs(entity[(unsigned char)c], out);
    else
        fputc(c, out);
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
    if (n >= VISIBLE_MAX)
        fputs("&hellip;", out);
}

void html_share(FILE *out, uint64_t n, uint64_t of)
{
    if (of == 0)
        return;
    if (n > 0 && n * 2000 < of)
        fputs(" (&lt;0.1&#8239;%)", out);
    else
        fprintf(out, " (%.1f&#8239;%%)", 100.0 * (double)n / (double)of);
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
