/* One line of a mail log: bytes in, one event out; no memory, no clock. Lines are hostile input:
 * names, HELO and addresses in them were chosen by the clients.
 *
 * Known: the programs of forms.h and our own records, each with a stamp of stamp.h, or in the form
 * of RFC 5424.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_LOG_LINE_H
#define IPREV_LOG_LINE_H

#include "check/log/event.h"

/* s[0..n): a line without its end. True when the kind is not LOG_NOTHING. */
bool logline_read(struct log_event *e, const char *s, size_t n);

#endif
