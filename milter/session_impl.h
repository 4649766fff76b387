/* What a session knows: for session.c, which is told, and decide.c, which decides.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SESSION_IMPL_H
#define IPREV_SESSION_IMPL_H

#include "dns/inquiry.h"
#include "milter/forged.h"
#include "milter/identity.h"
#include "milter/relay.h"
#include "milter/snapshot.h"

#define KINDS_MAX 16 /* of recipients; of decisions told */

/* Recipients to which the same rules apply, and that were not refused. */
struct recipients {
    rule_set without;            /* rules that do not apply to them */
    enum record_memory greylist; /* what memory said when they were accepted */
    bool pending;                /* the greylist is asked at the end of the message */
};

/* A decision that was told. */
struct told {
    const char *rule_name;
    enum action action;
    enum record_memory memory;
};

struct session {
    const struct session_pause *pause; /* see session.h */
    struct snapshot *snapshot;
    struct relay relay;
    bool counted; /* by proxywarn */
    struct inquiry inquiry;
    struct identity *identity; /* NULL: not needed yet */
    char mta_resolve[8];
    unsigned raw_len;
    char *raw; /* the HELO argument for the log, cut */
    /* message */
    bool authenticated;
    bool spared, others; /* a recipient is exempt: the message goes through; a recipient is not */
    rule_set spared_without; /* if so: rules that apply to none of those that are exempt */
    bool decided;            /* at a stage before the end of message */
    bool refused;            /* a recipient was, or was put off */
    unsigned wait_ms;        /* for this message */
    enum remembered known;
    bool known_asked;
    bool memory_failed;             /* for this message: it is not asked again */
    unsigned memory_ms;             /* waited in this callback */
    char sender[SENDER_DOMAIN_MAX]; /* its domain, where a greylist wants it; "": the null sender */
    char *pending; /* the first recipient for whom the greylist is asked at the end */
    uint8_t kinds, tolds;
    struct recipients kind[KINDS_MAX];
    struct told told[KINDS_MAX];
    struct forged forged;
};

_Static_assert(sizeof(struct session) + FORGED_DEPTH / 8 <= 4096, "bound of a connection's state");

/* Who we are. Forged fields are found even when no connect came. */
const struct identity *session_us(struct session *s);

/* A trusted relay is connected: its messages name the clients. */
static inline bool session_relayed(const struct session *s)
{
    return s->relay.addr.family != ADDR_NONE;
}

#endif
