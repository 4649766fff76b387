"""The manual and the completion name every option, and the manual every JSON member.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import json
import os
import re
import shutil
import subprocess

from checker import BUILD, LOGS, PROGRAM, SRC, Skip, World, has, holds, same
from test_memory import Store
from postfix import Postfix
from test_probe import NAME, Probed, certificate
from test_sender import FORWARD, Names, REVERSE

MANUAL = os.path.join(SRC, "man", "iprev-check.1")
COMPLETION = os.path.join(SRC, "completions", "iprev-check.bash")


def options(*command):
    """The options that --help shows, of one command or of all."""
    usage = subprocess.run([PROGRAM, *command, "--help"], capture_output=True, text=True, check=True).stdout
    holds(max(map(len, usage.splitlines())) <= 80, usage)
    return set(re.findall(r"^ .* (--[a-z-]+)", usage, re.M))


COMMANDS = ("self", "batch", "classify", "replay", "refused", "memory")


def test_options_everywhere():
    """What --help says is what the manual and the completion say, command by command."""
    manual = open(MANUAL).read()
    same(set(re.findall(r"^\.It Fl (?:. , Fl )?-([a-z-]+)", manual.split(".Sh OPTIONS")[1], re.M)), {name[2:] for name in options()})
    for command in COMMANDS:
        has(manual, ".Cm %s\n" % command)
        same(options(command) <= options(), True)
        if shutil.which("bash"):
            same({word for word in complete("iprev-check", command, "-") if word.startswith("--")}, options(command), command)


def documented():
    """{section: {path: types}} of the JSON part of the manual."""
    text = open(MANUAL).read().split(".Sh JSON")[1].split(".Sh EXIT")[0]
    schema = {}
    for part in text.split(".Ss ")[1:]:
        title, _, body = part.partition("\n")
        rows = schema.setdefault(title, {})
        for paths, types in re.findall(r"^\.It Cm (.*) Pq (.*)$", body, re.M):
            for path in paths.split(" , "):
                holds(path not in rows, "documented twice: " + path)
                rows[path] = set(types.split(" or "))
    sums = set(re.findall(r"[a-z-]+", " ".join(re.findall(r"^\.Cm (.*)$", text.split(".Ss Replay")[1].split(".Pp")[0], re.M))))
    return schema, sums


def probed():
    """What iprev-check --probe says about a real Postfix."""
    with Probed() as w:
        server = Postfix({25: None}, settings=certificate(w, NAME)).start()
        try:
            return w.json("--probe", NAME)[1]
        finally:
            server.stop()


LISTS = ("refused_but_delivered", "refused_anyway", "put_off", "tagged", "changed")
TYPES = {str: "string", int: "number", float: "number", bool: "boolean", list: "list", dict: "object", type(None): "null"}


class Checked:
    """JSON values walked against the rows of one section of the manual."""

    def __init__(self, rows, sums=()):
        self.rows, self.sums, self.used = rows, set(sums), set()

    def find(self, path):
        names = path.split(".")
        if names[0] in LISTS and len(names) > 1:
            names[0] = "LIST"
        for row in (".".join(names), ".".join(names[:-1] + ["*" + ("[]" if names[-1].endswith("[]") else "")])):
            if row in self.rows:
                return row
        raise AssertionError("not in the manual: " + path)

    def value(self, path, v):
        row = self.find(path)
        self.used.add(row)
        types = self.rows[row]
        if types == {"sum"}:
            names = set(v)
            holds(self.sums <= names, (path, self.sums - names))
            for name in names - self.sums:
                self.value(path + "." + name, v[name])
            holds(all(type(v[name]) is int for name in self.sums), (path, v))
            return
        holds(TYPES[type(v)] in types, "%s is %r, the manual says %s" % (path, v, types))
        if isinstance(v, dict):
            for name, inner in v.items():
                self.value(path + "." + name, inner)
        if isinstance(v, list):
            for inner in v:
                if isinstance(inner, dict) and path + "[]" not in self.rows:
                    for name, deep in inner.items():
                        self.value(path + "[]." + name, deep)
                else:
                    self.value(path + "[]", inner)

    def object(self, o):
        for name, v in o.items():
            self.value(name, v)

    def all_used(self):
        same(sorted(set(self.rows) - self.used), [], "in the manual, but never in the output")


def test_json_is_as_the_manual_says():
    schema, sums = documented()
    same(sorted(schema), ["Batch", "Host and self", "Memory", "One client", "Refused", "Replay"])
    with World() as w:
        one = Checked(schema["One client"])
        for args in ("192.0.2.11 a.example", "192.0.2.10", "192.0.2.15 x", "127.0.0.1", "203.0.113.9 a.example", "192.0.2.22 mail.good.example"):
            one.object(w.json(*args.split())[1])
        _, host, _ = w.json("two.good.example")
        for client in host["clients"]:
            one.object(client)
        with Store() as s:
            s.furnish()
            one.object(s.json("192.0.2.11", "pc.nowhere.example")[1])
        one.all_used()
        del schema["Host and self"]["clients"]  # they are as above
        with Names({"2.0.192.in-addr.arpa": REVERSE + "@ NS gone.hoster.example.\n11 PTR mail.good.sender.example.\n",
                    "sender.example": FORWARD + "mail.good A 192.0.2.11\n@ MX 10 mail.good\n"}) as n:
            both = Checked(schema["Host and self"])
            for data in (host, probed(), n.json("mail.good.sender.example")[1]):
                both.object({name: v for name, v in data.items() if name != "clients"})
            old = n.file("old.json", json.dumps({**data, "problems": ["another"]}))
            both.object(n.json("--compare", old, "mail.good.sender.example")[1])
            both.all_used()
            log = n.file("log", "Nov 30 10:00:00 mx postfix/smtp[7]: A1B2C3D4E5: to=<u@example.net>, relay=none, dsn=4.0.0, status=deferred "
                         "(host mx.example.net[198.51.100.1] said: 450 4.7.25 no PTR record for 192.0.2.10)\n")
            refused = Checked(schema["Refused"])
            data = n.json("refused", log)[1]
            refused.object({"receivers": data["receivers"]})
            refused.all_used()
            same(set(data) - {"receivers"}, set(host))
        batch = Checked(schema["Batch"])
        _, out, _ = w.run("--json", "batch", stdin=b"192.0.2.10 mail.good.example\nbad\n192.0.2.11\n127.0.0.1 x\n")
        for line in out.splitlines():
            batch.object(json.loads(line))
        batch.all_used()
        replay = Checked(schema["Replay"], sums)
        other = w.file("other", 'builtin-rules = false rules: { x: { when = ["ptr-named"] action = "tempfail" }; };')
        for args in (["--against", other, "postfix", "postfix-iso", "sendmail"], ["--no-dns", "own", "postfix"], ["hostile"]):
            replay.object(w.replay_json(*[os.path.join(LOGS, a + ".log") if "-" not in a[:2] and a != other else a for a in args])[1])
        grey = w.file("grey", open(w.config).read() + 'memory: { store = "sqlite:/nowhere/db"; };\nrules: { g: { when = ["iprev-permerror"] action = "greylist" }; };')
        replay.object(w.replay_json("-c", grey, os.path.join(LOGS, "postfix.log"))[1])
        replay.all_used()
    with Store() as w:
        w.furnish()
        memory = Checked(schema["Memory"])
        for args in ((), ("192.0.2.11",), ("192.0.2.12",)):
            memory.object(w.json("memory", *args)[1])
        memory.all_used()


def test_examples_are_true():
    """Each line of output that the manual shows is what the program prints."""
    blocks = re.findall(r"^\.Bd -literal -offset indent\n(.*?)^\.Ed", open(MANUAL).read().split(".Sh EXAMPLES")[1], re.M | re.S)
    holds(len(blocks) >= 5, len(blocks))
    with World() as w:
        new = w.file("new", open(w.config).read() + 'builtin-rules = false rules: { no-ptr: { when = ["iprev-permerror"] action = "reject" };\n'
                     'forged: { when = ["iprev-fail"] action = "tempfail" }; };\n')
        log, own = (os.path.join(LOGS, n + ".log") for n in ("postfix", "own"))
        clients = b"192.0.2.10 mail.good.example\n192.0.2.11 x\n192.0.2.13 y\n"
        refused = [c for c in map(json.loads, w.run("--json", "batch", stdin=clients)[1].splitlines()) if c["action"] == "reject"]
        outputs = [w.run("192.0.2.11", "mail.new.example")[1], w.run("two.good.example")[1], w.replay(log)[1],
                   w.replay("-c", new, "--against", w.config, "--no-dns", own)[1],
                   "".join("%s\t%s\n" % (c["client"], c["rule"]) for c in refused),
                   w.run("classify", stdin=b"192.0.2.1\t192-0-2-1.dsl.example.net\n")[1]]
    same(len(blocks), len(outputs))
    for block, output in zip(blocks, outputs):
        shown = [line for line in block.splitlines() if not line.startswith("$ ")]
        while shown and shown[0].startswith("    ") and " " in shown[0].strip() and shown[0] not in output:
            shown.pop(0)  # the command goes on
        holds(shown, block)
        at = 0
        for line in shown:
            found = output.find(line + "\n", at)
            holds(found >= 0, "%r is not in this order in:\n%s" % (line, output))
            at = found


def test_manual_is_clean():
    if not shutil.which("mandoc"):
        raise Skip("no mandoc here")
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", MANUAL], capture_output=True, text=True)
    same(done.stdout, "")


def test_picture_is_of_today():
    """doc/picture.svg, which README.md shows, is what the programs print."""
    done = subprocess.run([os.path.join(SRC, "tools", "picture"), "--check"], capture_output=True, text=True,
                          env=dict(os.environ, BUILD=BUILD))
    same((done.returncode, done.stderr), (0, ""))


def complete(*words):
    script = ('source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _iprev_check; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, COMPLETION, *words], capture_output=True, text=True, check=True, cwd=LOGS)
    return set(done.stdout.split())


def test_completion():
    if not shutil.which("bash"):
        raise Skip("no bash here")
    same(complete("iprev-check", "--to"), {"--top"})
    same(complete("iprev-check", ""), complete("iprev-check", "--json", "") | set(COMMANDS))
    same(complete("iprev-check", "re") >= {"replay"}, True)
    same(complete("iprev-check", "-c", "own"), {"own.log"})
    for words in ("replay", "-c own.log replay", "batch", "classify --version", "replay --html"):
        same(complete("iprev-check", *words.split(), "postfix"), {"postfix.log", "postfix-iso.log"}, words)
    for words, options in (("self", {"--html", "--compare"}), ("mail.example.org", {"--html", "--compare"}), ("refused", {"--html"}), ("batch", set())):
        same(complete("iprev-check", *words.split(), "--") & {"--html", "--compare"}, options, words)
    for words in ("replay --top", "192.0.2.1", "self", "--server"):
        same(complete("iprev-check", *words.split(), "postfix"), set(), words)
