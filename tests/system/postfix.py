"""A private Postfix: own programs, configuration, queue and log, in the namespaces.

The programs are those that get-servers unpacked, else the installed ones; the
machine's own Postfix configuration is never read.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import glob
import grp
import os
import pwd
import re
import shutil
import signal
import subprocess

import netns
import servers
import smtp

MAIN_CF = """
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
command_directory = {root}/usr/sbin
daemon_directory = {daemons}
shlib_directory = {shlib}
meta_directory = {home}/etc
import_environment = MAIL_CONFIG TZ LANG=C LD_LIBRARY_PATH={libraries}
mail_owner = postfix
setgid_group = postdrop
default_privs = nobody
myhostname = mx.example.org
mydomain = example.org
mydestination = example.org, mx.example.org
mynetworks = 127.0.0.1/32
inet_interfaces = all
alias_maps =
alias_database =
local_recipient_maps =
local_transport = smtp:[127.0.0.1]:{sink_port}
default_transport = smtp:[127.0.0.1]:{sink_port}
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, permit_auth_destination, reject
smtpd_authorized_xclient_hosts = static:all
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_client_message_rate_limit = 0
smtpd_client_event_limit_exceptions = static:all
smtpd_error_sleep_time = 0
in_flow_delay = 0
smtpd_hard_error_limit = 1000
smtpd_soft_error_limit = 1000
smtpd_recipient_limit = 1000
smtpd_delay_open_until_valid_rcpt = no
default_process_limit = 150
message_size_limit = 20480000
mailbox_size_limit = 0
queue_minfree = 0
disable_vrfy_command = no
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_sasl_security_options = noanonymous
broken_sasl_auth_clients = no
header_size_limit = 102400
milter_protocol = 6
milter_default_action = tempfail
milter_mail_macros = i {{auth_type}} {{auth_authen}} {{auth_author}} {{mail_addr}} {{mail_host}} {{mail_mailer}}
smtp_tls_security_level = none
smtp_destination_concurrency_limit = 20
maillog_file = {home}/postfix.log
maillog_file_prefixes = {home}
"""

MASTER_CF = """
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp      unix  - - n - 20 smtp
relay     unix  - - n - - smtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""

# Where distributions keep the daemons.
DAEMONS = ("usr/lib/postfix/sbin", "usr/libexec/postfix", "usr/lib/postfix/bin")

# queue directories, with (owner, group, mode); None: root
QUEUE = {name: ("postfix", None, 0o700) for name in
         "active bounce corrupt defer deferred flush hold incoming saved trace private".split()}
QUEUE.update({"pid": (None, None, 0o755), "public": ("postfix", "postdrop", 0o710),
              "maildrop": ("postfix", "postdrop", 0o730)})


def default_root():
    """Where get-servers puts the programs."""
    return servers.root_of("postfix")


def daemons_in(root):
    """The daemon directory below a root, or None."""
    for name in DAEMONS:
        if os.access(os.path.join(root, name, "smtpd"), os.X_OK):
            return os.path.join(root, name)
    return None


def find_root():
    """The root of the programs: unpacked or installed, or None."""
    return next((root for root in (default_root(), "/") if daemons_in(root)), None)


def why_not():
    """The reason why no Postfix can be had, or None."""
    if find_root():
        return None
    return "no Postfix: run tests/system/get-servers (%s) or install the package" % default_root()


def once(text):
    """main.cf with the last line of each parameter only. Postfix would warn of the others, postlogd too: to
    the socket that it reads itself, where it waits for ever when ten lines of others are there already."""
    last = {}
    for line in re.findall(r"(?m)^[^\s#].*(?:\n[ \t].*)*", text):
        last[line.split("=")[0].strip()] = line
    return "\n".join(last.values()) + "\n"


class Postfix:
    """postfix = Postfix({2525: "inet:127.0.0.1:8891"}); postfix.start()

    lanes: SMTP port to milter address. An entry may be (milter, options): the
    options are passed to that smtpd as -o NAME=VALUE; a "unix:NAME" instead of
    a port listens on the unix socket queue/private/NAME. milter None: none. settings,
    master: more lines of main.cf and master.cf. name: the directory of this one, when
    there are several."""

    kind = "postfix"

    def __init__(self, lanes, sink_port=2527, passwords=None, settings="", master="", name="postfix"):
        self.home = os.path.join(netns.work_dir(), name)
        self.lanes, self.sink_port, self.settings, self.master = lanes, sink_port, settings, master
        self.passwords = passwords or {"alice": "wonder"}
        self.process = self.auth = None
        self.tls = False

    def path(self, *parts):
        """A path below our directory."""
        return os.path.join(self.home, *parts)

    def libraries(self, root):
        """The directories that the unpacked packages keep libraries in."""
        found = [os.path.join(root, "usr/lib/postfix"), os.path.join(root, "usr/lib64/postfix")]
        found = [path for path in found if os.path.isdir(path)]
        if root != "/":
            found += glob.glob(os.path.join(root, "usr/lib/*-linux-gnu*"))
            found += glob.glob(os.path.join(root, "lib/*-linux-gnu*"))
        return ":".join(found)

    def programs(self):
        """The root of the programs, at a path that user postfix can reach."""
        root = find_root()
        if root == "/":
            return root
        reachable = os.path.join(netns.work_dir(), "postfix-root")
        if os.path.isdir(reachable):
            return reachable
        os.makedirs(reachable)
        netns.mount(root, reachable, flags=netns.MS_BIND)
        return reachable

    def lay_out(self):
        """Directories with the owners that Postfix insists on."""
        for name, (owner, group, mode) in {".": (None, None, 0o755), "etc": (None, None, 0o755),
                                           "queue": (None, None, 0o755),
                                           "data": ("postfix", "postfix", 0o700),
                                           **{"queue/" + one: how for one, how in QUEUE.items()}}.items():
            path = self.path(name)
            os.makedirs(path, exist_ok=True)
            os.chown(path, pwd.getpwnam(owner).pw_uid if owner else 0,
                     grp.getgrnam(group).gr_gid if group else 0)
            os.chmod(path, mode)

    def certificate(self):
        """A key for STARTTLS, when openssl is here."""
        if not shutil.which("openssl"):
            return ""
        done = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
             "/CN=mx.example.org", "-keyout", self.path("etc/tls.pem"), "-out", self.path("etc/tls.crt")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        self.tls = done.returncode == 0
        return ("smtpd_tls_security_level = may\nsmtpd_tls_cert_file = %s\nsmtpd_tls_key_file = %s\n"
                % (self.path("etc/tls.crt"), self.path("etc/tls.pem"))) if self.tls else ""

    def services(self):
        """master.cf lines of the lanes."""
        lines = []
        for port, lane in self.lanes.items():
            milter, options = lane if isinstance(lane, tuple) else (lane, {})
            kind, name = ("unix", port[5:]) if str(port).startswith("unix:") else ("inet", port)
            private = "-" if kind == "unix" else "n"
            lines.append("%s %s %s - n - - smtpd -o smtpd_milters=%s" % (name, kind, private, milter or ""))
            lines += ["  -o %s=%s" % item for item in options.items()]
        return "\n".join(lines) + "\n"

    def start(self):
        """Starts the master; returns when every port answers."""
        self.lay_out()
        root = self.programs()
        libraries, daemons = self.libraries(root), daemons_in(root)
        with open(self.path("etc/main.cf"), "w", encoding="ascii") as file:
            file.write(once(MAIN_CF.format(home=self.home, root=root.rstrip("/"), libraries=libraries,
                                           daemons=daemons, shlib=libraries.split(":")[0],
                                           sink_port=self.sink_port) + self.certificate() + self.settings))
        with open(self.path("etc/master.cf"), "w", encoding="ascii") as file:
            file.write(self.services() + self.master + MASTER_CF)
        self.auth = smtp.AuthServer(self.path("queue/private/auth"), self.passwords)
        master = os.path.join(daemons, "master")
        self.process = subprocess.Popen(
            [master, "-c", self.path("etc"), "-d"], cwd=self.path("queue"), start_new_session=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH": libraries,
                 "MAIL_CONFIG": self.path("etc")},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self.path("master.err"), "wb"))  # pylint: disable=consider-using-with
        for port in self.ports():
            servers.wait_for(port, self.process, self.log)
        return self

    def ports(self):
        """Where it listens by TCP."""
        return [port for port in self.lanes if isinstance(port, int)] + \
            [int(port) for port in re.findall(r"(?m)^(\d+)\s+inet", self.master)]

    def local(self):
        """A client of the lane "unix:usmtpd", which has no address."""
        return smtp.Client(None, path=self.path("queue/private/usmtpd"))

    def held(self):
        """The messages on hold, as a set of names."""
        return set(os.listdir(self.path("queue/hold")))

    def log(self):
        """The mail log so far."""
        text = ""
        for name in ("master.err", "postfix.log"):
            if os.path.exists(self.path(name)):
                with open(self.path(name), encoding="utf-8", errors="replace") as file:
                    text += file.read()
        return text

    def stop(self):
        """Ends it with every child."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            for port in self.ports():  # a smtpd that is still dying would answer for the next Postfix
                servers.wait_gone(port)
        if self.auth:
            self.auth.stop()
