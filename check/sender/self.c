/* The command self: see sender.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/sender.h"

#include "check/commands.h"
#include "check/sender/addresses.h"
#include "check/sender/mynetworks.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* The name of this machine, and whether it can be a HELO. */
bool sender_own_name(char name[256])
{
    if (gethostname(name, 256) != 0)
        name[0] = '\0';
    name[255] = '\0';
    return strchr(name, '.') != NULL;
}

int sender_self(const struct settings *s, const struct explain_options *o)
{
    struct addr list[QUESTION_ADDRS_MAX];
    unsigned n = addresses_of_self(list);
    char host[256];
    bool full;
    int code;
    struct sender *x;

    mynetworks_note(s, stderr);
    if (n == 0) {
        fputs("iprev-check: this machine has no public address (behind NAT?): give the address or "
              "host name that others see\n",
              stderr);
        return EX_UNAVAILABLE;
    }
    x = sender_begin(s, o, &code);
    if (x == NULL)
        return code;
    full = sender_own_name(host);
    x->host = host;
    sender_egresses(x, list, n, o->helo != NULL ? o->helo : full ? host : NULL);
    return sender_report(x);
}
