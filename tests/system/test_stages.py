"""Where a refusal is given, and with which words: reject-at, actions, replies, rules.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import harness

LIMIT = 7  # seconds, with the default deadline of 5 s
DNS = r"""
mail.good.example               A    192.0.2.10
10.2.0.192.in-addr.arpa         PTR  mail.good.example
15.2.0.192.in-addr.arpa         PTR  mail.bank.example
mail.bank.example               A    198.51.100.1
18.2.0.192.in-addr.arpa         PTR  192-0-2-18.dsl.dyn.isp.example
192-0-2-18.dsl.dyn.isp.example  A    192.0.2.18
41.2.0.192.in-addr.arpa         PTR  100%s%n.evil.example
*.113.0.203.in-addr.arpa        !silent
21.2.0.192.in-addr.arpa         !servfail
"""


class AtConnect(harness.Case):
    """reject-at = "connect": the MTA's own banner, the text at MAIL."""

    dns = DNS
    settings = {"mode": "enforce", "reject_at": "connect", "extra": harness.CONNECT_RULES}

    def test_refused(self):
        """554 instead of 220."""
        result = self.send("192.0.2.15")
        self.assertEqual(result.banner.code, 554)
        self.check_refused_connect(result.mail)

    def check_refused_connect(self, reply):
        """The reply to MAIL."""
        self.assertEqual(reply.code, 550)
        self.assertIn("192.0.2.15", reply.text)

    def test_good(self):
        """A client in order."""
        self.check_headers(self.send("192.0.2.10").message, "pass", None, "192.0.2.10")

    def test_silent_is_accepted(self):
        """The banner waits for DNS, at most the deadline."""
        result = self.send("203.0.113.10")
        self.assertEqual(result.banner.code, 220)
        self.assertTrue(result.accepted(), result.transcript)
        self.assertLess(result.seconds, LIMIT)
        self.check_headers(result.message, "temperror", None, "203.0.113.10")

    def test_helo_still_counts(self):
        """Accepted at connect, the HELO is judged for the headers."""
        fields = self.xiprev(self.send("192.0.2.18", "PC-17").message)
        self.assertIn("helo-unqualified", fields["findings"])
        self.assertEqual(fields["action"], "tag")


class AtConnectBuiltIn(harness.Case):
    """The built-in rules name HELO words: with reject-at = "connect" they act at MAIL."""

    dns = DNS
    settings = {"mode": "enforce", "reject_at": "connect"}

    def test_refused(self):
        """220, and 550 at MAIL."""
        result = self.send("192.0.2.15")
        self.assertEqual(result.banner.code, 220)
        self.assertEqual(result.mail.code, 550)
        self.assertIn("192.0.2.15", result.mail.text)


class AtHelo(harness.Case):
    """reject-at = "helo": HELO is answered 250, the text comes at MAIL."""

    dns = DNS
    settings = {"mode": "enforce", "reject_at": "helo"}

    def test_refused(self):
        """Sticky for the session."""
        with self.connect("192.0.2.15") as client:
            self.assertEqual(client.read().code, 220)
            client.say("EHLO mail.bank.example")
            for _ in range(2):
                reply = client.say("MAIL FROM:<a@sender.example>")
                self.assertRegex(str(reply), "^550 5.7.25 .*192.0.2.15")
                client.say("RSET")

    def test_good(self):
        """A client in order."""
        self.check_headers(self.send("192.0.2.10").message, "pass", None, "192.0.2.10")

    def test_no_helo(self):
        """Without HELO the decision is made later, not forgotten."""
        result = self.send("192.0.2.15", None)
        self.assertFalse(result.accepted(), result.transcript)


class AtMail(harness.Case):
    """reject-at = "mail"."""

    dns = DNS
    settings = {"mode": "enforce", "reject_at": "mail"}

    def test_refused(self):
        """MAIL is refused with our text; authenticated clients are not."""
        result = self.send("192.0.2.11")
        self.assertRegex(str(result.mail), "^550 5.7.25 .*192.0.2.11")
        with self.connect("192.0.2.11") as client:
            client.read()
            client.say("EHLO laptop")
            client.auth("alice", "wonder")
            self.assertTrue(self.transaction(client, harness.Result()).accepted())

    def test_silent(self):
        """Accepted in time."""
        result = self.send("203.0.113.12")
        self.assertTrue(result.accepted(), result.transcript)
        self.assertLess(result.seconds - result.greeted, LIMIT)


RULES = r"""
builtin-rules = false rules: { vip: { when = ["ptr-missing", "helo-literal"]  action = "accept" comment = "printers" };
later: { when = ["ptr-missing", "helo-unqualified"] action = "tempfail" reply = "451 4.7.25 try later, {ip}" };
none: { when = ["ptr-missing"] action = "reject" reply = "554 5.7.1 {ip} ptr={ptr} helo={helo} cause={cause}" };
expired: { when = ["forward-mismatch"] action = "accept" expires = "2020-01-31" };
forged: { when = ["iprev-fail"]   action = "reject" reply = "550 5.7.25 {ptr} is not {ip}" };
hold: { when = ["ptr-generic", "helo-mismatch"] action = "quarantine" };
dialup: { when = ["ptr-generic"]  action = "tempfail" };
trouble: { when = ["iprev-temperror"] action = "tempfail" }; };
"""


class Rules(harness.Case):
    """Rules of one's own."""

    dns = DNS
    settings = {"mode": "enforce", "extra": RULES}

    def test_accept_stops(self):
        """The first rule that holds decides."""
        result = self.send("192.0.2.11", "[192.0.2.11]")
        fields = self.check_headers(result.message, "permerror", "ptr-missing", "192.0.2.11")
        self.assertEqual((fields["rule"], fields["action"]), ("vip", "accept"))

    def test_tempfail(self):
        """A reply of its own."""
        self.check_reply(self.send("192.0.2.11", "PC-17").rcpt[0], "451 4.7.25 try later, 192.0.2.11")

    def test_codes(self):
        """Every digit of a reply code of one's own arrives."""
        self.addCleanup(self.daemon.reload, harness.configuration(**self.settings))
        for code in (450, 459, 500, 504, 509, 510, 559):
            action = "reject" if code >= 500 else "tempfail"
            self.daemon.reload(harness.configuration('builtin-rules = false rules: { r: { when = ["ptr-missing"] action = "%s" '
                                                     'reply = "%d %d.7.1 one of ours" }; };' % (action, code, code // 100), mode="enforce"))
            self.check_reply(self.send("192.0.2.11", "mail.good.example").rcpt[0], "%d %d.7.1 one of ours" % (code, code // 100))

    def test_C17_names_in_reply(self):
        """Every name."""
        self.check_reply(self.send("192.0.2.11", "mail.good.example").rcpt[0],
                         "554 5.7.1 192.0.2.11 ptr=- helo=mail.good.example cause=ptr-missing")

    def test_C17_hostile_names_in_reply(self):
        """A name that is no host name is never in a reply."""
        for helo in (b"%s%n.example", b"a\x1bb.example", b"x;y"):
            reply = str(self.send("192.0.2.11", b"EHLO " + helo).rcpt[0])
            self.assertIn("helo=- ", reply)
        reply = str(self.send("192.0.2.41").rcpt[0])
        self.assertNotIn("evil", reply)
        self.assertRegex(reply, "^550 5.7.25 ")

    def test_expired_rule(self):
        """Does not hold any more."""
        self.check_reply(self.send("192.0.2.15").rcpt[0], "550 5.7.25 mail.bank.example is not 192.0.2.15")

    def test_quarantine(self):
        """250 for the client, the message in the server's hold queue."""
        result, before = harness.Result(), self.world.mta.held()
        with self.connect("192.0.2.18") as client:
            client.read()
            client.say("EHLO mail.bank.example")
            client.say("MAIL FROM:<a@sender.example>")
            client.say("RCPT TO:<user@example.org>")
            token, text = self.message_text()
            result.data = client.data(text)
        self.assertEqual(result.data.code, 250)
        self.until(lambda: self.world.mta.held() - before)
        self.assertFalse([one for one in self.world.sink.messages if token.encode() in one.raw])

    def test_default_tempfail_text(self):
        """451 4.7.25 and words."""
        self.assertRegex(str(self.send("192.0.2.18", "192-0-2-18.dsl.dyn.isp.example").rcpt[0]),
                         r"^451 4\.7\.25 .*192\.0\.2\.18")

    def test_temperror_may_tempfail(self):
        """A rule on a transient finding may ask for another try."""
        self.assertRegex(str(self.send("192.0.2.21").rcpt[0]), r"^451 4\.")


class QuarantineAtMail(harness.Case):
    """Nothing is refused at RCPT: recipients are asked for all the same, as one that is exempt keeps the message
    out of quarantine."""

    dns = DNS
    settings = {"mode": "enforce", "reject_at": "mail", "extra": RULES}

    def test_recipients(self):
        """To postmaster alone: delivered. To others, or to both: held."""
        for recipients, held in ((["postmaster@example.org"], False), (["user@example.org"], True),
                                 (["postmaster@example.org", "user@example.org"], True)):
            before = self.world.mta.held()
            with self.connect("192.0.2.18") as client:
                client.read()
                client.say("EHLO mail.bank.example")
                client.say("MAIL FROM:<a@sender.example>")
                for one in recipients:
                    self.assertEqual(client.say("RCPT TO:<%s>" % one).code, 250)
                token, text = self.message_text()
                self.assertEqual(client.data(text).code, 250)
            if held:
                self.until(lambda old=before: self.world.mta.held() - old, recipients)
            else:
                self.world.sink.wait(match=token + ".")
                self.assertEqual(self.world.mta.held(), before, recipients)


class MonitorRules(harness.Case):
    """The same rules in monitor mode do nothing but tell."""

    dns = DNS
    settings = {"mode": "monitor", "extra": RULES}

    def test_nothing_happens(self):
        """Every client is taken at once, nothing is held."""
        for source, helo, action in (("192.0.2.11", "PC-17", "tempfail"), ("192.0.2.11", "a.example", "reject"),
                                     ("192.0.2.15", "a.example", "reject"),
                                     ("192.0.2.18", "mail.bank.example", "quarantine"),
                                     ("192.0.2.21", "a.example", "tempfail")):
            result = self.send(source, helo)
            self.assertTrue(result.accepted(), result.transcript)
            self.assertEqual(self.xiprev(result.message)["action"], action)


class Percent(harness.Case):
    """percent: a stable part of the client addresses."""

    dns = DNS
    settings = {"mode": "enforce",
                "extra": 'builtin-rules = false rules: { some: { when = ["ptr-missing"] action = "reject" percent = 50 }; };'}

    def test_percent(self):
        """Some are refused, some are not, and always the same ones."""
        def refused():
            return [not self.send("192.0.2.%d" % at).accepted() for at in range(150, 182)]
        first = refused()
        self.assertEqual(first, refused())
        self.assertTrue(4 <= sum(first) <= 28, first)
