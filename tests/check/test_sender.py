"""iprev-check HOST and self: who runs the zones, and what each name server says beside the resolver.

Real name servers: NSD for the zones, unbound as the resolver.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import gzip
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import servers
from checker import PROGRAM, Skip, has, has_not, holds, plain, same

ONE, TWO, LAME, SILENT, CLOSED = "127.0.1.1", "127.0.1.2", "127.0.1.3", "127.0.1.4", "127.0.1.5"
RESOLVER = "127.0.1.53"

HEAD = "$TTL 300\n@ SOA ns1.hoster.example. dns\\.admin.hoster.example. 1 3600 600 86400 60\n"
BOTH = "@ NS ns1.hoster.example.\n@ NS ns2.hoster.example.\n"
HOSTER = HEAD + "@ NS ns1\nns1 A %s\nns2 A %s\nlame A %s\nsilent A %s\nclosed A %s\n" % (ONE, TWO, LAME, SILENT, CLOSED)
FORWARD = HEAD + BOTH + "mail.good A 192.0.2.10\n"
REVERSE = HEAD + BOTH + "10 PTR mail.good.sender.example.\n"

ZONES = {"hoster.example": HOSTER, "sender.example": FORWARD, "2.0.192.in-addr.arpa": REVERSE}

NSD = """
server:
    ip-address: {address}
    zonesdir: "{dir}"
    username: ""
    pidfile: ""
    database: ""
    logfile: "{dir}/log"
    xfrdfile: ""
    zonelistfile: "{dir}/zone.list"
    hide-version: yes
    server-count: 1
remote-control:
    control-enable: no
"""

UNBOUND = """
server:
    interface: {address}
    port: 53
    access-control: 127.0.0.0/8 allow_snoop
    directory: "{dir}"
    pidfile: ""
    username: ""
    chroot: ""
    use-syslog: no
    logfile: "{dir}/log"
    do-daemonize: no
    do-ip6: no
    do-not-query-localhost: no
    module-config: "iterator"
    target-fetch-policy: "0 0 0 0 0"
    qname-minimisation: no
    local-zone: "2.0.192.in-addr.arpa." nodefault
    local-zone: "8.b.d.0.1.0.0.2.ip6.arpa." nodefault
{more}
remote-control:
    control-enable: no
"""


def answers(address):
    """Does a name server answer there? Its port is open before it has read its zones."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect((address, 53))
            probe.send(b"\0\1\0\0\0\1\0\0\0\0\0\0\7version\4bind\0\0\x10\0\3")  # CH TXT: nobody else is asked
            return bool(probe.recv(512))
        except OSError:
            return False


class Names:
    """Two name servers with these zones, and a resolver that asks them; gone at the end."""

    def __init__(self, one=None, two=None, stubs=(ONE,), local=""):
        for server in ("nsd", "unbound"):
            if servers.why_not(server):
                raise Skip(servers.why_not(server))
        self.dir, self.running, self.sockets = tempfile.mkdtemp(prefix="iprev-sender."), [], []
        one = {**ZONES, **(one or {})}
        self.zones = [name for name in one]
        self.stubs, self.local = stubs, local
        self.nsd(ONE, one)
        self.nsd(TWO, {**one, **(two or {})})
        self.resolver()
        self.config = self.file("conf", 'authserv-id = "mx.example.org"\nresolver: { forward = ["%s"]  deadline = 3000 }\n' % RESOLVER)

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as out:
            out.write(text)
        return path

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, server, argv, address):
        process = subprocess.Popen(argv, env=servers.environment(server), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.running.append(process)
        for _ in range(400):
            if answers(address):
                return process
            if process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError("%s does not start: %s" % (server, process.stderr.read()))

    def nsd(self, address, zones):
        folder = os.path.dirname(self.file(address + "/log", ""))
        text = NSD.format(address=address, dir=folder)
        for number, (name, zone) in enumerate(zones.items()):
            if zone is None:
                continue
            self.file("%s/%d" % (address, number), zone)
            text += 'zone:\n    name: "%s"\n    zonefile: "%d"\n' % (name, number)
        return self.start("nsd", [servers.find("nsd", "usr/sbin/nsd"), "-d", "-c", self.file(address + "/conf", text)], address)

    def resolver(self, address=RESOLVER):
        folder = os.path.dirname(self.file(address + "/log", ""))
        more = self.local + "".join('stub-zone:\n    name: "%s"\n%s' % (zone, "".join("    stub-addr: %s\n" % a for a in self.stubs))
                                    for zone in self.zones)
        return self.start("unbound", [servers.find("unbound", "usr/sbin/unbound"), "-d", "-c",
                                      self.file(address + "/conf", UNBOUND.format(address=address, dir=folder, more=more))], address)

    def stop(self, process):
        process.terminate()
        process.wait(timeout=10)
        process.stderr.close()
        self.running.remove(process)

    def silent(self, address):
        """Hears every question and answers none."""
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            s = socket.socket(socket.AF_INET, kind)
            s.bind((address, 53))
            if kind == socket.SOCK_STREAM:
                s.listen(64)
            self.sockets.append(s)

    def run(self, *args):
        done = subprocess.run([PROGRAM, "-c", self.config, *args], capture_output=True, timeout=120)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def json(self, *args):
        code, out, err = self.run("--json", *args)
        return code, json.loads(out), err

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in list(self.running):
            self.stop(process)
        for s in self.sockets:
            s.close()
        shutil.rmtree(self.dir, ignore_errors=True)


def first_screen(text):
    return " ".join("\n".join(text.splitlines()[:24]).split())


def zone_of(data, name, kind):
    return next(z for z in data["zones"] if (z["name"], z["type"]) == (name, kind))


def test_in_order():
    """Who runs each zone, and that all its servers say the same, by UDP and TCP."""
    with Names() as n:
        code, out, err = n.run("mail.good.sender.example")
        same((code, err), (0, ""), out)
        plain(out)
        holds(out.startswith("mail.good.sender.example: in order\n"), out)
        has(out, "  10.2.0.192.in-addr.arpa PTR\n    zone 2.0.192.in-addr.arpa, run by dns.admin@hoster.example\n",
            "    your resolver: mail.good.sender.example (for ",
            "    ok       ns1.hoster.example 127.0.1.1: mail.good.sender.example\n",
            "    ok       ns2.hoster.example 127.0.1.2: mail.good.sender.example\n",
            "  mail.good.sender.example A\n    zone sender.example, run by dns.admin@hoster.example\n",
            "192.0.2.10 is accepted because reverse DNS confirms mail.good.sender.example")
        has_not(out, "To fix", "differs", "failed")
        code, data, err = n.json("mail.good.sender.example")
        same((code, err, data["problems"], data["fixes"], data["unheard"]), (0, "", [], [], False))
        z = zone_of(data, "10.2.0.192.in-addr.arpa", "PTR")
        same((z["zone"], z["mailbox"], z["resolver"]["records"]),
             ("2.0.192.in-addr.arpa", "dns.admin@hoster.example", ["mail.good.sender.example"]))
        same([(s["name"], s["address"], s["state"], s["udp"]["answer"], s["tcp"]["answer"]) for s in z["servers"]],
             [("ns1.hoster.example", ONE, "ok", "data", "data"), ("ns2.hoster.example", TWO, "ok", "data", "data")])
        same(len(data["clients"]), 1)


SIX = "8.b.d.0.1.0.0.2.ip6.arpa"
SIX_HOST = "0.3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"
ALIAS = "17 CNAME 17.16/28\n@ NS ns1.hoster.example.\n"

# zones of the first server, zones of the second, what the first screen says, exit code
FAULTS = [
    ("a server that does not have the zone", {}, {"2.0.192.in-addr.arpa": None}, "mail.good.sender.example",
     ["1 problem", "name server ns2.hoster.example (127.0.1.2) of 2.0.192.in-addr.arpa: refuses to answer"]),
    ("nothing listens", {"2.0.192.in-addr.arpa": REVERSE + "@ NS closed.hoster.example.\n"}, {}, "mail.good.sender.example",
     ["1 problem", "name server closed.hoster.example (127.0.1.5) of 2.0.192.in-addr.arpa: nothing listens at port 53"]),
    ("a name server without address", {"2.0.192.in-addr.arpa": REVERSE + "@ NS gone.hoster.example.\n"}, {}, "mail.good.sender.example",
     ["1 problem", "name server gone.hoster.example of 2.0.192.in-addr.arpa has no address"]),
]


def test_faults():
    """Each is named on the first screen, in the JSON, and the exit code is 1."""
    for what, one, two, host, says in FAULTS:
        with Names(one, two) as n:
            code, out, err = n.run(host)
            same((code, err), (1, ""), "%s: %s" % (what, out))
            plain(out)
            has(first_screen(out), host + ": ", *says)
            code, data, _ = n.json(host)
            same(code, 1, what)
            holds(data["problems"], what)


def test_forward_first():
    """The address record before the PTR record before the HELO name."""
    with Names({"sender.example": FORWARD + "new A 192.0.2.20\n"}) as n:
        _, data, _ = n.json("new.sender.example", "other.sender.example")
        same([f["record"] for f in data["fixes"]],
             ["other.sender.example. A 192.0.2.20", "20.2.0.192.in-addr.arpa. PTR other.sender.example."])
        _, out, _ = n.run("new.sender.example", "PC-17")
        has(out, "   1. ", "   3. ")
        order = [out.index(text) for text in ("mail.example.com. A 192.0.2.20", "PTR mail.example.com.", "smtp_helo_name = ")]
        same(order, sorted(order))


def test_rfc2317():
    """Two zones: that of the alias, and that of the name it leads to."""
    child = HEAD + "@ NS ns2.hoster.example.\n17 PTR cust.sender.example.\n"
    parent = REVERSE + "17 CNAME 17.16/28\n16/28 NS ns2.hoster.example.\n"
    with Names({"2.0.192.in-addr.arpa": parent, "16/28.2.0.192.in-addr.arpa": child,
                "sender.example": FORWARD + "cust A 192.0.2.17\n"}) as n:
        code, data, err = n.json("cust.sender.example")
        same((code, err, data["problems"]), (0, "", []))
        z = zone_of(data, "17.2.0.192.in-addr.arpa", "CNAME")
        same((z["zone"], z["resolver"]["records"], [s["state"] for s in z["servers"]]),
             ("2.0.192.in-addr.arpa", ["17.16/28.2.0.192.in-addr.arpa"], ["ok", "ok"]))
        z = zone_of(data, "17.16/28.2.0.192.in-addr.arpa", "PTR")
        same((z["zone"], z["resolver"]["records"], [(s["name"], s["state"]) for s in z["servers"]]),
             ("16/28.2.0.192.in-addr.arpa", ["cust.sender.example"], [("ns2.hoster.example", "ok")]))


def test_cache():
    """What the resolver remembers after a fix is shown with the time at which it ends."""
    for before, old in (("", "no such name"), ("10 PTR old.sender.example.\n", "old.sender.example")):
        with Names({"2.0.192.in-addr.arpa": HEAD + BOTH + before}) as n:
            same(n.run("mail.good.sender.example")[0], 1)
            for process in n.running[:2]:
                n.stop(process)
            n.nsd(ONE, ZONES)
            n.nsd(TWO, ZONES)
            code, out, _ = n.run("mail.good.sender.example")
            same(code, 1)
            has(first_screen(out), "your resolver still has the old answer for 10.2.0.192.in-addr.arpa PTR until ", " UTC (in ",
                ": %s; the name servers say mail.good.sender.example. Wait until then, or flush your resolver's cache" % old)
            has_not(out, "To fix")
            _, data, _ = n.json("mail.good.sender.example")
            ttl = zone_of(data, "10.2.0.192.in-addr.arpa", "PTR")["resolver"]["ttl"]
            holds(0 < ttl <= (300 if before else 60), ttl)


def test_nobody_can_be_asked():
    """When no server answers at all it is not theirs to fix."""
    with Names() as n:
        same(n.run("mail.good.sender.example")[0], 0)
        for process in n.running[:2]:
            n.stop(process)
        code, out, _ = n.run("mail.good.sender.example")
        same(code, 0, out)
        has(first_screen(out), "None of the name servers answered this machine")
        same(n.json("mail.good.sender.example")[1]["unheard"], True)


def relay(listen, to, lose):
    """A UDP path that loses answers: lose() says which."""
    while True:
        try:
            question, client = listen.recvfrom(4096)
        except OSError:
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.settimeout(2)
            out.sendto(question, (to, 53))
            answer = out.recv(65535)
        if not lose():
            listen.sendto(answer, client)


def test_lost_answers_G3():
    """Five lost answers in a row are no silence, six are. What comes by TCP only is said."""
    for lost, path in ((5, "127.0.1.6"), (6, "127.0.1.7")):
        count = []

        def lose():
            count.append(1)
            return len(count) <= lost
        zones = {"hoster.example": HOSTER + "path A %s\n" % path, "2.0.192.in-addr.arpa": HEAD + BOTH + "@ NS path.hoster.example.\n"
                 "10 PTR mail.good.sender.example.\n"}
        with Names(zones) as n:
            listen = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            listen.bind((path, 53))
            n.sockets.append(listen)
            threading.Thread(target=relay, args=(listen, ONE, lose), daemon=True).start()
            _, data, _ = n.json("mail.good.sender.example")
            server = [s for s in zone_of(data, "10.2.0.192.in-addr.arpa", "PTR")["servers"] if s["address"] == path][0]
            same(server["udp"]["answer"], "data" if lost < 6 else "timeout")
            same(server["tcp"]["answer"], "closed")
            same(data["problems"], ["name server path.hoster.example (%s) of 2.0.192.in-addr.arpa%s"
                                    % (path, " does not answer by TCP" if lost < 6 else ": does not answer")])


class Liar(threading.Thread):
    """A name server whose answers are spoiled before, or instead of, the right one."""

    def __init__(self, names, address, spoil, tcp=None):
        super().__init__(daemon=True)
        self.listen = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.listen.bind((address, 53))
        names.sockets.append(self.listen)
        self.spoil, self.tcp = spoil, tcp
        if tcp:
            self.server = socket.create_server((address, 53))
            names.sockets.append(self.server)
            threading.Thread(target=self.serve, daemon=True).start()
        self.start()

    @staticmethod
    def ask(question, kind):
        with socket.socket(socket.AF_INET, kind) as out:
            out.settimeout(2)
            out.connect((ONE, 53))
            out.sendall(question)
            return out.recv(65535)

    def run(self):
        while True:
            question, client = self.listen.recvfrom(4096)
            for answer in self.spoil(self.ask(question, socket.SOCK_DGRAM)):
                self.listen.sendto(answer, client)

    def serve(self):
        while True:
            with self.server.accept()[0] as client:
                question = client.recv(4096)
                for part in self.tcp(self.ask(question, socket.SOCK_STREAM)):
                    client.sendall(part)
                    time.sleep(0.02)


def test_hostile_servers():
    """Only the answer to the question counts; what comes cut is asked by TCP, in whatever pieces."""
    other = b"\3bad\7example\0"
    wrong = [lambda a: bytes([a[0] ^ 1]) + a[1:], lambda a: a[:1] + bytes([a[1] ^ 128]) + a[2:], lambda a: a[:2] + bytes([a[2] & 127]) + a[3:],
             lambda a: a[:2] + bytes([a[2] | 8]) + a[3:], lambda a: a[:12] + other + b"\0\x0c\0\1", lambda a: a[:11], lambda a: b"",
             lambda a: a.replace(b"\x0210\1", b"\x0211\1", 1),
             lambda a: a[:4] + b"\0\0" + a[6:], lambda a: a[:12] + a[12:].replace(b"\0\x0c\0\1", b"\0\1\0\1", 1)]
    good = {"answer": "data", "records": ["mail.good.sender.example"], "ttl": 300}
    rows = [("wrong answers first", lambda a: [w(a) for w in wrong] + [a], lambda a: [a], "data", "data", []),
            ("only wrong answers", lambda a: [w(a) for w in wrong], lambda a: [a], "timeout", "data", [" does not answer by UDP"]),
            ("letters in the other case", lambda a: [a.replace(b"addr\4arpa", b"aDDr\4ARPA", 1)], lambda a: [a], "data", "data", []),
            ("cut", lambda a: [a[:2] + bytes([a[2] | 2]) + a[3:]], lambda a: [a], "truncated", "data", []),
            ("cut, and nothing by TCP", lambda a: [a[:2] + bytes([a[2] | 2]) + a[3:]], lambda a: [], "truncated", "timeout",
             [" cuts its answer and does not answer by TCP"]),
            ("TCP octet by octet", lambda a: [a], lambda a: [a[i:i + 1] for i in range(len(a))], "data", "data", []),
            ("TCP that ends early", lambda a: [a], lambda a: [a[:-1]], "data", "timeout", [" does not answer by TCP"]),
            ("TCP with a wrong id", lambda a: [a], lambda a: [a[:2] + wrong[0](a[2:])], "data", "timeout", [" does not answer by TCP"]),
            ("damaged behind the question", lambda a: [a[:-20]], lambda a: [a], "servfail", "data", [" does not answer by UDP"])]
    for number, (what, spoil, tcp, by_udp, by_tcp, says) in enumerate(rows):
        address = "127.0.2.%d" % (number + 1)
        with Names({"hoster.example": HOSTER + "liar A %s\n" % address,
                    "2.0.192.in-addr.arpa": REVERSE + "@ NS liar.hoster.example.\n"}) as n:
            Liar(n, address, spoil, tcp)
            _, data, _ = n.json("mail.good.sender.example")
            server = [s for s in zone_of(data, "10.2.0.192.in-addr.arpa", "PTR")["servers"] if s["address"] == address][0]
            same((server["udp"]["answer"], server["tcp"]["answer"]), (by_udp, by_tcp), what)
            for way in (server["udp"], server["tcp"]):
                holds(way["answer"] != "data" or way == good, (what, way))
            same(data["problems"], ["name server liar.hoster.example (%s) of 2.0.192.in-addr.arpa%s" % (address, s) for s in says], what)


DEFERRED = "Nov 30 10:00:0%d mx postfix/smtp[7]: A1B2C3D4E%d: to=<u@example.net>, relay=none, delay=1, dsn=4.0.0, status=deferred " \
    "(host mx.example.net[198.51.100.1] said: 450 4.7.25 Client host rejected: cannot find your reverse hostname, [%s])\n"
OTHER = "Nov 30 10:00:00 mx postfix/smtp[7]: A1B2C3D4E6: to=<u@example.net>, relay=x, dsn=5.1.1, status=bounced " \
    "(host mx.example.net[198.51.100.1] said: 550 5.1.1 <u@example.net>: Recipient address rejected: User unknown)\n"


def test_refused():
    """Who refuses us, in their words, and what is to fix now; nothing to fix when it is in order."""
    with Names({"sender.example": FORWARD + "new A 192.0.2.20\n", "example.org": HEAD + BOTH + "mx A 192.0.2.10\n"}) as n:
        log = n.file("mail.log", OTHER + DEFERRED % (1, 1, "192.0.2.10") + DEFERRED % (2, 1, "192.0.2.10"))
        code, out, err = n.run("refused", log)
        same((code, err), (0, ""), out)
        plain(out)
        has(out, "1 receiver refused or deferred mail because of this server's name\n", "mx.example.net (IPv4): no PTR record",
            "refused 0, deferred 2; first 2026-11-30 10:00, last 2026-11-30 10:00" if time.gmtime()[:2] == (2026, 11) else "deferred 2; first ",
            "Client host rejected: cannot find your reverse hostname, [192.0.2.10]", ": in order\n",
            "now: 192.0.2.10 is in order: fixed since then, or DNS failed for the\n",
            "192.0.2.10 is accepted because reverse DNS confirms mail.good.sender.example")
        has_not(out, "User unknown", "example.net>")
        packed = n.path("new.log.gz")
        with gzip.open(packed, "wt") as out:
            out.write(DEFERRED % (1, 1, "192.0.2.20"))
        code, out, err = n.run("refused", packed, log)
        same((code, err), (1, ""), out)
        has(out, "192.0.2.20: the address has no PTR record", "To fix, in this order", "20.2.0.192.in-addr.arpa. PTR ")
        code, data, _ = n.json("refused", packed, log)
        same((code, [(r["receiver"], r["family"], r["about"], r["deferred"]) for r in data["receivers"]]),
             (1, [("mx.example.net", "ipv4", "ptr", 3)]))
        same([(r["address"], r["now"]) for r in data["receivers"]], [("192.0.2.10", "in-order")])
        same(sorted(c["client"] for c in data["clients"]), ["192.0.2.10", "192.0.2.20"])
        same(n.run("refused", n.file("other", OTHER)), (0, "No receiver refused or deferred mail because of this server's name.\n", ""))
        same(n.json("refused", n.path("other"))[:2], (0, {"receivers": []}))
        page = n.path("nobody.html")
        strange = "iprev-check: no line of a known log format was found\n"
        same(n.run("refused", "--html", page, n.file("strange", "what\nis\nthis\n")), (65, "", strange))
        same(n.run("refused", "--html", page, n.path("nothing"))[:2], (66, ""))
        same(n.json("refused", n.path("nothing"))[:2], (66, {"receivers": []}))
        same(os.path.exists(page), False)
        same(n.run("refused", n.file("empty", "")), (0, "No receiver refused or deferred mail because of this server's name.\n", ""))
        code, _, err = n.run("refused", n.path("nothing"), n.path("other"))
        same(code, 66)
        has(err, "nothing")
        code, out, _ = n.run("refused", n.file("nameless", DEFERRED % (1, 1, "10.0.0.1")))
        same(code, 1)
        has(out, "no public address is known", "now: not checked: the reply names no address of this server")


SIX_REFUSED = "Nov 30 10:00:05 mx postfix/smtp[7]: A1B2C3D4E8: to=<u@example.net>, relay=none, delay=1, dsn=4.0.0, status=bounced " \
    "(host mx.six.example[2001:db8:99::1] said: 550 5.7.25 Client host rejected: cannot find your reverse hostname, [2001:db8::30])\n"
UNNAMED = "Nov 30 10:00:0%d mx postfix/smtp[7]: A1B2C3D4E%d: to=<u@example.net>, relay=none, delay=1, dsn=4.0.0, status=bounced " \
    "(host mx%d.example.org[%s] said: 550 no reverse DNS)\n"


def test_refused_now():
    """Each refusal with the present state of the address that was refused; if no reply names it, of all of its family."""
    zones = {"sender.example": FORWARD + "new A 192.0.2.20\n", SIX: HEAD + BOTH, "example.org": HEAD + BOTH + "mx A 192.0.2.10\n"}
    log = DEFERRED.replace("mx.example.net", "mx.example.com") % (2, 2, "192.0.2.20") + DEFERRED % (1, 1, "192.0.2.10") + SIX_REFUSED
    with Names(zones) as n:
        rows = {r["receiver"]: (r["family"], r["address"], r["now"])
                for r in n.json("refused", n.file("log", log + UNNAMED % (3, 3, 4, "198.51.100.1") + UNNAMED % (4, 4, 6, "2001:db8:99::2")))[1]["receivers"]}
        same(rows, {"mx.example.net": ("ipv4", "192.0.2.10", "in-order"), "mx.example.com": ("ipv4", "192.0.2.20", "to-fix"),
                    "mx.six.example": ("ipv6", "2001:db8::30", "to-fix"), "mx4.example.org": ("ipv4", None, "to-fix"),
                    "mx6.example.org": ("ipv6", None, "to-fix")})
        rows = {r["receiver"]: r["now"] for r in n.json("refused", n.file("good", DEFERRED % (1, 1, "192.0.2.10") + UNNAMED % (3, 3, 4, "198.51.100.1")
                                                                          + UNNAMED % (4, 4, 6, "2001:db8:99::2")))[1]["receivers"]}
        same(rows, {"mx.example.net": "in-order", "mx4.example.org": "in-order", "mx6.example.org": "not-checked"})
        for process in list(n.running):
            n.stop(process)
        code, data, _ = n.json("refused", n.path("good"))
        same((code, {r["now"] for r in data["receivers"]}), (75, {"unknown", "not-checked"}))
    with Names({**zones, "example.org": None}) as n:  # HELO gets no answer
        rows = {r["receiver"]: r["now"] for r in n.json("refused", n.file("log", log))[1]["receivers"]}
        same(rows, {"mx.example.net": "unknown", "mx.example.com": "to-fix", "mx.six.example": "to-fix"})


def test_one_answer_in_ten_G3():
    """A server that loses one answer in ten is no problem. `make check-loss` runs it 1,000 times."""
    address, chance = "127.0.3.1", random.Random(7)

    def lossy(answer):
        return [] if chance.random() < 0.1 else [answer]
    with Names({"hoster.example": HOSTER + "lossy A %s\n" % address,
                "2.0.192.in-addr.arpa": REVERSE + "@ NS lossy.hoster.example.\n"}) as n:
        Liar(n, address, lossy, lossy)
        for run in range(int(os.environ.get("IPREV_RUNS", "25"))):
            code, data, err = n.json("mail.good.sender.example")
            same((code, err, data["problems"]), (0, "", []), run)
            holds(address in [s["address"] for s in zone_of(data, "10.2.0.192.in-addr.arpa", "PTR")["servers"]], run)
