"""What the tests of memory stand on: the two kinds of stores, a proxy in front of one, and a daemon that greylists.

The delay of the greylist is three seconds here; longer times pass by making the entries of the store older.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

import harness
import netns
import servers

DNS = r"""
10.2.0.192.in-addr.arpa           PTR mail.good.example
mail.good.example                 A   192.0.2.10
77.2.0.192.in-addr.arpa           PTR mail.partner.example
mail.partner.example              A   192.0.2.77
18.2.0.192.in-addr.arpa           PTR 192-0-2-18.dsl.isp.example
192-0-2-18.dsl.isp.example        A   192.0.2.18
19.2.0.192.in-addr.arpa           PTR mail.bank.example
mail.bank.example                 A   198.51.100.1
"""

DELAY = 3
RULES = """
builtin-rules = false
rules: {
  known: { when = ["iprev-permerror", "client-known"] action = "tag" };
  forged: { when = ["iprev-fail", "!client-known"] action = "reject" };
  suspects: { when = ["iprev-permerror", "!client-known"] action = "greylist" };
}
"""
DISK = 1024  # what SQLite does with its files, in the words of tests/fault/fault.c
METRICS = ("127.0.0.1", 9150)
NEW, EARLY, PASSED, GONE = (451, "new"), (451, "early"), (250, "passed"), (250, "unavailable")
DENIED = ("192.0.2.19", "mail.bank.example")  # with RULES refused, unless it is known
USER, OTHER = "user@example.org", "other@example.org"
TABLES = {"seen": 0, "known": 1, "waiting": 2, "passed": 3}
HELO = "pc.nowhere.example"

AGE_SCRIPT = """
for _, key in ipairs(redis.call('KEYS', 'iprev:' .. ARGV[1] .. '*')) do
  for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, -ARGV[2], member) end
end"""


class Sqlite:
    """A file in a directory of its own."""

    name = "sqlite"

    def __init__(self, place):
        self.place = place
        os.makedirs(place, mode=0o700)
        self.text = "sqlite:%s/memory.db" % place
        self.more = ""

    def run(self, statement, *values):
        # Closed at once: with a connection open, dump() would drop its locks, and the daemon take itself for alone.
        name = "file:%s/memory.db?mode=rw" % self.place  # the daemon makes it
        with contextlib.closing(sqlite3.connect(name, timeout=5, uri=True)) as db, db:
            return db.execute(statement, values).fetchall()

    def ready(self):
        """Waits until the daemon has made it."""
        for _ in range(200):
            with contextlib.suppress(sqlite3.OperationalError):
                return self.run("SELECT count(*) FROM entry")
            time.sleep(0.05)
        raise AssertionError("the daemon has made no table in " + self.place)

    def age(self, table, by):
        """Makes the entries of a table older: by seconds, or days for clients."""
        self.run("UPDATE entry SET at = at - ? WHERE tab = ?", by, TABLES[table])

    def count(self, table):
        time.sleep(0.3)  # a note is written behind its message
        return self.run("SELECT count(*) FROM entry WHERE tab = ?", TABLES[table])[0][0]

    def forget(self):
        """All of it."""
        self.run("DELETE FROM entry")

    def dump(self):
        """All octets that lie there."""
        return b"".join(open(os.path.join(self.place, name), "rb").read() for name in os.listdir(self.place))

    def end(self):
        pass


class Redis:
    """A redis-server of our own behind a unix socket, with a password."""

    name = "redis"
    password = "s3cret words"

    def __init__(self, place, *options):
        self.place, self.options = place, list(options)
        os.makedirs(place, mode=0o700)
        self.socket = place + "/redis.sock"
        self.text = "redis+unix:" + self.socket
        for name, text in (("key", "00112233445566778899aabbccddeeff"), ("password", self.password)):
            with open("%s/%s" % (place, name), "w", encoding="ascii") as file:
                file.write(text + "\n")
            os.chmod("%s/%s" % (place, name), 0o600)
        self.more = 'key-file = "%s/key" password-file = "%s/password"' % (place, place)
        self.start()

    def start(self):
        """The server; returns when it answers."""
        self.process = subprocess.Popen(
            [self.program(), "--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "no",
             "--requirepass", self.password, "--dir", self.place, "--enable-debug-command", "yes",
             "--enable-protected-configs", "yes"] + self.options,
            stdout=subprocess.DEVNULL, env=servers.environment("redis"))
        for _ in range(200):
            with contextlib.suppress(OSError):
                if self.ask("PING") == b"+PONG\r\n":
                    return
            time.sleep(0.05)
        raise AssertionError("redis-server does not answer")

    def ready(self):
        """It is: it answers."""

    @staticmethod
    def program():
        """redis-server, unpacked or of the machine; None without one."""
        ours = os.path.join(servers.root_of("redis"), "usr/bin/redis-server")
        return ours if os.access(ours, os.X_OK) else shutil.which("redis-server")

    def ask(self, *words, password=None):
        """The answer, as it comes."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(self.socket)
            for command in (("AUTH", password or self.password), words):
                s.sendall(b"*%d\r\n" % len(command) +
                          b"".join(b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in map(str, command)))
                answer = s.recv(65536)
            return answer

    def do(self, *words):
        """What must work."""
        answer = self.ask(*words)
        assert not answer.startswith(b"-"), (words, answer)

    def age(self, table, by):
        """As above."""
        self.do("EVAL", AGE_SCRIPT, 0, table[0], by)

    def count(self, table):
        """Entries of a table."""
        time.sleep(0.3)
        return int(self.ask("ZCARD", "iprev:" + table[0])[1:])

    def forget(self):
        """All of it."""
        self.do("FLUSHALL")

    def dump(self):
        """All octets that lie there."""
        keys = self.ask("KEYS", "*")
        return keys + b"".join(self.ask("ZRANGE", "iprev:" + letter, 0, -1) for letter in "skwp")

    def end(self):
        """Ends the server."""
        self.process.kill()
        self.process.wait()


class Proxy:
    """Stands between the daemon and a server's unix socket. talk(client, server) serves one connection."""

    def __init__(self, path, talk):
        self.path, self.talk = path, talk
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        """Takes connections until the end."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.one, args=(client,), daemon=True).start()

    def one(self, client):
        """One connection."""
        with client, contextlib.suppress(OSError):
            self.talk(client)

    def end(self):
        """Closes the door."""
        self.listener.close()


def delayed(path, seconds):
    """For Proxy: each answer of the server at path comes so much later."""
    def talk(client):
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(path)
            while True:
                asked = client.recv(65536)
                if not asked:
                    return
                server.sendall(asked)
                answer = server.recv(65536)
                time.sleep(seconds)
                client.sendall(answer)
    return talk


class Case(harness.Case):
    """A daemon with a memory, in front of a store of the class's kind."""

    dns = DNS
    make = None
    rules = RULES

    @classmethod
    def setUpClass(cls):
        if cls.make is Redis and not Redis.program():
            raise unittest.SkipTest("no redis-server here (tests/system/get-servers redis)")
        cls.furnish()
        cls.store = cls.make(os.path.join(netns.work_dir(), "memory-" + cls.make.name))
        cls.daemon = harness.Daemon(cls.config()).start()
        cls.store.ready()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.store.end()

    @classmethod
    def config(cls, store=None, mode="enforce", rules=None, more="", port=8891, metrics=METRICS):
        """A configuration with this store."""
        store = store or cls.store
        extra = 'memory: { store = "%s" %s greylist-delay-seconds = %d greylist-retry-hours = 1 }\n%s' % (
            store.text, store.more, DELAY, rules or cls.rules)
        extra += '\nmetrics: { listen = "%s:%d" }\n' % metrics
        return harness.configuration(mode=mode, extra=extra + more, port=port)

    def again(self, how=signal.SIGTERM):
        """Stops the daemon and starts it."""
        self.daemon.signal(how)
        self.daemon.process.wait(15)
        self.daemon.start()
        self.log_start = len(self.daemon.log())

    def use(self, store=None, **more):
        """From now on the daemon has this store, or these settings; until the end of the test."""
        store = store or self.store
        self.daemon.reload(self.config(store=store, **more), re.escape("memory: " + store.text))
        self.addCleanup(lambda: self.daemon.reload(self.config(), re.escape("memory: " + self.store.text)))

    def knock(self, source, sender, rcpt, helo=HELO, **more):
        """A message, and (code of the last answer, what memory said)."""
        self.log_start = len(self.daemon.log())
        result = self.send(source, helo=helo, sender=sender, rcpt=rcpt, **more)
        last = result.data or result.rcpt[0]
        return last.code, self.decision({"client": source}).get("memory")

    @contextlib.contextmanager
    def preloaded(self):
        """The daemon under the library of the fault tests, with a state to change: see tests/fault."""
        if harness.confined():
            self.skipTest("the cage does not take the library")
        with open(harness.program(), "rb") as file:
            if b"__tsan_init" in file.read():
                self.skipTest("ThreadSanitizer does not take the library")
        state = fault_state(netns.work_dir() + "/fault-state")
        command = preload(state) + [harness.program(), "-c", self.daemon.config_path]  # skips without the library
        self.daemon.signal(signal.SIGTERM)
        self.daemon.wait()
        self.daemon.command = command
        self.daemon.start()
        try:
            yield state
        finally:
            state.disarm()
            self.daemon.command = None
            self.again()

    @staticmethod
    def page():
        """/metrics."""
        connection = http.client.HTTPConnection(*METRICS, timeout=5)
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode("ascii")
        finally:
            connection.close()

    @classmethod
    def metrics(cls):
        """{sample with its labels: value}, of memory."""
        return {name: float(value) for name, value in
                re.findall(r"(?m)^(iprev_(?:memory|known|greylist)_\S+) (.*)$", cls.page())}

    @classmethod
    def metric(cls, sample):
        """The value of a sample, named with its labels."""
        return cls.metrics()[sample]


def loop(path):
    """Lets the server at path run a script that does not end."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        s.sendall(b"AUTH %s\r\n" % b'"s3cret words"' + b'EVAL "while true do end" 0\r\n')
        s.recv(65536)


def fault_state(path):
    """A state of the library that makes calls fail: see tests/fault."""
    sys.path.insert(0, os.path.join(harness.tree(), "tests", "fault"))
    import faults  # pylint: disable=import-outside-toplevel
    return faults.State(path)


def preload(state):
    """What runs a program under that library."""
    library = os.path.join(os.path.dirname(harness.program()), "tests", "fault.so")
    if not os.path.exists(library):
        raise unittest.SkipTest("no %s: make tests/fault.so" % library)
    return ["env", "LD_PRELOAD=" + library, "FAULT_STATE=" + state.path]
