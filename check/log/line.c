/* Lines of mail logs: stamp, host and program; see logline.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem, memrchr */
#endif

#include "check/log/parts.h"

#define QID_MIN 5
#define QID_MAX 32

#define REPEATED_MAX 1000000

/* ---- pieces ---- */

size_t text_find(const struct log_text *t, const char *literal, size_t n)
{
    const char *hit = memmem(t->s, t->n, literal, n);

    return hit == NULL ? t->n : (size_t)(hit - t->s);
}

size_t text_find_last(const struct log_text *t, const char *literal, size_t n)
{
    size_t before = t->n < n ? 0 : t->n - n + 1;
    const char *hit;

    while ((hit = memrchr(t->s, literal[0], before)) != NULL) {
        before = (size_t)(hit - t->s);
        if (memcmp(hit, literal, n) == 0)
            return before;
    }
    return t->n;
}

struct log_text text_until(struct log_text *t, char c)
{
    const char *hit = memchr(t->s, c, t->n);
    struct log_text part = {t->s, hit == NULL ? t->n : (size_t)(hit - t->s)};

    *t = text_from(t, part.n + 1);
    return part;
}

bool text_bracketed(struct log_text *t, struct log_text *value)
{
    bool quoted = false;
    size_t i;

    if (t->n == 0 || t->s[0] != '<')
        return false;
    for (i = 1; i < t->n && (quoted || t->s[i] != '>'); i++)
        if (quoted && t->s[i] == '\\')
            i++;
        else if (t->s[i] == '"')
            quoted = !quoted;
    if (i >= t->n)
        return false;
    *value = (struct log_text){t->s + 1, i - 1};
    *t = text_from(t, i + 1);
    return true;
}

size_t text_outside(const struct log_text *t, const char *literal, size_t n)
{
    struct log_text rest = *t, skipped;

    while (rest.n > 0) {
        size_t open = text_find(&rest, LIT("<"));
        struct log_text before = {rest.s, open};
        size_t at = text_find(&before, literal, n);

        if (at < before.n)
            return (size_t)(rest.s - t->s) + at;
        rest = text_from(&rest, open);
        if (!text_bracketed(&rest, &skipped))
            break; /* all of it is a client's */
    }
    return t->n;
}

bool text_qid(struct log_text *t, struct log_text *qid)
{
    size_t n = 0;

    while (n < t->n && n <= QID_MAX && ascii_alnum((unsigned char)t->s[n]))
        n++;
    if (n < QID_MIN || n > QID_MAX || t->n - n < 2 || t->s[n] != ':' || t->s[n + 1] != ' ')
        return false;
    *qid = (struct log_text){t->s, n};
    *t = text_from(t, n + 2);
    return true;
}

bool text_addr(struct addr *a, const char *s, size_t n)
{
    const char *zone = memchr(s, '%', n);

    if (zone != NULL) /* fe80::1%eth0: the interface tells nothing to others */
        n = (size_t)(zone - s);
    if (n > 5 && ascii_is_word(s, 5, "ipv6:")) {
        s += 5;
        n -= 5;
    }
    return addr_parse(a, s, n);
}

bool text_client(struct log_text *t, struct log_event *e)
{
    struct log_text at = *t, name = text_until(&at, '['), address;

    if (at.n == 0)
        return false;
    address = text_until(&at, ']');
    if (!text_addr(&e->client, address.s, address.n))
        return false;
    while (name.n > 0 && name.s[name.n - 1] == ' ')
        name.n--;
    e->name = name;
    *t = at;
    return true;
}

struct log_text text_value(const struct log_text *t, const char *key, size_t n, char end)
{
    size_t at = text_find(t, key, n);
    struct log_text rest, value;
    const char *hit;

    if (at == t->n)
        return (struct log_text){NULL, 0};
    rest = text_from(t, at + n);
    hit = memchr(rest.s, end, rest.n);
    value = (struct log_text){rest.s, hit == NULL ? rest.n : (size_t)(hit - rest.s)};
    return value;
}

/* ---- stamps ---- */

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

/* "Nov 21 10:15:42 " (RFC 3164), or with a fraction behind the seconds. */
static bool read_bsd_stamp(struct log_stamp *stamp, struct log_text *t)
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

/* "2026-11-21T10:15:42.123+01:00 " (RFC 3339), or with a blank for the T. */
static bool read_iso_stamp(struct log_stamp *stamp, struct log_text *t)
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
static bool read_full_stamp(struct log_stamp *stamp, struct log_text *t)
{
    struct log_text rest = text_from(t, 4);

    if (t->n < 4 || t->s[3] != ' ' || !read_iso_stamp(stamp, &rest))
        return false;
    text_until(&rest, ' ');
    *t = rest;
    return true;
}

/* Days since 1970-01-01 of the Gregorian calendar, from years that begin in March. */
static int64_t days(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int era = y / 400, of_era = y - era * 400;
    int of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return (int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int64_t log_seconds(const struct log_stamp *stamp)
{
    if (stamp->month == 0 || stamp->year < 1970)
        return 0;
    return days(stamp->year, stamp->month, stamp->day) * 86400 + stamp->hour * 3600 +
           stamp->minute * 60 + stamp->second;
}

/* ---- host and program ---- */

/* "<22>" of a message that came over the network; "1 " behind it is RFC 5424. */
static bool skip_priority(struct log_text *t)
{
    struct log_text rest = *t;

    if (!text_skip(&rest, LIT("<")) || text_until(&rest, '>').n > 3)
        return false;
    *t = rest;
    return text_skip(t, LIT("1 "));
}

/* RFC 5424: HOST APP PID MSGID DATA MESSAGE */
static bool read_new_head(struct log_text *t, struct log_text *program)
{
    text_until(t, ' ');
    *program = text_until(t, ' ');
    text_until(t, ' ');
    text_until(t, ' ');
    if (t->n > 0 && t->s[0] == '[')
        *t = text_from(t, text_find(t, LIT("] ")) + 2);
    else
        text_until(t, ' ');
    text_skip(t, LIT("\xef\xbb\xbf"));
    return program->n > 0;
}

/* "program[123]: " or "program: ". */
static bool read_tag(struct log_text *t, struct log_text *program)
{
    struct log_text rest = *t, tag = text_until(&rest, ' ');
    size_t n = 0;

    if (tag.n < 2 || tag.s[tag.n - 1] != ':')
        return false;
    while (n < tag.n - 1 && tag.s[n] != '[')
        n++;
    *program = (struct log_text){tag.s, n};
    *t = rest;
    if (text_skip(&rest, LIT("[ID "))) /* Solaris: "[ID 197553 mail.info] " */
        *t = text_from(t, text_find(t, LIT("] ")) + 2);
    return true;
}

static bool read_head(struct log_event *e, struct log_text *t, struct log_text *program)
{
    bool new_form = skip_priority(t);
    bool stamped = read_bsd_stamp(&e->stamp, t) || read_iso_stamp(&e->stamp, t) ||
                   read_full_stamp(&e->stamp, t);

    if (new_form) {
        if (!stamped)
            text_skip(t, LIT("- "));
        return read_new_head(t, program);
    }
    if (!stamped)
        return read_tag(t, program);
    if (t->n > 0 && t->s[0] == '#') { /* rspamd's own log: #123(process) */
        text_until(t, '(');
        *program = text_until(t, ')');
        text_skip(t, LIT(" "));
        return true;
    }
    if (t->n > 0 && t->s[0] == '<') /* FreeBSD, syslogd -vv: "<mail.info> " */
        text_until(t, ' ');
    text_until(t, ' ');
    if (text_skip(t, LIT("mail."))) /* BusyBox: "mail.info " behind the host */
        text_until(t, ' ');
    return read_tag(t, program);
}

/* rsyslog: "message repeated 3 times: [ NOQUEUE: reject: ...]" */
static void read_repeated(struct log_event *e, struct log_text *t)
{
    struct log_text rest = *t, number;
    uint32_t times = 0;

    if (!text_skip(&rest, LIT("message repeated ")))
        return;
    for (number = text_until(&rest, ' '); number.n > 0; number = text_from(&number, 1)) {
        if (!ascii_digit((unsigned char)number.s[0]) || times >= REPEATED_MAX / 10)
            return;
        times = times * 10 + (uint32_t)(number.s[0] - '0');
    }
    if (!text_skip(&rest, LIT("times: [ ")) || rest.n == 0 || rest.s[rest.n - 1] != ']')
        return;
    rest.n--;
    *t = rest;
    e->times = times;
}

/* Our record: its HELO as logged is wanted too, host name or not. */
static void read_record(struct log_event *e, const struct log_text *message)
{
    struct log_text qid;

    if (text_find(message, LIT("client=")) == message->n)
        return;
    e->kind = LOG_RECORD;
    e->record = *message;
    e->shown = true;
    e->helo = text_value(message, LIT(" helo="), ' ');
    qid = text_value(message, LIT(" qid="), ' ');
    if (qid.n >= QID_MIN && qid.n <= QID_MAX)
        e->qid = qid;
}

static bool is_sendmail(const struct log_text *program)
{
    struct log_text p = *program;

    return text_skip(&p, LIT("sm-")) || text_skip(&p, LIT("sendmail"));
}

bool logline_read(struct log_event *e, const char *s, size_t n)
{
    struct log_text t = {s, n}, program = {s, 0};

    memset(e, 0, sizeof *e);
    e->times = 1;
    if (n > 7 && memcmp(s, "client=", 7) == 0) {
        read_record(e, &t);
        return e->kind != LOG_NOTHING;
    }
    if (!read_head(e, &t, &program))
        return false;
    read_repeated(e, &t);
    if (text_is(&program, LIT("iprev-milter")))
        read_record(e, &t);
    else if (memchr(program.s, '/', program.n) != NULL)
        logline_postfix(e, &program, t);
    else if (is_sendmail(&program))
        logline_sendmail(e, t);
    else
        logline_filter(e, &program, t);
    return e->kind != LOG_NOTHING;
}
