/* Fuzz target: Received fields of relays.
 *
 * Input: a field value, which is read. Then the same octets, each but letters, digits and
 * `[].-_:` left out, are the HELO name in a field that a relay writes: the client must be
 * the relay's.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "judge/received.h"
#include "value/ascii.h"

#define HELO_ROOM 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct received_text t, const char *s, size_t n)
{
    if (t.n > 0 && (t.s < s || t.n > n || (size_t)(t.s - s) > n - t.n))
        abort();
}

static void check_read(const char *s, size_t n)
{
    struct received r;
    bool found = received_read(&r, s, n);

    if (found != (r.client.family != ADDR_NONE) || found != (r.why == NULL))
        abort();
    if (!found && (r.helo.n > 0 || r.name.n > 0 || r.authenticated))
        abort();
    check_inside(r.helo, s, n);
    check_inside(r.name, s, n);
}

static void check_helo(const char *s, size_t n)
{
    char field[HELO_ROOM + 256];
    struct received r;
    struct sbuf sb;
    size_t i, kept = 0;

    sbuf_init(&sb, field, sizeof field);
    sbuf_str(&sb, "from ");
    for (i = 0; i < n && kept < HELO_ROOM; i++)
        if (ascii_alnum((unsigned char)s[i]) || (s[i] != '\0' && strchr("[].-_:", s[i]) != NULL)) {
            sbuf_byte(&sb, s[i]);
            kept++;
        }
    if (kept == 0)
        return;
    sbuf_str(&sb,
             " (unknown [198.51.100.7])\n\tby relay.example.org (Postfix) with ESMTP id 4XyZ12\n"
             "\tfor <user@example.org>; Sat, 21 Nov 2026 10:00:00 +0000 (UTC)");
    if (sb.overflow || !received_read(&r, field, sb.len) || r.client.bytes[0] != 198 ||
        r.authenticated || r.helo.n != kept)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_read((const char *)data, size);
    check_helo((const char *)data, size);
    return 0;
}
