"""iprev-check HOST: MX, SPF and DMARC of the domain, as published.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
from checker import has, has_not, plain, same
from test_sender import BOTH, FORWARD, HEAD, Names

NAME = "mail.good.sender.example"
DOMAIN = "sender.example"


def txt(name, *strings):
    return "%s TXT %s\n" % (name, " ".join('"%s"' % s for s in strings))


LONG = "v=spf1 " + "a:" + "x" * 200

# records of the zone; what is shown of each: (name, what): records, or the word of the answer
CASES = [
    ("none", "", {(DOMAIN, "MX"): "nodata", (DOMAIN, "SPF"): "nodata", ("_dmarc." + DOMAIN, "DMARC"): "nxdomain"}),
    ("one of each", "@ MX 10 mail.good\n" + txt("@", "v=spf1 mx -all") + txt("_dmarc", "v=DMARC1; p=none"),
     {(DOMAIN, "MX"): ["10 mail.good.sender.example"], (DOMAIN, "SPF"): ["v=spf1 mx -all"], ("_dmarc." + DOMAIN, "DMARC"): ["v=DMARC1; p=none"]}),
    ("in the order of preference", "@ MX 100 c\n@ MX 20 b\n@ MX 20 a\n@ MX 3 d\n",
     {(DOMAIN, "MX"): ["3 d.sender.example", "20 a.sender.example", "20 b.sender.example", "100 c.sender.example"]}),
    ("no mail at all", "@ MX 0 .\n", {(DOMAIN, "MX"): ["0 ."]}),
    ("other TXT records", txt("@", "google-site-verification=x") + txt("@", "v=spf10 x") + txt("@", "xv=spf1") + txt("_dmarc", "v=DMARC2"),
     {(DOMAIN, "SPF"): "nodata", ("_dmarc." + DOMAIN, "DMARC"): "nodata"}),
    ("nothing behind the version", txt("@", "v=spf1"), {(DOMAIN, "SPF"): ["v=spf1"]}),
    ("in capitals", txt("@", "V=SPF1 -all"), {(DOMAIN, "SPF"): ["V=SPF1 -all"]}),
    ("two, as published", txt("@", "v=spf1 -all") + txt("@", "v=spf1 +all"), {(DOMAIN, "SPF"): ["v=spf1 +all", "v=spf1 -all"]}),
    ("in several strings", txt("@", "v=spf1 ip4:192.0.2.", "1 -all"), {(DOMAIN, "SPF"): ["v=spf1 ip4:192.0.2.1 -all"]}),
    ("strange octets", '@ TXT "v=spf1 \\027[31m\\200 \\\\ end"\n', {(DOMAIN, "SPF"): ["v=spf1 \\027[31m\\200 \\092 end"]}),
    ("the host's own", txt("@", "v=spf1 -all") + txt("mail.good", "v=spf1 a -all"), {(NAME, "SPF"): ["v=spf1 a -all"], (DOMAIN, "SPF"): ["v=spf1 -all"]}),
    ("an alias", "_dmarc CNAME policy\n" + txt("policy", "v=DMARC1; p=reject"), {("_dmarc." + DOMAIN, "DMARC"): ["v=DMARC1; p=reject"]}),
]


def test_as_published():
    for what, records, want in CASES:
        with Names({DOMAIN: FORWARD + records}) as n:
            code, data, err = n.json(NAME)
            same((code, err, data["problems"]), (0, "", []), what)
            got = {(c["name"], c["what"]): c["records"] or c["answer"] for c in data["companions"]}
            same({key: got.get(key) for key in want}, want, what)
            same((NAME, "SPF") in got, (NAME, "SPF") in want, what)
            same({c["more"] for c in data["companions"]}, {0}, what)


def test_bounds():
    """Seven, eight and nine records; a text of 1022, 1023 and 1024 octets: what does not fit is counted, not cut."""
    for count in (7, 8, 9):
        with Names({DOMAIN: FORWARD + "".join("@ MX %d m\n" % i for i in range(count))}) as n:
            mx = n.json(NAME)[1]["companions"][0]
            same((len(mx["records"]), mx["more"]), (min(count, 8), max(0, count - 8)))
    for length in (1022, 1023, 1024):
        text = "v=spf1 " + "x" * (length - 7)
        with Names({DOMAIN: FORWARD + txt("@", *[text[i:i + 200] for i in range(0, length, 200)])}) as n:
            spf = n.json(NAME)[1]["companions"][1]
            same((spf["records"], spf["more"]), ([text], 0) if length < 1024 else ([], 1))
            has(n.run(NAME)[1], "and more, not shown" if length == 1024 else "SPF    sender.example: v=spf1\n")


def test_text():
    with Names({DOMAIN: FORWARD + "@ MX 10 mail.good\n" + txt("@", "v=spf1 mx -all")}) as n:
        _, out, _ = n.run(NAME)
        plain(out)
        has(out, "\nOther records, as published (not judged)\n  MX     sender.example: 10 mail.good.sender.example\n"
            "  SPF    sender.example: v=spf1 mx -all\n  DMARC  _dmarc.sender.example: none\n")
        has_not(n.run("--ticket", NAME)[1], "SPF")


def test_unknown():
    """A name server that fails is no record that is missing."""
    with Names({DOMAIN: FORWARD + "_dmarc NS gone.hoster.example.\n"}) as n:
        data = n.json(NAME)[1]
        same([c["answer"] in ("servfail", "timeout") for c in data["companions"] if c["what"] == "DMARC"], [True], data["companions"])
