/* Serving the page of metrics.c: see metrics.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/metrics.h"

#include "conf/fit.h"
#include "value/addr.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS  32
#define IDLE_SECONDS 10
#define PAGE_TYPE    "text/plain; version=0.0.4; charset=utf-8"
#define PLAIN_TYPE   "text/plain; charset=utf-8"

/* ---- answering ---- */

static struct MHD_Daemon *server;

/* The text that goes out, or NULL. line NULL: the page. */
static char *write_text(const char *line, size_t *n)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, n);
    bool bad;

    if (f == NULL)
        return NULL;
    if (line == NULL)
        metrics_put_page(f);
    else
        fprintf(f, "%s\n", line);
    bad = ferror(f) != 0;
    if (fclose(f) == 0 && !bad)
        return text;
    free(text);
    return NULL;
}

/* line NULL: the page. */
static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *line)
{
    enum MHD_Result queued = MHD_NO;
    struct MHD_Response *r = NULL;
    size_t n = 0;
    char *text = write_text(line, &n);

    if (text != NULL)
        r = MHD_create_response_from_buffer(n, text, MHD_RESPMEM_MUST_FREE);
    if (r == NULL) {
        free(text);
        return MHD_NO;
    }
    if (MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE,
                                line == NULL ? PAGE_TYPE : PLAIN_TYPE) == MHD_YES &&
        (status != MHD_HTTP_METHOD_NOT_ALLOWED ||
         MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") == MHD_YES))
        queued = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return queued;
}

static enum MHD_Result answer_health(struct MHD_Connection *c)
{
    const char *fault = metrics_fault();

    return fault != NULL ? answer(c, MHD_HTTP_SERVICE_UNAVAILABLE, fault)
                         : answer(c, MHD_HTTP_OK, "ok");
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *path,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_len, void **state)
{
    static char begun;
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    bool page = strcmp(path, "/metrics") == 0;

    (void)arg;
    (void)version;
    (void)body;
    /* An answer before the whole request is there closes the connection. */
    if (reads && (*state == NULL || *body_len != 0)) {
        *state = &begun;
        *body_len = 0;
        return MHD_YES;
    }
    if (!page && strcmp(path, "/healthz") != 0)
        return answer(c, MHD_HTTP_NOT_FOUND, "not found; try /metrics or /healthz");
    if (!reads)
        return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are allowed");
    return page ? answer(c, MHD_HTTP_OK, NULL) : answer_health(c);
}

/* ---- start and stop ---- */

static bool address_read(struct sockaddr_storage *out, socklen_t *len, const char *text)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct sockaddr_in in = {.sin_family = AF_INET};
    const char *colon = strrchr(text, ':');
    size_t n = colon != NULL ? (size_t)(colon - text) : 0;
    size_t bracket = n > 2 && text[0] == '[' && text[n - 1] == ']';
    struct addr a;

    if (n == 0 || fit_listen(text) != NULL || !addr_parse(&a, text + bracket, n - 2 * bracket))
        return false;
    in.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    memcpy(&in.sin_addr, a.bytes, sizeof in.sin_addr);
    memcpy(&in6.sin6_addr, a.bytes, sizeof in6.sin6_addr);
    in6.sin6_port = in.sin_port;
    *len = a.family == ADDR_IPV4 ? sizeof in : sizeof in6;
    memcpy(out, a.family == ADDR_IPV4 ? (const void *)&in : (const void *)&in6, *len);
    return true;
}

static int listen_at(const struct sockaddr_storage *at, socklen_t len)
{
    int on = 1, e;
    int fd = socket(at->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (at->ss_family != AF_INET6 ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
        bind(fd, (const struct sockaddr *)at, len) == 0 && listen(fd, CONNECTIONS) == 0)
        return fd;
    e = errno;
    close(fd);
    errno = e;
    return -1;
}

bool metrics_start(const char *listen, char *err, size_t errlen)
{
    struct sockaddr_storage at;
    socklen_t len;
    int fd;

    if (!address_read(&at, &len, listen)) {
        snprintf(err, errlen, "%s is not ADDRESS:PORT", listen);
        return false;
    }
    fd = server == NULL ? listen_at(&at, len) : -1;
    if (fd < 0) {
        snprintf(err, errlen, "cannot listen on %s: %s", listen,
                 server != NULL ? "already started" : strerror(errno));
        return false;
    }
    /* epoll or poll: select would end at 1024 descriptors. Without the error log,
     * libmicrohttpd writes nothing anywhere. */
    server = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, on_request,
                              NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
                              (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
                              (unsigned)IDLE_SECONDS, MHD_OPTION_END);
    if (server == NULL) /* which may have closed fd, or not: it is not ours to close */
        snprintf(err, errlen, "cannot serve %s: out of threads or memory", listen);
    return server != NULL;
}

void metrics_stop(void)
{
    if (server != NULL)
        MHD_stop_daemon(server);
    server = NULL;
}
