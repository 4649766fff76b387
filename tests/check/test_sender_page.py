"""The sender's page (--html) and what has changed (--compare).

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import base64
import copy
import hashlib
import json
import os
import re

from checker import BUILD, Skip, has, has_not, holds, same
from postfix import Postfix, why_not
from test_page import Tags, browse
from test_probe import NAME, Probed, certificate
from test_sender import BOTH, DEFERRED, FORWARD, HEAD, HOSTER, REVERSE, SIX, Liar, Names

HOST = "mail.sender.example"
MANY = {"2.0.192.in-addr.arpa": REVERSE + "11 PTR 192-0-2-11.dsl.dyn.sender.example.\n12 PTR mail.good.sender.example.\n"
        "13 PTR mail.sender.example.\n13 PTR gone.sender.example.\n15 PTR 192-0-2-15.dsl.dyn.sender.example.\n15 PTR also.sender.example.\n",
        "sender.example": FORWARD + "".join("mail A 192.0.2.%d\n" % i for i in range(10, 16)) + "mail AAAA 2001:db8::30\n"
        "192-0-2-11.dsl.dyn A 192.0.2.11\n192-0-2-15.dsl.dyn A 192.0.2.15\n", SIX: HEAD + BOTH}


def page_of(n, *args, code=None):
    path = n.path("page.html")
    got, _, err = n.run("--html", path, *args)
    same(err, "")
    if code is not None:
        same(got, code)
    return open(path, encoding="ascii").read()


def text_of(html):
    """Without markup, in one line."""
    text = re.sub(r"<style>.*?</style>|<[^>]*>", " ", html.replace("<wbr>", ""), flags=re.S)
    for entity, sign in (("&#10003;", "+"), ("&#10007;", "x"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'"), ("&amp;", "&")):
        text = text.replace(entity, sign)
    return " ".join(text.split())


def picture_of(html, address):
    """(state, sign, label, text) of each box, (state, label) of each arrow."""
    svg = next(s for s in re.findall(r"<svg.*?</svg>", html, re.S) if "<title>Chain of %s<" % address in s)
    signs = {"&#10003;": "yes", "&#10007;": "no"}
    boxes = re.findall(r'<g class="(\w+)"><title>[^<]*</title><rect class="box(?: none)?"[^>]*><text class="label"[^>]*>([^<]*)</text>'
                       r'<text class="name"[^>]*>((?:[^<]|</?tspan[^>]*>)*)</text><circle[^>]*><text class="glyph"[^>]*>([^<]*)</text></g>', svg)
    ways = re.findall(r'<g class="(\w+)"><path class="way[^"]*"[^>]*><path[^>]*><text class="label"[^>]*>([^<]*)</text></g>', svg)
    return [(state, signs.get(sign, sign), label, re.sub("<[^>]*>", "", text)) for state, label, text, sign in boxes], ways


def test_whole_and_closed():
    """One file, nothing fetched, no script, its style named by hash."""
    with Names(MANY) as n:
        html = page_of(n, HOST, code=1)
    tags = Tags(html)
    same((tags.faults, tags.open), ([], []))
    for tag, attrs in tags.tags:
        for name in attrs:
            holds(not name.startswith("on") and name not in ("src", "href", "action", "style", "srcset", "xlink:href"), (tag, attrs))
    same([t for t, _ in tags.tags if t in ("script", "style", "iframe", "object", "embed", "link", "img", "base", "form")], ["style"])
    has_not(html, "http:", "https:", "url(", "@import", "unsafe")
    style = re.search(r"<style>(.*?)</style>", html, re.S).group(1)
    has(html, "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'"
        % base64.b64encode(hashlib.sha256(style.encode()).digest()).decode())


def test_picture():
    """Each step with its state and a sign for readers without colour."""
    yes = lambda label, text: ("ok", "yes", label, text)  # noqa: E731
    with Names(MANY) as n:
        html = page_of(n, HOST)
        good = page_of(n, "mail.good.sender.example", code=0)
        helo = page_of(n, "mail.good.sender.example", "pc")
        for process in list(n.running):
            n.stop(process)
    back, name, helo_ok = "resolves back to the address", "PTR name", yes("HELO name: belongs to the address", HOST)
    rows = [("192.0.2.10", [yes("address", "192.0.2.10"), yes(name, "mail.good.sender.example"), yes(back, "192.0.2.10"), helo_ok],
             [("ok", "PTR record"), ("ok", "A record")]),
            ("192.0.2.11", [yes("address", "192.0.2.11"), ("weak", "!", "PTR name: looks machine-generated", "192-0-2-11.dsl.dyn.sender.example"),
                            yes(back, "192.0.2.11"), helo_ok], [("ok", "PTR record"), ("ok", "A record")]),
            ("192.0.2.12", [yes("address", "192.0.2.12"), yes(name, "mail.good.sender.example"),
                            ("broken", "no", "resolves to another address", "192.0.2.10"), helo_ok], [("ok", "PTR record"), ("broken", "A record")]),
            ("192.0.2.13", [yes("address", "192.0.2.13"), yes(name, "gone.sender.example"), ("weak", "!", "does not resolve", "no address"),
                            yes(name, HOST), yes(back, "192.0.2.13"), helo_ok],
             [("ok", "PTR record, one of several"), ("weak", "A record"), ("ok", "PTR record, one of several"), ("ok", "A record")]),
            ("192.0.2.15", [yes("address", "192.0.2.15"), yes(name, "also.sender.example"), ("weak", "!", "does not resolve", "no address"),
                            ("weak", "!", "PTR name: looks machine-generated", "192-0-2-15.dsl.dyn.sender.example"), yes(back, "192.0.2.15"), helo_ok],
             [("ok", "PTR record, one of several"), ("weak", "A record"), ("ok", "PTR record, one of several"), ("ok", "A record")]),
            ("192.0.2.14", [yes("address", "192.0.2.14"), ("broken", "no", "no name", "the address has no PTR record"), helo_ok],
             [("broken", "PTR record")]),
            ("2001:db8::30", [yes("address", "2001:db8::30"), ("broken", "no", "no name", "the address has no PTR record"), helo_ok],
             [("broken", "PTR record")])]
    for address, boxes, ways in rows:
        same(picture_of(html, address), (boxes, ways), address)
    has(good, "mail.<wbr>good.<wbr>sender.<wbr>example: <span class=\"ok\">&#10003; in order</span>")
    has_not(good, "What is wrong", "What to do")
    same(picture_of(helo, "192.0.2.10")[0][-1], ("broken", "no", "HELO name: does not fit the address", "pc"))


def test_picture_of_long_names():
    """A second line begins behind a dot; what does not fit two lines is cut in the middle."""
    end = ".sender.example"
    table = [("a" * 18 + end, ["a" * 18 + end], "33 letters"), ("a" * 19 + end, ["a" * 19 + ".sender.", "example"], "34"),
             ("a" * 51 + end, ["a" * 33, "a" * 18 + end], "66, and no dot where the line ends"),
             ("a" * 52 + end, ["a" * 33, "..." + "a" * 15 + end], "67")]
    with Names({"sender.example": FORWARD + "".join("mail A 192.0.2.%d\n" % (10 + i) for i in range(len(table))),
                "2.0.192.in-addr.arpa": REVERSE.split("10 ")[0] + "".join("%d PTR %s.\n" % (10 + i, row[0]) for i, row in enumerate(table))}) as n:
        html = page_of(n, HOST)
    for i, (_, lines, says) in enumerate(table):
        svg = next(s for s in re.findall(r"<svg.*?</svg>", html, re.S) if "<title>Chain of 192.0.2.%d<" % (10 + i) in s)
        name = re.findall(r'<text class="name"[^>]*>(.*?)</text>', svg)[1]
        same(re.split("<tspan[^>]*>", name.replace("</tspan>", "")), lines, says)
        same(re.findall(r' height="(\d+)"', svg)[1], "65" if len(lines) > 1 else "48", says)


def test_picture_without_answers():
    """What DNS did not tell is neither good nor bad; a bare domain is a warning."""
    with Names({"sender.example": FORWARD + "@ A 192.0.2.12\n", "2.0.192.in-addr.arpa": REVERSE + "12 PTR sender.example.\n"}) as n:
        boxes, _ = picture_of(page_of(n, "sender.example"), "192.0.2.12")
        same(boxes[1], ("weak", "!", "PTR name: a bare domain, not a host", "sender.example"))
    with Names({"2.0.192.in-addr.arpa": None}) as n:
        boxes, ways = picture_of(page_of(n, "mail.good.sender.example"), "192.0.2.10")
        same((boxes[1][:3], ways), (("unknown", "?", "not known"), [("unknown", "PTR record")]))
    with Names({"2.0.192.in-addr.arpa": REVERSE.replace("mail.good.sender.example", "mail.other.example")}) as n:
        boxes, ways = picture_of(page_of(n, "mail.good.sender.example"), "192.0.2.10")
        same((boxes[2][:3], ways[1]), (("unknown", "?", "not known"), ("unknown", "A record")))


def test_content():
    """The answer, what is wrong, what to do, and what each server says, in this order."""
    with Names(MANY, {"2.0.192.in-addr.arpa": REVERSE}) as n:
        n.run(HOST)
        data, html = n.json(HOST)[1], page_of(n, HOST)
    text = text_of(html)
    has(text, "%s: x %d problems Reverse DNS and HELO of this mail server as others see it; checked 2" % (HOST, len(data["problems"])),
        *[p for p in data["problems"]], *[f["how"] + " " + f["record"] for f in data["fixes"]])
    has(html, '<span class="mark broken">&#10007; differs</span>', '<span class="mark weak">! weak</span>', '<span class="mark ok">&#10003; ok</span>')
    order = [text.index(t) for t in ("What is wrong", "What to do, in this order", "Chain of 192.0.2.10", "What the name servers say")]
    same(order, sorted(order))
    has(text, "11.2.0.192.in-addr.arpa PTR zone 2.0.192.in-addr.arpa, run by dns.admin@hoster.example",
        "ok ns1.hoster.example 127.0.1.1 192-0-2-11.dsl.dyn.sender.example", "differs ns2.hoster.example 127.0.1.2 no such name",
        "the resolver 192-0-2-11.dsl.dyn.sender.example (for ")


def test_what_tcp_says():
    """Where it is not what UDP says."""
    zones = {"hoster.example": HOSTER + "liar A 127.0.2.1\n", "2.0.192.in-addr.arpa": REVERSE + "@ NS liar.hoster.example.\n"}
    with Names(zones) as n:
        Liar(n, "127.0.2.1", lambda a: [], lambda a: [a])
        text = text_of(page_of(n, "mail.good.sender.example", code=1))
    has(text, "x failed liar.hoster.example 127.0.2.1 does not answer; by TCP: mail.good.sender.example",
        "+ ok ns1.hoster.example 127.0.1.1 mail.good.sender.example + ok")


def test_probe_and_companions():
    """What port 25 of a real Postfix says, and the other records, are on the page, and changes of it are told."""
    if why_not():
        raise Skip(why_not())
    with Probed() as w:
        server = Postfix({25: None}, settings="myhostname = mail.probe.example\n" + certificate(w, NAME, "DNS:a.example", "DNS:" + NAME)).start()
        try:
            path = w.path("page.html")
            same(w.run("--probe", "--html", path, NAME)[2], "")
            text = text_of(open(path).read())
            has(text, "Port 25: banner mail.probe.example (not the PTR name); EHLO mail.probe.example (not the PTR name); "
                "certificate for a.example, mx.probe.example", "Other records, as published (not judged) What Name Published MX ")
            data = w.json("--probe", NAME)[1]
            at = [a["address"] for a in data["addresses"]].index("192.0.2.101")
            old = w.file("old.json", json.dumps(edit(data, ("addresses", at, "probe", "banner", "old.example"), ("addresses", at, "probe", "ehlo", "o.example"),
                                                     ("addresses", at, "probe", "certificate", ["b.example", "c.example"]))))
            code, out, _ = w.run("--probe", "--compare", old, NAME)
            same((code, sorted(out.splitlines())), (1, ["192.0.2.101 EHLO: was o.example, is mail.probe.example",
                                                        "192.0.2.101 banner: was old.example, is mail.probe.example",
                                                        "192.0.2.101 certificate: was b.example, c.example, is a.example, mx.probe.example"]))
            same(w.run("--compare", old, NAME)[:2], (0, ""))
        finally:
            server.stop()


def test_hostile_names_F1():
    """Octets from DNS and from logs are text, whatever they are."""
    evil = "\\060img\\032src\\061x\\032onerror\\061alert\\0401\\041\\062"
    hoster = HEAD.replace("dns\\.admin", "\\060script\\062alert\\0402\\041\\060/script\\062")
    zones = {"2.0.192.in-addr.arpa": hoster + BOTH + "10 PTR %s.sender.example.\n" % evil + "@ NS %s.hoster.example.\n" % evil}
    with Names(zones) as n:
        html = page_of(n, "mail.good.sender.example")
        log = n.file("log", DEFERRED.replace("cannot find your", "<script>alert(3)</script>&amp;\x1b[31m no reverse DNS") % (1, 1, "192.0.2.10"))
        refused = page_of(n, "refused", log)
    same(Tags(html).faults + Tags(refused).faults, [])
    for page in (html, refused):
        same((len(re.findall("<script|<img", page)), "\x1b" in page), (0, False))
    has(html.replace("<wbr>", ""), "&lt;script&gt;alert(2)&lt;/script&gt;@hoster.example", "\\060img\\032src\\061x")
    has(refused, "&lt;script&gt;alert(3)&lt;/script&gt;&amp;amp;", "Who refused mail because of this server's name")
    has(text_of(refused), "mx.example.net", "0 refused, 1 deferred")


def test_refused_nobody():
    with Names() as n:
        has(text_of(page_of(n, "refused", n.file("log", DEFERRED.replace("cannot find your reverse hostname", "user unknown")
                                                      .replace("4.7.25", "4.1.1") % (1, 1, "192.0.2.10")), code=0)),
            "No receiver refused or deferred mail because of this server's name")


def test_page_never_destroys():
    """A file of somebody else stays; the code says so before any work."""
    with Names() as n:
        other = n.file("other.html", "mine")
        code, out, err = n.run("--html", other, "mail.good.sender.example")
        same((code, out, open(other).read()), (73, "", "mine"))
        has(err, "other.html", "not overwritten")
        same(n.run("refused", "--html", other, n.file("log", DEFERRED % (1, 1, "192.0.2.10")))[0], 73)


def probed(n, html, title):
    """The page as a file, with a script that writes this into its title."""
    probe = "document.title = 'PROBE ' + %s;" % title
    digest = base64.b64encode(hashlib.sha256(probe.encode()).digest()).decode()
    return n.file("probe.html", html.replace("base-uri ", "script-src 'sha256-%s'; base-uri " % digest, 1)
                  .replace("</body>", "<script>%s</script></body>" % probe))


def test_browser_fits_any_width():
    """Long names and the window of a telephone; two screenshots for people to look at."""
    long = "%s.%s.%s.good.sender.example" % ("a" * 63, "b" * 63, "c" * 60)
    zones = {"sender.example": FORWARD + "mail A 192.0.2.10\nmail A 192.0.2.15\nmail AAAA 2001:db8:1234:5678:9abc:def0:1234:5678\n%s A 192.0.2.15\n" % long[:-15],
             "2.0.192.in-addr.arpa": REVERSE + "15 PTR %s.\n" % long, SIX: HEAD + BOTH}
    with Names(zones) as n:
        html = page_of(n, HOST)
        path = probed(n, html, "(document.documentElement.scrollWidth - document.documentElement.clientWidth) + ' ' + "
                               "Math.round(document.querySelector('svg').getBoundingClientRect().width) + ' ' + "
                               "getComputedStyle(document.querySelector('.cards')).display")
        for width in (500, 800, 1600):
            out, _ = browse(path, "--dump-dom", "--window-size=%d,900" % width)
            beyond, picture, cards = re.search(r"PROBE (\S+) (\S+) (\w+)", out).groups()
            same((beyond, cards, picture), ("0", "grid", "360"), width)
        # on a telephone of 360 px: the smallest text, and what stands out of its box
        path = probed(n, html, "(document.body.style.width = '360px', (texts, scale) => "
                               "Math.min(...texts.map(t => parseFloat(getComputedStyle(t).fontSize) * scale)).toFixed(1) + ' ' + "
                               "texts.filter(t => t.getBBox().x + t.getBBox().width > 285 && t.textContent.length > 1).map(t => t.textContent) + '.' + texts.length)"
                               "(Array.from(document.querySelectorAll('svg text')), document.querySelector('svg').getScreenCTM().a)")
        out, _ = browse(path, "--dump-dom", "--window-size=500,900")
        size, outside = re.search(r"PROBE (\S+) (.*?)<", out).groups()
        holds(float(size) >= 12, size)
        holds(re.fullmatch(r"\.[1-9]\d+", outside), outside)
    with Names(MANY, {"2.0.192.in-addr.arpa": REVERSE}) as n:
        path = n.file("shot.html", page_of(n, HOST))
        for name, width, dark in (("sender.png", 1200, "1"), ("sender-dark.png", 500, "0")):
            shot = os.path.join(BUILD, "tests", name)
            os.makedirs(os.path.dirname(shot), exist_ok=True)
            browse(path, "--window-size=%d,2000" % width, "--hide-scrollbars", "--screenshot=" + shot, "--blink-settings=preferredColorScheme=" + dark)
            holds(os.path.getsize(shot) > 20000, "the screenshot is empty")


def test_browser_receivers_on_a_telephone():
    """What a receiver said stands in one column there, and no word is cut to fit a table."""
    with Names({"example.org": HEAD + BOTH + "mx A 192.0.2.10\n"}) as n:
        html = page_of(n, "refused", "--address", "192.0.2.10", n.file("log", DEFERRED % (1, 1, "192.0.2.10")))
        has(text_of(html), "in order 192.0.2.10 0 refused, 1 deferred")
        path = probed(n, html, "Math.min(...Array.from(document.querySelectorAll('.receivers td'), x => Math.round(x.getBoundingClientRect().width)))")
        out, _ = browse(path, "--dump-dom", "--window-size=500,900")
        holds(int(re.search(r"PROBE (\d+)", out).group(1)) > 400, out)


# ---- --compare ----

def edit(data, *steps):
    """A copy of the report with members set: ("clients", 0, "ptr", value)."""
    data = copy.deepcopy(data)
    for *path, last, value in steps:
        at = data
        for key in path:
            at = at[key]
        if value is None and isinstance(at, list):
            del at[last]
        else:
            at[last] = value
    return data


def test_compare():
    """Silent when nothing has changed; else a line for each change, and exit code 1."""
    with Names() as n:
        host = "mail.good.sender.example"
        old = n.json(host)[1]

        def changes(report, *more):
            path = n.file("old.json", json.dumps(report))
            return n.run("--compare", path, *more, host)
        same(changes(old), (0, "", ""))
        same(changes(old, "--json"), (0, '{\n  "changes": []\n}\n', ""))
        ptr = [z["type"] for z in old["zones"]].index("PTR")
        rows = [([("clients", 0, "result", "permerror"), ("clients", 0, "cause", "ptr-missing")],
                 "192.0.2.10 reverse DNS: was permerror ptr-missing, is pass mail.good.sender.example\n"),
                ([("clients", 0, "ptr", "old.example")], "192.0.2.10 reverse DNS: was pass old.example, is pass mail.good.sender.example\n"),
                ([("clients", 0, "helo", "old.example")], "192.0.2.10 HELO: was old.example helo-verified, is mail.good.sender.example helo-verified\n"),
                ([("clients", 0, None)], "new address 192.0.2.10\n"),
                ([("clients", [*old["clients"], edit(old["clients"][0], ("client", "192.0.2.99"))])], "gone address 192.0.2.99\n"),
                ([("problems", ["no PTR until 14:05 UTC (in 300 s): wait"])], "gone problem: no PTR: wait\n"),
                ([("zones", ptr, "mailbox", "a@b.example")], "zone 2.0.192.in-addr.arpa, run by: was a@b.example, is dns.admin@hoster.example\n"),
                ([("zones", ptr, "resolver", "records", ["a.example", "b.example"])],
                 "10.2.0.192.in-addr.arpa PTR in the resolver: was a.example, b.example, is mail.good.sender.example\n"),
                ([("zones", ptr, "servers", 1, "udp", {"answer": "nxdomain", "records": [], "ttl": 60})],
                 "10.2.0.192.in-addr.arpa PTR at ns2.hoster.example (127.0.1.2): was no record, is mail.good.sender.example\n"),
                ([("zones", ptr, "servers", 1, "udp", {"answer": "timeout", "records": [], "ttl": 0}),
                  ("zones", ptr, "servers", 1, "tcp", {"answer": "nodata", "records": [], "ttl": 60})],
                 "10.2.0.192.in-addr.arpa PTR at ns2.hoster.example (127.0.1.2): was no record, is mail.good.sender.example\n"),
                ([("zones", ptr, "servers", 1, None)], "new name server ns2.hoster.example (127.0.1.2) of 2.0.192.in-addr.arpa\n"),
                ([("zones", ptr, "servers", 0, "name", "\x1b[31m\u20ac.example")],
                 "new name server ns1.hoster.example (127.0.1.1) of 2.0.192.in-addr.arpa\ngone name server ?[31m???.example (127.0.1.1) of 2.0.192.in-addr.arpa\n")]
        for steps, says in rows:
            code, out, err = changes(edit(old, *steps))
            same((code, out, err), (1, says, ""), steps)
        code, out, _ = changes(edit(old, ("clients", 0, "ptr", "old.example")), "--json")
        same((code, json.loads(out)), (1, {"changes": [{"what": "192.0.2.10 reverse DNS", "was": "pass old.example",
                                                         "is": "pass mail.good.sender.example"}]}))
        same(json.loads(changes(edit(old, ("clients", 0, None)), "--json")[1]), {"changes": [{"what": "address 192.0.2.10", "was": None, "is": "there"}]})
        # what DNS did not tell has not changed
        helo = [link["link"] for link in old["clients"][0]["links"]].index("HELO")
        for steps in ([("clients", 0, "result", "temperror")],
                      [("clients", 0, "links", helo, "state", "unknown"), ("clients", 0, "links", helo, "finding", "helo-temperror")], [("clients", 0, "links", [])],
                      [("zones", ptr, "resolver", {"answer": "servfail", "records": [], "ttl": 0})],
                      [("zones", ptr, "servers", 1, s, {"answer": "timeout", "records": [], "ttl": 0}) for s in ("udp", "tcp")],
                      [("zones", ptr, "servers", 1, "udp", {"answer": "timeout", "records": [], "ttl": 0})],
                      [("zones", ptr, "resolver", "ttl", 5)]):
            same(changes(edit(old, *steps)), (0, "", ""), steps)
        for process in n.running[2:]:
            n.stop(process)  # the resolver
        same(changes(edit(old, ("clients", 0, "ptr", "old.example")))[:2], (75, ""))


def test_compare_after_a_fix():
    """A real change between two runs, and a page beside it."""
    host = "mail.good.sender.example"
    with Names({"2.0.192.in-addr.arpa": HEAD + BOTH}) as n:
        old = n.file("old.json", n.run("--json", host)[1])
        for process in list(n.running):
            n.stop(process)
        n.nsd("127.0.1.1", {"hoster.example": HOSTER, "sender.example": FORWARD, "2.0.192.in-addr.arpa": REVERSE})
        n.nsd("127.0.1.2", {"hoster.example": HOSTER, "sender.example": FORWARD, "2.0.192.in-addr.arpa": REVERSE})
        n.resolver()
        code, out, err = n.run("--compare", old, "--html", n.path("p.html"), host)
        same((code, err), (1, ""))
        has(" ".join(out.split()), "gone problem: 192.0.2.10: the address has no PTR record",
            "192.0.2.10 reverse DNS: was permerror ptr-missing, is pass mail.good.sender.example",
            "10.2.0.192.in-addr.arpa PTR at ns1.hoster.example (127.0.1.1): was no record, is mail.good.sender.example")
        has(open(n.path("p.html")).read(), "in order")


def test_compare_with_what():
    with Names() as n:
        host = "mail.good.sender.example"
        for name, text, code, says in (("gone", None, 66, "No such file"), ("text", "hello", 65, "not a report"), ("list", "[]", 65, "not a report"),
                                       ("empty", "{}", 65, "not a report"), ("other", '{"host": "other.example"}', 65, "another host"),
                                       ("odd", '{"host": "%s", "clients": 1, "zones": [1, {"resolver": {"answer": "data", "records": [1, null]}}], "problems": [{}], "addresses": [{"probe": 1}]}' % host, 1, "")):
            path = n.path(name)
            if text is not None:
                n.file(name, text)
            got, _, err = n.run("--compare", path, host)
            same(got, code, name)
            has(err, says)

