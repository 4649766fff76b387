"""iprev-check replay with a greylist: what is put off, and who came back in the log in time.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import datetime
import os
import subprocess

from checker import PROGRAM, World, has, has_not, same

BEGIN = datetime.datetime(2026, 11, 2, 10, 0, 0)
POLICY = """memory: { store = "sqlite:/nowhere/memory.db"; greylist-retry-hours = 2; greylist-pass-days = 3; };
builtin-rules = false
rules: { odd: { when = ["iprev-fail"] action = "accept" to = ["w@example.org"] };
lab: { when = ["iprev-permerror"] action = "accept" to = ["@lab.example"] };
suspects: { when = ["iprev-permerror"] action = "greylist" }; };
"""
DELAY, RETRY, PASS = 290, 7200, 3 * 86400
serial = iter(range(10**9))


def stamp(at):
    return (BEGIN + datetime.timedelta(seconds=at)).isoformat()


def taken(at, client, sender="a@b.example", to=("u@example.org",), login=False, later=1):
    """A message that Postfix took; each recipient is put off once before it is delivered."""
    qid, at_end = "4%07d" % next(serial), stamp(at + later)
    lines = ["%s mx postfix/smtpd[1]: %s: client=x[%s]%s" % (stamp(at), qid, client, ", sasl_method=PLAIN, sasl_username=u" if login else ""),
             "%s mx postfix/qmgr[2]: %s: from=<%s>, size=900, nrcpt=1 (queue active)" % (stamp(at), qid, sender)]
    for status in ("deferred (busy)", "sent (ok)"):
        lines += ["%s mx postfix/lmtp[3]: %s: to=<%s>, relay=r, dsn=2.0.0, status=%s" % (at_end, qid, one, status) for one in to]
    return lines + ["%s mx postfix/qmgr[2]: %s: removed" % (at_end, qid)]


def refused(at, client, sender="a@b.example", to="u@example.org", code="450 4.2.0 later"):
    return ["%s mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[%s]: %s; from=<%s> to=<%s> proto=ESMTP helo=<h.example>"
            % (stamp(at), client, code, sender, to)]


def put(w, *messages):
    return w.file("log", "".join(line + "\n" for lines in messages for line in lines))


def sums(data):
    g = data["greylist"]
    return g["clients"], g["clients_back"], g["firsts"], g["came_back"], g["put_off"], g["passed"]


A, B, OTHER = "192.0.2.11", "192.0.2.40", "2001:db8:0:1::11"
# What is tried; (clients put off, of them back, first tries, of them back, tries put off, tries that pass), and the sentence.
TABLE = [
    ([refused(0, A)], (1, 0, 1, 0, 1, 0), "once"),
    ([refused(0, A), refused(DELAY - 1, A)], (1, 0, 1, 0, 2, 0), "too early"),
    ([refused(0, A), refused(DELAY, A)], (1, 1, 1, 1, 1, 1), "when the delay is over"),
    ([refused(0, A), refused(RETRY, A)], (1, 1, 1, 1, 1, 1), "at the end of the window"),
    ([refused(0, A), refused(RETRY + 1, A)], (1, 0, 2, 0, 2, 0), "too late"),
    ([refused(0, A), refused(200, A), refused(DELAY, A)], (1, 1, 1, 1, 2, 1), "an early try does not restart the delay"),
    ([refused(0, A), taken(DELAY, A)], (1, 1, 1, 1, 1, 1), "taken at the second try"),
    ([taken(0, A), taken(DELAY, A)], (1, 1, 1, 1, 1, 1), "a second message, where all was taken"),
    ([taken(0, A, later=86400)], (1, 0, 1, 0, 1, 0), "delivery that takes a day is no second try"),
    ([taken(0, A, later=86400), refused(DELAY, A)], (1, 1, 1, 1, 1, 1), "the lines are not in the order of the tries"),
    ([refused(0, A), refused(DELAY, A, to="v@example.org")], (1, 0, 2, 0, 2, 0), "another recipient"),
    ([refused(0, A), refused(DELAY, A, sender="a@c.example")], (1, 0, 2, 0, 2, 0), "another sender domain"),
    ([refused(0, A), refused(DELAY, A, sender="bounce+2@B.EXAMPLE", to="U@example.ORG")], (1, 1, 1, 1, 1, 1), "case and local part differ"),
    ([refused(0, A), refused(DELAY, B)], (1, 1, 1, 1, 1, 1), "another address of the network: the first one came back"),
    ([refused(0, A), refused(DELAY, OTHER)], (2, 0, 2, 0, 2, 0), "another network"),
    ([refused(0, A), refused(DELAY, A), refused(DELAY + PASS, A, to="v@example.org")], (1, 1, 1, 1, 1, 2), "the pass lasts"),
    ([refused(0, A), refused(DELAY, A), refused(DELAY + PASS + 1, A, to="v@example.org")], (1, 1, 2, 1, 2, 1), "and ends"),
    ([refused(0, A), refused(0, A, to="v@example.org"), refused(DELAY, A), refused(DELAY, A, to="v@example.org")], (1, 1, 2, 2, 2, 2),
     "one recipient frees the other"),
    ([refused(0, A, sender=""), refused(DELAY, A, sender=""), refused(DELAY, A, sender="", to="v@example.org")], (1, 1, 2, 1, 2, 1),
     "the null sender has no lasting pass"),
    ([taken(0, A, to=("u@example.org", "v@example.org"))], (1, 0, 2, 0, 2, 0), "each recipient counts"),
    ([taken(0, A, to=("u@lab.example",)), taken(0, A, to=("u@lab.example", "v@example.org"))], (1, 0, 1, 0, 1, 0),
     "recipients to whom the rule does not apply"),
    ([refused(0, A), refused(0, A, to="w@example.org"), refused(DELAY, A, to="w@example.org")], (1, 1, 2, 1, 2, 1),
     "recipients whom a rule tells apart, and who fare alike"),
    ([refused(0, A), refused(DELAY, A), refused(DELAY + 9, A), refused(DELAY + 19, A)], (1, 1, 1, 1, 1, 3), "a return counts once"),
    ([refused(0, A, sender=""), refused(DELAY, A, sender=""), refused(DELAY + 9, A, sender="")], (1, 1, 1, 1, 1, 2), "of the null sender, too"),
    ([taken(0, A, login=True), refused(0, A, to="v@example.org")], (1, 0, 1, 0, 1, 0), "a login beside other mail"),
    ([taken(0, A, to=("postmaster@example.org",)), taken(0, A, login=True)], (0, 0, 0, 0, 0, 0), "exempt recipients and logins"),
    ([refused(0, OTHER), refused(DELAY, "2001:db8:0:1:ffff::")], (1, 1, 1, 1, 1, 1), "another address of the /64"),
    ([refused(0, A), refused(DELAY, "192.0.2.10")], (1, 0, 1, 0, 1, 0), "a good client of the network is no return"),
    ([taken(0, "192.0.2.10")], (0, 0, 0, 0, 0, 0), "a good client"),
]


def test_table():
    with World(POLICY) as w:
        for messages, want, says in TABLE:
            code, data, err = w.replay_json(put(w, *messages))
            same((code, err, sums(data)), (0, "", want), says)


def test_what_is_shown():
    """By client: those whose mail was delivered, and who did not come back, first."""
    with World(POLICY) as w:
        log = put(w, refused(0, A), taken(DELAY, A), taken(0, OTHER), refused(0, "2001:db8:0:2::9"), refused(0, "2001:db8:0:2::9"))
        page = w.path("page.html")
        code, out, err = w.replay("--html", page, log)
        same((code, err), (0, ""))
        has(" ".join(out.split()), "It would have put off 3 messages of 3 clients. 1 of these clients (33 %) came back in time in this log,")
        has(out, "  Accepted mail is not sent again, so a log of accepted mail shows fewer\n  returns than there would be.\n", "\nPut off by the greylist\n",
            "      put off 1 time, came back in time\n", "      put off 2 times, did not come back\n")
        _, data, _ = w.replay_json(log)
        same([(c["client"], c["greylist"]["put_off"], c["greylist"]["came_back"]) for c in data["put_off"]["clients"]],
             [(OTHER, 1, 0), (A, 1, 1), ("2001:db8:0:2::9", 2, 0)])
        same([c["reply"].partition(" (")[0] for c in data["put_off"]["clients"] if c["client"] == A],
             ["451 4.7.1 Please try again in %d seconds. Client address %s has no PTR record" % (DELAY, A)])
        same((data["tagged"]["count"], data["put_off"]["clients"][0]["sender_domains"]), (0, ["b.example"]))
        # our own lines alone name neither sender nor recipient
        own = ("%s mx iprev-milter[3]: client=192.0.2.11 ptr=- helo=h.example findings=iprev-permerror,ptr-missing rule=suspects "
               "action=greylist mode=monitor dns=1/2 wait=0 qid=- stage=eom" % stamp(0))
        _, out, _ = w.replay(put(w, [own]))
        has(out, "These lines do not name sender and recipient: who came back is not known.")
        # nothing of it without such a rule
        w.config = w.file("plain", open(w.config).read().replace('"greylist"', '"tag"'))
        has_not(w.replay(log)[1], "Greylist", "put off")
        same([key in w.replay_json(log)[1] for key in ("greylist", "put_off")], [False, False])


def test_senders():
    """Three domains of an address, and that there were more."""
    with World() as w:
        for n, want in ((1, ["d0.example"]), (3, ["d0.example", "d1.example", "d2.example"]),
                        (4, ["d0.example", "d1.example", "d2.example", None])):
            log = put(w, *(taken(i, A, sender="x@D%d.example" % i) for i in range(n)), *(taken(9, A, sender="y@d0.example"),))
            same(w.replay_json(log)[1]["refused_but_delivered"]["clients"][0]["sender_domains"], want, n)
        log = put(w, taken(0, A, sender=""), refused(1, A, sender="z@refused.example"))
        same(w.replay_json(log)[1]["refused_but_delivered"]["clients"][0]["sender_domains"], ["", "refused.example"])
        milter = ["Nov  2 10:00:00 mx sm-mta[1]: 5A3800AB002201: from=<al@good.example>, size=1021, class=0, nrcpts=1, msgid=<s1@x>, "
                  "proto=ESMTP, daemon=MTA, relay=x [192.0.2.11]",
                  "Nov  2 10:00:01 mx sm-mta[2]: 5A3800AB002201: to=<user@example.org>, delay=00:00:01, mailer=local, dsn=2.0.0, stat=Sent"]
        same(w.replay_json(put(w, milter))[1]["refused_but_delivered"]["clients"][0]["sender_domains"], ["good.example"])


def test_the_file_of_tries():
    """It lies in TMPDIR without a name; without a place for it the replay ends."""
    with World(POLICY) as w:
        log = put(w, refused(0, A))
        before = os.listdir(w.dir)
        same(w.replay(log, env={"TMPDIR": w.dir})[0], 0)
        same(os.listdir(w.dir), before)
        code, out, err = w.replay(log, env={"TMPDIR": w.path("none")})
        same((code, out, err), (70, "", "iprev-check: no temporary file: No such file or directory\n"))
        # a full disk: the report says so
        log = put(w, *(refused(i, A) for i in range(3000)))
        done = subprocess.run(["sh", "-c", "ulimit -f 1; trap '' XFSZ; exec \"$@\"", "sh", PROGRAM, "replay", "-c", w.config, log],
                              capture_output=True, timeout=60, env={**os.environ, "TMPDIR": w.dir})
        has(done.stdout.decode(), "  Incomplete: out of memory or disk space.\n")
