/* Octets and tokens of a configuration text.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/scan.h"

#include <string.h>

struct token scan_bad(struct scan *sc, int line, const char *what)
{
    settings_fault(sc->rd, sc->file, line, NULL, "%s", what);
    sc->unsafe = sc->lost = true;
    return (struct token){.kind = TOKEN_BAD, .line = line};
}

static bool at(const struct scan *sc, const char *s)
{
    size_t n = strlen(s);

    return sc->n - sc->at >= n && memcmp(sc->text + sc->at, s, n) == 0;
}

void scan_blank(struct scan *sc, size_t from, size_t to)
{
    for (; from < to; from++)
        if (sc->text[from] != '\n')
            sc->text[from] = ' ';
}

static bool skip_long_comment(struct scan *sc)
{
    size_t from = sc->at;
    int line = sc->line;

    for (sc->at += 2; sc->at < sc->n && !at(sc, "*/"); sc->at++)
        sc->line += sc->text[sc->at] == '\n';
    if (sc->at == sc->n) {
        scan_bad(sc, line, "the comment that begins here is not closed with */");
        return false;
    }
    sc->at += 2;
    scan_blank(sc, from, sc->at);
    return true;
}

static void skip_line_comment(struct scan *sc)
{
    size_t from = sc->at;

    while (sc->at < sc->n && sc->text[sc->at] != '\n')
        sc->at++;
    scan_blank(sc, from, sc->at);
}

/* Moves to the next character that means something. */
static bool skip_blank(struct scan *sc)
{
    for (; sc->at < sc->n;) {
        char c = sc->text[sc->at];

        if (c == '#' || at(sc, "//"))
            skip_line_comment(sc);
        else if (at(sc, "/*")) {
            if (!skip_long_comment(sc))
                return false;
        } else if (c != ' ' && c != '\t' && c != '\n')
            return true;
        else {
            sc->line += c == '\n';
            sc->at++;
        }
    }
    return true;
}

static const char *const no_variable =
    "environment variables are not filled in: write \\${ when ${ itself is meant";

static struct token quoted(struct scan *sc)
{
    struct token t = {TOKEN_WORD, 0, sc->at, 0, sc->line};
    char quote = sc->text[sc->at++];

    for (;; sc->at++) {
        char c = sc->at < sc->n ? sc->text[sc->at] : '\n';

        if (c == '\n')
            return scan_bad(sc, t.line, "a quote is not closed on its line");
        if (c == quote)
            break;
        if (quote == '"' && at(sc, "${"))
            return scan_bad(sc, sc->line, no_variable);
        if (c != '\\')
            continue;
        sc->at++;
        c = sc->at < sc->n ? sc->text[sc->at] : '\0';
        if (c == '\n')
            sc->line++;
        else if (c == '\0' || strchr(quote == '"' ? "\\\"'$" : "\\'", c) == NULL)
            return scan_bad(sc, sc->line,
                            quote == '"' ? "only \\\\ \\\" \\' and \\$ are taken behind a backslash"
                                         : "only \\\\ and \\' are taken behind a backslash");
    }
    t.end = ++sc->at;
    return t;
}

static struct token bare_word(struct scan *sc)
{
    struct token t = {TOKEN_WORD, 0, sc->at, 0, sc->line};

    while (sc->at < sc->n && strchr(" #\"'\t\n={}()+,*", sc->text[sc->at]) == NULL)
        sc->at++;
    t.end = sc->at;
    if (sc->text[t.end - 1] != ';')
        return t;
    settings_fault(sc->rd, sc->file, t.line, NULL, "no semicolon is needed here");
    while (t.end > t.start && sc->text[t.end - 1] == ';')
        sc->text[--t.end] = ' ';
    return t;
}

static struct token one_token(struct scan *sc)
{
    struct token t = {TOKEN_END, 0, 0, 0, 0};

    if (sc->unsafe || !skip_blank(sc))
        return (struct token){.kind = TOKEN_BAD};
    t.start = sc->at;
    t.line = sc->line;
    if (sc->at == sc->n)
        return t;
    t.mark = sc->text[sc->at];
    if (t.mark == '"' || t.mark == '\'')
        return quoted(sc);
    if (at(sc, "${"))
        return scan_bad(sc, sc->line, no_variable);
    if (t.mark == '*' || (t.mark == '+' && !at(sc, "+=")))
        return scan_bad(sc, sc->line, t.mark == '*' ? "a * needs quotes" : "a + needs quotes");
    if (strchr("{}()=,+", t.mark) == NULL)
        return bare_word(sc);
    t.kind = TOKEN_MARK;
    sc->at += t.mark == '+' ? 2 : 1;
    t.end = sc->at;
    return t;
}

struct token scan_next(struct scan *sc)
{
    struct token t;

    do
        t = one_token(sc);
    while (t.kind == TOKEN_WORD && t.start == t.end);
    return t;
}

/* Lines may end in CR LF. */
static size_t without_cr(char *text, size_t n)
{
    size_t i, m = 0;

    for (i = 0; i < n; i++)
        if (text[i] != '\r' || i + 1 == n || text[i + 1] != '\n')
            text[m++] = text[i];
    memset(text + m, 0, n - m);
    return m;
}

/* Octets that can stand nowhere. */
static const char *octet_fault(const char *text, size_t n, size_t i)
{
    unsigned char c = (unsigned char)text[i];

    if (c == '\0')
        return "there is a NUL octet: this is no text file";
    if (i == 0 && n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        return "the file begins with a byte order mark: save it without";
    if (i == 0 && n >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0))
        return "the file is UTF-16: save it as plain text or UTF-8";
    if ((c < ' ' && c != '\t' && c != '\n') || c == 0x7F)
        return "there is a control character";
    return NULL;
}

bool scan_octets(struct scan *sc)
{
    size_t i, begin = 0;

    sc->n = without_cr(sc->text, sc->n);
    sc->line = 1;
    for (i = 0; i < sc->n; i++) {
        const char *fault = octet_fault(sc->text, sc->n, i);

        if (i - begin > SETTINGS_LINE_MAX)
            fault = "the line is longer than 4096 octets";
        if (fault != NULL) {
            scan_bad(sc, sc->line, fault);
            return false;
        }
        if (sc->text[i] == '\n') {
            begin = i + 1;
            sc->line++;
        }
    }
    sc->line = 1;
    return true;
}
