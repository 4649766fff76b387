#!/usr/bin/python3
"""A DNS server that does what a script tells it: answers, lies, stalls, breaks off.

It answers as a resolver would (aliases followed, NXDOMAIN with a SOA for what
it does not know), over UDP and TCP, IPv4 and IPv6. Every question is
answered on its own: a delayed or silent name never holds up another one. It
counts what it is asked.

A script is lines; `;` and `#` start a comment. Names are absolute with or
without the final dot; `\\DDD` and `\\X` put any octet into a label, `@` is the root.

    NAME [TTL] TYPE RDATA        A AAAA PTR CNAME NS SOA TXT, or `\\# LEN HEX` for raw rdata
    NAME [TTL] A many FIRST N    N addresses counted up from FIRST (AAAA too)
    NAME [TTL] PTR many HOST%d.EXAMPLE N
    NAME !BEHAVIOUR [ARG] [TYPE ...]

`*.example` is every name below example, `*` every name; an exact name is
looked at before a wildcard. The behaviours:

    nxdomain nodata servfail refused notimp formerr
    upward             a referral to the root: the server does not know the zone
    silent             no answer ever
    delay MS           the answer comes later
    truncate           TC over UDP, the answer over TCP
    tcp-refuse         TC over UDP, the TCP connection is reset
    close              no answer over UDP, TCP is closed without an answer
    random-fail PCT    SERVFAIL for PCT of 100 questions
    random-fault PCT   trouble of any kind for PCT of 100 questions (FAULTS)
    loop               an alias to itself

As JSON: a list of such lines, or {"NAME": ["A 192.0.2.1", "!delay 300 A"]}.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import argparse
import asyncio
import collections
import ipaddress
import json
import random
import signal
import socket
import struct
import sys
import threading
import time

from dnsnames import ScriptError, key_of, name_wire, parse_name, reverse_name, show_name, wire_name

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "TXT": 16, "AAAA": 28, "ANY": 255}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
RCODES = {"nodata": 0, "formerr": 1, "servfail": 2, "nxdomain": 3, "notimp": 4, "refused": 5}
BEHAVIOURS = set(RCODES) | {"upward", "silent", "delay", "truncate", "tcp-refuse", "close", "random-fail", "random-fault", "loop"}
FAULTS = ("silent", "servfail", "refused", "notimp", "formerr", "tcp-refuse", "close", "cut", "delay")
ROOT_SERVER = (b"a", b"root-servers", b"net")
ALIASES_MAX = 40
UDP_MAX = 1232
OPT = 41
CLASS_IN, CLASS_CHAOS = 1, 3


# ---- the script ----

def rdata_of(rrtype, words):
    """The rdata of one record from its words."""
    if words and words[0] == "\\#":
        data = bytes.fromhex("".join(words[2:]))
        if len(data) != int(words[1]):
            raise ScriptError("raw rdata has %d octets, not %s" % (len(data), words[1]))
        return data
    if rrtype in ("A", "AAAA"):
        return ipaddress.ip_address(words[0]).packed
    if rrtype in ("PTR", "CNAME", "NS"):
        return name_wire(parse_name(words[0]))
    if rrtype == "SOA":
        return name_wire(parse_name(words[0])) + name_wire(parse_name(words[1])) + \
            struct.pack(">5I", *map(int, words[2:7]))
    if rrtype == "TXT":
        text = " ".join(words).encode()[:255]
        return bytes([len(text)]) + text
    raise ScriptError("no such type: %s" % rrtype)


def many_rdata(rrtype, words):
    """The rdata of `many FIRST N`."""
    first, count = words[0], int(words[1])
    if rrtype in ("A", "AAAA"):
        start = ipaddress.ip_address(first)
        return [(start + i).packed for i in range(count)]
    return [name_wire(parse_name(first % i)) for i in range(count)]


class Script:
    """What is known, and how to misbehave. Safe to change while serving."""

    def __init__(self, text=""):
        self.records = collections.defaultdict(list)  # (key, type) -> [(ttl, rdata)]
        self.names = collections.Counter()            # keys, and every name above them
        self.moves = collections.defaultdict(dict)    # key -> {type or None: (behaviour, arg)}
        self.ttl = 300
        self.negative_ttl = 60
        self.read(text)

    def read(self, text):
        """Reads lines, or JSON."""
        stripped = text.lstrip()
        if stripped[:1] in ("{", "["):
            data = json.loads(stripped)
            lines = data if isinstance(data, list) else \
                [name + " " + item for name, items in data.items() for item in items]
        else:
            lines = text.splitlines()
        for number, line in enumerate(lines, 1):
            try:
                self.line(line)
            except (ValueError, IndexError) as error:
                raise ScriptError("line %d: %s: %s" % (number, line, error)) from error

    def line(self, line):
        """Reads one line."""
        words = line.split()
        for at, word in enumerate(words):
            if word[0] in "#;":
                words = words[:at]
                break
        if not words:
            return
        name, rest = key_of(parse_name(words[0])), words[1:]
        if rest[0].startswith("!"):
            self.behave(name, rest[0][1:], rest[1:])
            return
        ttl = self.ttl
        if rest[0].isdigit():
            ttl, rest = int(rest[0]), rest[1:]
        rrtype, rest = rest[0].upper(), rest[1:]
        rdatas = many_rdata(rrtype, rest[1:]) if rest[0] == "many" else [rdata_of(rrtype, rest)]
        for above in range(len(name) + 1):
            self.names[name[above:]] += 1
        self.records[name, TYPES[rrtype]].extend((ttl, rdata) for rdata in rdatas)

    def behave(self, name, behaviour, words):
        """`!delay 300 A PTR`"""
        if behaviour not in BEHAVIOURS:
            raise ScriptError("no such behaviour: %s" % behaviour)
        arg = None
        if behaviour in ("delay", "random-fail", "random-fault"):
            arg, words = float(words[0]), words[1:]
        for rrtype in [TYPES[word.upper()] for word in words] or [None]:
            self.moves[name][rrtype] = (behaviour, arg)

    def forget(self, text):
        """Drops every record and behaviour of a name."""
        name = key_of(parse_name(text))
        self.moves.pop(name, None)
        for key in [key for key in self.records if key[0] == name]:
            del self.records[key]

    def candidates(self, name):
        """The name, then the wildcards that cover it, nearest first."""
        yield name
        for above in range(1, len(name) + 1):
            yield (b"*",) + name[above:]

    def move(self, name, rrtype):
        """(behaviour, arg) for a question, or None."""
        for key in self.candidates(name):
            moves = self.moves.get(key)
            if moves:
                return moves.get(rrtype, moves.get(None))
        return None

    def lookup(self, name, rrtype):
        """[(ttl, rdata)], or [] for NODATA, or None for NXDOMAIN."""
        for key in self.candidates(name):
            found = self.records.get((key, rrtype))
            if found:
                return found
            if key in self.names or key in self.moves:
                return []
        return None

    def alias(self, name):
        """The one CNAME of a name, or None."""
        for key in self.candidates(name):
            found = self.records.get((key, TYPES["CNAME"]))
            if found:
                return found[0]
            if key in self.names:
                return None
        return None


# ---- messages ----

class Question:
    """One parsed query."""

    def __init__(self, packet):
        self.id, flags, counts = struct.unpack(">HH", packet[:4]) + (struct.unpack(">4H", packet[4:12]),)
        if flags & 0x8000 or counts[0] != 1:
            raise ValueError("no query")
        self.flags, at, labels = flags, 12, []
        while packet[at]:
            length = packet[at]
            if length > 63:
                raise ValueError("compressed question")
            labels.append(packet[at + 1:at + 1 + length])
            at += 1 + length
        self.type, self.rclass = struct.unpack(">HH", packet[at + 1:at + 5])
        self.name, self.wire = tuple(labels), packet[12:at + 5]
        self.key = key_of(self.name)
        self.edns, self.udp_max = False, 512
        extra = packet[at + 5:]
        if counts[3] and len(extra) >= 11 and extra[0] == 0 and struct.unpack(">H", extra[1:3])[0] == OPT:
            self.edns = True
            self.udp_max = min(UDP_MAX, max(512, struct.unpack(">H", extra[3:5])[0]))


def message(question, rcode, answers=(), authority=(), truncated=False):
    """The reply. answers and authority: (name wire, type, ttl, rdata)."""
    own = name_wire(question.key)

    def record(owner, rrtype, ttl, rdata):
        pointer = b"\xc0\x0c" if owner.lower() == own else owner
        return pointer + struct.pack(">HHIH", rrtype, CLASS_IN, ttl, len(rdata)) + rdata
    flags = 0x8180 | (question.flags & 0x0110) | (0x0200 if truncated else 0) | rcode
    head = struct.pack(">6H", question.id, flags, 1, len(answers), len(authority), int(question.edns))
    body = b"".join(record(*one) for one in answers) + b"".join(record(*one) for one in authority)
    opt = b"\0" + struct.pack(">HHIH", OPT, UDP_MAX, 0, 0) if question.edns else b""
    return head + question.wire + body + opt


class Drop(Exception):
    """No answer. reset: break the TCP connection hard."""

    def __init__(self, reset=False):
        super().__init__()
        self.reset = reset


class DnsServer:
    """Serves a script in a thread of its own.

    server = DnsServer("mail.example A 192.0.2.1", addresses=["127.0.0.1"], port=5353)
    server.start() ... server.count("mail.example", "A") ... server.stop()
    `tcp=False`: no TCP listener at all, so that TCP is truly refused.
    """

    def __init__(self, script="", addresses=("127.0.0.1",), port=53, tcp=True):
        self.script = script if isinstance(script, Script) else Script(script)
        self.addresses, self.port, self.tcp = list(addresses), port, tcp
        self.counts = collections.Counter()
        self.last = collections.deque(maxlen=10000)  # (name, type) as asked
        self.lock = threading.Lock()
        self.due = {}  # (name, type): when its late answer is there
        self.loop = self.thread = None
        self.open = []  # what stop() closes

    # -- script, in the caller's thread --

    def add(self, text):
        """Reads more script."""
        self.script.read(text)

    def host(self, name, *addresses):
        """A/AAAA records and matching PTRs: a client whose DNS is in order."""
        for address in addresses:
            kind = "AAAA" if ":" in address else "A"
            self.script.line("%s %s %s" % (name, kind, address))
            self.ptr(address, name)

    def ptr(self, address, *names):
        """PTR records of an address."""
        for name in names:
            self.script.line("%s PTR %s" % (reverse_name(address), name))

    def count(self, name=None, rrtype=None):
        """Questions seen, by name and type; either may be left out."""
        key = None if name is None else key_of(parse_name(name))
        number = None if rrtype is None else TYPES[rrtype.upper()]
        with self.lock:
            return sum(n for (one, kind), n in self.counts.items()
                       if key in (None, one) and number in (None, kind))

    def reset_counts(self):
        """Starts counting anew."""
        with self.lock:
            self.counts.clear()
            self.last.clear()

    def stats(self):
        """{"name. TYPE": questions}"""
        with self.lock:
            return {"%s %s" % (show_name(name), TYPE_NAMES.get(kind, kind)): n
                    for (name, kind), n in sorted(self.counts.items())}

    # -- one question --

    def answer(self, question, udp):
        """(delay in seconds, packet), or raises Drop."""
        if question.rclass == CLASS_CHAOS:
            return 0, self.control(question)
        with self.lock:
            self.counts[question.key, question.type] += 1
            self.last.append((show_name(question.name), TYPE_NAMES.get(question.type, question.type)))
        behaviour, arg = self.script.move(question.key, question.type) or (None, None)
        if behaviour == "random-fault":
            behaviour, arg = (random.choice(FAULTS), random.random() * 700) if random.random() * 100 < arg else (None, None)
        delay = self.until_due(question, arg / 1000) if behaviour == "delay" else 0
        if behaviour == "silent" or (behaviour == "close" and udp):
            raise Drop()
        if behaviour == "close":
            raise Drop(reset=False)
        if behaviour == "tcp-refuse" and not udp:
            raise Drop(reset=True)
        if behaviour in ("truncate", "tcp-refuse") and udp:
            return delay, message(question, 0, truncated=True)
        if behaviour == "random-fail" and random.random() * 100 < arg:
            return delay, message(question, RCODES["servfail"])
        if behaviour == "loop":
            own = name_wire(question.name)
            return delay, message(question, 0, [(own, TYPES["CNAME"], 60, own)])
        if behaviour == "upward":
            return delay, message(question, 0, authority=[(name_wire(()), TYPES["NS"], 60, name_wire(ROOT_SERVER))])
        if behaviour in RCODES:
            soa = [self.soa(question.name)] if behaviour in ("nxdomain", "nodata") else []
            return delay, message(question, RCODES[behaviour], authority=soa)
        packet = self.resolve(question)
        if behaviour == "cut":
            packet = packet[:random.randrange(2, len(packet))]
        if len(packet) > 65535:
            packet = message(question, RCODES["servfail"])
        if udp and len(packet) > question.udp_max:
            packet = message(question, 0, truncated=True)
        return delay, packet

    def until_due(self, question, delay):
        """Seconds until a late answer is there: whoever asks meanwhile gets it at the same time, as from
        a resolver that looks for it once."""
        now, key = time.monotonic(), (question.key, question.type)
        if self.due.get(key, now) <= now:
            self.due[key] = now + delay
        return self.due[key] - now

    def resolve(self, question):
        """The answer by the records, aliases followed."""
        name, answers, seen = question.key, [], set()
        owner = name_wire(question.name)
        while len(answers) < ALIASES_MAX and name not in seen:
            seen.add(name)
            alias = self.script.alias(name)
            if alias is None or question.type == TYPES["CNAME"]:
                break
            answers.append((owner, TYPES["CNAME"]) + alias)
            owner, name = alias[1], key_of(wire_name(alias[1]))
        found = self.script.lookup(name, question.type)
        answers += [(owner, question.type, ttl, rdata) for ttl, rdata in found or []]
        if found:
            return message(question, 0, answers)
        return message(question, RCODES["nxdomain"] if found is None else 0, answers,
                       [self.soa(wire_name(owner))])

    def soa(self, name):
        """The SOA of the zone that a negative answer claims to come from."""
        zone = name_wire(name[-2:] if key_of(name)[-1:] == (b"arpa",) else name[-1:])
        rdata = name_wire((b"ns", b"example")) + name_wire((b"root", b"example")) + \
            struct.pack(">5I", 1, 3600, 600, 86400, self.script.negative_ttl)
        return (zone, TYPES["SOA"], self.script.negative_ttl, rdata)

    def control(self, question):
        """CHAOS TXT `PTR.name.example`: how often was it asked?"""
        kind = question.key[0].decode("latin-1").upper() if question.key else ""
        with self.lock:
            seen = self.counts[question.key[1:], TYPES.get(kind, 0)]
        text = str(seen).encode()
        return message(question, 0, [(name_wire(question.name), TYPES["TXT"], 0, bytes([len(text)]) + text)])

    # -- sockets --

    def datagram(self, transport, packet, peer):
        """One UDP query."""
        try:
            delay, reply = self.answer(Question(packet), udp=True)
        except (Drop, ValueError, IndexError, struct.error):
            return
        if delay:
            self.loop.call_later(delay, lambda: transport.is_closing() or transport.sendto(reply, peer))
        else:
            transport.sendto(reply, peer)

    async def stream(self, reader, writer):
        """One TCP connection; queries on it are answered side by side."""
        async def later(delay, reply):
            await asyncio.sleep(delay)
            try:
                writer.write(struct.pack(">H", len(reply)) + reply)
                await writer.drain()
            except ConnectionError:
                pass
        tasks = set()
        try:
            while True:
                length = struct.unpack(">H", await reader.readexactly(2))[0]
                packet = await reader.readexactly(length)
                try:
                    tasks.add(asyncio.ensure_future(later(*self.answer(Question(packet), udp=False))))
                except Drop as drop:
                    if drop.reset:
                        writer.get_extra_info("socket").setsockopt(
                            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    break
        except (asyncio.IncompleteReadError, ConnectionError, ValueError, IndexError, struct.error,
                asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def listen(self):
        """Opens every socket."""
        server = self

        class Udp(asyncio.DatagramProtocol):
            """Hands datagrams over."""
            transport = None

            def connection_made(self, transport):
                self.transport = transport

            def datagram_received(self, data, addr):
                server.datagram(self.transport, data, addr)

        for address in self.addresses:
            sock = udp_socket(address, self.port)
            self.open.append((await self.loop.create_datagram_endpoint(Udp, sock=sock))[0])
            if self.tcp:
                self.open.append(await asyncio.start_server(self.stream, address, self.port, backlog=512))

    def start(self):
        """Opens the sockets and serves; raises OSError."""
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self.listen())
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        return self

    def stop(self):
        """Ends serving."""
        def end():
            for one in self.open:
                one.close()
            self.loop.call_soon(self.loop.stop)
        self.loop.call_soon_threadsafe(end)
        self.thread.join(5)


def udp_socket(address, port):
    """A bound UDP socket with room for a burst."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    sock.bind((address, port))
    return sock


def main():
    """`dnsd.py [-l ADDRESS]... [-p PORT] [--stats FILE] SCRIPT...`"""
    parser = argparse.ArgumentParser(description="Scripted DNS server.")
    parser.add_argument("-l", "--listen", action="append", help="address (default: 127.0.0.1 and ::1)")
    parser.add_argument("-p", "--port", type=int, default=5353)
    parser.add_argument("--no-tcp", action="store_true")
    parser.add_argument("--stats", help="file for the counts, written on USR1 and at the end")
    parser.add_argument("script", nargs="+")
    args = parser.parse_args()
    script = Script()
    for path in args.script:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            script.read(file.read())
    server = DnsServer(script, args.listen or ["127.0.0.1", "::1"], args.port, not args.no_tcp).start()

    def write_stats(*_):
        if args.stats:
            with open(args.stats, "w", encoding="ascii") as file:
                json.dump(server.stats(), file, indent=1)

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM, signal.SIGINT})
    while signal.sigwait({signal.SIGUSR1, signal.SIGTERM, signal.SIGINT}) == signal.SIGUSR1:
        write_stats()
    write_stats()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
