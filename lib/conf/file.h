/* Configuration files, read whole before anything is parsed, so that no special file, endless
 * file or directory reaches the parser.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CONF_FILE_H
#define IPREV_CONF_FILE_H

#include "conf/fault.h"

#include <stddef.h>

#define FILE_BYTES_MAX 1048576
#define FILE_MORE_MAX  256 /* files in FILE.d */

/* The octets, a newline when they end without, and a NUL with so much room after it; *n counts all
 * but the NUL. To be freed; NULL: reported, or missing where that is allowed. */
char *file_text(struct faults *rd, const char *file, bool may_miss, size_t room, size_t *n);

/* Paths of FILE.d/...conf in the order of names, to be freed with file_more_free. Their number;
 * -1 when there is no such directory, or when it cannot be read: reported. */
int file_more(struct faults *rd, const char *file, char ***more);
void file_more_free(char **more, int n);

#endif
