/* The sender's report as one page that stands alone, for the wall and for the provider.
 *
 * Made of the JSON report (see iprev-check(1)), so that page and --json cannot differ. All texts
 * of the report are escaped.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_PAGE_H
#define IPREV_SENDER_PAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* now: seconds since 1970. False when it cannot be written. */
bool sender_page(const json_t *report, int64_t now, FILE *out);

/* Part of it, an SVG picture: the address, its PTR names, what they resolve to, and the HELO name.
 * Each step has a sign, so that it reads without colour. */
void picture_draw(const json_t *client, FILE *out);

/* The member of this name as text; "" when it is none. */
const char *page_string(const json_t *object, const char *name);

#endif
