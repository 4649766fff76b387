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

/* What holds of a builder at all times: the text and its NUL are inside of its buffer. Proven for
 * every put by `make prove`. */
/*@ predicate sbuf_fits(struct sbuf *sb) =
      \valid(sb) && sb->len < sb->cap <= SIZE_MAX / 2 && \valid(sb->text + (0 .. sb->cap - 1)) &&
      \separated(sb, sb->text + (0 .. sb->cap - 1)) && sb->text[sb->len] == 0;
    // Only the builder and its text change, and a text that is there stays.
    predicate sbuf_grew{L1, L2}(struct sbuf *sb) =
      \at(sb->text, L2) == \at(sb->text, L1) && \at(sb->cap, L2) == \at(sb->cap, L1) &&
      \at(sb->len, L2) >= \at(sb->len, L1) && (\at(sb->overflow, L1) ==> \at(sb->overflow, L2)) &&
      (\at(sb->overflow, L1) ==> \at(sb->len, L2) == \at(sb->len, L1));
*/

/* cap must be at least 1. */
/*@ requires 1 <= cap <= SIZE_MAX / 2 && \valid(sb) && \valid(text + (0 .. cap - 1));
    requires \separated(sb, text + (0 .. cap - 1));
    assigns *sb, text[0];
    ensures sb->text == text && sb->cap == cap && sb->len == 0;
    ensures !sb->overflow;
    ensures text[0] == 0;
    ensures sbuf_fits(sb); */
void sbuf_init(struct sbuf *sb, char *text, size_t cap);

/*@ requires sbuf_fits(sb);
    assigns *sb, sb->text[0 .. sb->cap - 1];
    ensures sbuf_fits(sb) && sbuf_grew{Pre, Post}(sb); */
void sbuf_byte(struct sbuf *sb, char c);
/*@ requires sbuf_fits(sb) && \valid_read(s + (0 .. n - 1));
    requires \separated(sb, s + (0 .. n - 1), sb->text + (0 .. sb->cap - 1));
    assigns *sb, sb->text[0 .. sb->cap - 1];
    ensures sbuf_fits(sb) && sbuf_grew{Pre, Post}(sb); */
void sbuf_mem(struct sbuf *sb, const char *s, size_t n);
void sbuf_str(struct sbuf *sb, const char *s);
/*@ requires sbuf_fits(sb);
    assigns *sb, sb->text[0 .. sb->cap - 1];
    ensures sbuf_fits(sb) && sbuf_grew{Pre, Post}(sb); */
void sbuf_uint(struct sbuf *sb, uint64_t v);

/* Foreign bytes made visible: 0x21 to 0x7E as they are but for `\`, `"`, and
 * `=`; those, spaces and every other octet as \xHH. The result has no
 * space, quote, `=` or control, so it can be a value in a key=value line
 * and no input can forge a field. An empty input becomes `-`; an input that
 * is the single byte `-` becomes \x2d. */
/*@ requires n <= SIZE_MAX / 2 && sbuf_fits(sb) && \valid_read((char *)bytes + (0 .. n - 1));
    requires \separated(sb, (char *)bytes + (0 .. n - 1), sb->text + (0 .. sb->cap - 1));
    assigns *sb, sb->text[0 .. sb->cap - 1];
    ensures sbuf_fits(sb) && sbuf_grew{Pre, Post}(sb); */
void sbuf_visible(struct sbuf *sb, const void *bytes, size_t n);

#endif
