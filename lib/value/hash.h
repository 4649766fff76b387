/* The one hash of the tree: SipHash-2-4 (Aumasson and Bernstein 2012) of any octets.
 *
 * With a key that nobody knows, nobody can choose addresses or names that meet in a table.
 * With hash_fixed the value is the same on every machine and in every run: for what must
 * stay, such as the share of clients that a rule takes.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_VALUE_HASH_H
#define IPREV_VALUE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t word[2];
};

extern const struct hash_key hash_fixed;

uint64_t hash_octets(const struct hash_key *key, const void *data, size_t n);

#endif
