"""The shipped rspamd rules in a real rspamd: as the second milter of a real Postfix, as README.md
says, and asked directly about messages that no client of Postfix can make.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import http.client
import json
import os
import re
import shutil
import subprocess
import time
import unittest

import harness
import netns
import scored
import servers

WITHOUT = servers.why_not("rspamd")
PORT = 11333
PROXY = """
bind_socket = "127.0.0.1:%d";
milter = yes;
upstream "local" { default = yes; self_scan = yes; }
""" % harness.MILTER2_PORT
HEADERS = 'use = ["x-spamd-result"];\n'
PARSE = """
for key, value in pairs(require "lua_auth_results".parse_ar_element([[%s]]) or {}) do
  print(key .. "=" .. value)
end
"""
OPTIONS = """
dns { nameserver = ["127.0.0.1"]; timeout = 1s; retransmits = 1; }
"""
SUFFIXES = "usr/share/publicsuffix/effective_tld_names.dat"  # where the server has none of its own
# No outgoing connections: no maps from the net, no Redis.
QUIET = ["rbl", "fuzzy_check", "surbl", "asn", "dkim", "spf", "dmarc", "arc", "phishing", "greylist", "ratelimit",
         "reputation", "history_redis", "neural", "mid", "replies", "url_redirector", "whitelist", "multimap",
         "mime_types", "rspamd_update", "elastic", "clickhouse", "metric_exporter", "bimi", "dcc", "maillist"]


# What Postfix logs of a message that is delivered.
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"  # spam to every release
READ = """%(day)s 10:00:00 mx1 postfix/smtpd[1]: %(qid)s: client=x[192.0.2.15]
%(day)s 10:00:01 mx1 postfix/lmtp[2]: %(qid)s: to=<u@example.org>, relay=x, dsn=2.0.0, status=sent (ok)
%(day)s 10:00:01 mx1 postfix/qmgr[3]: %(qid)s: removed
"""


def documented_scores():
    """The example of README.md for local.d/groups.conf, for a symbol that no row of SENT has."""
    with open(scored.shipped("rspamd", "README.md"), encoding="ascii") as file:
        text = re.search(r'(?ms)^ +group "iprev" \{.*?^    \}$', file.read()).group(0)
    return text.replace("IPREV_FAIL", "IPREV_OTHER_CLIENT").replace("weight = 0.0", "weight = 0.5")


class Rspamd:
    """A private rspamd with Debian's configuration and our file: a scanner, and a proxy for Postfix that
    scans by itself and writes the symbols into the message."""

    def __init__(self):
        root = servers.root_of("rspamd")
        self.home = os.path.join(netns.work_dir(), "rspamd")
        self.log = os.path.join(self.home, "rspamd.log")
        shutil.copytree(os.path.join(root, "etc/rspamd"), os.path.join(self.home, "etc"))
        os.makedirs(os.path.join(self.home, "db"))
        suffixes = servers.find("rspamd", SUFFIXES)
        self.file("etc/local.d/options.inc", OPTIONS + ('url_tld = "%s";\n' % suffixes if suffixes else ""))
        self.file("etc/local.d/worker-controller.inc", "enabled = false;\n")
        self.file("etc/override.d/worker-proxy.inc", PROXY)
        self.file("etc/local.d/milter_headers.conf", HEADERS)
        self.file("etc/local.d/actions.conf", "reject = 1000;\n")
        self.file("etc/local.d/worker-normal.inc", "count = 1;\n")
        self.file("etc/local.d/logging.inc", 'type = "console";\n')
        for module in QUIET:
            self.file("etc/local.d/%s.conf" % module, "enabled = false;\n")
        shutil.copy(scored.shipped("rspamd", "iprev.lua"), os.path.join(self.home, "etc"))
        self.file("etc/rspamd.local.lua", "dofile('%s/etc/iprev.lua')\n" % self.home)
        self.file("etc/local.d/groups.conf", documented_scores())
        self.root, self.process = root, None

    def file(self, name, text):
        """Writes a file of the configuration."""
        with open(os.path.join(self.home, name), "w", encoding="ascii") as file:
            file.write(text)

    def argv(self, program):
        """A program of rspamd, with the places of this copy."""
        share = os.path.join(self.root, "usr/share/rspamd")
        places = {"CONFDIR": self.home + "/etc", "LOCAL_CONFDIR": self.home + "/etc", "DBDIR": self.home + "/db",
                  "RUNDIR": self.home, "LOGDIR": self.home, "SHAREDIR": share, "RULESDIR": share + "/rules",
                  "LUALIBDIR": share + "/lualib", "PLUGINSDIR": share + "/plugins", "WWWDIR": share + "/www"}
        return [os.path.join(self.root, "usr/bin", program), "-c", self.home + "/etc/rspamd.conf"] + \
            ["--var=%s=%s" % item for item in places.items()]

    def start(self):
        """Returns when it answers."""
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.argv("rspamd") + ["-f", "-i"], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env=servers.environment("rspamd"))
        end = time.monotonic() + 120
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.ask("GET", "/ping")
                return self
            except OSError:
                time.sleep(0.2)
        raise AssertionError("rspamd does not answer:\n" + self.said()[-4000:])

    def said(self):
        """Its log."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    @staticmethod
    def ask(method, path, body=None, headers=None):
        """One HTTP request; the body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            return connection.getresponse().read()
        finally:
            connection.close()

    def stop(self):
        """Ends it."""
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.home)


@unittest.skipIf(WITHOUT, WITHOUT)
class Site(scored.Scored):
    """Debian's own configuration, and our file."""

    threshold = 6.0
    rspamd = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rspamd = Rspamd()
        cls.addClassCleanup(cls.rspamd.stop)
        cls.rspamd.start()


class Milter(Site):
    """Both milters behind Postfix, ours first; the client is the one that Postfix tells rspamd."""

    port = harness.CHAIN_PORT

    def score(self, raw, source, helo):
        fields = re.findall(rb"(?m)^X-Spamd-Result: (.*(?:\n[ \t].*)*)", raw)
        self.assertEqual(len(fields), 1, raw.decode("latin-1"))
        found = re.findall(r"\b(IPREV_\w+)\((-?[0-9.]+)\)", fields[0].decode("ascii"))
        return {name: float(score) for name, score in found if name != "IPREV_CHECK"}

    def test_forged(self):
        """A forged X-IPRev is gone when rspamd looks."""
        self.check_forged()


scored.add_rows(Milter)


class Scanner(Site):
    """The scanner alone."""

    def answer(self, raw, source, helo):
        """What rspamd says of a message, as the mail server would hand it over."""
        headers = {"Helo": helo, "From": "a@sender.example", "Rcpt": "user@example.org"}
        if source:
            headers["IP"] = source
        return json.loads(self.rspamd.ask("POST", "/checkv2", raw, headers))

    def score(self, raw, source, helo):
        found = self.answer(raw, source, helo)["symbols"]
        return {name: one["score"] for name, one in found.items()
                if name.startswith("IPREV_") and name != "IPREV_CHECK"}

    def test_only_the_topmost_counts(self):
        """A second X-IPRev, further down, is not looked at."""
        _, message = self.scored("192.0.2.15", "mail.bank.example")
        raw = message.raw.replace(b"\n\n", b"\nX-IPRev: pass; ip=192.0.2.15; findings=ptr-generic,helo-self;\n\n", 1)
        self.assertEqual(set(self.score(raw, "192.0.2.15", "x")), scored.symbols("FAIL HELO_MISMATCH"))

    def test_another_client(self):
        """A field about another client than rspamd's is told apart. (Its score is
        the one that local.d/groups.conf has set.)"""
        _, message = self.scored("192.0.2.15", "mail.bank.example")
        self.assertEqual(self.score(message.raw, "192.0.2.99", "x"), {"IPREV_OTHER_CLIENT": 0.5})

    def test_no_client(self):
        """Where rspamd has no address, the field is believed."""
        _, message = self.scored("192.0.2.15", "mail.bank.example")
        self.assertEqual(set(self.score(message.raw, None, "x")), scored.symbols("FAIL HELO_MISMATCH"))

    def test_cause_is_shown(self):
        """The option of the symbol says what is wrong."""
        _, message = self.scored("192.0.2.15", "mail.bank.example")
        found = self.answer(message.raw, "192.0.2.15", "mail.bank.example")["symbols"]
        self.assertEqual(found["IPREV_FAIL"]["options"], ["forward-mismatch"])
        self.assertTrue(found["IPREV_FAIL"]["description"])

    def test_junk(self):
        """Fields that are none of ours give nothing, and no error."""
        for value in (b"", b"fail", b"none; ip=192.0.2.1", b"fail ip", b"\xff\xfe; =;=;;", b"pass" * 5000,
                      b"fail; ip=not-an-address; findings=helo-self;"):
            raw = b"X-IPRev: " + value + b"\nFrom: <a@sender.example>\nSubject: x\n\nx\n"
            self.assertLessEqual(set(self.score(raw, "192.0.2.1", "x")), {"IPREV_OTHER_CLIENT"}, value)
        self.assertNotIn("iprev.lua", self.rspamd.said())

    def test_replay_reads_its_log(self):
        """iprev-check replay finds the verdicts in rspamd's own log, whatever worker has written it."""
        lines, since = "", len(self.rspamd.said())
        head = b"To: <u@example.org>\nDate: %s\n" % time.strftime("%a, %d %b %Y %T +0000", time.gmtime()).encode()
        for qid, body in (("4BFD21A2B01", b"x"), ("4BFD21A2B02", GTUBE), ("4BFD21A2B03", GTUBE)):
            raw = head + b"From: <a@sender.example>\nMessage-ID: <%s@sender.example>\nSubject: x\n\n%s\n" % (qid.encode(), body)
            self.rspamd.ask("POST", "/checkv2", raw, {"IP": "192.0.2.15", "Queue-Id": qid, "From": "a@sender.example"})
            if qid != "4BFD21A2B03":  # that one is in another log
                lines += READ % {"qid": qid, "day": time.strftime("%b %e", time.gmtime())}
        paths = [os.path.join(self.rspamd.home, name) for name in ("mail.log", "verdicts.log")]
        for path, text in zip(paths, (lines, self.rspamd.said()[since:])):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        for logs in (paths, paths[::-1]):
            done = subprocess.run([harness.program("iprev-check"), "replay", "--no-dns", "--json"] + logs,
                                  capture_output=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            told = json.loads(done.stdout)
            self.assertEqual((told["log"]["spam_verdicts"], told["log"]["spam_verdicts_met"]), (2, 1), self.rspamd.said())
            sums = told["actions"]["unknown"]
            self.assertEqual((sums["delivered"], sums["spam"]), (1, 1))

    def test_its_parser_reads_our_result(self):
        """rspamd's own reader of Authentication-Results finds result, reason and address: it stops at the first
        quote, so the reason has none."""
        _, message = self.scored("192.0.2.15", "mail.bank.example")
        result = harness.unfold(message.all("Authentication-Results")[0]).partition("; ")[2]
        self.rspamd.file("parse.lua", PARSE % result)
        argv = self.rspamd.argv("rspamadm")
        done = subprocess.run(argv[:1] + argv[3:] + ["lua", "-b", os.path.join(self.rspamd.home, "parse.lua")],
                              capture_output=True, text=True, timeout=60, check=False, env=servers.environment("rspamd"))
        self.assertEqual(sorted(done.stdout.split()), ["iprev=fail", "policy.iprev=192.0.2.15", "reason=forward-mismatch"],
                         done.stderr)

    def test_configuration_is_clean(self):
        """rspamadm has nothing against it."""
        argv = self.rspamd.argv("rspamadm")
        done = subprocess.run(argv[:1] + argv[3:] + ["configtest", "-c", argv[2]], capture_output=True, timeout=60,
                              check=False, env=servers.environment("rspamd"))
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        self.assertEqual(done.returncode, 0, said)
        self.assertIn("syntax OK", said)
