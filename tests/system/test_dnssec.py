"""DNSSEC: answers that do not validate (B22), and trust anchors that are not there (E19).

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import os
import subprocess

import harness

CONFIG = 78
DNS = r"""
mail.good.example               A    192.0.2.10
10.2.0.192.in-addr.arpa         PTR  mail.good.example
11.2.0.192.in-addr.arpa         TXT  empty
15.2.0.192.in-addr.arpa         PTR  mail.bank.example
mail.bank.example               A    198.51.100.1
mail.good.test2                 A    192.0.2.16
16.2.0.192.in-addr.arpa         PTR  mail.good.test2
helo.bogus.example              A    192.0.2.16
"""

# Somebody's key: our server's answers are not signed at all.
ANCHOR = "%s. 3600 IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"


class Bogus(harness.Case):
    """Below example. nothing validates; the reverse tree and test2. are not anchored."""

    dns = DNS

    @classmethod
    def setUpClass(cls):
        cls.furnish()
        path = cls.world.path("anchor")
        with open(path, "w", encoding="ascii") as file:
            file.write(ANCHOR % "example")
        cls.daemon = harness.Daemon(harness.configuration(
            mode="enforce", resolver='trust-anchor = "%s"' % path)).start()

    def test_B22_bogus_is_no_proof(self):
        """Neither a match nor a mismatch that does not validate counts; the wait ends at once."""
        for source in ("192.0.2.10", "192.0.2.15"):
            result = self.send(source, "mail.good.test2")
            self.assertTrue(result.accepted(), result.transcript)
            self.assertLess(result.seconds - result.greeted, 7)
            self.check_headers(result.message, "temperror", "dns-bogus", source)

    def test_B22_many_waiters_are_let_go(self):
        """Thirty at once, then a client whose zones nobody anchored."""
        def client():
            result = self.send("192.0.2.10", "mail.good.test2")
            return self.xiprev(result.message)["result"]
        self.assertEqual(set(harness.together([client] * 30)), {"temperror"})
        result = self.send("192.0.2.16", "mail.good.test2")
        self.check_headers(result.message, "pass", None, "192.0.2.16")

    def test_B22_bogus_helo(self):
        """A HELO name that does not validate is helo-temperror."""
        result = self.send("192.0.2.16", "helo.bogus.example")
        self.assertIn("helo-temperror", self.check_headers(result.message, "pass", None, "192.0.2.16")["findings"])

    def test_unanchored_zones_stay_usable(self):
        """No PTR is still proven where no anchor stands above."""
        self.assertEqual(self.send("192.0.2.11", "[192.0.2.11]").rcpt[0].code, 550)


class Expired(harness.Case):
    """An anchor that no longer holds: the root key of 2010 to 2018, before servers that have another or none."""

    dns = DNS

    @classmethod
    def setUpClass(cls):
        cls.furnish()
        path = cls.world.path("old-anchor")
        with open(path, "w", encoding="ascii") as file:
            file.write(". IN DS 19036 8 2 49AAC11D7B6F6446702E54A1607371607A1A41855200FD2CE1CDDE32F24E8FB5\n")
        cls.daemon = harness.Daemon(harness.configuration(
            mode="enforce", resolver='trust-anchor = "%s"' % path)).start()

    def test_E19_expired_key(self):
        """It starts, and no address of a name is proven: temperror for a match and for a mismatch. (The reverse
        tree of our clients is free of DNSSEC: insecure-lan-zones.)"""
        for source in ("192.0.2.10", "192.0.2.15"):
            result = self.send(source, "mail.good.test2")
            self.assertTrue(result.accepted(), result.transcript)
            self.check_headers(result.message, "temperror", "dns-bogus", source)


class Anchor(harness.Case):
    """The file of the trust anchor."""

    dns = DNS

    @classmethod
    def setUpClass(cls):
        cls.furnish()

    def try_anchor(self, path, *args):
        """The finished process of a daemon that has this trust anchor."""
        conf = self.world.path("anchor.conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write(harness.configuration(resolver='trust-anchor = "%s"' % path))
        return subprocess.run([harness.program(), "-c", conf, *args], capture_output=True, text=True, timeout=20,
                              check=False)

    def test_E19_missing_or_unreadable(self):
        """Found by -t and by the start, not by the first client."""
        texts = {"empty": "", "comment": "; no key is in here\n", "junk": "this is no key\n"}
        for name, text in texts.items():
            with open(self.world.path(name), "w", encoding="ascii") as file:
                file.write(text)
        files = [self.world.path(name) for name in texts]
        for path in ["/nonexistent/root.key", os.path.dirname(files[0])] + files:
            for args in (("-t",), ()):
                done = self.try_anchor(path, *args)
                self.assertEqual(done.returncode, CONFIG, (path, args, done.stdout, done.stderr))
                self.assertRegex(done.stderr, "trust.anchor")
                self.assertIn(path, done.stderr)
                if not path.endswith("junk"):  # which libunbound finds, who knows of no line
                    self.assertRegex(done.stderr, r"anchor\.conf:\d+: resolver\.trust-anchor: ")
