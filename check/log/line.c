/* Lines of mail logs, host and program: see event.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/log/event.h"

#include "value/ascii.h"

#define REPEATED_MAX 1000000

/* ---- host and program ---- */

/* "<22>" of a message that came over the network; "1 " after it is RFC 5424. */
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
    bool stamped = stamp_read(&e->stamp, t);

    if (new_form) {
        if (!stamped)
            text_skip(t, LIT("- "));
        return read_new_head(t, program);
    }
    if (!stamped)
        return read_tag(t, program);
    if (t->n > 0 && t->s[0] == '#') { /* rspamd's own log: #123(normal), whatever its worker */
        text_until(t, ')');
        text_skip(t, LIT(" "));
        *program = (struct log_text){LIT("rspamd")};
        return true;
    }
    if (t->n > 0 && t->s[0] == '<') /* FreeBSD, syslogd -vv: "<mail.info> " */
        text_until(t, ' ');
    text_until(t, ' ');
    if (text_skip(t, LIT("mail."))) /* BusyBox: "mail.info " after the host */
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
    e->helo = text_value(message, LIT(" helo="), ' ');
    qid = text_value(message, LIT(" qid="), ' ');
    if (text_is_qid(&qid))
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
        log_postfix(e, &program, t);
    else if (is_sendmail(&program))
        log_sendmail(e, t);
    else
        log_filter(e, &program, t);
    return e->kind != LOG_NOTHING;
}
