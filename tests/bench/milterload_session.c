/* One session of milterload with the filter: see milterload_session.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/bench/milterload_session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REPLIES_MAX 65536 /* octets read at once */

struct session {
    int fd; /* -1: closed */
    bool hold, held, waiting, thinking;
    bool gone; /* the filter went away during a thought */
    enum step step;
    unsigned part, messages;
    uint64_t opened, asked; /* when the session began, when the reply was asked for */
    uint64_t step_wait, sum;
    uint64_t patience;             /* when it ends */
    struct session *older, *newer; /* those that wait, by patience */
    struct session *next;          /* those that think, by the end of it */
    uint64_t wake;
    struct client client;
    const char *outcome; /* of the message under way */
    struct terms terms;
    struct buffer out, in;
    size_t written;
};

struct session_settings session_settings = {
    .patience_ns = 60000000000u, .messages = 1, .mail = {.headers = 8, .body = 1024}};

static struct {
    struct sockaddr_storage addr;
    socklen_t len;
} target;

static struct {
    int epoll;
    unsigned all, concurrent, idle, free_n;
    struct session *memory, **slot, **free;
    struct session *oldest, *newest;          /* waiting for a reply */
    struct session *think_first, *think_last; /* all think equally long: a queue */
} pool;

/* ---- the socket ---- */

static bool target_unix(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof sa.sun_path)
        return false;
    memcpy(sa.sun_path, path, strlen(path));
    memcpy(&target.addr, &sa, sizeof sa);
    target.len = sizeof sa;
    return true;
}

static bool target_inet(const char *text)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    char *at;
    unsigned long port = strtoul(text, &at, 10);

    if (*at != '@' || port == 0 || port > 65535 || inet_pton(AF_INET, at + 1, &sa.sin_addr) != 1)
        return false;
    sa.sin_port = htons((uint16_t)port);
    memcpy(&target.addr, &sa, sizeof sa);
    target.len = sizeof sa;
    return true;
}

bool session_target(const char *text)
{
    if (strncmp(text, "unix:", 5) == 0)
        return target_unix(text + 5);
    return strncmp(text, "inet:", 5) == 0 && target_inet(text + 5);
}

bool session_targeted(void)
{
    return target.len > 0;
}

/* ---- the pool ---- */

struct session **sessions_new(int epoll, unsigned concurrent, unsigned idle)
{
    unsigned i;

    pool.epoll = epoll;
    pool.concurrent = concurrent;
    pool.all = concurrent + idle;
    pool.memory = calloc(pool.all, sizeof *pool.memory);
    pool.slot = calloc(pool.all, sizeof(struct session *));
    pool.free = calloc(pool.all, sizeof(struct session *));
    if (pool.memory == NULL || pool.slot == NULL || pool.free == NULL)
        abort();
    for (i = 0; i < pool.all; i++) {
        pool.slot[i] = &pool.memory[i];
        pool.slot[i]->fd = -1;
    }
    for (i = concurrent; i > 0; i--)
        pool.free[pool.free_n++] = pool.slot[i - 1];
    return pool.slot;
}

void sessions_free(void)
{
    unsigned i;

    for (i = 0; i < pool.all; i++) {
        free(pool.memory[i].out.data);
        free(pool.memory[i].in.data);
    }
    free(pool.memory);
    free(pool.slot);
    free(pool.free);
}

unsigned session_free_count(void)
{
    return pool.free_n;
}

struct session *session_take_free(void)
{
    return pool.free[--pool.free_n];
}

unsigned session_idle_count(void)
{
    return pool.idle;
}

/* ---- clocks ---- */

static void patience_end(struct session *s)
{
    if (!s->waiting)
        return;
    s->waiting = false;
    *(s->older != NULL ? &s->older->newer : &pool.oldest) = s->newer;
    *(s->newer != NULL ? &s->newer->older : &pool.newest) = s->older;
}

static void patience_begin(struct session *s)
{
    patience_end(s);
    s->waiting = true;
    s->asked = now_ns();
    s->patience = s->asked + session_settings.patience_ns;
    s->newer = NULL;
    s->older = pool.newest;
    *(pool.newest != NULL ? &pool.newest->newer : &pool.oldest) = s;
    pool.newest = s;
}

static void think(struct session *s)
{
    s->thinking = true;
    s->wake = now_ns() + session_settings.think_ns;
    s->next = NULL;
    *(pool.think_first != NULL ? &pool.think_last->next : &pool.think_first) = s;
    pool.think_last = s;
}

uint64_t session_next_timer(void)
{
    uint64_t t = pool.think_first != NULL ? pool.think_first->wake : UINT64_MAX;

    return pool.oldest != NULL && pool.oldest->patience < t ? pool.oldest->patience : t;
}

/* ---- ends ---- */

void session_close(struct session *s)
{
    if (s->fd < 0)
        return;
    patience_end(s);
    close(s->fd);
    s->fd = -1;
    s->out.len = s->in.len = s->written = 0;
    pool.idle -= s->held;
    if (!s->hold)
        pool.free[pool.free_n++] = s;
}

static void lose(struct session *s, uint64_t *count)
{
    ++*count;
    stats.broken++;
    session_close(s);
}

/* What came of a message is one of the words that its client's line allows? */
static void compare(struct session *s)
{
    const char *got = s->outcome != NULL ? s->outcome : "none", *at = s->client.expect;
    size_t n = strlen(got);

    s->outcome = NULL;
    if (at[0] == '\0')
        return;
    while ((at = strstr(at, got)) != NULL) {
        if ((at == s->client.expect || at[-1] == ',') && (at[n] == ',' || at[n] == '\0'))
            return;
        at += n;
    }
    if (stats.wrong++ < 20)
        fprintf(stderr, "milterload: wrong: %s %s came out as %s, not %s\n", s->client.ip,
                s->client.helo, got, s->client.expect);
}

/* Says goodbye without waiting, as the MTA does. */
static void leave(struct session *s, bool abort_first)
{
    wire_quit(&s->out, abort_first);
    if (send(s->fd, s->out.data + s->written, s->out.len - s->written,
             MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        stats.broken++;
    histogram_add(&stats.step[S_SUM], s->sum);
    stats.done++;
    session_close(s);
}

/* ---- steps ---- */

/* Sends what is there; false when the filter is gone. The rest goes out on EPOLLOUT. */
static bool flush(struct session *s)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};

    while (s->written < s->out.len) {
        ssize_t n = send(s->fd, s->out.data + s->written, s->out.len - s->written,
                         MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EAGAIN) {
            ev.events |= EPOLLOUT;
            epoll_ctl(pool.epoll, EPOLL_CTL_MOD, s->fd, &ev);
            return true;
        }
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            s->written += (size_t)n;
    }
    s->out.len = s->written = 0;
    return true;
}

/* Sends the step's next part; true when a reply is owed now. */
static bool send_part(struct session *s)
{
    if (s->step != S_NEGOTIATE &&
        !wire_step(&s->out, s->step, &s->part, &s->terms, &s->client, &session_settings.mail))
        return false;
    if (s->step == S_NEGOTIATE)
        wire_negotiate(&s->out);
    patience_begin(s);
    if (!flush(s))
        lose(s, &stats.protocol_errors);
    return true;
}

static void step_over(struct session *s)
{
    if (!s->hold)
        histogram_add(&stats.step[s->step], s->step_wait);
    s->step_wait = 0;
    s->part = 0;
}

/* From one step to the next, as long as no reply is owed and no thought is needed. */
static void go_on(struct session *s)
{
    for (;;) {
        if (s->step == S_EOM) {
            stats.accepted += !s->hold;
            compare(s);
            if (++s->messages == session_settings.messages) {
                leave(s, false);
                return;
            }
            s->step = S_HELO;
        }
        if (s->step == S_HELO && s->hold) {
            s->held = true;
            pool.idle++;
            return;
        }
        s->step++;
        if (s->step > S_CONNECT && session_settings.think_ns > 0 && !s->hold) {
            think(s);
            return;
        }
        if (send_part(s))
            return;
        step_over(s);
    }
}

static void after_thought(struct session *s)
{
    s->thinking = false;
    if (s->gone) {
        lose(s, &stats.protocol_errors);
        return;
    }
    if (send_part(s))
        return;
    step_over(s);
    go_on(s);
}

void session_timers(uint64_t now)
{
    while (pool.oldest != NULL && pool.oldest->patience <= now)
        lose(pool.oldest, &stats.timeouts);
    while (pool.think_first != NULL && pool.think_first->wake <= now) {
        struct session *s = pool.think_first;

        pool.think_first = s->next;
        if (pool.think_first == NULL)
            pool.think_last = NULL;
        after_thought(s);
    }
}

/* ---- replies ---- */

/* The reply that was owed has come. */
static void answered(struct session *s, enum reply r)
{
    uint64_t waited = now_ns() - s->asked;
    bool negotiating = s->step == S_NEGOTIATE;

    patience_end(s);
    s->step_wait += waited;
    s->sum += waited;
    if (negotiating != (r == REPLY_TERMS)) {
        lose(s, &stats.protocol_errors);
    } else if (r == REPLY_ACCEPT || r == REPLY_REFUSE) {
        step_over(s);
        stats.accepted += r == REPLY_ACCEPT;
        compare(s);
        leave(s, s->step > S_HELO && s->step < S_EOM);
    } else if (negotiating || wire_step_over(s->step, s->part, &session_settings.mail)) {
        step_over(s);
        go_on(s);
    } else if (!send_part(s)) { /* a message ends with an owed reply: never */
        lose(s, &stats.protocol_errors);
    }
}

static void read_replies(struct session *s)
{
    size_t at = 0, used = 0;

    while (s->fd >= 0 && at < s->in.len) {
        enum reply r = wire_read(s->in.data + at, s->in.len - at, &used, &s->terms);

        if (r == REPLY_MORE)
            break;
        if (r == REPLY_GARBAGE || !s->waiting) {
            lose(s, &stats.protocol_errors);
            return;
        }
        at += used;
        if (wire_outcome != NULL)
            s->outcome = wire_outcome;
        if (r != REPLY_CHANGE)
            answered(s, r);
    }
    if (s->fd < 0)
        return;
    memmove(s->in.data, s->in.data + at, s->in.len - at);
    s->in.len -= at;
}

void session_event(struct session *s, uint32_t events)
{
    static uint8_t bytes[REPLIES_MAX];
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};
    ssize_t n;

    if (s->fd < 0)
        return;
    if ((events & EPOLLOUT) != 0) {
        epoll_ctl(pool.epoll, EPOLL_CTL_MOD, s->fd, &ev);
        if (!flush(s)) {
            lose(s, &stats.protocol_errors);
            return;
        }
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
        return;
    n = recv(s->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        s->gone = true;
        if (s->thinking) /* it is in the queue of those that think */
            epoll_ctl(pool.epoll, EPOLL_CTL_DEL, s->fd, NULL);
        else
            lose(s, &stats.protocol_errors);
        return;
    }
    buffer_add(&s->in, bytes, (size_t)n);
    read_replies(s);
}

/* ---- the beginning ---- */

void session_open(struct session *s, bool hold)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};
    int on = 1;

    s->hold = hold;
    s->held = s->waiting = s->gone = false;
    s->step = S_NEGOTIATE;
    s->part = s->messages = 0;
    s->outcome = NULL;
    s->step_wait = s->sum = 0;
    memset(&s->terms, 0, sizeof s->terms);
    clients_next(&s->client);
    s->opened = now_ns();
    s->fd = socket(target.addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&target.addr, target.len) != 0 ||
        epoll_ctl(pool.epoll, EPOLL_CTL_ADD, s->fd, &ev) != 0) {
        if (s->fd < 0)
            s->fd = dup(STDERR_FILENO); /* so that it can be closed as any other */
        lose(s, &stats.connect_errors);
        return;
    }
    if (session_settings.nodelay)
        setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    send_part(s);
    if (s->fd >= 0)
        s->asked = s->opened; /* connecting is part of the wait */
}
