"""Domain names in scripts and on the wire: tuples of octet strings, without the root.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import ipaddress


class ScriptError(ValueError):
    """A line of the script makes no sense."""


def parse_name(text):
    """`mail\\013.example` to (b"mail\\r", b"example")."""
    if text in ("", ".", "@"):
        return ()
    labels, label, at = [], bytearray(), 0
    raw = text.encode("utf-8", "surrogateescape")
    while at < len(raw):
        octet = raw[at]
        if octet == 0x2E:
            labels.append(bytes(label))
            label = bytearray()
        elif octet == 0x5C and raw[at + 1:at + 4].isdigit() and len(raw[at + 1:at + 4]) == 3:
            label.append(int(raw[at + 1:at + 4]) & 0xFF)
            at += 3
        elif octet == 0x5C and at + 1 < len(raw):
            label.append(raw[at + 1])
            at += 1
        else:
            label.append(octet)
        at += 1
    if label:
        labels.append(bytes(label))
    if any(not 1 <= len(one) <= 63 for one in labels) or sum(len(one) + 1 for one in labels) > 254:
        raise ScriptError("bad name: %s" % text)
    return tuple(labels)


def key_of(name):
    """The form in which names are compared."""
    return tuple(label.lower() for label in name)


def name_wire(name):
    """The uncompressed wire form."""
    return b"".join(bytes([len(label)]) + label for label in name) + b"\0"


def show_name(name):
    """The readable form, octets outside of host names as \\DDD."""
    def show(octet):
        return chr(octet) if chr(octet).isascii() and (chr(octet).isalnum() or octet in b"-_/*") \
            else "\\%03d" % octet
    return ".".join("".join(map(show, label)) for label in name) + "."


def reverse_name(address):
    """`10.2.0.192.in-addr.arpa.` of an address."""
    return ipaddress.ip_address(address).reverse_pointer + "."


def wire_name(wire):
    """Labels of an uncompressed wire name."""
    labels, at = [], 0
    while wire[at]:
        labels.append(wire[at + 1:at + 1 + wire[at]])
        at += 1 + wire[at]
    return tuple(labels)
