/* What the filters to compare with share: see filter.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/bench/filter.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define STACK_SIZE (256 * 1024) /* as iprev-milter's */

void filter_terms(unsigned long offered, bool headers, unsigned long *actions,
                  unsigned long *protocol, unsigned long *pf2, unsigned long *pf3)
{
    unsigned long unwanted = SMFIP_NORCPT | SMFIP_NOBODY | SMFIP_NOEOH | SMFIP_NOUNKNOWN;

    if (!headers)
        unwanted |= SMFIP_NOHDRS;
    *actions = SMFIF_ADDHDRS;
    *protocol = (offered & unwanted) | SMFIP_NR_HDR;
    *pf2 = 0;
    *pf3 = 0;
}

sfsistat filter_text(SMFICTX *ctx, char *argument)
{
    (void)ctx;
    (void)argument;
    return SMFIS_CONTINUE;
}

sfsistat filter_list(SMFICTX *ctx, char **argument)
{
    (void)ctx;
    (void)argument;
    return SMFIS_CONTINUE;
}

sfsistat filter_step(SMFICTX *ctx)
{
    (void)ctx;
    return SMFIS_CONTINUE;
}

static void set_nodelay(void)
{
    int fd, on, yes = 1;

    for (fd = 0; fd < 1024; fd++) {
        socklen_t n = sizeof on;

        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on != 0)
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    }
}

static void set_limits(void)
{
    struct rlimit lim;
    pthread_attr_t attr;

    if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
        lim.rlim_cur = lim.rlim_max;
        setrlimit(RLIMIT_NOFILE, &lim);
    }
    if (pthread_attr_init(&attr) == 0) {
        if (pthread_attr_setstacksize(&attr, STACK_SIZE) == 0)
            pthread_setattr_default_np(&attr);
        pthread_attr_destroy(&attr);
    }
}

int filter_run(char *socket, struct smfiDesc desc)
{
    if (socket == NULL) {
        fputs("usage: FILTER SOCKET [...]\n", stderr);
        return 64;
    }
    set_limits();
    if (strncmp(socket, "unix:", 5) == 0)
        unlink(socket + 5);
    if (smfi_setconn(socket) != MI_SUCCESS || smfi_register(desc) != MI_SUCCESS ||
        smfi_opensocket(false) != MI_SUCCESS) {
        fprintf(stderr, "cannot listen on %s\n", socket);
        return 69;
    }
    set_nodelay();
    return smfi_main() == MI_SUCCESS ? 0 : 70;
}
