"""The daemon confined as its systemd unit says: does the cage bite, and does the daemon live in it?

Only the suites sandbox and check-sandbox build the cage (tests/sandbox); elsewhere these are skipped.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import http.client
import os
import signal
import subprocess
import sys
import unittest

import harness

DNS = """
mail.good.example         A    192.0.2.10
10.2.0.192.in-addr.arpa   PTR  mail.good.example
"""
# Each refused in its own way: errno, or death by SIGSYS (-31).
REFUSED = {
    "chroot": ("os.chroot('/')", -31),
    "setuid": ("os.setuid(1)", -31),
    "mount": ("ctypes.CDLL(None).mount(b'x', b'/', b'tmpfs', 0, None)", -31),
    "ptrace": ("ctypes.CDLL(None).ptrace(0, 0, 0, 0)", -31),
    "netlink": ("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)", "EAFNOSUPPORT"),
    "packet": ("socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)", "EAFNOSUPPORT"),
    "vsock": ("socket.socket(40, socket.SOCK_STREAM)", "EAFNOSUPPORT"),
    "write_and_execute": ("mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)", "EPERM"),
    "set_user_id": ("os.chmod(os.environ['IPREV_NAMESPACE'] + '/x', 0o4755)", "EPERM"),
    "write_elsewhere": ("open('/var/tmp/x', 'w')", "EROFS"),
    "privileged_port": ("socket.socket().bind(('127.0.0.1', 80))", "EACCES"),
    "tunables": ("open('/proc/sys/kernel/hostname')", "ENOENT"),
}
PROBE = """import ctypes, errno, mmap, os, socket, sys
try:
    %s
except OSError as error:
    print(errno.errorcode[error.errno])
else:
    print('allowed')
"""


@unittest.skipUnless(harness.confined(), "not in the sandbox: make check-sandbox")
class Sandbox(harness.Case):
    """One daemon, confined."""

    dns = DNS

    @classmethod
    def setUpClass(cls):
        cls.furnish()

    def tearDown(self):
        if self.daemon:
            self.daemon.kill()

    def launch(self, extra="", probe=("127.0.0.1", 8891), **settings):
        """The daemon of this test."""
        self.daemon = harness.Daemon(harness.configuration(extra, **settings), probe=probe)
        self.log_start = 0
        return self.daemon.start()

    daemon = None

    def probe(self, statement):
        """What a confined Python meets: an error's name, `allowed`, or minus the signal."""
        wrapper = harness.program()
        done = subprocess.run([wrapper, "-c", PROBE % statement], capture_output=True, text=True, check=False,
                              env={**os.environ, "DAEMON": sys.executable, "PYTHONDONTWRITEBYTECODE": "1"})
        return done.returncode if done.returncode < 0 else done.stdout.strip() or done.stderr

    def test_the_cage_bites(self):
        """What the unit forbids is refused; what it allows works."""
        self.assertEqual(self.probe("open(os.environ['IPREV_NAMESPACE'] + '/x', 'w')"), "allowed")
        self.assertEqual(self.probe("socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)"), "allowed")
        for name, (statement, wanted) in REFUSED.items():
            with self.subTest(name):
                self.assertEqual(self.probe(statement), wanted)

    def test_status(self):
        """The kernel says so too."""
        daemon = self.launch()
        with open("/proc/%d/status" % daemon.process.pid, encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        for key in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[key], 16), 0, key)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        self.assertEqual(status["Umask"], "0007")

    def test_E26_life_inside(self):
        """Below a read-only root: mail, reload, a page of metrics, a clean stop."""
        daemon = self.launch('metrics: { listen = "127.0.0.1:9817" }', resolver="threads = 2")
        self.assertEqual(self.xiprev(self.send("192.0.2.10").message)["result"], "pass")
        daemon.reload(harness.configuration('metrics: { listen = "127.0.0.1:9817" }', resolver="threads = 1"))
        self.assertEqual(self.xiprev(self.send("192.0.2.10").message)["result"], "pass")
        connection = http.client.HTTPConnection("127.0.0.1", 9817, timeout=5)
        connection.request("GET", "/metrics")
        self.assertIn("iprev_checks_total", connection.getresponse().read().decode())
        connection.close()
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), 0)

    def test_unix_socket(self):
        """A socket, its mode and its lock file, in the one directory that can be written."""
        path = self.world.path("caged.sock")
        daemon = self.launch('socket = "unix:%s"' % path, probe=path)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o660)
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), 0)
        self.assertFalse(os.path.exists(path))

    def test_own_recursion(self):
        """forward = root and DNSSEC load their files and start."""
        self.launch(resolver='forward = ["root"]')

    def test_E26_no_syslog(self):
        """Syslog is tried, and the lack of it borne."""
        text = harness.configuration().replace('destination = "stderr"', 'destination = "syslog"')
        self.daemon, self.log_start = harness.Daemon(text), 0
        self.daemon.start()
        self.assertTrue(self.send("192.0.2.10").accepted())
