"""iprev-check replay: log forms, the report as text and JSON.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import glob
import gzip
import json
import os
import re
import subprocess
import sys
import time

from checker import CONFIG, LOGS, PROGRAM, SRC, World, has, has_not, holds, on_terminal, plain, same

OUTCOMES = ("delivered", "spam", "accepted", "refused-mta", "refused-dnsbl", "refused-milter", "refused-iprev-milter", "refused-for-now",
            "authenticated", "exempt-recipient")


def log(name):
    return os.path.join(LOGS, name + ".log")


def totals(data):
    """{outcome: messages} over all actions, without zeros."""
    sums = {o: sum(a[o] for a in data["actions"].values()) for o in OUTCOMES}
    return {o: n for o, n in sums.items() if n}


def actions(data):
    return {a: s["messages"] for a, s in data["actions"].items() if s["messages"]}


def test_postfix():
    with World() as w:
        code, data, err = w.replay_json(log("postfix"))
        same((code, err), (0, ""))
        same(totals(data), {"delivered": 3, "spam": 1, "refused-mta": 2, "refused-dnsbl": 2, "refused-milter": 2, "refused-for-now": 1,
                            "authenticated": 1, "exempt-recipient": 1})
        same(actions(data), {"accept": 4, "tag": 1, "reject": 6, "exempt": 2})
        same(data["log"]["addresses"], 8)
        lost = data["refused_but_delivered"]
        same([(c["client"], c["delivered"], c["rule"]) for c in lost["clients"]], [("192.0.2.11", 1, "no-ptr")])
        same(lost["clients"][0]["exempt_line"], "192.0.2.11")
        has(lost["clients"][0]["reply"], "550 5.7.25 Client address 192.0.2.11 has no PTR record")
        same({c["client"]: c["helo"] for c in data["refused_anyway"]["clients"]},
             {"192.0.2.12": "spam.example", "192.0.2.13": "mail.bank.example", "2001:db8::31": "[IPv6:2001:db8::31]"})


def test_exempt_recipient_behind_an_alias():
    """Debian's aliases send postmaster@ to root: the policy asks whom the client named."""
    lines = ("Nov  1 10:00:00 mx1 postfix/smtpd[1]: %s: client=unknown[192.0.2.11]\n"
             "Nov  1 10:00:01 mx1 postfix/local[2]: %s: to=<%s>, %srelay=local, delay=0.1, delays=0/0/0/0, dsn=2.0.0, status=sent (x)\n")
    cases = [("root@example.org", "orig_to=<postmaster@example.org>, ", "exempt-recipient"),
             ("root@example.org", "orig_to=<abuse>, ", "exempt-recipient"),
             ("postmaster@other.example", "orig_to=<user@example.org>, ", "delivered"),
             ("user@example.org", "", "delivered")]
    with World() as w:
        for to, orig, outcome in cases:
            code, data, err = w.replay_json(w.file("log", lines % ("9D0001A2B50", "9D0001A2B50", to, orig)))
            same((code, err, totals(data)), (0, "", {outcome: 1}), to)


def test_exempt_recipients_need_the_step_that_tells_them():
    """A client refused before RCPT loses mail to postmaster@ too."""
    for stage, want in (("rcpt", {"exempt-recipient": 1}), ("mail", {"delivered": 1}), ("helo", {"delivered": 1}), ("connect", {"delivered": 1})):
        with World('reject-at = "%s"' % stage) as w:
            _, data, _ = w.replay_json(w.file("log", message("192.0.2.11").replace("<u@", "<postmaster@")))
            same((totals(data), data["refused_but_delivered"]["count"]), (want, int("delivered" in want)), stage)


def test_postfix_iso_stamps_and_filters():
    with World() as w:
        _, data, _ = w.replay_json(log("postfix-iso"))
        same(totals(data), {"delivered": 1, "spam": 1, "refused-mta": 1})
        same((data["log"]["begin"], data["log"]["end"]), (1793610000, 1793610360))
        same(data["refused_but_delivered"]["count"], 0)


def test_sendmail():
    with World() as w:
        _, data, _ = w.replay_json(log("sendmail"))
        same(totals(data), {"delivered": 1, "accepted": 1, "refused-mta": 2, "refused-dnsbl": 1, "refused-milter": 2, "authenticated": 1})
        same(actions(data), {"accept": 2, "tag": 1, "reject": 4, "exempt": 1})


def test_what_is_a_message():
    """Given up; refused with a login; refused step by step; given back by a content filter; repeated by the logger."""
    with World() as w:
        code, data, err = w.replay_json(log("transactions"))
        same((code, err), (0, ""))
        same(totals(data), {"authenticated": 1, "refused-milter": 1, "accepted": 1, "refused-mta": 2})
        same({c["helo"] for c in data["refused_anyway"]["clients"]} - {"pc.example"}, {"spam.example"})


def test_verdicts_in_a_log_of_their_own():
    """rspamd writes its own file: it counts before the mail log and behind it."""
    with World() as w:
        for logs in ((log("postfix"), log("rspamd")), (log("rspamd"), log("postfix"))):
            code, data, err = w.replay_json(*logs)
            same((code, err), (0, ""))
            same((totals(data)["delivered"], totals(data)["spam"]), (2, 2), logs)
            same(data["refused_but_delivered"]["count"], 0, logs)


def test_rspamd_as_debian_ships_it():
    """Its own file, lines as a real rspamd 3.4 of Debian wrote them: of the verdicts, one is on a message of the log."""
    with World() as w:
        mail = w.file("mail", message("192.0.2.11", qid="4BFD21A2B02") + message("192.0.2.11", qid="4BFD21A2B01"))
        for logs in ((mail, log("rspamd-debian")), (log("rspamd-debian"), mail)):
            _, data, _ = w.replay_json(*logs)
            same((data["log"]["spam_verdicts"], data["log"]["spam_verdicts_met"]), (2, 1), logs)
            same(totals(data), {"delivered": 1, "spam": 1}, "to greylist is no verdict")
            _, out, _ = w.replay("--html", w.path("p"), *logs)
            has(out, "2 spam verdicts read; 1 matched a message in these logs.")
            has(open(w.path("p")).read(), "2 spam verdicts read; 1 matched a message in these logs.")
        has(w.replay(mail)[1], "No spam verdicts in these logs: delivered spam counts as delivered.")


def test_verdicts_on_refused_messages():
    """A filter that refuses what it calls spam: the verdict has found its message, which stays refused."""
    refused = message("192.0.2.11", qid="4BFD21A2B02").split("\n")[0] + (
        "\nNov  1 10:00:01 mx1 postfix/cleanup[2]: 4BFD21A2B02: milter-reject: END-OF-MESSAGE from unknown[192.0.2.11]: 5.7.1 spam; "
        "from=<a@b.example> to=<u@example.org> proto=ESMTP helo=<x>\n")
    verdict = ("2026-11-01 10:00:01 #30(normal) <9ad703>; task; rspamd_task_write_log: id: <m@x>, qid: <4BFD21A2B02>, ip: 192.0.2.11, "
               "from: <a@b.example>, (default: T (reject): [17.00/15.00] []), len: 1\n")
    with World() as w:
        mail, own = w.file("mail", refused), w.file("own", verdict)
        for logs in ((mail, own), (own, mail), (w.file("both", refused + verdict),), (w.file("both2", verdict + refused),)):
            _, data, _ = w.replay_json(*logs)
            same((data["log"]["spam_verdicts"], data["log"]["spam_verdicts_met"], totals(data)), (1, 1, {"refused-milter": 1}), logs)


def test_own_records_without_dns():
    with World() as w:
        _, data, _ = w.replay_json("--no-dns", log("own"))
        same(actions(data), {"accept": 1, "tag": 1, "reject": 2})
        same((data["log"]["damaged_records"], data["log"]["addresses"]), (1, 4))
        same({c["client"]: c["helo"] for c in data["refused_anyway"]["clients"]}, {"192.0.2.13": ""})
        same([(c["client"], c["helo"]) for c in data["refused_but_delivered"]["clients"]], [("192.0.2.11", "pc\\x20one")])
        # no resolver is needed, and other lines of the log tell of the messages
        w.config = w.file("conf2", 'resolver: { zone = "/nonexistent" forward = ["127.0.0.1@1"] }')
    with World() as w:
        _, data, _ = w.replay_json("--no-dns", log("postfix"), log("own"))
        same(data["actions"]["unknown"]["messages"] > 0, True)
        same({c["client"] for c in data["refused_but_delivered"]["clients"]}, {"192.0.2.11"})


def test_hostile_F1_F4():
    with World() as w:
        code, out, err = w.replay("--top", "100", log("hostile"))
        same(code, 0)
        plain(out)
        plain(err)
        has(out, "\\x1b]0", "\\x1b[2Jred")
        code, data, _ = w.replay_json(log("hostile"))
        plain(json.dumps(data))
        known = {c["client"] for name in ("refused_anyway", "refused_but_delivered", "tagged") for c in data[name]["clients"]}
        same(known, {"192.0.2.12", "192.0.2.13", "192.0.2.15"})
        same(data["log"]["damaged_records"], 1)
        same(data["log"]["addresses"], 3)
        on = on_terminal([PROGRAM, "replay", "-c", w.config, log("hostile")], {"NO_COLOR": "1", "TERM": "xterm"})
        has_not(on, "\x1b")


def test_hostile_lines_of_any_octets_F4():
    with World() as w:
        noise = bytes((i * 7919 + i // 251) % 256 for i in range(300000))
        code, out, _ = w.replay(w.file("noise", noise), w.file("nul", b"\0" * 100000), w.file("long", b"x" * 3000000),
                                w.file("empty", b""))
        same(code, 65)
        plain(out)
        has(out, "No line of a known log format was found")
        has_not(out, "would have refused")  # it does not know
        same(w.replay(w.file("empty", b""))[0], 0)  # a log that was rotated a moment ago


def test_gzip_standard_input_and_several_files():
    with World() as w:
        text = open(log("postfix"), "rb").read()
        lines = text.splitlines(True)
        _, want, _ = w.replay_json(log("postfix"))
        first, rest = b"".join(lines[:20]), b"".join(lines[20:])
        ways = [
            ([w.file("a.gz", gzip.compress(text))], b""),
            ([w.file("two.gz", gzip.compress(first) + gzip.compress(rest))], b""),
            (["-"], text),
            (["-"], gzip.compress(text)),
            ([w.file("filled.gz", gzip.compress(text) + bytes(512))], b""),
            # as the shell names them, the newest first
            ([w.file("log", rest), w.file("log.1", first)], b""),
            ([w.path("log"), w.file("log.2.gz", gzip.compress(first))], b""),
            ([w.file("1", first), w.file("2.gz", gzip.compress(rest))], b""),
            ([w.file("crlf", text.replace(b"\n", b"\r\n"))], b""),
            ([w.file("cut", text[:-1])], b""),
        ]
        for files, stdin in ways:
            code, got, err = w.replay_json(*files, stdin=stdin)
            same((code, err), (0, ""), files)
            for key in ("actions", "timeline", "refused_anyway", "refused_but_delivered"):
                same(got[key], want[key], (files, key))
            for key in ("lines", "known_lines", "connects"):
                same(got["log"][key], want["log"][key], (files, key))


def test_octet_by_octet():
    """A pipe may give its first octets one by one."""
    with World() as w:
        packed = gzip.compress(open(log("postfix"), "rb").read())
        with subprocess.Popen([PROGRAM, "replay", "-c", w.config, "--json", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as proc:
            for part in (packed[:1], packed[1:2], packed[2:]):
                proc.stdin.write(part)
                proc.stdin.flush()
                time.sleep(0.2)
            got = json.loads(proc.communicate()[0])
        same(got["log"]["known_lines"], w.replay_json(log("postfix"))[1]["log"]["known_lines"])


def test_records_that_are_no_proof():
    """Findings that DNS may still change refuse nobody, as in the daemon; shapes are judged again, and so is their reason."""
    form = ("Nov  4 07:01:0%d mx1 iprev-milter[31]: client=192.0.2.%d ptr=%s helo=a.example findings=%s rule=- action=accept "
            "mode=enforce dns=1/2 wait=0 qid=3zW5xH2bFbzcPm stage=eom%s\n")
    lines = "".join(form % row for row in (
        (1, 1, "192-0-2-1.dsl.isp.example", "iprev-pass,ptr-generic,helo-temperror", ' name-why="word dsl"'),
        (2, 2, "192-0-2-2.dsl.isp.example", "iprev-pass,ptr-generic,helo-mismatch", ' name-why="word \\xff"'),
        (3, 3, "-", "iprev-temperror,dns-timeout,helo-mismatch", ""),
        (4, 4, "-", "iprev-temperror,dns-timeout,helo-invalid", ""),
        (5, 5, "192-0-2-5.dsl.isp.example", "iprev-temperror,dns-servfail,ptr-generic,helo-literal", ""),
        (6, 6, "192-0-2-6.dsl.isp.example", "iprev-temperror,dns-servfail,ptr-generic,ptr-many,helo-literal", "")))
    with World('builtin-rules = false rules: { bot: { when = ["ptr-generic", "!helo-verified"] action = "reject" };\n'
               'other: { when = ["!ptr-named", "helo-mismatch"] action = "reject" };\n'
               'odd: { when = ["helo-invalid", "!skip-network"] action = "reject" }; };') as w:
        _, data, _ = w.replay_json("--no-dns", w.file("own.log", lines))
        lost = {c["client"]: (c["rule"], c["why"]) for c in data["refused_but_delivered"]["clients"]}
        why = "address 192.0.2.%d in the name, access word dsl, domain of an access provider"
        same(lost, {"192.0.2.2": ("bot", why % 2), "192.0.2.4": ("odd", None), "192.0.2.5": ("bot", why % 5)})
        same(sum(sum(v for k, v in b.items() if k != "from") for b in data["timeline"]["buckets"]), 6)


def test_recalled_as_the_daemon_judges():
    """Without DNS: exempt hosts that DNS left open are not refused, and the lists of shapes are those of now."""
    line = ("Nov  4 07:01:01 mx1 iprev-milter[31]: client=192.0.2.1 ptr=%s helo=-a findings=%s rule=- action=accept "
            "mode=enforce dns=1/2 wait=0 qid=- stage=rcpt\n")
    rules = ('builtin-rules = false rules: { odd: { when = ["helo-invalid"] action = "reject" };\nbot: { when = ["ptr-generic"] action = "reject" }; };\n'
             'exempt: { hosts = ["mail.known.example"] }\n')
    open_ = "iprev-temperror,dns-servfail,ptr-named,helo-invalid"
    rows = (("mail.known.example", open_, "", "accept"), ("mail.other.example", open_, "", "reject"),
            ("mail.other.example", open_.replace("ptr-named", "ptr-named,ptr-many"), "", "accept"),  # it may have the listed name, too
            ("-", "iprev-temperror,dns-timeout,helo-invalid", "", "accept"),  # it may have that name
            ("mail.known.example", "iprev-pass,ptr-named,helo-invalid", "", "accept"),
            ("mail.known.example", "iprev-fail,forward-mismatch,ptr-named,helo-invalid", "", "reject"),
            ("mail.known.example", "iprev-fail,forward-mismatch,ptr-named", "", "accept"),
            ("a1.known.example", "iprev-pass,ptr-named,helo-mismatch", 'generic: { hosts = [".known.example"] }', "reject"),
            ("a1.known.example", "iprev-pass,ptr-generic,helo-mismatch", 'generic: { named = [".known.example"] }', "accept"))
    for ptr, found, more, want in rows:
        with World(rules + more) as w:
            _, data, _ = w.replay_json("--no-dns", w.file("own.log", line % (ptr, found)))
            same(actions(data), {want: 1}, (ptr, found, more))


def test_long_line_is_one_line_F4():
    """What stands behind the end of the buffer is no line of its own, wherever it stands."""
    real = b"Nov  1 10:00:00 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.%d]: 554 5.7.1 no"
    with World() as w:
        for size in (65535, 65536, 65537, 1048575, 1048576, 1048576 + 65536, 3000000):
            for end in (b"\n", b"\r\n"):
                text = b"x" * size + real % 13 + end + real % 12 + end
                _, data, _ = w.replay_json(w.file("log", text))
                same((data["log"]["lines"], data["log"]["known_lines"]), (2, 1), (size, end))
                same([c["client"] for c in data["refused_anyway"]["clients"]], ["192.0.2.12"])
        _, data, _ = w.replay_json(w.file("log", real % 12 + b"; " + b"y" * 65000 + b" helo=<far.example>\n"))
        same([(c["client"], c["helo"]) for c in data["refused_anyway"]["clients"]], [("192.0.2.12", "far.example")])


def test_last_line_without_end():
    with World() as w:
        line = b"Nov  1 10:00:00 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.12]: 554 5.7.1 no"
        for text in (line, line + b"\n", line + b"\r\n"):
            _, data, _ = w.replay_json(w.file("log", text))
            same((totals(data), data["log"]["lines"]), ({"refused-mta": 1}, 1), text[-3:])


def test_input_errors():
    with World() as w:
        packed = gzip.compress(open(log("postfix"), "rb").read() * 50)
        for name, data, text in (("cut.gz", packed[:len(packed) // 2], "cut"), ("bad.gz", packed[:40] + b"\xff" * 40 + packed[80:], "damaged")):
            code, out, err = w.replay(w.file(name, data))
            same(code, 66, name)
            has(err, name + ": the gzip file is " + text)
            holds("Incomplete: 1 of 1 logs could not be read to the end" in out or out == "", out)
            # the others are read all the same, and the report says that it is not whole
            code, got, err = w.replay_json(w.path(name), w.path("missing"), w.dir, log("sendmail"))
            same((code, got["log"]["files"], got["log"]["incomplete"]), (66, 4, True), name)
            has(err, text, "missing: No such file", "Is a directory")
            holds(got["log"]["lines"] >= 14, got["log"])
        same(w.replay_json(log("sendmail"))[1]["log"]["incomplete"], False)
        for octets, tool in ((b"\xfd7zXZ\0\0\4", "xzcat"), (b"BZh91AY", "bzcat"), (b"\x28\xb5\x2f\xfd\0", "zstdcat")):
            code, out, err = w.replay(w.file("packed", octets * 100))
            same((code, out), (66, ""), tool)
            has(err, tool)
        code, out, err = w.replay(w.path("missing"))
        same((code, out), (66, ""))
        has(err, "missing")
        same(w.replay(w.dir)[0], 66)
        same(w.replay("--html", "/nonexistent/x.html", log("postfix"))[0], 73)
        same(w.replay("--against", "/nonexistent", log("postfix"))[0], 78)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([PROGRAM, "replay", "-c", w.config, log("postfix")], stdout=full, stderr=subprocess.PIPE)
        same(done.returncode, 74)


def test_against():
    with World('exempt: { networks = ["192.0.2.11"] }\nbuiltin-rules = false rules: { forged: { when = ["iprev-fail"] action = "tempfail" }; };') as w:
        other = w.file("other", open(w.config).read().split("exempt")[0])
        code, data, _ = w.replay_json("--against", other, log("postfix"))
        same(code, 0)
        same({(c["against"], c["action"]): c["messages"] for c in data["changes"]},
             {("reject", "exempt"): 1, ("reject", "tempfail"): 5, ("tag", "accept"): 1})
        same({c["client"]: (c["against"], c["action"]) for c in data["changed"]["clients"]}["192.0.2.11"], ("reject", "exempt"))
        # the other way round: a client exempt there is looked up for this policy
        w.config, other = other, w.config
        _, data, _ = w.replay_json("--against", other, log("postfix"))
        same({c["client"]: (c["against"], c["action"], c["rule"]) for c in data["changed"]["clients"]}["192.0.2.11"],
             ("exempt", "reject", "no-ptr"))
        _, out, _ = w.replay("--against", other, log("postfix"))
        has(out, "exempt there, reject here", "Clients whose outcome changes")
        _, out, _ = w.replay("--against", w.config, log("postfix"))
        has(out, "no client's outcome changes")


def test_exempt_lines_work():
    """What the report offers, put into a file of exempt.lists, lets the client through; one by one, and all at once."""
    rules = ('builtin-rules = false rules: { all: { when = ["ptr-named"] action = "reject" };\n'
             'no: { when = ["iprev-permerror"] action = "reject" }; };')
    with World(rules) as w:
        _, data, _ = w.replay_json(log("postfix"))
        lines = [c["exempt_line"] for c in data["refused_but_delivered"]["clients"]]
        same(sorted(lines), ["192.0.2.11", "mail.good.example"])
        _, out, _ = w.replay(log("postfix"))
        title = "\n  All of these lines, for a file of exempt.lists:\n"
        section = out[out.index(title) + len(title):].split("\n\n")[0]
        same(section.split("\n"), lines)
        for text, left in (("", 2), (lines[0], 1), (lines[1], 1), (section, 0)):
            w.config = w.file("listed.conf", CONFIG % (w.zone, rules + 'exempt: { lists = ["%s"] };' % w.file("exempt", text)))
            code, data, err = w.replay_json(log("postfix"))
            same((code, err, data["refused_but_delivered"]["count"]), (0, "", left), text)


def test_text_lists_and_top():
    with World() as w:
        _, out, _ = w.replay("--top", "1", log("postfix"))
        has(out, "Refused, but delivered mail then: look at these first", "      exempt line: 192.0.2.11\n", "and 2 more")
        holds(out.index("look at these first") < out.index("none of their mail had been delivered"), "order")
        for line in out.splitlines():
            holds(len(line) <= 110, line)


def test_addresses_are_counted_once():
    """However many HELOs an address says."""
    line = ("Nov  1 10:00:00 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.%d]: 550 5.1.1 no; from=<> to=<a@b.example> "
            "proto=ESMTP helo=<h%d.example>\n")
    with World() as w:
        page, path = w.path("page.html"), w.file("log", "".join(line % (11, i) for i in range(12)))
        _, out, _ = w.replay("--html", page, path)
        has(out, "; 1 address with messages\n", "refused 12 messages of 1 address;", "for each HELO: 8 clients.\n")
        text = open(page).read()
        has(text, "12 messages of 1 client address</dd>", "<b>1</b><span>address refused", "for each HELO: 8 clients.")
        # an address of which one HELO is refused and another put off is one as well
        w.config = w.file("conf2", open(w.config).read() + 'builtin-rules = false rules: { h: { when = ["helo-unqualified"] action = "tempfail" };\n'
                          'n: { when = ["iprev-permerror"] action = "reject" }; };')
        path = w.file("log", line % (11, 1) + line.replace(".example>", ">") % (11, 2) + line % (11, 3))
        _, out, _ = w.replay("--html", page, path)
        has(out, "tempfail           1", "reject             2", "refused 3 messages of 1 address;")
        _, out, _ = w.replay("--html", page, w.file("log", line % (11, 1) + line % (12, 1)))
        has(out, "of 1 address;")
        has_not(out + open(page).read(), "for each HELO")


def test_generated_log_exactly():
    """Against a count of the generated log by other means."""
    with World() as w:
        path, zone = w.path("log"), w.path("gen.zone")
        with open(path, "wb") as out:
            subprocess.run([sys.executable, os.path.join(SRC, "tests", "bench", "genlog.py"), "3", "--clients", "300", "--zone", zone],
                           stdout=out, check=True)
        text = open(path).read()
        w.config = w.file("c2", 'resolver: { zone = "%s" forward = ["127.0.0.1@5399"] }' % zone)
        code, data, _ = w.replay_json(path)
        same(code, 0)
        spam = len(re.findall(r"Passed SPAM", text)) - len(spam_of_logins(text))
        logins = len(re.findall(r"sasl_username", text))
        want = {"refused-dnsbl": len(re.findall(r"postscreen.*reject", text)), "refused-for-now": text.count("Greylisted"),
                "refused-mta": text.count("User unknown"), "authenticated": logins, "spam": spam,
                "delivered": text.count(": client=") - logins - spam}
        got = totals(data)
        # the end of the log may cut the last message
        holds(abs(got["delivered"] + got.get("accepted", 0) - want["delivered"]) == 0, (got, want))
        for key in want:
            if key != "delivered":
                same(got[key], want[key], key)
        zone_text = open(zone).read()
        for c in data["refused_but_delivered"]["clients"]:
            same(c["exempt_line"], c["client"])  # a name that does not lead back exempts nobody
            holds("\n%s PTR mail" % ".".join(reversed(c["client"].split(".")[1:])) not in zone_text, c)
        same(sum(b[a] for b in data["timeline"]["buckets"] for a in data["actions"]) + logins,
             sum(s["messages"] for s in data["actions"].values()))


def spam_of_logins(text):
    ids = set(re.findall(r": (\w+): client=\S+ sasl_method", text))
    return [q for q in re.findall(r"Passed SPAM .*Queue-ID: (\w+)", text) if q in ids]


def test_memory_follows_clients_not_lines():
    with World() as w:
        grey = w.file("grey", open(w.config).read() + 'memory: { store = "sqlite:/nowhere/db"; };\n'
                      'rules: { g: { when = ["iprev-permerror"] action = "greylist" }; };')

        def peak(megabytes, config):
            path = w.path("log")
            with open(path, "wb") as out:
                subprocess.run([sys.executable, os.path.join(SRC, "tests", "bench", "genlog.py"), str(megabytes), "--clients", "200"],
                               stdout=out, check=True)
            done = subprocess.run(["sh", "-c", '"$@" > /dev/null; grep VmHWM /proc/self/status', "sh", sys.executable, "-c",
                                   "import resource,subprocess,sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True); "
                                   "sys.stderr.write('%d' % resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
                                   PROGRAM, "replay", "-c", config, "--no-dns", path], capture_output=True, check=True)
            return int(done.stderr)
        for config in (w.config, grey):
            small, large = peak(2, config), peak(40, config)
            holds(large < small + 4096, "%d KiB for 2 MB, %d KiB for 40 MB" % (small, large))


def message(client, more="", qid="4BFD21A2B3C"):
    """A message that Postfix took and delivered."""
    return ("Nov  1 10:00:00 mx1 postfix/smtpd[1]: %s: client=x[%s]%s\n"
            "Nov  1 10:00:01 mx1 postfix/lmtp[2]: %s: to=<u@example.org>, relay=r, dsn=2.0.0, status=sent (ok)\n" % (qid, client, more, qid))


def record(client, found, more):
    return "Nov  1 10:00:00 mx1 iprev-milter[3]: client=%s ptr=- helo=h.example findings=%s rule=- %s\n" % (client, found, more)


def test_trusted_relay_is_not_judged():
    """Nothing is refused behind a relay, and itself it is not checked."""
    behind = record("192.0.2.12", "iprev-fail,forward-mismatch,ptr-named,helo-mismatch",
                    "action=reject mode=monitor qid=4BFD21A2B3C stage=eom relay=192.0.2.11")
    logs = [message("192.0.2.11"), behind.replace("qid=4BFD21A2B3C ", ""), message("192.0.2.11") + behind]
    with World('trusted-relays = ["192.0.2.11"]') as w:
        other = w.file("other", open(w.config).read().replace("trusted-relays", "#"))
        for text in logs:
            path = w.file("log", text)
            for args in ((path,), ("--no-dns", path)):
                code, data, _ = w.replay_json(*args)
                same((code, actions(data), totals(data)), (0, {"exempt": 1}, {"delivered": 1}), (args, text))
                same((data["log"]["addresses"], data["refused_but_delivered"]["count"]), (1, 0), (args, text))
            _, data, _ = w.replay_json("--against", other, path)
            same([(c["client"], c["reason"]) for c in data["changed"]["clients"]], [("192.0.2.11", "one of trusted-relays")])
            same({(c["against"], c["action"]) for c in data["changes"]}, {("reject", "exempt")}, text)


def test_own_records_of_logins():
    miss, login = (record("192.0.2.11", f, "action=accept mode=monitor stage=eom")
                   for f in ("iprev-permerror,ptr-missing,helo-mismatch", "iprev-skip,skip-authenticated"))
    with World() as w:
        for text, want in ((login * 3, {"exempt": 3}), (miss * 3 + login, {"reject": 3, "exempt": 1}), (login + miss * 3, {"reject": 3, "exempt": 1})):
            path = w.file("log", text)
            for args in ((path,), ("--no-dns", path)):
                _, data, _ = w.replay_json(*args)
                same((actions(data), totals(data).get("authenticated", 0)), (want, want["exempt"]), (args, text))
        # a policy that checks them too
        w.config = w.file("conf2", open(w.config).read() + "exempt: { authenticated = false }")
        _, data, _ = w.replay_json(w.file("log", login))
        same((actions(data), totals(data)), ({"reject": 1}, {"delivered": 1}))
        # what is known of a client stays when DNS is silent later
        late = miss.replace("iprev-permerror,ptr-missing", "iprev-temperror,dns-timeout")
        for text in (miss + late, late + miss):
            same(actions(w.replay_json("--no-dns", w.file("log", text))[1]), {"reject": 2}, text)


def test_clients_the_policy_does_not_decide_about():
    """Who only logged in, or wrote only to exempt recipients, is neither refused nor tagged."""
    login = ", sasl_method=PLAIN, sasl_username=bob"
    text = message("192.0.2.11", login, "4BFD21A2B3C") + message("192.0.2.14", login, "4BFD21A2B3D")
    text += message("192.0.2.12", "", "4BFD21A2B3E").replace("<u@", "<postmaster@")
    with World() as w:
        path, other = w.file("log", text), w.file("other", 'builtin-rules = false rules: { x: { when = ["iprev-pass"] action = "tempfail" }; };')
        for args in ((path,), ("--no-dns", path)):
            _, data, _ = w.replay_json("--against", other, *args)
            same({a: (s["clients"], s["messages"]) for a, s in data["actions"].items() if s["clients"] or s["messages"]},
                 {"exempt": (3, 3)})
            same((data["findings"], [r["clients"] for r in data["rules"] if r["clients"]]), ({}, []))
            same((data["tagged"]["count"], data["changed"]["count"], data["changes"]), (0, 0, []))
            same((data["log"]["addresses"], data["log"]["temperror_clients"]), (3, 0))
        page = w.path("page.html")
        _, out, _ = w.replay("--against", other, "--html", page, path)
        has(out, "would have refused 0 messages of 0 addresses", "no client's outcome changes")
        has_not(out, "Tagged", "whose outcome changes\n")
        has(open(page).read(), "No client's outcome changes", "logins or mail to exempt recipients only")
        # of other messages the client is judged
        _, data, _ = w.replay_json(w.file("log", text + message("192.0.2.11", "", "4BFD21A2B3F")))
        same({a: (s["clients"], s["messages"]) for a, s in data["actions"].items() if s["messages"]}, {"exempt": (2, 3), "reject": (1, 1)})


def test_golden_logs_have_no_unknown_form():
    """Every sample is used by a test."""
    names = {os.path.basename(p)[:-4] for p in glob.glob(os.path.join(LOGS, "*.log"))}
    same(names, {"postfix", "postfix-iso", "sendmail", "own", "hostile", "rspamd", "rspamd-debian", "transactions"})
