"""The order of filters, with real OpenDKIM and OpenDMARC: the blocks of "With other filters" (C1, C11).

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import re
import subprocess
import time
import unittest

import harness
import pages
import postfix
import sendmail
import servers

DNS = r"""
mail.good.example          A   192.0.2.10
10.2.0.192.in-addr.arpa    PTR mail.good.example
_dmarc.sender.example      TXT v=DMARC1; p=none
"""

SECTION = "With other filters"
OPENDKIM = "Mode v\nSocket inet:8892@127.0.0.1\nBackground no\nSyslog no\nNameservers 127.0.0.1\n"
OPENDMARC = "Socket inet:8893@127.0.0.1\nBackground no\nSyslog no\nRejectFailures no\n"

# What a sender would like OpenDMARC to believe.
FORGED = ("Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=sender.example\n"
          "Authentication-Results: mx.example.org; dkim=pass header.d=sender.example header.s=s1\n"
          "X-IPRev: pass\n")


class Filter:
    """One foreign filter in the foreground, with a configuration text."""

    def __init__(self, name, port, text):
        self.name = name
        path = harness.World.path(name + ".conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        options = ["-f", "-x" if name == "opendkim" else "-c", path]
        self.log_path = harness.World.path(name + ".log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([servers.find(name, "usr/sbin/" + name)] + options,
                                            env=servers.environment(name), stdout=log, stderr=log)
        servers.wait_for(port, self.process, self.log)

    def log(self):
        """What it has printed."""
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self):
        """Ends it."""
        self.process.kill()
        self.process.wait()


class Chain:
    """Three filters behind one mail server; subclasses make the server."""

    dns = DNS
    world_options = {"mta": None}
    servers_needed = ("opendkim", "opendmarc")

    @classmethod
    def setUpClass(cls):
        reason = next(filter(None, map(servers.why_not, cls.servers_needed)), None)
        if reason:
            raise unittest.SkipTest(reason)
        super().setUpClass()
        cls.publish_key()
        page = pages.Page("packaging/postfix/README.md")
        cls.filters = [Filter("opendkim", 8892, OPENDKIM + page.text(SECTION, "opendkim.conf")),
                       Filter("opendmarc", 8893, OPENDMARC + page.text(SECTION, "opendmarc.conf"))]

    @classmethod
    def tearDownClass(cls):
        for one in cls.filters:
            one.stop()
        super().tearDownClass()

    @classmethod
    def publish_key(cls):
        """A key pair; the public half goes into DNS."""
        cls.key = cls.world.path("dkim.pem")
        subprocess.run(["openssl", "genrsa", "-out", cls.key, "1024"], stderr=subprocess.DEVNULL, check=True)
        public = subprocess.run(["openssl", "rsa", "-in", cls.key, "-pubout"], capture_output=True, text=True,
                                check=True).stdout
        cls.world.dns.script.forget("s1._domainkey.sender.example")
        cls.world.dns.add("s1._domainkey.sender.example TXT v=DKIM1; k=rsa; p=" +
                          "".join(public.strip().split("\n")[1:-1]))

    def setUp(self):
        super().setUp()
        self.server = None

    def tearDown(self):
        if self.server:
            self.server.stop()
        super().tearDown()

    def deliver(self, headers="", sign=True):
        """The Authentication-Results of a delivered message, top down."""
        token, text = self.message_text("Date: Sat, 21 Nov 2026 10:00:00 +0000\nMessage-Id: <%d@sender.example>\n"
                                        % time.monotonic_ns())
        if sign:
            text = subprocess.run(
                [servers.find("opendkim", "usr/sbin/opendkim-testmsg"), "-d", "sender.example", "-s", "s1",
                 "-k", self.key], input=text.encode(), env=servers.environment("opendkim"),
                capture_output=True, check=True).stdout.decode().replace("\r\n", "\n")
        with self.connect("192.0.2.10") as client:
            client.read()
            client.say("EHLO mail.good.example")
            client.say("MAIL FROM:<a@sender.example>")
            client.say("RCPT TO:<user@example.org>")
            code = client.data(headers + text).code
            self.assertEqual(code, 250, (client.transcript, self.server.log()[-3000:]))
        message = self.world.sink.wait(match=token + ".")[0]
        return [harness.unfold(one).strip() for one in message.all("Authentication-Results")]

    def results(self, fields):
        """{"dkim": "pass", ...}; each method once, each field with our id."""
        found = {}
        for one in fields:
            self.assertRegex(one, r"^mx\.example\.org;")
            for method, result in re.findall(r"; (iprev|dkim|dmarc|spf)=(\w+)", one):
                self.assertNotIn(method, found, fields)
                found[method] = result
        return found

    def test_C11_signed(self):
        """As the page says: forged fields gone, one true result of each filter."""
        self.server = self.serve("iprev opendkim opendmarc")
        self.assertEqual(self.results(self.deliver(FORGED)), {"iprev": "pass", "dkim": "pass", "dmarc": "pass"})

    def test_C11_unsigned_with_forged_results(self):
        """OpenDMARC does not get to see the results that the sender wrote."""
        self.server = self.serve("iprev opendkim opendmarc")
        found = self.results(self.deliver(FORGED, sign=False))
        self.assertEqual((found["iprev"], found["dmarc"]), ("pass", "fail"))
        self.assertIn(found.get("dkim", "none"), ("none", "fail"))

    def test_C11_without_us_forged_results_count(self):
        """Why it matters: without iprev-milter OpenDMARC believes them."""
        self.server = self.serve("opendkim opendmarc")
        self.assertTrue([one for one in self.deliver(FORGED, sign=False) if "dmarc=pass" in one])

    def test_C11_last_removes_the_results_of_others(self):
        """Why not last: true results go as well."""
        self.server = self.serve("opendkim opendmarc iprev")
        self.assertEqual(self.results(self.deliver()), {"iprev": "pass"})

    def test_C11_last_without_removing(self):
        """remove-forged = false: any order does."""
        self.server = self.serve("opendkim opendmarc iprev2")
        self.assertEqual(self.results(self.deliver()), {"iprev": "pass", "dkim": "pass", "dmarc": "pass"})


class KeepingFilter(harness.Case):
    """A second iprev-milter, on port 8894, that removes nothing."""

    keeping = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.keeping = harness.Daemon(harness.configuration("headers: { remove-forged = false }", port=8894),
                                     probe=("127.0.0.1", 8894)).start()

    @classmethod
    def tearDownClass(cls):
        cls.keeping.kill()
        super().tearDownClass()


PORTS = {"iprev": 8891, "opendkim": 8892, "opendmarc": 8893, "iprev2": 8894}


class BehindPostfix(Chain, KeepingFilter):
    """smtpd_milters."""

    def serve(self, order):
        """A Postfix with the page's line, its filters put in order."""
        lines = pages.Page("packaging/postfix/README.md").text(SECTION, "main.cf")
        names = ", ".join("inet:127.0.0.1:%d" % PORTS[name] for name in order.split())
        if order == "iprev opendkim opendmarc":
            self.assertIn("smtpd_milters = %s\n" % names, lines)
        return postfix.Postfix({}, settings=lines + "smtpd_milters = %s\n" % names,
                               master="2525 inet n - n - - smtpd\n", name="chain").start()


class BehindSendmail(Chain, KeepingFilter):
    """INPUT_MAIL_FILTER."""

    servers_needed = ("opendkim", "opendmarc", "sendmail", "sasl")

    def serve(self, order):
        """A Sendmail with the page's lines, its filters put in order."""
        lines = pages.Page("packaging/sendmail/README.md").text(SECTION, "sendmail.mc")
        names = ",".join(order.split()).replace("iprev,", "iprev-milter,")
        names = re.sub(r"iprev$", "iprev-milter", names)
        if order == "iprev opendkim opendmarc":
            self.assertIn("`%s'" % names, lines)
        lines += "INPUT_MAIL_FILTER(`iprev2', `S=inet:8894@127.0.0.1')dnl\n" \
                 "define(`confINPUT_MAIL_FILTERS', `%s')dnl\n" % names
        return sendmail.Sendmail({harness.PORT: None}, settings=lines).start()


del KeepingFilter  # it has no test of its own
