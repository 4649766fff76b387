/* Bounded text builder over memory of the caller.
 *
 * A text that does not fit makes the builder fail as a whole: `overflow`
 * sticks, the text so far stays terminated, later puts do nothing. Callers
 * look once, at the end. Nothing is ever cut silently.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SBUF_H
#define IPREV_SBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sbuf {
    char *text; /* always NUL-terminated */
    size_t cap; /* octets at text, the NUL included */
    size_t len;
    bool overflow;
};

/* cap must be at least 1. */
void sbuf_init(struct sbuf *sb, char *text, size_t cap);

void sbuf_byte(struct sbuf *sb, char c);
void sbuf_mem(struct sbuf *sb, const char *s, size_t n);
void sbuf_str(struct sbuf *sb, const char *s);
void sbuf_uint(struct sbuf *sb, uint64_t v);

/* Foreign bytes made visible: 0x21 to 0x7E as they are but for `\`, `"`, and
 * `=`; those, spaces and every other octet as \xHH. The result has no
 * space, quote, `=` or control, so it can be a value in a key=value line
 * and no input can forge a field. An empty input becomes `-`; an input that
 * is the single byte `-` becomes \x2d. */
void sbuf_visible(struct sbuf *sb, const void *bytes, size_t n);

#endif
