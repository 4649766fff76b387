/* Kinds of options that stand in rules.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/impl.h"

#include "judge/reply.h"
#include "value/ascii.h"

#include <string.h>
#include <time.h>

static const char *word_meant(const char *word)
{
    const char *best = NULL;
    unsigned distance = SETTINGS_FAR;
    int f;

    for (f = 0; f < F_COUNT; f++) {
        const char *candidate = finding_word((enum finding)f);
        unsigned d = settings_distance(word, candidate);

        if (d < distance) {
            distance = d;
            best = candidate;
        }
    }
    return best;
}

static void when_read(void *where, const struct option *o, const struct input *in)
{
    struct rule *r = where;
    size_t i;

    (void)o;
    for (i = 0; i < in->n; i++) {
        const char *word = in->v[i]->text;
        const char *meant;

        if (rule_add_word(r, word, strlen(word)))
            continue;
        meant = word_meant(word + (word[0] == '!'));
        settings_fault(in->rd, in->v[i]->file, in->v[i]->line, in->shown,
                       "\"%.80s\" is no finding%s%s%s%s", word,
                       meant == NULL ? "" : "; did you mean ",
                       meant != NULL && word[0] == '!' ? "!" : "", meant == NULL ? "" : meant,
                       meant == NULL ? "" : "?");
    }
}

static void words_print(findings set, const char *sign, const char **comma, FILE *out)
{
    int f;

    for (f = 0; f < F_COUNT; f++)
        if (set & FINDING(f)) {
            fprintf(out, "%s\"%s%s\"", *comma, sign, finding_word((enum finding)f));
            *comma = ", ";
        }
}

static void when_print(const void *where, const struct option *o, FILE *out)
{
    const struct rule *r = where;
    const char *comma = "";

    (void)o;
    fputc('{', out);
    words_print(r->all, "", &comma, out);
    words_print(r->none, "!", &comma, out);
    fputc('}', out);
}

static void reply_option_read(void *where, const struct option *o, const struct input *in)
{
    const struct value *v = in->v[0];
    const char *fault = NULL;

    (void)o;
    if (v->text[0] != '\0')
        fault = reply_read(where, v->text, strlen(v->text));
    if (fault != NULL)
        settings_fault(in->rd, v->file, v->line, in->shown, "%s", fault);
}

static void reply_print(const void *where, const struct option *o, FILE *out)
{
    const struct reply *r = where;
    char text[8 + REPLY_XCODE_MAX + REPLY_TEXT_MAX];

    (void)o;
    snprintf(text, sizeof text, "%03u %s %s", r->code, r->xcode, r->text);
    settings_quote(r->code == 0 ? "" : text, out);
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from March,
 * so that the leap day comes last. */
static int64_t days(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return 365 * y + y / 4 - y / 100 + y / 400 + in_year - 719468;
}

static int two_digits(const char *s)
{
    return (s[0] - '0') * 10 + s[1] - '0';
}

/* YYYY-MM-DD, a day that exists. */
static bool date_read(const char *s, int64_t *out)
{
    static const char form[] = "dddd-dd-dd";
    int year, month, day;
    size_t i;

    if (strlen(s) != sizeof form - 1)
        return false;
    for (i = 0; form[i] != '\0'; i++)
        if (form[i] == 'd' ? !ascii_digit((unsigned char)s[i]) : s[i] != form[i])
            return false;
    year = two_digits(s) * 100 + two_digits(s + 2);
    month = two_digits(s + 5);
    day = two_digits(s + 8);
    if (year < 1970 || month < 1 || month > 12 || day < 1)
        return false;
    *out = days(year, month, day);
    return month == 12 ? day <= 31 : *out < days(year, month + 1, 1);
}

static void expires_read(void *where, const struct option *o, const struct input *in)
{
    const struct value *v = in->v[0];
    int64_t day, end;

    (void)o;
    if (v->text[0] == '\0')
        return;
    if (!date_read(v->text, &day)) {
        settings_fault(in->rd, v->file, v->line, in->shown,
                       "\"%.80s\" is not a date such as 2027-01-31", v->text);
        return;
    }
    end = (day + 1) * 86400;
    memcpy(where, &end, sizeof end);
    if (end <= (int64_t)time(NULL))
        settings_note(in->rd, v->file, v->line, in->shown,
                      "note: %s is over, so the rule no longer holds", v->text);
}

static void expires_print(const void *where, const struct option *o, FILE *out)
{
    int64_t end;
    time_t day;
    struct tm tm;

    (void)o;
    memcpy(&end, where, sizeof end);
    day = (time_t)(end - 86400);
    if (end == 0 || gmtime_r(&day, &tm) == NULL)
        fputs("\"\"", out);
    else
        fprintf(out, "\"%04d-%02d-%02d\"", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

/* For readers of the file only. */
static void comment_read(void *where, const struct option *o, const struct input *in)
{
    (void)where;
    (void)o;
    (void)in;
}

static void comment_print(const void *where, const struct option *o, FILE *out)
{
    (void)where;
    (void)o;
    fputs("\"\"", out);
}

const struct kind kind_when = {true, when_read, when_print, NULL};
const struct kind kind_reply = {false, reply_option_read, reply_print, NULL};
const struct kind kind_expires = {false, expires_read, expires_print, NULL};
const struct kind kind_comment = {false, comment_read, comment_print, NULL};
