/* DNS names: make, compare, print. See dname.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "value/dname.h"

#include <libpsl.h>
#include <string.h>

#include "value/ascii.h"

#define LABEL_MAX      63
#define POINTER        0xc0
#define POINTER_OFFSET 0x3fff

/* More labels than any rule of the public suffix list has, and one more for
 * the registrable label: what is further left cannot change the result. */
#define SUFFIX_LABELS 8

/* A name without its root label yet. */
#define UNFINISHED(d)                                                                              \
    (d)->len < 255 && labels(&(d)->wire[0], (d)->len) &&                                           \
        (\forall integer k; 0 <= k<(d)->len ==> !('A' <= (d)->wire[k] <= 'Z')) &&                  \
        (\forall integer k; (d)->len <= k<255 ==>(d)->wire[k] == 0)

/* All octets 0. */
/*@ requires \valid(d);
    assigns *d;
    ensures d->len == len && (\forall integer i; 0 <= i < 255 ==> d->wire[i] == 0); */
static void clear(struct dname *d, uint8_t len)
{
    *d = (struct dname){.len = len};
}

/*@ requires \valid(d);
    assigns *d;
    ensures DNAME_FORMED(d); */
static void set_root(struct dname *d)
{
    clear(d, 1);
}

/* While a name is being made, len counts what is there and may be 0. Room for
 * the root label is kept, so that finishing cannot fail. n is 1 to LABEL_MAX. */
/*@ requires \valid(d) && UNFINISHED(d) && 1 <= n <= LABEL_MAX && \valid_read(p + (0 .. n - 1));
    requires \separated(d, p + (0 .. n - 1));
    assigns *d;
    ensures UNFINISHED(d); */
static bool add_label(struct dname *d, const uint8_t *p, size_t n)
{
    size_t start = d->len + 1u;
    size_t i;

    if (start + n >= DNAME_MAX)
        return false;
    d->wire[d->len] = (uint8_t)n;
    /*@ loop invariant 0 <= i <= n && d->len == start - 1 && d->wire[start - 1] == n &&
          labels(&d->wire[0], start - 1) &&
          (\forall integer k; 0 <= k < start + i ==> !('A' <= d->wire[k] <= 'Z')) &&
          (\forall integer k; start + i <= k < 255 ==> d->wire[k] == 0);
        loop assigns i, d->wire[start .. start + n - 1];
        loop variant n - i; */
    for (i = 0; i < n; i++)
        d->wire[start + i] = ascii_lower(p[i]);
    /*@ assert labels(&d->wire[0], start + n); */
    d->len = (uint8_t)(start + n);
    return true;
}

/*@ requires \valid(d) && UNFINISHED(d);
    assigns *d;
    ensures DNAME_FORMED(d); */
static void add_root(struct dname *d)
{
    d->wire[d->len++] = 0;
}

/* *at is moved past the name as it is at msg[*at]. The lines with `//@` are for `make prove`: it
 * looks at one length of a label after the other. */
/*@ requires \valid(d) && \valid(at) && \valid_read(msg + (0 .. n - 1)) && n <= 65535;
    requires \separated(d, msg + (0 .. n - 1)) && \separated(d, at);
    assigns *d, *at;
    ensures \result ==> (DNAME_FORMED(d)); */
static bool read_message(struct dname *d, const uint8_t *msg, size_t n, size_t *at)
{
    size_t pos = *at;
    size_t run = pos; /* where the labels being read began */
    bool jumped = false;

    clear(d, 0);
    /*@ loop invariant UNFINISHED(d);
        loop assigns pos, run, jumped, *d, *at; */
    while (pos < n) {
        size_t c = msg[pos];

        if (c >= POINTER) {
            size_t target;

            if (pos + 2 > n)
                return false;
            target = (c << 8 | msg[pos + 1]) & POINTER_OFFSET;
            if (!jumped)
                *at = pos + 2;
            jumped = true;
            if (target >= run)
                return false;
            pos = run = target;
            continue;
        }
        if (c == 0) {
            add_root(d);
            if (!jumped)
                *at = pos + 1;
            return true;
        }
        if (c > LABEL_MAX)
            return false;
        //@ split c;
        if (pos + 1 + c > n || !add_label(d, msg + pos + 1, c))
            return false;
        pos += 1 + c;
        //@ merge c;
    }
    return false;
}

bool dname_from_message(struct dname *d, const uint8_t *msg, size_t n, size_t *at)
{
    size_t pos = *at;

    if (!read_message(d, msg, n, &pos)) {
        set_root(d);
        return false;
    }
    *at = pos;
    return true;
}

bool dname_from_wire(struct dname *d, const uint8_t *p, size_t n)
{
    size_t at = 0;

    /* A pointer could only go before octet 0, so none is taken here. */
    if (!dname_from_message(d, p, n, &at))
        return false;
    if (at == n)
        return true;
    set_root(d);
    return false;
}

/* What stands for an octet of host-name text: letters in lower case, the dot
 * for itself, 0 for what no such text contains. */
static const uint8_t text_octets[256] = {
    ['-'] = '-', ['.'] = '.', ['_'] = '_', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3',
    ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'a',
    ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h',
    ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o',
    ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v',
    ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c',
    ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j',
    ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q',
    ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x',
    ['y'] = 'y', ['z'] = 'z',
};

#define HOST_MIN 5 /* octets of `a.b` */

#define HOST_OCTET  1
#define DIGIT_OCTET 2

static const uint8_t octet_kinds[256] = {
    ['0' ... '9'] = HOST_OCTET | DIGIT_OCTET,
    ['A' ... 'Z'] = HOST_OCTET,
    ['a' ... 'z'] = HOST_OCTET,
    ['-'] = HOST_OCTET,
    ['_'] = HOST_OCTET,
};

static bool is_host_octet(uint8_t c)
{
    return octet_kinds[c] != 0;
}

/* Its contract is shown by the units, for every octet. */
/*@ assigns \nothing;
    ensures !('A' <= \result <= 'Z'); */
static uint8_t text_octet(char c)
{
    return text_octets[(unsigned char)c];
}

/* The octets of a label are there already, behind start and up to end. */
/*@ requires \valid(d) && start < end <= start + LABEL_MAX && end < 254;
    requires labels(&d->wire[0], start);
    assigns d->wire[start];
    ensures d->wire[start] == end - start && labels(&d->wire[0], end + 1); */
static void set_length(struct dname *d, size_t start, size_t end)
{
    d->wire[start] = (uint8_t)(end - start);
    /*@ assert labels(&d->wire[0], start); */
    /*@ assert labels(&d->wire[0], start + 1 + d->wire[start]); */
}

/* The length octet of a label stands where the dot before it stood, one octet
 * further: s[i] becomes wire[i + 1]. */
/*@ requires \valid(d) && \valid_read(s + (0 .. n - 1)) && \separated(d, s + (0 .. n - 1));
    assigns *d;
    ensures \result ==> (DNAME_FORMED(d)); */
static bool read_text(struct dname *d, const char *s, size_t n)
{
    size_t start = 0;
    size_t i;

    clear(d, 0);
    if (n == 0)
        return false;
    if (s[n - 1] == '.')
        n--;
    if (n > DNAME_MAX - 2)
        return false;
    /*@ loop invariant 0 <= start <= i <= n + 1 <= 254 && labels(&d->wire[0], start) &&
          (\forall integer k; 0 <= k <= i && k != start ==> !('A' <= d->wire[k] <= 'Z')) &&
          (\forall integer k; i < k < 255 ==> d->wire[k] == 0);
        loop invariant i == n + 1 ==> start == i;
        loop assigns i, start, d->wire[0 .. 254];
        loop variant n + 1 - i; */
    for (i = 0; i <= n; i++) {
        uint8_t c = i < n ? text_octet(s[i]) : '.';

        d->wire[i + 1] = c;
        if (c > '.' || c == '-')
            continue;
        if (c == 0 || i == start || i - start > LABEL_MAX)
            return false;
        set_length(d, start, i);
        start = i + 1;
    }
    d->wire[start] = 0;
    d->len = (uint8_t)(start + 1);
    return true;
}

bool dname_from_text(struct dname *d, const char *s, size_t n)
{
    if (read_text(d, s, n))
        return true;
    set_root(d);
    return false;
}

/*@ requires \valid(d) && UNFINISHED(d) && v <= 255;
    assigns *d;
    ensures UNFINISHED(d); */
static void add_decimal(struct dname *d, unsigned v)
{
    uint8_t digits[3];
    size_t n = 0;

    if (v >= 100)
        digits[n++] = (uint8_t)('0' + v / 100);
    if (v >= 10)
        digits[n++] = (uint8_t)('0' + v / 10 % 10);
    digits[n++] = (uint8_t)('0' + v % 10);
    add_label(d, digits, n);
}

/*@ requires \valid(d) && UNFINISHED(d) && v <= 15;
    assigns *d;
    ensures UNFINISHED(d); */
static void add_nibble(struct dname *d, unsigned v)
{
    uint8_t digit = (uint8_t)(v < 10 ? '0' + v : 'a' + v - 10);

    add_label(d, &digit, 1);
}

void dname_reverse(struct dname *d, const struct addr *a)
{
    const uint8_t in_addr[] = "in-addr", ip6[] = "ip6", arpa[] = "arpa";
    unsigned i;

    clear(d, 0);
    if (a->family == ADDR_IPV4) {
        /*@ loop invariant 0 <= i <= 4 && UNFINISHED(d);
            loop assigns i, *d;
            loop variant 4 - i; */
        for (i = 0; i < 4; i++)
            add_decimal(d, a->bytes[3 - i]);
        add_label(d, in_addr, sizeof in_addr - 1);
    } else {
        /*@ loop invariant 0 <= i <= 16 && UNFINISHED(d);
            loop assigns i, *d;
            loop variant 16 - i; */
        for (i = 0; i < 16; i++) {
            add_nibble(d, a->bytes[15 - i] % 16u);
            add_nibble(d, a->bytes[15 - i] / 16u);
        }
        add_label(d, ip6, sizeof ip6 - 1);
    }
    add_label(d, arpa, sizeof arpa - 1);
    add_root(d);
}

bool dname_equal(const struct dname *a, const struct dname *b)
{
    return a->len == b->len && memcmp(a->wire, b->wire, a->len) == 0;
}

int dname_compare(const struct dname *a, const struct dname *b)
{
    int order = memcmp(a->wire, b->wire, a->len < b->len ? a->len : b->len);

    return order != 0 ? order : (int)a->len - (int)b->len;
}

bool dname_is_host(const struct dname *d)
{
    unsigned kinds = 0; /* that all octets of the last label seen have */
    unsigned labels = 0;
    size_t i = 0;

    if (d->len < HOST_MIN)
        return false;
    while (i + 1 < d->len) {
        size_t end = dname_next(d, i);

        kinds = HOST_OCTET | DIGIT_OCTET;
        for (i++; i < end; i++)
            kinds &= octet_kinds[d->wire[i]];
        if ((kinds & HOST_OCTET) == 0)
            return false;
        labels++;
    }
    return labels >= 2 && (kinds & DIGIT_OCTET) == 0;
}

unsigned dname_labels(const struct dname *d)
{
    unsigned labels = 0;
    size_t i;

    for (i = 0; i + 1 < d->len; i = dname_next(d, i))
        labels++;
    return labels;
}

/* Text without final dot into text[DNAME_TEXT_MAX], which is all 0; d is a host name. A label
 * of the text starts at the offset that its length octet has in the wire form.
 * *tail is the text of the last SUFFIX_LABELS labels. */
static size_t render(char *text, const struct dname *d, const char **tail)
{
    unsigned labels = dname_labels(d);
    size_t len = d->len - 2u;
    size_t i;

    memcpy(text, d->wire + 1, len);
    *tail = text;
    for (i = dname_next(d, 0); i + 1 < d->len; i = dname_next(d, i)) {
        text[i - 1] = '.';
        if (labels-- > SUFFIX_LABELS)
            *tail = text + i;
    }
    return len;
}

/* False when the name is no host name or has no registrable domain. *left is
 * then 0. */
static bool find_registrable(const struct dname *d, size_t *left)
{
    char text[DNAME_TEXT_MAX] = "";
    const char *tail;
    const char *found;

    *left = 0;
    if (!dname_is_host(d))
        return false;
    render(text, d, &tail);
    found = psl_registrable_domain(psl_builtin(), tail);
    if (!found)
        return false;
    *left = (size_t)(found - text);
    return true;
}

size_t dname_left_of_registrable(const struct dname *d)
{
    size_t left;

    find_registrable(d, &left);
    return left;
}

bool dname_is_registrable(const struct dname *d)
{
    size_t left;

    return find_registrable(d, &left) && left == 0;
}

/* Where the last two labels begin. A registrable domain has two at least. */
static size_t last_two(const struct dname *d)
{
    size_t at[2] = {0, 0};
    size_t i;

    for (i = 0; i + 1 < d->len; i = dname_next(d, i)) {
        at[0] = at[1];
        at[1] = i;
    }
    return at[0];
}

static bool same_tail(const struct dname *a, size_t at_a, const struct dname *b, size_t at_b)
{
    for (; at_a < a->len && at_b < b->len; at_a++, at_b++)
        if (a->wire[at_a] != b->wire[at_b])
            return false;
    return at_a == a->len && at_b == b->len;
}

bool dname_same_registrable(const struct dname *a, const struct dname *b)
{
    size_t left_a, left_b;

    /* Most names that differ do so here, which spares the search of the list. */
    if (!same_tail(a, last_two(a), b, last_two(b)))
        return false;
    if (!find_registrable(a, &left_a) || !find_registrable(b, &left_b))
        return false;
    return same_tail(a, left_a, b, left_b);
}

void dname_put(struct sbuf *sb, const struct dname *d)
{
    char text[DNAME_TEXT_MAX] = "";
    const char *tail;

    if (dname_is_host(d))
        sbuf_mem(sb, text, render(text, d, &tail));
    else
        sbuf_byte(sb, '-');
}

static void put_octet(struct sbuf *sb, uint8_t c)
{
    char escape[4] = {'\\', (char)('0' + c / 100), (char)('0' + c / 10 % 10), (char)('0' + c % 10)};

    if (is_host_octet(c) || c == '/') /* RFC 2317 names are full of it */
        sbuf_byte(sb, (char)c);
    else
        sbuf_mem(sb, escape, sizeof(escape));
}

void dname_put_visible(struct sbuf *sb, const struct dname *d)
{
    size_t i = 0;

    if (d->len == 1)
        sbuf_byte(sb, '.');
    while (i + 1 < d->len) {
        size_t end = dname_next(d, i);

        if (i > 0)
            sbuf_byte(sb, '.');
        for (i++; i < end; i++)
            put_octet(sb, d->wire[i]);
    }
}

void dname_put_query(struct sbuf *sb, const struct dname *d)
{
    dname_put_visible(sb, d);
    if (d->len > 1)
        sbuf_byte(sb, '.');
}

uint64_t dname_hash(const struct dname *d, const struct hash_key *key)
{
    return hash_octets(key, d->wire, d->len);
}
