"""What is not ours to know: senders, recipients and content (F3).

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import harness
import milterclient

DNS = r"""
mail.good.example               A    192.0.2.10
10.2.0.192.in-addr.arpa         PTR  mail.good.example
15.2.0.192.in-addr.arpa         PTR  mail.bank.example
mail.bank.example               A    198.51.100.1
"""

SECRETS = ("fromsecret", "tosecret", "subjectsecret", "bodysecret", "authsecret")
NO_BODY, NO_RECIPIENT = 0x10, 0x08


class Privacy(harness.TwoModes):
    """The log at its most talkative level."""

    dns = DNS

    def test_F3_nothing_of_the_mail_is_logged(self):
        """Taken and refused, several recipients, an authenticated sender."""
        for source, port in (("192.0.2.10", harness.PORT), ("192.0.2.15", harness.PORT),
                             ("192.0.2.15", harness.ENFORCE_PORT), ("192.0.2.11", harness.ENFORCE_PORT)):
            self.send(source, port=port, sender="fromsecret@sender.example",
                      rcpt=["tosecret@example.org", "postmaster@example.org"],
                      headers="Subject: subjectsecret\nX-Body: bodysecret")
        for _, port in ((1, 8891), (2, 8892)):
            milter = milterclient.MilterClient(("127.0.0.1", port))
            milter.negotiate()
            milter.macros("C", {"j": "mx.example.org"})
            milter.connect("192.0.2.15")
            milter.helo("mail.good.example")
            milter.macros("M", {"i": "Q1", "{auth_authen}": "authsecret", "{mail_addr}": "fromsecret"})
            milter.mail("<fromsecret@sender.example>")
            milter.rcpt("<tosecret@example.org>")
            milter.message([("Subject", "subjectsecret")], b"bodysecret\r\n")
            milter.close()
        for text in (self.daemon.log(), self.enforcer.log()):
            self.assertIn("client=192.0.2.15", text)
            for word in SECRETS:
                self.assertNotIn(word, text)

    def test_F3_what_we_ask_the_mta_for(self):
        """No body; recipients only where a rule may refuse them, or would spare them."""
        for port in (8891, 8892):
            with milterclient.MilterClient(("127.0.0.1", port)) as milter:
                milter.negotiate()
                self.assertTrue(milter.protocol & NO_BODY)
                self.assertFalse(milter.protocol & NO_RECIPIENT)
                asked = " ".join(milter.symbols.values())
                for macro in ("mail_addr", "rcpt_addr", "auth_ssf", "cert", "cipher"):
                    self.assertNotIn(macro, asked)


class NotAsked(harness.Case):
    """Monitor mode where nobody is exempt."""

    settings = {"mode": "monitor", "extra": "exempt: { recipients = [] }"}

    def test_F3_no_recipients(self):
        """Then recipients are no matter of ours."""
        with milterclient.MilterClient(("127.0.0.1", 8891)) as milter:
            milter.negotiate()
            self.assertTrue(milter.protocol & NO_RECIPIENT)
