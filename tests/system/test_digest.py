"""The weekly mail: the command line of its unit, run beside a real Postfix that delivers to a mailbox.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import datetime
import os
import re
import shutil
import subprocess

import harness
import netns
import postfix

BUILD = os.path.dirname(harness.program("iprev-check"))
USER = "games"
NOW = datetime.datetime.now()


def unit():
    """(words of ExecStart, the whole unit)"""
    with open(os.path.join(BUILD, "packaging", "systemd", "iprev-milter-digest.service"), encoding="ascii") as file:
        text = file.read()
    return re.search(r"(?m)^ExecStart=(.*)$", text).group(1).split(), text


def record(days, found, more=""):
    at = (NOW - datetime.timedelta(days=days)).isoformat(timespec="seconds")
    return ("%s mx iprev-milter[7]: client=192.0.2.11 ptr=- helo=x.example findings=%s rule=- action=accept mode=monitor dns=1/2 wait=0 "
            "qid=- stage=eom%s\n" % (at, found, more))


class Digest(harness.Case):
    """From the command line of the unit to the mailbox."""

    @classmethod
    def setUpClass(cls):
        cls.furnish()
        cls.daemon = None
        cls.place = os.path.join(netns.work_dir(), "digest")
        os.makedirs(cls.place + "/mail")
        os.chmod(cls.place + "/mail", 0o1777)
        cls.postfix = postfix.Postfix(
            {2588: None}, name="digest-postfix", master="local unix - n n - - local\n",
            settings="local_transport = local\nalias_maps = inline:{postmaster=%s}\nmail_spool_directory = %s/mail/\n"
                     "mailbox_command =\ncommand_directory = %s/bin\n" % (USER, cls.place, cls.place))
        cls.commands(cls.postfix.programs())
        cls.postfix.start()

    @classmethod
    def commands(cls, root):
        """Postfix's own commands, as unpacked: sendmail clears the environment before it calls postdrop, which has to find its
        libraries. The copy has no setgid bit, with which it would not look."""
        os.makedirs(cls.place + "/bin")
        for name in ("postdrop", "postlog"):
            copy = "%s/bin/%s" % (cls.place, name)
            shutil.copyfile("%s/usr/sbin/%s" % (root, name), copy + ".copy")
            with open(copy, "w", encoding="ascii") as file:
                file.write("#!/bin/sh\nLD_LIBRARY_PATH='%s' exec '%s.copy' \"$@\"\n" % (cls.postfix.libraries(root), copy))
            os.chmod(copy + ".copy", 0o755)
            os.chmod(copy, 0o755)

    @classmethod
    def tearDownClass(cls):
        cls.postfix.stop()

    def digest(self, *lines, logs="mail.log*"):
        """The mail that the unit's command sends about these lines, as (subject, body)."""
        for name in os.listdir(self.place):
            if name.startswith("mail.log"):
                os.remove(os.path.join(self.place, name))
        for n, text in enumerate(lines):
            with open(os.path.join(self.place, "mail.log" + (".%d" % n if n else "")), "w", encoding="latin-1") as file:
                file.write(text)
        words, _ = unit()
        self.assertEqual((os.path.basename(words[0]), words[1:]), ("digest", ["postmaster"]))
        with open(os.path.join(BUILD, "packaging", "systemd", "digest"), encoding="ascii") as file:
            script = re.sub(r"\S*/iprev-check(?= replay)", harness.program("iprev-check"), file.read())
        path = os.path.join(self.place, "script")
        with open(path, "w", encoding="ascii") as file:
            file.write(script)
        root = self.postfix.programs()
        done = subprocess.run(
            ["sh", path, *words[1:]], capture_output=True, timeout=60, check=False,
            env={"PATH": "%s/usr/sbin:/usr/bin:/bin" % root, "LD_LIBRARY_PATH": self.postfix.libraries(root),
                 "MAIL_CONFIG": self.postfix.path("etc"), "LOGS": os.path.join(self.place, logs)})
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))
        box = os.path.join(self.place, "mail", USER, "new")
        self.until(lambda: os.path.isdir(box) and os.listdir(box))
        name = os.path.join(box, os.listdir(box)[0])
        with open(name, encoding="ascii") as file:
            head, body = file.read().split("\n\n", 1)
        os.remove(name)
        self.assertIn("\nTo: postmaster@mx.example.org\n", head)
        self.assertIn("\nAuto-Submitted: auto-generated\n", head)
        return re.search(r"(?m)^Subject: (.*)$", head).group(1), body

    def test_news(self):
        """A client passed last week and fails now: it stands in the mail; the logs are several files, the newest named first."""
        subject, body = self.digest(record(1, "iprev-permerror,ptr-missing"), record(9, "iprev-pass,ptr-named"))
        self.assertEqual(subject, "iprev-milter on %s: this week" % os.uname().nodename)
        self.assertRegex(body, r"^iprev-milter, mode monitor, .*: 1 message; ")
        self.assertIn("\nPassed before, fail now\n  192.0.2.11 ", body)

    def test_nothing_new(self):
        """One line, and the subject says so."""
        subject, body = self.digest(record(1, "iprev-skip,skip-network").replace("192.0.2.11", "10.0.0.1"))
        self.assertEqual(subject, "iprev-milter on %s: nothing new" % os.uname().nodename)
        self.assertRegex(body, r"^Nothing new\. iprev-milter, mode monitor, [^\n]*\n$")

    def test_logs_that_cannot_be_read(self):
        """The mail says so instead of saying nothing."""
        subject, body = self.digest("\x1f\x8bno gzip at all\n" * 20)
        self.assertEqual(subject, "iprev-milter on %s: the logs could not be read (exit code 66)" % os.uname().nodename)
        self.assertIn("iprev-check: %s/mail.log: the gzip file is " % self.place, body)

    def test_unit(self):
        """It runs as the filter's user, reads logs of others, and nothing in it keeps sendmail from becoming its group."""
        _, text = unit()
        for line in ("Type=oneshot", "User=iprev-milter", "AmbientCapabilities=CAP_DAC_READ_SEARCH", "CapabilityBoundingSet=CAP_DAC_READ_SEARCH"):
            self.assertIn(line, text.split("\n"))
        self.assertNotRegex(text, r"(?m)^(NoNewPrivileges=yes|SystemCall|Restrict|PrivateDevices|ProtectKernel|ProtectClock|MemoryDeny|LockPers)")
