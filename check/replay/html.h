/* Charts of the report's page.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_REPLAY_HTML_H
#define IPREV_REPLAY_HTML_H

#include "check/html.h"
#include "check/replay/judged.h"

void cell_number(FILE *out, uint64_t n);
void cell_fate(FILE *out, unsigned kind);

/* Sections with a table of clients. */
void page_lost(const struct judged *j, FILE *out);
void page_put_off(const struct judged *j, FILE *out);
void page_clients(const struct judged *j, FILE *out);

void chart_fates(const struct judged *j, FILE *out);
void chart_causes(const struct judged *j, FILE *out);
void chart_timeline(const struct judged *j, FILE *out);

#endif
