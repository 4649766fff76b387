/* Writes DNS messages for tests, right and wrong ones, from a line of text.
 *
 * Records stand between `; ` as OWNER TTL TYPE RDATA; after a record `--` come
 * those of the authority section. OWNER `Q` is the name asked. TYPE is a word or
 * a number, `/3` behind it a class. RDATA is `#` and hexadecimal octets, for
 * SOA the MINIMUM, else a name. A name ending in `@12` ends in a pointer to
 * octet 12.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_TESTS_MESSAGE_H
#define IPREV_TESTS_MESSAGE_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "value/answer.h"
#include "value/ascii.h"

#define MESSAGE_ROOM 140000
#define QUESTION     "1.2.0.192.in-addr.arpa"
#define RESPONSE     0x8180u /* QR, RD, RA */

enum { QUESTIONS = 4, ANSWERS = 6, AUTHORITIES = 8, ADDITIONALS = 10 }; /* octets of the counts */

struct message {
    uint8_t octets[MESSAGE_ROOM];
    size_t len;
};

static inline void put8(struct message *m, unsigned v)
{
    m->octets[m->len++] = (uint8_t)v;
}

static inline void put16(struct message *m, unsigned v)
{
    put8(m, v >> 8);
    put8(m, v);
}

static inline void put32(struct message *m, uint32_t v)
{
    put16(m, v >> 16);
    put16(m, v);
}

static inline void add16(struct message *m, size_t at, int by)
{
    unsigned v = (m->octets[at] << 8 | m->octets[at + 1]) + (unsigned)by;

    m->octets[at] = (uint8_t)(v >> 8);
    m->octets[at + 1] = (uint8_t)v;
}

static inline void put_name(struct message *m, const char *s, size_t n)
{
    const char *end = s + n;

    while (s < end && *s != '@') {
        const char *stop = s;

        while (stop < end && *stop != '.' && *stop != '@')
            stop++;
        put8(m, (unsigned)(stop - s));
        memcpy(m->octets + m->len, s, (size_t)(stop - s));
        m->len += (size_t)(stop - s);
        s = stop + (stop < end && *stop == '.');
    }
    if (s < end)
        put16(m, 0xc000u | (unsigned)strtoul(s + 1, NULL, 10));
    else
        put8(m, 0);
}

/* Header, and one question; its name stands at octet 12. */
static inline void start_message(struct message *m, unsigned flags, unsigned type)
{
    m->len = 0;
    put16(m, 0x1234);
    put16(m, flags);
    put16(m, 1);
    put16(m, 0);
    put32(m, 0);
    put_name(m, QUESTION, strlen(QUESTION));
    put16(m, type);
    put16(m, 1);
}

static inline unsigned type_number(const char *s)
{
    static const struct {
        const char *word;
        unsigned number;
    } types[] = {{"AAAA", RR_AAAA}, {"A", RR_A},     {"CNAME", RR_CNAME},
                 {"PTR", RR_PTR},   {"SOA", RR_SOA}, {"RRSIG", 46}};
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strncmp(s, types[i].word, strlen(types[i].word)) == 0)
            return types[i].number;
    return (unsigned)strtoul(s, NULL, 10);
}

static inline void put_rdata(struct message *m, unsigned type, const char *s, size_t n)
{
    size_t i;

    if (n > 0 && s[0] == '#') {
        for (i = 1; i + 1 < n; i += 2)
            put8(m, (unsigned)(ascii_hex((unsigned char)s[i]) << 4 |
                               ascii_hex((unsigned char)s[i + 1])));
    } else if (type == RR_SOA) {
        put_name(m, "ns@12", 5);
        put_name(m, "hostmaster", 10);
        for (i = 0; i < 4; i++)
            put32(m, 0x01020304);
        put32(m, (uint32_t)strtoul(s, NULL, 10));
    } else {
        put_name(m, s, n);
    }
}

/* One record of n characters at s, counted at `section`. */
static inline void put_record(struct message *m, size_t section, const char *s, size_t n)
{
    const char *end = s + n;
    const char *ttl = memchr(s, ' ', n);
    const char *type = memchr(ttl + 1, ' ', (size_t)(end - ttl - 1));
    const char *rdata = memchr(type + 1, ' ', (size_t)(end - type - 1));
    const char *class = memchr(type, '/', (size_t)(rdata - type));
    size_t length;

    if (ttl - s == 1 && *s == 'Q')
        put_name(m, QUESTION, strlen(QUESTION));
    else
        put_name(m, s, (size_t)(ttl - s));
    put16(m, type_number(type + 1));
    put16(m, class ? (unsigned)strtoul(class + 1, NULL, 10) : 1);
    put32(m, (uint32_t)strtoul(ttl + 1, NULL, 10));
    length = m->len;
    put16(m, 0);
    put_rdata(m, type_number(type + 1), rdata + 1, (size_t)(end - rdata - 1));
    add16(m, length, (int)(m->len - length - 2));
    add16(m, section, 1);
}

static inline void put_records(struct message *m, const char *script)
{
    size_t section = ANSWERS;

    while (*script) {
        const char *end = strstr(script, "; ");
        size_t n = end ? (size_t)(end - script) : strlen(script);

        if (n >= 3 && memcmp(script, "-- ", 3) == 0) {
            section = AUTHORITIES;
            script += 3;
            n -= 3;
        }
        put_record(m, section, script, n);
        script += n + (end ? 2 : 0);
    }
}

/* Reads a copy that ends where the message ends, so that the sanitizer sees any
 * octet too many. The caller frees it. */
static inline uint8_t *read_copy(struct answer *a, const uint8_t *octets, size_t n,
                                 enum rrtype type)
{
    uint8_t *copy = malloc(n + 1);
    struct dname asked;

    cr_assert_not_null(copy);
    if (n > 0)
        memcpy(copy + 1, octets, n); /* at an odd address as well */
    dname_from_text(&asked, QUESTION, strlen(QUESTION));
    answer_read(a, copy + 1, n, &asked, type);
    return copy;
}

/* Such as "data ttl=300 good=1 bad=0 name=mail.example.com". */
static inline const char *outcome(const struct answer *a)
{
    static const char *const kinds[] = {"data",     "nxdomain", "nodata", "alias",
                                        "servfail", "timeout",  "bogus",  "overload"};
    static char text[DNAME_VISIBLE_MAX + 100];
    struct dname asked;
    struct sbuf sb;

    dname_from_text(&asked, QUESTION, strlen(QUESTION));
    sbuf_init(&sb, text, sizeof(text));
    sbuf_str(&sb, kinds[a->kind]);
    sbuf_str(&sb, " ttl=");
    sbuf_uint(&sb, a->ttl);
    if (a->kind == ANSWER_DATA) {
        sbuf_str(&sb, " good=");
        sbuf_uint(&sb, a->good);
        sbuf_str(&sb, " bad=");
        sbuf_uint(&sb, a->bad);
    }
    if (!dname_equal(&a->name, &asked)) {
        sbuf_str(&sb, " name=");
        dname_put_visible(&sb, &a->name);
    }
    return text;
}

#endif
