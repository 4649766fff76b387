"""What is remembered of clients, behind a real Postfix: one table of behaviour, on SQLite and on Redis.

The delay is three seconds here; longer times pass by making the entries of the store older.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import contextlib
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import unittest

import harness
import memories
from memories import DELAY, EARLY, HELO, NEW, OTHER, PASSED, RULES, USER, Redis, Sqlite

LAB = """
  lab: { when = ["iprev-permerror"] action = "reject" to = ["postmaster@elsewhere.example", "lab@example.org"] };
  trial: { when = ["iprev-permerror"] action = "tempfail" mode = "monitor" };
"""
# Each row: what is tried by one sender domain, step by step: seconds to wait, client, local part of the sender,
# recipient; and the code, and what the log says of memory. The sentence is what it shows.
TABLE = {
    "a_server_that_comes_back": [
        (0, "192.0.2.11", "a", USER, NEW), (0, "192.0.2.11", "a", USER, EARLY), (DELAY, "192.0.2.11", "a", USER, PASSED),
        (0, "192.0.2.11", "b", OTHER, PASSED)],  # one recipient that has matured frees the others
    "an_early_retry_does_not_restart_the_delay": [
        (0, "192.0.2.11", "a", USER, NEW), (DELAY - 1, "192.0.2.11", "a", USER, EARLY), (1.5, "192.0.2.11", "a", USER, PASSED)],
    "another_recipient_waits_for_itself": [
        (0, "192.0.2.11", "a", USER, NEW), (DELAY, "192.0.2.11", "a", OTHER, NEW), (0, "192.0.2.11", "a", USER, PASSED)],
    "senders_that_change_with_each_message": [
        (0, "192.0.2.11", "bounce+1", USER, NEW), (DELAY, "192.0.2.11", "prvs=4711=bounce", USER, PASSED)],
    "case_does_not_matter": [
        (0, "192.0.2.11", "a", USER, NEW), (DELAY, "192.0.2.11", "A", "User@EXAMPLE.org", PASSED)],
    "another_client_of_the_network": [
        (0, "192.0.2.11", "a", USER, NEW), (DELAY, "192.0.2.12", "a", USER, PASSED),
        (0, "192.0.2.12", "a", OTHER, PASSED), (0, "192.0.2.11", "a", OTHER, NEW)],
    "a_client_of_another_network": [
        (0, "192.0.2.11", "a", USER, NEW), (DELAY, "198.51.100.11", "a", USER, NEW)],
    "ipv6_of_one_64": [
        (0, "2001:db8::31", "a", USER, NEW), (DELAY, "2001:db8::32", "a", USER, PASSED), (0, "2001:db8::33", "a", OTHER, PASSED)],
}


class Behaviour:
    """The tests; each class below runs them on its store."""

    def play(self, name, steps):
        """One row of the table, by a sender domain of its own."""
        for wait, source, local, rcpt, expected in steps:
            time.sleep(wait)
            got = self.knock(source, "%s@%s.example" % (local, name.replace("_", "-")), rcpt)
            self.assertEqual(got, expected, (name, source, local, rcpt))

    def test_put_off(self):
        """The first try: reply, log, and nothing in clear in the store."""
        result = self.send("192.0.2.40", helo=HELO, sender="clear@hidden-sender.example", rcpt="hidden.user@example.org")
        self.assertRegex(str(result.rcpt[0]), r"^451 4\.7\.1 .*Please try again in 3 seconds\. Client address 192\.0\.2\.40 has no PTR")
        line = self.decision({"client": "192.0.2.40", "mode": "enforce"})
        self.assertEqual((line["rule"], line["action"], line["stage"]), ("suspects", "greylist", "rcpt"))
        time.sleep(1.5)
        self.assertNotIn(b"hidden", self.store.dump())

    def test_too_late(self):
        """Back after the window: a first try again."""
        at = ("192.0.2.41", "a@late.example", USER)
        self.assertEqual(self.knock(*at), NEW)
        time.sleep(DELAY)  # it is written once a second
        self.store.age("waiting", 3605)
        self.again()
        self.assertEqual(self.knock(*at), NEW)

    def test_in_the_window(self):
        """One minute before the window ends."""
        at = ("192.0.2.42", "a@window.example", USER)
        self.assertEqual(self.knock(*at), NEW)
        time.sleep(DELAY)  # it is written once a second
        self.store.age("waiting", 3540)
        self.again()
        self.assertEqual(self.knock(*at), PASSED)

    def test_null_sender(self):
        """Decided at the end of the message; nothing lasting."""
        self.assertEqual(self.knock("192.0.2.43", "", USER), NEW)
        self.assertEqual([r.code for r in self.last.rcpt], [250])
        self.assertEqual(self.knock("192.0.2.43", "", USER), EARLY)
        time.sleep(DELAY)
        self.assertEqual(self.knock("192.0.2.43", "", USER), PASSED)
        self.assertEqual(self.knock("192.0.2.43", "", OTHER), NEW)

    def test_callout(self):
        """A probe of a sender's address never sends data: it is not put off, and leaves nothing."""
        before = self.store.count("waiting")
        with self.connect("192.0.2.44") as client:
            client.read()
            client.say("EHLO " + HELO)
            self.assertEqual(client.say("MAIL FROM:<>").code, 250)
            self.assertEqual(client.say("RCPT TO:<%s>" % USER).code, 250)
            client.say("QUIT")
        self.assertEqual(self.store.count("waiting"), before)

    def test_recipients_of_one_message(self):
        """Each is decided alone: exempt, put off, rejected; one line of the log for each, and the rule on trial."""
        self.daemon.reload(self.config(rules=RULES.replace("rules: {", "rules: {" + LAB)))
        self.addCleanup(lambda: self.daemon.reload(self.config()))
        result = self.send("192.0.2.45", helo=HELO, sender="a@many.example",
                           rcpt=["postmaster@example.org", USER, "lab@example.org"])
        self.assertEqual([r.code for r in result.rcpt], [250, 451, 550])
        self.assertEqual(self.xiprev(result.message)["rule"], "exempt.recipients")
        self.decision({"rule": "exempt.recipients"})
        told = [(d["rule"], d["action"], d["mode"]) for d in self.daemon.decisions(self.log_start)]
        self.assertCountEqual(told, [("suspects", "greylist", "enforce"), ("trial", "tempfail", "monitor"),
                                     ("lab", "reject", "enforce"), ("exempt.recipients", "accept", "enforce")])

    def test_passed_shows_the_rule(self):
        """A message that the greylist lets through is tagged."""
        self.knock("192.0.2.46", "a@shown.example", USER)
        time.sleep(DELAY)
        self.assertEqual(self.knock("192.0.2.46", "a@shown.example", USER), PASSED)
        shown = self.xiprev(self.last.message)
        self.assertEqual((shown["rule"], shown["action"], shown["mode"]), ("suspects", "tag", "enforce"))

    def test_monitor(self):
        """Monitor mode shows a greylist, and writes no key."""
        before = self.store.count("waiting")
        self.daemon.reload(self.config(mode="monitor"))
        try:
            for _ in range(2):
                self.assertEqual(self.knock("192.0.2.47", "a@monitor.example", USER)[0], 250)
                shown = self.xiprev(self.last.message)
                self.assertEqual((shown["rule"], shown["action"], shown["mode"]), ("suspects", "greylist", "monitor"))
                time.sleep(DELAY)
            self.assertEqual(self.store.count("waiting"), before)
        finally:
            self.daemon.reload(self.config())

    def test_restart_and_kill(self):
        """What is older than a second outlives a restart and a kill."""
        for how, domain in ((signal.SIGTERM, "term"), (signal.SIGKILL, "kill")):
            at = ("192.0.2.48", "a@%s.example" % domain, USER)
            self.assertEqual(self.knock(*at), NEW, how)
            time.sleep(1.5)
            self.again(how)
            time.sleep(DELAY)
            self.assertEqual(self.knock(*at), PASSED, how)

    def test_reload_changes_the_store(self):
        """The new store is used at once, and the old one again after it."""
        at = ("192.0.2.49", "a@moved.example", USER)
        self.assertEqual(self.knock(*at), NEW)
        other = Sqlite(self.store.place + "-other-%d" % time.monotonic_ns())
        self.daemon.reload(self.config(store=other), re.escape("memory: " + other.text))
        self.assertEqual(self.knock(*at), NEW)
        self.daemon.reload(self.config(), re.escape("memory: " + self.store.text))
        time.sleep(DELAY)
        self.assertEqual(self.knock(*at), PASSED)

    def good(self, source, name):
        """A message that counts for a known client."""
        result = self.send(source, helo=name, sender="a@partner.example")
        self.assertTrue(result.accepted(), result.transcript)
        time.sleep(1.5)

    def test_known_client(self):
        """Two days, then the reverse zone vanishes: the client is known, by word, log and metrics."""
        self.good("192.0.2.77", "mail.partner.example")
        self.good("192.0.2.77", "mail.partner.example")
        self.assertEqual(self.store.count("known"), 0, "two messages of one day make nobody known")
        self.store.age("seen", 1)
        self.again()
        self.good("192.0.2.77", "mail.partner.example")
        self.assertEqual(self.store.count("known"), 1)
        zone = "77.2.0.192.in-addr.arpa PTR mail.partner.example"
        self.world.dns.script.forget(zone.split(maxsplit=1)[0])
        try:
            self.again()
            self.assertEqual(self.knock("192.0.2.77", "a@partner.example", USER), (250, "known"))
            shown = self.xiprev(self.last.message)
            self.assertEqual((shown["rule"], shown["action"]), ("known", "tag"))
            self.assertIn("client-known", shown["findings"])
            self.store.age("known", 31)
            self.again()
            self.assertEqual(self.knock("192.0.2.77", "a@partner.example", USER), NEW)
        finally:
            self.world.dns.add(zone)

    def test_who_is_not_noted(self):
        """Machine-made names, exempt and refused mail, a login: none of them makes a client known."""
        before = self.store.count("seen")
        self.send("192.0.2.18", helo=HELO, sender="a@bot.example")
        self.send("192.0.2.40", helo=HELO, sender="a@bot.example", rcpt="postmaster@example.org")
        with self.connect("192.0.2.10") as client:
            client.read()
            client.say("EHLO laptop")
            self.assertEqual(client.auth("alice", "wonder").code, 235)
            self.assertTrue(self.transaction(client, harness.Result()).accepted())
        time.sleep(1.5)
        self.assertEqual(self.store.count("seen"), before)


for _name, _steps in TABLE.items():
    def _test(self, name=_name, steps=_steps):
        if ":" in steps[0][1]:
            self.need_ipv6()
        self.play(name, steps)
    _test.__doc__ = "The row %s." % _name
    setattr(Behaviour, "test_row_" + _name, _test)


class OnSqlite(Behaviour, memories.Case):
    """In a file."""

    make = Sqlite


class OnRedis(Behaviour, memories.Case):
    """In Redis."""

    make = Redis

    def test_two_daemons(self):
        """A client that met one daemon passes at the other."""
        at = ("192.0.2.51", "a@shared.example", USER)
        self.assertEqual(self.knock(*at), NEW)
        self.again(signal.SIGKILL)  # the other machine has a memory of its own of nothing
        time.sleep(DELAY)
        self.assertEqual(self.knock(*at), PASSED)


if __name__ == "__main__":
    unittest.main()
