"""What the daemon asks of the MTA at the start of a connection: no step and no reply more than the settings need.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import harness
import milterclient

ACTIONS = {"add": 0x1, "change": 0x10, "quarantine": 0x20}
STEPS = {"connect": 0x1, "helo": 0x2, "mail": 0x4, "rcpt": 0x8, "body": 0x10, "headers": 0x20, "end of headers": 0x40,
         "unknown": 0x100, "data": 0x200}
REPLIES = {"connect": 0x1000, "helo": 0x2000, "mail": 0x4000, "rcpt": 0x8000, "headers": 0x80, "end of headers": 0x40000,
           "data": 0x10000}
ALWAYS = "connect, helo, mail, data, end of headers"
QUARANTINE = 'rules: { q: { when = ["ptr-many"] action = "quarantine" }; };'
TO = 'rules: { t: { when = ["iprev-fail"] action = "reject" to = ["@example.org"] }; };'

# settings: mode, reject-at, more; actions; steps beside ALWAYS; replies beside connect, helo and data
ROWS = [
    ("monitor", "rcpt", "", "add, change", "rcpt, headers", "", "the defaults"),
    ("enforce", "rcpt", "", "add, change", "rcpt, headers", "rcpt", "it refuses at RCPT"),
    ("enforce", "mail", "", "add, change", "headers", "mail", "at MAIL"),
    ("enforce", "helo", "", "add, change", "headers", "mail", "MAIL looks again: HELO and a login are known only then"),
    ("enforce", "connect", "", "add, change", "headers", "mail", "the same"),
    ("monitor", "mail", "", "add, change", "headers", "", "nothing is refused"),
    ("monitor", "rcpt", "exempt: { recipients = []; };", "add, change", "headers", "", "nothing depends on recipients"),
    ("enforce", "rcpt", "exempt: { recipients = []; };", "add, change", "rcpt, headers", "rcpt", "RCPT is where it refuses"),
    ("monitor", "rcpt", TO + "exempt: { recipients = []; };", "add, change", "rcpt, headers", "", "a rule names recipients"),
    ("monitor", "mail", QUARANTINE, "add, change", "rcpt, headers", "", "exempt recipients spare from quarantine"),
    ("monitor", "mail", QUARANTINE + "exempt: { recipients = []; };", "add, change", "headers", "", "there are none"),
    ("enforce", "rcpt", QUARANTINE, "add, change, quarantine", "rcpt, headers", "rcpt", "it quarantines"),
    ("monitor", "rcpt", "headers: { authentication-results = false; };", "add, change", "rcpt, headers", "", "one field"),
    ("monitor", "rcpt", "headers: { x-iprev = false; };", "add, change", "rcpt, headers", "", "the other"),
    ("monitor", "rcpt", "headers: { authentication-results = false; x-iprev = false; };", "change", "rcpt, headers", "",
     "no field is added"),
    ("monitor", "rcpt", "headers: { remove-forged = false; };", "add", "rcpt", "", "no field is read"),
    ("monitor", "rcpt", 'headers: { remove-forged = false; }; trusted-relays = ["192.0.2.25"];', "add", "rcpt, headers", "",
     "Received is read"),
]


def words(text):
    """A set of the words of a list."""
    return set(text.split(", ")) - {""}


def chosen(table, bits):
    """The words whose bit is set."""
    return {word for word, bit in table.items() if bits & bit}


class Negotiation(harness.Case):
    """One daemon, and a reload for each row."""

    dns = "mail.good.example A 192.0.2.10\n"

    def test_what_is_asked_for(self):
        """Actions, steps, and the steps that are answered."""
        for mode, reject_at, more, actions, steps, replies, why in ROWS:
            with self.subTest(why):
                self.daemon.reload(harness.configuration(more, mode=mode, reject_at=reject_at))
                with milterclient.MilterClient() as milter:
                    milter.negotiate()
                    self.assertEqual(chosen(ACTIONS, milter.actions), words(actions))
                    self.assertEqual(set(STEPS) - chosen(STEPS, milter.protocol), words(ALWAYS) | words(steps))
                    self.assertEqual(set(REPLIES) - chosen(REPLIES, milter.protocol),
                                     {"connect", "helo", "data"} | words(replies))
