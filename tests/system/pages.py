"""Reads the pages for administrators, so that tests can do what they say.

A page is Markdown. A fenced block names the file that its lines belong to (main.cf, sendmail.mc),
or sh for commands. Its section is the heading above it, "" before the first one.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import os
import re

import harness

BLOCK = re.compile(r"(?ms)^## ([^\n]*)$|^```(\S[^\n]*)\n(.*?)^```$")


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
                    self.blocks.append((section, name, text))

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
