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

static bool with_headers;

/* ---- steps that only continue ---- */

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *sa)
{
    (void)ctx;
    (void)host;
    (void)sa;
    return SMFIS_CONTINUE;
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
    (void)ctx;
    (void)name;
    return SMFIS_CONTINUE;
}

static sfsistat on_mail(SMFICTX *ctx, char **argument)
{
    (void)ctx;
    (void)argument;
    return SMFIS_CONTINUE;
}

static sfsistat on_step(SMFICTX *ctx)
{
    (void)ctx;
    return SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    (void)ctx;
    (void)name;
    (void)value;
    return SMFIS_NOREPLY;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2,
                             unsigned long f3, unsigned long *pf0, unsigned long *pf1,
                             unsigned long *pf2, unsigned long *pf3)
{
    unsigned long unwanted = SMFIP_NORCPT | SMFIP_NOBODY | SMFIP_NOEOH | SMFIP_NOUNKNOWN;

    (void)ctx;
    (void)f0;
    (void)f2;
    (void)f3;
    if (!with_headers)
        unwanted |= SMFIP_NOHDRS;
    *pf0 = SMFIF_ADDHDRS;
    *pf1 = (f1 & unwanted) | SMFIP_NR_HDR;
    *pf2 = 0;
    *pf3 = 0;
    return SMFIS_CONTINUE;
}

/* ---- serving ---- */

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

int filter_run(char *socket, const struct filter *filter)
{
    struct smfiDesc desc = {
        .xxfi_name = filter->name,
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_ADDHDRS,
        .xxfi_connect = filter->connect != NULL ? filter->connect : on_connect,
        .xxfi_helo = filter->helo != NULL ? filter->helo : on_helo,
        .xxfi_envfrom = on_mail,
        .xxfi_header = on_header,
        .xxfi_eom = filter->eom != NULL ? filter->eom : on_step,
        .xxfi_close = filter->close,
        .xxfi_data = on_step,
        .xxfi_negotiate = on_negotiate,
    };

    with_headers = filter->headers;
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
