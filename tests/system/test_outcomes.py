"""Every outcome of the check, in monitor and in enforce mode, through a real Postfix.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import collections
import os
import re
import shutil

import harness
import milterclient

DNS = r"""
; in order
mail.good.example                A     192.0.2.10
10.2.0.192.in-addr.arpa          PTR   mail.good.example
; no PTR: 192.0.2.11 is not there, 192.0.2.12 has no PTR
12.2.0.192.in-addr.arpa          TXT   empty
; the name leads nowhere
13.2.0.192.in-addr.arpa          PTR   host.nowhere.example
14.2.0.192.in-addr.arpa          PTR   six.only.example
six.only.example                 AAAA  2001:db8::14
; it leads elsewhere
15.2.0.192.in-addr.arpa          PTR   mail.bank.example
mail.bank.example                A     198.51.100.1
; several names, the last one confirms
16.2.0.192.in-addr.arpa          PTR   a.several.example
16.2.0.192.in-addr.arpa          PTR   b.several.example
16.2.0.192.in-addr.arpa          PTR   mail.several.example
a.several.example                A     198.51.100.2
mail.several.example             A     192.0.2.16
mail.several.example             A     198.51.100.3
; classless delegation, RFC 2317
17.2.0.192.in-addr.arpa          CNAME 17.16/28.2.0.192.in-addr.arpa
17.16/28.2.0.192.in-addr.arpa    PTR   mail.classless.example
mail.classless.example           A     192.0.2.17
; a machine's name
18.2.0.192.in-addr.arpa          PTR   192-0-2-18.dsl.dyn.isp.example
192-0-2-18.dsl.dyn.isp.example   A     192.0.2.18
mail.shop.example                A     198.51.100.4
; one name matches, another one cannot be asked
19.2.0.192.in-addr.arpa          PTR   aaa.broken.example
19.2.0.192.in-addr.arpa          PTR   mail.half.example
mail.half.example                A     192.0.2.19
; none matches, one cannot be asked
20.2.0.192.in-addr.arpa          PTR   aaa.broken.example
20.2.0.192.in-addr.arpa          PTR   mail.bank.example
*.broken.example                 !servfail
; the reverse zone is broken
21.2.0.192.in-addr.arpa          !servfail
22.2.0.192.in-addr.arpa          !refused
23.2.0.192.in-addr.arpa          !loop
24.2.0.192.in-addr.arpa          !tcp-refuse
; names that lead to addresses nobody has on the net
30.2.0.192.in-addr.arpa          PTR   inside.example
inside.example                   A     127.0.0.1
inside.example                   A     10.0.0.1
inside.example                   A     0.0.0.0
; names that are no names
31.2.0.192.in-addr.arpa          PTR   .
32.2.0.192.in-addr.arpa          PTR   localhost
33.2.0.192.in-addr.arpa          PTR   mail.example.25
; our own name, and the name of every machine
34.2.0.192.in-addr.arpa          PTR   mx.example.org
35.2.0.192.in-addr.arpa          PTR   localhost.localdomain
; IPv6
mail.six.example                 AAAA  2001:db8::30
mail.six.example                 AAAA  2001:db8::1:2
@6good                           PTR   mail.six.example
@6bad                            PTR   mail.liar.example
mail.liar.example                AAAA  2001:db8::dead
; the site's own private network
mail.lan.example                 A     10.9.8.10
10.8.9.10.in-addr.arpa           PTR   mail.lan.example
""".replace("@6good", harness.dnsd.reverse_name("2001:db8::30")) \
   .replace("@6bad", harness.dnsd.reverse_name("2001:db8::31"))

Scenario = collections.namedtuple("Scenario", "name source helo result cause findings refused")

SCENARIOS = [
    Scenario("pass", "192.0.2.10", "mail.good.example", "pass", None, "ptr-named helo-verified", False),
    Scenario("no_ptr", "192.0.2.11", "mail.good.example", "permerror", "ptr-missing", "", True),
    Scenario("no_ptr_data_B16", "192.0.2.12", "mail.good.example", "permerror", "ptr-missing", "", True),
    Scenario("forward_nxdomain", "192.0.2.13", "host.nowhere.example", "fail", "forward-missing", "", True),
    Scenario("forward_nodata_B16", "192.0.2.14", "six.only.example", "fail", "forward-missing", "", True),
    Scenario("forward_mismatch_B25", "192.0.2.15", "mail.bank.example", "fail", "forward-mismatch", "", True),
    Scenario("our_name_B25", "192.0.2.34", "mail.good.example", "fail", "forward-mismatch", "", True),
    Scenario("localhost_localdomain_B25", "192.0.2.35", "mail.good.example", "fail", "forward-missing", "", True),
    Scenario("several_one_confirms", "192.0.2.16", "mail.several.example", "pass", None,
             "ptr-many helo-verified", False),
    Scenario("classless_alias_B13", "192.0.2.17", "mail.classless.example", "pass", None, "helo-verified", False),
    Scenario("generic_unrelated_helo", "192.0.2.18", "mail.shop.example", "pass", None,
             "ptr-generic helo-mismatch", False),
    Scenario("match_beats_servfail_B19", "192.0.2.19", "mail.half.example", "pass", None, "ptr-many", False),
    Scenario("servfail_beats_mismatch_B20", "192.0.2.20", "mail.x.example", "temperror", "dns-servfail", "", False),
    Scenario("servfail_B17", "192.0.2.21", "mail.good.example", "temperror", "dns-servfail", "", False),
    Scenario("refused_B17", "192.0.2.22", "mail.good.example", "temperror", "dns-servfail", "", False),
    Scenario("alias_loop_B14", "192.0.2.23", "mail.good.example", "temperror", "dns-servfail", "", False),
    Scenario("truncated_tcp_refused_B21", "192.0.2.24", "mail.good.example", "temperror", None, "", False),
    Scenario("forward_reserved_B26", "192.0.2.30", "inside.example", "fail", "forward-mismatch", "", True),
    Scenario("ptr_root_B8", "192.0.2.31", "mail.good.example", "fail", "ptr-invalid", "", True),
    Scenario("ptr_single_label_B9", "192.0.2.32", "mail.good.example", "fail", "ptr-invalid", "", True),
    Scenario("ptr_numeric_top", "192.0.2.33", "mail.good.example", "fail", "ptr-invalid", "", True),
    Scenario("ipv6_pass", "2001:db8::30", "mail.six.example", "pass", None, "helo-verified", False),
    Scenario("ipv6_mismatch", "2001:db8::31", "mail.liar.example", "fail", "forward-mismatch", "", True),
    Scenario("ipv6_no_ptr", "2001:db8::32", "mail.six.example", "permerror", "ptr-missing", "", True),
    Scenario("private_network_B30", "10.9.8.10", "mail.lan.example", "pass", None, "helo-verified", False),
    Scenario("private_network_no_ptr_B30", "10.9.8.11", "mail.lan.example", "permerror", "ptr-missing", "", True),
]


class Outcomes(harness.TwoModes):
    """The scenarios, each in both modes."""

    dns = DNS
    settings = {"extra": "exempt: { private = false; };"}

    def check_message(self, one, result, mode):
        """The headers of a message that was taken."""
        self.assertTrue(result.accepted(), result.transcript)
        fields = self.check_headers(result.message, one.result, one.cause, one.source)
        for word in one.findings.split():
            self.assertIn(word, fields["findings"])
        self.assertEqual(fields["mode"], mode)
        self.assertEqual(fields["helo"], one.helo)
        return fields

    def monitor(self, one):
        """Nothing is refused, and X-IPRev tells what would have been."""
        if ":" in one.source:
            self.need_ipv6()
        fields = self.check_message(one, self.send(one.source, one.helo), "monitor")
        self.assertEqual(fields["action"] == "reject", one.refused, fields)

    def enforce(self, one):
        """What is proven wrong is refused at RCPT, with a reply that says why."""
        if ":" in one.source:
            self.need_ipv6()
        result = self.send(one.source, one.helo, port=harness.ENFORCE_PORT)
        if not one.refused:
            self.assertNotEqual(self.check_message(one, result, "enforce")["action"], "reject")
            return
        self.assertEqual([result.banner.code, result.helo.code, result.mail.code], [220, 250, 250])
        self.assertEqual(result.rcpt[0].code, 550, result.transcript)
        self.assertRegex(str(result.rcpt[0]), r"^550 5\.7\.25 ")
        self.assertIn(one.source, result.rcpt[0].text)
        self.assertNotIn("%", result.rcpt[0].text)


def make(one, how):
    """A test method for a scenario."""
    def test(self):
        getattr(self, how)(one)
    test.__doc__ = None
    return test


for scenario in SCENARIOS:
    for way in ("monitor", "enforce"):
        setattr(Outcomes, "test_%s_%s" % (scenario.name, way), make(scenario, way))


class Ranges(harness.Case):
    """Clients of networks that the internet does not route, by the milter socket."""

    settings = {"mode": "enforce", "extra": "exempt: { private = false; };"}

    def outcome(self, client, helo):
        """(reply to the message or the step that ends it, our field)"""
        milter, reply = milterclient.session(client=client, helo=helo)
        with milter:
            return reply.letter, dict((name, value) for _, name, value in milter.inserted()).get("Authentication-Results")

    def test_B30_asked_like_any_other(self):
        """Carrier, private, link-local and unique local ranges: with PTR and address they pass."""
        for client in ("100.64.1.2", "172.16.5.5", "192.168.1.1", "169.254.1.1", "198.18.1.1", "fd00::1", "fe80::1"):
            name = "mail-%s.site.example" % client.replace(":", "-").replace(".", "-")
            self.world.dns.host(name, client)
            letter, field = self.outcome(client, name)
            self.assertEqual(letter, milterclient.CONTINUE, client)
            self.assertRegex(field, r'; iprev=pass policy\.iprev="?%s"? \(%s\)' % (client, name))
            self.assertEqual(self.world.dns.count(harness.dnsd.reverse_name(client), "PTR"), 1, client)

    def test_B30_refused_like_any_other(self):
        """And without a PTR they are refused."""
        for client in ("100.64.1.3", "172.16.5.6", "192.168.1.2", "169.254.1.2", "198.18.1.2", "fd00::2", "fe80::2"):
            letter, _ = self.outcome(client, "mail.good.example")
            self.assertEqual(letter, milterclient.REPLYCODE, client)
            self.assertEqual(self.world.dns.count(harness.dnsd.reverse_name(client), "PTR"), 1, client)


class Private(Ranges):
    """By default such clients are exempt."""

    settings = {"mode": "enforce"}

    def test_B30_asked_like_any_other(self):
        """Not asked for, and no field of ours."""
        for client in ("100.64.1.2", "172.16.5.5", "192.168.1.1", "169.254.1.1", "fd00::1", "fe80::1", "127.0.0.2"):
            letter, field = self.outcome(client, "mail.good.example")
            self.assertEqual((letter, field), (milterclient.CONTINUE, None), client)
            self.assertEqual(self.world.dns.count(harness.dnsd.reverse_name(client), "PTR"), 0, client)

    def test_B30_refused_like_any_other(self):
        """198.18.0.0/15 is for measurements between networks: no exemption."""
        self.assertEqual(self.outcome("198.18.1.3", "mail.good.example")[0], milterclient.REPLYCODE)


class Rules(harness.TwoModes):
    """What the default rules do beyond refusing."""

    dns = DNS
    settings = {"extra": 'help-url = "https://www.example.com/refused.html#ip={ip}&cause={cause}";'}

    def test_a_refusal_ends_with_the_page(self):
        """help-url, filled in for this client."""
        for source, cause in (("192.0.2.11", "ptr-missing"), ("192.0.2.15", "forward-mismatch")):
            reply = str(self.send(source, port=harness.ENFORCE_PORT).rcpt[0])
            self.assertTrue(reply.endswith(" See https://www.example.com/refused.html#ip=%s&cause=%s" % (source, cause)), reply)

    def test_switching_it_off(self):
        """The line and the command of the manual; and back."""
        with open(os.path.join(harness.tree(), "man", "iprev-milter.8"), encoding="utf-8") as file:
            line, name = re.search(r"^echo '(.*)' >/etc/iprev-milter\.conf\.d/(.*)$", file.read(), re.M).groups()
        self.assertEqual(self.send("192.0.2.11", port=harness.ENFORCE_PORT).rcpt[0].code, 550)
        folder = self.enforcer.config_path + ".d"
        os.mkdir(folder)
        try:
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(line + "\n")
            self.enforcer.reload(self.enforcer.history[-1][0], "reloaded .*mode monitor")
            result = self.send("192.0.2.11", port=harness.ENFORCE_PORT)
            self.assertTrue(result.accepted(), result.transcript)
            self.assertEqual(self.xiprev(result.message)["mode"], "monitor")
        finally:
            shutil.rmtree(folder)
            self.enforcer.reload(self.enforcer.history[-1][0], "reloaded .*mode enforce")
        self.assertEqual(self.send("192.0.2.11", port=harness.ENFORCE_PORT).rcpt[0].code, 550)

    def test_generic_is_tagged_and_taken(self):
        """The rule botlike tags; enforce mode takes the message all the same."""
        result = self.send("192.0.2.18", "mail.shop.example", port=harness.ENFORCE_PORT)
        fields = self.xiprev(result.message)
        self.assertEqual((fields["rule"], fields["action"]), ("botlike", "tag"))

    def test_helo_mismatch_alone_never_refuses(self):
        """RFC 5321 4.1.4."""
        for helo, word in (("mail.shop.example", "helo-mismatch"), ("mail.nowhere.example", "helo-unresolved"),
                           ("localhost", "helo-self"), ("mx.example.org", "helo-self"), ("PC-17", "helo-unqualified"),
                           ("[192.0.2.99]", "helo-literal-mismatch"), ("b@d", "helo-invalid")):
            result = self.send("192.0.2.10", helo, port=harness.ENFORCE_PORT)
            self.assertTrue(result.accepted(), (helo, result.transcript))
            if result.helo.code == 501:  # Sendmail tells the filter only HELOs that it takes
                word = "helo-missing"
            self.assertIn(word, self.xiprev(result.message)["findings"], helo)

    def test_rule_names_in_headers(self):
        """The rule that decided is named."""
        for source, rule in (("192.0.2.11", "no-ptr"), ("192.0.2.15", "forged")):
            self.assertEqual(self.xiprev(self.send(source).message)["rule"], rule)

    def test_confirmed_name_is_shown(self):
        """policy.iprev and the confirmed name in a comment."""
        self.assertEqual(self.ours(self.send("192.0.2.10").message),
                         "mx.example.org; iprev=pass policy.iprev=192.0.2.10 (mail.good.example)")
        self.assertRegex(self.ours(self.send("192.0.2.15").message),
                         r'^mx\.example\.org; iprev=fail reason=forward-mismatch policy\.iprev=192\.0\.2\.15')

    def test_log_tells_the_same(self):
        """One line per decision."""
        self.send("192.0.2.15", "mail.bank.example")
        line = self.decision({"client": "192.0.2.15"})
        self.assertEqual(line["action"], "reject")
        self.assertEqual(line["mode"], "monitor")
        self.assertEqual(line["rule"], "forged")
        self.assertIn("forward-mismatch", line["findings"].split(","))
