/* blockfilter SOCKET SERVER: FCrDNS the obvious way, with libunbound's blocking
 * ub_resolve in the callbacks.
 *
 * PTR and the address of its first name in connect, the address of the HELO name in
 * helo, one header field at end of message. One context shared by all threads.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/bench/filter.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>

static struct ub_ctx *resolver;

/* The first answer's text name, or the match of an address. */
static bool resolve_name(const char *question, char *name, size_t cap)
{
    struct ub_result *r = NULL;
    size_t n = 0;
    int at = 0;

    name[0] = '\0';
    if (ub_resolve(resolver, question, 12, 1, &r) == 0 && r->havedata)
        while (at < r->len[0] && r->data[0][at] != 0) {
            int len = (unsigned char)r->data[0][at];

            if (n + (size_t)len + 2 > cap || at + 1 + len > r->len[0])
                break;
            memcpy(name + n, r->data[0] + at + 1, (size_t)len);
            n += (size_t)len;
            name[n++] = '.';
            name[n] = '\0';
            at += 1 + len;
        }
    ub_resolve_free(r);
    return n > 0;
}

static bool has_address(const char *name, const struct in_addr *a)
{
    struct ub_result *r = NULL;
    bool found = false;
    int i;

    if (ub_resolve(resolver, name, 1, 1, &r) == 0 && r->havedata)
        for (i = 0; r->data[i] != NULL; i++)
            found |= r->len[i] == 4 && memcmp(r->data[i], a, 4) == 0;
    ub_resolve_free(r);
    return found;
}

struct session {
    struct in_addr client;
    bool pass, helo;
};

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *sa)
{
    struct session *s = calloc(1, sizeof *s);
    struct sockaddr_in v4;
    char question[64], name[256];
    unsigned char b[4];

    (void)host;
    smfi_setpriv(ctx, s);
    if (s == NULL || sa == NULL || sa->sa_family != AF_INET)
        return SMFIS_CONTINUE;
    memcpy(&v4, sa, sizeof v4);
    s->client = v4.sin_addr;
    memcpy(b, &s->client, sizeof b);
    snprintf(question, sizeof question, "%u.%u.%u.%u.in-addr.arpa.", b[3], b[2], b[1], b[0]);
    s->pass = resolve_name(question, name, sizeof name) && has_address(name, &s->client);
    return SMFIS_CONTINUE;
}

static sfsistat on_helo(SMFICTX *ctx, char *argument)
{
    struct session *s = smfi_getpriv(ctx);

    if (s != NULL)
        s->helo = has_address(argument, &s->client);
    return SMFIS_CONTINUE;
}

static sfsistat on_eom(SMFICTX *ctx)
{
    const struct session *s = smfi_getpriv(ctx);
    char name[] = "Authentication-Results", value[64];

    snprintf(value, sizeof value, "mx.example.net; iprev=%s",
             s != NULL && s->pass ? "pass" : "fail");
    smfi_insheader(ctx, 0, name, value);
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
    free(smfi_getpriv(ctx));
    smfi_setpriv(ctx, NULL);
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
    static char name[] = "blockfilter";
    const struct filter filter = {
        .name = name,
        .connect = on_connect,
        .helo = on_helo,
        .eom = on_eom,
        .close = on_close,
    };
    char no[] = "no", range[] = "4096", option[] = "do-not-query-localhost:";
    char ports[] = "outgoing-range:";

    resolver = ub_ctx_create();
    if (resolver == NULL || argc < 3 || ub_ctx_set_option(resolver, option, no) != 0 ||
        ub_ctx_set_fwd(resolver, argv[2]) != 0) {
        fputs("usage: blockfilter SOCKET SERVER[@PORT] [many]\n", stderr);
        return 64;
    }
    if (argc > 3) /* more sockets for questions, as a busy site would set: it costs */
        ub_ctx_set_option(resolver, ports, range);
    return filter_run(argv[1], &filter);
}
