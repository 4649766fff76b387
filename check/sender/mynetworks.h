/* Postfix's mynetworks beside the exemptions of the configuration.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_MYNETWORKS_H
#define IPREV_SENDER_MYNETWORKS_H

#include "conf/settings.h"

/* Writes a line to err for each network in the text that is not exempt. The text is what postconf
 * prints: entries with commas or spaces between, IPv6 in brackets. Tables and exclusions (!) are
 * ignored. */
void mynetworks_compare(const struct settings *s, const char *text, FILE *err);

/* The same with what `postconf` says here; nothing without it. */
void mynetworks_note(const struct settings *s, FILE *err);

#endif
