"""packaging/several-machines.md, done as written: two filters, two Postfix, one resolver (E12, E23, E29).

The machines are addresses of one network namespace. So 127.0.0.1 of the page is the
machine's own address here, and the filter gets a socket there. unbound forwards to the scripted
server, which stands for all of the world's DNS, and counts what it is asked.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import collections
import http.client
import os
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

import harness
import netns
import pages
import postfix
import sendmail
import servers

DNS = r"""
mail.good.example                A     192.0.2.10
10.2.0.192.in-addr.arpa          PTR   mail.good.example
15.2.0.192.in-addr.arpa          PTR   mail.bank.example
mail.bank.example                A     198.51.100.1
16.2.0.192.in-addr.arpa          PTR   a.several.example
16.2.0.192.in-addr.arpa          PTR   b.several.example
16.2.0.192.in-addr.arpa          PTR   c.several.example
a.several.example                A     198.51.100.2
b.several.example                A     many 203.0.113.1 9
c.several.example                A     many 192.0.2.16 4
17.2.0.192.in-addr.arpa          PTR   many h%d.crowd.example 14
18.2.0.192.in-addr.arpa          PTR   192-0-2-18.dsl.dyn.isp.example
192-0-2-18.dsl.dyn.isp.example   A     192.0.2.18
21.2.0.192.in-addr.arpa          !servfail
10.8.9.10.in-addr.arpa           PTR   mail.lan.example
mail.lan.example                 A     10.9.8.10
"""

CLIENTS = ["192.0.2.10", "192.0.2.11", "192.0.2.15", "192.0.2.16", "192.0.2.17", "192.0.2.18", "192.0.2.21",
           "10.9.8.10"]
MX1, MX2 = "192.0.2.61", "192.0.2.62"
PORTS = {MX1: harness.PORT, MX2: harness.ENFORCE_PORT}
BESIDE, CACHE, POOL, METRICS = ("One filter beside each mail server", "One resolver as the common cache",
                                "Filters on machines of their own", "Metrics")
MEMORY = "One memory"

FILTER = """
user = "iprev-milter"
log: { destination = "stderr" level = "debug" }
exempt: { private = false }
"""

# What the page leaves to the machine: where files are, and the world's DNS.
UNBOUND = """
    chroot: ""
    username: ""
    directory: "{work}"
    pidfile: "{work}/unbound-{serial}.pid"
    use-syslog: no
    do-not-query-localhost: no
    module-config: "iterator"
forward-zone:
    name: "."
    forward-addr: 127.0.0.1
"""
HAPROXY = "global\n    maxconn 1000\ndefaults\n    log global\n"


class Machines(harness.Case):
    """What all layouts have in common."""

    dns = DNS
    world_options = {"mta": None}

    @classmethod
    def setUpClass(cls):
        cls.furnish()
        cls.page = pages.Page("packaging/several-machines.md")

    def setUp(self):
        self.daemon, self.log_start = None, 0
        self.filters, self.processes, self.mail_servers = {}, [], []

    def tearDown(self):
        for one in self.mail_servers:
            one.stop()
        for process in self.processes:
            process.kill()
            process.wait()
        for one in self.filters.values():
            one.kill()
            self.assertIsNone(one.sound())

    # -- the machines --

    def run_server(self, name, options, config, port, address, program=None):
        """A foreign server in the foreground, with its configuration."""
        path = self.world.path("%s-%d.conf" % (name, len(self.processes)))
        with open(path, "w", encoding="ascii") as file:
            file.write(config)
        with open(path + ".log", "wb") as log:
            self.processes.append(subprocess.Popen(
                [servers.program(name, program or name)] + options + [path], env=servers.environment(name),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log))

        def up():
            with socket.socket() as probe:
                return probe.connect_ex((address, port)) == 0
        try:
            self.until(up)
        except AssertionError:
            with open(path + ".log", encoding="utf-8", errors="replace") as file:
                self.fail("%s did not start: %s" % (name, file.read()))
        return self.processes[-1]

    def resolver(self, address="192.0.2.53"):
        """unbound at an address."""
        if servers.why_not("unbound"):
            self.skipTest(servers.why_not("unbound"))
        text = self.page.text(CACHE, "unbound.conf").replace("192.0.2.53", address)
        text += UNBOUND.format(work=netns.work_dir(), serial=len(self.processes))
        return self.run_server("unbound", ["-d", "-c"], text, 53, address)

    def filter(self, machine, more="", wait=True):
        """The filter of a machine."""
        text = FILTER + self.page.text(BESIDE, "iprev-milter.conf") + self.page.text(POOL, "iprev-milter.conf")
        one = harness.Daemon(text.replace(MX1, machine) + more, probe=(machine, 8891))
        self.filters[machine] = one
        return one.start(wait)

    def mail_server(self, machine, settings, master="n"):
        """The Postfix of a machine."""
        port = PORTS[machine]
        self.mail_servers.append(postfix.Postfix(
            {}, settings=settings, master="%d inet n - %s - - smtpd\n" % (port, master), name="mx%d" % port))
        return self.mail_servers[-1].start()

    def beside(self, more=""):
        """One filter beside each Postfix."""
        for machine in PORTS:
            self.filter(machine, more)
            self.mail_server(machine, self.page.text(BESIDE, "main.cf").replace("127.0.0.1", machine))

    # -- traffic --

    def view(self, machine, source):
        """What a message says after it came in at a machine."""
        result = self.send(source, "mail.good.example", port=PORTS[machine])
        self.assertTrue(result.accepted(), result.transcript)
        return self.ours(result.message), harness.unfold(result.message.one("X-IPRev"))

    def load(self, trouble, count=60):
        """Sends messages to both machines while trouble() happens; (accepted, with fields) of
        each, after all have been delivered exactly once."""
        results, lock, work = [], threading.Lock(), list(range(count))

        def sender(machine):
            while True:
                with lock:
                    if not work:
                        return
                    work.pop()
                result = self.send("192.0.2.10", port=PORTS[machine])
                with lock:
                    results.append(result)
        threads = [threading.Thread(target=sender, args=[machine], daemon=True) for machine in PORTS for _ in range(3)]
        for thread in threads:
            thread.start()
        self.until(lambda: len(results) > count // 4, timeout=30)
        trouble()
        for thread in threads:
            thread.join(60)
        self.assertEqual(len(results), count, "\n".join(one.log()[-3000:] for one in self.mail_servers))
        for result in results:
            self.assertTrue(result.accepted(), result.transcript)
        arrived = collections.Counter(token for message in self.world.sink.messages
                                      for token in re.findall(rb"(?m)^X-Token: (\S+)\.$", message.raw))
        self.assertEqual({arrived[result.token.encode()] for result in results}, {1})
        return [bool(result.message.all("X-IPRev")) for result in results]

    def counter(self, machine, pattern):
        """The sum of the metrics of a machine whose line matches."""
        connection = http.client.HTTPConnection(machine, 9817, timeout=5)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return sum(float(line.split()[-1]) for line in text.splitlines() if re.match(pattern, line))


class Beside(Machines):
    """One filter beside each mail server."""

    def check_equal_verdicts(self):
        """Every client gets the same fields at both, and upstream is asked once."""
        self.beside('builtin-rules = false rules: { some: { when = ["ptr-missing"] action = "reject" percent = 50 }; };')
        self.world.dns.reset_counts()
        sources = CLIENTS + ["192.0.2.%d" % at for at in range(150, 170)]
        views = {source: self.view(MX1, source) for source in sources}
        for source in sources:
            self.assertEqual(self.view(MX2, source), views[source])
        self.assertTrue({"iprev=pass", "iprev=fail", "iprev=permerror", "iprev=temperror"} <=
                        {word for one, _ in views.values() for word in one.split()})
        self.assertEqual({"action=reject" in views[source][1] for source in sources[8:]}, {True, False})
        asked = {what: times for what, times in self.world.dns.stats().items()
                 if not what.startswith(("21.2.0.192", ". ", "a.root-servers.net"))}
        self.assertIn("10.2.0.192.in-addr.arpa. PTR", asked)
        self.assertEqual({what: times for what, times in asked.items() if times != 1}, {})

    def test_equal_verdicts_and_one_set_of_questions(self):
        """With one unbound."""
        self.resolver()
        self.check_equal_verdicts()

    def test_dnsdist(self):
        """With two unbounds behind dnsdist; when one is gone, the other serves."""
        if servers.why_not("dnsdist"):
            self.skipTest(servers.why_not("dnsdist"))
        first = self.resolver("192.0.2.54")
        self.resolver("192.0.2.55")
        self.run_server("dnsdist", ["--supervised", "--disable-syslog", "-C"],
                        self.page.text(CACHE, "dnsdist.conf"), 53, "192.0.2.53")
        self.check_equal_verdicts()
        first.kill()
        time.sleep(2.5)  # dnsdist looks every second
        for at in range(150, 190):
            self.assertIn("iprev=permerror", self.view(MX1, "192.0.2.%d" % at)[0])

    def test_no_resolver(self):
        """Mail comes in, and the verdict says so."""
        self.beside('mode = "enforce"')
        self.assertIn("iprev=temperror", self.view(MX1, "192.0.2.11")[0])

    def test_E23_one_killed(self):
        """Its server goes on without, the other with fields; nothing is lost."""
        self.resolver()
        self.beside()
        fields = self.load(self.filters[MX1].kill)
        self.assertIn(True, fields)
        self.assertIn(False, fields)
        self.view(MX2, "192.0.2.10")

    def test_E12_E29_restart_one_after_the_other(self):
        """Old and new overlap as systemd would have it; no mail is lost or put off."""
        self.resolver()
        self.beside()

        def again():
            for machine in PORTS:
                old, new = self.filters[machine], self.filter(machine, wait=False)
                old.signal(signal.SIGTERM)
                while old.alive() or not new.listening():
                    if not new.alive():  # 69: the old one still listens
                        self.assertEqual(new.wait(), 69)
                        time.sleep(0.3)
                        new = self.filter(machine, wait=False)
                    time.sleep(0.03)
                self.assertEqual(old.wait(), 0)
        self.load(again, count=120)
        for machine in PORTS:
            self.view(machine, "192.0.2.10")

    def test_metrics_add_up(self):
        """The targets of the page, and the sum over them."""
        self.resolver()
        self.beside()
        targets = re.findall(r'"([0-9.]+):9817"', self.page.text(METRICS, "prometheus.yml"))
        self.assertEqual(set(targets), set(PORTS))
        for machine, count in ((MX1, 3), (MX2, 2)):
            for _ in range(count):
                self.view(machine, "192.0.2.10")
        counts = [self.counter(machine, r'iprev_checks_total\{.*result="pass"') for machine in (MX1, MX2)]
        self.assertEqual(counts, [3, 2])


class Shared(Machines):
    """One memory for both filters: the Redis of the page, with its key and its password."""

    def setUp(self):
        super().setUp()
        place = self.world.path("secrets-%d" % time.monotonic_ns())
        os.makedirs(place)
        os.chmod(os.path.dirname(place), 0o755)
        swaps = {"/etc/iprev-milter.": place + "/"}
        self.page = pages.Page("packaging/several-machines.md", swaps)
        subprocess.run(["sh", "-euc", self.page.text(MEMORY, "sh")], check=True)
        self.assertEqual({os.stat(os.path.join(place, name)).st_mode & 0o777 for name in os.listdir(place)}, {0o600})
        with open(place + "/password", encoding="ascii") as file:
            password = file.read().strip()
        if not servers.program("redis", "redis-server"):
            self.skipTest("no redis-server here (tests/system/get-servers redis)")
        text = self.page.text(MEMORY, "redis.conf").replace("PASSWORD", password) + "dir %s\n" % place
        self.redis = self.run_server("redis", [], text, 6379, "192.0.2.70", program="redis-server")
        self.resolver()
        self.beside(self.page.text(MEMORY, "iprev-milter.conf").replace("};", "greylist-delay-seconds = 2; };") + """
            mode = "enforce"
            rules: { no-ptr: { when = ["iprev-permerror", "!client-known"] action = "greylist" }; };""")

    def knock(self, machine, sender):
        """The code at RCPT or the end, and what the log says of memory."""
        since = len(self.filters[machine].log())
        result = self.send("192.0.2.11", "mail.good.example", sender=sender, port=PORTS[machine])
        self.until(lambda: self.filters[machine].decisions(since))
        return (result.data or result.rcpt[0]).code, self.filters[machine].decisions(since)[0].get("memory")

    def test_one_memory(self):
        """A client that met one filter passes at the other; both tell the same of it."""
        self.until(lambda: self.knock(MX1, "a@up%d.example" % time.monotonic_ns()) == (451, "new"))
        self.assertEqual(self.knock(MX1, "a@shared.example"), (451, "new"))
        self.assertEqual(self.knock(MX2, "a@shared.example"), (451, "early"))
        time.sleep(2)
        self.assertEqual(self.knock(MX2, "a@shared.example"), (250, "passed"))
        self.assertEqual(self.knock(MX1, "a@shared.example"), (250, "passed"))
        told = [subprocess.run([harness.program("iprev-check"), "memory", "192.0.2.11", "-c", self.filters[machine].config_path],
                               capture_output=True, text=True, check=True).stdout for machine in PORTS]
        self.assertEqual(told[0], told[1])
        self.assertIn("passes the greylist with 1 sender domain", told[0])

    def test_H1_redis_killed(self):
        """Nothing is put off, and the log says why."""
        self.until(lambda: self.knock(MX1, "a@up%d.example" % time.monotonic_ns()) == (451, "new"))
        self.redis.kill()
        for machine in PORTS:
            self.assertEqual(self.knock(machine, "a@gone.example"), (250, "unavailable"))
            self.assertIn("no rule that needs it refuses", self.filters[machine].log())


class Pool(Machines):
    """Filters on machines of their own."""

    def name_with_two_addresses(self):
        """Both Postfix know the filters by one name."""
        netns.replace_file("/etc/hosts", "127.0.0.1 localhost\n" + self.page.text(POOL, "/etc/hosts"))
        for machine in PORTS:
            self.mail_server(machine, self.page.text(POOL, "main.cf"))

    def check_one_killed(self):
        """After the kill all messages have fields; those that were under way may lack them."""
        self.load(self.filters[MX1].kill)
        for _ in range(5):
            for machine in PORTS:
                self.view(machine, "192.0.2.10")

    def test_E23_name_one_killed(self):
        """Postfix tries the next address."""
        self.resolver()
        for machine in PORTS:
            self.filter(machine)
        self.name_with_two_addresses()
        self.check_one_killed()

    def test_E23_sendmail_name_one_killed(self):
        """So does Sendmail."""
        if sendmail.why_not():
            self.skipTest(sendmail.why_not())
        self.resolver()
        for machine in PORTS:
            self.filter(machine)
        netns.replace_file("/etc/hosts", "127.0.0.1 localhost\n" + self.page.text(POOL, "/etc/hosts"))
        self.mail_servers.append(sendmail.Sendmail(dict.fromkeys(PORTS.values()),
                                                   settings=self.page.text(POOL, "sendmail.mc")).start())
        self.check_one_killed()

    def test_E23_balancer_one_killed(self):
        """HAProxy leaves out who does not answer; both had work before."""
        if servers.why_not("haproxy"):
            self.skipTest(servers.why_not("haproxy"))
        self.resolver()
        for machine in PORTS:
            self.filter(machine)
        self.run_server("haproxy", ["-db", "-f"], HAPROXY + self.page.text(POOL, "haproxy.cfg"), 8891, "192.0.2.60")
        for machine in PORTS:
            self.mail_server(machine, self.page.text(BESIDE, "main.cf").replace("127.0.0.1", "192.0.2.60"))
        self.load(lambda: None, count=20)
        for machine in PORTS:
            self.assertGreater(self.counter(machine, "iprev_checks_total"), 0)
        self.check_one_killed()


class Whole(unittest.TestCase):
    """The page has no block that is not done here."""

    def test_no_other_block(self):
        """By section and file."""
        self.assertEqual(pages.Page("packaging/several-machines.md").index(), {
            (BESIDE, "main.cf"), (BESIDE, "iprev-milter.conf"), (CACHE, "unbound.conf"), (CACHE, "dnsdist.conf"),
            (POOL, "iprev-milter.conf"), (POOL, "main.cf"), (POOL, "sendmail.mc"), (POOL, "/etc/hosts"), (POOL, "haproxy.cfg"),
            (MEMORY, "redis.conf"), (MEMORY, "sh"), (MEMORY, "iprev-milter.conf"), (METRICS, "prometheus.yml")})


del Machines  # it has no test of its own
