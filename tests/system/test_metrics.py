"""/metrics and /healthz of a running daemon: under load, with dead name servers, with
stuck threads; and what is built upon them: alerts and dashboard.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import collections
import ctypes
import fcntl
import http.client
import json
import os
import re
import select
import shutil
import socket
import subprocess
import time
import unittest
import urllib.parse

import dnsd
import harness
import milterclient
import netns
import scored
import servers

AT = ("127.0.0.1", 9817)
LISTEN = 'metrics: { listen = "%s:%d" }\n' % AT
PLACE = os.path.join(os.environ.get(netns.MARK, "/"), "metered")  # the map of faults reads this file outside
MEMORY = 'memory: { store = "sqlite:%s/memory.db" }\n' % PLACE
WITHOUT = servers.why_not("prometheus")
PROMETHEUS = ("127.0.0.1", 9090)


def get(path, at=AT):
    """Status and body of a page."""
    connection = http.client.HTTPConnection(*at, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8")
    finally:
        connection.close()


def wait_page(timeout=10):
    """Waits until somebody serves it: that comes after the milter socket."""
    end = time.monotonic() + timeout
    while True:
        try:
            return get("/metrics")
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.03)


def samples(page=None):
    """{sample with its labels: value} of /metrics."""
    lines = (get("/metrics")[1] if page is None else page).split("\n")
    return {name: float(value) for name, _, value in
            (line.rpartition(" ") for line in lines if line and line[0] != "#")}


def gained(before, after):
    """What counters have gained, without those that stand still."""
    return {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}


def checks(result, cause="none"):
    """The name of a counter."""
    return 'iprev_checks_total{result="%s",cause="%s"}' % (result, cause)


def actions(action, rule="-", mode="enforce"):
    """The name of a counter."""
    return 'iprev_actions_total{action="%s",mode="%s",rule="%s"}' % (action, mode, rule)


def messages(milter, count):
    """Verdicts on messages of a good client, one after the other on a new connection."""
    milter.negotiate()
    milter.macros("C", {"j": "mx.example.org"})
    milter.connect("192.0.2.10")
    milter.helo("mail.good.example")
    letters = set()
    for _ in range(count):
        milter.mail()
        milter.rcpt()
        letters.add(milter.message().letter)
    return letters


def promtool(*arguments, text=None, cwd=None):
    """Runs it; the completed process."""
    return subprocess.run([servers.find("prometheus", "usr/bin/promtool")] + list(arguments), input=text, cwd=cwd,
                          capture_output=True, text=True, timeout=120, check=False)


class Metered(harness.Case):
    """A case whose daemon serves metrics."""

    dns = scored.DNS
    settings = {"extra": LISTEN + MEMORY, "mode": "enforce"}

    @classmethod
    def setUpClass(cls):
        os.makedirs(PLACE, mode=0o700, exist_ok=True)
        super().setUpClass()
        wait_page()

    def settled(self):
        """The samples once no connection is left."""
        self.until(lambda: samples()["iprev_sessions"] == 0)
        return samples()


# source, HELO, and the counters that one message of theirs moves; None: refused at RCPT
LOAD = [
    ("192.0.2.10", "mail.good.example", checks("pass"), actions("accept")),
    ("192.0.2.11", "mail.good.example", checks("permerror", "ptr-missing"), actions("reject", "no-ptr")),
    ("192.0.2.13", "mail.good.example", checks("fail", "forward-missing"), actions("reject", "forged")),
    ("192.0.2.15", "mail.good.example", checks("fail", "forward-mismatch"), actions("reject", "forged")),
    ("192.0.2.18", "mail.shop.example", checks("pass"), actions("tag", "botlike")),
    ("192.0.2.21", "mail.good.example", checks("temperror", "dns-servfail"), actions("accept")),
    ("127.0.0.1", "localhost", checks("skip", "skip-network"), actions("accept")),
]


class Counts(Metered):
    """What the page says, against what was sent."""

    def test_load(self):
        """Eight clients at a time: every check and every decision is counted once, and no other."""
        before, rounds = self.settled(), 6
        expected = collections.Counter()
        for _ in range(rounds):
            harness.together([lambda one=one: self.send(one[0], one[1]) for one in LOAD])
            for _, _, check, action in LOAD:
                expected[check] += 1
                expected[action] += 1
        after = self.settled()
        new = gained(before, after)
        self.assertEqual({name: value for name, value in new.items()
                          if name.startswith(("iprev_checks", "iprev_actions"))}, dict(expected))
        total = rounds * len(LOAD)
        for name in ("iprev_dns_seconds", "iprev_wait_seconds"):
            self.assertEqual(new[name + "_count"], total)
            self.assertEqual(new[name + '_bucket{le="+Inf"}'], total)
            self.assertLessEqual(after[name + "_sum"], 5 * after[name + "_count"])
        self.assertEqual(new["iprev_cache_lookups_total"],
                         new["iprev_cache_hits_total"] + new.get("iprev_cache_joined_total", 0) +
                         self.asked_anew(new))
        self.assertEqual([after[name] for name in ("iprev_waiting", "iprev_dns_inflight", "iprev_resolver_up")],
                         [0, 0, 1])

    def asked_anew(self, new):
        """Lookups that are neither hits nor shared: each asked one question at least."""
        anew = new["iprev_cache_lookups_total"] - new["iprev_cache_hits_total"] - new.get("iprev_cache_joined_total", 0)
        self.assertGreater(anew, 0)
        self.assertLessEqual(anew, new["iprev_dns_questions_total"])
        return anew

    def test_two_messages_on_one_connection(self):
        """A client is counted for each message."""
        before = self.settled()
        with self.connect("192.0.2.10") as client:
            client.read()
            client.say("EHLO mail.good.example")
            for _ in range(2):
                self.assertTrue(self.transaction(client, harness.Result()).accepted())
        self.assertEqual(gained(before, self.settled())[checks("pass")], 2)

    def test_F5_labels_are_fixed(self):
        """Whatever clients and their DNS say, no new label comes."""
        self.send("192.0.2.10", 'x"} 1\\n')
        before = set(self.settled())
        for helo in ('iprev_checks_total{result="pass"} 9', 'a"b', "a\\b", "{}", "mail.shop.example"):
            self.send("192.0.2.10", helo, sender="a\"b@x.example")
        self.assertEqual(set(self.settled()), before)

    def test_reloads(self):
        """Taken and refused ones are told apart."""
        before = samples()
        self.assertEqual(before["iprev_settings_stale"], 0)
        self.daemon.reload(harness.configuration(**self.settings) + "nonsense = 1\n", "(?i)nonsense")
        self.until(lambda: gained(before, samples()).get('iprev_reloads_total{result="refused"}') == 1)
        self.assertEqual(samples()["iprev_settings_stale"], 1)
        self.daemon.reload(harness.configuration(**self.settings))
        self.until(lambda: gained(before, samples()).get('iprev_reloads_total{result="taken"}') == 1)
        self.assertEqual(samples()["iprev_settings_stale"], 0)

    def test_settings_stale(self):
        """A file that comes, changes or goes waits for a reload; one with another name does not count."""
        more, listed = self.daemon.config_path + ".d", self.world.path("stale.list")
        text = harness.configuration(**self.settings)
        lists = text + 'exempt: { lists = ["%s"]; };\n' % listed

        def write(path, text):
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
        os.makedirs(more)
        write(listed, "192.0.2.77\n")
        try:
            for what, stale, act in (
                    ("another name", 0, lambda: write(more + "/x.bak", "x")),
                    ("a new file", 1, lambda: write(more + "/x.conf", "# x\n")),
                    ("changed", 1, lambda: write(more + "/x.conf", "# xx\n")),
                    ("gone", 1, lambda: os.unlink(more + "/x.conf")),
                    ("an exempt list", 1, lambda: write(listed, "192.0.2.78 # x\n"))):
                self.daemon.reload(lists)
                self.assertEqual(samples()["iprev_settings_stale"], 0, what)
                act()
                self.assertEqual(samples()["iprev_settings_stale"], stale, what)
        finally:
            shutil.rmtree(more)
            self.daemon.reload(text)

    def test_settings_and_process(self):
        """What is in force, and what the process uses."""
        now = samples()
        found = [name for name in now if name.startswith("iprev_settings_info{")]
        self.assertEqual(len(found), 1)
        self.assertRegex(found[0], r'\{mode="enforce",rules="no-ptr, forged, botlike.*",name_servers="127.0.0.1@53"\}$')
        self.assertAlmostEqual(now["process_open_fds"], self.daemon.descriptors(), delta=8)
        self.assertGreater(now["process_max_fds"], now["process_open_fds"])
        if not harness.sanitized():
            self.assertAlmostEqual(now["process_resident_memory_bytes"], self.daemon.rss() * 1024, delta=4 << 20)

    def test_loopback_alone(self):
        """The page is where the configuration says, and nowhere else."""
        with self.assertRaises(OSError):
            get("/metrics", (harness.MX4, AT[1]))

    @unittest.skipIf(WITHOUT, WITHOUT)
    def test_promtool_likes_the_page(self):
        """Names, units, HELP and TYPE."""
        done = promtool("check", "metrics", text=get("/metrics")[1])
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


class Quiet(Metered):
    """Only errors are logged."""

    settings = {"extra": LISTEN, "mode": "enforce", "log": "error"}

    def test_F2_counted_without_a_log(self):
        """The totals do not depend on what is logged."""
        before, since = self.settled(), len(self.daemon.log())
        with milterclient.MilterClient() as milter:
            self.assertEqual(messages(milter, 20), {milterclient.CONTINUE})
        new = gained(before, self.settled())
        self.assertEqual((new[checks("pass")], new[actions("accept")]), (20, 20))
        self.assertEqual(self.daemon.log()[since:], "")


class Flood(harness.Case):
    """Standard error is a pipe that nobody reads."""

    dns = scored.DNS
    settings = {"extra": LISTEN, "mode": "enforce", "log": "info"}
    count = 5000
    pipe = None

    @classmethod
    def setUpClass(cls):
        cls.furnish()
        path = cls.world.path("pipe")
        os.mkfifo(path)
        cls.pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(cls.pipe, fcntl.F_SETPIPE_SZ, 4096)
        cls.daemon = harness.Daemon(harness.configuration(**cls.settings))
        cls.daemon.command = ["sh", "-c", 'exec "$0" -c "$1" 2>"$2"', harness.program(), cls.daemon.config_path, path]
        cls.daemon.start()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        os.close(cls.pipe)

    def read_pipe(self, word):
        """What was in the way, up to a line with the word."""
        text = b""
        while word not in text or not text.endswith(b"\n"):
            self.assertTrue(select.select([self.pipe], [], [], 10)[0], text[-400:])
            text += os.read(self.pipe, 65536)
        return text.decode("ascii")

    def test_F2_flood_of_lines(self):
        """Five thousand messages: each is counted and decided, and each has its line or is one of those
        that a single line tells to have been dropped."""
        with milterclient.MilterClient() as milter:
            self.assertEqual(messages(milter, self.count), {milterclient.CONTINUE})
        page = samples()
        self.assertEqual((page[checks("pass")], page[actions("accept")]), (self.count, self.count))
        dropped = page["iprev_log_dropped_total"]
        self.assertGreater(dropped, 0)
        text = self.read_pipe(b" log lines dropped: ")
        told = re.findall(r"(\d+) log lines dropped: ", text)
        self.assertEqual(told, ["%d" % dropped])
        self.assertEqual(text.count(" action=accept ") + dropped, self.count)


class Off(harness.Case):
    """Without metrics.listen."""

    def test_nobody_listens(self):
        """Off by default."""
        with self.assertRaises(OSError):
            get("/metrics")


class Overload(Metered):
    """max-inflight at its least, before a silent reverse zone (B24)."""

    dns = "*.113.0.203.in-addr.arpa !silent\n"
    settings = {"extra": LISTEN, "resolver": "max-inflight = 10\n deadline = 1500"}

    def test_B24_shed_questions_are_counted(self):
        """What was shed is temperror with dns-overload, and the counters say so."""
        before = self.settled()
        results = harness.together([lambda at=at: self.send("203.0.113.%d" % at, "[203.0.113.%d]" % at)
                                    for at in range(10, 34)])
        said = collections.Counter()
        for result in results:
            self.assertTrue(result.accepted(), result.transcript)
            found = self.xiprev(result.message)["findings"]
            said["dns-overload" if "dns-overload" in found else "dns-timeout"] += 1
        new = gained(before, self.settled())
        self.assertGreater(said["dns-overload"], 0)
        for cause, count in said.items():
            self.assertEqual(new[checks("temperror", cause)], count)
        self.assertGreaterEqual(new["iprev_dns_overloads_total"], said["dns-overload"])
        self.assertGreaterEqual(new["iprev_wait_seconds_sum"], said["dns-timeout"] * 1.0)


class DeadServers(Metered):
    """Nobody listens at the name server's address, and then somebody does."""

    settings = {"extra": LISTEN, "mode": "enforce", "resolver": 'forward = ["127.0.0.1@5998"]\n deadline = 2000'}

    @staticmethod
    def result_of(client, helo):
        """Authentication-Results of a client, each of a network and a domain of its own: of one that is silent few are asked for."""
        milter, _ = milterclient.session(client=client, helo=helo)
        with milter:
            return {name: value for _, name, value in milter.inserted()}["Authentication-Results"]

    def test_E17_E18_dead_and_back(self):
        """Gauge 0, 503 and answers at once while it is gone; 1 and 200 within 15 s of its return,
        whether clients come or not."""
        self.assertEqual(get("/healthz"), (200, "ok\n"))
        for value in harness.together([lambda at=at: self.result_of("11.%d.0.1" % at, "mail.dead%d.example" % at) for at in range(8)]):
            self.assertIn("; iprev=temperror ", value)
        self.until(lambda: samples()["iprev_resolver_up"] == 0)
        self.assertEqual(get("/healthz"), (503, "no name server answers\n"))
        self.until(lambda: "no name server answers: clients get temperror at once" in self.daemon.log())
        clients = ["192.0.2.50", "192.0.2.51"]  # one a second may ask
        for client, result in zip(clients, harness.together([lambda client=client: self.send(client) for client in clients])):
            self.check_headers(result.message, "temperror", "dns-timeout", client)
        self.assertLess(min(int(self.decision({"client": client})["wait"]) for client in clients), 1000)
        dnsd.DnsServer(harness.SCRIPT + self.dns, ["127.0.0.1"], 5998).start()
        self.until(lambda: samples()["iprev_resolver_up"] == 1, timeout=15)
        self.assertEqual(get("/healthz"), (200, "ok\n"))
        # libunbound keeps a SERVFAIL for five seconds; HELO named this host meanwhile
        self.until(lambda: self.xiprev(self.send("192.0.2.10").message)["result"] == "pass", timeout=7)
        self.until(lambda: "a name server answers again" in self.daemon.log())


class Held:
    """Threads of a process, stopped one by one with ptrace while the others run."""

    SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000

    def __init__(self, threads):
        self.libc, self.threads, self.held = ctypes.CDLL(None, use_errno=True), threads, []
        self.libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self.libc.ptrace.restype = ctypes.c_long

    def __enter__(self):
        for thread in self.threads:
            if self.libc.ptrace(self.SEIZE, thread, None, None) != 0:
                self.__exit__()
                raise unittest.SkipTest("no ptrace here: " + os.strerror(ctypes.get_errno()))
            self.libc.ptrace(self.INTERRUPT, thread, None, None)
            os.waitpid(thread, self.WALL)
            self.held.append(thread)
        return self

    def __exit__(self, *_):
        while self.held:
            self.libc.ptrace(self.DETACH, self.held.pop(), None, None)


class Stuck(Metered):
    """Threads that do not come round."""

    dns = scored.DNS + "*.113.0.203.in-addr.arpa !silent\n"

    @classmethod
    def setUpClass(cls):
        cls.furnish()
        cls.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        cls.heard.bind(cls.world.path("stuck-notify"))
        cls.heard.settimeout(3)
        cls.daemon = harness.Daemon(harness.configuration(**cls.settings))
        cls.daemon.command = ["/usr/bin/env", "NOTIFY_SOCKET=" + cls.heard.getsockname(), "WATCHDOG_USEC=2000000",
                              harness.program(), "-c", cls.daemon.config_path]
        cls.daemon.start()
        cls.daemon.wait_log("listens on")

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.heard.close()

    def fed(self, seconds=0.0):
        """Is the watchdog fed within this time? What was said before does not count."""
        self.heard.setblocking(False)
        try:
            while self.heard.recv(4096):
                pass
        except BlockingIOError:
            pass
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.heard.settimeout(max(0.01, end - time.monotonic()))
            try:
                if b"WATCHDOG=1" in self.heard.recv(4096):
                    return True
            except socket.timeout:
                break
        return False

    def threads(self, holds):
        """The daemon's threads for which holds(name, system call) is true."""
        found = []
        for thread in os.listdir("/proc/%d/task" % self.daemon.process.pid):
            base = "/proc/%d/task/%s/" % (self.daemon.process.pid, thread)
            with open(base + "comm", encoding="ascii") as name, open(base + "wchan", encoding="ascii") as call:
                if holds(name.read().strip(), call.read().strip()):
                    found.append(int(thread))
        if not found:
            self.skipTest("threads cannot be told apart here")
        return found

    def test_E24_resolver_thread(self):
        """A resolver thread that stands still: 503, gauge 0, the watchdog starves, and mail is accepted all the
        same."""
        watched = self.fed(5)  # False: built without systemd
        with Held(self.threads(lambda name, _: name == "iprev-resolver")) as held:
            self.assertEqual(len(held.held), 1, "one resolver thread by default")
            result = self.send("192.0.2.11")
            self.assertTrue(result.accepted(), result.transcript)
            self.check_headers(result.message, "temperror", "dns-timeout", "192.0.2.11")
            self.until(lambda: get("/healthz")[0] == 503, timeout=12)
            self.assertEqual(get("/healthz"), (503, "a resolver thread is stuck\n"))
            self.assertEqual(samples()["iprev_resolver_up"], 0)
            self.assertFalse(self.fed(3.5), "fed though a thread is stuck")
        self.until(lambda: get("/healthz") == (200, "ok\n"))
        self.assertEqual(samples()["iprev_resolver_up"], 1)
        self.assertEqual(self.fed(5), watched)

    def test_callback(self):
        """A callback that does not come back from its wait."""
        with self.connect("203.0.113.7") as client:
            client.read()
            client.say("EHLO [203.0.113.7]")
            client.say("MAIL FROM:<a@sender.example>")
            client.write(b"RCPT TO:<user@example.org>\r\n")
            self.until(lambda: samples()["iprev_waiting"] == 1)
            self.assertEqual(get("/healthz")[0], 200)
            with Held(self.threads(lambda name, call: name == "iprev-milter" and call.startswith("futex"))):
                self.until(lambda: get("/healthz")[0] == 503, timeout=20)
                self.assertEqual(get("/healthz"), (503, "a callback is stuck\n"))
                self.assertGreater(samples()["iprev_waiting_oldest_seconds"], 15)
            self.assertEqual(client.read().code, 250)
        self.until(lambda: get("/healthz") == (200, "ok\n"))


def names_in(expressions):
    """The metrics that PromQL expressions name."""
    return {name for text in expressions for name in re.findall(r"\b(?:iprev|process)_[a-z_]+", text)}


def dashboard():
    """The shipped dashboard, and its expressions with Grafana's variables filled in."""
    with open(scored.shipped("grafana", "iprev-milter.json"), encoding="ascii") as file:
        board = json.load(file)
    return board, [target["expr"].replace("$__rate_interval", "10s").replace("$instance", ".*")
                   for panel in board["panels"] for target in panel["targets"]]


class BuiltUpon(Metered):
    """Alerts and dashboard."""

    def served(self):
        """The names of all samples, without labels."""
        return {name.partition("{")[0] for name in samples()}

    def test_dashboard_names_what_there_is(self):
        """Every metric of the dashboard is on the page, and every one of the page's families is shown."""
        board, expressions = dashboard()
        self.assertLessEqual(names_in(expressions), self.served())
        self.assertEqual(self.served() - names_in(expressions),
                         {"iprev_wait_seconds_sum", "iprev_wait_seconds_count"})
        self.assertEqual(len({panel["id"] for panel in board["panels"]}), len(board["panels"]))
        for panel in board["panels"]:
            self.assertTrue(panel["title"] and panel["description"], panel["id"])

    def test_alerts_name_what_there_is(self):
        """Every metric of the alerts is on the page."""
        with open(scored.shipped("prometheus", "iprev-milter.rules.yml"), encoding="ascii") as file:
            named = names_in(re.findall(r"(?m)^ +expr: (\|\n(?: {10}.*\n)+|.*)", file.read()))
        self.assertGreater(len(named), 5)
        self.assertLessEqual(named, self.served())

    @unittest.skipIf(WITHOUT, WITHOUT)
    def test_promtool_proves_the_alerts(self):
        """Each alert comes when it should, and only then."""
        where = os.path.dirname(scored.shipped("prometheus", "x"))
        for command in (("check", "rules", "iprev-milter.rules.yml"), ("test", "rules", "iprev-milter.test.yml"),
                        ("test", "rules", "iprev-milter.month.test.yml")):
            done = promtool(*command, cwd=where)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("SUCCESS", done.stdout)

    @unittest.skipIf(WITHOUT, WITHOUT)
    def test_prometheus_draws_every_panel(self):
        """A real Prometheus scrapes the daemon with our rules; each expression of the dashboard
        has something to show."""
        self.prometheus()
        for one in LOAD:
            self.send(one[0], one[1])
        time.sleep(3)
        for one in LOAD:
            self.send(one[0], one[1])
        _, expressions = dashboard()
        for expression in expressions:
            self.until(lambda text=expression: self.query(text), "nothing for " + expression, timeout=15)
        groups = json.loads(get("/api/v1/rules", PROMETHEUS)[1])["data"]["groups"]
        self.assertEqual({rule["health"] for group in groups for rule in group["rules"]}, {"ok"}, groups)

    def prometheus(self):
        """Starts it; returns when our target is up."""
        config = self.world.path("prometheus.yml")
        with open(config, "w", encoding="ascii") as file:
            json.dump({"global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                       "rule_files": [scored.shipped("prometheus", "iprev-milter.rules.yml")],
                       "scrape_configs": [{"job_name": "iprev-milter",
                                           "static_configs": [{"targets": ["%s:%d" % AT]}]}]}, file)
        with open(self.world.path("prometheus.log"), "wb") as log:
            process = subprocess.Popen(
                [servers.find("prometheus", "usr/bin/prometheus"), "--config.file=" + config,
                 "--storage.tsdb.path=" + self.world.path("prometheus-data"),
                 "--web.listen-address=%s:%d" % PROMETHEUS], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.until(lambda: self.query("up == 1"), "Prometheus does not see the daemon", timeout=30)

    @staticmethod
    def query(expression):
        """The series of an instant query; none when nothing is there yet."""
        try:
            status, text = get("/api/v1/query?" + urllib.parse.urlencode({"query": expression}), PROMETHEUS)
        except OSError:
            return []
        if status == http.client.SERVICE_UNAVAILABLE:  # it is still starting
            return []
        answer = json.loads(text)
        if answer["status"] != "success":
            raise AssertionError(expression + ": " + text)
        return answer["data"]["result"]
