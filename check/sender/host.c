/* The command HOST: see sender.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/sender.h"

#include "check/commands.h"
#include "check/sender/addresses.h"

#include <sysexits.h>

int sender_host(const struct settings *s, const struct dname *host, const struct sender_options *o)
{
    struct addr list[QUESTION_ADDRS_MAX];
    char name[DNAME_TEXT_MAX];
    const char *missing;
    struct sbuf sb;
    unsigned n;
    bool transient;
    int code;
    struct sender *x = sender_begin(s, o, &code);

    if (x == NULL)
        return code;
    sbuf_init(&sb, name, sizeof name);
    dname_put(&sb, host);
    x->host = name;
    n = addresses_of_host(&x->run, host, list, &transient);
    missing = n > 0       ? "A or AAAA gave no answer: addresses may be missing"
              : transient ? "its addresses could not be looked up"
                          : "no such host, or it has no address: create an A or AAAA record";
    if (n == 0 || transient) {
        fprintf(stderr, "iprev-check: %s: %s\n", name, missing);
        sender_problem(x, "", "", missing);
    }
    x->broken = n == 0 && !transient;
    x->run.code = transient ? EX_TEMPFAIL : n == 0 ? EXIT_TO_FIX : 0;
    looks_add(&x->looks, host, RR_A);
    looks_add(&x->looks, host, RR_AAAA);
    sender_egresses(x, list, n, o->helo != NULL ? o->helo : name);
    return sender_report(x);
}

int sender_address(const struct settings *s, const struct addr *client,
                   const struct sender_options *o)
{
    char text[ADDR_TEXT_MAX];
    int code;
    struct sender *x = sender_begin(s, o, &code);

    if (x == NULL)
        return code;
    x->host = addr_text(text, client);
    sender_egresses(x, client, 1, o->helo);
    return sender_report(x);
}
