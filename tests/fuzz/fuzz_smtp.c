/* Fuzz target: what a mail server says to the probe of port 25, its TLS included.
 *
 * Input: all that the server sends. The probe ends, and what it tells is printable.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "check/sender/probe.h"

#include "tests/fuzz/fuzz.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define SENT_MAX 65536 /* fits into the socket before anybody reads */

static void check_text(const char *text, size_t size)
{
    size_t n = strnlen(text, size);

    MUST(n < size && is_printable(text, n, ""));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct probe p;
    int end[2];
    unsigned i;

    if (size > SENT_MAX)
        return 0;
    signal(SIGPIPE, SIG_IGN);
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, end) == 0);
    MUST(send(end[1], data, size, 0) == (ssize_t)size && shutdown(end[1], SHUT_WR) == 0);
    probe_socket(&p, end[0], "mail.example.com");
    MUST(p.state >= PROBE_FAILED && p.state <= PROBE_TLS);
    MUST(p.certificate.n <= CERT_NAMES);
    check_text(p.banner, sizeof p.banner);
    check_text(p.ehlo, sizeof p.ehlo);
    check_text(p.error, sizeof p.error);
    for (i = 0; i < p.certificate.n; i++)
        check_text(p.certificate.name[i], sizeof p.certificate.name[i]);
    MUST((p.state == PROBE_FAILED) <= (p.error[0] != '\0'));
    close(end[0]);
    close(end[1]);
    return 0;
}
