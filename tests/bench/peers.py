"""Filters of others to compare with, when they are installed: run by hand, never as services.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import os
import shutil
import subprocess

from benchlib import BENCH, Filter, at_home, unix, work, write
import servers

SYSTEM_PYTHON = "/usr/bin/python3"
OPENDKIM = """Mode v
Socket local:%s
AlwaysAddARHeader yes
AuthservID mx.example.net
Nameservers 127.0.0.1
Background no
Syslog no
UMask 000
"""
OPENDMARC = """Socket local:%s
AuthservID mx.example.net
Background false
Syslog false
SPFIgnoreResults false
SPFSelfValidate false
UMask 000
"""
RSPAMD = """options {
  pidfile = "%(dir)s/rspamd.pid";
  local_addrs = ["127.0.0.0/8"];
  filters = "";
  dns { nameserver = ["127.0.0.1"]; timeout = 1s; retransmits = 2; }
  control_socket = "%(dir)s/rspamd.control mode=0600";
  one_shot = true;
}
logging { type = "console"; level = "error"; }
lua = "%(dir)s/empty.lua";
worker "rspamd_proxy" {
  bind_socket = "%(dir)s/rspamd.sock mode=0666";
  milter = yes;
  count = 1;
  timeout = 120s;
  upstream "local" { default = yes; self_scan = yes; }
}
actions { reject = 1500; add_header = 1000; }
group "all" { }
modules { path = "/usr/share/rspamd/plugins/hfilter.lua"; path = "/usr/share/rspamd/plugins/milter_headers.lua"; }
hfilter { helo_enabled = true; hostname_enabled = true; url_enabled = false; from_enabled = false; rcpt_enabled = false;
          mid_enabled = false; }
milter_headers { use = ["x-spamd-result"]; skip_local = false; skip_authenticated = false; extended_spam_headers = true; }
"""


def find(name):
    """A program: as get-servers unpacked it, or of this machine."""
    return servers.program(name, name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def opendkim():
    """Verifies DKIM; our mail is not signed, so it asks nothing."""
    path = write("opendkim.conf", OPENDKIM % work("opendkim.sock"))
    return Filter("opendkim", [find("opendkim"), "-f", "-x", path], unix("opendkim"),
                  env=servers.environment("opendkim"))


def opendmarc():
    """One TXT question a message."""
    path = write("opendmarc.conf", OPENDMARC % work("opendmarc.sock"))
    return Filter("opendmarc", [find("opendmarc"), "-f", "-c", path], unix("opendmarc"),
                  env=servers.environment("opendmarc"))


def pymilter():
    """The same lookups through the system's resolver."""
    return Filter("pymilter", [SYSTEM_PYTHON, os.path.join(BENCH, "pyfilter.py"), unix("pymilter")], unix("pymilter"))


def rspamd():
    """Milter mode with hfilter alone: A and AAAA of the HELO name; the client's name it takes from the MTA."""
    write("empty.lua", "")
    path = write("rspamd.conf", RSPAMD % {"dir": work()})
    return Filter("rspamd", at_home("rspamd") + ["rspamd", "-f", "-i", "-c", path], unix("rspamd"),
                  patience=180)  # it compiles 10,000 public suffixes first


def has_pymilter():
    """Is python3-milter installed? It belongs to the system's own Python."""
    return os.path.exists(SYSTEM_PYTHON) and subprocess.run(
        [SYSTEM_PYTHON, "-c", "import Milter"], stderr=subprocess.DEVNULL, check=False).returncode == 0


PEERS = (opendkim, opendmarc, pymilter, rspamd)
ASKING = (pymilter, rspamd)  # of DNS, about the client or its HELO name


def installed(wanted=PEERS):
    """All of these that start here; what does not is named."""
    started = []
    for make in wanted:
        if not (has_pymilter() if make is pymilter else find(make.__name__)):
            print("not installed: %s" % make.__name__)
            continue
        try:
            started.append(make())
        except RuntimeError as error:
            print("does not start: %s" % error)
    return started
