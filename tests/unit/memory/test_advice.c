/* What to do about a Redis that cannot be used: rows that no test of a real one reaches
 * (test_memory_faults has the others).
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/memory/memory_shared.h"

#include "memory/advice.h"

Test(advice, redis)
{
    static const struct {
        const char *said, *advice;
    } row[] = {
        {"No route to host", ": correct memory.store, or open the firewall"},
        {"Connection timed out", ": correct memory.store, or open the firewall"},
        {"Permission denied", ": give the user of iprev-milter access to its socket"},
        {"No address associated with hostname", ": correct the host in memory.store"},
        {"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
         ": set memory.store to the primary server"},
        {"MOVED 9189 192.0.2.1:6379", ": set memory.store to a server that is not a cluster"},
        {"CROSSSLOT Keys in request don't hash to the same slot",
         ": set memory.store to a server that is not a cluster"},
        {"LOADING Redis is loading the dataset in memory", ""},
        {"Server closed the connection", ""},
        {"NOAUT", ""},
        {"Protocol error, got \"2\" as reply type byte", ": memory.store must name a Redis server"},
        {"no answer in time", ": see whether it, its machine or the network is overloaded"},
        {"", ""},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++)
        cr_expect_str_eq(redis_advice(row[i].said), row[i].advice, "%s", row[i].said);
}
