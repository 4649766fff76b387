"""iprev-check IP [HELO], HOST, self; the command line.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import json
import os
import re
import socket
import subprocess

from checker import CONFIG, LOGS, PROGRAM, World, has, has_not, holds, on_terminal, plain, same, with_addresses

# arguments, exit code, the first sentence, findings, records that fix
CASES = [
    ("192.0.2.10 mail.good.example", 0, "is accepted because reverse DNS confirms mail.good.example",
     "iprev-pass ptr-named helo-verified", []),
    ("192.0.2.11 mail.new.example", 1, "would be rejected by rule no-ptr: the address has no PTR record",
     "iprev-permerror ptr-missing helo-unresolved",
     ["11.2.0.192.in-addr.arpa. PTR mail.new.example.", "mail.new.example. A 192.0.2.11"]),
    ("192.0.2.11", 1, "would be rejected by rule no-ptr: the address has no PTR record",
     "iprev-permerror ptr-missing helo-missing", ["11.2.0.192.in-addr.arpa. PTR mail.example.com."]),
    ("192.0.2.12 mail.good.example", 1, "would be rejected by rule forged: host.nowhere.example has no A record",
     "iprev-fail forward-missing ptr-named helo-mismatch",
     ["host.nowhere.example. A 192.0.2.12", "mail.good.example. A 192.0.2.12"]),
    ("192.0.2.13 mail.bank.example", 1, "would be rejected by rule forged: mail.bank.example -> 198.51.100.25, not 192.0.2.13",
     "iprev-fail forward-mismatch ptr-named helo-mismatch", ["mail.bank.example. A 192.0.2.13"]),
    ("192.0.2.14 mail.shop.example", 0, "is tagged by rule botlike: 192-0-2-14.dsl.dyn.isp.example looks machine-generated: "
     "address 192.0.2.14 in the name, access word dsl, domain of an access provider",
     "iprev-pass ptr-generic helo-mismatch",
     ["14.2.0.192.in-addr.arpa. PTR mail.shop.example.", "mail.shop.example. A 192.0.2.14"]),
    ("192.0.2.15 PC-17", 0, "is tagged by rule bothelo: PC-17 is not a fully qualified name",
     "iprev-pass ptr-named ptr-many helo-unqualified",
     ["15.2.0.192.in-addr.arpa. PTR mail.busy.example.", "Postfix   smtp_helo_name = mail.busy.example"]),
    ("192.0.2.16 shop.example", 0, "is accepted because reverse DNS confirms shop.example",
     "iprev-pass ptr-named ptr-bare-domain helo-verified",
     ["16.2.0.192.in-addr.arpa. PTR mail.shop.example.", "mail.shop.example. A 192.0.2.16"]),
    ("192.0.2.17 mail.customer.example", 0, "is accepted because reverse DNS confirms mail.customer.example",
     "iprev-pass ptr-named helo-verified", []),
    ("192.0.2.20 mail.good.example", 1, "would be rejected by rule forged: the PTR record contains no valid host name",
     "iprev-fail ptr-invalid helo-mismatch", ["20.2.0.192.in-addr.arpa. PTR mail.good.example."]),
    ("2001:db8::30 mail.six.example", 0, "is accepted because reverse DNS confirms mail.six.example",
     "iprev-pass ptr-named helo-verified", []),
    ("2001:db8::31 [IPv6:2001:db8::31]", 1, "would be rejected by rule forged: mail.liar.example -> 2001:db8::dead, not 2001:db8::31",
     "iprev-fail forward-mismatch ptr-named helo-literal", ["mail.liar.example. AAAA 2001:db8::31"]),
    ("203.0.113.9 [203.0.113.9]", 75, "is accepted (no rule matched): no answer from DNS in time",
     "iprev-temperror dns-timeout helo-literal", ["dig +trace 9.113.0.203.in-addr.arpa. PTR"]),
    ("127.0.0.1 x", 0, "is not checked because it is a private address (exempt.private)", "iprev-skip skip-network", []),
]


LIMITS = """
mail.me.example. A 192.0.2.21
mail.lost.example. A 198.51.100.9
""" + "".join("21.2.0.192.in-addr.arpa. PTR h%02d.many.example.\nh%02d.many.example. A 198.51.100.9\n" % (i, i) for i in range(11)) + \
    "22.2.0.192.in-addr.arpa. PTR mail.big.example.\n" + "".join("mail.big.example. A 192.0.2.%d\n" % i for i in range(22, 143)) + \
    "".join("helo.big.example. A 192.0.2.%d\n" % i for i in range(21, 122))


def test_limits():
    """More than 10 PTR names: keep one, and nothing to create for each. A HELO name with more than 100
    addresses: use another. A PTR name with more than 100 is in order."""
    with World() as w:
        zone = w.file("limits", LIMITS)

        def records(*args):
            code, data, err = w.json(*args, "-z", zone)
            same(err, "", args)
            return code, data["findings"], [m["record"] for k in data["links"] for m in k["fix"]]
        same(records("192.0.2.21", "mail.me.example"),
             (0, "iprev-fail ptr-limit ptr-named ptr-many helo-forward".split(), ["21.2.0.192.in-addr.arpa. PTR mail.me.example."]))
        same(records("192.0.2.22", "mail.big.example"), (0, "iprev-pass ptr-named helo-verified".split(), []))
        same(records("192.0.2.22", "helo.big.example"),
             (0, "iprev-pass ptr-named helo-aligned".split(), []))
        code, findings, fixes = records("192.0.2.21", "helo.big.example")
        same((code, findings[-1]), (0, "helo-mismatch"))
        same(fixes, ["21.2.0.192.in-addr.arpa. PTR mail.example.com.", "mail.example.com. A 192.0.2.21",
                    "Postfix   smtp_helo_name = mail.example.com\nSendmail  define(`confHELO_NAME', `mail.example.com')dnl\n"
                    "Exim      primary_hostname = mail.example.com"])
        _, out, _ = w.run("192.0.2.21", "helo.big.example", "-z", zone)
        plain(out)
        has(out, "more than 100 addresses", "11 PTR records are published")


def test_cases_text_and_json():
    with World() as w:
        for args, code, verdict, findings, records in CASES:
            got, out, err = w.run(*args.split())
            same((got, err), (code, ""), args)
            plain(out)
            same(" ".join(out.split("\n\n")[0].split()), args.split()[0] + " " + verdict)
            has(out, "\nOutcome\n  findings: " + findings.replace(" ", ", ") + "\n", *("      " + r + "\n" for r in records))
            same("\nDNS\n" in out, "skip" not in findings, args)
            if not records:
                has_not(out, "To fix")
            got, data, err = w.json(*args.split())
            same((got, data["findings"]), (code, findings.split()), args)
            same(set(records) - {line for k in data["links"] for m in k["fix"] for line in m["record"].split("\n")}, set(), args)
            for k in data["links"]:
                holds(k["fix"] or k["state"] in ("ok", "unknown"), k)


def test_chain_shows_each_link():
    with World() as w:
        _, out, _ = w.run("192.0.2.15", "mail.busy.example")
        has(out, "weak     resolves back  old.busy.example has no A record",
            "weak     resolves back  www.busy.example -> 198.51.100.27",
            "ok       resolves back  mail.busy.example -> 192.0.2.15",
            "3 PTR records are published", "15.2.0.192.in-addr.arpa PTR", "TTL 300")
        _, out, _ = w.run("203.0.113.9", "silent.test")
        has(out, "9.113.0.203.in-addr.arpa PTR\n      no answer in time (", "silent.test A\n      no answer in time")
        _, out, _ = w.run("192.0.2.17")
        has(out, "17.2.0.192.in-addr.arpa PTR\n      alias of 17.16/28.2.0.192.in-addr.arpa (")
        _, out, _ = w.run("192.0.2.22")
        has(out, "ok       resolves back  alias.good.example -> 192.0.2.22", "alias of target.good.example")
        _, out, _ = w.run("192.0.2.14", "x.y.example")
        has(" ".join(out.split()), "looks machine-generated: address", "access word dsl")


def test_advice_is_two_lines():
    """Who fixes it on one line, the record on the next, no record twice, every link that is
    not whole among them."""
    with World() as w:
        for args, _, _, _, records in CASES:
            _, out, _ = w.run(*args.split())
            if not records:
                continue
            chain = out.split("Chain\n")[1].split("\n\n")[0]
            lines = out.split("To fix\n")[1].splitlines()
            seen, number = [], 0
            while lines:
                line = lines.pop(0)
                holds(len(line) <= 78, line)
                if line.startswith("      Record"):
                    at, title = re.fullmatch(r'      Record (\d+) also fixes "([a-zA-Z ]+)"\.', line).groups()
                    holds(int(at) <= number and title in chain, line)
                    continue
                number += 1
                holds(re.fullmatch(r" {2,3}%d\. [A-Z].*:" % number, line), line)
                record = lines.pop(0)
                holds(re.match(r"      \S", record) and record not in seen, record)
                seen.append(record)
                if record.startswith("      Postfix   "):
                    same([line[:16] for line in (lines.pop(0), lines.pop(0))], ["      Sendmail  ", "      Exim      "])
            holds(number >= 1, out)


def test_outcome_as_the_daemon():
    with World('mode = "enforce"') as w:
        _, out, _ = w.run("192.0.2.11", "a.example")
        holds(max(map(len, out.splitlines())) <= 78, "every line fits on a terminal")
        has(" ".join(out.split()), "rule: no-ptr", "action: reject", "mode: enforce",
            "reply: 550 5.7.25 Client address 192.0.2.11 has no PTR record",
            'Authentication-Results: mx.example.org; iprev=permerror reason=ptr-missing policy.iprev=192.0.2.11',
            "X-IPRev: permerror; ip=192.0.2.11; ptr=-; helo=a.example; findings=iprev-permerror,")
    with World('exempt: { networks = ["192.0.2.0/28"] }') as w:
        code, out, _ = w.run("192.0.2.11", "a.example")
        same(code, 0)
        has(out, "192.0.2.11 is not checked because it is in exempt.networks\n", "iprev-skip, skip-network")


# rules, arguments, the first sentence
VERDICTS = [
    ('mode = "enforce"', "192.0.2.11 x", "is rejected by rule no-ptr: the address has no PTR record"),
    ('exempt: { hosts = ["mail.good.example"] }', "192.0.2.10 x",
     "is accepted by exempt.hosts: reverse DNS confirms mail.good.example"),
    ('builtin-rules = false rules: { r: { when = ["helo-mismatch"] action = "reject" }; };', "192.0.2.10 mail.bank.example",
     "would be rejected by rule r: mail.bank.example resolves elsewhere, not to the client"),
    ('builtin-rules = false rules: { r: { when = ["iprev-pass", "helo-unqualified"] action = "quarantine" }; };', "192.0.2.10 PC",
     "would be quarantined by rule r: PC is not a fully qualified name"),
    ('builtin-rules = false rules: { r: { when = ["iprev-fail", "helo-mismatch"] action = "tempfail" }; };', "192.0.2.13 mail.bank.example",
     "would be refused for now by rule r: mail.bank.example -> 198.51.100.25, not 192.0.2.13"),
    ('builtin-rules = false rules: { r: { when = ["!helo-verified"] action = "tag" }; };', "192.0.2.10 x",
     "is tagged by rule r: reverse DNS confirms mail.good.example"),
    ('builtin-rules = false rules: { r: { when = ["ptr-many"] action = "accept" }; };', "192.0.2.11 x",
     "is accepted (no rule matched): the address has no PTR record"),
    ('builtin-rules = false rules: { r: { when = ["dns-timeout"] action = "tempfail" }; };', "203.0.113.9 x",
     "would be refused for now by rule r: no answer from DNS in time"),
]


def test_verdict_first():
    for more, args, verdict in VERDICTS:
        with World(more) as w:
            out = w.run(*args.split())[1]
            same(" ".join(out.split("\n\n")[0].split()), args.split()[0] + " " + verdict, more)


def test_hostile_helo_F1():
    with World() as w:
        for helo in ("<script>x</script>", "a\x1b[2Jb", "x=y findings=iprev-pass", "\u00fcber.example", "a" * 4000, "\x7f\x01"):
            _, out, _ = w.run("192.0.2.10", helo)
            plain(out)
            _, data, _ = w.json("192.0.2.10", helo)
            plain(json.dumps(data))
            holds("helo-invalid" in data["findings"], data["findings"])


def test_host_every_address():
    plain_rules = 'rules: { no-ptr: { when = ["iprev-permerror"] action = "reject" } forged: { when = ["iprev-fail"] action = "reject" } }'
    with World() as w:
        code, out, err = w.run("two.good.example")  # its name, said as HELO, vouches for it
        same((code, err), (1, ""), "accepted here, but other servers refuse it: there is something to fix")
        has(out, "192.0.2.11 is accepted (no rule matched): the address has no PTR record")
    with World(plain_rules) as w:
        code, out, err = w.run("two.good.example")
        same((code, err), (1, ""))
        has(out, "192.0.2.11 would be rejected by rule no-ptr", "192.0.2.21 is accepted", "2001:db8::30 is accepted",
            "HELO           two.good.example resolves to the client", "11.2.0.192.in-addr.arpa. PTR two.good.example.")
        has_not(out, "two.good.example. A 192.0.2.11")  # it is there
        same([line.split() for line in out.split("\nAll addresses\n")[1].splitlines()],
             [["192.0.2.11", "reject", "ptr-missing"], ["192.0.2.21", "accept", "iprev-pass"], ["2001:db8::30", "accept", "iprev-pass"]])
        has_not(w.run("mail.good.example")[1], "All addresses")
        code, data, _ = w.json("two.good.example")
        same([(c["client"], c["action"], c["findings"][-1]) for c in data["clients"]],
             [("192.0.2.11", "reject", "helo-forward"), ("192.0.2.21", "accept", "helo-verified"),
              ("2001:db8::30", "accept", "helo-forward")])
        same(data["host"], "two.good.example")
        code, out, err = w.run("nothing.example")
        same(code, 1)
        has(err, "no such host")
        holds(out.startswith("nothing.example: 1 problem\n   1. no such host, or it has no address: create an A or AAAA record\n"), out)
        code, _, err = w.run("silent.test")
        same(code, 75, err)
    with World('rules: { all: { when = ["!iprev-pass", "!iprev-temperror"] action = "reject" }; };') as w:
        for host, code in (("mail.good.example", 0), ("half.good.example", 75), ("bad.good.example", 1), ("bad2.good.example", 1)):
            same(w.run(host)[0], code, "of several clients the worst counts: refused, then not known")


def test_self():
    with World() as w:
        argv = [PROGRAM, "-c", w.config, "--json", "self", "mail.good.example"]
        done = with_addresses(argv, ["192.0.2.10/32", "10.0.0.1/32", "2001:db8::31/128"])
        same(done.returncode, 1, done.stderr)
        same([c["client"] for c in json.loads(done.stdout)["clients"]], ["192.0.2.10", "2001:db8::31"])
        same(json.loads(done.stdout)["problems"][0].split(": ")[0], "2001:db8::31")
        argv[-1] = "mx.example.org"
        done = with_addresses(argv, ["192.0.2.10/32"])
        same(json.loads(done.stdout)["clients"][0]["findings"][-1], "helo-temperror", "it is asked about: to others, this server's name is one like any")
        done = with_addresses(argv, ["10.0.0.1/32"])
        same(done.returncode, 69)
        has(done.stderr.decode(), "no public address")


def test_network_of_our_own():
    """No server of this machine, at whatever port, is asked by these tests."""
    same([name for _, name in socket.if_nameindex()], ["lo"])


def test_colour_only_on_a_terminal():
    with World() as w:
        argv = [PROGRAM, "-c", w.config, "192.0.2.11", "x"]
        out = on_terminal(argv, {"TERM": "xterm", "NO_COLOR": ""})
        same(out.split("\r\n")[0][:len("\x1b[1m192.0.2.11\x1b[0m\x1b[1;31m would be rejected\x1b[0m by rule no-ptr")],
             "\x1b[1m192.0.2.11\x1b[0m\x1b[1;31m would be rejected\x1b[0m by rule no-ptr")
        has(out, "\x1b[1;31mbroken\x1b[0m")
        has(on_terminal(argv[:3] + ["192.0.2.10"], {"TERM": "xterm", "NO_COLOR": ""}), "\x1b[32m is accepted\x1b[0m")
        has_not(on_terminal(argv, {"TERM": "xterm", "NO_COLOR": "1"}), "\x1b")
        has_not(on_terminal(argv, {"TERM": "dumb", "NO_COLOR": ""}), "\x1b")
        has_not(w.run("192.0.2.11", "x", env={"TERM": "xterm"})[1], "\x1b")


KEYS = {"client", "result", "cause", "ptr", "helo_name", "why", "findings", "rule", "action", "mode", "helo", "questions", "chain",
        "links", "reply", "exempt_line", "headers", "memory"}


def test_json_schema():
    with World() as w:
        for args, *_ in CASES:
            _, data, _ = w.json(*args.split())
            same(set(data), KEYS, args)
            for q in data["questions"]:
                same(set(q), {"name", "type", "answer", "records", "more", "damaged", "alias", "ms", "ttl", "dnssec"})
            for k in data["links"]:
                same(set(k), {"link", "state", "text", "finding", "fix"})
                holds(k["state"] in ("ok", "broken", "weak", "unknown"), k)
            if data["chain"]:
                same(set(data["chain"]), {"published", "capped", "names"})
            same(data["reply"] is None, data["action"] in ("accept", "tag", "quarantine"))
            same(data["exempt_line"], None if data["action"] in ("accept", "tag") else args.split()[0])


# rules, arguments, the line
EXEMPT_LINES = [
    ("", "192.0.2.11 x", "192.0.2.11"),
    ("", "192.0.2.13 mail.bank.example", "192.0.2.13"),
    ("", "2001:db8::31 x", "2001:db8::31"),
    ('rules: { r: { when = ["iprev-pass"] action = "quarantine" }; };', "192.0.2.10 x", "mail.good.example"),
]


def test_line_that_exempts():
    """It is shown with the file it belongs in; put there, it lets the client through."""
    for rules, args, line in EXEMPT_LINES:
        with World(rules) as w:
            _, out, _ = w.run(*args.split())
            has(out, "\nTo let it through all the same\n  Add this line to a file named in exempt.lists and reload:\n      %s\n" % line)
            plain(out)
        with World() as w:
            path = w.file("exempt", "# ours\n")
            w.config = w.file("lists.conf", CONFIG % (w.zone, rules + 'exempt: { lists = ["%s"] };\n' % path))
            _, out, _ = w.run(*args.split())
            has(out, "Add this line to %s and reload:\n      %s\n" % (path, line))
            w.file("exempt", "# ours\n%s until 2999-12-31 # a test\n" % line)
            code, out, err = w.run(*args.split())
            same((code, err), (0, ""))
            has(" ".join(out.split()), args.split()[0] + " is accepted by exempt.lists: ", " rule: exempt.lists ",
                "; rule=exempt.lists; action=accept")
            has_not(out, "To let it through")
            w.file("exempt", "%s until 2026-01-01\n" % line)
            code, out, err = w.run(*args.split())
            has(err, "iprev-check: %s: note: no longer exempt, 1 line is over: %s (line 1)\n" % (path, line))
            has(out, "To let it through")


# arguments, what the one line on standard error says behind the name of the program
USAGE = [
    ("", "an IP address, host name or command is required. Try iprev-check --help"),
    ("reply", 'unknown command "reply"; did you mean "replay"? Try iprev-check --help'),
    ("one", 'unknown command "one" (a host name contains a dot). Try iprev-check --help'),
    ("1.2.3.4.5", '"1.2.3.4.5" is neither an IP address nor a host name. Try iprev-check --help'),
    ("192.0.2.1 x y", "too many arguments. Try iprev-check --help"),
    ("self a b", "too many arguments. Try iprev-check self --help"),
    ("replay", "a log file is required, or - for standard input. Try iprev-check replay --help"),
    ("--batch", 'unknown option "--batch"; did you mean "batch"? Try iprev-check --help'),
    ("192.0.2.1 --htlm", 'unknown option "--htlm"; did you mean "--html"? Try iprev-check --help'),
    ("-q", 'unknown option "-q". Try iprev-check --help'),
    ("--json=1 self", "--json takes no argument. Try iprev-check --help"),
    ("replay --top", "--top takes an argument. Try iprev-check --help"),
    ("replay --top 0 x", "--top takes a number from 1 to 100000. Try iprev-check --help"),
    ("replay --top 100001 x", "--top takes a number from 1 to 100000. Try iprev-check --help"),
    ("replay --top 1x x", "--top takes a number from 1 to 100000. Try iprev-check --help"),
    ("--no-dns 192.0.2.1", "--no-dns works only with replay. Try iprev-check --help"),
    ("batch --html x", "--html works only with IP, HOST, self, replay, refused. Try iprev-check batch --help"),
    ("classify --json", "--json works only with IP, HOST, self, batch, replay, refused, memory. Try iprev-check classify --help"),
    ("-z x classify", "--zone works only with IP, HOST, self, batch, replay, refused. Try iprev-check classify --help"),
    ("replay --no-dns -z x x", "--no-dns asks no DNS: leave out --zone and --server. Try iprev-check replay --help"),
    ("-s nonsense 192.0.2.1", "--server nonsense: "),
]


def test_usage():
    with World() as w:
        for args, says in USAGE:
            code, out, err = w.run(*args.split())
            same((code, out, err[:len("iprev-check: " + says)]), (64, "", "iprev-check: " + says), args)
            same(err.count("\n"), 1, args)
        for args in (["a b"], ["a\x1b[2J"], ["--\x1b[2J"], ["-\x1b"], ["\xff" * 5000]):
            code, out, err = w.run(*args)
            same((code, out), (64, ""), args)
            plain(err)


def test_options_before_or_behind_the_command():
    with World() as w:
        log = os.path.join(LOGS, "postfix.log")
        want = subprocess.run([PROGRAM, "replay", "-c", w.config, "--json", log], capture_output=True, check=True).stdout
        for args in (["-c", w.config, "--json", "replay", log], ["--json", "replay", log, "-c", w.config],
                     ["replay", log, "--json", "--config=" + w.config]):
            same(subprocess.run([PROGRAM, *args], capture_output=True, check=True).stdout, want, args)
        same(w.run("192.0.2.10", "--json")[1][:1], "{")
        same(w.run("192.0.2.10", "--", "-helo")[0], 0)
        has(w.replay("--", "--missing")[2], "iprev-check: --missing: No such file")


def test_configuration_faults_name_the_program():
    with World() as w:
        for args in (["192.0.2.1"], ["replay", "--against", w.config, "x"]):
            code, out, err = w.run("-c", "/nonexistent", *args)
            same((code, out, err), (78, "", "iprev-check: /nonexistent: No such file or directory\n"))
        code, out, err = w.replay("--against", w.file("bad", "nonsense = 1\nmore = 2\n"), os.path.join(LOGS, "postfix.log"))
        same((code, out), (78, ""))
        holds(err.count("\n") >= 1 and all(line.startswith("iprev-check: ") for line in err.splitlines()), err)


def test_exit_codes():
    """What could not be written, whatever it was, and what stands in a file that the configuration names."""
    with World() as w:
        tasks = (["192.0.2.10"], ["--json", "192.0.2.10"], ["mail.good.example"], ["classify"], ["batch"], ["-h"], ["-V"],
                 ["replay", "--json"] + [os.path.join(LOGS, "postfix.log")], ["replay", os.path.join(LOGS, "sendmail.log")])
        for args in tasks:
            with open("/dev/full", "wb") as full:
                done = subprocess.run([PROGRAM, *args, "-z", w.zone] if args[0] == "replay" else [PROGRAM, "-c", w.config, *args],
                                      input=b"192.0.2.10\tmail.good.example\n", stdout=full, stderr=subprocess.PIPE)
            same(done.returncode, 74, args)
            has(done.stderr.decode(), "iprev-check: standard output: No space left")
        bad = w.file("bad.zone", "a.example. A 192.0.2.300\n")
        for args in (["192.0.2.10"], ["batch"], ["replay", os.path.join(LOGS, "sendmail.log")]):
            for zone, says in ((bad, "bad.zone:1: "), (w.path("none"), "No such file")):
                first = args[:1] if args[0] == "replay" else []
                code, out, err = w.run(*args[len(first):], "-z", zone, first=first, stdin=b"192.0.2.10\n")
                same((code, out), (78, ""), args)
                has(err, says)
