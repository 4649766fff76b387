/* One look over a configuration text: see scan.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/scan.h"

#include "value/ascii.h"

#include <limits.h>
#include <string.h>

/* ITEM: an element after a comma, else as VALUE. */
enum { EXPECT_NAME, EXPECT_EQUALS, EXPECT_END, EXPECT_VALUE, EXPECT_ITEM };

/* "resolver.deadline" of a name, or "" for none. */
static const char *path(const struct scan *sc, int key, char buf[KEY_SHOWN_MAX])
{
    const char *part[SCAN_DEPTH_MAX + 1];
    size_t len[SCAN_DEPTH_MAX + 1], n = 0, used = 0;

    for (; key >= 0 && n <= SCAN_DEPTH_MAX; key = sc->name[key].parent) {
        part[n] = sc->text + sc->name[key].at;
        len[n++] = sc->name[key].len;
    }
    buf[0] = '\0';
    while (n-- > 0 && used < KEY_SHOWN_MAX)
        used += (size_t)snprintf(buf + used, KEY_SHOWN_MAX - used, "%.*s%s", (int)len[n], part[n],
                                 n > 0 ? "." : "");
    return buf;
}

/* what: a sentence; shown: n octets of the text before it, or NULL. */
static void tell_shown(struct scan *sc, int line, int key, const char *shown, size_t n,
                       const char *what)
{
    char buf[KEY_SHOWN_MAX];

    if (sc->tolds == SCAN_TOLD_MAX) {
        sc->unfit = sc->stopped = true;
        return;
    }
    sc->told[sc->tolds].line = line;
    sc->told[sc->tolds++].key = key;
    conf_fault(sc->rd, sc->file, line, key < 0 ? NULL : path(sc, key, buf), "%.*s%s%s",
               (int)(n > 80 ? 80 : n), shown == NULL ? "" : shown, shown == NULL ? "" : " ", what);
}

static void tell(struct scan *sc, int line, int key, const char *what)
{
    tell_shown(sc, line, key, NULL, 0, what);
}

/* The text is nothing for libconfig, and nothing after this makes sense. */
static void give_up(struct scan *sc, int line, int key, const char *what)
{
    tell(sc, line, key, what);
    sc->unfit = sc->stopped = true;
}

/* ---- octets ---- */

static const char *octet_fault(const char *text, size_t n, size_t i)
{
    unsigned char c = (unsigned char)text[i];

    if (c == '\0')
        return "there is a NUL octet: this is not a text file";
    if (c == '\r' && i + 1 < n && text[i + 1] == '\n')
        return NULL;
    return (c < ' ' && c != '\n' && c != '\t') || c == 0x7f ? "there is a control character" : NULL;
}

/* All lines with such an octet are reported; none of them may reach libconfig. */
static void scan_octets(struct scan *sc)
{
    int line = 1, last = 0;
    size_t i;

    if (strncmp(sc->text, "\xef\xbb\xbf", 3) == 0)
        give_up(sc, 1, -1, "the file begins with a byte order mark: save it without");
    for (i = 0; i < sc->n; i++) {
        const char *fault = octet_fault(sc->text, sc->n, i);

        if (fault != NULL && line != last) {
            give_up(sc, line, -1, fault);
            last = line;
        }
        line += sc->text[i] == '\n';
    }
}

/* ---- spaces and comments ---- */

static void skip_line(struct scan *sc)
{
    while (sc->text[sc->at] != '\n')
        sc->at++;
}

static void skip_comment(struct scan *sc)
{
    int begun = sc->line;

    for (sc->at += 2; sc->at < sc->n; sc->at++) {
        if (sc->text[sc->at] == '*' && sc->text[sc->at + 1] == '/') {
            sc->at += 2;
            return;
        }
        sc->line += sc->text[sc->at] == '\n';
    }
    give_up(sc, begun, -1, "the comment that begins here is not closed with */");
}

/* Moves to the next octet that counts; false at the end. */
static bool next(struct scan *sc)
{
    while (sc->at < sc->n && !sc->stopped) {
        const char *s = sc->text + sc->at;

        if (s[0] == '#' || (s[0] == '/' && s[1] == '/'))
            skip_line(sc);
        else if (s[0] == '/' && s[1] == '*')
            skip_comment(sc);
        else if (s[0] != ' ' && s[0] != '\t' && s[0] != '\r' && s[0] != '\n')
            return true;
        else
            sc->line += sc->text[sc->at++] == '\n';
    }
    return false;
}

/* ---- names ---- */

static bool name_octet(char c)
{
    return ascii_alnum((unsigned char)c) || c == '-' || c == '_' || c == '*';
}

static int first_of_name(const struct scan *sc, const struct scan_name *name)
{
    int i;

    for (i = 0; i < sc->names; i++)
        if (sc->name[i].parent == name->parent && sc->name[i].len == name->len &&
            memcmp(sc->text + sc->name[i].at, sc->text + name->at, name->len) == 0)
            return i;
    return -1;
}

static void mark_name(struct scan *sc, struct scan_name *name)
{
    char mark[SCAN_MARK + 1];

    snprintf(mark, sizeof mark, "*%04d", sc->names % 10000);
    memmove(sc->text + name->at + SCAN_MARK, sc->text + name->at, sc->n - name->at + 1);
    memcpy(sc->text + name->at, mark, SCAN_MARK);
    name->at += SCAN_MARK;
    sc->n += SCAN_MARK;
    sc->at += SCAN_MARK;
}

static void take_name(struct scan *sc)
{
    struct scan_name name = {.at = sc->at, .line = sc->line};
    int first;
    char what[64];

    while (name_octet(sc->text[sc->at]))
        sc->at++;
    name.len = sc->at - name.at;
    name.parent = sc->depth == 0 ? -1 : sc->open[sc->depth - 1].key;
    if (sc->names == SCAN_NAMES_MAX) {
        give_up(sc, sc->line, -1, "there are more than 2000 names");
        return;
    }
    first = first_of_name(sc, &name);
    if (first >= 0)
        mark_name(sc, &name);
    sc->key = sc->names;
    sc->name[sc->names++] = name;
    sc->expect = EXPECT_EQUALS;
    if (first < 0 && strchr("0123456789-_", sc->text[name.at]) != NULL)
        tell(sc, sc->line, sc->key, "a name begins with a letter");
    if (first < 0 && memchr(sc->text + name.at, '*', name.len) == NULL)
        return;
    snprintf(what, sizeof what, first < 0 ? "no such key" : "set twice, first in line %d",
             first < 0 ? 0 : sc->name[first].line);
    tell(sc, sc->line, sc->key, what);
}

/* ---- values ---- */

/* -?(0|[1-9][0-9]*), and an int. */
static bool plain_number(const char *s, size_t n)
{
    long long v = 0;
    size_t i = n > 0 && s[0] == '-', digits = n - i;

    if (digits == 0 || digits > 10 || (s[i] == '0' && digits > 1))
        return false;
    for (; i < n; i++) {
        if (!ascii_digit((unsigned char)s[i]))
            return false;
        v = v * 10 + (s[i] - '0');
    }
    return v <= INT_MAX;
}

/* Meant as a number: 1.5, 0x10, 010, 5L, 5 000; not 127.0.0.1. */
static bool like_number(const char *s, size_t n)
{
    const char *dot = memchr(s, '.', n);

    return strchr("0123456789+-.", s[0]) != NULL &&
           strspn(s, "0123456789+-.xXabcdefABCDEFlL \t,") >= n &&
           (dot == NULL || memchr(dot + 1, '.', n - (size_t)(dot + 1 - s)) == NULL);
}

/* Octets of a bare word. A number written in groups, 5 000 or 5,000, is one; but in a list a comma
 * separates. */
static size_t bare_length(const struct scan *sc, const char *s)
{
    static const char end[] = " \t\r\n;,}])\"#";
    bool in_list = sc->depth > 0 && sc->open[sc->depth - 1].bracket != '{';
    size_t n = strcspn(s, end), gap, digits;

    if (n == 0 || strspn(s, "-0123456789") < n)
        return n;
    for (;; n += gap + digits) {
        gap = s[n] == ',' && !in_list ? 1 : strspn(s + n, " \t");
        digits = strspn(s + n + gap, "0123456789");
        if (gap == 0 || digits == 0 || strchr(end, s[n + gap + digits]) == NULL)
            return n;
    }
}

/* What cannot be a value is reported, and libconfig gets an empty text there, to read on. */
static void take_bare(struct scan *sc)
{
    char *s = sc->text + sc->at;
    size_t n = bare_length(sc, s);

    n += n == 0; /* a bracket that does not belong here */
    sc->at += n;
    sc->expect = EXPECT_END;
    if (plain_number(s, n) || ascii_is_word(s, n, "true") || ascii_is_word(s, n, "false"))
        return;
    if (like_number(s, n))
        tell_shown(sc, sc->line, sc->key, s, n, "is not a plain whole number, such as 100");
    else if (ascii_is_word(s, n, "yes") || ascii_is_word(s, n, "no") || ascii_is_word(s, n, "on") ||
             ascii_is_word(s, n, "off"))
        tell_shown(sc, sc->line, sc->key, s, n, "is not a value; write true or false");
    else
        tell_shown(sc, sc->line, sc->key, s, n, "needs double quotes around it");
    memset(s, ' ', n);
    memcpy(s, n > 1 ? "\"\"" : "0", n > 1 ? 2 : 1);
}

static void string_place(struct scan *sc)
{
    bool in_group = sc->depth > 0 && sc->open[sc->depth - 1].bracket == '{';

    if (sc->expect == EXPECT_END)
        tell(sc, sc->line, sc->key, "a text follows another value directly; is a comma missing?");
    else if (sc->expect == EXPECT_NAME && in_group)
        tell(sc, sc->line, sc->key, "a list of texts is written in [ ], not { }");
    sc->expect = EXPECT_END;
}

static void take_string(struct scan *sc)
{
    bool escape = false;

    string_place(sc);
    for (sc->at++; sc->text[sc->at] != '"'; sc->at++) {
        if (sc->text[sc->at] == '\n') {
            give_up(sc, sc->line, sc->key, "a quote is not closed on its line");
            return;
        }
        if (sc->text[sc->at] != '\\')
            continue;
        sc->at++;
        escape |= sc->text[sc->at] != '\\' && sc->text[sc->at] != '"';
        sc->at -= sc->text[sc->at] == '\n';
    }
    sc->at++;
    if (escape)
        tell(sc, sc->line, sc->key, "only \\\\ and \\\" may follow a backslash");
}

/* ---- brackets ---- */

static void open_bracket(struct scan *sc, char c)
{
    if (sc->depth == SCAN_DEPTH_MAX) {
        give_up(sc, sc->line, -1, "brackets are more than 16 deep");
        return;
    }
    sc->open[sc->depth].bracket = c;
    sc->open[sc->depth].line = sc->line;
    sc->open[sc->depth++].key = sc->key;
    if (sc->key >= 0 && sc->name[sc->key].opened == 0) {
        sc->name[sc->key].opened = sc->line;
        sc->name[sc->key].bracket = c;
    }
    sc->expect = c == '{' ? EXPECT_NAME : EXPECT_VALUE;
    sc->at++;
}

static void close_bracket(struct scan *sc, char c)
{
    char open, what[80];

    sc->at++;
    if (sc->depth == 0) {
        tell_shown(sc, sc->line, -1, &c, 1, "without an opening bracket");
        return;
    }
    sc->depth--;
    open = sc->open[sc->depth].bracket;
    sc->key = sc->open[sc->depth].key;
    if (sc->key >= 0)
        sc->name[sc->key].closed = sc->line;
    snprintf(what, sizeof what, "does not close the %c of line %d", open, sc->open[sc->depth].line);
    if (strchr(open == '{' ? "}" : open == '[' ? "]" : ")", c) == NULL)
        tell_shown(sc, sc->line, sc->key, &c, 1, what);
    else if (sc->expect == EXPECT_ITEM)
        tell_shown(sc, sc->line, sc->key, ",", 1, "before the end of the list");
    sc->expect = EXPECT_END;
}

static void take_comma(struct scan *sc)
{
    bool in_list = sc->depth > 0 && sc->open[sc->depth - 1].bracket != '{';

    sc->at++;
    sc->expect = in_list ? EXPECT_ITEM : EXPECT_NAME;
}

/* A name without = is a fault; what is there instead is not looked at as a value. */
static bool lacks_equals(struct scan *sc, char c)
{
    if (sc->expect != EXPECT_EQUALS || c == '=' || c == ':')
        return false;
    tell(sc, sc->line, sc->key, "= is missing after the name");
    sc->expect = EXPECT_VALUE;
    if (strchr("\"{[(}]);,", c) != NULL)
        return false;
    sc->at += 1 + strcspn(sc->text + sc->at + 1, " \t\r\n;,}])\"#{");
    sc->expect = EXPECT_NAME;
    return true;
}

static void take(struct scan *sc)
{
    char c = sc->text[sc->at];

    if (lacks_equals(sc, c))
        return;
    if (c == '"')
        take_string(sc);
    else if (strchr("{[(", c) != NULL)
        open_bracket(sc, c);
    else if (strchr("}])", c) != NULL)
        close_bracket(sc, c);
    else if (c == ',' || c == ';')
        take_comma(sc);
    else if (c == '@' && sc->expect < EXPECT_VALUE)
        give_up(sc, sc->line, -1,
                "@include is not supported: put more files into the directory FILE.d");
    else if (sc->expect >= EXPECT_VALUE)
        take_bare(sc);
    else if (name_octet(c))
        take_name(sc);
    else {
        sc->expect = c == '=' || c == ':' ? EXPECT_VALUE : sc->expect;
        sc->at++;
    }
}

void scan_text(struct scan *sc, struct faults *rd, const char *file, char *text, size_t n)
{
    memset(sc, 0, sizeof *sc);
    sc->rd = rd;
    sc->file = file;
    sc->text = text;
    sc->n = n;
    sc->line = 1;
    sc->key = -1;
    scan_octets(sc);
    while (next(sc))
        take(sc);
    if (sc->expect == EXPECT_EQUALS && !sc->stopped)
        tell(sc, sc->name[sc->key].line, sc->key, "= is missing after the name");
}

bool scan_told(const struct scan *sc, int line, const char *key)
{
    char buf[KEY_SHOWN_MAX];
    unsigned i;

    for (i = 0; i < sc->tolds; i++)
        if (sc->told[i].line == line &&
            (key == NULL || strcmp(path(sc, sc->told[i].key, buf), key) == 0))
            return true;
    return false;
}

void scan_open_at(const struct scan *sc, int line, char *buf, size_t size)
{
    char shown[KEY_SHOWN_MAX];
    int i = sc->names;

    buf[0] = '\0';
    while (i-- > 0) {
        const struct scan_name *name = &sc->name[i];

        if (name->opened == 0 || name->opened > line || (name->closed != 0 && name->closed <= line))
            continue;
        snprintf(buf, size, "; the %c of %s, opened in line %d, is still open", name->bracket,
                 path(sc, i, shown), name->opened);
        return;
    }
}
