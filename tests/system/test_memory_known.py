"""Who becomes a known client, and what that changes, behind a real Postfix, on SQLite and on Redis.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import subprocess
import unittest

import harness
import memories
import milterclient
from memories import DENIED, HELO, NEW, USER, Redis, Sqlite

PARTNER, NAME = "192.0.2.77", "mail.partner.example"
ZONE = "77.2.0.192.in-addr.arpa PTR " + NAME
MACHINE, STRANGER = "192.0.2.18", "192.0.2.60"


class Known:
    """The tests; each class below runs them on its store."""

    def good(self, source, name):
        """A message that counts for a known client."""
        result = self.send(source, helo=name, sender="a@partner.example")
        self.assertTrue(result.accepted(), result.transcript)

    def becomes_known(self):
        """The partner writes on two days."""
        before = self.store.count("known")
        self.good(PARTNER, NAME)
        self.good(PARTNER, NAME)
        self.assertEqual(self.store.count("known"), before, "two messages of one day make nobody known")
        self.store.age("seen", 1)
        self.again()
        self.good(PARTNER, NAME)
        self.assertEqual(self.store.count("known"), before + 1)

    def loses_its_name(self):
        """The reverse zone of the partner vanishes, until the end of the test."""
        self.world.dns.script.forget(ZONE.split(maxsplit=1)[0])
        self.addCleanup(self.world.dns.add, ZONE)
        self.again()  # it forgets the answers

    def setUp(self):
        super().setUp()
        self.store.forget()
        self.again()

    def test_known_client(self):
        """Two days, then the reverse zone vanishes: the client is known, by word, log and metrics, for thirty days."""
        self.becomes_known()
        self.loses_its_name()
        self.assertEqual(self.knock(PARTNER, "a@partner.example", USER), (250, "known"))
        shown = self.xiprev(self.last.message)
        self.assertEqual((shown["rule"], shown["action"]), ("known", "tag"))
        self.assertIn("client-known", shown["findings"])
        self.assertIn("client-known", self.decision({"client": PARTNER})["findings"])
        self.assertNotIn("known", self.ours(self.last.message))
        self.assertGreater(self.metric('iprev_known_total{outcome="known"}'), 0)
        self.assertRegex(self.explained(), r"(?s)^192\.0\.2\.77 is tagged by rule known: .*\n  memory: known client, until 20")
        self.store.age("known", 30)
        self.again()
        self.assertEqual(self.knock(PARTNER, "a@partner.example", USER), (250, "known"))
        self.store.age("known", 1)
        self.again()
        self.assertEqual(self.knock(PARTNER, "a@partner.example", USER), NEW)
        self.assertRegex(self.explained(), r"(?s)^192\.0\.2\.77 is put off on its first try .*\n  memory: not a known client\n")

    def explained(self):
        """What iprev-check says of the partner, beside the daemon."""
        return subprocess.run([harness.program("iprev-check"), "-c", self.daemon.config_path, PARTNER, HELO],
                              capture_output=True, text=True, timeout=60, check=False).stdout

    def test_not_asked_without_need(self):
        """Where no rule wants to know, nobody asks, and the word is not shown."""
        self.becomes_known()
        asked = self.metric('iprev_known_total{outcome="known"}') + self.metric('iprev_known_total{outcome="unknown"}')
        self.good(PARTNER, NAME)
        self.assertNotIn("memory", self.decision({"client": PARTNER}))
        self.assertNotIn("client-known", self.xiprev(self.last.message)["findings"])
        self.assertEqual(
            self.metric('iprev_known_total{outcome="known"}') + self.metric('iprev_known_total{outcome="unknown"}'), asked)

    def test_built_in_rules(self):
        """They refuse a stranger without a name, not the partner of yesterday; and without a store neither."""
        self.becomes_known()
        self.use(rules="builtin-rules = true\n")
        self.loses_its_name()
        self.assertEqual(self.knock(STRANGER, "a@bot.example", USER)[0], 550)
        self.assertEqual(self.knock(PARTNER, "a@partner.example", USER), (250, "known"))
        self.assertEqual(self.knock(DENIED[0], "a@bank.example", USER)[0], 550)
        sick = type("Sick", (), {"text": "sqlite:/proc/none/memory.db", "more": ""})
        self.use(sick, rules="builtin-rules = true\n")
        for client in (STRANGER, PARTNER, DENIED[0]):
            self.assertEqual(self.knock(client, "a@any.example", USER), memories.GONE, client)

    def nobody_is_noted(self, what, *messages):
        """What is sent on two days makes nobody known, and leaves nothing."""
        for _ in range(2):
            for source, more in messages:
                self.send(source, **{"helo": HELO, "sender": "a@bot.example", **more})
            for table in ("seen", "known"):
                self.assertEqual(self.store.count(table), 0, what)
            self.again()

    def test_not_poisoned(self):
        """By a bot on a confirmed line, mail that is put off, forged, refused, or without a name."""
        rows = {
            "machine-made, though confirmed": (MACHINE, {}),
            "put off": (STRANGER, {}),
            "refused": (DENIED[0], {"helo": DENIED[1]}),
            "exempt recipient": (STRANGER, {"rcpt": "postmaster@example.org"}),
            "exempt recipient, and refused for another": (DENIED[0], {"rcpt": ["postmaster@example.org", USER]}),
        }
        for what, message in rows.items():
            self.nobody_is_noted(what, message)

    def test_not_poisoned_by_exemptions(self):
        """By networks and lists that are exempt, though confirmed, and by mail for postmaster alone."""
        with open(self.world.path("exempt"), "w", encoding="ascii") as file:
            file.write("192.0.2.77\n")
        self.use(more='exempt: { networks = ["192.0.2.10"] lists = ["%s"] }' % self.world.path("exempt"))
        self.nobody_is_noted("networks", ("192.0.2.10", {"helo": "mail.good.example"}))
        self.nobody_is_noted("lists", (PARTNER, {"helo": NAME}))

    def test_not_poisoned_by_what_a_rule_would_do(self):
        """Tagged, held, or in monitor mode what enforcing would have refused."""
        rule = 'builtin-rules = false rules: { all: { when = ["iprev-pass"] action = "%s" } }\n'
        for mode, action in (("enforce", "tag"), ("monitor", "quarantine"), ("monitor", "reject"), ("monitor", "tempfail"),
                             ("monitor", "greylist")):
            self.use(mode=mode, rules=rule % action)
            self.nobody_is_noted("%s %s" % (mode, action), (PARTNER, {"helo": NAME}))
        self.use(rules=rule % "quarantine")
        milterclient.session(client=PARTNER, helo=NAME)
        self.assertEqual(self.decision({"client": PARTNER})["action"], "quarantine")
        self.assertEqual(self.store.count("seen"), 0)

    def test_not_poisoned_by_a_login(self):
        """Our users' own lines."""
        with self.connect("192.0.2.10") as client:
            client.read()
            client.say("EHLO laptop")
            self.assertEqual(client.auth("alice", "wonder").code, 235)
            self.assertTrue(self.transaction(client, harness.Result()).accepted())
        self.assertEqual(self.store.count("seen"), 0)

    def test_not_poisoned_behind_a_relay(self):
        """Neither the relay nor whom it names."""
        self.use(more='trusted-relays = ["203.0.113.25"]')
        result = self.send("203.0.113.25", helo="relay.example.org", sender="a@relayed.example", headers=(
            "Received: from mail.partner.example (mail.partner.example [192.0.2.77])\n\tby relay.example.org (Postfix) "
            "with ESMTP id 4XyZ12; Sat, 21 Nov 2026 10:00:00 +0000"))
        self.assertTrue(result.accepted(), result.transcript)
        self.assertEqual(self.decision({"client": PARTNER})["action"], "accept")
        self.assertEqual(self.store.count("seen"), 0)

    def test_refused_after_a_message(self):
        """One recipient that was refused spoils the message, not the next one."""
        self.use(rules='builtin-rules = false rules: { lab: { when = ["iprev-pass"] action = "reject" '
                       'to = ["lab@example.org"] } }\n')
        self.send(PARTNER, helo=NAME, rcpt=["lab@example.org", USER])
        self.assertEqual(self.store.count("seen"), 0)
        self.good(PARTNER, NAME)
        self.assertEqual(self.store.count("seen"), 1)


class OnSqlite(Known, memories.Case):
    """In a file."""

    make = Sqlite


class OnRedis(Known, memories.Case):
    """In Redis."""

    make = Redis


if __name__ == "__main__":
    unittest.main()
