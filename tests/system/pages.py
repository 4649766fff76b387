"""Reads the pages for administrators, so that tests can do what they say.

A page is Markdown. A fenced block names the file that its lines belong to (main.cf, sendmail.mc),
or sh for commands. Its section is the heading above it, "" before the first one.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import os
import re
import textwrap

import harness

BLOCK = re.compile(r"(?ms)^## ([^\n]*)$|^ *```(\S[^\n]*)\n(.*?)^ *```$")


class Page:
    """page = Page("packaging/postfix/README.md", {"/var/spool/postfix": queue})

    swaps: what stands for what in the world of the tests, such as a port or a path."""

    def __init__(self, path, swaps=None):
        self.swaps = dict(swaps or {})
        self.blocks = []  # (section, file, text)
        with open(os.path.join(harness.tree(), path), encoding="utf-8") as file:
            section = ""
            for heading, name, text in BLOCK.findall(file.read()):
                if heading:
                    section = heading
                else:
                    self.blocks.append((section, name, textwrap.dedent(text)))

    def text(self, section, name):
        """The lines for a file in a section, as the test world needs them; they must be there."""
        found = [text for one, file, text in self.blocks if (one, file) == (section, name)]
        if not found:
            raise AssertionError("no block %s under %r" % (name, section))
        text = "".join(found)
        for old, new in self.swaps.items():
            text = text.replace(old, new)
        return text

    def told_elsewhere(self, section, name, path):
        """Does another document of the tree say the same, line breaks and indents aside?"""
        with open(os.path.join(harness.tree(), path), encoding="utf-8") as file:
            return " ".join(self.text(section, name).split()) in " ".join(file.read().split())

    def index(self):
        """(section, file) of every block."""
        return {(section, name) for section, name, _ in self.blocks}


class FirstLines:
    """Tests of the two lines that a page begins with, behind a server that a case makes of them.

    page, first (the section), file (what the lines belong to), serve(settings): the case has these."""

    daemon_text = ""  # the filter's configuration

    def filter(self, more="", probe=("127.0.0.1", 8891), socket=None):
        """The filter, started as root; socket: for -p."""
        args = ["-p", socket] if socket is not None else []
        self.daemons.append(harness.Daemon(self.daemon_text + more, probe, args))
        return self.daemons[-1].start()

    def check_filtered(self, **rest):
        """The good client gets its fields, with forged ones gone."""
        message = self.send("192.0.2.10", headers="Authentication-Results: mx.example.org; iprev=fail", **rest).message
        self.check_headers(message, "pass", None, "192.0.2.10")
        self.assertEqual(len(message.all("Authentication-Results")), 1)

    def check_unfiltered(self, result):
        """Taken, without a field."""
        self.assertTrue(result.accepted(), result.transcript)
        self.assertEqual(result.message.all("X-IPRev"), [])

    def test_two_lines_are_told_everywhere(self):
        """README and the man page say what the page says."""
        for path in ("README.md", "man/iprev-milter.8"):
            self.assertTrue(self.page.told_elsewhere(self.first, self.file, path), path)

    def test_two_lines(self):
        """The filter without a socket line, the server with two."""
        self.filter()
        self.serve(self.page.text(self.first, self.file))
        self.check_filtered()

    def test_E23_default_action(self):
        """No filter, a filter that dies in mid-session, a new one: mail goes through."""
        self.serve(self.page.text(self.first, self.file))
        self.check_unfiltered(self.send("192.0.2.10"))
        first = self.filter()
        with self.connect("192.0.2.10") as client:
            client.read()
            client.say("EHLO mail.good.example")
            first.kill()
            self.check_unfiltered(self.transaction(client, harness.Result()))
        self.filter()
        self.check_filtered()
