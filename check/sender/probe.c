/* What a mail server says at port 25: see probe.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "check/sender/probe.h"

#include "dns/resolver.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT      25
#define FIRST_MS  5000
#define ALL_MS    15000
#define OCTETS    8192
#define LINES_MAX 64

/* One conversation; all that the server says is kept until its end. */
struct talk {
    struct probe *p;
    int fd;
    int64_t first, end; /* deadlines, resolver_now() based */
    unsigned lines;
    size_t used, at;
    char text[OCTETS];
};

static bool fail(struct talk *t, const char *text)
{
    snprintf(t->p->error, sizeof t->p->error, "%s", text);
    return false;
}

/* ---- octets ---- */

static bool dial(struct talk *t, const struct addr *a)
{
    struct sockaddr_in six4 = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
    bool four = a->family == ADDR_IPV4;
    socklen_t length = sizeof(int);
    int error = 0;

    memcpy(&six4.sin_addr, a->bytes, 4);
    memcpy(&six.sin6_addr, a->bytes, 16);
    t->fd = socket(four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (t->fd < 0)
        return fail(t, strerror(errno));
    if (connect(t->fd, four ? (const struct sockaddr *)&six4 : (const struct sockaddr *)&six,
                four ? sizeof six4 : sizeof six) == 0)
        return true;
    if (errno != EINPROGRESS)
        return fail(t, strerror(errno));
    if (!socket_ready(t->fd, true, t->first))
        return fail(t, "no answer in time");
    if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0)
        return fail(t, strerror(error));
    return true;
}

static bool hear_more(struct talk *t)
{
    ssize_t n;

    if (t->used == OCTETS)
        return fail(t, "sends more than 8 KiB");
    if (!socket_ready(t->fd, false, t->used == 0 ? t->first : t->end))
        return fail(t, "no answer in time");
    n = recv(t->fd, t->text + t->used, OCTETS - t->used, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0)
        return fail(t, "connection closed");
    t->used += (size_t)n;
    return true;
}

/* The next line without its end, which becomes NUL; NULL when there is none. */
static const char *hear_line(struct talk *t)
{
    char *line = t->text + t->at, *end;

    while ((end = memchr(line, '\n', t->used - t->at)) == NULL)
        if (!hear_more(t))
            return NULL;
    if (++t->lines > LINES_MAX) {
        fail(t, "sends more than 64 lines");
        return NULL;
    }
    t->at += (size_t)(end - line) + 1;
    *end = '\0';
    if (end > line && end[-1] == '\r')
        end[-1] = '\0';
    return line;
}

/* ---- replies ---- */

/* Foreign text for people: "failed: 554 5.7.1 no" */
static bool refuse(struct talk *t, const char *line)
{
    size_t n = strlen(line), i, room = sizeof t->p->error - 4;
    char *to = t->p->error;

    for (i = 0; i < n && i < room; i++)
        to[i] = line[i];
    for (n = i, i = 0; i < n; i++)
        if (to[i] < ' ' || to[i] > '~')
            to[i] = '?';
    memcpy(to + n, line[n] != '\0' ? "..." : "", line[n] != '\0' ? 4 : 1);
    return false;
}

/* The first word of the first line is the name of the server (RFC 5321 4.2). */
static void take_name(char name[CERT_NAME], const char *text)
{
    size_t n = strcspn(text, " \t");
    struct sbuf sb;

    if (n == 0)
        return;
    sbuf_init(&sb, name, CERT_NAME);
    sbuf_visible(&sb, text, n);
    if (sb.overflow)
        name[0] = '\0';
}

static bool is_starttls(const char *text)
{
    return strncasecmp(text, "STARTTLS", 8) == 0 && (text[8] == '\0' || text[8] == ' ');
}

/* A whole reply with this code: "250-mail.example.com", ..., "250 STARTTLS". */
static bool hear_reply(struct talk *t, const char *code, char name[CERT_NAME], bool *starttls)
{
    const char *line;
    bool first = true;

    for (; (line = hear_line(t)) != NULL; first = false) {
        if (strncmp(line, code, 3) != 0 || (line[3] != '\0' && strchr(" -", line[3]) == NULL))
            return refuse(t, line[0] != '\0' ? line : "an empty line");
        if (first && name != NULL && line[3] != '\0')
            take_name(name, line + 4);
        if (!first && starttls != NULL && line[3] != '\0')
            *starttls |= is_starttls(line + 4);
        if (line[3] != '-')
            return true;
    }
    return false;
}

static bool say(struct talk *t, const char *text)
{
    size_t n = strlen(text), done = 0;

    while (done < n) {
        ssize_t got;

        if (!socket_ready(t->fd, true, t->end))
            return fail(t, "no answer in time");
        got = send(t->fd, text + done, n - done, MSG_NOSIGNAL);
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            return fail(t, "connection closed");
        done += got > 0 ? (size_t)got : 0;
    }
    return true;
}

/* ---- the conversation ---- */

/* Our own name, which a host name of one label is not. */
static bool say_ehlo(struct talk *t)
{
    char host[256] = "", text[300];
    struct dname name;

    if (gethostname(host, sizeof host - 1) != 0 || !dname_from_text(&name, host, strlen(host)) ||
        !dname_is_host(&name))
        snprintf(host, sizeof host, "localhost.localdomain");
    snprintf(text, sizeof text, "EHLO %s\r\n", host);
    return say(t, text);
}

/* What comes behind the reply without TLS could be taken for what comes with it. */
static bool start_tls(struct talk *t, const char *name)
{
    if (!say(t, "STARTTLS\r\n") || !hear_reply(t, "220", NULL, NULL))
        return false;
    if (t->at < t->used)
        return fail(t, "sends more after its reply to STARTTLS");
    return certificate_take(&t->p->certificate, t->fd, name, t->end, t->p->error);
}

static void talk(struct talk *t, const char *name)
{
    bool starttls = false;

    t->p->state = PROBE_FAILED;
    if (!hear_reply(t, "220", t->p->banner, NULL) || !say_ehlo(t) ||
        !hear_reply(t, "250", t->p->ehlo, &starttls))
        return;
    t->p->state = PROBE_PLAIN;
    if (!starttls)
        (void)say(t, "QUIT\r\n");
    else if (start_tls(t, name))
        t->p->state = PROBE_TLS;
}

/* NULL without memory. */
static struct talk *begin(struct probe *p, int fd)
{
    struct talk *t = calloc(1, sizeof *t);

    memset(p, 0, sizeof *p);
    if (t == NULL)
        return NULL;
    t->p = p;
    t->fd = fd;
    t->first = resolver_now() + FIRST_MS;
    t->end = resolver_now() + ALL_MS;
    return t;
}

void probe_socket(struct probe *p, int fd, const char *name)
{
    struct talk *t = begin(p, fd);

    if (t != NULL)
        talk(t, name);
    free(t);
}

/* One thread for each address; OpenSSL writes without MSG_NOSIGNAL. */
static void *run(void *arg)
{
    const struct probe_ask *ask = arg;
    struct talk *t = begin(ask->probe, -1);
    sigset_t pipe;

    if (t == NULL)
        return NULL;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    t->p->state = PROBE_UNREACHABLE;
    if (dial(t, &ask->addr))
        talk(t, ask->name);
    if (t->fd >= 0)
        close(t->fd);
    free(t);
    return NULL;
}

void probe_all(struct probe_ask *ask, unsigned n)
{
    pthread_t thread[PROBES_MAX];
    bool runs[PROBES_MAX];
    unsigned i;

    for (i = 0; i < n && i < PROBES_MAX; i++)
        runs[i] = pthread_create(&thread[i], NULL, run, &ask[i]) == 0;
    for (i = 0; i < n && i < PROBES_MAX; i++)
        if (runs[i])
            pthread_join(thread[i], NULL);
}

const char *probe_word(enum probe_state state)
{
    static const char *const word[] = {"none", "unreachable", "failed", "plain", "tls"};

    return word[state];
}
