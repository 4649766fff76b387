/* What the proofs know of libpsl: a registrable domain is a tail of the name, or there is none.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_PROVE_LIBPSL_H
#define IPREV_PROVE_LIBPSL_H

typedef struct psl_ctx psl_ctx_t;

const psl_ctx_t *psl_builtin(void);
const char *psl_registrable_domain(const psl_ctx_t *psl, const char *domain);

#endif
