"""Fifteen ways in which a mail server's name goes wrong, each in real name servers and a real resolver: named on the
first screen of the text, and on the page.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import multiprocessing
import os
import socket
import subprocess
import tempfile
import threading
import traceback

import servers
from checker import Skip, World, enter_network, has, has_not, holds, plain, same
from test_sender import BOTH, FORWARD, HEAD, HOSTER, LAME, REVERSE, SILENT, SIX, SIX_HOST, Names, first_screen
from test_sender_page import text_of

GOOD = "mail.good.sender.example"
MASTER = "smtp unix - - y - - smtp\nrelay unix - - y - - smtp\nbulk unix - - y - - smtp -o smtp_helo_name=bulk.sender.example\n"
R = "2.0.192.in-addr.arpa"

# zones of the first server, zones of the second, host, what the first screen says
FAULTS = {
    "lame server": ({R: REVERSE + "@ NS lame.hoster.example.\n"}, {}, GOOD,
                    ["name server lame.hoster.example (127.0.1.3) of 2.0.192.in-addr.arpa: does not serve this zone (lame)"]),
    "two servers that disagree": ({}, {R: HEAD + BOTH}, GOOD,
                                  ["the name servers disagree about 10.2.0.192.in-addr.arpa PTR", "ns2.hoster.example (127.0.1.2) says no such name"]),
    "one silent": ({R: REVERSE + "@ NS silent.hoster.example.\n"}, {}, GOOD,
                   ["name server silent.hoster.example (127.0.1.4) of 2.0.192.in-addr.arpa: does not answer"]),
    "IPv6 without PTR": ({"sender.example": FORWARD + "mail.good AAAA 2001:db8::30\n", SIX: HEAD + BOTH}, {}, GOOD,
                         ["2001:db8::30: the address has no PTR record", SIX_HOST + "." + SIX + ". PTR mail.good.sender.example."]),
    "PTR at the bare domain": ({R: HEAD + BOTH + "12 PTR sender.example.\n", "sender.example": FORWARD + "@ A 192.0.2.12\n"}, {}, "sender.example",
                               ["192.0.2.12: no, a bare domain", "mail.sender.example. A 192.0.2.12"]),
    "provider's default name": ({R: HEAD + BOTH + "14 PTR 192-0-2-14.dsl.dyn.sender.example.\n",
                                 "sender.example": FORWARD + "192-0-2-14.dsl.dyn A 192.0.2.14\nmx A 192.0.2.14\n"}, {}, "mx.sender.example",
                                ["192-0-2-14.dsl.dyn.sender.example looks machine-generated", "14.2.0.192.in-addr.arpa. PTR mx.sender.example."]),
    "two PTRs": ({R: REVERSE + "10 PTR www.sender.example.\n", "sender.example": FORWARD + "www A 192.0.2.10\n"}, {}, GOOD,
                 ["192.0.2.10: 2 PTR records are published"]),
    "forward elsewhere": ({R: HEAD + BOTH + "11 PTR mail.good.sender.example.\n", "sender.example": FORWARD + "other A 192.0.2.11\n"}, {},
                          "other.sender.example", ["192.0.2.11: mail.good.sender.example -> 192.0.2.10, not 192.0.2.11"]),
    "RFC 2317 with a broken CNAME": ({R: REVERSE + "17 CNAME 17.16/28\n", "sender.example": FORWARD + "cust A 192.0.2.17\n"}, {},
                                     "cust.sender.example",
                                     ["17.2.0.192.in-addr.arpa is an alias of 17.16/28.2.0.192.in-addr.arpa, which has no PTR record"]),
    "NXDOMAIN at the parent": ({R: None, "192.in-addr.arpa": HEAD + BOTH}, {}, GOOD,
                               ["192.0.2.10: the address has no PTR record", "10.2.0.192.in-addr.arpa. PTR mail.good.sender.example."]),
    "proxied A record": ({"sender.example": FORWARD + "web A 104.16.1.10\n", "16.104.in-addr.arpa": HEAD + BOTH}, {}, "web.sender.example",
                         ["104.16.1.10: an address of Cloudflare's web proxy (a proxied record): no mail is sent from there",
                          "web.sender.example. A (the address of the mail server)"]),
}
ELSEWHERE = ["negative cache after a fix", "wrong HELO in one transport", "temporary IPv6", "DNSSEC bogus"]


def shows(n, what, args, says, exit_code=1):
    """The sentences stand on the first screen and on the page."""
    code, out, _ = n.run(*args)
    same(code, exit_code, "%s: %s" % (what, out))
    plain(out)
    has(first_screen(out), *says)
    path = n.path("page.html")
    n.run("--html", path, *args)
    has(text_of(open(path, encoding="ascii").read()), *says)


def test_named_on_the_first_screen_G2():
    """Those that a look from outside shows."""
    for what, (one, two, host, says) in FAULTS.items():
        with Names(one, two) as n:
            n.silent(SILENT)
            n.resolver(LAME)
            shows(n, what, [host], says)


def test_negative_cache_after_a_fix_G2():
    with Names({R: HEAD + BOTH}) as n:
        same(n.run(GOOD)[0], 1)
        for process in n.running[:2]:
            n.stop(process)
        for address in ("127.0.1.1", "127.0.1.2"):
            n.nsd(address, {"hoster.example": HOSTER, "sender.example": FORWARD, R: REVERSE})
        says = ["your resolver still has the old answer for 10.2.0.192.in-addr.arpa PTR until ", " UTC (in ",
                "no such name; the name servers say mail.good.sender.example"]
        shows(n, "negative cache", [GOOD], says)


def signed(zone, text, until):
    """The zone with signatures that are good until then, and its DS record."""
    if servers.why_not("ldns"):
        raise Skip(servers.why_not("ldns"))

    def run(program, *args):
        return subprocess.run([servers.find("ldns", "usr/bin/" + program), *args], cwd=place, env=servers.environment("ldns"),
                              capture_output=True, text=True, timeout=60, check=True).stdout.strip()
    with tempfile.TemporaryDirectory() as place:
        with open(place + "/zone", "w", encoding="ascii") as file:
            file.write("$ORIGIN %s.\n%s" % (zone, text))
        key = run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone)
        run("ldns-signzone", "-i", "20200101000000", "-e", until, "-f", "signed", "zone", key)
        with open(place + "/signed", encoding="ascii") as zone_file, open("%s/%s.ds" % (place, key), encoding="ascii") as ds:
            return zone_file.read(), ds.read()


def validating(ds):
    """Of unbound: it validates below this DS record."""
    return '    trust-anchor: "%s"\n    module-config: "validator iterator"\n' % " ".join(ds.split())


def test_dnssec_at_the_resolver_G2():
    """The resolver validates and fails: the zone's own signatures are told from servers that fail."""
    says = ["DNSSEC validation fails for 10.2.0.192.in-addr.arpa PTR: resolvers that validate have no answer",
            "The owner of the zone 2.0.192.in-addr.arpa must sign it again, or have its DS record removed from the zone above"]
    expired, ds = signed(R, REVERSE, "20200201000000")
    with Names({R: expired}, local=validating(ds)) as n:
        shows(n, "expired", [GOOD], says)
        code, data, _ = n.json(GOOD)
        same(code, 1)
        holds(any(says[0] in str(value) for value in data.values()), data)
    other, other_ds = signed("sender.example", FORWARD, "20200201000000")
    anchors = validating(ds) + '    trust-anchor: "%s"\n' % " ".join(other_ds.split())
    for interface, forward in (("127.0.1.54@5353", '["127.0.1.54@5353"]'), ("127.0.0.1", "[]")):  # another port, resolv.conf
        with Names({R: expired, "sender.example": other}, local=anchors + "    interface: %s\n" % interface) as n:
            n.config = n.file("other", "resolver: { forward = %s  deadline = 3000 }\n" % forward)
            code, out, _ = n.run(GOOD)
            has(" ".join(out.split()), "DNSSEC validation fails for mail.good.sender.example A:", "for mail.good.sender.example AAAA:",
                "The owner of the zone sender.example must sign it again")
            same(code, 1)
    good, ds = signed(R, REVERSE, "20370101000000")
    with Names({R: good}, local=validating(ds)) as n:
        code, out, _ = n.run(GOOD)
        same(code, 0, out)
    with Names({R: None}, local=validating(ds)) as n:
        code, out, _ = n.run(GOOD)
        same(code, 75, out)
        has_not(out, "DNSSEC validation fails")


# What a resolver says that has failed once, when it is asked again, and when it need not validate: RCODE, truncated. Is
# DNSSEC to blame?
AGAIN = [("it fails only when it validates", (2, 0), (0, 0), True), ("no such name", (2, 0), (3, 0), True),
         ("cut", (2, 0), (0, 1), True), ("it was busy", (0, 0), (0, 0), False), ("it fails", (2, 0), (2, 0), False),
         ("it refuses", (5, 0), (5, 0), False)]


def failing_resolver(says):
    """A resolver that fails for libunbound, and says to us what is in says; known by the size that we announce (1232)."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.1.55", 53))

    def serve():
        while True:
            query, client = server.recvfrom(4096)
            rcode, cut = (2, 0) if b"\0\0\x29\x04\xd0" not in query else says["unchecked" if query[3] & 16 else "again"]
            if not query[2] & 1:
                rcode = 5  # recursion was not asked for
            end = query.index(b"\0", 12) + 5
            server.sendto(query[:2] + bytes([0x81 | cut << 1, 0x80 | rcode]) + b"\0\1" + bytes(6) + query[12:end], client)
    threading.Thread(target=serve, daemon=True).start()


def test_dnssec_is_to_blame_or_not_G2():
    with World() as w:
        w.config = w.file("conf", 'resolver: { forward = ["127.0.1.55"]  deadline = 1000 }\n')
        says = {}
        failing_resolver(says)
        for what, again, unchecked, blamed in AGAIN:
            says.update(again=again, unchecked=unchecked)
            code, out, _ = w.run("mail.good.sender.example")
            same(("DNSSEC validation fails for mail.good.sender.example A:" in " ".join(out.split()), code),
                 (blamed, 1 if blamed else 75), "%s: %s" % (what, out))


def test_dnssec_bogus_G2():
    """Validated here, the answer is bogus."""
    with Names() as n:
        anchor = n.file("anchor", "2.0.192.in-addr.arpa. DS 12345 13 2 %s\n" % ("ab" * 32))
        n.config = n.file("signed", open(n.config).read().replace("resolver: {", 'resolver: { trust-anchor = "%s" ' % anchor))
        shows(n, "bogus", [GOOD], ["192.0.2.10: the DNS answer fails DNSSEC validation", "Whoever signs the zone should fix its signatures",
                                   "DNSSEC validation fails for 10.2.0.192.in-addr.arpa PTR"])
    validator = '    trust-anchor: "2.0.192.in-addr.arpa. DS 12345 13 2 %s"\n    module-config: "validator iterator"\n' % ("ab" * 32)
    with Names(local=validator) as n:
        shows(n, "bogus at the resolver", [GOOD], ["192.0.2.10: the name servers failed (SERVFAIL), or DNSSEC validation at your resolver",
                                                 "DNSSEC validation fails for 10.2.0.192.in-addr.arpa PTR"])


# ---- of this machine ----

def alone(function, addresses, temporary=None):
    """Runs it in a network of its own."""
    def child(pipe):
        try:
            enter_network(addresses, temporary)
            function()
            pipe.send(None)
        except Skip as reason:
            pipe.send(reason)
        except BaseException:
            pipe.send(traceback.format_exc())
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=child, args=(there,))
    process.start()
    failed = here.recv() if here.poll(120) else "no end"
    process.join(10)
    if isinstance(failed, Skip):
        raise failed
    holds(failed is None, failed)


class Beside:
    """Names, and a Postfix with this configuration beside them."""

    def __init__(self, zones, main="", master=MASTER):
        if servers.why_not("postfix"):
            raise Skip(servers.why_not("postfix"))
        self.names = Names(zones)
        self.names.file("main.cf", "compatibility_level = 3.6\nmyhostname = mail.good.sender.example\n" + main)
        self.names.file("master.cf", master)
        self.before = dict(os.environ)
        os.environ.update(servers.environment("postfix", MAIL_CONFIG=self.names.dir),
                          PATH=os.path.dirname(servers.find("postfix", "usr/sbin/postconf")) + ":/usr/bin:/bin")

    def __enter__(self):
        return self.names

    def __exit__(self, *_):
        os.environ.clear()
        os.environ.update(self.before)
        self.names.__exit__()


def test_wrong_helo_in_one_transport_G2():
    def run():
        with Beside({}) as n:
            shows(n, "HELO", ["self"], ["192.0.2.10: HELO: bulk.sender.example is in the domain of the confirmed PTR name, but does not resolve",
                                           "says bulk.sender.example"])
            has(first_screen(n.run("self")[1]), "192.0.2.10 says bulk.sender.example (transport bulk)")
            has(text_of(open(n.path("page.html")).read()), "Postfix (bulk) says bulk.sender.example")
    alone(run, ["192.0.2.10"])


def test_temporary_ipv6_G2():
    def run():
        with Beside({"sender.example": FORWARD + "mail.good AAAA 2001:db8::30\n", SIX: HEAD + BOTH + SIX_HOST + " PTR mail.good.sender.example.\n"},
                    master="smtp unix - - y - - smtp\n") as n:
            shows(n, "temporary", ["self"], ["temporary IPv6 address: it changes, so no PTR record can follow it", "smtp_bind_address6 = 2001:db8::30"])
    alone(run, ["192.0.2.10"], "2001:db8::30")


def test_all_fifteen_are_here_G2():
    same(len(FAULTS) + len(ELSEWHERE), 15)
    for name in ELSEWHERE:
        holds("test_" + name.replace(" ", "_").lower() + "_G2" in globals(), name)
