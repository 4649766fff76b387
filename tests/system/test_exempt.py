"""Who is not judged, or not refused: authenticated senders, networks, hosts, recipients (A20).

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import signal

import dnsd
import harness
import several

DNS = r"""
mail.good.example                 A   192.0.2.10
10.2.0.192.in-addr.arpa           PTR mail.good.example
15.2.0.192.in-addr.arpa           PTR mail.bank.example
mail.bank.example                 A   198.51.100.1
18.2.0.192.in-addr.arpa           PTR 192-0-2-18.dsl.partner.example
192-0-2-18.dsl.partner.example    A   192.0.2.18
19.2.0.192.in-addr.arpa           PTR 192-0-2-19.dsl.stranger.example
192-0-2-19.dsl.stranger.example   A   192.0.2.19
; claims to be the partner without proof
20.2.0.192.in-addr.arpa           PTR 192-0-2-20.dsl.partner.example
192-0-2-20.dsl.partner.example    A   192.0.2.18
"""

EXTRA = """
exempt: {
  networks = ["127.0.0.0/8", "::1/128", "203.0.113.0/25", "2001:db8::38/125"]
  hosts = [".partner.example"]
  recipients = ["postmaster", "abuse", "open@example.org", "@lab.example.org"]
}
builtin-rules = false rules: { no-ptr: { when = ["iprev-permerror"] action = "reject" };
forged: { when = ["iprev-fail"] action = "reject" };
dialup: { when = ["ptr-generic"] action = "reject" reply = "550 5.7.1 {ip} is {ptr}" }; };
"""


class Exempt(harness.Case):
    """Everything in enforce mode."""

    dns = DNS
    settings = {"mode": "enforce", "extra": EXTRA}

    def check_skipped(self, result):
        """Taken, without a field of ours."""
        self.assertTrue(result.accepted(), result.transcript)
        self.assertEqual(result.message.all("X-IPRev"), [])
        self.assertEqual(result.message.all("Authentication-Results"), [])

    def authenticated(self, source, login):
        """A session whose client proves who it is."""
        with self.connect(source) as client:
            client.read()
            client.say("EHLO laptop")
            login(client)
            return self.transaction(client, harness.Result(), rcpt="far@elsewhere.example",
                                    headers="Authentication-Results: mx.example.org; iprev=pass")

    def test_A20_authenticated(self):
        """AUTH PLAIN from a client without a PTR."""
        def login(client):
            self.assertEqual(client.auth("alice", "wonder").code, 235)
        self.check_skipped(self.authenticated("192.0.2.11", login))
        self.assertIn("skip-authenticated", self.decision({"client": "192.0.2.11"})["findings"])

    def test_A20_authenticated_from_forged(self):
        """The same from an address whose PTR lies."""
        self.check_skipped(self.authenticated("192.0.2.15", lambda client: client.auth("alice", "wonder")))

    def test_A20_authentication_failed(self):
        """A wrong password exempts nobody."""
        with self.connect("192.0.2.11") as client:
            client.read()
            client.say("EHLO laptop")
            self.assertEqual(client.auth("alice", "guess").code, 535)
            result = self.transaction(client, harness.Result())
        self.assertEqual(result.rcpt[0].code, 550)

    def test_A20_xclient_login(self):
        """A login that a trusted front end reports."""
        def login(client):
            self.assertEqual(client.say("XCLIENT LOGIN=bob").code, 220)
            client.say("EHLO laptop")
        with self.connect("192.0.2.11") as client:
            client.read()
            client.say("EHLO laptop")
            login(client)
            self.check_skipped(self.transaction(client, harness.Result()))

    def test_A20_network(self):
        """Taken without asking DNS."""
        self.world.dns.reset_counts()
        self.check_skipped(self.send("203.0.113.7"))
        self.assertEqual(self.world.dns.count(dnsd.reverse_name("203.0.113.7")), 0)
        self.assertIn("skip-network", self.decision({"client": "203.0.113.7"})["findings"])

    def test_A20_network_edge(self):
        """The prefix length counts."""
        self.check_skipped(self.send("203.0.113.127"))
        self.assertEqual(self.send("203.0.113.128").rcpt[0].code, 550)

    def test_A20_network_ipv6(self):
        """A /125 of IPv6."""
        self.need_ipv6()
        self.check_skipped(self.send("2001:db8::3b"))
        self.assertEqual(self.send("2001:db8::37").rcpt[0].code, 550)

    def test_A20_loopback(self):
        """The local host is never judged."""
        with harness.smtp.Client(("127.0.0.1", harness.PORT), "127.0.0.1") as client:
            client.read()
            client.say("EHLO localhost")
            self.check_skipped(self.transaction(client, harness.Result()))

    def test_host(self):
        """A confirmed name of the list is not refused; an unconfirmed one is."""
        self.assertTrue(self.send("192.0.2.18").accepted())
        refused = self.send("192.0.2.19")
        self.check_reply(refused.rcpt[0], "550 5.7.1 192.0.2.19 is 192-0-2-19.dsl.stranger.example")
        self.assertEqual(self.send("192.0.2.20").rcpt[0].code, 550)

    def test_recipients(self):
        """postmaster, abuse and the listed ones always get their mail."""
        for recipient in ("postmaster@example.org", "PostMaster@example.org", "abuse@example.org",
                          "open@example.org", "postmaster"):
            with self.subTest(recipient):
                result = self.send("192.0.2.15", rcpt=recipient)
                self.assertTrue(result.accepted(), result.transcript)
                self.check_headers(result.message, "fail", "forward-mismatch", "192.0.2.15")

    def test_other_recipients(self):
        """Names that only look like them."""
        for recipient in ("postmaster1@example.org", "xabuse@example.org", "open@mx.example.org",
                          '"post master"@example.org'):
            self.assertEqual(self.send("192.0.2.15", rcpt=recipient).rcpt[0].code, 550, recipient)

    def test_mixed_recipients(self):
        """Each recipient is answered on its own; the message reaches who was accepted."""
        result = self.send("192.0.2.15", rcpt=["user@example.org", "postmaster@example.org", "other@example.org"])
        self.assertEqual([reply.code for reply in result.rcpt], [550, 250, 550])
        self.assertEqual(result.message.recipients, ["postmaster@example.org"])

    def test_next_message_is_judged_anew(self):
        """An exempt recipient exempts one message only."""
        with self.connect("192.0.2.15") as client:
            client.read()
            client.say("EHLO mail.bank.example")
            self.assertTrue(self.transaction(client, harness.Result(), rcpt="postmaster@example.org").accepted())
            result = self.transaction(client, harness.Result())
        self.assertEqual(result.rcpt[0].code, 550)


LISTED = """# 192.0.2.19 until 2999-01-01
192.0.2.11 until 2999-12-31   # no PTR at all
.partner.example
2001:db8::38/125
%s
"""


class Lists(several.Case):
    """exempt.lists, in enforce mode: checked and labelled, never refused; and reloaded."""

    dns = DNS

    def start(self, more):
        path = self.world.path("exempt.list")
        self.write(path, more)
        return self.launch('exempt: { lists = ["%s"] }\n%s' % (path, EXTRA[EXTRA.index("builtin-rules"):]), mode="enforce"), path

    @staticmethod
    def write(path, more):
        with open(path, "w", encoding="utf-8") as file:
            file.write(LISTED % more)

    def check_exempt(self, source, result, cause):
        sent = self.send(source)
        self.assertTrue(sent.accepted(), sent.transcript)
        self.check_headers(sent.message, result, cause, source)
        self.assertIn("; rule=exempt.lists; action=accept", " ".join(sent.message.one("X-IPRev").split()))

    def test_lists(self):
        """By address and by confirmed name; not by a name that lies, nor from a comment. USR1 sees a changed list, and a
        broken one changes nothing."""
        daemon, path = self.start("192.0.2.99 until 2020-01-01")
        daemon.history.clear()  # not judged again: the list changes under one configuration
        daemon.wait_log(r"exempt\.list: note: no longer exempt, 1 line is over: 192\.0\.2\.99 \(line 5\)\n")
        daemon.wait_log(r"listens on .*, exempt lists: 4 clients \(1 expired\) in 1 file\n")
        self.check_exempt("192.0.2.11", "permerror", "ptr-missing")
        self.check_exempt("192.0.2.18", "pass", None)
        for source, line in (("192.0.2.20", "192.0.2.20"), ("192.0.2.15", "192.0.2.15"),
                             ("192.0.2.19", "192-0-2-19.dsl.stranger.example")):
            since = len(daemon.log())
            self.assertEqual(self.send(source).rcpt[0].code, 550)
            self.assertEqual(daemon.wait_log(r"client=%s .* exempt-line=(\S+)" % source,
                                             since=since).group(1), line)
        for more, told in (("192.0.2.15", "reloaded .*, exempt lists: 4 clients in 1 file\n"),
                           ("192.0.2.15\n192.0.2.0/33", r"exempt\.list:6: \"192\.0\.2\.0/33\" is not an address(.*\n)*.*reload failed")):
            self.write(path, more)
            since = len(daemon.log())
            daemon.signal(signal.SIGUSR1)
            daemon.wait_log(told, since=since)
            self.check_exempt("192.0.2.15", "fail", "forward-mismatch")
            self.assertEqual(self.send("192.0.2.20").rcpt[0].code, 550)
        self.write(path, "")
        since = len(daemon.log())
        daemon.signal(signal.SIGUSR1)
        daemon.wait_log("exempt lists: 3 clients in 1 file\n", since=since)
        self.assertEqual(self.send("192.0.2.15").rcpt[0].code, 550)


class Monitor(harness.Case):
    """What enforce mode would have done, exempt recipients included."""

    dns = DNS
    settings = {"mode": "monitor"}

    def test_recipients(self):
        """Mail to exempt recipients alone would have been taken; with another one there is a loss to tell of."""
        for recipients, says in ((["postmaster@example.org"], "rule=exempt.recipients; action=accept"),
                                 (["abuse@example.org", "postmaster@example.org"], "rule=exempt.recipients; action=accept"),
                                 (["user@example.org"], "rule=forged; action=reject"),
                                 (["user@example.org", "postmaster@example.org"], "rule=forged; action=reject")):
            with self.subTest(recipients):
                result = self.send("192.0.2.15", rcpt=recipients)
                self.assertTrue(result.accepted(), result.transcript)
                self.assertIn(says + "; mode=monitor", " ".join(result.message.one("X-IPRev").split()))

    def test_next_message_is_judged_anew(self):
        """An exempt recipient exempts one message only."""
        with self.connect("192.0.2.15") as client:
            client.read()
            client.say("EHLO mail.bank.example")
            for recipient, action in (("postmaster@example.org", "accept"), ("user@example.org", "reject"),
                                      ("abuse@example.org", "accept")):
                result = self.transaction(client, harness.Result(), rcpt=recipient)
                self.assertIn("action=" + action, result.message.one("X-IPRev"))


class NotExempt(harness.Case):
    """exempt.authenticated = false."""

    dns = DNS
    settings = {"mode": "enforce", "extra": 'exempt: { authenticated = false recipients = [] }'}

    def test_authenticated_is_judged(self):
        """Then a login changes nothing."""
        with self.connect("192.0.2.11") as client:
            client.read()
            client.say("EHLO laptop")
            self.assertEqual(client.auth("alice", "wonder").code, 235)
            result = self.transaction(client, harness.Result())
        self.assertEqual(result.rcpt[0].code, 550)

    def test_no_recipient_is_exempt(self):
        """An empty list means nobody."""
        self.assertEqual(self.send("192.0.2.11", rcpt="postmaster@example.org").rcpt[0].code, 550)
