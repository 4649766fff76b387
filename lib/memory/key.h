/* The secret with which senders and recipients are hashed, and the name of a store.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_MEMORY_KEY_H
#define IPREV_MEMORY_KEY_H

#include "memory/options.h"
#include "value/hash.h"

#include <stddef.h>

/* Reads the key: 32 hexadecimal digits in the file of the options, or beside the SQLite store.
 * Where there is none yet it is made there (0600). False with the reason in err. */
bool memory_key_load(const struct memory_options *o, struct hash_key *key, char *err,
                     size_t errlen);

#endif
