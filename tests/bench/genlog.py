#!/usr/bin/env python3
"""Writes a Postfix log of a given size, a realistic mix, to standard output.

usage: genlog.py MEGABYTES [--clients N] [--days N] [--seed N] [--zone FILE]

The mix: half of the sessions deliver a message, a quarter are refused by a block list in
postscreen or smtpd, the rest are greylisted, submit with a login, connect for nothing, or are
refused for an unknown user. Few clients send much, many little. With --zone the DNS of the
clients is written as a zone file for `iprev-check -z`: most are in order, some have no PTR, lie,
or have a machine-made name.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import argparse
import random
import sys
import time

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
BASE = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"


def client(rng, i):
    """(address, name the MTA logs, HELO, kind)"""
    address = "10.%d.%d.%d" % (i >> 16 & 255, i >> 8 & 255, i & 255)
    kind = rng.choices(["good", "no-ptr", "liar", "generic"], [60, 15, 10, 15])[0]
    if kind == "good":
        return address, "mail%d.sender.example" % i, "mail%d.sender.example" % i, kind
    if kind == "generic":
        return address, "10-%d-%d-%d.dyn.isp.example" % (i >> 16 & 255, i >> 8 & 255, i & 255), "pc-%d" % (i % 100), kind
    return address, "unknown", "smtp%d.bot.example" % i, kind


def write_zone(path, clients):
    with open(path, "w") as out:
        out.write("$TTL 300\n$ORIGIN 10.in-addr.arpa.\n@ SOA ns.example. root.example. 1 3600 600 86400 60\n")
        for address, name, _, kind in clients:
            a, b, c = address.split(".")[1:]
            if kind != "no-ptr":
                out.write("%s.%s.%s PTR %s.\n" % (c, b, a, "host.bank.example" if kind == "liar" else name))
        out.write("$ORIGIN example.\n@ SOA ns.example. root.example. 1 3600 600 86400 60\n")
        out.write("host.bank A 198.51.100.1\n")
        for address, name, _, kind in clients:
            if kind in ("good", "generic"):
                out.write("%s. A %s\n" % (name, address))


def session(rng, kind_of, who, stamp, qid, number, user):
    address, name, helo, kind = who
    pid = 1000 + number % 200
    at = "%s[%s]" % (name, address)
    smtpd = "%s mx1 postfix/smtpd[%d]: " % (stamp, pid)
    if kind_of == "dnsbl":
        return ("%s mx1 postfix/postscreen[77]: CONNECT from [%s]:%d to [203.0.113.25]:25\n"
                "%s mx1 postfix/postscreen[77]: NOQUEUE: reject: RCPT from [%s]:%d: 550 5.7.1 Service unavailable; "
                "client [%s] blocked using zen.example.org; from=<a%d@bot.example>, to=<user%d@example.org>, proto=ESMTP, "
                "helo=<%s>\n" % (stamp, address, pid * 7, stamp, address, pid * 7, address, number, user, helo))
    if kind_of == "idle":
        return "%sconnect from %s\n%sdisconnect from %s ehlo=1 quit=1 commands=2\n" % (smtpd, at, smtpd, at)
    if kind_of == "grey" or kind_of == "user":
        text = ("450 4.2.0 <user%d@example.org>: Recipient address rejected: Greylisted" if kind_of == "grey" else
                "550 5.1.1 <user%d@example.org>: Recipient address rejected: User unknown in virtual mailbox table") % user
        return ("%sconnect from %s\n%sNOQUEUE: reject: RCPT from %s: %s; from=<a%d@sender.example> "
                "to=<user%d@example.org> proto=ESMTP helo=<%s>\n%sdisconnect from %s ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4\n"
                % (smtpd, at, smtpd, at, text, number, user, helo, smtpd, at))
    login = ", sasl_method=PLAIN, sasl_username=user%d" % user if kind_of == "login" else ""
    spam = kind not in ("good",) and number % 3 == 0
    filtered = ("%s mx1 amavis[900]: (00900-%02d) Passed %s {RelayedInbound}, [%s]:%d [%s] <a%d@sender.example> -> "
                "<user%d@example.org>, Queue-ID: %s, Message-ID: <%d.%s@sender.example>, mail_id: x%d, Hits: %s, size: %d, "
                "310 ms\n" % (stamp, number % 90, "SPAM" if spam else "CLEAN", address, pid * 7, address, number, user, qid,
                              number, qid, number, "8.1" if spam else "-1.9", 900 + number % 50000))
    return ("%sconnect from %s\n%s%s: client=%s%s\n"
            "%s mx1 postfix/cleanup[%d]: %s: message-id=<%d.%s@sender.example>\n"
            "%s mx1 postfix/qmgr[12]: %s: from=<a%d@sender.example>, size=%d, nrcpt=1 (queue active)\n%s"
            "%sdisconnect from %s ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7\n"
            "%s mx1 postfix/lmtp[%d]: %s: to=<user%d@example.org>, relay=mx1[private/dovecot-lmtp], delay=0.41, "
            "delays=0.3/0.01/0.02/0.08, dsn=2.0.0, status=sent (250 2.0.0 <user%d@example.org> %s Saved)\n"
            "%s mx1 postfix/qmgr[12]: %s: removed\n"
            % (smtpd, at, smtpd, qid, at, login, stamp, pid + 3, qid, number, qid, stamp, qid, number,
               900 + number % 50000, filtered, smtpd, at, stamp, pid + 5, qid, user, user, qid, stamp, qid))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("megabytes", type=float)
    parser.add_argument("--clients", type=int, default=50000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--zone")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    clients = [client(rng, i) for i in range(1, args.clients + 1)]
    if args.zone:
        write_zone(args.zone, clients)
    want, done, number = int(args.megabytes * 1e6), 0, 0
    kinds = rng.choices(["mail", "dnsbl", "grey", "user", "login", "idle"], [50, 25, 10, 5, 5, 5], k=4096)
    end = time.time() - 86400
    start = end - args.days * 86400
    stamp, second = "", -1
    while done < want:
        now = int(start + (end - start) * min(1.0, done / want))
        if now != second:
            second, t = now, time.gmtime(now)
            stamp = "%s %2d %02d:%02d:%02d" % (MONTHS[t.tm_mon - 1], t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec)
        who = clients[int(args.clients * rng.random() ** 3)]
        qid = "4" + "".join(BASE[number >> s & 31] for s in (25, 20, 15, 10, 5, 0)) + "zPm"
        text = session(rng, kinds[number & 4095], who, stamp, qid, number, number % 997)
        sys.stdout.write(text)
        done += len(text)
        number += 1


if __name__ == "__main__":
    main()
