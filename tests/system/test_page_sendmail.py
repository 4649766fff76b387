"""packaging/sendmail/README.md, done as written (A1, A16, A20, E14, E22, E23, E24).

Each test builds a Sendmail from the blocks of one section. Exchanged are /run/iprev-milter and the port of the
submission daemon. The filter has the configuration of the page, the name server of the test world,
and the log on stderr.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import os
import signal
import subprocess
import time
import unittest

import dnsd
import harness
import pages
import sendmail

DNS = r"""
mail.good.example          A   192.0.2.10
10.2.0.192.in-addr.arpa    PTR mail.good.example
"""

FIRST, UNIX, CLIENTS, OTHERS = "", "A unix socket", "Which clients", "With other filters"
SWAPS = {"/run/iprev-milter": sendmail.HOME + "/iprev-milter", "Port=submission": "Port=2587"}

FILTER = """
user = "iprev-milter"
resolver: { forward = ["127.0.0.1@53"] }
log: { destination = "stderr" level = "debug" }
"""

# The macros that Sendmail would pass by itself, all taken away.
NO_MACROS = "".join("define(`confMILTER_MACROS_%s', `')dnl\n" % step
                    for step in ("CONNECT", "HELO", "ENVFROM", "ENVRCPT", "EOM"))


class SendmailPage(pages.FirstLines, harness.Case):
    """One Sendmail and one filter per test."""

    dns = DNS
    first, file, daemon_text = FIRST, "sendmail.mc", FILTER
    world_options = {"mta": None}

    @classmethod
    def setUpClass(cls):
        reason = sendmail.why_not()
        if reason:
            raise unittest.SkipTest(reason)
        cls.furnish()
        cls.page = pages.Page("packaging/sendmail/README.md", SWAPS)
        sendmail.Sendmail.make_home()

    def setUp(self):
        self.daemon, self.daemons, self.servers, self.log_start = None, [], [], 0

    def tearDown(self):
        for one in self.servers:
            one.stop()
        for one in self.daemons:
            one.kill()
            self.assertIsNone(one.sound())

    def serve(self, settings):
        """A Sendmail with these lines."""
        server = sendmail.Sendmail({harness.PORT: None}, settings=settings)
        self.servers.append(server)
        return server.start()

    def test_E23_other_flags(self):
        """What the page warns of."""
        for flag, banner, code in (("F=T", 220, 451), ("F=R", 554, 550)):
            server = self.serve(self.page.text(FIRST, "sendmail.mc").replace(", T=", ", %s, T=" % flag))
            result = self.send("192.0.2.10")
            self.assertEqual((result.banner.code, result.mail.code), (banner, code), result.transcript)
            server.stop()

    def test_E22_server_killed(self):
        """Killed with ten clients in session: nothing of them is left in the filter."""
        daemon = self.filter()
        server = self.serve(self.page.text(FIRST, "sendmail.mc"))
        time.sleep(0.5)  # the look whether it is up has a connection of its own
        before = daemon.descriptors()
        clients = [self.connect("192.0.2.10") for _ in range(10)]
        for client in clients:
            client.read()
            client.say("EHLO mail.good.example")
            client.say("MAIL FROM:<a@sender.example>")
        self.assertGreaterEqual(daemon.descriptors(), before + 10)
        server.stop()
        self.until(lambda: daemon.descriptors() <= before + 3, "descriptors are left")
        for client in clients:
            client.close()

    def test_E24_stopped(self):
        """The filter hangs: Sendmail goes on after the time of the page."""
        daemon = self.filter()
        self.serve(self.page.text(FIRST, "sendmail.mc"))
        self.check_filtered()
        daemon.signal(signal.SIGSTOP)
        result = self.send("192.0.2.10")
        daemon.signal(signal.SIGCONT)
        self.check_unfiltered(result)
        self.assertTrue(9 < result.seconds < 14, result.seconds)
        self.check_filtered()

    def test_unix_socket(self):
        """In a directory of the filter's user."""
        subprocess.run(self.page.text(UNIX, "sh"), shell=True, check=True)
        path = SWAPS["/run/iprev-milter"] + "/iprev-milter.sock"
        self.filter(self.page.text(UNIX, "iprev-milter.conf"), probe=path)
        self.serve(self.page.text(UNIX, "sendmail.mc"))
        self.check_filtered()

    def test_E14_unsafe_directory(self):
        """Sendmail does not start, and says why."""
        os.makedirs(sendmail.HOME + "/open", exist_ok=True)
        os.chmod(sendmail.HOME + "/open", 0o1777)
        settings = self.page.text(UNIX, "sendmail.mc").replace(SWAPS["/run/iprev-milter"], sendmail.HOME + "/open")
        with self.assertRaisesRegex(RuntimeError, "local socket name .* unsafe: World writable directory"):
            self.serve(settings)

    def test_macros(self):
        """Nothing has to be named: id, login and the rest come although Sendmail's lists are empty."""
        self.filter('mode = "enforce"\n')
        self.serve(NO_MACROS + self.page.text(FIRST, "sendmail.mc"))
        self.check_filtered()
        with self.connect("192.0.2.11") as client:
            client.read()
            client.say("EHLO laptop")
            self.assertEqual(client.auth("alice", "wonder").code, 235)
            self.check_unfiltered(self.transaction(client, harness.Result()))
        self.assertRegex(self.daemons[0].log(), r"client=192\.0\.2\.10 .*qid=[0-9A-Za-z]+ ")

    def test_A20_submission(self):
        """The submission daemon does not ask the filter; port 25 does."""
        self.filter()
        self.serve(self.page.text(FIRST, "sendmail.mc") + self.page.text(CLIENTS, "sendmail.mc"))
        self.world.dns.reset_counts()
        with self.connect("192.0.2.11", 2587) as client:
            client.read()
            client.say("EHLO laptop")
            self.assertEqual(client.starttls().code, 220)
            client.say("EHLO laptop")
            self.assertEqual(client.auth("alice", "wonder").code, 235)
            self.check_unfiltered(self.transaction(client, harness.Result(), rcpt="far@elsewhere.example"))
        self.assertEqual(self.world.dns.count(dnsd.reverse_name("192.0.2.11")), 0)
        self.check_filtered()

    def test_A16_sendmail_bs(self):
        """A program at the pipe of `sendmail -bs`: no field, forged ones removed, no refusal."""
        daemon = self.filter('mode = "enforce"\n')
        server = self.serve(self.page.text(FIRST, "sendmail.mc"))
        with server.local() as client:
            client.read()
            client.say("EHLO localhost")
            result = self.transaction(client, harness.Result(),
                                      headers="Authentication-Results: mx.example.org; iprev=pass\nX-IPRev: pass")
        self.check_unfiltered(result)
        self.assertEqual(result.message.all("Authentication-Results"), [])
        daemon.wait_log("skip-local")

    def test_what_the_client_sees(self):
        """The four stages of the table."""
        self.serve(self.page.text(FIRST, "sendmail.mc"))
        words = "550 5.7.25 %sClient address "
        for stage, step, text, banner in (
                ("rcpt", "rcpt", words % "<user@example.org>... ", 220),
                ("mail", "mail", words % "<a@sender.example>... ", 220),
                ("helo", "mail", words % "", 220),
                ("connect", "mail", "550 5.0.0 Command rejected", 554)):
            daemon = self.filter('mode = "enforce"\nreject-at = "%s"\n%s' % (stage, harness.CONNECT_RULES if stage == "connect" else ""))
            result = self.send("192.0.2.11")
            reply = result.rcpt[0] if step == "rcpt" else result.mail
            self.assertTrue(str(reply).startswith(text), (stage, result.transcript))
            self.assertEqual((result.banner.code, result.helo.code), (banner, 250))
            if stage == "connect":
                self.assertEqual(str(result.banner), "554 mx.example.org ESMTP not accepting messages")
            daemon.kill()

    def test_A1_helo_with_odd_characters(self):
        """501, and the filter sees none."""
        self.filter()
        self.serve(self.page.text(FIRST, "sendmail.mc"))
        result = self.send("192.0.2.10", "b@d")
        self.assertEqual(result.helo.code, 501)
        self.assertIn("helo-missing", self.xiprev(result.message)["findings"])

    def test_no_other_block(self):
        """The tests of this file, and test_chain, do every block of the page."""
        self.assertEqual(self.page.index(), {
            (FIRST, "sendmail.mc"), (UNIX, "sh"), (UNIX, "iprev-milter.conf"), (UNIX, "sendmail.mc"),
            (CLIENTS, "sendmail.mc"), (OTHERS, "sendmail.mc")})
