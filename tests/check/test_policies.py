"""packaging/policies: each is right, does to each kind of client what its first lines say, and is scored as it should.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import json
import os
import re
import subprocess
import tempfile

from checker import PROGRAM, SRC, has, has_not, same
from test_memory import DAEMON, KNOWN, Store

PLACE = os.path.join(SRC, "packaging", "policies")
ORDER = ("watch", "gentle", "strict")
STORE = "/var/lib/iprev-milter/memory.db"

# client, HELO: what each policy does, and why.
CLIENTS = [
    ("192.0.2.10", "mail.good.example", "accept accept accept", "a server in order"),
    ("192.0.2.11", "pc.nowhere.example", "reject greylist reject", "no PTR record"),
    ("192.0.2.21", "two.good.example", "accept accept accept", "a PTR record that resolves back"),
    ("192.0.2.11", "two.good.example", "accept accept accept", "no PTR record, but its HELO name resolves to it"),
    ("192.0.2.12", "pc.nowhere.example", "reject greylist reject", "the PTR name does not resolve"),
    ("192.0.2.13", "mail.bank.example", "reject greylist reject", "the PTR name resolves elsewhere"),
    ("192.0.2.14", "mail.shop.example", "tag greylist greylist", "a machine-made name, and the HELO of another"),
    ("192.0.2.14", "192-0-2-14.dsl.dyn.isp.example", "accept accept accept", "a machine-made name, which is its HELO"),
    ("192.0.2.10", "192.0.2.10", "tag tag greylist", "HELO is a bare address"),
    ("192.0.2.10", "pc", "tag tag greylist", "HELO is one word"),
]


class Policies(Store):
    """A store of a daemon's; name puts one of the policies before the world of DNS."""

    def use(self, name):
        with open(os.path.join(PLACE, name + ".conf"), encoding="utf-8") as file:
            text = file.read()
        has(text, STORE)
        dns = re.search(r"(?m)^resolver: .*$", open(self.config, encoding="utf-8").read()).group(0)
        self.config = self.file(name + ".conf", text.replace(STORE, self.db) + dns + "\n")


def test_files_are_right():
    same(sorted(name for name in os.listdir(PLACE) if name.endswith(".conf")), sorted(name + ".conf" for name in ORDER))
    for name in ORDER:
        done = subprocess.run([DAEMON, "-t", "-c", os.path.join(PLACE, name + ".conf")], capture_output=True, text=True, check=False)
        same(done.returncode, 0, done.stderr)
        same([line for line in done.stderr.splitlines() if not line.startswith("iprev-milter: note: ")], [])
        has(done.stdout, 'mode = "%s";' % ("monitor" if name == "watch" else "enforce"), 'store = "sqlite:%s";' % STORE)


def test_each_kind_of_client():
    with Policies() as w:
        for at, name in enumerate(ORDER):
            w.use(name)
            lines = "".join("%s\t%s\n" % row[:2] for row in CLIENTS).encode()
            code, out, err = w.run("--json", "batch", stdin=lines)
            same((code, err), (0, ""))
            for row, line in zip(CLIENTS, map(json.loads, out.splitlines())):
                same((line["action"], line["mode"]), (row[2].split()[at], "monitor" if at == 0 else "enforce"), (name,) + row)


def test_a_known_client():
    """Nobody puts off or refuses it."""
    with Policies() as w:
        for client in {row[0] for row in CLIENTS}:
            w.note(KNOWN, client, 1)
        for name in ORDER:
            w.use(name)
            for client, helo, _, why in CLIENTS:
                same((w.json(client, helo)[1]["action"] in ("accept", "tag"), name, why), (True, name, why))


def test_pages_name_the_place():
    """Where the pages copy the policies from is where a package and `make install` put them."""
    for page, prefix in (("packaging/policies/README.md", "/usr"), ("debian/README.Debian", "/usr"), ("README.md", "/usr/local")):
        with open(os.path.join(SRC, page), encoding="utf-8") as file:
            copied = re.findall(r"(?m)^ *cp (\S+/gentle\.conf) (\S+)$", file.read())
        same(copied, [(prefix + "/share/doc/iprev-milter/examples/gentle.conf", "/etc/iprev-milter.conf.d/policy.conf")], page)


def test_commands_of_the_page():
    """The block of the page, in a directory that stands for /etc: the policy is in force behind a configuration of one's own."""
    with open(os.path.join(PLACE, "README.md"), encoding="utf-8") as file:
        block = re.search(r"(?ms)^```sh\n(.*?)^```$", file.read()).group(1)
    with tempfile.TemporaryDirectory() as etc:
        os.mkdir(etc + "/iprev-milter.conf.d")
        with open(etc + "/iprev-milter.conf", "w", encoding="ascii") as file:
            file.write('authserv-id = "mx.example.org";\n')
        for old, new in (("/usr/share/doc/iprev-milter/examples", PLACE), ("/etc/", etc + "/"),
                         ("iprev-milter -t", "%s -t -c %s/iprev-milter.conf" % (DAEMON, etc)), ("systemctl reload iprev-milter", "echo reloaded")):
            has(block, old)
            block = block.replace(old, new)
        done = subprocess.run(["sh", "-euc", block], capture_output=True, text=True, check=False)
    same(done.returncode, 0, done.stderr)
    has(done.stdout, "# mode enforce, rules: no-ptr, forged, botlike, bothelo", 'authserv-id = "mx.example.org";', 'action = "greylist";', "\nreloaded\n")


def score(text, *policies):
    """What tools/policies prints for a corpus of these lines."""
    with tempfile.TemporaryDirectory() as place:
        with open(os.path.join(place, "triples-dev.tsv"), "w", encoding="ascii") as file:
            file.write("ip\trdns\thelo\tclass\tsource\n" + text)
        done = subprocess.run([os.path.join(SRC, "tools", "policies"), place, *policies], capture_output=True, text=True,
                              env=dict(os.environ, IPREV_CHECK=PROGRAM), check=False)
    same((done.returncode, done.stderr), (0, ""))
    return done.stdout


def test_score():
    """Counted by hand: a range where a HELO name may resolve; rows without a logged name or a class do not count."""
    out = score("192.0.2.1\tmail.good.example\tmail.good.example\tham\tx\n"
                "192.0.2.2\t-\tmail.shy.example\tham\tx\n"
                "192.0.2.3\t?\tmail.shy.example\tham\tx\n"
                "192.0.2.4\t-\tmail.shy.example\tunknown\tx\n"
                "192.0.2.5\t192-0-2-5.dsl.isp.example\tfriend.example\tspam\tx\n"
                "192.0.2.6\t-\tlocalhost\tspam\tx\n"
                "2001:db8::6\tsix.good.example\tsix.good.example\tspam\tx\n"
                "192.0.2.7\tmail.gate.example\t[192.0.2.9]\tspam\tx\n")
    has(out, "wanted: 2 clients\nspam: 4 clients\n",
        "| watch | wanted | 0.0 | 0.0 | 0.0 | 100.0 |\n",
        "| watch | spam | 0.0 | 0.0 | 25.0 to 50.0 | 50.0 to 75.0 |\n",
        "| gentle | wanted | 0.0 | 0.0 to 50.0 | 0.0 | 50.0 to 100.0 |\n",
        "| gentle | spam | 0.0 | 25.0 to 50.0 | 25.0 | 25.0 to 50.0 |\n",
        "| strict | wanted | 0.0 to 50.0 | 0.0 | 0.0 | 50.0 to 100.0 |\n",
        "| strict | spam | 25.0 | 25.0 to 50.0 | 0.0 | 25.0 to 50.0 |\n")
    has_not(out, "192.0.2")
