/* Refusals of our own among those that the mail server logs.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/check/replay/replay_shared.h"

/* Whose refusal it was: ours is logged first. */
Test(replay_own, refusals)
{
#define WE(action, mode)                                                                           \
    AT "iprev-milter[1]: client=192.0.2.1 ptr=- helo=h findings=iprev-permerror,ptr-missing "      \
       "rule=no-ptr action=" action " mode=" mode " qid=-"
#define MTA(reply)                                                                                 \
    AT "postfix/smtpd[1]: NOQUEUE: milter-reject: RCPT from x[192.0.2.1]: " reply                  \
       "; from=<a@b> to=<c@d> proto=ESMTP helo=<h>"
    static const struct {
        const char *line[6];
        unsigned own, milter, later;
        const char *what;
    } row[] = {
        {{WE("reject", "enforce"), MTA("550 5.7.25 no PTR"), NULL}, 1, 0, 0, "ours"},
        {{WE("reject", "enforce"), MTA("550 5.7.25 a"), MTA("550 5.7.25 b"), NULL},
         2,
         0,
         0,
         "each recipient of one session"},
        {{WE("tempfail", "enforce"), MTA("451 4.7.25 later"), NULL}, 1, 0, 0, "for now"},
        {{WE("reject", "monitor"), MTA("550 5.7.1 spam"), NULL},
         0,
         1,
         0,
         "in monitor mode we refuse nothing"},
        {{WE("tag", "enforce"), MTA("550 5.7.1 spam"), NULL}, 0, 1, 0, "another filter's"},
        {{WE("reject", "enforce"), MTA("451 4.7.1 greylisted"), NULL},
         0,
         0,
         1,
         "another filter's, for now"},
        {{WE("tempfail", "enforce"), MTA("550 5.7.1 spam"), NULL}, 0, 1, 0, "another's, for good"},
        {{WE("reject", "enforce"), MTA("550 5.7.25 no PTR"), WE("accept", "enforce"),
          MTA("550 5.7.1 spam"), NULL},
         1,
         1,
         0,
         "the session behind it passed us"},
        {{WE("reject", "enforce"),
          AT "postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 450 4.2.0 later", NULL},
         0,
         0,
         1,
         "the mail server's own"},
        {{WE("reject", "enforce"),
          AT "postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.1.1 nobody", NULL},
         0,
         0,
         0,
         "the mail server's own, for good"},
        {{MTA("550 5.7.25 no PTR"), NULL}, 0, 1, 0, "without a record of ours nobody knows"},
        {{WE("reject", "enforce"),
          AT "postfix/smtpd[1]: NOQUEUE: milter-reject: RCPT from x[192.0.2.9]: 550 5.7.1 spam; "
             "from=<a@b> to=<c@d> proto=ESMTP helo=<h>",
          NULL},
         1,
         0,
         0,
         "of another client"},
        {{WE("reject", "enforce"), AT "sm-mta[1]: BBBBB1: Milter: to=<a@b>, reject=550 5.7.25 no",
          AT "sm-mta[1]: BBBBB1: from=<a@b>, size=0, nrcpts=0, relay=[192.0.2.1]", NULL},
         1,
         0,
         0,
         "Sendmail tells of the client last"},
        {{WE("tempfail", "enforce"), AT "sm-mta[1]: BBBBB1: Milter: to=<a@b>, reject=451 4.7.25 no",
          AT "sm-mta[1]: BBBBB1: from=<a@b>, size=0, nrcpts=0, relay=[192.0.2.1]", NULL},
         1,
         0,
         0,
         "Sendmail, for now"},
        {{WE("tag", "enforce"), AT "sm-mta[1]: BBBBB1: Milter: to=<a@b>, reject=550 5.7.1 spam",
          AT "sm-mta[1]: BBBBB1: from=<a@b>, size=0, nrcpts=0, relay=[192.0.2.1]", NULL},
         0,
         1,
         0,
         "Sendmail, another filter's"},
        {{WE("reject", "enforce"), NULL}, 1, 0, 0, "no line of the mail server"},
        {{WE("tag", "enforce"), NULL}, 0, 0, 0, "nothing was refused"},
    };
    const struct client *k;
    struct tally t;
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        start(&t);
        feed(&t, row[i].line);
        tally_end(&t);
        k = entry(&t, "192.0.2.1");
        cr_assert_not_null(k, "%s", row[i].what);
        cr_expect(k->count[OUT_OWN] == row[i].own && k->count[OUT_MILTER] == row[i].milter &&
                      k->count[OUT_LATER] == row[i].later,
                  "%s: own %u, milter %u, later %u", row[i].what, k->count[OUT_OWN],
                  k->count[OUT_MILTER], k->count[OUT_LATER]);
        stop(&t);
    }
}

/* Spam verdicts, and how many of them have found a message; a verdict says nothing about mail that
 * the policy exempts. */
Test(replay_own, verdicts)
{
#define LOGIN(id) MESSAGE(id, "192.0.2.1") ", sasl_method=PLAIN, sasl_username=u"
    static const struct {
        const char *line[8];
        unsigned verdicts, met;
        enum outcome_kind o;
        const char *what;
    } row[] = {
        {{MESSAGE("AAAA1", "192.0.2.1"), VERDICT("AAAA1"), SENT("AAAA1"), NULL},
         1,
         1,
         OUT_SPAM,
         "while it is under way"},
        {{MESSAGE("AAAA1", "192.0.2.1"), SENT("AAAA1"), GONE("AAAA1"), VERDICT("AAAA1"), NULL},
         1,
         1,
         OUT_SPAM,
         "behind it"},
        {{VERDICT("AAAA1"), MESSAGE("AAAA1", "192.0.2.1"), SENT("AAAA1"), GONE("AAAA1"), NULL},
         1,
         1,
         OUT_SPAM,
         "before it"},
        {{VERDICT("AAAA2"), VERDICT("AAAA2"), MESSAGE("AAAA1", "192.0.2.1"), SENT("AAAA1"), NULL},
         2,
         0,
         OUT_DELIVERED,
         "of no message here, twice"},
        {{VERDICT("AAAA1"), LOGIN("AAAA1"), SENT("AAAA1"), GONE("AAAA1"), NULL},
         1,
         1,
         OUT_AUTH,
         "before that of a login"},
        {{LOGIN("AAAA1"), SENT("AAAA1"), GONE("AAAA1"), VERDICT("AAAA1"), NULL},
         1,
         1,
         OUT_AUTH,
         "behind that of a login"},
    };
    struct tally t;
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        start(&t);
        feed(&t, row[i].line);
        tally_end(&t);
        cr_expect(t.verdicts == row[i].verdicts && t.live.verdicts_met == row[i].met,
                  "%s: %llu, %llu", row[i].what, (unsigned long long)t.verdicts,
                  (unsigned long long)t.live.verdicts_met);
        cr_expect_eq(entry(&t, "192.0.2.1")->count[row[i].o], 1, "%s", row[i].what);
        stop(&t);
    }
}
