"""iprev-check HOST: who does what it says is in order afterwards; the text to the owner of the address.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import re

from checker import has, has_not, holds, plain, same
from test_sender import BOTH, HEAD, ONE, REVERSE, SILENT, SIX, SIX_HOST, TWO, ZONES, Names

CHILD = "16/28.2.0.192.in-addr.arpa"
PARENT = REVERSE + "17 CNAME 17.16/28\n@ NS ns1.hoster.example.\n16/28 NS ns2.hoster.example.\n"
NEW = "new.sender.example"


def zones(reverse="", forward="", **more):
    """The reverse zone and the zone of the names with these records."""
    return {"2.0.192.in-addr.arpa": HEAD + BOTH + reverse, "sender.example": HEAD + BOTH + forward, **more}


# what is wrong, the zones, the host, the HELO (None: the host), kinds of fix in their order
BROKEN = [
    ("no PTR record", zones("", "new A 192.0.2.20\n"), NEW, None, ["PTR"]),
    ("another name in the PTR record", zones("20 PTR old.sender.example.\n", "new A 192.0.2.20\nold A 192.0.2.9\n"), NEW, None, ["PTR"]),
    ("the PTR record of a name without address", zones("20 PTR old.sender.example.\n", "new A 192.0.2.20\n"), NEW, "old.sender.example", ["A"]),
    ("a generic name", zones("20 PTR 192-0-2-20.dsl.sender.example.\n", "192-0-2-20.dsl A 192.0.2.20\nnew A 192.0.2.20\n"), NEW, None, ["PTR"]),
    ("a generic name as HELO, too", zones("20 PTR 192-0-2-20.dsl.sender.example.\n", "192-0-2-20.dsl A 192.0.2.20\n", **{"example.com": HEAD + BOTH}),
     "192-0-2-20.dsl.sender.example", None, ["A", "PTR", "HELO"]),
    ("the bare domain", zones("20 PTR sender.example.\n", "@ A 192.0.2.20\n"), "sender.example", None, ["A", "PTR"]),
    ("two PTR records", zones("20 PTR new.sender.example.\n20 PTR also.sender.example.\n", "new A 192.0.2.20\nalso A 192.0.2.20\n"), NEW, None, ["PTR"]),
    ("two PTR records, and only the generic one resolves back", zones("20 PTR also.sender.example.\n20 PTR 192-0-2-20.dsl.sender.example.\n",
                                                                     "192-0-2-20.dsl A 192.0.2.20\nnew A 192.0.2.20\n"), NEW, None, ["A", "PTR"]),
    ("HELO localhost", zones("20 PTR new.sender.example.\n", "new A 192.0.2.20\n"), NEW, "localhost", ["HELO"]),
    ("HELO elsewhere", zones("20 PTR new.sender.example.\n", "new A 192.0.2.20\n"), NEW, "silent.hoster.example", ["HELO"]),
    ("no PTR record, and a HELO without address", zones("", "new A 192.0.2.20\n"), NEW, "mx.sender.example", ["A", "PTR"]),
    ("IPv6 without PTR", {**zones("20 PTR new.sender.example.\n", "new A 192.0.2.20\nnew AAAA 2001:db8::30\n"), SIX: HEAD + BOTH}, NEW, None, ["PTR"]),
    ("RFC 2317, nothing at the end of the alias", {**zones("", "new A 192.0.2.17\n"), "2.0.192.in-addr.arpa": PARENT,
                                                   CHILD: HEAD + "@ NS ns2.hoster.example.\n"}, NEW, None, ["PTR"]),
    ("RFC 2317, another name at the end", {**zones("", "new A 192.0.2.17\n"), "2.0.192.in-addr.arpa": PARENT,
                                           CHILD: HEAD + "@ NS ns2.hoster.example.\n17 PTR old.sender.example.\n"}, NEW, None, ["PTR"]),
]


def apply(all_zones, record):
    """The record in the zone that it belongs to; a PTR record instead of those that are there."""
    name = record.split()[0]
    zone = max((z for z in all_zones if name.endswith("." + z + ".")), key=len)
    text = all_zones[zone]
    if " PTR " in record:
        label = re.escape(name[:-len(zone) - 2])
        text = re.sub(r"(?m)^%s PTR .*\n" % label, "", text)
    return {**all_zones, zone: text + record + "\n"}


def test_fixes_fix():
    """The records, as they are shown, make the zones right, in real name servers."""
    for what, broken, host, helo, kinds in BROKEN:
        with Names(broken) as n:
            code, data, err = n.json(*filter(None, (host, helo)))
            same((code, err), (1, ""), what)
            records = [fix["record"] for fix in data["fixes"]]
        same([("HELO" if "helo" in r else "A" if re.search(" A| AAAA ", r) else "PTR") for r in records], kinds, (what, records))
        all_zones = {**ZONES, **broken}
        for record in records:
            if "smtp_helo_name" in record:
                helo = re.search("smtp_helo_name = (.*)", record).group(1)
            else:
                all_zones = apply(all_zones, record)
        if what == "the bare domain":
            host = "mail.sender.example"
        if "generic name as HELO" in what:
            host = helo
        with Names(all_zones) as n:
            code, data, err = n.json(*filter(None, (host, helo)))
            same((code, data["problems"], data["fixes"]), (0, [], []), (what, records))


OWNERS = {**zones("", "new A 192.0.2.20\nnew AAAA 2001:db8::30\n"), SIX: HEAD.replace("hoster.example. 1", "isp.example. 1") + BOTH}


def test_ticket():
    """A text for each owner, and nothing else: it can be sent as it is."""
    with Names({**OWNERS, "2.0.192.in-addr.arpa": HEAD + BOTH + "@ NS silent.hoster.example.\n"}) as n:
        n.silent(SILENT)
        code, out, err = n.run("--ticket", NEW)
        same((code, err), (1, ""), out)
        plain(out)
        four, six = out.split("\n" + "-" * 72 + "\n\n")
        holds(four.startswith("To: dns.admin@hoster.example\nSubject: Reverse DNS (PTR) of 192.0.2.20\n\nHello,\n\n"), four)
        has(four, "\n    20.2.0.192.in-addr.arpa. PTR new.sender.example.\n", "\n    20.2.0.192.in-addr.arpa PTR: no such name\n",
            "name server silent.hoster.example (127.0.1.4) of\n      2.0.192.in-addr.arpa: does not answer\n", "\nThank you.\n")
        holds(six.startswith("To: dns.admin@isp.example\nSubject: Reverse DNS (PTR) of 2001:db8::30\n\n"), six)
        has(six, "\n    %s.%s. PTR new.sender.example.\n" % (SIX_HOST, SIX))
        has_not(six, "192.0.2.20", "silent")
        for foreign in ("resolver", "iprev-check", "HELO", "rule", "accept"):
            has_not(out, foreign)
        holds(max(len(line) for line in out.splitlines() if "ip6.arpa" not in line) <= 72, out)
        # two addresses of one owner: one text
        code, out, err = n.run("--ticket", "192.0.2.20", NEW)
        minute = re.compile(r" on [\d-]+ [\d:]+ UTC")
        same((code, err, minute.sub("", out)), (1, "", minute.sub("", four)), "one address alone")


def test_ticket_of_several_addresses():
    with Names(zones("", "new A 192.0.2.20\nnew A 192.0.2.21\n")) as n:
        _, out, _ = n.run("--ticket", NEW)
        has(out, "Subject: Reverse DNS (PTR) of 192.0.2.20, 192.0.2.21\n",
            "    20.2.0.192.in-addr.arpa. PTR new.sender.example.\n    21.2.0.192.in-addr.arpa. PTR new.sender.example.\n")
        has_not(out, "-" * 72)


def test_nothing_to_send():
    """What is not the owner's to do, or is not known yet, goes to standard error."""
    with Names(zones("20 PTR new.sender.example.\n", "new A 192.0.2.20\n")) as n:
        nothing = "iprev-check: nothing to ask of the owner of the address\n"
        same(n.run("--ticket", NEW), (0, "", nothing))
        same(n.run("--ticket", NEW, "localhost"), (1, "", nothing))
        same(n.run("--ticket", "192.0.2.21"), (1, "", "iprev-check: which name should 192.0.2.21 have? Give it as HELO.\n"))
        code, out, err = n.run("--ticket", "192.0.2.21", "other.sender.example")
        same((code, err), (1, "iprev-check: before sending the text, create: other.sender.example. A 192.0.2.21\n"))
        has(out, "    21.2.0.192.in-addr.arpa. PTR other.sender.example.\n")


def test_unknown_is_75():
    """What DNS did not tell is a problem, but nobody's to fix yet."""
    with Names(zones("20 PTR new.sender.example.\n", "new A 192.0.2.20\n")) as n:
        code, data, err = n.json(NEW, "mail.unserved.example")
        same((code, err, len(data["problems"])), (75, "", 1), data["problems"])
        has(data["problems"][0], "192.0.2.20: HELO: mail.unserved.example or a related PTR name could not be looked up")


def test_ticket_beside_an_old_answer():
    """What only our resolver still says of another address does not concern the owner."""
    forward = "new A 192.0.2.20\nnew A 192.0.2.21\n"
    with Names(zones("", forward)) as n:
        n.run(NEW)
        for process in n.running[:2]:
            n.stop(process)
        after = {**ZONES, **zones("20 PTR new.sender.example.\n", forward)}
        n.nsd(ONE, after)
        n.nsd(TWO, after)
        has(n.run(NEW)[1], "your resolver still has the old answer for 20.2.0.192.in-addr.arpa PTR")
        _, out, _ = n.run("--ticket", NEW)
        has(out, "    21.2.0.192.in-addr.arpa. PTR new.sender.example.\n")
        has_not(out, "resolver", "20.2.0.192.in-addr.arpa.")
