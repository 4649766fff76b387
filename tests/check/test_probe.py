"""iprev-check --probe: what port 25 says, of a real Postfix and of hostile servers.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import shutil
import socket
import subprocess
import threading
import time

import netns
from checker import PROGRAM, Skip, World, has, has_not, holds, plain, same
from postfix import Postfix, why_not

A, SIX, LIAR = "192.0.2.101", "2001:db8::101", "192.0.2.%d"
ZONE = """$ORIGIN example.
mx.probe A 192.0.2.101
mx.probe AAAA 2001:db8::101
liar.probe A 192.0.2.102
$ORIGIN 2.0.192.in-addr.arpa.
101 PTR mx.probe.example.
$ORIGIN 8.b.d.0.1.0.0.2.ip6.arpa.
1.0.1""" + ".0" * 21 + " PTR mx.probe.example.\n"
NAME = "mx.probe.example"


class Probed(World):
    """With the names of this file, whose addresses are this machine's."""

    def __init__(self):
        super().__init__()
        with open(self.zone, "a") as out:
            out.write(ZONE)
        for address in (A, SIX, *[LIAR % i for i in range(110, 131)]):
            netns.loopback_address(address)

    def probes(self, *args):
        """{address: probe} of a run with --probe."""
        _, data, err = self.json("--probe", *args)
        same(err, "")
        return {a["address"]: a["probe"] for a in data["addresses"]}


def certificate(world, common, *names):
    """main.cf lines for a certificate with these names."""
    if not shutil.which("openssl"):
        raise Skip("openssl is not installed")
    key, cert = world.path("key.pem"), world.path("cert.pem")
    more = ["-addext", "subjectAltName=" + ",".join(names)] if names else []
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/O=x" + ("/CN=" + common if common else ""), *more, "-keyout", key, "-out", cert],
                   stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return "smtpd_tls_cert_file = %s\nsmtpd_tls_key_file = %s\n" % (cert, key)


# CN, names, what is shown, how many are left out, is it noted as another name?
CERTIFICATES = [
    ("mx.probe.example", [], ["mx.probe.example"], 0, False),
    ("cn.example", ["DNS:a.example", "IP:192.0.2.101", "email:x@example.org", "DNS:*.probe.example"], ["a.example", "*.probe.example"], 0, False),
    ("mx.probe.example", ["DNS:other.example"], ["other.example"], 0, True),
    ("other.example", ["IP:192.0.2.101"], ["other.example"], 0, True),
    (None, [], [], 0, False),
    ("x", ["DNS:n%d.example" % i for i in range(15)] + ["DNS:mx.probe.example"], ["n%d.example" % i for i in range(15)] + [NAME], 0, False),
    ("x", ["DNS:n%d.example" % i for i in range(17)], ["n%d.example" % i for i in range(16)], 1, True),
]


def connections(server):
    """How many the log tells of, once nothing has been added for half a second."""
    before, now = -1, server.log().count("connect from")
    while now != before:
        time.sleep(0.5)
        before, now = now, server.log().count("connect from")
    return now


def test_postfix():
    """Banner, EHLO and the certificate's names, over IPv4 and IPv6."""
    if why_not():
        raise Skip(why_not())
    for common, names, shown, more, another in CERTIFICATES:
        with Probed() as w:
            server = Postfix({25: None}, settings="myhostname = mail.probe.example\n" + certificate(w, common, *names)).start()
            try:
                probes = w.probes(NAME)
                same(set(probes), {A, SIX})
                for probe in probes.values():
                    same(probe, {"state": "tls", "banner": "mail.probe.example", "ehlo": "mail.probe.example", "certificate": shown,
                                 "more": more, "error": ""})
                code, out, err = w.run("--probe", NAME)
                plain(out)
                same(err, "")
                has(out, "\nPort 25 (not judged)\n  192.0.2.101\n    PTR name     mx.probe.example\n"
                    "    banner       mail.probe.example (not the PTR name)\n    EHLO         mail.probe.example (not the PTR name)\n"
                    "    certificate  ")
                same("(not the PTR name)" in " ".join(out.split("certificate")[1].split("2001:db8")[0].split()), another, out)
                has(server.log(), "connect from unknown[192.0.2.101]", "connect from unknown[2001:db8::101]")
                has_not(server.log().replace("lost connection after CONNECT from unknown[127.0.0.1]", "the test"), "lost connection", "SSL_accept error")
                before = connections(server)
                same(w.run(NAME)[0], code, "not judged")
                same(connections(server), before, "nobody is asked without the option")
            finally:
                server.stop()


def test_certificate_needs_openssl():
    """A program built without OpenSSL says what it cannot show, and shows the rest; tests/packaging runs this with one."""
    if why_not():
        raise Skip(why_not())
    linked = "libssl" in subprocess.run(["readelf", "-d", PROGRAM], capture_output=True, text=True, check=True).stdout
    with Probed() as w:
        server = Postfix({25: None}, settings=certificate(w, NAME)).start()
        try:
            probe = w.probes(NAME)[A]
            same((probe["banner"], probe["ehlo"], probe["certificate"]), ("mx.example.org", "mx.example.org", [NAME] if linked else []))
            same(probe["error"], "" if linked else "certificate not read: iprev-check was built without OpenSSL")
            same("built without OpenSSL" in " ".join(w.run("--probe", NAME)[1].split()), not linked)
        finally:
            server.stop()


def test_postfix_without_tls():
    if why_not():
        raise Skip(why_not())
    with Probed() as w:
        server = Postfix({25: None}, settings="smtpd_tls_security_level = none\n").start()
        try:
            same(w.probes(NAME)[A], {"state": "plain", "banner": "mx.example.org", "ehlo": "mx.example.org", "certificate": [], "more": 0, "error": ""})
            has(w.run("--probe", NAME)[1], "    certificate  no STARTTLS\n")
        finally:
            server.stop()


def test_postscreen():
    """A stranger waits for six seconds behind the first line."""
    if why_not():
        raise Skip(why_not())
    with Probed() as w:
        server = Postfix({}, settings=certificate(w, NAME) + "postscreen_greet_wait = 6s\npostscreen_greet_action = enforce\npostscreen_cache_map =\n"
                         "postscreen_access_list =\n",
                         master="25 inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\ndnsblog unix - - n - 0 dnsblog\n"
                         "tlsproxy unix - - n - 0 tlsproxy\n").start()
        try:
            start = time.monotonic()
            same({p["state"] for p in w.probes(NAME).values()}, {"tls"})
            holds(5 < time.monotonic() - start < 15, "it was there: %s" % server.log())
        finally:
            server.stop()


def say(*parts):
    """Says these, one after each thing that is heard; then keeps still for the rest."""
    def talk(client):
        for number, part in enumerate(parts):
            if number:
                client.recv(4096)
            client.sendall(part)
        time.sleep(20)
    return talk


def endless(start, part, pause=0.0):
    def talk(client):
        client.sendall(start)
        while True:
            client.sendall(part)
            time.sleep(pause)
    return talk


def closing(*parts):
    def talk(client):
        for number, part in enumerate(parts):
            if number:
                client.recv(4096)
            client.sendall(part)
    return talk


def serve(listener, talk):
    """One client; it may go before we are done."""
    try:
        with listener.accept()[0] as client:
            talk(client)
    except OSError:
        pass


def lines(n):
    return b"".join(b"220-x\r\n" for _ in range(n - 1)) + b"220 x\r\n"


def octets(n):
    """A banner of so many, of lines that are no more than 64."""
    full = b"220-" + b"x" * 1018 + b"\r\n"
    return full * (n // 1024) + b"220 " + b"y" * (n % 1024 - 6) + b"\r\n" if n % 1024 else full * (n // 1024 - 1) + b"220 " + b"y" * 1018 + b"\r\n"


EHLO = b"250-liar.example hello\r\n250-PIPELINING\r\n250 STARTTLS\r\n"
LATE, CLOSED = "no answer in time", "connection closed"

# what it does, state, banner, the beginning of the error, the least and the most seconds
HOSTILE = [
    ("silent", say(), "failed", "", LATE, 4.5, 7),
    ("closes at once", closing(), "failed", "", CLOSED, 0, 4),
    ("refuses", closing(b"554 5.7.1 \x1b[31mgo away\r\n"), "failed", "", "554 5.7.1 ?[31mgo away", 0, 4),
    ("speaks something else", closing(b"SSH-2.0-OpenSSH\r\n"), "failed", "", "SSH-2.0-OpenSSH", 0, 4),
    ("an empty line", closing(b"\r\n"), "failed", "", "an empty line", 0, 4),
    ("no more than a code", say(b"220\r\n"), "failed", "", LATE, 14, 17),
    ("a line without end", endless(b"220 ", b"x" * 512), "failed", "", "sends more than 8 KiB", 0, 4),
    ("lines without end", endless(b"", b"220-x\r\n"), "failed", "x", "sends more than 64 lines", 0, 4),
    ("one octet a second", endless(b"", b"2", 1), "failed", "", LATE, 14, 17),
    ("64 lines", say(lines(64)), "failed", "x", LATE, 14, 17),
    ("65 lines", say(lines(65)), "failed", "x", "sends more than 64 lines", 0, 4),
    ("8191 octets", closing(octets(8191)), "failed", None, CLOSED, 0, 17),
    ("8192 octets", closing(octets(8192)), "failed", None, "sends more than 8 KiB", 0, 17),
    ("8193 octets", closing(octets(8193)), "failed", None, "sends more than 8 KiB", 0, 17),
    ("silent behind the banner", say(b"220 liar.example x\r\n"), "failed", "liar.example", LATE, 14, 17),
    ("no STARTTLS", closing(b"220 liar.example\r\n", b"250 liar.example STARTTLS\r\n"), "plain", "liar.example", "", 0, 4),
    ("a name that is no offer", closing(b"220 liar.example\r\n", b"250 STARTTLS\r\n"), "plain", "liar.example", "", 0, 4),
    ("STARTTLS refused", closing(b"220 liar.example\r\n", EHLO, b"454 4.7.0 not now\r\n"), "plain", "liar.example", "454 4.7.0 not now", 0, 4),
    ("more behind STARTTLS", say(b"220 liar.example\r\n", EHLO, b"220 go\r\n250 injected\r\n"), "plain", "liar.example",
     "sends more after its reply to STARTTLS", 0, 4),
    ("garbage for TLS", closing(b"220 liar.example\r\n", EHLO, b"220 go\r\n", b"\x16\x03\x01garbage" + b"\0" * 9000), "plain", "liar.example", "TLS failed: ", 0, 4),
    ("silent in TLS", say(b"220 liar.example\r\n", EHLO, b"220 go\r\n"), "plain", "liar.example", "TLS failed: no answer in time", 14, 17),
]


def test_hostile():
    """Each ends in time, with what was learnt before, and is told in printable ASCII. All at once."""
    with Probed() as w:
        names, listeners = [], []
        for number, row in enumerate(HOSTILE):
            address = LIAR % (110 + number)
            names.append("many A %s\n" % address)
            listener = socket.create_server((address, 25))
            listeners.append(listener)
            threading.Thread(target=serve, args=(listener, row[1]), daemon=True).start()
        with open(w.zone, "a") as out:
            out.write("$ORIGIN example.\n" + "".join(names))
        start = time.monotonic()
        probes = w.probes("many.example")
        holds(time.monotonic() - start < 25, "together they take no longer than one")
        for number, (what, _, state, banner, error, _, _) in enumerate(HOSTILE):
            probe = probes[LIAR % (110 + number)]
            same((probe["state"], probe["error"][:len(error)] if error else probe["error"]), (state, error), (what, probe))
            same(probe["banner"] if banner is not None else "", banner or "", what)
            holds(all(" " <= c <= "~" for text in (probe["error"], probe["banner"], probe["ehlo"]) for c in text), probe)
        for listener in listeners:
            listener.close()


def test_time_of_each():
    """The times alone: 5 s for the first octets, 15 s in all."""
    for what, talk, _, _, _, least, most in [row for row in HOSTILE if row[0] in ("silent", "one octet a second", "closes at once")]:
        with Probed() as w, socket.create_server((A, 25)) as listener:
            threading.Thread(target=serve, args=(listener, talk), daemon=True).start()
            start = time.monotonic()
            w.json("--probe", A)
            took = time.monotonic() - start
            holds(least <= took <= most + 2, (what, took))


def test_nobody_listens():
    with Probed() as w:
        probe = w.probes(NAME)[A]
        same((probe["state"], probe["error"]), ("unreachable", "Connection refused"))
        has(w.run("--probe", NAME)[1], "  192.0.2.101\n    PTR name     mx.probe.example\n    Connection refused\n")
        same(w.json(NAME)[1]["addresses"][0]["probe"], None)


def test_number_of_addresses():
    """31, 32 and 33 of them."""
    for count in (31, 32, 33):
        with Probed() as w:
            with open(w.zone, "a") as out:
                out.write("$ORIGIN example.\n" + "".join("many A 192.0.2.%d\n" % (140 + i) for i in range(count)))
            for i in range(count):
                netns.loopback_address(LIAR % (140 + i))
            _, data, _ = w.json("--probe", "many.example")
            same(sum(a["probe"] is not None for a in data["addresses"]), min(count, 32))
            same(data["notes"], ["port 25 is looked at for the first 32 addresses only"] if count > 32 else [])
