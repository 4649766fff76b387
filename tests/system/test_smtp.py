"""SMTP as it is spoken: several messages, RSET, pipelining, hand-overs (A10 to A17, A20).

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import time

import dnsd
import harness

DNS = r"""
mail.good.example               A    192.0.2.10
10.2.0.192.in-addr.arpa         PTR  mail.good.example
smtp.good.example               A    192.0.2.10
mail.other.example              A    198.51.100.4
mail.proxied.example            A    203.0.113.10
10.113.0.203.in-addr.arpa       PTR  mail.proxied.example
12.2.0.192.in-addr.arpa       0 PTR  mail.fleeting.example
mail.fleeting.example         0 A    192.0.2.12
15.2.0.192.in-addr.arpa         PTR  mail.bank.example
mail.bank.example               A    198.51.100.1
61.2.0.192.in-addr.arpa         PTR  mail.slow.example
61.2.0.192.in-addr.arpa         !delay 250
mail.slow.example               A    192.0.2.61
*.100.51.198.in-addr.arpa       !silent
"""


class Sessions(harness.TwoModes):
    """Long and odd sessions."""

    dns = DNS

    def hello(self, client, helo="mail.good.example"):
        """Banner and EHLO."""
        client.read()
        return client.say("EHLO " + helo)

    def test_A11_many_messages(self):
        """Sixty messages on one connection, each with the same verdict, one lookup."""
        self.world.dns.reset_counts()
        with self.connect("192.0.2.10") as client:
            self.hello(client)
            for _ in range(60):
                result = self.transaction(client, harness.Result())
                self.assertTrue(result.accepted(), result.transcript[-3:])
                fields = self.check_headers(result.message, "pass", None, "192.0.2.10")
                self.assertIn("helo-verified", fields["findings"])
        self.assertLessEqual(self.world.dns.count(dnsd.reverse_name("192.0.2.10"), "PTR"), 1)

    def test_A11_several_recipients(self):
        """One header set, however many recipients."""
        result = self.send("192.0.2.10", rcpt=["u%d@example.org" % i for i in range(20)])
        self.check_headers(result.message, "pass", None, "192.0.2.10")

    def test_A12_reset_everywhere(self):
        """RSET after MAIL, after RCPT and between messages."""
        with self.connect("192.0.2.10") as client:
            self.hello(client)
            self.assertEqual(client.say("RSET").code, 250)
            client.say("MAIL FROM:<a@sender.example>")
            self.assertEqual(client.say("RSET").code, 250)
            client.say("MAIL FROM:<a@sender.example>")
            client.say("RCPT TO:<user@example.org>")
            self.assertEqual(client.say("RSET").code, 250)
            for _ in range(2):
                result = self.transaction(client, harness.Result())
                fields = self.check_headers(result.message, "pass", None, "192.0.2.10")
                self.assertIn("helo-verified", fields["findings"])
                client.say("RSET")

    def test_A12_reset_after_refusal(self):
        """A refused recipient, RSET, another try: refused again; postmaster still works."""
        with self.connect("192.0.2.15", harness.ENFORCE_PORT) as client:
            self.hello(client)
            for _ in range(3):
                client.say("MAIL FROM:<a@sender.example>")
                self.assertEqual(client.say("RCPT TO:<user@example.org>").code, 550)
                client.say("RSET")
            result = self.transaction(client, harness.Result(), rcpt="postmaster@example.org")
            self.assertTrue(result.accepted(), result.transcript)

    def test_A10_second_helo(self):
        """The last HELO counts; no second PTR question."""
        self.world.dns.reset_counts()
        with self.connect("192.0.2.10") as client:
            self.hello(client, "mail.other.example")
            result = self.transaction(client, harness.Result())
            self.assertIn("helo-mismatch", self.xiprev(result.message)["findings"])
            client.say("HELO mail.good.example")
            result = self.transaction(client, harness.Result())
            fields = self.xiprev(result.message)
            self.assertIn("helo-verified", fields["findings"])
            self.assertEqual(fields["helo"], "mail.good.example")
            client.say("MAIL FROM:<a@sender.example>")
            client.say("EHLO smtp.good.example")
            result = self.transaction(client, harness.Result())
            self.assertIn("helo-forward", self.xiprev(result.message)["findings"])
        self.assertLessEqual(self.world.dns.count(dnsd.reverse_name("192.0.2.10"), "PTR"), 1)

    def test_A10_no_helo_asks_for_the_client_anew(self):
        """Three HELOs, and records that nobody may keep: the PTR is asked for once."""
        self.world.dns.reset_counts()
        with self.connect("192.0.2.12") as client:
            client.read()
            for name in ("mail.other.example", "smtp.good.example", "mail.fleeting.example"):
                client.say("EHLO " + name)
                result = self.transaction(client, harness.Result())
                self.check_headers(result.message, "pass", None, "192.0.2.12")
        self.assertIn("helo-verified", self.xiprev(result.message)["findings"])
        self.assertEqual(self.world.dns.count(dnsd.reverse_name("192.0.2.12"), "PTR"), 1)

    def test_A10_helo_after_starttls(self):
        """The HELO inside TLS counts."""
        if not self.world.mta.tls:
            self.skipTest("no openssl here")
        with self.connect("192.0.2.10") as client:
            self.hello(client, "mail.other.example")
            self.assertEqual(client.starttls().code, 220)
            client.say("EHLO mail.good.example")
            result = self.transaction(client, harness.Result())
        self.assertIn("helo-verified", self.check_headers(result.message, "pass", None, "192.0.2.10")["findings"])

    def pipelined(self, source, port):
        """MAIL to DATA in one write; the replies, and the message when taken."""
        token, text = self.message_text()
        with self.connect(source, port) as client:
            client.read()
            client.write(b"EHLO mail.slow.example\r\n")
            client.read()
            client.write(b"MAIL FROM:<a@sender.example>\r\nRCPT TO:<user@example.org>\r\nDATA\r\n")
            replies = [client.read() for _ in range(3)]
            if replies[2].code == 354:
                replies.append(client.finish(text))
                client.write(b"RSET\r\nMAIL FROM:<b@sender.example>\r\nRSET\r\nNOOP\r\n")
                replies += [client.read() for _ in range(4)]
        return token, replies

    def test_A13_pipelining(self):
        """Commands ahead of the answers, with slow DNS."""
        token, replies = self.pipelined("192.0.2.61", harness.PORT)
        self.assertEqual([one.code for one in replies], [250, 250, 354, 250, 250, 250, 250, 250])
        self.check_headers(self.world.sink.wait(match=token + ".")[0], "pass", None, "192.0.2.61")

    def test_A13_wait_is_bounded(self):
        """The same from where no name server answers: the same order, within the deadline."""
        token, replies = self.pipelined("198.51.100.77", harness.PORT)
        self.assertEqual([one.code for one in replies], [250, 250, 354, 250, 250, 250, 250, 250])
        self.assertLess(sum(one.seconds for one in replies), 8)
        self.check_headers(self.world.sink.wait(match=token + ".")[0], "temperror", None, "198.51.100.77")

    def test_A13_pipelining_refused(self):
        """In enforce mode the refusal is the reply to RCPT, and DATA fails."""
        _, replies = self.pipelined("192.0.2.15", harness.ENFORCE_PORT)
        self.assertEqual(replies[0].code, 250)
        self.assertEqual(replies[1].code, 550)
        self.assertGreaterEqual(replies[2].code, 500)

    def test_A14_client_gone(self):
        """Clients leave in every way while DNS is open; the daemon serves on, nothing is left."""
        daemons = (self.daemon, self.enforcer)
        before = [one.descriptors() for one in daemons]
        for at in range(30):
            client = self.connect("198.51.100.%d" % (10 + at), (harness.PORT, harness.ENFORCE_PORT)[at % 2])
            if at % 3:
                client.read()
                client.write("EHLO mail.good.example")
            if at % 3 == 2:
                client.write("MAIL FROM:<a@sender.example>")
                client.write("RCPT TO:<user@example.org>")
            if at % 2:
                client.reset()
            else:
                client.sock.close()
                client.file.close()
        result = self.send("192.0.2.10")
        self.check_headers(result.message, "pass", None, "192.0.2.10")
        for daemon, count in zip(daemons, before):
            self.until(lambda: daemon.descriptors() <= count + 5, "descriptors are left", 40)  # libunbound asks on for about three deadlines

    def test_A17_xclient(self):
        """The address that XCLIENT gives is judged."""
        with self.connect("192.0.2.15", harness.ENFORCE_PORT) as client:
            self.hello(client)
            self.assertEqual(client.say("XCLIENT ADDR=203.0.113.10 NAME=[UNAVAILABLE]").code, 220)
            client.say("EHLO mail.proxied.example")
            result = self.transaction(client, harness.Result())
        self.assertTrue(result.accepted(), result.transcript)
        self.assertIn("helo-verified", self.check_headers(result.message, "pass", None, "203.0.113.10")["findings"])

    def test_A17_xclient_to_bad(self):
        """And the other way round: a good peer hands a bad client over."""
        with self.connect("192.0.2.10", harness.ENFORCE_PORT) as client:
            self.hello(client)
            client.say("XCLIENT ADDR=192.0.2.15 NAME=[UNAVAILABLE]")
            client.say("EHLO mail.good.example")
            client.say("MAIL FROM:<a@sender.example>")
            reply = client.say("RCPT TO:<user@example.org>")
        self.assertEqual(reply.code, 550)
        self.assertIn("192.0.2.15", reply.text)

    def test_A17_xclient_ipv6(self):
        """An IPv6 client behind an IPv4 peer."""
        self.world.dns.host("mail.sixth.example", "2001:db8::77")
        with self.connect("192.0.2.10") as client:
            self.hello(client)
            client.say("XCLIENT ADDR=IPV6:2001:db8::77 NAME=[UNAVAILABLE]")
            client.say("EHLO mail.sixth.example")
            result = self.transaction(client, harness.Result())
        self.check_headers(result.message, "pass", None, "2001:db8::77")

    def test_A17_proxy_protocol(self):
        """The address of the PROXY line is judged."""
        with self.connect("192.0.2.15", harness.PROXY_PORT) as client:
            client.write(b"PROXY TCP4 203.0.113.10 192.0.2.25 40000 25\r\n")
            self.assertEqual(self.hello(client, "mail.proxied.example").code, 250)
            result = self.transaction(client, harness.Result())
        self.check_headers(result.message, "pass", None, "203.0.113.10")

    def test_A15_A16_no_address(self):
        """A client without an address (Postfix on a unix socket, sendmail -bs): no header, not refused."""
        with self.world.mta.local() as client:
            self.hello(client)
            result = self.transaction(client, harness.Result())
        self.assertTrue(result.accepted(), result.transcript)
        self.assertEqual(result.message.all("X-IPRev"), [])
        self.assertEqual(result.message.all("Authentication-Results"), [])
        self.assertEqual(self.decision({"client": "-"})["findings"], "iprev-skip,skip-local")

    def test_helo_verb(self):
        """HELO works as EHLO does."""
        result = self.send("192.0.2.10", verb="HELO")
        self.assertIn("helo-verified", self.check_headers(result.message, "pass", None, "192.0.2.10")["findings"])

    def test_null_sender(self):
        """Bounces are judged like anything else."""
        result = self.send("192.0.2.10", sender="")
        self.check_headers(result.message, "pass", None, "192.0.2.10")

    def test_slow_talker_waits_for_nothing(self):
        """DNS is asked at connect: who talks slowly meets no wait at the end."""
        self.world.dns.add("62.2.0.192.in-addr.arpa PTR mail.slow2.example\n"
                           "62.2.0.192.in-addr.arpa !delay 250\nmail.slow2.example A 192.0.2.62")
        with self.connect("192.0.2.62", harness.ENFORCE_PORT) as client:
            client.read()
            time.sleep(0.5)
            client.say("EHLO mail.slow2.example")
            time.sleep(0.3)
            self.assertTrue(self.transaction(client, harness.Result()).accepted())

        def waits():
            return {int(one["wait"]) for one in self.enforcer.decisions() if one["client"] == "192.0.2.62"}
        self.until(waits, "no decision line")
        self.assertLess(max(waits()), 100, "milliseconds")

    def test_A21_smuggled_message(self):
        """A second message inside the data, if the server falls for it, is just a message."""
        body = b"X: y\r\n\r\nfirst smuggle-a\r\n.\nMAIL FROM:<c@sender.example>\r\n" \
               b"RCPT TO:<user@example.org>\r\nDATA\r\nX: z\r\n" \
               b"Authentication-Results: mx.example.org; iprev=pass policy.iprev=192.0.2.99\r\n" \
               b"X-IPRev: pass; ip=192.0.2.99\r\n\r\nsmuggle-b\r\n"
        with self.connect("192.0.2.10") as client:
            self.hello(client)
            client.say("MAIL FROM:<a@sender.example>")
            client.say("RCPT TO:<user@example.org>")
            client.say("DATA")
            client.write(body + b".\r\n")
            self.check_smuggled(client.read())

    def check_smuggled(self, reply):
        """Postfix 3.7 takes two messages, newer ones one: each has one set of fields, our own."""
        self.assertEqual(reply.code, 250)
        messages = {self.world.sink.wait(match=word)[0] for word in ("smuggle-a", "smuggle-b")}
        for message in messages:
            fields = self.check_headers(message, "pass", None, "192.0.2.10")
            self.assertIn("helo-verified", fields["findings"])
            if message.sender == "c@sender.example":  # what it has forged is in its header
                self.assertEqual(len(message.all("Authentication-Results")), 1)
            self.assertEqual(message.head.count(b"192.0.2.99"), 0)


class MtaView(harness.Case):
    """What the MTA itself thinks of the client is logged when it differs."""

    dns = DNS

    def test_unix_milter_socket(self):
        """The same over a unix socket."""
        path = self.world.milter_socket
        daemon = harness.Daemon(harness.configuration('socket = "unix:%s"\nsocket-mode = "0666"' % path),
                                probe=path).start()
        try:
            result = self.send("192.0.2.10", port=harness.UNIX_PORT)
            self.check_headers(result.message, "pass", None, "192.0.2.10")
        finally:
            daemon.kill()
