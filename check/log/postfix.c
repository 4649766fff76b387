/* Postfix lines: see event.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/log/event.h"

/* The value of the last field `key`, up to the last `>` of the line. */
static struct log_text last_bracketed(const struct log_text *t, const char *key, size_t n)
{
    size_t at = text_find_last(t, key, n), end;
    struct log_text rest;

    if (at == t->n)
        return (struct log_text){NULL, 0};
    rest = text_from(t, at + n);
    end = text_find_last(&rest, LIT(">"));
    return (struct log_text){rest.s, end};
}

/* "CODE X.Y.Z text", "X.Y.Z text", or of postscreen, when it is too busy for now, just text. The
 * text may name the recipient, in brackets. */
static void read_reply(struct log_event *e, const struct log_text *t)
{
    e->temporary = t->n > 0 && t->s[0] != '5';
    if (e->by == BY_MTA && text_outside(t, LIT(" blocked using ")) < t->n)
        e->by = BY_DNSBL;
}

/* False for the stages that bring no mail, such as VRFY and ETRN. */
static bool read_stage(struct log_event *e, const struct log_text *stage)
{
    static const struct {
        const char *word;
        bool final;
        enum log_opening opening;
    } row[] = {{"RCPT", false, OPENING_NONE},         {"MAIL", false, OPENING_NONE},
               {"DATA", true, OPENING_NONE},          {"BDAT", true, OPENING_NONE},
               {"EHLO", false, OPENING_EHLO},         {"CONNECT", false, OPENING_CONNECT},
               {"HELO", false, OPENING_HELO},         {"END-OF-MESSAGE", true, OPENING_NONE},
               {"END-OF-HEADERS", true, OPENING_NONE}};
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++)
        if (text_is(stage, row[i].word, strlen(row[i].word))) {
            e->final = row[i].final;
            e->opening = row[i].opening;
            return true;
        }
    return false;
}

/* "header Subject: x from name[address]; from=<> to=<> proto=ESMTP helo=<x>: 5.7.1 text": of what
 * the client wrote nothing is believed; the text after it is the administrator's. */
static void read_content_refusal(struct log_event *e, const struct log_text *t)
{
    struct log_text reply = text_from(t, text_find_last(t, LIT(">: ")) + 3);

    e->final = true;
    e->temporary = reply.n > 0 && reply.s[0] == '4';
    e->kind = e->qid.n > 0 ? LOG_REFUSED : LOG_NOTHING;
}

/* "RCPT from name[address]:port: 554 5.7.1 text; from=<> to=<> proto=ESMTP helo=<x>" */
static void read_refusal(struct log_event *e, struct log_text t)
{
    struct log_text stage = text_until(&t, ' '), reply;

    if (text_is(&stage, LIT("header")) || text_is(&stage, LIT("body")) ||
        text_is(&stage, LIT("mime-error"))) {
        read_content_refusal(e, &t);
        return;
    }
    if (!read_stage(e, &stage) || !text_skip(&t, LIT("from ")) || !text_client(&t, &e->client))
        return;
    e->kind = LOG_REFUSED;
    t = text_from(&t, text_find(&t, LIT(": ")) + 2);
    reply = (struct log_text){t.s, text_outside(&t, LIT("; from="))};
    read_reply(e, &reply);
    e->helo = last_bracketed(&t, LIT(" helo=<"));
    t = text_from(&t, reply.n + 7);
    if (text_bracketed(&t, &e->sender) && (text_skip(&t, LIT(" to=")) || text_skip(&t, LIT(", to="))))
        text_bracketed(&t, &e->recipient);
}

/* " sasl_username=<login>" at the end. A quoted address may contain this, but then a bracket of its
 * own follows; in a HELO Postfix writes ? for brackets. */
static void read_login(struct log_event *e, struct log_text *t)
{
    size_t at = text_find_last(t, LIT("> sasl_username=<"));
    struct log_text login = text_from(t, at + 17);

    e->authenticated = at < t->n && login.n > 0 && text_find(&login, LIT(">")) == login.n - 1;
    if (e->authenticated)
        t->n = at + 1;
}

/* "name[address], orig_queue_id=ABC, orig_client=name[address]": what follows the address
 * is Postfix's own, or comes from a content filter that Postfix trusts. */
static void read_client(struct log_event *e, struct log_text t)
{
    size_t at;

    if (e->qid.n == 0 || !text_client(&t, &e->client))
        return;
    e->authenticated = text_find(&t, LIT(", sasl_")) < t.n;
    e->origin = text_value(&t, LIT(", orig_queue_id="), ',');
    at = text_find(&t, LIT(", orig_client="));
    if (at < t.n) {
        t = text_from(&t, at + 14);
        if (!text_client(&t, &e->client))
            return;
    }
    e->kind = LOG_MESSAGE;
}

static void read_smtpd(struct log_event *e, struct log_text t)
{
    if (text_skip(&t, LIT("connect from "))) {
        if (text_client(&t, &e->client))
            e->kind = LOG_CONNECT;
        return;
    }
    if (!text_skip(&t, LIT("NOQUEUE: ")) && !text_qid(&t, &e->qid))
        return;
    if (text_skip(&t, LIT("client=")))
        read_client(e, t);
    else if (text_skip(&t, LIT("reject: "))) {
        read_login(e, &t);
        read_refusal(e, t);
    } else if (text_skip(&t, LIT("milter-reject: "))) {
        e->by = BY_MILTER;
        read_login(e, &t);
        read_refusal(e, t);
    }
}

static void read_cleanup(struct log_event *e, struct log_text t)
{
    if (!text_qid(&t, &e->qid))
        return;
    if (text_skip(&t, LIT("message-id="))) {
        e->kind = LOG_MESSAGE_ID;
        e->message_id = t;
    } else if (text_skip(&t, LIT("milter-reject: "))) {
        e->by = BY_MILTER;
        read_refusal(e, t);
    } else if (text_skip(&t, LIT("reject: "))) {
        read_refusal(e, t);
    }
}

/* "removed", "from=<a@b>, size=900, nrcpt=1 (queue active)", "from=<a@b>, status=expired, ..." */
static void read_qmgr(struct log_event *e, struct log_text t)
{
    if (!text_qid(&t, &e->qid))
        return;
    if (text_is(&t, LIT("removed"))) {
        e->kind = LOG_END;
    } else if (text_skip(&t, LIT("from=")) && text_bracketed(&t, &e->sender)) {
        e->kind = text_skip(&t, LIT(", status=expired")) ? LOG_DELIVERY : LOG_QUEUED;
        e->state = STATE_BOUNCED;
    }
}

/* "deferred (host mx.example.net[192.0.2.1] said: 450 4.7.25 text (in reply to RCPT TO command))",
 * also behind "delivery temporarily suspended: ": the first of these words is Postfix's own. */
static void read_words(struct log_event *e, struct log_text t)
{
    size_t said, talk;

    t = text_from(&t, text_find(&t, LIT("host ")) + 5);
    said = text_find(&t, LIT(" said: "));
    talk = text_find(&t, LIT(" refused to talk to me: "));
    if (said == t.n && talk == t.n)
        return;
    e->relay = (struct log_text){t.s, said < talk ? said : talk};
    e->reply = text_from(&t, said < talk ? said + 7 : talk + 24);
    e->reply.n = text_find_last(&e->reply, LIT(" (in reply to "));
    if (e->reply.n > 0 && e->reply.s[e->reply.n - 1] == ')')
        e->reply.n--;
}

/* "to=<user@example.org>, relay=..., dsn=2.0.0, status=sent (...)"; after an alias
 * "to=<root@example.org>, orig_to=<postmaster@example.org>, relay=...": what the client named.
 * Behind the addresses up to the status all is Postfix's own. */
static void read_delivery(struct log_event *e, struct log_text t)
{
    struct log_text status;

    if (!text_qid(&t, &e->qid) || !text_skip(&t, LIT("to=")) || !text_bracketed(&t, &e->recipient))
        return;
    if (text_skip(&t, LIT(", orig_to=")))
        text_bracketed(&t, &e->recipient);
    status = text_value(&t, LIT(", status="), ' ');
    if (status.s == NULL)
        return;
    e->kind = LOG_DELIVERY;
    e->state = text_is(&status, LIT("sent"))       ? STATE_SENT
               : text_is(&status, LIT("deferred")) ? STATE_DEFERRED
                                                   : STATE_BOUNCED;
    if (e->state != STATE_SENT)
        read_words(e, text_from(&t, text_find(&t, LIT(", status="))));
}

static void read_postscreen(struct log_event *e, struct log_text t)
{
    if (text_skip(&t, LIT("NOQUEUE: reject: ")))
        read_refusal(e, t);
}

void log_postfix(struct log_event *e, const struct log_text *program, struct log_text message)
{
    static const char *const agents[] = {"smtp", "lmtp",  "local",   "virtual",
                                         "pipe", "error", "discard", "retry"};
    size_t slash = text_find_last(program, LIT("/")), i;
    struct log_text part = text_from(program, slash + 1);

    if (text_is(&part, LIT("smtpd")))
        read_smtpd(e, message);
    else if (text_is(&part, LIT("cleanup")))
        read_cleanup(e, message);
    else if (text_is(&part, LIT("qmgr")))
        read_qmgr(e, message);
    else if (text_is(&part, LIT("postscreen")))
        read_postscreen(e, message);
    for (i = 0; e->kind == LOG_NOTHING && i < sizeof agents / sizeof agents[0]; i++)
        if (text_is(&part, agents[i], strlen(agents[i])))
            read_delivery(e, message);
}
