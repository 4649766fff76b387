"""What the system tests stand on: one world per test file, one daemon per test class.

World: namespaces furnished, scripted DNS on port 53, a sink and a private
Postfix. Daemon: iprev-milter with a configuration text, its log read as it
comes. Case: a unittest case with both, and the checks that most tests need.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import functools
import itertools
import os
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

import dnsd
import netns
import postfix
import sendmail
import smtp

HOST = "mx.example.org"          # host name, {j} and default authserv-id
MX4, MX6 = "192.0.2.25", "2001:db8::25"
MILTER = "inet:127.0.0.1:8891"   # as Postfix writes it
PORT, ENFORCE_PORT, PROXY_PORT, UNIX_PORT, CHAIN_PORT = 2525, 2526, 2528, 2529, 2530
MILTER2_PORT = 8892
MILTER2 = "inet:127.0.0.1:%d" % MILTER2_PORT  # a second daemon, behind ENFORCE_PORT

ADDRESSES = ["127.0.0.1/8", "192.0.2.1/24", "198.51.100.1/24", "203.0.113.1/24", "10.9.8.1/24"] + \
    ["::1/128", MX6 + "/128"] + ["2001:db8::%x/128" % i for i in range(0x30, 0x40)]
RESOLV_CONF = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"

SCRIPT = """
mx.example.org     A    192.0.2.25
mx.example.org     AAAA 2001:db8::25
"""


def tree():
    """The top of the source tree."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def program(name="iprev-milter"):
    """The program under test: $IPREV_MILTER, else from $BUILD, else the build directory."""
    given = os.environ.get("IPREV_MILTER")
    if given:
        built = os.environ.get("DAEMON") or given  # in the cage IPREV_MILTER is a script of the sources
        return given if name == "iprev-milter" else os.path.join(os.path.dirname(built), name)
    return os.path.join(os.environ.get("BUILD") or os.path.join(tree(), "build"), name)


@functools.lru_cache(maxsize=None)
def sanitized():
    """Is the daemon built with a sanitizer? Then memory figures say nothing."""
    with open(program(), "rb") as file:
        data = file.read()
    return b"__asan_init" in data or b"__tsan_init" in data


def confined():
    """Does the daemon run in the cage of tests/sandbox?"""
    return "CONFINE" in os.environ


def why_not():
    """The reason why system tests cannot run here, or None."""
    if not os.access(program(), os.X_OK):
        return "no daemon at %s (set IPREV_MILTER)" % program()
    return postfix.why_not() or netns.why_not()


# The built-in rules name HELO words, so at connect they cannot act yet; these can.
CONNECT_RULES = """rules: {
  no-ptr: { when = ["iprev-permerror"]; action = "reject"; };
  forged: { when = ["iprev-fail"]; action = "reject"; };
};"""


def configuration(extra="", port=8891, mode="monitor", reject_at="rcpt", resolver="", log="debug"):
    """A configuration text for our world. extra: more lines, after the rest."""
    forward = "" if "forward" in resolver else 'forward = ["127.0.0.1@53"]'
    socket_line = "" if re.search(r"(?m)^\s*socket\s*=", extra) else 'socket = "inet:%d@127.0.0.1"' % port
    return """%s
user = ""
mode = "%s"
reject-at = "%s"
resolver: {
  %s
  %s
}
log: {
  destination = "stderr"
  level = "%s"
}
%s
""" % (socket_line, mode, reject_at, forward, resolver, log, extra)


class World:
    """Everything but the daemon. mta: postfix, sendmail or none; `postfix` is its old name."""

    def __init__(self, peername_lookup=False, mta="postfix"):
        self.lacking = netns.setup(HOST, ADDRESSES, RESOLV_CONF)
        listen = ["127.0.0.1"] + ([] if "ipv6" in self.lacking else ["::1"])
        self.dns = dnsd.DnsServer(SCRIPT, listen, 53).start()
        self.scripts = set()
        self.sink = smtp.Sink()
        # Sendmail wants a socket below directories that only root may write to.
        self.milter_socket = sendmail.Sendmail.path("iprev.sock") if mta == "sendmail" else self.path("iprev.sock")
        makers = {"postfix": self.new_postfix, "sendmail": self.new_sendmail}
        self.mta = makers[mta](peername_lookup).start() if mta in makers else None
        self.postfix = self.mta

    def lanes(self):
        """Port to milter, for both servers."""
        return {PORT: MILTER, ENFORCE_PORT: MILTER2, UNIX_PORT: "unix:" + self.milter_socket}

    def new_postfix(self, peername_lookup):
        """Postfix, with what only it can."""
        return postfix.Postfix({
            **self.lanes(),
            CHAIN_PORT: MILTER + "," + MILTER2,
            PROXY_PORT: (MILTER, {"smtpd_upstream_proxy_protocol": "haproxy"}),
            "unix:usmtpd": MILTER,
        }, settings="smtpd_peername_lookup = yes\n" if peername_lookup else "")

    def new_sendmail(self, peername_lookup):
        """Sendmail, the same ports."""
        return sendmail.Sendmail(self.lanes(), submit=MILTER, peername_lookup=peername_lookup)

    @staticmethod
    def path(name):
        """A path in the directory that vanishes."""
        return os.path.join(netns.work_dir(), name)


WORLDS, ASKED = [], []  # one world of this process, and the options it was made with


def world(**options):
    """The world of this process, made at first use. All classes of a file share it, so they must want the same."""
    if not WORLDS:
        ASKED.append(options)
        WORLDS.append(World(**options))
    if options != ASKED[0]:
        raise ValueError("a file has one world: it was made with world_options %r, and this class wants %r. "
                         "Give all classes of the file the same, or move this one to a file of its own" % (ASKED[0], options))
    return WORLDS[0]


class Daemon:
    """iprev-milter. `probe`: the address that shows that it listens."""

    serial = itertools.count(1)
    all = []  # of this process: see recall.py

    def __init__(self, config, probe=("127.0.0.1", 8891), args=(), command=None):
        self.base = os.path.join(netns.work_dir(), "daemon%d" % next(self.serial))
        self.config_path, self.log_path = self.base + ".conf", self.base + ".log"
        self.probe, self.args, self.command = probe, list(args), command
        self.process, self.history = None, []  # history: each configuration, and where in the log it began
        self.all.append(self)
        self.configure(config)

    def configure(self, text):
        """Writes the configuration file."""
        self.history.append((text, len(self.log())))
        with open(self.config_path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)

    def start(self, wait=True):
        """Starts it; with wait, returns when it listens."""
        argv = self.command or [program(), "-c", self.config_path] + self.args
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            self.wait_listening()
        return self

    def listening(self):
        """Does somebody answer at the socket?"""
        family = socket.AF_UNIX if isinstance(self.probe, str) else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(self.probe) == 0

    def wait_listening(self, timeout=15):
        """Waits until it listens; AssertionError with the log when it does not."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError("daemon ended with %d:\n%s" % (self.process.returncode, self.log()))
            if self.listening():
                return
            time.sleep(0.03)
        raise AssertionError("daemon does not listen:\n" + self.log())

    def log(self):
        """All it has said."""
        try:
            with open(self.log_path, encoding="utf-8", errors="surrogateescape") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def wait_log(self, pattern, timeout=10, since=0):
        """Waits for a line that matches; returns the match."""
        end = time.monotonic() + timeout
        while True:
            found = re.search(pattern, self.log()[since:])
            if found:
                return found
            if time.monotonic() > end:
                raise AssertionError("no %r in the log:\n%s" % (pattern, self.log()[since:][-4000:]))
            time.sleep(0.03)

    def decisions(self, since=0):
        """The decision lines, as dictionaries."""
        return [read_fields(line) for line in self.log()[since:].split("\n")
                if "client=" in line and "action=" in line]

    def signal(self, number):
        """Sends a signal; after SIGSTOP, returns when it stands still."""
        self.process.send_signal(number)
        while number == signal.SIGSTOP and not self.stands_still():
            time.sleep(0.01)

    def stands_still(self):
        """Is it stopped, or gone?"""
        with open("/proc/%d/stat" % self.process.pid, encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] in "TtZX"

    def reload(self, config, pattern=r"(?i)reload|configuration", timeout=10):
        """New configuration, USR1, and the line that tells about it."""
        since = len(self.log())
        self.configure(config)
        self.signal(signal.SIGUSR1)
        return self.wait_log(pattern, timeout, since)

    def wait(self, timeout=15):
        """Its exit code; AssertionError when it goes on."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise AssertionError("daemon has not ended after %d s" % timeout) from error

    def alive(self):
        """Is it running?"""
        return self.process is not None and self.process.poll() is None

    def rss(self):
        """Resident KiB; 0 when a sanitizer spoils the figure."""
        if sanitized():
            return 0
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))

    def descriptors(self):
        """Open file descriptors."""
        return len(os.listdir("/proc/%d/fd" % self.process.pid))

    def kill(self):
        """Ends it at once."""
        if self.alive():
            self.process.kill()
        if self.process:
            self.process.wait()

    def end(self):
        """Ends it when its test is over. A build that counts coverage writes its counts on a
        clean exit only, so it gets the time for one."""
        if os.environ.get("IPREV_COVERAGE") and self.alive():
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                pass
        self.kill()

    def sound(self):
        """None, or what a sanitizer or the kernel had against it."""
        found = re.search(r"(?m)^.*(ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:).*$", self.log())
        return found.group(0) if found else None


def read_fields(line):
    """`key=value` words of a line; a quoted value may hold blanks. A key that
    comes twice is an AssertionError: somebody forged it."""
    fields = {}
    for key, value in re.findall(r'(?:^|(?<=\s))([a-z][a-z-]*)=("(?:[^"\\]|\\.)*"|\S*)', line):
        if key in fields:
            raise AssertionError("key %s twice in %s" % (key, line))
        fields[key] = value.strip('"')
    return fields


class Result:
    """What one client met, step by step."""

    def __init__(self):
        self.banner = self.helo = self.mail = self.data = None
        self.rcpt, self.message, self.token = [], None, ""
        self.greeted = self.decided = self.seconds = 0.0  # from connect to banner, RCPT's replies, end
        self.transcript = []

    def accepted(self):
        """Was the message taken?"""
        return self.data is not None and self.data.code == 250


class Case(unittest.TestCase):
    """A test case with a daemon of its own."""

    daemon = last = None   # last: what the latest transaction met
    settings = {}          # for configuration()
    dns = ""               # DNS script of the class
    world_options = {}
    tokens = itertools.count(1)

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        for name, value in vars(cls).items():  # a test left out under its old name would run
            if name.startswith("test_") and value is None and not any(hasattr(base, name) for base in cls.__bases__):
                raise TypeError("%s leaves out %s, which is not there" % (cls.__name__, name))

    @classmethod
    def setUpClass(cls):
        cls.furnish()
        cls.daemon = Daemon(configuration(**cls.settings)).start()

    @classmethod
    def furnish(cls):
        """The world, with the DNS script of the class (once, if classes share it)."""
        cls.world = world(**cls.world_options)
        if cls.dns not in cls.world.scripts:
            cls.world.scripts.add(cls.dns)
            cls.world.dns.add(cls.dns)

    @classmethod
    def tearDownClass(cls):
        if cls.daemon:
            cls.daemon.end()

    def setUp(self):
        self.log_start = len(self.daemon.log()) if self.daemon else 0

    def tearDown(self):
        if self.daemon:
            self.assertIsNone(self.daemon.sound())
            self.assertTrue(self.daemon.alive(), "the daemon has died:\n" + self.daemon.log()[-3000:])

    def need_ipv6(self):
        """Skips where the kernel has no IPv6."""
        if "ipv6" in self.world.lacking:
            self.skipTest("no IPv6 here")

    # -- clients --

    def connect(self, source, port=PORT):
        """An SMTP client from an address of ours."""
        return smtp.Client((MX6 if ":" in source else MX4, port), source)

    def message_text(self, headers="", token=None):
        """A message that can be found again."""
        token = token or "token-%d-%d" % (os.getpid(), next(self.tokens))
        if headers and not headers.endswith("\n"):
            headers += "\n"
        return token, "%sFrom: <a@sender.example>\nSubject: %s\nX-Token: %s.\n\nHello.\n" % (headers, token, token)

    def transaction(self, client, result, sender="a@sender.example", rcpt="user@example.org", headers=""):
        """MAIL, RCPT, DATA as far as the server goes along."""
        result.mail = client.say("MAIL FROM:<%s>" % sender)
        if result.mail.code == 250:
            recipients = [rcpt] if isinstance(rcpt, str) else rcpt
            result.rcpt = [client.say("RCPT TO:<%s>" % one) for one in recipients]
            result.decided = client.age()
            if any(reply.code == 250 for reply in result.rcpt):
                result.token, text = self.message_text(headers)
                result.data = client.data(text)
        result.seconds, result.transcript = client.age(), client.transcript
        self.last = result
        if result.accepted():
            result.message = self.world.sink.wait(match=result.token + ".")[0]
        return result

    def send(self, source, helo="mail.good.example", verb="EHLO", port=PORT, **rest):
        """One whole session. helo None: none is given."""
        result = Result()
        with self.connect(source, port) as client:
            result.banner = client.read()
            result.greeted = client.age()
            if helo is not None:
                result.helo = client.say(helo if isinstance(helo, bytes) else "%s %s" % (verb, helo))
            return self.transaction(client, result, **rest)

    # -- checks --

    def ours(self, message):
        """The field that we added: the first Authentication-Results; it must claim our id."""
        self.assertIsNotNone(message, "not taken: %s" % (self.last and self.last.transcript))
        values = message.all("Authentication-Results")
        self.assertTrue(values, "no Authentication-Results in\n" + message.head.decode("latin-1"))
        self.assertRegex(values[0], r"^%s;" % re.escape(HOST))
        return unfold(values[0])

    def xiprev(self, message):
        """X-IPRev as a dictionary; the result is under "result"."""
        value = unfold(message.one("X-IPRev"))
        result, _, rest = value.partition(";")
        fields = read_fields(rest.replace(";", " "))
        fields["result"] = result
        fields["findings"] = set(fields.get("findings", "").split(","))
        return fields

    def check_headers(self, message, result, cause=None, client=None):
        """Both fields, for a result and a cause; returns X-IPRev."""
        value = self.ours(message)
        expected = r"^%s; iprev=%s" % (re.escape(HOST), result)
        if result != "pass":
            expected += r" reason=%s" % (cause or "[a-z-]+")
        shown = client or r"[0-9a-f.:]+"
        expected += r' policy\.iprev=("%s"|%s)' % (shown, shown)
        expected += r"( \([A-Za-z0-9._-]+\))?$"
        self.assertRegex(value, expected)
        fields = self.xiprev(message)
        self.assertEqual(fields["result"], result)
        self.assertIn("iprev-" + result, fields["findings"])
        if cause:
            self.assertIn(cause, fields["findings"])
        if client:
            self.assertEqual(fields["ip"], client)
        names = [name.lower() for name, _ in message.fields()]
        self.assertEqual(set(names[:2]), {"authentication-results", "x-iprev"}, names)
        self.assertEqual(names[2], "received", names)
        return fields

    def check_printable(self, *texts):
        """Only printable ASCII, LF and TAB."""
        for text in texts:
            self.assertRegex(text, r"\A[\x20-\x7e\n\t]*\Z")

    def check_reply(self, reply, text):
        """A reply of ours, as the server passes it on: Sendmail puts the address before the text."""
        self.assertEqual(re.sub(r"^(\d{3} [0-9.]+) <.*?>\.\.\. ", r"\1 ", str(reply)), text)

    def decision(self, match=None):
        """The (last) decision line of this test."""
        def found():
            return [one for one in self.daemon.decisions(self.log_start)
                    if match is None or all(one.get(k) == v for k, v in match.items())]
        self.until(found, "no decision line %r in the log:\n%s" % (match, self.daemon.log()[self.log_start:]))
        return found()[-1]

    def until(self, holds, message="", timeout=10):
        """Waits until holds() is true."""
        end = time.monotonic() + timeout
        while not holds():
            if time.monotonic() > end:
                self.fail(message or "did not come true")
            time.sleep(0.03)


class TwoModes(Case):
    """Two daemons: monitor behind PORT, enforce behind ENFORCE_PORT."""

    enforcer = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enforcer = Daemon(configuration(**{**cls.settings, "mode": "enforce", "port": 8892}),
                              probe=("127.0.0.1", 8892)).start()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        if cls.enforcer:
            cls.enforcer.end()

    def tearDown(self):
        super().tearDown()
        self.assertIsNone(self.enforcer.sound())
        self.assertTrue(self.enforcer.alive(), "the daemon has died:\n" + self.enforcer.log()[-3000:])


def unfold(value):
    """A header value on one line."""
    return re.sub(r"\n[ \t]+", " ", value)


def together(functions, timeout=60):
    """Runs functions at the same time; returns their results in order. An
    exception of one is raised here."""
    results, errors = [None] * len(functions), []

    def run(at, function):
        try:
            results[at] = function()
        except BaseException as error:  # pylint: disable=broad-except
            errors.append(error)
    threads = [threading.Thread(target=run, args=item, daemon=True) for item in enumerate(functions)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + timeout
    for thread in threads:
        thread.join(max(0.1, end - time.monotonic()))
    if errors:
        raise errors[0]
    if any(thread.is_alive() for thread in threads):
        raise AssertionError("not done after %d s" % timeout)
    return results
