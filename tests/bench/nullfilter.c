/* nullfilter SOCKET [min|same]: a libmilter filter that does nothing but put in one
 * header field: the ceiling of any libmilter filter.
 *
 * min:  connect, helo, mail, data and end of message.
 * same: header fields too: the steps of iprev-milter in monitor mode.
 *
 * DATA is kept, and TCP_NODELAY set, for the same reason as in iprev-milter.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/bench/filter.h"

#include <string.h>

static bool with_headers;

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *sa)
{
    (void)ctx;
    (void)host;
    (void)sa;
    return SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    (void)ctx;
    (void)name;
    (void)value;
    return SMFIS_NOREPLY;
}

static sfsistat on_eom(SMFICTX *ctx)
{
    char name[] = "Authentication-Results", value[] = "mx.example.net; none";

    smfi_insheader(ctx, 0, name, value);
    return SMFIS_CONTINUE;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2,
                             unsigned long f3, unsigned long *pf0, unsigned long *pf1,
                             unsigned long *pf2, unsigned long *pf3)
{
    (void)ctx;
    (void)f0;
    (void)f2;
    (void)f3;
    filter_terms(f1, with_headers, pf0, pf1, pf2, pf3);
    return SMFIS_CONTINUE;
}

static char filter_name[] = "nullfilter";

static struct smfiDesc desc = {
    .xxfi_name = filter_name,
    .xxfi_version = SMFI_VERSION,
    .xxfi_flags = SMFIF_ADDHDRS,
    .xxfi_connect = on_connect,
    .xxfi_helo = filter_text,
    .xxfi_envfrom = filter_list,
    .xxfi_header = on_header,
    .xxfi_eom = on_eom,
    .xxfi_data = filter_step,
    .xxfi_negotiate = on_negotiate,
};

int main(int argc, char **argv)
{
    with_headers = argc > 2 && strcmp(argv[2], "same") == 0;
    return filter_run(argc > 1 ? argv[1] : NULL, desc);
}
