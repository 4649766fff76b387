"""Messages for the scorers: sent through Postfix and the filter, taken from the sink,
each with the symbols that SpamAssassin's and rspamd's rules must find in it.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import collections
import os

import harness

DNS = r"""
mail.good.example                A     192.0.2.10
10.2.0.192.in-addr.arpa          PTR   mail.good.example
13.2.0.192.in-addr.arpa          PTR   host.nowhere.example
15.2.0.192.in-addr.arpa          PTR   mail.bank.example
mail.bank.example                A     198.51.100.1
18.2.0.192.in-addr.arpa          PTR   192-0-2-18.dsl.dyn.isp.example
192-0-2-18.dsl.dyn.isp.example   A     192.0.2.18
mail.shop.example                A     198.51.100.4
own.small.example                A     192.0.2.18
44.2.0.192.in-addr.arpa          PTR   dyn-pool.adsl.isp.example
dyn-pool.adsl.isp.example        A     192.0.2.44
21.2.0.192.in-addr.arpa          !servfail
mail.six.example                 AAAA  2001:db8::30
@6good                           PTR   mail.six.example
@6bad                            PTR   mail.liar.example
mail.liar.example                AAAA  2001:db8::dead
""".replace("@6good", harness.dnsd.reverse_name("2001:db8::30")) \
   .replace("@6bad", harness.dnsd.reverse_name("2001:db8::31"))

Sent = collections.namedtuple("Sent", "name source helo symbols")

SENT = [
    Sent("pass", "192.0.2.10", "mail.good.example", "PASS"),
    Sent("no_ptr", "192.0.2.11", "mail.good.example", "PERMERROR HELO_MISMATCH"),
    Sent("forward_missing", "192.0.2.13", "host.nowhere.example", "FAIL HELO_UNRESOLVED"),
    Sent("forward_mismatch", "192.0.2.15", "mail.bank.example", "FAIL HELO_MISMATCH"),
    Sent("temperror", "192.0.2.21", "mail.good.example", "TEMPERROR"),
    Sent("botlike", "192.0.2.18", "mail.shop.example", "PASS BOTLIKE HELO_MISMATCH"),
    Sent("generic_with_own_helo", "192.0.2.18", "own.small.example", "PASS PTR_GENERIC"),
    Sent("weak_counts_as_generic", "192.0.2.44", "mail.shop.example", "PASS BOTLIKE HELO_MISMATCH"),
    Sent("helo_self", "192.0.2.10", "mx.example.org", "PASS HELO_SELF"),
    Sent("helo_unqualified", "192.0.2.10", "PC-17", "PASS HELO_BAD"),
    Sent("helo_invalid", "192.0.2.10", "b@d", "PASS HELO_BAD"),
    Sent("helo_bare_address", "192.0.2.10", "192.0.2.10", "PASS HELO_BAD"),
    Sent("helo_other_literal", "192.0.2.10", "[192.0.2.99]", "PASS HELO_BAD"),
    Sent("helo_own_literal", "192.0.2.10", "[192.0.2.10]", "PASS"),
    Sent("ipv6_pass", "2001:db8::30", "mail.six.example", "PASS"),
    Sent("ipv6_fail", "2001:db8::31", "mail.six.example", "FAIL HELO_MISMATCH"),
]

# What a sender writes to look better, or to make trouble for the reader.
FORGED = ("X-IPRev: pass; ip=192.0.2.15; ptr=mail.good.example; helo=mail.good.example;\n"
          "\tfindings=iprev-pass,ptr-named,helo-verified; rule=-; action=accept; mode=enforce\n"
          "Authentication-Results: mx.example.org; iprev=pass policy.iprev=192.0.2.15\n")


def symbols(words):
    """The full names of the symbols that a row of SENT lists."""
    return {"IPREV_" + word for word in words.split()}


def shipped(scorer, name):
    """A file as the project ships it for a scorer."""
    return os.path.join(harness.tree(), "packaging", scorer, name)


class Scored(harness.Case):
    """A case that sends messages through the filter and hands them to a scorer."""

    dns = DNS
    threshold = 0.0  # from here on it is spam
    port = harness.PORT

    def score(self, raw, source, helo):
        """{symbol: score} of a message, the symbols of iprev alone."""
        raise NotImplementedError

    def scored(self, source, helo="mail.good.example", **rest):
        """Sends a message; its symbols and their scores, and the message."""
        if ":" in source:
            self.need_ipv6()
        result = self.send(source, helo, port=self.port, **rest)
        self.assertTrue(result.accepted(), result.transcript)
        return self.score(result.message.raw, source, helo), result.message

    def check(self, one):
        """The symbols of a row of SENT, all of them and no others. None takes away
        points worth the name, and together they do not make spam of it."""
        found, message = self.scored(one.source, one.helo)
        self.assertEqual(set(found), symbols(one.symbols), message.head.decode("latin-1"))
        self.assertGreaterEqual(min(found.values()), -0.001, found)
        self.assertLess(sum(found.values()), self.threshold, found)

    def check_forged(self):
        """What the sender forged is gone, and the client is scored as it is."""
        found, message = self.scored("192.0.2.15", "mail.bank.example", headers=FORGED)
        self.assertEqual(found, {"IPREV_FAIL": 1.0, "IPREV_HELO_MISMATCH": 0.1}, message.head.decode("latin-1"))


def add_rows(case):
    """A test method for each row of SENT."""
    def make(one):
        def test(self):
            self.check(one)
        return test
    for one in SENT:
        setattr(case, "test_" + one.name, make(one))
