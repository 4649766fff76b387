"""One transaction played through the daemon behind a real Postfix, and its log through iprev-check replay: both decide each
recipient alone, and in the same way.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import json
import os
import subprocess

import harness
import netns

HELO = "pc.nowhere.example"
LAB, FRIEND, USER = "lab@example.org", "friend@example.org", "user@example.org"
RULES = """
builtin-rules = false
rules: {
  friends: { when = ["iprev-permerror"] action = "accept" to = ["friend@example.org"] };
  lab: { when = ["iprev-permerror"] action = "reject" to = ["lab@example.org", "@lab.example"] };
  trial: { when = ["iprev-permerror"] action = "reject" mode = "monitor" };
  rest: { when = ["iprev-permerror", "!client-known"] action = "tempfail" };
}
"""
# Recipients, and what is decided: (rule, action) once for each decision.
TABLE = [
    ([LAB], {("lab", "reject")}),
    ([FRIEND], {("friends", "accept")}),
    ([USER], {("rest", "tempfail")}),
    ([LAB, FRIEND], {("lab", "reject"), ("friends", "accept")}),
    ([FRIEND, LAB], {("lab", "reject"), ("friends", "accept")}),
    ([USER, FRIEND, LAB], {("rest", "tempfail"), ("friends", "accept"), ("lab", "reject")}),
    ([USER, "two@example.org"], {("rest", "tempfail")}),
]


class Mixed(harness.Case):
    """Rules for some recipients, and one on trial."""

    @classmethod
    def setUpClass(cls):
        cls.furnish()
        cls.daemon = harness.Daemon(harness.configuration(mode="enforce", extra=RULES)).start()

    def told(self):
        """What the daemon decided, without the trial."""
        lines = [line for line in self.daemon.log()[self.log_start:].split("\n") if " action=" in line]
        found = {(d["rule"], d["action"]) for d in map(harness.read_fields, lines) if d["stage"] != "trial"}
        return found, lines

    def replayed(self, text, config):
        """What replay decides, by the log alone: rules that decided about a message, and the messages of the rule on trial."""
        base = os.path.join(netns.work_dir(), "mixed")
        for name, content in ((".conf", config), (".log", text)):
            with open(base + name, "w", encoding="utf-8") as file:
                file.write(content)
        done = subprocess.run([harness.program("iprev-check"), "replay", "-c", base + ".conf", "--no-dns", "--json", base + ".log"],
                              capture_output=True, timeout=60, check=True)
        data = json.loads(done.stdout)
        rules = {(r["rule"], r["action"]): r["messages"] for r in data["rules"] if r["messages"] and not r["trial"]}
        trial = [r["messages"] for r in data["rules"] if r["trial"]]
        return rules, trial, {o: sum(a[o] for a in data["actions"].values()) for o in ("delivered", "refused-iprev-milter")}

    def play(self, mode, rcpt, decisions):
        """(daemon's decisions, replay's, the same of the daemon's lines alone) of one transaction with so many decisions."""
        config = harness.configuration(mode=mode, extra=RULES)
        self.daemon.reload(config)
        self.log_start, begun = len(self.daemon.log()), len(self.world.mta.log())
        result = self.send("192.0.2.11", helo=HELO, sender="a@mixed.example", rcpt=list(rcpt))
        taken = sum(r.code == 250 for r in result.rcpt)
        self.until(lambda: self.world.mta.log()[begun:].count("status=sent") >= taken)
        self.until(lambda: len(self.told()[0]) >= decisions)
        told, lines = self.told()
        early = [line for line in lines if " stage=rcpt" in line]
        late = [line for line in lines if line not in early]
        mail = self.world.mta.log()[begun:]
        whole = self.replayed("\n".join(early) + "\n" + mail + "\n".join(late) + "\n", config)
        return told, whole, self.replayed("\n".join(lines) + "\n", config), taken

    def test_each_recipient_is_decided_alone(self):
        """The table, in both modes."""
        for mode in ("enforce", "monitor"):
            for rcpt, expected in TABLE:
                with self.subTest(mode=mode, rcpt=rcpt):
                    told, (rules, trial, became), own, taken = self.play(mode, rcpt, len(expected))
                    refused = len(rcpt) - taken
                    self.assertEqual(told, expected)
                    self.assertEqual(set(rules), expected)
                    self.assertEqual(became["refused-iprev-milter"], refused)
                    self.assertEqual(trial, [rules.get(("rest", "tempfail"), 0)], "it stands behind friends and lab")
                    self.assertEqual(set(own[0]), expected, "by our own lines alone")

    def test_messages_are_counted_once_for_each_decision(self):
        """Two that are refused, of one kind, are two refusals; two that are taken are one message."""
        _, (rules, _, became), _, _ = self.play("enforce", [LAB, USER, LAB], 2)
        self.assertEqual(rules, {("lab", "reject"): 2, ("rest", "tempfail"): 1})
        self.assertEqual(became["refused-iprev-milter"], 3)
        _, (rules, _, became), _, _ = self.play("monitor", [USER, "two@example.org", LAB], 2)
        self.assertEqual(rules, {("rest", "tempfail"): 1, ("lab", "reject"): 1})

    def test_rules_for_somebody_else_do_not_show(self):
        """A message that only exempt recipients get: log and header speak of the rules for them."""
        postmaster, exempt = "postmaster@example.org", ("exempt.recipients", "accept")
        rules = ('friends: { when = ["iprev-permerror"] action = "accept" to = ["friend@example.org"] }; '
                 'lab: { when = ["iprev-permerror"] action = "reject" to = ["lab@example.org", "abuse@example.org"] }; '
                 'trial: { when = ["iprev-permerror"] action = "reject" to = ["friend@example.org"] mode = "monitor" }; '
                 'rest: { when = ["iprev-permerror"] action = "tag" };')
        for rcpt, expected, sentence in (
                ([postmaster], ("rest", "tag"), "no rule is for postmaster alone, the last one is for all"),
                (["abuse@example.org"], exempt, "named in a rule, and exempt"),
                ([postmaster, "abuse@example.org"], exempt, "the rule applies to one of them"),
                (["abuse@example.org", postmaster], exempt, "in either order"),
                ([postmaster, LAB], ("rest", "tag"), "the other one has been refused")):
            with self.subTest(sentence, rcpt=rcpt):
                self.daemon.reload(harness.configuration(mode="enforce", extra="builtin-rules = false\nrules: { %s }\n" % rules))
                self.log_start = len(self.daemon.log())
                fields = self.xiprev(self.send("192.0.2.11", helo=HELO, sender="a@mixed.example", rcpt=rcpt).message)
                self.assertEqual((fields["rule"], fields["action"]), expected)
                line = self.decision({"stage": "eom"})
                self.assertEqual((line["rule"], line["action"]), expected)
                self.assertNotIn("stage=trial", self.daemon.log()[self.log_start:])
