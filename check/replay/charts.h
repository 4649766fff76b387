/* The charts of the HTML report.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CHARTS_H
#define IPREV_CHARTS_H

#include "check/replay/judged.h"

void chart_fates(const struct judged *j, FILE *out);
void chart_causes(const struct judged *j, FILE *out);
void chart_timeline(const struct judged *j, FILE *out);

#endif
