"""iprev-check batch.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import gzip
import json
import os
import re
import resource
import subprocess

from checker import PROGRAM, World, has, has_not, holds, on_terminal, plain, same

CLIENTS = {"192.0.2.10": "iprev-pass", "192.0.2.11": "iprev-permerror", "192.0.2.12": "iprev-fail",
           "192.0.2.13": "iprev-fail", "192.0.2.15": "iprev-pass", "2001:db8::30": "iprev-pass"}


def field(line, key):
    return re.search(r"(?:^| )%s=(\S*)" % key, line).group(1)


def test_order_with_slow_ones():
    """Clients whose DNS is silent hold nobody's place."""
    with World() as w:
        names = list(CLIENTS)
        want = [("203.0.113.%d" % (i % 200 + 1) if i % 50 == 7 else names[i % len(names)]) for i in range(2000)]
        code, out, err = w.run("batch", stdin="".join("%s\tmail.good.example\n" % a for a in want).encode())
        same((code, err), (0, ""))
        lines = out.splitlines()
        same([field(line, "client") for line in lines], want)
        for line in lines:
            same(field(line, "findings").split(",")[0], CLIENTS.get(field(line, "client"), "iprev-temperror"))


def test_bad_lines():
    text = b"192.0.2.10\tmail.good.example\r\nnot an address\n\n192.0.2.999\n" + b"x" * 10000 + b"\n192.0.2.11\n\xff\x00\n192.0.2.12 a b\n2001:db8::30"
    with World() as w:
        code, out, err = w.run("batch", stdin=text)
        same(code, 65)
        plain(out)
        plain(err)
        lines = out.splitlines()
        same([line.split(" ")[0] for line in lines],
             ["client=192.0.2.10", "line=2", "line=3", "line=4", "line=5", "client=192.0.2.11", "line=7", "client=192.0.2.12",
              "client=2001:db8::30"])
        has(err, "line 2: not an IPv4 or IPv6 address", "line 3: the line is empty", "line 5: the line is too long",
            "5 of 9 lines were bad, the first is line 2")
        has(lines[7], "helo=a\\x20b", "helo-invalid")
        code, out, _ = w.run("batch", "--json", stdin=text)
        same(code, 65)
        data = [json.loads(line) for line in out.splitlines()]
        same([d["line"] for d in data], list(range(1, 10)))
        same([d["line"] for d in data if "error" in d], [2, 3, 4, 5, 7])
        same((data[0]["helo"], data[0]["findings"]), ("mail.good.example", ["iprev-pass", "ptr-named", "helo-verified"]))
        same((data[5]["helo"], data[5]["action"]), (None, "reject"))


def test_many_bad_lines_reported_briefly():
    with World() as w:
        code, out, err = w.run("batch", stdin=b"bad\n" * 5000)
        same((code, len(out.splitlines())), (65, 5000))
        same(len(err.splitlines()), 11)
        has(err, "5000 of 5000 lines were bad")


def test_records_replay_again():
    """What batch writes is what the daemon logs: replay reads it."""
    with World() as w:
        _, out, _ = w.run("batch", stdin="".join("%s\tx.example\n" % a for a in CLIENTS).encode())
        code, data, _ = w.replay_json("--no-dns", w.file("log", out))
        same((code, data["log"]["damaged_records"], data["log"]["addresses"]), (0, 0, len(CLIENTS)))
        same(data["actions"]["reject"]["clients"], 3)


def test_file_and_errors():
    with World() as w:
        same(w.run("batch", w.file("list", "192.0.2.10\n"))[0], 0)
        code, _, err = w.run("batch", w.path("missing"))
        same(code, 66)
        has(err, "missing")
        same(w.run("batch", stdin=b"")[:2], (0, ""))
        with open("/dev/full", "wb") as full:
            done = subprocess.run([PROGRAM, "-c", w.config, "batch"], input=b"192.0.2.10\n", stdout=full, stderr=subprocess.PIPE)
        same(done.returncode, 74)
        for task in ("batch", "classify"):
            code, out, err = w.run(task, w.dir)
            same((code, out), (66, ""), task)
            has(err, "iprev-check: %s: Is a directory" % w.dir)
            code, out, err = w.run(task, w.file("list.gz", gzip.compress(b"192.0.2.10\tmail.good.example\n")))
            same((code, out.count("\n"), err), (0, 1, ""), task)


def test_memory_bounded():
    """Two hundred thousand lines take no more memory than two thousand, but for what the
    resolver's own cache is allowed."""
    with World() as w:
        def peak(n):
            path = w.file("list%d" % n, "".join("192.0.2.%d\tmail%d.good.example\n" % (10 + i % 8, i % 500) for i in range(n)))
            read, write = os.pipe()
            pid = os.fork()
            if pid == 0:
                null = os.open(os.devnull, os.O_WRONLY)
                proc = subprocess.Popen([PROGRAM, "-c", w.config, "batch", path], stdout=null)
                code = proc.wait()
                rss = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
                os.write(write, b"%d %d" % (code, rss))
                os._exit(0)
            os.waitpid(pid, 0)
            code, rss = map(int, os.read(read, 100).split())
            os.close(read)
            os.close(write)
            same(code, 0)
            return rss
        small, large = peak(2000), peak(200000)
        holds(large < small * 1.5 + 8192, "%d KiB for 2,000 lines, %d KiB for 200,000" % (small, large))


def test_progress_only_on_a_terminal():
    with World() as w:
        path = w.file("list", "".join("203.0.%d.%d\n" % (i >> 8, i & 255) for i in range(3000)))
        out = on_terminal(["sh", "-c", 'exec "$0" -c "$1" batch "$2" > /dev/null', PROGRAM, w.config, path], {"TERM": "xterm"})
        has(out, "clients ", "%")
        has_not(w.run("batch", path)[2], "\r")
