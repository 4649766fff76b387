/* What the proofs assume of libpsl: the registrable domain is a tail of the name, or NULL.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "prove.h"
#include <libpsl.h>

const psl_ctx_t *psl_builtin(void)
{
    return NULL;
}

const char *psl_registrable_domain(const psl_ctx_t *psl, const char *domain)
{
    (void)psl;
    while (*domain != '\0' && any_bool())
        domain++;
    return any_bool() ? domain : NULL;
}
