"""Sends one message for each word as a client of its own and looks at what arrives:
send.py USER MAILBOX WORD...

pass, forged: a client whose reverse DNS holds or does not; the fields must say so, and
forged fields must be gone. refused: 550 5.7.25. plain: delivered without our fields.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import mailbox
import os
import smtplib
import sys
import time
import uuid

CLIENTS = {"pass": ("192.0.2.10", "mail.good.example"), "forged": ("192.0.2.15", "mail.bank.example"),
           "refused": ("192.0.2.15", "mail.bank.example"), "plain": ("192.0.2.10", "mail.good.example")}
FIELDS = {"pass": ("iprev=pass policy.iprev=192.0.2.10 (mail.good.example)", "pass; ip=192.0.2.10;"),
          "forged": ("iprev=fail reason=forward-mismatch policy.iprev=192.0.2.15", "fail; ip=192.0.2.15;")}


def connect():
    """Postfix, as soon as it listens."""
    for _ in range(100):
        try:
            return smtplib.SMTP("127.0.0.1", 25, timeout=40)
        except OSError:
            time.sleep(0.1)
    sys.exit("Postfix does not listen")


def send(user, word):
    """The token of the message, or the reply that refused it."""
    address, helo = CLIENTS[word]
    token = uuid.uuid4().hex
    with connect() as smtp:
        smtp.ehlo("localhost")
        smtp.docmd("XCLIENT", "ADDR=%s NAME=%s" % (address, helo))
        smtp.ehlo(helo)
        smtp.mail("sender@good.example")
        code, text = smtp.rcpt(user + "@localhost")
        if code != 250:
            return None, "%d %s" % (code, text.decode())
        smtp.data("From: sender@good.example\r\nSubject: %s\r\nX-IPRev: pass; ip=forged\r\n\r\nHello.\r\n" % token)
    return token, ""


def arrived(box, token):
    """The message, when local(8) has delivered it."""
    for _ in range(150):
        for message in mailbox.mbox(box, create=False) if os.path.exists(box) else []:
            if message["Subject"] == token:
                return message
        time.sleep(0.1)
    sys.exit("the message has not arrived in " + box)


def one(user, box, word):
    """What is wrong, or None."""
    token, reply = send(user, word)
    if word == "refused":
        return None if reply.startswith("550 5.7.25 ") else "not refused: %r" % reply
    if token is None:
        return "refused: " + reply
    message = arrived(box, token)
    results = [" ".join(text.split()) for text in message.get_all("Authentication-Results", [])]
    fields = [" ".join(text.split()) for text in message.get_all("X-IPRev", [])]
    if word == "plain":
        return None if results == [] and fields == ["pass; ip=forged"] else "%s %s" % (results, fields)
    wanted, field = FIELDS[word]
    if len(results) != 1 or wanted not in results[0] or len(fields) != 1 or not fields[0].startswith(field):
        return "%s %s" % (results, fields)
    return None


def main():
    """Each word in turn."""
    user, box = sys.argv[1:3]
    for word in sys.argv[3:]:
        fault = one(user, box, word)
        if fault:
            sys.exit("FAIL %s: %s" % (word, fault))
        print("ok   " + word)


main()
