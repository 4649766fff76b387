/* Style and script of the page: style.css and script.js as strings, made by the build (embed), and
 * what the Content-Security-Policy calls them: "sha256-...".
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_EMBEDDED_H
#define IPREV_EMBEDDED_H

extern const char page_style[], page_style_hash[];
extern const char page_script[], page_script_hash[];

#endif
