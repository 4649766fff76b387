/* Addresses: parse, print, compare, classify. See addr.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "value/addr.h"

#include <string.h>

#include "value/ascii.h"

#define GROUPS 8 /* 16-bit groups of an IPv6 address */

static size_t family_bits(const struct addr *a)
{
    return a->family == ADDR_IPV4 ? 32 : a->family == ADDR_IPV6 ? 128 : 0;
}

struct addr addr_from_bytes(enum addr_family family, const void *bytes)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    const uint8_t *p = bytes;
    struct addr a = {.family = ADDR_NONE};

    if (family == ADDR_IPV6 && memcmp(p, mapped, sizeof(mapped)) == 0) {
        family = ADDR_IPV4;
        p += sizeof(mapped);
    }
    if (family != ADDR_IPV4 && family != ADDR_IPV6)
        return a;
    a.family = (uint8_t)family;
    memcpy(a.bytes, p, family_bits(&a) / 8);
    return a;
}

/* One decimal number without leading zeros, 0..max, at s[*at]; max < 1000. */
static bool read_decimal(unsigned *v, unsigned max, const char *s, size_t n, size_t *at)
{
    size_t start = *at;
    size_t i = start;
    unsigned value = 0, digit;

    for (; i < n && i < start + 3 && (digit = (unsigned char)s[i] - (unsigned)'0') < 10; i++)
        value = value * 10 + digit;
    *v = value;
    *at = i;
    return i > start && value <= max && (s[start] != '0' || i == start + 1);
}

/* From s[at] to the end. */
static bool read_ipv4(uint8_t out[4], const char *s, size_t n, size_t at)
{
    size_t i;

    for (i = 0; i < 4; i++) {
        unsigned v;

        if (i > 0 && (at >= n || s[at++] != '.'))
            return false;
        if (!read_decimal(&v, 255, s, n, &at))
            return false;
        out[i] = (uint8_t)v;
    }
    return at == n;
}

static bool read_group(uint8_t out[2], const char *s, size_t n, size_t *at)
{
    size_t start = *at;
    unsigned v = 0;

    while (*at < n && ascii_hex((unsigned char)s[*at]) >= 0) {
        if (*at - start == 4)
            return false;
        v = v << 4 | (unsigned)ascii_hex((unsigned char)s[(*at)++]);
    }
    out[0] = (uint8_t)(v >> 8);
    out[1] = (uint8_t)v;
    return *at > start;
}

/* An IPv4 tail is the only part that can contain a dot, and nothing follows it. */
static bool is_ipv4_tail(const char *s, size_t n, size_t at)
{
    while (at < n && s[at] != ':' && s[at] != '.')
        at++;
    return at < n && s[at] == '.';
}

/* The octets from gap to len move to the end of the address, zeros between. */
static void open_gap(uint8_t out[16], size_t gap, size_t len)
{
    size_t shift;

    //@ split len;
    shift = 16 - len;
    while (len > gap) {
        len--;
        out[len + shift] = out[len];
        out[len] = 0;
    }
}

static bool read_ipv6(uint8_t out[16], const char *s, size_t n)
{
    size_t gap = SIZE_MAX; /* octets before the `::` */
    size_t at = 0;
    size_t len = 0;

    memset(out, 0, 16);
    while (at < n) {
        if (n - at >= 2 && s[at] == ':' && s[at + 1] == ':') {
            if (gap != SIZE_MAX)
                return false;
            gap = len;
            at += 2;
            if (at == n)
                break;
        } else if (len > 0 && s[at++] != ':') {
            return false;
        }
        if (len <= 12 && is_ipv4_tail(s, n, at)) {
            if (!read_ipv4(out + len, s, n, at))
                return false;
            len += 4;
            break;
        }
        if (len == 16 || !read_group(out + len, s, n, &at))
            return false;
        len += 2;
    }
    if (gap == SIZE_MAX)
        return len == 16;
    if (len == 16) /* `::` stands for at least one group */
        return false;
    open_gap(out, gap, len);
    return true;
}

bool addr_parse(struct addr *a, const char *s, size_t n)
{
    uint8_t bytes[16];

    *a = (struct addr){.family = ADDR_NONE};
    if (n >= ADDR_TEXT_MAX)
        return false;
    if (read_ipv4(bytes, s, n, 0))
        *a = addr_from_bytes(ADDR_IPV4, bytes);
    else if (read_ipv6(bytes, s, n))
        *a = addr_from_bytes(ADDR_IPV6, bytes);
    return a->family != ADDR_NONE;
}

/* For the contracts that `make prove` proves: whole octets, and the first bits of the next. That
 * the last line means this is what tests/prove/bits.smt2 shows. */
#define SAME_PREFIX(a, b, bits)                                                                    \
    ((\forall integer k; 0 <= k<(bits) / 8 ==>(a)[k] == (b)[k]) &&                                 \
     ((bits) % 8 == 0 || ((a)[(bits) / 8] ^ (b)[(bits) / 8]) >> (8 - (bits) % 8) == 0))

/* The first `bits` bits of a and b are the same. */
/*@ requires bits <= 128 && \valid_read(a + (0 .. 15)) && \valid_read(b + (0 .. 15));
    assigns \nothing;
    ensures \result <==> SAME_PREFIX(a, b, bits); */
static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole, rest, i;

    //@ split bits;
    whole = bits / 8;
    rest = bits % 8;

    /*@ loop invariant 0 <= i <= whole && (\forall integer k; 0 <= k < i ==> a[k] == b[k]);
        loop assigns i;
        loop variant whole - i; */
    for (i = 0; i < whole; i++)
        if (a[i] != b[i])
            return false;
    return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool host_bits_zero(const struct addr_net *net)
{
    unsigned i;

    for (i = net->bits; i < family_bits(&net->base); i++)
        if (net->base.bytes[i / 8] & (0x80u >> (i % 8)))
            return false;
    return true;
}

static bool read_net(struct addr_net *net, const char *s, size_t n)
{
    const char *slash = n > 0 ? memchr(s, '/', n) : NULL;
    size_t len = slash ? (size_t)(slash - s) : n;
    size_t at = len + 1;
    unsigned offset = 0;
    unsigned bits;

    if (!addr_parse(&net->base, s, len))
        return false;
    net->bits = (uint8_t)family_bits(&net->base);
    if (!slash)
        return true;
    /* An unwrapped address has lost 96 bits of prefix. A shorter prefix of it
     * would end inside ffff and so have host bits set. */
    if (net->base.family == ADDR_IPV4 && memchr(s, ':', len))
        offset = 96;
    if (!read_decimal(&bits, net->bits + offset, s, n, &at) || at != n || bits < offset)
        return false;
    net->bits = (uint8_t)(bits - offset);
    return host_bits_zero(net);
}

bool addr_net_parse(struct addr_net *net, const char *s, size_t n)
{
    *net = (struct addr_net){.bits = 0};
    if (read_net(net, s, n))
        return true;
    *net = (struct addr_net){.bits = 0};
    return false;
}

/*@ requires \valid_read(a) && \valid_read(net) && net->bits <= 128;
    assigns \nothing;
    ensures \result <==> a->family != ADDR_NONE && a->family == net->base.family &&
                         SAME_PREFIX(a->bytes, net->base.bytes, net->bits); */
bool addr_in_net(const struct addr *a, const struct addr_net *net)
{
    return a->family != ADDR_NONE && a->family == net->base.family &&
           same_prefix(a->bytes, net->base.bytes, net->bits);
}

int addr_compare(const struct addr *a, const struct addr *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    return addr_compare(a, b) == 0;
}

struct range {
    uint8_t family;
    uint8_t bits;
    uint8_t prefix[16];
};

static bool in_ranges(const struct addr *a, const struct range *r, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (a->family == r[i].family && same_prefix(a->bytes, r[i].prefix, r[i].bits))
            return true;
    return false;
}

bool addr_is_loopback(const struct addr *a)
{
    static const struct range loopback[] = {
        {ADDR_IPV4, 8, {127}},
        {ADDR_IPV6, 128, {[15] = 1}},
    };

    return in_ranges(a, loopback, sizeof(loopback) / sizeof(loopback[0]));
}

bool addr_is_private(const struct addr *a)
{
    static const struct range unreachable[] = {
        {ADDR_IPV4, 8, {0}},         {ADDR_IPV4, 8, {10}},          {ADDR_IPV4, 10, {100, 64}},
        {ADDR_IPV4, 16, {169, 254}}, {ADDR_IPV4, 12, {172, 16}},    {ADDR_IPV4, 16, {192, 168}},
        {ADDR_IPV4, 3, {224}}, /* multicast, reserved and broadcast */
        {ADDR_IPV6, 128, {0}},       {ADDR_IPV6, 10, {0xfe, 0x80}}, {ADDR_IPV6, 7, {0xfc}},
        {ADDR_IPV6, 8, {0xff}},
    };

    return addr_is_loopback(a) ||
           in_ranges(a, unreachable, sizeof(unreachable) / sizeof(unreachable[0]));
}

static void put_ipv4(struct sbuf *sb, const uint8_t *p)
{
    unsigned i;

    for (i = 0; i < 4; i++) {
        if (i > 0)
            sbuf_byte(sb, '.');
        sbuf_uint(sb, p[i]);
    }
}

static unsigned group_at(const uint8_t *p, unsigned i)
{
    return (unsigned)p[2 * i] << 8 | p[2 * i + 1];
}

/* RFC 5952 4.2: the first of the longest runs of two or more zero groups.
 * Returns its length, 0 when there is none. */
static unsigned longest_gap(const uint8_t *p, unsigned *start)
{
    unsigned best = 1;
    unsigned run = 0;
    unsigned i;

    *start = GROUPS;
    for (i = 0; i < GROUPS; i++) {
        run = group_at(p, i) == 0 ? run + 1 : 0;
        if (run > best) {
            best = run;
            *start = i + 1 - run;
        }
    }
    return *start < GROUPS ? best : 0;
}

static void put_group(struct sbuf *sb, unsigned v)
{
    static const char digits[] = "0123456789abcdef";
    int shift = 12;

    while (shift > 0 && v >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        sbuf_byte(sb, digits[v >> shift & 15]);
}

static void put_ipv6(struct sbuf *sb, const uint8_t *p)
{
    unsigned start;
    unsigned gap = longest_gap(p, &start);
    unsigned i;

    for (i = 0; i < GROUPS; i++) {
        if (gap > 0 && i == start) {
            sbuf_str(sb, "::");
            i += gap - 1;
            continue;
        }
        if (i > 0 && i != start + gap)
            sbuf_byte(sb, ':');
        put_group(sb, group_at(p, i));
    }
}

void addr_put(struct sbuf *sb, const struct addr *a)
{
    if (a->family == ADDR_IPV4)
        put_ipv4(sb, a->bytes);
    else if (a->family == ADDR_IPV6)
        put_ipv6(sb, a->bytes);
    else
        sbuf_byte(sb, '-');
}

const char *addr_text(char text[ADDR_TEXT_MAX], const struct addr *a)
{
    struct sbuf sb;

    sbuf_init(&sb, text, ADDR_TEXT_MAX);
    addr_put(&sb, a);
    return text;
}

void addr_net_put(struct sbuf *sb, const struct addr_net *net)
{
    addr_put(sb, &net->base);
    if (net->base.family == ADDR_NONE)
        return;
    sbuf_byte(sb, '/');
    sbuf_uint(sb, net->bits);
}

uint64_t addr_hash(const struct addr *a, const struct hash_key *key)
{
    _Static_assert(sizeof *a == 1 + sizeof a->bytes, "no octet of it is padding");
    return hash_octets(key, a, sizeof *a);
}
