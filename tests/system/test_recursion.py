"""resolver { forward = {"root"} }: from the root servers down, over real sockets.

Three servers by tests/bench/dnsdelay: root (at every IPv4 address that libunbound knows), the
zones in-addr.arpa and com, and what is below them. There is no way to IPv6 servers, as on many hosts.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import json
import signal
import subprocess

import harness
import milterclient
import netns

KEY = 0x5A5A5A5A
CLIENTS = ["11.%d.0.1" % i for i in range(40)]


def number(client):
    """As dnsdelay names clients."""
    return int.from_bytes(bytes(map(int, client.split("."))), "big") ^ KEY


class Recursion(harness.Case):
    """The daemon asks the root servers itself."""

    world_options = {"mta": None}
    settings = {"mode": "enforce", "resolver": 'forward = {"root"}'}
    servers = []

    @classmethod
    def setUpClass(cls):
        cls.furnish()
        for address in netns.ROOT_SERVERS:
            netns.loopback_address(address + "/32")
        places = [(one, "root") for one in netns.ROOT_SERVERS] + [("192.0.2.53", "tld"), ("192.0.2.54", "leaf")]
        cls.servers = [subprocess.Popen([harness.program("tests/bench/dnsdelay"), where, "53", "0", role],
                                        stdout=subprocess.PIPE) for where, role in places]
        cls.daemon = harness.Daemon(harness.configuration(**cls.settings)).start()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        for one in cls.servers:
            one.terminate()
            one.communicate()

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

    @staticmethod
    def counts(server):
        """What a server was asked."""
        server.send_signal(signal.SIGUSR1)
        return json.loads(server.stdout.readline())
