"""A mail server's side of the milter protocol (version 6), packet by packet.

Plays what Postfix or Sendmail would send, and what they never would. Records
every modification and the text of every reply.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import socket
import struct
import time

VERSION, ACTIONS, PROTOCOL = 6, 0x1FF, 0x1FFFFF
PLAIN = (("From", "<a@sender.example>"), ("Subject", "plain"))

# NO* and NR_* bits by the step they silence.
SKIPPED = {"C": 0x01, "H": 0x02, "M": 0x04, "R": 0x08, "B": 0x10, "L": 0x20, "N": 0x40, "U": 0x100, "T": 0x200}
NO_REPLY = {"L": 0x80, "C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000, "T": 0x10000, "U": 0x20000,
            "N": 0x40000, "B": 0x80000}

CONTINUE, ACCEPT, REJECT, TEMPFAIL, REPLYCODE, DISCARD, SKIP, GONE = "c", "a", "r", "t", "y", "d", "s", ""
CHANGES = "hi+-bme2q"


class Reply:
    """The verdict on one step."""

    def __init__(self, letter, data=b"", seconds=0.0):
        self.letter, self.data, self.seconds = letter, data, seconds

    @property
    def text(self):
        """`550 5.7.25 ...` of a REPLYCODE."""
        return self.data.rstrip(b"\0").decode("latin-1")

    def __repr__(self):
        return "Reply(%r, %r)" % (self.letter, self.data)


class MilterClient:
    """One milter connection. address: (host, port), or the path of a unix socket."""

    def __init__(self, address=("127.0.0.1", 8891), timeout=30):
        self.opened = time.monotonic()
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(address)
        if family == socket.AF_INET:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.actions = self.protocol = 0
        self.changes = []  # (letter, data) of the message under way
        self.symbols = {}  # step number: macro names asked for

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def age(self):
        """Seconds since the connection was opened."""
        return time.monotonic() - self.opened

    # -- packets --

    def packet(self, letter, data=b""):
        """Sends one packet."""
        self.sock.sendall(struct.pack(">I", len(data) + 1) + letter.encode() + data)

    def receive(self):
        """(letter, data), or (GONE, b"")."""
        def take(count):
            while len(self.buffer) < count:
                more = self.sock.recv(65536)
                if not more:
                    raise ConnectionError("closed")
                self.buffer += more
            head, self.buffer = self.buffer[:count], self.buffer[count:]
            return head
        try:
            length = struct.unpack(">I", take(4))[0]
            data = take(length)
        except ConnectionError:
            return GONE, b""
        return chr(data[0]), data[1:]

    def verdict(self, start=None):
        """Reads up to the verdict; modifications and progress are kept aside."""
        start = start or time.monotonic()
        while True:
            letter, data = self.receive()
            if letter == "p":
                continue
            if letter and letter in CHANGES:
                self.changes.append((letter, data))
                continue
            return Reply(letter, data, time.monotonic() - start)

    def step(self, letter, data=b""):
        """One step as the negotiated protocol wants it."""
        if self.protocol & SKIPPED.get(letter, 0):
            return Reply(CONTINUE)
        start = time.monotonic()
        self.packet(letter, data)
        if self.protocol & NO_REPLY.get(letter, 0):
            return Reply(CONTINUE)
        return self.verdict(start)

    # -- steps --

    def negotiate(self, version=VERSION, actions=ACTIONS, protocol=PROTOCOL):
        """OPTNEG; returns the reply."""
        self.packet("O", struct.pack(">III", version, actions, protocol))
        letter, data = self.receive()
        if letter == "O":
            _, self.actions, self.protocol = struct.unpack(">III", data[:12])
            rest = data[12:]
            while len(rest) > 4:
                stage, names = struct.unpack(">I", rest[:4])[0], rest[4:].partition(b"\0")
                self.symbols[stage], rest = names[0].decode(), names[2]
        return Reply(letter, data)

    def macros(self, step, values):
        """Macros for a step: {"j": "mx.example.org"}."""
        data = b"".join(one.encode("latin-1") + b"\0" for pair in values.items() for one in pair)
        self.packet("D", step.encode() + data)

    def connect(self, address, name=None, port=40000, family=None):
        """CONNECT. address None: a client without one (family U)."""
        name = name if name is not None else "[%s]" % address
        if address is None:
            return self.step("C", name.encode() + b"\0" + (family or "U").encode())
        family = family or ("6" if ":" in address else "4")
        text = address if family != "6" or address.lower().startswith("ipv6:") else "IPv6:" + address
        return self.step("C", name.encode("latin-1") + b"\0" + family.encode() + struct.pack(">H", port) +
                         text.encode("latin-1") + b"\0")

    def helo(self, name):
        """HELO; bytes or text."""
        return self.step("H", (name if isinstance(name, bytes) else name.encode("latin-1")) + b"\0")

    def mail(self, sender="<a@sender.example>"):
        """MAIL; begins a message."""
        self.changes = []
        return self.step("M", sender.encode("latin-1") + b"\0")

    def rcpt(self, recipient="<user@example.org>"):
        """RCPT."""
        return self.step("R", recipient.encode("latin-1") + b"\0")

    def header(self, name, value):
        """One header field; bytes or text."""
        def octets(one):
            return one if isinstance(one, bytes) else one.encode("latin-1")
        return self.step("L", octets(name) + b"\0" + octets(value) + b"\0")

    def message(self, headers=PLAIN, body=b"Hello.\r\n"):
        """DATA to end of message; the last reply."""
        reply = self.step("T")
        if reply.letter != CONTINUE:
            return reply
        for name, value in headers:
            reply = self.header(name, value)
            if reply.letter not in (CONTINUE, SKIP):
                return reply
        reply = self.step("N")
        if reply.letter in (CONTINUE, SKIP):
            self.step("B", body)
            self.packet("E")
            reply = self.verdict()
        return reply

    def abort(self):
        """ABORT has no reply."""
        self.packet("A")

    def quit_new(self):
        """QUIT, and a new connection over the same socket."""
        self.packet("K")

    def close(self):
        """QUIT and close."""
        try:
            self.packet("Q")
        except OSError:
            pass
        self.sock.close()

    # -- what was changed --

    def inserted(self):
        """[(index, name, value)] of insheader."""
        out = []
        for letter, data in self.changes:
            if letter == "i":
                name, value = data[4:].split(b"\0")[:2]
                out.append((struct.unpack(">I", data[:4])[0], name.decode("latin-1"), value.decode("latin-1")))
        return out

    def changed(self):
        """[(index, name, value)] of chgheader; an empty value deletes."""
        out = []
        for letter, data in self.changes:
            if letter == "m":
                name, value = data[4:].split(b"\0")[:2]
                out.append((struct.unpack(">I", data[:4])[0], name.decode("latin-1"), value.decode("latin-1")))
        return out


def session(address=("127.0.0.1", 8891), client="192.0.2.10", helo="mail.good.example", headers=PLAIN,
            macros=None, name=None, port=40000, **options):
    """A whole session with one message: (client, last reply). name, port: of the client, as the
    MTA tells them. The caller closes it."""
    milter = MilterClient(address, **options)
    milter.negotiate()
    milter.macros("C", macros if macros is not None else {"j": "mx.example.org"})
    steps = [lambda: milter.connect(client, name, port)]
    if helo is not None:
        steps.append(lambda: milter.helo(helo))
    steps += [milter.mail, milter.rcpt, lambda: milter.message(headers)]
    reply = None
    for one in steps:
        reply = one()
        if reply.letter != CONTINUE:
            break
    return milter, reply
