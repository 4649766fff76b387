"""iprev-check self beside a real Postfix and a real Sendmail: what they say and do when they send mail.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import json
import os
import subprocess

import servers
from checker import PROGRAM, Skip, World, has, has_not, same, with_addresses

MASTER = """
smtp   inet  n - y - - smtpd -o myhostname=in.example.com -o smtp_bind_address=192.0.2.99
smtp   unix  - - y - - smtp
relay  unix  - - y - - smtp -o syslog_name=postfix/$service_name
local  unix  - n n - - local
lmtp   unix  - - y - - lmtp -o smtp_helo_name=lmtp.example.com
"""


def beside(world, environment, addresses, *args, temporary=None, command="self"):
    """(exit code, standard output, standard error) of self, with these addresses and no other."""
    argv = ["env"] + ["%s=%s" % (name, environment[name]) for name in ("LD_LIBRARY_PATH", "MAIL_CONFIG", "PATH") if name in environment]
    done = with_addresses(argv + [PROGRAM, "-c", world.config, command, *args], addresses, temporary)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def postfix(world, main, addresses, *args, **more):
    """The same beside a Postfix with this configuration."""
    if servers.why_not("postfix"):
        raise Skip(servers.why_not("postfix"))
    world.file("main.cf", "compatibility_level = 3.6\nmyhostname = mail.good.example\n%s\n" % main)
    world.file("master.cf", more.pop("master", MASTER))
    environment = servers.environment("postfix", MAIL_CONFIG=world.dir,
                                      PATH=os.path.dirname(servers.find("postfix", "usr/sbin/postconf")) + ":/usr/bin:/bin")
    return beside(world, environment, addresses, *args, **more)


def test_nothing_to_check():
    """Behind a relay, or without a public address to send from, nothing is in order or not."""
    with World() as w:
        for main, want in (("relayhost = [smtp.isp.example]", 0), ("smtp_bind_address = " + PRIVATE, 69)):
            code, out, _ = postfix(w, main, [A], "--html", w.path("page.html"))
            same(code, want)
            has(out + postfix(w, main, [A])[1], "mail.good.example: no address to check\n")
            has(open(w.path("page.html")).read(), ": no address to check</h1>")
            has_not(out, "in order")


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
    ("two interfaces of a family", "inet_interfaces = %s %s" % (A, B), "", [A, B], [], {(A, GOOD): BOTH, (B, GOOD): BOTH}, []),
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
    ("elsewhere for some destinations", "transport_maps = hash:$config_directory/transport", "", [A], [], {(A, GOOD): BOTH},
     ["Postfix may send some mail through other relays, which are not looked at: see transport_maps"]),
    ("elsewhere for some senders", "sender_dependent_default_transport_maps = inline:{x=y}\nsender_dependent_relayhost_maps = inline:{x=y}", "",
     [A], [], {(A, GOOD): BOTH}, ["see sender_dependent_relayhost_maps, sender_dependent_default_transport_maps"]),
    ("tables that are empty", "transport_maps =\nsender_dependent_relayhost_maps =", "", [A], [], {(A, GOOD): BOTH}, []),
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
            same(code == 69, what == "bound to a private address")
            same((code in (0, 69), data["relay"] is not None), (not data["problems"], "relay" in what and "same" not in what or "same" in what), what)


def test_temporary_address():
    """A temporary IPv6 address is named as one, and what to do is to bind to one that stays."""
    with World() as w:
        code, out, _ = postfix(w, "", [A], temporary=SIX)
        same(code, 1)
        has(" ".join(out.split()), "temporary IPv6 address: it changes, so no PTR record can follow it, and mail may leave from it",
            "Send mail from an IPv6 address that stays: smtp_bind_address6 = 2001:db8::30 ", "relay), a temporary address")
        has_not(out, "Sendmail", "Exim", "The provider of the address should publish a PTR record")
        code, out, _ = postfix(w, "", [A], "--json", temporary=SIX)
        same([e["address"] for e in json.loads(out)["addresses"] if not e["temporary"]], [A, SIX])
        _, out, _ = postfix(w, "smtp_bind_address6 = " + SIX, [A], "--json", temporary=SIX)
        data = json.loads(out)
        same([(e["address"], e["temporary"]) for e in data["addresses"]], [(A, False), (SIX, False)])
        has_not(out, "temporary IPv6 address")
        has(data["notes"][0], "Postfix sends no mail from 2001:db8:")
        _, out, _ = beside(w, {"PATH": "/usr/bin:/bin"}, [A], temporary=SIX)
        has(out, "Postfix   smtp_bind_address6 = 2001:db8::30\n", "Sendmail  CLIENT_OPTIONS(`Family=inet6, Addr=2001:db8::30')dnl\n",
            "Exim      interface = <; 2001:db8::30\n")


MC = """OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `%s')dnl
%s
MAILER(`smtp')dnl
"""


def sendmail(world, settings, addresses, *args):
    """The same as postfix(), beside a Sendmail with these lines in sendmail.mc."""
    for server in ("sendmail", "sasl"):
        if servers.why_not(server):
            raise Skip(servers.why_not(server))
    macros = os.path.join(servers.root_of("sendmail"), "usr/share/sendmail/cf/")
    source = world.file("sendmail.mc", MC % (GOOD, settings))
    done = subprocess.run(["m4", "-D_CF_DIR_=" + macros, "../m4/cf.m4", source], cwd=macros + "cf", capture_output=True, text=True, check=True)
    os.makedirs(world.path("bin"), exist_ok=True)
    program = world.file("bin/sendmail", "#!/bin/sh\nexec %s -C %s \"$@\"\n" % (
        servers.find("sendmail", "usr/libexec/sendmail/sendmail"), world.file("sendmail.cf", done.stdout)))
    os.chmod(program, 0o755)
    paths = [servers.environment(name)["LD_LIBRARY_PATH"] for name in ("sendmail", "sasl")]
    return beside(world, {"PATH": world.path("bin") + ":/usr/bin:/bin", "LD_LIBRARY_PATH": ":".join(filter(None, paths))}, addresses, *args)


# lines of sendmail.mc, addresses, arguments; who says what; notes
SENDMAIL = [
    ("its domain name", "", [A, SIX], [], [(A, GOOD), (SIX, GOOD)], []),
    ("its HELO name", "define(`confHELO_NAME', `%s')dnl" % BUSY, [A], [], [(A, BUSY)], []),
    ("given", "define(`confHELO_NAME', `%s')dnl" % BUSY, [A], [OTHER], [(A, OTHER)], []),
    ("bound", "CLIENT_OPTIONS(`Family=inet, Addr=%s')dnl" % B, [A, B, SIX], [], [(B, GOOD), (SIX, GOOD)], ["Sendmail sends no mail from 192.0.2.10"]),
    ("bound, both", "CLIENT_OPTIONS(`Family=inet, Addr=%s')dnl\nCLIENT_OPTIONS(`Address=%s, Family=inet6')dnl" % (B, SIX), [A, B, SIX], [],
     [(B, GOOD), (SIX, GOOD)], ["Sendmail sends no mail from 192.0.2.10"]),
    ("options without an address", "CLIENT_OPTIONS(`Family=inet, Modifiers=h')dnl", [A], [], [(A, GOOD)], []),
    ("a smart host", "define(`SMART_HOST', `relay:[192.0.2.99]')dnl", [A], [], [], ["Sendmail sends all mail through the relay relay:[192.0.2.99]: "]),
    ("behind NAT", "", [PRIVATE], ["--address", A], [(A, GOOD)], []),
]


def test_sendmail():
    for what, settings, addresses, args, want, notes in SENDMAIL:
        with World() as w:
            _, out, _ = sendmail(w, settings, addresses, "--json", *args)
            data = json.loads(out)
            same(data["mail_server"], "Sendmail", what)
            same(sorted((e["address"], e["helo"]) for e in data["addresses"]), sorted(want), what)
            same(len(data["notes"]), len(notes), data["notes"])
            for note in notes:
                has("\n".join(data["notes"]), note)


def test_helo_setting():
    """The setting to change is that of the mail server here, and one that is good for all its addresses."""
    bind = "smtp_bind_address = %s\nsmtp_helo_name = " % A
    with World() as w:
        _, out, _ = postfix(w, bind + "localhost", [A])
        has(out, "should set the HELO name:\n      smtp_helo_name = mail.good.example\n")
        has_not(out, "Sendmail", "Exim")
        _, out, _ = sendmail(w, "define(`confHELO_NAME', `localhost')dnl", [A])
        has(out, "      define(`confHELO_NAME', `mail.good.example')dnl\n")
        has_not(out, "smtp_helo_name", "Exim")
        _, out, _ = beside(w, {"PATH": "/usr/bin:/bin"}, [A], "localhost")
        has(out, "      Postfix   smtp_helo_name = mail.good.example\n      Sendmail  define(`confHELO_NAME', `mail.good.example')dnl\n"
            "      Exim      primary_hostname = mail.good.example\n")
        # two IPv4 addresses with names of their own, one HELO
        _, out, _ = postfix(w, "", [A, B])
        has(out, "Give this address a transport of its own (master.cf):\n",
            "out2 unix - - - - - smtp -o smtp_bind_address=192.0.2.15 -o smtp_helo_name=mail.busy.example\n")
        has_not(out, "      smtp_helo_name")
        # another name in one transport, which is wrong there
        bulk = MASTER + "bulk unix - - y - - smtp -o smtp_bind_address=%s -o smtp_helo_name=localhost\nmore unix - - y - - smtp " \
            "-o smtp_bind_address=%s -o smtp_helo_name=localhost\n" % (B, B)
        _, out, _ = postfix(w, "smtp_bind_address = " + A, [A, B], master=bulk)
        has(out, "Set the HELO name of the transport:\n      postconf -P bulk/unix/smtp_helo_name=mail.busy.example\n"
            "      postconf -P more/unix/smtp_helo_name=mail.busy.example\n")
        has_not(out, "      smtp_helo_name", "of its own (master.cf)")
        # IPv6 beside IPv4: one name for both
        _, out, _ = postfix(w, "", [A, SIX])
        has(out, "mail.good.example. AAAA 2001:db8::30\n", "8.b.d.0.1.0.0.2.ip6.arpa. PTR mail.good.example.\n")
        has_not(out, "smtp_helo_name")


def test_shared_name():
    """Two addresses of a family with one PTR name are noted, once; IPv4 and IPv6 may share theirs."""
    more = "$ORIGIN 2.0.192.in-addr.arpa.\n40 PTR twin.good.example.\n41 PTR twin.good.example.\n$ORIGIN example.\ntwin.good A 192.0.2.40\ntwin.good A 192.0.2.41\n" \
        "twin.good AAAA 2001:db8::40\n$ORIGIN 8.b.d.0.1.0.0.2.ip6.arpa.\n0.4" + ".0" * 22 + " PTR twin.good.example.\n"
    with World() as w:
        with open(w.zone, "a") as out:
            out.write(more)
        code, data, _ = w.json("twin.good.example")
        same((code, data["problems"], data["notes"]),
             (0, [], ["192.0.2.40 and 192.0.2.41 share the PTR name twin.good.example: several addresses should have a name each"]))


def test_refused_beside_postfix():
    """Receivers may name an address that is not this machine's, for which no HELO is known."""
    refusal = "Nov 30 10:00:00 mx postfix/smtp[7]: A1B2C3D4E1: to=<u@example.net>, relay=none, delay=1, dsn=4.0.0, status=deferred " \
        "(host mx.example.net[198.51.100.1] said: 450 4.7.25 Client host rejected: cannot find your reverse hostname, [%s])\n"
    with World() as w:
        log = w.file("log", refusal % B)
        code, out, err = postfix(w, "smtp_helo_name = localhost", [A], "--json", log, command="refused")
        data = json.loads(out)
        same((code, [(e["address"], e["helo"]) for e in data["addresses"]]), (1, [(A, "localhost"), (B, None)]), err)
        code, out, _ = postfix(w, "", [], "--json", "--address", A, log, command="refused")
        same([(e["address"], e["helo"]) for e in json.loads(out)["addresses"]], [(A, GOOD), (B, GOOD)])
