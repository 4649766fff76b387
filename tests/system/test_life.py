"""Start, reload, stop: sockets, signals, privileges, metrics (E8 to E29).

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import grp
import http.client
import os
import pwd
import shutil
import signal
import socket
import stat
import time
import unittest

import harness
import milterclient
import netns
import several

DNS = r"""
mail.good.example               A    192.0.2.10
10.2.0.192.in-addr.arpa         PTR  mail.good.example
15.2.0.192.in-addr.arpa         PTR  mail.bank.example
mail.bank.example               A    198.51.100.1
*.113.0.203.in-addr.arpa        !silent
"""

STOPPED, NO_LISTEN, INTERNAL, CONFIG = 0, 69, 70, 78


class Life(several.Case):
    """One daemon per test."""

    dns = DNS

    def waiting_clients(self, count):
        """Milter sessions that wait for silent DNS at RCPT."""
        clients = []
        for at in range(count):
            milter = milterclient.MilterClient()
            milter.negotiate()
            milter.connect("203.0.113.%d" % (10 + at))
            milter.helo("mail.good.example")
            milter.mail()
            milter.packet("R", b"<user@example.org>\0")
            clients.append(milter)
        return clients

    def test_E11_term_idle(self):
        """Exit 0, soon, and the log says so."""
        daemon = self.launch()
        self.send("192.0.2.10")
        start = time.monotonic()
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), STOPPED)
        self.assertLess(time.monotonic() - start, 6)

    @unittest.skipIf(harness.sanitized(), "a sanitizer looks around at the end")
    def test_E11_nobody_waits(self):
        """The second that is left for answers is not waited for when nobody waits for one."""
        seconds = []
        for _ in range(3):
            daemon = self.launch()
            start = time.monotonic()
            daemon.signal(signal.SIGTERM)
            self.assertEqual(daemon.wait(), STOPPED)
            seconds.append(time.monotonic() - start)
        self.assertLess(min(seconds), 0.6)

    @unittest.skipIf(harness.sanitized(), "a sanitizer looks around at the end")
    def test_E11_socket_of_a_supervisor(self):
        """Whoever started us has left a listening socket open: the stop does not wait for that one to close."""
        daemon = harness.Daemon(harness.configuration())
        leave_open = "import os, socket, sys; s = socket.create_server(('127.0.0.1', 0)); os.set_inheritable(s.fileno(), True); os.execv(sys.argv[1], sys.argv[1:])"
        daemon.command = ["/usr/bin/python3", "-c", leave_open, harness.program(), "-c", daemon.config_path]
        self.daemons.append(daemon)
        seconds = []
        for _ in range(3):
            daemon.start()
            self.check_headers(self.send("192.0.2.10").message, "pass", None, "192.0.2.10")
            start = time.monotonic()
            daemon.signal(signal.SIGTERM)
            self.assertEqual(daemon.wait(), STOPPED)
            seconds.append(time.monotonic() - start)
        self.assertLess(min(seconds), 1.2)

    def test_E11_term_at_once(self):
        """TERM as soon as it listens, and again while it reloads: still 0."""
        for at in range(40):
            daemon = self.launch()
            if at % 2:
                daemon.signal(signal.SIGUSR1)
            daemon.signal(signal.SIGTERM)
            self.assertEqual(daemon.wait(), STOPPED, daemon.log())

    def test_E11_term_under_load(self):
        """Clients wait: each is let in at once, not only when libunbound gives up (2.8 s) or the breaker opens
        (ten of them, 2 s); exit 0 inside ten seconds."""
        daemon = self.launch('metrics: { listen = "127.0.0.1:9817" }', mode="enforce", resolver="deadline = 9000")
        clients = self.waiting_clients(8)
        self.until(lambda: "\niprev_waiting 8\n" in self.get("/metrics")[1], "they do not wait")
        start = time.monotonic()
        daemon.signal(signal.SIGTERM)
        replies = [milter.verdict().letter for milter in clients]
        self.assertEqual(replies, ["c"] * 8)
        self.assertLess(time.monotonic() - start, 1.5)
        self.assertEqual(daemon.wait(), STOPPED)
        self.assertLess(time.monotonic() - start, 10)
        for milter in clients:
            milter.sock.close()

    def test_int_stops_too(self):
        """INT is TERM."""
        daemon = self.launch()
        daemon.signal(signal.SIGINT)
        self.assertEqual(daemon.wait(), STOPPED)

    def test_E8_hup(self):
        """HUP ends libmilter: 70, so that it shows."""
        daemon = self.launch()
        daemon.signal(signal.SIGHUP)
        self.assertEqual(daemon.wait(), INTERNAL)

    def test_E9_monitor_to_enforce(self):
        """USR1: the next connection is under the new settings, an open one keeps the old."""
        daemon = self.launch(mode="monitor")
        self.assertTrue(self.send("192.0.2.15").accepted())
        with self.connect("192.0.2.15") as old:
            old.read()
            old.say("EHLO mail.bank.example")
            daemon.reload(harness.configuration(mode="enforce"))
            self.until(lambda: not self.send("192.0.2.15").accepted())
            self.assertTrue(self.transaction(old, harness.Result()).accepted())
        self.assertTrue(self.send("192.0.2.10").accepted())

    def test_reload_without_the_file(self):
        """The directory beside it alone is a configuration to start with, not one to fall back to."""
        daemon = self.launch(mode="enforce")
        os.mkdir(daemon.config_path + ".d")
        with open(daemon.config_path + ".d/mode.conf", "w", encoding="ascii") as file:
            file.write('rules: { beside: { when = ["helo-self", "dnssec-secure"]; action = "tag"; }; };')
        daemon.reload(harness.configuration(mode="enforce"), pattern="reloaded .*rules: beside, no-ptr, forged, botlike, bothelo")
        os.rename(daemon.config_path, daemon.config_path + ".gone")
        since = len(daemon.log())
        daemon.signal(signal.SIGUSR1)
        daemon.wait_log(r"No such file or directory\n(.*\n)*.*reload failed", since=since)
        self.assertEqual(self.send("192.0.2.15").rcpt[0].code, 550)
        shutil.rmtree(daemon.config_path + ".d")

    def test_lines_of_start_and_reload(self):
        """They name mode, rules in their order, name servers and the page of metrics."""
        own = 'rules: { mine: { when = ["iprev-pass"]\naction = "tag" };\nother: { when = ["iprev-fail"]\naction = "tag" }; };'
        rules = "no-ptr, forged, botlike, bothelo"
        daemon = self.launch(mode="enforce")
        daemon.wait_log(r"listens on inet:8891@127\.0\.0\.1: mode enforce, rules: %s, name servers: 127\.0\.0\.1@53\n"
                        % rules)
        for text, told in ((harness.configuration(own), "monitor, rules: mine, other, %s, name servers: 127.0.0.1@53"
                            % rules),
                           (harness.configuration(resolver='forward = ["root"]'), "monitor, rules: %s, name servers: "
                            "those of the root zone" % rules),
                           (harness.configuration(resolver="forward = []"), r"monitor, rules: %s, name servers: "
                            r"127\.0\.0\.1[ :1]* \(/etc/resolv\.conf\)" % rules),
                           (harness.configuration(resolver='forward = ["127.0.0.1@53", "127.0.0.2"]'),
                            "monitor, rules: %s, name servers: 127.0.0.1@53, 127.0.0.2" % rules)):
            daemon.reload(text, pattern=r"reloaded %s: mode %s\n" % (daemon.config_path, told))
        daemon.kill()
        self.launch('metrics: { listen = "127.0.0.1:9817" }').wait_log(r"listens on .*, metrics: 127\.0\.0\.1:9817\n")

    def test_E9_reload_reads_the_other_files_too(self):
        """The same configuration, but a new zone, trust anchor or list of servers in resolv.conf: a new resolver.
        No new one otherwise."""
        def lookups():
            return int(harness.re.search(r"(?m)^iprev_cache_lookups_total (\d+)$", self.get("/metrics")[1]).group(1))
        zone, anchor = self.world.path("reload.zone"), self.world.path("reload.key")
        with open(zone, "w", encoding="ascii") as file:
            file.write("zone.example. 300 IN A 192.0.2.99\n")
        with open(anchor, "w", encoding="ascii") as file:
            file.write(". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n")
        for path, resolver in ((zone, 'zone = "%s"' % zone), (anchor, 'trust-anchor = "%s"' % anchor),
                               ("/etc/resolv.conf", "forward = []")):
            text = harness.configuration('metrics: { listen = "127.0.0.1:9817" }', resolver=resolver)
            daemon = harness.Daemon(text)
            self.daemons.append(daemon)
            daemon.start()
            self.assertIn(self.letter(daemon.probe, "192.0.2.10"), "ca")
            self.assertGreater(lookups(), 0)
            daemon.reload(text, pattern="reloaded ")
            self.assertGreater(lookups(), 0, path)
            if path == "/etc/resolv.conf":
                with open(path, "a", encoding="ascii") as file:
                    file.write("# more\n")
                daemon.reload(text, pattern="reloaded ")
                self.assertGreater(lookups(), 0, "a comment")
            with open(path, "a", encoding="ascii") as file:
                file.write("; more\n" if path != "/etc/resolv.conf" else "nameserver ::1\n")
            daemon.reload(text, pattern="reloaded .*" + ("name servers: .*::1" if path == "/etc/resolv.conf" else ""))
            self.assertEqual(lookups(), 0, path)
            self.assertIn(self.letter(daemon.probe, "192.0.2.10"), "ca")
            daemon.kill()

    def test_E10_reload_of_a_bad_file(self):
        """Nothing changes; the log names the line; a mended file is taken again."""
        daemon = self.launch('metrics: { listen = "127.0.0.1:9817" }', mode="enforce")
        for text in (harness.configuration("mood = good"), "mode =", "\0", "", harness.configuration("rule {"),
                     harness.configuration(resolver='zone = "/nonexistent"')):
            since = len(daemon.log())
            daemon.reload(text, pattern=r"(?i)reload failed; keeping the previous settings")
            self.assertFalse(self.send("192.0.2.15").accepted(), text)
            if "mood" in text:
                daemon.wait_log(r"\.conf:\d+", since=since)
        os.unlink(daemon.config_path)
        since = len(daemon.log())
        daemon.signal(signal.SIGUSR1)
        daemon.wait_log(r"(?i)reload failed; keeping the previous settings", since=since)
        self.assertFalse(self.send("192.0.2.15").accepted())
        text = self.get("/metrics")[1]
        self.assertRegex(text, r'(?m)^iprev_reloads_total\{result="refused"\} 7$')
        self.assertRegex(text, r'(?m)^iprev_reloads_total\{result="taken"\} 0$')
        daemon.reload(harness.configuration('metrics: { listen = "127.0.0.1:9817" }', mode="monitor"))
        self.until(lambda: self.send("192.0.2.15").accepted())
        self.assertRegex(self.get("/metrics")[1], r'(?m)^iprev_reloads_total\{result="taken"\} 1$')

    def test_E10_reload_that_needs_a_restart(self):
        """A new socket, mode of it, user or page of metrics: the log says that it has to wait."""
        daemon = self.launch()
        since = len(daemon.log())
        text = harness.configuration().replace('user = ""', 'user = "nobody"').replace("inet:8891@", "inet:8899@")
        text += 'socket-mode = "0600"\nmetrics: { listen = "127.0.0.1:9818" }\n'
        daemon.reload(text, pattern="reloaded ")
        daemon.wait_log("warning: reload: a new socket needs a restart; still on inet:8891@", since=since)
        for key in ("socket-mode", "user", "metrics.listen"):
            daemon.wait_log("warning: reload: a new %s needs a restart" % key, since=since)
        self.assertTrue(self.send("192.0.2.10").accepted())

    def test_E9_reload_under_load(self):
        """A hundred reloads while mail flows: no message is lost or misjudged."""
        daemon = self.launch(mode="enforce")
        stop = []

        def flow():
            count = 0
            while not stop:
                milter, reply = milterclient.session()
                milter.close()
                if reply.letter not in "ca" or len(milter.inserted()) != 2 or \
                        "iprev=pass" not in milter.inserted()[1][2] + milter.inserted()[0][2]:
                    raise AssertionError("%s %s" % (reply, milter.inserted()))
                count += 1
            return count

        def reloads():
            for at in range(100):
                daemon.configure(harness.configuration("# %d" % at, mode="enforce",
                                                       resolver="threads = %d" % (1 + at % 2)))
                daemon.signal(signal.SIGUSR1)
                time.sleep(0.03)
            stop.append(True)
            return 0
        counts = harness.together([flow, flow, flow, reloads])
        self.assertGreater(sum(counts), 50)
        self.assertTrue(daemon.alive(), daemon.log()[-2000:])
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), STOPPED)

    def test_E14_unix_socket_mode(self):
        """The mode is exactly that of the configuration, whatever the umask."""
        path = self.world.path("mode.sock")
        for mode in (0o660, 0o600, 0o666):
            daemon = self.launch('socket = "unix:%s"\nsocket-mode = "%04o"' % (path, mode), probe=path)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), mode)
            daemon.signal(signal.SIGTERM)
            self.assertEqual(daemon.wait(), STOPPED)
            self.assertFalse(os.path.exists(path), "the socket is left behind")

    def test_E14_unix_socket_group(self):
        """Started as root: the group is the user's, in a set-group-id directory that of the directory,
        and the log says what the mail server will meet."""
        for mode, group in ((0o755, "iprev-test"), (0o2710, "postfix")):
            path = self.world.path("group%o" % mode)
            os.mkdir(path)
            shutil.chown(path, "iprev-test", "postfix")
            os.chmod(path, mode)
            text = harness.configuration('socket = "unix:%s/sock"' % path)
            daemon = harness.Daemon(text.replace('user = ""', 'user = "iprev-test"'), probe=path + "/sock")
            self.daemons.append(daemon)
            daemon.start()
            status = os.stat(path + "/sock")
            self.assertEqual(stat.S_IMODE(status.st_mode), 0o660)
            self.assertEqual((status.st_uid, status.st_gid),
                             (pwd.getpwnam("iprev-test").pw_uid, grp.getgrnam(group).gr_gid))
            daemon.wait_log("the socket is iprev-test:%s 0660, in a directory iprev-test:postfix %04o" % (group, mode))

    def test_E13_stale_socket(self):
        """A socket that nobody listens on is replaced."""
        path = self.world.path("stale.sock")
        daemon = self.launch('socket = "unix:%s"' % path, probe=path)
        daemon.kill()
        self.assertTrue(os.path.exists(path))
        self.launch('socket = "unix:%s"' % path, probe=path)
        milter, reply = milterclient.session(path)
        milter.close()
        self.assertIn(reply.letter, "ca")

    def launch_as_user(self, name, **settings):
        """A daemon that becomes iprev-test, with a socket in a directory of that user, and its probe."""
        path = self.world.path(name)
        os.mkdir(path, 0o755)
        os.chown(path, *pwd.getpwnam("iprev-test")[2:4])
        daemon = harness.Daemon(self.text_as_user(path, **settings), probe=path + "/sock")
        self.daemons.append(daemon)
        self.daemon = daemon.start()
        return daemon

    @staticmethod
    def text_as_user(path, **settings):
        """Its configuration."""
        return harness.configuration('socket = "unix:%s/sock"' % path, **settings).replace(
            'user = ""', 'user = "iprev-test"')

    def letter(self, probe, client):
        """The reply that the message of a client ends with."""
        milter, reply = milterclient.session(probe, client=client)
        milter.close()
        return reply.letter

    @unittest.skipIf(harness.confined(), "the cage leaves no privileges to drop")
    def test_E16_privileges(self):
        """Started as root with a user: every id is that user's, no capability is left, and
        reload and stop still work."""
        daemon = self.launch_as_user("dropped")
        with open("/proc/%d/status" % daemon.process.pid, encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        user = pwd.getpwnam("iprev-test")
        self.assertEqual(set(status["Uid"].split()), {str(user.pw_uid)})
        self.assertEqual(set(status["Gid"].split()), {str(user.pw_gid)})
        self.assertIn(status["Groups"].split(), ([], [str(user.pw_gid)]))
        for key in ("CapEff", "CapPrm", "CapInh"):
            self.assertEqual(int(status[key], 16), 0, key)
        for name in ("", ".lock"):  # the next time, the user himself may start it
            self.assertEqual(os.stat(daemon.probe + name).st_uid, user.pw_uid, name)
        self.assertEqual(self.letter(daemon.probe, "192.0.2.15"), "c")
        daemon.reload(self.text_as_user(os.path.dirname(daemon.probe), mode="enforce"), pattern="reloaded ")
        self.assertEqual(self.letter(daemon.probe, "192.0.2.15"), "y")
        self.assertEqual(self.letter(daemon.probe, "192.0.2.10"), "c")
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), STOPPED)

    @unittest.skipIf(harness.confined(), "the cage leaves no privileges to drop")
    def test_E32_directory_of_root(self):
        """Root is left before the socket is made: a directory that only root can write to is an error."""
        path = self.world.path("roots-own")
        os.mkdir(path, 0o755)
        daemon = harness.Daemon(self.text_as_user(path))
        self.daemons.append(daemon)
        daemon.start(wait=False)
        self.assertEqual(daemon.wait(), NO_LISTEN)
        self.assertIn("sock.lock: Permission denied", daemon.log())
        self.assertEqual(os.listdir(path), [])

    @unittest.skipIf(harness.confined(), "the cage leaves no privileges to drop")
    def test_E10_reload_of_an_unreadable_file(self):
        """Root's alone since the start: refused, the previous settings stay; readable again, it is taken."""
        daemon = self.launch_as_user("unreadable", mode="enforce")
        os.chmod(daemon.config_path, 0o600)
        text = self.text_as_user(os.path.dirname(daemon.probe), mode="monitor")
        daemon.reload(text, pattern="reload failed|Permission denied")
        daemon.wait_log("Permission denied")
        self.assertEqual(self.letter(daemon.probe, "192.0.2.15"), "y")
        os.chmod(daemon.config_path, 0o644)
        daemon.reload(text, pattern="reloaded ")
        self.assertEqual(self.letter(daemon.probe, "192.0.2.15"), "c")

    def test_E16_unknown_user(self):
        """A user that does not exist: 78, and it does not run as root instead."""
        daemon = harness.Daemon(harness.configuration().replace('user = ""', 'user = "no-such-user"'))
        self.daemons.append(daemon)
        daemon.start(wait=False)
        self.assertEqual(daemon.wait(), CONFIG)
        self.assertIn("no-such-user", daemon.log())

    def test_E22_mta_killed(self):
        """Peers that die leave nothing behind."""
        daemon = self.launch()
        before = daemon.descriptors()
        sessions = []
        for _ in range(40):
            milter = milterclient.MilterClient()
            milter.negotiate()
            milter.connect("192.0.2.10")
            sessions.append(milter)
        for milter in sessions:
            milter.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            milter.sock.close()
        self.until(lambda: daemon.descriptors() <= before + 6, "descriptors are left")

    def test_E23_killed(self):
        """Killed in mid-session: Postfix's default action, and the next one is served."""
        daemon = self.launch()
        with self.connect("192.0.2.10") as client:
            client.read()
            client.say("EHLO mail.good.example")
            daemon.kill()
            client.say("MAIL FROM:<a@sender.example>")  # decides nothing, so nobody waits for it
            client.say("RCPT TO:<user@example.org>")
            self.assertEqual(client.say("DATA").code, 451)
        self.launch()
        self.assertTrue(self.send("192.0.2.10").accepted())

    def test_B39_library_aborts(self):
        """The process dies in a session, as when the resolver library aborts: Postfix does what
        its default action says, once; who restarts it as the unit file does has it back soon."""
        daemon, ended, started = self.launch(), [], []

        def supervise():
            daemon.process.wait()
            time.sleep(1)  # RestartSec=1
            if not ended:
                again = harness.Daemon("", probe=daemon.probe)
                again.config_path = daemon.config_path
                self.daemons.append(again)
                started.append(again.start(wait=False))
        keeper = harness.threading.Thread(target=supervise, daemon=True)
        keeper.start()
        try:
            with self.connect("192.0.2.10") as client:
                client.read()
                client.say("EHLO mail.good.example")
                daemon.signal(signal.SIGABRT)
                self.assertEqual(daemon.wait(), -signal.SIGABRT)
                died = time.monotonic()
                client.say("MAIL FROM:<a@sender.example>")
                client.say("RCPT TO:<user@example.org>")
                self.assertEqual(client.say("DATA").code, 451)
            self.until(lambda: started and daemon.listening())
            self.assertLess(time.monotonic() - died, 4)
            self.assertTrue(self.send("192.0.2.10").accepted())
        finally:
            ended.append(True)
            daemon.kill()
            keeper.join(10)

    @unittest.skipIf(harness.confined(), "the cage is told by the environment")
    def test_E26_bare_surroundings(self):
        """No environment; no syslog; an empty /etc, without resolv.conf and users: mail is judged all the same, and
        127.0.0.1 asked."""
        syslog = harness.configuration().replace('destination = "stderr"', 'destination = "syslog"')
        bare = ["unshare", "-m", "--propagation", "unchanged", "sh", "-c", 'mount -t tmpfs none /etc && exec "$@"', "sh"]
        none = ["/usr/bin/env", "-i"] + ["%s=%s" % pair for pair in os.environ.items() if pair[0].endswith("SAN_OPTIONS")]
        for what, text, wrap in (("environment", harness.configuration(log="info"), none),
                                 ("syslog", syslog, []),
                                 ("etc", harness.configuration(resolver="forward = []"), bare)):
            with self.subTest(what):
                daemon = harness.Daemon(text)
                daemon.command = wrap + [harness.program(), "-c", daemon.config_path]
                self.daemons.append(daemon)
                daemon.start()
                self.check_headers(self.send("192.0.2.10").message, "pass", None, "192.0.2.10")
                daemon.signal(signal.SIGTERM)
                self.assertEqual(daemon.wait(), STOPPED)

    @unittest.skipIf(harness.confined(), "the cage has another /dev")
    def test_syslog(self):
        """Lines of the facility mail, with our name and number, each with its level; also after a reload to it."""
        folder = self.world.path("dev")
        os.mkdir(folder)
        syslog = harness.configuration().replace('destination = "stderr"', 'destination = "syslog"')
        for first in (syslog, harness.configuration()):
            with self.subTest(first), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
                heard.bind(folder + "/log")
                heard.settimeout(5)
                daemon = harness.Daemon(first)
                daemon.command = ["unshare", "-m", "--propagation", "unchanged", "sh", "-c", 'mount --bind "$0" /dev && exec "$@"',
                                  folder, harness.program(), "-c", daemon.config_path]
                self.daemons.append(daemon)
                daemon.start()
                if first != syslog:
                    daemon.wait_log("listens on")
                    daemon.configure(syslog)
                    daemon.signal(signal.SIGUSR1)
                self.assertRegex(heard.recv(4096).decode(), r"^<21>.* iprev-milter\[%d\]: .*mode monitor" % daemon.process.pid)
                with open(daemon.config_path, "a", encoding="ascii") as file:
                    file.write("mode = 1\n")
                daemon.signal(signal.SIGUSR1)
                self.assertRegex(heard.recv(4096).decode(), r"^<19>.* iprev-milter\[%d\]: error: .*mode" % daemon.process.pid)
                daemon.signal(signal.SIGTERM)
                self.assertEqual(daemon.wait(), STOPPED)
            os.unlink(folder + "/log")

    def test_E26_closed_standard_streams(self):
        """Started with standard input, output and error closed: no socket of ours gets their descriptors, and mail is judged."""
        daemon = harness.Daemon(harness.configuration())
        daemon.command = ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", harness.program(), "-c", daemon.config_path]
        self.daemons.append(daemon)
        daemon.start()
        self.check_headers(self.send("192.0.2.10").message, "pass", None, "192.0.2.10")
        self.assertEqual([os.readlink("/proc/%d/fd/%d" % (daemon.process.pid, fd)) for fd in range(3)], ["/dev/null"] * 3)
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), STOPPED)

    @unittest.skipIf(harness.confined(), "the cage has another /etc")
    def test_E10_file_that_comes_later(self):
        """Started without a file, it reads the default one when it is told to, once there is one; and keeps to it."""
        daemon = harness.Daemon("")
        daemon.command = ["unshare", "-m", "--propagation", "unchanged", "sh", "-c",
                          "mount -t tmpfs none /etc && echo iprev-milter:x:12345:12345::/:/bin/false >/etc/passwd && "
                          'echo nameserver 127.0.0.1 >/etc/resolv.conf && echo 127.0.0.1 localhost >/etc/hosts && exec "$@"', "sh", harness.program()]
        self.daemons.append(daemon)
        daemon.start()
        self.assertEqual(self.xiprev(self.send("192.0.2.10").message)["mode"], "monitor")
        path = "/proc/%d/root/etc/iprev-milter.conf" % daemon.process.pid
        text = harness.configuration(mode="enforce").replace("inet:8891@127.0.0.1", "inet:8891@localhost")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        daemon.signal(signal.SIGUSR1)
        self.until(lambda: self.xiprev(self.send("192.0.2.10").message)["mode"] == "enforce", "the file is not read")
        os.remove(path)
        daemon.signal(signal.SIGUSR1)
        daemon.wait_log("No such file")
        self.assertEqual(self.xiprev(self.send("192.0.2.10").message)["mode"], "enforce")

    @unittest.skipIf(harness.confined(), "the cage is told by the environment")
    def test_E28_odd_host_name(self):
        """No setting, no {j}: the kernel's host name is our id when it can be one, else localhost; no server is
        asked about it."""
        for name, said in (("mail.host.example", "mail.host.example"), ("a b", "localhost"), ("", "localhost")):
            with self.subTest(name):
                daemon = harness.Daemon(harness.configuration())
                daemon.command = ["unshare", "--uts", "sh", "-c",
                                  'printf "%%s\\n" "%s" > /proc/sys/kernel/hostname && exec "$@"' % name, "sh",
                                  harness.program(), "-c", daemon.config_path]
                self.daemons.append(daemon)
                daemon.start()
                milter, _ = milterclient.session(macros={}, headers=[
                    ("Authentication-Results", said + "; iprev=fail"),
                    ("Authentication-Results", "other.example; iprev=fail")])
                milter.close()
                fields = {field: value for _, field, value in milter.inserted()}
                self.assertTrue(fields["Authentication-Results"].startswith(said + "; iprev=pass "), fields)
                self.assertEqual([(one[0], one[2]) for one in milter.changed()], [(1, "")])
                for asked in (said, name):
                    self.assertEqual(self.world.dns.count(asked), 0)
                daemon.kill()

    def test_F7_no_core_and_no_fork(self):
        """Stays in the foreground; core dumps are off (F7)."""
        daemon = self.launch()
        with open("/proc/%d/limits" % daemon.process.pid, encoding="ascii") as file:
            core = next(line for line in file if line.startswith("Max core"))
        self.assertEqual(core.split()[4:6], ["0", "0"])
        with open("/proc/%d/task/%d/children" % ((daemon.process.pid,) * 2), encoding="ascii") as file:
            self.assertEqual(file.read().split(), [])

    def test_notify(self):
        """systemd hears READY, RELOADING, WATCHDOG and STOPPING."""
        path = self.world.path("notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
            heard.bind(path)
            heard.settimeout(3)

            def wait_for(word):
                end = time.monotonic() + 5
                while time.monotonic() < end:
                    if word in heard.recv(4096).decode():
                        return
                self.fail("no " + word)
            daemon = self.launch(env=["NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=800000"], wait=False)
            try:
                wait_for("READY=1")
            except socket.timeout:
                self.skipTest("built without systemd")
            self.assertTrue(daemon.listening())
            wait_for("WATCHDOG=1")
            daemon.signal(signal.SIGUSR1)
            wait_for("RELOADING=1")
            wait_for("READY=1")
            daemon.signal(signal.SIGTERM)
            wait_for("STOPPING=1")
            self.assertEqual(daemon.wait(), STOPPED)

    def get(self, path, port=9817):
        """(status, body) of a GET; waits for the page to come up."""
        def up():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0
        self.until(up, "no metrics page")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", path)
        reply = connection.getresponse()
        body = reply.read().decode()
        connection.close()
        return reply.status, body

    def test_F5_metrics(self):
        """Counts of results and actions; nothing of the input is a label (F5)."""
        daemon = self.launch('metrics: { listen = "127.0.0.1:9817" }', mode="enforce")
        self.assertEqual(self.get("/healthz")[0], 200)
        self.send("192.0.2.10")
        self.send("192.0.2.15", b'EHLO evil"} 1')
        self.send("192.0.2.11")
        status, text = self.get("/metrics")
        self.assertEqual(status, 200)
        self.assertRegex(text, r'(?m)^iprev_checks_total\{[^}]*result="pass"[^}]*\} 1$')
        self.assertRegex(text, r'(?m)^iprev_checks_total\{[^}]*cause="forward-mismatch"[^}]*\} 1$')
        self.assertRegex(text, r'(?m)^iprev_checks_total\{[^}]*cause="ptr-missing"[^}]*\} 1$')
        self.assertRegex(text, r'(?m)^iprev_actions_total\{[^}]*action="reject"[^}]*rule="forged"[^}]*\} 1$')
        self.assertIn("iprev_dns_seconds", text)
        self.assertIn("iprev_wait_seconds", text)
        self.assertNotIn("evil", text)
        for line in text.splitlines():
            self.assertRegex(line, r'^(#.*|[a-z_]+(\{[^{}]*\})? [-+0-9.eEinfNa]+)?$')
        self.assertEqual(self.get("/nowhere")[0], 404)
        self.assertTrue(daemon.alive())

    def test_metrics_address_in_use(self):
        """69."""
        with socket.create_server(("127.0.0.1", 9817)):
            daemon = self.launch('metrics: { listen = "127.0.0.1:9817" }', wait=False)
            self.assertEqual(daemon.wait(), NO_LISTEN)

    def test_zone_file(self):
        """resolver.zone answers from memory: aliases, NXDOMAIN below a SOA, the rest from forward."""
        path = self.world.path("zone")
        with open(path, "w", encoding="ascii") as file:
            file.write("$TTL 60\n$ORIGIN 100.51.198.in-addr.arpa.\n@ SOA ns.x. root.x. 1 2 3 4 5\n"
                       "7 PTR mail.zone.example. ; in order\n8 CNAME 8.0/28\n8.0/28 PTR mail8.zone.example.\n"
                       "$ORIGIN zone.example.\n@ IN SOA ns.x. root.x. 1 2 3 4 5\nmail 30 IN A 198.51.100.7\n"
                       "mail8 IN A 198.51.100.8\n")
        self.world.dns.reset_counts()
        self.launch(resolver='zone = "%s"' % path)
        for source, helo, result in (("198.51.100.7", "mail.zone.example", "pass"),
                                     ("198.51.100.8", "mail8.zone.example", "pass"),
                                     ("198.51.100.9", "mail.zone.example", "permerror"),
                                     ("192.0.2.10", "mail.good.example", "pass")):
            self.assertEqual(self.xiprev(self.send(source, helo).message)["result"], result, source)
        self.assertEqual(self.world.dns.count(harness.dnsd.reverse_name("198.51.100.9")), 0)
        self.assertGreater(self.world.dns.count(harness.dnsd.reverse_name("192.0.2.10")), 0)

    def test_work_directory_is_private(self):
        """The world of these tests is what it claims to be."""
        self.assertTrue(netns.inside())
        self.assertEqual(socket.gethostname(), harness.HOST)
