"""A resolver that fails at random in 30 of 100 answers (B20): nobody is refused for good who
would not be refused if every answer had come.

The oracle knows what the zone says of each client, so it knows the one true verdict. What is
seen may be that, or temperror and mail that is let in; nothing else.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import collections
import random

import dnsd
import harness
import milterclient

CLIENTS = 450
AT_ONCE = 30

RULES = """
builtin-rules = false rules: { no-ptr: { when = ["iprev-permerror"] action = "reject" };
forged: { when = ["iprev-fail"] action = "reject" };
unrelated: { when = ["ptr-named", "!helo-verified", "!helo-forward", "!helo-aligned"] action = "reject" };
many: { when = ["ptr-many", "!helo-verified", "!helo-aligned"] action = "reject" }; };
"""

# One who must be refused, and the words of the verdict, when every answer comes.
Truth = collections.namedtuple("Truth", "result refused")


def host(script, name, address):
    """A name with an address."""
    script.append("%s A %s" % (name, address))


def good(script, at, address):
    """In order."""
    script.append("%s PTR mail%d.good.example" % (dnsd.reverse_name(address), at))
    host(script, "mail%d.good.example" % at, address)
    return "mail%d.good.example" % at, Truth("pass", False)


def no_ptr(_, __, ___):
    """Nothing published."""
    return "mail.nobody.example", Truth("permerror", True)


def forged(script, at, address):
    """The name is another's."""
    script.append("%s PTR mail%d.liar.example" % (dnsd.reverse_name(address), at))
    host(script, "mail%d.liar.example" % at, "198.51.100.1")
    return "mail%d.liar.example" % at, Truth("fail", True)


def nowhere(script, at, address):
    """The name leads nowhere."""
    script.append("%s PTR mail%d.gone.example" % (dnsd.reverse_name(address), at))
    return "mail%d.gone.example" % at, Truth("fail", True)


def one_of_three(script, at, address):
    """Three names; the last one confirms, and HELO is related by it alone."""
    for letter in "abc":
        script.append("%s PTR %s%d.three%d.example" % (dnsd.reverse_name(address), letter, at, at))
        host(script, "%s%d.three%d.example" % (letter, at, at), address if letter == "c" else "198.51.100.2")
    return "c%d.three%d.example" % (at, at), Truth("pass", False)


def by_forward(script, at, address):
    """A HELO that is no PTR name but leads back."""
    good(script, at, address)
    host(script, "helo%d.other.example" % at, address)
    return "helo%d.other.example" % at, Truth("pass", False)


def unrelated(script, at, address):
    """A HELO that is somebody else's: the rule refuses."""
    good(script, at, address)
    host(script, "helo%d.stranger.example" % at, "198.51.100.3")
    return "helo%d.stranger.example" % at, Truth("pass", True)


KINDS = (good, no_ptr, forged, nowhere, one_of_three, by_forward, unrelated)


class RandomFaults(harness.Case):
    """Enforce mode, a short deadline."""

    dns = "* !random-fault 30\n"
    settings = {"mode": "enforce", "extra": RULES, "resolver": "deadline = 600"}

    def one(self, address, helo):
        """(refused for good, result in the header or None, reply)"""
        milter, reply = milterclient.session(client=address, helo=helo)
        milter.close()
        values = {name: value for _, name, value in milter.inserted()}
        if "X-IPRev" in values:
            return False, values["X-IPRev"].partition(";")[0].strip(), reply
        return reply.letter == "r" or reply.text.startswith("5"), None, reply

    def batch(self, clients, seen):
        """Some clients at once, each against its truth."""
        results = harness.together([lambda at=at: self.one(*at[:2]) for at in clients])
        for (address, helo, truth, kind), (refused, result, reply) in zip(clients, results):
            told = (kind, address, helo, truth, result, reply)
            if refused:
                self.assertTrue(truth.refused, told)
                seen[kind, "refused"] += 1
                continue
            self.assertIn(reply.letter, ("c", "a"), told)
            self.assertIn(result, (truth.result, "temperror"), told)
            self.assertEqual(reply.text, "", told)
            seen[kind, result] += 1

    def test_B20_never_refused_by_accident(self):
        """Hundreds of clients of every kind."""
        chance, script, clients, seen = random.Random(11), [], [], collections.Counter()
        for at in range(CLIENTS):
            address, kind = "198.18.%d.%d" % (at // 250, 1 + at % 250), KINDS[at % len(KINDS)]
            helo, truth = kind(script, at, address)
            clients.append((address, helo, truth, kind.__name__))
        self.world.dns.add("\n".join(script))
        chance.shuffle(clients)
        for at in range(0, CLIENTS, AT_ONCE):
            self.batch(clients[at:at + AT_ONCE], seen)
        print("      %s" % ", ".join("%s %s %d" % (*key, n) for key, n in sorted(seen.items())))
        self.assertGreater(sum(n for (_, result), n in seen.items() if result == "temperror"), 4, seen)
        for kind in ("no_ptr", "forged", "nowhere", "unrelated"):
            self.assertGreater(seen[kind, "refused"], CLIENTS // len(KINDS) // 4, seen)
        for kind in ("good", "one_of_three", "by_forward"):
            self.assertGreater(seen[kind, "pass"], CLIENTS // len(KINDS) // 4, seen)
