/* metrics over HTTP: where it listens, what it answers, how it ends.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <fcntl.h>
#include <sys/resource.h>

#include "tests/unit/milter/metrics_client.h"
#include "tests/unit/values.h"

Test(metrics, listen_texts)
{
    static const char *const bad[] = {
        "",          "9817",          ":9817",           "127.0.0.1",      "127.0.0.1:",
        "[::1]",     "127.0.0.1:0",   "127.0.0.1:65536", "127.0.0.1:98 ",  "127.0.0.1:+80",
        "::1:9817",  "[127.0.0.1:80", "[127.0.0.1]:80",  "localhost:9817", "[::1%lo]:9817",
        "[::1]9817", "[]:9817",       "127.0.0.1:00080", "127.1:9817",     "127.0.0.1:4294976577",
    };
    char err[256];
    size_t i;

    metrics_stop(); /* never started */
    for (i = 0; i < ROWS(bad); i++) {
        err[0] = '\0';
        cr_expect(!metrics_start(bad[i], err, sizeof err), "\"%s\"", bad[i]);
        cr_expect(strstr(err, "ADDRESS:PORT") != NULL, "\"%s\": %s", bad[i], err);
        metrics_stop();
    }
    cr_expect(!metrics_start("192.0.2.1:9817", err, sizeof err), "not an address of this host");
    cr_expect(strstr(err, "cannot listen on 192.0.2.1:9817: ") != NULL, "%s", err);
}

Test(metrics, start_and_stop)
{
    char at[32], err[256] = "";
    int fd;

    serve();
    snprintf(at, sizeof at, "127.0.0.2:%u", port);
    cr_expect(!metrics_start(at, err, sizeof err));
    cr_expect(strstr(err, "already started") != NULL, "%s", err);
    page();
    snprintf(at, sizeof at, "127.0.0.1:%u", port);
    fd = dial(); /* an idle peer does not hold up the end */
    metrics_stop();
    metrics_stop();
    close(fd);
    cr_expect(metrics_start(at, err, sizeof err), "the port is free again: %s", err);
    page();
    metrics_stop();
}

Test(metrics, port_taken)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char text[32], err[256] = "";

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, len), 0);
    cr_assert_eq(listen(fd, 1), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    snprintf(text, sizeof text, "127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
    cr_expect(!metrics_start(text, err, sizeof err));
    cr_expect(strstr(err, "in use") != NULL, "%s", err);
    close(fd);
}

Test(metrics, listens_on_ipv6)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof to) != 0)
        cr_skip_test("no IPv6 here");
    close(fd);
    serve_at("[::1]");
    fd = socket(AF_INET6, SOCK_STREAM, 0);
    to.sin6_port = htons((uint16_t)port);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    send_text(fd, "GET /metrics HTTP/1.0\r\n\r\n");
    receive(fd, NULL);
    cr_expect(strstr(reply, "iprev_sessions 0\n") != NULL);
    close(fd);
    metrics_stop();
}

static const struct {
    const char *method;
    const char *path;
    const char *status;
    const char *head;
    const char *body; /* its beginning */
} requests[] = {
    {"GET", "/metrics", "200", "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n", "# "},
    {"GET", "/metrics?x=1", "200", "version=0.0.4", "# "},
    {"GET", "/healthz", "503", "Content-Type: text/plain; charset=utf-8\r\n", "no settings"},
    {"GET", "/", "404", "text/plain", "not found; try"},
    {"GET", "/metrics/", "404", "text/plain", "not found; try"},
    {"GET", "/healthz%0d%0aX:y", "404", "text/plain", "not found; try"},
    {"POST", "/", "404", "text/plain", "not found; try"},
    {"POST", "/metrics", "405", "Allow: GET, HEAD\r\n", "only"},
    {"DELETE", "/healthz", "405", "Allow: GET, HEAD\r\n", "only"},
    {"get", "/metrics", "405", "Allow: GET, HEAD\r\n", "only"}, /* RFC 9110 9.1: case counts */
    {"HEAD", "/metrics", "200", "version=0.0.4", ""},           /* RFC 9110 9.3.2 */
    {"HEAD", "/healthz", "503", "text/plain", ""},
};

Test(metrics, replies)
{
    size_t i;

    serve();
    for (i = 0; i < ROWS(requests); i++) {
        const char *body = request(requests[i].method, requests[i].path);

        cr_expect_eq(strncmp(reply + 9, requests[i].status, 3), 0, "%s %s: %.40s",
                     requests[i].method, requests[i].path, reply);
        cr_expect(strstr(reply, requests[i].head) != NULL, "%s %s: %s", requests[i].method,
                  requests[i].path, reply);
        cr_expect_eq(strncmp(body, requests[i].body, strlen(requests[i].body)), 0, "%s %s: %.80s",
                     requests[i].method, requests[i].path, body);
        cr_expect((body[0] == '\0') == (strcmp(requests[i].method, "HEAD") == 0));
    }
    metrics_stop();
}

Test(metrics, keeps_a_connection_and_skips_a_body)
{
    int fd;

    serve();
    fd = dial();
    send_text(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(fd, "iprev_log_dropped_total 0\n");
    send_text(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    receive(fd, "no settings are in force\n");
    send_text(fd, "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    receive(fd, NULL);
    cr_expect_eq(strncmp(reply, "HTTP/1.1 404 ", 13), 0, "%.40s", reply);
    close(fd);
    metrics_stop();
}

/* select() would end at descriptor 1024, and a busy daemon is above it. */
Test(metrics, serves_with_many_descriptors)
{
    struct rlimit lim;
    int fd = 0;

    getrlimit(RLIMIT_NOFILE, &lim);
    if (lim.rlim_max < 1300)
        cr_skip_test("descriptors are few here");
    lim.rlim_cur = 1300;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &lim), 0);
    while (fd >= 0 && fd < 1200)
        fd = open("/dev/null", O_RDONLY);
    serve();
    page();
    metrics_stop();
}
