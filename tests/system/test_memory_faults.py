"""A store of memory that fails, behind a real Postfix (H1 to H9; more in test_memory): nothing is refused or put off for it, nobody waits, the log
and the metrics tell, and it comes back by itself.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import contextlib
import os
import re
import signal
import socket
import sqlite3
import subprocess
import time
import unittest

import harness
import memories
import netns
from memories import DENIED, GONE, HELO, NEW, USER, Redis, Sqlite

RULES = memories.RULES.replace("rules: {", """rules: {
  machines: { when = ["ptr-generic"] action = "greylist" };""")
MACHINE = "192.0.2.18"
SLACK = 50  # ms that a busy machine adds to the 50 that a message may wait
PAUSE = 5  # s that a store which has failed four times is left alone
MS_RDONLY, MS_REMOUNT = 1, 32


class Faults:
    """What must hold whatever the fault."""

    rules = RULES

    def fresh(self):
        """A store of this test's own."""
        store = self.make(os.path.join(netns.work_dir(), "sick%d" % time.monotonic_ns()))
        self.addCleanup(store.end)
        return store

    def suspect(self):
        """A first message of somebody who is put off when all is well."""
        return self.knock("192.0.2.50", "a@sender%d.example" % time.monotonic_ns(), USER)

    def forged(self):
        """The code for a client that is refused when all is well."""
        result = self.send(DENIED[0], helo=DENIED[1], sender="a@bank.example")
        return (result.data or result.rcpt[0]).code

    def well(self):
        """All is as it should be."""
        self.until(lambda: self.suspect() == NEW, "not well again:\n" + self.daemon.log()[-2000:])
        self.assertEqual(self.forged(), 550)
        self.assertEqual(self.metric("iprev_memory_up"), 1)

    def spared(self, says, since):
        """While it fails."""
        for _ in range(5):
            self.assertEqual(self.suspect(), GONE)
            self.assertLessEqual(int(self.decision({"client": "192.0.2.50"})["wait"]), 50 + SLACK)
        self.assertEqual(self.knock(MACHINE, "a@machine%d.example" % time.monotonic_ns(), USER), GONE)
        self.assertEqual(self.forged(), 250, "no rule that names client-known refuses")
        self.daemon.wait_log(r"memory: .*(?:%s).*until it answers again, no rule that needs it refuses" % says, since=since)
        self.assertEqual(self.metric("iprev_memory_up"), 0)
        self.assertGreater(self.metric('iprev_greylist_total{outcome="unavailable"}'), 0)
        self.assertGreater(self.metric('iprev_known_total{outcome="unavailable"}'), 0)

    def comes_back(self, since):
        """By itself, when the store is well again and the pause is over."""
        def passes():
            time.sleep(0.2)
            return self.suspect() == NEW
        self.until(passes, "does not come back:\n" + self.daemon.log()[-2000:], timeout=2 * PAUSE)
        self.well()
        self.daemon.wait_log("memory: the store answers again", since=since)

    def falls_ill(self, store, breaks, heals, says):
        """Well, then the fault, then well again."""
        self.use(store)
        self.well()
        since = len(self.daemon.log())
        breaks()
        with contextlib.ExitStack() as stack:
            stack.callback(heals)
            self.spared(says, since)
        self.comes_back(since)

    def is_ill(self, store, heals, says):
        """From the start, then well."""
        since = len(self.daemon.log())
        self.use(store)
        self.spared(says, since)
        heals()
        self.comes_back(since)


class OnSqlite(Faults, memories.Case):
    """A file."""

    make = Sqlite

    def disk(self, size):
        """A store on a file system of its own."""
        place = os.path.join(netns.work_dir(), "disk%d" % time.monotonic_ns())
        os.mkdir(place)
        netns.mount("tmpfs", place, "tmpfs", data="size=%d" % size)
        return Sqlite(place + "/memory")

    def test_H1_removed(self):
        """The directory goes away, and a file has its name."""
        store = self.fresh()

        def breaks():
            os.rename(store.place, store.place + ".gone")
            with open(store.place, "w", encoding="ascii"):
                pass
            time.sleep(2.2)  # it looks once a second
        self.falls_ill(store, breaks, lambda: os.remove(store.place), "was removed or replaced")

    def test_H2_slow_disk(self):
        """Each access takes a second; it stands still between two messages, too."""
        with self.preloaded() as state:
            since = len(self.daemon.log())
            self.well()
            state.set("delay", 1000)
            state.arm(memories.DISK, 0)
            self.spared("no answer in time", since)
            state.disarm()
            self.comes_back(since)

    def test_H2_input_output_error(self):
        """The disk is broken."""
        with self.preloaded() as state:
            since = len(self.daemon.log())
            self.well()
            state.arm(memories.DISK, 0, 1, 1 << 40)
            self.spared("(?:Input/output|disk I/O) error", since)
            state.disarm()
            self.comes_back(since)

    def test_H3_full_disk(self):
        """No room for a page more."""
        store = self.disk(512 * 1024)

        def breaks():
            with open(store.place + "/../filler", "wb", buffering=0) as file, contextlib.suppress(OSError):
                while file.write(b"x" * 4096):
                    pass
        self.falls_ill(store, breaks, lambda: os.remove(store.place + "/../filler"), "memory.db: database or disk is full: free some space")

    def test_H4_read_only(self):
        """A file system that cannot be written to."""
        store = self.disk(1 << 20)
        self.use(store)
        self.well()
        self.daemon.reload(self.config(), re.escape("memory: " + self.store.text))
        where = os.path.dirname(store.place)
        self.until(lambda: self.remounts(where, MS_RDONLY))
        self.is_ill(store, lambda: self.remounts(where, 0), "memory.db: Read-only file system: mount it writable")

    @staticmethod
    def remounts(place, flags):
        """False while somebody has a file open for writing there."""
        try:
            netns.mount("tmpfs", place, "tmpfs", MS_REMOUNT | flags)
        except OSError:
            return False
        return True

    def test_H5_damaged(self):
        """Overwritten: it is kept aside, and an empty one begins."""
        self.well()
        self.daemon.signal(signal.SIGTERM)
        self.daemon.wait()
        with open(self.store.place + "/memory.db", "r+b") as file:
            file.seek(100)
            file.write(os.urandom(8000))
        since = len(self.daemon.log())
        self.daemon.start()
        for _ in range(3):
            self.assertIn(self.suspect(), (NEW, GONE))
        self.daemon.wait_log(r"memory: .*memory\.db is damaged: kept as .*memory\.db\.damaged, starting empty", since=since)
        self.assertTrue(os.path.exists(self.store.place + "/memory.db.damaged"))
        self.well()

    def test_H5_another_programs_database(self):
        """It is left as it is."""
        store = self.fresh()
        with contextlib.closing(sqlite3.connect(store.place + "/memory.db")) as db, db:
            db.execute("CREATE TABLE accounts (name TEXT)")
        self.is_ill(store, lambda: os.remove(store.place + "/memory.db"), "memory.db: is a database of another program: set memory.store to another file")

    def test_H5_another_version(self):
        """It is left as it is, too."""
        store = self.fresh()
        with contextlib.closing(sqlite3.connect(store.place + "/memory.db")) as db, db:
            db.executescript("PRAGMA application_id = 0x49505256; PRAGMA user_version = 1000; CREATE TABLE entry (x)")
        self.is_ill(store, lambda: os.remove(store.place + "/memory.db"),
                    "memory.db: was made by another version of iprev-milter: move it away to start empty")

    def test_H6_locked(self):
        """Another process writes, and does not end."""
        store = self.fresh()
        self.use(store)
        self.well()
        other = sqlite3.connect(store.place + "/memory.db", isolation_level=None, timeout=5)
        self.falls_ill(store, lambda: other.execute("BEGIN EXCLUSIVE"), lambda: other.execute("ROLLBACK"),
                        "memory.db: database is locked: another program is using it")
        other.close()

    def not_permitted(self, breaks, heals, says="Permission denied: the user of iprev-milter must own the file and its directory"):
        """When root is left."""
        store = self.fresh()
        breaks(store.place)
        self.daemon.signal(signal.SIGTERM)
        self.daemon.wait()
        since = len(self.daemon.log())
        self.daemon.configure(self.config(store=store).replace('user = ""', 'user = "iprev-milter"'))
        self.daemon.start()
        try:
            self.spared("memory.db: " + says, since)
            heals(store.place)
            self.comes_back(since)
        finally:
            self.daemon.configure(self.config())
            self.again()

    def test_H7_directory_of_another(self):
        """It belongs to somebody else."""
        self.not_permitted(lambda place: None, lambda place: os.chmod(place, 0o777))

    def test_H7_read_only_directory(self):
        """It can be read, and nothing made in it."""
        def breaks(place):
            with open(place + "/memory.db", "wb"):
                os.chmod(place + "/memory.db", 0o666)
            os.chmod(place, 0o555)
        self.not_permitted(breaks, lambda place: os.chmod(place, 0o777),
                           "attempt to write a readonly database: make the file and its directory writable")

    def test_H7_file_of_another(self):
        """The directory is ours, the file is not."""
        def breaks(place):
            with open(place + "/memory.db", "wb"):
                os.chmod(place + "/memory.db", 0o600)
            os.chmod(place, 0o777)
        self.not_permitted(breaks, lambda place: os.remove(place + "/memory.db"))

    def test_H7_key_file(self):
        """A key that is none, and one that is not there and cannot be made."""
        store = self.fresh()
        with open(store.place + "/memory.key", "w", encoding="ascii") as file:
            file.write("not a key\n")
        self.is_ill(store, lambda: os.remove(store.place + "/memory.key"), r"memory\.key: must contain 32 hexadecimal digits")
        store = self.fresh()
        store.more = 'key-file = "%s/none/key"' % store.place
        self.is_ill(store, lambda: os.mkdir(store.place + "/none"), "none/key: No such file or directory")

    def test_H8_no_file(self):
        """A directory, and a link, have its name."""
        for make in (os.mkdir, lambda path: os.symlink("/dev/null", path)):
            store = self.fresh()
            path = store.place + "/memory.db"
            make(path)
            self.is_ill(store, lambda: (os.rmdir if os.path.isdir(path) else os.remove)(path), "memory.db: ")

    def test_H9_no_directory(self):
        """Neither it nor its parent is there."""
        store = self.fresh()
        store.text = store.text.replace("/memory.db", "/none/below/memory.db")
        self.is_ill(store, lambda: os.mkdir(store.place + "/none"), "none/below: No such file or directory: create the directory above it")


class OnRedis(Faults, memories.Case):
    """A server."""

    make = Redis

    def beside(self, talk):
        """The same store behind a proxy, and the proxy."""
        proxy = memories.Proxy("%s/proxy%d.sock" % (self.store.place, time.monotonic_ns()), talk)
        self.addCleanup(proxy.end)
        return proxy

    def through(self, proxy):
        """What names the proxy as the store."""
        return type("Through", (), {"text": "redis+unix:" + proxy.path, "more": self.store.more})

    def command(self, words, back, says):
        """A fault that one command makes and another takes away."""
        self.falls_ill(self.store, lambda: self.store.do(*words), lambda: self.store.do(*back), says)

    def test_H1_stands_still(self):
        """The server is stopped."""
        self.falls_ill(self.store, lambda: self.store.process.send_signal(signal.SIGSTOP),
                       lambda: self.store.process.send_signal(signal.SIGCONT), "no answer in time")

    def test_H1_stands_still_once(self):
        """A message waits once, however many recipients it has; the next one of the connection asks again."""
        self.well()
        sender = "a@several%d.example" % time.monotonic_ns()
        with self.connect(MACHINE) as client:
            client.read()
            client.say("EHLO " + HELO)
            self.store.process.send_signal(signal.SIGSTOP)
            try:
                since = len(self.daemon.log())
                result = self.transaction(client, harness.Result(), sender=sender,
                                          rcpt=["user%d@example.org" % n for n in range(8)])
            finally:
                self.store.process.send_signal(signal.SIGCONT)
            self.assertEqual([r.code for r in result.rcpt], [250] * 8)
            self.decision({"client": MACHINE, "memory": "unavailable"})
            waits = [int(one["wait"]) for one in self.daemon.decisions(since) if one["client"] == MACHINE]
            self.assertLessEqual(sum(waits), 50 + SLACK)
            self.assertEqual(client.say("MAIL FROM:<%s>" % sender).code, 250)
            self.assertEqual(client.say("RCPT TO:<%s>" % USER).code, 451)

    def test_H1_killed(self):
        """The server is gone, and starts anew."""
        self.falls_ill(self.store, self.store.end, self.store.start, "Connection refused: start it, or correct memory.store|closed the connection")

    def test_H2_slow(self):
        """Each answer comes a second late."""
        proxy = self.beside(memories.delayed(self.store.socket, 0))

        def slower():
            proxy.talk = memories.delayed(self.store.socket, 1)
            self.store.do("CLIENT", "KILL", "TYPE", "normal")
        def faster():
            proxy.talk = memories.delayed(self.store.socket, 0)
        self.falls_ill(self.through(proxy), slower, faster, "no answer in time")

    def test_H2_answers_that_come_too_late(self):
        """Each is good, and nobody has waited for it: that is a failure, too."""
        proxy = self.beside(memories.delayed(self.store.socket, 0.035))
        since = len(self.daemon.log())
        self.use(self.through(proxy))
        time.sleep(0.5)  # it has opened the store
        for _ in range(5):  # two answers each
            self.assertEqual(self.knock(MACHINE, "a@late%d.example" % time.monotonic_ns(), USER), GONE)
            time.sleep(0.1)
        self.daemon.wait_log("memory: no answer in time: see whether the store or this machine is overloaded; until it answers again", since=since)
        self.assertEqual(self.metric("iprev_memory_up"), 0)

    def test_H2_octet_by_octet(self):
        """A timeout of a single call never strikes."""
        def trickle(client):
            while client.recv(65536):
                for octet in b"+OK\r\n" * 100:
                    client.sendall(bytes([octet]))
                    time.sleep(0.03)
        proxy = self.beside(trickle)

        def heals():
            proxy.talk = memories.delayed(self.store.socket, 0)
        self.is_ill(self.through(proxy), heals, "no answer in time|unexpected answer")

    def test_H3_full(self):
        """No memory is left, and nothing is thrown out for a newcomer."""
        self.command(("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), "OOM command not allowed when used memory > 'maxmemory': raise its maxmemory")

    def test_H3_full_disk(self):
        """The server cannot save, and takes no more."""
        self.store.do("SET", "mine", "1")

        def breaks():
            self.store.do("CONFIG", "SET", "dir", "/proc")
            self.store.do("CONFIG", "SET", "save", "1 1")
            self.store.do("SET", "mine", "2")
            self.until(lambda: self.store.ask("SET", "mine", "3").startswith(b"-MISCONF"), timeout=20)

        def heals():
            self.store.do("CONFIG", "SET", "save", "")
        self.falls_ill(self.store, breaks, heals, "MISCONF .*: its log says why it cannot save")

    def test_H4_read_only(self):
        """It has become a replica."""
        self.command(("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), "(?:READONLY|MASTERDOWN) .*: set memory.store to the primary server")

    def test_H5_another_server(self):
        """Something else listens there."""
        for answer in (b"220 mail.example ESMTP\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\xff" * 100, b"$999999999\r\n",
                       b"*1\r\n" * 100, b"+OK\r\n", b""):
            def talk(client, answer=answer):
                client.recv(65536)
                client.sendall(answer)
            proxy = self.beside(talk)

            def heals(proxy=proxy):
                proxy.talk = memories.delayed(self.store.socket, 0)
            with self.subTest(answer):
                self.is_ill(self.through(proxy), heals, "Redis: ")
            proxy.end()

    def test_H6_busy(self):
        """A script runs without end."""
        self.store.do("CONFIG", "SET", "busy-reply-threshold", "50")
        runs = []

        def breaks():
            runs.append(subprocess.Popen(["python3", "-c", "import memories, sys; memories.loop(*sys.argv[1:])", self.store.socket],
                                         cwd=os.path.dirname(os.path.abspath(__file__))))
            self.until(lambda: self.store.ask("GET", "mine").startswith(b"-BUSY"))

        def heals():
            self.store.ask("SCRIPT", "KILL")
            runs[0].wait(10)
        self.falls_ill(self.store, breaks, heals, "BUSY Redis is busy.*: end the script with SCRIPT KILL|no answer in time")

    def test_H7_wrong_password(self):
        """The server has another one now; and the file of ours is gone at the start."""
        def breaks():
            self.store.do("CONFIG", "SET", "requirepass", "changed")
            self.store.ask("CLIENT", "KILL", "TYPE", "normal", password="changed")

        def heals():
            self.store.ask("CONFIG", "SET", "requirepass", self.store.password, password="changed")
        self.falls_ill(self.store, breaks, heals, "WRONGPASS .*: put its password into memory.password-file")
        self.assertNotIn(self.store.password, self.daemon.log())
        os.rename(self.store.place + "/password", self.store.place + "/moved")
        self.daemon.signal(signal.SIGTERM)
        self.daemon.wait()
        since = len(self.daemon.log())
        self.daemon.start()
        self.spared("password: No such file or directory: create it, or correct memory.password-file", since)
        os.rename(self.store.place + "/moved", self.store.place + "/password")
        self.comes_back(since)

    def test_H8_wrong_type(self):
        """Somebody else has a key of that name."""
        self.store.do("DEL", "iprev:w")
        self.falls_ill(self.store, lambda: self.store.do("SET", "iprev:w", "x"), lambda: self.store.do("DEL", "iprev:w"),
                       r"WRONGTYPE .*: another program uses keys iprev:\*; set memory.store to another database")

    def test_H9_no_directory(self):
        """The socket is not there."""
        missing = self.store.place + "/none"
        store = type("Missing", (), {"text": "redis+unix:%s/redis.sock" % missing, "more": self.store.more})
        self.is_ill(store, lambda: os.symlink(self.store.place, missing), "No such file or directory: start it, or correct memory.store")

    def checked(self, text, more):
        """What iprev-check says of such a store."""
        path = os.path.join(netns.work_dir(), "told")
        with open(path, "w", encoding="ascii") as file:
            file.write(self.config(store=type("Told", (), {"text": text, "more": more})))
        done = subprocess.run([harness.program("iprev-check"), "memory", "-c", path], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 75)
        return done.stderr

    def test_what_to_do(self):
        """Behind the reason; in words of a real server."""
        self.store.do("CONFIG", "SET", "port", "7379")
        tcp, ours, key = "redis://127.0.0.1:7379", self.store.more, self.store.more.partition(" password-file")[0]
        try:
            for text, more, command, says in (
                    (self.store.text, key, (), "NOAUTH Authentication required: set memory.password-file\n"),
                    ("redis://127.0.0.1:7380", ours, (), "Connection refused: start it, or correct memory.store\n"),
                    ("redis://none.invalid", ours, (), "Name or service not known: correct the host in memory.store\n"),
                    (tcp + "/99", ours, (), "ERR DB index is out of range: correct the database in memory.store\n"),
                    (tcp, ours, ("ACL", "SETUSER", "default", "-zcard"), ": let this user of Redis use all commands on the keys iprev:*\n"),
                    (tcp, ours, ("CONFIG", "SET", "requirepass", ""), ": remove memory.password-file\n")):
                with self.subTest(says):
                    if command:
                        self.store.do(*command)
                    self.assertIn(says, self.checked(text, more))
        finally:
            self.store.process.kill()  # it forgets what was set
            self.store.process.wait()
            self.store.start()


if __name__ == "__main__":
    unittest.main()
