/* Questions to the resolver and to single name servers: see ask.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/ask.h"

#include "dns/context.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <ldns/ldns.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unbound-event.h>
#include <unistd.h>

#define HEADER    12
#define EDNS_SIZE 1232 /* fits every path, so that no fragment can get lost */
#define QUERY_MAX 512
#define REPLY_MAX 65535

struct asker {
    struct event_base *base;
    struct ub_ctx *ctx;
    struct zonefile zone;
    struct ask *list; /* of the run */
    size_t n, next, open;
    struct flight *flight[ASK_AT_ONCE]; /* those under way, in no order */
};

/* One question under way. */
struct flight {
    struct asker *asker;
    struct ask *ask; /* NULL: nobody waits for it any more */
    struct event *io, *timer;
    int fd;
    unsigned tries;
    bool asked; /* something was sent */
    bool closed, no_edns;
    size_t length, sent, got;     /* octets of query and reply, the two of the length included */
    uint8_t query[2 + QUERY_MAX]; /* as TCP has it: the length in front */
    uint8_t reply[2 + REPLY_MAX];
};

static void start_more(struct asker *a);

/* ---- the question ---- */

static bool make_query(struct flight *f)
{
    ldns_rdf *name =
        ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, f->ask->name.len, f->ask->name.wire);
    ldns_pkt *pkt = ldns_pkt_query_new(
        name, (ldns_rr_type)f->ask->type, LDNS_RR_CLASS_IN,
        (uint16_t)((f->ask->recurse ? LDNS_RD : 0) | (f->ask->unchecked ? LDNS_CD : 0)));
    uint8_t *wire = NULL;
    uint16_t id = 0;
    size_t n = 0;
    bool ok = false;

    if (pkt == NULL) {
        ldns_rdf_deep_free(name);
        return false;
    }
    if (getrandom(&id, sizeof id, 0) == sizeof id) {
        ldns_pkt_set_id(pkt, id);
        if (!f->no_edns)
            ldns_pkt_set_edns_udp_size(pkt, EDNS_SIZE);
        ok = ldns_pkt2wire(&wire, pkt, &n) == LDNS_STATUS_OK && n <= QUERY_MAX;
    }
    if (ok) {
        f->query[0] = (uint8_t)(n >> 8);
        f->query[1] = (uint8_t)n;
        memcpy(f->query + 2, wire, n);
        f->length = n + 2;
    }
    free(wire);
    ldns_pkt_free(pkt);
    return ok;
}

/* Octets of the one question of our query, behind the header. */
static size_t question_octets(const struct flight *f)
{
    return f->ask->name.len + 4u;
}

/* Letters of the name may come back in the other case. */
static bool is_reply(const struct flight *f, const uint8_t *msg, size_t n)
{
    const uint8_t *query = f->query + 2;
    size_t q = question_octets(f);
    struct dname name;

    return n >= HEADER + q && memcmp(msg, query, 2) == 0 && (msg[2] & 0xF8) == 0x80 &&
           msg[4] == 0 && msg[5] == 1 &&
           memcmp(msg + HEADER + q - 4, query + HEADER + q - 4, 4) == 0 &&
           dname_from_wire(&name, msg + HEADER, q - 4) && dname_equal(&name, &f->ask->name);
}

/* ---- the end of one ---- */

static void drop_socket(struct flight *f)
{
    if (f->io != NULL)
        event_free(f->io);
    f->io = NULL;
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
    f->sent = f->got = 0;
}

static void flight_free(struct flight *f)
{
    drop_socket(f);
    if (f->timer != NULL)
        event_free(f->timer);
    free(f);
}

static enum ask_end keep(struct ask *ask, const uint8_t *msg, size_t n)
{
    ask->msg = malloc(n);
    if (ask->msg == NULL)
        return ASK_NOT_ASKED;
    memcpy(ask->msg, msg, n);
    ask->len = n;
    return ASK_ANSWERED;
}

/* What no answer means: silent is only who was asked to the last try. */
static enum ask_end unheard(const struct flight *f)
{
    return !f->asked || f->tries < ASK_TRIES ? ASK_NOT_ASKED : f->closed ? ASK_CLOSED : ASK_SILENT;
}

/* It is no longer under way. */
static void leave(struct flight *f)
{
    struct asker *a = f->asker;
    size_t i = 0;

    while (a->flight[i] != f)
        i++;
    a->flight[i] = a->flight[--a->open];
}

static void land(struct flight *f, enum ask_end end)
{
    struct asker *a = f->asker;

    f->ask->end = end;
    leave(f);
    flight_free(f);
    start_more(a);
    if (a->open == 0)
        event_base_loopbreak(a->base);
}

/* ---- one server ---- */

static void on_socket(evutil_socket_t fd, short what, void *arg);

/* False with the reason in errno. */
static bool open_socket(struct flight *f)
{
    const struct addr *to = &f->ask->server;
    in_port_t port = htons(f->ask->port != 0 ? f->ask->port : LDNS_PORT);
    struct sockaddr_in six4 = {.sin_family = AF_INET, .sin_port = port};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = port};
    bool four = to->family == ADDR_IPV4;
    int type = f->ask->way == ASK_TCP ? SOCK_STREAM : SOCK_DGRAM;

    memcpy(&six4.sin_addr, to->bytes, 4);
    memcpy(&six.sin6_addr, to->bytes, 16);
    f->fd = socket(four ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (f->fd < 0)
        return false;
    if (connect(f->fd, four ? (const struct sockaddr *)&six4 : (const struct sockaddr *)&six,
                four ? sizeof six4 : sizeof six) != 0 &&
        errno != EINPROGRESS)
        return false;
    f->io = event_new(f->asker->base, f->fd,
                      (short)(EV_PERSIST | EV_READ | (f->ask->way == ASK_TCP ? EV_WRITE : 0)),
                      on_socket, f);
    return f->io != NULL && event_add(f->io, NULL) == 0;
}

/* Nothing more is expected of this socket: the next try opens another. */
static void fail_try(struct flight *f, int error)
{
    if (error == ECONNREFUSED)
        f->closed = f->asked = true;
    drop_socket(f);
    if (error == ENETUNREACH || error == EHOSTUNREACH || error == EADDRNOTAVAIL)
        land(f, ASK_UNREACHABLE);
}

/* A whole message. A server that does not know EDNS gets the question once more without. */
static void take(struct flight *f, const uint8_t *msg, size_t n)
{
    if (!is_reply(f, msg, n))
        return;
    if ((msg[3] & 15) == LDNS_RCODE_FORMERR && !f->no_edns) {
        f->no_edns = true;
        drop_socket(f);
        if (make_query(f)) {
            f->tries = f->tries < ASK_TRIES ? f->tries : ASK_TRIES - 1;
            event_active(f->timer, EV_TIMEOUT, 0);
            return;
        }
    }
    land(f, keep(f->ask, msg, n));
}

static void read_tcp(struct flight *f)
{
    size_t want = f->got < 2 ? 2 : 2u + ((size_t)f->reply[0] << 8 | f->reply[1]);
    ssize_t n = recv(f->fd, f->reply + f->got, want - f->got, 0);

    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            fail_try(f, n == 0 ? ECONNRESET : errno);
        return;
    }
    f->got += (size_t)n;
    want = f->got < 2 ? 2 : 2u + ((size_t)f->reply[0] << 8 | f->reply[1]);
    if (f->got < 2 || f->got < want)
        return;
    if (is_reply(f, f->reply + 2, want - 2))
        take(f, f->reply + 2, want - 2);
    else
        fail_try(f, EPROTO);
}

static void write_tcp(struct flight *f)
{
    ssize_t n = send(f->fd, f->query + f->sent, f->length - f->sent, MSG_NOSIGNAL);

    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR)
            fail_try(f, errno);
        return;
    }
    f->sent += (size_t)n;
    if (f->sent < f->length)
        return;
    event_del(f->io);
    event_assign(f->io, f->asker->base, f->fd, EV_PERSIST | EV_READ, on_socket, f);
    event_add(f->io, NULL);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct flight *f = arg;
    ssize_t n;

    if (f->ask->way == ASK_TCP) {
        if (what & EV_WRITE)
            write_tcp(f);
        else
            read_tcp(f);
        return;
    }
    n = recv(fd, f->reply, REPLY_MAX, 0);
    if (n >= 0)
        take(f, f->reply, (size_t)n);
    else if (errno != EAGAIN && errno != EINTR)
        fail_try(f, errno);
}

/* The next try: by UDP the question again, by TCP another connection unless an answer comes in. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval wait[ASK_TRIES] = {{0, 400000}, {0, 600000}, {0, 800000},
                                                   {1, 0},      {1, 0},      {1, 0}};
    struct flight *f = arg;
    bool udp = f->ask->way == ASK_UDP;

    (void)fd;
    (void)what;
    if (f->tries == ASK_TRIES) {
        land(f, unheard(f));
        return;
    }
    event_add(f->timer, &wait[f->tries++]);
    if (!udp && f->got == 0)
        drop_socket(f);
    if ((f->fd < 0 && !open_socket(f)) ||
        (udp && send(f->fd, f->query + 2, f->length - 2, MSG_NOSIGNAL) < 0))
        fail_try(f, errno);
    else
        f->asked = true;
}

/* ---- the resolver ---- */

static void on_resolver(void *arg, int rcode, void *packet, int len, int sec, char *why_bogus,
                        int was_ratelimited)
{
    struct flight *f = arg;

    (void)why_bogus;
    (void)was_ratelimited;
    if (f->ask == NULL) { /* after the end of the run */
        flight_free(f);
        return;
    }
    land(f, sec == 1 ? ASK_BOGUS
            : (rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN) && len >= HEADER
                ? keep(f->ask, packet, (size_t)len)
                : ASK_FAILED);
}

static bool ask_resolver(struct flight *f)
{
    char text[DNAME_QUERY_MAX];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    dname_put_query(&sb, &f->ask->name);
    return ub_resolve_event(f->asker->ctx, text, f->ask->type, LDNS_RR_CLASS_IN, f, on_resolver,
                            NULL) == 0;
}

/* ---- all of them ---- */

static void start_one(struct asker *a, struct ask *ask)
{
    struct flight *f = calloc(1, sizeof *f);
    static const struct timeval now = {0, 0};
    bool ok;

    if (f == NULL || (ask->way != ASK_RESOLVER && ask->server.family == ADDR_NONE)) {
        free(f);
        return;
    }
    *f = (struct flight){.asker = a, .ask = ask, .fd = -1};
    ask->end = ASK_SILENT;
    a->flight[a->open++] = f;
    if (ask->way == ASK_RESOLVER) {
        ok = ask_resolver(f);
    } else {
        f->timer = evtimer_new(a->base, on_timer, f);
        ok = f->timer != NULL && make_query(f) && event_add(f->timer, &now) == 0;
    }
    if (!ok) {
        ask->end = ASK_NOT_ASKED;
        leave(f);
        flight_free(f);
    }
}

static void start_more(struct asker *a)
{
    while (a->next < a->n && a->open < ASK_AT_ONCE)
        start_one(a, &a->list[a->next++]);
}

struct asker *asker_new(const struct resolver_settings *s)
{
    struct asker *a = calloc(1, sizeof *a);
    struct resolver_settings own = *s;
    char err[512] = "out of memory";

    if (a != NULL && (s->zone == NULL || s->zone[0] == '\0' ||
                      zonefile_read(&a->zone, s->zone, err, sizeof err))) {
        own.whole_ttl = true; /* it is shown when an answer ends */
        a->base = event_base_new();
        if (a->base != NULL)
            a->ctx = context_new(a->base, &own, context_ports(s), &a->zone, err, sizeof err);
    }
    if (a != NULL && a->ctx != NULL)
        return a;
    fprintf(stderr, "iprev-check: resolver: %s\n", err);
    asker_free(a);
    return NULL;
}

void asker_free(struct asker *a)
{
    if (a == NULL)
        return;
    if (a->ctx != NULL)
        context_delete(a->ctx);
    if (a->base != NULL)
        event_base_free(a->base);
    zonefile_free(&a->zone);
    free(a);
}

/* Those that are under way when time is up. libunbound may still call back for its own. */
static void give_up(struct asker *a)
{
    while (a->open > 0) {
        struct flight *f = a->flight[0];

        leave(f);
        if (f->ask->way == ASK_RESOLVER) {
            f->ask->end = ASK_SILENT;
            f->ask = NULL;
        } else {
            f->ask->end = unheard(f);
            flight_free(f);
        }
    }
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(arg);
}

void asker_run(struct asker *a, struct ask *list, size_t n, unsigned ms)
{
    struct event *timer = evtimer_new(a->base, on_end, a->base);
    const struct timeval end = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

    a->list = list;
    a->n = n;
    a->next = 0;
    start_more(a);
    if (a->open > 0 && timer != NULL && event_add(timer, &end) == 0)
        event_base_dispatch(a->base);
    if (timer != NULL)
        event_free(timer);
    a->next = a->n;
    give_up(a);
}
