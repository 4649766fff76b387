/* X-IPRev read back, for tests: the field becomes a log line, and that is read.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_TESTS_X_IPREV_H
#define IPREV_TESTS_X_IPREV_H

#include "outcome/record.h"
#include "value/ascii.h"

#include <string.h>

/* False unless every field is there, once, and the result is that of the findings. */
static inline bool record_read_header(struct record *r, const char *s, size_t n)
{
    const char *end = memchr(s, ';', n), *result = s;
    char text[2 * RECORD_HEADER_MAX];
    enum finding found;
    struct sbuf sb;
    size_t i;

    *r = (struct record){.ptr = {.len = 1}, .helo = {.len = 1}};
    if (end == NULL || n - (size_t)(end - s) < 5 || memcmp(end, "; ip=", 5) != 0)
        return false;
    sbuf_init(&sb, text, sizeof text);
    sbuf_str(&sb, "client=");
    for (i = (size_t)(end - s) + 5; i < n; i++)
        sbuf_byte(&sb, ascii_blank((unsigned char)s[i]) ||
                               (s[i] == ';' && i + 1 < n && ascii_blank((unsigned char)s[i + 1]))
                           ? ' '
                           : s[i]);
    if (sb.overflow || !record_read_log(r, text, sb.len))
        return false;
    found = finding_pick(r->found, FINDINGS_RESULT);
    return ascii_is_word(result, (size_t)(end - s),
                         found == F_NONE ? "none" : finding_word(found) + 6);
}

#endif
