"""What the tests of iprev-check share: the program, a small world of DNS, and comparisons.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import json
import os
import pty
import shutil
import subprocess
import tempfile

import netns

SRC = os.environ.get("SRC_DIR", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("BUILD_DIR", os.path.join(SRC, "build"))
PROGRAM = os.environ.get("IPREV_CHECK", os.path.join(BUILD, "iprev-check"))
LOGS = os.path.join(SRC, "tests", "golden", "logs")

CLONE_NEWNS, CLONE_NEWNET = 1 << 17, 1 << 30

ZONE = """
$TTL 300
$ORIGIN 2.0.192.in-addr.arpa.
@   SOA ns.example. root.example. 1 3600 600 86400 60
10  PTR mail.good.example.
; 11 has none
12  PTR host.nowhere.example.
13  PTR mail.bank.example.
14  PTR 192-0-2-14.dsl.dyn.isp.example.
15  PTR www.busy.example.
15  PTR old.busy.example.
15  PTR mail.busy.example.
16  PTR shop.example.
17  CNAME 17.16/28
17.16/28 PTR mail.customer.example.
20  PTR mail\\013\\010X-Evil\\058yes.evil.example.
21  PTR two.good.example.
22  PTR alias.good.example.
$ORIGIN 8.b.d.0.1.0.0.2.ip6.arpa.
@   SOA ns.example. root.example. 1 3600 600 86400 60
0.3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR mail.six.example.
1.3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR mail.liar.example.
$ORIGIN example.
@             SOA ns.example. root.example. 1 3600 600 86400 60
mail.good     A 192.0.2.10
alias.good    CNAME target.good
target.good   A 192.0.2.22
mail.bank     A 198.51.100.25
192-0-2-14.dsl.dyn.isp A 192.0.2.14
mail.shop     A 198.51.100.26
shop          A 192.0.2.16
www.busy      A 198.51.100.27
mail.busy     A 192.0.2.15
mail.customer A 192.0.2.17
mail.six      AAAA 2001:db8::30
mail.liar     AAAA 2001:db8::dead
two.good      A 192.0.2.21
two.good      A 192.0.2.11
two.good      AAAA 2001:db8::30
half.good     A 192.0.2.10
half.good     A 203.0.113.9
bad.good      A 192.0.2.11
bad.good      A 203.0.113.9
bad2.good     A 203.0.113.9
bad2.good     AAAA 2001:db8::31
"""

CONFIG = """
authserv-id = "mx.example.org"
resolver: { zone = "%s"  forward = ["127.0.0.1@5399"]  deadline = 400 }
%s
"""


class Skip(Exception):
    """The test cannot run here."""


class World:
    """A directory with a zone and a configuration; gone at the end."""

    def __init__(self, more=""):
        self.dir = tempfile.mkdtemp(prefix="iprev-check.")
        self.zone = self.file("zone", ZONE)
        self.config = self.file("conf", CONFIG % (self.zone, more))

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "wb" if isinstance(text, bytes) else "w") as out:
            out.write(text)
        return path

    def path(self, name):
        return os.path.join(self.dir, name)

    def run(self, *args, stdin=b"", env=None, first=()):
        """(exit code, standard output, standard error)"""
        done = subprocess.run([PROGRAM, *first, "-c", self.config, *args], input=stdin, capture_output=True, timeout=120,
                              env={**os.environ, **(env or {})})
        return done.returncode, done.stdout.decode("utf-8", "surrogateescape"), done.stderr.decode("utf-8", "surrogateescape")

    def json(self, *args, **kw):
        code, out, err = self.run("--json", *args, **kw)
        return code, json.loads(out), err

    def replay(self, *args, **kw):
        return self.run(*args, first=("replay",), **kw)

    def replay_json(self, *args, **kw):
        code, out, err = self.replay("--json", *args, **kw)
        return code, json.loads(out), err

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)


def enter_network(addresses, temporary=None):
    """From now on this process is in a network that has these addresses and no other; and `temporary`, from which the
    kernel makes a temporary one."""
    if netns.libc.unshare(CLONE_NEWNET) != 0:
        raise OSError("unshare")
    netns.loopback_up()
    for address in addresses:
        netns.loopback_address(address)
    if temporary and not netns.temporary_address(temporary):
        raise OSError("no temporary address")


def with_addresses(argv, addresses, temporary=None):
    """Runs a program in such a network."""
    return subprocess.run(argv, preexec_fn=lambda: enter_network(addresses, temporary), capture_output=True, timeout=60, check=False)


def on_terminal(argv, env):
    """What the program writes when its standard output and error are a terminal."""
    master, slave = pty.openpty()
    proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave, env={**os.environ, **env})
    os.close(slave)
    out = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        out += part
    os.close(master)
    proc.wait(timeout=60)
    return out.decode("utf-8", "replace")


def same(got, want, what=""):
    if got != want:
        raise AssertionError("%s\n got: %r\nwant: %r" % (what, got, want))


def holds(condition, what):
    if not condition:
        raise AssertionError(what)


def has(text, *parts):
    for part in parts:
        holds(part in text, "%r is not in:\n%s" % (part, text))


def has_not(text, *parts):
    for part in parts:
        holds(part not in text, "%r is in:\n%s" % (part, text))


def plain(text):
    """No control but line ends, nothing beyond ASCII."""
    bad = sorted({c for c in text if c != "\n" and not " " <= c <= "~"})
    holds(not bad, "control or foreign octets in the output: %r" % bad)
