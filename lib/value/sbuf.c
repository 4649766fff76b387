/* Bounded text builder: see sbuf.h.
 *
 * Every put goes through put(), which adds all of its octets or none.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "value/sbuf.h"

#include <string.h>

void sbuf_init(struct sbuf *sb, char *text, size_t cap)
{
    sb->text = text;
    sb->cap = cap;
    sb->len = 0;
    sb->overflow = false;
    text[0] = '\0';
}

/* Inline: most puts are of one octet. */
/*@ requires sbuf_fits(sb) && \valid_read(s + (0 .. n - 1));
    requires \separated(sb, s + (0 .. n - 1), sb->text + (0 .. sb->cap - 1));
    assigns *sb, sb->text[0 .. sb->cap - 1];
    ensures sbuf_fits(sb) && sbuf_grew{Pre, Post}(sb); */
static inline void put(struct sbuf *sb, const char *s, size_t n)
{
    //@ split n;
    if (sb->overflow)
        return;
    if (n >= sb->cap || sb->len + n >= sb->cap) {
        sb->overflow = true;
        return;
    }
    if (n > 0)
        memcpy(sb->text + sb->len, s, n);
    sb->len += n;
    sb->text[sb->len] = '\0';
}

void sbuf_mem(struct sbuf *sb, const char *s, size_t n)
{
    put(sb, s, n);
}

void sbuf_byte(struct sbuf *sb, char c)
{
    put(sb, &c, 1);
}

/*@ requires sbuf_fits(sb) && valid_read_string(s);
    requires \separated(sb, s + (0 .. strlen(s)), sb->text + (0 .. sb->cap - 1));
    assigns *sb, sb->text[0 .. sb->cap - 1];
    ensures sbuf_fits(sb) && sbuf_grew{Pre, Post}(sb); */
void sbuf_str(struct sbuf *sb, const char *s)
{
    sbuf_mem(sb, s, strlen(s));
}

void sbuf_uint(struct sbuf *sb, uint64_t v)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    sbuf_mem(sb, digits + at, sizeof(digits) - at);
}

/*@ requires sbuf_fits(sb);
    assigns *sb, sb->text[0 .. sb->cap - 1];
    ensures sbuf_fits(sb) && sbuf_grew{Pre, Post}(sb); */
static void put_hex(struct sbuf *sb, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    const char escape[4] = {'\\', 'x', digits[c / 16], digits[c % 16]};

    sbuf_mem(sb, escape, sizeof(escape));
}

/* How many octets from p on are shown as they are. */
/*@ requires \valid_read(p + (0 .. n - 1));
    assigns \nothing;
    ensures \result <= n; */
static size_t plain(const char *p, size_t n)
{
    size_t i;

    /*@ loop invariant 0 <= i <= n;
        loop assigns i;
        loop variant n - i; */
    for (i = 0; i < n; i++)
        if (p[i] < 0x21 || p[i] > 0x7e || p[i] == '\\' || p[i] == '"' || p[i] == '=')
            break;
    return i;
}

void sbuf_visible(struct sbuf *sb, const void *bytes, size_t n)
{
    const char *p = bytes; /* from 0x80 on less than 0x21, or more than 0x7e */
    size_t i, run;

    if (n == 0)
        sbuf_byte(sb, '-');
    if (n == 1 && p[0] == '-') { /* alone, it means "nothing" */
        put_hex(sb, '-');
        return;
    }
    /*@ loop invariant 0 <= i <= n + 1 && sbuf_fits(sb) && sbuf_grew{Pre, Here}(sb);
        loop assigns i, run, *sb, \at(sb->text, Pre)[0 .. \at(sb->cap, Pre) - 1];
        loop variant n + 1 - i; */
    for (i = 0; i < n; i++) {
        run = plain(p + i, n - i);
        sbuf_mem(sb, p + i, run);
        i += run;
        if (i < n)
            put_hex(sb, (unsigned char)p[i]);
    }
}
