/* One SMTP client at one MTA: per-connection and per-message state.
 *
 * Knows nothing of libmilter, so tests drive it directly. Order-free: any call may
 * come first, repeat, or be missing. The calls for one session may come on
 * different threads, never two at once. Only session_decide and session_eom may
 * wait, at most until the client's deadline and twice MEMORY_WAIT_MS.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SESSION_H
#define IPREV_SESSION_H

#include "conf/settings.h"
#include "milter/snapshot.h"
#include "outcome/verdict.h"
#include "value/checked.h"

struct session;

/* Called on the waiting thread just before session code blocks, and just after. */
struct session_pause {
    void (*before)(void);
    void (*after)(void);
};

/* Works from the snapshot in force. pause: constant, or NULL. NULL without memory or
 * snapshot. */
MUST_CHECK struct session *session_new(const struct session_pause *pause);
void session_free(struct session *s); /* NULL is fine */

const struct settings *session_settings(const struct session *s);

/* What the MTA says at connect. Texts may be NULL. */
struct session_peer {
    struct addr addr;           /* ADDR_NONE: the MTA gave none */
    bool local;                 /* submitted on the MTA's own machine */
    const char *mta_name;       /* {j} */
    const char *mta_addr;       /* {if_addr} or {daemon_addr} */
    const char *client_resolve; /* {client_resolve}: OK, FORGED, FAIL, TEMP */
};

/* Forgets the client before; the first DNS question goes out before this returns. */
void session_connect(struct session *s, const struct session_peer *peer);

void session_helo(struct session *s, const char *argument);

/* A new message begins. authenticated: {auth_authen} is set. */
void session_mail(struct session *s, bool authenticated);

/* After session_mail: the sender as in MAIL FROM. */
void session_sender(struct session *s, const char *sender);

/* A recipient; session_decide at STAGE_RCPT does this itself. True: it is exempt. */
bool session_recipient(struct session *s, const char *recipient);

/* A header field of the message. */
void session_header(struct session *s, const char *name, const char *value);

/* The message is over, or will not come. */
void session_reset(struct session *s);

/* Rules ask for recipients: some apply to a few of them, or greylist. */
bool session_wants_recipients(const struct settings *set);

struct outcome {
    bool refuse;
    bool permanent;     /* else temporary */
    struct reply reply; /* when refuse */
};

/* Is a decision due at this stage? Then waits for DNS and makes it. recipient: at
 * STAGE_RCPT, else NULL. qid: queue id when the MTA has one already, or NULL. */
void session_decide(struct session *s, enum reject_stage stage, const char *recipient,
                    const char *qid, struct outcome *out);

struct message {
    /* Decided only now: RCPT was never seen, or there are more forged fields than may be
     * removed. */
    struct outcome outcome;
    bool quarantine;
    char reason[64]; /* of the quarantine */
    /* Forged fields to remove, n-th of their name, counted from 1. */
    unsigned x_iprev; /* all of X-IPRev: 1 to this */
    unsigned authres; /* of Authentication-Results: look at 1 to this */
    /* Fields to put in; empty: none. */
    char authres_value[AUTHRES_VALUE_MAX];
    char x_iprev_value[RECORD_HEADER_MAX];
};

/* End of message. Afterwards the session is ready for the next. */
void session_eom(struct session *s, const char *qid, struct message *out);

/* Is the n-th Authentication-Results field of the message forged? Valid between
 * session_eom and session_reset. */
bool session_forged(const struct session *s, unsigned n);

#endif
