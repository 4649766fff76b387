"""What the fault tests share: the library that makes calls fail, a daemon under it, sessions.

The zone is in memory, so a session needs no network. A good client must never be refused,
whatever fails: its message goes through, with a verdict of pass or temperror or none.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import concurrent.futures
import mmap
import os
import pwd
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

SRC = os.path.abspath(os.environ.get("SRC_DIR") or os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.abspath(os.environ.get("BUILD_DIR") or os.path.join(SRC, "build"))
PROGRAM = os.environ.get("IPREV_MILTER") or os.path.join(BUILD, "iprev-milter")
LIBRARY = os.path.join(BUILD, "tests", "fault.so")
sys.path.insert(0, os.path.join(SRC, "tests", "system"))

from milterclient import MilterClient, ACCEPT, CONTINUE, GONE, TEMPFAIL, REJECT, REPLYCODE  # noqa: E402

ALLOC, THREAD, ACCEPT_, WRITE, EVENTFD, SOCKET, EPOLL, OPEN, PIPE, SEND, DISK = (1 << i for i in range(11))
ANYBODY, OURS, LIBMILTER = range(3)
FOREVER = 1 << 40

STOPPED, NO_LISTEN, INTERNAL, BAD_CONFIG = 0, 69, 70, 78
FAILURES = (NO_LISTEN, INTERNAL, BAD_CONFIG)

GOOD, NAMELESS, FORGED = "192.0.2.10", "192.0.2.11", "192.0.2.12"
ZONE = """$TTL 300
$ORIGIN 2.0.192.in-addr.arpa.
@   SOA ns.example. root.example. 1 3600 600 86400 60
10  PTR mail.good.example.
12  PTR host.bank.example.
$ORIGIN example.
@         SOA ns.example. root.example. 1 3600 600 86400 60
mail.good A 192.0.2.10
host.bank A 198.51.100.25
mail.shop A 192.0.2.10
"""
HEADERS = (("From", "<a@sender.example>"), ("Authentication-Results", "mx.example.org; iprev=pass"),
           ("X-IPRev", "pass"), ("Subject", "plain"))

# How many runs a test makes of all there are: every n-th, or each one.
EVERY = bool(os.environ.get("FAULT_EVERY"))


class Skip(Exception):
    """The test cannot run here."""


def need_plain(functions, caller):
    """A sanitizer has a malloc of its own, and stands between libmilter and us."""
    with open(PROGRAM, "rb") as file:
        sanitized = b"__asan_init" in file.read()
    if sanitized and (functions & ALLOC or caller == LIBMILTER):
        raise Skip("the sanitizer is in the way")


def some(count, most):
    """1 to count: all of them, or `most` spread over them, the first ten among them."""
    if EVERY or count <= most:
        return list(range(1, count + 1))
    step = (count - 10) / (most - 10)
    return sorted(set(range(1, 11)) | {10 + int(step * i) for i in range(1, most - 9)})


class State:
    """The mapped file: struct state of fault.c."""

    LAYOUT = {"functions": (0, "I"), "caller": (4, "I"), "from": (8, "Q"), "times": (16, "Q"), "calls": (24, "Q"),
              "failed": (32, "Q"), "blocks": (40, "q"), "shift": (48, "q"), "error": (56, "I"), "delay": (60, "I")}

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as file:
            file.write(b"\0" * 4096)
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 4096)

    def get(self, name):
        """One value."""
        at, form = self.LAYOUT[name]
        return struct.unpack_from("=" + form, self.map, at)[0]

    def set(self, name, value):
        """One value."""
        at, form = self.LAYOUT[name]
        struct.pack_into("=" + form, self.map, at, value)

    def arm(self, functions, caller, first=0, times=1, error=0):
        """From now on counts, and lets the first-th call fail, and times - 1 behind it."""
        self.set("functions", 0)
        for name, value in (("calls", 0), ("failed", 0), ("caller", caller), ("from", first), ("times", times),
                            ("error", error), ("functions", functions)):
            self.set(name, value)

    def disarm(self):
        """Nothing fails any more. Returns how many calls were counted."""
        self.set("functions", 0)
        return self.get("calls")


class Daemon:
    """iprev-milter under the library, in a directory of its own."""

    def __init__(self, extra="", resolver="", stderr=None, limits=None, wrap=(), zone=True, forward=1,
                 user=""):
        self.dir = tempfile.mkdtemp(prefix="iprev-fault-")
        self.state = State(self.path("state"))
        self.socket, self.log_path = self.path("sock"), self.path("log")
        self.stderr, self.limits, self.wrap = stderr, limits, list(wrap)
        self.process, self.user, self.environment = None, user, {}
        if user:
            os.chown(self.dir, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        self.zone(ZONE)
        self.configure(extra, resolver, zone, forward)

    def path(self, name):
        """A path in its directory."""
        return os.path.join(self.dir, name)

    def zone(self, text):
        """Writes the zone file."""
        with open(self.path("zone"), "w", encoding="ascii") as file:
            file.write(text)

    def configure(self, extra="", resolver="", zone=True, forward=1):
        """Writes the configuration, and an exempt list that it names."""
        with open(self.path("exempt"), "w", encoding="ascii") as file:
            file.write("198.51.100.77 until 2999-12-31 # nobody\n.nobody.example\n")
        with open(self.path("conf"), "w", encoding="ascii") as file:
            file.write("""socket = "unix:%s"
user = "%s"
authserv-id = "mx.example.org"
mode = "enforce"
exempt: { lists = ["%s"]; }
resolver: { %s forward = ["127.0.0.1@%d"] cache = 0 %s }
%s
%s
""" % (self.socket, self.user, self.path("exempt"), 'zone = "%s"' % self.path("zone") if zone else "", forward,
                resolver if "deadline" in resolver else "deadline = 1000 " + resolver, extra,
                "" if "log: {" in extra else 'log: { destination = "stderr" level = "debug" }'))

    def _limit(self):
        for what, value in (self.limits or {}).items():
            resource.setrlimit(what, (value, value))

    def start(self, wait=True):
        """Starts it; with wait, returns when it serves."""
        env = dict(os.environ, LD_PRELOAD=LIBRARY, FAULT_STATE=self.state.path, **self.environment)
        env.pop("NOTIFY_SOCKET", None)
        log = self.stderr
        if log is None:
            log = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.process = subprocess.Popen(self.wrap + [PROGRAM, "-c", self.path("conf")], stdin=subprocess.DEVNULL,
                                        stdout=log, stderr=log, env=env, preexec_fn=self._limit)
        if self.stderr is None:
            os.close(log)
        if wait:
            assert self.settled(), "it ended with %s:\n%s" % (self.process.returncode, self.log())
        return self

    def settled(self, timeout=20):
        """Waits until it serves (True) or has ended (False)."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.process.poll() is not None:
                return False
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                if probe.connect_ex(self.socket) == 0 and self.answers():
                    return True
            time.sleep(0.01)
        raise AssertionError("it neither serves nor ends:\n" + self.log())

    def answers(self):
        """Does libmilter answer a negotiation?"""
        try:
            with MilterClient(self.socket, timeout=2) as milter:
                return milter.negotiate().letter != GONE
        except OSError:
            return False

    def log(self):
        """What it has said so far."""
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def alive(self):
        """Is it running?"""
        return self.process.poll() is None

    def wait_log(self, pattern, since=0, timeout=10):
        """Waits for a line."""
        end = time.monotonic() + timeout
        while not re.search(pattern, self.log()[since:]):
            assert time.monotonic() < end, "no %r in:\n%s" % (pattern, self.log()[since:])
            time.sleep(0.01)

    def descriptors(self, wanted=1 << 20, timeout=3):
        """Open file descriptors; waits a while for no more than wanted."""
        end = time.monotonic() + timeout
        while True:
            count = len(os.listdir("/proc/%d/fd" % self.process.pid))
            if count <= wanted or time.monotonic() > end:
                return count
            time.sleep(0.005)

    def blocks(self, wanted, timeout=3):
        """Blocks of memory its own code holds; waits a while for what is wanted."""
        end = time.monotonic() + timeout
        while self.state.get("blocks") != wanted and time.monotonic() < end:
            time.sleep(0.002)
        return self.state.get("blocks")

    def end(self, code=STOPPED, sig=signal.SIGTERM, timeout=20):
        """Stops it, and compares its exit code; always cleans up."""
        try:
            self.state.disarm()
            if self.alive():
                self.process.send_signal(sig)
            got = self.process.wait(timeout)
            assert code is None or got == code, "exit code %d:\n%s" % (got, self.log())
        finally:
            if self.alive():
                self.process.kill()
                self.process.wait()
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.end(STOPPED if kind is None else None)


class Silence:
    """A name server that never answers; the port it does not answer at."""

    def __enter__(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        return self.sock.getsockname()[1]

    def __exit__(self, *_):
        self.sock.close()


class Late(Silence):
    """A name server that keeps its questions, and denies every name when it is told to."""

    def deny(self):
        """Answers what has come so far."""
        self.sock.setblocking(False)
        try:
            while True:
                data, peer = self.sock.recvfrom(4096)
                end = data.index(0, 12) + 5
                self.sock.sendto(data[:2] + struct.pack(">HHHHH", 0x8183, 1, 0, 0, 0) + data[12:end], peer)
        except BlockingIOError:
            pass


def together(count, function):
    """Runs a function so many times at the same time; the results."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return [one.result() for one in [pool.submit(function) for _ in range(count)]]


def play(daemon, client=GOOD, helo="mail.shop.example", messages=2, timeout=12, macros=True, connect=True):
    """A whole session: (letters of the replies, fields put in). GONE when the daemon hangs up."""
    letters, fields = [], []
    try:
        with MilterClient(daemon.socket, timeout=timeout) as milter:
            letters.append(milter.negotiate().letter)
            if macros:
                milter.macros("C", {"j": "mx.example.org"})
            steps = [lambda: milter.connect(client), lambda: milter.helo(helo)] if connect else []
            steps += [milter.mail, milter.rcpt, lambda: milter.message(HEADERS)] * messages
            for step in steps:
                letters.append(step().letter)
                fields += milter.inserted()
                if letters[-1] != CONTINUE:
                    break
    except (OSError, EOFError):  # hung up, or silent
        letters.append(GONE)
    return letters, fields


def check_spared(letters, fields, gone=False, log=""):
    """The message of a good client has gone through. gone: a lost connection is no refusal by us."""
    for letter in letters:
        assert letter not in (TEMPFAIL, REJECT, REPLYCODE), "refused: %r\n%s" % (letters, log)
        assert gone or letter != GONE, "the connection was lost: %r\n%s" % (letters, log)
    for _, name, value in fields:
        if name == "Authentication-Results":
            assert re.match(r"mx\.example\.org; iprev=(pass|temperror)\b", value), value


def check_served_soon(daemon, seconds=30):
    """Of sessions that libmilter has lost some may go unanswered, not all."""
    end = time.monotonic() + seconds
    while GONE in play(daemon, timeout=3)[0] or GONE in play(daemon, FORGED, timeout=3)[0]:
        assert time.monotonic() < end and daemon.alive(), daemon.log()[-3000:]
    check_served(daemon)


def check_served(daemon):
    """All is as it should be: pass for the good one, 550 for the forged one."""
    letters, fields = play(daemon)
    assert letters[-1] == CONTINUE and any("iprev=pass" in value for _, _, value in fields), \
        "%r %r\n%s" % (letters, fields, daemon.log()[-3000:])
    letters, _ = play(daemon, FORGED)
    assert letters[-1] == REPLYCODE, "%r\n%s" % (letters, daemon.log()[-3000:])
