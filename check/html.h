/* Pieces of HTML pages. Texts are escaped, so that nothing foreign becomes markup.
 *
 * A page needs nothing else: style and script are in it, nothing is fetched, and its
 * Content-Security-Policy allows just these by hash.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_HTML_H
#define IPREV_HTML_H

#include <stdint.h>
#include <stdio.h>

/* How a page of ours begins. */
#define PAGE_MARK                                                                                  \
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"                      \
    "<meta name=\"generator\" content=\"iprev-check"

/* A style or script as a string, made by the build (embed), and what the policy calls it:
 * "sha256-...". */
struct page_part {
    const char *text, *hash;
};

extern const struct page_part page_style, page_script; /* of replay */
extern const struct page_part sender_style;

/* From the mark to <body>. command: after "iprev-check "; script: NULL for none. */
void html_head(FILE *out, const char *command, const char *title, const struct page_part *style,
               const struct page_part *script);

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

#endif
