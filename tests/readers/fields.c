/* Prints every Authentication-Results field that the daemon can emit, up to the
 * client's address and name: for readers that are not ours (tests/check/test_authres.py).
 *
 * A field is its id, result, cause, address, name and value, each ended by NUL.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "outcome/authres.h"

#include <stdio.h>
#include <string.h>

#define LABEL_63 "a23456789-123456789-123456789-123456789-123456789-123456789-123"

static const char *const ids[] = {"mx.example.org",
                                  "MX-2.Example.ORG",
                                  "mx",
                                  "mx_1.example",
                                  "1.2.3.4",
                                  "host/job",
                                  "xn--mx-uia.example",
                                  "mx.example.org:25",
                                  "[192.0.2.1]",
                                  "mx;x",
                                  "a(b)c",
                                  "a@b",
                                  "!#$%&'*+-^_`{|}~",
                                  LABEL_63 "." LABEL_63 "." LABEL_63 "."
                                           "a23456789-123456789-123456789-123456789-123456789-123"};
static const char *const clients[] = {"",
                                      "192.0.2.1",
                                      "255.255.255.255",
                                      "2001:db8::1",
                                      "::",
                                      "2001:db8:1111:2222:3333:4444:5555:6666"};
/* Wire form without the root. */
static const struct {
    const char *wire;
    size_t n;
} names[] = {{NULL, 0},
             {"\4mail\7example", 13},
             {"\6_dmarc\7example", 15},
             {"\77" LABEL_63 "\77" LABEL_63 "\77" LABEL_63 "\7example", 200},
             {"\4a b(\7example", 13}};

static void put(const char *text)
{
    fwrite(text, 1, strlen(text) + 1, stdout);
}

static bool one(const char *id, enum finding result, enum finding cause, const char *client,
                size_t at)
{
    char value[AUTHRES_VALUE_MAX], shown[DNAME_TEXT_MAX];
    uint8_t wire[256];
    struct sbuf sb;
    struct dname name;
    struct addr a = {.family = ADDR_NONE};
    bool named = names[at].wire != NULL;

    if (client[0] != '\0' && !addr_parse(&a, client, strlen(client)))
        return false;
    if (named) {
        memcpy(wire, names[at].wire, names[at].n);
        wire[names[at].n] = 0;
        if (!dname_from_wire(&name, wire, names[at].n + 1))
            return false;
    }
    sbuf_init(&sb, value, sizeof value);
    authres_put(&sb, id, result, cause, &a, named ? &name : NULL);
    if (sb.overflow)
        return false;
    sbuf_init(&sb, shown, sizeof shown);
    if (named && dname_is_host(&name))
        dname_put(&sb, &name);
    put(id);
    put(finding_word(result) + strlen("iprev-"));
    put(cause == F_NONE ? "" : finding_word(cause));
    put(client);
    put(shown);
    put(value);
    return true;
}

static bool each_end(const char *id, enum finding result, enum finding cause)
{
    size_t c, n;

    for (c = 0; c < sizeof clients / sizeof clients[0]; c++)
        for (n = 0; n < sizeof names / sizeof names[0]; n++)
            if (!one(id, result, cause, clients[c], n))
                return false;
    return true;
}

/* Causes of other results too: a reader has to stand them. */
static bool each_cause(const char *id, enum finding result)
{
    unsigned cause;

    for (cause = F_PTR_MISSING; cause <= F_DNS_OVERLOAD; cause++)
        if (!each_end(id, result, (enum finding)cause))
            return false;
    return each_end(id, result, F_NONE);
}

int main(void)
{
    unsigned result;
    size_t i;

    for (i = 0; i < sizeof ids / sizeof ids[0]; i++)
        for (result = F_IPREV_PASS; result <= F_IPREV_TEMPERROR; result++)
            if (!each_cause(ids[i], (enum finding)result)) {
                fprintf(stderr, "fields: %s cannot be written\n", ids[i]);
                return 1;
            }
    return fflush(stdout) == 0 ? 0 : 1;
}
