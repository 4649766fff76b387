"""iprev-check memory, and what the explanation of a client says of it: a store that a daemon has made.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time

from checker import BUILD, PROGRAM, World, has, has_not, holds, plain, same

DAEMON = os.environ.get("IPREV_MILTER", os.path.join(BUILD, "iprev-milter"))
NOBODY = 65534
DAY = 86400
SEEN, KNOWN, WAITING, PASSED = range(4)
GREYLIST = """
rules: { suspects: { when = ["iprev-permerror", "!client-known"] action = "greylist" }; };
"""


def flat(text):
    """Without the folds of long lines."""
    return " ".join(text.split())


def days(n):
    """That day from now, as it is printed."""
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + n * DAY))


def octets(client, kept):
    """The key of an IPv4 network."""
    return b"4" + bytes(map(int, client.split(".")))[:kept]


class Store(World):
    """A world with a store, made by a daemon that has ended."""

    def __init__(self, more="", make=True):
        self.place = ""
        super().__init__()
        self.place = self.path("state")
        self.db = self.place + "/memory.db"
        self.config = self.file("conf", open(self.config).read() + 'mode = "enforce"\nuser = ""\n'
                                'memory: { store = "sqlite:%s" }\n%s' % (self.db, more))
        if make:
            self.make()
        for path in (self.dir, self.config, self.zone):
            os.chmod(path, 0o755)

    def make(self):
        daemon = subprocess.Popen([DAEMON, "-c", self.config, "-p", "unix:" + self.path("socket")],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(400):
            if os.path.exists(self.db[:-3] + ".key"):
                break
            time.sleep(0.05)
        daemon.send_signal(signal.SIGTERM)
        same(daemon.wait(20), 0)

    def put(self, table, group, member, at):
        with contextlib.closing(sqlite3.connect(self.db)) as db, db:
            db.execute("INSERT INTO entry VALUES (?, ?, ?, ?)", (table, group, member, at))

    def note(self, table, client, days_ago):
        self.put(table, octets(client, 3), octets(client, 4), int(time.time() // DAY) - days_ago)

    def give(self, user):
        for path in [self.place] + [os.path.join(self.place, name) for name in os.listdir(self.place)]:
            os.chown(path, user, user)

    def as_nobody(self, *args):
        done = subprocess.run([PROGRAM, "-c", self.config, *args], user=NOBODY, group=NOBODY, extra_groups=[],
                              capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    def furnish(self):
        """192.0.2.11 is known, and waits and passes; 192.0.2.12 was seen; 192.0.2.13 was known too long ago."""
        now = int(time.time())
        self.note(KNOWN, "192.0.2.11", 30)
        self.note(SEEN, "192.0.2.12", 2)
        self.note(KNOWN, "192.0.2.13", 31)
        self.put(WAITING, octets("192.0.2.11", 3), b"12345678", now - 60)
        self.put(WAITING, octets("192.0.2.11", 3), b"23456789", now - 2 * DAY - 60)
        self.put(PASSED, octets("192.0.2.11", 4), b"87654321", now - 60)


def test_counts():
    with Store() as w:
        w.furnish()
        code, out, err = w.run("memory")
        same((code, err), (0, ""))
        same(out.splitlines()[0], "sqlite:" + w.db)
        same(out.splitlines()[1:], ["  known clients             2", "  mail passed on one day    1", "  greylisted, waiting       2",
                                    "  passed the greylist       1"])
        plain(out)
        same(w.json("memory"), (0, {"store": "sqlite:" + w.db, "known": 2, "seen": 1, "waiting": 2, "passed": 1}, ""))


def test_clients():
    with Store() as w:
        w.furnish()
        code, out, err = w.run("memory", "192.0.2.11")
        same((code, err), (0, ""))
        has(out, "192.0.2.11\n  known client, until %s: its last message passed on %s\n" % (days(0), days(-30)),
            "  1 greylisted try of 192.0.2.0/24, kept until %s " % days(2 - 60 / DAY),
            "  passes the greylist with 1 sender domain, until %s " % days(36 - 60 / DAY))
        w.put(WAITING, octets("192.0.2.11", 3), b"34567890", int(time.time()) - 120)
        w.put(PASSED, octets("192.0.2.11", 4), b"98765432", int(time.time()) - 120)
        has(w.run("memory", "192.0.2.11")[1], "  2 greylisted tries of 192.0.2.0/24, the last until %s " % days(2 - 60 / DAY),
            "  passes the greylist with 2 sender domains, the last until %s " % days(36 - 60 / DAY))
        code, out, _ = w.run("memory", "192.0.2.12")
        same(code, 0)
        has(flat(out), "192.0.2.12 not a known client yet: its mail passed on one day, %s; a message on another day, "
            "at the latest on %s, makes it known" % (days(-2), days(28)))
        code, out, _ = w.run("memory", "192.0.2.13")
        same(code, 0)  # its network waits
        has_not(out, "known")
        same(w.run("memory", "192.0.3.1"), (1, "192.0.3.1: nothing is remembered\n", ""))
        code, data, _ = w.json("memory", "192.0.2.11")
        same(code, 0)
        now = time.time()
        holds(0 <= now + 2 * DAY - 59 - data.pop("waiting_until") < 30, data)
        holds(0 <= now + 36 * DAY - 59 - data.pop("passed_until") < 30, data)
        same(data, {"client": "192.0.2.11", "known_until": days(0), "seen_on": None, "waiting": 2, "passed": 2})
        same(w.json("memory", "192.0.2.12")[1]["seen_on"], days(-2))
        same(w.json("memory", "2001:db8::1"), (1, {
            "client": "2001:db8::1", "known_until": None, "seen_on": None, "waiting": 0, "waiting_until": None, "passed": 0,
            "passed_until": None}, ""))


def test_forget():
    with Store() as w:
        w.furnish()
        code, out, err = w.run("memory", "--forget", "192.0.2.11")
        same((code, err), (0, ""))
        has(out, "192.0.2.11: forgotten\n  known client, until ")
        same(w.run("memory", "--forget", "192.0.2.11"), (1, "192.0.2.11: nothing is remembered\n", ""))
        same(w.run("memory", "192.0.2.11"), (1, "192.0.2.11: nothing is remembered\n", ""))
        same(w.json("memory")[1], {"store": "sqlite:" + w.db, "known": 1, "seen": 1, "waiting": 0, "passed": 0})


def test_no_store():
    """Said, and none is made."""
    with World() as w:
        same(w.run("memory"), (78, "", "iprev-check: memory.store is not set: nothing is remembered\n"))
    with Store(make=False) as w:
        for args in (("memory",), ("memory", "192.0.2.11"), ("memory", "--forget", "192.0.2.11")):
            code, out, err = w.run(*args)
            same((code, out), (75, ""))
            same(err, "iprev-check: memory: %s: No such file or directory; the daemon creates it when it starts\n" % w.db)
        holds(not os.path.exists(w.place), "a store was made")
        os.mkdir(w.place)
        w.file("elsewhere.db", "")
        os.symlink(w.path("elsewhere.db"), w.db)
        same(w.run("memory"), (75, "", "iprev-check: memory: %s: not a file\n" % w.db))


def test_damaged():
    with Store() as w:
        shutil.copy(w.db, w.path("good.db"))
        for text in (b"this is no database" * 500, open(w.db, "rb").read()[:4096] + b"\xff" * 8192):
            with open(w.db, "wb") as out:
                out.write(text)
            code, out, err = w.run("memory", "192.0.2.11")
            same((code, out), (75, ""))
            has(err, "iprev-check: memory: " + w.db)
            holds("memory.db.damaged" not in os.listdir(w.place), "it is the daemon that puts it aside")


def test_owner():
    """Root becomes the owner of the store; others may not read it."""
    with Store() as w:
        w.furnish()
        w.give(NOBODY)
        same(w.run("memory", "192.0.2.12")[0], 0)
        for name in os.listdir(w.place):
            same((name, os.stat(os.path.join(w.place, name)).st_uid), (name, NOBODY))
        os.chmod(w.db, 0o400)
        code, out, err = w.run("memory", "--forget", "192.0.2.12")
        same((code, out, err), (75, "", "iprev-check: memory: %s: Permission denied; run this as root\n" % w.db))
        same(w.as_nobody("memory", "192.0.2.12")[0], 0)
        os.chmod(w.db, 0)
        same(w.as_nobody("memory")[0], 75)


def test_of_one_client():
    """The explanation asks where it matters: no PTR record, and a HELO that does not resolve."""
    client = ("192.0.2.11", "pc.nowhere.example")
    with Store() as w:
        code, out, _ = w.run(*client)
        same(code, 1)
        has(out, "192.0.2.11 is rejected by rule no-ptr", "\n  memory: not a known client\n")
        same(w.json(*client)[1]["memory"], {"client": "unknown", "until": None})
        w.note(KNOWN, "192.0.2.11", 0)
        code, out, _ = w.run(*client)
        same(code, 0)
        has(out, "192.0.2.11 is accepted", "client-known", "\n  memory: known client, until %s\n" % days(30))
        same(w.json(*client)[1]["memory"], {"client": "known", "until": days(30)})
        has_not(w.run("192.0.2.10", "mail.good.example")[1], "memory:")  # no rule depends on it
        same(w.json("192.0.2.10", "mail.good.example")[1]["memory"], None)
        w.give(1)
        code, out, _ = w.as_nobody(*client)
        same(code, 1)
        has(flat(out), "192.0.2.11 is rejected by rule no-ptr",
            "memory: not readable, so the client is shown as not known (run this as root): " + w.db)
        same(json.loads(w.as_nobody("--json", *client)[1])["memory"]["client"], "unreadable")
        with open(w.db, "wb") as out:
            out.write(b"this is no database" * 500)
        code, out, _ = w.run(*client)
        same(code, 0)
        has(flat(out), "192.0.2.11 is accepted", "memory: unavailable, so no rule that needs it refuses: " + w.db)
        same(w.json(*client)[1]["memory"], {"client": "unavailable", "until": None})
    with Store(make=False) as w:
        code, out, _ = w.run(*client)
        same(code, 1)
        has(out, "\n  memory: not a known client\n")
        holds(not os.path.exists(w.place), "a store was made")


def test_of_a_greylist():
    client = ("192.0.2.11", "pc.nowhere.example")
    with Store(more=GREYLIST) as w:
        code, out, _ = w.run(*client)
        same(code, 1)
        has(out, "192.0.2.11 is put off on its first try by rule suspects", "\n  memory: not a known client\n")
        has(flat(out), "reply: 451 4.7.1 Please try again in 290 seconds. ")
        has(w.json(*client)[1]["reply"]["text"], "Please try again in 290 seconds. ")
        os.remove(w.db)
        os.mkdir(w.db)
        code, out, _ = w.run(*client)
        same(code, 0)
        has(flat(out), "memory: unavailable, so no rule that needs it refuses: " + w.db)
    plain_rule = GREYLIST.replace(', "!client-known"', "")
    with Store(more=plain_rule) as w:
        same(w.run(*client)[0], 1)
        os.remove(w.db)
        os.mkdir(w.db)
        code, out, _ = w.run(*client)
        same(code, 0)
        has(out, "192.0.2.11 is tagged by rule suspects")
