/* libmilter's callbacks: see callbacks.h.
 *
 * connect and helo always reply: with the no-reply flags Postfix keeps their packets
 * back until a step that owes a reply, and DNS would start late. On an inet socket DATA
 * is kept and replied to only so that Postfix empties its buffer before end of message;
 * without, a message waits for a delayed acknowledgement. Header fields are left
 * unanswered: a reply to each would cost more than all the rest of a session. So are MAIL
 * and RCPT where nothing is decided there.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/callbacks.h"
#include "conf/settings.h"

#include "milter/daemon.h"
#include "milter/log.h"
#include "milter/pool.h"
#include "milter/session.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

static sfsistat leave(sfsistat s)
{
    pool_leave();
    return s;
}

/* The session of a connection; made when the MTA skipped the steps before. */
static struct session *session_of(SMFICTX *ctx)
{
    static const struct session_pause pause = {pool_before_wait, pool_after_wait};
    struct session *s = smfi_getpriv(ctx);

    if (s == NULL) {
        s = session_new(&pause);
        if (s != NULL && smfi_setpriv(ctx, s) != MI_SUCCESS) {
            session_free(s);
            s = NULL;
        }
        if (s == NULL)
            log_line(LOG_ERR, "out of memory: a connection goes unchecked");
    }
    return s;
}

static char *macro(SMFICTX *ctx, const char *name)
{
    char copy[32];

    memcpy(copy, name, strlen(name) + 1);
    return smfi_getsymval(ctx, copy);
}

/* ---- negotiation ---- */

/* Recipients matter where something is refused at RCPT, and wherever one that is exempt
 * would change what is done: in monitor mode, what is said of it. */
static bool rcpt_matters(const struct settings *set)
{
    bool exempt = set->exempt.recipients.n > 0;

    if (set->reject_at == STAGE_RCPT && (set->judge.enforce || exempt))
        return true;
    return session_wants_recipients(set) ||
           (exempt && policy_has(&set->judge.policy, ACTION_QUARANTINE));
}

static unsigned long actions_wanted(const struct settings *set)
{
    unsigned long f = 0;

    if (set->judge.authentication_results || set->judge.x_iprev)
        f |= SMFIF_ADDHDRS;
    if (set->headers.remove_forged)
        f |= SMFIF_CHGHDRS;
    if (set->judge.enforce && policy_has(&set->judge.policy, ACTION_QUARANTINE))
        f |= SMFIF_QUARANTINE;
    return f;
}

/* Asked for whatever the MTA offers: libmilter answers in our place one that wants replies,
 * and the callbacks may rely on it. */
static const unsigned long unanswered = SMFIP_NR_HDR | SMFIP_NR_EOH;

/* Steps at which something may be refused, so that the MTA is asked to wait for a reply. */
enum { REPLY_MAIL = 1, REPLY_RCPT = 2, REPLIES = REPLY_MAIL | REPLY_RCPT };

static unsigned replies_wanted(const struct settings *set)
{
    if (!set->judge.enforce)
        return 0;
    return set->reject_at == STAGE_RCPT ? REPLY_RCPT : REPLY_MAIL;
}

/* At which steps the MTA waits is negotiated once for a connection. It may then bring several
 * clients, one after the other (QUIT_NC), and a reload may lie between them: a reply that it waits
 * for must come all the same. libmilter does not tell what was negotiated, and a session ends with
 * its client, so it is kept here: the context, which is aligned, with the replies in its lowest
 * bits. For a context that was overwritten, today's settings count. */
static atomic_uintptr_t negotiated[4096];

static atomic_uintptr_t *place_of(const SMFICTX *ctx)
{
    uintptr_t at = (uintptr_t)ctx;

    return &negotiated[(at >> 6 ^ at >> 18) % (sizeof negotiated / sizeof negotiated[0])];
}

static void replies_agreed(const SMFICTX *ctx, unsigned replies)
{
    atomic_store_explicit(place_of(ctx), (uintptr_t)ctx | replies, memory_order_relaxed);
}

static unsigned replies_awaited(const SMFICTX *ctx, const struct settings *set)
{
    uintptr_t is = atomic_load_explicit(place_of(ctx), memory_order_relaxed);

    return (is & ~(uintptr_t)REPLIES) == (uintptr_t)ctx ? is & REPLIES : replies_wanted(set);
}

static unsigned long steps_unwanted(const struct settings *set)
{
    unsigned long p = SMFIP_NOBODY | SMFIP_NOUNKNOWN;

    if (daemon_listens_unix())
        p |= SMFIP_NODATA;

    if (!rcpt_matters(set))
        p |= SMFIP_NORCPT;
    return set->headers.remove_forged || set->trusted_relays.n > 0 ? p : p | SMFIP_NOHDRS;
}

static void ask_macros(SMFICTX *ctx)
{
    char connect[] = "j {daemon_addr} {if_addr} {client_resolve}";
    char mail[] = "i {auth_authen}";

    smfi_setsymlist(ctx, SMFIM_CONNECT, connect);
    smfi_setsymlist(ctx, SMFIM_ENVFROM, mail);
}

/* Without memory: no step, no change. */
static sfsistat negotiate_nothing(unsigned long offered, unsigned long *pf0, unsigned long *pf1,
                                  unsigned long *pf2, unsigned long *pf3)
{
    *pf0 = 0;
    *pf1 = (offered & (SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NOMAIL | SMFIP_NORCPT | SMFIP_NODATA |
                       SMFIP_NOHDRS | SMFIP_NOEOH | SMFIP_NOBODY | SMFIP_NOUNKNOWN)) |
           unanswered;
    *pf2 = 0;
    *pf3 = 0;
    return SMFIS_CONTINUE;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2,
                             unsigned long f3, unsigned long *pf0, unsigned long *pf1,
                             unsigned long *pf2, unsigned long *pf3)
{
    const struct settings *set;
    struct session *s;
    unsigned long wanted;
    unsigned replies;

    (void)f2;
    (void)f3;
    pool_enter(false);
    s = session_of(ctx);
    if (s == NULL)
        return leave(negotiate_nothing(f1, pf0, pf1, pf2, pf3));
    set = session_settings(s);
    wanted = actions_wanted(set);
    if ((f0 & wanted) != wanted) {
        log_line(LOG_ERR, "the MTA does not allow header changes: its connections are not checked");
        return leave(SMFIS_REJECT);
    }
    if ((f0 & SMFIF_SETSYMLIST) != 0) {
        wanted |= SMFIF_SETSYMLIST;
        ask_macros(ctx);
    }
    replies = replies_wanted(set);
    replies_agreed(ctx, replies);
    *pf0 = wanted;
    *pf1 = (f1 & steps_unwanted(set)) | unanswered |
           ((replies & REPLY_MAIL) != 0 ? 0 : SMFIP_NR_MAIL) |
           ((replies & REPLY_RCPT) != 0 ? 0 : SMFIP_NR_RCPT);
    *pf2 = 0;
    *pf3 = 0;
    return leave(SMFIS_CONTINUE);
}

/* ---- refusing ---- */

/* The text with every `%` doubled, as both MTAs want it. False: does not fit. */
static bool double_percent(char *out, size_t cap, const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++) {
        if (n + 2 >= cap)
            return false;
        if (*text == '%')
            out[n++] = '%';
        out[n++] = *text;
    }
    out[n] = '\0';
    return true;
}

static sfsistat refuse(SMFICTX *ctx, const struct outcome *o)
{
    char code[4] = {(char)('0' + o->reply.code / 100), (char)('0' + o->reply.code / 10 % 10),
                    (char)('0' + o->reply.code % 10), '\0'};
    char xcode[REPLY_XCODE_MAX], text[REPLY_TEXT_MAX * 2];

    memcpy(xcode, o->reply.xcode, sizeof xcode);
    if (!double_percent(text, sizeof text, o->reply.text) ||
        smfi_setreply(ctx, code, xcode, text) != MI_SUCCESS)
        log_line(LOG_WARNING, "the MTA refused our reply text and sends its own");
    return o->permanent ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

static sfsistat decide(SMFICTX *ctx, struct session *s, enum reject_stage stage,
                       const char *recipient)
{
    struct outcome o;

    session_decide(s, stage, recipient, macro(ctx, "i"), &o);
    return o.refuse ? refuse(ctx, &o) : SMFIS_CONTINUE;
}

/* ---- the steps ---- */

static struct addr client_address(const _SOCK_ADDR *sa)
{
    struct addr none = {.family = ADDR_NONE};
    union {
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } u;

    if (sa != NULL && sa->sa_family == AF_INET) {
        memcpy(&u.v4, sa, sizeof u.v4);
        return addr_from_bytes(ADDR_IPV4, &u.v4.sin_addr);
    }
    if (sa != NULL && sa->sa_family == AF_INET6) {
        memcpy(&u.v6, sa, sizeof u.v6);
        return addr_from_bytes(ADDR_IPV6, &u.v6.sin6_addr);
    }
    return none;
}

/* Handed over by a program on the MTA's machine: no network peer at all
 * (sendmail -bs, a unix-domain smtpd), or Postfix's stand-in with port 0. */
static bool is_local(const char *host, const _SOCK_ADDR *sa, const struct addr *a)
{
    struct sockaddr_in v4;

    if (sa == NULL || a->family == ADDR_NONE)
        return host != NULL && strcmp(host, "localhost") == 0;
    if (sa->sa_family != AF_INET || !addr_is_loopback(a))
        return false;
    memcpy(&v4, sa, sizeof v4);
    return v4.sin_port == 0;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *sa)
{
    struct session *s;
    struct session_peer peer = {.addr = client_address(sa)};

    pool_enter(false);
    s = session_of(ctx);
    if (s == NULL)
        return leave(SMFIS_ACCEPT);
    peer.local = is_local(host, sa, &peer.addr);
    peer.mta_name = macro(ctx, "j");
    /* Sendmail's {daemon_addr} is what it listens on, often 0.0.0.0; Postfix has no {if_addr}. */
    peer.mta_addr = macro(ctx, "{if_addr}");
    if (peer.mta_addr == NULL)
        peer.mta_addr = macro(ctx, "{daemon_addr}");
    peer.client_resolve = macro(ctx, "{client_resolve}");
    session_connect(s, &peer);
    return leave(decide(ctx, s, STAGE_CONNECT, NULL));
}

static sfsistat on_helo(SMFICTX *ctx, char *argument)
{
    struct session *s;

    pool_enter(false);
    s = session_of(ctx);
    if (s == NULL)
        return leave(SMFIS_CONTINUE);
    session_helo(s, argument);
    return leave(decide(ctx, s, STAGE_HELO, NULL));
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
    struct session *s;
    const char *auth;

    pool_enter(false);
    s = session_of(ctx);
    if (s == NULL)
        return leave(SMFIS_CONTINUE);
    auth = macro(ctx, "{auth_authen}");
    session_mail(s, auth != NULL && auth[0] != '\0');
    session_sender(s, argv[0]);
    if ((replies_awaited(ctx, session_settings(s)) & REPLY_MAIL) == 0)
        return leave(SMFIS_NOREPLY);
    return leave(decide(ctx, s, STAGE_MAIL, NULL));
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
    struct session *s;

    pool_enter(false);
    s = session_of(ctx);
    if (s == NULL)
        return leave(SMFIS_CONTINUE);
    if ((replies_awaited(ctx, session_settings(s)) & REPLY_RCPT) == 0) {
        session_recipient(s, argv[0]);
        return leave(SMFIS_NOREPLY);
    }
    return leave(decide(ctx, s, STAGE_RCPT, argv[0]));
}

static sfsistat on_data(SMFICTX *ctx)
{
    (void)ctx;
    return SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    struct session *s;

    pool_enter(false);
    s = smfi_getpriv(ctx);
    if (s != NULL)
        session_header(s, name, value);
    return leave(SMFIS_NOREPLY);
}

/* libmilter takes the end of a message without headers only behind this step. */
static sfsistat on_eoh(SMFICTX *ctx)
{
    (void)ctx;
    return SMFIS_NOREPLY;
}

/* Deletes before inserting, from the highest index down: Postfix counts anew after each
 * change. Stops at the first that fails: our fields must not stand beside a forged one. */
static bool change_headers(SMFICTX *ctx, const struct session *s, struct message *m)
{
    char x_iprev[] = "X-IPRev", authres[] = "Authentication-Results";
    bool ok = true;
    unsigned n;

    errno = 0;
    for (n = m->x_iprev; n > 0 && ok; n--)
        ok = smfi_chgheader(ctx, x_iprev, (int)n, NULL) == MI_SUCCESS;
    for (n = m->authres; n > 0 && ok; n--)
        if (session_forged(s, n))
            ok = smfi_chgheader(ctx, authres, (int)n, NULL) == MI_SUCCESS;
    if (ok && m->x_iprev_value[0] != '\0')
        ok = smfi_insheader(ctx, 0, x_iprev, m->x_iprev_value) == MI_SUCCESS;
    if (ok && m->authres_value[0] != '\0')
        ok = smfi_insheader(ctx, 0, authres, m->authres_value) == MI_SUCCESS;
    return ok;
}

/* libmilter tells no cause, but leaves errno as the write to the MTA has set it. */
static void tell_unchanged(void)
{
    if (errno == EPIPE || errno == ECONNRESET)
        log_line(LOG_INFO, "the MTA closed the connection at the end of a message: its client "
                           "has probably gone away");
    else
        log_line(LOG_ERR, "the MTA refused a header change");
}

static sfsistat on_eom(SMFICTX *ctx)
{
    struct session *s;
    struct message m;
    sfsistat result = SMFIS_CONTINUE;

    pool_enter(false);
    s = session_of(ctx);
    if (s == NULL)
        return leave(SMFIS_CONTINUE);
    session_eom(s, macro(ctx, "i"), &m);
    if (m.outcome.refuse)
        result = refuse(ctx, &m.outcome);
    else if (!change_headers(ctx, s, &m))
        tell_unchanged();
    if (m.quarantine && smfi_quarantine(ctx, m.reason) != MI_SUCCESS)
        log_line(LOG_ERR, "the MTA refused to quarantine");
    session_reset(s);
    return leave(result);
}

static sfsistat on_abort(SMFICTX *ctx)
{
    struct session *s;

    pool_enter(false);
    s = smfi_getpriv(ctx);
    if (s != NULL)
        session_reset(s);
    return leave(SMFIS_CONTINUE);
}

static sfsistat on_close(SMFICTX *ctx)
{
    pool_enter(true);
    session_free(smfi_getpriv(ctx));
    smfi_setpriv(ctx, NULL);
    return leave(SMFIS_CONTINUE);
}

static char filter_name[] = "iprev-milter";

struct smfiDesc callbacks_desc = {
    .xxfi_name = filter_name,
    .xxfi_version = SMFI_VERSION,
    .xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE | SMFIF_SETSYMLIST,
    .xxfi_connect = on_connect,
    .xxfi_helo = on_helo,
    .xxfi_envfrom = on_mail,
    .xxfi_envrcpt = on_rcpt,
    .xxfi_header = on_header,
    .xxfi_eoh = on_eoh,
    .xxfi_eom = on_eom,
    .xxfi_abort = on_abort,
    .xxfi_close = on_close,
    .xxfi_data = on_data,
    .xxfi_negotiate = on_negotiate,
};
