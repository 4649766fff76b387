"""The page for those whose mail was refused: closed to the outside, safe whatever the link says, and right in a browser.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import base64
import hashlib
import html
import ipaddress
import json
import os
import re
import subprocess

from checker import BUILD, SRC, World, has, has_not, holds, same
from test_page import Tags, browse

FOLDER = os.path.join(SRC, "packaging", "web")
PAGE = os.path.join(FOLDER, "refused.html")
MILTER = os.environ.get("IPREV_MILTER", os.path.join(BUILD, "iprev-milter"))


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def shown(fragment, *args):
    """The page with this link, as it stands then: its source without the script, entities resolved."""
    out, err = browse(PAGE + "#" + fragment, "--dump-dom", "--enable-logging=stderr", *args)
    has_not(err, "Refused to", "Uncaught", "SyntaxError")
    return html.unescape(re.sub(r"<script>.*?</script>", "", out, flags=re.S))


def test_closed():
    text, tags = text_of(PAGE), Tags(text_of(PAGE).replace("<!DOCTYPE html>", ""))
    same((tags.faults, tags.open), ([], []))
    for tag, attrs in tags.tags:
        for name in attrs:
            holds(not name.startswith("on") and name not in ("src", "href", "action", "style", "srcset"), (tag, attrs))
    same([t for t, _ in tags.tags if t in ("script", "style", "iframe", "object", "link", "img", "base")], ["style", "script"])
    has_not(text, "http:", "https:", "url(", "@import", "innerHTML", "eval(", "document.write", "localStorage", "fetch(")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1)
    has(policy, "default-src 'none'", "base-uri 'none'", "form-action 'none'")
    has_not(policy, "unsafe")
    for kind in ("style", "script"):
        body = re.search(r"<%s>(.*?)</%s>" % (kind, kind), text, re.S).group(1)
        has(policy, "%s-src 'sha256-%s'" % (kind, base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()))


def test_every_cause():
    """What a default reply can be about is what the page and its README know, in both languages."""
    source = text_of(os.path.join(SRC, "lib", "judge", "reply.c"))
    causes = {word.lower().replace("_", "-") for word in re.findall(r"^    \[F_(\w+)\] =", source, re.M)}
    page = text_of(PAGE)
    same(set(re.findall(r'"([a-z-]+)": \[-?\d, \[', page)), causes)
    rows = re.findall(r"^\| (`.*?) \|", text_of(os.path.join(FOLDER, "README.md")), re.M)
    same({word for row in rows for word in re.findall(r"`([a-z-]+)`", row)}, causes)
    for language in ("en", "de"):
        known = set(re.findall(r'^                "?([a-z-]+)"?: ', page.split(language + ": {\n            title")[1].split("steps:")[0], re.M))
        same({cause for cause in causes if cause not in known} <= {c for c in causes if c.startswith("helo-")}, True)


def test_blocks_of_the_readme():
    """Both blocks are good configurations, and their links lead to a cause that the page knows."""
    blocks = re.findall(r"^```\n(.*?)^```", text_of(os.path.join(FOLDER, "README.md")), re.M | re.S)
    same(len(blocks), 2)
    with World() as w:
        for block in blocks:
            done = subprocess.run([MILTER, "-t", "-c", w.file("conf", 'user = "";\n' + block)], capture_output=True, text=True, check=False)
            same((done.returncode, done.stderr), (0, ""), block)


def test_the_link_of_a_reply():
    """From the reply to the page: the link that a refused client gets shows its own records."""
    with World('mode = "enforce"; help-url = "https://www.example.com/refused.html#ip={ip}&cause={cause}";') as w:
        for ip, link, broken in (("192.0.2.11", "ip=192.0.2.11&cause=ptr-missing", "PTR record (reverse DNS)"),
                                 ("192.0.2.13", "ip=192.0.2.13&cause=forward-mismatch", "A record"),
                                 ("2001:db8::31", "ip=2001:db8::31&cause=forward-mismatch", "AAAA record")):
            _, reply, _ = w.run("--json", ip, "mail.good.example")
            has(reply, " See https://www.example.com/refused.html#%s\"" % link)
            page = shown(link, "--lang=en")
            has(page, 'class="broken"><div class="mark" aria-hidden="true">\u2717</div><div><b>%s</b>' % broken,
                "mail.example.com. IN %s %s<" % ("AAAA" if ":" in ip else "A", ip),
                ipaddress.ip_address(ip).reverse_pointer + ". IN PTR mail.example.com.<", "dig +short -x %s\n" % ip)


def test_languages():
    for lang, title, step in (("de", "Die E-Mail wurde abgelehnt", "Bitten Sie den Inhaber der Adresse"),
                              ("en", "The mail was refused", "Ask the owner of the address")):
        page = shown("ip=192.0.2.7&cause=ptr-missing&lang=" + lang)
        has(page, "<title>%s</title>" % title, '<html lang="%s">' % lang, step)
    has(shown("ip=192.0.2.7&cause=dns-timeout&lang=en"), "<title>The mail was not accepted yet</title>", "The name servers for the mail server")


def probed(script, fragment, *args):
    """The title that a script of ours, let in by its hash, gives the page."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text = text_of(PAGE).replace("script-src ", "script-src 'sha256-%s' " % digest).replace("</body>", "<script>%s</script></body>" % script)
    with World() as w:
        out, _ = browse(w.file("page.html", text) + "#" + fragment, "--dump-dom", *args)
    return html.unescape(re.search(r"<title>(.*?)</title>", out).group(1))


def test_what_is_typed():
    """Only an address and a host name are taken for one; IPv6 is expanded as elsewhere."""
    good = ("0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::", "1::8", "2001:DB8:1:2:3:4:5:6", "1:2:3:4:5:6:7::")
    bad = ("256.0.0.1", "1.2.3", "1.2.3.4.5", "1.2.3.4x", ":", ":::", "1::2::3", "1:2:3:4:5:6:7:8:9", "12345::", "1:2:3:4:5:6:7:8::", "g::1", "")
    label = "x" * 63
    names = (("MX.Example.org.", "mx.example.org"), (label + ".example", label + ".example"), ("x" + label + ".example", None), ("mx", None),
             ("a..example", None), ("-a.example", None), ("mx.example.1", None), ("<b>.example", None), ("mx example.org", None))
    script = """
var seen = [];
function type(id, text) { var box = document.getElementById(id); box.value = text; box.dispatchEvent(new Event("input", {bubbles: true}));
    seen.push(box.getAttribute("aria-invalid") + " " + document.querySelectorAll("#steps pre")[1].textContent); }
%s.forEach(function (ip) { type("ip", ip); });
%s.forEach(function (name) { type("name", name); });
document.title = seen.join("|");
""" % (json.dumps(good + bad + ("192.0.2.7",)), json.dumps([name for name, _ in names]))
    want = ["false %s. IN PTR mail.example.com." % ipaddress.ip_address(ip).reverse_pointer for ip in good]
    want += ["%s 25.2.0.192.in-addr.arpa. IN PTR mail.example.com." % ("true" if ip else "false") for ip in bad]
    want += ["false 7.2.0.192.in-addr.arpa. IN PTR mail.example.com."]
    want += ["%s 7.2.0.192.in-addr.arpa. IN PTR %s." % ("false" if name else "true", name or "mail.example.com") for _, name in names]
    same(probed(script, "lang=en").split("|"), want)


HOSTILE = ("ip=192.0.2.7&cause=<script>alert(1)</script>", "ip=192.0.2.7&cause=__proto__", "ip=192.0.2.7&cause=constructor&lang=constructor",
           "ip=192.0.2.7&cause=hasOwnProperty", "ip=javascript:alert(1)&cause=toString", "ip=%00%0a192.0.2.7", "%", "&&&===", "ip=%E0%A4%A",
           "ip=192.0.2.7%22%3E%3Cb%3E", "lang=__proto__&ip=192.0.2.7", "ip=" + "1" * 100000, "x" * 100000, "ip=192.0.2.7&ip=<b>")


def test_hostile_links_F1():
    """Nothing of a link becomes markup or runs; what is no address and no known cause is as if it were not there."""
    page = shown("ip=<img src=x onerror=alert(1)>&cause=<script>alert(1)</script>")
    same((len(re.findall(r"<(?:script|img|b>alert)", page, re.I)), page.count("alert(1)")), (0, 0))
    has(page, "<title>The mail was refused</title>", ". IN PTR mail.example.com.<")
    script = """
var links = %s, seen = [];
function next() {
    if (links.length === 0) { document.title = seen.join("|"); return; }
    window.addEventListener("hashchange", function () {
        seen.push([document.scripts.length, document.querySelectorAll("img, b b, pre b, input + b").length, document.querySelector("main").innerHTML.indexOf("alert(1)"),
            document.querySelectorAll("#chain li.open").length, document.title, document.querySelectorAll("#steps pre")[1].textContent.split(" ")[0]].join());
        next(); }, {once: true});
    location.hash = links.shift();
}
document.querySelector("script").remove();
next();
""" % json.dumps(HOSTILE).replace("</", "<\\/")
    seen = probed(script, "lang=en").split("|")
    same(len(seen), len(HOSTILE))
    for link, found in zip(HOSTILE, seen):
        zone = "7.2.0.192.in-addr.arpa." if "ip=192.0.2.7" in link and "%22" not in link else "25.2.0.192.in-addr.arpa."
        same(found, "1,0,-1,3,The mail was refused," + zone, link[:80])


def test_narrow_windows():
    """400 pixels and more: nothing stands out of the page."""
    for width in (400, 800, 1600):
        for link in ("ip=2001:db8:1234:5678:9abc:def0:1234:5678&cause=ptr-generic&lang=de", "lang=en"):
            same(probed("document.title = document.documentElement.scrollWidth - document.documentElement.clientWidth;", link,
                        "--window-size=%d,900" % width), "0")
