/* From lines to clients: what became of messages, and the bounds of the tables.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/check/replay/replay_shared.h"

Test(replay_tally, outcomes)
{
    static const struct {
        const char *line[8];
        enum outcome_kind o; /* OUT_COUNT: no message */
    } row[] = {
        {{MESSAGE("AAAA1", "192.0.2.1"), SENT("AAAA1"), GONE("AAAA1"), NULL}, OUT_DELIVERED},
        {{MESSAGE("AAAA1", "192.0.2.1"), SENT("AAAA1"), NULL}, OUT_DELIVERED},
        {{MESSAGE("AAAA1", "192.0.2.1"), GONE("AAAA1"), NULL}, OUT_OTHER},
        {{MESSAGE("AAAA1", "192.0.2.1"),
          AT "postfix/smtp[1]: AAAA1: to=<u@e.example>, dsn=5.0.0, status=bounced (no)", NULL},
         OUT_OTHER},
        {{MESSAGE("AAAA1", "192.0.2.1"), AT "postfix/cleanup[1]: AAAA1: message-id=<m@x>",
          AT "spamd[1]: spamd: result: Y 9 - X scantime=1,mid=<m@x>,y=z", SENT("AAAA1"), NULL},
         OUT_SPAM},
        {{MESSAGE("AAAA1", "192.0.2.1"), AT "postfix/cleanup[1]: AAAA1: message-id=<m@x>",
          AT "spamd[1]: spamd: result: . 1 - X scantime=1,mid=<m@x>,y=z", SENT("AAAA1"), NULL},
         OUT_DELIVERED},
        {{MESSAGE("AAAA1", "192.0.2.1"),
          AT "postfix/cleanup[1]: AAAA1: milter-reject: END-OF-MESSAGE from x[192.0.2.1]: 5.7.1 "
             "no; from=<> to=<a@b> proto=ESMTP helo=<h.example>",
          NULL},
         OUT_MILTER},
        {{MESSAGE("AAAA1", "192.0.2.1"),
          AT "postfix/cleanup[1]: AAAA1: reject: header Subject: x from y[198.51.100.1]; 5.7.1 no",
          NULL},
         OUT_MTA},
        {{MESSAGE("AAAA1", "192.0.2.1") ", sasl_method=PLAIN, sasl_username=u", SENT("AAAA1"),
          NULL},
         OUT_AUTH},
        {{MESSAGE("AAAA1", "192.0.2.1"),
          AT "postfix/local[1]: AAAA1: to=<postmaster@e.example>, dsn=2.0.0, status=sent (ok)",
          NULL},
         OUT_SPARED},
        {{AT "postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 450 4.2.0 later", NULL},
         OUT_LATER},
        {{AT "sm-mta[1]: BBBBB1: Milter: to=<a@b>, reject=550 5.7.25 no",
          AT "sm-mta[1]: BBBBB1: from=<a@b>, size=0, nrcpts=0, relay=[192.0.2.1]", NULL},
         OUT_MILTER},
        {{AT "sm-mta[1]: BBBBB1: from=<a@b>, size=0, nrcpts=1, relay=[192.0.2.1]",
          AT "sm-mta[1]: BBBBB1: to=<a@b>, dsn=2.0.0, stat=Sent", NULL},
         OUT_DELIVERED},
#define FROM(id, tail) AT "sm-mta[1]: " id ": from=<a@b>, size=72, class=0, nrcpts=1, " tail
        {{FROM("BBBBB1", "msgid=<m>, proto=ESMTPSA, daemon=MSA, relay=[192.0.2.1]"), NULL},
         OUT_AUTH},
        {{FROM("BBBBB1", "msgid=<m>, proto=ESMTPA, daemon=MSA, relay=[192.0.2.1]"), NULL},
         OUT_AUTH},
        {{FROM("BBBBB1", "msgid=<m, proto=ESMTPA>, proto=ESMTPS, daemon=MSA, relay=[192.0.2.1]"),
          NULL},
         OUT_OTHER},
        {{AT "sm-mta[1]: ruleset=check_relay, arg1=[192.0.2.1], arg2=192.0.2.1, relay=[192.0.2.1], "
             "reject=550 5.7.1 Access denied",
          NULL},
         OUT_MTA},
        {{AT "sm-mta[1]: ruleset=check_relay, arg1=[192.0.2.1], arg2=192.0.2.1, relay=[192.0.2.1], "
             "reject=421 4.3.2 Connection rate limit exceeded.",
          NULL},
         OUT_LATER},
        /* addresses that look like fields of the log */
        {{AT "sm-mta[1]: BBBBB1: from=<\"x, nrcpts=0,\"@e.example>, size=72, class=0, nrcpts=1, "
             "msgid=<m>, proto=ESMTP, daemon=MTA, relay=[192.0.2.1]",
          AT "sm-mta[1]: BBBBB1: to=<a@b>, delay=00:00:00, dsn=2.0.0, stat=Sent", NULL},
         OUT_DELIVERED},
        {{FROM("BBBBB1", "msgid=<m>, proto=ESMTP, daemon=MTA, relay=[192.0.2.1]"),
          AT "sm-mta[1]: BBBBB1: to=<\"x, stat=Sent \"@b>,<c@d>, delay=00:00:00, dsn=5.1.1, "
             "stat=User unknown",
          NULL},
         OUT_OTHER},
        {{MESSAGE("AAAA1", "192.0.2.1"),
          AT "postfix/smtp[1]: AAAA1: to=<u@e.example>, dsn=4.0.0, status=deferred (later)", NULL},
         OUT_OTHER},
        {{MESSAGE("AAAA1", "192.0.2.1"),
          AT "postfix/smtp[1]: AAAA1: to=<u@e.example>, dsn=4.0.0, status=deferred (later)",
          SENT("AAAA1"), NULL},
         OUT_DELIVERED},
        {{AT "sm-mta[1]: BBBBB1: Milter: cmd=data, reject=550 5.7.1 no",
          AT "sm-mta[1]: BBBBB1: from=<a@b>, size=0, nrcpts=1, relay=[192.0.2.1]", NULL},
         OUT_MILTER},
        {{AT "sm-mta[1]: BBBBB1: Milter: connect: host=x, addr=192.0.2.1, temp failing commands",
          NULL},
         OUT_LATER},
        /* a verdict in a log of its own, read before the mail log and behind it */
        {{VERDICT("AAAA1"), MESSAGE("AAAA1", "192.0.2.1"), SENT("AAAA1"), GONE("AAAA1"), NULL},
         OUT_SPAM},
        {{MESSAGE("AAAA1", "192.0.2.1"), SENT("AAAA1"), GONE("AAAA1"), VERDICT("AAAA1"),
          VERDICT("AAAA1"), NULL},
         OUT_SPAM},
        {{MESSAGE("AAAA1", "192.0.2.1"), GONE("AAAA1"), VERDICT("AAAA1"), NULL}, OUT_SPAM},
        {{MESSAGE("AAAA1", "192.0.2.1") ", sasl_username=u", SENT("AAAA1"), GONE("AAAA1"),
          VERDICT("AAAA1"), NULL},
         OUT_AUTH},
        {{VERDICT("AAAA1"), "Nov 18 10:00:00 mx1 postfix/smtpd[1]: AAAA1: client=x[192.0.2.1]",
          SENT("AAAA1"), GONE("AAAA1"), NULL},
         OUT_DELIVERED},
        /* a login, and exempt recipients, in refusals */
        {{MESSAGE("AAAA1", "192.0.2.1") ", sasl_method=PLAIN, sasl_username=alice",
          AT "postfix/cleanup[1]: AAAA1: milter-reject: END-OF-MESSAGE from x[192.0.2.1]: 5.7.1 "
             "no; from=<> to=<a@b> proto=ESMTP helo=<h.example>",
          NULL},
         OUT_AUTH},
        {{REJECT("milter-reject: RCPT",
                 "554 5.7.1 x; from=<a@b> to=<c@d> proto=ESMTP helo=<pc.example> "
                 "sasl_username=<alice>"),
          NULL},
         OUT_AUTH},
        {{REJECT(
              "milter-reject: RCPT",
              "554 5.7.1 x; from=<\"> sasl_username=<x\"@b.example> to=<c@d> proto=ESMTP helo=<h>"),
          NULL},
         OUT_MILTER},
        {{REJECT(
              "milter-reject: RCPT",
              "554 5.7.1 x; from=<\"> sasl_username=<x\"@b.example> to=<c@d> proto=ESMTP helo=<h> "
              "sasl_username=<alice>"),
          NULL},
         OUT_AUTH},
        {{REJECT("reject: RCPT",
                 "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked "
                 "using zen; from=<a@b> to=<postmaster@example.org> proto=ESMTP helo=<h>"),
          NULL},
         OUT_SPARED},
        {{REJECT("reject: RCPT",
                 "550 5.1.1 no; from=<\"> to=<postmaster@example.org> \"@b> to=<c@d> "
                 "proto=ESMTP helo=<h>"),
          NULL},
         OUT_MTA},
        {{AT "postfix/postscreen[1]: NOQUEUE: reject: RCPT from [192.0.2.1]:50: 550 5.7.1 no; "
             "from=<a@b>, to=<postmaster@example.org>, proto=SMTP, helo=<y>",
          NULL},
         OUT_SPARED},
        {{AT "sm-mta[1]: BBBBB1: ruleset=check_rcpt, arg1=<a@b>, relay=[192.0.2.1], reject=550 no",
          AT "sm-mta[1]: BBBBB1: from=<a@b>, size=0, class=0, nrcpts=0, proto=ESMTPSA, daemon=MSA, "
             "relay=[192.0.2.1]",
          NULL},
         OUT_AUTH},
        {{AT "sm-mta[1]: BBBBB1: ruleset=check_rcpt, arg1=<a@b>, relay=[192.0.2.1], reject=550 no",
          NULL},
         OUT_MTA},
        {{AT "sm-mta[1]: BBBBB1: ruleset=check_rcpt, arg1=<postmaster@b>, relay=[192.0.2.1], "
             "reject=550 no",
          NULL},
         OUT_SPARED},
        {{AT "sm-mta[1]: BBBBB1: ruleset=check_mail, arg1=<postmaster@b>, relay=[192.0.2.1], "
             "reject=550 no",
          NULL},
         OUT_MTA},
        {{AT "sm-mta[1]: BBBBB1: Milter: to=<abuse@example.org>, reject=550 5.7.25 no",
          AT "sm-mta[1]: BBBBB1: from=<a@b>, size=0, nrcpts=0, relay=[192.0.2.1]", NULL},
         OUT_SPARED},
        /* a message that has two recipients, of which one is exempt */
        {{MESSAGE("AAAA1", "192.0.2.1"), SENT("AAAA1"),
          AT "postfix/local[1]: AAAA1: to=<postmaster@e.example>, dsn=2.0.0, status=sent (ok)",
          NULL},
         OUT_DELIVERED},
        {{FROM("BBBBB1", "msgid=<m>, proto=ESMTP, daemon=MTA, relay=[192.0.2.1]"),
          AT "sm-mta[1]: BBBBB1: to=<postmaster@b>,<c@d>, delay=00:00:00, dsn=2.0.0, stat=Sent",
          NULL},
         OUT_DELIVERED},
        {{FROM("BBBBB1", "msgid=<m>, proto=ESMTP, daemon=MTA, relay=[192.0.2.1]"),
          AT "sm-mta[1]: BBBBB1: to=<postmaster@b>,<abuse@b>, delay=00:00:00, dsn=2.0.0, stat=Sent",
          NULL},
         OUT_SPARED},
        /* the end of a message that is sent in chunks */
        {{MESSAGE("AAAA1", "192.0.2.1"), REFUSED_AT("BDAT", "550 5.7.1 no"), NULL}, OUT_MILTER},
        {{MESSAGE("AAAA1", "192.0.2.1"), REFUSED_AT("BDAT", "451 4.7.1 later"), NULL}, OUT_LATER},
        /* transactions that were given up */
        {{MESSAGE("AAAA1", "192.0.2.1"), NULL}, OUT_COUNT},
        {{MESSAGE("AAAA1", "192.0.2.1") ", sasl_username=u", NULL}, OUT_COUNT},
        {{MESSAGE("AAAA1", "192.0.2.1"), QUEUED("AAAA1"), NULL}, OUT_OTHER},
        {{MESSAGE("AAAA1", "192.0.2.1"), AT "postfix/cleanup[1]: AAAA1: message-id=<>",
          AT "postfix/smtpd[1]: lost connection after DATA (1200 bytes) from x[192.0.2.1]", NULL},
         OUT_COUNT},
        {{AT "sm-mta[1]: BBBBB1: from=<>, size=0, class=0, nrcpts=1, proto=ESMTP, daemon=MTA, "
             "relay=[192.0.2.1]",
          NULL},
         OUT_COUNT},
        {{AT "sm-mta[1]: BBBBB1: collect: premature EOM: unexpected close",
          AT "sm-mta[1]: BBBBB1: from=<>, size=11, class=0, nrcpts=1, proto=ESMTP, daemon=MTA, "
             "relay=[192.0.2.1]",
          NULL},
         OUT_COUNT},
        {{FROM("BBBBB1", "msgid=<m>, proto=ESMTP, daemon=MTA, relay=[192.0.2.1]"), NULL},
         OUT_OTHER},
        {{FROM("BBBBB1", "msgid=<m>, proto=ESMTP, daemon=MTA, relay=[192.0.2.1]"),
          AT "sm-mta[1]: BBBBB1: message size (142065) exceeds maximum (100000)",
          AT
          "sm-mta[1]: BBBBB1: to=<a@b>, delay=00:00:00, pri=172065, stat=Message exceeds maximum "
          "fixed size (100000)",
          NULL},
         OUT_MTA},
        /* Sendmail's own words about a recipient: before the message, and when it is delivered */
        {{AT "sm-mta[1]: BBBBB1: <nosuch@example.org>... User unknown",
          AT "sm-mta[1]: BBBBB1: from=<a@b>, size=0, class=0, nrcpts=0, proto=ESMTP, daemon=MTA, "
             "relay=mx.example [192.0.2.1]",
          NULL},
         OUT_MTA},
        {{FROM("BBBBB1", "msgid=<m>, proto=ESMTP, daemon=MTA, relay=[192.0.2.1]"),
          AT "sm-mta[1]: BBBBB1: <nosuch@example.org>... User unknown",
          AT "sm-mta[1]: BBBBB1: to=<nosuch@example.org>, dsn=5.1.1, stat=User unknown", NULL},
         OUT_OTHER},
        /* addresses that look like fields of the log */
        {{MESSAGE("AAAA1", "192.0.2.1"),
          AT
          "postfix/smtp[1]: AAAA1: to=<\"x>, status=sent y\"@example.org>, relay=r[10.0.0.1]:25, "
          "delay=1, dsn=5.1.1, status=bounced (host r said: 550 <\"x>, relay=z, status=sent "
          "y\"@example.org> unknown)",
          NULL},
         OUT_OTHER},
        {{MESSAGE("AAAA1", "192.0.2.1"),
          AT "postfix/smtp[1]: AAAA1: to=<\"x>, orig_to=<postmaster>, y\"@example.org>, relay=r, "
             "dsn=2.0.0, status=sent (ok)",
          NULL},
         OUT_DELIVERED},
        {{MESSAGE("AAAA1", "192.0.2.1"),
          AT
          "postfix/qmgr[1]: AAAA1: from=<\"x>, status=expired\"@b>, size=1, nrcpt=1 (queue active)",
          SENT("AAAA1"), NULL},
         OUT_DELIVERED},
        {{REJECT("reject: RCPT",
                 "550 5.1.1 <\"x blocked using y\"@example.org>: Recipient address "
                 "rejected: User unknown; from=<a@b> to=<\"x blocked using y\"@example.org> "
                 "proto=ESMTP helo=<h>"),
          NULL},
         OUT_MTA},
        /* back from a content filter: what becomes of it then counts */
        {{MESSAGE("AAAA1", "192.0.2.1"), QUEUED("AAAA1"), BACK("AAAA2", "AAAA1"), SENT("AAAA1"),
          GONE("AAAA1"),
          AT "postfix/smtp[1]: AAAA2: to=<u@e.example>, dsn=5.1.1, status=bounced (user unknown)",
          GONE("AAAA2"), NULL},
         OUT_OTHER},
        {{MESSAGE("AAAA1", "192.0.2.1"), BACK("AAAA2", "AAAA1"),
          AT
          "postfix/smtp[1]: AAAA1: to=<root@e.example>, orig_to=<postmaster@e.example>, relay=f, "
          "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as AAAA2)",
          SENT("AAAA2"), NULL},
         OUT_SPARED},
        {{MESSAGE("AAAA1", "192.0.2.1"), BACK("AAAA2", "AAAA1"), BACK("AAAA3", "AAAA2"),
          SENT("AAAA2"), GONE("AAAA2"), SENT("AAAA3"), GONE("AAAA3"), NULL},
         OUT_DELIVERED},
        {{MESSAGE("AAAA1", "192.0.2.1"), BACK("AAAA2", "AAAA1"), SENT("AAAA1"), GONE("AAAA1"),
          AT "amavis[1]: (01-01) Passed SPAM {RelayedTaggedInbound}, [192.0.2.1]:5 <a@b> -> <c@d>, "
             "Queue-ID: AAAA1, Message-ID: <m>, queued_as: AAAA2",
          SENT("AAAA2"), GONE("AAAA2"), NULL},
         OUT_SPAM},
        {{MESSAGE("AAAA1", "192.0.2.1"), BACK("AAAA2", "AAAA1"),
          AT "postfix/cleanup[1]: AAAA2: milter-reject: END-OF-MESSAGE from localhost[127.0.0.1]: "
             "5.7.1 no; from=<> to=<a@b> proto=ESMTP helo=<h.example>",
          AT "postfix/smtp[1]: AAAA1: to=<u@e.example>, dsn=5.7.1, status=bounced (no)",
          GONE("AAAA1"), NULL},
         OUT_OTHER},
        {{MESSAGE("AAAA1", "192.0.2.1"),
          AT "amavis[1]: (01-01) Blocked BANNED (.exe) {DiscardedInbound}, [192.0.2.1]:5 <a@b> -> "
             "<c@d>, Queue-ID: AAAA1, Message-ID: <m>",
          SENT("AAAA1"), GONE("AAAA1"), NULL},
         OUT_OTHER},
        {{MESSAGE("AAAA1", "192.0.2.1"), SENT("AAAA1"), GONE("AAAA1"),
          AT "amavis[1]: (01-01) Blocked BANNED (.exe) {DiscardedInbound}, [192.0.2.1]:5 <a@b> -> "
             "<c@d>, Queue-ID: AAAA1, Message-ID: <m>",
          NULL},
         OUT_OTHER},
        /* one attempt, refused step by step */
        {{REJECT("milter-reject: CONNECT", "550 5.7.1 no; proto=SMTP"),
          REJECT("milter-reject: EHLO", "550 5.7.1 no; proto=SMTP helo=<h.example>"),
          REJECT("milter-reject: HELO", "550 5.7.1 no; proto=SMTP helo=<h.example>"),
          REJECT("milter-reject: MAIL", "550 5.7.1 no; from=<a@b> proto=SMTP helo=<h.example>"),
          NULL},
         OUT_MILTER},
        {{REJECT("milter-reject: CONNECT", "451 4.7.1 later; proto=SMTP"),
          REJECT("milter-reject: EHLO", "451 4.7.1 later; proto=SMTP helo=<h.example>"),
          AT "postfix/smtpd[1]: connect from x[192.0.2.1]", NULL},
         OUT_LATER},
        {{REJECT("reject: EHLO", "504 5.5.2 <pc>: Helo command rejected; proto=SMTP helo=<pc>"),
          MESSAGE("AAAA1", "192.0.2.1"), SENT("AAAA1"), NULL},
         OUT_DELIVERED},
        {{REJECT("reject: VRFY", "550 5.1.1 <a@b>: no; to=<a@b> proto=SMTP helo=<h>"),
          REJECT("reject: ETRN", "554 5.7.1 <b>: no; proto=SMTP helo=<h>"), NULL},
         OUT_COUNT},
        /* a content filter behind the queue, one before it, and one on another host */
        {{MESSAGE("AAAA1", "192.0.2.1"),
          AT "postfix/smtpd[1]: AAAA2: client=localhost[127.0.0.1], orig_queue_id=AAAA1, "
             "orig_client=x[192.0.2.1]",
          SENT("AAAA1"), GONE("AAAA1"), SENT("AAAA2"), NULL},
         OUT_DELIVERED},
        {{AT "postfix/smtpd[1]: NOQUEUE: client=x[192.0.2.1]",
          AT "postfix/smtpd[1]: AAAA2: client=localhost[127.0.0.1], orig_client=x[192.0.2.1]",
          SENT("AAAA2"), NULL},
         OUT_DELIVERED},
        /* our own record of a message, and of the part that the filter gave back */
        {{MESSAGE("AAAA1", "192.0.2.1"), OWN("192.0.2.1", "iprev-permerror,ptr-missing", "AAAA1"),
          QUEUED("AAAA1"), BACK("AAAA2", "AAAA1"),
          OWN("127.0.0.1", "iprev-skip,skip-network", "AAAA2"), VERDICT("AAAA1"), SENT("AAAA2"),
          NULL},
         OUT_SPAM},
        {{MESSAGE("AAAA1", "192.0.2.1"), QUEUED("AAAA1"), BACK("AAAA2", "AAAA1"),
          OWN("192.0.2.1", "iprev-permerror,ptr-missing", "AAAA2 relay=127.0.0.1"), SENT("AAAA2"),
          NULL},
         OUT_DELIVERED},
        {{"<22>1 - mx1 postfix/smtpd 1 - - NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.1.1 no",
          NULL},
         OUT_MTA},
        {{AT "postfix/smtpd[1]: AAAA2: client=f.example[10.0.0.1], orig_queue_id=FFFF9, "
             "orig_client=x[192.0.2.1]",
          SENT("AAAA2"), NULL},
         OUT_DELIVERED},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        const struct client *k;
        struct tally t;

        start(&t);
        feed(&t, row[i].line);
        tally_end(&t);
        k = entry(&t, "127.0.0.1");
        cr_expect_null(k, "row %zu: the filter is no client", i);
        k = entry(&t, "192.0.2.1");
        if (row[i].o == OUT_COUNT)
            cr_expect_null(k, "row %zu: %s is a message", i, row[i].line[0]);
        else
            cr_expect(k != NULL && client_messages(k) == 1 && k->count[row[i].o] == 1,
                      "row %zu: %s is not the one outcome", i, row[i].line[0]);
        stop(&t);
    }
}

/* rsyslog puts the same line, said again, into one. */
Test(replay_tally, repeated)
{
    static const char *const line[] = {
        AT "postfix/smtpd[1]: message repeated 3 times: [ NOQUEUE: reject: RCPT from x[192.0.2.1]: "
           "550 5.1.1 no; from=<> to=<a@b> proto=ESMTP helo=<h.example>]",
        AT "postfix/smtpd[1]: message repeated 4 times: [ connect from x[192.0.2.1]]",
        AT "postfix/smtpd[1]: message repeated 70000 times: [ NOQUEUE: milter-reject: CONNECT from "
           "x[192.0.2.1]: 550 5.7.1 no; proto=SMTP]",
        REJECT("milter-reject: MAIL", "550 5.7.1 no; from=<a@b> proto=SMTP helo=<h.example>"),
        AT "iprev-milter[1]: message repeated 6 times: [ client=192.0.2.2 ptr=- helo=- "
           "findings=iprev-permerror,ptr-missing rule=no-ptr action=reject mode=enforce]",
        NULL};
    const struct client *k;
    struct tally t;

    start(&t);
    feed(&t, line);
    tally_end(&t);
    k = entry(&t, "192.0.2.2");
    cr_assert_not_null(k);
    cr_expect_eq(client_messages(k), 6);
    k = entry(&t, "192.0.2.1");
    cr_assert_not_null(k);
    cr_expect_str_eq(k->helo, "h.example");
    cr_expect_eq(k->count[OUT_MTA], 3);
    cr_expect_eq(k->count[OUT_MILTER], 70000);
    cr_expect_eq(t.connects, 4);
    stop(&t);
}

/* The begin of the refused message is not in the log; its queue id comes again. */
Test(replay_tally, refused_without_begin)
{
    static const char *const line[] = {
        AT "postfix/cleanup[1]: AAAA1: milter-reject: END-OF-MESSAGE from x[192.0.2.1]: 5.7.1 no; "
           "from=<> to=<a@b> proto=ESMTP helo=<h.example>",
        MESSAGE("AAAA1", "192.0.2.2"), SENT("AAAA1"), NULL};
    struct tally t;

    start(&t);
    feed(&t, line);
    tally_end(&t);
    cr_expect(entry(&t, "192.0.2.1") != NULL && entry(&t, "192.0.2.1")->count[OUT_MILTER] == 1);
    cr_expect(entry(&t, "192.0.2.2") != NULL && entry(&t, "192.0.2.2")->count[OUT_DELIVERED] == 1);
    stop(&t);
}

/* Two connections, both refused at connect, and a third whose mail is refused. */
Test(replay_tally, refused_at_connect)
{
    static const char *const line[] = {
        REJECT("milter-reject: CONNECT", "550 5.7.1 no; proto=SMTP"),
        REJECT("milter-reject: EHLO", "550 5.7.1 no; proto=SMTP helo=<h.example>"),
        REJECT("milter-reject: CONNECT", "550 5.7.1 no; proto=SMTP"),
        AT "postfix/smtpd[1]: connect from x[192.0.2.1]",
        REJECT("milter-reject: CONNECT", "550 5.7.1 no; proto=SMTP"),
        REJECT("milter-reject: MAIL", "550 5.7.1 no; from=<a@b> proto=SMTP helo=<h.example>"),
        NULL};
    const struct client *k;
    struct tally t;

    start(&t);
    feed(&t, line);
    tally_end(&t);
    k = entry(&t, "192.0.2.1");
    cr_assert_not_null(k);
    cr_expect_eq(k->count[OUT_MILTER], 3, "%u", k->count[OUT_MILTER]);
    cr_expect_eq(client_messages(k), 3);
    stop(&t);
}

/* A queue id that is used again is another message. */
Test(replay_tally, queue_id_again)
{
    static const char *const line[] = {MESSAGE("AAAA1", "192.0.2.1"), SENT("AAAA1"),
                                       MESSAGE("AAAA1", "192.0.2.2"), QUEUED("AAAA1"), NULL};
    struct tally t;

    start(&t);
    feed(&t, line);
    tally_end(&t);
    cr_expect_eq(entry(&t, "192.0.2.1")->count[OUT_DELIVERED], 1);
    cr_expect_eq(entry(&t, "192.0.2.2")->count[OUT_OTHER], 1);
    stop(&t);
}

/* The message id is the client's to choose: with a queue id it decides nothing. */
Test(replay_tally, verdict_by_queue_id)
{
    static const char *const line[] = {MESSAGE("AAAA1", "192.0.2.1"),
                                       AT "postfix/cleanup[1]: AAAA1: message-id=<m>",
                                       SENT("AAAA1"),
                                       GONE("AAAA1"),
                                       MESSAGE("AAAA2", "192.0.2.2"),
                                       AT "postfix/cleanup[1]: AAAA2: message-id=<m>",
                                       SENT("AAAA2"),
                                       VERDICT("AAAA1"),
                                       NULL};
    struct tally t;

    start(&t);
    feed(&t, line);
    tally_end(&t);
    cr_expect_eq(entry(&t, "192.0.2.1")->count[OUT_SPAM], 1);
    cr_expect_eq(entry(&t, "192.0.2.2")->count[OUT_DELIVERED], 1);
    stop(&t);
}

/* Messages whose line has no HELO go to the one the client used most. */
Test(replay_tally, helo_of_most)
{
#define REFUSED(helo)                                                                              \
    AT "postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.1.1 no; from=<> "         \
       "to=<a@b> proto=ESMTP helo=<" helo ">"
    static const char *const line[] = {REFUSED("a.example"), REFUSED("b.example"),
                                       REFUSED("b.example"), MESSAGE("AAAA1", "192.0.2.1"),
                                       QUEUED("AAAA1"),      NULL};
    struct tally t;
    uint32_t i;
    unsigned found = 0;

    start(&t);
    feed(&t, line);
    tally_end(&t);
    for (i = 1; i < t.clients.n; i++) {
        const struct client *k = &t.clients.list[i];

        if (k->helo != NULL && strcmp(k->helo, "b.example") == 0) {
            cr_expect_eq(client_messages(k), 3);
            found++;
        }
        cr_expect(k->helo != NULL || k->gone);
    }
    cr_expect_eq(found, 1);
    stop(&t);
}

/* A client that says another HELO each time takes no more entries than CLIENT_HELOS + 1. */
Test(replay_tally, many_helos_bounded)
{
    char line[256];
    struct tally t;
    uint64_t sum = 0;
    uint32_t i;

    start(&t);
    for (i = 0; i < 5000; i++) {
        int n = snprintf(line, sizeof line,
                         AT "postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 no; "
                            "from=<> to=<a@b> proto=ESMTP helo=<h%u.example>",
                         (unsigned)i);

        tally_line(&t, line, (size_t)n);
    }
    tally_end(&t);
    cr_expect_eq(t.clients.n - 1, CLIENT_HELOS + 1);
    for (i = 1; i < t.clients.n; i++)
        if (!t.clients.list[i].gone)
            sum += client_messages(&t.clients.list[i]);
    cr_expect_eq(sum, 5000);
    stop(&t);
}

/* Our own records: findings are kept; messages count only if no MTA line told of them. */
Test(replay_tally, own_records)
{
#define RECORD(client, tail)                                                                       \
    AT "iprev-milter[1]: client=" client " ptr=- helo=pc\\x20one findings=iprev-permerror,"        \
       "ptr-missing,helo-invalid rule=no-ptr action=reject " tail
    static const char *const line[] = {RECORD("192.0.2.1", "mode=monitor"),
                                       RECORD("192.0.2.1", "mode=enforce"),
                                       RECORD("192.0.2.2", "mode=monitor qid=AAAA1"),
                                       MESSAGE("AAAA1", "192.0.2.2"),
                                       QUEUED("AAAA1"),
                                       RECORD("192.0.2.2", "mode=monitor qid=AAAA1"),
                                       RECORD("192.0.2.4", "mode=monitor relay=192.0.2.5"),
                                       AT "iprev-milter[1]: client=192.0.2.3 ptr=- findings=x",
                                       AT "iprev-milter[1]: client=192.0.2.6 ptr=- helo=h "
                                          "findings=iprev-permerror,ptr-missing "
                                          "rule=exempt.recipients action=accept mode=monitor",
                                       NULL};
    const struct client *k;
    struct tally t;

    start(&t);
    feed(&t, line);
    tally_end(&t);
    k = entry(&t, "192.0.2.1");
    cr_assert_not_null(k);
    cr_expect_str_eq(k->helo, "pc one");
    cr_expect(k->logged && (k->found & FINDING(F_PTR_MISSING)));
    cr_expect_eq(k->count[OUT_DELIVERED], 1);
    cr_expect_eq(k->count[OUT_OWN], 1);
    k = entry(&t, "192.0.2.2");
    cr_assert_not_null(k);
    cr_expect_eq(client_messages(k), 1, "%llu", (unsigned long long)client_messages(k));
    cr_expect_str_eq(k->helo, "pc one");
    cr_expect_null(entry(&t, "192.0.2.3"));
    cr_expect_null(entry(&t, "192.0.2.4"), "named by a relay, which sent the message");
    k = entry(&t, "192.0.2.5");
    cr_assert_not_null(k);
    cr_expect(k->count[OUT_DELIVERED] == 1 && k->helo == NULL && !k->logged);
    cr_expect_eq(t.damaged, 1);
    k = entry(&t, "192.0.2.6");
    cr_assert_not_null(k);
    cr_expect(k->count[OUT_SPARED] == 1 && client_messages(k) == 1);
    cr_expect_eq(t.clients.first, t.clients.last, "their time is told, too");
    cr_expect_eq(entry(&t, "192.0.2.1")->when[0], 2);
    cr_expect_eq(entry(&t, "192.0.2.2")->when[0], 1);
    stop(&t);
}
