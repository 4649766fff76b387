"""iprev-check self beside a real Postfix and a real Sendmail: what they say and do when they send mail.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import json
import os
import subprocess

import servers
from checker import PROGRAM, Skip, World, has, has_not, same, with_addresses

MASTER = """
smtp   inet  n - y - - smtpd
smtp   unix  - - y - - smtp
relay  unix  - - y - - smtp -o syslog_name=postfix/$service_name
local  unix  - n n - - local
lmtp   unix  - - y - - lmtp -o smtp_helo_name=lmtp.example.com
"""


def beside(world, environment, addresses, *args):
    """(exit code, standard output, standard error) of self, with these addresses and no other."""
    argv = ["env"] + ["%s=%s" % (name, environment[name]) for name in ("LD_LIBRARY_PATH", "MAIL_CONFIG", "PATH") if name in environment]
    done = with_addresses(argv + [PROGRAM, "-c", world.config, "self", *args], addresses)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def postfix(world, main, addresses, *args, master=MASTER):
    """The same beside a Postfix with this configuration."""
    if servers.why_not("postfix"):
        raise Skip(servers.why_not("postfix"))
    world.file("main.cf", "compatibility_level = 3.6\nmyhostname = mail.good.example\n%s\n" % main)
    world.file("master.cf", master)
    environment = servers.environment("postfix", MAIL_CONFIG=world.dir,
                                      PATH=os.path.dirname(servers.find("postfix", "usr/sbin/postconf")) + ":/usr/bin:/bin")
    return beside(world, environment, addresses, *args)


def test_mynetworks():
    with World('exempt: { networks = ["198.51.100.0/24"]; };') as w:
        _, _, err = postfix(w, "inside = 203.0.113.0/24\nmynetworks = 127.0.0.0/8 [::1]/128 198.51.100.0/24, $inside\n  [2001:db8::]/64",
                            ["192.0.2.10"])
        has(err, "mynetworks has 203.0.113.0/24, which is not exempt here: add it to exempt.networks\n")
        has(err, "mynetworks has [2001:db8::]/64, which")
        for exempt in ("127.0.0.0", "::1", "198.51.100.0"):
            has_not(err, exempt)
        has_not(postfix(w, "mynetworks = 127.0.0.0/8 198.51.100.0/24", ["192.0.2.10"])[2], "mynetworks")


A, B, SIX, PRIVATE = "192.0.2.10", "192.0.2.15", "2001:db8::30", "10.0.0.5"
GOOD, BUSY, OTHER = "mail.good.example", "mail.busy.example", "other.good.example"
BOTH = "relay, smtp"

# main.cf, master.cf behind the usual one, addresses, arguments; who says what: {(address, HELO): transports}; notes
POSTFIX = [
    ("the name of the host", "", "", [A], [], {(A, GOOD): BOTH}, []),
    ("both families", "", "", [A, SIX], [], {(A, GOOD): BOTH, (SIX, GOOD): BOTH}, []),
    ("its HELO name", "smtp_helo_name = " + BUSY, "", [A], [], {(A, BUSY): BOTH}, []),
    ("expanded", "mydomain = busy.example\nsmtp_helo_name = mail.$mydomain", "", [A], [], {(A, BUSY): BOTH}, []),
    ("given", "smtp_helo_name = " + BUSY, "", [A], [OTHER], {(A, OTHER): BOTH}, []),
    ("IPv4 only", "inet_protocols = ipv4", "", [A, SIX], [], {(A, GOOD): BOTH}, ["sends no mail from 2001:db8::30"]),
    ("IPv6 only", "inet_protocols = ipv6", "", [A, SIX], [], {(SIX, GOOD): BOTH}, ["sends no mail from 192.0.2.10"]),
    ("both, written", "inet_protocols = ipv4, ipv6", "", [A, SIX], [], {(A, GOOD): BOTH, (SIX, GOOD): BOTH}, []),
    ("bound", "smtp_bind_address = " + B, "", [A, B, SIX], [], {(B, GOOD): BOTH, (SIX, GOOD): BOTH}, ["sends no mail from 192.0.2.10"]),
    ("bound, IPv6", "smtp_bind_address6 = 2001:db8::31", "", [A, SIX, "2001:db8::31"], [],
     {(A, GOOD): BOTH, ("2001:db8::31", GOOD): BOTH}, ["sends no mail from 2001:db8::30"]),
    ("bound to any", "smtp_bind_address = 0.0.0.0\nsmtp_bind_address6 = ::", "", [A, SIX], [], {(A, GOOD): BOTH, (SIX, GOOD): BOTH}, []),
    ("the one interface", "inet_interfaces = %s, 127.0.0.1" % B, "", [A, B], [], {(A, GOOD): BOTH, (B, GOOD): BOTH}, []),
    ("the only interface", "inet_interfaces = %s [%s]" % (B, SIX), "", [A, B, SIX], [], {(B, GOOD): BOTH, (SIX, GOOD): BOTH},
     ["sends no mail from 192.0.2.10"]),
    ("loopback alone does not bind", "inet_interfaces = 127.0.0.1", "", [A], [], {(A, GOOD): BOTH}, []),
    ("another HELO in one transport", "", "bulk unix - - y - - smtp -o smtp_helo_name=%s\n" % BUSY, [A], [],
     {(A, GOOD): BOTH, (A, BUSY): "bulk"}, []),
    ("another host name in one", "", "bulk unix - - y - - smtp -o myhostname=%s\n" % BUSY, [A], [], {(A, GOOD): BOTH, (A, BUSY): "bulk"}, []),
    ("another host name, but the HELO name is set", "smtp_helo_name = " + GOOD, "bulk unix - - y - - smtp -o myhostname=%s\n" % BUSY, [A], [],
     {(A, GOOD): "relay, smtp, bulk"}, []),
    ("both in one", "", "bulk unix - - y - - smtp -o myhostname=%s -o smtp_helo_name=%s\n" % (OTHER, BUSY), [A], [],
     {(A, GOOD): BOTH, (A, BUSY): "bulk"}, []),
    ("an address for each transport", "", "bulk unix - - y - - smtp -o { smtp_bind_address = %s } -o smtp_helo_name=%s\n" % (B, BUSY), [A, B], [],
     {(A, GOOD): BOTH, (B, GOOD): BOTH, (B, BUSY): "bulk"}, []),
    ("one transport is free again", "smtp_bind_address = " + B, "bulk unix - - y - - smtp -o smtp_bind_address=\n", [A, B], [],
     {(B, GOOD): "relay, smtp, bulk", (A, GOOD): "bulk"}, []),
    ("IPv6 in one", "inet_protocols = ipv4", "six unix - - y - - smtp -o inet_protocols=ipv6\n", [A, SIX], [],
     {(A, GOOD): BOTH, (SIX, GOOD): "six"}, []),
    ("a name that begins alike", "", "smtp2 unix - - y - - smtp -o smtp_helo_name=%s\n" % BUSY, [A], [], {(A, GOOD): BOTH, (A, BUSY): "smtp2"}, []),
    ("bound to a private address", "smtp_bind_address = " + PRIVATE, "", [A], [], {},
     ["Postfix (transport smtp) sends from 10.0.0.5, a private address", "sends no mail from 192.0.2.10"]),
    ("behind NAT", "", "", [PRIVATE], ["--address", A], {(A, GOOD): BOTH}, []),
    ("behind NAT, two addresses, bound", "smtp_bind_address = " + PRIVATE, "", [], ["--address", A, "--address", SIX],
     {(A, GOOD): BOTH, (SIX, GOOD): BOTH}, []),
    ("through a relay", "relayhost = [smtp.isp.example]:587", "", [A], [], {},
     ["Postfix sends all mail through the relay [smtp.isp.example]:587: receivers see the relay's address and name"]),
    ("through a relay, in other words", "default_transport = smtp:[smtp.isp.example]", "", [], [], {}, ["through the relay [smtp.isp.example]: "]),
    ("checked all the same", "relayhost = [smtp.isp.example]", "", [B], ["--address", A], {(A, GOOD): BOTH}, []),
]


def order(transports):
    return sorted(transports.split(", "))


def test_postfix():
    """The HELO, addresses and protocols of every transport that sends mail."""
    for what, main, master, addresses, args, want, notes in POSTFIX:
        with World() as w:
            code, out, err = postfix(w, main, addresses, "--json", *args, master=MASTER + master)
            data = json.loads(out)
            same({(e["address"], e["helo"]): order(e["transports"]) for e in data["addresses"]},
                 {key: order(value) for key, value in want.items()}, what)
            same((data["mail_server"], len(data["notes"])), ("Postfix", len(notes) + (what == "bound to a private address")), (what, data["notes"]))
            for note in notes:
                has("\n".join(data["notes"]), note)
            same([c["client"] for c in data["clients"]], [e["address"] for e in data["addresses"]], what)
            same((code == 0, data["relay"] is not None), (not data["problems"], "relay" in what and "same" not in what or "same" in what), what)
