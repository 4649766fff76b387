/* Lines of a file, plain or gzip.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_INPUT_H
#define IPREV_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INPUT_LINE_MAX 65536 /* of a longer line only the beginning is given */

struct input {
    const char *what;                                 /* file name, "-": standard input */
    void (*line)(void *arg, const char *s, size_t n); /* without its end */
    void *arg;
    /* Called now and then: octets of all files so far, as they lie there, or of
     * text. Or NULL. */
    void (*reached)(void *progress, uint64_t read, uint64_t text);
    void *progress;
    bool quiet;                /* about what is wrong with the file */
    bool enough;               /* set by `line`: no more of this file */
    uint64_t before;           /* octets of the files before */
    uint64_t octets;           /* out: of text */
};

/* Gives each line. False, with the reason on standard error, when the file cannot be opened or
 * read to its end. */
bool input_lines(struct input *in);

/* Octets of the files that are plain files; 0 when one is not. */
uint64_t input_size(int files, char *const *file);

#endif
