"""What the benchmark is made of: programs that run beside each other, and tables.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time

BENCH = os.path.dirname(os.path.abspath(__file__))
SRC = os.environ.get("SRC_DIR") or os.path.dirname(os.path.dirname(BENCH))
BUILD = os.environ.get("BUILD_DIR") or os.path.join(SRC, "build")
BASE = 198 << 24 | 18 << 16  # the clients of the zones
CLIENTS = 1 << 17

sys.path.insert(0, os.path.join(SRC, "tests", "system"))
import netns  # noqa: E402
import servers  # noqa: E402


def tool(name):
    """A program of this directory, built."""
    return os.path.join(BUILD, "tests", "bench", name)


def work(*names):
    """A path that vanishes at the end."""
    return os.path.join(netns.work_dir(), *names)


def write(name, text):
    """A file in the work directory; its path."""
    path = work(name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def address(number):
    """An IPv4 address as text."""
    return socket.inet_ntoa(number.to_bytes(4, "big"))


# ---- programs ----

RUNNING = []


class Program:
    """A process that is killed with us; its output goes to a file."""

    def __init__(self, name, argv, **popen):
        self.name, self.log = name, work(name + ".log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=popen.pop("stdout", log),
                                            stderr=log, start_new_session=True, **popen)
        RUNNING.append(self)

    def pids(self):
        """Its process and all below it."""
        found, rest = [], [self.process.pid]
        while rest:
            pid = rest.pop()
            found.append(pid)
            try:
                for task in os.listdir("/proc/%d/task" % pid):
                    with open("/proc/%d/task/%s/children" % (pid, task), encoding="ascii") as file:
                        rest += [int(word) for word in file.read().split()]
            except OSError:
                pass
        return found

    def stop(self):
        """Ends it, gently at first."""
        if self in RUNNING:
            RUNNING.remove(self)
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def last_words(self):
        """The end of its log."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()[-1500:]


def stop_all():
    """Ends everything, last started first."""
    for program in reversed(list(RUNNING)):
        program.stop()


class Filter(Program):
    """A filter that listens on `socket` ("unix:PATH" or "inet:PORT@HOST")."""

    def __init__(self, name, argv, where, patience=30, **popen):
        self.socket = where
        super().__init__(name, argv, **popen)
        self.cursor = 0  # of the clients it has not seen yet
        self.wait(patience)

    def connect(self):
        """Raises OSError when nobody listens."""
        kind, _, rest = self.socket.partition(":")
        if kind == "unix":
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(rest)
        else:
            port, _, host = rest.partition("@")
            socket.create_connection((host, int(port)), 1).close()

    def wait(self, seconds):
        """Until it listens."""
        end = time.monotonic() + seconds
        while True:
            try:
                self.connect()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("%s does not listen: %s" % (self.name, self.last_words())) from None
                time.sleep(0.05)


CONFIGURATION = """socket = "%(socket)s"
user = ""
authserv-id = "mx.example.net"
mode = "%(mode)s"
resolver: {
  forward = [%(forward)s]
  threads = %(threads)d
  cache = %(cache)d
  deadline = %(deadline)d
%(resolver)s}
headers: { remove-forged = %(forged)s }
exempt: { private = false; networks = [%(exempt)s]; };
log: {
  destination = "stderr"
  level = "%(log)s"
}
%(extra)s"""
DEFAULTS = {"mode": "monitor", "exempt": '"127.0.0.0/8", "::1/128"', "forward": '"127.0.0.1"', "threads": 1, "cache": 200000, "deadline": 5000,
            "forged": "true", "log": "info", "resolver": "", "extra": ""}


def at_home(server):
    """What to put before a server's command: it sees the files that get-servers unpacked as if they were installed."""
    usr = os.path.join(servers.root_of(server), "usr")
    mount = 'mount -t overlay overlay -o lowerdir=%s:/usr /usr && exec "$@"' % usr
    return ["unshare", "-m", "sh", "-c", mount, "sh"] if os.path.isdir(usr) else []


def configuration(name, where, **settings):
    """Writes a configuration; its path."""
    return write(name + ".conf", CONFIGURATION % {**DEFAULTS, **settings, "socket": where})


def unix(name):
    """A unix socket for a filter."""
    return "unix:" + work(name + ".sock")


def ours(name="iprev", where=None, prefix=(), **settings):
    """iprev-milter."""
    where = where or unix(name)
    return Filter(name, list(prefix) + [os.path.join(BUILD, "iprev-milter"), "-c", configuration(name, where, **settings)],
                  where)


def null(name="null", kind="min", where=None):
    """The filter that does nothing."""
    where = where or unix(name)
    return Filter(name, [tool("nullfilter"), where, kind], where)


def asking(name="null-asks"):
    """libmilter, libunbound, and nothing else: the floor of any filter that asks."""
    return Filter(name, [tool("askfilter"), configuration(name, "unix:/nowhere"), unix(name)], unix(name))


def blocking(name="blocking"):
    """ub_resolve in the callbacks."""
    return Filter(name, [tool("blockfilter"), unix(name), "127.0.0.1"], unix(name))


# ---- DNS ----

class Delay(Program):
    """dnsdelay, with its counts."""

    def __init__(self, where="127.0.0.1", port=53, ms=0, role="leaf", name=None):
        read, self.writer = os.pipe()
        super().__init__(name or "dnsdelay-%s-%d" % (where, port),
                         [tool("dnsdelay"), where, str(port), str(ms), role], stdout=self.writer)
        self.lines = os.fdopen(read, encoding="ascii")
        time.sleep(0.2)
        if self.process.poll() is not None:
            raise RuntimeError(self.last_words())

    def counts(self):
        """What was asked so far."""
        self.process.send_signal(signal.SIGUSR1)
        return json.loads(self.lines.readline())


def nsd():
    """The authoritative server with its 2^17 clients."""
    folder = work("zones")
    subprocess.run([sys.executable, os.path.join(BENCH, "zones"), folder], check=True)
    program = Program("nsd", [servers.program("nsd", "nsd"), "-d", "-c", folder + "/nsd.conf"],
                      env=servers.environment("nsd"))
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            socket.getaddrinfo("ns.example.com", None)  # resolv.conf here is ours
            return program
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("nsd does not answer: " + program.last_words())


# ---- load ----

def load(target, sessions, concurrent, first=0, count=0, base=BASE, **more):
    """One run of milterload; its result. more: think, rate, idle, headers, seconds, patience."""
    letters = {"think": "-k", "rate": "-r", "idle": "-I", "headers": "-x", "seconds": "-t", "patience": "-w",
               "messages": "-m", "helo": "-H", "body": "-b"}
    argv = [tool("milterload"), "-s", target.socket, "-n", str(sessions), "-c", str(concurrent), "-l", target.name,
            "-a", "%s,%d" % (address(base + first), count), "-P", ",".join(str(pid) for pid in target.pids())]
    for word, value in more.items():
        argv += [letters[word], str(value)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=False)
    if not done.stdout:
        raise RuntimeError("milterload says nothing: %s\n%s" % (argv, target.last_words()))
    result = json.loads(done.stdout)
    result["concurrent"] = concurrent
    if result["broken"]:
        print("  ! %s: %d broken, %d timeouts" % (target.name, result["broken"], result["timeouts"]), file=sys.stderr)
    return result


def fresh(target, sessions, concurrent, **more):
    """A run with clients this filter has never seen."""
    if target.cursor + sessions > CLIENTS:
        target.cursor = 0
        print("  ! %s: clients begin anew" % target.name, file=sys.stderr)
    result = load(target, sessions, concurrent, target.cursor, sessions, **more)
    target.cursor += sessions
    return result


def checkbench(mode, clients, config, **options):
    """One run of checkbench."""
    argv = [tool("checkbench"), "-c", config, "-a", clients]
    for letter, value in options.items():
        argv += ["-" + letter, str(value)]
    done = subprocess.run(argv + [mode], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def spread(mode, clients, config, rounds, **options):
    """Medians of the numbers of several runs of checkbench."""
    runs = [checkbench(mode, clients, config, **options) for _ in range(rounds)]
    return {key: median([run[key] for run in runs]) for key in runs[0]}


# ---- figures ----


def own_share(rows, rounds):
    """The filter's CPU beside that of its parts: null-headers, and libunbound alone; and beside both in one program."""
    cpu = {(row["filter"], row["concurrent"]): row["cpu"] for row in rows}
    config, kept = configuration("bare", "unix:/nowhere"), []
    for level in sorted({row["concurrent"] for row in rows}):
        headers, floor, whole = (cpu[name, level] for name in ("null-headers", "null-asks", "iprev"))
        bare = spread("bare", "%s,%d" % (address(BASE), 5000), config, rounds, w=min(level, 1000))["cpu_us"]
        kept.append({"concurrent": level, "null-headers": headers, "bare": bare, "iprev": whole, "null-asks": floor})
    print("### CPU us of a session, and ratios")
    table(["at once", "null-headers", "libunbound alone", "iprev", "of both", "null-asks", "iprev of it"], [
        [r["concurrent"], number(r["null-headers"], 1), number(r["bare"], 1), number(r["iprev"], 1),
         against(r["iprev"], r["null-headers"] + r["bare"]), number(r["null-asks"], 1), against(r["iprev"], r["null-asks"])]
        for r in kept])
    return kept


def median(values):
    """The median, None of nothing."""
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def figures(results):
    """Medians of several runs of one filter."""
    return {
        "rate": median([r["rate"] for r in results]),
        "p50": median([r["steps"]["sum"]["p50"] for r in results]),
        "p99": median([r["steps"]["sum"]["p99"] for r in results]),
        "cpu": median([r.get("cpu_us") for r in results]),
        "rss": max(r.get("rss_peak_kib", 0) for r in results) / 1024,
        "threads": max(r.get("threads", 0) for r in results),
        "broken": sum(r["broken"] for r in results),
        "runs": len(results),
    }


def table(head, rows):
    """A Markdown table."""
    cells = [[str(cell) for cell in row] for row in [head] + rows]
    width = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(n) for cell, n in zip(row, width)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (n + 2) for n in width) + "|")
    print("\n".join(lines) + "\n", flush=True)


def number(value, digits=0):
    """A figure as text."""
    return "-" if value is None else "%.*f" % (digits, value)


def against(value, reference, digits=2):
    """A ratio as text."""
    return "-" if not value or not reference else "%.*f" % (digits, value / reference)
