"""iprev-check replay: what it knows of memory, rules for some recipients, and rules on trial.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
from checker import World, has, has_not, same

MEMORY = 'memory: { store = "sqlite:/nowhere/memory.db" };\n'
RULES = ('builtin-rules = false\nrules: { known: { when = ["iprev-permerror", "client-known"] action = "tag" };\n'
         'no-ptr: { when = ["iprev-permerror", "!client-known"] action = "reject" }; };\n')
FAILS, PASSES = "iprev-permerror,ptr-missing,helo-mismatch", "iprev-pass,ptr-named,helo-verified"


def record(day, found, more="", client="192.0.2.11", rule="-", action="accept", ptr="-", helo="h.example"):
    return ("2026-11-%02dT10:00:00 mx1 iprev-milter[3]: client=%s ptr=%s helo=%s findings=%s rule=%s action=%s mode=monitor %sdns=1/2 "
            "wait=0 qid=- stage=eom\n" % (day, client, ptr, helo, found, rule, action, more))


def message(day, client="192.0.2.11", to=("u@example.org",), qid="4BFD21A2B3C"):
    lines = ["2026-11-%02dT10:00:00 mx1 postfix/smtpd[1]: %s: client=x[%s]\n" % (day, qid, client)]
    lines += ["2026-11-%02dT10:00:01 mx1 postfix/lmtp[2]: %s: to=<%s>, relay=r, dsn=2.0.0, status=sent (ok)\n" % (day, qid, one) for one in to]
    return "".join(lines) + "2026-11-%02dT10:00:02 mx1 postfix/qmgr[2]: %s: removed\n" % (day, qid)


def actions(data):
    return {a: s["messages"] for a, s in data["actions"].items() if s["messages"]}


def test_known_by_the_lines_of_the_daemon():
    """By the word, or by mail that passed on two days; unsure without a line of the client, so that nothing refuses it; and before
    the first line memory was empty."""
    good = {"ptr": "mail.x.example", "helo": "mail.x.example"}
    other = record(9, FAILS, client="192.0.2.12", rule="no-ptr", action="reject")
    passes = [record(day, PASSES, **good) for day in (2, 3)]
    cases = [
        ("no line of the daemon: memory was empty", message(9), "reject"),
        ("lines, but none of this client", other + message(9), "accept"),
        ("it failed, and was not known", record(8, FAILS, rule="no-ptr", action="reject") + message(9), "reject"),
        ("the word", record(8, FAILS + ",client-known", "memory=known ", rule="known", action="tag") + message(9), "tag"),
        ("it was known, and is no more", record(7, FAILS + ",client-known", "memory=known ") + record(8, FAILS) + message(9), "reject"),
        ("memory had no answer", record(8, FAILS, "memory=unavailable ") + message(9), "accept"),
        ("passed on two days", passes[0] + passes[1] + message(9), "tag"),
        ("passed on one day, twice", passes[0] * 2 + message(9), "reject"),
        ("passed, but tagged on one of them", passes[0] + record(3, PASSES, action="tag", rule="x", **good) + message(9), "reject"),
        ("passed by an exemption", passes[0] + record(3, PASSES, rule="exempt.lists", **good) + message(9), "reject"),
        ("a machine's name", "".join(record(d, "iprev-pass,ptr-generic,helo-mismatch") for d in (2, 3)) + message(9), "reject"),
        ("a login", "".join(record(d, "iprev-skip,skip-authenticated") for d in (2, 3)) + message(9), "accept"),
    ]
    for says, log, want in cases:
        with World(MEMORY + RULES) as w:
            _, data, _ = w.replay_json("--since", "2026-11-09", w.file("log", log))
            got = {c["client"]: c["action"] for n in ("refused_but_delivered", "tagged") for c in data[n]["clients"]}
            same(got.get("192.0.2.11", "accept"), want, says)
            _, out, _ = w.replay("--since", "2026-11-09", w.path("log"))
            (has if want == "accept" else has_not)(out, "does not say whether memory knows 1 client: no rule with client-known refuses it.")
            (has_not if "iprev-milter" in log else has)(out, "No line of iprev-milter in these logs: no client counts as known.")
            # without memory nobody is known, whatever the lines say
            w.config = w.file("plain", open(w.config).read().replace(MEMORY, ""))
            same(actions(w.replay_json("--since", "2026-11-09", w.path("log"))[1]).get("reject", 0) > 0, True, says)


def test_known_for_so_many_days():
    """Of passes, the last one must be at most known-days old."""
    good = {"ptr": "mail.x.example", "helo": "mail.x.example"}
    for days, want in ((5, "reject"), (6, "tag"), (7, "tag")):
        with World(MEMORY.replace("memory: {", "memory: { known-days = %d " % days) + RULES) as w:
            log = record(1, PASSES, **good) + record(3, PASSES, **good) + message(9)
            same(list(actions(w.replay_json("--since", "2026-11-09", w.file("log", log))[1])), [want], days)


LAB = ('builtin-rules = false\nrules: { spare: { when = ["iprev-permerror"] action = "accept" to = ["friend@example.org"] };\n'
       'lab: { when = ["iprev-permerror"] action = "reject" to = ["@lab.example", "lab@example.org"] };\n'
       'rest: { when = ["iprev-permerror"] action = "tag" }; };\n')


def test_recipients():
    """Each is decided alone; a message counts once for each decision, a client once in each list."""
    cases = [(["a@lab.example"], {"reject": 1}), (["u@example.org"], {"tag": 1}), (["friend@example.org"], {"accept": 1}),
             (["a@lab.example", "b@lab.example"], {"reject": 1}), (["a@lab.example", "LAB@example.org"], {"reject": 1}),
             (["a@lab.example", "u@example.org"], {"reject": 1, "tag": 1}), (["u@example.org", "a@lab.example"], {"reject": 1, "tag": 1}),
             (["u@example.org", "a@lab.example", "friend@example.org"], {"reject": 1, "tag": 1, "accept": 1}),
             (["postmaster@example.org", "a@lab.example"], {"reject": 1}), (["postmaster@lab.example"], {"exempt": 1})]
    with World(LAB) as w:
        for to, want in cases:
            _, data, _ = w.replay_json(w.file("log", message(9, to=to)))
            same((actions(data), data["log"]["addresses"]), (want, 1), to)
            (has if len(want) > 1 else has_not)(w.replay(w.path("log"))[1], "A message counts once for each decision about its recipients.\n")
        # a refused recipient counts for itself
        refusal = ("2026-11-09T10:00:00 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.11]: 550 5.1.1 no; from=<a@b> to=<%s> "
                   "proto=ESMTP helo=<h>\n")
        log = "".join(refusal % to for to in ("a@lab.example", "a@lab.example", "u@example.org")) + message(9, to=("lab@example.org",))
        _, data, _ = w.replay_json(w.file("log", log))
        same(actions(data), {"reject": 3, "tag": 1})
        same([(c["client"], c["messages"]) for c in data["refused_but_delivered"]["clients"]], [("192.0.2.11", 3)])
        same({r["rule"]: (r["clients"], r["messages"]) for r in data["rules"]}, {"spare": (0, 0), "lab": (1, 3), "rest": (1, 1)})
        same(data["findings"]["ptr-missing"]["clients"], 1, "one client, however many decisions")
        # Sendmail names the client last
        milter = ("2026-11-09T10:00:00 mx1 sm-mta[1]: BBBBB1: Milter: to=<%s>, reject=550 5.7.1 no\n")
        log = "".join(milter % to for to in ("a@lab.example", "u@example.org", "v@example.org", "b@lab.example", "c@lab.example"))
        log += "2026-11-09T10:00:01 mx1 sm-mta[1]: BBBBB1: from=<a@b>, size=0, class=0, nrcpts=0, proto=SMTP, daemon=MTA, relay=[192.0.2.11]\n"
        same(actions(w.replay_json(w.file("log", log))[1]), {"reject": 3, "tag": 2})
        # against a policy that knows another laboratory
        other = w.file("other", LAB.replace("@lab.example", "@other.example"))
        _, data, _ = w.replay_json("--against", other, w.file("log", message(9, to=("a@lab.example",)) + message(9, to=("a@other.example",))))
        same({(c["against"], c["action"]): c["messages"] for c in data["changes"]}, {("tag", "reject"): 1, ("reject", "tag"): 1})


def test_too_many_kinds_of_recipients():
    """More sets of rules than are told apart: all rules apply, and nothing is lost."""
    rules = "".join('r%d: { when = ["iprev-permerror"] action = "tempfail" to = ["u%d@example.org"] };\n' % (i, i) for i in range(40))
    log = "".join(message(9, to=("u%d@example.org" % i,), client="192.0.2.%d" % (100 + i)) for i in range(40))
    with World("builtin-rules = false\nrules: { %s };\n" % rules) as w:
        _, data, _ = w.replay_json(w.file("log", log))
        same(actions(data), {"tempfail": 40})
        same([r["messages"] for r in data["rules"]], [10] + [1] * 30 + [0] * 9, "32 kinds; for the rest all rules apply, and the first decides")
        log = message(9, to=["u%d@example.org" % i for i in range(40)])
        same(w.replay_json(w.file("log", log))[0], 0)


def test_on_trial():
    """A rule on trial decides nothing; what it would have done is shown beside."""
    with World('builtin-rules = false\nrules: { try: { when = ["iprev-permerror"] action = "reject" mode = "monitor" };\n'
               'rest: { when = ["iprev-permerror"] action = "tag" }; };\n') as w:
        _, data, _ = w.replay_json("--html", w.path("p"), w.file("log", message(9)))
        same(actions(data), {"tag": 1})
        same({r["rule"]: (r["trial"], r["messages"]) for r in data["rules"]}, {"try": (True, 1), "rest": (False, 1)})
        has(w.replay(w.path("log"))[1], "1 message          1 delivered (on trial)\n")
        has(open(w.path("p")).read(), "<td>try (on trial)</td>")
