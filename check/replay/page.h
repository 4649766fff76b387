/* The parts of the HTML report.
 *
 * The page stands alone: style and script are in it, nothing is fetched, and its
 * Content-Security-Policy allows just these two by hash. All that comes from a log is made
 * visible and escaped, and is never part of script or style.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_PAGE_H
#define IPREV_PAGE_H

#include "check/replay/judged.h"

/* page_assets.c. The hashes are of the texts, as "sha256-..."; a test compares. */
extern const char page_style[], page_style_hash[];
extern const char page_script[], page_script_hash[];

/* Text with & < > " ' escaped; anything but printable ASCII becomes `?`. */
void html_text(FILE *out, const char *s);

/* The same, with places to break a line behind each dot, comma and colon. */
void html_breaking(FILE *out, const char *s);

/* Foreign octets: made visible, then escaped. */
void html_visible(FILE *out, const char *s, size_t n);

/* "1 234 567" */
void html_number(FILE *out, uint64_t n);

/* page_charts.c */
void chart_fates(const struct judged *j, FILE *out);
void chart_causes(const struct judged *j, FILE *out);
void chart_timeline(const struct judged *j, FILE *out);

#endif
