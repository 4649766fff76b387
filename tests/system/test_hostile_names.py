"""PTR names of odd octets (B1 to B5, B37) and HELO arguments of every kind (A1 to A9, F1).

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import harness
import milterclient

# address, PTR, a name whose A record would make a careless reader believe it
ODD = [
    ("B1_crlf", "192.0.2.40", r"mail\013\010X-Evil:yes.evil.example", None),
    ("B1_cr", "192.0.2.41", r"mail\013.evil.example", None),
    ("B2_nul", "192.0.2.42", r"mail.victim.example\000.evil.example", "mail.victim.example"),
    ("B3_quotes", "192.0.2.43", r"mail\034\;\=\,.evil.example", None),
    ("B3_parens", "192.0.2.44", r"mail\(x\)\(\(.evil.example", None),
    ("B3_space", "192.0.2.45", r"a\032action=accept\032client=192\.0\.2\.1.evil.example", None),
    ("B4_dot_in_label", "192.0.2.46", r"mail\046trust.example", "mail.trust.example"),
    ("B5_8bit", "192.0.2.47", r"m\228il\255\128.evil.example", None),
    ("B5_escape", "192.0.2.48", r"\027[31mred\127.evil.example", None),
    ("B3_percent", "192.0.2.49", r"100%s%n.evil.example", None),
    ("B3_backslash", "192.0.2.50", r"a\\n\\013.evil.example", None),
]


def script():
    """PTR records, and forward records so that only the judgement of the name stands in the way."""
    lines = ["mail.good.example A 192.0.2.10", "10.2.0.192.in-addr.arpa PTR mail.good.example",
             "mail.other.example A 198.51.100.4", "*.cut.example A 192.0.2.10"]
    for _, address, name, cut in ODD:
        lines.append("%s PTR %s" % (harness.dnsd.reverse_name(address), name))
        lines.append("%s A %s" % (name, address))
        if cut:
            lines.append("%s A %s" % (cut, address))
    return "\n".join(lines)


class OddPtr(harness.TwoModes):
    """The raw octets never reach header, reply or log, and the name is never asked."""

    dns = script()

    def odd(self, address, name):
        """One odd PTR in both modes."""
        result = self.send(address)
        fields = self.check_headers(result.message, "fail", "ptr-invalid", address)
        self.assertEqual(fields["ptr"], "-")
        self.check_printable(result.message.head.decode("latin-1"))
        for word in ("evil", "victim", "trust", "action=accept"):
            self.assertNotIn(word, result.message.head.decode("latin-1"))
        refused = self.send(address, port=harness.ENFORCE_PORT)
        self.assertEqual(refused.rcpt[0].code, 550, refused.transcript)
        self.check_printable(str(refused.rcpt[0]))
        self.assertNotIn("evil", str(refused.rcpt[0]))
        self.assertEqual(self.world.dns.count(name, "A"), 0, "the odd name was asked (B37)")
        self.check_printable(self.daemon.log(), self.enforcer.log())
        line = self.decision({"client": address})
        self.assertEqual(line["action"], "reject")

    def test_B37_odd_names_are_never_asked(self):
        """Of every odd PTR at once, nothing but the PTR itself leaves the machine."""
        address = "192.0.2.51"
        for _, _, name, _ in ODD:
            self.world.dns.add("%s PTR %s" % (harness.dnsd.reverse_name(address), name))
        self.world.dns.reset_counts()
        result = self.send(address)
        self.check_headers(result.message, "fail", "ptr-invalid", address)
        asked = [key for key in self.world.dns.stats() if "mail.good.example" not in key]
        self.assertEqual(len(asked), 1, asked)
        self.assertIn("PTR", asked[0])


def make_odd(address, name):
    """A test method."""
    return lambda self: self.odd(address, name)


for label, ip, ptr, _ in ODD:
    setattr(OddPtr, "test_" + label, make_odd(ip, ptr))


# 259 octets in labels of at most 63: with some cut off at the left, only the length can be wrong.
LONG = b".".join([b"a" * 61] * 4) + b".cut.example"

# name, HELO argument as octets, finding, what X-IPRev shows
HELOS = [
    ("A2_escape", b"mail\x1b[31m.example", "helo-invalid", "-"),
    ("A2_delete", b"mail\x7f.example", "helo-invalid", "-"),
    ("A2_controls", b"a\x01\x02\x08b.example", "helo-invalid", "-"),
    ("A4_253_octets", LONG[-253:], "helo-forward", LONG[-253:].decode()),
    ("A4_254_octets", LONG[-254:], "helo-invalid", "-"),
    ("A4_256_octets", LONG[-256:], "helo-invalid", "-"),
    ("A4_2000_octets", b"a." * 1000 + b"example", "helo-invalid", "-"),
    ("A5_utf8", "m\u00e4il.example".encode(), "helo-invalid", "-"),
    ("A5_bidi", "mail\u202e\u2028.example".encode(), "helo-invalid", "-"),
    ("A6_format", b"%s%n%x.example", "helo-invalid", "-"),
    ("A6_option", b"-rf", "helo-invalid", "-"),
    ("A6_shell", b"`id`$(id);id|id", "helo-invalid", "-"),
    ("A7_digits", b"1" * 1100, "helo-invalid", "-"),
    ("A8_literal", b"[192.0.2.10]", "helo-literal", "-"),
    ("A8_literal_other", b"[192.0.2.77]", "helo-literal-mismatch", "-"),
    ("A8_literal_zeros", b"[192.0.2.010]", "helo-invalid", "-"),
    ("A8_literal_tail", b"[192.0.2.10]x", "helo-invalid", "-"),
    ("A8_literal_hex", b"[0xc0.0.2.10]", "helo-invalid", "-"),
    ("A8_literal_open", b"[192.0.2.10", "helo-invalid", "-"),
    ("A8_literal_six", b"[IPv6:2001:db8::31]", "helo-literal-mismatch", "-"),
    ("A8_literal_zone", b"[IPv6:fe80::1%eth0]", "helo-invalid", "-"),
    ("A8_bare", b"192.0.2.10", "helo-bare-address", "-"),
    ("A9_our_name", b"MX.Example.ORG", "helo-self", None),
    ("A9_our_address", b"[192.0.2.25]", "helo-self", "-"),
    ("A9_localhost", b"localhost", "helo-self", None),
    ("A9_localdomain", b"localhost.localdomain", "helo-self", None),
    ("unqualified", b"PC-17", "helo-unqualified", None),
    ("trailing_dot", b"MAIL.good.example.", "helo-verified", None),
    ("underscore_B35", b"a_b.cut.example", "helo-forward", None),
    ("mismatch", b"mail.other.example", "helo-mismatch", "mail.other.example"),
    ("aligned", b"smtp-out.good.example", "helo-aligned", "smtp-out.good.example"),
    ("unresolved", b"mail.nowhere.example", "helo-unresolved", "mail.nowhere.example"),
]


class Helo(harness.Case):
    """Every HELO is taken, judged, and never printed unless it is a host name."""

    dns = script()

    def one(self, octets, word, shown):
        """One HELO from a client in order."""
        result = self.send("192.0.2.10", b"EHLO " + octets)
        self.assertTrue(result.accepted(), result.transcript)
        if result.helo.code == 501:  # Sendmail tells the filter only HELOs that it takes
            word, shown = "helo-missing", "-"
        fields = self.check_headers(result.message, "pass", None, "192.0.2.10")
        self.assertIn(word, fields["findings"])
        self.assertEqual(len([one for one in fields["findings"] if one.startswith("helo-") and
                              one != "helo-generic"]), 1, fields["findings"])
        if shown:
            self.assertEqual(fields["helo"], shown)
        for name, value in result.message.fields():
            if name in ("Authentication-Results", "X-IPRev"):
                self.check_printable(value)
        self.check_printable(self.daemon.log())
        self.assertEqual(self.decision({"client": "192.0.2.10"})["action"], fields["action"])

    def test_A1_no_helo(self):
        """MAIL without HELO: the full result is still given."""
        result = self.send("192.0.2.10", None)
        self.assertIn("helo-missing", self.check_headers(result.message, "pass", None, "192.0.2.10")["findings"])

    def test_A1_refused_helo(self):
        """Postfix refuses bad UTF-8 itself; then the client goes on without."""
        with self.connect("192.0.2.10") as client:
            client.read()
            reply = client.say(b"EHLO a\xff\xfe.example")
            result = self.transaction(client, harness.Result())
        self.assertTrue(result.accepted())
        word = "helo-missing" if reply.code >= 500 else "helo-invalid"
        self.assertIn(word, self.xiprev(result.message)["findings"])

    def test_A3_nul(self):
        """Judged on what arrived: Postfix cuts at the NUL, Sendmail refuses the HELO."""
        with self.connect("192.0.2.10") as client:
            client.read()
            reply = client.say(b"EHLO mail.good.example\0.evil.example")
            result = self.transaction(client, harness.Result())
        self.assertIn(reply.code, (250, 501))
        fields = self.check_headers(result.message, "pass", None, "192.0.2.10")
        self.assertIn("helo-verified" if reply.code == 250 else "helo-missing", fields["findings"])
        self.assertEqual(fields["helo"], "mail.good.example" if reply.code == 250 else "-")

    def test_A3_nul_reaches_us(self):
        """A server that hands the NUL over: nothing behind it is read."""
        qid = "Q%d" % next(self.tokens)
        milter, reply = milterclient.session(helo=b"mail.good.example\0.evil.example", macros={"i": qid})
        milter.close()
        self.assertIn(reply.letter, "ca")
        line = self.decision({"qid": qid})
        self.assertEqual(line["helo"], "mail.good.example")
        self.assertIn("helo-verified", line["findings"])
        self.assertNotIn("evil", self.daemon.log()[self.log_start:])

    def test_F1_log_cannot_be_forged(self):
        """A HELO that looks like fields of the log stays one value."""
        for octets in (b"x client=192.0.2.99 action=accept mode=enforce", b'x" action=accept y="',
                       b"a\\\" action=accept", b"x;action=accept;rule=none", b"x\taction=accept"):
            since = len(self.daemon.log())
            self.assertTrue(self.send("192.0.2.10", b"EHLO " + octets).accepted())
            self.until(lambda since=since: self.daemon.decisions(since))
            for line in self.daemon.decisions(since):  # read_fields fails on a key that comes twice
                self.assertEqual(line["client"], "192.0.2.10")
                self.assertEqual(line["mode"], "monitor")


def make_helo(octets, word, shown):
    """A test method."""
    return lambda self: self.one(octets, word, shown)


for label, argument, finding, printed in HELOS:
    setattr(Helo, "test_" + label, make_helo(argument, finding, printed))
