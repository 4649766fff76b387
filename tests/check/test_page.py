"""The HTML report: whole, closed to the outside, safe, and working in a browser.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import base64
import hashlib
import html.parser
import os
import re
import shutil
import subprocess
import tempfile

from checker import BUILD, LOGS, Skip, World, has, has_not, holds, same

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def page_of(*logs, more=""):
    with World(more) as w:
        path = w.path("page.html")
        code, _, err = w.replay("--html", path, *[os.path.join(LOGS, name + ".log") for name in logs])
        same((code, err), (0, ""))
        return open(path, encoding="ascii").read()


class Tags(html.parser.HTMLParser):
    """Tags in order, their attributes, and that they nest."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.faults = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)


def test_well_formed_and_closed():
    text = page_of("postfix", "hostile", "sendmail")
    tags = Tags(text)
    same((tags.faults, tags.open), ([], []))
    for tag, attrs in tags.tags:
        for name in attrs:
            holds(not name.startswith("on") and name not in ("src", "href", "action", "style", "srcset", "xlink:href"), (tag, attrs))
    same([t for t, _ in tags.tags if t in ("script", "style", "iframe", "object", "embed", "link", "img", "base", "form")],
         ["style", "script"])
    has_not(text, "http:", "https:", "url(", "@import")


def test_policy_names_just_style_and_script():
    text = page_of("postfix")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1)
    for kind in ("style", "script"):
        body = re.search(r"<%s>(.*?)</%s>" % (kind, kind), text, re.S).group(1)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        has(policy, "%s-src 'sha256-%s'" % (kind, digest))
    has(policy, "default-src 'none'", "base-uri 'none'", "form-action 'none'")
    has_not(policy, "unsafe")


def test_no_injection_F1():
    text = page_of("hostile")
    same(len(re.findall(r"<script", text, re.I)), 1)
    has(text, "&lt;script&gt;alert(1)&lt;/script&gt;", "]]&gt;\\x22&#39;&amp;lt;/td&gt;&lt;img\\x20src\\x3dx\\x20onerror\\x3dalert(2)&gt;")
    has_not(text, "<img", "\x1b", "\r")


def test_content():
    text = page_of("postfix", more="")
    has(text, "Refused by the policy, but delivered then", "exempt { networks += {&quot;192.0.2.11&quot;} }", "<title>reject: 1 delivered</title>",
        "01 Nov", "ptr-missing", "no-ptr")
    same(text.count('<p class="legend">'), 2)
    with World() as w:
        other = w.file("other", 'rule "x" { when = {"iprev-pass"} action = tag }')
        page = w.path("p.html")
        same(w.replay("--html", page, "--against", other, os.path.join(LOGS, "postfix.log"))[0], 0)
        has(open(page).read(), "<h2>Against <code>", "<th>There</th>")


def browse(path, *args):
    if BROWSER is None:
        raise Skip("no Chromium here")
    profile = tempfile.mkdtemp(prefix="iprev-browser.")
    try:
        done = subprocess.run([BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                               "--disable-background-networking", "--disable-component-update", "--disable-sync",
                               "--user-data-dir=" + profile, "--virtual-time-budget=5000", *args, "file://" + path],
                              capture_output=True, timeout=120)
    finally:
        shutil.rmtree(profile, ignore_errors=True)
    same(done.returncode, 0, done.stderr.decode("utf-8", "replace")[-2000:])
    return done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


PROBE = """
var seen = [];
document.addEventListener("securitypolicyviolation", function (e) { seen.push("blocked " + e.violatedDirective); });
function column(table, at) { return Array.prototype.map.call(table.tBodies[0].rows, function (r) { return r.cells[at].textContent; }); }
var clients = document.getElementById("clients"), heads = clients.tHead.rows[0].cells;
heads[0].click(); seen.push("up " + column(clients, 0).join());
heads[0].click(); seen.push("down " + column(clients, 0)[0]);
heads[5].click(); seen.push("most " + column(clients, 5)[0]);
var filter = document.getElementById("filter"); filter.value = "192.0.2.11"; filter.dispatchEvent(new Event("input"));
seen.push("shown " + Array.prototype.filter.call(clients.tBodies[0].rows, function (r) { return !r.hidden; }).length);
seen.push("style " + getComputedStyle(document.querySelector(".figure")).borderLeftWidth);
seen.push("bar " + getComputedStyle(document.querySelector("rect.o0")).fill);
setTimeout(function () { document.title = "PROBE " + seen.join(" | "); }, 100);
"""


def test_browser_sorts_filters_and_draws():
    """The page as written, with a probe that its policy lets in by hash too."""
    text = page_of("postfix")
    digest = base64.b64encode(hashlib.sha256(PROBE.encode()).digest()).decode()
    text = text.replace("script-src ", "script-src 'sha256-%s' " % digest).replace("</body>", "<script>%s</script></body>" % PROBE)
    with World() as w:
        out, _ = browse(w.file("page.html", text), "--dump-dom")
    title = re.search(r"<title>(PROBE.*?)</title>", out)
    holds(title, out[:500])
    has(title.group(1), "up 192.0.2.10,192.0.2.11,192.0.2.12,", "down 2001:db8::31", "most 2", "shown 1", "style 5px", "bar rgb(")
    has_not(title.group(1), "blocked")


def test_browser_runs_no_foreign_script_F1():
    text = page_of("hostile")
    with World() as w:
        out, err = browse(w.file("page.html", text), "--dump-dom", "--enable-logging=stderr")
    same(len(re.findall(r"<script", out, re.I)), 1)
    has_not(out, "<img")
    has_not(err, "Refused to", "alert")


def test_browser_screenshot():
    """For people to look at: tests/replay.png in the build directory."""
    shot = os.path.join(BUILD, "tests", "replay.png")
    os.makedirs(os.path.dirname(shot), exist_ok=True)
    text = page_of("postfix", "hostile", "sendmail")
    with World() as w:
        browse(w.file("page.html", text), "--window-size=1200,2000", "--hide-scrollbars", "--screenshot=" + shot)
    holds(os.path.getsize(shot) > 20000, "the screenshot is empty")
