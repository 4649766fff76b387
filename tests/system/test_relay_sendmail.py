"""Behind a border relay that is a real Sendmail (A17, A2).

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import unittest

import harness
import test_relays

try:
    import sendmail
    WHY_NOT = sendmail.why_not()
except ImportError:
    WHY_NOT = "no sendmail.py"

BORDER_PORT = 2542
SETTINGS = """define(`confDOMAIN_NAME', `relay.example.org')dnl
define(`SMART_HOST', `relay:[%s]')dnl
define(`MAIL_HUB', `relay:[%s]')dnl
define(`RELAY_MAILER_ARGS', `TCP $h %d')dnl
CLIENT_OPTIONS(`Family=inet, Addr=%s')dnl
""" % (harness.MX4, harness.MX4, harness.PORT, test_relays.RELAY4)


@unittest.skipIf(WHY_NOT, WHY_NOT)
class SendmailBorder(harness.Case):
    """Sendmail without a filter hands mail to the Postfix with the filter."""

    dns = test_relays.DNS
    settings = {"extra": test_relays.TRUSTED}
    relay = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.relay = sendmail.Sendmail({BORDER_PORT: None}, settings=SETTINGS).start()

    @classmethod
    def tearDownClass(cls):
        if cls.relay:
            cls.relay.stop()
        super().tearDownClass()

    def test_A17_clients(self):
        """Each message has its client, in IPv4 and IPv6."""
        for address, helo, verdict in (("192.0.2.10", "mail.good.example", "pass"),
                                       ("192.0.2.15", "x.example", "fail"),
                                       ("2001:db8::31", "mail.sixth.example", "pass")):
            with self.subTest(address):
                fields = self.check_headers(self.send(address, helo, port=BORDER_PORT).message, verdict, None, address)
                self.assertEqual(fields["helo"], helo)
                self.assertEqual(self.decision({"client": address})["relay"], test_relays.RELAY4)

    def test_A2_forged_helo(self):
        """No HELO that Sendmail takes leads to another address."""
        for helo in (b"[203.0.113.66]", b"[IPv6:2001:db8::31]", b"[203.0.113.66]_#:-", b"x ([203.0.113.66])",
                     b"x\t(y [203.0.113.66])", b"[203.0.113.66]:25", b"by", b"x[203.0.113.66]x", None):
            with self.subTest(helo):
                result = self.send("192.0.2.15", port=BORDER_PORT, helo=helo and b"EHLO " + helo)
                self.assertTrue(result.accepted(), result.transcript)
                self.check_headers(result.message, "fail", "forward-mismatch", "192.0.2.15")
