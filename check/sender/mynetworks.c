/* Postfix's mynetworks: see mynetworks.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/mynetworks.h"

#include "check/sender/program.h"

#include <stdlib.h>
#include <string.h>

#define PRIVATE_BITS 7 /* of the largest private network, fc00::/7 */

static struct addr last_of(const struct addr_net *net)
{
    struct addr a = net->base;
    unsigned bit, bits = a.family == ADDR_IPV4 ? 32 : 128;

    for (bit = net->bits; bit < bits; bit++)
        a.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    return a;
}

/* "192.0.2.0/24", "[2001:db8::]/32", "[::1]" */
static bool parse(struct addr_net *net, const char *entry, size_t n)
{
    char plain[ADDR_NET_TEXT_MAX];
    size_t i, k = 0;

    for (i = 0; i < n && k < sizeof plain; i++)
        if (entry[i] != '[' && entry[i] != ']')
            plain[k++] = entry[i];
    return i == n && addr_net_parse(net, plain, k);
}

void mynetworks_compare(const struct settings *s, const char *text, FILE *err)
{
    static const char between[] = ", \t\r\n";
    struct addr_net net;
    struct addr last;
    size_t n;

    for (text += strspn(text, between); *text != '\0'; text += n, text += strspn(text, between)) {
        n = strcspn(text, between);
        if (!parse(&net, text, n))
            continue;
        last = last_of(&net);
        if (net.bits < PRIVATE_BITS || !settings_network_exempt(s, &net.base) ||
            !settings_network_exempt(s, &last))
            fprintf(err,
                    "iprev-check: Postfix's mynetworks has %.*s, which is not exempt here: add it "
                    "to exempt.networks\n",
                    (int)n, text);
    }
}

void mynetworks_note(const struct settings *s, FILE *err)
{
    static const char *const argv[] = {"postconf", "-xh", "mynetworks", NULL};
    char *text = malloc(PROGRAM_TEXT);

    if (text != NULL && program_says(text, "", argv))
        mynetworks_compare(s, text, err);
    free(text);
}
