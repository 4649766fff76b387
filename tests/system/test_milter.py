"""The milter socket itself: bursts (section "starvation"), garbage (D1 to D6), odd clients.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import contextlib
import random
import signal
import socket
import struct
import threading
import time

import harness
import milterclient

NEGOTIATE = struct.pack(">IcIII", 13, b"O", milterclient.VERSION, milterclient.ACTIONS, milterclient.PROTOCOL)
FORGED = (("Authentication-Results", "mx.example.org; iprev=pass"), ("X-IPRev", "pass"))

DNS = r"""
mail.good.example               A    192.0.2.10
10.2.0.192.in-addr.arpa         PTR  mail.good.example
15.2.0.192.in-addr.arpa         PTR  mail.bank.example
mail.bank.example               A    198.51.100.1
*.113.0.203.in-addr.arpa        !silent
"""


class Burst(harness.Case):
    """Fifty connections at once, each waiting three seconds for DNS in the connect step. The
    packaged libmilter starves sessions when callbacks block; every reply must
    come before a second wait of three seconds could be over, every time."""

    dns = DNS
    settings = {"mode": "enforce", "reject_at": "connect", "resolver": "deadline = 3000", "extra": harness.CONNECT_RULES}
    rounds, clients = 5, 50

    def one(self, address, barrier):
        """(verdict, seconds from opening to the reply to CONNECT)"""
        barrier.wait()
        with milterclient.MilterClient() as milter:
            milter.negotiate()
            reply = milter.connect(address)
            return reply.letter, milter.age()

    def half(self):
        """A session of a client that is not asked for, whose MTA stops in the middle of a packet."""
        milter = milterclient.MilterClient()
        milter.negotiate()
        milter.connect("127.0.0.1")
        milter.sock.sendall(b"\0\0\0\x20Hmail")
        return milter

    def burst(self, beside=0):
        """One round against a fresh daemon, so that it knows no dead servers yet."""
        self.daemon.end()
        type(self).daemon = harness.Daemon(harness.configuration(**self.settings)).start()
        time.sleep(0.2)
        halves = [self.half() for _ in range(beside)]
        barrier = threading.Barrier(self.clients)
        results = harness.together([lambda at=at: self.one("203.0.113.%d" % (at + 10), barrier)
                                    for at in range(self.clients)])
        self.assertEqual({letter for letter, _ in results}, {"c"})
        times = sorted(seconds for _, seconds in results)
        self.assertGreater(times[len(times) // 2], 2.0, "the clients did not wait: nothing was tested")
        self.assertLess(times[-1], 5.5)
        for milter in halves:
            milter.close()

    def test_D11_burst_of_50(self):
        """Five of five."""
        for at in range(self.rounds):
            with self.subTest(round=at):
                self.burst()


class BurstAtRcpt(Burst):
    """The same where sessions wait long after their connection came."""

    settings = {"mode": "enforce", "resolver": "deadline = 3000"}
    test_D11_burst_of_50 = None  # above

    def one(self, address, barrier):
        """(verdict, seconds from opening to the reply to RCPT)"""
        barrier.wait()
        with milterclient.MilterClient() as milter:
            milter.negotiate()
            milter.connect(address)
            milter.helo("[10.0.0.1]")
            milter.mail("<a@b.example>")
            reply = milter.rcpt("<user@example.org>")
            return reply.letter, milter.age()

    def test_D7_D11_burst_beside_halves(self):
        """Threads that hang in half a packet are no help, and are not counted upon."""
        for at in range(3):
            with self.subTest(round=at):
                self.burst(beside=4)


class HalvesLater(harness.Case):
    """Threads that come to hang when all the others wait for DNS already."""

    dns = DNS
    settings = {"mode": "enforce", "resolver": "deadline = 4000"}

    def exempt(self):
        """A session of a client that is not asked for."""
        milter = milterclient.MilterClient()
        milter.negotiate()
        milter.connect("127.0.0.1")
        return milter

    def waiter(self, at):
        """The reply to RCPT of a client whose zone is silent."""
        with milterclient.MilterClient() as milter:
            milter.negotiate()
            milter.connect("203.0.113.%d" % (at + 100))
            milter.helo("[10.0.0.1]")
            milter.mail("<a@b.example>")
            return milter.rcpt("<user@example.org>").letter

    def test_D7_D11_halves_while_others_wait(self):
        """A whole packet and half of one on each, all at once; a session that asks for nothing is served."""
        halves, idle, seconds = [self.exempt() for _ in range(6)], self.exempt(), []

        def later():
            time.sleep(0.6)
            for milter in halves:
                milter.sock.sendall(b"\0\0\0\x06Hmail\0" + b"\0\0\0\x20Hmail")
            start = time.monotonic()
            idle.helo("mail.example")
            seconds.append(time.monotonic() - start)
            return "c"
        letters = harness.together([later] + [lambda at=at: self.waiter(at) for at in range(8)])
        self.assertEqual(set(letters), {"c"})
        self.assertLess(seconds[0], 2)
        for milter in halves + [idle]:
            milter.sock.close()


class Quiet(harness.Case):
    """What monitors and port scans do is no news: a log of level info stays empty."""

    dns = DNS
    settings = {"log": "info"}

    def flush(self):
        """A message is sent and its line waited for: whatever was said before it is in the log."""
        qid = "Q%d" % next(self.tokens)
        milter, _ = milterclient.session(macros={"i": qid})
        milter.close()
        self.decision({"qid": qid})

    def quiet(self, peer):
        """Plays a hundred such peers."""
        self.flush()
        before, start = self.daemon.descriptors(), len(self.daemon.log())
        for _ in range(100):
            peer()
        self.flush()
        self.until(lambda: self.daemon.descriptors() <= before + 1, "connections are left")
        self.flush()
        for line in self.daemon.log()[start:].splitlines():
            self.assertIn("qid=Q", line)

    def test_D1_connect_and_close(self):
        """A port scan."""
        self.quiet(lambda: socket.create_connection(("127.0.0.1", 8891), timeout=10).close())

    def test_D1_connect_and_reset(self):
        """The same with a reset."""
        def peer():
            with socket.create_connection(("127.0.0.1", 8891), timeout=10) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.quiet(peer)

    def test_D1_negotiate_and_close(self):
        """After the negotiation, with and without a farewell."""
        def peer():
            with milterclient.MilterClient() as milter:
                milter.negotiate()
                if next(self.tokens) % 2:
                    milter.sock.close()
        self.quiet(peer)


class Socket(harness.Case):
    """Peers that are no mail server."""

    dns = DNS
    settings = {"mode": "enforce"}
    address = ("127.0.0.1", 8891)

    def tearDown(self):
        """After every test a good client is served at once, and nothing is left open."""
        start = time.monotonic()
        milter, reply = milterclient.session()
        milter.close()
        self.assertIn(reply.letter, "ca")
        self.assertEqual(len(milter.inserted()), 2)
        self.assertLess(time.monotonic() - start, 3)
        super().tearDown()

    def raw(self, data, wait=0.0):
        """Sends bytes and goes."""
        with socket.create_connection(self.address, timeout=10) as sock:
            try:
                sock.sendall(data)
                if wait:
                    sock.settimeout(wait)
                    sock.recv(1000)
            except (ConnectionError, socket.timeout):
                pass

    def ended(self, *parts):
        """Sends bytes; a reply may come between two parts. The daemon must hang up, saying nothing."""
        with socket.create_connection(self.address, timeout=10) as sock:
            try:
                for part in parts[:-1]:
                    sock.sendall(part)
                    sock.recv(1000)
                sock.sendall(parts[-1])
                self.assertEqual(sock.recv(1000), b"", parts[-1][:40])
            except ConnectionError:
                pass
            except socket.timeout:
                self.fail("it did not hang up: %r" % parts[-1][:40])

    @contextlib.contextmanager
    def other(self):
        """A session of a mail server goes on around what is done here."""
        with milterclient.MilterClient() as milter:
            milter.negotiate()
            milter.connect("192.0.2.10")
            milter.helo("mail.good.example")
            yield
            self.assertIn("helo-verified", self.findings(milter))

    def test_D2_other_protocols(self):
        """HTTP, TLS, SMTP, and packets of no known command: that session ends, others go on."""
        with self.other():
            for data in (b"GET / HTTP/1.0\r\n\r\n", bytes.fromhex("16030100a5010000a10303") + bytes(160),
                         b"EHLO mail.example\r\n", b"\0\0\0\x01Z"):
                self.ended(data)
                self.ended(NEGOTIATE, data)

    def test_D2_random_bytes(self):
        """A hundred times up to 4 KB of anything; fixed seed."""
        chance = random.Random(7)
        with self.other():
            for _ in range(100):
                self.ended(chance.randbytes(chance.randrange(5, 4096)))

    def test_D2_random_packets(self):
        """Well-formed packets of random commands and contents."""
        chance = random.Random(8)
        with self.other():
            for _ in range(150):
                data = NEGOTIATE
                for _ in range(chance.randrange(1, 8)):
                    body = bytes([chance.choice(b"ABCDEHKLMNOQRTU")]) + chance.randbytes(chance.randrange(0, 200))
                    data += struct.pack(">I", len(body)) + body
                self.raw(data, 0.02)

    def test_D3_lengths(self):
        """A length of 0, or above what a packet may hold: closed, and nothing is allocated for it."""
        before = self.daemon.rss()
        with self.other():
            for length in (0, (1 << 20) + 1, 1 << 31, 0xFFFFFFFF):
                self.ended(struct.pack(">I", length) + b"O" + bytes(100))
                self.ended(NEGOTIATE, struct.pack(">I", length) + b"C" + bytes(100))
        self.assertLess(self.daemon.rss() - before, 2000)

    def test_D3_longest_packets(self):
        """A length that a packet may have: the rest is waited for, and read as what it is."""
        for length in (65536, 65537, (1 << 20) - 1, 1 << 20):
            with milterclient.MilterClient() as milter:
                milter.negotiate()
                milter.connect("192.0.2.10")
                milter.helo(b"x" * (length - 2))
                self.assertIn("helo-invalid", self.findings(milter))

    def test_D4_commands_in_any_order(self):
        """Every pair and many longer orders of commands; nobody else is disturbed."""
        packets = {
            "C": b"C[192.0.2.10]\x004" + struct.pack(">H", 25) + b"192.0.2.10\0", "H": b"Hmail.good.example\0",
            "M": b"M<a@b.example>\0", "R": b"R<user@example.org>\0", "T": b"T",
            "L": b"LAuthentication-Results\0mx.example.org; x=y\0", "N": b"N", "B": b"Bbody", "E": b"E", "A": b"A",
            "K": b"K", "Q": b"Q", "D": b"DCj\0mx.example.org\0",
        }
        chance = random.Random(9)
        orders = [a + b for a in packets for b in packets] + \
            ["".join(chance.choices(list(packets), k=chance.randrange(3, 12))) for _ in range(150)]
        for order in orders:
            data = b"".join(struct.pack(">I", len(packets[one])) + packets[one] for one in order)
            self.raw(NEGOTIATE + data, 0.005)

    def odd_address(self, text, family):
        """A client of such an address, up to RCPT: (letter of the last reply, its line in the log or None)."""
        qid, letter = "Q%d" % next(self.tokens), ""
        with milterclient.MilterClient(timeout=8) as milter:
            milter.negotiate()
            milter.macros("C", {"j": "mx.example.org", "i": qid})
            for step in (lambda: milter.connect(text, name="localhost.example", family=family),
                         lambda: milter.helo("mail.good.example"), milter.mail, milter.rcpt, milter.message):
                letter = step().letter
                if letter != milterclient.CONTINUE:
                    break
        return letter, self.decision({"qid": qid}) if letter else None

    def test_D5_odd_addresses(self):
        """Addresses as no server writes them: judged as given, or none, or hung up on; never local."""
        for text, family in (("192.0.2.15", "6"), ("", "4"), ("", "6"), ("x" * 300, "4"), ("192.0.2.15x", "4"),
                             ("::1", "4"), ("IPv6:::1", "4"), ("::ffff:127.0.0.1", "4"),
                             ("fe80::1%lo", "6"), ("::1%1", "6"), ("192.0.2.15", "X")):
            self.assertEqual(self.odd_address(text, family), ("", None), text)
        for text, family, client in (("::ffff:192.0.2.15", "6", "192.0.2.15"), ("192.0.2.15\0x", "4", "192.0.2.15"),
                                     ("IPv6:2001:DB8:0::dead", "6", "2001:db8::dead")):
            letter, line = self.odd_address(text, family)
            self.assertEqual((letter, line["client"], line["action"]), ("y", client, "reject"), text)
        for text, family in (("/run/smtp", "L"), ("127.0.0.1", "L"), ("127.0.0.1", "U")):
            letter, line = self.odd_address(text, family)
            self.assertEqual((letter, line["client"], line["findings"]), ("c", "-", "iprev-skip,skip-no-address"), text)

    def test_D5_short_forms(self):
        """What inet_aton(3) would take for an address is answered or hung up on."""
        for text in ("0x7f.1", "1"):
            with milterclient.MilterClient(timeout=8) as milter:
                milter.negotiate()
                self.assertIn(milter.connect(text, family="4").letter, ("c", "a", ""), text)

    def told(self, **client):
        """One message with forged fields: (client, last reply, its line in the log)."""
        qid = "Q%d" % next(self.tokens)
        macros = {"j": "mx.example.org", "i": qid, **client.pop("macros", {})}
        milter, reply = milterclient.session(headers=FORGED, macros=macros, **client)
        milter.close()
        return milter, reply, self.decision({"qid": qid})

    def skipped(self, why, **client):
        """A client that is not judged: no field is put in, both forged ones go, and the log says why."""
        milter, reply, line = self.told(**client)
        self.assertEqual(reply.letter, "c", client)
        self.assertEqual(milter.inserted(), [], client)
        self.assertEqual([value for _, _, value in milter.changed()], ["", ""], client)
        self.assertEqual(line["findings"], "iprev-skip," + why, client)

    def test_A15_no_address(self):
        """Family U is not judged, not refused, and not taken for local, whatever its name."""
        for name in ("unknown", "[x]", "[127.0.0.1]", "localhost.example", ""):
            self.skipped("skip-no-address", client=None, name=name)

    def test_A16_local(self):
        """Only what the MTA itself hands over is local: `localhost` without an address (sendmail -bs),
        or Postfix's stand-in, which has port 0."""
        self.skipped("skip-local", client=None, name="localhost")
        self.skipped("skip-local", client="127.0.0.1", name="localhost", port=0)
        self.skipped("skip-network", client="127.0.0.1", name="localhost")
        reply = self.told(client="192.0.2.15", name="localhost", port=0)[1]
        self.assertEqual(reply.letter, "y", "port 0 alone makes nobody local")

    def test_A19_mapped_address(self):
        """::ffff:192.0.2.10 is 192.0.2.10."""
        milter, _ = milterclient.session(client="::ffff:192.0.2.10")
        milter.close()
        values = {name: value for _, name, value in milter.inserted()}
        self.assertIn("policy.iprev=192.0.2.10", values["Authentication-Results"])

    def test_A18_odd_host_names(self):
        """The MTA's name for the client is hostile text."""
        for name in (".x", "[", "a" * 500, "a\x1b[31m\r\nX-Evil: y", "%s%n"):
            milter = milterclient.MilterClient()
            milter.negotiate()
            milter.macros("C", {"j": "mx.example.org", "{client_ptr}": name, "_": name, "{client_resolve}": name})
            self.assertEqual(milter.connect("192.0.2.10", name=name).letter, "c")
            milter.helo("mail.good.example")
            milter.mail()
            milter.rcpt()
            milter.message()
            for _, _, value in milter.inserted():
                self.check_printable(value)
            milter.close()
        self.check_printable(self.daemon.log())

    def test_A18_the_name_decides_nothing(self):
        """Who is refused is refused under any name: none makes a client local or verified."""
        for name in ("localhost", "[127.0.0.1]", "mail.good.example", "mx.example.org", "unknown", ""):
            _, reply, line = self.told(client="192.0.2.15", name=name, macros={
                "{client_name}": name, "{client_ptr}": name, "_": name + " [192.0.2.10]", "{client_resolve}": "OK"})
            self.assertRegex(reply.text, r"^550 .*192\.0\.2\.15", name)
            self.assertEqual((line["client"], line["action"]), ("192.0.2.15", "reject"), name)

    def test_A11_thousand_messages(self):
        """One connection, a thousand messages: the same verdict, no growth."""
        with milterclient.MilterClient() as milter:
            milter.negotiate()
            milter.macros("C", {"j": "mx.example.org"})
            milter.connect("192.0.2.10")
            milter.helo("mail.good.example")
            seen, before = set(), 0
            for at in range(1000):
                milter.mail()
                milter.rcpt()
                milter.message([("Authentication-Results", "mx.example.org; n=%d" % at)])
                seen.add(tuple(milter.inserted()))
                self.assertEqual(len(milter.changed()), 1)
                before = self.daemon.rss() if at == 200 else before
            self.assertEqual(len(seen), 1)
            self.assertLess(self.daemon.rss() - before, 400)  # KiB: half of one for each message

    def test_D12_new_connection_over_the_same_socket(self):
        """QUIT_NC: the next client is a new one, without a new negotiation."""
        with milterclient.MilterClient(timeout=5) as milter:
            milter.negotiate()
            for client, letters in (("192.0.2.15", "y"), ("192.0.2.10", "c"), ("192.0.2.15", "y")):
                milter.macros("C", {"j": "mx.example.org"})
                milter.connect(client)
                milter.helo("mail.good.example")
                milter.mail()
                reply = milter.rcpt()
                self.assertIn(reply.letter, letters, (client, reply))
                milter.abort()
                milter.quit_new()

    def findings(self, milter):
        """Of a message sent now, what X-IPRev says."""
        milter.mail()
        self.assertEqual(milter.rcpt().letter, "c")
        self.assertIn(milter.message().letter, "ca")
        values = {name: value for _, name, value in milter.inserted()}
        return harness.unfold(values["X-IPRev"])

    def test_D12_no_helo_is_kept(self):
        """QUIT_NC: what the client before said at HELO is not the next one's."""
        with milterclient.MilterClient(timeout=5) as milter:
            milter.negotiate()
            milter.connect("192.0.2.10")
            milter.helo("mail.good.example")
            self.assertIn("helo-verified", self.findings(milter))
            milter.quit_new()
            milter.connect("192.0.2.10")
            self.assertIn("helo-missing", self.findings(milter))
            milter.helo("mail.good.example")
            self.assertIn("helo-verified", self.findings(milter))

    def test_A12_abort(self):
        """ABORT, at every point of a message: its forged fields are forgotten, the client is not."""
        with milterclient.MilterClient(timeout=5) as milter:
            milter.negotiate()
            milter.connect("192.0.2.10")
            milter.helo("mail.good.example")
            steps = [milter.mail, milter.rcpt, lambda: milter.step("T")] + \
                [lambda name=name, value=value: milter.header(name, value) for name, value in FORGED] + \
                [lambda: milter.step("N")]
            for count in range(len(steps) + 1):
                for step in steps[:count]:
                    step()
                milter.abort()
                text = self.findings(milter)
                self.assertIn("iprev-pass", text, count)
                self.assertIn("helo-verified", text, count)
                self.assertEqual(milter.changed(), [], count)

    def test_D9_too_little_allowed(self):
        """A server that lets filters change nothing: refused, or served without harm."""
        with milterclient.MilterClient() as milter:
            reply = milter.negotiate(actions=0)
            self.assertIn(reply.letter, ("", "r"))
        self.daemon.wait_log("error: the MTA does not allow header changes", since=self.log_start)

    def test_D7_half_packets(self):
        """Sixty peers stop in the middle of a packet, and four send an octet now and then: good
        clients are served all the same, and what is left goes when its peer does."""
        milterclient.session()[0].close()  # what a first client lets the daemon open stays open
        before, held = self.daemon.descriptors(), []
        try:
            for at in range(60):
                milter = milterclient.MilterClient()
                if at % 2:
                    milter.negotiate()
                milter.sock.sendall(struct.pack(">I", 600) + b"C" + bytes(at))
                held.append(milter)
            for at in range(30):
                for milter in held[:4]:
                    milter.sock.sendall(b"x")
                start = time.monotonic()
                milter, reply = milterclient.session()
                milter.close()
                self.assertIn(reply.letter, "ca")
                self.assertLess(time.monotonic() - start, 3)
                time.sleep(0.05)
        finally:
            for milter in held:
                milter.sock.close()
        self.until(lambda: self.daemon.descriptors() <= before + 5, "descriptors are left")

    def test_D7_half_packets_at_once(self):
        """Peers that stop in the middle of a packet come together with a good one, so that libmilter
        has counted the same idle thread for several of them, and nobody else comes later."""
        for peers in (1, 2, 20):
            held = []
            self.daemon.signal(signal.SIGSTOP)
            try:
                for _ in range(peers):
                    milter = milterclient.MilterClient()
                    milter.sock.sendall(struct.pack(">I", 600) + b"O")
                    held.append(milter)
                good = milterclient.MilterClient(timeout=10)
                good.packet("O", struct.pack(">III", milterclient.VERSION, milterclient.ACTIONS, milterclient.PROTOCOL))
                start = time.monotonic()
                self.daemon.signal(signal.SIGCONT)
                self.assertEqual(good.receive()[0], "O", peers)
                self.assertLess(time.monotonic() - start, 5)
                good.close()
            finally:
                self.daemon.signal(signal.SIGCONT)
                for milter in held:
                    milter.sock.close()

    def test_protocol_2(self):
        """An old server, without any of the newer steps."""
        with milterclient.MilterClient() as milter:
            milter.negotiate(version=2, actions=0x3F, protocol=0x7F)
            milter.macros("C", {"j": "mx.example.org"})
            milter.connect("192.0.2.10")
            milter.helo("mail.good.example")
            milter.mail()
            milter.rcpt()
            for name, value in (("Authentication-Results", "mx.example.org; x=y"), ("From", "a@b.example")):
                milter.header(name, value)
            if not milter.protocol & 0x40:
                milter.step("N")
            milter.packet("E")
            self.assertIn(milter.verdict().letter, "ca")
            self.assertEqual(len(milter.inserted()), 2)

    def test_reply_text(self):
        """The whole text of a refusal, as the server receives it."""
        milter, reply = milterclient.session(client="192.0.2.15")
        milter.close()
        self.assertEqual(reply.letter, "y")
        self.assertRegex(reply.text, r"^550 5\.7\.25 ")
        self.assertIn("192.0.2.15", reply.text)
        self.assertLessEqual(len(reply.text), 400)
        self.check_printable(reply.text)
        milter, reply = milterclient.session(client="2001:db8::dead")
        milter.close()
        self.assertIn("2001:db8::dead", reply.text)

    def test_D8_idle_connections(self):
        """Two thousand idle peers cost descriptors only."""
        before, idle = self.daemon.rss(), []
        try:
            for _ in range(2000):
                milter = milterclient.MilterClient()
                milter.negotiate()
                idle.append(milter)
            start = time.monotonic()
            milter, reply = milterclient.session()
            milter.close()
            self.assertIn(reply.letter, "ca")
            self.assertLess(time.monotonic() - start, 3)
            self.assertLess(self.daemon.rss() - before, 2000 * 12)
        finally:
            for milter in idle:
                milter.close()
        self.until(lambda: self.daemon.descriptors() < 100, "descriptors are left")

    def test_many_sessions_leave_nothing(self):
        """2000 sessions of clients in order: no growth of memory or descriptors."""
        def some():
            for _ in range(100):
                milter, _ = milterclient.session()
                milter.close()
        harness.together([some] * 4)
        before, open_before = self.daemon.rss(), self.daemon.descriptors()
        harness.together([some] * 16, timeout=90)
        self.assertLess(self.daemon.rss() - before, 4000)
        self.until(lambda: self.daemon.descriptors() <= open_before + 5, "descriptors are left")
