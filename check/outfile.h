/* A file written for people, such as a page: it never destroys something else.
 *
 * What has the name already is replaced only when it is a plain file that begins with `mark`, as
 * all that the program writes there does. No link is followed. The text goes to a new file beside
 * it, readable by the owner and the group, which takes the name when all of it is written.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_OUTFILE_H
#define IPREV_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>

struct outfile {
    const char *name;
    FILE *out;
    char *beside; /* the new file */
};

/* May the name be written to? False, with the reason on standard error, when not. */
bool outfile_allowed(const char *name, const char *mark);

/* The same, and o->out to write to. */
bool outfile_open(struct outfile *o, const char *name, const char *mark);

/* Puts the file in its place when good, else drops it. False, with the reason on standard error,
 * when it is not in its place. */
bool outfile_close(struct outfile *o, bool good);

#endif
