"""Where get-servers unpacked the servers, and how to run their programs.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import glob
import os
import shutil
import socket
import time


def home():
    """The directory of all unpacked servers: $IPREV_SERVERS, else in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME", "/root"), ".cache")
    return os.environ.get("IPREV_SERVERS") or os.path.join(cache, "iprev-milter")


def root_of(server):
    """The directory that stands for / of a server; it need not exist."""
    return os.path.join(home(), server)


def why_not(server):
    """The reason why a server cannot run here, or None."""
    if os.path.isdir(root_of(server)):
        return None
    return "no %s in %s: run tests/system/get-servers" % (server, home())


def find(server, pattern):
    """A program of a server: the first that fits the pattern below its root, e.g. usr/sbin/opendkim."""
    return next(iter(sorted(glob.glob(os.path.join(root_of(server), pattern)))), None)


def program(server, name):
    """The same, or that of this machine; None when neither can be run."""
    ours = find(server, "usr/*bin/" + name)
    return ours if ours and os.access(ours, os.X_OK) else shutil.which(name)


def environment(server, **more):
    """The environment that lets a server's programs find its libraries."""
    root = root_of(server)
    paths = [os.path.join(root, "usr/lib"), os.path.join(root, "usr/lib", server)] + \
        glob.glob(os.path.join(root, "usr/lib/*-linux-gnu*")) + glob.glob(os.path.join(root, "lib/*-linux-gnu*"))
    return dict(os.environ, LD_LIBRARY_PATH=":".join(path for path in paths if os.path.isdir(path)), **more)


def listening(port):
    """Does somebody answer at the port?"""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_gone(port):
    """Waits until nobody listens at the port any more, at most five seconds."""
    for _ in range(250):
        if not listening(port):
            return
        time.sleep(0.02)


def wait_for(port, process, log):
    """Waits until a server that was started listens at the port; log() tells why it does not."""
    for _ in range(300):
        if listening(port):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError("nobody listens at port %d:\n%s" % (port, log()))
