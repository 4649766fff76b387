"""A real unbound, BIND or Knot Resolver to ask instead of NSD: it asks the server of this benchmark.

tests/system/get-servers unpacks them; they run in the foreground, in the private network.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import os
import socket
import struct
import time

from benchlib import Program, at_home, work, write
import servers

ZONES = 256  # that are dead
LEAF, SILENT = "192.0.2.54", "192.0.2.53"  # where every zone is; where nobody answers

UNBOUND = """server:
  interface: 127.0.0.1
  do-daemonize: no
  chroot: ""
  username: ""
  directory: "%(dir)s"
  pidfile: ""
  use-syslog: no
  logfile: "%(dir)s/unbound.messages"
  do-not-query-localhost: no
  unblock-lan-zones: yes
  module-config: "iterator"
  msg-cache-size: 64m
  rrset-cache-size: 128m
stub-zone:
  name: "in-addr.arpa"
  stub-addr: %(leaf)s
stub-zone:
  name: "com"
  stub-addr: %(leaf)s
"""
BIND = """options {
  directory "%(dir)s";
  pid-file none;
  session-keyfile none;
  listen-on { 127.0.0.1; };
  listen-on-v6 { none; };
  recursion yes;
  allow-query { any; };
  dnssec-validation no;
  empty-zones-enable no;
  max-cache-size 192m;
};
controls { };
zone "in-addr.arpa" { type static-stub; server-addresses { %(leaf)s; }; };
zone "com" { type static-stub; server-addresses { %(leaf)s; }; };
"""
KNOT = """net.listen("127.0.0.1", 53, { kind = "dns" })
modules.unload("priming")
trust_anchors.remove(".")
cache.size = 192 * MB
policy.add(policy.suffix(policy.STUB("%(leaf)s"), policy.todnames({ "in-addr.arpa.", "com." })))
"""
STUB = """stub-zone:
  name: "%s"
  stub-addr: %s
"""


def dead_zones(layout):
    """Names of the dead zones: of a /24 each, or of a /16."""
    if layout == "/24":
        return ["%d.0.20.in-addr.arpa" % n for n in range(ZONES)]
    return ["%d.20.in-addr.arpa" % n for n in range(ZONES)]


def dead_clients(layout, count):
    """A file of clients in these zones, one after the other in each; its path."""
    lines = []
    for i in range(count):
        zone, host = i % ZONES, i // ZONES
        tail = (zone, 1 + host % 254) if layout == "/24" else (host * 37 % 256, 1 + host // 256)
        address = "20.0.%d.%d" % tail if layout == "/24" else "20.%d.%d.%d" % (zone, *tail)
        lines.append("%s smtp.dead%d.example.com\n" % (address, i))
    return write("dead%s.clients" % layout.replace("/", "-"), "".join(lines))


def question(name, kind, ident):
    """A DNS question as octets."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">HHHHHH", ident, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)


def wait(name="probe.d1.example.com"):
    """Until somebody answers on 127.0.0.1."""
    end = time.monotonic() + 60
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.3)
        while time.monotonic() < end:
            try:
                sock.sendto(question(name, 1, 7), ("127.0.0.1", 53))
                sock.recv(512)
                return
            except OSError:
                time.sleep(0.1)
    raise RuntimeError("the resolver does not answer")


def unbound(layout=None):
    """unbound, with Debian's defaults for what counts here."""
    text = UNBOUND % {"dir": work(), "leaf": LEAF}
    text += "".join(STUB % (zone, SILENT) for zone in (dead_zones(layout) if layout else ()))
    started = Program("unbound", [servers.program("unbound", "unbound"), "-d", "-c", write("unbound.conf", text)],
                      env=servers.environment("unbound"))
    wait()
    return started


def bind():
    """BIND: named."""
    path = write("named.conf", BIND % {"dir": work(), "leaf": LEAF})
    started = Program("BIND", [servers.program("bind9", "named"), "-f", "-c", path], env=servers.environment("bind9"))
    wait()
    return started


def knot():
    """Knot Resolver."""
    os.makedirs(work("knot"), exist_ok=True)
    path = write("kresd.conf", KNOT % {"leaf": LEAF})
    started = Program("Knot Resolver", at_home("knot-resolver") + ["kresd", "-n", "-c", path, work("knot")])
    wait()
    return started
