/* Stamps of log lines: see stamp.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* timegm */
#endif

#include "check/log/stamp.h"

#include "value/ascii.h"

#include <time.h>

/* `digits` decimal digits, or -1. */
static int number(const char *s, unsigned digits)
{
    int v = 0;

    while (digits-- > 0) {
        if (!ascii_digit((unsigned char)*s))
            return -1;
        v = v * 10 + (*s++ - '0');
    }
    return v;
}

static bool clock_time(struct log_stamp *stamp, const char *s)
{
    int hour = number(s, 2), minute = number(s + 3, 2), second = number(s + 6, 2);

    if (s[2] != ':' || s[5] != ':' || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
        second < 0 || second > 60)
        return false;
    stamp->hour = (uint8_t)hour;
    stamp->minute = (uint8_t)minute;
    stamp->second = (uint8_t)second;
    return true;
}

static bool calendar_date(struct log_stamp *stamp, int year, int month, int day)
{
    if (year < 0 || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    stamp->year = (uint16_t)year;
    stamp->month = (uint8_t)month;
    stamp->day = (uint8_t)day;
    return true;
}

static int month_of(const char *s)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int i;

    for (i = 0; i < 12; i++)
        if (memcmp(names + 3 * i, s, 3) == 0)
            return i + 1;
    return 0;
}

/* "Nov 21 10:15:42 " (RFC 3164), or with a fraction after the seconds. */
static bool read_bsd(struct log_stamp *stamp, struct log_text *t)
{
    int month, day;

    if (t->n < 16 || t->s[3] != ' ' || t->s[6] != ' ' || (t->s[15] != ' ' && t->s[15] != '.'))
        return false;
    month = month_of(t->s);
    day = t->s[4] == ' ' ? number(t->s + 5, 1) : number(t->s + 4, 2);
    if (!clock_time(stamp, t->s + 7) || !calendar_date(stamp, 0, month, day))
        return false;
    *t = text_from(t, 15);
    text_until(t, ' ');
    return true;
}

/* "2026-11-21T10:15:42.123+01:00 " (RFC 3339), or with a space for the T. */
static bool read_iso(struct log_stamp *stamp, struct log_text *t)
{
    if (t->n < 20 || t->s[4] != '-' || t->s[7] != '-' || (t->s[10] != 'T' && t->s[10] != ' '))
        return false;
    if (!clock_time(stamp, t->s + 11) ||
        !calendar_date(stamp, number(t->s, 4), number(t->s + 5, 2), number(t->s + 8, 2)))
        return false;
    *t = text_from(t, 19);
    text_until(t, ' ');
    return true;
}

/* "Fri 2026-11-20 10:15:40 UTC " of journalctl -o short-full. */
static bool read_full(struct log_stamp *stamp, struct log_text *t)
{
    struct log_text rest = text_from(t, 4);

    if (t->n < 4 || t->s[3] != ' ' || !read_iso(stamp, &rest))
        return false;
    text_until(&rest, ' ');
    *t = rest;
    return true;
}

bool stamp_read(struct log_stamp *stamp, struct log_text *t)
{
    return read_bsd(stamp, t) || read_iso(stamp, t) || read_full(stamp, t);
}

int64_t stamp_seconds(const struct log_stamp *stamp)
{
    struct tm tm = {
        .tm_year = stamp->year - 1900,
        .tm_mon = stamp->month - 1,
        .tm_mday = stamp->day,
        .tm_hour = stamp->hour,
        .tm_min = stamp->minute,
        .tm_sec = stamp->second,
    };

    return stamp->month == 0 || stamp->year < 1970 ? 0 : (int64_t)timegm(&tm);
}

/* The clock on the wall as if it were UTC, as stamps are read. */
static int64_t wall(int64_t now)
{
    time_t clock = (time_t)now;
    struct tm tm;

    return localtime_r(&clock, &tm) != NULL ? (int64_t)timegm(&tm) : now;
}

int64_t stamp_given(const char *text, int64_t now)
{
    size_t n = strlen(text), digits = strspn(text, "0123456789");
    struct log_stamp stamp = {.month = 0};
    char clock[] = "00:00:00";
    time_t at;
    struct tm tm;

    if (digits > 0 && digits <= 5 && strcmp(text + digits, "d") == 0)
        return wall(now) - 86400 * (int64_t)number(text, (unsigned)digits);
    if ((n != 10 && n != 16) || text[4] != '-' || text[7] != '-' || (n == 16 && text[10] != 'T'))
        return 0;
    if (n == 16)
        memcpy(clock, text + 11, 5);
    if (!clock_time(&stamp, clock) ||
        !calendar_date(&stamp, number(text, 4), number(text + 5, 2), number(text + 8, 2)))
        return 0;
    at = (time_t)stamp_seconds(&stamp);
    return gmtime_r(&at, &tm) != NULL && tm.tm_mday == stamp.day ? (int64_t)at : 0;
}
