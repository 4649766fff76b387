/* Facts for tests of fcrdns.c and report.c: DNS messages made by hand, and chains
 * told as a string of letters, one for each name.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_TEST_FACTS_H
#define IPREV_TEST_FACTS_H

#include "judge/fcrdns.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* One DNS message under construction. */
struct packet {
    uint8_t bytes[65535];
    size_t len;
    unsigned count;
};

static struct packet packet;

static inline struct dname name_of(const char *text)
{
    struct dname d;

    cr_assert(dname_from_text(&d, text, strlen(text)), "no name: %s", text);
    return d;
}

static inline struct addr addr_of(const char *text)
{
    struct addr a;

    cr_assert(addr_parse(&a, text, strlen(text)), "no address: %s", text);
    return a;
}

static inline void put16(struct packet *p, unsigned v)
{
    p->bytes[p->len++] = (uint8_t)(v >> 8);
    p->bytes[p->len++] = (uint8_t)v;
}

static inline void start(struct packet *p, const struct dname *name, enum rrtype type)
{
    static const uint8_t header[12] = {0, 1, 0x81, 0x80, 0, 1};

    memcpy(p->bytes, header, sizeof header);
    p->len = sizeof header;
    p->count = 0;
    memcpy(p->bytes + p->len, name->wire, name->len);
    p->len += name->len;
    put16(p, type);
    put16(p, 1);
}

static inline void add(struct packet *p, enum rrtype type, uint32_t ttl, const void *rdata,
                       size_t n)
{
    put16(p, 0xc00c);
    put16(p, type);
    put16(p, 1);
    put16(p, ttl >> 16);
    put16(p, ttl & 0xffff);
    put16(p, (unsigned)n);
    memcpy(p->bytes + p->len, rdata, n);
    p->len += n;
    p->count++;
}

static inline void add_ptr(struct packet *p, uint32_t ttl, const struct dname *target)
{
    add(p, RR_PTR, ttl, target->wire, target->len);
}

static inline void add_addr(struct packet *p, uint32_t ttl, const struct addr *a)
{
    if (a->family == ADDR_IPV6)
        add(p, RR_AAAA, ttl, a->bytes, 16);
    else
        add(p, RR_A, ttl, a->bytes, 4);
}

static inline struct answer finish(struct packet *p, const struct dname *name, enum rrtype type)
{
    struct answer a;

    p->bytes[6] = (uint8_t)(p->count >> 8);
    p->bytes[7] = (uint8_t)p->count;
    answer_read(&a, p->bytes, p->len, name, type);
    return a;
}

static inline struct answer negative(enum answer_kind kind, uint32_t ttl)
{
    struct answer a = answer_none(kind);

    a.ttl = ttl;
    return a;
}

/* The k-th name in sorted order: equal lengths, so octets decide. */
static inline struct dname nth_name(unsigned k)
{
    char text[64];

    snprintf(text, sizeof text, "h%05u.example.net", k);
    return name_of(text);
}

static inline struct addr nth_addr(unsigned k)
{
    uint8_t bytes[4] = {100, (uint8_t)(k >> 16), (uint8_t)(k >> 8), (uint8_t)k};

    return addr_from_bytes(ADDR_IPV4, bytes);
}

static const uint32_t long_ttl = 3600;

static inline void feed_ptr(struct fcrdns *f, unsigned names)
{
    struct dname reverse;
    struct answer a;
    unsigned i;

    dname_reverse(&reverse, &f->client);
    start(&packet, &reverse, RR_PTR);
    for (i = 0; i < names; i++) {
        struct dname target = nth_name(i);

        add_ptr(&packet, long_ttl, &target);
    }
    a = finish(&packet, &reverse, RR_PTR);
    fcrdns_ptr(f, &a);
}

/* Addresses from (inclusive) to (exclusive) of nth_addr, ascending or not. */
static inline struct answer addresses(const struct dname *name, unsigned from, unsigned to,
                                      bool down)
{
    unsigned i;

    start(&packet, name, RR_A);
    for (i = from; i < to; i++) {
        struct addr a = nth_addr(down ? to - 1 - (i - from) : i);

        add_addr(&packet, long_ttl, &a);
    }
    return finish(&packet, name, RR_A);
}

/* What the addresses of a name say, as a letter; the client is nth_addr(500). */
#define CLIENT 500
static const char letters[] = "CENDATSBOP";

static inline void feed_letter(struct fcrdns *f, unsigned i, char letter)
{
    struct dname name = nth_name(i);
    struct answer a;

    switch (letter) {
    case 'C':
        a = addresses(&name, CLIENT - 1, CLIENT + 2, false);
        break;
    case 'E':
        a = addresses(&name, 0, 3, false);
        break;
    case 'N':
        a = negative(ANSWER_NXDOMAIN, long_ttl);
        break;
    case 'D':
        a = negative(ANSWER_NODATA, long_ttl);
        break;
    case 'A':
        a = negative(ANSWER_ALIAS, 5);
        break;
    case 'T':
        a = negative(ANSWER_TIMEOUT, 5);
        break;
    case 'S':
        a = negative(ANSWER_SERVFAIL, 5);
        break;
    case 'B':
        a = negative(ANSWER_BOGUS, 5);
        break;
    case 'O':
        a = negative(ANSWER_OVERLOAD, 5);
        break;
    default:
        return;
    }
    fcrdns_address(f, i, &a);
}

static inline void run(struct fcrdns *f, const char *letters_by_name)
{
    struct addr client = nth_addr(CLIENT);
    unsigned i;

    fcrdns_start(f, &client);
    feed_ptr(f, (unsigned)strlen(letters_by_name));
    for (i = 0; letters_by_name[i] != '\0'; i++)
        feed_letter(f, i, letters_by_name[i]);
}

static inline void expect_verdict(const struct chain *c, enum finding result, enum finding cause,
                                  const char *what)
{
    cr_expect(c->result == result && c->cause == cause, "%s: got %s/%s, want %s/%s", what,
              finding_word((enum finding)c->result),
              c->cause == F_NONE ? "none" : finding_word((enum finding)c->cause),
              finding_word(result), cause == F_NONE ? "none" : finding_word(cause));
}

static unsigned seed = 1;

static inline unsigned rnd(unsigned n)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 8) % n;
}

static inline void shuffle(unsigned *order, unsigned n)
{
    unsigned i;

    for (i = 0; i < n; i++)
        order[i] = i;
    for (i = n; i > 1; i--) {
        unsigned j = rnd(i), t = order[i - 1];

        order[i - 1] = order[j];
        order[j] = t;
    }
}

#endif
