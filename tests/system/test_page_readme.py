"""README.md: what it shows is what happens, and what it says to type works.

The two lines for Postfix and Sendmail are tested with the pages of the two; the commands of the
installation in a bare Debian, by make check-release.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import os
import re
import subprocess
import time

import harness
import milterclient
import pages

DNS = r"""
mail.example.com         A    192.0.2.1
1.2.0.192.in-addr.arpa   PTR  mail.example.com
"""

INSTALL, ARRIVES, ENFORCE, HELP = "Install", "What arrives in a message", "From monitor to enforce", "Troubleshooting"
LOCAL, LIST = "/etc/iprev-milter.conf.d/local.conf", "/etc/iprev-milter.exempt"


def folded(text):
    """Without line breaks and indents."""
    return " ".join(text.split())


class Readme(harness.Case):
    """One filter, in monitor mode."""

    dns = DNS
    settings = {"log": "info"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.page = pages.Page("README.md", {LIST: cls.world.path("exempt")})
        with open(os.path.join(harness.tree(), "README.md"), encoding="utf-8") as file:
            cls.text = file.read()

    def test_message(self):
        """Both fields, and the line of the log, are those of a message."""
        milter, _ = milterclient.session(client="192.0.2.1", helo="mail.example.com")
        with milter:
            fields = {name: folded(value) for _, name, value in milter.inserted()}
        shown = self.page.text(ARRIVES, "header")
        for name, value in fields.items():
            self.assertIn("%s: %s" % (name, value), folded(shown))
        self.assertEqual(len(re.findall(r"(?m)^\S+: ", shown)), len(fields))
        shown = folded(self.page.text(ARRIVES, "log")).partition(" name-why=")[0]
        pattern = re.sub(r"(dns|wait)=[\d/]+", r"\1=[0-9/]+", re.sub(r"qid=\w+ ", "", shown)).replace(".", r"\.")
        self.assertRegex(self.daemon.wait_log("client=192.0.2.1 .*\n").group(0), pattern)

    def test_refusal(self):
        """The reply to a client without a PTR record, with the settings of the page; the one in the list is let in."""
        with open(self.page.swaps[LIST], "w", encoding="ascii") as file:
            file.write(self.page.text(ENFORCE, LIST))
        daemon = harness.Daemon(harness.configuration(self.page.text(ENFORCE, LOCAL), port=8892, mode="enforce"),
                                probe=("127.0.0.1", 8892)).start()
        try:
            replies = {client: self.at_rcpt(daemon, client) for client in ("192.0.2.7", "192.0.2.9", "198.51.100.1")}
        finally:
            daemon.kill()
        self.assertEqual(folded(replies.pop("192.0.2.7")), folded(self.page.text(ENFORCE, "reply")))
        self.assertEqual(set(replies.values()), {""})

    def test_gentle(self):
        """The file that is copied is installed there; with it and the list, a stranger is put off and comes back."""
        source, target = re.search(r"(?m)^cp (\S+) (\S+)$", self.page.text(ENFORCE, "sh")).groups()
        self.assertEqual(os.path.dirname(target), os.path.dirname(LOCAL))
        place = self.world.path("installed")
        os.makedirs(place)
        subprocess.run(["make", "-s", "-C", os.environ.get("BUILD_DIR", os.path.dirname(harness.program())), "install-dist_examplesDATA",
                        "DESTDIR=" + place, "docdir=/usr/local/share/doc/iprev-milter"], check=True, capture_output=True)
        with open(place + source, encoding="utf-8") as file:
            text = file.read().replace('mode = "enforce";', "").replace(
                "/var/lib/iprev-milter/memory.db\";", place + "/state/memory.db\"; greylist-delay-seconds = 2;")
        with open(self.page.swaps[LIST], "w", encoding="ascii") as file:
            file.write(self.page.text(ENFORCE, LIST))
        daemon = harness.Daemon(harness.configuration(text + self.page.text(ENFORCE, LOCAL), port=8893, mode="enforce"),
                                probe=("127.0.0.1", 8893)).start()
        try:
            self.until(lambda: os.path.exists(place + "/state/memory.key"))
            first = {client: self.at_rcpt(daemon, client) for client in ("192.0.2.7", "192.0.2.9", "192.0.2.1")}
            self.assertRegex(first["192.0.2.7"], r"^451 4\.7\.1 .*try again in 2 seconds")
            self.assertEqual((first["192.0.2.9"], first["192.0.2.1"]), ("", ""))
            time.sleep(2.1)
            self.assertEqual(self.at_rcpt(daemon, "192.0.2.7"), "")
        finally:
            daemon.kill()

    @staticmethod
    def at_rcpt(daemon, client):
        """What the filter says to it at RCPT."""
        with milterclient.MilterClient(daemon.probe) as milter:
            milter.negotiate()
            milter.connect(client)
            milter.helo("mail.example.com")
            milter.mail()
            return milter.rcpt().text

    def test_commands_exist(self):
        """iprev-check knows every command of the page: none is a usage error."""
        found = set(re.findall(r"`(iprev-check [^`]*)`", self.text))
        self.assertGreaterEqual(len(found), 4)
        for command in found:
            words = command.replace("IP", "192.0.2.1").replace("HELO", "mail.example.com").replace("/var/log/mail.log*", os.devnull).split()
            program = os.environ.get("IPREV_CHECK") or os.path.join(os.path.dirname(harness.program()), "iprev-check")
            done = subprocess.run([program, *words[1:]], capture_output=True, text=True, check=False, timeout=60)
            self.assertNotEqual(done.returncode, 64, "%s: %s" % (command, done.stderr))

    def test_length_and_links(self):
        """At most 150 lines, and every link leads to a file and a heading."""
        self.assertLessEqual(len(self.text.splitlines()), 150)
        for path, heading in re.findall(r"\]\(([^)#]+)(#[^)]*)?\)", self.text):
            path = os.path.join(harness.tree(), path)
            self.assertTrue(os.path.exists(path), path)
            if heading:
                with open(path, encoding="utf-8") as file:
                    self.assertIn(heading[1:], [line[3:].strip().lower().replace(" ", "-") for line in file if line.startswith("## ")])

    def test_no_other_block(self):
        """Every block of the page is tested, here or where the first lines of this file say."""
        self.assertEqual(self.page.index(), {
            (INSTALL, "sh"), (INSTALL, "main.cf"), (INSTALL, "sendmail.mc"), (ARRIVES, "header"), (ARRIVES, "log"),
            (ENFORCE, LIST), (ENFORCE, LOCAL), (ENFORCE, "sh"), (ENFORCE, "reply")})
