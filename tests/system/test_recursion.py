"""resolver: { forward = ["root"] }: from the root servers down, over real sockets.

Three servers by tests/bench/dnsdelay: root (at every IPv4 address that libunbound knows), the
zones in-addr.arpa and com, and what is below them. There is no way to IPv6 servers, as on many hosts.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import json
import signal
import subprocess

import dnsd
import harness
import milterclient
import netns

KEY = 0x5A5A5A5A
LEAF = "192.0.2.54"
CLIENTS = ["11.%d.0.1" % i for i in range(40)]


def number(client):
    """As dnsdelay names clients."""
    return int.from_bytes(bytes(map(int, client.split("."))), "big") ^ KEY


class FromTheRoot(harness.Case):
    """The daemon asks the root servers itself."""

    world_options = {"mta": None}
    settings = {"mode": "enforce", "resolver": 'forward = ["root"]'}
    servers = []

    @classmethod
    def setUpClass(cls):
        cls.furnish()
        for address in netns.ROOT_SERVERS:
            netns.loopback_address(address + "/32")
        cls.servers = [cls.server(one, "root") for one in netns.ROOT_SERVERS] + [cls.server("192.0.2.53", "tld")]
        cls.start_leaf()
        cls.daemon = harness.Daemon(harness.configuration(**cls.settings)).start()

    @staticmethod
    def server(address, role):
        """One dnsdelay."""
        return subprocess.Popen([harness.program("tests/bench/dnsdelay"), address, "53", "0", role],
                                stdout=subprocess.PIPE)

    @classmethod
    def start_leaf(cls):
        """The server of all that lies below."""
        cls.servers.append(cls.server(LEAF, "leaf"))

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        for one in cls.servers:
            one.terminate()
            one.communicate()

    @staticmethod
    def counts(server):
        """What a server was asked."""
        server.send_signal(signal.SIGUSR1)
        return json.loads(server.stdout.readline())


class Recursion(FromTheRoot):
    """Everything is in order."""

    def test_cold(self):
        """Nothing is known yet, and forty clients come at once: each is found, and its HELO name."""
        helos = ["smtp.d%d.example.com" % number(client) for client in CLIENTS]

        def one(at):
            milter, reply = milterclient.session(client=CLIENTS[at], helo=helos[at])
            with milter:
                self.assertEqual(reply.letter, milterclient.CONTINUE)
                return dict((name, value) for _, name, value in milter.inserted())["X-IPRev"]
        for at, value in enumerate(harness.together([lambda at=at: one(at) for at in range(len(CLIENTS))])):
            self.assertRegex(value, r"^pass; ip=%s;\s+ptr=mail\.d%d\.example\.com;" % (CLIENTS[at], number(CLIENTS[at])))
            self.assertIn("helo-forward", value)
        self.assertEqual(sum(self.counts(one)["aaaa"] for one in self.servers), 0, "addresses of servers asked in advance")


class Lame(FromTheRoot):
    """Delegations to a server that does not know the zone."""

    leaf = None

    @classmethod
    def start_leaf(cls):
        """In the place of the one that knows all."""
        cls.leaf = dnsd.DnsServer("*.40.in-addr.arpa !refused\n*.50.in-addr.arpa !upward", [LEAF]).start()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.leaf.stop()

    def test_B17_lame_delegations(self):
        """It refuses, or refers back to the root: that proves nothing about the client, so it is
        temperror, and taken."""
        def one(client):
            milter, reply = milterclient.session(client=client, helo="[%s]" % client)
            with milter:
                return reply.letter, dict((name, value) for _, name, value in milter.inserted())
        clients = ["%d.1.0.%d" % (network, at) for network in (40, 50) for at in (1, 2)]
        for client, (letter, values) in zip(clients, harness.together([lambda to=to: one(to) for to in clients])):
            self.assertEqual(letter, milterclient.CONTINUE, client)
            self.assertRegex(values["Authentication-Results"],
                             r'; iprev=temperror reason=dns-servfail policy\.iprev=%s' % client)
        asked = set(name.split(".")[-4] for name in self.leaf.stats())  # 40, 50
        self.assertEqual(asked, {"40", "50"})


class Referring(dnsd.DnsServer):
    """Says of this one client that ns.evil.com serves its name."""

    name = (b"1", b"0", b"1", b"60", b"in-addr", b"arpa")

    def resolve(self, question):
        """A referral, or the answer by the records."""
        if question.key != self.name:
            return super().resolve(question)
        return dnsd.message(question, 0, authority=[(dnsd.name_wire(self.name), dnsd.TYPES["NS"], 300, dnsd.name_wire((b"ns", b"evil", b"com")))])


class Inward(FromTheRoot):
    """A zone whose name server is said to be this machine."""

    leaf = None

    @classmethod
    def start_leaf(cls):
        """In the place of the one that knows all."""
        cls.leaf = Referring("ns.evil.com A 127.0.0.1\nns.0.1.60.in-addr.arpa A %s" % LEAF, [LEAF]).start()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.leaf.stop()

    def test_B17_nobody_makes_us_ask_this_machine(self):
        """It is not asked: whoever owns a zone could reach the services of loopback through us."""
        self.world.dns.reset_counts()
        milter, reply = milterclient.session(client="60.1.0.1", helo="[60.1.0.1]")
        with milter:
            self.assertEqual(reply.letter, milterclient.CONTINUE)
            values = dict((name, value) for _, name, value in milter.inserted())
        self.assertIn("iprev=temperror", values["Authentication-Results"])
        self.assertGreater(self.leaf.count("ns.evil.com", "A"), 0, "its address was looked for")
        self.assertEqual(self.world.dns.stats(), {})
