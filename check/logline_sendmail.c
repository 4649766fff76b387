/* Sendmail lines: see logline.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "logline_parts.h"

/* "..., relay=name [address] (may be forged)": the last one, as a sender may write others. */
static bool read_relay(struct log_event *e, const struct log_text *t)
{
    size_t at = text_find_last(t, LIT(", relay="));
    struct log_text relay = text_from(t, at + 8);
    size_t end = text_find(&relay, LIT(", "));

    relay.n = end;
    return at < t->n && text_client(&relay, e);
}

static void read_from(struct log_event *e, const struct log_text *t)
{
    struct log_text n = text_value(t, LIT(", nrcpts="), ',');

    if (n.s == NULL || !read_relay(e, t))
        return;
    e->kind = LOG_MESSAGE;
    e->empty = text_is(&n, LIT("0"));
    e->message_id = text_value(t, LIT(", msgid="), ',');
}

static void read_to(struct log_event *e, struct log_text t)
{
    struct log_text stat = text_value(&t, LIT(", stat="), '\n');
    struct log_text dsn = text_value(&t, LIT(", dsn="), ',');

    if (stat.s == NULL)
        return;
    e->kind = LOG_DELIVERY;
    if (text_skip(&t, LIT("<")))
        e->recipient = text_until(&t, '>');
    e->state = text_skip(&stat, LIT("Sent"))       ? STATE_SENT
               : dsn.n > 0 && dsn.s[0] == '4'      ? STATE_DEFERRED
               : text_skip(&stat, LIT("Deferred")) ? STATE_DEFERRED
                                                   : STATE_BOUNCED;
}

/* "ruleset=check_rcpt, arg1=..., relay=name [address], reject=550 5.7.1 text" */
static void read_ruleset(struct log_event *e, const struct log_text *t)
{
    size_t at = text_find(t, LIT(", reject="));
    struct log_text before = {t->s, at}, reply = text_from(t, at + 9);

    if (at == t->n || !read_relay(e, &before))
        return;
    e->kind = LOG_REFUSED;
    e->temporary = reply.n > 0 && reply.s[0] == '4';
    if (text_find(&reply, LIT(" listed ")) < reply.n || text_find(&reply, LIT("blocked")) < reply.n)
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

/* "Milter: to=<x>, reject=550 ...", "Milter: data, reject=554 ..." */
static void read_milter(struct log_event *e, struct log_text t)
{
    struct log_text reply = text_value(&t, LIT(", reject="), '\n');

    e->by = BY_MILTER;
    if (text_skip(&t, LIT("connect: "))) {
        read_milter_connect(e, &t);
        return;
    }
    if (reply.s == NULL)
        return;
    e->kind = LOG_REFUSED;
    e->temporary = reply.n > 0 && reply.s[0] == '4';
    e->final = text_skip(&t, LIT("data,")) || text_skip(&t, LIT("cmd=data,"));
    if (text_skip(&t, LIT("to=<")))
        e->recipient = text_until(&t, '>');
}

/* "name [address] due to pre-greeting traffic after 5 seconds" */
static void read_early_talker(struct log_event *e, struct log_text t)
{
    if (text_client(&t, e))
        e->kind = LOG_REFUSED;
}

void logline_sendmail(struct log_event *e, struct log_text t)
{
    if (!text_skip(&t, LIT("NOQUEUE: ")) && !text_qid(&t, &e->qid))
        return;
    if (text_skip(&t, LIT("from=")))
        read_from(e, &t);
    else if (text_skip(&t, LIT("to=")))
        read_to(e, t);
    else if (text_skip(&t, LIT("ruleset=")))
        read_ruleset(e, &t);
    else if (text_skip(&t, LIT("Milter: ")))
        read_milter(e, t);
    else if (text_skip(&t, LIT("rejecting commands from ")))
        read_early_talker(e, t);
    else if (text_skip(&t, LIT("connect from ")) && text_client(&t, e))
        e->kind = LOG_CONNECT;
    else if (text_skip(&t, LIT("AUTH=server")) && e->qid.n > 0)
        e->kind = LOG_AUTH;
}
