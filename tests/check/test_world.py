"""iprev-check HOST: what the resolver has, beside what the world has.

Real name servers: NSD for the zones and the zones above them, unbound as the resolver.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
from checker import has, has_not, holds, same
from test_sender import BOTH, FORWARD, HEAD, HOSTER, ONE, REVERSE, ZONES, Names, first_screen, zone_of

ABOVE, SECOND = "127.0.1.8", "127.0.1.9"
REVERSE_NAME, NAME = "10.2.0.192.in-addr.arpa", "mail.good.sender.example"
AT_ABOVE = HEAD + "@ NS ns.registry.org.\n"


class World(Names):
    """With a server of the zones above: {zone: text}."""

    def __init__(self, above, **more):
        zones = {"registry.org": HEAD + "@ NS ns\nns A %s\n" % ABOVE, **above}
        more["local"] = more.get("local", "") + "".join('stub-zone:\n    name: "%s"\n    stub-addr: %s\n' % (name, ABOVE) for name in zones)
        super().__init__(**more)
        self.nsd(ABOVE, zones)


def own_zone(servers):
    """A zone of the resolver's own, with these servers."""
    return '    local-zone: "2.0.192.in-addr.arpa." static\n' \
           '    local-data: "2.0.192.in-addr.arpa. SOA localhost. nobody.invalid. 1 2 3 4 5"\n' \
           '    local-data: "10.2.0.192.in-addr.arpa. PTR mail.good.sender.example."\n' + \
           "".join('    local-data: "2.0.192.in-addr.arpa. NS %s"\n' % name for name in servers)


def test_zone_of_the_resolver_alone():
    with Names(local=own_zone([])) as n:
        code, out, _ = n.run(NAME)
        same(code, 1)
        has(first_screen(out), "1 problem",
            "1. 2.0.192.in-addr.arpa is a zone of your resolver's own: it has no name servers. "
            "To see what the world sees, ask another resolver (--server)")
        has(" ".join(out.split()), "zone 2.0.192.in-addr.arpa, run by nobody@invalid; a zone that only your resolver has")
        same(zone_of(n.json(NAME)[1], REVERSE_NAME, "PTR")["local"], True)


GONE = "sender.example is a zone of your resolver's own: the servers of example do not have it. "
OTHERS = "sender.example is a zone of your resolver's own: the servers of example name others, ns1.else.example. "

# the zone above, the servers that stand in it, what is said
DELEGATIONS = [
    ("as it should be", AT_ABOVE + "sender NS ns1.hoster.example.\nsender NS ns2.hoster.example.\n", None),
    ("one of two in common", AT_ABOVE + "sender NS ns2.hoster.example.\nsender NS ns1.else.example.\n", None),
    ("not delegated", AT_ABOVE + "other NS ns1.hoster.example.\n", GONE),
    ("a name, but no zone", AT_ABOVE + "sender A 192.0.2.1\n", GONE),
    ("delegated to others", AT_ABOVE + "sender NS ns1.else.example.\n", OTHERS),
    ("the zone above is not served", None, None),
]


def test_delegation():
    """Name servers inside that the world does not know: the zone above tells."""
    for what, zone, says in DELEGATIONS:
        with World({"example": zone}) as n:
            code, data, err = n.json(NAME)
            same((code, err, len(data["problems"])), (1 if says else 0, "", 1 if says else 0), what)
            same(zone_of(data, NAME, "A")["local"], bool(says), what)
            for problem in data["problems"]:
                holds(problem.startswith(says), (what, problem))


def test_one_of_two_knows():
    """That one server of the zone above has the delegation is enough, whatever the other says."""
    both = AT_ABOVE + "@ NS also.registry.org.\n"
    with World({"example": both + "other NS ns1.hoster.example.\n", "registry.org": HEAD + "@ NS ns\nns A %s\nalso A %s\n" % (ABOVE, SECOND)}) as n:
        same(len(n.json(NAME)[1]["problems"]), 1, "neither")
        n.nsd(SECOND, {"example": both + "sender NS ns1.hoster.example.\n"})
        code, data, _ = n.json(NAME)
        same((code, data["problems"]), (0, []))


def test_entry_of_the_resolver():
    """A record that the resolver adds does not grow older, as what it remembers does."""
    for record in ('    local-data: "10.2.0.192.in-addr.arpa. 300 IN PTR other.sender.example."\n',
                   '    local-zone: "10.2.0.192.in-addr.arpa." always_nxdomain\n'):
        with Names(local=record) as n:
            code, out, _ = n.run(NAME)
            same(code, 1)
            own = "your resolver has an entry of its own for 10.2.0.192.in-addr.arpa PTR, which the world does not see: "
            has(first_screen(out), own + ("other.sender.example" if "PTR" in record else "no such name") +
                "; the name servers say mail.good.sender.example")
            has_not(out, "the old answer", "To fix")
            same(zone_of(n.json(NAME)[1], REVERSE_NAME, "PTR")["own"], True)


def test_end_of_what_is_cached():
    """Longer than the day and the hour at which libunbound would end it."""
    head = HEAD.replace("$TTL 300", "$TTL 200000").replace("86400 60", "86400 20000")
    keep = "    cache-max-negative-ttl: 90000\n    cache-max-ttl: 900000\n"
    for before, least, most in (("", 19900, 20000), ("10 PTR old.sender.example.\n", 199900, 200000)):
        with Names({"2.0.192.in-addr.arpa": head + BOTH + before}, local=keep) as n:
            n.run(NAME)
            for process in n.running[:2]:
                n.stop(process)
            n.nsd(ONE, ZONES)
            n.nsd("127.0.1.2", ZONES)
            _, data, _ = n.json(NAME)
            z = zone_of(data, REVERSE_NAME, "PTR")
            same(z["own"], False)
            holds(least <= z["resolver"]["ttl"] <= most, z["resolver"])


SIX = ["::1", "fd00:0:0:1::1", "fd00:0:0:1::2"]


def test_servers_over_ipv6():
    """Name servers with IPv6 addresses are asked there, by UDP and TCP."""
    import netns
    for address in SIX[1:]:
        netns.loopback_address(address + "/128")
    hoster = HOSTER + "six AAAA %s\ndeaf AAAA %s\n" % (SIX[1], SIX[2])
    zones = {"hoster.example": hoster, "2.0.192.in-addr.arpa": REVERSE + "@ NS six.hoster.example.\n@ NS deaf.hoster.example.\n"}
    for also in ({}, {"2.0.192.in-addr.arpa": None}):
        with Names(zones) as n:
            n.nsd(SIX[1], {**ZONES, **zones, **also})
            code, data, _ = n.json(NAME)
            states = {s["address"]: (s["state"], s["udp"]["answer"], s["tcp"]["answer"])
                      for s in zone_of(data, REVERSE_NAME, "PTR")["servers"] if s["address"] in SIX}
            same(states, {SIX[1]: ("failed", "refused", "refused") if also else ("ok", "data", "data"), SIX[2]: ("failed", "closed", "closed")})
            same(code, 1)
            holds(any("six.hoster.example (%s) of 2.0.192.in-addr.arpa: refuses" % SIX[1] in p for p in data["problems"]) == bool(also),
                  data["problems"])


def test_many_silent_servers():
    """Fifteen silent servers, three names, two ways: all are asked in time, and named."""
    silent = ["127.0.4.%d" % (i + 1) for i in range(15)]
    names = "".join("@ NS s%d.hoster.example.\n" % i for i in range(15))
    zones = {"hoster.example": HOSTER + "".join("s%d A %s\n" % pair for pair in enumerate(silent)),
             "2.0.192.in-addr.arpa": HEAD + "@ NS ns1.hoster.example.\n10 PTR mail.good.sender.example.\n" + names,
             "sender.example": HEAD + "@ NS ns1.hoster.example.\nmail.good A 192.0.2.10\n" + names}
    with Names(zones) as n:
        for address in silent:
            n.silent(address)
        _, data, _ = n.json(NAME)
        for z in data["zones"]:
            same({(s["udp"]["answer"], s["tcp"]["answer"]) for s in z["servers"] if s["address"] in silent}, {("timeout", "timeout")},
                 (z["name"], z["type"]))
        same(len(data["problems"]), 30)


def test_alias():
    """A host that is an alias: the alias once, and both types at its end, in the other zone."""
    zone = HEAD + BOTH + "mail.good CNAME host.hoster.example.\n"
    for records, problems in (("host A 192.0.2.10\nhost AAAA 2001:db8::30\n", 0), ("", 1)):
        with Names({"sender.example": zone, "hoster.example": HOSTER + records,
                    "8.b.d.0.1.0.0.2.ip6.arpa": HEAD + BOTH + "0.3" + ".0" * 22 + " PTR mail.good.sender.example.\n"}) as n:
            code, data, _ = n.json(NAME)
            got = sorted((z["name"], z["type"], z["zone"], {s["state"] for s in z["servers"]} - {"ok"} == set())
                         for z in data["zones"] if z["zone"].endswith("example"))
            same(got, [("host.hoster.example", "A", "hoster.example", True), ("host.hoster.example", "AAAA", "hoster.example", True),
                       ("mail.good.sender.example", "CNAME", "sender.example", True)])
            same((code, len(data["problems"])), (1 if problems else 0, problems), data["problems"])


def test_aliases_in_a_row():
    """Each alias on the way is shown in its own zone, and a server that has another one is named."""
    zones = {"2.0.192.in-addr.arpa": HEAD + BOTH + "17 CNAME 17.mid.sender.example.\n18 CNAME 18.gone.sender.example.\n",
             "sender.example": FORWARD + "17.mid CNAME 17.rev.hoster.example.\n18.gone CNAME 18.nowhere.hoster.example.\ncust A 192.0.2.17\ncust A 192.0.2.18\n",
             "hoster.example": HOSTER + "17.rev PTR cust.sender.example.\n"}
    with Names(zones, {"sender.example": zones["sender.example"].replace("17.rev", "17.old")}) as n:
        _, data, _ = n.json("192.0.2.17", "cust.sender.example", "--probe")
        got = [(z["name"], z["type"], z["zone"], z["resolver"]["records"]) for z in data["zones"] if z["name"].startswith("17")]
        same(sorted(got), [("17.2.0.192.in-addr.arpa", "CNAME", "2.0.192.in-addr.arpa", ["17.mid.sender.example"]),
                           ("17.mid.sender.example", "CNAME", "sender.example", ["17.rev.hoster.example"]),
                           ("17.rev.hoster.example", "PTR", "hoster.example", ["cust.sender.example"])])
        holds(any(p.startswith("the name servers disagree about 17.mid.sender.example CNAME") for p in data["problems"]), data["problems"])
        code, out, _ = n.run("--ticket", "192.0.2.18", "cust.sender.example")
        same(code, 1)
        has(out, "\n    18.nowhere.hoster.example. PTR cust.sender.example.\n",
            "    18.nowhere.hoster.example, of which 18.2.0.192.in-addr.arpa is an\n      alias, PTR: no such name\n")
