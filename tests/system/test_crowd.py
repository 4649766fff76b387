"""Thousands of clients whose zones never answer, and what is left for the others (B24).

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import resource
import unittest

import dnsd
import harness
import milterclient
import test_metrics

CLIENTS = 4000
STAGES = (500, 1500, 2500, 4000)
FILES = 16384         # LimitNOFILE of the unit
INFLIGHT = 3000       # max-inflight as it comes: a socket for each question
TRIES = 10            # new good clients at each stage, of whom three have to be served
SPARE = 100           # descriptors of the daemon beside connections and questions

DNS = "*.11.in-addr.arpa !silent\n" + "\n".join(
    "%s PTR mail%d.fresh.example\nmail%d.fresh.example A 192.0.2.%d" % (dnsd.reverse_name("192.0.2.%d" % at), at, at, at)
    for at in range(100, 100 + TRIES * len(STAGES)))


class Silent(harness.Case):
    """Every client has a network, and so a zone, of its own."""

    dns = DNS
    world_options = {"mta": None}
    settings = {"mode": "enforce", "extra": test_metrics.LISTEN}

    @classmethod
    def setUpClass(cls):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, max(FILES, hard)))
        except ValueError as error:
            raise unittest.SkipTest("no more than %d files may be open here" % hard) from error
        super().setUpClass()
        test_metrics.wait_page()

    def silent(self, at):
        """Opens the connection of one client, which asks at once and is left to wait."""
        milter = milterclient.MilterClient()
        milter.negotiate()
        self.assertEqual(milter.connect("11.%d.%d.1" % (at // 250, at % 250)).letter, "c")
        return milter

    def good(self, at):
        """Seconds that a client needs which was never seen before, and is in order; None when those
        who came before it have just taken all the room."""
        client = "192.0.2.%d" % (100 + at)
        milter, reply = milterclient.session(client=client, helo="[%s]" % client)
        with milter:
            self.assertEqual(reply.letter, "c")
            values = {name: value for _, name, value in milter.inserted()}
            if "dns-overload" in values["Authentication-Results"]:
                return None
            self.assertRegex(values["Authentication-Results"], r"; iprev=pass .*\(mail%d\.fresh\.example\)" % (100 + at))
            return milter.age()

    @staticmethod
    def has_room():
        """May three clients more ask?"""
        return test_metrics.samples()["iprev_dns_inflight"] < INFLIGHT - 10

    def three_good(self, first):
        """Seconds of three that were served."""
        times = []
        for at in range(first, first + TRIES):
            self.until(self.has_room)  # a fast machine may have them all waiting at once
            times += [self.good(at)] if len(times) < 3 else []
            times = [one for one in times if one is not None]
        self.assertEqual(len(times), 3)
        return times

    def test_B24_four_thousand(self):
        """New good clients are served at once, one after 500, 1,500, 2,500 and 4,000 silent ones;
        descriptors are bounded by connections and questions."""
        held = []
        try:
            for stage, wanted in enumerate(STAGES):
                held += [self.silent(at) for at in range(len(held), wanted)]
                times = self.three_good(TRIES * stage)
                self.assertLess(min(times), 5.0 if harness.sanitized() else 2.5, "beside %d" % wanted)
                self.assertLess(self.daemon.descriptors(), wanted + INFLIGHT + SPARE)
            asked = sum(n for name, n in self.world.dns.stats().items() if ".11.in-addr.arpa. PTR" in name)
            self.assertGreater(asked, 0)
        finally:
            for milter in held:
                milter.sock.close()
        self.until(lambda: self.daemon.descriptors() < INFLIGHT + SPARE, "descriptors are left")
