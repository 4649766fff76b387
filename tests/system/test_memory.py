"""What is remembered of clients, behind a real Postfix: one table of behaviour, on SQLite and on Redis.

The delay is three seconds here; longer times pass by making the entries of the store older.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import contextlib
import os
import re
import signal
import subprocess
import time
import unittest

import harness
import memories
import milterclient
import servers
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
        (0, "192.0.2.11", "a", USER, NEW), (DELAY - 2, "192.0.2.11", "a", USER, EARLY), (2.2, "192.0.2.11", "a", USER, PASSED)],
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

    def test_exempt_recipients_alone(self):
        """The greylist has no say in mail to postmaster, and such mail does not ripen anything for others."""
        sender, mail = "a@only-exempt.example", []
        for wait in (0, DELAY):
            time.sleep(wait)
            since = len(self.daemon.log())
            mail.append(self.send("192.0.2.41", helo=HELO, sender=sender, rcpt="postmaster@example.org"))
            line = self.decision({"client": "192.0.2.41"})
            self.assertEqual((line["rule"], line["action"]), ("exempt.recipients", "accept"))
            self.assertNotIn("memory=", self.daemon.log()[since:])
        self.assertTrue(all(one.accepted() for one in mail))
        self.assertEqual(self.knock("192.0.2.41", sender, USER), NEW)

    def test_put_off(self):
        """The first try: reply, log, and nothing in clear in the store."""
        result = self.send("192.0.2.40", helo=HELO, sender="clear@hidden-sender.example", rcpt="hidden.user@example.org")
        self.assertRegex(str(result.rcpt[0]), r"^451 4\.7\.1 .*Please try again in 3 seconds\. Client address 192\.0\.2\.40 has no PTR")
        line = self.decision({"client": "192.0.2.40", "mode": "enforce"})
        self.assertEqual((line["rule"], line["action"], line["stage"]), ("suspects", "greylist", "rcpt"))
        self.assertNotIn(b"hidden", self.store.dump())

    def test_too_late(self):
        """Back after the window: a first try again."""
        at = ("192.0.2.41", "a@late.example", USER)
        self.assertEqual(self.knock(*at), NEW)
        self.store.age("waiting", 3605)
        self.again()
        self.assertEqual(self.knock(*at), NEW)

    def test_in_the_window(self):
        """One minute before the window ends."""
        at = ("192.0.2.42", "a@window.example", USER)
        self.assertEqual(self.knock(*at), NEW)
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

    def test_H10_restart_and_kill(self):
        """What was answered outlives a restart and a kill."""
        for how, domain in ((signal.SIGTERM, "term"), (signal.SIGKILL, "kill")):
            at = ("192.0.2.48", "a@%s.example" % domain, USER)
            self.assertEqual(self.knock(*at), NEW, how)
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

    def test_reload_of_the_numbers(self):
        """Other days and delays are in force at once, in sessions that are open, too; the store stays open, once."""
        with self.connect("192.0.2.50") as client:
            client.read()
            client.say("EHLO " + HELO)
            longer = self.config().replace("greylist-delay-seconds = %d" % DELAY, "greylist-delay-seconds = 77")
            self.daemon.reload(longer, "reloaded")
            self.addCleanup(lambda: self.daemon.reload(self.config()))
            client.say("MAIL FROM:<a@numbers.example>")
            self.assertIn("Please try again in 77 seconds", str(client.say("RCPT TO:<%s>" % USER)))
            fds = "/proc/%d/fd/" % self.daemon.process.pid
            open_files = [os.readlink(fds + fd) for fd in os.listdir(fds) if os.path.lexists(fds + fd)]
            self.assertLessEqual(len([one for one in open_files if one.endswith("/memory.db")]), 1, open_files)

    def test_monitor_writes_known_clients(self):
        """They gather from the first day."""
        self.use(mode="monitor")
        before = self.store.count("seen")
        self.assertTrue(self.send("192.0.2.77", helo="mail.partner.example", sender="a@partner.example").accepted())
        self.assertEqual(self.store.count("seen"), before + 1)

    def test_authenticated(self):
        """Our own users are not put off, and leave nothing."""
        before = self.store.count("waiting")
        with self.connect("192.0.2.52") as client:
            client.read()
            client.say("EHLO laptop")
            self.assertEqual(client.auth("alice", "wonder").code, 235)
            self.assertTrue(self.transaction(client, harness.Result()).accepted())
        self.assertNotIn("memory", self.decision({"client": "192.0.2.52"}))
        self.assertEqual(self.store.count("waiting"), before)

    def test_exempt(self):
        """Nor are networks that are exempt, and clients of a list; both leave nothing."""
        with open(self.world.path("exempt"), "w", encoding="ascii") as file:
            file.write("192.0.2.53\n")
        self.use(more='exempt: { networks = ["203.0.113.0/24"] lists = ["%s"] }' % self.world.path("exempt"))
        before = self.store.count("waiting")
        for client in ("192.0.2.53", "203.0.113.53"):
            self.assertTrue(self.send(client, helo=HELO, sender="a@exempt.example").accepted(), client)
            self.assertNotIn("memory", self.decision({"client": client}), client)
        self.assertEqual(self.store.count("waiting"), before)

    def test_behind_a_trusted_relay(self):
        """To put off the relay would let it bounce: the message goes through, and nothing is written."""
        self.use(more='trusted-relays = ["203.0.113.25"]')
        before = self.store.count("waiting")
        result = self.send("203.0.113.25", helo="relay.example.org", sender="a@relayed.example", headers=(
            "Received: from pc.nowhere.example (unknown [192.0.2.54])\n\tby relay.example.org (Postfix) with ESMTP id 4XyZ12; "
            "Sat, 21 Nov 2026 10:00:00 +0000"))
        self.assertTrue(result.accepted(), result.transcript)
        line = self.decision({"client": "192.0.2.54"})
        self.assertEqual((line["rule"], line["action"], line["mode"]), ("suspects", "greylist", "monitor"))
        self.assertEqual(self.store.count("waiting"), before)

    def test_H11_clock(self):
        """It jumps ahead and back: nobody is refused, and what was remembered is not thrown away."""
        day = 86400
        with self.preloaded() as state:
            self.addCleanup(state.set, "shift", 0)
            self.assertTrue(self.send("192.0.2.10", sender="a@good.example").accepted())
            state.set("shift", day)
            self.assertTrue(self.send("192.0.2.10", sender="a@good.example").accepted())
            known = self.store.count("known")
            self.assertGreater(known, 0)
            waits = ("192.0.2.59", "a@waits.example", USER)
            state.set("shift", 0)
            self.assertEqual(self.knock(*waits), NEW)
            at = ("192.0.2.55", "a@clock.example", USER)
            for shift, expected in ((400 * day, NEW), (400 * day, EARLY), (0, NEW), (0, EARLY), (-400 * day, NEW), (0, NEW)):
                state.set("shift", shift)
                self.assertEqual(self.knock(*at), expected, shift)
                time.sleep(1.1)  # it looks for what has outlived its time once a second
            self.assertEqual(self.store.count("known"), known)
            state.set("shift", DELAY)
            self.assertEqual(self.knock(*waits), PASSED, "it was not thrown away while the clock was ahead")
            self.assertEqual(self.knock(*at), PASSED)
            state.set("shift", 400 * day)
            self.assertEqual(self.knock(*at), NEW)
            state.set("shift", 0)
            self.assertEqual(self.knock(*at)[0], 250, "its pass is still there")

    def test_H12_flood(self):
        """One network tries more than there is room for: it pushes out its own, not others, and nobody is let through."""
        other = ("198.51.100.56", "a@flood.example", USER)
        self.assertEqual(self.knock(*other), NEW)
        self.store.age("waiting", 10)  # the oldest of all
        before = self.store.count("waiting")
        for client in ("198.18.56.%d", "2001:db8:56:%x::1"):
            with contextlib.ExitStack() as stack:
                milters = []
                for address in range(1, 5):
                    milter = stack.enter_context(milterclient.MilterClient())
                    milter.negotiate()
                    milter.macros("C", {"j": harness.HOST})
                    milter.connect(client % address)
                    milter.helo(HELO)
                    milter.mail("<a@flood.example>")
                    milters.append(milter)
                for n in range(1100):
                    self.assertEqual(milters[n % 4].rcpt("<user%d@example.org>" % n).letter, milterclient.REPLYCODE)
        self.assertEqual(self.store.count("waiting"), before + 2000)
        self.assertEqual(self.knock(*other), PASSED)

    def test_metrics(self):
        """Each question is counted once, by its outcome and by the time that it took; without a store there are none."""
        before = self.metrics()
        at = ("192.0.2.58", "a@metrics.example", USER)
        self.assertEqual(self.knock(*at), NEW)
        self.assertEqual(self.knock(*at), EARLY)
        time.sleep(DELAY)
        self.assertEqual(self.knock(*at), PASSED)
        after = self.metrics()
        gained = {name: after[name] - before[name] for name in after if after[name] != before[name] and "seconds" not in name}
        self.assertEqual(gained, {  # at the end of the message that passes the client is asked for once more
            'iprev_greylist_total{outcome="new"}': 1, 'iprev_greylist_total{outcome="early"}': 1,
            'iprev_greylist_total{outcome="passed"}': 1, 'iprev_known_total{outcome="unknown"}': 3})
        self.assertEqual(after["iprev_memory_seconds_count"] - before["iprev_memory_seconds_count"], 6)
        self.assertGreater(after["iprev_memory_seconds_sum"], before["iprev_memory_seconds_sum"])
        buckets = [value for name, value in after.items() if name.startswith("iprev_memory_seconds_bucket")]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual(buckets[-1], after["iprev_memory_seconds_count"])
        self.assertEqual(after["iprev_memory_up"], 1)
        promtool = servers.find("prometheus", "usr/bin/promtool")
        if promtool:
            done = subprocess.run([promtool, "check", "metrics"], input=self.page(), capture_output=True, text=True, timeout=60,
                                  check=False)
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        self.daemon.reload(harness.configuration(extra='metrics: { listen = "%s:%d" }' % memories.METRICS))
        self.addCleanup(lambda: self.daemon.reload(self.config(), re.escape("memory: " + self.store.text)))
        self.until(lambda: not self.metrics())

    def ask_checker(self, *args):
        """(exit code, output) of iprev-check memory, beside the daemon that has the store open."""
        done = subprocess.run([harness.program("iprev-check"), "memory", "-c", self.daemon.config_path, *args],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def test_iprev_check(self):
        """What iprev-check tells of a client, and that a forgotten one is new to the daemon."""
        at = ("203.0.113.60", "a@asked.example", USER)
        self.assertEqual(self.ask_checker("203.0.113.60"), (1, "203.0.113.60: nothing is remembered\n"))
        self.assertEqual(self.knock(*at), NEW)
        code, said = self.ask_checker("203.0.113.60")
        self.assertEqual(code, 0)
        self.assertRegex(said, r"(?s)^203\.0\.113\.60\n  1 greylisted try of 203\.0\.113\.0/24, kept until ")
        time.sleep(DELAY)
        self.assertEqual(self.knock(*at), PASSED)
        self.assertRegex(self.ask_checker("203.0.113.60")[1], r"(?s)^203\.0\.113\.60\n  passes the greylist with 1 sender domain, ")
        code, said = self.ask_checker("--forget", "203.0.113.60")
        self.assertEqual(code, 0)
        self.assertRegex(said, r"^203\.0\.113\.60: forgotten\n")
        self.assertEqual(self.ask_checker("203.0.113.60"), (1, "203.0.113.60: nothing is remembered\n"))
        self.assertEqual(self.knock(*at), NEW)
        self.assertRegex(self.ask_checker()[1], r"(?m)^  known clients +[0-9]+$")


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
        """Two at once: a client that met one passes at the other, and then at both."""
        at = ("192.0.2.51", "a@shared.example", USER)
        self.assertEqual(self.knock(*at), NEW)
        other = harness.Daemon(self.config(port=harness.MILTER2_PORT, metrics=("127.0.0.1", 9151)),
                               probe=("127.0.0.1", harness.MILTER2_PORT)).start()
        self.addCleanup(other.end)
        self.assertEqual(self.send(at[0], helo=HELO, sender=at[1], port=harness.ENFORCE_PORT).rcpt[0].code, 451)
        other.wait_log("memory=early")
        time.sleep(DELAY)
        self.assertTrue(self.send(at[0], helo=HELO, sender=at[1], port=harness.ENFORCE_PORT).accepted())
        other.wait_log("memory=passed")
        self.assertEqual(self.knock(*at), PASSED)
        self.assertIsNone(other.sound())

    def test_H10_server_restarts(self):
        """It has forgotten all, which is no fault: nobody is refused, and it goes on."""
        at = ("192.0.2.57", "a@restarted.example", USER)
        self.assertEqual(self.knock(*at), NEW)
        self.store.end()
        self.store.start()
        self.assertEqual(self.knock(*at), NEW)
        time.sleep(DELAY)
        self.assertEqual(self.knock(*at), PASSED)


if __name__ == "__main__":
    unittest.main()
