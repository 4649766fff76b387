/* Who opens a store: see store.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "memory/options.h"
#include "memory/store.h"

#include <stdio.h>
#include <string.h>

struct store *store_open(const struct memory_options *o, const struct store_bounds bounds[TABLES],
                         enum store_use use, char *err, size_t errlen)
{
    struct memory_endpoint e;
    struct store *s = NULL;

    if (!memory_endpoint(&e, o->store))
        snprintf(err, errlen, "\"%s\" is no store", o->store);
    else if (e.sqlite_path[0] != '\0')
        s = store_open_sqlite(e.sqlite_path, use, err, errlen);
    else
#ifdef HAVE_HIREDIS
        s = store_open_redis(o, use, err, errlen);
#else
        snprintf(err, errlen, "this build has no Redis: it was configured without hiredis");
#endif
    if (s != NULL)
        memcpy(s->bounds, bounds, sizeof s->bounds);
    return s;
}
