#!/usr/bin/env python3
"""pyfilter.py SOCKET: the same lookups with pymilter and the system resolver.

PTR and the address of its name in connect, the address of the HELO name in helo, one
header field at end of message.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import socket
import sys

import Milter


def addresses(name):
    try:
        return {item[4][0] for item in socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return set()


class Filter(Milter.Base):
    def connect(self, _host, family, address):
        self.client = address[0] if family in (socket.AF_INET, socket.AF_INET6) else None
        self.result = "permerror"
        try:
            name = socket.getnameinfo(address[:2], socket.NI_NAMEREQD)[0]
            self.result = "pass" if self.client in addresses(name) else "fail"
        except OSError:
            pass
        return Milter.CONTINUE

    def hello(self, name):
        self.helo = self.client in addresses(name)
        return Milter.CONTINUE

    def envfrom(self, _sender, *_rest):
        return Milter.CONTINUE

    @Milter.nocallback
    def envrcpt(self, _recipient, *_rest):
        return Milter.CONTINUE

    def data(self):
        return Milter.CONTINUE

    @Milter.nocallback
    def header(self, _name, _value):
        return Milter.CONTINUE

    @Milter.nocallback
    def eoh(self):
        return Milter.CONTINUE

    @Milter.nocallback
    def body(self, _chunk):
        return Milter.CONTINUE

    def eom(self):
        self.addheader("Authentication-Results", "mx.example.net; iprev=" + self.result, 0)
        return Milter.CONTINUE


if __name__ == "__main__":
    Milter.factory = Filter
    Milter.set_flags(Milter.ADDHDRS)
    Milter.runmilter("pyfilter", sys.argv[1], 60)
