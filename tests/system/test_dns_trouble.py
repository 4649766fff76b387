"""When DNS is slow, silent or too talkative: the mail comes in, in time.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import ctypes
import threading
import time
import unittest

import dnsd
import harness
import milterclient
import netns

# Records that fit into an answer: libunbound 1.26 takes 2,048 compressed names in a message.
VERSION = ctypes.CDLL("libunbound.so.8").ub_version
VERSION.restype = ctypes.c_char_p
NEWER = tuple(map(int, VERSION().decode().split(".")[:2])) >= (1, 26)
HUGE = 2000 if NEWER else 3900
LIMIT = 7  # seconds from the banner, with the default deadline of 5 s
AT_ONCE = 2.5  # seconds: half of what those wait who wait
NO_WAIT = 1000  # ms that a decision waited, by the log: the servers of the tests need time, too

DNS = r"""
mail.good.example               A    192.0.2.10
10.2.0.192.in-addr.arpa         PTR  mail.good.example
*.113.0.203.in-addr.arpa        !silent
; the PTR is there, its name never answers
60.2.0.192.in-addr.arpa         PTR  mail.silent.example
*.silent.example                !silent
; slow, but there
61.2.0.192.in-addr.arpa         PTR  mail.slow.example
61.2.0.192.in-addr.arpa         !delay 300
mail.slow.example               A    192.0.2.61
mail.slow.example               !delay 300
64.2.0.192.in-addr.arpa         PTR  mail.slower.example
64.2.0.192.in-addr.arpa         !delay 900
mail.slower.example             A    192.0.2.64
; a HELO name that never answers
helo.silent.example             !silent
; a HELO name that nobody must ask
mail.private.example            A    192.0.2.10
; one name matches, another one is silent: the match is final
62.2.0.192.in-addr.arpa         PTR  mail.silent.example
62.2.0.192.in-addr.arpa         PTR  mail.sure.example
mail.sure.example               A    192.0.2.62
; closes
63.2.0.192.in-addr.arpa         !close
; 2000 names, and HUGE addresses
70.2.0.192.in-addr.arpa         PTR  many h%d.many.example 2000
*.many.example                  A    198.51.100.9
71.2.0.192.in-addr.arpa         PTR  huge.example
huge.example                    A    many 10.0.0.0 @huge
72.2.0.192.in-addr.arpa         PTR  huge2.example
huge2.example                   A    many 192.0.0.1 @huge
117.2.0.192.in-addr.arpa        PTR  most.example
most.example                    A    many 10.0.0.0 2048
118.2.0.192.in-addr.arpa        PTR  more.example
more.example                    A    many 10.0.0.0 2049
; the client's address is the last of 100, of 101, and behind 120 others
110.2.0.192.in-addr.arpa        PTR  hundred.example
hundred.example                 A    many 192.0.2.11 100
111.2.0.192.in-addr.arpa        PTR  hundred1.example
hundred1.example                A    many 192.0.2.11 101
112.2.0.192.in-addr.arpa        PTR  hundred20.example
hundred20.example               A    many 192.0.1.248 121
; HELO names with 100 and with 101 addresses
helo100.example                 A    many 192.0.2.10 100
helo101.example                 A    many 192.0.2.10 101
; ten names and eleven, and the last in their order is the right one
*.ten.example                   A    198.51.100.9
113.2.0.192.in-addr.arpa        PTR  many t%d.ten.example 10
t9.ten.example                  A    192.0.2.113
*.eleven.example                A    198.51.100.9
114.2.0.192.in-addr.arpa        PTR  many e%d.eleven.example 11
e10.eleven.example              A    192.0.2.114
; over TCP only
73.2.0.192.in-addr.arpa         PTR  mail.tcp.example
73.2.0.192.in-addr.arpa         !truncate
mail.tcp.example                A    192.0.2.73
mail.tcp.example                !truncate
; a chain of aliases that is still short, and one that is too long
74.2.0.192.in-addr.arpa         CNAME a1.chain.example
a1.chain.example                CNAME a2.chain.example
a2.chain.example                CNAME a3.chain.example
a3.chain.example                PTR  mail.chain.example
mail.chain.example              A    192.0.2.74
75.2.0.192.in-addr.arpa         CNAME b1.chain.example
b1.chain.example                CNAME b2.chain.example
b2.chain.example                CNAME b1.chain.example
; damaged names (B7, B36): cut, with junk behind the name, a pointer to nowhere, one into a label
76.2.0.192.in-addr.arpa         PTR  \# 3 056162
86.2.0.192.in-addr.arpa         PTR  \# 25 046d61696c046a756e6b076578616d706c65006a756e6b2121
mail.junk.example               A    192.0.2.86
87.2.0.192.in-addr.arpa         PTR  \# 2 C0FF
88.2.0.192.in-addr.arpa         PTR  \# 3 01C00C
; damaged addresses (B38): beside the client's, beside a foreign one, and of IPv6
77.2.0.192.in-addr.arpa         PTR  mail.short.example
mail.short.example              A    \# 3 C00002
mail.short.example              A    192.0.2.77
89.2.0.192.in-addr.arpa         PTR  mail.long.example
mail.long.example               A    \# 5 C000025900
mail.long.example               A    198.51.100.9
@six                            PTR  mail.six.example
mail.six.example                AAAA \# 15 20010db80000000000000000000000
; the longest name there is (B6)
101.2.0.192.in-addr.arpa        PTR  @longest
@longest                        A    192.0.2.101
; half a name, which a search list would make whole (B9)
102.2.0.192.in-addr.arpa        PTR  mail
mail.search.example             A    192.0.2.102
""" + "\n".join("a%d.long.example CNAME a%d.long.example" % (i, i + 1) for i in range(30)) + """
78.2.0.192.in-addr.arpa         CNAME a0.long.example
a30.long.example                PTR  mail.chain.example
"""
LONGEST = ".".join(["a" * 63] * 3 + ["b" * 61])  # 255 octets on the wire
SIX = "2001:db8::3a"
DNS = DNS.replace("@longest", LONGEST).replace("@six", dnsd.reverse_name(SIX)).replace("@huge", str(HUGE))


class Trouble(harness.TwoModes):
    """Through Postfix, with the default deadline."""

    dns = DNS

    def temperror(self, source, cause, helo="mail.good.example", port=harness.ENFORCE_PORT):
        """Taken with temperror, inside the limit, in enforce mode."""
        result = self.send(source, helo, port=port)
        self.assertTrue(result.accepted(), result.transcript)
        self.assertLess(result.seconds - result.greeted, LIMIT)
        fields = self.check_headers(result.message, "temperror", cause, source)
        self.assertNotIn(fields["action"], ("reject", "tempfail"))
        return result

    def test_B18_silent_reverse_zone(self):
        """No answer ever to the PTR question: a timeout, whoever gives up first, and no SERVFAIL that nobody sent."""
        self.temperror("203.0.113.10", "dns-timeout")
        self.temperror("203.0.113.11", "dns-timeout", port=harness.PORT)

    def test_B18_silent_forward_zone(self):
        """The PTR answers, the name does not."""
        self.temperror("192.0.2.60", "dns-timeout")

    def test_B21_closed(self):
        """No UDP answer, and TCP closes."""
        self.temperror("192.0.2.63", None)

    def waits(self, clients):
        """The milliseconds that each decision for these clients waited."""
        return [int(one["wait"]) for one in self.enforcer.decisions() if one["client"] in clients]

    def test_B24_good_client_beside_silent_ones(self):
        """While twenty clients wait for a silent zone, a good one is served at once (B24)."""
        def silent(at):
            return lambda: self.send("203.0.113.%d" % (100 + at), port=harness.ENFORCE_PORT)

        def good():
            for _ in range(12):
                time.sleep(0.35)
                with self.subTest("good"):
                    result = self.send("192.0.2.10", port=harness.ENFORCE_PORT)
                    self.check_headers(result.message, "pass", None, "192.0.2.10")
        before = len(self.waits(["192.0.2.10"]))
        results = harness.together([silent(at) for at in range(20)] + [good])
        self.until(lambda: len(self.waits(["192.0.2.10"])) >= before + 12)
        self.assertLess(max(self.waits(["192.0.2.10"])[before:]), NO_WAIT)
        results.pop()
        for result in results:
            self.assertTrue(result.accepted(), result.transcript)
            self.assertLess(result.decided - result.greeted, LIMIT)

    def test_B24_new_good_clients_beside_silent_ones(self):
        """As above, but good clients that were never seen before: one dead zone must
        not make the whole resolver look dead."""
        fresh = ["198.51.100.%d" % at for at in range(100, 112)]
        for address in fresh:
            self.world.dns.host("mail%s.fresh.example" % address.rpartition(".")[2], address)

        def silent(at):
            return lambda: self.send("203.0.113.%d" % (130 + at), port=harness.ENFORCE_PORT)

        def good():
            outcomes = []
            for address in fresh:
                time.sleep(0.35)
                result = self.send(address, "mail.good.example", port=harness.ENFORCE_PORT)
                outcomes.append(self.xiprev(result.message)["result"])
            return outcomes
        results = harness.together([silent(at) for at in range(20)] + [good])
        self.assertEqual(results.pop(), ["pass"] * len(fresh))
        self.until(lambda: len(self.waits(fresh)) >= len(fresh))
        self.assertLess(max(self.waits(fresh)), NO_WAIT)

    def test_slow_zone(self):
        """300 ms a question is waited for."""
        result = self.send("192.0.2.61", "mail.slow.example")
        self.check_headers(result.message, "pass", None, "192.0.2.61")
        self.assertGreater(result.seconds, 0.28)

    def test_slower_zone(self):
        """900 ms too: such zones exist."""
        result = self.send("192.0.2.64", "mail.slower.example")
        self.check_headers(result.message, "pass", None, "192.0.2.64")
        self.assertLess(result.seconds - result.greeted, LIMIT)

    def test_silent_helo_name(self):
        """The HELO name is silent, the client in order: pass, helo-temperror, taken."""
        result = self.send("192.0.2.10", "helo.silent.example", port=harness.ENFORCE_PORT)
        self.assertTrue(result.accepted(), result.transcript)
        self.assertLess(result.seconds - result.greeted, LIMIT)
        self.assertIn("helo-temperror", self.check_headers(result.message, "pass", None, "192.0.2.10")["findings"])

    def test_B19_match_is_final(self):
        """Another name's silence does not hold up a client that is confirmed."""
        result = self.send("192.0.2.62", "mail.sure.example", port=harness.ENFORCE_PORT)
        self.check_headers(result.message, "pass", None, "192.0.2.62")
        self.assertLess(result.seconds, AT_ONCE)

    def test_B10_2000_names(self):
        """Ten names are looked at."""
        self.world.dns.reset_counts()
        result = self.send("192.0.2.70")
        self.check_headers(result.message, "fail", "ptr-limit", "192.0.2.70")
        asked = [key for key in self.world.dns.stats() if ".many.example. A" in key]
        self.assertLessEqual(len(asked), 10)

    def test_B11_3900_addresses(self):
        """Every address of a name is looked at: a client that is among 100, 101, 121 or thousands is
        confirmed, and accepted in enforce mode; one that is not among thousands is not."""
        for source, name in (("192.0.2.110", "hundred.example"), ("192.0.2.111", "hundred1.example"),
                             ("192.0.2.112", "hundred20.example"), ("192.0.2.72", "huge2.example")):
            with self.subTest(name):
                result = self.send(source, name, port=harness.ENFORCE_PORT)
                self.assertTrue(result.accepted(), result.transcript)
                fields = self.check_headers(result.message, "pass", None, source)
                self.assertIn("helo-verified", fields["findings"])
        result = self.send("192.0.2.71")
        self.check_headers(result.message, "fail", "forward-mismatch", "192.0.2.71")

    def test_B11_2048_addresses_and_one_more(self):
        """libunbound 1.26 refuses an answer with more than 2,048 compressed names: that is trouble, not proof."""
        self.check_headers(self.send("192.0.2.117").message, "fail", "forward-mismatch", "192.0.2.117")
        self.check_headers(self.send("192.0.2.118").message, *(
            ("temperror", "dns-servfail") if NEWER else ("fail", "forward-mismatch")), "192.0.2.118")

    def test_B11_helo_name_with_100_addresses(self):
        """A HELO name that has everybody's address helps nobody: 100 addresses count, 101 do not."""
        for name, word in (("helo100.example", "helo-forward"), ("helo101.example", "helo-mismatch")):
            with self.subTest(name):
                result = self.send("192.0.2.10", name)
                self.assertIn(word, self.check_headers(result.message, "pass", None, "192.0.2.10")["findings"])

    def test_B10_the_eleventh_name(self):
        """The right name is the last of ten: confirmed. It is the last of eleven: nobody looked at it,
        which is ptr-limit and no proof."""
        for source, result, cause in (("192.0.2.113", "pass", None), ("192.0.2.114", "fail", "ptr-limit")):
            with self.subTest(source):
                self.check_headers(self.send(source).message, result, cause, source)

    def test_B21_truncated_then_tcp(self):
        """TC means: ask again over TCP."""
        result = self.send("192.0.2.73", "mail.tcp.example")
        self.check_headers(result.message, "pass", None, "192.0.2.73")

    def test_B13_alias_chain(self):
        """Three aliases are followed."""
        result = self.send("192.0.2.74", "mail.chain.example")
        self.check_headers(result.message, "pass", None, "192.0.2.74")

    def test_B14_alias_loop(self):
        """Two aliases that point to each other."""
        self.temperror("192.0.2.75", None)

    def test_B14_alias_chain_of_30(self):
        """Too long a chain is trouble, not proof."""
        self.temperror("192.0.2.78", None)

    def test_B7_damaged_name(self):
        """rdata shorter than its name: libunbound takes nothing of the answer, so nothing is proven."""
        self.temperror("192.0.2.76", "dns-servfail")

    def test_B7_junk_behind_the_name(self):
        """rdata longer than its name: no usable record, and the name in it is never asked."""
        result = self.send("192.0.2.86", "[192.0.2.86]")
        self.check_headers(result.message, "fail", "ptr-invalid", "192.0.2.86")
        self.assertEqual(self.world.dns.count("mail.junk.example"), 0)

    def test_B36_pointers(self):
        """A pointer behind the message's end, and one where a label's length is wanted: trouble, not proof."""
        for source in ("192.0.2.87", "192.0.2.88"):
            with self.subTest(source):
                self.temperror(source, "dns-servfail")

    def test_B38_damaged_address_beside_a_good_one(self):
        """An A record of three octets is skipped."""
        result = self.send("192.0.2.77", "mail.short.example")
        self.check_headers(result.message, "pass", None, "192.0.2.77")

    def test_B38_damaged_address_beside_a_foreign_one(self):
        """One of five, the first four of them the client's address: that is no match."""
        result = self.send("192.0.2.89", "[192.0.2.89]")
        self.check_headers(result.message, "fail", "forward-mismatch", "192.0.2.89")

    def test_B38_damaged_ipv6_address(self):
        """An AAAA of fifteen, and no other: the name has no address."""
        self.need_ipv6()
        result = self.send(SIX, "[IPv6:%s]" % SIX)
        self.check_headers(result.message, "fail", "forward-missing", SIX)

    def test_B6_longest_name(self):
        """255 octets: pass, the whole name in both fields, and no line too long for SMTP."""
        result = self.send("192.0.2.101", LONGEST)
        fields = self.check_headers(result.message, "pass", None, "192.0.2.101")
        self.assertIn("(%s)" % LONGEST, self.ours(result.message))
        self.assertEqual((fields["ptr"], fields["helo"]), (LONGEST, LONGEST))
        self.assertLessEqual(max(len(line) for line in result.message.head.split(b"\n")), 998)


class Limit(harness.Case):
    """More names than are looked at: the built-in rules refuse nobody for it."""

    dns = DNS
    settings = {"mode": "enforce"}

    def test_B10_unexamined_names_are_no_proof(self):
        """Eleven names, and two thousand."""
        for source in ("192.0.2.114", "192.0.2.70"):
            with self.subTest(source):
                result = self.send(source)
                self.assertTrue(result.accepted(), result.transcript)
                self.check_headers(result.message, "fail", "ptr-limit", source)
        self.assertFalse(self.send("192.0.2.71").accepted(), "the rule refuses a forward-mismatch")


class Sharing(harness.Case):
    """Several connections from one address share the lookup (one question leaves the machine)."""

    dns = DNS

    def setUp(self):
        super().setUp()
        self.world.dns.reset_counts()

    def asked(self, address, kind="PTR"):
        """Questions that DNS saw for an address."""
        return self.world.dns.count(dnsd.reverse_name(address), kind)

    def test_fifty_at_once_one_question(self):
        """While the lookup is under way."""
        address = "192.0.2.80"
        self.world.dns.add("%s !delay 300\nmail.eighty.example A %s" % (dnsd.reverse_name(address), address))
        self.world.dns.ptr(address, "mail.eighty.example")

        def client():
            milter, reply = milterclient.session(client=address, helo="mail.eighty.example")
            milter.close()
            values = {name: value for _, name, value in milter.inserted()}
            return reply.letter, values["Authentication-Results"].split(";")[1].split()[0]
        results = harness.together([client] * 50)
        self.assertEqual(set(results), {("c", "iprev=pass")} if results[0][0] == "c" else {("a", "iprev=pass")})
        self.assertEqual(self.asked(address), 1)
        self.assertEqual(self.world.dns.count("mail.eighty.example", "A"), 1)

    def test_B41_remembered_while_the_ttl_lasts(self):
        """The second connection asks nothing; after the TTL it asks anew."""
        address = "192.0.2.81"
        self.world.dns.add("%s 1 PTR mail.brief.example\nmail.brief.example 1 A %s"
                           % (dnsd.reverse_name(address), address))
        for _ in range(3):
            self.send(address, "mail.brief.example")
        self.assertEqual(self.asked(address), 1)
        time.sleep(2.2)
        self.send(address, "mail.brief.example")
        self.assertEqual(self.asked(address), 2)

    def test_B41_temperror_is_forgotten_soon(self):
        """Kept at most 5 s, however often the client comes: then the mended zone is seen."""
        address = "192.0.2.82"
        name = dnsd.reverse_name(address)
        self.world.dns.add("%s !servfail" % name)
        self.assertEqual(self.xiprev(self.send(address).message)["result"], "temperror")
        self.world.dns.script.forget(name)
        self.world.dns.host("mail.mended.example", address)
        start = time.monotonic()
        while self.xiprev(self.send(address, "mail.mended.example").message)["result"] != "pass":
            self.assertLess(time.monotonic() - start, 6.2, "still temperror")
            time.sleep(0.4)

    def test_questions_are_bounded(self):
        """At most 24 questions for the worst client."""
        self.send("192.0.2.70", "helo.many.example")
        self.assertLessEqual(sum(self.world.dns.stats().values()), 24)

    def test_B12_order_does_not_matter(self):
        """Fifteen names in four orders: the same ten are looked at."""
        names = ["%s.order.example" % letter for letter in "abcdefghijklmno"]
        sources = {"c.order.example": (90, "pass"), "n.order.example": (95, "fail")}
        for name in names:
            self.world.dns.add("%s A 198.51.100.1" % name)
        for within, (first, _) in sources.items():
            for at in range(4):
                self.world.dns.add("%s A 192.0.2.%d" % (within, first + at))
                self.world.dns.ptr("192.0.2.%d" % (first + at), *(names[at * 4:] + names[:at * 4]))
        for within, (first, expected) in sources.items():
            for at in range(4):
                fields = self.xiprev(self.send("192.0.2.%d" % (first + at)).message)
                self.assertEqual(fields["result"], expected, (within, at))
                self.assertEqual(fields["ptr"], within if expected == "pass" else "a.order.example")


    def fields_of(self, client, milter):
        """X-IPRev's result and name, for one more message of a raw session."""
        milter.mail()
        milter.rcpt()
        milter.message()
        values = {name: value for _, name, value in milter.inserted()}
        self.assertIn(client, values["X-IPRev"])
        return values["X-IPRev"].split(";")[0].strip(), values["X-IPRev"].split("ptr=")[1].split(";")[0]

    def test_B27_zone_changes_meanwhile(self):
        """The zone changes between the messages of a connection: all have the first verdict."""
        address = "192.0.2.83"
        reverse = dnsd.reverse_name(address)
        self.world.dns.add("%s 0 PTR mail.before.example\nmail.before.example 0 A %s" % (reverse, address))
        with milterclient.MilterClient() as milter:
            milter.negotiate()
            milter.macros("C", {"j": "mx.example.org"})
            milter.connect(address)
            milter.helo("mail.other.example")
            self.assertEqual(self.fields_of(address, milter), ("pass", "mail.before.example"))
            self.world.dns.script.forget(reverse)
            self.world.dns.script.forget("mail.before.example")
            self.world.dns.add("%s 0 PTR mail.after.example\nmail.after.example 0 A 198.51.100.9" % reverse)
            for _ in range(3):
                milter.helo("mail.before.example")
                self.assertEqual(self.fields_of(address, milter), ("pass", "mail.before.example"))
        with milterclient.MilterClient() as milter:
            milter.negotiate()
            milter.connect(address)
            milter.helo("mail.other.example")
            self.assertEqual(self.fields_of(address, milter), ("fail", "mail.after.example"))

    def test_B41_flapping_zone(self):
        """TTL 0 and a zone that changes its mind: each connection tells what was answered to it."""
        address = "192.0.2.84"
        reverse = dnsd.reverse_name(address)
        for at in range(20):
            self.world.dns.script.forget(reverse)
            if at % 2:
                self.world.dns.add("%s 0 PTR mail.flap.example\nmail.flap.example 0 A %s" % (reverse, address))
            else:
                self.world.dns.add("%s 0 PTR mail.flop.example\nmail.flop.example 0 A 198.51.100.9" % reverse)
            with milterclient.MilterClient() as milter:
                milter.negotiate()
                milter.connect(address)
                milter.helo("mail.other.example")
                self.assertEqual(self.fields_of(address, milter),
                                 ("pass", "mail.flap.example") if at % 2 else ("fail", "mail.flop.example"), at)


class SystemResolver(harness.Case):
    """No forward setting: the servers of resolv.conf are asked. It has a search list, too."""

    dns = DNS
    settings = {"resolver": "forward = []"}

    @classmethod
    def furnish(cls):
        super().furnish()
        if "resolv.conf" in cls.world.lacking:
            raise unittest.SkipTest("no /etc/resolv.conf here")
        netns.replace_file("/etc/resolv.conf", "search search.example\n" + harness.RESOLV_CONF)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        netns.replace_file("/etc/resolv.conf", harness.RESOLV_CONF)

    def test_resolv_conf(self):
        """The private resolv.conf names our server."""
        result = self.send("192.0.2.10")
        self.check_headers(result.message, "pass", None, "192.0.2.10")

    def test_B9_no_search_list(self):
        """A PTR and a HELO of one label are not made longer, even where that would confirm them."""
        self.world.dns.reset_counts()
        result = self.send("192.0.2.102", "mail")
        fields = self.check_headers(result.message, "fail", "ptr-invalid", "192.0.2.102")
        self.assertIn("helo-unqualified", fields["findings"])
        self.assertEqual([name for name in self.world.dns.stats() if name.startswith("mail")], [])


class ChangingServers(harness.Case):
    """resolv.conf changes while the daemon runs, and nobody reloads it."""

    dns = "mail.first.example A 192.0.2.10\n10.2.0.192.in-addr.arpa PTR mail.first.example\n"
    settings = {"resolver": "forward = []", "mode": "enforce"}
    second = None

    @classmethod
    def furnish(cls):
        super().furnish()
        if "resolv.conf" in cls.world.lacking:
            raise unittest.SkipTest("no /etc/resolv.conf here")
        cls.write(harness.RESOLV_CONF)
        cls.second = dnsd.DnsServer(
            "mail.second.example A 192.0.2.11\n11.2.0.192.in-addr.arpa PTR mail.second.example\n"
            "mail.late.example A 192.0.2.12\n12.2.0.192.in-addr.arpa PTR mail.late.example\n"
            "mail.late.example !delay 3500 A", ["127.0.0.9"]).start()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.second.stop()
        cls.write(harness.RESOLV_CONF)

    @staticmethod
    def write(text):
        """In place, as some programs do."""
        with open("/etc/resolv.conf", "w", encoding="ascii") as file:
            file.write(text)

    def verdict(self, client):
        """What the field says of a new client."""
        milter, _ = milterclient.session(client=client, helo="[%s]" % client)
        with milter:
            return dict((name, value) for _, name, value in milter.inserted())["X-IPRev"].partition(";")[0]

    def change(self, text, pattern):
        """Writes the file and waits for the line of the log; returns its text."""
        since = len(self.daemon.log())
        self.write(text)
        return self.daemon.wait_log(pattern, 10, since).group(0)

    def test_E10_new_servers_are_asked(self):
        """New questions go to the new servers, running ones end on the old; a file without servers changes nothing."""
        self.assertEqual(self.verdict("192.0.2.10"), "pass")
        self.change("nameserver 127.0.0.9\n", "resolv.conf changed, name servers: 127.0.0.9")
        self.assertEqual(self.verdict("192.0.2.11"), "pass", "only the second one knows it")
        for text in ("", "# nothing\n", "nameserver localhost\n"):
            self.change(text, "resolv.conf names no server, or cannot be read; still asking 127.0.0.9")
            self.daemon.reload(harness.configuration(**{**self.settings, "resolver": "forward = [] max-inflight = %d" % (900 + len(text))}))
            self.world.dns.reset_counts()
            self.second.reset_counts()
            self.assertEqual(self.verdict("192.0.2.11"), "pass", text)
            self.assertEqual((self.world.dns.count(), self.second.count() > 0), (0, True), text)
            self.write("nameserver 127.0.0.9\n")
            time.sleep(2.5)
        late = []
        waiting = threading.Thread(target=lambda: late.append(self.verdict("192.0.2.12")))
        waiting.start()
        time.sleep(0.5)
        self.change(harness.RESOLV_CONF, "resolv.conf changed, name servers: 127.0.0.1")
        self.assertEqual(self.verdict("192.0.2.10"), "pass")
        self.assertEqual(late, [], "it still waits")
        waiting.join(10)
        self.assertEqual(late, ["pass"], "by the server that it asked")


class DeadResolver(harness.Case):
    """Nobody listens at the resolver's address (E17), or there is no answer at all."""

    dns = DNS
    settings = {"resolver": 'forward = ["127.0.0.1@5999"]', "mode": "enforce"}

    def test_E17_starts_and_accepts(self):
        """The daemon is up; every client is temperror, and taken."""
        for source in ("192.0.2.10", "192.0.2.11"):
            result = self.send(source)
            self.assertTrue(result.accepted(), result.transcript)
            self.assertLess(result.seconds - result.greeted, LIMIT)
            self.check_headers(result.message, "temperror", None, source)


class ShortDeadline(harness.Case):
    """The deadline of the configuration holds."""

    dns = DNS
    settings = {"resolver": "deadline = 600", "mode": "enforce"}

    def test_deadline(self):
        """600 ms."""
        result = self.send("203.0.113.20")
        self.assertTrue(result.accepted(), result.transcript)
        self.assertLess(result.seconds, AT_ONCE)
        self.check_headers(result.message, "temperror", "dns-timeout", "203.0.113.20")


class HeloOff(harness.Case):
    """resolver.helo = false: the HELO name is never asked (F8)."""

    dns = DNS
    settings = {"resolver": "helo = false"}

    def test_F8_not_asked(self):
        """No question for the HELO name leaves the machine."""
        result = self.send("192.0.2.10", "mail.private.example")
        self.check_headers(result.message, "pass", None, "192.0.2.10")
        self.assertEqual(self.world.dns.count("mail.private.example"), 0)
