"""What goes wrong around the daemon: descriptors, the log, the clock, a stop of the process.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import fcntl
import http.client
import os
import pwd
import re
import resource
import signal
import socket
import stat
import tempfile
import threading
import time

from faults import (CONTINUE, GOOD, HEADERS, NO_LISTEN, Daemon, MilterClient, Silence, Skip, check_served,
                    check_spared, play, together)
import dnsd  # the path is set by faults.py

DAY = 86400
# What the zone of faults.py says, for a name server.
SERVED = """
10.2.0.192.in-addr.arpa  PTR  mail.good.example
12.2.0.192.in-addr.arpa  PTR  host.bank.example
mail.good.example        A    192.0.2.10
host.bank.example        A    198.51.100.25
mail.shop.example        A    192.0.2.10
"""
LISTEN = 'metrics: { listen = "127.0.0.1:%d" }\n'


def wait_until(holds, timeout=10):
    """Waits until holds() is true."""
    end = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


def idle(daemon, count):
    """Connections that say nothing more after negotiation."""
    held = []
    for _ in range(count):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(5)
        sock.connect(daemon.socket)
        held.append(sock)
    return held


def cpu(daemon):
    """Seconds of processor time it has used."""
    with open("/proc/%d/stat" % daemon.process.pid, encoding="ascii") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


# ---- the socket's place ----

def test_E32_a_link_takes_the_place_of_the_socket():
    """Started as root, with the directory another user's: what his link points to stays root's."""
    if os.geteuid() != 0:
        raise Skip("needs root")
    with Daemon(user="nobody") as daemon, tempfile.NamedTemporaryFile() as target:
        daemon.environment = {"FAULT_LINK": target.name}
        daemon.start(wait=False)
        daemon.wait_log("listens on")
        link, status, socket_ = os.lstat(daemon.socket), os.stat(target.name), os.stat(daemon.socket + ".aside")
        assert stat.S_ISLNK(link.st_mode), "the race was not won"
        assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (0, 0o600), oct(status.st_mode)
        assert (socket_.st_uid, stat.S_IMODE(socket_.st_mode)) == (pwd.getpwnam("nobody").pw_uid, 0o660)
        daemon.end()
        assert os.path.exists(target.name)


# ---- descriptors ----

def gauges(port):
    """What /metrics says of descriptors: open, limit."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    return [int(re.search(r"(?m)^process_%s_fds (\d+)$" % one, text).group(1)) for one in ("open", "max")]


def test_E1_connections_use_all_descriptors():
    """The log tells at four fifths of the limit, once, and at the limit; the page tells before that."""
    port = free_port()
    with Daemon(LISTEN % port, limits={resource.RLIMIT_NOFILE: 128}) as daemon:
        daemon.start()
        own = gauges(port)[0]
        assert abs(own - 1 - daemon.descriptors()) <= 2 and gauges(port)[1] == 128, (own, daemon.descriptors())
        assert "descriptor" not in daemon.log()
        held = idle(daemon, 106 - own)
        daemon.wait_log(r"warning: 10\d of 128 file descriptors are in use: raise the limit")
        assert gauges(port)[0] >= 103
        time.sleep(2.2)
        assert daemon.log().count("file descriptors are in use") == 1, daemon.log()
        assert "no file descriptor is left" not in daemon.log()
        held += idle(daemon, 100)
        daemon.wait_log(r"error: no file descriptor is left \(the limit is 128\)")
        assert daemon.alive()
        assert daemon.descriptors() >= 120, daemon.descriptors()
        for sock in held:
            sock.close()
        end = time.monotonic() + 10
        while daemon.descriptors() > 60 and time.monotonic() < end:
            time.sleep(0.05)
        check_served(daemon)


def test_E1_no_descriptor_left_for_what_we_do():
    """While connections hold all of them, sessions that are there go on."""
    with Daemon(limits={resource.RLIMIT_NOFILE: 128}) as daemon:
        daemon.start()
        with MilterClient(daemon.socket) as milter:
            milter.negotiate()
            held = idle(daemon, 200)
            time.sleep(0.3)
            letters = [milter.connect(GOOD).letter, milter.helo("mail.good.example").letter, milter.mail().letter,
                       milter.rcpt().letter, milter.message(HEADERS).letter]
            check_spared(letters, milter.inserted(), log=daemon.log()[-2000:])
            assert letters[-1] == CONTINUE
        for sock in held:
            sock.close()
        time.sleep(0.5)
        check_served(daemon)


def test_E2_descriptors_above_1024():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 3000:
        raise Skip("the limit of descriptors is %d" % hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3000, hard))
    port = free_port()
    servers = dnsd.DnsServer(SERVED, ["127.0.0.1"], port).start()
    try:
        with Daemon(zone=False, forward=port, limits={resource.RLIMIT_NOFILE: 3000}) as daemon:
            daemon.start()
            held = idle(daemon, 1200)
            end = time.monotonic() + 10
            while daemon.descriptors() < 1200 and time.monotonic() < end:
                time.sleep(0.05)
            assert daemon.descriptors() > 1200
            check_served(daemon)  # by questions, whose sockets are above as well
            assert servers.count(dnsd.reverse_name(GOOD)) == 1
            for sock in held:
                sock.close()
    finally:
        servers.stop()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_E3_few_descriptors_for_many_questions():
    with Silence() as port, Daemon(zone=False, forward=port, resolver="deadline = 600",
                                   limits={resource.RLIMIT_NOFILE: 72}) as daemon:
        daemon.start(wait=False)
        if not daemon.settled():
            assert "descriptors" in daemon.log(), daemon.log()
            daemon.end(code=daemon.process.returncode)
            return "refused to start"
        for _ in range(3):
            for letters, fields in together(24, lambda: play(daemon, messages=1, timeout=8)):
                check_spared(letters, fields, gone=True, log=daemon.log()[-2000:])
        assert daemon.alive()
    return "served"


# ---- the log ----

def many_messages(daemon, sessions, messages):
    """So many decisions, all taken at once; the longest wait for one session."""
    longest = 0.0
    for _ in range(sessions):
        began = time.monotonic()
        letters, fields = play(daemon, messages=messages)
        longest = max(longest, time.monotonic() - began)
        check_spared(letters, fields)
        assert letters[-1] == CONTINUE, letters
    return longest


def test_E7_standard_error_is_not_read():
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    daemon = Daemon(stderr=writing)
    try:
        daemon.start()
        os.close(writing)
        longest = many_messages(daemon, 25, 200)  # more than the queue and the pipe hold
        assert longest < 5, "a session took %.1f s" % longest
        text = b""
        end = time.monotonic() + 15
        os.set_blocking(reading, False)
        while b"log lines dropped" not in text and time.monotonic() < end:
            try:
                text += os.read(reading, 65536)
            except BlockingIOError:
                time.sleep(0.005)
        assert b"log lines dropped" in text, text[-500:]
    finally:
        if daemon.process:
            daemon.end(code=None, timeout=30)
        os.close(reading)


def test_E7_stops_while_the_log_hangs():
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    daemon = Daemon(stderr=writing)
    try:
        daemon.start()
        os.close(writing)
        many_messages(daemon, 1, 200)
        daemon.end(timeout=25)
    finally:
        os.close(reading)


def test_E7_standard_error_is_gone():
    reading, writing = os.pipe()
    daemon = Daemon(stderr=writing)
    daemon.start()
    os.close(writing)
    os.close(reading)
    many_messages(daemon, 3, 5)
    check_served(daemon)
    daemon.end()


def free_port():
    """A port of loopback that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def get(port, path):
    """Status and body of a page of the daemon."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def metric(port, name):
    """A sample of the page of metrics."""
    return int(re.search(r"(?m)^%s (\d+)$" % re.escape(name), get(port, "/metrics")[1]).group(1))


def test_E7_E27_the_log_has_no_room():
    """Standard error is a file on a full disk: clients are served, and each lost line is counted."""
    full, port = os.open("/dev/full", os.O_WRONLY), free_port()
    try:
        with Daemon(stderr=full, extra=LISTEN % port + 'log: { destination = "stderr" level = "info" }') as daemon:
            daemon.start()
            time.sleep(0.3)  # for what it says at the start
            before = metric(port, "iprev_log_dropped_total")
            many_messages(daemon, 5, 10)
            wait_until(lambda: metric(port, "iprev_log_dropped_total") >= before + 50)
            time.sleep(0.2)
            assert metric(port, "iprev_log_dropped_total") == before + 50
            check_served(daemon)
    finally:
        os.close(full)


def under_syslog(path):
    """A command that runs its arguments where /dev/log is this path."""
    if os.geteuid() != 0 or os.system("unshare -m true 2>/dev/null") != 0:
        raise Skip("no mount namespace can be had")
    return ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && "
            "mknod -m 444 /dev/urandom c 1 9 && ln -s '%s' /dev/log && exec \"$@\"" % path, "sh"]


def test_E7_syslog_does_not_read():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        daemon = Daemon(extra='log: { destination = "syslog" level = "debug" }')
        daemon.wrap = under_syslog(daemon.path("devlog"))
        log.bind(daemon.path("devlog"))
        daemon.start()
        longest = many_messages(daemon, 2, 200)
        assert longest < 5, "a session took %.1f s" % longest
        log.settimeout(5)
        assert b"iprev-milter" in log.recv(65536)
        log.close()  # the reader dies: the writer gives up its lines and the stop is clean
        many_messages(daemon, 1, 20)
        check_served(daemon)
        daemon.end(timeout=25)


def test_E7_E26_no_dev_log():
    daemon = Daemon(extra='log: { destination = "syslog" level = "debug" }')
    daemon.wrap = under_syslog(daemon.path("nothing"))
    daemon.start()
    many_messages(daemon, 2, 20)
    check_served(daemon)
    daemon.end()


def test_E27_no_room_for_the_socket():
    """The lock file and the socket stand on a full disk: told, with 69."""
    if os.geteuid() != 0 or os.system("unshare -m true 2>/dev/null") != 0:
        raise Skip("no mount namespace can be had")
    daemon = Daemon()
    os.mkdir(daemon.path("full"))
    daemon.wrap = ["unshare", "-m", "sh", "-c", "mount -t tmpfs -o nr_inodes=2 none '%s' && : > '%s/last' && exec \"$@\""
                   % ((daemon.path("full"),) * 2), "sh"]
    daemon.socket = daemon.path("full/sock")
    daemon.configure()
    daemon.start(wait=False)
    assert daemon.process.wait(20) == NO_LISTEN, daemon.log()
    assert daemon.socket in daemon.log() and "No space left on device" in daemon.log(), daemon.log()
    daemon.end(code=NO_LISTEN)


# ---- the clock ----

def waiting_session(daemon):
    """A session whose last step waits for a silent server: (letters, fields, seconds)."""
    began = time.monotonic()
    letters, fields = play(daemon, messages=1, timeout=20)
    return letters, fields, time.monotonic() - began


def test_E21_the_clock_jumps_while_a_client_waits():
    for jump in (DAY, -DAY, 10 * 365 * DAY):
        with Silence() as port, Daemon(zone=False, forward=port, resolver="deadline = 1200") as daemon:
            daemon.start()
            timer = threading.Timer(0.4, lambda by=jump: daemon.state.set("shift", by))
            timer.start()
            letters, fields, seconds = waiting_session(daemon)
            timer.join()
            check_spared(letters, fields)
            assert letters[-1] == CONTINUE and any("temperror" in value for _, _, value in fields), fields
            assert 1.0 < seconds < 2.5, "%.1f s" % seconds


def test_E21_the_clock_stands_elsewhere():
    for shift in (DAY, -DAY, -40 * 365 * DAY):
        with Daemon() as daemon:
            daemon.state.set("shift", shift)
            daemon.start()
            check_served(daemon)


def test_E21_the_clock_jumps_under_the_watch_of_threads():
    """Nothing counts as stuck because the clock says that days have passed; nor does a stop wait for them."""
    port = free_port()
    with Silence() as silent, Daemon(zone=False, forward=silent, extra=LISTEN % port) as daemon:
        daemon.start()
        for shift in (4 * DAY, -DAY, 0):
            daemon.state.set("shift", shift)
            for _ in range(3):
                assert get(port, "/healthz") == (200, "ok\n"), shift
        with MilterClient(daemon.socket) as milter:
            milter.negotiate()
            milter.connect(GOOD)
            milter.mail()
            milter.packet("R", b"<user@example.org>\0")
            time.sleep(0.2)
            began = time.monotonic()
            daemon.process.send_signal(signal.SIGTERM)
            daemon.state.set("shift", -DAY)
            assert milter.verdict().letter == CONTINUE
            daemon.process.wait(20)
            assert time.monotonic() - began < 10


# ---- the process ----

def test_E24_stopped_and_continued():
    with Silence() as port, Daemon(zone=False, forward=port, resolver="deadline = 1000") as daemon:
        daemon.start()
        daemon.process.send_signal(signal.SIGSTOP)
        threading.Timer(1.5, lambda: daemon.process.send_signal(signal.SIGCONT)).start()
        letters, fields, seconds = waiting_session(daemon)
        check_spared(letters, fields)
        assert letters[-1] == CONTINUE and seconds < 4, (letters, seconds)


def test_E24_stopped_while_a_client_waits():
    with Silence() as port, Daemon(zone=False, forward=port, resolver="deadline = 1000") as daemon:
        daemon.start()
        stop = threading.Timer(0.3, lambda: daemon.process.send_signal(signal.SIGSTOP))
        resume = threading.Timer(2.5, lambda: daemon.process.send_signal(signal.SIGCONT))
        stop.start()
        resume.start()
        letters, fields, seconds = waiting_session(daemon)
        check_spared(letters, fields)
        assert letters[-1] == CONTINUE and 2.4 < seconds < 3.5, (letters, seconds)


def test_E12_E23_killed_then_at_once_a_new_one():
    """The socket and the lock of one that was killed are in nobody's way."""
    daemon = Daemon()
    daemon.start()
    for _ in range(3):
        daemon.process.kill()
        daemon.process.wait()
        assert os.path.exists(daemon.socket)
        daemon.start()
        check_served(daemon)
    daemon.end()
