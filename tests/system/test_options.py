"""The command line and the configuration check: options and exit codes (E13, E15, E20).

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import os
import socket
import subprocess

import harness

USAGE, NO_LISTEN, CONFIG = 64, 69, 78


class Options(harness.Case):
    """The command line. No daemon runs."""

    @classmethod
    def setUpClass(cls):
        cls.furnish()

    def run_it(self, *args):
        """Runs the program to its end."""
        return subprocess.run([harness.program(), *args], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", timeout=30, check=False)

    def check_config(self, text):
        """-t on a text."""
        path = self.world.path("checked.conf")
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        return self.run_it("-t", "-c", path)

    def test_usage(self):
        """64, and nothing starts."""
        for args in (["-x"], ["argument"], ["-c"], ["-t", "more"], ["--nonsense"]):
            done = self.run_it(*args)
            self.assertEqual(done.returncode, USAGE, args)
            self.assertIn("usage", done.stderr.lower())

    def test_version_and_help(self):
        """0, on standard output."""
        for version, help_ in (("-V", "-h"), ("--version", "--help")):
            self.assertRegex(self.run_it(version).stdout, r"^iprev-milter \d+\.\d+")
            done = self.run_it(help_)
            self.assertEqual(done.returncode, 0)
            self.assertIn("usage", done.stdout.lower())

    def test_user_to_come(self):
        """-t on a machine where the user is not there yet: a note, and it goes on."""
        done = self.check_config('user = "not-here"\n')
        self.assertEqual((done.returncode, done.stderr), (0, "iprev-milter: note: there is no user not-here yet; the daemon needs it when started as root\n"))

    def test_what_only_root_may_read(self):
        """-t of root notes each file that the daemon's user cannot read, and prints the settings all the same."""
        place = self.world.path("readable")
        os.makedirs(place + "/c.conf.d")
        os.chmod(place, 0o755)
        files = {"c.conf": 'user = "iprev-milter"\n', "c.conf.d/more.conf": 'exempt: { lists = ["%s/list"] }\n' % place, "list": "192.0.2.1\n"}
        for name, text in files.items():
            with open(os.path.join(place, name), "w", encoding="ascii") as file:
                file.write(text)
        for closed, said in (("", ""), ("c.conf", "%s/c.conf: Permission denied"), ("c.conf.d/more.conf", "%s/c.conf.d/more.conf: Permission denied"),
                             ("list", '%s/c.conf.d/more.conf:1: exempt.lists: "%s/list": Permission denied')):
            for name in files:
                os.chmod(os.path.join(place, name), 0o600 if name == closed else 0o644)
            done = self.run_it("-t", "-c", place + "/c.conf")
            note = "iprev-milter: note: read as user iprev-milter: " + said.replace("%s", place) + "\n" if said else ""
            self.assertEqual((done.returncode, done.stderr, "\nlog: {" in done.stdout), (0, note, True), closed)

    def test_good_configuration(self):
        """-t prints the configuration as understood; what it prints reads back the same."""
        done = self.check_config(harness.configuration('rules: { a: { when = ["iprev-fail"] action = "reject" }; };'))
        self.assertEqual(done.returncode, 0, done.stderr)
        again = self.check_config(done.stdout)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(again.stdout, done.stdout)
        self.assertIn("\n    a: {\n", done.stdout)
        self.assertIn("# mode monitor, rules: a, no-ptr, forged, botlike, bothelo, name servers: ", done.stdout)

    def test_empty_configuration(self):
        """Every key has a default. (The default user may be missing here.)"""
        done = self.check_config('user = ""\n')
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("no-ptr", "forged", "botlike", "monitor", "rcpt", "postmaster"):
            self.assertIn(word, done.stdout)

    def test_E20_bad_configurations(self):
        """78, with file, line, and what is wrong."""
        bad = [
            ("sokcet = x", 1, "sokcet"), ('mode = "sometimes"', 1, "mode"), ('\n\nreject-at = "never"', 3, "reject-at"),
            ("resolver: { deadline = 99999 }", 1, "deadline"), ("resolver: {\n deadline = 9001\n}", 2, "deadline"),
            ("resolver: { deadline = soon }", 1, "deadline"), ("resolver: { depth = 3 }", 1, "depth"),
            ('socket = "inet:70000@localhost"', 1, "socket"), ('socket = "8891"', 1, "socket"),
            ('socket-mode = "0999"', 1, "socket-mode"), ('exempt: { networks = ["192.0.2.0/33"] }', 1, "networks"),
            ('exempt: { networks = ["192.0.2.1/24"] }', 1, "networks"),
            ('rules: { a: { when = ["iprev-fail"] action = "explode" }; };', 1, "action"),
            ('rules: { a: { when = ["iprev-fial"] action = "reject" }; };', 1, "iprev-fial"),
            ('rules: { a: { when = ["iprev-temperror"] action = "reject" }; };', 1, ""),
            ('rules: { a: { when = ["dns-timeout"] action = "reject" }; };', 1, ""),
            ('rules: { a: { when = ["helo-temperror"] action = "reject" }; };', 1, ""),
            ('rules: { a: { when = ["iprev-fail"] action = "reject" };\na: { when = ["ptr-many"] action = "tag" }; };', 2, ""),
            ('rules: { a: { when = ["iprev-fail"] action = "reject" reply = "451 4.7.25 x" }; };', 1, "reply"),
            ('rules: { a: { when = ["iprev-fail"] action = "reject" reply = "550 4.7.25 x" }; };', 1, "reply"),
            ('rules: { a: { when = ["iprev-fail"] action = "reject" reply = "550 5.7.25 {who}" }; };', 1, "reply"),
            ('rules: { a: { when = ["iprev-fail"] action = "reject" percent = 0 }; };', 1, "percent"),
            ('rules: { a: { when = ["iprev-fail"] action = "reject" expires = "2027-02-31" }; };', 1, "expires"),
            ('rules: { a: { action = "reject" }; };', 1, ""), ('rules: { a: { when = [] action = "reject" }; };', 1, ""),
            ('rules: { a: { when = ["iprev-fail"] }; };', 1, ""),
            ('authserv-id = "a b"', 1, "authserv-id"), ('log: { level = "loud" }', 1, "level"),
            ('metrics: { listen = "nowhere" }', 1, "listen"), ('mode = "monitor"\nmode = "monitor"', 2, "mode"),
            ("resolver: {", 1, ""), ('@include "checked.conf"', 1, ""),
            ('resolver: { forward = ["dns.example"] }', 1, "forward"),
        ]
        for text, line, key in bad:
            with self.subTest(text):
                done = self.check_config(text + "\n")
                self.assertEqual(done.returncode, CONFIG, done.stdout + done.stderr)
                self.assertRegex(done.stderr, r"checked\.conf:%d\b" % line)
                self.assertIn(key, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_E20_not_text(self):
        """Binary, BOM, a directory, a missing file."""
        for text in ("\udcff\udcfe" * 100, '\ufeffmode = "monitor"\n', 'mode = "mon\0itor"\n', "x" * 3000000):
            self.assertEqual(self.check_config(text).returncode, CONFIG, ascii(text[:20]))
        self.assertEqual(self.run_it("-t", "-c", "/nonexistent.conf").returncode, CONFIG)
        self.assertEqual(self.run_it("-t", "-c", "/").returncode, CONFIG)

    def test_bad_configuration_does_not_start(self):
        """78 without -t as well."""
        path = self.world.path("checked.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write('mode = "sometimes"\n')
        self.assertEqual(self.run_it("-c", path).returncode, CONFIG)

    def test_E15_address_in_use_or_not_ours(self):
        """69 and a message."""
        with socket.create_server(("127.0.0.1", 8899)):
            for where in ("inet:8899@127.0.0.1", "inet:8891@203.0.114.9"):
                path = self.world.path("listen.conf")
                with open(path, "w", encoding="ascii") as file:
                    file.write(harness.configuration('socket = "%s"' % where))
                done = self.run_it("-c", path)
                self.assertEqual(done.returncode, NO_LISTEN, done.stderr)
                self.assertIn(where, done.stderr)

    def test_E13_something_else_at_the_path(self):
        """A file, a directory, a link to a file: 69, and it stays."""
        plain, folder, link = (self.world.path(name) for name in ("plain", "folder", "link"))
        with open(plain, "w", encoding="ascii") as file:
            file.write("precious")
        os.mkdir(folder)
        os.symlink(plain, link)
        for path in (plain, folder, link, self.world.path("no/such/dir/sock")):
            conf = self.world.path("listen.conf")
            with open(conf, "w", encoding="ascii") as file:
                file.write(harness.configuration('socket = "unix:%s"' % path))
            done = self.run_it("-c", conf)
            self.assertEqual(done.returncode, NO_LISTEN, (path, done.stderr))
            self.assertIn(path, done.stderr)
        with open(plain, encoding="ascii") as file:
            self.assertEqual(file.read(), "precious")
        self.assertTrue(os.path.islink(link) and os.path.isdir(folder))

    def test_socket_option_wins(self):
        """-p over the file, and a bad one is refused."""
        path = self.world.path("p.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(harness.configuration())
        self.assertIn("inet:8895@127.0.0.1", self.run_it("-t", "-c", path, "-p", "inet:8895@127.0.0.1").stdout)
        done = self.run_it("-t", "-c", path, "-p", "inet:8895x")
        self.assertEqual(done.returncode, USAGE, done.stderr)
        self.assertTrue(done.stderr.startswith("iprev-milter: -p inet:8895x: "), done.stderr)
