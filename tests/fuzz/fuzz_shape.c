/* Fuzz target: the generic-name judge on any address and any host name.
 *
 * Input: one octet for the family (modulo 3), 16 octets of address, then the
 * text of a name, or, if that is no host name, its wire form. The verdict must
 * be one of three, with a reason of printable text that breaks no header.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shape/shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_why(const char *why)
{
    size_t n = strnlen(why, SHAPE_WHY_MAX), i;

    if (n == 0 || n == SHAPE_WHY_MAX)
        abort();
    for (i = 0; i < n; i++)
        if (why[i] < 0x20 || why[i] > 0x7e || strchr(";\"\\=", why[i]) != NULL)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shape g, again;
    struct dname name;
    struct addr client;

    if (size < 17)
        return 0;
    client = addr_from_bytes((enum addr_family)(data[0] % 3), data + 1);
    if (!dname_from_text(&name, (const char *)data + 17, size - 17) &&
        !dname_from_wire(&name, data + 17, size - 17))
        return 0;
    if (!dname_is_host(&name))
        return 0;
    memset(&g, 0xa5, sizeof(g));
    shape_judge(&g, &name, &client);
    if (g.kind != SHAPE_NAMED && g.kind != SHAPE_GENERIC && g.kind != SHAPE_PROVIDER)
        abort();
    check_why(g.why);
    if (g.weak != (strncmp(g.why, "weak: ", 6) == 0) || (g.weak && g.kind != SHAPE_GENERIC))
        abort();
    memset(&again, 0x5a, sizeof(again));
    shape_judge(&again, &name, &client);
    if (again.kind != g.kind || again.weak != g.weak || strcmp(again.why, g.why) != 0)
        abort();
    return 0;
}
