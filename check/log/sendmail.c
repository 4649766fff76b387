/* Sendmail lines: see event.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/log/event.h"

/* "..., relay=name [address] (may be forged)": the last one, as a sender may write others. */
static bool read_relay(struct log_event *e, const struct log_text *t)
{
    size_t at = text_find_last(t, LIT(", relay="));
    struct log_text relay = text_from(t, at + 8);
    size_t end = text_find(&relay, LIT(", "));

    relay.n = end;
    return at < t->n && text_client(&relay, &e->client);
}

/* Past the address that a client has named: fields after it are Sendmail's own. */
static void skip_address(struct log_text *t)
{
    struct log_text address;

    text_bracketed(t, &address);
}

/* RFC 3848: the name of the protocol ends in A when the client has authenticated. What stands
 * before it, the message id for one, may be the client's: the last one counts. */
static bool has_authenticated(const struct log_text *t)
{
    struct log_text before = {t->s, text_find_last(t, LIT(", relay="))}, proto;

    proto = text_from(&before, text_find_last(&before, LIT(", proto=")) + 8);
    proto = text_until(&proto, ',');
    return proto.n > 1 && proto.s[proto.n - 1] == 'A';
}

/* A transaction that was given up has the line, too: size 0, or no message id.
 * "<a@b>, size=72, class=0, nrcpts=1, msgid=<m>, proto=ESMTPSA, daemon=MTA, relay=x [address]" */
static void read_from(struct log_event *e, struct log_text t)
{
    struct log_text size;

    text_bracketed(&t, &e->sender);
    if (text_find(&t, LIT(", nrcpts=")) == t.n || !read_relay(e, &t))
        return;
    e->kind = LOG_MESSAGE;
    size = text_value(&t, LIT(", size="), ',');
    e->queued = !text_is(&size, LIT("0")) && text_find(&t, LIT(", msgid=")) < t.n;
    e->authenticated = has_authenticated(&t);
    e->message_id = text_value(&t, LIT(", msgid="), ',');
}

/* "<a@b>,<c@d>, delay=00:00:01, mailer=local, relay=x [address], dsn=2.0.0, stat=Sent (ok)" */
static void read_to(struct log_event *e, struct log_text t)
{
    struct log_text stat, dsn;

    text_bracketed(&t, &e->recipient);
    e->more = t;
    while (text_next_address(&t, &stat))
        ;
    stat = text_value(&t, LIT(", stat="), '\n');
    dsn = text_value(&t, LIT(", dsn="), ',');
    if (stat.s == NULL)
        return;
    e->kind = LOG_DELIVERY;
    e->state = text_skip(&stat, LIT("Sent"))       ? STATE_SENT
               : dsn.n > 0 && dsn.s[0] == '4'      ? STATE_DEFERRED
               : text_skip(&stat, LIT("Deferred")) ? STATE_DEFERRED
                                                   : STATE_BOUNCED;
    if (e->state == STATE_SENT)
        return;
    e->relay = text_value(&t, LIT(", relay="), ',');
    e->reply = text_value(&t, LIT(", reply="), '\n');
    e->reply.n = e->reply.s != NULL ? text_find_last(&e->reply, LIT(", stat=")) : 0;
    if (e->reply.s == NULL)
        e->reply = stat;
}

/* The words of the feature dnsbl and of its manual; the reply names the recipient, too. */
static bool is_listed(const struct log_text *reply)
{
    return text_outside(reply, LIT(" listed ")) < reply->n ||
           text_outside(reply, LIT("blocked using")) < reply->n ||
           text_outside(reply, LIT("blocked see")) < reply->n;
}

/* "check_rcpt, arg1=<a@b>, relay=name [address], reject=550 5.7.1 text" */
static void read_ruleset(struct log_event *e, struct log_text t)
{
    struct log_text ruleset = text_until(&t, ','), before, reply, address;
    size_t at;

    text_until(&t, '=');
    if (text_bracketed(&t, &address) && text_is(&ruleset, LIT("check_rcpt")))
        e->recipient = address;
    at = text_find(&t, LIT(", reject="));
    before = (struct log_text){t.s, at};
    reply = text_from(&t, at + 9);
    if (at == t.n || !read_relay(e, &before))
        return;
    e->kind = LOG_REFUSED;
    e->temporary = reply.n > 0 && reply.s[0] == '4';
    if (is_listed(&reply))
        e->by = BY_DNSBL;
}

/* "Milter: connect: host=x, addr=y, rejecting commands", or "temp failing commands" */
static void read_milter_connect(struct log_event *e, const struct log_text *t)
{
    struct log_text address = text_value(t, LIT(", addr="), ',');

    if (address.s == NULL || !text_addr(&e->client, address.s, address.n))
        return;
    e->temporary = text_find(t, LIT(", temp failing")) < t->n;
    if (e->temporary || text_find(t, LIT(", rejecting")) < t->n)
        e->kind = LOG_REFUSED;
}

/* "to=<x>, reject=550 ...", "data, reject=554 ..." */
static void read_milter(struct log_event *e, struct log_text t)
{
    struct log_text reply;

    e->by = BY_MILTER;
    if (text_skip(&t, LIT("connect: "))) {
        read_milter_connect(e, &t);
        return;
    }
    e->final = text_skip(&t, LIT("data")) || text_skip(&t, LIT("cmd=data"));
    if (text_skip(&t, LIT("to=")))
        text_bracketed(&t, &e->recipient);
    else if (text_skip(&t, LIT("from=")))
        skip_address(&t);
    reply = text_value(&t, LIT(", reject="), '\n');
    if (reply.s == NULL)
        return;
    e->kind = LOG_REFUSED;
    e->temporary = reply.n > 0 && reply.s[0] == '4';
}

/* "name [address] due to pre-greeting traffic after 5 seconds" */
static void read_early_talker(struct log_event *e, struct log_text t)
{
    if (text_client(&t, &e->client))
        e->kind = LOG_REFUSED;
}

/* "<nosuch@example.org>... User unknown", "message size (142065) exceeds maximum (100000)" */
static void read_own_refusal(struct log_event *e, struct log_text t)
{
    e->final = text_skip(&t, LIT("message size ("));
    if (e->final || (text_bracketed(&t, &e->recipient) && text_skip(&t, LIT("... "))))
        e->kind = LOG_REFUSED;
}

/* Lines about the connection have no queue id. */
void log_sendmail(struct log_event *e, struct log_text t)
{
    if (text_skip(&t, LIT("ruleset="))) {
        read_ruleset(e, t);
        return;
    }
    if (!text_skip(&t, LIT("NOQUEUE: ")) && !text_qid(&t, &e->qid))
        return;
    if (text_skip(&t, LIT("from=")))
        read_from(e, t);
    else if (text_skip(&t, LIT("to=")))
        read_to(e, t);
    else if (text_skip(&t, LIT("ruleset=")))
        read_ruleset(e, t);
    else if (text_skip(&t, LIT("Milter: ")))
        read_milter(e, t);
    else if (text_skip(&t, LIT("rejecting commands from ")))
        read_early_talker(e, t);
    else if (text_skip(&t, LIT("connect from "))) {
        if (text_client(&t, &e->client))
            e->kind = LOG_CONNECT;
    } else if (e->qid.n > 0)
        read_own_refusal(e, t);
}
