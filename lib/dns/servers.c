/* The name servers of the system: see servers.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "dns/servers.h"

#include "value/addr.h"

#include <stdio.h>
#include <string.h>

/* An address, perhaps with the interface of a link-local one. */
static bool is_server(const char *text)
{
    struct addr a;

    return addr_parse(&a, text, strcspn(text, "%"));
}

bool servers_read(const char *file, char out[SERVERS_TEXT_MAX])
{
    FILE *fp = fopen(file, "re");
    char line[256], server[64];
    size_t n = 0;

    out[0] = '\0';
    while (fp != NULL && fgets(line, sizeof line, fp) != NULL) {
        if (sscanf(line, " nameserver %63s", server) != 1 || !is_server(server) ||
            n + strlen(server) + 2 > SERVERS_TEXT_MAX)
            continue;
        n += (size_t)snprintf(out + n, SERVERS_TEXT_MAX - n, "%s%s", n > 0 ? " " : "", server);
    }
    if (fp != NULL)
        fclose(fp);
    return n > 0;
}
