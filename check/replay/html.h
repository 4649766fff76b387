/* Pieces of the HTML report. Texts are escaped, so that nothing of a log becomes markup.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_HTML_H
#define IPREV_HTML_H

#include "check/replay/judged.h"

#include <stdio.h>

/* Text with & < > " ' escaped; anything but printable ASCII becomes `?`. */
void html_text(FILE *out, const char *s);

/* The same, with places to break a line after each dot, comma and colon. */
void html_breaking(FILE *out, const char *s);

/* Foreign octets: made visible, then escaped. Of 256 and more the beginning, and an
 * ellipsis: clients keep no more of a HELO. */
void html_visible(FILE *out, const char *s, size_t n);

/* "1 234 567" */
void html_number(FILE *out, uint64_t n);

/* " (12.5 %)"; nothing when `of` is 0. */
void html_share(FILE *out, uint64_t n, uint64_t of);

void cell_number(FILE *out, uint64_t n);
void cell_fate(FILE *out, unsigned kind);

/* Sections with a table of clients. */
void page_lost(const struct judged *j, FILE *out);
void page_put_off(const struct judged *j, FILE *out);
void page_clients(const struct judged *j, FILE *out);

void chart_fates(const struct judged *j, FILE *out);
void chart_causes(const struct judged *j, FILE *out);
void chart_timeline(const struct judged *j, FILE *out);

/* style.css and script.js as strings, made by the build (embed), and what the
 * Content-Security-Policy calls them: "sha256-...". */
extern const char page_style[], page_style_hash[];
extern const char page_script[], page_script_hash[];

#endif
