"""A small world of its own: private network, mounts, host name and processes.

supervise() runs a program inside fresh namespaces and cleans up behind it,
however it ends; setup() is called inside and makes loopback addresses, a private
resolv.conf, passwd and group. Nothing of the machine is changed, and nothing
needs iproute2.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import ctypes
import ipaddress
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

SKIP = 77  # exit code: could not run here
MARK = "IPREV_NAMESPACE"
UNSHARE = ["unshare", "--net", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
           "--propagation", "unchanged"]  # mounts_private() does better in a chroot
MS_BIND, MS_REC, MS_PRIVATE, PR_SET_PDEATHSIG = 4096, 16384, 1 << 18, 1
RTM_NEWLINK, RTM_NEWADDR = 16, 20
NLM_REQUEST_ACK, NLM_CREATE_REPLACE = 0x05, 0x500
IFA_ADDRESS, IFA_LOCAL, IFA_NODAD, LO = 1, 2, 0x02, 1

# Users that may be missing on the machine: those of the servers, and one to drop privileges to.
USERS = [("postfix", 65110, 65110), ("iprev-test", 65112, 65112), ("iprev-milter", 65113, 65113)]
GROUPS = [("postfix", 65110), ("postdrop", 65111), ("iprev-test", 65112), ("iprev-milter", 65113)]

libc = ctypes.CDLL(None, use_errno=True)

# Where libunbound 1.17 finds the root of DNS by IPv4 (one server has had two addresses).
ROOT_SERVERS = ("198.41.0.4", "170.247.170.2", "199.9.14.201", "192.33.4.12", "199.7.91.13", "192.203.230.10", "192.5.5.241",
                "192.112.36.4", "198.97.190.53", "192.36.148.17", "192.58.128.30", "193.0.14.129", "199.7.83.42", "202.12.27.33")


def inside():
    """Are we in the namespaces?"""
    return MARK in os.environ


def work_dir():
    """The directory that vanishes with the namespaces."""
    return os.environ[MARK]


def why_not():
    """The reason why namespaces cannot be made here, or None."""
    if shutil.which("unshare") is None:
        return "unshare (util-linux) is not installed"
    done = subprocess.run(UNSHARE + ["true"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode == 0:
        return None
    return "private namespaces cannot be made here (root with CAP_SYS_ADMIN is needed): " + done.stderr.strip()


def supervise(argv, **popen):
    """Runs argv in fresh namespaces; returns its exit code. Killed with us."""
    def die_with_parent():
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def stop(number, _frame):
        raise SystemExit(128 + number)

    old = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    work = tempfile.mkdtemp(prefix="iprev-")
    os.chmod(work, 0o755)
    process = None
    try:
        process = subprocess.Popen(UNSHARE + ["--"] + argv, env={**os.environ, MARK: work},
                                   start_new_session=True, preexec_fn=die_with_parent, **popen)
        return process.wait()
    finally:
        for number in old:
            signal.signal(number, signal.SIG_IGN)
        if process and process.poll() is None:
            process.kill()
            process.wait()
        shutil.rmtree(work, ignore_errors=True)
        for number, handler in old.items():
            signal.signal(number, handler)


# ---- inside ----

def mount(source, target, fstype=None, flags=0, data=None):
    """mount(2); raises OSError."""
    def octets(text):
        return text.encode() if text else None
    if libc.mount(octets(source), octets(target), octets(fstype), flags, octets(data)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, "mount %s: %s" % (target, os.strerror(number)))


def mounts_private():
    """No mount of ours may show outside. A chroot's root is no mount point: then the mount that
    it lies on is made private, from a working directory above the chroot."""
    try:
        mount("none", "/", flags=MS_REC | MS_PRIVATE)
        return
    except OSError:
        pass
    root, here = os.open("/", os.O_RDONLY), os.open(".", os.O_RDONLY)
    os.chdir("/")
    os.chroot(work_dir())
    for _ in range(64):
        os.chdir("..")
    try:
        mount("none", ".", flags=MS_REC | MS_PRIVATE)
    finally:
        os.fchdir(root)
        os.chroot(".")
        os.fchdir(here)
        os.close(root)
        os.close(here)


def netlink(kind, flags, payload):
    """One request to the kernel's network configuration."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.bind((0, 0))
        sock.send(struct.pack("=IHHII", 16 + len(payload), kind, NLM_REQUEST_ACK | flags, 1, 0) + payload)
        error = struct.unpack("=i", sock.recv(4096)[16:20])[0]
    if error:
        raise OSError(-error, os.strerror(-error))


def loopback_up():
    """Brings lo up."""
    netlink(RTM_NEWLINK, 0, struct.pack("=BxHiII", 0, 0, LO, 1, 1))


def loopback_address(text):
    """Adds an address; a prefix makes every address of the network ours (IPv4)."""
    interface = ipaddress.ip_interface(text)
    packed = interface.ip.packed
    family = socket.AF_INET if interface.version == 4 else socket.AF_INET6
    attributes = b"".join(struct.pack("=HH", 4 + len(packed), kind) + packed
                          for kind in (IFA_LOCAL, IFA_ADDRESS))
    head = struct.pack("=BBBBi", family, interface.network.prefixlen, IFA_NODAD, 0, LO)
    netlink(RTM_NEWADDR, NLM_CREATE_REPLACE, head + attributes)


def temporary_address(text):
    """Adds an IPv6 address with its /64 to an interface of its own, and a temporary one that the kernel makes from it
    (RFC 8981). Returns the temporary one; None where the kernel does not make one."""
    def attribute(kind, data):
        return struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)

    name = "temporary0"
    info = attribute(18, attribute(1, b"veth"))  # IFLA_LINKINFO, IFLA_INFO_KIND
    netlink(RTM_NEWLINK, 0x600, struct.pack("=BxHiII", 0, 0, 0, 0, 0) + attribute(3, name.encode() + b"\0") + info)
    for key, value in (("use_tempaddr", "2"), ("accept_dad", "0")):
        with open("/proc/sys/net/ipv6/conf/%s/%s" % (name, key), "w", encoding="ascii") as file:
            file.write(value)
    index = socket.if_nametoindex(name)
    netlink(RTM_NEWLINK, 0, struct.pack("=BxHiII", 0, 0, index, 1, 1))
    packed = ipaddress.ip_address(text).packed
    manage = attribute(8, struct.pack("=I", 0x100 | IFA_NODAD))  # IFA_FLAGS, IFA_F_MANAGETEMPADDR
    netlink(RTM_NEWADDR, NLM_CREATE_REPLACE, struct.pack("=BBBBi", socket.AF_INET6, 64, 0, 0, index) +
            attribute(IFA_LOCAL, packed) + attribute(IFA_ADDRESS, packed) + manage)
    for _ in range(200):
        with open("/proc/net/if_inet6", encoding="ascii") as file:
            for line in file:
                address, _index, _bits, _scope, flags, _name = line.split()
                if int(flags, 16) & 1:
                    return str(ipaddress.ip_address(bytes.fromhex(address)))
        time.sleep(0.02)
    return None


def replace_file(path, text):
    """Lets this mount namespace see other contents at path."""
    real = os.path.realpath(path)
    if not os.path.exists(real):
        if not real.startswith("/run/"):
            return False
        mount("tmpfs", "/run", "tmpfs")
        os.makedirs(os.path.dirname(real), exist_ok=True)
        with open(real, "w", encoding="ascii"):
            pass
    private = os.path.join(work_dir(), "etc-" + os.path.basename(path))
    with open(private, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    mount(private, real, flags=MS_BIND)
    return True


def add_users():
    """passwd and group with every user that the tests need."""
    def extended(path, entries):
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
        if text and not text.endswith("\n"):
            text += "\n"
        have = {line.split(":")[0] for line in text.splitlines()}
        return text + "".join(line for name, line in entries if name not in have)
    replace_file("/etc/group", extended("/etc/group", [
        (name, "%s:x:%d:\n" % (name, gid)) for name, gid in GROUPS]))
    replace_file("/etc/passwd", extended("/etc/passwd", [
        (name, "%s:x:%d:%d::/nonexistent:/usr/sbin/nologin\n" % (name, uid, gid))
        for name, uid, gid in USERS]))


def setup(hostname, addresses, resolv_conf):
    """Furnishes the namespaces. Returns what could not be had, as a set of words."""
    lacking = set()
    mounts_private()
    socket.sethostname(hostname)
    mount("tmpfs", work_dir(), "tmpfs")
    os.chmod(work_dir(), 0o755)
    loopback_up()
    for address in addresses:
        try:
            loopback_address(address)
        except OSError:
            if ":" not in address:
                raise
            lacking.add("ipv6")
    add_users()
    if not replace_file("/etc/resolv.conf", resolv_conf):
        lacking.add("resolv.conf")
    return lacking


def enter_or_skip(argv):
    """For a program's main: re-runs it inside, or says why not and exits 77."""
    reason = why_not()
    if reason:
        print("SKIP: " + reason, file=sys.stderr)
        sys.exit(SKIP)
    sys.exit(supervise(argv))
