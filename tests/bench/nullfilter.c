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

static sfsistat on_eom(SMFICTX *ctx)
{
    char name[] = "Authentication-Results", value[] = "mx.example.net; none";

    smfi_insheader(ctx, 0, name, value);
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
    static char name[] = "nullfilter";
    const struct filter filter = {
        .name = name,
        .headers = argc > 2 && strcmp(argv[2], "same") == 0,
        .eom = on_eom,
    };

    return filter_run(argc > 1 ? argv[1] : NULL, &filter);
}
