/* Faults of a configuration as lines of text: "FILE:LINE: KEY: what is wrong".
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CONF_FAULT_H
#define IPREV_CONF_FAULT_H

#include <stdbool.h>
#include <stdio.h>

#define KEY_SHOWN_MAX 128 /* "resolver.deadline", "rules.NAME.action" */

/* One run of settings_read. */
struct faults {
    FILE *err;
    unsigned faults;
    bool out_of_memory;
};

/* Writes a line, and counts it unless it begins with "note: ". file NULL, line 0 and key NULL leave
 * those parts out. What is not printable ASCII goes out as \xHH. */
__attribute__((format(printf, 5, 6))) void conf_fault(struct faults *rd, const char *file, int line,
                                                      const char *key, const char *fmt, ...);

#endif
