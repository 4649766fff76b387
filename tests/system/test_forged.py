"""Forged Authentication-Results and X-IPRev fields (C1 to C12, C18).

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import socket
import struct
import time

import harness
import milterclient

DNS = """mail.good.example A 192.0.2.10
10.2.0.192.in-addr.arpa PTR mail.good.example
*.113.0.203.in-addr.arpa !silent
"""
BOUND, DEPTH = 500, 8192  # forged fields removed from a message, and how deep they may be
FLOOD = "554 5.6.0 Too many X-IPRev header fields, or Authentication-Results header fields in the name of this server"

OURS = {
    "C1_plain": "Authentication-Results: mx.example.org; iprev=pass policy.iprev=192.0.2.1",
    "C2_case": "AUTHENTICATION-results: MX.Example.ORG; iprev=pass",
    "C2_space_before_colon": "Authentication-Results : mx.example.org; iprev=pass",
    "C2_tab": "Authentication-Results:\tmx.example.org\t;\tiprev=pass",
    "C2_no_space": "Authentication-Results:mx.example.org;iprev=pass",
    "C2_fold": "Authentication-Results:\n\tmx.example.org;\n iprev=pass",
    "C2_folds": "Authentication-Results:\n \n\t mx.example.org\n ;\n iprev=pass",
    "C3_comment": "Authentication-Results: (hello) mx.example.org; iprev=pass",
    "C3_nested": "Authentication-Results: (a (b (c)) \\) (d)) (e)\n (f) mx.example.org (g); iprev=pass",
    "C3_other_in_comment": "Authentication-Results: (other.example;) mx.example.org; iprev=pass",
    "C4_version": "Authentication-Results: mx.example.org 1; iprev=pass",
    "C4_version_comment": "Authentication-Results: mx.example.org (v) 2 (x); iprev=pass",
    "C4_id_only": "Authentication-Results: mx.example.org",
    "C4_none": "Authentication-Results: mx.example.org; none",
    "C5_quoted": 'Authentication-Results: "mx.example.org"; iprev=pass',
    "C5_escaped": 'Authentication-Results: "mx\\.ex\\ample.org"; iprev=pass',
    "C5_final_dot": "Authentication-Results: mx.example.org.; iprev=pass",
    "C7_no_id": "Authentication-Results: iprev=pass policy.iprev=192.0.2.1",
    "C7_open_comment": "Authentication-Results: (mx.example.org; iprev=pass",
    "C7_open_quote": 'Authentication-Results: "mx.example.org; iprev=pass',
    "C7_empty": "Authentication-Results: ;",
}

FOREIGN = [
    "Authentication-Results: other.example; spf=pass smtp.mailfrom=a.example",
    "Authentication-Results: mx.example.org.evil.example; iprev=pass",
    "Authentication-Results: xmx.example.org; iprev=pass",
    'Authentication-Results: "mx.example.org/job"; iprev=pass',
    "Authentication-Results: example.org; iprev=pass",
    "Authentication-Results: (mx.example.org;) far.example 1; dkim=fail",
]


def value_of(field):
    """The value, as it will be found in the delivered message."""
    return harness.unfold(field.partition(":")[2]).strip()


class Forged(harness.Case):
    """Through a mail server."""

    dns = DNS
    huge = (50000, 5000)  # octets of one field, number of others

    def deliver(self, headers, source="192.0.2.10"):
        """Values of Authentication-Results after delivery."""
        result = self.send(source, headers="\n".join(headers))
        self.assertTrue(result.accepted(), result.transcript)
        return result.message, [harness.unfold(one).strip() for one in result.message.all("Authentication-Results")]

    def check(self, headers):
        """Only our new field and the foreign ones, in their order, remain."""
        message, values = self.deliver(headers)
        self.check_headers(message, "pass", None, "192.0.2.10")
        foreign = [value_of(one) for one in headers if one in FOREIGN]
        self.assertEqual(values[1:], foreign)

    def test_C8_many_copies_interleaved(self):
        """1 to 200 copies among foreign ones."""
        for count in (1, 2, 3, 7, 50, 200):
            headers = []
            for at in range(count):
                headers.append(list(OURS.values())[at % len(OURS)])
                headers.append(FOREIGN[at % len(FOREIGN)])
                headers.append("X-Other: %d" % at)
            with self.subTest(copies=count):
                self.check(headers)

    def test_C8_only_ours_adjacent(self):
        """Twenty in a row."""
        self.check(list(OURS.values())[:1] * 20)

    def test_foreign_are_kept(self):
        """Foreign fields alone."""
        self.check(list(FOREIGN))

    def test_C12_above_received(self):
        """Above every Received field, also above those that the client sent."""
        message, _ = self.deliver(["Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000", FOREIGN[0]])
        names = [name for name, _ in message.fields() if name not in ("Date", "Message-Id")]
        self.assertEqual(set(names[:2]), {"Authentication-Results", "X-IPRev"})
        self.assertEqual(names[2:5], ["Received", "Received", "Authentication-Results"])

    def test_x_iprev_removed(self):
        """Every X-IPRev of the client goes, whatever it says."""
        headers = ["X-IPRev: pass; ip=192.0.2.1; action=accept", "x-iprev : pass", "X-IPREV:\n\tpass",
                   "X-IPRev-Other: stays", "X-IPRev:"] * 5
        message, _ = self.deliver(headers)
        self.assertEqual(self.xiprev(message)["result"], "pass")
        self.assertEqual(len(message.all("X-IPRev-Other")), 5)

    def test_exempt_clients_cannot_forge(self):
        """A client that is not checked gets no field, and keeps none of ours."""
        result = harness.Result()
        with harness.smtp.Client(("127.0.0.1", harness.PORT), "127.0.0.1") as client:
            client.read()
            client.say("EHLO localhost")
            self.transaction(client, result, headers="\n".join(list(OURS.values()) + FOREIGN[:1] + ["X-IPRev: pass"]))
        self.assertEqual([value_of(FOREIGN[0])], [one.strip() for one in result.message.all("Authentication-Results")])
        self.assertEqual(result.message.all("X-IPRev"), [])

    def test_C18_no_headers(self):
        """A message without any header."""
        with self.connect("192.0.2.10") as client:
            client.sock.settimeout(8)
            client.read()
            client.say("EHLO mail.good.example")
            client.say("MAIL FROM:<bare@sender.example>")
            client.say("RCPT TO:<bare@example.org>")
            self.assertEqual(client.data("\nonly a body\n").code, 250)
        self.check_headers(self.world.sink.wait(match="only a body")[0], "pass", None, "192.0.2.10")

    def test_C18_only_headers(self):
        """A message of one field, a forged one, and no body."""
        sender = "c18-%d@sender.example" % next(self.tokens)
        with self.connect("192.0.2.10") as client:
            client.sock.settimeout(8)
            client.read()
            client.say("EHLO mail.good.example")
            client.say("MAIL FROM:<%s>" % sender)
            client.say("RCPT TO:<bare@example.org>")
            self.assertEqual(client.data(OURS["C1_plain"] + "\n").code, 250)
        self.until(lambda: any(one.sender == sender for one in self.world.sink.messages), "it has not arrived")
        message = next(one for one in self.world.sink.messages if one.sender == sender)
        self.check_headers(message, "pass", None, "192.0.2.10")
        self.assertEqual(len(message.all("Authentication-Results")), 1)

    def test_C10_huge(self):
        """A value of ours as large as the server takes, and many other fields: in time, and the
        count survives."""
        size, others = self.huge
        headers = ["Authentication-Results: mx.example.org; iprev=pass (%s)" % ("\n " + "x" * 900) * 60]
        headers = [headers[0][:size] + ")"] + ["X-N: %d" % i for i in range(others)] + [OURS["C1_plain"], FOREIGN[0]]
        result = self.send("192.0.2.10", headers="\n".join(headers))
        self.assertTrue(result.accepted(), result.transcript)
        self.assertLess(result.seconds, 10)
        self.assertEqual([harness.unfold(one).strip() for one in result.message.all("Authentication-Results")][1:],
                         [value_of(FOREIGN[0])])


def make(field):
    """A test method for one spelling, alone and between foreign ones."""
    return lambda self: self.check([FOREIGN[0], field, FOREIGN[1]])


for label, text in OURS.items():
    setattr(Forged, "test_" + label, make(text))


class Bound(harness.TwoModes):
    """More forged fields than may be removed."""

    dns = DNS
    settings = {"extra": 'trusted-relays = ["198.51.100.1"]'}

    def left(self, result):
        """Fields of our names that the message has; it was taken."""
        self.assertTrue(result.accepted(), result.transcript)
        return [name.lower() for name, _ in result.message.fields()
                if name.lower() in ("x-iprev", "authentication-results")]

    def test_C19_bound(self):
        """One below and at the bound all are removed; above, the message is refused, in monitor mode too."""
        for name, value in (("X-IPRev", "a"), ("Authentication-Results", ";")):
            for count in (BOUND - 1, BOUND, BOUND + 1):
                headers = "\n".join(["%s:%s" % (name, value)] * count)
                for port in (harness.PORT, harness.ENFORCE_PORT):
                    with self.subTest(name=name, count=count, port=port):
                        result = self.send("192.0.2.10", headers=headers, port=port)
                        if count <= BOUND:
                            self.assertEqual(len(self.left(result)), 2)
                        else:
                            self.assertEqual(str(result.data), FLOOD)
        self.daemon.wait_log("warning: a message from 192.0.2.10 has more than 500 forged .*: refused",
                             since=self.log_start)
        self.assertIn("iprev=pass", self.ours(self.send("192.0.2.10").message), "the next message")


class Flood(Bound):
    """What would cost Postfix seconds, or its life."""

    def test_C19_depth(self):
        """A forged field below too many others: each removal reads all that is above it."""
        for others, taken in ((DEPTH - 2, True), (DEPTH - 1, True), (DEPTH, False)):
            result = self.send("192.0.2.10", headers="\n".join(["X-O:a"] * others + ["X-IPRev:a"]))
            if taken:
                self.assertEqual(len(self.left(result)), 2, others)
            else:
                self.assertEqual(str(result.data), FLOOD)
        self.assertEqual(len(self.left(self.send("192.0.2.10", headers="\n".join(["X-O:a"] * 20000)))), 2)

    def test_C19_good_clients_go_on(self):
        """101 KB that killed Postfix: refused, and a good client does not wait."""
        flood = {"X-IPRev:a": 10100, "Authentication-Results:;": 10100}
        stop, slowest = [], [0.0]

        def good():
            while not stop:
                began = time.monotonic()
                self.left(harness.Case.send(self, "192.0.2.10"))
                slowest[0] = max(slowest[0], time.monotonic() - began)

        def bad():
            try:
                for field, count in flood.items():
                    for port in (harness.PORT, harness.ENFORCE_PORT):
                        result = self.send("203.0.113.7", headers="\n".join([field] * count), port=port)
                        self.assertEqual(str(result.data), FLOOD)
            finally:
                stop.append(True)
        harness.together([good, bad], timeout=100)
        self.assertLess(slowest[0], 3)
        self.assertNotIn("panic", self.world.mta.log())
        self.assertNotIn("mail system configuration error", self.world.mta.log())

    def test_C19_trusted(self):
        """From a trusted relay, or a client that is not checked: taken, the topmost removed, ours on top."""
        for source, ours in (("198.51.100.1", 2), ("127.0.0.1", 0)):
            headers = "Received: from x (x [192.0.2.10]) by relay.example.org (Postfix) with ESMTP id 1; Mon, " \
                "1 Jan 2024 00:00:00 +0000\n" + "\n".join(["X-IPRev:a"] * 10100)
            with harness.smtp.Client(("127.0.0.1" if ours == 0 else harness.MX4, harness.PORT), source) as client:
                client.read()
                client.say("EHLO relay.example.org")
                result = self.transaction(client, harness.Result(), headers=headers)
            self.assertEqual(len(self.left(result)), 10100 - BOUND + ours)
            names = [name.lower() for name, _ in result.message.fields()]
            self.assertEqual(set(names[:2]) == {"authentication-results", "x-iprev"}, ours == 2)
            self.daemon.wait_log("warning: a message from %s has more than 500 .*: only the topmost ones are removed"
                                 % source, since=self.log_start)
        self.assertNotIn("panic", self.world.mta.log())


class Vanishing(harness.Case):
    """Clients that go away."""

    dns = DNS

    def test_C15_client_vanishes(self):
        """In the middle of its message, and right behind its end: nothing is logged as an error."""
        for end in ("", "\r\n.\r\n"):
            with self.connect("203.0.113.9") as client:
                client.read()
                client.say("EHLO mail.good.example")
                client.say("MAIL FROM:<a@sender.example>")
                client.say("RCPT TO:<user@example.org>")
                client.say("DATA")
                client.write(("X-IPRev: a\r\n" * 400 + "\r\nHello." + end).encode())
                client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.sock.close()
        self.assertTrue(self.send("192.0.2.10").accepted())
        self.until(lambda: "client=203.0.113.9" in self.daemon.log()[self.log_start:])
        self.assertNotIn("error:", self.daemon.log()[self.log_start:])


class Raw(harness.Case):
    """Straight into the milter socket, where the order of commands shows."""

    dns = DNS
    settings = {"extra": 'authserv-id = "id.example.net"', "resolver": "deadline = 500"}

    def talk(self, headers, **options):
        """(client, reply) after a session with these headers."""
        milter, reply = milterclient.session(headers=headers, **options)
        milter.close()
        return milter, reply

    def test_C8_highest_index_first_then_insert(self):
        """Deletes go from the highest index down, and before the insert."""
        headers = []
        for at in range(10):
            headers += [("Authentication-Results", "id.example.net; iprev=pass"),
                        ("Authentication-Results", "other.example; n=%d" % at)]
        milter, reply = self.talk(headers)
        self.assertIn(reply.letter, "ac")
        deleted = [index for index, name, value in milter.changed()
                   if name.lower() == "authentication-results" and not value]
        self.assertEqual(deleted, list(range(19, 0, -2)))
        letters = "".join(letter for letter, _ in milter.changes)
        self.assertNotIn("im", letters, "an insert came before a delete")
        self.assertEqual({index for index, _, _ in milter.inserted()}, {0})

    def test_own_id(self):
        """authserv-id wins over {j}; a field of {j} is foreign."""
        milter, _ = self.talk([("Authentication-Results", "mx.example.org; iprev=pass")])
        self.assertEqual(milter.changed(), [])
        values = dict((name, value) for _, name, value in milter.inserted())
        self.assertTrue(values["Authentication-Results"].startswith("id.example.net; iprev=pass"))

    def test_D6_no_macros(self):
        """Without any macro the work is done all the same."""
        for macros in ({}, {"j": ""}, {"j": "x" * 60000}, {"j": "a\x01\xff b;(", "i": ""}):
            milter, reply = self.talk(milterclient.PLAIN, macros=macros)
            self.assertIn(reply.letter, "ac")
            self.assertEqual(len(milter.inserted()), 2)
            for _, _, value in milter.inserted():
                self.check_printable(value)

    def test_C13_one_space(self):
        """No leading space in a value: the server adds it, whatever was negotiated."""
        for version, actions, protocol in ((6, 0x1FF, 0x1FFFFF), (6, 0x1FF, 0x1FFFFF & ~0x100000), (6, 0x1FF, 0x7F),
                                           (2, 0x3F, 0x7F)):
            milter = milterclient.MilterClient()
            milter.negotiate(version, actions, protocol)
            milter.macros("C", {"j": "mx.example.org"})
            milter.connect("192.0.2.10")
            milter.helo("mail.good.example")
            milter.mail()
            milter.rcpt()
            milter.message([("Authentication-Results", " id.example.net; x=y")])
            leading = bool(milter.protocol & 0x100000)
            for _, _, value in milter.inserted():
                self.assertEqual(value.startswith(" "), leading)
            self.assertEqual(len([one for one in milter.changed() if not one[2]]), 1)
            milter.close()

    def test_C18_no_headers(self):
        """A message of a body alone, or of nothing: the end is answered."""
        for body in (b"only a body\r\n", b""):
            with milterclient.MilterClient(timeout=5) as milter:
                milter.negotiate()
                milter.macros("C", {"j": "mx.example.org"})
                milter.connect("192.0.2.10")
                milter.helo("mail.good.example")
                milter.mail()
                milter.rcpt()
                self.assertIn(milter.message((), body).letter, "ca")
                self.assertEqual(len(milter.inserted()), 2)

    def test_C9_nul_and_cr(self):
        """Odd octets around the id are judged as seen: what a reader could take for ours goes."""
        rows = ((b"id.example.net\0; x=y", True),  # libmilter ends the value at the NUL: the id alone
                (b"id.example.net; x=y\0z", True),
                (b"\xff\xfe; x=y", False),
                (b"", True),
                (b"other.example\r; id.example.net", False),
                (b"id.example.net\r; x=y", True),
                (b"id.example.net\r\n ; x=y", True),
                (b"\r\n id.example.net; x=y", True),
                (b"other.example\0; id.example.net", False))
        milter, reply = self.talk([("Authentication-Results", value) for value, _ in rows])
        self.assertIn(reply.letter, "ac")
        self.assertEqual({index for index, _, value in milter.changed() if not value},
                         {at for at, (_, ours) in enumerate(rows, 1) if ours})
        self.assertEqual(len(milter.inserted()), 2)

    def test_C15_the_mta_breaks_off(self):
        """The MTA is gone before the changes: no error of ours, no crash, and the next is served."""
        milter = milterclient.MilterClient()
        milter.negotiate()
        milter.macros("C", {"j": "mx.example.org"})
        milter.connect("203.0.113.10")  # DNS is waited for at the end of the message
        milter.mail()
        milter.rcpt()
        milter.step("T")
        for _ in range(3):
            milter.header("X-IPRev", "pass")
        milter.step("N")
        milter.packet("E")
        time.sleep(0.25)  # it waits: 0.5 s
        milter.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        milter.sock.close()
        self.daemon.wait_log("iprev-milter: the MTA closed the connection at the end of a message: its client has "
                             "probably gone away", since=self.log_start)
        self.assertNotIn("refused a header change", self.daemon.log()[self.log_start:])
        milter, reply = self.talk([("Authentication-Results", "id.example.net; x=y")])
        self.assertIn(reply.letter, "ca")
        self.assertEqual((len(milter.changed()), len(milter.inserted())), (1, 2))

    def test_C10_fields_above_64_KiB(self):
        """Up to 1 MiB a packet; libmilter alone would drop the session. Postfix cuts fields at 60,000 octets."""
        for size in (65500, 66000, 1000000, (1 << 20) - 50):
            milter, reply = self.talk([("Authentication-Results", "id.example.net; (%s)" % ("x" * size)), ("X-A", "b")])
            self.assertIn(reply.letter, "ca", size)
            self.assertEqual((len(milter.changed()), len(milter.inserted())), (1, 2), size)

    def test_C2_space_behind_the_name(self):
        """An MTA that hands the name on with the space before the colon: the field is ours to remove."""
        milter, _ = self.talk([("X-IPRev ", "pass"), ("Authentication-Results \t", "id.example.net; iprev=pass"),
                               ("X-IPRev", "pass")])
        self.assertEqual(milter.changed(), [(2, "X-IPRev", ""), (1, "X-IPRev", ""), (1, "Authentication-Results", "")])

    def test_C15_an_mta_that_allows_no_change(self):
        """It is told so at once, and nothing is half done."""
        for actions in (0, 0x01, 0x10):
            with milterclient.MilterClient() as milter:
                self.assertIn(milter.negotiate(actions=actions).letter, ("", "r"))
            self.daemon.wait_log("does not allow header changes", since=self.log_start)


class NoId(harness.Case):
    """Without authserv-id the id is what the MTA calls itself, if that is a name."""

    dns = DNS

    def test_D6_no_macros(self):
        """Missing, empty, of 60 KB or of odd octets: the host name stands in."""
        for macros, name in (({}, harness.HOST), ({"j": ""}, harness.HOST), ({"j": "x" * 60000}, harness.HOST),
                             ({"j": "a\x01\xff b;(", "i": ""}, harness.HOST),
                             ({"j": "j.example.net"}, "j.example.net")):
            milter, reply = milterclient.session(macros=macros, headers=[
                ("Authentication-Results", name + "; iprev=pass"), ("Authentication-Results", "other.example; x=y")])
            milter.close()
            self.assertIn(reply.letter, "ac")
            self.assertEqual([(index, value) for index, _, value in milter.changed()], [(1, "")])
            values = {name: value for _, name, value in milter.inserted()}
            self.assertTrue(values["Authentication-Results"].startswith(name + "; iprev=pass"), values)
            self.check_printable(*values.values())


class Chain(harness.TwoModes):
    """Two of us behind one smtpd, as when somebody names the filter twice."""

    dns = DNS

    def test_C11_the_second_takes_the_first_for_forged(self):
        """One header set is left, the last one's; what others wrote stays."""
        result = self.send("192.0.2.10", port=harness.CHAIN_PORT, headers="\n".join(
            [OURS["C1_plain"], FOREIGN[0], "X-IPRev: pass", OURS["C3_nested"]]))
        self.check_headers(result.message, "pass", None, "192.0.2.10")
        self.assertEqual([one.strip() for one in result.message.all("Authentication-Results")][1:],
                         [value_of(FOREIGN[0])])
        self.assertEqual(self.xiprev(result.message)["mode"], "enforce")


class Switches(harness.Case):
    """The switches of the headers section."""

    dns = DNS
    settings = {"extra": "headers: { authentication-results = false x-iprev = true remove-forged = false }"}

    def test_switches(self):
        """Nothing is removed, and only X-IPRev is added."""
        result = self.send("192.0.2.10", headers="%s\nX-IPRev: pass" % OURS["C1_plain"])
        self.assertEqual([one.strip() for one in result.message.all("Authentication-Results")],
                         [value_of(OURS["C1_plain"])])
        self.assertEqual(len(result.message.all("X-IPRev")), 2)
