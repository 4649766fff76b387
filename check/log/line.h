/* What one line of a mail log tells about a client or a message.
 *
 * Pure: bytes in, one event out; no memory, no clock. The event borrows the line. Lines
 * are hostile input: names, HELO and addresses in them were chosen by the clients.
 *
 * Known: Postfix (smtpd, postscreen, cleanup, qmgr and the delivery agents, under any
 * syslog name), Sendmail, our own records, and the spam verdicts of amavis, rspamd and
 * spamd. Stamps of RFC 3164, RFC 3339 and RFC 5424 are read, and those of journalctl.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_LOGLINE_H
#define IPREV_LOGLINE_H

#include "value/addr.h"

enum log_kind {
    LOG_NOTHING,    /* not known, or tells nothing we count */
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

struct log_text {
    const char *s; /* NULL: not told */
    size_t n;
};

/* As written; the zone is not looked at. year 0: not told. month 0: no stamp. */
struct log_stamp {
    uint16_t year;
    uint8_t month, day, hour, minute, second;
};

struct log_event {
    enum log_kind kind;
    struct log_stamp stamp;
    struct addr client;   /* ADDR_NONE: not told */
    struct log_text name; /* the MTA's name of the client */
    struct log_text qid, helo, recipient, message_id, record;
    struct log_text more;   /* recipients behind the first */
    struct log_text origin; /* LOG_MESSAGE: qid before a content filter (XFORWARD) */
    enum log_by by;
    enum log_opening opening;
    uint32_t
        times; /* LOG_REFUSED, LOG_CONNECT, LOG_RECORD: the logger has put so many into one line */
    enum log_state state;
    bool temporary; /* refused with 4xx */
    bool final;     /* the refusal ends the message qid */
    bool queued;    /* LOG_MESSAGE: it was taken */
    bool authenticated;
    bool spam;
    bool discarded; /* by the filter, which takes it for good all the same */
    bool shown;     /* helo is made visible, as record.h does */
};

/* s[0..n): a line without its end. True when the kind is not LOG_NOTHING. */
bool logline_read(struct log_event *e, const char *s, size_t n);

/* The next recipient of the line into e->recipient. False: there is no more. */
bool logline_next_recipient(struct log_event *e);

/* Seconds since 1970 of a stamp with a year, as if it were UTC; 0 for an impossible one. */
int64_t log_seconds(const struct log_stamp *stamp);

#endif
