"""SMTP for tests: a client that chooses its address and shows every reply, a
sink that keeps what is delivered, and an AUTH server for Postfix.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import base64
import os
import re
import socket
import socketserver
import ssl
import threading
import time


class Reply:
    """One SMTP reply: code, text of all lines, seconds it took."""

    def __init__(self, lines, seconds):
        self.lines, self.seconds = lines, seconds
        self.code = int(lines[0][:3]) if lines and lines[0][:3].isdigit() else 0
        self.text = "\n".join(line[4:] for line in lines)

    def __str__(self):
        return " / ".join(self.lines) or "(connection closed)"


class Client:
    """One connection. source: our address; to: the server's (address, port); or to the unix
    socket `path`, or over what is connected already."""

    def __init__(self, to, source=None, timeout=40, path=None, sock=None):
        self.opened = time.monotonic()
        self.transcript = []
        if sock:
            self.sock = sock
        elif path:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(timeout)
            self.sock.connect(path)
        else:
            self.sock = socket.create_connection(to, timeout=timeout,
                                                 source_address=(source, 0) if source else None)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.sock.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def age(self):
        """Seconds since the connection was opened."""
        return time.monotonic() - self.opened

    def read(self):
        """The next reply; code 0 when the server has gone."""
        start, lines = time.monotonic(), []
        while True:
            try:
                line = self.file.readline()
            except OSError:  # a time-out too, and every read after one
                line = b""
            if not line:
                break
            lines.append(line.decode("latin-1").rstrip("\r\n"))
            if line[3:4] != b"-":
                break
        reply = Reply(lines, time.monotonic() - start)
        self.transcript.append(str(reply))
        return reply

    def write(self, data):
        """Sends bytes or a line without waiting for the reply."""
        if isinstance(data, str):
            self.transcript.append("> " + data)
            data = data.encode("utf-8", "surrogateescape") + b"\r\n"
        self.sock.sendall(data)

    def say(self, line):
        """Sends a line (text, or bytes without the CR LF) and reads the reply."""
        if isinstance(line, bytes):
            self.transcript.append("> " + ascii(line))
            self.sock.sendall(line + b"\r\n")
        else:
            self.write(line)
        return self.read()

    def data(self, message):
        """DATA with a message (text or bytes, any line ends)."""
        reply = self.say("DATA")
        if reply.code != 354:
            return reply
        return self.finish(message)

    def finish(self, message):
        """The message after 354."""
        if isinstance(message, str):
            message = message.encode("utf-8", "surrogateescape")
        body = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        body = re.sub(rb"(?m)^\.", b"..", body)
        if not body.endswith(b"\r\n"):
            body += b"\r\n"
        self.sock.sendall(body + b".\r\n")
        return self.read()

    def auth(self, user, password):
        """AUTH PLAIN."""
        token = base64.b64encode(("\0%s\0%s" % (user, password)).encode()).decode()
        return self.say("AUTH PLAIN " + token)

    def starttls(self):
        """STARTTLS, without checking the certificate."""
        reply = self.say("STARTTLS")
        if reply.code == 220:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.sock = context.wrap_socket(self.sock)
            self.file = self.sock.makefile("rb")
        return reply

    def reset(self):
        """Goes away with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.file.close()
        self.sock.close()

    def close(self):
        """QUIT when that is still possible."""
        try:
            self.sock.settimeout(5)
            self.sock.sendall(b"QUIT\r\n")
            while self.file.readline():
                pass
        except (OSError, ValueError):
            pass
        self.file.close()
        self.sock.close()


class Message:
    """One delivered message."""

    def __init__(self, sender, recipients, raw):
        self.sender, self.recipients, self.raw = sender, recipients, raw
        self.head = raw.partition(b"\n\n")[0]

    def fields(self):
        """[(name, value)] in order; folds kept as LF, bytes as latin-1."""
        unread = self.head.decode("latin-1")
        out = []
        for field in re.split(r"\n(?![ \t])", unread):
            name, _, value = field.partition(":")
            out.append((name.strip(), value[1:] if value.startswith(" ") else value))
        return out

    def all(self, name):
        """Every value of a field."""
        return [value for field, value in self.fields() if field.lower() == name.lower()]

    def one(self, name):
        """The only value of a field; AssertionError otherwise."""
        values = self.all(name)
        if len(values) != 1:
            raise AssertionError("%d fields %s in:\n%s" % (len(values), name, self.head.decode("latin-1")))
        return values[0]


class Sink:
    """An SMTP server that takes everything and keeps it, as it came."""

    def __init__(self, address=("127.0.0.1", 2527)):
        self.messages, self.changed = [], threading.Condition()
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            """One delivery connection."""

            def reply(self, text):
                """One reply line."""
                self.wfile.write(text.encode() + b"\r\n")

            def handle(self):
                sender, recipients = None, []
                self.reply("220 sink ESMTP")
                for raw in self.rfile:
                    line = raw.decode("latin-1").strip()
                    verb = line.upper()
                    if verb.startswith("EHLO"):
                        self.wfile.write(b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
                    elif verb.startswith("MAIL"):
                        sender, recipients = sink.path(line), []
                        self.reply("250 ok")
                    elif verb.startswith("RCPT"):
                        recipients.append(sink.path(line))
                        self.reply("250 ok")
                    elif verb == "DATA":
                        self.reply("354 go")
                        sink.keep(Message(sender, recipients, self.body()))
                        self.reply("250 kept")
                    elif verb == "QUIT":
                        self.reply("221 bye")
                        return
                    else:
                        self.reply("250 ok")

            def body(self):
                """Lines up to the dot; CR LF becomes LF."""
                lines = []
                for line in self.rfile:
                    if line == b".\r\n":
                        break
                    line = line[1:] if line.startswith(b".") else line
                    lines.append(line[:-2] + b"\n" if line.endswith(b"\r\n") else line)
                return b"".join(lines)

        class Server(socketserver.ThreadingTCPServer):
            """Threads end with us."""
            allow_reuse_address = daemon_threads = True
            request_queue_size = 512

        self.server = Server(address, Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def path(line):
        """The address of MAIL FROM:<a@b> or RCPT TO:<a@b>."""
        found = re.search(r"<([^>]*)>", line)
        return found.group(1) if found else line.partition(":")[2].strip()

    def keep(self, message):
        """A delivery is complete."""
        with self.changed:
            self.messages.append(message)
            self.changed.notify_all()

    def clear(self):
        """Forgets what came."""
        with self.changed:
            self.messages.clear()

    def wait(self, count=1, match=None, timeout=15):
        """The first `count` messages whose raw form holds `match`."""
        def chosen():
            return [one for one in self.messages if match is None or match.encode() in one.raw]
        with self.changed:
            self.changed.wait_for(lambda: len(chosen()) >= count, timeout)
            found = chosen()
        if len(found) < count:
            raise AssertionError("%d of %d messages arrived" % (len(found), count))
        return found

    def stop(self):
        """Ends the server."""
        self.server.shutdown()
        self.server.server_close()


class AuthServer:
    """Speaks the server side of Dovecot's auth protocol on a unix socket: AUTH PLAIN
    with the passwords it is given."""

    def __init__(self, path, passwords):
        auth = self
        self.passwords = dict(passwords)

        class Handler(socketserver.StreamRequestHandler):
            """One smtpd process."""

            def handle(self):
                self.wfile.write(b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t%d\nCUID\t1\n"
                                 b"COOKIE\t0123456789abcdef0123456789abcdef\nDONE\n" % os.getpid())
                for raw in self.rfile:
                    words = raw.decode("latin-1").rstrip("\n").split("\t")
                    if words[0] == "AUTH":
                        self.wfile.write(auth.judge(words).encode() + b"\n")

        class Server(socketserver.ThreadingUnixStreamServer):
            """Threads end with us."""
            daemon_threads = True

        if os.path.exists(path):
            os.unlink(path)
        self.server = Server(path, Handler)
        os.chmod(path, 0o666)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def judge(self, words):
        """OK or FAIL for one AUTH request."""
        given = next((word[5:] for word in words if word.startswith("resp=")), "")
        _, user, password = (base64.b64decode(given).decode().split("\0") + ["", "", ""])[:3]
        if user and self.passwords.get(user) == password:
            return "OK\t%s\tuser=%s" % (words[1], user)
        return "FAIL\t%s\tuser=%s" % (words[1], user)

    def stop(self):
        """Ends the server."""
        self.server.shutdown()
        self.server.server_close()
