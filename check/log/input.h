/* Lines of a file, plain or gzip.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_LOG_INPUT_H
#define IPREV_LOG_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INPUT_LINE_MAX 65536 /* of a longer line only the beginning is given */

struct log_file {
    const char *what;                                 /* file name, "-": standard input */
    void (*line)(void *arg, const char *s, size_t n); /* without its end */
    void (*went_on)(void *arg);                       /* after every megabyte, or NULL */
    void *arg;
    bool quiet;      /* about what is wrong with the file */
    bool enough;     /* set by `line`: no more of this file */
    uint64_t read;   /* out: octets as they lie in the file */
    uint64_t octets; /* out: octets of text */
};

/* Gives each line. False, with the reason on standard error, when the file cannot be opened or
 * read to its end. */
bool log_file_lines(struct log_file *f);

/* Octets of the files that are plain files; 0 when one is not. */
uint64_t log_file_sizes(int files, char *const *file);

#endif
