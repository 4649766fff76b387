/* What the tests of metrics share: a server on a free port, and a small client.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_TESTS_METRICS_CLIENT_H
#define IPREV_TESTS_METRICS_CLIENT_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "milter/metrics.h"

static char reply[512 * 1024];
static unsigned port;

static inline void serve_at(const char *host)
{
    char at[64], err[256];
    unsigned i;

    for (i = 0; i < 500; i++) {
        port = 20000 + ((unsigned)getpid() * 7 + i) % 12000;
        snprintf(at, sizeof at, "%s:%u", host, port);
        if (metrics_start(at, err, sizeof err))
            return;
    }
    cr_assert_fail("no port is free: %s", err);
}

static inline void serve(void)
{
    serve_at("127.0.0.1");
}

static inline int dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = 8};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static inline void send_text(int fd, const char *text)
{
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads until the end, or until `until` has come. */
static inline void receive(int fd, const char *until)
{
    size_t n = 0;
    ssize_t got;

    reply[0] = '\0';
    while (until == NULL || strstr(reply, until) == NULL) {
        got = recv(fd, reply + n, sizeof reply - 1 - n, 0);
        cr_assert_geq(got, 0, "a reply, and in time");
        if (got == 0)
            break;
        n += (size_t)got;
        reply[n] = '\0';
    }
}

/* The body; the head stays before it in reply. */
static inline const char *request(const char *method, const char *path)
{
    char text[256];
    const char *body;
    int fd = dial();

    snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
             method, path);
    send_text(fd, text);
    receive(fd, NULL);
    close(fd);
    body = strstr(reply, "\r\n\r\n");
    cr_assert(body != NULL, "%s %s: a head", method, path);
    return body + 4;
}

static inline const char *page(void)
{
    const char *body = request("GET", "/metrics");

    cr_assert_eq(strncmp(reply, "HTTP/1.1 200 ", 13), 0);
    return body;
}

/* The value of a sample as text; "absent" when there is none. */
static inline const char *sample(const char *body, const char *name)
{
    static char text[64];
    size_t n = strlen(name);
    const char *line;

    for (line = body; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, n) == 0 && line[n] == ' ') {
            snprintf(text, sizeof text, "%.*s", (int)strcspn(line + n + 1, "\n"), line + n + 1);
            return text;
        }
    }
    return "absent";
}

static inline void expect_sample(const char *body, const char *name, const char *wanted)
{
    cr_expect_str_eq(sample(body, name), wanted, "%s is %s, not %s", name, sample(body, name),
                     wanted);
}

#endif
