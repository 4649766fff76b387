/* Values as JSON. All texts are made visible, so they are ASCII.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CHECK_JSON_H
#define IPREV_CHECK_JSON_H

#include "value/addr.h"
#include "value/findings.h"

#include <jansson.h>

json_t *json_findings(findings found);
json_t *json_addr(const struct addr *a);

/* Foreign octets made visible, at most 256 of them; s NULL: null. */
json_t *json_visible(const char *s, size_t n);

#endif
