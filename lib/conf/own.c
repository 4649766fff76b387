/* Who we are: see own.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/own.h"

#include <string.h>
#include <unistd.h>

void own_id(char id[AUTHRES_ID_MAX], const char *authserv_id, const char *mta_name)
{
    const char *chosen = authserv_id != NULL ? authserv_id : mta_name;
    char host[AUTHRES_ID_MAX];

    if (chosen == NULL || !authres_id_valid(chosen, strlen(chosen))) {
        if (gethostname(host, sizeof host) != 0)
            host[0] = '\0';
        host[sizeof host - 1] = '\0';
        chosen = authres_id_valid(host, strlen(host)) ? host : "localhost";
    }
    memcpy(id, chosen, strlen(chosen) + 1);
}

struct self own_self(const char *id)
{
    struct self self = {.mta = {.len = 1}};

    dname_from_text(&self.name, id, strlen(id));
    return self;
}
