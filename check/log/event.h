/* One line of a mail log: bytes in, one event out, what it says about a client or a message; no
 * memory, no clock. Lines are hostile input: names, HELO and addresses in them were chosen by the
 * clients. The event borrows the line.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_LOG_EVENT_H
#define IPREV_LOG_EVENT_H

#include "check/log/stamp.h"

enum log_kind {
    LOG_NOTHING,    /* not known, or says nothing we count */
    LOG_CONNECT,    /* client */
    LOG_MESSAGE,    /* client and qid: a message has begun */
    LOG_QUEUED,     /* qid: it was taken */
    LOG_REFUSED,    /* client, qid, or both; recipient */
    LOG_DELIVERY,   /* qid, state, recipient */
    LOG_MESSAGE_ID, /* qid, message_id */
    LOG_SPAM,       /* qid, message_id or client: a filter's verdict */
    LOG_END,        /* qid: the message has left the queue */
    LOG_RECORD      /* our own line: record */
};

/* Who refused. */
enum log_by { BY_MTA, BY_DNSBL, BY_MILTER, BY_COUNT };

/* A refusal before MAIL, which others of the same attempt may follow, in this order. */
enum log_opening { OPENING_NONE, OPENING_CONNECT, OPENING_EHLO, OPENING_HELO };

enum log_state { STATE_SENT, STATE_BOUNCED, STATE_DEFERRED };

struct log_event {
    enum log_kind kind;
    struct log_stamp stamp;
    struct addr client; /* ADDR_NONE: not given */
    struct log_text qid, helo, recipient, message_id, record;
    struct log_text sender; /* LOG_MESSAGE, LOG_QUEUED, LOG_REFUSED: n 0: the null sender */
    struct log_text more;         /* recipients after the first: see text_next_address */
    struct log_text origin;       /* LOG_MESSAGE: qid before a content filter (XFORWARD) */
    struct log_text relay, reply; /* LOG_DELIVERY: a server that did not take it, and its words */
    enum log_by by;
    enum log_opening opening;
    uint32_t times; /* LOG_REFUSED, LOG_CONNECT, LOG_RECORD: so many, put into one line */
    enum log_state state;
    bool temporary; /* refused with 4xx */
    bool final;     /* the refusal ends the message qid */
    bool queued;    /* LOG_MESSAGE: it was taken */
    bool authenticated;
    bool spam;
    bool discarded; /* by the filter, which takes it for good all the same */
};

/* s[0..n): a line without its end, of the programs below or a record of ours; with a stamp of
 * stamp.h or in the form of RFC 5424. True when the kind is not LOG_NOTHING. */
bool logline_read(struct log_event *e, const char *s, size_t n);

/* For line.c: message is the line after the program's name. */

/* smtpd, postscreen, cleanup, qmgr and the delivery agents, under any syslog name. */
void log_postfix(struct log_event *e, const struct log_text *program, struct log_text message);
void log_sendmail(struct log_event *e, struct log_text message);
/* The spam verdicts of amavis, rspamd and spamd. */
void log_filter(struct log_event *e, const struct log_text *program, struct log_text message);

#endif
