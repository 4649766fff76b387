/* What the proofs of those who use names assume of dname.c: what is proven of it by the driver
 * dname, and no more. It reads a message or a text within its bounds, and makes a name of any
 * octets.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "value/dname.h"
#include "prove.h"

/* Fails the proof unless all of p can be read. */
static void read_all(const void *p, size_t n)
{
    const uint8_t *octets = p;

    if (n > 0)
        Frama_C_show_each_read(octets[0], octets[n - 1]);
}

static bool any_name(struct dname *d)
{
    any_octets(d->wire, sizeof(d->wire));
    d->len = (uint8_t)any_size(1, DNAME_MAX);
    return any_bool();
}

bool dname_from_wire(struct dname *d, const uint8_t *p, size_t n)
{
    read_all(p, n);
    return any_name(d);
}

bool dname_from_message(struct dname *d, const uint8_t *msg, size_t n, size_t *at)
{
    size_t end;

    read_all(msg, n);
    if (!any_name(d) || *at >= n)
        return false;
    end = any_size(0, n);
    if (end <= *at)
        return false;
    *at = end;
    return true;
}

bool dname_from_text(struct dname *d, const char *s, size_t n)
{
    read_all(s, n);
    return any_name(d);
}

void dname_reverse(struct dname *d, const struct addr *a)
{
    read_all(a, sizeof(*a));
    any_name(d);
}

bool dname_equal(const struct dname *a, const struct dname *b)
{
    read_all(a, sizeof(*a));
    read_all(b, sizeof(*b));
    return any_bool();
}

int dname_compare(const struct dname *a, const struct dname *b)
{
    read_all(a, sizeof(*a));
    read_all(b, sizeof(*b));
    return Frama_C_interval(-1, 1);
}

bool dname_is_host(const struct dname *d)
{
    read_all(d, sizeof(*d));
    return any_bool();
}

unsigned dname_labels(const struct dname *d)
{
    read_all(d, sizeof(*d));
    return (unsigned)any_size(0, DNAME_MAX / 2);
}

size_t dname_left_of_registrable(const struct dname *d)
{
    read_all(d, sizeof(*d));
    return any_size(0, d->len - 1u);
}

bool dname_is_registrable(const struct dname *d)
{
    return dname_is_host(d);
}

bool dname_same_registrable(const struct dname *a, const struct dname *b)
{
    return dname_equal(a, b);
}

void dname_put(struct sbuf *sb, const struct dname *d)
{
    read_all(d, sizeof(*d));
    sbuf_str(sb, any_bool() ? "a" : "any.name.example");
}

uint64_t dname_hash(const struct dname *d, const struct hash_key *key)
{
    read_all(d, sizeof(*d));
    read_all(key, sizeof(*key));
    return any_size(0, SIZE_MAX);
}
