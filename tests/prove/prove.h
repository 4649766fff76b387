/* What the drivers feed: values of which Eva knows nothing but the bounds.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_PROVE_H
#define IPREV_PROVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "__fc_builtin.h"

static inline void any_octets(void *p, size_t n)
{
    Frama_C_make_unknown(p, n);
}

static inline size_t any_size(size_t low, size_t high)
{
    return Frama_C_size_t_interval(low, high);
}

static inline bool any_bool(void)
{
    return Frama_C_interval(0, 1) != 0;
}

#endif
