/* Kinds of options that stand in rules: see rules.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/rules.h"

#include "judge/reply.h"
#include "value/ascii.h"
#include "value/nearest.h"

#include <string.h>
#include <time.h>

static void word_fault(const struct input *in, const config_setting_t *v, const char *word)
{
    struct nearest near = {.word = word + (word[0] == '!')};
    const char *best;
    int f;

    near.n = strlen(near.word);
    for (f = 0; f < F_COUNT; f++)
        nearest_consider(&near, finding_word((enum finding)f));
    best = near.best;
    conf_fault(in->rd, in->file, config_setting_source_line(v), in->shown,
               "unknown finding \"%.80s\"%s%s%s%s", word, best == NULL ? "" : "; did you mean ",
               best != NULL && word[0] == '!' ? "!" : "", best == NULL ? "" : best,
               best == NULL ? "" : "?");
}

static void words_read(struct rule *r, const struct input *in,
                       bool (*add)(struct rule *, const char *, size_t))
{
    int i, n = kind_length(in);

    for (i = 0; i < n; i++) {
        const config_setting_t *v = config_setting_get_elem(in->node, (unsigned)i);
        const char *word = kind_string(in, v);

        if (word != NULL && !add(r, word, strlen(word)))
            word_fault(in, v, word);
    }
}

static void when_read(void *where, const struct option *o, const struct input *in)
{
    (void)o;
    words_read(where, in, rule_add_when);
}

static void any_read(void *where, const struct option *o, const struct input *in)
{
    (void)o;
    words_read(where, in, rule_add_any);
}

static void words_print(findings there, findings absent, FILE *out)
{
    const char *comma = "";
    int f;

    fputc('[', out);
    for (f = 0; f < F_COUNT; f++)
        if ((there | absent) & FINDING(f)) {
            fprintf(out, "%s\"%s%s\"", comma, absent & FINDING(f) ? "!" : "",
                    finding_word((enum finding)f));
            comma = ", ";
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

static void reply_option_read(void *where, const struct option *o, const struct input *in)
{
    const char *text = kind_string(in, in->node), *fault = NULL;

    (void)o;
    if (text != NULL && text[0] != '\0')
        fault = reply_read(where, text, strlen(text));
    if (fault != NULL)
        conf_fault(in->rd, in->file, config_setting_source_line(in->node), in->shown, "%s", fault);
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
    const char *text = kind_string(in, in->node);
    int64_t day, end;

    (void)o;
    if (text == NULL || text[0] == '\0')
        return;
    if (!date_read(text, &day)) {
        kind_fault(in, in->node, "is not a date such as 2027-01-31");
        return;
    }
    end = (day + 1) * 86400;
    memcpy(where, &end, sizeof end);
    if (end <= (int64_t)time(NULL))
        conf_note(in->rd, in->file, config_setting_source_line(in->node), in->shown,
                  "note: %s is over, so the rule no longer matches", text);
}

static bool expires_unset(const void *where)
{
    int64_t end;

    memcpy(&end, where, sizeof end);
    return end == 0;
}

static void expires_print(const void *where, const struct option *o, FILE *out)
{
    int64_t end;
    time_t day;
    struct tm tm = {0};

    (void)o;
    memcpy(&end, where, sizeof end);
    day = (time_t)(end - 86400);
    gmtime_r(&day, &tm);
    fprintf(out, "\"%04d-%02d-%02d\"", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

/* For readers of the file only. */
static void comment_read(void *where, const struct option *o, const struct input *in)
{
    (void)where;
    (void)o;
    kind_string(in, in->node);
}

static bool comment_unset(const void *where)
{
    (void)where;
    return true;
}

const struct kind kind_when = {when_read, when_print, NULL, when_unset};
const struct kind kind_any = {any_read, any_print, NULL, any_unset};
const struct kind kind_reply = {reply_option_read, reply_print, NULL, reply_unset};
const struct kind kind_expires = {expires_read, expires_print, NULL, expires_unset};
const struct kind kind_comment = {comment_read, NULL, NULL, comment_unset};
