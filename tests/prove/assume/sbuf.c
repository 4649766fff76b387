/* What the proofs assume of sbuf.c where they feed long texts: what its contracts say. All of the
 * buffer can be written, what is put can be read, and the text stays inside.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "value/sbuf.h"
#include "prove.h"

#include <string.h>

void sbuf_init(struct sbuf *sb, char *text, size_t cap)
{
    any_octets(text, cap);
    text[0] = '\0';
    *sb = (struct sbuf){text, cap, 0, false};
}

void sbuf_mem(struct sbuf *sb, const char *s, size_t n)
{
    if (n > 0)
        Frama_C_show_each_read(s[0], s[n - 1]);
    sb->len = any_size(0, sb->cap - 1);
    sb->overflow = any_bool();
    any_octets(sb->text, sb->cap);
    sb->text[sb->cap - 1] = '\0';
}

void sbuf_str(struct sbuf *sb, const char *s)
{
    Frama_C_show_each_text(strlen(s));
    sbuf_mem(sb, "", 0);
}

void sbuf_uint(struct sbuf *sb, uint64_t v)
{
    Frama_C_show_each_number(v);
    sbuf_mem(sb, "", 0);
}
