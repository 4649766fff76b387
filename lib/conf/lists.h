/* Exempt lists: files of clients, one a line, `CLIENT [until YYYY-MM-DD] [# comment]`.
 *
 * CLIENT is an address, a network, a host name or .domain; `until` is the last day, UTC.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CONF_LISTS_H
#define IPREV_CONF_LISTS_H

#include "conf/fault.h"
#include "judge/exempt.h"

#define LIST_LINE_MAX    1024    /* octets, without the end of line */
#define LIST_CLIENTS_MAX 1000000 /* in all files */

/* Adds what stands in the files; faults are reported as "FILE:LINE: what is wrong", and clients
 * whose last day is over in one note for each file. lists_sort comes behind the last. */
void lists_read(struct faults *rd, const struct name_list *files, struct exempt_list *out);

/* One file, under this name. now: seconds since 1970. */
void lists_read_from(struct faults *rd, const char *file, FILE *in, int64_t now,
                     struct exempt_list *out);
void lists_sort(struct exempt_list *l);

void lists_free(struct exempt_list *l);

#endif
