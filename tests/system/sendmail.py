"""A private Sendmail: own programs, configuration, queue and passwords, in the namespaces.

It has the methods and attributes of postfix.Postfix that tests use, so that the same
tests run behind both. The configuration is made by m4 from Sendmail's own macros; AUTH is
libsasl2 with a password file, STARTTLS a certificate of its own.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import os
import re
import shutil
import signal
import subprocess

import netns
import servers
import smtp

# Keys and queues may not lie below a directory that anybody can write to, such as /tmp.
HOME = "/mnt"

MC = r"""
OSTYPE(`linux')dnl
define(`QUEUE_DIR', `{home}/queue')dnl
define(`ALIAS_FILE', `{home}/aliases')dnl
define(`HELP_FILE', `{home}/helpfile')dnl
define(`STATUS_FILE', `{home}/statistics')dnl
define(`confPID_FILE', `{home}/sendmail.pid')dnl
define(`confCW_FILE', `{home}/local-host-names')dnl
define(`confSERVICE_SWITCH_FILE', `{home}/service.switch')dnl
define(`confDOMAIN_NAME', `mx.example.org')dnl
define(`confTRUSTED_USER', `root')dnl
define(`confDEF_USER_ID', `nobody:nogroup')dnl
define(`confTO_IDENT', `0')dnl
define(`confDELIVERY_MODE', `b')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confDELAY_LA', `0')dnl
define(`SMART_HOST', `relay:[127.0.0.1]')dnl
define(`MAIL_HUB', `relay:[127.0.0.1]')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {sink_port}')dnl
{tls}
define(`confAUTH_MECHANISMS', `PLAIN')dnl
define(`confAUTH_REALM', `mx.example.org')dnl
TRUST_AUTH_MECH(`PLAIN')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`promiscuous_relay')dnl
FEATURE(`accept_unqualified_senders')dnl
FEATURE(`accept_unresolvable_domains')dnl
{filters}
{daemons}
{settings}
MAILER(`smtp')dnl
LOCAL_CONFIG
ESASL_PATH={sasl_plugins}
ESASL_CONF_PATH={home}/sasl
"""

TLS = """define(`confCACERT_PATH', `{home}/tls')dnl
define(`confCACERT', `{home}/tls/cert.pem')dnl
define(`confSERVER_CERT', `{home}/tls/cert.pem')dnl
define(`confSERVER_KEY', `{home}/tls/key.pem')dnl
"""

PROGRAM = "usr/libexec/sendmail/sendmail"


def why_not():
    """The reason why no Sendmail can run here, or None."""
    for tool in ("m4", "openssl"):
        if shutil.which(tool) is None:
            return tool + " is not installed"
    return servers.why_not("sendmail") or servers.why_not("sasl")


def as_sendmail(milter):
    """Postfix's spelling of a milter's address in Sendmail's: inet:HOST:PORT is inet:PORT@HOST."""
    found = re.fullmatch(r"inet:(.*):(\d+)", milter)
    return "inet:%s@%s" % (found.group(2), found.group(1)) if found else milter


class Pipes:
    """The part of a socket that smtp.Client uses, over the pipes of a process."""

    def __init__(self, process):
        self.process = process

    def makefile(self, _mode):
        """What the process says."""
        return self.process.stdout

    def sendall(self, data):
        """Says something to it."""
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def settimeout(self, _seconds):
        """Pipes have none."""

    def close(self):
        """The end of what we say."""
        self.process.stdin.close()
        self.process.wait(10)


class Sendmail:
    """sendmail = Sendmail({2525: "inet:127.0.0.1:8891"}); sendmail.start()

    lanes: SMTP port to milter address as Postfix writes it, or None for the filters that
    `settings` names. settings: lines of sendmail.mc. submit: address of the milter for
    `sendmail -bs`."""

    kind = "sendmail"
    tls = True

    def __init__(self, lanes, sink_port=2527, passwords=None, settings="", submit=None, peername_lookup=False):
        self.lanes, self.sink_port, self.settings = lanes, sink_port, settings
        self.passwords = passwords or {"alice": "wonder"}
        self.submit, self.peername_lookup = submit, peername_lookup
        self.process = None

    @staticmethod
    def path(*parts):
        """A path below our directory."""
        return os.path.join(HOME, *parts)

    @staticmethod
    def environment():
        """Where the libraries of Sendmail and of SASL's modules are."""
        paths = [servers.environment(name)["LD_LIBRARY_PATH"] for name in ("sendmail", "sasl")]
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH": ":".join(filter(None, paths))}

    def write(self, name, text, mode=0o644):
        """A file of ours."""
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(self.path(name), mode)

    @staticmethod
    def make_home():
        """Our directory, once in a world."""
        if not os.path.ismount(HOME):
            netns.mount("tmpfs", HOME, "tmpfs")
            os.chmod(HOME, 0o755)

    def lay_out(self):
        """Directories, tables, key and passwords."""
        self.make_home()
        os.makedirs(self.path("queue"), 0o700, exist_ok=True)
        for name in ("aliases", "helpfile", "statistics"):
            self.write(name, "")
        self.write("local-host-names", "mx.example.org\n")
        self.write("service.switch", "hosts files\naliases files\npasswd files\n")
        if not self.peername_lookup:  # Sendmail asks the C library for the client's name
            netns.replace_file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n")
        os.makedirs(self.path("tls"), exist_ok=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=mx.example.org", "-keyout", self.path("tls/key.pem"),
                        "-out", self.path("tls/cert.pem")],
                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        os.chmod(self.path("tls/key.pem"), 0o600)
        self.write("sasl/Sendmail.conf", "pwcheck_method: auxprop\nauxprop_plugin: sasldb\n"
                   "mech_list: PLAIN\nsasldb_path: %s\n" % self.path("sasl/passwords"))
        for user, password in self.passwords.items():
            subprocess.run([servers.find("sasl", "usr/sbin/saslpasswd2"), "-p", "-c", "-f",
                            self.path("sasl/passwords"), "-u", "mx.example.org", user],
                           input=password.encode(), env=self.plugins(), check=True)
        os.chmod(self.path("sasl/passwords"), 0o600)

    @staticmethod
    def plugin_directory():
        """Where get-servers put SASL's modules."""
        return servers.find("sasl", "usr/lib/*-linux-gnu*/sasl2") or ""

    def plugins(self):
        """The environment for SASL's programs."""
        return dict(self.environment(), SASL_PATH=self.plugin_directory())

    def daemons(self):
        """(INPUT_MAIL_FILTER lines, DAEMON_OPTIONS lines) of the lanes."""
        names, lines = {}, []
        for milter in [one for one in (self.submit, *self.lanes.values()) if one]:
            names.setdefault(milter, "filter%d" % len(names))
        for port, milter in self.lanes.items():
            options = ", InputMailFilters=" + names[milter] if milter else ""
            for family, address, more in (("inet", "0.0.0.0", ""), ("inet6", "2001:db8::25", ", M=O")):
                lines.append("DAEMON_OPTIONS(`Name=%s-%d, Family=%s, Addr=%s, Port=%d%s%s')dnl"
                             % (family, port, family, address, port, options, more))
        filters = ["MAIL_FILTER(`%s', `S=%s, F=T')dnl" % (name, as_sendmail(milter))
                   for milter, name in names.items()]
        if self.submit:
            filters.append("define(`confINPUT_MAIL_FILTERS', `%s')dnl" % names[self.submit])
        return "\n".join(filters), "\n".join(lines)

    def configure(self):
        """sendmail.cf, by m4 and Sendmail's own macros."""
        filters, daemons = self.daemons()
        text = MC
        for key, value in {"tls": TLS, "filters": filters, "daemons": daemons, "settings": self.settings,
                           "sasl_plugins": self.plugin_directory(), "sink_port": str(self.sink_port),
                           "home": HOME}.items():
            text = text.replace("{%s}" % key, value)
        self.write("sendmail.mc", text)
        macros = os.path.join(servers.root_of("sendmail"), "usr/share/sendmail/cf/")
        done = subprocess.run(["m4", "-D_CF_DIR_=" + macros, "../m4/cf.m4", self.path("sendmail.mc")],
                              cwd=os.path.join(macros, "cf"), capture_output=True, text=True, check=True)
        self.write("sendmail.cf", done.stdout)

    def program(self):
        """The command with our configuration."""
        return [os.path.join(servers.root_of("sendmail"), PROGRAM), "-C", self.path("sendmail.cf")]

    def start(self):
        """Starts the daemon; returns when every port answers."""
        self.lay_out()
        self.configure()
        self.process = subprocess.Popen(
            self.program() + ["-bD", "-X", self.path("traffic")], cwd=HOME, env=self.environment(),
            start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self.path("errors"), "wb"))  # pylint: disable=consider-using-with
        for port in self.lanes:
            servers.wait_for(port, self.process, self.log)
        return self

    def local(self):
        """A client of `sendmail -bs`, which talks over pipes and has no address."""
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            self.program() + ["-bs"], cwd=HOME, env=self.environment(), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return smtp.Client(None, sock=Pipes(process))

    def held(self):
        """The messages in quarantine, as a set of names."""
        return {name for name in os.listdir(self.path("queue")) if name.startswith("hf")}

    def log(self):
        """What it said, and all SMTP."""
        text = ""
        for name in ("errors", "traffic"):
            if os.path.exists(self.path(name)):
                with open(self.path(name), encoding="utf-8", errors="replace") as file:
                    text += file.read()
        return text

    def stop(self):
        """Ends it with every child."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
