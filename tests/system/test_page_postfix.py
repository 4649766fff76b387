"""packaging/postfix/README.md, done as written (A16, A17, A20, E14, E22, E23, E24).

Each test builds a Postfix from the blocks of one section. Exchanged are the queue directory, /etc/postfix, and the
services smtp and submission, which are ports of the test world. The filter has the
configuration of the page, the name server of the test world, and the log on stderr.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import os
import signal
import smtplib
import subprocess
import threading
import time

import dnsd
import harness
import netns
import pages
import postfix
import servers
import smtp

DNS = r"""
mail.good.example          A   192.0.2.10
10.2.0.192.in-addr.arpa    PTR mail.good.example
mail.load.example          A   203.0.113.7
7.113.0.203.in-addr.arpa   PTR mail.load.example
sender.example             TXT v=spf1 ip4:192.0.2.10 -all
"""

NAME = "page"
UNIX, CLIENTS, MAPS = "A unix socket", "Which clients", "Without the filter, by address"
FIRST, SCREEN, TIME, OTHERS, POLICY = "", "Postscreen", "Time", "With other filters", "With policy services"
CONTENT = "With a content filter"
RESTARTS = "Restarts"
CHROOTED, FREE = "2525 inet n - y - - smtpd\n", "2525 inet n - n - - smtpd\n"

FILTER = """
user = "iprev-milter"
resolver: { forward = ["127.0.0.1@53"] }
log: { destination = "stderr" level = "debug" }
"""


class ContentFilter(smtp.Sink):
    """It hands back what it has taken."""

    def keep(self, message):
        with smtplib.SMTP("127.0.0.1", 10025) as client:
            client.sendmail(message.sender, message.recipients, message.raw)


class PostfixPage(pages.FirstLines, harness.Case):
    """One Postfix and one filter per test."""

    dns = DNS
    first, file, daemon_text = FIRST, "main.cf", FILTER
    world_options = {"mta": None}

    @classmethod
    def setUpClass(cls):
        cls.furnish()
        home = cls.world.path(NAME)
        cls.page = pages.Page("packaging/postfix/README.md", {
            "/var/spool/postfix": home + "/queue", "/etc/postfix": home + "/etc",
            "submission inet": "2587 inet", "smtp      inet": "2525 inet"})

    def setUp(self):
        self.daemon, self.daemons, self.servers, self.log_start = None, [], [], 0

    def tearDown(self):
        for one in self.servers:
            one.stop()
        for one in self.daemons:
            one.kill()
            self.assertIsNone(one.sound())

    def serve(self, settings, master=CHROOTED):
        """A Postfix with these lines."""
        server = postfix.Postfix({}, settings=settings, master=master, name=NAME)
        self.servers.append(server)
        return server.start()

    def unix_filter(self):
        """The directory by the page's command, and the filter in it."""
        subprocess.run(self.page.text(UNIX, "sh"), shell=True, check=True)
        path = os.path.join(self.page.swaps["/var/spool/postfix"], "iprev-milter/iprev-milter.sock")
        self.assertIn(os.path.dirname(path), self.page.text(UNIX, "systemd"))
        return self.filter(self.page.text(UNIX, "iprev-milter.conf"), probe=path)

    def test_unix_socket(self):
        """In a chroot and without; nobody else gets in."""
        for master in (CHROOTED, FREE):
            server = self.serve(self.page.text(UNIX, "main.cf"), master)
            self.unix_filter()
            self.check_filtered()
            done = subprocess.run(
                ["/usr/bin/python3", "-c",
                 "import socket; socket.socket(socket.AF_UNIX).connect(%r)" % self.daemons[-1].probe],
                user=65534, group=65534, extra_groups=[], stderr=subprocess.PIPE, text=True, check=False)
            self.assertIn("PermissionError", done.stderr)
            self.daemons.pop().kill()
            server.stop()

    def test_E14_unix_socket_wrong_directory(self):
        """Closed to Postfix: mail is taken unchecked, Postfix complains, the filter's log tells why."""
        server = self.serve(self.page.text(UNIX, "main.cf"))
        daemon = self.unix_filter()
        os.chmod(os.path.dirname(daemon.probe), 0o700)
        self.check_unfiltered(self.send("192.0.2.10"))
        self.until(lambda: "Permission denied" in server.log())
        daemon.kill()
        restarted = self.filter(self.page.text(UNIX, "iprev-milter.conf"), probe=daemon.probe)
        restarted.wait_log(r"the socket is iprev-milter:iprev-milter 0660, in a directory iprev-milter:postfix 0700")

    def test_A20_submission(self):
        """The submission service does not ask the filter; port 25 does."""
        self.filter()
        self.serve(self.page.text(FIRST, "main.cf"), CHROOTED + self.page.text(CLIENTS, "master.cf"))
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

    def restarted(self, again, senders=8, count=160):
        """How many of so many messages are not checked while again() restarts filters: all are taken. Not checked:
        without our fields, or temperror as the filter stops."""
        results, work = [], iter(range(count))

        def sender():
            for _ in work:
                results.append(self.send("192.0.2.10"))
        threads = [threading.Thread(target=sender, daemon=True) for _ in range(senders)]
        for thread in threads:
            thread.start()
        self.until(lambda: len(results) > count // 4, timeout=30)
        began = time.monotonic()
        again()
        took = time.monotonic() - began
        for thread in threads:
            thread.join(60)
        self.assertEqual([one.accepted() for one in results], [True] * count)
        lost = sum(not "".join(one.message.all("X-IPRev")).strip().startswith("pass;") for one in results)
        print("      | %d of %d not checked, the restart took %.2f s" % (lost, count, took))
        return lost, took

    def again(self, daemon):
        """As systemctl restart: stop, wait, start."""
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), 0)
        return self.filter(probe=daemon.probe, socket="inet:8891@" + daemon.probe[0])

    def test_E12_restart(self):
        """Of the mail around a restart only what was in session, or began in that moment, goes unchecked."""
        first = self.filter()
        self.serve(self.page.text(FIRST, "main.cf"))
        self.check_filtered()
        lost, took = self.restarted(lambda: self.again(first))
        self.assertLess(took, 3)
        self.assertLessEqual(lost, 3 * 8, "each sender may lose the message it sends, and what it sends meanwhile")
        self.check_filtered()

    def test_E12_restart_of_two(self):
        """Two filters, restarted one after the other: only what was in session with one of them goes unchecked."""
        netns.replace_file("/etc/hosts", "127.0.0.1 localhost\n" + self.page.text(RESTARTS, "/etc/hosts"))
        both = [self.filter(probe=(address, 8891), socket="inet:8891@" + address) for address in ("127.0.0.1", "127.0.0.2")]
        self.serve(self.page.text(RESTARTS, "main.cf"), FREE)
        self.check_filtered()

        def again():
            for one in both:
                self.again(one)
        lost, _ = self.restarted(again)
        self.assertLessEqual(lost, 2 * 8, "each sender may lose the message it sends at either restart")
        self.check_filtered()

    def test_milter_maps(self):
        """A network without the filter."""
        self.filter()
        os.makedirs(self.page.swaps["/etc/postfix"], exist_ok=True)
        with open(os.path.join(self.page.swaps["/etc/postfix"], "milter-maps"), "w", encoding="ascii") as file:
            file.write(self.page.text(MAPS, "/etc/postfix/milter-maps"))
        self.serve(self.page.text(MAPS, "main.cf"))
        self.check_unfiltered(self.send("203.0.113.7"))
        self.check_filtered()

    def test_A17_postscreen(self):
        """The address behind postscreen is the client's."""
        self.filter()
        self.serve("postscreen_greet_wait = 1s\n" + self.page.text(FIRST, "main.cf"),
                   self.page.text(SCREEN, "master.cf"))
        self.check_filtered()

    def test_E22_server_killed(self):
        """Killed with ten clients in session: nothing of them is left in the filter."""
        daemon = self.filter()
        server = self.serve(self.page.text(FIRST, "main.cf"))
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
        """The filter hangs: Postfix goes on after the time of the page."""
        daemon = self.filter()
        self.serve(self.page.text(TIME, "main.cf"))
        self.check_filtered()
        daemon.signal(signal.SIGSTOP)
        result = self.send("192.0.2.10")
        daemon.signal(signal.SIGCONT)
        self.check_unfiltered(result)
        self.assertTrue(9 < result.seconds < 14, result.seconds)
        self.check_filtered()

    def policy_service(self, text):
        """master.cf and main.cf lines for policyd-spf with this configuration."""
        if servers.why_not("policyd-spf"):
            self.skipTest(servers.why_not("policyd-spf"))
        config = self.world.path("policyd-spf.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(text + "TestOnly = 1\n")
        root = self.world.path("policyd-spf")
        if not os.path.isdir(root):  # at a path that its user can reach
            os.makedirs(root)
            netns.mount(servers.root_of("policyd-spf"), root, flags=netns.MS_BIND)
        return (FREE + "policyd-spf unix - n n - 0 spawn user=nobody argv=/usr/bin/env PYTHONPATH=%s/usr/lib/python3/"
                "dist-packages /usr/bin/python3 %s/usr/bin/policyd-spf %s\n" % (root, root, config),
                "smtpd_recipient_restrictions = check_policy_service unix:private/policyd-spf\n")

    def test_C11_policy_service(self):
        """The result of policyd-spf in our name is taken for forged; each of the three ways keeps it."""
        own = "Header_Type = AR\nAuthserv_Id = mx.example.org\n"
        page = self.page.text(POLICY, "policyd-spf.conf")
        for text, more, field, kept in (
                (own, "", "Authentication-Results", None),
                (page, "", "Authentication-Results", "spf.mx.example.org; spf=pass"),
                ("Header_Type = SPF\n", "", "Received-SPF", "Pass"),
                (own, "headers: { remove-forged = false }\n", "Authentication-Results",
                 "mx.example.org; spf=pass")):
            master, settings = self.policy_service(text)
            daemon = self.filter(more)
            server = self.serve(self.page.text(FIRST, "main.cf") + settings, master)
            message = self.send("192.0.2.10").message
            self.assertIn("; iprev=pass", self.ours(message))
            values = [one for one in message.all(field) if "iprev=" not in one]
            self.assertEqual(len(values), 0 if kept is None else 1, (text, more, values))
            self.assertTrue(kept is None or values[0].lower().startswith(kept.lower()), values)
            server.stop()
            daemon.kill()

    def through_content_filter(self, master):
        """What arrives of a message that a content filter has taken and handed back."""
        back = ContentFilter(("127.0.0.1", 10024))
        server = self.serve(self.page.text(FIRST, "main.cf") + "content_filter = smtp:[127.0.0.1]:10024\n", CHROOTED + master)
        try:
            return self.send("192.0.2.10").message
        finally:
            server.stop()
            back.stop()

    def test_C11_content_filter(self):
        """The fields survive the way through a content filter; without the option that leaves the filter out they do not."""
        self.filter()
        master = self.page.text(CONTENT, "master.cf")
        kept = self.through_content_filter(master)
        self.assertEqual((self.ours(kept).split()[1], self.xiprev(kept)["ip"]), ("iprev=pass", "192.0.2.10"))
        asked_again = self.through_content_filter(master.replace("no_milters,", ""))
        self.assertEqual(asked_again.all("X-IPRev") + asked_again.all("Authentication-Results"), [])

    def test_what_the_client_sees(self):
        """The four stages of the table."""
        self.serve(self.page.text(FIRST, "main.cf"))
        words = "550 5.7.25 Client address "
        for stage, step, banner in (("rcpt", "rcpt", 220), ("mail", "mail", 220), ("helo", "mail", 220),
                                    ("connect", "mail", 554)):
            daemon = self.filter('mode = "enforce"\nreject-at = "%s"\n%s' % (stage, harness.CONNECT_RULES if stage == "connect" else ""))
            result = self.send("192.0.2.11")
            reply = result.rcpt[0] if step == "rcpt" else result.mail
            self.assertTrue(str(reply).startswith(words), (stage, result.transcript))
            self.assertEqual((result.banner.code, result.helo.code), (banner, 250))
            if stage == "connect":
                self.assertEqual(str(result.banner), "554 mx.example.org ESMTP not accepting connections")
            daemon.kill()

    def test_no_other_block(self):
        """The tests of this file, and test_chain, do every block of the page."""
        self.assertEqual(self.page.index(), {
            (FIRST, "main.cf"), (UNIX, "sh"), (UNIX, "iprev-milter.conf"), (UNIX, "main.cf"), (UNIX, "systemd"),
            (CLIENTS, "master.cf"), (MAPS, "main.cf"), (MAPS, "/etc/postfix/milter-maps"), (SCREEN, "master.cf"),
            (TIME, "main.cf"), (RESTARTS, "/etc/hosts"), (RESTARTS, "main.cf"), (OTHERS, "main.cf"), (OTHERS, "opendkim.conf"),
            (OTHERS, "opendmarc.conf"), (CONTENT, "master.cf"), (POLICY, "policyd-spf.conf")})
