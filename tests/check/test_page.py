"""The HTML report: whole, closed to the outside, safe, and working in a browser.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import base64
import hashlib
import html.parser
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

from checker import BUILD, LOGS, PROGRAM, SRC, Skip, World, has, has_not, holds, same

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
        if tag not in ("meta", "input", "wbr"):
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
    has(text, "Refused by the policy, but delivered then", "<td class=\"code\">192.0.2.11</td>", "<title>reject: 1 delivered</title>",
        "01 Nov", "ptr-missing", "no-ptr")
    same(text.count('<p class="legend">'), 3)
    holds(text.index("but delivered then") < text.index("By action") < text.index("Over time"), "the possible mistakes stand first")
    with World() as w:
        other = w.file("other", 'builtin-rules = false rules: { x: { when = ["iprev-pass"] action = "tag" }; };')
        page = w.path("p.html")
        same(w.replay("--html", page, "--against", other, os.path.join(LOGS, "postfix.log"))[0], 0)
        has(open(page).read(), "<h2>Compared with <code>", "<th>There</th>")


def test_the_answer_stands_first():
    """One sentence, what was delivered first among the figures, with shares; when and where it was made, mode and rules."""
    line = ("Nov  1 1%d:00:00 mx1 postfix/smtpd[1]: AAAA%d: client=unknown[192.0.2.%d]\n"
            "Nov  1 1%d:00:01 mx1 postfix/lmtp[2]: AAAA%d: to=<u@example.org>, relay=r, dsn=2.0.0, status=sent (ok)\n")
    text = lambda *clients: "".join(line % (i, i, c, i, i) for i, c in enumerate(clients))  # noqa: E731
    share = "&#8239;%)"
    cases = [((10,), "<b>0</b> of 1 message (0.0%s.</p>" % share, "good"),
             ((10, 10, 11), "<b>1</b> of 3 messages (33.3%s; <b>1</b> of these was delivered then.</p>" % share, "warn"),
             ((10, 10, 11, 13), "<b>2</b> of 4 messages (50.0%s; <b>2</b> of these were delivered then.</p>" % share, "warn")]
    with World('mode = "enforce";') as w:
        for clients, answer, tone in cases:
            page = w.path("p.html")
            same(w.replay("--html", page, w.file("log", text(*clients)))[0], 0)
            html = open(page).read()
            has(html, '<p class="answer">It would have refused ' + answer, "mode enforce, rules no-ptr, forged, botlike, bothelo</dd>",
                "; %d message%s of " % (len(clients), "" if len(clients) == 1 else "s"))
            holds(re.search(r"<dt>Made</dt><dd>2\d\d\d-\d\d-\d\d \d\d:\d\d on %s</dd></dl></header>" % re.escape(os.uname().nodename), html), html)
            same(len(re.findall('<div class="figure ', html)), 3)
            first = re.search(r'<div class="figure (\w*)"><b>(\d+)</b><span>(.*?)</span>', html)
            same((first.group(1), first.group(3).split(" (")[0]), (tone, "of those refused %s delivered" % ("was" if first.group(2) == "1" else "were")))
        refused = ("Nov  1 10:00:00 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.11]: 550 5.1.1 no; from=<> to=<a@b.example> "
                   "proto=ESMTP helo=<pc>\n")
        w.replay("--html", page, w.file("log", refused))
        has(open(page).read(), "<b>1</b> of 1 message (100.0%s; none of these was delivered then.</p>" % share)


GREY = ('memory: { store = "sqlite:/nowhere/db"; };\nbuiltin-rules = false\n'
        'rules: { known: { when = ["iprev-permerror", "client-known"] action = "tag" };\n'
        'r: { when = ["iprev-fail"] action = "reject" };\ng: { when = ["iprev-permerror"] action = "greylist" }; };\n')


def test_greylist_and_known_clients():
    """Who was put off and came back; whom memory knows; senders of each client."""
    refused = ("Nov  1 10:%s:00 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[%s]: 450 4.2.0 later; from=<a@%s> to=<u@example.org> "
               "proto=ESMTP helo=<h.example>\n")
    told = ("Nov  1 10:00:00 mx1 iprev-milter[3]: client=%s ptr=- helo=h.example findings=iprev-permerror,ptr-missing%s mode=monitor dns=1/2 "
            "wait=0 qid=- stage=eom\n")
    known = "".join(told % row for row in (("192.0.2.50", ",client-known rule=known action=tag memory=known"), ("192.0.2.11", " rule=g action=greylist"),
                                           ("2001:db8:0:1::9", " rule=g action=greylist")))
    log = "".join(refused % row for row in (("00", "192.0.2.11", "b.example"), ("09", "192.0.2.11", "b.example"), ("00", "2001:db8:0:1::9", "c.example"),
                                            ("01", "192.0.2.13", "liar.example"), ("02", "192.0.2.50", "old.example"))) + known
    with World(GREY) as w:
        page = w.path("p.html")
        same(w.replay("--html", page, w.file("log", log))[0], 0)
        text = open(page).read()
        has(text, '<p class="answer">It would have refused <b>1</b> of 5 messages (20.0&#8239;%) and put off <b>2</b>; none of those refused was '
            "delivered then.</p>", '<div class="figure later"><b>2</b><span>messages put off (40.0&#8239;%); 1 of 2 clients came back</span>',
            "<h2>Put off by the greylist</h2>\n<p>1 of 2 clients (50.0&#8239;%) came back in time in this log",
            '<td class="n" data-v="1">1</td><td>yes</td>', '<td class="n" data-v="1">1</td><td>no</td>', "<td class=\"w\">c.<wbr>example</td>",
            "<p>Known clients: 1 client with 1 message is known from earlier mail (client-known), which changes what the rules do.</p>")
        w.config = w.file("plain", open(w.config).read().replace('"greylist"', '"tag"'))
        w.replay("--html", page, w.path("log"))
        has_not(open(page).read(), "greylist", "came back", "figure later")


def test_nothing_is_cut_without_a_sign():
    """A HELO that is longer than what is kept, and more sender domains than are kept, end in an ellipsis."""
    refused = ("Nov  1 10:00:00 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.11]: 550 5.1.1 no; from=<a@d%d.example> to=<u@example.org> "
               "proto=ESMTP helo=<%s>\n")
    with World() as w:
        for n, helo, sign, more in ((3, "h" * 255, False, False), (3, "h" * 256, True, False), (3, "h" * 300, True, False), (4, "h", False, True)):
            page = w.path("p.html")
            w.replay("--html", page, w.file("log", "".join(refused % (i, helo) for i in range(n))))
            text = open(page).read()
            same(("h&hellip;</div>" in text, ", &hellip;</td>" in text), (sign, more), (n, len(helo)))
            same(("h\\..." in w.replay(w.path("log"))[1]), sign, len(helo))


def test_own_refusals_are_not_those_of_others():
    lines = ("Nov  1 10:00:00 mx1 iprev-milter[7]: client=192.0.2.11 ptr=- helo=pc findings=iprev-permerror,ptr-missing,helo-unqualified "
             "rule=no-ptr action=reject mode=enforce dns=1/2 wait=0 qid=- stage=rcpt\n"
             "Nov  1 10:00:00 mx1 postfix/smtpd[1]: NOQUEUE: milter-reject: RCPT from unknown[192.0.2.11]: 550 5.7.25 Client address "
             "192.0.2.11 has no PTR record; from=<a@b.example> to=<c@d.example> proto=ESMTP helo=<pc>\n")
    with World() as w:
        for text, count in ((lines, "1 refused by iprev-milter"), (lines.split("\n")[1], "1 refused by others")):
            page = w.path("p.html")
            same(w.replay("--no-dns", "--html", page, w.file("log", text))[0], 0)
            has(open(page).read(), ": %s</title>" % count)
            has_not(open(page).read(), ": 1 refused by %s</title>" % ("others" if "iprev" in count else "iprev-milter"))


def test_log_that_tells_nothing():
    """No log is not the same as no loss."""
    with World() as w:
        page, garbage = w.path("p.html"), w.file("garbage", b"what is this\n" * 20)
        same(w.replay("--html", page, garbage)[0], 65)
        text = open(page).read()
        has(text, "No line of a known log format was found")
        has_not(text, "None: every client", "delivered nothing", "but delivered then", "figure good")
        same(w.replay("--html", page, os.path.join(LOGS, "own.log"))[0], 0)
        has(open(page).read(), "Skipped 1 damaged iprev-milter record.")
        same(w.replay("--html", page, os.path.join(LOGS, "postfix.log"))[0], 0)
        has_not(open(page).read(), "known log format", "Skipped")
        # its lines are known, but they hold no message
        same(w.replay("--html", page, w.file("log", "Nov  1 10:16:01 mx1 postfix/smtpd[1]: connect from unknown[192.0.2.11]\n"))[0], 0)
        has_not(open(page).read(), "delivered nothing")


def test_page_destroys_nothing():
    """--html /var/log/mail.log* takes the newest log for the page: it must survive. So must what a link names."""
    log = open(os.path.join(LOGS, "postfix.log"), "rb").read()
    with World() as w:
        page, secret = w.path("page.html"), w.file("secret", "root:x:0:0\n")
        same(w.replay("--html", page, os.path.join(LOGS, "postfix.log"))[0], 0)
        text = open(page, "rb").read()
        mark = text[:text.index(b"iprev-check") + len("iprev-check")]
        os.symlink(secret, w.path("link"))
        os.symlink(w.path("nothing"), w.path("loose"))
        os.symlink(page, w.path("to-page"))
        os.mkfifo(w.path("pipe"))
        cases = [(w.file("mail.log", log), "not overwritten"), (secret, "not overwritten"), (w.file("empty", ""), "not overwritten"),
                 (w.file("other.html", "<!DOCTYPE html>\n<html>"), "not overwritten"), (w.file("short", mark[:-1]), "not overwritten"),
                 (w.path("link"), "symbolic link"), (w.path("loose"), "symbolic link"), (w.path("to-page"), "symbolic link"),
                 (w.path("pipe"), "not a plain file"), ("/dev/null", "not a plain file"), (w.dir, "not a plain file")]
        for path, said in cases:
            before = open(path, "rb").read() if os.path.isfile(path) else None
            code, out, err = w.replay("--html", path, os.path.join(LOGS, "postfix.log"))
            same((code, out), (73, ""), path)
            has(err, "iprev-check: %s: " % path, said)
            same(open(path, "rb").read() if os.path.isfile(path) else None, before, path)
        holds(not os.path.exists(w.path("nothing")), "a loose link was followed")
        same(open(page, "rb").read(), text)
        # a page of ours, whole or cut, is replaced, and whoever reads it meanwhile has the old one to its end
        os.link(w.file("old.html", mark), w.path("kept"))
        same(w.replay("--html", w.path("old.html"), os.path.join(LOGS, "postfix.log"))[0], 0)
        same((open(w.path("old.html"), "rb").read(), open(w.path("kept"), "rb").read()), (text, mark))
        same([name for name in os.listdir(w.dir) if ".html." in name], [])


def test_page_that_cannot_be_written():
    """A full disk: the page of before stays, and nothing lies beside it."""
    with World() as w:
        page = w.path("page.html")
        same(w.replay("--html", page, os.path.join(LOGS, "postfix.log"))[0], 0)
        text = open(page, "rb").read()
        done = subprocess.run([PROGRAM, "replay", "-c", w.config, "--html", page, os.path.join(LOGS, "postfix.log")],
                              capture_output=True, preexec_fn=small_files, timeout=60)
        same((done.returncode, done.stderr.decode()), (73, "iprev-check: %s: writing failed\n" % page))
        same((open(page, "rb").read(), sorted(os.listdir(w.dir))), (text, ["conf", "page.html", "zone"]))


def small_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


def test_page_is_not_for_everybody():
    """It names clients and HELOs, as the log does."""
    for mask, mode in ((0o022, 0o640), (0, 0o640), (0o077, 0o600)):
        before = os.umask(mask)
        try:
            with World() as w:
                same(w.replay("--html", w.path("p"), os.path.join(LOGS, "postfix.log"))[0], 0)
                same(oct(os.stat(w.path("p")).st_mode & 0o7777), oct(mode), oct(mask))
        finally:
            os.umask(before)


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
seen.push(document.getElementById("shown").textContent);
seen.push("style " + getComputedStyle(document.querySelector(".figure")).borderLeftWidth);
seen.push("bar " + getComputedStyle(document.querySelector("rect.o0")).fill);
var scrolls = document.querySelectorAll(".scroll"), hidden = 0, wraps = 0, still = 0;
Array.prototype.forEach.call(scrolls, function (s) {
  s.scrollLeft = 1e6;
  var last = s.querySelector("thead tr").lastElementChild.getBoundingClientRect();
  hidden += last.right > s.getBoundingClientRect().right + 1 ? 1 : 0;
  s.scrollLeft = 0;
});
Array.prototype.forEach.call(document.querySelectorAll("td.a"), function (a) { wraps += a.firstChild.nodeType !== 3 || a.childNodes.length !== 1 ||
  getComputedStyle(a).whiteSpace !== "nowrap" ? 1 : 0; });
if (innerWidth <= 600) Array.prototype.forEach.call(document.querySelectorAll("td.a"), function (a) { still += getComputedStyle(a).position === "sticky" ? 1 : 0; });
seen.push("width " + innerWidth + " unreachable " + hidden + " wrapped " + wraps + " in the way " + still);
var wide = document.documentElement.scrollWidth - document.documentElement.clientWidth; seen.push("beyond " + wide);
function box(s) { return document.querySelector(s).getBoundingClientRect(); }
seen.push("columns " + Math.round(box(".columns").height) + " letters " + getComputedStyle(document.querySelector(".bar .name")).fontSize);
setTimeout(function () { var text = "PROBE " + seen.join(" | "); document.title = text; parent.postMessage(text, "*"); }, 100);
"""


FRAME = """<!DOCTYPE html><html><head><title>-</title></head><body><iframe width="%d" height="900" src="page.html"></iframe>
<script>addEventListener("message", function (e) { document.title = e.data; });</script></body></html>"""


def probe(text, width=None):
    """What PROBE finds on the page, which its policy lets in by hash too. width: of its window, which is a frame: Chromium's own
    is not as narrow as a telephone."""
    digest = base64.b64encode(hashlib.sha256(PROBE.encode()).digest()).decode()
    text = text.replace("script-src ", "script-src 'sha256-%s' " % digest).replace("</body>", "<script>%s</script></body>" % PROBE)
    with World() as w:
        path = w.file("page.html", text)
        out, _ = browse(path if width is None else w.file("frame.html", FRAME % width), "--dump-dom", "--window-size=1400,1000")
    title = re.search(r"<title>(PROBE.*?)</title>", out)
    holds(title, out[:500])
    return title.group(1)


def test_browser_sorts_filters_and_draws():
    found = probe(page_of("postfix"))
    has(found, "up 192.0.2.10,192.0.2.11,192.0.2.12,", "down 2001:db8::31", "most 2", "shown 1", "1 of 8", "style 5px", "bar rgb(")
    has_not(found, "blocked")


def test_browser_sorts_addresses_by_number():
    lines = ["Nov  1 10:00:00 mx postfix/smtpd[1]: A%05d: client=unknown[%s]\nNov  1 10:00:00 mx postfix/qmgr[2]: A%05d: removed\n" % (i, a, i)
             for i, a in enumerate(("10.0.0.10", "2001:db8::2", "10.0.0.9", "9.255.0.1", "2001:db8::10", "10.0.0.100"))]
    with World() as w:
        path = w.path("page.html")
        same(w.replay("--no-dns", "--html", path, w.file("log", "".join(lines)))[0], 0)
        has(probe(open(path).read()), "up 9.255.0.1,10.0.0.9,10.0.0.10,10.0.0.100,2001:db8::2,2001:db8::10 |")


def test_browser_fits_any_width():
    """Long names and the window of a telephone: nothing stands out of the page, letters and
    columns keep their size."""
    name = ".".join(c * 63 for c in "abc") + ".example"
    lines = ("Nov  1 10:00:00 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[2001:db8:1234:5678:9abc:def0:1234:5678]: 550 5.1.1 no; "
             "from=<> to=<a@b.example> proto=ESMTP helo=<%s>\n" % name)
    with World() as w:
        path = w.path("page.html")
        same(w.replay("--html", path, w.file("log", lines), os.path.join(LOGS, "postfix.log"))[0], 0)
        for width in (400, 800, 1280):
            has(probe(open(path).read(), width), "beyond 0", "columns 210 letters 13.5px",
                "width %d unreachable 0 wrapped 0 in the way 0" % width)


def test_browser_runs_no_foreign_script_F1():
    text = page_of("hostile")
    with World() as w:
        out, err = browse(w.file("page.html", text), "--dump-dom", "--enable-logging=stderr")
    same(len(re.findall(r"<script", out, re.I)), 1)
    has_not(out, "<img")
    has_not(err, "Refused to", "alert")


def report(name, *args):
    """The picture of the report, of a made-up month: the path below tests/ in the build directory."""
    if BROWSER is None:
        raise Skip("no Chromium here")
    shot = os.path.join(BUILD, "tests", name)
    os.makedirs(os.path.dirname(shot), exist_ok=True)
    subprocess.run([sys.executable, os.path.join(SRC, "tools", "report"), PROGRAM, shot, *args], check=True, timeout=120)
    return shot


def test_browser_pictures():
    """For people to look at, at three widths, light and dark; every pixel row has something of the page."""
    for width in (400, 800, 1280):
        for dark in ((), ("--dark",)):
            shot = report("report-%d%s.png" % (width, "-dark" if dark else ""), "--width", str(width), "--height", "1600", *dark)
            octets = open(shot, "rb").read()
            same((octets[:4], int.from_bytes(octets[16:20], "big")), (b"\x89PNG", width))
            holds(len(octets) > 20000, "the picture is empty")


def test_browser_prints():
    """On paper: light, on few pages, without the table of all clients."""
    with World() as w:
        page = w.path("page.html")
        report("report-800.png", "--html", page)
        rows = open(page).read().count("<tr>")
        holds(rows > 200, rows)
        pdf = os.path.join(BUILD, "tests", "report.pdf")
        browse(page, "--print-to-pdf=" + pdf, "--no-pdf-header-footer")
        octets = open(pdf, "rb").read()
        pages = len(re.findall(rb"/Type */Page\b(?!s)", octets))
        holds(2 <= pages <= 8, "%d pages" % pages)


def test_picture_of_the_readme():
    """doc/report.png is small, and README shows it."""
    picture = os.path.join(SRC, "doc", "report.png")
    holds(10000 < os.path.getsize(picture) <= 100 * 1024, os.path.getsize(picture))
    has(open(os.path.join(SRC, "README.md"), encoding="utf-8").read(), "](doc/report.png)")
