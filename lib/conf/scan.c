/* A look over a configuration text before libconfuse reads it.
 *
 * libconfuse 3.3 stops at the first fault, miscounts lines behind comments, takes the
 * last of two equal keys (that `+=` adds to a list each time is meant), drops stray characters in
 * silence, fills in environment variables, cuts a string at \0, and after an unclosed string or
 * comment reads the next file wrongly. So what is on that list is found here, with the right line,
 * and comments and reported statements are blanked. Values and all else about the syntax are
 * libconfuse's.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/scan.h"

#include "value/ascii.h"

#include <stdlib.h>
#include <string.h>

/* How a statement is written. */
enum form { SHAPE_LOST, SHAPE_VALUE, SHAPE_LIST, SHAPE_CALL, SHAPE_SECTION, SHAPE_TITLED };

static bool is_mark(const struct token *t, char mark)
{
    return t->kind == TOKEN_MARK && t->mark == mark;
}

/* The text of a word without its quotes, cut to size; escapes stay, as no key
 * or rule name holds one. */
static void word_text(const struct scan *sc, const struct token *t, char *buf, size_t size)
{
    size_t n = t->end - t->start, from = t->start;

    if (sc->text[from] == '"' || sc->text[from] == '\'') {
        from++;
        n -= 2;
    }
    if (n >= size)
        n = size - 1;
    memcpy(buf, sc->text + from, n);
    buf[n] = '\0';
}

static enum form list_rest(struct scan *sc)
{
    struct token t;

    do {
        t = scan_next(sc);
        if (t.kind != TOKEN_WORD && !is_mark(&t, ',') && !is_mark(&t, '}'))
            return SHAPE_LOST;
    } while (!is_mark(&t, '}'));
    return SHAPE_LIST;
}

/* One text and the closing parenthesis. Anything else is kept from libconfuse, which
 * loses memory over it. */
static enum form call_rest(struct scan *sc, int line)
{
    struct token text = scan_next(sc), close = scan_next(sc);

    if (text.kind == TOKEN_WORD && is_mark(&close, ')'))
        return SHAPE_CALL;
    if (!sc->unsafe)
        scan_bad(sc, line, "parentheses are written include(\"FILE\")");
    return SHAPE_LOST;
}

/* Reads on behind a key: to the end of the statement, or behind the brace that
 * opens a section. */
static enum form shape_rest(struct scan *sc, struct token *title)
{
    struct token t = scan_next(sc);

    sc->adds = is_mark(&t, '+');
    if (is_mark(&t, '=') || sc->adds) {
        t = scan_next(sc);
        if (t.kind == TOKEN_WORD)
            return SHAPE_VALUE;
        return is_mark(&t, '{') ? list_rest(sc) : SHAPE_LOST;
    }
    if (is_mark(&t, '('))
        return call_rest(sc, t.line);
    if (is_mark(&t, '{'))
        return SHAPE_SECTION;
    if (t.kind != TOKEN_WORD)
        return SHAPE_LOST;
    *title = t;
    t = scan_next(sc);
    return is_mark(&t, '{') ? SHAPE_TITLED : SHAPE_LOST;
}

static void skip_section(struct scan *sc)
{
    int depth = 1;
    struct token t;

    while (depth > 0) {
        t = scan_next(sc);
        if (t.kind == TOKEN_END || t.kind == TOKEN_BAD) {
            sc->lost = true;
            return;
        }
        depth += is_mark(&t, '{') - is_mark(&t, '}');
    }
}

const struct seen *settings_seen(const struct reader *rd, const char *shown)
{
    size_t i;

    for (i = 0; i < rd->seens; i++)
        if (strcmp(rd->seen[i].shown, shown) == 0)
            return &rd->seen[i];
    return NULL;
}

/* A file is looked over before those that it includes are read: has `s` been met, but stands
 * behind the include() that has led here? */
static bool is_to_come(const struct reader *rd, const struct seen *s)
{
    unsigned i;

    for (i = 1; i < rd->depth; i++)
        if (rd->stack[i - 1].file == s->file && s->line >= rd->stack[i].line)
            return true;
    return false;
}

/* What one statement does to another of the same key, or NULL. */
static const char *clash(const struct scan *sc, const struct seen *before)
{
    bool later = is_to_come(sc->rd, before);

    if (sc->adds)
        return later && !before->added ? "added here, but undone by the =" : NULL;
    if (!before->added)
        return "set twice, first";
    return later ? NULL : "the = here undoes the +=";
}

/* False when it clashes with one that was seen before. Of the `+=` in a file the first
 * stands for all. */
static bool note_seen(struct scan *sc, const char *shown, int line)
{
    struct reader *rd = sc->rd;
    struct seen *grown;
    size_t i;

    for (i = 0; i < rd->seens; i++) {
        const struct seen *before = &rd->seen[i];
        const char *fault = strcmp(before->shown, shown) == 0 ? clash(sc, before) : NULL;

        if (fault != NULL) {
            settings_fault(rd, sc->file, line, shown, "%s at %s:%d", fault, before->file,
                           before->line);
            return false;
        }
        if (sc->adds && before->added && before->file == sc->file &&
            strcmp(before->shown, shown) == 0)
            return true;
    }
    grown = realloc(rd->seen, (rd->seens + 1) * sizeof *grown);
    if (grown != NULL) {
        rd->seen = grown;
        grown[rd->seens] = (struct seen){strdup(shown), sc->file, line, sc->adds};
        if (grown[rd->seens].shown != NULL) {
            rd->seens++;
            return true;
        }
    }
    rd->out_of_memory = true;
    return true;
}

/* Where a statement stands: section name, and how its keys are shown. */
struct place {
    const char *section; /* "" top level */
    char prefix[SETTINGS_SHOWN_MAX];
    int line;
};

static void body(struct scan *sc, const struct place *place);

static bool wrong_shape(struct scan *sc, const char *shown, int line, const char *how)
{
    settings_fault(sc->rd, sc->file, line, shown, "is written %s", how);
    return false;
}

static bool option_fits(struct scan *sc, const struct option *o, const char *shown, int line,
                        enum form shape)
{
    char how[SETTINGS_SHOWN_MAX];

    if (o->kind->list ? shape == SHAPE_VALUE || shape == SHAPE_LIST
                      : shape == SHAPE_VALUE && !sc->adds)
        return note_seen(sc, shown, line);
    snprintf(how, sizeof how, o->kind->list ? "%s = {\"A\", \"B\"}" : "%s = VALUE", o->key);
    return wrong_shape(sc, shown, line, how);
}

static const char *rule_name_fault(struct scan *sc, const struct token *t, char *name, size_t size)
{
    size_t i;

    word_text(sc, t, name, size);
    if (name[0] == '\0')
        return "a rule needs a name";
    if (t->end - t->start > RULE_NAME_MAX + 1 || strlen(name) >= RULE_NAME_MAX)
        return "the name is longer than 32 characters";
    for (i = 0; name[i] != '\0'; i++)
        if (!ascii_alnum((unsigned char)name[i]) && strchr("-_.", name[i]) == NULL)
            return "a rule name is made of letters, digits, hyphen, underscore and dot";
    if (strcmp(name, "exempt.hosts") == 0 || strcmp(name, "exempt.recipients") == 0)
        return "the name stands for the exemption";
    if (sc->rd->rules == RULES_MAX)
        return "more than 64 rules";
    return NULL;
}

static bool rule_fits(struct scan *sc, const struct token *title, struct place *inner)
{
    char name[RULE_NAME_MAX + 2], shown[SETTINGS_SHOWN_MAX];
    const char *fault = rule_name_fault(sc, title, name, sizeof name);

    if (fault != NULL) {
        settings_fault(sc->rd, sc->file, title->line, NULL, "rule \"%s\": %s", name, fault);
        return false;
    }
    snprintf(shown, sizeof shown, "rule \"%s\"", name);
    if (!note_seen(sc, shown, title->line))
        return false;
    sc->rd->rules++;
    snprintf(inner->prefix, sizeof inner->prefix, "rule \"%s\": ", name);
    return true;
}

static bool section_fits(struct scan *sc, const char *key, const struct token *title,
                         enum form shape, struct place *inner)
{
    char how[SETTINGS_SHOWN_MAX];
    bool rule = strcmp(key, "rule") == 0;

    inner->section = settings_section(key);
    if (shape != (rule ? SHAPE_TITLED : SHAPE_SECTION)) {
        snprintf(how, sizeof how, rule ? "%s \"NAME\" { ... }" : "%s { ... }", key);
        return wrong_shape(sc, key, inner->line, how);
    }
    if (rule)
        return rule_fits(sc, title, inner);
    snprintf(inner->prefix, sizeof inner->prefix, "%s.", key);
    return true;
}

static void unknown_key(struct scan *sc, const struct place *place, const char *key, int line)
{
    char shown[2 * SETTINGS_SHOWN_MAX], buf[SETTINGS_SHOWN_MAX];
    const char *meant = settings_meant(place->section, key, buf, sizeof buf);

    snprintf(shown, sizeof shown, "%s%s", place->prefix, key);
    settings_fault(sc->rd, sc->file, line, NULL, "%s: no such key%s%s", shown,
                   meant == NULL ? "" : "; ", meant == NULL ? "" : meant);
}

/* May the statement stay? Reports when not. */
static bool statement_fits(struct scan *sc, const struct place *place, const char *key, int line,
                           enum form shape, const struct token *title, struct place *inner)
{
    const struct option *o = settings_find(place->section, key);
    bool top = place->section[0] == '\0';
    char shown[2 * SETTINGS_SHOWN_MAX];

    if (o != NULL) {
        snprintf(shown, sizeof shown, "%s%s", place->prefix, key);
        return option_fits(sc, o, shown, line, shape);
    }
    if (top && settings_section(key) != NULL)
        return section_fits(sc, key, title, shape, inner);
    if (top && strcmp(key, "include") == 0)
        return shape == SHAPE_CALL || wrong_shape(sc, key, line, "include(\"FILE\")");
    unknown_key(sc, place, key, line);
    return false;
}

static bool known(const struct place *place, const char *key)
{
    bool top = place->section[0] == '\0';

    return settings_find(place->section, key) != NULL ||
           (top && (settings_section(key) != NULL || strcmp(key, "include") == 0));
}

static void statement(struct scan *sc, const struct place *place, const struct token *t)
{
    struct token title = {TOKEN_END, 0, 0, 0, 0};
    struct place inner = {.line = t->line};
    char key[SETTINGS_SHOWN_MAX / 2];
    enum form shape;
    bool fits;

    word_text(sc, t, key, sizeof key);
    shape = shape_rest(sc, &title);
    if (sc->unsafe)
        return;
    if (shape == SHAPE_LOST) {
        sc->lost = true;
        if (!known(place, key))
            unknown_key(sc, place, key, t->line);
        return;
    }
    fits = statement_fits(sc, place, key, t->line, shape, &title, &inner);
    if (fits && inner.section != NULL)
        body(sc, &inner);
    else if (shape == SHAPE_SECTION || shape == SHAPE_TITLED)
        skip_section(sc);
    if (!fits && !sc->lost)
        scan_blank(sc, t->start, sc->at);
}

static void body(struct scan *sc, const struct place *place)
{
    bool top = place->section[0] == '\0';

    while (!sc->lost) {
        struct token t = scan_next(sc);

        if (t.kind == TOKEN_END && !top)
            scan_bad(sc, place->line, "the section that begins here is not closed with }");
        if (t.kind == TOKEN_END || t.kind == TOKEN_BAD || (!top && is_mark(&t, '}')))
            return;
        if (t.kind == TOKEN_WORD)
            statement(sc, place, &t);
        else
            sc->lost = true;
    }
}

bool settings_scan(struct reader *rd, const char *file, char *text, size_t n)
{
    struct scan sc = {.rd = rd, .file = file, .text = text, .n = n};
    struct place top = {.section = ""};

    if (scan_octets(&sc))
        body(&sc, &top);
    while (!sc.unsafe && sc.at < sc.n) /* lost: the rest must be safe all the same */
        scan_next(&sc);
    return !sc.unsafe;
}
