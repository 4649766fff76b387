/* What to do about a store that cannot be used: see advice.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "memory/advice.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

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

/* By the beginning of what was said. What heals by itself (LOADING) has none. */
static const struct {
    const char *said, *advice;
} redis_row[] = {
    {"Connection refused", ": start it, or correct memory.store"},
    {"No such file or directory", ": start it, or correct memory.store"},
    {"Permission denied", ": give the user of iprev-milter access to its socket"},
    {"Connection timed out", ": correct memory.store, or open the firewall"},
    {"No route to host", ": correct memory.store, or open the firewall"},
    {"Name or service not known", ": correct the host in memory.store"},
    {"No address associated with hostname", ": correct the host in memory.store"},
    {"Protocol error", ": memory.store must name a Redis server"},
    {"no answer in time", ": see whether it, its machine or the network is overloaded"},
    {"NOAUTH", ": set memory.password-file"},
    {"WRONGPASS", ": put its password into memory.password-file"},
    {"ERR AUTH", ": remove memory.password-file"},
    {"ERR DB index", ": correct the database in memory.store"},
    {"NOPERM", ": let this user of Redis use all commands on the keys iprev:*"},
    {"READONLY", ": set memory.store to the primary server"},
    {"MASTERDOWN", ": set memory.store to the primary server"},
    {"MOVED", ": set memory.store to a server that is not a cluster"},
    {"CROSSSLOT", ": set memory.store to a server that is not a cluster"},
    {"OOM", ": raise its maxmemory"},
    {"MISCONF", ": its log says why it cannot save"},
    {"BUSY", ": end the script with SCRIPT KILL"},
    {"WRONGTYPE", ": another program uses keys iprev:*; set memory.store to another database"},
};

const char *redis_advice(const char *said)
{
    size_t i;

    for (i = 0; i < sizeof redis_row / sizeof redis_row[0]; i++)
        if (strncmp(said, redis_row[i].said, strlen(redis_row[i].said)) == 0)
            return redis_row[i].advice;
    return "";
}
