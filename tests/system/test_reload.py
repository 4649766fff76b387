"""A thousand reloads under load, with files that change and files that are broken (E9, E10).

Every good file carries a number of its own, as the authserv-id and as the name of the rule
that holds. So a message tells which snapshot made each of its fields.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import collections
import os
import re
import signal
import time

import harness
import milterclient

RELOADS = 1000
THREADS = 6

DNS = r"""
mail.good.example               A    192.0.2.10
10.2.0.192.in-addr.arpa         PTR  mail.good.example
15.2.0.192.in-addr.arpa         PTR  mail.bank.example
mail.bank.example               A    198.51.100.1
"""

BROKEN = ("mode =", "", "\0", "mood = good", 'mode = "monitor"\nmode = "monitor"', "rules: {", '@include "gone.conf"',
          'resolver: { zone = "/nonexistent" }', 'builtin-rules = false rules: { x: { when = ["iprev-temperror"] action = "reject" }; };', None)


def good(number):
    """A file of its own number. Every seventh makes a new resolver."""
    return harness.configuration(
        'authserv-id = "n%d.example.org"\nbuiltin-rules = false rules: { n%d: { when = ["iprev-pass"] action = "tag" };\n'
        'forged: { when = ["iprev-fail"] action = "reject" }; };' % (number, number),
        mode="enforce", resolver="cache = %d" % (1000 + number // 7 % 2), log="warning")


class Reload(harness.Case):
    """One daemon, reloaded all the time."""

    dns = DNS
    settings = {"extra": 'authserv-id = "n0.example.org"\nbuiltin-rules = false rules: { n0: { when = ["iprev-pass"] action = "tag" }; };',
                "log": "warning"}

    def put(self, text):
        """A file in the place of the configuration, at once. None: it is gone."""
        path = self.daemon.config_path
        if text is None:
            if os.path.exists(path):
                os.unlink(path)
            return
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(path + ".new", path)

    def message(self, milter):
        """The number that both fields of one message agree on."""
        milter.mail()
        milter.rcpt()
        reply = milter.message([("Authentication-Results", "n0.example.org; iprev=pass"), ("X-IPRev", "pass"),
                                ("Authentication-Results", "other.example; iprev=pass")])
        self.assertIn(reply.letter, "ca", reply)
        fields = collections.defaultdict(list)
        for _, name, value in milter.inserted():
            fields[name].append(value)
        self.assertEqual({name: len(values) for name, values in fields.items()},
                         {"Authentication-Results": 1, "X-IPRev": 1})
        first = re.fullmatch(r"n(\d+)\.example\.org; iprev=pass policy\.iprev=192\.0\.2\.10 \(mail\.good\.example\)",
                             fields["Authentication-Results"][0])
        second = re.search(r"; rule=n(\d+); action=tag; ", harness.unfold(fields["X-IPRev"][0]))
        self.assertTrue(first and second, fields)
        self.assertEqual(first.group(1), second.group(1), fields)
        removed = [(name.lower(), index) for index, name, value in milter.changed() if not value]
        self.assertIn(("x-iprev", 1), removed)
        self.assertNotIn(("authentication-results", 2), removed)
        return int(first.group(1))

    def flow(self, stop):
        """Connections of three messages until told to stop: (messages, numbers seen)."""
        count, seen = 0, set()
        while not stop:
            with milterclient.MilterClient() as milter:
                milter.negotiate()
                milter.macros("C", {"j": "mx.example.org"})
                milter.connect("192.0.2.10")
                milter.helo("mail.good.example")
                numbers = {self.message(milter) for _ in range(3)}
            self.assertEqual(len(numbers), 1, "a connection saw two snapshots")
            seen |= numbers
            count += 3
        return count, seen

    def reloads(self, stop):
        """A thousand USR1, every third for a file that is broken, empty or gone."""
        try:
            for at in range(1, RELOADS + 1):
                self.put(BROKEN[at // 3 % len(BROKEN)] if at % 3 == 0 else good(at))
                self.daemon.signal(signal.SIGUSR1)
                time.sleep(0.01)
        finally:
            stop.append(True)

    def test_E9_E10_thousand_reloads(self):
        """No message is lost, and each is of one snapshot; broken files change nothing."""
        stop = []
        self.begin_anew()  # a test before this one has left its own settings
        results = harness.together([lambda: self.flow(stop)] * THREADS + [lambda: self.reloads(stop)], timeout=300)
        messages = sum(count for count, _ in results[:-1])
        numbers = set().union(*(seen for _, seen in results[:-1]))
        print("      %d messages under %d snapshots" % (messages, len(numbers)))
        self.assertGreater(messages, 500)
        self.assertGreater(len(numbers), 50)
        self.assertFalse([number for number in numbers if number and number % 3 == 0])
        self.put(good(4000))
        self.daemon.signal(signal.SIGUSR1)
        self.until(lambda: 4000 in self.flow_once(), "the last file is not in force")
        self.assertLess(self.daemon.descriptors(), 200)
        self.begin_anew()

    def begin_anew(self):
        """Another daemon, with the settings of this class."""
        self.daemon.signal(signal.SIGTERM)
        self.assertEqual(self.daemon.wait(20), 0)
        self.assertIsNone(self.daemon.sound())
        type(self).daemon = harness.Daemon(harness.configuration(**self.settings)).start()

    def flow_once(self):
        """The number of one connection."""
        with milterclient.MilterClient() as milter:
            milter.negotiate()
            milter.macros("C", {"j": "mx.example.org"})
            milter.connect("192.0.2.10")
            milter.helo("mail.good.example")
            return {self.message(milter)}

    def test_D12_E9_settings_of_the_negotiation(self):
        """QUIT_NC: no new negotiation, so the replies that the MTA waits for are those of the old one, whatever a reload
        has changed in between."""
        for before, after in (("enforce", "monitor"), ("monitor", "enforce")):
            for stage in ("mail", "rcpt"):
                self.daemon.reload(harness.configuration(mode=before, reject_at=stage), "reloaded")
                with milterclient.MilterClient(timeout=5) as milter:
                    milter.negotiate()
                    milter.connect("192.0.2.10")
                    milter.mail()
                    milter.rcpt()
                    milter.message()
                    milter.quit_new()
                    self.daemon.reload(harness.configuration(mode=after, reject_at=stage), "reloaded")
                    milter.connect("192.0.2.10")
                    milter.helo("mail.good.example")
                    self.assertEqual((milter.mail().letter, milter.rcpt().letter), ("c", "c"), (before, after, stage))
                    self.assertIn(milter.message().letter, "ca")
