/* Where milterload's clients come from: see milterload.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/bench/milterload.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONE_KEY 0x5a5a5a5au /* as in dnsdelay.c and zones */

static struct {
    uint8_t base[16];
    bool v6;
    uint64_t count, at;
    const char *helo;
    struct client *list; /* of a file */
    size_t listed;
} from;

bool clients_sequence(const char *base, uint64_t count, const char *helo)
{
    from.v6 = strchr(base, ':') != NULL;
    from.count = count;
    from.helo = helo;
    return inet_pton(from.v6 ? AF_INET6 : AF_INET, base, from.base) == 1;
}

bool clients_file(const char *path)
{
    FILE *f = fopen(path, "r");
    char line[512];
    size_t cap = 0;

    if (f == NULL)
        return false;
    while (fgets(line, sizeof line, f) != NULL) {
        struct client c = {.helo = ""};

        if (sscanf(line, "%45s %255s %47s", c.ip, c.helo, c.expect) < 1)
            continue;
        c.v6 = strchr(c.ip, ':') != NULL;
        if (from.listed == cap) {
            cap = cap != 0 ? cap * 2 : 1024;
            from.list = realloc(from.list, cap * sizeof *from.list);
            if (from.list == NULL)
                abort();
        }
        from.list[from.listed++] = c;
    }
    fclose(f);
    return from.listed > 0;
}

/* base + i, in octets. */
static void add(uint8_t *a, size_t n, const uint8_t *base, uint64_t i)
{
    unsigned carry = 0;

    while (n-- > 0) {
        unsigned sum = base[n] + (unsigned)(i & 0xff) + carry;

        a[n] = (uint8_t)sum;
        carry = sum >> 8;
        i >>= 8;
    }
}

static void fill_helo(char *out, size_t cap, const char *template, const uint8_t *low)
{
    uint32_t key =
        ((uint32_t)low[0] << 24 | (uint32_t)low[1] << 16 | (uint32_t)low[2] << 8 | low[3]) ^
        ZONE_KEY;
    char number[16];
    size_t n = 0;

    snprintf(number, sizeof number, "%" PRIu32, key);
    for (; *template != '\0' && n + 1 < cap; template ++) {
        const char *p;

        if (*template != '#') {
            out[n++] = *template;
            continue;
        }
        for (p = number; *p != '\0' && n + 1 < cap; p++)
            out[n++] = *p;
    }
    out[n] = '\0';
}

void clients_next(struct client *out)
{
    uint64_t i = from.at++;
    uint8_t a[16];

    if (from.listed > 0) {
        *out = from.list[i % from.listed];
        return;
    }
    out->v6 = from.v6;
    add(a, from.v6 ? 16 : 4, from.base, from.count != 0 ? i % from.count : i);
    inet_ntop(from.v6 ? AF_INET6 : AF_INET, a, out->ip, sizeof out->ip);
    fill_helo(out->helo, sizeof out->helo, from.helo, a + (from.v6 ? 12 : 0));
}
