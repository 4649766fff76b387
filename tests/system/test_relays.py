"""Behind our own relays, and behind proxies: who is the client (A17, A2, A12, C14).

A second Postfix, without a filter, is the border relay: it takes mail from clients and hands
it to the Postfix with the filter, from an address in trusted-relays.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import re
import threading
import time

import harness
import milterclient
import postfix

BORDER_PORT, BORDER6_PORT = 2540, 2541
RELAY4, RELAY6 = "203.0.113.25", "2001:db8::3d"

DNS = r"""
mail.good.example               A    192.0.2.10
10.2.0.192.in-addr.arpa         PTR  mail.good.example
15.2.0.192.in-addr.arpa         PTR  mail.bank.example
mail.bank.example               A    198.51.100.1
*.100.51.198.in-addr.arpa       !silent
mail.sixth.example              AAAA 2001:db8::31
1.3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR mail.sixth.example
66.113.0.203.in-addr.arpa       PTR  mail.named.example
mail.named.example              A    203.0.113.66
"""

TRUSTED = 'trusted-relays = ["%s", "%s", "203.0.113.26"]\nexempt: { networks = ["192.0.2.64/28"] }' % (RELAY4, RELAY6)

BORDER = """
myhostname = relay.example.org
local_transport = smtp:[%s]:%d
default_transport = smtp:[%s]:%d
smtp_bind_address = %s
smtp_bind_address6 = %s
smtpd_tls_received_header = yes
smtpd_tls_ask_ccert = yes
smtpd_sasl_authenticated_header = yes
smtp_connection_cache_destinations = %s
smtp_connection_cache_time_limit = 30s
"""


def border(to=harness.MX4, name="border", port=BORDER_PORT):
    """The relay, in front of the Postfix with the filter."""
    settings = BORDER % (to, harness.PORT, to, harness.PORT, RELAY4, RELAY6,
                         "static:all" if to == harness.MX4 else "")
    return postfix.Postfix({port: None}, settings=settings, name=name).start()


def by_relay(client, helo="mail.good.example", rest="ESMTP id 4XyZ12; Sat, 21 Nov 2026 10:00:00 +0000"):
    """A Received field as the border writes it."""
    return "Received: from %s (unknown [%s])\n\tby relay.example.org (Postfix) with %s\n" % (helo, client, rest)


class Behind(harness.TwoModes):
    """What all classes here share."""

    dns = DNS
    settings = {"extra": TRUSTED, "resolver": "deadline = 1500"}

    def check_none(self, message, reason="skip-no-address"):
        """No field, and a line in the log."""
        self.assertEqual(message.all("X-IPRev") + message.all("Authentication-Results"), [])
        line = self.decision({"client": "-"} if reason == "skip-no-address" else None)
        self.assertIn(reason, line["findings"])
        self.assertEqual(line["relay"], RELAY4)


class Border(Behind):
    """Postfix to Postfix."""

    relay = relay6 = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.relay = border()
        if "ipv6" not in cls.world.lacking:
            cls.relay6 = border(harness.MX6, "border6", BORDER6_PORT)

    @classmethod
    def tearDownClass(cls):
        for one in (cls.relay, cls.relay6):
            if one:
                one.stop()
        super().tearDownClass()

    def test_A17_good_client(self):
        """The client of the border is judged, not the border."""
        result = self.send("192.0.2.10", port=BORDER_PORT)
        fields = self.check_headers(result.message, "pass", None, "192.0.2.10")
        self.assertIn("helo-verified", fields["findings"])
        line = self.decision({"client": "192.0.2.10"})
        self.assertEqual((line["relay"], line["stage"], line["helo"]), (RELAY4, "eom", "mail.good.example"))

    def test_A17_bad_client(self):
        """Nothing is refused; the headers say what the rules would have done."""
        result = self.send("192.0.2.15", port=BORDER_PORT, helo="x.bank.example")
        fields = self.check_headers(result.message, "fail", "forward-mismatch", "192.0.2.15")
        self.assertEqual((fields["action"], fields["mode"], fields["helo"]), ("reject", "monitor", "x.bank.example"))

    def test_A17_named_client(self):
        """The border's own address range does not matter."""
        result = self.send("203.0.113.66", port=BORDER_PORT, helo="mail.named.example")
        self.check_headers(result.message, "pass", None, "203.0.113.66")

    def test_A17_ipv6(self):
        """An IPv6 client; and one that came to a border which speaks IPv6 to us."""
        self.need_ipv6()
        for port, relay in ((BORDER_PORT, RELAY4), (BORDER6_PORT, RELAY6)):
            self.log_start = len(self.daemon.log())
            result = self.send("2001:db8::31", port=port, helo="mail.sixth.example")
            fields = self.check_headers(result.message, "pass", None, "2001:db8::31")
            self.assertIn("helo-verified", fields["findings"])
            self.assertEqual(self.decision({"client": "2001:db8::31"})["relay"], relay)

    def test_A2_A5_forged_helo(self):
        """No HELO leads the filter to another address, whatever the border makes of it."""
        end = b"(unknown [203.0.113.66])\tby mx (Postfix) with ESMTP id 1; date"
        for helo in (b"x ([203.0.113.66])", b"x (mail.named.example [203.0.113.66])", b"[203.0.113.66]",
                     b"[IPv6:2001:db8::31]", b"x " + end, b"x " + end + b" (", b"x " + end + b' "', b"x\\ (a",
                     b"x (y\\)", b"((((", b"))))", b"\"x (mail [203.0.113.66])\"", b"x\t([203.0.113.66])",
                     b"helo=[203.0.113.66]", b"x;", b"by", b"\x1b[203.0.113.66]", b"\xc3\xa9\xff",
                     b"x\xe2\x80\xa8([203.0.113.66])", b"[203.0.113.66] by mx with esmtp (Exim 4.96)",
                     b"x@[203.0.113.66]", b"a" * 400):
            with self.subTest(helo=helo):
                result = self.send("192.0.2.15", port=BORDER_PORT, helo=b"EHLO " + helo)
                if result.helo.code == 250:
                    self.check_headers(result.message, "fail", "forward-mismatch", "192.0.2.15")

    def test_A4_long_helo_is_folded(self):
        """The border's SMTP client folds long lines in the midst of HELO: the client is named all the same."""
        for fill in [b"a" * n for n in (958, 962, 966, 970, 974, 978, 982, 1100)] + [b"[203.0.113.66]" * 80, b"a" * 984 + b"[203.0.113.66]"]:
            with self.subTest(fill[:20]):
                result = self.send("192.0.2.15", port=BORDER_PORT, helo=b"EHLO " + fill)
                if result.accepted():
                    self.check_headers(result.message, "fail", "forward-mismatch", "192.0.2.15")

    def test_no_helo(self):
        """Without HELO the border writes its own name for the client."""
        result = self.send("192.0.2.10", port=BORDER_PORT, helo=None)
        if result.accepted():
            self.check_headers(result.message, "pass", None, "192.0.2.10")

    def test_C1_forged_received(self):
        """Fields that the sender wrote stand below the border's."""
        result = self.send("192.0.2.15", port=BORDER_PORT, headers=by_relay("192.0.2.10") + by_relay(RELAY4))
        self.check_headers(result.message, "fail", "forward-mismatch", "192.0.2.15")

    def test_C1_forged_results(self):
        """Results that claim to be ours go, behind a relay as well."""
        forged = "Authentication-Results: %s; iprev=pass policy.iprev=192.0.2.15\nX-IPRev: pass\n" % harness.HOST
        result = self.send("192.0.2.15", port=BORDER_PORT, headers=forged)
        self.check_headers(result.message, "fail", "forward-mismatch", "192.0.2.15")
        self.assertEqual(len(result.message.all("Authentication-Results")), 1)

    def test_tls(self):
        """The border's remarks on TLS stand in between."""
        if not self.relay.tls:
            self.skipTest("no openssl")
        with self.connect("192.0.2.10", BORDER_PORT) as client:
            client.read()
            client.say("EHLO before.example")
            self.assertEqual(client.starttls().code, 220)
            client.say("EHLO mail.good.example")
            result = self.transaction(client, harness.Result())
        self.assertIn("using TLS", "".join(result.message.all("Received")))
        self.assertIn("helo-verified", self.check_headers(result.message, "pass", None, "192.0.2.10")["findings"])

    def test_A20_authenticated(self):
        """Who has logged in at the border is not judged."""
        with self.connect("192.0.2.15", BORDER_PORT) as client:
            client.read()
            client.say("EHLO laptop")
            self.assertEqual(client.auth("alice", "wonder").code, 235)
            result = self.transaction(client, harness.Result())
        self.assertIn("Authenticated sender", "".join(result.message.all("Received")))
        self.check_none(result.message, "skip-authenticated")

    def test_A20_exempt_network(self):
        """Exempt networks are so behind a relay."""
        self.check_none(self.send("192.0.2.70", port=BORDER_PORT).message, "skip-network")

    def test_quoted_recipient(self):
        """A recipient that needs quotes hides nobody."""
        result = self.send("192.0.2.15", port=BORDER_PORT, rcpt='"a (b [203.0.113.66]) by \\"c"@example.org')
        self.check_headers(result.message, "fail", "forward-mismatch", "192.0.2.15")

    def test_broken_dns(self):
        """DNS that is silent about the client: a temporary error at the deadline, the mail goes on."""
        result = self.send("198.51.100.9", port=BORDER_PORT)
        self.check_headers(result.message, "temperror", "dns-timeout", "198.51.100.9")

    def test_A11_many_clients(self):
        """Clients take turns while the border reuses its connections: each message has its own."""
        clients = [("192.0.2.10", "pass"), ("192.0.2.15", "fail"), ("203.0.113.66", "pass")] * 5
        before = self.world.postfix.log().count("connect from unknown[%s]" % RELAY4)
        results = harness.together([lambda one=one: self.send(one[0], port=BORDER_PORT) for one in clients])
        for (address, verdict), result in zip(clients, results):
            self.check_headers(result.message, verdict, None, address)
        connections = self.world.postfix.log().count("connect from unknown[%s]" % RELAY4) - before
        self.assertLess(connections, 2 * len(clients), "no connection was reused")


class Direct(Behind):
    """We play the relay: messages as we like them."""

    def relay_sends(self, client, headers, result=None):
        """One message over an open connection."""
        return self.transaction(client, result or harness.Result(), headers=headers)

    def test_A12_messages_of_one_connection(self):
        """Each message has its own client; RSET and refused recipients in between."""
        for port in (harness.PORT, harness.ENFORCE_PORT):
            with self.connect(RELAY4, port) as client:
                client.read()
                client.say("EHLO relay.example.org")
                for address, verdict in (("192.0.2.10", "pass"), ("192.0.2.15", "fail"), (None, None),
                                         ("192.0.2.10", "pass")):
                    client.say("MAIL FROM:<a@sender.example>")
                    client.say("RCPT TO:<user@example.org>")
                    client.say("RSET")
                    result = self.relay_sends(client, by_relay(address) if address else "X-Other: y")
                    self.assertTrue(result.accepted(), result.transcript)
                    if address:
                        fields = self.check_headers(result.message, verdict, None, address)
                        self.assertEqual(fields["mode"], "monitor")
                    elif port == harness.PORT:
                        self.check_none(result.message)

    def test_C14_unreadable(self):
        """A field in no known form names nobody, and no field below it counts."""
        for field in ("Received: by relay.example.org (Postfix, from userid 0)\n\tid 4X; date\n",
                      "Received: from x ([203.0.113.66]) (unknown [192.0.2.10]) by relay; date\n",
                      by_relay("192.0.2.256"), by_relay("192.0.2.10", "a (b"), "Received:\n"):
            with self.subTest(field), self.connect(RELAY4) as client:
                client.read()
                client.say("EHLO relay.example.org")
                self.check_none(self.relay_sends(client, field + by_relay("192.0.2.10")).message)

    def test_relays_in_a_row(self):
        """A relay that had it from a relay."""
        with self.connect(RELAY4) as client:
            client.read()
            client.say("EHLO relay.example.org")
            result = self.relay_sends(client, by_relay("203.0.113.26") + by_relay("192.0.2.15", "x.example") +
                                      by_relay("192.0.2.10"))
        self.assertEqual(self.check_headers(result.message, "fail", None, "192.0.2.15")["helo"], "x.example")

    def test_others_cannot(self):
        """A host that is no trusted relay names nobody but itself."""
        result = self.send("192.0.2.15", headers=by_relay("192.0.2.10"))
        self.check_headers(result.message, "fail", "forward-mismatch", "192.0.2.15")

    def test_relay_costs_no_dns(self):
        """Nothing is asked about the relay itself."""
        self.world.dns.reset_counts()
        with self.connect(RELAY4) as client:
            client.read()
            client.say("EHLO relay.example.org")
        self.assertEqual(self.world.dns.count("25.113.0.203.in-addr.arpa"), 0)
        self.assertEqual(self.world.dns.count("relay.example.org"), 0)

    def test_forms(self):
        """Sendmail's and Exim's fields, as the milter protocol hands them over."""
        for value, helo in (("from mail.good.example (IDENT:x@[192.0.2.10])\n\tby r (8.17.1/8.17.1) with ESMTP id 1; d",
                             "mail.good.example"),
                            ("from mail.good.example (mail.good.example [192.0.2.10] (may be forged))\n\tby r (8/8); d",
                             "mail.good.example"),
                            ("from mail.good.example ([192.0.2.10])\n\tby r with esmtp (Exim 4.96)\n\tid 1; d",
                             "mail.good.example"),
                            ("from [192.0.2.10] (helo=x.example)\n\tby r with esmtp (Exim 4.96)\n\tid 1; d", "x.example")):
            milter, reply = milterclient.session(client=RELAY4, helo="r", headers=(("Received", value), ("Subject", "x")))
            self.assertEqual(reply.letter, milterclient.CONTINUE)
            fields = {name: text for _, name, text in milter.inserted()}
            milter.close()
            self.assertIn("policy.iprev=192.0.2.10", fields["Authentication-Results"], value)
            self.assertIn("helo=" + helo, fields["X-IPRev"])


SLOW = """
10.113.0.203.in-addr.arpa       PTR  mail.below.example
10.113.0.203.in-addr.arpa       !delay 700 PTR
mail.below.example              A    203.0.113.10
11.113.0.203.in-addr.arpa       PTR  mail.above.example
11.113.0.203.in-addr.arpa       !delay 1600 PTR
mail.above.example              A    203.0.113.11
12.113.0.203.in-addr.arpa       PTR  mail.joined.example
12.113.0.203.in-addr.arpa       !delay 3500 PTR
mail.joined.example             A    203.0.113.12
slow-helo.example               !silent
200.2.0.192.in-addr.arpa        !silent
"""


class Patience(Behind):
    """Nothing can be refused behind a relay: nobody waits long for a silent network (relay-deadline, 1000 ms)."""

    dns = DNS + SLOW
    settings = {"extra": TRUSTED, "resolver": "deadline = 5000"}

    def relayed(self, address, helo="mail.good.example"):
        """One message of this client through us as the relay: fields, and the log line."""
        self.log_start = len(self.daemon.log())
        with self.connect(RELAY4) as client:
            client.read()
            client.say("EHLO relay.example.org")
            result = self.transaction(client, harness.Result(), headers=by_relay(address, helo))
        return result.message, self.decision({"client": address, "stage": "eom"})

    def waited(self, line, at_least, at_most):
        """How long the end of the message was kept waiting."""
        wait = int(line["wait"])
        self.assertTrue(at_least <= wait <= at_most, line)

    def test_below(self):
        """An answer within the bound counts."""
        message, line = self.relayed("203.0.113.10", "mail.below.example")
        self.assertIn("helo-verified", self.check_headers(message, "pass", None, "203.0.113.10")["findings"])
        self.waited(line, 300, 990)

    def test_at(self):
        """Silence, also about the HELO name: the message goes on when the bound is reached, not before."""
        for address, helo, result in (("198.51.100.9", "slow-helo.example", "temperror"), ("192.0.2.10", "slow-helo.example", "pass")):
            with self.subTest(address):
                message, line = self.relayed(address, helo)
                self.check_headers(message, result, None if result == "pass" else "dns-timeout", address)
                self.waited(line, 900, 1200)

    def test_above(self):
        """Too late for this message; the lookup goes on, and the next message has its answer."""
        message, line = self.relayed("203.0.113.11")
        self.check_headers(message, "temperror", "dns-timeout", "203.0.113.11")
        self.waited(line, 900, 1200)
        time.sleep(1)
        message, line = self.relayed("203.0.113.11")
        self.check_headers(message, "pass", None, "203.0.113.11")
        self.waited(line, 0, 200)

    def test_direct_client_has_its_whole_deadline(self):
        """Also where a relay has asked about the same client just before. (One whose network was just silent is not asked at all.)"""
        first, _ = self.relayed("203.0.113.12")
        result = self.send("203.0.113.12")
        self.check_headers(first, "temperror", "dns-timeout", "203.0.113.12")
        self.check_headers(result.message, "pass", None, "203.0.113.12")
        self.log_start = len(self.daemon.log())
        result = self.send("192.0.2.200")
        self.check_headers(result.message, "temperror", "dns-timeout", "192.0.2.200")
        self.waited(self.decision({"client": "192.0.2.200"}), 4500, 5200)

    def test_good_mail_beside_a_silent_network(self):
        """Forty messages of a silent network do not use up the relay's connections for long."""
        relay = border()
        try:
            silent = [lambda at=at: self.send("198.51.100.%d" % at, port=BORDER_PORT) for at in range(100, 140)]
            begun = time.monotonic()
            crowd = threading.Thread(target=harness.together, args=(silent,))
            crowd.start()
            time.sleep(0.5)
            result = self.send("192.0.2.10", port=BORDER_PORT)
            taken = time.monotonic() - begun
            crowd.join()
        finally:
            relay.stop()
        self.check_headers(result.message, "pass", None, "192.0.2.10")
        self.assertLess(taken, 8, "with 5 s for each of the forty it takes 14 s")


class OnlyRelays(harness.Case):
    """Headers are read for the client's sake even when forged ones may stay."""

    dns = DNS
    settings = {"extra": TRUSTED + "\nheaders: { remove-forged = false }"}

    def test_headers_are_read(self):
        """The relay's field is seen."""
        result = self.send(RELAY4, headers=by_relay("192.0.2.10"))
        self.check_headers(result.message, "pass", None, "192.0.2.10")


class Proxies(harness.Case):
    """The warning about a proxy or NAT gateway. One daemon for each test: it counts by the hour."""

    dns = DNS

    def setUp(self):
        self.daemon = harness.Daemon(harness.configuration(**self.settings)).start()
        super().setUp()

    def tearDown(self):
        super().tearDown()
        self.daemon.kill()

    @classmethod
    def setUpClass(cls):
        cls.furnish()

    def mail_begins(self, source, helo="mail.good.example", port=harness.PORT, before=b""):
        """A client that gets as far as MAIL."""
        with self.connect(source, port) as client:
            if before:
                client.write(before)
            client.read()
            client.say("EHLO " + helo)
            self.assertEqual(client.say("MAIL FROM:<a@sender.example>").code, 250)

    def warnings(self):
        """The lines of the log."""
        return re.findall(r"warning: .*private address.*", self.daemon.log())

    def test_private_address(self):
        """More than a hundred clients, most from one private address: one warning."""
        for at in range(160):
            self.mail_begins("192.0.2.10" if at % 4 == 3 else "10.9.8.7", "host%d.example" % at)
        self.until(self.warnings, "no warning")
        self.assertEqual(len(self.warnings()), 1, self.warnings())
        for word in ("10.9.8.7:", "smtpd_upstream_proxy_protocol", "smtpd_authorized_xclient_hosts", "trusted-relays"):
            self.assertIn(word, self.warnings()[0])

    def test_A17_proxy_protocol_and_xclient(self):
        """With the PROXY protocol, or XCLIENT, the clients are seen and nothing is said."""
        for at in range(60):
            self.mail_begins("10.9.8.7", port=harness.PROXY_PORT,
                             before=b"PROXY TCP4 198.51.100.%d 192.0.2.25 40000 25\r\n" % (at + 1))
        for at in range(60):
            with self.connect("10.9.8.7") as client:
                client.read()
                client.say("EHLO mail.good.example")
                self.assertEqual(client.say("XCLIENT ADDR=198.51.100.%d NAME=[UNAVAILABLE]" % (at + 1)).code, 220)
                client.say("EHLO mail.good.example")
                self.assertEqual(client.say("MAIL FROM:<a@sender.example>").code, 250)
        self.assertEqual(self.warnings(), [])

    def test_who_is_not_counted(self):
        """Health checks, our own programs, and users who have logged in."""
        for at in range(120):
            with self.connect("10.9.8.7") as client:
                client.read()
        for _ in range(110):
            with harness.smtp.Client(("127.0.0.1", harness.PORT), "127.0.0.1") as client:
                client.read()
                client.say("EHLO " + ("localhost", harness.HOST)[at % 2])
                client.say("MAIL FROM:<a@sender.example>")
        self.assertEqual(self.warnings(), [])

    def test_proxy_on_this_host(self):
        """A proxy on the same machine: its clients say names of their own."""
        for at in range(110):
            with harness.smtp.Client(("127.0.0.1", harness.PORT), "127.0.0.1") as client:
                client.read()
                client.say("EHLO mail%d.example.com" % at)
                client.say("MAIL FROM:<a@sender.example>")
        self.until(self.warnings, "no warning")
        self.assertEqual(len(self.warnings()), 1)


class ProxiesTrusted(Proxies):
    """A relay with a private address is what trusted-relays says it is."""

    settings = {"extra": 'trusted-relays = ["10.9.8.0/24"]'}

    def test_private_address(self):
        for at in range(120):
            self.mail_begins("10.9.8.7", "host%d.example" % at)
        self.assertEqual(self.warnings(), [])

    test_A17_proxy_protocol_and_xclient = test_who_is_not_counted = test_proxy_on_this_host = None


