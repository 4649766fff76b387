"""The tables that Postfix has to pass, behind a real Sendmail, and what only Sendmail does.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import unittest

import dnsd
import harness
import sendmail
import test_exempt
import test_forged
import test_hostile_names
import test_outcomes
import test_smtp
import test_stages


class Behind:
    """The first base of a class: its world has a Sendmail."""

    world_options = {"mta": "sendmail"}

    @classmethod
    def setUpClass(cls):
        reason = sendmail.why_not()
        if reason:
            raise unittest.SkipTest(reason)
        super().setUpClass()

    @classmethod
    def furnish(cls):
        """The tables come from several files: each class sees the names of its own only."""
        super().furnish()
        cls.world.dns.script = dnsd.Script(harness.SCRIPT + cls.dns)


class Outcomes(Behind, test_outcomes.Outcomes):
    """Every scenario in both modes."""


class DefaultRules(Behind, test_outcomes.Rules):
    """What the default rules do."""


class AtConnect(Behind, test_stages.AtConnect):
    """reject-at = connect: neither our code nor our text reaches the client."""

    def check_refused_connect(self, reply):
        """Sendmail has a text of its own."""
        self.assertEqual(str(reply), "550 5.0.0 Command rejected")


class AtHelo(Behind, test_stages.AtHelo):
    """reject-at = helo."""


class AtMail(Behind, test_stages.AtMail):
    """reject-at = mail."""


class Rules(Behind, test_stages.Rules):
    """Rules of one's own."""


class MonitorRules(Behind, test_stages.MonitorRules):
    """The same in monitor mode."""


class Percent(Behind, test_stages.Percent):
    """A part of the clients."""


class Forged(Behind, test_forged.Forged):
    """Forged fields. Sendmail refuses messages with more than 32 KB of header."""

    huge = (20000, 500)


class Bound(Behind, test_forged.Bound):
    """More forged fields than may be removed."""


class OddPtr(Behind, test_hostile_names.OddPtr):
    """PTR names that are no host names."""


class Helo(Behind, test_hostile_names.Helo):
    """Every HELO; Sendmail answers 501 to most of the odd ones."""


class Switches(Behind, test_forged.Switches):
    """The switches of the headers section."""


class Exempt(Behind, test_exempt.Exempt):
    """Who is not judged; AUTH with libsasl2."""

    test_A20_xclient_login = None  # Sendmail has no XCLIENT


class MonitorExempt(Behind, test_exempt.Monitor):
    """What enforce mode would have done, exempt recipients included."""


class NotExempt(Behind, test_exempt.NotExempt):
    """exempt.authenticated = false."""


class Sessions(Behind, test_smtp.Sessions):
    """Long and odd sessions."""

    test_A17_xclient = test_A17_xclient_to_bad = test_A17_xclient_ipv6 = None  # Sendmail has no XCLIENT
    test_A17_proxy_protocol = None  # nor this

    def check_smuggled(self, reply):
        """Sendmail ends the connection at a bare line feed, and takes nothing."""
        self.assertEqual(reply.code, 421)
        self.assertFalse([one for one in self.world.sink.messages if b"smuggle-a" in one.raw])


class MtaView(Behind, test_smtp.MtaView):
    """A unix socket."""
