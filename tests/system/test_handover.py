"""Two instances at one address: the second waits for one that is ending, and for nobody else (E12, E29).

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import os
import signal
import socket
import time

import harness
import milterclient
import several
import test_life

STOPPED, NO_LISTEN = test_life.STOPPED, test_life.NO_LISTEN
METRICS = 'metrics: { listen = "127.0.0.1:9817" }'


class HandOver(several.Case):
    """An old daemon and a new one."""

    dns = test_life.DNS

    def places(self):
        """The lane of Postfix, what listens there, and the line that says so."""
        path = self.world.milter_socket
        return ((harness.UNIX_PORT, path, 'socket = "unix:%s"\nsocket-mode = "0666"' % path),
                (harness.PORT, ("127.0.0.1", 8891), ""))

    def served(self, probe):
        """One message is judged there."""
        milter, reply = milterclient.session(probe)
        milter.close()
        self.assertIn(reply.letter, "ca")
        self.assertEqual(len(milter.inserted()), 2)

    def test_E12_second_instance(self):
        """Beside a healthy one: 69, told clearly and before a service manager loses patience;
        nothing is stolen."""
        for _, probe, extra in self.places():
            first = self.launch(extra, probe=probe)
            inode = os.stat(probe).st_ino if isinstance(probe, str) else 0
            second = self.launch(extra, probe=probe, wait=False)
            self.assertEqual(second.wait(10), NO_LISTEN)
            self.assertIn(probe if inode else "inet:8891@127.0.0.1", second.log())
            self.assertRegex(second.log(), "another instance listens" if inode else "Address already in use")
            self.assertEqual(os.stat(probe).st_ino if inode else 0, inode)
            self.served(probe)
            first.signal(signal.SIGTERM)
            self.assertEqual(first.wait(), STOPPED)

    def test_E12_foreign_listener(self):
        """A live socket of somebody else, without a lock of ours: 69 as well."""
        path = self.world.path("foreign.sock")
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(path)
            other.listen()
            second = self.launch('socket = "unix:%s"' % path, probe=path, wait=False)
            self.assertEqual(second.wait(20), NO_LISTEN)
            with socket.socket(socket.AF_UNIX) as probe:
                self.assertEqual(probe.connect_ex(path), 0)

    def test_E12_waits_for_one_that_is_ending(self):
        """TERM to the old one, and the new one at once, idle and with clients that wait for DNS:
        the new one has socket and page."""
        for _, probe, extra in self.places():
            for count in (0, 10):
                with self.subTest(probe=probe, clients=count):
                    first = self.launch(extra + "\n" + METRICS, probe=probe)
                    waiting = [self.waiting(probe, at) for at in range(count)]
                    first.signal(signal.SIGTERM)
                    second = self.launch(extra + "\n" + METRICS, probe=probe, wait=False)
                    self.assertEqual(first.wait(), STOPPED)
                    self.until(lambda new=second: not new.alive() or "listens on" in new.log(), timeout=20)
                    self.assertTrue(second.alive(), second.log())
                    self.served(probe)
                    second.signal(signal.SIGTERM)
                    self.assertEqual(second.wait(), STOPPED)
                    for milter in waiting:
                        milter.sock.close()

    @staticmethod
    def waiting(probe, at):
        """A client whose message waits for silent DNS at RCPT."""
        milter = milterclient.MilterClient(probe)
        milter.negotiate()
        milter.connect("203.0.113.%d" % (10 + at))
        milter.mail()
        milter.packet("R", b"<user@example.org>\0")
        return milter

    def flow(self, port, stop, met):
        """Sessions of one message each, from before the end of the old one until told to stop:
        (when it began, the reply, was it judged?), added to met."""
        while not stop:
            began = time.monotonic()
            result = self.send("192.0.2.10", port=port)
            last = result.data or (result.rcpt + [result.mail])[-1]
            met.append((began, last.code, result.accepted() and bool(result.message.all("X-IPRev"))))
            time.sleep(0.02)
        return met

    def test_E29_hand_over_while_mail_flows(self):
        """The old one drains, the new one takes the socket: a session that is open meanwhile is put off
        once at most, every other message is taken and judged."""
        for port, probe, extra in self.places():
            with self.subTest(probe=probe):
                first, stop, moments, flows = self.launch(extra, probe=probe), [], [], [[], [], []]
                harness.together([lambda: self.exchange(first, extra, moments, stop, flows)] +
                                 [lambda met=met: self.check_flow(self.flow(port, stop, met), moments) for met in flows])
                self.daemons[-1].signal(signal.SIGTERM)
                self.assertEqual(self.daemons[-1].wait(), STOPPED)

    def exchange(self, first, extra, moments, stop, flows):
        """TERM and start at once when mail flows, and the moments of both."""
        try:
            time.sleep(0.7)
            self.until(lambda: all(len(met) > 2 for met in flows), timeout=20)
            moments.append(time.monotonic())
            first.signal(signal.SIGTERM)
            second = self.launch(extra, probe=first.probe, wait=False)
            self.assertEqual(first.wait(), STOPPED)
            self.until(lambda: not second.alive() or "listens on" in second.log(), timeout=20)
            self.assertTrue(second.alive(), second.log())
            moments.append(time.monotonic())
            time.sleep(0.7)
        finally:
            stop.append(True)

    def check_flow(self, met, moments):
        """What one client met, who came again and again."""
        self.assertEqual(len(moments), 2, "the new one does not serve")
        before = [code for began, code, _ in met if began < moments[0]]
        self.assertEqual(set(before[:-1]), {250}, "put off before the stop, or twice")
        for began, code, judged in met:
            self.assertIn(code, (250, 451), met)
            if moments[1] < began:
                self.assertTrue(judged, met)
        self.assertGreater(len([1 for began, _, _ in met if began > moments[1]]), 1)
