/* What to do about a file that cannot be used: see advice.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "memory/advice.h"

#include <errno.h>

const char *memory_advice(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return ": the user of iprev-milter must own the file and its directory";
    case EROFS:
        return ": mount it writable";
    case ENOENT:
        return ": create the directory above it";
    case ENOSPC:
    case EDQUOT:
        return ": free some space";
    default:
        return "";
    }
}
