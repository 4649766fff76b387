"""The shipped SpamAssassin rules, run by a real SpamAssassin on messages that
went through the filter.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import glob
import os
import re
import shutil
import subprocess
import unittest

import scored
import servers

WITHOUT = servers.why_not("spamassassin")
LOCAL_CF = """
use_bayes 0
add_header all Scores _TESTSSCORES(,)_
"""
AUTHRES = """
ifplugin Mail::SpamAssassin::Plugin::AuthRes
authres_trusted_authserv mx.example.org
endif
"""


def spamassassin(arguments, raw=b"", site=None):
    """Runs it with a site's configuration; the completed process."""
    root = servers.root_of("spamassassin")
    paths = [os.path.join(root, "usr/share/perl5")] + \
        sorted(glob.glob(os.path.join(root, "usr/lib/*/perl5/*"))) + \
        sorted(glob.glob(os.path.join(root, "usr/share/perl/*")))
    argv = ["perl", "-T"] + [word for path in paths for word in ("-I", path)] + \
        [os.path.join(root, "usr/bin/spamassassin"), "-L", "-p", os.devnull, "--siteconfigpath=" + site,
         "--configpath=" + os.path.join(root, "usr/share/spamassassin")] + arguments
    return subprocess.run(argv, input=raw, capture_output=True, timeout=120, check=False,
                          env=dict(os.environ, HOME=site, LC_ALL="C"))


class Site(scored.Scored):
    """Debian's own configuration and rules, and our file among them. Postfix looks up names, for the rules about them."""

    world_options = {"peername_lookup": True}
    plugin = False
    threshold = 5.0

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.site = cls.world.path("spamassassin-%s" % cls.__name__)
        shutil.copytree(os.path.join(servers.root_of("spamassassin"), "etc/spamassassin"), cls.site)
        shutil.copy(scored.shipped("spamassassin", "iprev.cf"), cls.site)
        with open(os.path.join(cls.site, "local.cf"), "a", encoding="ascii") as file:
            file.write(LOCAL_CF + AUTHRES)
        if cls.plugin:
            with open(os.path.join(cls.site, "v401.pre"), "a", encoding="ascii") as file:
                file.write("\nloadplugin Mail::SpamAssassin::Plugin::AuthRes\n")

    def run_it(self, *arguments, raw=b""):
        """Its output and what it said on the way; AssertionError when it failed."""
        done = spamassassin(list(arguments), raw, self.site)
        self.assertEqual(done.returncode, 0, done.stderr.decode("latin-1"))
        return done.stdout.decode("latin-1"), done.stderr.decode("latin-1")

    def all_scores(self, raw, *arguments):
        """{rule: score} of all rules, and what it said on the way."""
        text, said = self.run_it(*arguments, raw=raw)
        scores = re.search(r"(?m)^X-Spam-Scores: (.*(?:\n[ \t].*)*)", text).group(1)
        return {name: float(value) for name, value in re.findall(r"(\w+)=(-?[0-9.]+)", re.sub(r"\s+", "", scores))}, said

    def score(self, raw, source, helo):
        return {name: value for name, value in self.all_scores(raw)[0].items() if name.startswith("IPREV_")}

    def check_lint(self):
        """Our file is clean among Debian's own rules."""
        _, said = self.run_it("--lint")
        self.assertEqual(said.strip(), "")


@unittest.skipIf(WITHOUT, WITHOUT)
class SpamAssassin(Site):
    """X-IPRev alone."""

    def test_lint(self):
        """Without the plugin, as Debian has it."""
        self.check_lint()

    def test_lint_alone(self):
        """The check of cleanness does find faults: one is put in."""
        broken = self.site + "-broken"
        shutil.copytree(self.site, broken)
        with open(os.path.join(broken, "iprev.cf"), "a", encoding="ascii") as file:
            file.write("\nheader IPREV_WRONG X-IPRev =~ /(/\n")
        self.assertNotEqual(spamassassin(["--lint"], site=broken).returncode, 0)

    def test_forged(self):
        """A forged X-IPRev is gone when SpamAssassin looks."""
        self.check_forged()

    def test_only_the_topmost_counts(self):
        """A second X-IPRev, further down, is not looked at."""
        _, message = self.scored("192.0.2.15", "mail.bank.example")
        raw = message.raw.replace(b"\n\n", b"\nX-IPRev: pass; findings=ptr-generic,helo-self;\n\n", 1)
        self.assertEqual(set(self.score(raw, "", "")), scored.symbols("FAIL HELO_MISMATCH"))

    def test_why_is_no_finding(self):
        """Words of other parts of the field are not taken for findings."""
        raw = (b"X-IPRev: pass; ip=192.0.2.1; ptr=ptr-generic; helo=helo-self;\n"
               b"\tfindings=iprev-pass,ptr-named,helo-verified; rule=helo-self; action=tag; mode=monitor;\n"
               b"\tname-why=\"findings of helo-self, ptr-generic;\"\nSubject: x\n\nx\n")
        self.assertEqual(set(self.score(raw, "", "")), {"IPREV_PASS"})


@unittest.skipIf(WITHOUT, WITHOUT)
class AuthRes(Site):
    """The same with the AuthRes plugin."""

    plugin = True

    def without_x_iprev(self, source, helo="mail.good.example", **rest):
        """A message as a site with x-iprev = false gets it."""
        result = self.send(source, helo, port=self.port, **rest)
        self.assertTrue(result.accepted(), result.transcript)
        head, _, body = result.message.raw.partition(b"\n\n")
        kept = re.sub(rb"(?im)^X-IPRev:.*\n(?:[ \t].*\n)*", b"", head + b"\n")
        return kept + b"\n" + body

    def test_lint(self):
        """With the plugin."""
        self.check_lint()

    def test_parses_our_field(self):
        """AuthRes reads every Authentication-Results of ours, with nothing skipped."""
        for one in scored.SENT:
            if ":" in one.source and "ipv6" in self.world.lacking:
                continue
            raw = self.without_x_iprev(one.source, one.helo)
            scores, said = self.all_scores(raw, "-D", "authres")
            result = one.symbols.split()[0]
            self.assertIn("results: iprev=" + result.lower(), said)
            self.assertNotIn("skipping", said)
            self.assertEqual({name for name in scores if name.startswith("IPREV_")}, {"IPREV_" + result})

    def test_other_authserv_id_is_not_believed(self):
        """authres_trusted_authserv is what decides."""
        raw = self.without_x_iprev("192.0.2.15").replace(b"Results: mx.example.org", b"Results: mx.other.example")
        self.assertEqual(self.score(raw, "", ""), {})


CLIENTS = {
    "in order": ("192.0.2.10", "mail.good.example"),
    "no PTR record, HELO a host name": ("192.0.2.11", "mail.good.example"),
    "PTR name that resolves elsewhere": ("192.0.2.15", "mail.bank.example"),
    "home connection with a HELO name of its own": ("192.0.2.18", "own.small.example"),
    "bot on a home connection, HELO `PC-17`": ("192.0.2.18", "PC-17"),
}
SAME = re.compile(r"RDNS_|HELO_|\w+_HELO_|NO_FM_NAME_IP|TVD_RCVD_IP\b|IPREV_")  # rules about the client's names


@unittest.skipIf(WITHOUT, WITHOUT)
class Combined(Site):
    """What SpamAssassin's own rules and ours make of a client together: the table of the page."""

    def test_table(self):
        """The rules of each row, their points, and the sums. Points of another release may differ."""
        with open(os.path.join(self.site, "local.cf"), "a", encoding="ascii") as file:
            file.write("trusted_networks 127.0.0.0/8\n")
        with open(scored.shipped("spamassassin", "README.md"), encoding="utf-8") as file:
            text = file.read()
        rows = re.findall(r"(?m)^\| ([^|]*) \| ([^|]*) \| ([0-9.]+) \| ([^|]*) \| ([0-9.]+) \|$", text)
        self.assertEqual({row[0] for row in rows}, set(CLIENTS))
        version = re.search(r"SpamAssassin (\d\.\d\.\d)", text).group(1)
        measured = "version %s" % version in self.run_it("--version")[0]
        for client, own, points, ours, together in rows:
            result = self.send(*CLIENTS[client], port=self.port)
            scores = {name: value for name, value in self.all_scores(result.message.raw)[0].items() if SAME.match(name)}
            added = {name: scores.pop(name) for name in list(scores) if name.startswith("IPREV_")}
            self.assertEqual(set(added), set(re.findall(r"IPREV_\w+", ours)), client)
            if measured:
                self.assertEqual(set(scores), set(re.findall(r"[A-Z]\w+", own)), client)
                self.assertAlmostEqual(sum(scores.values()), float(points), delta=0.06, msg=client)
                self.assertAlmostEqual(sum(scores.values()) + sum(added.values()), float(together), delta=0.06, msg=client)


scored.add_rows(SpamAssassin)
