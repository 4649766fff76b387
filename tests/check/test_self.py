"""iprev-check self beside a real Postfix: networks that it trusts and that are not exempt.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import os

import servers
from checker import Skip, World, has, has_not, with_addresses, PROGRAM


def said(world, mynetworks):
    """Standard error of self, where postconf says this; None: without a postconf."""
    world.file("main.cf", "compatibility_level = 3.6\n%s\n" % mynetworks)
    world.file("master.cf", "")
    environment = servers.environment("postfix", MAIL_CONFIG=world.dir,
                                      PATH=os.path.dirname(servers.find("postfix", "usr/sbin/postconf")) + ":/usr/bin:/bin")
    argv = ["env"] + ["%s=%s" % (name, environment[name]) for name in ("LD_LIBRARY_PATH", "MAIL_CONFIG", "PATH")]
    return with_addresses(argv + [PROGRAM, "-c", world.config, "self"], ["192.0.2.10"]).stderr.decode()


def test_mynetworks():
    if servers.why_not("postfix"):
        raise Skip(servers.why_not("postfix"))
    with World('exempt: { networks = ["198.51.100.0/24"]; };') as w:
        err = said(w, "inside = 203.0.113.0/24\nmynetworks = 127.0.0.0/8 [::1]/128 198.51.100.0/24, $inside\n  [2001:db8::]/64")
        has(err, "mynetworks has 203.0.113.0/24, which is not exempt here: add it to exempt.networks\n")
        has(err, "mynetworks has [2001:db8::]/64, which")
        for exempt in ("127.0.0.0", "::1", "198.51.100.0"):
            has_not(err, exempt)
        has_not(said(w, "mynetworks = 127.0.0.0/8 198.51.100.0/24"), "mynetworks")
