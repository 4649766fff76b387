/* Lines of mail logs: what each form tells, and what hostile ones do not.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/log/event.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))
#define AT           "Nov 21 10:15:42 mx1 "

struct row {
    const char *line;
    enum log_kind kind;
    const char *client, *qid, *helo; /* "" or NULL: not told */
};

static void told_is(const struct log_text *t, const char *want, const char *what, const char *line)
{
    bool same = want == NULL ? t->n == 0 : t->n == strlen(want) && memcmp(t->s, want, t->n) == 0;

    cr_expect(same, "%s is \"%.*s\", not \"%s\": %s", what, (int)t->n, t->n > 0 ? t->s : "",
              want != NULL ? want : "", line);
}

static void addr_is(const struct addr *a, const char *want, const char *line)
{
    char text[ADDR_TEXT_MAX];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    addr_put(&sb, a);
    cr_expect_str_eq(text, want != NULL ? want : "-", "%s", line);
}

static void check_rows(const struct row *row, size_t n)
{
    struct log_event e;
    size_t i;

    for (i = 0; i < n; i++) {
        bool told = logline_read(&e, row[i].line, strlen(row[i].line));

        cr_expect(told == (row[i].kind != LOG_NOTHING), "told %d: %s", told, row[i].line);
        cr_expect_eq(e.kind, row[i].kind, "kind %d, not %d: %s", e.kind, row[i].kind, row[i].line);
        if (row[i].kind == LOG_NOTHING)
            continue;
        addr_is(&e.client, row[i].client, row[i].line);
        told_is(&e.qid, row[i].qid, "queue id", row[i].line);
        told_is(&e.helo, row[i].helo, "HELO", row[i].line);
    }
}

Test(replay_lines, postfix)
{
    static const struct row rows[] = {
        {AT "postfix/smtpd[1]: connect from a.example[192.0.2.1]", LOG_CONNECT, "192.0.2.1", NULL,
         NULL},
        {AT "postfix/smtpd[1]: connect from unknown[2001:db8::1]", LOG_CONNECT, "2001:db8::1", NULL,
         NULL},
        {AT "postfix/smtpd[1]: connect from unknown[unknown]", LOG_NOTHING, NULL, NULL, NULL},
        {AT "postfix/smtpd[1]: disconnect from a.example[192.0.2.1] quit=1", LOG_NOTHING, NULL,
         NULL, NULL},
        {AT "postfix/smtpd[1]: 4BFD21A2B3C: client=a.example[192.0.2.1]", LOG_MESSAGE, "192.0.2.1",
         "4BFD21A2B3C", NULL},
        {AT "postfix/smtpd[1]: 4BFD2: client=localhost[127.0.0.1], orig_queue_id=4BFD1, "
            "orig_client=a.example[192.0.2.1]",
         LOG_MESSAGE, "192.0.2.1", "4BFD2", NULL},
        {AT "postfix/smtpd[1]: NOQUEUE: client=a.example[192.0.2.1]", LOG_NOTHING, NULL, NULL,
         NULL},
        {AT "postfix/smtpd[1]: 4BFD2: client=localhost[127.0.0.1], orig_client=unknown[unknown]",
         LOG_NOTHING, NULL, NULL, NULL},
        {AT "postfix/smtpd[1]: 3zW5xH2bFbzcPm: client=a.example[192.0.2.1]:2525", LOG_MESSAGE,
         "192.0.2.1", "3zW5xH2bFbzcPm", NULL},
        {AT "postfix-out/submission/smtpd[1]: 4BFD2: client=unknown[192.0.2.1]", LOG_MESSAGE,
         "192.0.2.1", "4BFD2", NULL},
        {AT "postfix/smtps/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 5.7.1 no; "
            "from=<> to=<a@b> proto=ESMTP helo=<x>",
         LOG_REFUSED, "192.0.2.1", NULL, "x"},
        {AT "postfix/smtpd[1]: NOQUEUE: reject_warning: RCPT from x[192.0.2.1]: 554 no",
         LOG_NOTHING, NULL, NULL, NULL},
        {AT "postfix/smtpd[1]: 4BFD2: milter-reject: END-OF-MESSAGE from x[192.0.2.1]: 4.7.1 no; "
            "from=<> to=<a@b> proto=ESMTP helo=<x.example>",
         LOG_REFUSED, "192.0.2.1", "4BFD2", "x.example"},
        {AT "postfix/postscreen[1]: CONNECT from [192.0.2.1]:50 to [192.0.2.9]:25", LOG_NOTHING,
         NULL, NULL, NULL},
        {AT "postfix/postscreen[1]: NOQUEUE: reject: RCPT from [192.0.2.1]:50: 550 5.7.1 Service "
            "unavailable; client [192.0.2.1] blocked using bl; from=<>, to=<a@b>, proto=SMTP, "
            "helo=<y>",
         LOG_REFUSED, "192.0.2.1", NULL, "y"},
        {AT "postfix/postscreen[1]: NOQUEUE: reject: CONNECT from [2001:db8::1]:50: too many "
            "connections",
         LOG_REFUSED, "2001:db8::1", NULL, NULL},
        {AT "postfix/postscreen[1]: PASS OLD [192.0.2.1]:50", LOG_NOTHING, NULL, NULL, NULL},
        {AT "postfix/postscreen[1]: PREGREET 14 after 0.1 from [192.0.2.1]:50: EHLO x\\r\\n",
         LOG_NOTHING, NULL, NULL, NULL},
        {AT "postfix/postscreen[1]: DNSBL rank 8 for [192.0.2.1]:50", LOG_NOTHING, NULL, NULL,
         NULL},
        {AT "postfix/submissions/smtpd[1]: 4ZcJNb5xF2z6tLmf: client=a[2001:db8::1], "
            "sasl_method=LOGIN, sasl_username=u@e.example",
         LOG_MESSAGE, "2001:db8::1", "4ZcJNb5xF2z6tLmf", NULL},
        {AT "postfix/smtpd[1]: 4BFD2: milter-reject: DATA from x[192.0.2.1]: 550 5.7.1 no; "
            "from=<a@b> to=<c@d> proto=ESMTP helo=<[192.0.2.1]>",
         LOG_REFUSED, "192.0.2.1", "4BFD2", "[192.0.2.1]"},
        {AT "postfix/smtpd[1]: NOQUEUE: reject: EHLO from x[192.0.2.1]: 504 5.5.2 <pc>: Helo "
            "command rejected: need fully-qualified hostname; proto=SMTP helo=<pc>",
         LOG_REFUSED, "192.0.2.1", NULL, "pc"},
        {AT "postfix/smtpd[1]: 4BFD2: reject: END-OF-MESSAGE from x[192.0.2.1]: 552 5.3.4 too big; "
            "from=<a@b> proto=ESMTP helo=<y>",
         LOG_REFUSED, "192.0.2.1", "4BFD2", "y"},
        {AT "postfix/cleanup[1]: 4BFD2: reject: mime-error improper use of 8-bit data: x from "
            "y[198.51.100.1]; from=<a@b> to=<c@d>",
         LOG_REFUSED, NULL, "4BFD2", NULL},
        {AT "postfix/cleanup[1]: 4BFD2: reject: body x from y[198.51.100.1]; from=<a@b>",
         LOG_REFUSED, NULL, "4BFD2", NULL},
        {AT "postfix/qmgr[1]: 4BFD2: from=<a@b>, status=expired, returned to sender", LOG_DELIVERY,
         NULL, "4BFD2", NULL},
        {AT "postfix/smtpd[1]: [ID 197553 mail.info] 4BFD2: client=a[192.0.2.1]", LOG_MESSAGE,
         "192.0.2.1", "4BFD2", NULL},
        {"Nov 21 10:15:42 <mail.info> mx1 postfix/smtpd[1]: connect from a[192.0.2.1]", LOG_CONNECT,
         "192.0.2.1", NULL, NULL},
        {AT "postfix/cleanup[1]: 4BFD2: message-id=<a@b>", LOG_MESSAGE_ID, NULL, "4BFD2", NULL},
        {AT "postfix/qmgr[1]: 4BFD2: removed", LOG_END, NULL, "4BFD2", NULL},
        {AT "postfix/qmgr[1]: 4BFD2: from=<a@b>, size=1, nrcpt=1 (queue active)", LOG_QUEUED, NULL,
         "4BFD2", NULL},
        {AT
         "postfix/submission/smtpd[1]: NOQUEUE: milter-reject: RCPT from x[192.0.2.1]: 554 5.7.1 "
         "no; from=<a@b> to=<c@d> proto=ESMTP helo=<pc.example> sasl_username=<alice>",
         LOG_REFUSED, "192.0.2.1", NULL, "pc.example"},
        {AT "postfix/smtpd[1]: connect from x[fe80::1%eth0]", LOG_CONNECT, "fe80::1", NULL, NULL},
        {AT "postfix/smtpd[1]: 4BFD2: client=x[fe80::1%eth0]", LOG_MESSAGE, "fe80::1", "4BFD2",
         NULL},
        {AT "postfix/smtpd[1]: NOQUEUE: reject: VRFY from x[192.0.2.1]: 550 5.1.1 no; to=<a@b> "
            "proto=SMTP helo=<y>",
         LOG_NOTHING, NULL, NULL, NULL},
        {AT "postfix/lmtp[1]: 4BFD2: to=<a@b>, relay=r, dsn=2.0.0, status=sent (ok)", LOG_DELIVERY,
         NULL, "4BFD2", NULL},
    };

    check_rows(rows, ARRAY_LEN(rows));
}

/* "<PRI>1 STAMP HOST APP PID MSGID DATA MESSAGE", the last perhaps with a byte order mark */
Test(replay_lines, rfc5424)
{
#define HEAD5424 "<22>1 2026-11-21T10:15:42.1+01:00 mx1 "
    static const struct row rows[] = {
        {HEAD5424 "postfix/smtpd 77 - - connect from a[192.0.2.1]", LOG_CONNECT, "192.0.2.1", NULL,
         NULL},
        {HEAD5424 "postfix/smtpd 77 - - \xef\xbb\xbf"
                  "connect from a[192.0.2.1]",
         LOG_CONNECT, "192.0.2.1", NULL, NULL},
        {HEAD5424 "postfix/smtpd 77 id [a@1 b=\"c\"] connect from a[192.0.2.1]", LOG_CONNECT,
         "192.0.2.1", NULL, NULL},
        {HEAD5424 "postfix/smtpd - - [a@1][b@2] connect from a[192.0.2.1]", LOG_CONNECT,
         "192.0.2.1", NULL, NULL},
        {HEAD5424 "- - - - connect from a[192.0.2.1]", LOG_NOTHING, NULL, NULL, NULL},
    };

    check_rows(rows, ARRAY_LEN(rows));
}

Test(replay_lines, sendmail)
{
    static const struct row rows[] = {
        {AT "sm-mta[1]: 5A3800AB002201: from=<a@b>, size=1, class=0, nrcpts=1, msgid=<m>, "
            "proto=ESMTP, daemon=MTA, relay=a.example [192.0.2.1] (may be forged)",
         LOG_MESSAGE, "192.0.2.1", "5A3800AB002201", NULL},
        {AT "sendmail[1]: 5A3800AB002201: from=<a@b>, size=1, class=0, nrcpts=1, proto=ESMTP, "
            "daemon=MTA, relay=a.example [IPv6:2001:db8::1]",
         LOG_MESSAGE, "2001:db8::1", "5A3800AB002201", NULL},
        {AT "sm-mta[1]: 5A3800AB002201: from=<a@b>, size=1, nrcpts=1, relay=root@localhost",
         LOG_NOTHING, NULL, NULL, NULL},
        {AT "sm-mta[1]: 5A3800AB002201: ruleset=check_rcpt, arg1=<a@b>, relay=[192.0.2.1], "
            "reject=550 5.7.1 no",
         LOG_REFUSED, "192.0.2.1", "5A3800AB002201", NULL},
        {AT "sm-mta[1]: 5A3800AB002201: Milter: to=<a@b>, reject=550 5.7.25 no", LOG_REFUSED, NULL,
         "5A3800AB002201", NULL},
        {AT
         "sm-mta[1]: 5A3800AB002201: Milter: connect: host=x, addr=192.0.2.1, rejecting commands",
         LOG_REFUSED, "192.0.2.1", "5A3800AB002201", NULL},
        {AT "sm-mta[1]: 5A3800AB002201: Milter: connect: host=x, addr=192.0.2.1, temp failing "
            "commands",
         LOG_REFUSED, "192.0.2.1", "5A3800AB002201", NULL},
        {AT "sm-mta[1]: 5A3800AB002201: Milter: cmd=data, reject=550 5.7.1 no", LOG_REFUSED, NULL,
         "5A3800AB002201", NULL},
        {AT "sm-mta[1]: 5A3800AB002201: milter=iprev, action=connect, reject", LOG_NOTHING, NULL,
         NULL, NULL},
        {AT "sm-mta[1]: 5A3800AB002201: rejecting commands from x.example [192.0.2.1] due to "
            "pre-greeting traffic after 2 seconds",
         LOG_REFUSED, "192.0.2.1", "5A3800AB002201", NULL},
        {AT "sm-mta[1]: NOQUEUE: connect from x.example [192.0.2.1]", LOG_CONNECT, "192.0.2.1",
         NULL, NULL},
        {AT "sendmail[1]: [ID 801593 mail.info] 5A3800AB002201: from=<a@b>, size=1, nrcpts=1, "
            "relay=x [192.0.2.1]",
         LOG_MESSAGE, "192.0.2.1", "5A3800AB002201", NULL},
        {AT "sm-mta[1]: 5A3800AB002201: to=<a@b>, delay=1, dsn=2.0.0, stat=Sent", LOG_DELIVERY,
         NULL, "5A3800AB002201", NULL},
        {AT "sm-mta[1]: AUTH=server, relay=x [192.0.2.1], authid=u, mech=PLAIN, bits=0",
         LOG_NOTHING, NULL, NULL, NULL},
        {AT "sm-mta[1]: ruleset=check_relay, arg1=x, arg2=192.0.2.1, relay=x [192.0.2.1], "
            "reject=550 5.7.1 Access denied",
         LOG_REFUSED, "192.0.2.1", NULL, NULL},
        {AT "sm-mta[1]: 5A3800AB002201: <a@b>... User unknown", LOG_REFUSED, NULL, "5A3800AB002201",
         NULL},
        {AT "sm-mta[1]: 5A3800AB002201: lost input channel from x [192.0.2.1] to MTA after rcpt",
         LOG_NOTHING, NULL, NULL, NULL},
        {AT "sm-mta[1]: rejecting connections on daemon MTA: load average: 20", LOG_NOTHING, NULL,
         NULL, NULL},
    };

    check_rows(rows, ARRAY_LEN(rows));
}

Test(replay_lines, filters_and_own)
{
    static const struct row rows[] = {
        {AT "amavis[1]: (01-01) Blocked SPAM {Discarded}, [192.0.2.1]:5 [192.0.2.1] <a@b> -> "
            "<c@d>, Queue-ID: 4BFD2, Message-ID: <m>, Hits: 9",
         LOG_SPAM, "192.0.2.1", "4BFD2", NULL},
        {AT "rspamd[1]: <ab>; proxy; rspamd_task_write_log: id: <m>, qid: <4BFD2>, ip: 192.0.2.1, "
            "(default: T (reject): [20/15] [])",
         LOG_SPAM, "192.0.2.1", "4BFD2", NULL},
        {"2026-11-21 10:15:42 #12(rspamd_proxy) <ab>; proxy; rspamd_task_write_log: id: <m>, qid: "
         "<4BFD2>, ip: 192.0.2.1, (default: F (no action): [0/15] [])",
         LOG_SPAM, "192.0.2.1", "4BFD2", NULL},
        {AT "spamd[1]: spamd: result: Y 14 - BAYES_99 scantime=1,mid=<m>,autolearn=no", LOG_SPAM,
         NULL, NULL, NULL},
        {AT "spamd[1]: spamd: identified spam (14.0/5.0) for u:1 in 1.0 seconds, 1 bytes.",
         LOG_NOTHING, NULL, NULL, NULL},
        {AT "iprev-milter[1]: client=192.0.2.1 ptr=- helo=x\\x20y findings=iprev-pass rule=- "
            "action=accept mode=monitor qid=4BFD2",
         LOG_RECORD, NULL, "4BFD2", "x\\x20y"},
        {"client=192.0.2.1 ptr=- helo=- findings=iprev-pass rule=- action=accept mode=monitor",
         LOG_RECORD, NULL, NULL, "-"},
        {AT "iprev-milter[1]: started", LOG_NOTHING, NULL, NULL, NULL},
        {AT "dovecot: imap-login: Login: rip=192.0.2.1", LOG_NOTHING, NULL, NULL, NULL},
    };

    check_rows(rows, ARRAY_LEN(rows));
}

/* What a client writes into HELO, addresses or headers names no other client. */
Test(replay_lines, hostile_F1_F4)
{
    static const struct row rows[] = {
        {AT "postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 no; from=<a from "
            "b[198.51.100.1]: c> to=<a@b> proto=ESMTP helo=<y>",
         LOG_REFUSED, "192.0.2.1", NULL, "y"},
        {AT "postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 no; from=<> to=<a@b> "
            "proto=ESMTP helo=<<script>alert(1)</script>>",
         LOG_REFUSED, "192.0.2.1", NULL, "<script>alert(1)</script>"},
        {AT "postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 no; from=<> to=<a@b> "
            "proto=ESMTP helo=<x client=198.51.100.1 findings=iprev-pass>",
         LOG_REFUSED, "192.0.2.1", NULL, "x client=198.51.100.1 findings=iprev-pass"},
        {AT "postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 no; from=<a "
            "helo=<good.example> to=<a@b> proto=ESMTP helo=<y>",
         LOG_REFUSED, "192.0.2.1", NULL, "y"},
        {AT "postfix/cleanup[1]: 4BFD2: reject: header Subject: from x[198.51.100.1]: 5.7.1 no",
         LOG_REFUSED, NULL, "4BFD2", NULL},
        {AT "sm-mta[1]: 5A3800AB002201: from=<a, relay=x [198.51.100.1], nrcpts=1>, size=1, "
            "class=0, nrcpts=1, relay=[192.0.2.1]",
         LOG_MESSAGE, "192.0.2.1", "5A3800AB002201", NULL},
        {AT "sm-mta[1]: 5A3800AB002201: ruleset=check_rcpt, arg1=<\"a, relay=[198.51.100.1], "
            "reject=550 b\"@e.example>, relay=[192.0.2.1], reject=550 5.7.1 no",
         LOG_REFUSED, "192.0.2.1", "5A3800AB002201", NULL},
        {AT "postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[999.0.2.1]: 554 no", LOG_NOTHING, NULL,
         NULL, NULL},
        {AT "postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[: 554 no", LOG_NOTHING, NULL, NULL,
         NULL},
        {AT "postfix/smtpd[1]: 4B: client=a[192.0.2.1]", LOG_NOTHING, NULL, NULL, NULL},
        {AT "postfix/smtpd[1]: 4BFD2x4BFD2x4BFD2x4BFD2x4BFD2x4B: client=a[192.0.2.1]", LOG_MESSAGE,
         "192.0.2.1", "4BFD2x4BFD2x4BFD2x4BFD2x4BFD2x4B", NULL},
        {AT "postfix/smtpd[1]: 4BFD2x4BFD2x4BFD2x4BFD2x4BFD2x4BF: client=a[192.0.2.1]", LOG_NOTHING,
         NULL, NULL, NULL},
        {AT "iprev-milter[1]: client=192.0.2.1 ptr=- helo=- findings=iprev-pass "
            "qid=4BFD2x4BFD2x4BFD2x4BFD2x4BFD2x4BF",
         LOG_RECORD, NULL, NULL, "-"},
        {"Nov 21 24:15:42 mx1 postfix/smtpd[1]: connect from a[192.0.2.1]", LOG_NOTHING, NULL, NULL,
         NULL},
        {AT "postfix/smtpd[1]: 4BFD2/../x: client=a[192.0.2.1]", LOG_NOTHING, NULL, NULL, NULL},
        {"Nov 99 10:15:42 mx1 postfix/smtpd[1]: connect from a[192.0.2.1]", LOG_NOTHING, NULL, NULL,
         NULL},
        {"", LOG_NOTHING, NULL, NULL, NULL},
        {":", LOG_NOTHING, NULL, NULL, NULL},
        {"<", LOG_NOTHING, NULL, NULL, NULL},
        {"<22>1 ", LOG_NOTHING, NULL, NULL, NULL},
        {AT "postfix/smtpd[1]: message repeated 9999999 times: [ connect from a[192.0.2.1]]",
         LOG_NOTHING, NULL, NULL, NULL},
        {AT "postfix/smtpd[1]: message repeated -1 times: [ connect from a[192.0.2.1]]",
         LOG_NOTHING, NULL, NULL, NULL},
        {AT "postfix/smtpd[1]: message repeated 2 times: [ connect from a[192.0.2.1", LOG_NOTHING,
         NULL, NULL, NULL},
        {AT "postfix/smtpd[1]: message repeated 2 times: [ ", LOG_NOTHING, NULL, NULL, NULL},
    };

    check_rows(rows, ARRAY_LEN(rows));
}

/* Every line, cut at every place, is read without harm (the sanitizer looks). */
Test(replay_lines, cut_anywhere_F4)
{
    static const char line[] =
        "<22>1 2026-11-21T10:15:42.1+01:00 mx1 postfix/smtpd 77 - [a@1 b=\"c\"] NOQUEUE: reject: "
        "RCPT from x[192.0.2.1]:25: 450 4.7.1 no; from=<a@b> to=<c@d> proto=ESMTP helo=<x.example>";
    struct log_event e;
    size_t n;

    for (n = 0; n < sizeof line; n++) {
        char *copy = malloc(n > 0 ? n : 1);

        cr_assert_not_null(copy);
        memcpy(copy, line, n);
        logline_read(&e, copy, n);
        free(copy);
    }
    cr_expect(logline_read(&e, line, sizeof line - 1));
    cr_expect(e.temporary);
    told_is(&e.helo, "x.example", "HELO", line);
}

Test(replay_lines, stamps)
{
    static const struct {
        const char *stamp;
        int64_t seconds; /* date -u -d ... +%s; 0: no year told */
        unsigned month, day, hour;
    } row[] = {
        {"Nov 21 10:15:42 mx1", 0, 11, 21, 10},
        {"Nov  1 00:00:00 mx1", 0, 11, 1, 0},
        {"2026-11-21T10:15:42+01:00 mx1", 1795256142, 11, 21, 10},
        {"2026-11-21T10:15:42.123456Z mx1", 1795256142, 11, 21, 10},
        {"2024-02-29 23:59:59 mx1", 1709251199, 2, 29, 23},
        {"1970-01-01T00:00:01Z mx1", 1, 1, 1, 0},
        {"<22>Nov 21 10:15:42 mx1", 0, 11, 21, 10},
        {"Nov 21 10:15:42.123456 mx1", 0, 11, 21, 10},
        {"Sat 2026-11-21 10:15:42 UTC mx1", 1795256142, 11, 21, 10},
        {"Nov 21 10:15:42 mx1 mail.info", 0, 11, 21, 10},
    };
    char line[128];
    struct log_event e;
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        snprintf(line, sizeof line, "%s postfix/qmgr[1]: 4BFD2: removed", row[i].stamp);
        cr_expect(logline_read(&e, line, strlen(line)), "%s", line);
        cr_expect_eq(stamp_seconds(&e.stamp), row[i].seconds, "%s: %lld", line,
                     (long long)stamp_seconds(&e.stamp));
        cr_expect(e.stamp.month == row[i].month && e.stamp.day == row[i].day &&
                      e.stamp.hour == row[i].hour,
                  "%s", line);
    }
}

Test(replay_lines, who_refused)
{
    static const struct {
        const char *line;
        enum log_by by;
        bool temporary, final;
    } row[] = {
        {AT "postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 5.7.1 Client host "
            "[192.0.2.1] blocked using zen; from=<>",
         BY_DNSBL, false, false},
        {AT "postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 450 4.7.1 later; from=<>",
         BY_MTA, true, false},
        {AT "postfix/smtpd[1]: NOQUEUE: milter-reject: RCPT from x[192.0.2.1]: 550 5.7.25 no",
         BY_MILTER, false, false},
        {AT "postfix/cleanup[1]: 4BFD2: milter-reject: END-OF-MESSAGE from x[192.0.2.1]: 5.7.1 no",
         BY_MILTER, false, true},
        {AT "sm-mta[1]: ruleset=check_relay, arg1=x, arg2=127.0.0.2, relay=[192.0.2.1], "
            "reject=550 5.7.1 Rejected: 192.0.2.1 listed at zen",
         BY_DNSBL, false, false},
        {AT "sm-mta[1]: ruleset=check_relay, arg1=x, arg2=192.0.2.1, relay=[192.0.2.1], "
            "reject=421 4.3.2 Too many open connections.",
         BY_MTA, true, false},
        {AT "sm-mta[1]: 5A3800AB002201: ruleset=check_rcpt, arg1=<blocked@e.example>, "
            "relay=[192.0.2.1], reject=550 5.1.1 <blocked@e.example>... User unknown",
         BY_MTA, false, false},
        {AT "sm-mta[1]: 5A3800AB002201: ruleset=check_rcpt, arg1=<\"x listed y\"@e.example>, "
            "relay=[192.0.2.1], reject=550 5.1.1 <\"x listed y\"@e.example>... User unknown",
         BY_MTA, false, false},
        {AT
         "sm-mta[1]: 5A3800AB002201: ruleset=check_rcpt, arg1=<\"a, reject=450 b\"@e.example>, "
         "relay=[192.0.2.1], reject=550 5.7.1 <\"a, reject=450 b\"@e.example>... Relaying denied",
         BY_MTA, false, false},
        {AT "sm-mta[1]: 5A3800AB002201: Milter: to=<\"a, reject=450 b\"@e.example>, reject=550 no",
         BY_MILTER, false, false},
        {AT "sm-mta[1]: 5A3800AB002201: ruleset=check_rcpt, arg1=<a@b>, relay=[192.0.2.1], "
            "reject=451 4.7.1 Greylisting in action",
         BY_MTA, true, false},
        {AT "sm-mta[1]: 5A3800AB002201: Milter: data, reject=451 4.7.1 later", BY_MILTER, true,
         true},
        {AT "sm-mta[1]: 5A3800AB002201: Milter: cmd=data, reject=550 5.7.1 no", BY_MILTER, false,
         true},
        {AT "sm-mta[1]: NOQUEUE: Milter: connect: host=x, addr=192.0.2.1, temp failing commands",
         BY_MILTER, true, false},
        {AT "sm-mta[1]: NOQUEUE: Milter: connect: host=x, addr=192.0.2.1, rejecting commands",
         BY_MILTER, false, false},
        {AT "postfix/postscreen[1]: NOQUEUE: reject: CONNECT from [192.0.2.1]:5: all server ports "
            "busy",
         BY_MTA, true, false},
        {AT "postfix/postscreen[1]: NOQUEUE: reject: RCPT from [192.0.2.1]:5: 550 5.5.1 Protocol "
            "error; from=<a@b>, to=<c@d>, proto=SMTP, helo=<x>",
         BY_MTA, false, false},
        {AT "postfix/smtpd[1]: 4BFD2: milter-reject: DATA from x[192.0.2.1]: 451 4.7.1 later",
         BY_MILTER, true, true},
        {AT "postfix/smtpd[1]: 4BFD2: milter-reject: BDAT from x[192.0.2.1]: 550 5.7.1 no",
         BY_MILTER, false, true},
        {AT "postfix/cleanup[1]: 4BFD2: reject: header Subject: x from y[192.0.2.1]; from=<a@b> "
            "to=<c@d> proto=ESMTP helo=<pc.example>: 4.7.1 later",
         BY_MTA, true, true},
        {AT
         "postfix/cleanup[1]: 4BFD2: reject: header Subject: <x>: 4.7.1 later from y[192.0.2.1]; "
         "from=<a@b> to=<c@d> proto=ESMTP helo=<pc.example>: 5.7.1 no",
         BY_MTA, false, true},
        {AT
         "postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.1.1 <\"x blocked using "
         "y\"@e.example>: User unknown; from=<a@b> to=<\"x blocked using y\"@e.example>",
         BY_MTA, false, false},
    };
    struct log_event e;
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        cr_expect(logline_read(&e, row[i].line, strlen(row[i].line)), "%s", row[i].line);
        cr_expect_eq(e.kind, LOG_REFUSED, "%s", row[i].line);
        cr_expect_eq(e.by, row[i].by, "by %d: %s", e.by, row[i].line);
        cr_expect_eq(e.temporary, row[i].temporary, "%s", row[i].line);
        cr_expect_eq(e.final, row[i].final, "%s", row[i].line);
    }
}

/* What filters say of a message: the verdict, and what names the message. */
Test(replay_lines, verdicts)
{
    static const struct {
        const char *line, *message_id;
        bool spam;
    } row[] = {
        {AT "amavis[1]: (01-01) Passed CLEAN {RelayedInbound}, [192.0.2.1]:5 [192.0.2.1] <a@b> -> "
            "<c@d>, Queue-ID: 4BFD2, Message-ID: <m@x>, mail_id: y, Hits: 0.1",
         "<m@x>", false},
        {AT
         "amavis[1]: (01-01) Passed SPAMMY {RelayedTaggedInbound}, [192.0.2.1]:5 <a@b> -> <c@d>, "
         "Message-ID: <m@x>, Hits: 6",
         "<m@x>", true},
        {AT "amavis[1]: (01-01) Blocked INFECTED (Eicar) {DiscardedInbound}, [IPv6:2001:db8::1]:5 "
            "<a@b> -> <c@d>, Message-ID: <m@x>",
         "<m@x>", true},
        {AT
         "amavis[1]: (01-01) Passed BAD-HEADER-3 {RelayedInbound}, [192.0.2.1]:5 <a@b> -> <c@d>, "
         "Message-ID: <m@x>",
         "<m@x>", false},
        {AT "rspamd_proxy[1]: <ab>; milter; rspamd_task_write_log: id: <m@x>, qid: <4BFD2>, ip: "
            "2001:db8::1, from: <a@b>, (default: F (add header): [7/15] [A(1){a(b;}]), len: 1",
         "<m@x>", true},
        {AT "rspamd[1]: <ab>; proxy; rspamd_task_write_log: id: <m@x>, ip: 192.0.2.1, (default: T "
            "(soft reject): [20/15] []), len: 1",
         "<m@x>", false},
        {AT "rspamd[1]: <ab>; proxy; rspamd_task_write_log: id: <m@x>, ip: 192.0.2.1, (default: T "
            "(own action): [20/15] []), len: 1",
         "<m@x>", true},
        {AT "rspamd[1]: <ab>; proxy; rspamd_task_write_log: id: <m@x>, ip: 192.0.2.1, (default: F "
            "(own action): [1/15] []), len: 1",
         "<m@x>", false},
        {"2026-11-30 14:28:37 #17100(normal) <9ad703>; task; rspamd_task_write_log: id: <m@x>, "
         "qid: "
         "<4BFD2>, ip: 192.0.2.1, from: <a@b>, (default: T (add header): [7.00/15.00] "
         "[A(1.00){}]), "
         "len: 1",
         "<m@x>", true},
        {"2026-11-30 14:28:37 #30(controller) <5b1760>; task; rspamd_task_write_log: id: <m@x>, "
         "qid: <4BFD2>, ip: 192.0.2.1, from: <a@b>, (default: T (greylist): [4.00/15.00] []), len: "
         "1",
         "<m@x>", false},
        {AT "rspamd[1]: <ab>; proxy; rspamd_task_write_log: id: <m@x>, ip: 192.0.2.1, (default: F "
            "(greylist): [5/15] []), len: 1",
         "<m@x>", false},
        {AT
         "rspamd[1]: <ab>; proxy; rspamd_task_write_log: id: <m@x>, qid: <4BFD2>, ip: 192.0.2.1, "
         "from: <\"(default: F (no action): \"@b>, (default: T (reject): [20/15] []), len: 1",
         "<m@x>", true},
        {AT "rspamd[1]: <ab>; proxy; rspamd_task_write_log: id: <m\"@x>, qid: <4BFD2>, ip: "
            "192.0.2.1, from: <a@b>, (default: T (reject): [20/15] []), len: 1",
         "<m\"@x>", true},
        {AT
         "amavis[1]: (01-01) Passed SPAM {RelayedTaggedInbound}, [192.0.2.1]:5 <\"x>, Message-ID: "
         "n, \"@b> -> <c@d>, Queue-ID: 4BFD2, Message-ID: <m@x>, Hits: 9",
         "<m@x>", true},
        {AT "spamd[1]: spamd: result: . -1 - BAYES_00 scantime=0.1,size=9,mid=<m@x>,autolearn=ham",
         "<m@x>", false},
        {AT "spamd[1]: result: Y 9 - BAYES_99 scantime=0.1,mid=<m@x>,rmid=<n@x>", "<m@x>", true},
    };
    struct log_event e;
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        cr_expect(logline_read(&e, row[i].line, strlen(row[i].line)), "%s", row[i].line);
        cr_expect_eq(e.kind, LOG_SPAM, "%s", row[i].line);
        cr_expect_eq(e.spam, row[i].spam, "%s", row[i].line);
        told_is(&e.message_id, row[i].message_id, "message id", row[i].line);
    }
}
