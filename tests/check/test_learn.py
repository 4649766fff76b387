"""iprev-check replay --since, --until and --write-exempt: a part of a log, and an exempt list learned from it.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import datetime
import os
import random
import re
import stat

from checker import CONFIG, World, has, has_not, holds, same

DAY = datetime.timedelta(days=1)
TODAY = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
serial = iter(range(10**9))


def message(at, client, spam=False, verdicts=True, sent=0, name="unknown", helo=None):
    """Lines of Postfix and amavis on one message; sent: seconds until it is delivered."""
    qid = "4%07d" % next(serial)
    a, b = at.isoformat(), (at + datetime.timedelta(seconds=sent)).isoformat()
    lines = ["%s mx1 postfix/smtpd[1]: %s: client=%s[%s]" % (a, qid, name, client),
             "%s mx1 postfix/qmgr[2]: %s: from=<a@b.example>, size=900, nrcpt=1 (queue active)" % (a, qid)]
    if verdicts:
        lines.append("%s mx1 amavis[9]: (00900-01) Passed %s {RelayedInbound}, [%s]:2525 [%s] <a@b.example> -> <u@example.org>, "
                     "Queue-ID: %s, Message-ID: <%s@b.example>, mail_id: x, Hits: 1, size: 9, 310 ms"
                     % (b, "SPAM" if spam else "CLEAN", client, client, qid, qid))
    return lines + ["%s mx1 postfix/lmtp[3]: %s: to=<u@example.org>, relay=mx1[private/lmtp], delay=0.4, delays=0/0/0/0, "
                    "dsn=2.0.0, status=sent (250 2.0.0 Saved)" % (b, qid),
                    "%s mx1 postfix/qmgr[2]: %s: removed" % (b, qid)]


def refusal(at, client):
    return ["%s mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[%s]: 550 5.1.1 <u@example.org>: Recipient address rejected: "
            "User unknown; from=<a@b.example> to=<u@example.org> proto=ESMTP helo=<x.example>" % (at.isoformat(), client)]


def put(w, name, *messages):
    return w.file(name, "".join(line + "\n" for lines in messages for line in lines))


def delivered(data):
    return sum(a["delivered"] for a in data["actions"].values())


def test_since_and_until():
    """A message belongs to the time at which it began; what becomes of it is read beyond the end. Until is exclusive."""
    noon = TODAY - 10 * DAY + DAY / 2
    with World() as w:
        log = put(w, "log", message(noon - DAY, "192.0.2.10", sent=90000), message(noon, "192.0.2.10"),
                  message(noon + DAY, "192.0.2.10", sent=7200), refusal(noon, "192.0.2.13"), refusal(noon + DAY, "192.0.2.13"))

        def counts(*args):
            code, data, err = w.replay_json(*args, log)
            same((code, err), (0, ""), args)
            return delivered(data), sum(a["refused-mta"] for a in data["actions"].values())
        minute = datetime.timedelta(minutes=1)
        at = lambda t: t.strftime("%Y-%m-%dT%H:%M")  # noqa: E731
        for args, want in (((), (3, 2)),
                           (("--since", at(noon)), (2, 2)),
                           (("--since", at(noon + minute)), (1, 1)),
                           (("--until", at(noon)), (1, 0)),
                           (("--until", at(noon + minute)), (2, 1)),
                           (("--since", at(noon), "--until", at(noon + minute)), (1, 1)),
                           (("--since", at(noon + DAY), "--until", at(noon + DAY + minute)), (1, 1)),
                           (("--since", at(noon)[:10]), (2, 2)),
                           (("--until", at(noon)[:10]), (1, 0)),
                           (("--since", "400d"), (3, 2)),
                           (("--until", "1d"), (3, 2)),
                           (("--since", "1d"), (0, 0))):
            same(counts(*args), want, args)


def lines_of(path):
    with open(path) as file:
        return file.read().split("\n")


def test_what_is_written():
    """Who would be refused, was delivered often enough on two days, and was never called spam."""
    start = TODAY - 20 * DAY
    days = [start + n * DAY for n in range(6)]
    noise = message(start, "198.51.100.77", spam=True)
    cases = [
        ("three messages on two days", [message(d, "192.0.2.11") for d in days[:2] + days[1:2]], "192.0.2.11"),
        ("two messages", [message(d, "192.0.2.11") for d in days[:2]], None),
        ("three messages on one day", [message(days[0], "192.0.2.11")] * 1 + [message(days[0], "192.0.2.11") for _ in "ab"], None),
        ("one of four was spam", [message(d, "192.0.2.11") for d in days[:3]] + [message(days[3], "192.0.2.11", spam=True)], None),
        ("a name that lies is exempted by its address", [message(d, "192.0.2.13") for d in days], "192.0.2.13"),
        ("an IPv6 address", [message(d, "2001:db8::31") for d in days], "2001:db8::31"),
        ("accepted anyway", [message(d, "192.0.2.10") for d in days], None),
        ("only refused by the mail server", [refusal(d, "192.0.2.11") for d in days], None),
    ]
    left_out = ("two messages", "three messages on one day")
    until = (TODAY + 90 * DAY).strftime("%Y-%m-%d")
    for says, messages, line in cases:
        with World() as w:
            path = w.path("exempt")
            code, out, err = w.replay("--write-exempt", path, put(w, "log", noise, *messages))
            same(code, 0, says)
            has(err, "exempt: %d client%s added%s\n" % (line is not None, "s" if line is None else "",
                " (1 left out: fewer than 3 messages, or all on one day)" if says in left_out else ""))
            same(os.path.exists(path), line is not None, says)
            if line is not None:
                written = lines_of(path)
                holds(re.fullmatch(r"# added on \d{4}-\d\d-\d\d by iprev-check replay: .*", written[0]), written)
                holds(re.fullmatch(r"%s until %s # \d messages, last on %s; (no-ptr|forged): \S+"
                                   % (re.escape(line), until, r"\d{4}-\d\d-\d\d"), written[1]), written)
                same(written[2:], [""])


def test_a_confirmed_name_is_written_as_a_name():
    with World('rules: { r: { when = ["ptr-generic"] action = "reject" }; };') as w:
        path = w.path("exempt")
        w.replay("--write-exempt", path, put(w, "log", message(TODAY - 5 * DAY, "198.51.100.77", spam=True),
                                             *(message(TODAY - n * DAY, "192.0.2.14") for n in (3, 4, 5))))
        holds(lines_of(path)[1].startswith("192-0-2-14.dsl.dyn.isp.example until "), lines_of(path))


def test_min_messages_at_its_bound():
    for n, written in ((4, False), (5, True), (6, True)):
        with World() as w:
            log = put(w, "log", message(TODAY - 9 * DAY, "198.51.100.77", spam=True),
                      *(message(TODAY - (2 + k) * DAY, "192.0.2.11") for k in range(n)))
            w.replay("--write-exempt", w.path("exempt"), "--min-messages", "5", log)
            same(os.path.exists(w.path("exempt")), written, n)


def test_what_people_wrote_stays():
    """Owner, mode and every octet of the old file; clients that it exempts are not added again, but those whose line is over."""
    with World() as w:
        log = put(w, "log", message(TODAY - 9 * DAY, "198.51.100.77", spam=True),
                  *(message(TODAY - n * DAY, client) for n in (2, 3, 4) for client in ("192.0.2.11", "192.0.2.13", "192.0.2.20")))
        old = "# ours\n\n 192.0.2.11   until 2999-01-01 # \xe4 keep\n192.0.2.13 until 2026-01-01\n192.0.2.16/28"
        path = w.file("exempt", old.encode("latin-1"))
        os.chmod(path, 0o604)
        os.chown(path, 1234, 1235)
        code, _, err = w.replay("--write-exempt", path, log)
        same(code, 0)
        has(err, "exempt: 1 client added\n")
        with open(path, "rb") as file:
            text = file.read().decode("latin-1")
        holds(text.startswith(old + "\n# added on "), text)
        has(text, "\n192.0.2.13 until ")
        same(text.count("192.0.2.11"), 1)
        has_not(text, "192.0.2.20")
        st = os.stat(path)
        same((st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)), (1234, 1235, 0o604))
        again = w.replay("--write-exempt", path, log)
        has(again[2], "exempt: 0 clients added\n")
        with open(path, "rb") as file:
            same(file.read().decode("latin-1"), text)
        same([n for n in os.listdir(w.dir) if n.startswith("exempt.")], [])


def test_lines_about_to_end_are_renewed():
    """Those that end within two weeks, while wanted mail still comes; a line of ours gives way to the new one, what people wrote stays."""
    day = lambda n: (TODAY + n * DAY).strftime("%Y-%m-%d")  # noqa: E731
    ours = "192.0.2.11 until %s # 7 messages, last on 2026-01-01; no-ptr: ptr-missing\n"
    theirs = "192.0.2.11 until %s # our partner\n"
    mail = [message(TODAY - n * DAY, "192.0.2.11") for n in (2, 3, 4)] + [message(TODAY - 9 * DAY, "198.51.100.77", spam=True)]
    cases = [("ours, in 13 days", ours % day(13), mail, "0 clients added, 1 renewed", 1, True),
             ("ours, in 14 days", ours % day(14), mail, "0 clients added", 1, False),
             ("theirs, today", theirs % day(0), mail, "0 clients added, 1 renewed", 2, True),
             ("for ever", "192.0.2.11\n", mail, "0 clients added", 1, False),
             ("by a network", "192.0.2.0/24 until %s\n" % day(3), mail, "0 clients added, 1 renewed", 1, True),
             ("ours, over", ours % day(-1), mail, "1 client added", 1, True),
             ("ours, and no mail comes any more", ours % day(3), mail[-1:], "0 clients added", 1, False)]
    for says, old, log, said, lines, written in cases:
        with World() as w:
            path = w.file("exempt", "# ours\n" + old)
            w.config = w.file("listed.conf", CONFIG % (w.zone, 'exempt: { lists = ["%s"]; };' % path))
            code, _, err = w.replay("--write-exempt", path, put(w, "log", *log))
            same(code, 0, says)
            has(err, "exempt: %s\n" % said)
            text = open(path).read()
            same((text.startswith("# ours\n"), text.count("192.0.2.11"), "192.0.2.11 until %s # 3 messages, last on %s; no-ptr: ptr-missing\n"
                  % (day(90), day(-2)) in text), (True, lines, written), (says, text))
            same(theirs % day(0) in text, "theirs" in says, says)


def test_who_is_put_off_is_written_too():
    with World('memory: { store = "sqlite:/nowhere/db"; };\nbuiltin-rules = false\nrules: { g: { when = ["iprev-permerror"] action = "greylist" }; };') as w:
        log = put(w, "log", message(TODAY - 9 * DAY, "198.51.100.77", spam=True), *(message(TODAY - n * DAY, "192.0.2.11") for n in (2, 3, 4)))
        w.replay("--write-exempt", w.path("exempt"), log)
        holds(re.match(r"192\.0\.2\.11 until \S+ # 3 messages, last on \S+; g: ptr-missing", lines_of(w.path("exempt"))[1]), lines_of(w.path("exempt")))


def test_what_is_not_written():
    """Without a spam verdict in the logs; a file with a fault; a link; a directory that is not there."""
    with World() as w:
        plain = [message(TODAY - n * DAY, "192.0.2.11", verdicts=False) for n in (2, 3, 4)]
        log, path = put(w, "log", *plain), w.path("exempt")
        code, _, err = w.replay("--write-exempt", path, log)
        same((code, os.path.exists(path)), (65, False))
        has(err, "exempt not written: no filter has called anything spam in these logs", "(--no-verdicts writes it)")
        same(w.replay("--write-exempt", path, "--no-verdicts", log)[0], 0)
        has(lines_of(path)[1], "192.0.2.11 until ")
        bad = w.file("bad", "192.0.2.11\nx..y\n")
        code, _, err = w.replay("--write-exempt", bad, "--no-verdicts", log)
        same((code, lines_of(bad)), (78, ["192.0.2.11", "x..y", ""]))
        has(err, "bad:2: \"x..y\" is not an address")
        os.symlink(path, w.path("link"))
        code, _, err = w.replay("--write-exempt", w.path("link"), "--no-verdicts", log)
        same(code, 73)
        has(err, "is a symbolic link")
        same(w.replay("--write-exempt", w.path("none/exempt"), "--no-verdicts", log)[0], 73)


def record(at, client, findings, action="accept", rule="-"):
    return ["%s mx1 iprev-milter[7]: client=%s ptr=- helo=x.example findings=%s rule=%s action=%s mode=monitor dns=1/2 wait=0 qid=- stage=eom"
            % (at.isoformat(), client, findings, rule, action)]


PASS, NONE = "iprev-pass,ptr-named", "iprev-permerror,ptr-missing,helo-mismatch"


def test_digest():
    """What is new: who passed before and fails now, first; who would be refused, unless that was so before; which exempt lines
    end within two weeks. One line when nothing is."""
    now = datetime.datetime.now()
    before, week = now - 9 * DAY, now - 3 * DAY
    soon, later, over = (((TODAY + n * DAY).strftime("%Y-%m-%d")) for n in (13, 14, -1))
    broken = [record(before, "192.0.2.11", PASS), message(week, "192.0.2.11")]
    other = [message(week, "192.0.2.13")]
    known = [record(before, "192.0.2.13", "iprev-fail,forward-mismatch", "reject", "forged"), message(week, "192.0.2.13")]
    good = [record(before, "192.0.2.10", PASS), message(week, "192.0.2.10"), message(before, "192.0.2.13")]
    lists = "198.51.100.0/24 until %s\n.old.example until %s\n192.0.2.77 until %s\nnever.example\n" % (soon, later, over)
    passed, would, ends = ("Passed before, fail now", "Delivered mail, and the policy would have refused it",
                           "Exempt lines that end within two weeks")
    spared = "Let through by exempt.hosts or exempt.lists"
    cases = [("nothing", good, "", []), ("refused as before", good + known, "", []),
             ("broken", good + broken, "", [passed, "192.0.2.11"]),
             ("failed, passed again, fails", [record(before - DAY, "192.0.2.11", PASS), record(before, "192.0.2.11", NONE)] + other +
              [message(week, "192.0.2.11")], "", [would, "192.0.2.11", "192.0.2.13"]),
             ("no answer in between", [record(before - DAY, "192.0.2.11", PASS),
                                       record(before, "192.0.2.11", "iprev-temperror,dns-timeout")] + broken[1:], "", [passed, "192.0.2.11"]),
             ("broken and new", good + broken + other, "", [passed, "192.0.2.11", would, "192.0.2.13"]),
             ("a broken one that sends no more", [record(before, "192.0.2.11", PASS), message(before, "192.0.2.11")] + good, "", []),
             ("exempt, and nothing new", good + other, "192.0.2.13\n", []),
             ("exempt, and good anyway", broken + good, "192.0.2.10\n", [passed, "192.0.2.11"]),
             ("exempt beside news", broken + good + other + known, "192.0.2.13\n", [passed, "192.0.2.11", spared, "192.0.2.13"]),
             ("an end", good, lists, [ends, "198.51.100.0/24 until %s 23:59" % soon])]
    for says, logs, listed, wanted in cases:
        with World() as w:
            if listed:
                w.config = w.file("listed.conf", CONFIG % (w.zone, 'exempt: { lists = ["%s"]; };' % w.file("exempt", listed)))
            code, out, _ = w.replay("--digest", put(w, "log", *logs))
            same(code, 0, says)
            head, *rest = [line for line in out.split("\n") if line]
            holds(re.match(r"(Nothing new\. )?iprev-milter, mode monitor, .*: \d+ messages?; \d+ refused, \d+ put off, \d+ let through by exemptions$", head), head)
            same((head.startswith("Nothing new. "), rest == []), (not wanted, not wanted), says)
            got = [line.strip() for line in rest if line[0] != " " or re.match(r"  [0-9a-z.]", line)]
            same(len(got), len(wanted), (says, got))
            for line, want in zip(got, wanted):
                holds(line.startswith(want), (says, got))


def test_digest_of_a_greylist():
    """Who delivered mail, would have been put off, and did not come back, unless it was so before."""
    now = datetime.datetime.now()
    week, before = now - 3 * DAY, now - 9 * DAY
    waiting = "Delivered mail, would have been put off, and did not come back"
    back = [message(week, "192.0.2.11"), message(week + datetime.timedelta(seconds=400), "192.0.2.11")]
    old = [record(before, "192.0.2.11", NONE, "greylist", "g")]
    cases = [("not back", back[:1], True, 1), ("back", back, False, 1), ("as before", old + back[:1], False, 1),
             ("nothing delivered", [refusal(week, "192.0.2.11")], False, 1), ("earlier", [message(before, "192.0.2.11")], False, 0)]
    with World('memory: { store = "sqlite:/nowhere/db"; };\nbuiltin-rules = false\nrules: { g: { when = ["iprev-permerror"] action = "greylist" }; };') as w:
        for says, log, told, put_off in cases:
            _, out, _ = w.replay("--digest", put(w, "log", message(week, "192.0.2.10"), *log))
            same((waiting in out, out.startswith("Nothing new. ")), (told, not told), (says, out))
            has(out, "refused, %d put off, 0 let" % put_off)


def test_digest_of_refusals():
    """Of what the daemon has refused for good, the sum."""
    now = datetime.datetime.now()
    with World('mode = "enforce";') as w:
        refused = [record(now - DAY, "192.0.2.11", NONE, "reject", "no-ptr")[0].replace("monitor", "enforce")]
        log = put(w, "log", refused, refused, message(now - DAY, "192.0.2.10"))
        code, out, _ = w.replay("--digest", log)
        same(code, 0)
        has(out, "Nothing new. iprev-milter, mode enforce, ", ": 3 messages; 2 refused, 0 put off, 0 let through by exemptions\n")


# ---- a year ----

ORIGIN = "18.198.in-addr.arpa."
MONTH = 30


def year():
    """(log lines by time, zone, clients that are wanted): 60 partners without good DNS, some new in the course of the year;
    4,000 bots that come for some days, and 40 that stay for months. The filter misses one spam in ten."""
    rng, start = random.Random(7), TODAY - 362 * DAY
    events, wanted, zone = [], set(), ["$TTL 300", "$ORIGIN " + ORIGIN, "@ SOA ns.example. root.example. 1 3600 600 86400 60"]

    def at(day):
        return start + datetime.timedelta(seconds=int(86400 * min(max(day, 0), 359.99)))
    for n in range(60):
        client = "198.18.0.%d" % (n + 1)
        wanted.add(client)
        if n % 3:
            zone.append("%d.0 PTR host.bank.example." % (n + 1))
        day, rate = (0 if rng.random() < .8 else rng.uniform(0, 300)), rng.choice((2, 5, 12, 40))
        while day < 360:
            day += rng.expovariate(rate / MONTH)
            events.append((at(day), client, False))
    for n in range(4000):
        client, first = "198.18.%d.%d" % (1 + n // 250, 1 + n % 250), rng.uniform(0, 355)
        for _ in range(rng.randint(1, 6)):
            events.append((at(first + rng.uniform(0, 4)), client, rng.random() < .9))
    for n in range(40):
        client, first = "198.18.200.%d" % (n + 1), rng.uniform(0, 240)
        for _ in range(rng.randint(20, 200)):
            events.append((at(first + rng.uniform(0, 100)), client, rng.random() < .9))
    zone += ["$ORIGIN example.", "@ SOA ns.example. root.example. 1 3600 600 86400 60", "host.bank A 198.51.100.1", ""]
    return start, sorted(events), "\n".join(zone), wanted


def test_a_year():
    """Learned on one month and applied to the next: at least 80 % less wanted mail is lost, and at most 1 % more unwanted mail
    gets through."""
    start, events, zone, wanted = year()
    lost, unwanted = [0, 0], [0, 0]
    with World() as w:
        zone = w.file("year.zone", zone)
        log = put(w, "log", *(message(*event) for event in events))

        def refused(window, *lists):
            w.config = w.file("conf%d" % len(lists), 'exempt: { lists = [%s]; };\n' % ", ".join('"%s"' % x for x in lists))
            code, data, err = w.replay_json("-z", zone, *window, log)
            same((code, err), (0, ""))
            got = {True: 0, False: 0}
            for name in ("refused_but_delivered", "refused_anyway"):
                same(len(data[name]["clients"]), data[name]["count"], "all clients are in the list")
                for one in data[name]["clients"]:
                    got[one["client"] in wanted] += one["messages"]
            return got
        for month in (0, 5, 10):
            bounds = [(start + (month + k) * MONTH * DAY).strftime("%Y-%m-%d") for k in range(3)]
            path = w.path("exempt%d" % month)
            learned = ("--since", bounds[0], "--until", bounds[1])
            after = ("--since", bounds[1], "--until", bounds[2])
            w.config = w.file("learn", "")
            code, _, err = w.replay("-z", zone, *learned, "--write-exempt", path, log)
            same(code, 0, err)
            total = {True: 0, False: 0}
            end = start + (month + 2) * MONTH * DAY
            for when, client, _ in events:
                if end - MONTH * DAY <= when < end:
                    total[client in wanted] += 1
            for k, got in enumerate((refused(after), refused(after, path))):
                lost[k] += got[True]
                unwanted[k] += total[False] - got[False]
    spam = sum(client not in wanted for _, client, _ in events) / 12 * 3
    print("wanted mail lost %d, with the list %d; unwanted let through %d, with the list %d, of about %d" % (*lost, *unwanted, spam))
    holds(lost[0] > 500, lost)
    holds(lost[1] <= .2 * lost[0], lost)
    holds(unwanted[1] - unwanted[0] <= .01 * spam, unwanted)
