/* Kinds of options in rules: see kinds.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/kinds.h"

#include "judge/reply.h"
#include "value/ascii.h"
#include "value/nearest.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *unknown_word(struct value *v)
{
    const char *word = v->text + (v->text[0] == '!');
    struct nearest near = {.word = word, .n = strlen(word)};
    int f;

    for (f = 0; f < F_COUNT; f++)
        nearest_consider(&near, finding_word((enum finding)f));
    snprintf(v->what, sizeof v->what, "is an unknown finding%s%s%s%s",
             near.best == NULL ? "" : "; did you mean ",
             near.best != NULL && v->text[0] == '!' ? "!" : "", near.best == NULL ? "" : near.best,
             near.best == NULL ? "" : "?");
    return v->what;
}

static const char *when_take(void *where, const struct option *o, struct value *v)
{
    (void)o;
    return rule_add_when(where, v->text, strlen(v->text)) ? NULL : unknown_word(v);
}

static const char *any_take(void *where, const struct option *o, struct value *v)
{
    (void)o;
    return rule_add_any(where, v->text, strlen(v->text)) ? NULL : unknown_word(v);
}

static void words_print(findings there, findings absent, FILE *out)
{
    const char *before = "[";
    int f;

    for (f = 0; f < F_COUNT; f++)
        if ((there | absent) & FINDING(f)) {
            fprintf(out, "%s\"%s%s\"", before, absent & FINDING(f) ? "!" : "",
                    finding_word((enum finding)f));
            before = ", ";
        }
    fputc(']', out);
}

static void when_print(const void *where, const struct option *o, FILE *out)
{
    const struct rule *r = where;

    (void)o;
    words_print(r->all, r->none, out);
}

static void any_print(const void *where, const struct option *o, FILE *out)
{
    const struct rule *r = where;

    (void)o;
    words_print(r->any, r->lacks, out);
}

static bool when_unset(const void *where)
{
    const struct rule *r = where;

    return (r->all | r->none) == 0;
}

static bool any_unset(const void *where)
{
    const struct rule *r = where;

    return (r->any | r->lacks) == 0;
}

static const char *reply_take(void *where, const struct option *o, struct value *v)
{
    (void)o;
    return v->text[0] == '\0' ? NULL : reply_read(where, v->text, strlen(v->text));
}

static void reply_print(const void *where, const struct option *o, FILE *out)
{
    const struct reply *r = where;
    char text[8 + REPLY_XCODE_MAX + REPLY_TEXT_MAX];

    (void)o;
    snprintf(text, sizeof text, "%03u %s %s", r->code, r->xcode, r->text);
    kind_quote(text, out);
}

static bool reply_unset(const void *where)
{
    return ((const struct reply *)where)->code == 0;
}

int64_t kind_day_end(const char *s)
{
    static const char form[] = "yyyy-mm-dd";
    struct tm tm = {.tm_hour = 24}, back;
    time_t end;
    size_t i;

    for (i = 0; form[i] != '\0'; i++) {
        int *part = form[i] == 'y' ? &tm.tm_year : form[i] == 'm' ? &tm.tm_mon : &tm.tm_mday;

        if (form[i] == '-' ? s[i] != '-' : !ascii_digit((unsigned char)s[i]))
            return 0;
        if (form[i] != '-')
            *part = 10 * *part + (s[i] - '0');
    }
    if (s[i] != '\0')
        return 0;
    tm.tm_year -= 1900;
    tm.tm_mon--;
    back = tm;
    end = timegm(&back);
    gmtime_r(&(time_t){end - 86400}, &back);
    return tm.tm_year >= 70 && back.tm_mon == tm.tm_mon && back.tm_mday == tm.tm_mday ? end : 0;
}

static const char *expires_take(void *where, const struct option *o, struct value *v)
{
    int64_t *end = where;

    (void)o;
    if (v->text[0] == '\0')
        return NULL;
    *end = kind_day_end(v->text);
    v->over = *end != 0 && *end <= (int64_t)time(NULL);
    return *end == 0 ? "is not a date such as 2027-01-31" : NULL;
}

static void expires_print(const void *where, const struct option *o, FILE *out)
{
    const int64_t *end = where;
    char day[16] = "";
    struct tm tm;

    (void)o;
    if (gmtime_r(&(time_t){*end - 86400}, &tm) != NULL)
        strftime(day, sizeof day, "%Y-%m-%d", &tm);
    kind_quote(day, out);
}

static bool expires_unset(const void *where)
{
    return *(const int64_t *)where == 0;
}

/* For readers of the file only. */
static const char *comment_take(void *where, const struct option *o, struct value *v)
{
    (void)where;
    (void)o;
    (void)v;
    return NULL;
}

static bool comment_unset(const void *where)
{
    (void)where;
    return true;
}

const struct kind kind_when = {TAKES_LIST, when_take, when_print, NULL, when_unset};
const struct kind kind_any = {TAKES_LIST, any_take, any_print, NULL, any_unset};
const struct kind kind_reply = {TAKES_TEXT, reply_take, reply_print, NULL, reply_unset};
const struct kind kind_expires = {TAKES_TEXT, expires_take, expires_print, NULL, expires_unset};
const struct kind kind_comment = {TAKES_TEXT, comment_take, NULL, NULL, comment_unset};
