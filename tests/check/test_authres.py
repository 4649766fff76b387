"""Every Authentication-Results field that we can emit, read by python3-authres.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import os
import re
import subprocess
import sys

import checker

DEBIAN = "/usr/lib/python3/dist-packages"  # for a python3 that is not Debian's own
TOKEN = re.compile(r"[^\x00-\x20\x7f-\xff()<>@,;:\\\"/\[\]?=]+$")  # RFC 2045 5.1


def library():
    """The class that reads a field."""
    sys.path.append(DEBIAN)
    try:
        import authres
    except ImportError:
        raise checker.Skip("no python3-authres") from None
    finally:
        sys.path.remove(DEBIAN)
    return authres


def fields():
    """(id, result, cause, address, name, value) of each field."""
    program = os.path.join(checker.BUILD, "tests", "fields")
    if not os.access(program, os.X_OK):
        raise checker.Skip("no %s: make check builds it" % program)
    words = subprocess.run([program], stdout=subprocess.PIPE, check=True).stdout.decode("ascii").split("\0")[:-1]
    assert len(words) % 6 == 0 and len(words) > 6 * 10000, len(words)
    return list(zip(*[iter(words)] * 6))


def read(authres, value):
    """What the library understood: id (case means nothing there), method, result, reason, address."""
    header = authres.AuthenticationResultsHeader.parse("Authentication-Results: " + value)
    assert len(header.results) == 1, value
    one = header.results[0]
    properties = [(each.type, each.name, each.value) for each in one.properties]
    assert len(properties) <= 1 and all(each[:2] == ("policy", "iprev") for each in properties), value
    return (header.authserv_id.lower(), one.method, one.result, one.reason or "", properties[0][2] if properties else "")


def test_every_field_is_read():
    """With an id that is a token, as host names are, all parse and say what we meant."""
    authres, seen = library(), set()
    for ident, result, cause, address, name, value in fields():
        if not TOKEN.match(ident):
            continue
        assert '"' not in value.partition(";")[0], "quoted without need: " + value
        assert read(authres, value) == (ident.lower(), "iprev", result, cause, address), value
        if name:
            assert value.endswith("(%s)" % name), value
        seen.add(ident)
    assert len(seen) >= 8, seen


def test_quoted_ids():
    """An id that is no token has to be quoted (RFC 8601 2.2). The library does not know
    quoted ids: it refuses such a field as a whole. The manual advises against them."""
    authres, seen = library(), set()
    for ident, _, _, _, _, value in fields():
        if TOKEN.match(ident) or ident in seen:
            continue
        seen.add(ident)
        assert value.startswith('"%s"; iprev=' % ident), value
        try:
            read(authres, value)
        except authres.SyntaxError:
            continue
        raise AssertionError("read after all: " + value)
    assert len(seen) >= 4, seen
